/*
 * What a job costs the engine, and that it does not depend on how many there are. Prints, tab
 * separated: situation, microseconds per enqueue, microseconds per claim + done. Transactions of
 * 64 jobs, not durable: the disk's own time is another bench's.
 *
 *   bench_engine [FOLDER]
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"

#define BATCH 64
#define MEASURED 20000

static struct engine *engine;
static int64_t now_ms = 1800000000000;

/* Whatever fails ends the bench: there is no figure then. */
static void
must(int rc)
{
	if (rc == 0)
		return;
	(void)fprintf(stderr, "bench_engine: error %d: %s\n", -rc, engine_error(engine));
	exit(1);
}

static double
seconds(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int64_t
define(const char *name, bool fifo)
{
	const struct queue_rules rules = {
		.name = name,
		.fifo = fifo,
		.json = fifo,
		.group_field = fifo ? "g" : NULL,
		.concurrency = INT64_MAX,
		.max_retries = 3,
		.backoff_ms = 1000,
		.backoff_max_ms = -1,
		.timeout_ms = 60000,
		.max_payload_bytes = 1 << 20,
		.max_jobs = -1,
	};
	int64_t queue_id;
	must(engine_queue_define(engine, &rules, &queue_id));
	return queue_id;
}

static void
commit(void)
{
	must(engine_commit(engine));
	must(engine_checkpoint(engine));
}

/* Jobs of groups `first`, first + 1, ...; every group twice with `pairs`. */
static void
enqueue(int64_t queue_id, int count, int first, bool pairs)
{
	struct engine_problem why;
	char body[200];
	int64_t id;
	for (int i = 0; i < count; i++) {
		if (i % BATCH == 0)
			must(engine_begin(engine, false));
		int size = snprintf(body, sizeof body, "{\"g\":%d,\"text\":\"%0100d\"}",
			first + (pairs ? i / 2 : i), i);
		const struct job_new new = {
			.queue_id = queue_id, .body = body, .size = (size_t)size, .name = ""
		};
		must(engine_enqueue(engine, &new, now_ms, &why, &id));
		if (i % BATCH == BATCH - 1 || i == count - 1)
			commit();
	}
}

static void
claim(int64_t queue_id, const char *worker)
{
	struct job job;
	bool again;
	must(engine_claim(engine, queue_id, worker, now_ms, &job, &again));
	job_release(&job);
}

static void
work(int64_t queue_id, int count)
{
	for (int i = 0; i < count; i++) {
		if (i % BATCH == 0)
			must(engine_begin(engine, false));
		claim(queue_id, "w");
		must(engine_verdict(engine, queue_id, "w", 0, VERDICT_DONE, NULL, now_ms));
		if (i % BATCH == BATCH - 1 || i == count - 1)
			commit();
	}
}

/* Claims `count` heads, so that what is behind them is blocked. */
static void
block(int64_t queue_id, int count)
{
	char worker[32];
	for (int i = 0; i < count; i++) {
		if (i % BATCH == 0)
			must(engine_begin(engine, false));
		(void)snprintf(worker, sizeof worker, "blocker%d", i);
		claim(queue_id, worker);
		if (i % BATCH == BATCH - 1 || i == count - 1)
			commit();
	}
}

static void
measure(const char *situation, int64_t queue_id)
{
	double start = seconds();
	enqueue(queue_id, MEASURED, 10000000, false);
	double enqueued = seconds();
	work(queue_id, MEASURED);
	double worked = seconds();
	(void)printf("%s\t%.1f\t%.1f\n", situation, (enqueued - start) * 1e6 / MEASURED,
		(worked - enqueued) * 1e6 / MEASURED);
	(void)fflush(stdout);
}

int
main(int argc, char **argv)
{
	char folder[200], path[256];
	struct engine_problem problem;
	(void)snprintf(
		folder, sizeof folder, "%s/bench_engine-XXXXXX", argc > 1 ? argv[1] : "/tmp");
	if (!mkdtemp(folder))
		return 1;
	(void)snprintf(path, sizeof path, "%s/queues.db", folder);
	if (engine_open(path, NULL, 1, &problem, &engine) != 0) {
		(void)fprintf(stderr, "bench_engine: %s\n", problem.text);
		return 1;
	}
	(void)printf("situation\tenqueue_us\tclaim_done_us\n");
	int64_t standard = define("standard", false), fifo = define("fifo", true);
	enqueue(standard, 10, 0, false);
	measure("standard, 10 waiting", standard);
	enqueue(fifo, 10, 0, false);
	measure("fifo, 10 waiting", fifo);
	enqueue(standard, 1000000, 0, false);
	measure("standard, 1000000 waiting", standard);
	enqueue(fifo, 200000, 1000, true);
	block(fifo, 100000);
	measure("fifo, 100000 groups blocked in front", fifo);
	engine_close(engine);
	static const char *const files[] = { "", "-wal", "-shm", "-reserve" };
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char file[300];
		(void)snprintf(file, sizeof file, "%s%s", path, files[i]);
		(void)unlink(file); /* what was never made is not missed */
	}
	return rmdir(folder) == 0 ? 0 : 1;
}
