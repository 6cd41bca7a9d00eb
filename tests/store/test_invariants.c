/* Random operations, rollbacks and crashes; after each handful the store has to agree with itself.
 * `test_invariants SEED` repeats one run. */
#include "engine/hash.h"
#include "engine/store_query.h"
#include "tests/store/harness.h"

#define STEPS 4000
#define WORKERS 6

/* Each counts what must not be. */
static const struct {
	const char *what, *sql;
} wrongs[] = {
	{ "tallies",
		"SELECT count(*) FROM queue q WHERE "
		"staged <> (SELECT count(*) FROM job WHERE queue = q.id AND state = 1) OR "
		"waiting <> (SELECT count(*) FROM job WHERE queue = q.id AND state = 2) OR "
		"backoff <> (SELECT count(*) FROM job WHERE queue = q.id AND state = 3) OR "
		"running <> (SELECT count(*) FROM job WHERE queue = q.id AND state = 4) OR "
		"dead <> (SELECT count(*) FROM job WHERE queue = q.id AND state = 5) OR "
		"done <> (SELECT count(*) FROM job WHERE queue = q.id AND state = 6) OR "
		"rejected <> (SELECT count(*) FROM job WHERE queue = q.id AND state = 7)" },
	{ "states", "SELECT count(*) FROM job WHERE state NOT BETWEEN 1 AND 7" },
	{ "heads that are not the first of their group",
		"SELECT count(*) FROM job a JOIN queue q ON q.id = a.queue WHERE state BETWEEN "
		"2 AND 4 "
		"AND head <> (q.fifo AND NOT EXISTS (SELECT 1 FROM job b WHERE b.queue = "
		"a.queue AND "
		"b.grp_id = a.grp_id AND b.state BETWEEN 2 AND 4 AND b.pos < a.pos))" },
	{ "heads that are not live",
		"SELECT count(*) FROM job WHERE head = 1 AND state NOT BETWEEN 2 AND 4" },
	{ "groups outside fifo", "SELECT count(*) FROM job JOIN queue ON queue.id = job.queue "
				 "WHERE NOT fifo AND "
				 "state BETWEEN 1 AND 4 AND grp IS NOT NULL" },
	{ "payloads missing", "SELECT count(*) FROM job WHERE state <> 6 AND id NOT IN "
			      "(SELECT id FROM payload)" },
	{ "payloads left over", "SELECT count(*) FROM payload WHERE id NOT IN "
				"(SELECT id FROM job WHERE state <> 6)" },
	{ "failures left over", "SELECT count(*) FROM failure WHERE job NOT IN "
				"(SELECT id FROM job WHERE state <> 6)" },
	{ "history", "SELECT count(*) FROM job WHERE state <> 6 AND history <> "
		     "(SELECT count(*) FROM failure WHERE failure.job = job.id)" },
	{ "workers", "SELECT count(*) FROM job WHERE (state = 4) <> (worker IS NOT NULL)" },
	{ "bound, but not running",
		"SELECT count(*) FROM job WHERE state <> 4 AND (wpid <> 0 OR wstart <> 0)" },
	{ "rejected without a reason or a name",
		"SELECT count(*) FROM job WHERE state = 7 AND (history = 0 OR name = '' OR "
		"named = 1 OR grp IS NOT NULL)" },
	{ "rejected under one name",
		"SELECT count(*) FROM (SELECT 1 FROM job WHERE state = 7 GROUP BY queue, name "
		"HAVING count(*) > 1)" },
	{ "drafts of others than the staged",
		"SELECT count(*) FROM job WHERE (state = 1) <> (draft <> 0)" },
	{ "finished jobs without a name",
		"SELECT count(*) FROM job WHERE state = 6 AND named = 0" },
	{ "order used twice",
		"SELECT count(*) FROM (SELECT 1 FROM job GROUP BY pos HAVING count(*) > 1)" },
	{ "numbers not promised",
		"SELECT count(*) FROM note WHERE (key = 'next id' AND value <= "
		"(SELECT coalesce(max(id), 0) FROM job)) OR (key = 'next pos' AND value <= "
		"(SELECT coalesce(max(pos), 0) FROM job))" },
	{ "indexes", "SELECT integrity_check <> 'ok' FROM pragma_integrity_check LIMIT 1" },
};

struct run {
	struct world world;
	uint64_t random;
	int64_t queues[2];
	bool fifo;
	int64_t ids[32]; /* jobs to do something with */
	size_t next_id;
};

static int64_t
draw(struct run *run, int64_t below)
{
	return (int64_t)(hash_sequence(&run->random) % (uint64_t)below);
}

static void
define(struct run *run)
{
	struct engine *engine = run->world.engine;
	const struct queue_rules *rules =
		run->fifo ? FIFO(.concurrency = 3, .max_retries = 2, .timeout_ms = 3000)
			  : STANDARD(.concurrency = 3, .max_retries = 2, .timeout_ms = 3000);
	assert_int_equal(engine_queue_define(engine, rules, &run->queues[0]), 0);
	assert_int_equal(engine_queue_define(engine, FIFO(.name = "second", .max_jobs = 20),
				 &run->queues[1]),
		0);
}

static void
check(struct run *run)
{
	struct engine *engine = run->world.engine;
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		int64_t count = 0;
		assert_int_equal(store_scalar(engine->store, wrongs[i].sql, &count), 0);
		if (count != 0)
			fail_msg("%s: %lld", wrongs[i].what, (long long)count);
	}
	assert_true(engine_count(engine, run->queues[0], JOB_RUNNING) <= 3);
}

/* Now and then a name, a time, a draft. */
static int
put_job(struct run *run)
{
	static const char *const names[] = { "", "", "a", "b", "c" };
	struct world *world = &run->world;
	char body[40];
	int size = snprintf(body, sizeof body, "{\"g\":%d}", (int)draw(run, 4));
	struct job_new new = {
		.queue_id = run->queues[draw(run, 2)],
		.draft_id = draw(run, 3) == 0 ? 1 + draw(run, 4) : 0,
		.body = body,
		.size = (size_t)size,
		.name = names[draw(run, 5)],
		.due_ms = draw(run, 5) == 0 ? world->now_ms + 500 : 0,
	};
	int64_t *id = &run->ids[run->next_id % 32];
	new.partial = new.draft_id != 0 && draw(run, 3) == 0;
	new.size -= (size_t)draw(run, new.partial ? 4 : 1);
	if (draw(run, 8) == 0) {
		run->next_id++;
		return engine_reject(world->engine, &new, "why not", world->now_ms, id);
	}
	if (new.draft_id != 0)
		return engine_stage(world->engine, &new, world->now_ms, &world->problem);
	run->next_id++;
	return engine_enqueue(world->engine, &new, world->now_ms, &world->problem, id);
}

static int
work(struct run *run)
{
	struct world *world = &run->world;
	int64_t queue = run->queues[draw(run, 2)];
	struct claimant by = { draw(run, 2), draw(run, 2) };
	struct verdict_details details = { .delay_ms = draw(run, 3) - 1, .by = by };
	char worker[16];
	struct job job;
	bool again;
	(void)snprintf(worker, sizeof worker, "w%d", (int)draw(run, WORKERS));
	if (draw(run, 2))
		return engine_verdict(world->engine, queue, worker, 0,
			(enum verdict)draw(run, 4), &details, world->now_ms);
	int rc =
		engine_claim_by(world->engine, queue, worker, &by, world->now_ms, &job, &again);
	if (rc == 0)
		job_release(&job);
	return rc;
}

static int
pause_or_go_on(struct run *run)
{
	struct queue_pause pause = { .since_ms = run->world.now_ms, .reason = "why" };
	bool pauses = draw(run, 3) == 0;
	return engine_pause(
		run->world.engine, run->queues[draw(run, 2)], pauses ? &pause : NULL);
}

static int
operate(struct run *run)
{
	struct world *world = &run->world;
	struct engine *engine = world->engine;
	int64_t id = run->ids[draw(run, 32)], now_ms = world->now_ms;
	switch (draw(run, 9)) {
	case 0:
		return engine_remove(engine, id, now_ms);
	case 1:
		return engine_requeue(engine, id, now_ms);
	case 2:
		return engine_bury(engine, id, "why", now_ms);
	case 3:
		return engine_fail(engine, id, NULL, now_ms);
	case 4:
		return engine_reschedule(engine, id, now_ms + draw(run, 2000) - 500, now_ms);
	case 5:
		return engine_extend(engine, id, 0, now_ms);
	case 6:
		return engine_resubmit(
			engine, id, run->queues[draw(run, 2)], "a", now_ms, &world->problem);
	case 7:
		return pause_or_go_on(run);
	default:
		return engine_move(
			engine, id, run->queues[draw(run, 2)], now_ms, &world->problem);
	}
}

static int
use_names(struct run *run)
{
	static const char *const names[] = { "a", "b", "c" };
	struct engine *engine = run->world.engine;
	int64_t queue = run->queues[draw(run, 2)], id;
	switch (draw(run, 4)) {
	case 0:
		return engine_name_forget(engine, queue, names[draw(run, 3)]);
	case 1:
		return engine_name_rename(
			engine, queue, names[draw(run, 3)], names[draw(run, 3)]);
	case 2:
		return engine_unstage(engine, 1 + draw(run, 4));
	default:
		return engine_publish(
			engine, 1 + draw(run, 4), names[draw(run, 3)], run->world.now_ms, &id);
	}
}

static void
step(struct run *run)
{
	int rc;
	int64_t next_ms;
	run->world.now_ms += draw(run, 200);
	assert_int_equal(engine_begin(run->world.engine, draw(run, 50) == 0), 0);
	for (int64_t calls = 1 + draw(run, 6); calls > 0; calls--) {
		int64_t what = draw(run, 10);
		rc = what < 3   ? put_job(run)
		     : what < 7 ? work(run)
		     : what < 9 ? operate(run)
				: use_names(run);
		assert_true(rc != -EIO && rc != -ENOMEM);
		assert_int_equal(
			engine_tick(run->world.engine, run->world.now_ms, &next_ms), 0);
	}
	if (draw(run, 10) == 0)
		engine_rollback(run->world.engine);
	else
		assert_int_equal(engine_commit(run->world.engine), 0);
}

static void
disturb(struct run *run)
{
	bool more;
	switch (draw(run, 4)) {
	case 0:
		world_crash(&run->world);
		break;
	case 1:
		world_reopen(&run->world);
		break;
	case 2:
		run->fifo = !run->fifo;
		break;
	default:
		assert_int_equal(engine_maintain(run->world.engine, &more), 0);
	}
	define(run);
	if (draw(run, 2))
		assert_int_equal(
			engine_recover(run->world.engine, run->world.now_ms, NULL, NULL), 0);
}

static void
run_seed(uint64_t seed, int steps)
{
	struct run run = { .random = seed };
	world_init(&run.world, NULL);
	define(&run);
	for (int i = 0; i < steps; i++) {
		step(&run);
		if (i % 10 == 9)
			check(&run);
		if (draw(&run, 100) == 0)
			disturb(&run);
	}
	check(&run);
	world_release(&run.world);
}

static uint64_t first_seed = 1, last_seed = 4;

static void
test_random_runs(void **state)
{
	(void)state;
	for (uint64_t seed = first_seed; seed <= last_seed; seed++) {
		print_message("seed %llu\n", (unsigned long long)seed);
		run_seed(seed, STEPS / 4);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_runs),
	};
	if (argc > 1)
		first_seed = last_seed = strtoull(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
