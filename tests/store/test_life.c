/* Every state and every event through the calls that cause it, retries, timeouts and limits. */
#include "tests/store/harness.h"

/* A job of the state, freshly made. Worker "w" runs it if it runs. */
static int64_t
job_in(struct world *world, enum job_state state)
{
	int64_t id = enqueue_named(world, "{\"g\":1}", "name");
	switch (state) {
	case JOB_WAITING:
		break;
	case JOB_BACKOFF:
		assert_int_equal(operate_on(world, 'p', id), 0);
		break;
	case JOB_RUNNING:
		assert_int_equal(claim_of(world, "w"), id);
		break;
	case JOB_DEAD:
		assert_int_equal(operate_on(world, 'b', id), 0);
		break;
	case JOB_DONE:
		assert_int_equal(claim_of(world, "w"), id);
		done(world, "w");
		break;
	case JOB_NONE:
	case JOB_STAGED:
	case JOB_REJECTED: /* test_rejected.c */
	case JOB_STATES:
		fail();
	}
	assert_int_equal(state_of(world, id), state);
	return id;
}

enum call {
	CLAIM,
	DONE,
	RETRY,
	GIVE_UP,
	RELEASE,
	RELEASE_LATER,
	TICK,
	TICK_LATE,
	REMOVE,
	REQUEUE,
	BURY,
	FAIL,
	POSTPONE,
	HASTEN,
	MOVE,
	EXTEND,
	FORGET,
	CALLS
};

static int
reschedule(struct world *world, int64_t id, int64_t due_ms)
{
	begin(world);
	return end(world, engine_reschedule(world->engine, id, due_ms, world->now_ms));
}

static int
move(struct world *world, int64_t id, int64_t queue_id)
{
	begin(world);
	return end(world,
		engine_move(world->engine, id, queue_id, world->now_ms, &world->problem));
}

static int
extend(struct world *world, int64_t id, int64_t until_ms)
{
	begin(world);
	return end(world, engine_extend(world->engine, id, until_ms, world->now_ms));
}

static int
call(struct world *world, enum call what, int64_t id, int64_t other_queue)
{
	switch (what) {
	case CLAIM:
		return claim_of(world, "w2") == id ? 0 : -EAGAIN;
	case DONE:
		return verdict(world, "w", VERDICT_DONE, -1);
	case RETRY:
		return verdict(world, "w", VERDICT_RETRY, -1);
	case GIVE_UP:
		return verdict(world, "w", VERDICT_DEAD, -1);
	case RELEASE:
		return verdict(world, "w", VERDICT_RELEASE, -1);
	case RELEASE_LATER:
		return verdict(world, "w", VERDICT_RELEASE, 9000);
	case TICK:
		return pass(world, 5000) > 0 ? 0 : -1;
	case TICK_LATE:
		return pass(world, 60000) > 0 ? 0 : -1;
	case REMOVE:
		return operate_on(world, 'r', id);
	case REQUEUE:
		return operate_on(world, 'q', id);
	case BURY:
		return operate_on(world, 'b', id);
	case FAIL:
		return operate_on(world, 'f', id);
	case POSTPONE:
		return operate_on(world, 'p', id);
	case HASTEN:
		return reschedule(world, id, world->now_ms);
	case MOVE:
		return move(world, id, other_queue);
	case EXTEND:
		return extend(world, id, 0);
	case FORGET:
		begin(world);
		return end(world, engine_name_forget(world->engine, world->queue, "name"));
	case CALLS:
		break;
	}
	return -EINVAL;
}

struct cell {
	int rc;
	enum job_state state;
};
#define NO(code, state)     \
	{                   \
		code, state \
	}
#define TO(state)        \
	{                \
		0, state \
	}

static const struct cell cells[][CALLS] = {
	[JOB_WAITING] = {
		[CLAIM] = TO(JOB_RUNNING),
		[DONE] = NO(-ENOENT, JOB_WAITING),
		[RETRY] = NO(-ENOENT, JOB_WAITING),
		[GIVE_UP] = NO(-ENOENT, JOB_WAITING),
		[RELEASE] = NO(-ENOENT, JOB_WAITING),
		[RELEASE_LATER] = NO(-ENOENT, JOB_WAITING),
		[TICK] = TO(JOB_WAITING),
		[TICK_LATE] = TO(JOB_WAITING),
		[REMOVE] = TO(JOB_DONE),
		[REQUEUE] = NO(-EPERM, JOB_WAITING),
		[BURY] = TO(JOB_DEAD),
		[FAIL] = NO(-EPERM, JOB_WAITING),
		[POSTPONE] = TO(JOB_BACKOFF),
		[HASTEN] = TO(JOB_WAITING),
		[MOVE] = TO(JOB_WAITING),
		[EXTEND] = NO(-ENOENT, JOB_WAITING),
		[FORGET] = TO(JOB_WAITING),
	},
	[JOB_BACKOFF] = {
		[CLAIM] = NO(-EAGAIN, JOB_BACKOFF),
		[DONE] = NO(-ENOENT, JOB_BACKOFF),
		[RETRY] = NO(-ENOENT, JOB_BACKOFF),
		[GIVE_UP] = NO(-ENOENT, JOB_BACKOFF),
		[RELEASE] = NO(-ENOENT, JOB_BACKOFF),
		[RELEASE_LATER] = NO(-ENOENT, JOB_BACKOFF),
		[TICK] = TO(JOB_WAITING),
		[TICK_LATE] = TO(JOB_WAITING),
		[REMOVE] = TO(JOB_DONE),
		[REQUEUE] = TO(JOB_WAITING),
		[BURY] = TO(JOB_DEAD),
		[FAIL] = NO(-EPERM, JOB_BACKOFF),
		[POSTPONE] = TO(JOB_BACKOFF),
		[HASTEN] = TO(JOB_WAITING),
		[MOVE] = TO(JOB_WAITING),
		[EXTEND] = NO(-ENOENT, JOB_BACKOFF),
		[FORGET] = TO(JOB_BACKOFF),
	},
	[JOB_RUNNING] = {
		[CLAIM] = NO(-EAGAIN, JOB_RUNNING),
		[DONE] = TO(JOB_DONE),
		[RETRY] = TO(JOB_BACKOFF),
		[GIVE_UP] = TO(JOB_DEAD),
		[RELEASE] = TO(JOB_WAITING),
		[RELEASE_LATER] = TO(JOB_BACKOFF),
		[TICK] = TO(JOB_RUNNING),
		[TICK_LATE] = TO(JOB_BACKOFF),
		[REMOVE] = NO(-EBUSY, JOB_RUNNING),
		[REQUEUE] = TO(JOB_WAITING),
		[BURY] = TO(JOB_DEAD),
		[FAIL] = TO(JOB_BACKOFF),
		[POSTPONE] = NO(-EBUSY, JOB_RUNNING),
		[HASTEN] = NO(-EPERM, JOB_RUNNING),
		[MOVE] = NO(-EBUSY, JOB_RUNNING),
		[EXTEND] = TO(JOB_RUNNING),
		[FORGET] = TO(JOB_RUNNING),
	},
	[JOB_DEAD] = {
		[CLAIM] = NO(-EAGAIN, JOB_DEAD),
		[DONE] = NO(-ENOENT, JOB_DEAD),
		[RETRY] = NO(-ENOENT, JOB_DEAD),
		[GIVE_UP] = NO(-ENOENT, JOB_DEAD),
		[RELEASE] = NO(-ENOENT, JOB_DEAD),
		[RELEASE_LATER] = NO(-ENOENT, JOB_DEAD),
		[TICK] = TO(JOB_DEAD),
		[TICK_LATE] = TO(JOB_DEAD),
		[REMOVE] = TO(JOB_DONE),
		[REQUEUE] = TO(JOB_WAITING),
		[BURY] = NO(-EPERM, JOB_DEAD),
		[FAIL] = NO(-EPERM, JOB_DEAD),
		[POSTPONE] = NO(-EPERM, JOB_DEAD),
		[HASTEN] = NO(-EPERM, JOB_DEAD),
		[MOVE] = TO(JOB_WAITING),
		[EXTEND] = NO(-ENOENT, JOB_DEAD),
		[FORGET] = TO(JOB_DEAD),
	},
	[JOB_DONE] = {
		[CLAIM] = NO(-EAGAIN, JOB_DONE),
		[DONE] = NO(-ENOENT, JOB_DONE),
		[RETRY] = NO(-ENOENT, JOB_DONE),
		[GIVE_UP] = NO(-ENOENT, JOB_DONE),
		[RELEASE] = NO(-ENOENT, JOB_DONE),
		[RELEASE_LATER] = NO(-ENOENT, JOB_DONE),
		[TICK] = TO(JOB_DONE),
		[TICK_LATE] = TO(JOB_NONE),
		[REMOVE] = NO(-ENOENT, JOB_DONE),
		[REQUEUE] = NO(-ENOENT, JOB_DONE),
		[BURY] = NO(-ENOENT, JOB_DONE),
		[FAIL] = NO(-ENOENT, JOB_DONE),
		[POSTPONE] = NO(-ENOENT, JOB_DONE),
		[HASTEN] = NO(-ENOENT, JOB_DONE),
		[MOVE] = NO(-ENOENT, JOB_DONE),
		[EXTEND] = NO(-ENOENT, JOB_DONE),
		[FORGET] = TO(JOB_NONE),
	},
};

/* The tallies are those of a store with this one job in it. */
static void
expect_tallies(struct world *world, enum job_state state, int64_t queue_id)
{
	for (int s = JOB_STAGED; s < JOB_STATES; s++)
		assert_int_equal(engine_count(world->engine, queue_id, (enum job_state)s),
			s == (int)state);
}

static void
try_cell(enum job_state state, enum call what, const struct queue_rules *rules)
{
	struct world world;
	int64_t other;
	world_init(&world, rules);
	struct queue_rules other_rules = *rules;
	other_rules.name = "other";
	assert_int_equal(engine_queue_define(world.engine, &other_rules, &other), 0);
	int64_t id = job_in(&world, state);
	int rc = call(&world, what, id, other);
	const struct cell *cell = &cells[state][what];
	if (rc != cell->rc || state_of(&world, id) != cell->state)
		fail_msg("%s, call %d: %d and %s", lifecycle_state_name(state), what, rc,
			lifecycle_state_name(state_of(&world, id)));
	bool moved = what == MOVE && rc == 0;
	expect_tallies(&world, cell->state, moved ? other : world.queue);
	world_reopen(&world);
	expect_tallies(&world, cell->state, moved ? other : world.queue);
	world_release(&world);
}

static void
test_every_cell(void **state)
{
	(void)state;
	for (int s = JOB_WAITING; s <= JOB_DONE; s++)
		for (int what = 0; what < CALLS; what++) {
			try_cell((enum job_state)s, (enum call)what, STANDARD());
			try_cell((enum job_state)s, (enum call)what, FIFO());
		}
}

static void
test_unknown_job(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD());
	for (const char *what = "rqbfp"; *what; what++)
		assert_int_equal(operate_on(&world, *what, 99), -ENOENT);
	assert_int_equal(move(&world, 99, world.queue), -ENOENT);
	assert_int_equal(extend(&world, 99, 0), -ENOENT);
	world_release(&world);
}

struct told {
	int count;
	int64_t attempt[16], at_ms[16];
	char worker[16][16], reason[16][2048];
};

static void
failure_told(void *context, const struct job_failure *failure)
{
	struct told *told = context;
	int n = told->count++;
	told->attempt[n] = failure->attempt;
	told->at_ms[n] = failure->at_ms;
	(void)snprintf(told->worker[n], sizeof told->worker[n], "%s", failure->worker);
	(void)snprintf(told->reason[n], sizeof told->reason[n], "%s", failure->reason);
}

static const struct told *
failures_of(struct world *world, int64_t id)
{
	static struct told told;
	told.count = 0;
	assert_int_equal(engine_failures(world->engine, id, failure_told, &told), 0);
	return &told;
}

/* The example of the contract: 1 + 5 attempts, 5, 10, 20, 40 and 80 seconds apart. */
static void
test_six_attempts(void **state)
{
	(void)state;
	static const int64_t delays[] = { 5000, 10000, 20000, 40000, 80000 };
	struct world world;
	world_init(&world, STANDARD(.max_retries = 5, .backoff_ms = 5000));
	int64_t id = enqueue(&world, "x");
	for (int n = 0; n < 5; n++) {
		assert_int_equal(claim_of(&world, "w"), id);
		retry(&world, "w");
		assert_int_equal(state_of(&world, id), JOB_BACKOFF);
		assert_int_equal(pass(&world, delays[n] - 1), 1);
		assert_int_equal(claim_of(&world, "w"), 0);
		(void)pass(&world, 1);
	}
	assert_int_equal(claim_of(&world, "w"), id);
	retry(&world, "w");
	assert_int_equal(state_of(&world, id), JOB_DEAD);
	const struct told *told = failures_of(&world, id);
	assert_int_equal(told->count, 6);
	for (int n = 0; n < 6; n++) {
		assert_int_equal(told->attempt[n], n + 1);
		assert_string_equal(told->worker[n], "w");
		assert_string_equal(told->reason[n], "failed");
	}
	assert_int_equal(told->at_ms[5], START_MS + 155000);
	world_release(&world);
}

static void
test_redrive_starts_again(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	world_init(&world, STANDARD(.max_retries = 0));
	int64_t id = enqueue(&world, "x"), later = enqueue(&world, "y");
	assert_int_equal(claim_of(&world, "w"), id);
	retry(&world, "w");
	assert_int_equal(operate_on(&world, 'q', id), 0);
	assert_int_equal(engine_job(world.engine, id, &job), 0);
	assert_int_equal(job.failures, 0);
	assert_int_equal(claim_of(&world, "w"), later);
	done(&world, "w");
	assert_int_equal(claim_of(&world, "w"), id);
	retry(&world, "w");
	const struct told *told = failures_of(&world, id);
	assert_int_equal(told->count, 2);
	assert_int_equal(told->attempt[1], 1);
	world_release(&world);
}

/* An edit of the rules helps jobs that are already there. */
static void
test_rules_are_read_at_failure(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD(.max_retries = 0));
	int64_t id = enqueue(&world, "x");
	assert_int_equal(claim_of(&world, "w"), id);
	world_define(&world, STANDARD(.max_retries = 1, .backoff_ms = 7));
	retry(&world, "w");
	assert_int_equal(pass(&world, 0), 7);
	world_release(&world);
}

static void
verdict_with(struct world *world, enum verdict word, const char *reason, int64_t delay_ms)
{
	struct verdict_details details = { .reason = reason, .delay_ms = delay_ms };
	begin(world);
	assert_int_equal(end(world, engine_verdict(world->engine, world->queue, "w", 0, word,
					    &details, world->now_ms)),
		0);
}

static void
test_reasons(void **state)
{
	(void)state;
	struct world world;
	char reason[ENGINE_REASON_MAX + 8], cut[ENGINE_REASON_MAX + 1];
	world_init(&world, STANDARD(.max_retries = 99));
	int64_t id = enqueue(&world, "x");
	memset(reason, 'a', sizeof reason);
	memcpy(reason + ENGINE_REASON_MAX - 1, "\xe2\x82\xac",
		4); /* a euro sign across the end */
	(void)snprintf(cut, sizeof cut, "%.*s", ENGINE_REASON_MAX - 1, reason);
	assert_int_equal(claim_of(&world, "w"), id);
	verdict_with(&world, VERDICT_RETRY, reason, 30);
	assert_int_equal(pass(&world, 0), 30);
	(void)pass(&world, 30);
	assert_int_equal(claim_of(&world, "w"), id);
	verdict_with(&world, VERDICT_DEAD, NULL, -1);
	const struct told *told = failures_of(&world, id);
	assert_string_equal(told->reason[0], cut);
	assert_string_equal(told->reason[1], "given up");
	assert_int_equal(told->attempt[1], 2);
	world_release(&world);
}

static void
test_long_reasons_of_no_utf8(void **state)
{
	(void)state;
	struct world world;
	char reason[2 * ENGINE_REASON_MAX];
	world_init(&world, STANDARD(.max_retries = 99));
	int64_t id = enqueue(&world, "x");
	memset(reason, 0x80, sizeof reason - 1);
	reason[sizeof reason - 1] = '\0';
	assert_int_equal(claim_of(&world, "w"), id);
	verdict_with(&world, VERDICT_RETRY, reason, 0);
	assert_int_equal(strlen(failures_of(&world, id)->reason[0]), ENGINE_REASON_MAX);
	world_release(&world);
}

static void
test_operators_reasons(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD());
	int64_t id = enqueue(&world, "x");
	assert_int_equal(operate_on(&world, 'b', id), 0);
	const struct told *told = failures_of(&world, id);
	assert_string_equal(told->reason[0], "buried by operator");
	assert_string_equal(told->worker[0], "");
	assert_int_equal(told->attempt[0], 0);
	assert_int_equal(operate_on(&world, 'r', id), 0);
	assert_int_equal(failures_of(&world, id)->count, 0);
	world_release(&world);
}

static void
test_timeout(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD(.timeout_ms = 100));
	int64_t id = enqueue(&world, "x");
	assert_int_equal(claim_of(&world, "w"), id);
	assert_int_equal(pass(&world, 99), 1);
	assert_int_equal(extend(&world, id, 0), 0);
	(void)pass(&world, 99);
	assert_int_equal(state_of(&world, id), JOB_RUNNING);
	(void)pass(&world, 1);
	assert_int_equal(state_of(&world, id), JOB_BACKOFF);
	assert_string_equal(failures_of(&world, id)->reason[0], "timeout after 100 ms");
	assert_int_equal(verdict(&world, "w", VERDICT_DONE, -1), -ENOENT);
	world_release(&world);
}

static void
test_extend_until(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	world_init(&world, STANDARD(.timeout_ms = 100));
	int64_t id = enqueue(&world, "x");
	assert_int_equal(claim_of(&world, "w"), id);
	assert_int_equal(extend(&world, id, world.now_ms + 10), 0);
	assert_int_equal(engine_worker_find(world.engine, world.queue, "w", &job), 0);
	assert_int_equal(job.deadline_ms, world.now_ms + 10);
	assert_int_equal(pass(&world, 0), 10);
	assert_int_equal(extend(&world, id, world.now_ms + 1000), 0);
	(void)pass(&world, 999);
	assert_int_equal(state_of(&world, id), JOB_RUNNING);
	world_release(&world);
}

static void
test_endless_times(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD(.timeout_ms = INT64_MAX, .backoff_ms = INT64_MAX));
	int64_t id = enqueue(&world, "x");
	assert_int_equal(claim_of(&world, "w"), id);
	assert_true(pass(&world, 1) == INT64_MAX);
	retry(&world, "w");
	assert_true(pass(&world, 1) == INT64_MAX);
	assert_int_equal(state_of(&world, id), JOB_BACKOFF);
	world_release(&world);
}

static void
test_concurrency_is_exact(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD(.concurrency = 2));
	for (int i = 0; i < 5; i++)
		(void)enqueue(&world, "x");
	begin(&world);
	for (int i = 0; i < 5; i++) {
		struct job job;
		bool again;
		char worker[16];
		(void)snprintf(worker, sizeof worker, "w%d", i);
		int rc = engine_claim(
			world.engine, world.queue, worker, world.now_ms, &job, &again);
		assert_int_equal(rc, i < 2 ? 0 : -EAGAIN);
	}
	assert_int_equal(engine_commit(world.engine), 0);
	done(&world, "w0");
	assert_int_not_equal(claim_of(&world, "w3"), 0);
	assert_int_equal(claim_of(&world, "w4"), 0);
	world_define(&world, STANDARD(.concurrency = 1));
	done(&world, "w3");
	assert_int_equal(claim_of(&world, "w4"), 0);
	done(&world, "w1");
	assert_int_not_equal(claim_of(&world, "w4"), 0);
	world_release(&world);
}

static void
test_claim_again(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	bool again;
	world_init(&world, STANDARD(.concurrency = 1));
	int64_t id = enqueue(&world, "x");
	assert_int_equal(claim_of(&world, "w"), id);
	begin(&world);
	assert_int_equal(end(&world, engine_claim(world.engine, world.queue, "w",
					     world.now_ms + 50, &job, &again)),
		0);
	assert_true(again);
	assert_int_equal(job.claimed_ms, world.now_ms);
	assert_int_equal(job.failures, 0);
	world_release(&world);
}

static void
test_verdict_on_another_job(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD());
	int64_t id = enqueue(&world, "x");
	assert_int_equal(claim_of(&world, "w"), id);
	begin(&world);
	assert_int_equal(end(&world, engine_verdict(world.engine, world.queue, "w", id + 1,
					     VERDICT_DONE, NULL, world.now_ms)),
		-ENOENT);
	assert_int_equal(state_of(&world, id), JOB_RUNNING);
	begin(&world);
	assert_int_equal(end(&world, engine_verdict(world.engine, world.queue, "w", id,
					     VERDICT_DONE, NULL, world.now_ms)),
		0);
	assert_int_equal(state_of(&world, id), JOB_NONE);
	world_release(&world);
}

static void
test_tick_is_bounded(void **state)
{
	(void)state;
	struct world world;
	int64_t next_ms;
	world_init(&world, STANDARD());
	begin(&world);
	for (int i = 0; i < 2500; i++) {
		int64_t id;
		struct job_new new = { .queue_id = world.queue,
			.body = "x",
			.size = 1,
			.name = "",
			.due_ms = START_MS + 9 };
		assert_int_equal(
			engine_enqueue(world.engine, &new, world.now_ms, &world.problem, &id),
			0);
	}
	assert_int_equal(engine_commit(world.engine), 0);
	begin(&world);
	assert_int_equal(engine_tick(world.engine, START_MS + 9, &next_ms), 0);
	assert_int_equal(next_ms, START_MS + 9);
	assert_int_equal(count(&world, JOB_WAITING), 2000);
	assert_int_equal(engine_tick(world.engine, START_MS + 9, &next_ms), 0);
	assert_true(next_ms == INT64_MAX);
	assert_int_equal(count(&world, JOB_WAITING), 2500);
	assert_int_equal(engine_commit(world.engine), 0);
	world_release(&world);
}

static bool
ready(struct world *world)
{
	return engine_queue_ready(world->engine, world->queue);
}

static void
test_ready(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, FIFO(.concurrency = 2));
	assert_true(ready(&world)); /* defined */
	assert_false(ready(&world));
	int64_t a = enqueue_group(&world, "a");
	assert_true(ready(&world));
	int64_t behind = enqueue_group(&world, "a");
	assert_false(ready(&world));
	assert_int_equal(claim_of(&world, "w"), a);
	assert_false(ready(&world));
	retry(&world, "w");
	assert_true(ready(&world)); /* the limit */
	(void)pass(&world, 1000);
	assert_true(ready(&world));
	assert_int_equal(operate_on(&world, 'r', a), 0);
	assert_true(ready(&world)); /* the next of the group */
	assert_int_equal(claim_of(&world, "w"), behind);
	begin(&world);
	engine_rollback(world.engine);
	assert_true(ready(&world));
	world_release(&world);
}

struct heard {
	int ended, gone;
	char worker[16], name[16];
};

static void
hear_ended(void *context, int64_t queue_id, const char *worker, int64_t job_id)
{
	struct heard *heard = context;
	assert_true(queue_id > 0 && job_id > 0);
	heard->ended++;
	(void)snprintf(heard->worker, sizeof heard->worker, "%s", worker);
}

static void
hear_gone(void *context, int64_t queue_id, const char *name)
{
	struct heard *heard = context;
	assert_true(queue_id > 0);
	heard->gone++;
	(void)snprintf(heard->name, sizeof heard->name, "%s", name);
}

static void
test_hooks(void **state)
{
	(void)state;
	struct world world;
	struct heard heard = { 0 };
	struct engine_hooks hooks = { &heard, hear_ended, hear_gone };
	world_init(&world, STANDARD(.timeout_ms = 10));
	engine_hooks_set(world.engine, &hooks);
	int64_t id = enqueue_named(&world, "x", "n");
	assert_int_equal(claim_of(&world, "w1"), id);
	(void)pass(&world, 10);
	assert_int_equal(heard.ended, 1);
	assert_string_equal(heard.worker, "w1");
	(void)pass(&world, 1000);
	assert_int_equal(claim_of(&world, "w2"), id);
	assert_int_equal(operate_on(&world, 'q', id), 0);
	assert_string_equal(heard.worker, "w2");
	assert_int_equal(claim_of(&world, "w3"), id);
	done(&world, "w3");
	assert_int_equal(heard.ended, 3);
	assert_int_equal(heard.gone, 0);
	(void)pass(&world, 60000);
	assert_int_equal(heard.gone, 1);
	assert_string_equal(heard.name, "n");
	world_release(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_unknown_job),
		cmocka_unit_test(test_six_attempts),
		cmocka_unit_test(test_redrive_starts_again),
		cmocka_unit_test(test_rules_are_read_at_failure),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_long_reasons_of_no_utf8),
		cmocka_unit_test(test_operators_reasons),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_extend_until),
		cmocka_unit_test(test_endless_times),
		cmocka_unit_test(test_concurrency_is_exact),
		cmocka_unit_test(test_claim_again),
		cmocka_unit_test(test_verdict_on_another_job),
		cmocka_unit_test(test_tick_is_bounded),
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_hooks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
