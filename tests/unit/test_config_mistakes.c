/* The configuration: every mistake, with its place. */
#include "tests/unit/config_fixture.h"

static void
test_wrong_values(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ Q "{ concurrency: 0 }\n", "2:21: queue 'q': concurrency: expected a whole "
					    "number from 1 to 1000000, found 0\n" },
		{ Q "{ concurrency: \"5\" }",
			"2:21: queue 'q': concurrency: expected a whole "
			"number from 1 to 1000000, found the text \"5\"\n" },
		{ Q "{ max_retries: 1e3 }", "2:21: queue 'q': max_retries: expected a whole "
					    "number from 0 to 1000000, found 1e3\n" },
		{ Q "{ max_jobs: 99999999999999999999 }",
			"2:18: queue 'q': max_jobs: expected a whole number from 1 to "
			"1000000000000, found 99999999999999999999\n" },
		{ Q "{ timeout_ms: [5] }",
			"2:20: queue 'q': timeout_ms: expected a whole number of milliseconds "
			"from 1 to 315360000000, found a list\n" },
		{ Q "{ max_payload_bytes: { } }",
			"2:27: queue 'q': max_payload_bytes: expected a whole number of bytes "
			"from 1 to 999000000, found a map\n" },
		{ Q "{ backoff_jitter: 1.1 }", "2:24: queue 'q': backoff_jitter: expected a "
					       "number from 0 to 1 with at most 9 decimals, "
					       "found 1.1\n" },
		{ Q "{ schedule_by_mtime: 1 }", "2:27: queue 'q': schedule_by_mtime: expected "
						"true or false, found 1\n" },
		{ Q "{ type: FIFO }", "2:14: queue 'q': type: expected standard or fifo, found "
				      "FIFO\n" },
		{ Q "{ payload: xml }", "2:17: queue 'q': payload: expected any or json, found "
					"xml\n" },
		{ Q "{ publish: }",
			"2:17: queue 'q': publish: expected close or rename, found nothing\n" },
		{ Q "{ draft_names: [a] }", "2:21: queue 'q': draft_names: expected name "
					    "patterns of at most 255 bytes, with spaces "
					    "between, found a list\n" },
		{ Q "{ type: fifo, message_group_field: '' }",
			"2:41: queue 'q': message_group_field: expected a text that is not "
			"empty, found the text \"\"\n" },
		{ Q "{ type: fifo, message_group_field: \"a\\0b\" }",
			"2:41: queue 'q': message_group_field: expected a text without \\0, "
			"found one\n" },
	};
	CHECK_COMPLAINTS(table);
}

static void
test_rules_between_keys(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ Q "{ type: fifo }",
			"2:14: queue 'q': a fifo queue needs message_group_field: "
			"the key of the payload whose value names the group\n" },
		{ Q "{ type: fifo, message_group_field: ~ }",
			"2:14: queue 'q': a fifo queue needs message_group_field: "
			"the key of the payload whose value names the group\n" },
		{ Q "{ message_group_field: a }",
			"2:8: warning: queue 'q': message_group_field has no effect in a "
			"standard queue; did you mean type: fifo?\n" },
		{ Q "{ type: fifo, message_group_field: a, payload: any }",
			"2:53: warning: queue 'q': payload: any has no effect in a fifo queue: "
			"it takes the group out of the payload, which has to be json\n" },
		{ Q "{ backoff_ms: 5, backoff_max_ms: 4 }",
			"2:39: queue 'q': backoff_max_ms: expected at least backoff_ms, which "
			"is 5, found 4\n" },
		{ Q "{ backoff_max_ms: 999 }",
			"2:24: queue 'q': backoff_max_ms: expected at least backoff_ms, which "
			"is 1000 by default, found 999\n" },
	};
	CHECK_COMPLAINTS(table);
}

static void
test_warnings_leave_a_sound_queue(void **state)
{
	(void)state;
	struct loaded standard = load_settings("message_group_field: a");
	assert_null(standard.config.queues->message_group_field);
	release(&standard);
	struct loaded fifo = load_settings("type: fifo, message_group_field: a, payload: any");
	assert_int_equal(fifo.config.queues->payload, CONFIG_PAYLOAD_JSON);
	release(&fifo);
}

static void
test_unknown_keys(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ Q "{ concurency: 5 }", "2:8: queue 'q': unknown key 'concurency'; did you "
					 "mean 'concurrency'?\n" },
		{ Q "{ tpye: fifo }",
			"2:8: queue 'q': unknown key 'tpye'; did you mean 'type'?\n" },
		{ Q "{ retries: 5 }", "2:8: queue 'q': unknown key 'retries'; did you mean "
				      "'max_retries'?\n" },
		{ Q "{ colour: red }", "2:8: queue 'q': unknown key 'colour'; spoolfs.yaml(5) "
				       "lists the keys\n" },
		{ Q "{ a_key_that_is_much_longer_than_any_of_ours: 1 }",
			"2:8: queue 'q': unknown key "
			"'a_key_that_is_much_longer_than_any_of_ours'; "
			"spoolfs.yaml(5) lists the keys\n" },
		{ "stroe: x\n" Q, "1:1: unknown key 'stroe'; did you mean 'store'?\n" },
		{ "x: x\n" Q, "1:1: unknown key 'x'; the keys are store and queue_configs\n" },
		{ Q "{ [a]: 5 }", "2:8: queue 'q': expected a key, found a list\n" },
		{ Q "{ ? {a: b} : 5 }", "2:10: queue 'q': expected a key, found a map\n" },
	};
	CHECK_COMPLAINTS(table);
}

static void
test_twins(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ Q "{ type: fifo, type: standard, message_group_field: a, type: fifo }",
			"2:20: queue 'q': 'type' is given twice, first on line 2; remove one\n"
			"2:60: queue 'q': 'type' is given twice, first on line 2; remove "
			"one\n" },
		{ Q "\n  r:\n  q:\n",
			"4:3: queue_configs: 'q' is given twice, first on line 2; "
			"remove one\n" },
		{ Q "\nstore: a\n'store': b\n", "4:1: the file: 'store' is given twice, first "
						"on line 3; remove one\n" },
		{ Q "{ permissions: { claim: 0:0 0700, claim: 0:0 0700 } }",
			"2:40: queue 'q': permissions: 'claim' is given twice, first on line "
			"2; "
			"remove one\n" },
		{ Q "\nworkers: [{ name: queue, config: { queue_configs: { p: , q: } } }]",
			"3:58: queue 'q': it is given twice; remove one\n" },
	};
	CHECK_COMPLAINTS(table);
}

static void
test_queue_names(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ "queue_configs: { .a: }", "1:18: queue '.a': the name begins with '.'; those "
					    "are drafts and hidden files\n" },
		{ "queue_configs: { ..: }", "1:18: queue '..': the name begins with '.'; those "
					    "are drafts and hidden files\n" },
		{ "queue_configs: { a/b: }", "1:18: queue 'a/b': the name contains '/'; it has "
					     "to be a legal file name\n" },
		{ "queue_configs: { '': }",
			"1:18: queue '': the name is empty; give it one\n" },
		{ "queue_configs: { README: }",
			"1:18: queue 'README': the name is taken by a file of the mount; "
			"README, status and metrics are\n" },
		{ "queue_configs: { status: }",
			"1:18: queue 'status': the name is taken by a file of the mount; "
			"README, status and metrics are\n" },
		{ "queue_configs: { metrics: }",
			"1:18: queue 'metrics': the name is taken by a file of the mount; "
			"README, status and metrics are\n" },
		{ "queue_configs: { \"a\\tb\": }", "1:18: queue 'a?b': the name contains a "
						   "control character; it has to be "
						   "printable\n" },
		{ "queue_configs: { \"a\\x7f\": }",
			"1:18: queue 'a?': the name contains a control character; it has to be "
			"printable\n" },
		{ "queue_configs: { readme: , Status: , a.b: , ' ': , 'é': , '-': }", "" },
	};
	CHECK_COMPLAINTS(table);
}

static bool
name_is_taken(int length)
{
	char yaml[400];
	(void)snprintf(yaml, sizeof yaml, "queue_configs: { %.*s: }", length,
		(const char *)memset((char[301]){ 0 }, 'q', 300));
	struct loaded loaded = load(yaml);
	bool taken = loaded.result == 0;
	if (!taken)
		assert_non_null(strstr(loaded.said, "longer than 255 bytes"));
	release(&loaded);
	return taken;
}

static void
test_long_queue_names(void **state)
{
	(void)state;
	assert_true(name_is_taken(255));
	assert_false(name_is_taken(256));
}

static void
test_long_draft_pattern(void **state)
{
	(void)state;
	char settings[400];
	for (int length = 255; length <= 256; length++) {
		(void)snprintf(settings, sizeof settings, "draft_names: a %0*d b", length, 0);
		struct loaded loaded = load_settings(settings);
		assert_int_equal(loaded.result, length == 255 ? 0 : -EINVAL);
		release(&loaded);
	}
}

#define E10 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
#define E60 E10 E10 E10 E10 E10 E10
#define FACE "expected USER:GROUP MODE, such as mail:mail 0750, found "

static void
test_wrong_permissions(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ Q "{ permissions: root }",
			"2:21: queue 'q': permissions: expected a map with enqueue, claim or "
			"inspect, each USER:GROUP MODE, found root\n" },
		{ Q "{ permissions: { write: 0:0 0700 } }",
			"2:23: queue 'q': permissions: unknown key 'write'; the keys are "
			"enqueue, claim and inspect\n" },
		{ Q "{ permissions: { claim: [a] } }",
			"2:30: queue 'q': permissions: claim: " FACE "a list\n" },
		{ Q "{ permissions: { claim: root:root } }",
			"2:30: queue 'q': permissions: claim: " FACE
			"root:root; it is not a user, a group and a mode\n" },
		{ Q "{ permissions: { claim: root 0700 } }",
			"2:30: queue 'q': permissions: claim: " FACE
			"root 0700; it is not a user, a group and a mode\n" },
		{ Q "{ permissions: { claim: root:root 0700 0 } }",
			"2:30: queue 'q': permissions: claim: " FACE
			"root:root 0700 0; it is not a user, a group and a mode\n" },
		{ Q "{ permissions: { claim: nobody-here:root 0700 } }",
			"2:30: queue 'q': permissions: claim: " FACE
			"nobody-here:root 0700; this system has no user nobody-here\n" },
		{ Q "{ permissions: { claim: root:nobody-here 0700 } }",
			"2:30: queue 'q': permissions: claim: " FACE
			"root:nobody-here 0700; this system has no group nobody-here\n" },
		{ Q "{ permissions: { claim: 4294967295:0 0700 } }",
			"2:30: queue 'q': permissions: claim: " FACE
			"4294967295:0 0700; this system has no user 4294967295\n" },
		{ Q "{ permissions: { claim: 0:0 0780 } }",
			"2:30: queue 'q': permissions: claim: " FACE
			"0:0 0780; the mode is not octal, 0 to 07777: 0780\n" },
		{ Q "{ permissions: { claim: 0:0 10000 } }",
			"2:30: queue 'q': permissions: claim: " FACE
			"0:0 10000; the mode is not octal, 0 to 07777: 10000\n" },
		/* What is quoted is a printable line of UTF-8, however long it is. */
		{ Q "{ permissions: { claim: '0:0 x" E60 "' } }",
			"2:30: queue 'q': permissions: claim: " FACE "the text \"0:0 x" E60
			"\"; the mode is not octal, 0 to 07777: x" E60 "\n" },
		{ Q "{ permissions: { claim: \"a\\x1b:root 0700\" } }",
			"2:30: queue 'q': permissions: claim: " FACE
			"the text \"a?:root 0700\"; this system has no user a?\n" },
	};
	CHECK_COMPLAINTS(table);
}

static void
test_wrong_shapes(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ "", NO_QUEUES },
		{ "# nothing\n", NO_QUEUES },
		{ "~", NO_QUEUES },
		{ "store: /s\n", NO_QUEUES },
		{ "queue_configs:\n", NO_QUEUES },
		{ "queue_configs: {}\n", NO_QUEUES },
		{ "queue_configs: [a]\n", NO_QUEUES
			"1:16: queue_configs: expected a map of queues, found a list\n" },
		{ "[a]", "1:1: the file: expected a map with queue_configs, found a list\n" },
		{ "hello\n",
			"1:1: the file: expected a map with queue_configs, found hello\n" },
		{ Q "5", "2:6: queue 'q': expected a map of keys, found 5\n" },
		{ Q "[]", "2:6: queue 'q': expected a map of keys, found a list\n" },
		{ "workers: { a: b }\n" Q, "1:10: workers: expected a list of workers, found a "
					   "map\n" },
		{ "store: [a]\n" Q, "1:8: store: expected a path, found a list\n" },
		{ "store:\n" Q, "1:7: store: expected a path, found nothing\n" },
		{ "store: ''\n" Q, "1:8: store: expected a path, found the text \"\"\n" },
		{ "store: /a/b/\n" Q, "1:8: store: expected a file, found a directory; did you "
				      "mean /a/b/queues.db?\n" },
	};
	CHECK_COMPLAINTS(table);
}

static void
test_syntax(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ "a: b\n c: d\n", "2:3: not valid YAML: mapping values are not allowed in "
				   "this context\n" },
		{ "a:\n  b: 'x\n", "3:1: not valid YAML: found unexpected end of stream, while "
				   "scanning a quoted scalar that begins on line 2\n" },
		{ "a: *.tmp\n", "1:5: not valid YAML: did not find expected alphabetic or "
				"numeric character, while scanning an alias that begins on "
				"line 1; a text that begins with * needs quotes\n" },
		{ "a: *b\n", "1:4: not valid YAML: found undefined alias\n" },
		{ "a: é\nb: é\x01\n",
			"2:5: not a YAML text: control characters are not allowed "
			"(byte 0x01)\n" },
		{ "a: \xff\n",
			"1:4: not a YAML text: invalid leading UTF-8 octet (byte 0xff)\n" },
		{ Q "\n---\nb: c\n", "4:1: a second document begins here; put everything into "
				     "the first one\n" },
		{ Q "{ type: x }\n---\n'",
			"2:14: queue 'q': type: expected standard or fifo, "
			"found x\n"
			"4:2: not valid YAML: found unexpected end of stream, "
			"while scanning a quoted scalar that begins on line "
			"4\n" },
	};
	CHECK_COMPLAINTS(table);
}

static void
test_all_mistakes_in_order(void **state)
{
	(void)state;
	static const struct complaint complaint = {
		"stor: x\n"
		"queue_configs:\n"
		"  a:\n"
		"    backoff_max_ms: 5\n"
		"    concurrency: none\n"
		"    type: fifo\n"
		"  b/c:\n"
		"    message_group_field: x\n"
		"    timeout: 5\n"
		"  a:\n"
		"  d: 7\n"
		"store: []\n",
		"1:1: unknown key 'stor'; did you mean 'store'?\n"
		"4:21: queue 'a': backoff_max_ms: expected at least backoff_ms, which is 1000 "
		"by default, found 5\n"
		"5:18: queue 'a': concurrency: expected a whole number from 1 to 1000000, "
		"found none\n"
		"6:11: queue 'a': a fifo queue needs message_group_field: the key of the "
		"payload whose value names the group\n"
		"7:3: queue 'b/c': the name contains '/'; it has to be a legal file name\n"
		"8:5: warning: queue 'b/c': message_group_field has no effect in a standard "
		"queue; did you mean type: fifo?\n"
		"9:5: queue 'b/c': unknown key 'timeout'; did you mean 'timeout_ms'?\n"
		"10:3: queue_configs: 'a' is given twice, first on line 3; remove one\n"
		"11:6: queue 'd': expected a map of keys, found 7\n"
		"12:8: store: expected a path, found a list\n",
	};
	check_complaint(&complaint);
}

static void
test_hundreds_of_mistakes(void **state)
{
	(void)state;
	char yaml[16384] = "queue_configs:\n";
	size_t length = strlen(yaml);
	for (int i = 0; i < 500; i++)
		length += (size_t)snprintf(
			yaml + length, sizeof yaml - length, "  q%d: { x: 1 }\n", i);
	struct loaded loaded = load(yaml);
	size_t lines = 0;
	for (const char *line = loaded.said; *line; line = strchr(line, '\n') + 1)
		assert_int_equal(strtoul(line, NULL, 10), 2 + lines++);
	assert_int_equal(lines, 500);
	release(&loaded);
}

static void
test_too_many_queues(void **state)
{
	(void)state;
	size_t length = 0, size = 200000;
	char *yaml = malloc(size);
	assert_non_null(yaml);
	length += (size_t)snprintf(yaml, size, "queue_configs:\n");
	for (int i = 0; i < 10001; i++)
		length += (size_t)snprintf(yaml + length, size - length, " q%d:\n", i);
	struct loaded loaded = load(yaml);
	assert_non_null(strstr(loaded.said,
		"2:2: queue_configs: expected at most 10000 queues, found 10001\n"));
	release(&loaded);
	free(yaml);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_rules_between_keys),
		cmocka_unit_test(test_warnings_leave_a_sound_queue),
		cmocka_unit_test(test_unknown_keys),
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_queue_names),
		cmocka_unit_test(test_long_queue_names),
		cmocka_unit_test(test_long_draft_pattern),
		cmocka_unit_test(test_wrong_permissions),
		cmocka_unit_test(test_wrong_shapes),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_all_mistakes_in_order),
		cmocka_unit_test(test_hundreds_of_mistakes),
		cmocka_unit_test(test_too_many_queues),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
