/* Texts into values. See value.h. */
#include "config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"
#define SPACES " \t\r\n"

bool
value_integer(const char *text, int64_t minimum, int64_t maximum, int64_t *value)
{
	const char *digits = text + (text[0] == '-');
	size_t length = strspn(digits, DIGITS);
	if (length == 0 || digits[length] || (digits[0] == '0' && length > 1))
		return false;
	errno = 0;
	long long number = strtoll(text, NULL, 10);
	if (errno || number < minimum || number > maximum)
		return false;
	*value = number;
	return true;
}

bool
value_fraction(const char *text, double *value)
{
	size_t whole = strspn(text, DIGITS);
	const char *point = text + whole;
	size_t decimals = *point == '.' ? strspn(point + 1, DIGITS) : 0;
	if (whole + decimals == 0 || whole > 1 || decimals > VALUE_DECIMALS ||
		point[*point == '.' ? decimals + 1 : 0])
		return false;
	/* Whole numbers below 2^53, so the division is as exact as strtod(3), which would look
	 * for the locale's point. */
	double digits = whole ? text[0] - '0' : 0, scale = 1;
	for (size_t i = 1; i <= decimals; i++) {
		digits = digits * 10 + (point[i] - '0');
		scale *= 10;
	}
	if (digits > scale)
		return false;
	*value = digits / scale;
	return true;
}

bool
value_boolean(const char *text, bool *value)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcasecmp(text, words[i]) != 0)
			continue;
		*value = i % 2;
		return true;
	}
	return false;
}

bool
value_choice(const char *text, const char *const *choices, unsigned *value)
{
	for (unsigned i = 0; choices[i]; i++) {
		if (strcmp(text, choices[i]) != 0)
			continue;
		*value = i;
		return true;
	}
	return false;
}

int
value_word(const char **text, const char **word)
{
	*word = *text + strspn(*text, SPACES);
	size_t length = strcspn(*word, SPACES);
	*text = *word + length;
	return (int)length;
}

enum { WORD_MAX = 32 }; /* bytes of a word that is worth a guess */

static size_t
smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;
	return least < c ? least : c;
}

/* How many letters must be put in, left out, changed or swapped with their neighbour to get
 * from `a` to `b` (optimal string alignment). Both are at most WORD_MAX long. */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[WORD_MAX + 1][WORD_MAX + 1] = { { 0 } };
	size_t a_length = strlen(a), b_length = strlen(b);
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		rows[i][0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			rows[i][j] = smallest(rows[i - 1][j] + 1, rows[i][j - 1] + 1,
				rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				rows[i - 2][j - 2] + 1 < rows[i][j])
				rows[i][j] = rows[i - 2][j - 2] + 1;
		}
	}
	return rows[a_length][b_length];
}

/* The steps from `word` to `other`; the part of a name ("retries") is as near as can be. */
static size_t
misspelled_by(const char *word, const char *other)
{
	if (strlen(word) > 3 && strstr(other, word))
		return 0;
	return strlen(other) > WORD_MAX ? WORD_MAX : distance(word, other);
}

const char *
value_nearest(const char *word, const char *const *words)
{
	const char *nearest = NULL;
	size_t length = strlen(word);
	size_t best = length / 3 + 1; /* so far away it is another word */
	if (length > WORD_MAX)
		return NULL;
	for (; *words; words++) {
		size_t steps = misspelled_by(word, *words);
		if (steps >= best)
			continue;
		best = steps;
		nearest = *words;
	}
	return nearest;
}
