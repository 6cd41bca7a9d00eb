/*
 * The disk is full, and stays so: new payloads are refused, and everything else goes on, verdicts
 * before all.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fault/memory.h"
#include "tests/fault/trial.h"

/* What keeps no new bytes succeeds at the second try at the latest. */
static void
test_full_disk(void **state)
{
	(void)state;
	struct trial it;
	trial_init(&it);
	for (it.step = 0; it.step < scenario_count(); it.step++) {
		const struct scenario_step *step = &scenario_steps[it.step];
		trial_measure(&it);
		struct scenario scenario = trial_prepare(&it);
		it.disk->capacity = disk_used(it.disk);
		int rc = scenario_run(&scenario, it.step);
		if (rc == -ENOSPC && !step->grows)
			rc = scenario_run(&scenario, it.step);
		if (rc != 0 && (!step->grows || rc != -ENOSPC))
			fail_msg("step \"%s\": %d %s", step->name, rc,
				scenario.engine ? engine_error(scenario.engine) : "");
		it.disk->capacity = -1;
		trial_check(&it, &scenario, rc);
		scenario_close(&scenario);
		trial_pass(&it);
	}
	trial_release(&it);
}

#define CROWD 1500

/* Jobs until the disk is full. */
static int64_t
fill(struct scenario *it, const char *body, size_t size)
{
	int64_t jobs = 0, id;
	int rc = 0;
	while (rc == 0 && jobs < CROWD) {
		struct job_new new = {
			.queue_id = jobs % 20 ? it->fifo : it->third,
			.body = body,
			.size = size,
			.name = "",
		};
		rc = engine_begin(it->engine, true);
		for (int i = 0; rc == 0 && i < 10; i++)
			rc = engine_enqueue(it->engine, &new, it->now_ms, &it->problem, &id);
		if (rc == 0)
			rc = engine_commit(it->engine);
		if (rc != 0)
			engine_rollback(it->engine);
		else
			jobs += 10;
		(void)engine_checkpoint(it->engine); /* it may fail; what matters comes later */
	}
	assert_true(rc == 0 || rc == -ENOSPC);
	return jobs;
}

typedef int change_fn(struct scenario *it, int number);

static int
claim_or_end(struct scenario *it, int number)
{
	static const enum verdict verdicts[] = { VERDICT_RETRY, VERDICT_DONE, VERDICT_DEAD,
		VERDICT_RELEASE, VERDICT_DONE };
	int64_t queue = number / 2 % 2 ? it->fifo : it->third, next_ms;
	struct job job;
	bool again;
	int rc = engine_tick(it->engine, it->now_ms, &next_ms);
	if (rc != 0 || number % 2 == 0) {
		rc = rc ? rc : engine_claim(it->engine, queue, "w", it->now_ms, &job, &again);
		if (rc == 0)
			job_release(&job);
		return rc == -EAGAIN ? 0 : rc;
	}
	rc = engine_verdict(
		it->engine, queue, "w", 0, verdicts[number / 4 % 5], NULL, it->now_ms);
	return rc == -ENOENT ? 0 : rc;
}

static int
change(struct scenario *it, change_fn *fn, int number)
{
	int rc = engine_begin(it->engine, true);
	if (rc == 0)
		rc = fn(it, number);
	if (rc == 0)
		rc = engine_commit(it->engine);
	if (rc != 0)
		engine_rollback(it->engine);
	(void)engine_checkpoint(it->engine); /* as above */
	return rc;
}

static int64_t
work_on_full_disk(struct scenario *it, int changes)
{
	int64_t second = 0;
	for (int number = 0; number < changes; number++) {
		it->now_ms += 10;
		int rc = change(it, claim_or_end, number);
		if (rc == -ENOSPC) {
			second++;
			rc = change(it, claim_or_end, number);
		}
		if (rc != 0)
			fail_msg("change %d: %d %s", number, rc, engine_error(it->engine));
	}
	return second;
}

/* Every verdict on a disk that the queues themselves have filled; the next start, too. */
static void
verdicts_on_full_disk(size_t size, int64_t capacity, bool maintained)
{
	struct disk *disk = disk_new("disk");
	struct scenario it = { .disk = disk, .now_ms = SCENARIO_START_MS };
	char *body = malloc(size);
	bool more = maintained;
	memset(body, 'x', size);
	memcpy(body, "{\"g\":1,\"b\":\"", 12);
	memcpy(body + size - 2, "\"}", 2);
	disk->capacity = capacity;
	assert_int_equal(scenario_open(&it), 0);
	int64_t jobs = fill(&it, body, size);
	while (more)
		assert_int_equal(engine_maintain(it.engine, &more), 0);
	disk->capacity = disk_used(disk); /* others took the rest */
	int64_t second = work_on_full_disk(&it, 3000);
	scenario_close(&it);
	assert_int_equal(scenario_open(&it), 0);
	assert_int_equal(engine_recover(it.engine, it.now_ms, NULL, NULL), 0);
	second += work_on_full_disk(&it, 1000);
	const char *wrong = scenario_wrong(it.engine);
	if (wrong)
		fail_msg("%s", wrong);
	print_message("%lld jobs of %zu bytes: of 4000 changes %lld were tried twice\n",
		(long long)jobs, size, (long long)second);
	scenario_close(&it);
	free(body);
	disk_free(disk);
}

static void
test_verdicts_on_full_disk(void **state)
{
	(void)state;
	verdicts_on_full_disk(500000, 50 << 20, false);
	verdicts_on_full_disk(100, 6 << 20, false);
	verdicts_on_full_disk(100, -1, true);
	verdicts_on_full_disk(20000, 20 << 20, false);
	verdicts_on_full_disk(20000, 40 << 20, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_verdicts_on_full_disk),
	};
	return cmocka_run_group_tests(tests, memory_set_up, NULL);
}
