/* Names, drafts and what a store makes of what was staged. */
#include "tests/store/harness.h"

/* The job that the name means, 0 for none. */
static int64_t
named(struct world *world, const char *name)
{
	struct job job;
	int rc = engine_name_find(world->engine, world->queue, name, &job);
	if (rc == -ENOENT)
		return 0;
	assert_int_equal(rc, 0);
	int64_t id = job.id;
	job_release(&job);
	return id;
}

static int
forget(struct world *world, const char *name)
{
	begin(world);
	return end(world, engine_name_forget(world->engine, world->queue, name));
}

static int
rename_to(struct world *world, const char *from, const char *to)
{
	begin(world);
	return end(world, engine_name_rename(world->engine, world->queue, from, to));
}

static void
test_a_minute_more(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	void *body;
	size_t size;
	world_init(&world, STANDARD());
	int64_t id = enqueue_named(&world, "x", "n");
	assert_int_equal(claim_of(&world, "w"), id);
	assert_int_equal(named(&world, "n"), id);
	done(&world, "w");
	assert_int_equal(pass(&world, 59999), 1);
	assert_int_equal(engine_name_find(world.engine, world.queue, "n", &job), 0);
	assert_int_equal(job.state, JOB_DONE);
	assert_int_equal(engine_payload(world.engine, id, &body, &size), -ENOENT);
	assert_int_equal(engine_receipt_find(world.engine, job.receipt, &job), -ENOENT);
	assert_true(pass(&world, 1) == INT64_MAX);
	assert_int_equal(named(&world, "n"), 0);
	assert_int_equal(state_of(&world, id), JOB_NONE);
	world_release(&world);
}

static void
test_cancelled_too(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD());
	int64_t waiting = enqueue_named(&world, "x", "a"),
		dead = enqueue_named(&world, "x", "b");
	assert_int_equal(operate_on(&world, 'r', waiting), 0);
	assert_int_equal(operate_on(&world, 'b', dead), 0);
	assert_int_equal(operate_on(&world, 'r', dead), 0);
	assert_int_equal(named(&world, "a"), waiting);
	assert_int_equal(named(&world, "b"), dead);
	(void)pass(&world, 60000);
	assert_int_equal(named(&world, "a"), 0);
	assert_int_equal(named(&world, "b"), 0);
	world_release(&world);
}

static void
test_replaced(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD());
	int64_t old = enqueue_named(&world, "x", "n"), new = enqueue_named(&world, "y", "n");
	assert_int_equal(named(&world, "n"), new);
	assert_int_equal(claim_of(&world, "w"), old);
	done(&world, "w");
	assert_int_equal(state_of(&world, old), JOB_NONE); /* no name to be kept for */
	assert_int_equal(claim_of(&world, "w"), new);
	done(&world, "w");
	assert_int_equal(state_of(&world, new), JOB_DONE);
	int64_t third = enqueue_named(&world, "z", "n");
	assert_int_equal(state_of(&world, new), JOB_NONE);
	assert_int_equal(named(&world, "n"), third);
	world_release(&world);
}

static void
test_forget_and_rename(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD());
	int64_t a = enqueue_named(&world, "x", "a"), b = enqueue_named(&world, "y", "b");
	assert_int_equal(forget(&world, "none"), -ENOENT);
	assert_int_equal(rename_to(&world, "none", "b"), -ENOENT);
	assert_int_equal(rename_to(&world, "a", "a"), 0);
	assert_int_equal(rename_to(&world, "a", "b"), 0);
	assert_int_equal(named(&world, "a"), 0);
	assert_int_equal(named(&world, "b"), a);
	assert_int_equal(state_of(&world, b), JOB_WAITING);
	assert_int_equal(forget(&world, "b"), 0);
	assert_int_equal(forget(&world, "b"), -ENOENT);
	assert_int_equal(state_of(&world, a), JOB_WAITING);
	world_release(&world);
}

static void
test_names_move_with_their_jobs(void **state)
{
	(void)state;
	struct world world;
	int64_t other;
	world_init(&world, STANDARD());
	assert_int_equal(engine_queue_define(world.engine, STANDARD(.name = "o"), &other), 0);
	int64_t a = enqueue_named(&world, "x", "a"), b = enqueue_named(&world, "x", "b");
	int64_t here = world.queue;
	world.queue = other;
	int64_t taken = enqueue_named(&world, "y", "b");
	begin(&world);
	assert_int_equal(engine_move(world.engine, a, other, world.now_ms, &world.problem), 0);
	assert_int_equal(engine_move(world.engine, b, other, world.now_ms, &world.problem), 0);
	assert_int_equal(engine_commit(world.engine), 0);
	assert_int_equal(named(&world, "a"), a);
	assert_int_equal(named(&world, "b"), taken);
	world.queue = here;
	assert_int_equal(named(&world, "a"), 0);
	assert_int_equal(named(&world, "b"), 0);
	world_release(&world);
}

static bool
name_add(void *context, int64_t queue_id, const char *name, const char *receipt, int64_t cookie)
{
	char *text = context;
	assert_true(queue_id > 0 && cookie > 0 && receipt_looks_right(receipt));
	(void)snprintf(text + strlen(text), 64, "%s ", name);
	return true;
}

static void
test_names_are_listed(void **state)
{
	(void)state;
	struct world world;
	char text[256] = "";
	world_init(&world, STANDARD());
	int64_t z = enqueue_named(&world, "x", "z");
	(void)enqueue(&world, "x");
	(void)enqueue_named(&world, "x", "a");
	assert_int_equal(engine_names(world.engine, world.queue, 0, name_add, text), 0);
	assert_string_equal(text, "z a ");
	text[0] = '\0';
	assert_int_equal(engine_names(world.engine, world.queue, z, name_add, text), 0);
	assert_string_equal(text, "a ");
	world_release(&world);
}

/* ---- staging ---- */

static int
publish(struct world *world, int64_t draft, const char *name, int64_t *id)
{
	begin(world);
	return end(world, engine_publish(world->engine, draft, name, world->now_ms, id));
}

static void
expect_payload(struct world *world, int64_t id, const char *expected)
{
	void *body;
	size_t size;
	assert_int_equal(engine_payload(world->engine, id, &body, &size), 0);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(body, expected, size);
	free(body);
}

static void
test_staged_is_invisible(void **state)
{
	(void)state;
	struct world world;
	int64_t id;
	world_init(&world, STANDARD());
	assert_int_equal(try_stage(&world, 5, "half"), 0);
	assert_int_equal(try_stage(&world, 5, "whole"), 0);
	assert_int_equal(count(&world, JOB_STAGED), 1);
	assert_int_equal(claim_of(&world, "w"), 0);
	assert_int_equal(named(&world, "staged"), 0);
	for (int64_t i = 1; i < 5; i++)
		assert_int_equal(state_of(&world, i), JOB_NONE);
	world.now_ms += 77;
	assert_int_equal(publish(&world, 5, "n", &id), 0);
	struct job job;
	assert_int_equal(engine_job(world.engine, id, &job), 0);
	assert_int_equal(job.created_ms, START_MS); /* its receipt outlives a lost publish */
	assert_int_equal(job.changed_ms, START_MS + 77);
	assert_string_equal(job.name, "n");
	expect_payload(&world, id, "whole");
	assert_int_equal(named(&world, "n"), id);
	assert_int_equal(publish(&world, 5, "n", &id), -ENOENT);
	assert_int_equal(claim_of(&world, "w"), id);
	world_release(&world);
}

static void
test_unstage(void **state)
{
	(void)state;
	struct world world;
	int64_t id;
	world_init(&world, STANDARD());
	assert_int_equal(try_stage(&world, 5, "x"), 0);
	for (int i = 0; i < 2; i++) {
		begin(&world);
		assert_int_equal(end(&world, engine_unstage(world.engine, 5)), 0);
	}
	assert_int_equal(publish(&world, 5, "n", &id), -ENOENT);
	assert_int_equal(count(&world, JOB_STAGED), 0);
	world_release(&world);
}

static bool
is_seven(void *context, int64_t draft_id)
{
	(void)context;
	return draft_id == 7;
}

/* Lines "staged" and "still open" of the table in store.h. */
static void
test_recovery(void **state)
{
	(void)state;
	struct world world;
	int64_t id;
	world_init(&world, STANDARD());
	assert_int_equal(try_stage(&world, 9, "first"), 0);
	assert_int_equal(try_stage(&world, 7, "open"), 0);
	assert_int_equal(try_stage(&world, 3, "second"), 0);
	world_crash(&world);
	world_define(&world, STANDARD());
	assert_int_equal(engine_recover(world.engine, world.now_ms, is_seven, NULL), 0);
	assert_int_equal(count(&world, JOB_STAGED), 1);
	id = claim_of(&world, "w1");
	expect_payload(&world, id, "first");
	id = claim_of(&world, "w2");
	expect_payload(&world, id, "second");
	assert_int_equal(named(&world, "staged"), id);
	assert_int_equal(claim_of(&world, "w3"), 0);
	assert_int_equal(publish(&world, 7, "", &id), 0);
	expect_payload(&world, id, "open");
	assert_int_equal(engine_recover(world.engine, world.now_ms, NULL, NULL), 0);
	world_release(&world);
}

static void
test_publish_later(void **state)
{
	(void)state;
	struct world world;
	int64_t id;
	world_init(&world, STANDARD());
	struct job_new new = {
		.queue_id = world.queue,
		.draft_id = 1,
		.body = "x",
		.size = 1,
		.name = "",
		.due_ms = START_MS + 50,
	};
	begin(&world);
	assert_int_equal(
		end(&world, engine_stage(world.engine, &new, world.now_ms, &world.problem)), 0);
	assert_int_equal(publish(&world, 1, "", &id), 0);
	assert_int_equal(state_of(&world, id), JOB_BACKOFF);
	assert_int_equal(pass(&world, 0), 50);
	(void)pass(&world, 50);
	assert_int_equal(claim_of(&world, "w"), id);
	world_release(&world);
}

/* ---- what a queue takes ---- */

static void
test_max_jobs(void **state)
{
	(void)state;
	struct world world;
	int64_t id;
	world_init(&world, STANDARD(.max_jobs = 2));
	int64_t first = enqueue(&world, "x");
	assert_int_equal(try_stage(&world, 1, "x"), 0);
	assert_int_equal(try_enqueue(&world, "x", "", &id), -ENOSPC);
	assert_string_equal(world.problem.text, "the queue has its 2 jobs");
	assert_int_equal(try_stage(&world, 2, "x"), -ENOSPC);
	assert_int_equal(try_stage(&world, 1, "xx"), 0); /* in its own place */
	assert_int_equal(publish(&world, 1, "", &id), 0);
	assert_int_equal(try_enqueue(&world, "x", "", &id), -ENOSPC);
	assert_int_equal(claim_of(&world, "w"), first);
	assert_int_equal(try_enqueue(&world, "x", "", &id), -ENOSPC);
	done(&world, "w");
	assert_int_equal(try_enqueue(&world, "x", "", &id), 0);
	world_release(&world);
}

/* A draft that moves to another queue takes a place there. */
static void
test_max_jobs_of_another_queue(void **state)
{
	(void)state;
	struct world world;
	int64_t id;
	world_init(&world, STANDARD());
	assert_int_equal(try_stage(&world, 1, "x"), 0);
	world_define(&world, STANDARD(.name = "full", .max_jobs = 1));
	assert_int_equal(try_enqueue(&world, "x", "", &id), 0);
	assert_int_equal(try_stage(&world, 1, "x"), -ENOSPC);
	assert_int_equal(count(&world, JOB_STAGED), 0);
	world_release(&world);
}

static void
test_payload_rules(void **state)
{
	(void)state;
	struct world world;
	int64_t id;
	world_init(&world, STANDARD(.json = true, .max_payload_bytes = 8));
	assert_int_equal(try_enqueue(&world, "123456789", "", &id), -EFBIG);
	assert_int_equal(try_enqueue(&world, "12345678", "", &id), 0);
	assert_int_equal(try_enqueue(&world, "nope", "", &id), -EINVAL);
	struct job_new early = { .queue_id = world.queue, .name = "" };
	begin(&world);
	assert_int_equal(end(&world, engine_check(world.engine, &early, &world.problem)), 0);
	world_release(&world);
}

static void
test_bytes_are_bytes(void **state)
{
	(void)state;
	struct world world;
	static const char bytes[] = "\0\1\2\377 \n\0";
	int64_t id;
	void *body;
	size_t size;
	world_init(&world, STANDARD());
	struct job_new new = {
		.queue_id = world.queue, .body = bytes, .size = sizeof bytes, .name = "caf\xe9"
	};
	begin(&world);
	assert_int_equal(end(&world, engine_enqueue(world.engine, &new, world.now_ms,
					     &world.problem, &id)),
		0);
	assert_int_equal(engine_payload(world.engine, id, &body, &size), 0);
	assert_int_equal(size, sizeof bytes);
	assert_memory_equal(body, bytes, size);
	free(body);
	assert_int_equal(named(&world, "caf\xe9"), id);
	new.size = 0;
	begin(&world);
	assert_int_equal(end(&world, engine_enqueue(world.engine, &new, world.now_ms,
					     &world.problem, &id)),
		0);
	assert_int_equal(engine_payload(world.engine, id, &body, &size), 0);
	assert_int_equal(size, 0);
	assert_non_null(body);
	free(body);
	world_release(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_minute_more),
		cmocka_unit_test(test_cancelled_too),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_forget_and_rename),
		cmocka_unit_test(test_names_move_with_their_jobs),
		cmocka_unit_test(test_names_are_listed),
		cmocka_unit_test(test_staged_is_invisible),
		cmocka_unit_test(test_unstage),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_publish_later),
		cmocka_unit_test(test_max_jobs),
		cmocka_unit_test(test_max_jobs_of_another_queue),
		cmocka_unit_test(test_payload_rules),
		cmocka_unit_test(test_bytes_are_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
