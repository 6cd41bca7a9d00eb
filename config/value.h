/*
 * Texts into values. Pure; each returns false, and leaves *value alone, when the text is no
 * such value or is out of range.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* The decimals that a fraction may have: value_fraction() and printing lose nothing. */
enum { VALUE_DECIMALS = 9 };

/* Decimal digits only: no sign but '-', no exponent, no leading zeros (octal in YAML 1.1). */
bool value_integer(const char *text, int64_t minimum, int64_t maximum, int64_t *value);
/* 0 to 1 as digits with a point, whatever the locale: 0, 1, 0.25, .5 */
bool value_fraction(const char *text, double *value);
/* true, yes, on, false, no, off, in any case (YAML 1.1). */
bool value_boolean(const char *text, bool *value);
/* The place of the text in a list that NULL ends. */
bool value_choice(const char *text, const char *const *choices, unsigned *value);

/* Takes the next word, a run of bytes without white space, off *text. Returns its length, 0 at
 * the end; *word is where it begins. */
int value_word(const char **text, const char **word);

/* The word of a list (NULL ends it) that `word` is a likely misspelling of, or NULL. */
const char *value_nearest(const char *word, const char *const *words);

#endif
