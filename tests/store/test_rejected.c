/* What cannot become a job is kept with its bytes and its reason, and can be submitted again. */
#include "tests/store/harness.h"

static int64_t
reject(struct world *world, int64_t draft_id, const char *body, const char *name)
{
	struct job_new new = {
		.queue_id = world->queue,
		.draft_id = draft_id,
		.body = body,
		.size = strlen(body),
		.name = name,
		.uid = 7,
	};
	int64_t id = 0;
	begin(world);
	assert_int_equal(
		end(world, engine_reject(world->engine, &new, "not JSON", world->now_ms, &id)),
		0);
	return id;
}

static int
resubmit(struct world *world, int64_t id, const char *name)
{
	begin(world);
	return end(world, engine_resubmit(world->engine, id, world->queue, name, world->now_ms,
				  &world->problem));
}

static void
check_found(struct world *world, const char *name, int64_t id)
{
	struct job job;
	assert_int_equal(engine_rejected_find(world->engine, world->queue, name, &job), 0);
	assert_int_equal(job.id, id);
	assert_int_equal(job.state, JOB_REJECTED);
	assert_int_equal(job.uid, 7);
	job_release(&job);
}

static void
reason_seen(void *context, const struct job_failure *failure)
{
	assert_string_equal(failure->reason, "not JSON");
	++*(int *)context;
}

static void
test_kept(void **state)
{
	(void)state;
	struct world world;
	void *body;
	size_t size;
	int reasons = 0;
	world_init(&world, FIFO());
	int64_t id = reject(&world, 0, "{", "order");
	world_crash(&world);
	world_define(&world, FIFO());
	check_found(&world, "order", id);
	assert_int_equal(engine_payload(world.engine, id, &body, &size), 0);
	assert_string_equal(body, "{");
	free(body);
	assert_int_equal(engine_failures(world.engine, id, reason_seen, &reasons), 0);
	assert_int_equal(reasons, 1);
	/* It is no job: not found by its receipt's name, not claimed, in no other view. */
	assert_int_equal(claim_of(&world, "w"), 0);
	assert_int_equal(count(&world, JOB_REJECTED), 1);
	assert_string_equal(view_text(&world, VIEW_WAITING), "");
	assert_string_equal(view_text(&world, VIEW_RECEIPTS), "");
	assert_string_equal(view_text(&world, VIEW_DEAD), "");
	world_release(&world);
}

static void
test_names(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	char name[ENGINE_NAME_MAX + 1];
	world_init(&world, FIFO());
	int64_t first = reject(&world, 0, "a", "x");
	int64_t second = reject(&world, 0, "b", "x");
	int64_t nameless = reject(&world, 0, "c", "");
	check_found(&world, "x", first);
	assert_int_equal(engine_job(world.engine, second, &job), 0);
	(void)snprintf(name, sizeof name, "x.%s", job.receipt);
	assert_string_equal(job.name, name);
	job_release(&job);
	check_found(&world, name, second);
	assert_int_equal(engine_job(world.engine, nameless, &job), 0);
	assert_string_equal(job.name, job.receipt);
	job_release(&job);
	/* As long as a name can be. */
	memset(name, 'n', ENGINE_NAME_MAX);
	name[ENGINE_NAME_MAX] = '\0';
	(void)reject(&world, 0, "d", name);
	second = reject(&world, 0, "e", name);
	assert_int_equal(engine_job(world.engine, second, &job), 0);
	assert_int_equal(strlen(job.name), ENGINE_NAME_MAX);
	job_release(&job);
	/* It is cut at a character's end. */
	memset(name, 'n', ENGINE_NAME_MAX);
	memcpy(name + ENGINE_NAME_MAX - RECEIPT_SIZE - 1, "\xc3\xa4", 2);
	(void)reject(&world, 0, "d", name);
	second = reject(&world, 0, "e", name);
	assert_int_equal(engine_job(world.engine, second, &job), 0);
	assert_int_equal(strlen(job.name), ENGINE_NAME_MAX - 1);
	assert_null(strstr(job.name, "\xc3"));
	job_release(&job);
	world_release(&world);
}

/* Who knows a receipt before the file is closed can take the name that it would be shown under. */
static void
test_taken_names(void **state)
{
	(void)state;
	struct world world;
	for (int nameless = 0; nameless < 2; nameless++) {
		struct job job;
		void *body;
		size_t size;
		char name[ENGINE_NAME_MAX + 1];
		world_init(&world, STANDARD());
		assert_int_equal(try_stage(&world, 5, "begun"), 0);
		assert_int_equal(engine_staged(world.engine, 5, &job, &body, &size), 0);
		free(body);
		job_release(&job);
		(void)snprintf(name, sizeof name, "%s%s", nameless ? "" : "x.", job.receipt);
		(void)reject(&world, 0, "a", name);
		(void)reject(&world, 0, "b", "x");
		int64_t id = reject(&world, 5, "c", nameless ? "" : "x");
		assert_int_equal(engine_job(world.engine, id, &job), 0);
		assert_int_equal(strncmp(job.name, job.receipt, RECEIPT_SIZE - 1), 0);
		check_found(&world, job.name, id);
		job_release(&job);
		assert_int_equal(count(&world, JOB_REJECTED), 3);
		world_release(&world);
	}
}

static void
test_staged(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	int64_t staged;
	world_init(&world, FIFO());
	assert_int_equal(try_stage(&world, 5, "{\"g\":1}"), 0);
	int64_t id = reject(&world, 5, "{\"g\":1", "cut");
	assert_int_equal(count(&world, JOB_STAGED), 0);
	assert_int_equal(count(&world, JOB_REJECTED), 1);
	begin(&world);
	assert_int_equal(
		end(&world, engine_publish(world.engine, 5, "cut", world.now_ms, &staged)),
		-ENOENT);
	assert_int_equal(engine_job(world.engine, id, &job), 0);
	assert_int_equal(job.size, 6);
	job_release(&job);
	world_release(&world);
}

static void
test_resubmit(void **state)
{
	(void)state;
	struct world world;
	struct job before, job;
	world_init(&world, FIFO());
	int64_t bad = reject(&world, 0, "{", "bad");
	int64_t good = reject(&world, 0, "{\"g\":1}", "good");
	assert_int_equal(engine_job(world.engine, good, &before), 0);
	assert_int_equal(resubmit(&world, bad, "bad"), -EINVAL);
	check_found(&world, "bad", bad);
	assert_int_equal(resubmit(&world, good, "other"), 0);
	assert_int_equal(state_of(&world, good), JOB_WAITING);
	assert_int_equal(engine_name_find(world.engine, world.queue, "other", &job), 0);
	assert_int_equal(job.id, good);
	assert_string_equal(job.group, "1");
	assert_string_equal(job.receipt, before.receipt);
	job_release(&job);
	job_release(&before);
	assert_int_equal(resubmit(&world, good, "other"), -EPERM);
	assert_int_equal(claim_of(&world, "w"), good);
	done(&world, "w");
	assert_int_equal(count(&world, JOB_REJECTED), 1);
	world_release(&world);
}

static void
test_operations(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	world_init(&world, FIFO());
	int64_t id = reject(&world, 0, "{", "x");
	assert_int_equal(operate_on(&world, 'q', id), -EPERM);
	assert_int_equal(operate_on(&world, 'b', id), -EPERM);
	assert_int_equal(operate_on(&world, 'f', id), -EPERM);
	assert_int_equal(operate_on(&world, 'p', id), -EPERM);
	assert_int_equal(operate_on(&world, 'r', id), 0);
	assert_int_equal(engine_job(world.engine, id, &job), -ENOENT);
	assert_int_equal(count(&world, JOB_REJECTED), 0);
	assert_int_equal(engine_rejected_find(world.engine, world.queue, "x", &job), -ENOENT);
	world_release(&world);
}

/* Staged again it keeps its number, and the receipt that was shown. */
static void
test_staged_again(void **state)
{
	(void)state;
	struct world world;
	struct job before, after;
	void *body;
	size_t size;
	world_init(&world, STANDARD());
	assert_int_equal(engine_staged(world.engine, 5, &before, &body, &size), -ENOENT);
	assert_int_equal(try_stage(&world, 5, "begun"), 0);
	assert_int_equal(engine_staged(world.engine, 5, &before, &body, &size), 0);
	assert_string_equal(body, "begun");
	free(body);
	(void)pass(&world, 1000);
	assert_int_equal(try_stage(&world, 5, "all of it"), 0);
	assert_int_equal(engine_staged(world.engine, 5, &after, &body, &size), 0);
	assert_int_equal(size, 9);
	assert_string_equal(body, "all of it");
	free(body);
	assert_int_equal(after.id, before.id);
	assert_int_equal(after.created_ms, before.created_ms);
	assert_string_equal(after.receipt, before.receipt);
	assert_int_equal(count(&world, JOB_STAGED), 1);
	job_release(&before);
	job_release(&after);
	assert_int_equal(reject(&world, 5, "cut", "n"), before.id);
	world_release(&world);
}

static void
stage_in_part(struct world *world, int64_t draft, const char *body, const char *name)
{
	struct job_new new = {
		.queue_id = world->queue,
		.draft_id = draft,
		.body = body,
		.size = strlen(body),
		.name = name,
		.uid = 7,
		.partial = true,
	};
	begin(world);
	assert_int_equal(
		end(world, engine_stage(world->engine, &new, world->now_ms, &world->problem)),
		0);
}

/* What was begun may be all; what the rules refuse is kept, under a name of its own. */
static void
test_recovered(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	world_init(&world, FIFO());
	stage_in_part(&world, 1, "{\"g\":1}", "whole");
	stage_in_part(&world, 2, "{\"g\":", "half");
	stage_in_part(&world, 3, "{\"h\":1}", "half");
	stage_in_part(&world, 4, "{\"g\":2, \"long\":1}", "long");
	/* A close that has returned 0 is kept, whatever the rules are now. */
	assert_int_equal(try_stage(&world, 5, "{\"g\":2, \"long\":2}"), 0);
	world_crash(&world);
	world_define(&world, FIFO(.max_payload_bytes = 10));
	assert_int_equal(engine_recover(world.engine, world.now_ms, NULL, NULL), 0);
	assert_int_equal(count(&world, JOB_STAGED), 0);
	assert_int_equal(count(&world, JOB_WAITING), 2);
	assert_int_equal(count(&world, JOB_REJECTED), 3);
	assert_int_equal(engine_name_find(world.engine, world.queue, "whole", &job), 0);
	assert_string_equal(job.group, "1");
	job_release(&job);
	assert_int_equal(engine_rejected_find(world.engine, world.queue, "half", &job), 0);
	check_found(&world, "half", job.id);
	job_release(&job);
	assert_int_equal(engine_rejected_find(world.engine, world.queue, "long", &job), 0);
	assert_int_equal(job.failures, 0);
	job_release(&job);
	world_release(&world);
}

static void
orphans_counted(void *context, const char *queue_name, int64_t jobs)
{
	assert_string_equal(queue_name, "q");
	*(int64_t *)context += jobs;
}

static void
test_orphans(void **state)
{
	(void)state;
	struct world world;
	int64_t jobs = 0;
	world_init(&world, FIFO());
	(void)reject(&world, 0, "{", "x");
	(void)reject(&world, 0, "{", "x");
	world_reopen(&world);
	assert_int_equal(engine_orphans(world.engine, orphans_counted, &jobs), 0);
	assert_int_equal(jobs, 2);
	world_release(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_taken_names),
		cmocka_unit_test(test_staged),
		cmocka_unit_test(test_resubmit),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_staged_again),
		cmocka_unit_test(test_recovered),
		cmocka_unit_test(test_orphans),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
