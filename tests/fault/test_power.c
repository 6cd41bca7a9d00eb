/*
 * The power fails, or the process is killed, at every write and every sync of the scenario. What
 * is found then is the store as it was after one of its commits: after the last one that was
 * acknowledged as durable, or a later one. It is whole, and all its jobs can be worked off.
 *
 * TEARS=N in the environment tears each place N times (1). SEED=N begins with another.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/hash.h"
#include "tests/fault/scenario.h"

struct cuts {
	struct disk *disk, *image;
	uint64_t random, seed;
	size_t step;      /* being made */
	size_t durable;   /* acknowledged steps that are on disk for sure */
	char *dumps[100]; /* after as many steps */
	int tears;
	int64_t cuts;
	const char *wrong;
};

/* Is it a store as it was after `durable` steps, or later? *steps: after how many. */
static bool
is_known(struct cuts *it, const char *dump, size_t *steps)
{
	for (size_t i = it->step + 2; i-- > it->durable;) {
		*steps = i;
		if (it->dumps[i] && strcmp(it->dumps[i], dump) == 0)
			return true;
	}
	return false;
}

/* The image is opened, as the next start does. */
static const char *
look(struct cuts *it)
{
	struct scenario after = { .disk = it->image };
	size_t steps = 0;
	int rc =
		engine_open(STORE_NAME, it->image->vfs.zName, 7, &after.problem, &after.engine);
	if (rc != 0) {
		print_message("engine_open: %d %s\n", rc, after.problem.text);
		return "the store is refused";
	}
	const char *wrong = scenario_wrong(after.engine);
	char *dump = wrong ? NULL : scenario_dump(after.engine);
	/* The opening step has commits of its own, and so has a change of type: these leave what
	 * either the one or the other makes of it. */
	if (!wrong && it->step > 0 && !is_known(it, dump, &steps))
		wrong = "not as after any commit";
	if (wrong && dump)
		print_message("%s\n", dump);
	free(dump);
	after.third_type = scenario_third_type(steps);
	after.now_ms = SCENARIO_START_MS + 100000;
	if (!wrong && scenario_open(&after) != 0)
		wrong = "the queues cannot be defined";
	if (!wrong)
		wrong = scenario_work_off(&after);
	scenario_close(&after);
	return wrong;
}

static void
cut(struct cuts *it, enum disk_crash crash)
{
	if (it->wrong)
		return;
	disk_image(it->disk, it->image, crash, &it->random);
	it->cuts++;
	it->wrong = look(it);
}

static void
power_fails(void *context, enum disk_call call)
{
	struct cuts *it = context;
	if (call == DISK_SYNC)
		cut(it, DISK_LOST); /* the same at every write before it */
	else
		cut(it, DISK_KILLED);
	for (int i = 0; i < it->tears; i++)
		cut(it, DISK_TORN);
}

/* Once without a cut, for the states that are right. */
static void
rehearse(struct cuts *it)
{
	struct scenario scenario = { .disk = it->disk };
	for (size_t i = 0; i < scenario_count(); i++) {
		int rc = scenario_run(&scenario, i);
		if (rc != 0)
			fail_msg("%s: %d %s", scenario_steps[i].name, rc,
				scenario.engine ? engine_error(scenario.engine)
						: scenario.problem.text);
		assert_null(scenario_wrong(scenario.engine));
		it->dumps[i + 1] = scenario_dump(scenario.engine);
	}
	assert_null(scenario_work_off(&scenario));
	scenario_close(&scenario);
	disk_clear(it->disk);
}

static int64_t
number_of(const char *variable, int64_t otherwise)
{
	const char *text = getenv(variable);
	return text ? strtoll(text, NULL, 10) : otherwise;
}

static void
test_power_cuts(void **state)
{
	(void)state;
	struct cuts it = {
		.disk = disk_new("disk"),
		.image = disk_new("image"),
		.tears = (int)number_of("TEARS", 1),
		.seed = (uint64_t)number_of("SEED", 1),
	};
	it.random = it.seed;
	rehearse(&it);
	it.disk->watch = power_fails;
	it.disk->context = &it;
	struct scenario scenario = { .disk = it.disk };
	for (it.step = 0; it.step < scenario_count(); it.step++) {
		int rc = scenario_run(&scenario, it.step);
		if (it.wrong)
			fail_msg("seed %llu, step %zu \"%s\", cut %lld: %s",
				(unsigned long long)it.seed, it.step,
				scenario_steps[it.step].name, (long long)it.cuts, it.wrong);
		assert_int_equal(rc, 0);
		if (scenario_steps[it.step].kind != SCENARIO_LAZY)
			it.durable = it.step + 1;
	}
	it.disk->watch = NULL;
	scenario_close(&scenario);
	print_message("%lld cuts\n", (long long)it.cuts);
	for (size_t i = 0; i < sizeof it.dumps / sizeof *it.dumps; i++)
		free(it.dumps[i]);
	disk_free(it.disk);
	disk_free(it.image);
	assert_true(it.cuts > 500);
}

/* Recovery is cut at each of its writes, and recovers the next time. */
struct recovery {
	struct disk *disk, *image;
	uint64_t random;
	size_t third_type;
	const char *wrong;
	int64_t cuts;
};

static void
power_fails_again(void *context, enum disk_call call)
{
	struct recovery *it = context;
	int first = call == DISK_SYNC ? DISK_LOST : DISK_TORN;
	for (int crash = first; crash < DISK_CRASHES && !it->wrong; crash++) {
		struct scenario after = { .disk = it->image,
			.now_ms = SCENARIO_START_MS,
			.third_type = it->third_type };
		disk_image(it->disk, it->image, (enum disk_crash)crash, &it->random);
		it->cuts++;
		if (scenario_open(&after) != 0)
			it->wrong = after.problem.text[0] ? after.problem.text : "defining";
		else
			it->wrong = scenario_work_off(&after);
		if (it->wrong)
			print_message("%s\n", it->wrong);
		scenario_close(&after);
	}
}

static void
test_power_cuts_of_recovery(void **state)
{
	(void)state;
	struct recovery it = {
		.disk = disk_new("disk"), .image = disk_new("image"), .random = 3
	};
	struct disk *before = disk_new("before");
	for (size_t end = 1; end < scenario_count(); end += 3) {
		struct scenario scenario = { .disk = before };
		for (size_t i = 0; i < end; i++)
			assert_int_equal(scenario_run(&scenario, i), 0);
		disk_image(before, it.disk, DISK_TORN, &it.random);
		it.third_type = scenario_third_type(end);
		it.disk->watch = power_fails_again;
		it.disk->context = &it;
		struct scenario after = { .disk = it.disk,
			.now_ms = SCENARIO_START_MS,
			.third_type = it.third_type };
		assert_int_equal(scenario_open(&after), 0);
		assert_int_equal(engine_recover(after.engine, after.now_ms, NULL, NULL), 0);
		scenario_close(&after);
		if (it.wrong)
			fail_msg("after step \"%s\"", scenario_steps[end - 1].name);
		scenario_close(&scenario);
		disk_clear(before);
	}
	print_message("%lld cuts\n", (long long)it.cuts);
	it.disk->watch = NULL;
	disk_free(before);
	disk_free(it.disk);
	disk_free(it.image);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_cuts),
		cmocka_unit_test(test_power_cuts_of_recovery),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
