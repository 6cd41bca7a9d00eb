/*
 * What the tests of the configuration share: a file in a directory of its own, loaded, with what
 * was said about it.
 */
#ifndef TESTS_UNIT_CONFIG_FIXTURE_H
#define TESTS_UNIT_CONFIG_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

static char directory[] = "/tmp/test_config.XXXXXX";
static char file[sizeof directory + 32];

static inline int
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

static inline int
teardown(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(directory);
}

static inline void
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
	int errors; /* that were said, without warnings */
	char *said;
	FILE *out; /* into `said` */
};

static inline void
say(void *context, const struct config_message *message)
{
	struct loaded *loaded = context;
	loaded->errors += !message->warning;
	fprintf(loaded->out, "%zu:%zu: %s%s\n", message->line, message->column,
		message->warning ? "warning: " : "", message->text);
}

static inline struct loaded
load_path(const char *path)
{
	struct loaded loaded = { 0 };
	size_t size;
	loaded.out = open_memstream(&loaded.said, &size);
	assert_non_null(loaded.out);
	loaded.result = config_load(path, say, &loaded, &loaded.config);
	assert_int_equal(fclose(loaded.out), 0);
	return loaded;
}

static inline struct loaded
load(const char *yaml)
{
	write_file(yaml, strlen(yaml));
	return load_path(file);
}

static inline void
release(struct loaded *loaded)
{
	config_release(&loaded->config);
	config_release(&loaded->config); /* once more does no harm */
	free(loaded->said);
}

/* Loads what has to be fine. */
static inline struct loaded
load_fine(const char *yaml)
{
	struct loaded loaded = load(yaml);
	assert_string_equal(loaded.said, "");
	assert_int_equal(loaded.result, 0);
	return loaded;
}

/* One queue with these settings, as a flow map: "concurrency: 5, type: fifo". */
static inline struct loaded
load_settings(const char *settings)
{
	char yaml[4096];
	(void)snprintf(yaml, sizeof yaml, "queue_configs:\n  q: { %s }\n", settings);
	return load(yaml);
}

struct complaint {
	const char *yaml, *said;
};

static inline void
check_complaint(const struct complaint *complaint)
{
	struct loaded loaded = load(complaint->yaml);
	if (strcmp(loaded.said, complaint->said) != 0)
		print_error("in the file\n%s\n", complaint->yaml);
	assert_string_equal(loaded.said, complaint->said);
	assert_int_equal(loaded.result, loaded.errors ? -EINVAL : 0);
	if (loaded.result)
		assert_null(loaded.config.queues);
	release(&loaded);
}

/* Checks all complaints of an array. */
#define CHECK_COMPLAINTS(table) check_complaints(table, sizeof(table) / sizeof *(table))

static inline void
check_complaints(const struct complaint *complaints, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_complaint(&complaints[i]);
}

#define Q "queue_configs:\n  q: " /* the beginning of a queue, its value from 2:6 */

#define NO_QUEUES "1:1: no queues: write at least one, such as queue_configs: { mail: { } }\n"

#endif
