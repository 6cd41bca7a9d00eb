/*
 * Stream lines: whatever is written in whatever pieces, what a write says that it took is what became
 * jobs, line by line, and what waits for its end.
 *
 * An input is a byte that picks the queue, and pieces: a byte that is the length, and that many bytes.
 */
#include <errno.h>

#include "fs/committer.h"
#include "fs/fs.h"
#include "fs/log.h"
#include "fs/work_stream.h"
#include "tests/fuzz/store.h"

#define NOW_MS INT64_C(1800000000000)
#define DRAFT_ID 1
#define LINE_MAX 40

enum { PLAIN, JSON, FIFO, QUEUES };

static struct engine *engine;
static struct config_queue configs[QUEUES] = { { .name = (char[]){ "plain" } },
	{ .name = (char[]){ "json" } }, { .name = (char[]){ "fifo" } } };
static struct fs_queue queues[QUEUES];
static const struct config config = { .queue_count = QUEUES };
static const struct fs fs = { .config = &config, .queues = queues };

/* What the works ask of the thread that runs them; the linker takes these instead. */
struct engine *__wrap_committer_engine(struct committer *committer);
int64_t __wrap_committer_now_ms(const struct committer *committer);
const struct fs *__wrap_committer_fs(struct committer *committer);

struct engine *
__wrap_committer_engine(struct committer *committer)
{
	(void)committer;
	return engine;
}

int64_t
__wrap_committer_now_ms(const struct committer *committer)
{
	(void)committer;
	return NOW_MS;
}

const struct fs *
__wrap_committer_fs(struct committer *committer)
{
	(void)committer;
	return &fs;
}

static void
define(struct engine *in, int which)
{
	const struct queue_rules rules = {
		.name = configs[which].name,
		.fifo = which == FIFO,
		.json = which != PLAIN,
		.group_field = which == FIFO ? "g" : NULL,
		.concurrency = 1,
		.max_retries = 1,
		.backoff_ms = 1000,
		.backoff_max_ms = -1,
		.timeout_ms = 60000,
		.max_payload_bytes = LINE_MAX,
		.max_jobs = -1,
	};
	queues[which].config = &configs[which];
	assert(engine_queue_define(in, &rules, &queues[which].id) == 0);
}

static void
define_all(struct engine *in)
{
	for (int which = 0; which < QUEUES; which++)
		define(in, which);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	assert(log_open("/dev/null", false) == 0 && log_detach() >= 0);
	engine = store_in_memory(define_all);
	return 0;
}

/* ---- what has to hold ---- */

/* What was taken and is not yet a job: the beginning of a line. */
struct begun {
	char bytes[256 + LINE_MAX + 1];
	size_t size;
};

static void
check_job(int64_t id, const char *line, size_t length)
{
	void *body;
	size_t size;
	assert(length <= LINE_MAX);
	assert(engine_payload(engine, id, &body, &size) == 0);
	assert(size == length && memcmp(body, line, length) == 0);
	free(body);
}

/* The bytes that were taken: each line of them is one of the new jobs, in order. */
static void
check_lines(struct begun *begun, const struct work *work)
{
	int64_t jobs = 0;
	char *at = begun->bytes, *stop = begun->bytes + begun->size, *end;
	for (; (end = memchr(at, '\n', (size_t)(stop - at))); at = end + 1)
		if (end > at)
			check_job(work->first_job_id + jobs++, at, (size_t)(end - at));
	assert(jobs == work->job_count);
	begun->size = (size_t)(stop - at);
	memmove(begun->bytes, at, begun->size);
}

static void
check_staged(const struct begun *begun)
{
	struct job job = { 0 };
	void *body = NULL;
	size_t size = 0;
	int rc = engine_staged(engine, DRAFT_ID, &job, &body, &size);
	assert(rc == (begun->size ? 0 : -ENOENT));
	assert(size == begun->size && (size == 0 || memcmp(body, begun->bytes, size) == 0));
	job_release(&job);
	free(body);
}

static void
write_piece(struct begun *begun, int which, const char *bytes, size_t size)
{
	struct work *work = work_new(&work_stream, NULL);
	int rc;
	assert(work);
	work->new = (struct job_new){
		.queue_id = queues[which].id, .draft_id = DRAFT_ID, .name = "", .mode = 0644
	};
	work->body = (struct content){ .bytes = malloc(size + 1), .size = size };
	assert(work->body.bytes);
	memcpy(work->body.bytes, bytes, size);
	rc = work_stream.run(NULL, work);
	if (rc == 0) {
		assert(work->taken >= 0 && (size_t)work->taken <= size);
		assert(begun->size + (size_t)work->taken <= sizeof begun->bytes);
		memcpy(begun->bytes + begun->size, bytes, (size_t)work->taken);
		begun->size += (size_t)work->taken;
		check_lines(begun, work);
	} else {
		/* The line that this piece goes on with, or begins, is no job. */
		assert(rc == -EINVAL || rc == -EFBIG);
		assert(work->job_count == 0);
		begun->size = 0;
	}
	check_staged(begun);
	work_unref(work);
	work_unref(work);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct begun begun = { .size = 0 };
	if (size == 0)
		return 0;
	int which = data[0] % QUEUES;
	assert(engine_begin(engine, false) == 0);
	for (size_t at = 1; at < size;) {
		size_t length = data[at++];
		if (length > size - at)
			length = size - at;
		char *piece = malloc(length + 1);
		assert(piece);
		memcpy(piece, data + at, length);
		if (length > 0)
			write_piece(&begun, which, piece, length);
		free(piece);
		at += length;
	}
	engine_rollback(engine);
	return 0;
}
