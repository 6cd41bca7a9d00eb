/*
 * The n-th call of the disk fails, the n-th allocation fails, at each step of the scenario, for
 * every n until the step passes untouched. Whatever fails, the caller gets an errno that says so,
 * and after the rollback all is as it was, in memory, in the store, and in what a start would find.
 * The fault gone, the same step works; and nothing leaks. And: the disk is full, for good.
 *
 * EVERY=1 in the environment: every single allocation, which takes some minutes. Else every one of
 * the first twenty of a step, then one in ever more.
 */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store_query.h"
#include "tests/fault/scenario.h"

/* ---- memory ---- */

/* How many more allocations go well; -1: all. */
static int64_t allocations_left = -1;
static bool allocation_failed, allocations_end;

static bool
is_refused(void)
{
	if (allocations_left < 0 || disk_allocates)
		return false;
	if (allocations_left > 0) {
		allocations_left--;
		return false;
	}
	if (!allocations_end)
		allocations_left = -1;
	return allocation_failed = true;
}

/* What is taken and was not given back, SQLite's own apart. */
static int64_t allocations_live;

static void *
counted(void *memory)
{
	allocations_live += memory != NULL;
	return memory;
}

void __real_free(void *memory);
void __wrap_free(void *memory);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

void *
__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : counted(__real_malloc(size));
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return is_refused() ? NULL : counted(__real_calloc(count, size));
}

void *
__wrap_realloc(void *old, size_t size)
{
	if (is_refused())
		return NULL;
	void *new = __real_realloc(old, size);
	return old ? new : counted(new);
}

void
__wrap_free(void *memory)
{
	allocations_live -= memory != NULL;
	__real_free(memory);
}

char *
__wrap_strdup(const char *text)
{
	return is_refused() ? NULL : counted(__real_strdup(text));
}

static sqlite3_mem_methods memory;

static void *
sqlite_malloc(int size)
{
	return is_refused() ? NULL : memory.xMalloc(size);
}

static void *
sqlite_realloc(void *old, int size)
{
	return is_refused() ? NULL : memory.xRealloc(old, size);
}

static int
memory_set_up(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory), SQLITE_OK);
	sqlite3_mem_methods failing = memory;
	failing.xMalloc = sqlite_malloc;
	failing.xRealloc = sqlite_realloc;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
	assert_int_equal(sqlite3_initialize(), SQLITE_OK);
	json_set_alloc_funcs(__wrap_malloc, __wrap_free);
	return 0;
}

/* ---- one step, again and again ---- */

struct trial {
	struct disk *disk, *before, *image;
	struct scenario scenario; /* on disk; as it was before the step */
	size_t step;
	char *dump, *next; /* before the step, and after it */
	uint64_t random;
	int64_t faults;
	int64_t live; /* allocations, while nothing is open but `before` */
};

static void
trial_init(struct trial *it)
{
	*it = (struct trial){ .disk = disk_new("disk"),
		.before = disk_new("before"),
		.image = disk_new("image") };
	it->scenario.disk = it->before;
}

static void
trial_release(struct trial *it)
{
	scenario_close(&it->scenario);
	free(it->dump);
	free(it->next);
	disk_free(it->disk);
	disk_free(it->before);
	disk_free(it->image);
}

/* The step before it was made on `before`; now this one, on `disk`, in an engine just opened. */
static struct scenario
step_prepare(struct trial *it)
{
	struct scenario scenario = it->scenario;
	disk_image(it->before, it->disk, DISK_KILLED, &it->random);
	scenario.disk = it->disk;
	scenario.engine = NULL;
	if (it->step > 0)
		assert_int_equal(scenario_open(&scenario), 0);
	return scenario;
}

/* On `before` the step goes well, and that is the measure. */
static void
step_pass(struct trial *it)
{
	assert_int_equal(scenario_run(&it->scenario, it->step), 0);
	free(it->dump);
	it->dump = scenario_dump(it->scenario.engine);
}

static void
step_measure(struct trial *it)
{
	struct scenario scenario = step_prepare(it);
	assert_int_equal(scenario_run(&scenario, it->step), 0);
	free(it->next);
	it->next = scenario_dump(scenario.engine);
	scenario_close(&scenario);
}

static void
expect_dump(struct trial *it, struct engine *engine, const char *one, const char *other,
	const char *where)
{
	char *dump = scenario_dump(engine);
	const char *wrong = scenario_wrong(engine);
	bool same = strcmp(dump, one) == 0 || (other && strcmp(dump, other) == 0);
	if (!same)
		print_message("%s\n", dump);
	free(dump);
	if (wrong || !same)
		fail_msg("step %zu \"%s\", %s: %s", it->step, scenario_steps[it->step].name,
			where, wrong ? wrong : "it is not as it should be");
}

/* What a start would find now. A commit that failed at its sync may be there: its bytes are. */
static void
expect_image(struct trial *it, bool undone)
{
	struct scenario after = { .disk = it->image };
	disk_image(it->disk, it->image, DISK_KILLED, &it->random);
	int rc =
		engine_open(STORE_NAME, it->image->vfs.zName, 7, &after.problem, &after.engine);
	if (rc != 0)
		fail_msg("%d %s", rc, after.problem.text);
	expect_dump(it, after.engine, undone ? it->dump : it->next,
		it->disk->sync_failed ? it->next : NULL, "at the next start");
	scenario_close(&after);
}

/* The step ended with `rc`, and the fault is gone. */
static void
step_check(struct trial *it, struct scenario *scenario, int rc)
{
	bool failed = it->disk->failed;
	if (scenario->engine && it->step > 0) {
		expect_dump(it, scenario->engine, rc != 0 ? it->dump : it->next, NULL,
			"after the fault");
		expect_image(it, rc != 0);
	}
	disk_no_faults(it->disk);
	it->disk->failed = failed;
	if (rc != 0)
		assert_int_equal(scenario_run(scenario, it->step), 0);
	expect_dump(it, scenario->engine, it->next, NULL, "tried again");
	if (it->faults % 4 != 0)
		return;
	scenario->now_ms = SCENARIO_START_MS + 100000;
	const char *wrong = scenario_work_off(scenario);
	if (wrong)
		fail_msg("step \"%s\": %s", scenario_steps[it->step].name, wrong);
}

/* Everything is closed again, and what the disks hold is not ours. */
static int64_t
live(struct trial *it)
{
	disk_clear(it->disk);
	disk_clear(it->image);
	return allocations_live + sqlite3_memory_used();
}

/* Every place; of allocations, of which there are thousands, ever wider steps. */
#define EVERY INT64_MAX

static int64_t
wider(void)
{
	return getenv("EVERY") ? EVERY : 20;
}

typedef void fault_fn(struct trial *it, int64_t n);
typedef bool failed_fn(const struct trial *it);

/* Is this what the caller may be told? */
typedef bool expected_fn(int rc);

static void
each_fault(fault_fn *arm, failed_fn *has_failed, expected_fn *expected, int64_t widen)
{
	struct trial it;
	trial_init(&it);
	for (it.step = 0; it.step < scenario_count(); it.step++) {
		bool failed = true;
		step_measure(&it);
		it.live = live(&it);
		for (int64_t n = 0; failed; n += 1 + n / widen) {
			struct scenario scenario = step_prepare(&it);
			arm(&it, n);
			int rc = scenario_run(&scenario, it.step);
			allocations_left = -1;
			it.disk->fail_after = -1;
			failed = has_failed(&it);
			if (rc != 0 && (!failed || !expected(rc)))
				fail_msg("step \"%s\", n = %lld: %d %s",
					scenario_steps[it.step].name, (long long)n, rc,
					scenario.problem.text);
			step_check(&it, &scenario, rc);
			scenario_close(&scenario);
			it.faults += failed;
			if (live(&it) != it.live)
				fail_msg("step \"%s\", n = %lld: a leak",
					scenario_steps[it.step].name, (long long)n);
		}
		step_pass(&it);
	}
	print_message("%lld faults\n", (long long)it.faults);
	trial_release(&it);
}

static bool
disk_has_failed(const struct trial *it)
{
	return it->disk->failed;
}

static bool
is_io_error(int rc)
{
	return rc == -EIO;
}

/* Some calls have no word for it: truncating, mapping. */
static bool
is_full(int rc)
{
	return rc == -ENOSPC || rc == -EIO;
}

static void
arm_once(struct trial *it, int64_t n)
{
	it->disk->fail_after = n;
}

static void
arm_for_good(struct trial *it, int64_t n)
{
	it->disk->fail_after = n;
	it->disk->lasting = true;
}

static void
arm_full(struct trial *it, int64_t n)
{
	it->disk->fail_after = n;
	it->disk->fail_code = SQLITE_FULL;
	it->disk->fail_calls = DISK_OPEN | DISK_WRITE | DISK_SYNC | DISK_SHM;
	it->disk->lasting = true;
}

static void
arm_reads(struct trial *it, int64_t n)
{
	it->disk->fail_after = n;
	it->disk->fail_calls = DISK_LOOKS;
}

static void
arm_reads_for_good(struct trial *it, int64_t n)
{
	arm_reads(it, n);
	it->disk->lasting = true;
}

static void
test_disk_fails_once(void **state)
{
	(void)state;
	each_fault(arm_once, disk_has_failed, is_io_error, EVERY);
}

static void
test_disk_fails_for_good(void **state)
{
	(void)state;
	each_fault(arm_for_good, disk_has_failed, is_io_error, EVERY);
}

static void
test_disk_is_full_suddenly(void **state)
{
	(void)state;
	each_fault(arm_full, disk_has_failed, is_full, EVERY);
}

static void
test_reads_fail(void **state)
{
	(void)state;
	each_fault(arm_reads, disk_has_failed, is_io_error, EVERY);
}

static void
test_reads_fail_for_good(void **state)
{
	(void)state;
	each_fault(arm_reads_for_good, disk_has_failed, is_io_error, EVERY);
}

static void
arm_memory(struct trial *it, int64_t n)
{
	(void)it;
	allocation_failed = allocations_end = false;
	allocations_left = n;
}

static void
arm_no_memory(struct trial *it, int64_t n)
{
	(void)it;
	allocation_failed = false;
	allocations_end = true;
	allocations_left = n;
}

static bool
memory_has_failed(const struct trial *it)
{
	(void)it;
	return allocation_failed;
}

static bool
is_no_memory(int rc)
{
	return rc == -ENOMEM;
}

static void
test_memory_fails_once(void **state)
{
	(void)state;
	each_fault(arm_memory, memory_has_failed, is_no_memory, wider());
}

static void
test_memory_fails_for_good(void **state)
{
	(void)state;
	each_fault(arm_no_memory, memory_has_failed, is_no_memory, wider());
}

/* ---- the disk is full, and stays so ---- */

/* What keeps no new bytes succeeds at the second try at the latest. */
static void
test_full_disk(void **state)
{
	(void)state;
	struct trial it;
	trial_init(&it);
	for (it.step = 0; it.step < scenario_count(); it.step++) {
		const struct scenario_step *step = &scenario_steps[it.step];
		step_measure(&it);
		struct scenario scenario = step_prepare(&it);
		it.disk->capacity = disk_used(it.disk);
		int rc = scenario_run(&scenario, it.step);
		if (rc == -ENOSPC && !step->grows)
			rc = scenario_run(&scenario, it.step);
		if (rc != 0 && (!step->grows || rc != -ENOSPC))
			fail_msg("step \"%s\": %d %s", step->name, rc,
				scenario.engine ? engine_error(scenario.engine) : "");
		it.disk->capacity = -1;
		step_check(&it, &scenario, rc);
		scenario_close(&scenario);
		step_pass(&it);
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
		cmocka_unit_test(test_disk_fails_once),
		cmocka_unit_test(test_disk_fails_for_good),
		cmocka_unit_test(test_disk_is_full_suddenly),
		cmocka_unit_test(test_reads_fail),
		cmocka_unit_test(test_reads_fail_for_good),
		cmocka_unit_test(test_memory_fails_once),
		cmocka_unit_test(test_memory_fails_for_good),
	};
	return cmocka_run_group_tests(tests, memory_set_up, NULL);
}
