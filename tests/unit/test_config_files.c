/* The configuration: variables, merges, the store and the files of iii. */
#include "config/expand.h"
#include "tests/unit/config_fixture.h"

static void
check_store(const char *line, const char *expected)
{
	char yaml[256];
	(void)snprintf(yaml, sizeof yaml, "%s\nqueue_configs: { a: }\n", line);
	struct loaded loaded = load_fine(yaml);
	assert_string_equal(loaded.config.store, expected);
	release(&loaded);
}

/* ---- variables ---- */

static void
test_variables(void **state)
{
	(void)state;
	struct loaded loaded = load_fine("queue_configs:\n"
					 "  ${UNSET:mail}-${FIVE}:\n"
					 "    concurrency: ${FIVE}\n"
					 "    max_retries: \"${UNSET:7}\"\n"
					 "    max_jobs: ${EMPTY}\n"
					 "    backoff_ms: 1${UNSET:0}${UNSET:}0\n"
					 "    draft_names: '${UNSET:: # {\"a\", [*]}'\n");
	const struct config_queue *queue = loaded.config.queues;
	assert_string_equal(queue->name, "mail-5");
	assert_int_equal(queue->concurrency, 5);
	assert_int_equal(queue->max_retries, 7);
	assert_int_equal(queue->max_jobs, CONFIG_NONE);
	assert_int_equal(queue->backoff_ms, 100);
	assert_string_equal(queue->draft_names, ": # {\"a\", [*]");
	release(&loaded);
}

static void
test_variables_in_flow(void **state)
{
	(void)state;
	struct loaded loaded = load_settings("draft_names: ${YAML}, concurrency: ${UNSET:8}");
	assert_string_equal(loaded.said, "");
	assert_string_equal(loaded.config.queues->draft_names, "{ a: [ \"#");
	assert_int_equal(loaded.config.queues->concurrency, 8);
	release(&loaded);
}

static void
test_no_variables(void **state)
{
	(void)state;
	struct loaded loaded = load_settings(
		"type: fifo, message_group_field: \"$\\x7bUNSET} $$ ${} ${:x} ${UNSET\"");
	assert_string_equal(loaded.said, "");
	assert_string_equal(
		loaded.config.queues->message_group_field, "${UNSET} $$ ${} ${:x} ${UNSET");
	release(&loaded);
}

static void
test_bad_variables(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ Q "{ concurrency: ${UNSET} }",
			"2:21: queue 'q': concurrency: the variable UNSET is not set and has "
			"no "
			"default; set it, or write ${UNSET:DEFAULT}\n" },
		{ Q "{ concurrency: ${FIVE}00000000, max_jobs: '${FIVE:2} ' }",
			"2:21: queue 'q': concurrency: expected a whole number from 1 to "
			"1000000, found 500000000\n"
			"2:48: queue 'q': max_jobs: expected a whole number from 1 to "
			"1000000000000, found 5 \n" },
		{ Q "{ draft_names: '${UNSET} ${FIVE} ${NOPE}' } # ${UNSET}",
			"2:21: queue 'q': draft_names: the variable UNSET is not set and has "
			"no "
			"default; set it, or write ${UNSET:DEFAULT}\n"
			"2:21: queue 'q': draft_names: the variable NOPE is not set and has no "
			"default; set it, or write ${NOPE:DEFAULT}\n" },
		{ Q "{ permissions: ${UNSET}, type: ${UNSET} }",
			"2:21: queue 'q': permissions: the variable UNSET is not set and has "
			"no "
			"default; set it, or write ${UNSET:DEFAULT}\n"
			"2:37: queue 'q': type: the variable UNSET is not set and has no "
			"default; set it, or write ${UNSET:DEFAULT}\n" },
		{ Q "{ permissions: { claim: ${UNSET} } }",
			"2:30: queue 'q': permissions: claim: the variable UNSET is not set "
			"and "
			"has no default; set it, or write ${UNSET:DEFAULT}\n" },
		{ Q "{ ${UNSET}: 5 }",
			"2:8: queue 'q': the variable UNSET is not set and has no default; set "
			"it, or write ${UNSET:DEFAULT}\n" },
		{ "store: ${LATIN1}\n" Q, "1:8: store: the variable LATIN1 is not valid UTF-8; "
					  "set it, or write ${LATIN1:DEFAULT}\n" },
	};
	CHECK_COMPLAINTS(table);
}

/* What looks masked without having been must not lead the reader astray. */
static void
test_private_characters(void **state)
{
	(void)state;
	static const char *const texts[] = { "\xf3\xb0\x80\xa4", "\xf3\xb0\x80\xa4x",
		"\xf3\xb0\x80\xa4\xf3\xb1\x80\x80", "\xf3\xb0\x82\x80", "\xf3\xb1\x80\x80" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char settings[64];
		(void)snprintf(settings, sizeof settings, "draft_names: %s", texts[i]);
		struct loaded loaded = load_settings(settings);
		assert_string_equal(loaded.config.queues->draft_names, texts[i]);
		release(&loaded);
	}
}

static void
test_endless_variable(void **state)
{
	(void)state;
	char text[8192];
	size_t masked_length;
	memset(text, 'x', sizeof text);
	text[0] = '$';
	text[1] = '{';
	text[sizeof text - 1] = '}';
	char *masked = expand_mask(text, sizeof text, &masked_length);
	assert_int_equal(masked_length, sizeof text);
	assert_memory_equal(masked, text, sizeof text);
	free(masked);
}

/* ---- aliases and merges ---- */

static void
test_merges(void **state)
{
	(void)state;
	struct loaded loaded =
		load_fine("queue_configs:\n"
			  "  a: &a { concurrency: 1, max_retries: 1, max_jobs: 1 }\n"
			  "  b: &b { max_retries: 2, <<: *a }\n"
			  "  c: { <<: [*b, *a, { timeout_ms: 9 }], max_jobs: 3 }\n"
			  "  d: *a\n");
	const struct config_queue *c = &loaded.config.queues[2], *d = &loaded.config.queues[3];
	assert_int_equal(c->concurrency, 1);
	assert_int_equal(c->max_retries, 2);
	assert_int_equal(c->max_jobs, 3);
	assert_int_equal(c->timeout_ms, 9);
	assert_string_equal(d->name, "d");
	assert_int_equal(d->max_jobs, 1);
	release(&loaded);
}

static void
test_bad_merges(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ Q "{ <<: 5 }",
			"2:12: queue 'q': << expected a map or a list of maps, found 5\n" },
		{ Q "{ <<: [[]] }", "2:13: queue 'q': << expected a map or a list of maps, "
				    "found a list\n" },
		{ Q "&q { <<: *q }", "2:6: queue 'q': more than 100 merges (<<), or a map that "
				     "merges itself\n" },
		{ Q "{ '<<': 5 }",
			"2:8: queue 'q': unknown key '<<'; spoolfs.yaml(5) lists the keys\n" },
	};
	CHECK_COMPLAINTS(table);
}

/* Each level merges the one above ten times: 10^9 merges if nothing stopped them. */
static void
test_merges_of_merges(void **state)
{
	(void)state;
	char yaml[4096] = "queue_configs:\n  q0: &q0 { max_jobs: 1 }\n";
	size_t length = strlen(yaml);
	for (int i = 1; i < 10; i++) {
		length += (size_t)snprintf(
			yaml + length, sizeof yaml - length, "  q%d: &q%d { <<: [", i, i);
		for (int j = 0; j < 10; j++)
			length += (size_t)snprintf(
				yaml + length, sizeof yaml - length, "*q%d, ", i - 1);
		length += (size_t)snprintf(yaml + length, sizeof yaml - length, "] }\n");
	}
	struct loaded loaded = load(yaml);
	assert_int_equal(loaded.result, -EINVAL);
	assert_non_null(strstr(loaded.said, "queue 'q9': more than 100 merges"));
	release(&loaded);
}

/* ---- the store ---- */

static void
test_store_paths(void **state)
{
	(void)state;
	char beside[sizeof directory + 32];
	(void)snprintf(beside, sizeof beside, "%s/q.db", directory);
	check_store("store: /a/b.db", "/a/b.db");
	check_store("store: ~/b.db", "/home/alice/b.db");
	check_store("store: q.db", beside);
	check_store("store: ./q.db", beside);
	check_store("store: ${UNSET:/x}/${FIVE}.db", "/x/5.db");
}

static void
test_store_default(void **state)
{
	(void)state;
	check_store("", "/home/alice/.local/state/spoolfs/queues.db");
	setenv("XDG_STATE_HOME", "relative", 1);
	check_store("", "/home/alice/.local/state/spoolfs/queues.db");
	setenv("XDG_STATE_HOME", "/xdg/", 1);
	check_store("", "/xdg/spoolfs/queues.db");
	setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", 1);
	check_store("", "/var/lib/one/queues.db");
	unsetenv("STATE_DIRECTORY");
	unsetenv("XDG_STATE_HOME");
}

static void
test_store_without_home(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ "queue_configs: { a: }", "0:0: store: no place for it: write store: PATH, or "
					   "set STATE_DIRECTORY or HOME\n" },
		{ "queue_configs: { a: }\nstore: ~/x",
			"2:8: store: cannot tell the directory; write a path that begins with "
			"'/'\n" },
		{ "queue_configs: { a: }\nstore: /x", "" },
	};
	unsetenv("HOME");
	CHECK_COMPLAINTS(table);
	setenv("HOME", "/home/alice", 1);
}

static void
test_store_beside_a_relative_config(void **state)
{
	(void)state;
	char *before = getcwd(NULL, 0);
	char beside[sizeof directory + 32];
	(void)snprintf(beside, sizeof beside, "%s/q.db", directory);
	write_file("store: q.db\nqueue_configs: { a: }", 33);
	assert_int_equal(chdir(directory), 0);
	struct loaded loaded = load_path("spoolfs.yaml");
	assert_int_equal(chdir(before), 0);
	assert_string_equal(loaded.config.store, beside);
	release(&loaded);
	free(before);
}

/* ---- iii's files ---- */

static const char iii_file[] = "modules: ${UNSET}\n"
			       "workers:\n"
			       "  - name: iii-http\n"
			       "    config: { port: ${UNSET}, port: 2 }\n"
			       "  - just-a-name\n"
			       "  - image: x\n"
			       "  - name: iii-queue\n"
			       "    config:\n"
			       "      adapter:\n"
			       "        name: builtin\n"
			       "        config:\n"
			       "          store_method: file_based\n"
			       "          file_path: ${UNSET:./data/queue_store}\n"
			       "      queue_configs:\n"
			       "        default: { max_retries: ${UNSET:5}, type: standard }\n"
			       "        payment:\n"
			       "          type: fifo\n"
			       "          message_group_field: transaction_id\n"
			       "          poll_interval_ms: 100\n"
			       "  - name: queue\n";

static void
test_iii_file(void **state)
{
	(void)state;
	char store[sizeof directory + 64];
	(void)snprintf(store, sizeof store, "%s/data/queue_store/queues.db", directory);
	struct loaded loaded = load_fine(iii_file);
	assert_string_equal(loaded.config.store, store);
	assert_int_equal(loaded.config.queue_count, 2);
	assert_int_equal(loaded.config.queues[0].max_retries, 5);
	assert_string_equal(loaded.config.queues[1].name, "payment");
	assert_int_equal(loaded.config.queues[1].type, CONFIG_FIFO);
	release(&loaded);
}

#define W(config) "workers: [{ name: queue, config: " config " }]\n"
#define QUEUES "queue_configs: { a: }"

static void
test_adapters(void **state)
{
	(void)state;
	check_store(W("{ adapter: { name: builtin } }"),
		"/home/alice/.local/state/spoolfs/queues.db");
	check_store(W("{ adapter: { name: builtin, config: { file_path: /q/ } } }"),
		"/q/queues.db");
	check_store(W("{ adapter: { config: { file_path: /q } } }"), "/q/queues.db");
	check_store(
		"store: /s\n" W("{ adapter: { name: builtin, config: { file_path: /q } } }"),
		"/s");
	check_store("store: /s\n" W("{ adapter: { name: redis } }"), "/s");
	check_store(W("{ adapter: }"), "/home/alice/.local/state/spoolfs/queues.db");
}

static void
test_iii_complaints(void **state)
{
	(void)state;
	static const struct complaint table[] = {
		{ W("{ adapter: { name: redis, config: 5 }, " QUEUES " }"),
			"1:53: warning: adapter: 'redis' is not used; spoolfs keeps jobs in a "
			"store of its own, which store: PATH names\n" },
		{ W("{ adapter: redis, " QUEUES " }"),
			"1:45: adapter: expected a map with name and config, found redis\n" },
		{ W("{ adapter: { config: { file_path: [] } }, " QUEUES " }"),
			"1:68: adapter: file_path: expected a path, found a list\n" },
		{ W("{ adapter: { config: { file_path: ${UNSET} } }, " QUEUES " }"),
			"1:68: adapter: file_path: the variable UNSET is not set and has no "
			"default; set it, or write ${UNSET:DEFAULT}\n" },
		{ W("{ queue_config: 1, x: 2, " QUEUES " }"),
			"1:36: warning: workers: key 'queue_config' is ignored; did you mean "
			"'queue_configs'?\n"
			"1:53: warning: workers: key 'x' is ignored; spoolfs reads adapter and "
			"queue_configs\n" },
		{ W("{ queue_configs: { a: { x: 1 } } }"),
			"1:58: queue 'a': unknown key 'x'; spoolfs.yaml(5) lists the keys\n" },
		{ W("[]"),
			NO_QUEUES "1:34: workers: config: expected a map with queue_configs, "
				  "found a list\n" },
		{ W("~"), NO_QUEUES },
		{ "workers:\n", NO_QUEUES },
	};
	CHECK_COMPLAINTS(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_variables_in_flow),
		cmocka_unit_test(test_no_variables),
		cmocka_unit_test(test_bad_variables),
		cmocka_unit_test(test_private_characters),
		cmocka_unit_test(test_endless_variable),
		cmocka_unit_test(test_merges),
		cmocka_unit_test(test_bad_merges),
		cmocka_unit_test(test_merges_of_merges),
		cmocka_unit_test(test_store_paths),
		cmocka_unit_test(test_store_default),
		cmocka_unit_test(test_store_without_home),
		cmocka_unit_test(test_store_beside_a_relative_config),
		cmocka_unit_test(test_iii_file),
		cmocka_unit_test(test_adapters),
		cmocka_unit_test(test_iii_complaints),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
