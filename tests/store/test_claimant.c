/* A worker's name that is bound to a process is that process's alone; a paused queue delivers
 * nothing. */
#include "tests/store/harness.h"

static const struct claimant first = { 100, 5 }, again_100 = { 100, 6 }, nobody = { 0, 0 };

static int
claim_by(struct world *world, const struct claimant *by, struct job *job)
{
	bool again;
	begin(world);
	return end(world, engine_claim_by(world->engine, world->queue, "100", by, world->now_ms,
				  job, &again));
}

static int
verdict_by(struct world *world, const struct claimant *by)
{
	struct verdict_details details = { .delay_ms = -1, .by = *by };
	begin(world);
	return end(world, engine_verdict(world->engine, world->queue, "100", 0, VERDICT_RETRY,
				  &details, world->now_ms));
}

static void
test_bound(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	world_init(&world, STANDARD(.backoff_ms = 0));
	int64_t id = enqueue(&world, "a");
	assert_int_equal(claim_by(&world, &first, &job), 0);
	assert_int_equal(job.worker_pid, 100);
	assert_int_equal(job.worker_start, 5);
	job_release(&job);
	assert_int_equal(claim_by(&world, &again_100, &job), -EBUSY);
	assert_int_equal(claim_by(&world, &nobody, &job), -EBUSY);
	assert_int_equal(verdict_by(&world, &again_100), -EBUSY);
	world_crash(&world);
	world_define(&world, STANDARD(.backoff_ms = 0));
	assert_int_equal(verdict_by(&world, &nobody), -EBUSY);
	assert_int_equal(claim_by(&world, &first, &job), 0);
	assert_int_equal(job.id, id);
	job_release(&job);
	assert_int_equal(verdict_by(&world, &first), 0);
	pass(&world, 1);
	/* Nothing of it is left: the next is nobody's. */
	assert_int_equal(claim_by(&world, &nobody, &job), 0);
	assert_int_equal(job.worker_pid, 0);
	job_release(&job);
	assert_int_equal(verdict_by(&world, &first), 0);
	world_release(&world);
}

static void
pause_queue(struct world *world, const char *reason)
{
	struct queue_pause pause = { .since_ms = world->now_ms, .uid = 3, .pid = 4 };
	(void)snprintf(pause.reason, sizeof pause.reason, "%s", reason ? reason : "");
	begin(world);
	assert_int_equal(
		end(world, engine_pause(world->engine, world->queue, reason ? &pause : NULL)),
		0);
}

static void
test_paused(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	char why[100];
	world_init(&world, STANDARD());
	int64_t id = enqueue(&world, "a");
	int64_t since_ms = world.now_ms;
	pause_queue(&world, "smtp is down");
	assert_int_equal(claim_of(&world, "w"), 0);
	assert_int_equal(engine_job(world.engine, id, &job), 0);
	assert_int_equal(engine_waiting_for(world.engine, &job, why, sizeof why), 0);
	assert_string_equal(why, "paused: smtp is down");
	job_release(&job);
	pass(&world, 50);
	pause_queue(&world, "still");
	world_crash(&world);
	world_define(&world, STANDARD());
	assert_int_equal(engine_paused(world.engine, world.queue)->since_ms, since_ms);
	assert_string_equal(engine_paused(world.engine, world.queue)->reason, "still");
	assert_int_equal(claim_of(&world, "w"), 0);
	(void)engine_queue_ready(world.engine, world.queue);
	pause_queue(&world, NULL);
	assert_true(engine_queue_ready(world.engine, world.queue));
	assert_int_equal(engine_paused(world.engine, world.queue)->since_ms, 0);
	assert_int_equal(claim_of(&world, "w"), id);
	world_release(&world);
}

static void
test_pause_rolled_back(void **state)
{
	(void)state;
	struct world world;
	struct queue_pause pause = { .since_ms = 1 };
	world_init(&world, STANDARD());
	int64_t id = enqueue(&world, "a");
	begin(&world);
	assert_int_equal(engine_pause(world.engine, world.queue, &pause), 0);
	engine_rollback(world.engine);
	assert_int_equal(engine_paused(world.engine, world.queue)->since_ms, 0);
	assert_int_equal(claim_of(&world, "w"), id);
	world_release(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_paused),
		cmocka_unit_test(test_pause_rolled_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
