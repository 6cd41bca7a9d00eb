/* Quoting. See quote.h. */
#include "config/quote.h"

#include <string.h>

#include "config/utf8.h"
#include "config/value.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Can the text stand as it is? Then it also looks like nothing but a text to any YAML reader.
 */
static bool
is_plain(const char *text)
{
	static const char *const words[] = { "null", "Null", "NULL", "y", "Y", "n", "N", NULL };
	bool boolean;
	unsigned choice;
	return *text && strspn(text, LETTERS "/") > 0 &&
	       !text[strspn(text, LETTERS "0123456789_./-")] &&
	       !value_boolean(text, &boolean) && !value_choice(text, words, &choice);
}

/* Is it none of YAML's printable characters, or one of its line breaks beyond ASCII? */
static bool
needs_escape(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0) ||
	       character == 0x2028 || character == 0x2029 || character == 0xfeff ||
	       character == 0xfffe || character == 0xffff;
}

int
quote_print(const char *text, FILE *out)
{
	if (is_plain(text))
		return fprintf(out, "%s", text);
	int printed = fprintf(out, "\"");
	uint32_t character, before = 0;
	for (int length; (length = utf8_decode(text, &character)) > 0; text += length) {
		if (needs_escape(character) || (before == '$' && character == '{'))
			printed += fprintf(out, "\\u%04x", (unsigned)character);
		else if (character == '"' || character == '\\')
			printed += fprintf(out, "\\%c", (int)character);
		else
			printed += fprintf(out, "%.*s", length, text);
		before = character;
	}
	return printed + fprintf(out, "\"");
}
