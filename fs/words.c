/* Verdicts in words. See words.h. */
#include "fs/words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "engine/text.h"

/* What is left to read, or a word of it. */
struct span {
	const char *at;
	size_t size;
};

/* What may follow a verdict. */
static const struct form {
	const char *word;
	bool delay, reason;
} forms[] = {
	[VERDICT_DONE] = { .word = "done" },
	[VERDICT_RETRY] = { .word = "retry", .delay = true, .reason = true },
	[VERDICT_DEAD] = { .word = "dead", .reason = true },
	[VERDICT_RELEASE] = { .word = "release", .delay = true },
};

static const struct unit {
	const char *word;
	int64_t ms;
} units[] = {
	{ .word = "ms", .ms = 1 },
	{ .word = "s", .ms = 1000 },
	{ .word = "m", .ms = INT64_C(60) * 1000 },
	{ .word = "h", .ms = INT64_C(60) * 60 * 1000 },
	{ .word = "d", .ms = INT64_C(24) * 60 * 60 * 1000 },
};

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static struct span
span_skip(struct span span, size_t count)
{
	return (struct span){ .at = span.at + count, .size = span.size - count };
}

/* The span without blanks at its ends. */
static struct span
span_trim(struct span span)
{
	while (span.size > 0 && is_blank(span.at[0]))
		span = span_skip(span, 1);
	while (span.size > 0 && is_blank(span.at[span.size - 1]))
		span.size--;
	return span;
}

static bool
span_is(struct span span, const char *word)
{
	return span.size == strlen(word) && memcmp(span.at, word, span.size) == 0;
}

/* Takes the word that the rest begins with, up to a blank, a colon or the end. */
static struct span
word_take(struct span *rest)
{
	struct span word = { .at = rest->at, .size = 0 };
	while (word.size < rest->size && !is_blank(word.at[word.size]) &&
		word.at[word.size] != ':')
		word.size++;
	*rest = span_trim(span_skip(*rest, word.size));
	return word;
}

static const struct form *
verdict_take(struct span *rest)
{
	struct span word = word_take(rest);
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (span_is(word, forms[i].word))
			return &forms[i];
	return NULL;
}

/* This and the two below leave alone what is not theirs: then something is left at the end. */
static void
receipt_take(struct span *rest, char receipt[RECEIPT_SIZE])
{
	struct span after = *rest, word = word_take(&after);
	char text[RECEIPT_SIZE] = "";
	if (word.size != RECEIPT_LENGTH)
		return;
	memcpy(text, word.at, word.size);
	if (!receipt_looks_right(text))
		return;
	memcpy(receipt, text, sizeof text);
	*rest = after;
}

/* 0: no such unit. */
static int64_t
unit_ms(struct span word)
{
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (span_is(word, units[i].word))
			return units[i].ms;
	return 0;
}

/* Digits and a unit, saturating; or -1. */
static int64_t
delay_of(struct span word)
{
	int64_t delay = 0;
	size_t digits = 0;
	for (; digits < word.size && word.at[digits] >= '0' && word.at[digits] <= '9'; digits++)
		if (__builtin_mul_overflow(delay, 10, &delay) ||
			__builtin_add_overflow(delay, word.at[digits] - '0', &delay))
			delay = INT64_MAX;
	int64_t unit = unit_ms(span_skip(word, digits));
	if (digits == 0 || unit == 0)
		return -1;
	return __builtin_mul_overflow(delay, unit, &delay) ? INT64_MAX : delay;
}

static void
delay_take(struct span *rest, int64_t *delay_ms)
{
	struct span after = *rest;
	if (!span_is(word_take(&after), "in"))
		return;
	int64_t delay = delay_of(word_take(&after));
	if (delay < 0)
		return;
	*delay_ms = delay;
	*rest = after;
}

static void
reason_take(struct span *rest, char reason[ENGINE_REASON_MAX + 1])
{
	if (rest->size == 0 || rest->at[0] != ':')
		return;
	struct span text = span_trim(span_skip(*rest, 1));
	size_t length = text_cut(text.at, text.size, ENGINE_REASON_MAX);
	memcpy(reason, text.at, length);
	reason[length] = '\0';
	*rest = span_skip(*rest, rest->size);
}

int
words_parse(const char *text, size_t size, struct words *words)
{
	if (size > 0 && text[size - 1] == '\n')
		size--;
	if (memchr(text, '\n', size) || memchr(text, '\0', size))
		return -EINVAL;

	struct words found = { .delay_ms = -1 };
	struct span rest = span_trim((struct span){ .at = text, .size = size });
	const struct form *form = verdict_take(&rest);
	if (!form)
		return -EINVAL;
	found.verdict = (enum verdict)(form - forms);
	receipt_take(&rest, found.receipt);
	if (form->delay)
		delay_take(&rest, &found.delay_ms);
	if (form->reason)
		reason_take(&rest, found.reason);
	if (rest.size > 0)
		return -EINVAL;
	*words = found;
	return 0;
}
