/* The table of keys as the manual has it. */
#include <errno.h>

#include "config/keys.h"

/* A text inside a line of mdoc(7), where a bare '~' comes out as an accent. Errors of the
 * stream are seen at the end, by ferror(3). */
static void
print_escaped(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '~')
			(void)fputs("\\(ti", out);
		else
			(void)fputc(*text, out);
	}
}

static void
print_key(const struct key *key, FILE *out)
{
	(void)fprintf(out, ".It Cm %s\nExpects %s.\n", key->name, key_range(key).text);
	if (key->fallback || key->fallback_note)
		(void)fputs("The default is ", out);
	if (key->fallback)
		print_escaped(key->fallback, out);
	if (key->fallback_note)
		(void)fprintf(out, "%s%s", key->fallback ? ", " : "", key->fallback_note);
	if (key->fallback || key->fallback_note)
		(void)fputs(".\n", out);
	(void)fprintf(out, "%s\n", key->help);
}

int
config_print_keys(FILE *out)
{
	for (const struct key *key = keys; key < keys + KEY_COUNT; key++)
		print_key(key, out);
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
