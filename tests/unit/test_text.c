#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/text.h"

static const struct cut {
	const char *text;
	size_t max, kept;
} cuts[] = {
	{ .text = "", .max = 0, .kept = 0 },
	{ .text = "abc", .max = 0, .kept = 0 },
	{ .text = "abc", .max = 2, .kept = 2 },
	{ .text = "abc", .max = 3, .kept = 3 },
	{ .text = "abc", .max = 9, .kept = 3 },
	{ .text = "a\xc3\xa9", .max = 2, .kept = 1 },
	{ .text = "a\xc3\xa9", .max = 3, .kept = 3 },
	{ .text = "a\xe2\x82\xacz", .max = 3, .kept = 1 },
	{ .text = "a\xe2\x82\xacz", .max = 4, .kept = 4 },
	{ .text = "\xf0\x9f\x98\x80", .max = 1, .kept = 0 },
	{ .text = "\xf0\x9f\x98\x80", .max = 3, .kept = 0 },
	{ .text = "a\xf0\x9f\x98\x80z", .max = 4, .kept = 1 },
	{ .text = "a\xf0\x9f\x98\x80z", .max = 5, .kept = 5 },
	/* Not UTF-8. */
	{ .text = "a\xff\xff\xff", .max = 2, .kept = 2 },
	{ .text = "a\x80\x80\x80\x80\x80", .max = 5, .kept = 5 },
	{ .text = "\x80\x80\x80", .max = 2, .kept = 2 },
};

static void
test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		const struct cut *cut = &cuts[i];
		size_t kept = text_cut(cut->text, strlen(cut->text), cut->max);
		if (kept != cut->kept)
			fail_msg("%s at %zu: %zu", cut->text, cut->max, kept);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
