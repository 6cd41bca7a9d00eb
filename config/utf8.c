/* UTF-8. See utf8.h. */
#include "config/utf8.h"

/* A character of so many bytes begins with `lead` under `mask`, and is at least `minimum`. */
static const struct form {
	unsigned char mask, lead;
	uint32_t minimum;
} forms[] = {
	{ 0x80, 0x00, 0x1 },
	{ 0xe0, 0xc0, 0x80 },
	{ 0xf0, 0xe0, 0x800 },
	{ 0xf8, 0xf0, 0x10000 },
};

int
utf8_decode(const char *text, uint32_t *character)
{
	const unsigned char *bytes = (const unsigned char *)text;
	int length = 1;
	while (length <= 4 && (bytes[0] & forms[length - 1].mask) != forms[length - 1].lead)
		length++;
	if (length > 4)
		return 0;
	uint32_t value = bytes[0] & (unsigned char)~forms[length - 1].mask;
	for (int i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	if (value < forms[length - 1].minimum || value > 0x10ffff || (value >> 11) == 0x1b)
		return 0;
	*character = value;
	return length;
}
