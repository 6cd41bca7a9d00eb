/* ${NAME:default}, masked before the parser and replaced after it. See expand.h. */
#include "config/expand.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/utf8.h"

enum {
	VARIABLE_MAX = 4096, /* bytes of ${...}; longer ones are plain text */
	MASK_SIZE = 4        /* bytes of a masked character */
};

/* The length of the ${NAME} or ${NAME:default} that `text` begins with, or 0. */
static size_t
variable_length(const char *text, size_t length)
{
	if (length < 4 || memcmp(text, "${", 2) != 0)
		return 0;
	const char *end = text + (length < VARIABLE_MAX ? length : VARIABLE_MAX),
		   *in = text + 2;
	while (in < end && (*in == '_' || isalnum((unsigned char)*in)))
		in++;
	if (in == text + 2 || in == end || (*in != ':' && *in != '}'))
		return 0;
	while (in < end && *in != '}' && (unsigned char)*in >= ' ')
		in++;
	return in < end && *in == '}' ? (size_t)(in - text) + 1 : 0;
}

/* Masks one byte at `out`; returns what follows it. Bytes of longer characters stay. */
static char *
mask_byte(char *out, unsigned char byte)
{
	if (byte >= 0x80) {
		*out = (char)byte;
		return out + 1;
	}
	const char masked[MASK_SIZE] = { '\xf3', '\xb0', (char)(0x80 | byte >> 6),
		(char)(0x80 | (byte & 0x3f)) };
	return (char *)memcpy(out, masked, MASK_SIZE) + MASK_SIZE;
}

char *
expand_mask(const char *text, size_t length, size_t *masked_length)
{
	char *masked = malloc(length * MASK_SIZE + 1);
	if (!masked)
		return NULL;
	char *out = masked;
	for (size_t i = 0, end = 0; i < length; i++) {
		if (i >= end)
			end = i + variable_length(text + i, length - i);
		if (i < end)
			out = mask_byte(out, (unsigned char)text[i]);
		else
			*out++ = text[i];
	}
	*out = '\0';
	*masked_length = (size_t)(out - masked);
	return masked;
}

/* The character that is masked at `text`, or -1. A NUL ends every text, so this reads no
 * further. */
static int
unmask(const char *text)
{
	if (memcmp(text, "\xf3\xb0", 2) != 0 || ((unsigned char)text[2] & 0xfe) != 0x80)
		return -1;
	return ((unsigned char)text[2] & 1) << 6 | ((unsigned char)text[3] & 0x3f);
}

/* Unmasks the variable at `text` (at its "${") into `inside`, without "${" and "}". Returns
 * what follows it. */
static const char *
unmask_variable(const char *text, const char *end, char inside[static VARIABLE_MAX])
{
	size_t length = 0;
	text += 2 * (size_t)MASK_SIZE;
	while (text < end && length < VARIABLE_MAX - 1) {
		int character = unmask(text);
		inside[length] = *text;
		if (character >= 0)
			inside[length] = (char)character;
		text += character < 0 ? 1 : MASK_SIZE;
		if (character == '}')
			break;
		length++;
	}
	inside[length] = '\0';
	return text;
}

static bool
is_utf8(const char *text)
{
	uint32_t character;
	for (int length; (length = utf8_decode(text, &character)) > 0;)
		text += length;
	return *text == '\0';
}

/* Writes the value of the variable whose inside is given: NAME, or NAME:default. */
static void
write_value(char *inside, FILE *out, expand_problem_fn *problem, void *context)
{
	char *fallback = strchr(inside, ':');
	if (fallback)
		*fallback++ = '\0';
	const char *value = getenv(inside);
	if (!value)
		value = fallback;
	if (!value)
		problem(context, inside, "is not set and has no default");
	else if (!is_utf8(value))
		problem(context, inside, "is not valid UTF-8");
	else
		(void)fputs(value, out); /* checked when the stream is closed */
}

char *
expand_text(const char *masked, size_t length, bool *expanded, expand_problem_fn *problem,
	void *context)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	*expanded = false;
	for (const char *in = masked, *end = masked + length; in < end;) {
		if (unmask(in) != '$' || unmask(in + MASK_SIZE) != '{') {
			(void)fputc(*in++, out); /* checked when the stream is closed */
			continue;
		}
		char inside[VARIABLE_MAX];
		in = unmask_variable(in, end, inside);
		write_value(inside, out, problem, context);
		*expanded = true;
	}
	bool failed = ferror(out);
	if (fclose(out) == 0 && !failed)
		return text;
	free(text);
	return NULL;
}
