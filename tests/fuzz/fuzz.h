/*
 * What the fuzz targets share. A target is one file, fuzz_NAME.c, that defines
 * LLVMFuzzerTestOneInput() (https://llvm.org/docs/LibFuzzer.html) and asserts what has to hold
 * of any input. Beside it may lie fuzz_NAME.dict, words of its language, and fuzz_NAME.seeds/,
 * inputs to begin with.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/utf8.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input, taken from the front. What is missing at its end is 0 and "". */
struct input {
	const uint8_t *at;
	size_t size;
};

static inline uint64_t
input_number(struct input *input)
{
	uint64_t number = 0;
	size_t size = input->size < sizeof number ? input->size : sizeof number;
	if (size > 0)
		memcpy(&number, input->at, size);
	input->at += size;
	input->size -= size;
	return number;
}

/* `size` bytes of memory of their own, so that reading past them is seen; and a NUL if `text`. */
static inline char *
input_copy(struct input *input, size_t size, bool text)
{
	char *copy = malloc(size + text);
	assert(copy || size + text == 0);
	if (size > 0)
		memcpy(copy, input->at, size);
	if (text)
		copy[size] = '\0';
	return copy;
}

/* What comes before the next NUL, and no more than `max` bytes of it. The caller frees it. */
static inline char *
input_text(struct input *input, size_t max)
{
	size_t length = input->size ? strnlen((const char *)input->at, input->size) : 0;
	size_t taken = length < input->size ? length + 1 : length;
	char *text = input_copy(input, length < max ? length : max, true);
	input->at += taken;
	input->size -= taken;
	return text;
}

static inline bool
is_utf8(const char *text)
{
	uint32_t character;
	for (int length; (length = utf8_decode(text, &character)) > 0;)
		text += length;
	return *text == '\0';
}

#endif
