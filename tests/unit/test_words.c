#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/words.h"

#define R "018f0000-0000-7000-8000-000000000000"

static const struct {
	const char *text;
	struct words words;
} right[] = {
	{ .text = "done", .words = { .verdict = VERDICT_DONE, .delay_ms = -1 } },
	{ .text = "done\n", .words = { .verdict = VERDICT_DONE, .delay_ms = -1 } },
	{ .text = " \tdone\t \n", .words = { .verdict = VERDICT_DONE, .delay_ms = -1 } },
	{ .text = "retry", .words = { .verdict = VERDICT_RETRY, .delay_ms = -1 } },
	{ .text = "dead", .words = { .verdict = VERDICT_DEAD, .delay_ms = -1 } },
	{ .text = "release", .words = { .verdict = VERDICT_RELEASE, .delay_ms = -1 } },
	{ .text = "done " R,
		.words = { .verdict = VERDICT_DONE, .receipt = R, .delay_ms = -1 } },
	{ .text = "release  " R "\tin 5m",
		.words = { .verdict = VERDICT_RELEASE, .receipt = R, .delay_ms = 300000 } },
	{ .text = "retry in 30s: smtp 421\n",
		.words = { .verdict = VERDICT_RETRY,
			.delay_ms = 30000,
			.reason = "smtp 421" } },
	{ .text = "retry " R " in 1ms: x",
		.words = { .verdict = VERDICT_RETRY,
			.receipt = R,
			.delay_ms = 1,
			.reason = "x" } },
	{ .text = "retry " R ": in 30s",
		.words = { .verdict = VERDICT_RETRY,
			.receipt = R,
			.delay_ms = -1,
			.reason = "in 30s" } },
	{ .text = "dead:no such user",
		.words = { .verdict = VERDICT_DEAD,
			.delay_ms = -1,
			.reason = "no such user" } },
	{ .text = "dead \t: \ta : b \t\n",
		.words = { .verdict = VERDICT_DEAD, .delay_ms = -1, .reason = "a : b" } },
	{ .text = "dead: caf\xc3\xa9 \xff\r",
		.words = { .verdict = VERDICT_DEAD,
			.delay_ms = -1,
			.reason = "caf\xc3\xa9 \xff\r" } },
	/* `echo "retry: $error"` with nothing to say is a verdict all the same. */
	{ .text = "retry:", .words = { .verdict = VERDICT_RETRY, .delay_ms = -1 } },
	{ .text = "retry: \n", .words = { .verdict = VERDICT_RETRY, .delay_ms = -1 } },
};

static const char *const wrong[] = {
	"",
	"\n",
	" ",
	":",
	": x",
	"Done",
	"DONE",
	"don",
	"donex",
	"finished",
	"done\n\n",
	"\ndone",
	"done\r\n",
	"done done",
	"done x",
	"done 018f",
	"done " R R,
	"done " R " " R,
	"done " R "x",
	"done018f0000-0000-7000-8000-000000000000",
	"done 018F0000-0000-7000-8000-000000000000",
	"done 018f0000-0000-4000-8000-000000000000",
	R,
	R " done",
	/* What does not go with the verdict. */
	"done in 30s",
	"dead in 30s",
	"dead in 30s: x",
	"done: x",
	"done:",
	"release: x",
	"release in 30s: x",
	/* The order. */
	("retry in 30s " R),
	"retry in 30s in 30s",
	"in 30s retry",
	/* The delay. */
	"retry in",
	"retry in: x",
	"retry 30s",
	"retry in 30",
	"retry in s",
	"retry in 30 s",
	"retry in 30S",
	"retry in 30sec",
	"retry in -1s",
	"retry in +1s",
	"retry in 1.5s",
	"retry in 1h30m",
	"retry in 0x10s",
	"retry in30s",
	/* The reason. */
	"retry: a\nb",
	"retry: a\n\n",
	"retry: a\n ",
	"retry; a",
};

static void
expect(const char *text, size_t size, const struct words *expected)
{
	struct words words = { .delay_ms = 42 };
	int rc = words_parse(text, size, &words);
	if (rc != 0)
		fail_msg("\"%s\": %d", text, rc);
	assert_int_equal(words.verdict, expected->verdict);
	assert_string_equal(words.receipt, expected->receipt);
	assert_int_equal(words.delay_ms, expected->delay_ms);
	assert_string_equal(words.reason, expected->reason);
}

static void
refuse(const char *text, size_t size)
{
	static const struct words before = { .delay_ms = 42, .receipt = "r", .reason = "x" };
	struct words words = before;
	int rc = words_parse(text, size, &words);
	if (rc != -EINVAL)
		fail_msg("\"%s\": %d", text, rc);
	assert_memory_equal(&words, &before, sizeof words);
}

static void
test_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		expect(right[i].text, strlen(right[i].text), &right[i].words);
}

static void
test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		refuse(wrong[i], strlen(wrong[i]));
}

static void
test_size(void **state)
{
	(void)state;
	expect("done, and more that is not meant", 4,
		&(struct words){ .verdict = VERDICT_DONE, .delay_ms = -1 });
	refuse("retry", 4);
	refuse("done\0", 5);
	refuse("done\0\n", 6);
	refuse("retry: a\0b", 10);
}

static const struct {
	const char *text;
	int64_t ms;
} delays[] = {
	{ .text = "0s", .ms = 0 },
	{ .text = "007s", .ms = 7000 },
	{ .text = "250ms", .ms = 250 },
	{ .text = "30s", .ms = 30000 },
	{ .text = "2m", .ms = 120000 },
	{ .text = "1h", .ms = 3600000 },
	{ .text = "7d", .ms = 604800000 },
	{ .text = "9223372036854775807ms", .ms = INT64_MAX },
	{ .text = "9223372036854775808ms", .ms = INT64_MAX },
	{ .text = "9223372036854775s", .ms = INT64_C(9223372036854775000) },
	{ .text = "9223372036854776s", .ms = INT64_MAX },
	{ .text = "106751991168d", .ms = INT64_MAX },
	{ .text = "00000000000000000000000000000000001s", .ms = 1000 },
	{ .text = "99999999999999999999999999999999999h", .ms = INT64_MAX },
};

static void
test_delays(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
		char text[64] = "retry in ";
		strcat(text, delays[i].text);
		expect(text, strlen(text),
			&(struct words){ .verdict = VERDICT_RETRY, .delay_ms = delays[i].ms });
	}
}

/* A reason of `size` bytes, its last character at `at` one of three bytes. */
static void
expect_cut(size_t size, size_t at, size_t kept)
{
	char text[2 * ENGINE_REASON_MAX] = "dead: ";
	char *reason = text + strlen(text);
	memset(reason, 'x', size);
	memcpy(reason + at, "\xe2\x82\xac", 3);
	struct words expected = { .verdict = VERDICT_DEAD, .delay_ms = -1 };
	memcpy(expected.reason, reason, kept);
	expect(text, strlen("dead: ") + size, &expected);
}

static void
test_long_reasons(void **state)
{
	(void)state;
	const size_t max = ENGINE_REASON_MAX;
	expect_cut(max, max - 3, max);
	expect_cut(max + 1, max - 3, max);
	expect_cut(max + 1, max - 2, max - 2);
	expect_cut(max + 2, max - 1, max - 1);
	expect_cut(max + 500, max, max);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_delays),
		cmocka_unit_test(test_long_reasons),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
