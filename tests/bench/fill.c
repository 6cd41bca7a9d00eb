/*
 * Puts jobs into a store that no daemon holds, faster than through a mount: the backlog that
 * enqueueing and claiming are measured in front of.
 *
 * usage: fill STORE QUEUE JOBS
 */
#include "engine/engine.h"
#include "tests/bench/measure.h"

#define BATCH 10000

static int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
check(int rc, const char *what, const struct engine_problem *problem)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench: %s: %s %s\n", what, strerror(-rc), problem->text);
	exit(1);
}

/* The rules that the config of the mount gives the queue, too. */
static int64_t
queue_define(struct engine *engine, const char *name, struct engine_problem *problem)
{
	int64_t queue_id = 0;
	const struct queue_rules rules = { .name = name,
		.concurrency = 1000000,
		.max_retries = 3,
		.backoff_ms = 1000,
		.backoff_max_ms = -1,
		.timeout_ms = 1800000,
		.max_payload_bytes = 1048576,
		.max_jobs = -1 };

	check(engine_queue_define(engine, &rules, &queue_id), "define the queue", problem);
	return queue_id;
}

static void
batch_enqueue(struct engine *engine, const struct job_new *job, long jobs,
	struct engine_problem *problem)
{
	int64_t job_id;

	check(engine_begin(engine, false), "begin", problem);
	for (long i = 0; i < jobs; i++)
		check(engine_enqueue(engine, job, clock_ms(), problem, &job_id), "enqueue",
			problem);
	check(engine_commit(engine), "commit", problem);
	check(engine_checkpoint(engine), "checkpoint", problem);
}

int
main(int argc, char **argv)
{
	struct engine_problem problem = { .text = "" };
	struct engine *engine;
	long jobs = argc == 4 ? atol(argv[3]) : 0;

	if (jobs < 1) {
		fputs("usage: fill STORE QUEUE JOBS\n", stderr);
		return 64;
	}
	check(engine_open(argv[1], NULL, now_ns(), &problem, &engine), argv[1], &problem);
	struct job_new job = { .queue_id = queue_define(engine, argv[2], &problem),
		.body = payload(),
		.size = PAYLOAD_SIZE,
		.name = "",
		.mode = 0644 };
	for (; jobs > 0; jobs -= BATCH)
		batch_enqueue(engine, &job, jobs < BATCH ? jobs : BATCH, &problem);
	engine_close(engine);
	return 0;
}
