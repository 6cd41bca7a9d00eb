/* The configuration: every key, every mistake with its place, iii's files, `spoolfs -n`. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/expand.h"
#include "config/keys.h"
#include "config/mistakes.h"
#include "config/utf8.h"
#include "config/value.h"

/* ---- a file, its loading, and what was said about it ---- */

static char directory[] = "/tmp/test_config.XXXXXX";
static char file[sizeof directory + 32];

static int
setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(file, sizeof file, "%s/spoolfs.yaml", directory);
	unsetenv("STATE_DIRECTORY");
	unsetenv("XDG_STATE_HOME");
	unsetenv("UNSET");
	setenv("HOME", "/home/alice", 1);
	setenv("FIVE", "5", 1);
	setenv("EMPTY", "", 1);
	setenv("YAML", "{ a: [ \"#", 1);
	setenv("LATIN1", "caf\xe9", 1);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(directory);
}

static void
write_file(const void *bytes, size_t size)
{
	FILE *out = fopen(file, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

/* A configuration that was loaded, and the messages: "LINE:COLUMN: TEXT\n" each. */
struct loaded {
	int result;
	struct config config;
	char *said;
};

static void
say(void *context, const struct config_message *message)
{
	fprintf(context, "%zu:%zu: %s%s\n", message->line, message->column,
		message->warning ? "warning: " : "", message->text);
}

static struct loaded
load_path(const char *path)
{
	struct loaded loaded = { 0 };
	size_t size;
	FILE *said = open_memstream(&loaded.said, &size);
	assert_non_null(said);
	loaded.result = config_load(path, say, said, &loaded.config);
	assert_int_equal(fclose(said), 0);
	return loaded;
}

static struct loaded
load(const char *yaml)
{
	write_file(yaml, strlen(yaml));
	return load_path(file);
}

static void
release(struct loaded *loaded)
{
	config_release(&loaded->config);
	config_release(&loaded->config); /* once more does no harm */
	free(loaded->said);
}

/* Loads what has to be fine. */
static struct loaded
load_fine(const char *yaml)
{
	struct loaded loaded = load(yaml);
	assert_string_equal(loaded.said, "");
	assert_int_equal(loaded.result, 0);
	return loaded;
}

/* One queue with these settings, as a flow map: "concurrency: 5, type: fifo". */
static struct loaded
load_settings(const char *settings)
{
	char yaml[4096];
	(void)snprintf(yaml, sizeof yaml, "queue_configs:\n  q: { %s }\n", settings);
	return load(yaml);
}

struct complaint {
	const char *yaml, *said;
};

static void
check_complaint(const struct complaint *complaint)
{
	struct loaded loaded = load(complaint->yaml);
	if (strcmp(loaded.said, complaint->said) != 0)
		print_error("in the file\n%s\n", complaint->yaml);
	assert_string_equal(loaded.said, complaint->said);
	bool warnings_only = !*loaded.said || strstr(loaded.said, ": warning: ");
	assert_int_equal(loaded.result, warnings_only ? 0 : -EINVAL);
	if (loaded.result)
		assert_null(loaded.config.queues);
	release(&loaded);
}

#define CHECK_COMPLAINTS(table)                                                                \
	for (size_t i = 0; i < sizeof(table) / sizeof *(table); i++)                           \
	check_complaint(&(table)[i])

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
		assert_memory_equal(
			(const char *)loaded.config.queues + keys[range->id].offset, &value,
			sizeof value);
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

/* ---- mistakes ---- */

#define Q "queue_configs:\n  q: "

static void
test_wrong_values(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ Q "{ concurrency: 0 }\n", "2:21: queue 'q': concurrency: expected a whole "
					    "number from 1 to 1000000, found 0\n" },
		{ Q "{ concurrency: \"5\" }", "2:21: queue 'q': concurrency: expected a whole "
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
			"2:16: queue 'q': publish: expected close or rename, found nothing\n" },
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
		{ Q "{ type: fifo }", "2:14: queue 'q': a fifo queue needs message_group_field: "
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
		{ Q "{ concurency: 5 }",
			"2:8: queue 'q': unknown key 'concurency'; did you mean 'concurrency'?\n" },
		{ Q "{ tpye: fifo }",
			"2:8: queue 'q': unknown key 'tpye'; did you mean 'type'?\n" },
		{ Q "{ retries: 5 }",
			"2:8: queue 'q': unknown key 'retries'; did you mean 'max_retries'?\n" },
		{ Q "{ colour: red }",
			"2:8: queue 'q': unknown key 'colour'; spoolfs.yaml(5) lists the keys\n" },
		{ Q "{ a_key_that_is_much_longer_than_any_of_ours: 1 }",
			"2:8: queue 'q': unknown key 'a_key_that_is_much_longer_than_any_of_ours'; "
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
			"2:60: queue 'q': 'type' is given twice, first on line 2; remove one\n" },
		{ Q "\n  r:\n  q:\n", "4:3: queue_configs: 'q' is given twice, first on line 2; "
				       "remove one\n" },
		{ Q "\nstore: a\n'store': b\n",
			"4:1: the file: 'store' is given twice, first on line 3; remove one\n" },
		{ Q "{ permissions: { claim: 0:0 0700, claim: 0:0 0700 } }",
			"2:40: queue 'q': permissions: 'claim' is given twice, first on line 2; "
			"remove one\n" },
		{ Q "\nworkers: [{ name: queue, config: { queue_configs: { p: , q: } } }]",
			"3:57: queue 'q': it is given twice; remove one\n" },
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
		{ "queue_configs: { \"a\\tb\": }",
			"1:18: queue 'a?b': the name contains a control character; it has to be "
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
	};
	CHECK_COMPLAINTS(table);
}

static void
test_wrong_shapes(void **state)
{
	(void)state;
#define NO_QUEUES                                                                              \
	"1:1: no queues: write at least one, such as queue_configs: { mail: { } }\n"
	static const struct complaint table[] = {
		{ "", NO_QUEUES },
		{ "# nothing\n", NO_QUEUES },
		{ "~", NO_QUEUES },
		{ "store: /s\n", NO_QUEUES },
		{ "queue_configs:\n", NO_QUEUES },
		{ "queue_configs: {}\n", NO_QUEUES },
		{ "queue_configs: [a]\n",
			NO_QUEUES "1:16: queue_configs: expected a map of queues, found a list\n" },
		{ "[a]", "1:1: the file: expected a map with queue_configs, found a list\n" },
		{ "hello\n", "1:1: the file: expected a map with queue_configs, found hello\n" },
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
		{ "a: b\n c: d\n",
			"2:3: not valid YAML: mapping values are not allowed in this context\n" },
		{ "a:\n  b: 'x\n", "3:1: not valid YAML: found unexpected end of stream, while "
				    "scanning a quoted scalar that begins on line 2\n" },
		{ "a: *.tmp\n", "1:5: not valid YAML: did not find expected alphabetic or "
				"numeric character, while scanning an alias that begins on "
				"line 1; a text that begins with * needs quotes\n" },
		{ "a: *b\n", "1:4: not valid YAML: found undefined alias\n" },
		{ "a: é\nb: é\x01\n", "2:5: not a YAML text: control characters are not allowed "
				       "(byte 0x01)\n" },
		{ "a: \xff\n", "1:4: not a YAML text: invalid leading UTF-8 octet (byte 0xff)\n" },
		{ Q "\n---\nb: c\n", "4:1: a second document begins here; put everything into "
				     "the first one\n" },
		{ Q "{ type: x }\n---\n'", "2:14: queue 'q': type: expected standard or fifo, "
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
	static const struct complaint table[] = { {
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
		"4:21: queue 'a': backoff_max_ms: expected at least backoff_ms, which is 1000 by "
		"default, found 5\n"
		"5:18: queue 'a': concurrency: expected a whole number from 1 to 1000000, found "
		"none\n"
		"6:11: queue 'a': a fifo queue needs message_group_field: the key of the payload "
		"whose value names the group\n"
		"7:3: queue 'b/c': the name contains '/'; it has to be a legal file name\n"
		"8:5: warning: queue 'b/c': message_group_field has no effect in a standard "
		"queue; did you mean type: fifo?\n"
		"9:5: queue 'b/c': unknown key 'timeout'; did you mean 'timeout_ms'?\n"
		"10:3: queue_configs: 'a' is given twice, first on line 3; remove one\n"
		"11:6: queue 'd': expected a map of keys, found 7\n"
		"12:8: store: expected a path, found []\n" + 0,
	} };
	(void)table;
}
