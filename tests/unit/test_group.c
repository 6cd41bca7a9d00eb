#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/group.h"

static void
expect(const char *body, const char *group)
{
	char why[GROUP_WHY_SIZE] = "", *text = NULL;
	int rc = group_of(body, strlen(body), "g", &text, why);
	if (rc != 0)
		fail_msg("%s: %d %s", body, rc, why);
	assert_string_equal(text, group);
	free(text);
}

static void
refuse(const char *body, const char *words)
{
	char why[GROUP_WHY_SIZE] = "", *text = NULL;
	assert_int_equal(group_of(body, strlen(body), "g", &text, why), -EINVAL);
	if (!strstr(why, words))
		fail_msg("%s: \"%s\" lacks \"%s\"", body, why, words);
}

static void
test_texts(void **state)
{
	(void)state;
	expect("{\"g\":\"acct_A\"}", "acct_A");
	expect(" {\"x\":{\"g\":\"inner\"},\"g\":\"outer\"}\n", "outer");
	expect("{\"g\":\"\"}", "");
	expect("{\"g\":true}", "true");
	expect("{\"g\":false}", "false");
	expect("{\"\\u0067\":\"\\u00e9\"}", "\xc3\xa9");
	expect("{\"g\":1,\"g\":2}", "2");
}

static void
test_numbers(void **state)
{
	(void)state;
	expect("{\"g\":1}", "1");
	expect("{\"g\":\"1\"}", "1");
	expect("{\"g\":-0}", "0");
	expect("{\"g\":1.0}", "1.0");
	expect("{\"g\":0.1}", "0.1");
	expect("{\"g\":1e3}", "1000.0");
	expect("{\"g\":1.2345678901234567}", "1.2345678901234567");
	expect("{\"g\":9223372036854775807}", "9223372036854775807");
}

/* What a 64 bit integer cannot hold is a number like another. */
static void
test_long_integers(void **state)
{
	(void)state;
	expect("{\"g\":18446744073709551615}", "18446744073709551615");
	expect("{\"g\":-99999999999999999999}", "-99999999999999999999");
	expect("{\"n\":99999999999999999999,\"g\":9007199254740993}", "9007199254740993");
	expect("{\"n\":[99999999999999999999],\"s\":\"a\\\"99999999999999999999\",\"g\":1}",
		"1");
	expect("{\"n\":99999999999999999999,\"g\":1.0}", "1.0");
	refuse("{\"n\":99999999999999999999,\"g\":1e999}", "not JSON");
	refuse("{99999999999999999999:1,\"g\":1}", "not JSON");
	refuse("{\"n\":99999999999999999999}", "is missing");
}

static void
test_refusals(void **state)
{
	(void)state;
	refuse("{}", "group field g is missing");
	refuse("{\"g\":null}", "group field g is null");
	refuse("{\"g\":{}}", "is an object");
	refuse("{\"g\":[1]}", "is an array");
	refuse("[1]", "not an object");
	refuse("7", "not an object");
	refuse("{\"g\":\"a\\u0000b\"}", "NUL");
	refuse("{\"g\":1", "not JSON: line 1");
	refuse("", "not JSON");
	refuse("{\"g\":\"\xff\"}", "not JSON");
	refuse("[\xc3\xa9]", "near '\xc3\xa9'");
	refuse("[\"\xc3\xa9\\\xc3\xa9\"]", "near '\"??\\?'");
	refuse("[\x1b]", "near '?'");
}

/* Of any field's name what is said is a line of UTF-8. */
static void
test_odd_fields(void **state)
{
	(void)state;
	char field[83] = "x", why[GROUP_WHY_SIZE] = "", *text = NULL;
	for (size_t i = 1; i + 2 < sizeof field; i += 2)
		memcpy(field + i, "\xc3\xa9", 3);
	assert_int_equal(group_of("{}", 2, field, &text, why), -EINVAL);
	const char *rest = why + strlen("group field ") + 63;
	assert_memory_equal(why + strlen("group field "), field, 63);
	assert_string_equal(rest, " is missing");
	assert_int_equal(group_of("{}", 2, "a\nb", &text, why), -EINVAL);
	assert_string_equal(why, "group field a?b is missing");
}

/* A body whose group has so many bytes. */
static const char *
long_group(int length)
{
	static char body[GROUP_MAX + 20], text[GROUP_MAX + 2];
	memset(text, 'a', sizeof text - 1);
	(void)snprintf(body, sizeof body, "{\"g\":\"%.*s\"}", length, text);
	return body;
}

static void
test_longest(void **state)
{
	(void)state;
	char text[GROUP_MAX + 1] = "";
	expect(long_group(GROUP_MAX), memset(text, 'a', GROUP_MAX));
	refuse(long_group(GROUP_MAX + 1), "group field g is longer than 1024 bytes");
}

static void
check(const char *body, size_t size, int expected)
{
	char why[GROUP_WHY_SIZE] = "";
	int rc = group_check_json(body, size, why);
	if (rc != expected)
		fail_msg("%s: %d %s", body, rc, why);
	assert_int_equal(rc != 0, why[0] != '\0');
}

static void
test_json(void **state)
{
	(void)state;
	static const char *const right[] = { "1", "\"x\"", "null", "[]", "{\"a\":1,\"a\":2}",
		"\"\\u0000\"", "123456789012345678901234567890", " true " };
	static const char *const wrong[] = { "", " ", "x", "{", "1 2", "'a'", "\xef\xbb\xbf{}",
		"01", "[1,]", "NaN" };
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		check(right[i], strlen(right[i]), 0);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		check(wrong[i], strlen(wrong[i]), -EINVAL);
	check("{}\0", 3, -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_long_integers),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_odd_fields),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
