/* The configuration: what its keys mean, and the files that have none. */
#include "config/keys.h"
#include "tests/unit/config_fixture.h"

/* ---- keys ---- */

static void
test_defaults(void **state)
{
	(void)state;
	struct loaded loaded = load_fine("queue_configs:\n  a:\n  b: {}\n  c: ~\n");
	assert_int_equal(loaded.config.queue_count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct config_queue *queue = &loaded.config.queues[i];
		assert_int_equal(queue->name[0], "abc"[i]);
		assert_int_equal(queue->type, CONFIG_STANDARD);
		assert_null(queue->message_group_field);
		assert_int_equal(queue->concurrency, 10);
		assert_int_equal(queue->max_retries, 3);
		assert_int_equal(queue->backoff_ms, 1000);
		assert_int_equal(queue->backoff_max_ms, CONFIG_NONE);
		assert_true(queue->backoff_jitter == 0);
		assert_int_equal(queue->timeout_ms, 1800000);
	}
	release(&loaded);
}

static void
test_defaults_of_files(void **state)
{
	(void)state;
	struct loaded loaded = load_fine("queue_configs: { a: }");
	const struct config_queue *queue = loaded.config.queues;
	assert_int_equal(queue->payload, CONFIG_PAYLOAD_ANY);
	assert_int_equal(queue->max_payload_bytes, 1048576);
	assert_int_equal(queue->max_jobs, CONFIG_NONE);
	assert_int_equal(queue->publish, CONFIG_PUBLISH_CLOSE);
	assert_string_equal(
		queue->draft_names, ".* *.tmp *.part *.partial *.filepart *.swp *~");
	assert_false(queue->schedule_by_mtime);
	for (int face = 0; face < CONFIG_FACES; face++)
		assert_false(queue->permissions[face].set);
	release(&loaded);
}

static void
test_contract_example(void **state)
{
	(void)state;
	struct loaded loaded = load_fine(
		"store: /var/lib/spoolfs/queues.db\nqueue_configs:\n"
		"  ledger:     { type: fifo, message_group_field: account_id, concurrency: 10, "
		"max_retries: 3, backoff_ms: 1000 }\n"
		"  bulk-email: { type: standard, concurrency: 3, max_retries: 5, backoff_ms: "
		"5000 }\n");
	assert_string_equal(loaded.config.store, "/var/lib/spoolfs/queues.db");
	const struct config_queue *ledger = &loaded.config.queues[0];
	const struct config_queue *email = &loaded.config.queues[1];
	assert_string_equal(ledger->name, "ledger");
	assert_int_equal(ledger->type, CONFIG_FIFO);
	assert_string_equal(ledger->message_group_field, "account_id");
	assert_int_equal(ledger->payload, CONFIG_PAYLOAD_JSON);
	assert_string_equal(email->name, "bulk-email");
	assert_int_equal(email->concurrency, 3);
	assert_int_equal(email->max_retries, 5);
	assert_int_equal(email->backoff_ms, 5000);
	release(&loaded);
}

/* A key and its range, written down once more: from the contract, not from the table. */
static const struct range {
	enum key_id id;
	const char *name;
	int64_t minimum, maximum;
} ranges[] = {
	{ KEY_CONCURRENCY, "concurrency", 1, 1000000 },
	{ KEY_MAX_RETRIES, "max_retries", 0, 1000000 },
	{ KEY_BACKOFF_MS, "backoff_ms", 0, 315360000000 },
	{ KEY_BACKOFF_MAX_MS, "backoff_max_ms", 1000, 315360000000 },
	{ KEY_TIMEOUT_MS, "timeout_ms", 1, 315360000000 },
	{ KEY_MAX_PAYLOAD_BYTES, "max_payload_bytes", 1, 999000000 },
	{ KEY_MAX_JOBS, "max_jobs", 1, 1000000000000 },
};

static bool
integer_is_taken(const struct range *range, int64_t value)
{
	char settings[64];
	(void)snprintf(settings, sizeof settings, "%s: %lld", range->name, (long long)value);
	struct loaded loaded = load_settings(settings);
	bool taken = loaded.result == 0;
	if (taken)
		assert_memory_equal((const char *)loaded.config.queues + keys[range->id].offset,
			&value, sizeof value);
	else
		assert_non_null(strstr(loaded.said, range->name));
	release(&loaded);
	return taken;
}

static void
test_integer_ranges(void **state)
{
	(void)state;
	for (const struct range *range = ranges; range < ranges + 7; range++) {
		assert_true(integer_is_taken(range, range->minimum));
		assert_true(integer_is_taken(range, range->maximum));
		assert_false(integer_is_taken(range, range->minimum - 1));
		assert_false(integer_is_taken(range, range->maximum + 1));
	}
}

static void
test_no_limit(void **state)
{
	(void)state;
	struct loaded loaded = load_settings("max_jobs: ~, backoff_max_ms: null, "
					     "message_group_field: , permissions: ");
	assert_string_equal(loaded.said, "");
	assert_int_equal(loaded.config.queues->max_jobs, CONFIG_NONE);
	assert_int_equal(loaded.config.queues->backoff_max_ms, CONFIG_NONE);
	release(&loaded);
}

static void
test_words_of_choice(void **state)
{
	(void)state;
	struct loaded loaded = load_settings("type: \"standard\", payload: json, publish: "
					     "rename, schedule_by_mtime: Yes");
	assert_string_equal(loaded.said, "");
	assert_int_equal(loaded.config.queues->payload, CONFIG_PAYLOAD_JSON);
	assert_int_equal(loaded.config.queues->publish, CONFIG_PUBLISH_RENAME);
	assert_true(loaded.config.queues->schedule_by_mtime);
	release(&loaded);
}

static void
test_poll_interval_is_ignored(void **state)
{
	(void)state;
	struct loaded loaded = load_settings("poll_interval_ms: whatever");
	assert_string_equal(loaded.said, "");
	release(&loaded);
}

static void
test_draft_names(void **state)
{
	(void)state;
	struct loaded loaded = load_settings("draft_names: '  *.tmp  \t.*   a?c '");
	const struct config_queue *queue = loaded.config.queues;
	assert_string_equal(queue->draft_names, "*.tmp .* a?c");
	assert_true(config_is_draft_name(queue, "x.tmp"));
	assert_true(config_is_draft_name(queue, ".x.tmp"));
	assert_true(config_is_draft_name(queue, ".hidden"));
	assert_true(config_is_draft_name(queue, "abc"));
	assert_false(config_is_draft_name(queue, "x.tmp.gz"));
	assert_false(config_is_draft_name(queue, "abcd"));
	release(&loaded);
}

static void
test_default_draft_names(void **state)
{
	(void)state;
	static const char *const drafts[] = { ".f.XXXXXX", "a.tmp", "a.part", "a.partial",
		"a.filepart", ".a.swp", "a~" };
	static const char *const finals[] = { "a", "tmp", "a.tmpl", "sedXXXXXX", "~a" };
	struct loaded loaded = load_fine("queue_configs: { a: }");
	for (size_t i = 0; i < sizeof drafts / sizeof *drafts; i++)
		assert_true(config_is_draft_name(loaded.config.queues, drafts[i]));
	for (size_t i = 0; i < sizeof finals / sizeof *finals; i++)
		assert_false(config_is_draft_name(loaded.config.queues, finals[i]));
	release(&loaded);
}

static void
test_no_draft_names(void **state)
{
	(void)state;
	struct loaded loaded = load_settings("draft_names: ''");
	assert_string_equal(loaded.said, "");
	assert_false(config_is_draft_name(loaded.config.queues, "a.tmp"));
	release(&loaded);
}

static void
test_permissions(void **state)
{
	(void)state;
	struct loaded loaded = load_settings(
		"permissions: { enqueue: root:0 1770, claim: 4294967294:7 07777 }");
	assert_string_equal(loaded.said, "");
	const struct config_permission *faces = loaded.config.queues->permissions;
	assert_true(faces[CONFIG_ENQUEUE].set && faces[CONFIG_CLAIM].set);
	assert_false(faces[CONFIG_INSPECT].set);
	assert_int_equal(faces[CONFIG_ENQUEUE].uid, 0);
	assert_int_equal(faces[CONFIG_ENQUEUE].gid, 0);
	assert_int_equal(faces[CONFIG_ENQUEUE].mode, 01770);
	assert_int_equal(faces[CONFIG_CLAIM].uid, 4294967294);
	assert_int_equal(faces[CONFIG_CLAIM].gid, 7);
	assert_int_equal(faces[CONFIG_CLAIM].mode, 07777);
	release(&loaded);
}

/* ---- files that are none ---- */

static void
test_unreadable_files(void **state)
{
	(void)state;
	static const struct {
		const char *path, *said;
		int result;
	} table[] = {
		{ "/nonexistent/x", "0:0: cannot read the file: No such file or directory\n",
			-ENOENT },
		{ "/tmp", "0:0: cannot read the file: Is a directory\n", -EISDIR },
		{ "/dev/zero",
			"0:0: the file is longer than 4194304 bytes; is it the "
			"configuration?\n",
			-EFBIG },
		{ "/dev/null", NO_QUEUES, -EINVAL },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct loaded loaded = load_path(table[i].path);
		assert_string_equal(loaded.said, table[i].said);
		assert_int_equal(loaded.result, table[i].result);
		assert_null(loaded.config.store);
		release(&loaded);
	}
}

static void
test_binary_file(void **state)
{
	(void)state;
	char bytes[4096];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7 + 0x7f);
	write_file(bytes, sizeof bytes);
	struct loaded loaded = load_path(file);
	assert_string_equal(loaded.said,
		"1:1: not a YAML text: control characters are not allowed (byte 0x7f)\n");
	release(&loaded);
}

/* A file of one pattern again and again: it must end soon, and well. */
static void
check_nonsense(const char *pattern, size_t size)
{
	size_t length = strlen(pattern);
	char *bytes = malloc(size);
	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern[i % length];
	write_file(bytes, size);
	struct loaded loaded = load_path(file);
	assert_int_equal(loaded.result, -EINVAL);
	assert_string_not_equal(loaded.said, "");
	release(&loaded);
	free(bytes);
}

static void
test_nonsense(void **state)
{
	(void)state;
	static const char *const patterns[] = { "[", "{", "{[", "x", "${", "a: b\n", "? ", "- ",
		"'", "\"", "${A", "\n", "&a *a ", "<<: " };
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		check_nonsense(patterns[i], 20000);
}

static void
test_megabyte_of_nonsense(void **state)
{
	(void)state;
	check_nonsense("[", 1 << 20);
	check_nonsense("${", 1 << 20);
	check_nonsense("hello, world; ", 1 << 20);
}

static void
test_deep_nesting(void **state)
{
	(void)state;
	char yaml[4096] = "queue_configs: { a: { permissions: ";
	size_t length = strlen(yaml);
	memset(yaml + length, '[', 999);
	struct loaded loaded = load(yaml);
	assert_non_null(
		strstr(loaded.said, "more than 1000 brackets are open here; close them"));
	release(&loaded);
	memset(yaml + length, '[', 900);
	memset(yaml + length + 900, ']', 900);
	memcpy(yaml + length + 1800, "} }", 4);
	loaded = load(yaml);
	assert_non_null(strstr(loaded.said, "1:36: queue 'a': permissions: expected a map"));
	release(&loaded);
}

static void
test_byte_order_mark(void **state)
{
	(void)state;
	struct loaded loaded = load_fine("\xef\xbb\xbfqueue_configs: { a: }\n");
	release(&loaded);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_defaults_of_files),
		cmocka_unit_test(test_contract_example),
		cmocka_unit_test(test_integer_ranges),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_words_of_choice),
		cmocka_unit_test(test_poll_interval_is_ignored),
		cmocka_unit_test(test_draft_names),
		cmocka_unit_test(test_default_draft_names),
		cmocka_unit_test(test_no_draft_names),
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_unreadable_files),
		cmocka_unit_test(test_binary_file),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_megabyte_of_nonsense),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_byte_order_mark),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
