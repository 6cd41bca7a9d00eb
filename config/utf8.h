/*
 * Characters of a UTF-8 text (RFC 3629).
 */
#ifndef CONFIG_UTF8_H
#define CONFIG_UTF8_H

#include <stdint.h>

/* Decodes the character that `text` begins with. Returns its length in bytes, 0 when it is
 * none: the end of the text, a byte out of place, an overlong form, a surrogate. */
int utf8_decode(const char *text, uint32_t *character);

#endif
