/* The configuration: `spoolfs -n`, the manual's list of keys, and the small parts. */
#include "config/keys.h"
#include "config/mistakes.h"
#include "config/utf8.h"
#include "config/value.h"
#include "tests/unit/config_fixture.h"

/* ---- printing ---- */

static char *
print(const struct config *config)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	assert_int_equal(config_print(config, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* What is printed means the same: loaded and printed again it is the same text. */
static char *
print_twice(const char *yaml)
{
	struct loaded first = load(yaml);
	assert_int_equal(first.result, 0);
	char *once = print(&first.config);
	struct loaded second = load_fine(once);
	char *twice = print(&second.config);
	assert_string_equal(once, twice);
	assert_int_equal(first.config.queue_count, second.config.queue_count);
	free(twice);
	release(&first);
	release(&second);
	return once;
}

static void
test_print_everything(void **state)
{
	(void)state;
	char *text = print_twice("store: /s/q.db\nqueue_configs:\n"
				 "  bulk-email: { max_retries: 5, backoff_ms: 5000 }\n");
	assert_string_equal(text,
		"store: /s/q.db\n"
		"queue_configs:\n"
		"  bulk-email:\n"
		"    type: standard\n"
		"    concurrency: 10\n"
		"    max_retries: 5                      # a job runs at most 6 times\n"
		"    backoff_ms: 5000                    # 5 s, 10 s, 20 s, 40 s, 80 s, then "
		"dead-letter\n"
		"    backoff_max_ms: null                # no cap\n"
		"    backoff_jitter: 0\n"
		"    timeout_ms: 1800000                 # 30 min\n"
		"    payload: any\n"
		"    max_payload_bytes: 1048576          # 1 MiB\n"
		"    max_jobs: null                      # no limit\n"
		"    publish: close\n"
		"    draft_names: \".* *.tmp *.part *.partial *.filepart *.swp *~\"\n"
		"    permissions: {}                     # the daemon's user; enqueue 0755 "
		"claim "
		"0700 inspect 0750\n"
		"    schedule_by_mtime: false\n");
	free(text);
}

static void
check_print(const char *settings, const char *line)
{
	char yaml[1024];
	(void)snprintf(yaml, sizeof yaml, "queue_configs:\n  q: { %s }\n", settings);
	char *text = print_twice(yaml);
	if (!strstr(text, line))
		print_error("no '%s' in\n%s\n", line, text);
	assert_non_null(strstr(text, line));
	free(text);
}

static void
test_print_hints(void **state)
{
	(void)state;
	check_print("max_retries: 0", "a job runs once\n");
	check_print("max_retries: 0", "# no retries: dead-letter at once\n");
	check_print("max_retries: 20, backoff_ms: 1", "# 1 ms, 2 ms, 4 ms, 8 ms, 16 ms, 32 ms, "
						      "64 ms, 128 ms, and 12 more, then dead");
	check_print("backoff_ms: 90000, backoff_max_ms: 3600000, max_retries: 8",
		"# 90 s, 3 min, 6 min, 12 min, 24 min, 48 min, 1 h, 1 h, then dead-letter\n");
	check_print("backoff_ms: 0", "# at once, at once, at once, then dead-letter\n");
	check_print("backoff_max_ms: 86400000", "backoff_max_ms: 86400000            # 1 d\n");
	check_print("max_payload_bytes: 1000", "# 1000 bytes\n");
	check_print("max_jobs: 7", "max_jobs: 7                         # then ENOSPC\n");
}

static void
test_print_values(void **state)
{
	(void)state;
	check_print("backoff_jitter: .25", "backoff_jitter: 0.25\n");
	check_print("backoff_jitter: 0.000000001", "backoff_jitter: 0.000000001\n");
	check_print("backoff_jitter: 0.999999999", "backoff_jitter: 0.999999999\n");
	check_print("backoff_jitter: 1.0", "backoff_jitter: 1\n");
	check_print("schedule_by_mtime: on", "schedule_by_mtime: true\n");
	check_print("publish: rename", "publish: rename\n");
	check_print("type: fifo, message_group_field: a.b", "message_group_field: a.b\n");
	check_print("type: fifo, message_group_field: a", "payload: json\n");
}

static void
test_print_permissions(void **state)
{
	(void)state;
	check_print("permissions: { enqueue: root:root 1770 }",
		"permissions:                        # the daemon's user; claim 0700 inspect "
		"0750\n      enqueue: 0:0 1770  # root:root\n");
	check_print(
		"permissions: { enqueue: 0:0 0, claim: 0:0 1, inspect: 4294967294:4294967293 "
		"2}",
		"permissions:\n      enqueue: 0:0 0000  # root:root\n      claim: 0:0 0001  # "
		"root:root\n      inspect: 4294967294:4294967293 0002  # "
		"4294967294:4294967293\n");
}

static void
test_print_quotes(void **state)
{
	(void)state;
	static const struct {
		const char *field, *printed;
	} table[] = {
		{ "'true'", "\"true\"" },
		{ "'null'", "\"null\"" },
		{ "5", "\"5\"" },
		{ "'a b'", "\"a b\"" },
		{ "'\"\\'", "\"\\\"\\\\\"" },
		{ "\"\\t\\x7f\\u2028\\u0085\"", "\"\\u0009\\u007f\\u2028\\u0085\"" },
		{ "\"$\\x7bHOME}\"", "\"$\\u007bHOME}\"" },
		{ "'${UNSET:{}'", "\"{\"" },
		{ "'-'", "\"-\"" },
		{ "é😀", "\"é😀\"" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char settings[128], line[128];
		(void)snprintf(settings, sizeof settings, "type: fifo, message_group_field: %s",
			table[i].field);
		(void)snprintf(
			line, sizeof line, "message_group_field: %s\n", table[i].printed);
		check_print(settings, line);
	}
}

static void
test_print_iii_file(void **state)
{
	(void)state;
	free(print_twice("workers:\n"
			 "  - name: queue\n"
			 "    config:\n"
			 "      adapter: { config: { file_path: data } }\n"
			 "      queue_configs: { a: , b: { max_retries: ${UNSET:5} } }\n"));
}

static void
test_print_to_a_full_disk(void **state)
{
	(void)state;
	struct loaded loaded = load_fine("queue_configs: { a: }");
	FILE *full = fopen("/dev/full", "w");
	assert_non_null(full);
	assert_int_equal(config_print(&loaded.config, full), -EIO);
	(void)fclose(full);
	full = fopen("/dev/full", "w");
	assert_non_null(full);
	assert_int_equal(config_print_keys(full), -EIO);
	(void)fclose(full);
	release(&loaded);
}

static void
test_print_keys(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	assert_int_equal(config_print_keys(out), 0);
	assert_int_equal(fclose(out), 0);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		char item[64];
		(void)snprintf(item, sizeof item, ".It Cm %s\nExpects ", keys[i].name);
		assert_non_null(strstr(text, item));
	}
	assert_non_null(strstr(text, "Expects a whole number from 1 to 1000000.\n"
				     "The default is 10.\n"));
	assert_non_null(strstr(text, "The default is any, json in a fifo queue.\n"));
	assert_non_null(strstr(text, "*.swp *\\(ti.\n"));
	free(text);
}

/* ---- the small parts ---- */

static void
test_integers(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "-", "+5", "05", "5 ", " 5", "5.0", "1e3", "0x5",
		"5_0", "101", "-11", "9223372036854775808", "5s" };
	int64_t value = 42;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(value_integer(bad[i], -10, 100, &value));
	assert_int_equal(value, 42);
	assert_true(value_integer("-10", -10, 100, &value) && value == -10);
	assert_true(value_integer("100", -10, 100, &value) && value == 100);
	assert_true(value_integer("0", -10, 100, &value) && value == 0);
}

static void
test_fractions(void **state)
{
	(void)state;
	static const char *const bad[] = { "", ".", "-0.5", "1.5", "1.000000001", "2", "0.5x",
		"1e-1", "nan", "inf", "00.5", "0.1234567890", "0,5", " 0.5" };
	static const struct {
		const char *text;
		double value;
	} good[] = { { "0", 0 }, { "1", 1 }, { "0.", 0 }, { "1.", 1 }, { ".5", .5 },
		{ "0.1", 0.1 }, { "0.123456789", 0.123456789 }, { "1.000000000", 1 } };
	double value = 42;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(value_fraction(bad[i], &value));
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(value_fraction(good[i].text, &value));
		assert_true(value == good[i].value);
	}
}

static void
test_booleans(void **state)
{
	(void)state;
	bool value = false;
	static const char *const bad[] = { "", "1", "0", "y", "truely", "of" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(value_boolean(bad[i], &value));
	assert_true(value_boolean("TRUE", &value) && value);
	assert_true(value_boolean("no", &value) && !value);
	assert_true(value_boolean("On", &value) && value);
	assert_true(value_boolean("off", &value) && !value);
}

static void
test_nearest(void **state)
{
	(void)state;
	static const char *const words[] = { "store", "backoff_ms", "backoff_max_ms",
		"a_word_of_more_than_thirty_two_letters", NULL };
	assert_string_equal(value_nearest("sotre", words), "store");
	assert_string_equal(value_nearest("stores", words), "store");
	assert_string_equal(value_nearest("backof_ms", words), "backoff_ms");
	assert_string_equal(value_nearest("backoff_mx_ms", words), "backoff_max_ms");
	assert_string_equal(value_nearest("backoff", words), "backoff_ms");
	assert_null(value_nearest("", words));
	assert_null(value_nearest("queue", words));
}

static void
test_utf8(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "\x80", "\xc3", "\xc3x", "\xc0\x80",
		"\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xff",
		"\xf8\x80\x80\x80" };
	uint32_t character = 0;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(utf8_decode(bad[i], &character), 0);
	assert_int_equal(utf8_decode("a", &character), 1);
	assert_int_equal(utf8_decode("é", &character), 2);
	assert_int_equal(character, 0xe9);
	assert_int_equal(utf8_decode("€", &character), 3);
	assert_int_equal(character, 0x20ac);
	assert_int_equal(utf8_decode("\xf4\x8f\xbf\xbf", &character), 4);
	assert_int_equal(character, 0x10ffff);
}

static void
test_shown(void **state)
{
	(void)state;
	char text[400] = "";
	assert_string_equal(shown("a\x1b[1m\n").text, "a?[1m?");
	for (size_t i = 0; i + 2 < sizeof text; i += 2)
		memcpy(text + i, "é", 3);
	struct shown cut = shown(text);
	size_t length = strlen(cut.text);
	assert_true(length <= 303 && length % 2 == 1);
	assert_string_equal(cut.text + length - 3, "...");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print_everything),
		cmocka_unit_test(test_print_hints),
		cmocka_unit_test(test_print_values),
		cmocka_unit_test(test_print_permissions),
		cmocka_unit_test(test_print_quotes),
		cmocka_unit_test(test_print_iii_file),
		cmocka_unit_test(test_print_to_a_full_disk),
		cmocka_unit_test(test_print_keys),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_fractions),
		cmocka_unit_test(test_booleans),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_shown),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
