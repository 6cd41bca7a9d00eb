#include "tests/fault/trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fault/memory.h"
void
trial_init(struct trial *it)
{
	*it = (struct trial){ .disk = disk_new("disk"),
		.before = disk_new("before"),
		.image = disk_new("image") };
	it->scenario.disk = it->before;
}

void
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
struct scenario
trial_prepare(struct trial *it)
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
void
trial_pass(struct trial *it)
{
	assert_int_equal(scenario_run(&it->scenario, it->step), 0);
	free(it->dump);
	it->dump = scenario_dump(it->scenario.engine);
}

void
trial_measure(struct trial *it)
{
	struct scenario scenario = trial_prepare(it);
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
void
trial_check(struct trial *it, struct scenario *scenario, int rc)
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
	return memory_live();
}

int64_t
trial_wider(void)
{
	return getenv("EVERY") ? EVERY : 20;
}

void
trial_each_fault(fault_fn *arm, failed_fn *has_failed, expected_fn *expected, int64_t widen)
{
	struct trial it;
	trial_init(&it);
	for (it.step = 0; it.step < scenario_count(); it.step++) {
		bool failed = true;
		trial_measure(&it);
		it.live = live(&it);
		for (int64_t n = 0; failed; n += 1 + n / widen) {
			struct scenario scenario = trial_prepare(&it);
			arm(&it, n);
			int rc = scenario_run(&scenario, it.step);
			memory_refuse_none();
			it.disk->fail_after = -1;
			failed = has_failed(&it);
			if (rc != 0 && (!failed || !expected(rc)))
				fail_msg("step \"%s\", n = %lld: %d %s",
					scenario_steps[it.step].name, (long long)n, rc,
					scenario.problem.text);
			trial_check(&it, &scenario, rc);
			scenario_close(&scenario);
			it.faults += failed;
			if (live(&it) != it.live)
				fail_msg("step \"%s\", n = %lld: a leak",
					scenario_steps[it.step].name, (long long)n);
		}
		trial_pass(&it);
	}
	print_message("%lld faults\n", (long long)it.faults);
	trial_release(&it);
}
