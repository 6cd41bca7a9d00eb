/* Configurations: what is accepted is in order, and means the same when it is printed and read. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"
#include "config/name.h"
#include "tests/fuzz/fuzz.h"

static int memory;
static char path[64];

struct loaded {
	int rc, errors, messages;
	size_t line, column;
	struct config config;
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	memory = memfd_create("spoolfs.yaml", MFD_CLOEXEC);
	assert(memory >= 0);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
	unsetenv("STATE_DIRECTORY");
	unsetenv("XDG_STATE_HOME");
	unsetenv("UNSET");
	setenv("HOME", "/home/alice", 1);
	setenv("FIVE", "5", 1);
	setenv("YAML", "{ a: [ \"#", 1);
	setenv("LATIN1", "caf\xe9", 1);
	return 0;
}

/* A message is a line that a terminal can bear, and comes in the file's order. */
static void
check_message(void *context, const struct config_message *message)
{
	struct loaded *loaded = context;
	loaded->messages++;
	loaded->errors += !message->warning;
	assert(strcmp(message->file, path) == 0);
	assert(*message->text && is_utf8(message->text));
	for (const char *byte = message->text; *byte; byte++)
		assert((unsigned char)*byte >= ' ' && *byte != 0x7f);
	assert((message->line == 0) == (message->column == 0));
	assert(message->line > loaded->line ||
		(message->line == loaded->line && message->column >= loaded->column));
	loaded->line = message->line;
	loaded->column = message->column;
}

static struct loaded
load(const void *bytes, size_t size)
{
	struct loaded loaded = { .rc = 0 };
	assert(ftruncate(memory, 0) == 0);
	assert(pwrite(memory, bytes, size, 0) == (ssize_t)size);
	loaded.rc = config_load(path, check_message, &loaded, &loaded.config);
	assert(loaded.rc == (loaded.errors ? -EINVAL : 0));
	return loaded;
}

/* ---- what the manual promises of what is accepted ---- */

static void
check_permissions(const struct config_queue *queue)
{
	for (size_t face = 0; face < CONFIG_FACES; face++)
		assert(!queue->permissions[face].set || queue->permissions[face].mode <= 07777);
}

static void
check_queue(const struct config_queue *queue)
{
	bool fifo = queue->type == CONFIG_FIFO;
	assert(!name_problem(queue->name) && is_utf8(queue->name));
	assert(fifo == (queue->message_group_field != NULL));
	assert(!fifo || (*queue->message_group_field && queue->payload == CONFIG_PAYLOAD_JSON));
	assert(queue->concurrency >= 1);
	assert(queue->max_retries >= 0);
	assert(queue->backoff_ms >= 0);
	assert(queue->backoff_max_ms == CONFIG_NONE ||
		queue->backoff_max_ms >= queue->backoff_ms);
	assert(queue->backoff_jitter >= 0 && queue->backoff_jitter <= 1);
	assert(queue->timeout_ms >= 1);
	assert(queue->max_payload_bytes >= 1);
	assert(queue->max_jobs == CONFIG_NONE || queue->max_jobs >= 1);
	check_permissions(queue);
	(void)config_is_draft_name(queue, queue->name); /* every pattern has its place */
}

static void
check_config(const struct config *config)
{
	assert(config->store[0] == '/');
	assert(config->queue_count > 0);
	for (size_t i = 0; i < config->queue_count; i++) {
		check_queue(&config->queues[i]);
		for (size_t j = 0; j < i; j++)
			assert(strcmp(config->queues[i].name, config->queues[j].name) != 0);
	}
}

/* ---- printed and read again ---- */

static char *
print(const struct config *config, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);
	assert(out);
	assert(config_print(config, out) == 0);
	assert(fclose(out) == 0);
	return text;
}

static void
check_same_text(const char *one, const char *other)
{
	assert((one == NULL) == (other == NULL));
	assert(!one || strcmp(one, other) == 0);
}

static void
check_same_face(const struct config_permission *one, const struct config_permission *other)
{
	assert(one->set == other->set);
	assert(!one->set ||
		(one->uid == other->uid && one->gid == other->gid && one->mode == other->mode));
}

static void
check_same_queue(const struct config_queue *one, const struct config_queue *other)
{
	check_same_text(one->name, other->name);
	check_same_text(one->message_group_field, other->message_group_field);
	check_same_text(one->draft_names, other->draft_names);
	assert(one->type == other->type);
	assert(one->payload == other->payload);
	assert(one->publish == other->publish);
	assert(one->concurrency == other->concurrency);
	assert(one->max_retries == other->max_retries);
	assert(one->backoff_ms == other->backoff_ms);
	assert(one->backoff_max_ms == other->backoff_max_ms);
	assert(one->backoff_jitter == other->backoff_jitter);
	assert(one->timeout_ms == other->timeout_ms);
	assert(one->max_payload_bytes == other->max_payload_bytes);
	assert(one->max_jobs == other->max_jobs);
	assert(one->schedule_by_mtime == other->schedule_by_mtime);
	for (size_t face = 0; face < CONFIG_FACES; face++)
		check_same_face(&one->permissions[face], &other->permissions[face]);
}

static void
check_printed(const struct config *config)
{
	size_t size, size_again;
	char *text = print(config, &size);
	struct loaded again = load(text, size);
	assert(again.rc == 0 && again.messages == 0);
	check_same_text(config->store, again.config.store);
	assert(config->queue_count == again.config.queue_count);
	for (size_t i = 0; i < config->queue_count; i++)
		check_same_queue(&config->queues[i], &again.config.queues[i]);
	char *text_again = print(&again.config, &size_again);
	assert(strcmp(text, text_again) == 0);
	config_release(&again.config);
	free(text_again);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct loaded loaded = load(data, size);
	if (loaded.rc == 0) {
		check_config(&loaded.config);
		check_printed(&loaded.config);
	} else {
		assert(!loaded.config.queues && !loaded.config.store);
	}
	config_release(&loaded.config);
	return 0;
}
