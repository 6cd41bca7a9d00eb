/* Cutting texts. See text.h. */
#include "engine/text.h"

#include <stdbool.h>

/* 10xxxxxx: a byte inside a character (RFC 3629). */
static bool
continues(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t
text_cut(const char *text, size_t size, size_t max)
{
	if (size <= max)
		return size;
	size_t length = max;
	/* A character has at most three such bytes; its first one is not kept without them. */
	for (int back = 0; back < 3 && length > 0 && continues(text[length]); back++)
		length--;
	return continues(text[length]) ? max : length;
}
