/*
 * Simulation: random calls of the engine in virtual time, on a disk that fails, runs full and
 * loses power, and changes of the queues' rules, beside a model that was written from what is
 * promised (model.h). After each transaction and each crash the two say the same.
 *
 *   SEED=N       this seed alone, with its trace
 *   SECONDS=N    new seeds for that long (else: tests/sim/seeds, then the first 2000)
 *
 * A seed that failed is added to tests/sim/seeds. A call that comes to engine.h comes to calls.c,
 * what it promises to model.c, and what it shows to same.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "engine/hash.h"
#include "tests/sim/run.h"

#define STEPS 40
#define SEEDS 2000

static const struct mrules first_rules[MODEL_QUEUES] = {
	{ .concurrency = 2,
		.max_retries = 1,
		.backoff_ms = 100,
		.backoff_max_ms = -1,
		.timeout_ms = 1000,
		.max_payload_bytes = 1000,
		.max_jobs = 9 },
	{ .field = 'g',
		.concurrency = 3,
		.max_retries = 2,
		.backoff_ms = 300,
		.backoff_max_ms = 500,
		.timeout_ms = 2500,
		.max_payload_bytes = 1000,
		.max_jobs = -1 },
	{ .concurrency = 1,
		.backoff_ms = 1,
		.backoff_max_ms = -1,
		.timeout_ms = 700,
		.max_payload_bytes = 1000,
		.max_jobs = -1 },
};

static int64_t total_steps, total_crashes, total_faults, total_changes;
bool run_verbose;
/* Two processes may have had one number. */
const struct claimant run_claimants[CLAIMANTS] = { { 0, 0 }, { 1, 7 }, { 1, 8 }, { 2, 7 } };

int64_t
draw(struct run *run, int64_t below)
{
	return (int64_t)(hash_sequence(&run->random) % (uint64_t)below);
}

void
note(struct run *run, const char *format, ...)
{
	va_list arguments;
	if (run->traced > sizeof run->trace - 400)
		run->traced = 0;
	va_start(arguments, format);
	int length = vsnprintf(run->trace + run->traced, 300, format, arguments);
	va_end(arguments);
	if (run_verbose)
		print_message("%s", run->trace + run->traced);
	run->traced += (size_t)(length < 300 ? length : 299);
}

void
give_up(struct run *run, const char *format, ...)
{
	char text[400];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (!run_verbose)
		(void)fputs(run->trace, stderr); /* too long for print_message() */
	print_message("seed %llu: %s\n  alone: SEED=%llu build/gcc/tests/sim/test_sim\n",
		(unsigned long long)run->seed, text, (unsigned long long)run->seed);
	fail();
	abort();
}

static void
expect_same(struct run *run, const char *when, bool all)
{
	int one = (int)draw(run, MODEL_QUEUES);
	bool right = same(run, run->model);
	for (int queue = 0; right && queue < MODEL_QUEUES; queue++)
		if (all || queue == one)
			right = same_views(run, run->model, queue);
	if (!right)
		give_up(run, "%s: engine and model differ: %s %lld", when, run->differs,
			(long long)run->differing);
	expect_ready(run);
}

/* ---- crashes ---- */

static void
crash_now(struct run *run)
{
	disk_image(run->disk, run->other, run->crash, &run->random);
	run->disk->dead = run->crashed = true;
	run->crash_in = -1;
}

static void
watch(void *context, enum disk_call call)
{
	struct run *run = context;
	(void)call;
	if (run->crash_in >= 0 && run->crash_in-- == 0)
		crash_now(run);
}

static void
claim_ended(void *context, int64_t queue_id, const char *worker, int64_t job_id)
{
	struct run *run = context;
	for (int queue = 0; queue < MODEL_QUEUES; queue++)
		if (run->queues[queue] == queue_id)
			run->claims_ended += model_claim_sum(queue, atoi(worker + 1), job_id);
}

static void
name_gone(void *context, int64_t queue_id, const char *name)
{
	struct run *run = context;
	for (int queue = 0; queue < MODEL_QUEUES; queue++)
		if (run->queues[queue] == queue_id)
			run->names_gone += model_name_sum(queue, atoi(name + 1));
}

static void
open_engine(struct run *run)
{
	struct engine_hooks hooks = {
		.context = run, .claim_ended = claim_ended, .name_gone = name_gone
	};
	int rc = engine_open(
		STORE_NAME, run->disk->vfs.zName, run->seed, &run->problem, &run->engine);
	if (rc != 0)
		give_up(run, "opening: %d %s", rc, run->problem.text);
	engine_hooks_set(run->engine, &hooks);
}

static void
all_on_disk(struct run *run)
{
	run->pasts = run->maybes = 0;
}

/* The config at this start: as it was, or changed, or without the queue. */
static void
define_all(struct run *run)
{
	for (int queue = 0; queue < MODEL_QUEUES; queue++) {
		int64_t luck = draw(run, 8);
		struct mrules rules = luck < 2 ? some_rules(run) : run->model->rules[queue];
		run->dry[queue] = true;
		if (luck == 7) {
			run->model->rules[queue].defined = false;
			continue;
		}
		int rc = call_define(run, queue, &rules);
		if (rc != 0)
			give_up(run, "defining: %d %s", rc, engine_error(run->engine));
		model_define(run->model, queue, &rules);
	}
}

static void
count_orphans(void *context, const char *queue_name, int64_t jobs)
{
	int64_t *orphans = context;
	*orphans += queue_name[0] ? jobs : 0;
}

/* What is not in the config is counted. */
static void
expect_orphans(struct run *run)
{
	int64_t orphans = 0, expected = 0;
	for (int queue = 0; queue < MODEL_QUEUES; queue++) {
		if (run->model->rules[queue].defined)
			continue;
		expected += model_count(run->model, queue, REJECTED);
		for (int where = WAITS; where <= DEAD; where++)
			expected += model_count(run->model, queue, (enum where)where);
		for (int i = 0; i < MODEL_DRAFTS; i++)
			expected += run->model->drafts[i].staged &&
				    run->model->drafts[i].queue == queue;
	}
	if (engine_orphans(run->engine, count_orphans, &orphans) != 0 || orphans != expected)
		give_up(run, "orphans: %lld, not %lld", (long long)orphans,
			(long long)expected);
}

static bool
is_open(void *context, int64_t draft_id)
{
	const int64_t *open = context;
	return *open >> (draft_id - 1) & 1;
}

/* What was staged is published in the order of staging, or rejected, but for what is still being
 * written. */
static void
recover(struct run *run)
{
	int64_t open = draw(run, 2) ? 0 : draw(run, 1 << MODEL_DRAFTS);
	note(run, "recovery, open drafts %llx\n", (unsigned long long)open);
	if (engine_recover(run->engine, run->now, is_open, &open) != 0)
		give_up(run, "recovery: %s", engine_error(run->engine));
	for (;;) {
		struct mdraft *first = NULL;
		for (int i = 0; i < MODEL_DRAFTS; i++) {
			struct mdraft *draft = &run->model->drafts[i];
			if (draft->staged && !is_open(&open, i + 1) &&
				(!first || draft->order < first->order))
				first = draft;
		}
		if (!first)
			break;
		first->staged = false;
		if (!first->partial || model_content_refusal(run->model, first->queue,
					       &first->body, false) == 0)
			model_add(run->model, first, run->now);
		else
			model_reject(run->model, first, "", run->now);
	}
}

/* Is it one of these, the newest first? */
static bool
is_past(struct run *run, int from, int end)
{
	for (int i = end; i-- > from;) {
		if (!same(run, &run->past[i]))
			continue;
		model_copy(run->model, &run->past[i]);
		return true;
	}
	return false;
}

/* Which of the states that may be there is it? The newest first. */
static void
identify(struct run *run)
{
	int failed = run->pasts - run->maybes;
	if (run->committing && same(run, run->draft)) {
		model_copy(run->model, run->draft);
		return;
	}
	if (is_past(run, failed, run->pasts) || same(run, run->model) ||
		(run->crash != DISK_KILLED && is_past(run, 0, failed)))
		return;
	give_up(run, "after the crash: not a state that may be there: %s %lld", run->differs,
		(long long)run->differing);
}

/* A number is given when that was acknowledged, or to who is there. */
static int64_t
highest_given(const struct run *run, int64_t acknowledged)
{
	const struct model *model = run->model;
	int64_t highest = run->crash == DISK_KILLED ? acknowledged : 0;
	for (int i = 0; i < model->count; i++)
		if (model->jobs[i].where != GONE && model->jobs[i].id > highest)
			highest = model->jobs[i].id;
	for (int i = 0; i < MODEL_DRAFTS; i++)
		if (model->drafts[i].staged && model->drafts[i].id > highest)
			highest = model->drafts[i].id;
	return highest;
}

/* The engine is open again, and its queues are not defined yet. */
static void
start_again(struct run *run, const char *when)
{
	/* A commit that was not answered may have left nothing but its numbers. */
	int64_t acknowledged = run->model->highest;
	identify(run);
	run->model->highest = highest_given(run, acknowledged);
	run->committing = false;
	define_all(run);
	expect_orphans(run);
	recover(run);
	all_on_disk(run);
	expect_same(run, when, true);
}

static void
after_crash(struct run *run)
{
	struct disk *dead = run->disk;
	total_crashes++;
	note(run, "  crash %d\n", (int)run->crash);
	engine_close(run->engine);
	run->disk = run->other;
	run->other = dead;
	dead->watch = NULL;
	run->disk->watch = watch;
	run->disk->context = run;
	run->crashed = run->full = run->faulty = false;
	open_engine(run);
	const char *wrong = scenario_wrong(run->engine);
	if (wrong)
		give_up(run, "after the crash: %s", wrong);
	start_again(run, "after recovery");
}

/* ---- transactions ---- */

static void
remember(struct run *run, bool durable)
{
	/* What changes nothing writes nothing, over what failed before neither. */
	if (run->disk->calls == run->calls) {
		model_copy(run->model, run->draft);
		return;
	}
	if (durable) {
		run->pasts = 0;
	} else {
		assert_true(run->pasts < SNAPSHOTS);
		model_copy(&run->past[run->pasts++], run->model);
	}
	run->maybes = 0;
	model_copy(run->model, run->draft);
}

/* It was not acknowledged, but may be on disk, until something is written over it; and then, too,
 * as long as that is not synced. */
static void
remember_maybe(struct run *run)
{
	if (run->committing && !run->crashed) {
		assert_true(run->pasts < SNAPSHOTS);
		model_copy(&run->past[run->pasts++], run->draft);
		run->maybes++;
	}
	run->committing &= run->crashed;
}

static void
draft_start(struct run *run)
{
	model_copy(run->draft, run->model);
	run->draft->claims_ended = run->draft->names_gone = 0;
	run->claims_ended = run->names_gone = 0;
	run->calls = run->disk->calls;
}

static void
expect_hooks(struct run *run)
{
	if (run->claims_ended != run->draft->claims_ended)
		give_up(run, "the ends of claims that were told");
	if (run->names_gone != run->draft->names_gone)
		give_up(run, "the names that were told to be gone");
}

/* Returns 0, or what the disk said. */
static int
transaction(struct run *run)
{
	bool durable = draw(run, 2) || run->pasts > SNAPSHOTS - 3;
	draft_start(run);
	note(run, "begin%s at %lld%s%s\n", durable ? " durable" : "", (long long)run->now,
		run->full ? ", full" : "", run->faulty ? ", faulty" : "");
	int rc = agree(run, "begin", 0, engine_begin(run->engine, durable), 0);
	if (rc == 0)
		rc = call_tick(run);
	if (rc == 0 &&
		durable) /* what changes nothing syncs nothing, not what was before it either */
		rc = call_note(run);
	for (int64_t n = 1 + draw(run, 4); rc == 0 && n > 0; n--)
		rc = call_any(run);
	if (rc == 0)
		expect_hooks(run);
	if (rc == 0 && draw(run, 12) == 0) {
		engine_rollback(run->engine);
		return 0;
	}
	if (rc == 0) {
		run->committing = true;
		rc = agree(run, "commit", 0, engine_commit(run->engine), 0);
	}
	if (rc == 0) {
		remember(run, durable);
		run->committing =
			run->crashed; /* the power may have failed after the last write */
		return 0;
	}
	engine_rollback(run->engine);
	remember_maybe(run);
	return rc;
}

/* The config is read anew. What is only in memory needs no disk. */
static void
change_rules(struct run *run)
{
	int queue = (int)draw(run, MODEL_QUEUES);
	struct mrules rules = some_rules(run);
	bool writes = rules.field != run->model->rules[queue].field;
	if (draw(run, 2)) {
		writes = false;
		rules.field = run->model->rules[queue].field;
	}
	if (run->pasts > SNAPSHOTS - 3)
		return;
	draft_start(run);
	model_define(run->draft, queue, &rules);
	run->committing = writes;
	int rc = agree(run, "change of rules", queue, call_define(run, queue, &rules), 0);
	if (rc == 0 && writes)
		remember(run, true);
	else if (rc == 0)
		model_copy(run->model, run->draft);
	else
		remember_maybe(run);
	run->committing = writes && run->crashed;
	total_changes++;
}

/* Verdicts and the like on a full disk: at the second try at the latest. */
static void
must_go_on(struct run *run)
{
	int rc = 0;
	for (int try = 0; try < 2 && !run->crashed; try++) {
		draft_start(run);
		rc = engine_begin(run->engine, true);
		if (rc == 0)
			rc = call_note(run);
		if (rc == 0)
			rc = call_verdict(run);
		run->committing = rc == 0;
		if (rc == 0)
			rc = engine_commit(run->engine);
		if (rc == 0) {
			remember(run, true);
			run->committing = run->crashed;
			return;
		}
		engine_rollback(run->engine);
		remember_maybe(run);
	}
	if (run->full && !run->faulty && !run->crashed)
		give_up(run, "a verdict on a full disk: %d %s", rc, engine_error(run->engine));
}

static void
housekeeping(struct run *run)
{
	bool more = false;
	note(run, "housekeeping\n");
	int rc = engine_maintain(run->engine, &more);
	if (rc != 0 && !run->crashed && !run->faulty && !run->full)
		give_up(run, "housekeeping: %d %s", rc, engine_error(run->engine));
}

static void
reopen(struct run *run)
{
	note(run, "reopen\n");
	engine_close(run->engine);
	open_engine(run);
	run->crash = DISK_KILLED;
	start_again(run, "after reopening");
}

static void
disturb(struct run *run)
{
	disk_no_faults(run->disk);
	run->full = run->faulty = false;
	int64_t luck = draw(run, 40);
	if (luck < 3) {
		run->crash_in = draw(run, 40);
		run->crash = (enum disk_crash)draw(run, DISK_CRASHES);
	} else if (luck < 6) {
		run->faulty = true;
		run->disk->fail_after = draw(run, 25);
		run->disk->lasting = draw(run, 2);
		run->disk->fail_code = draw(run, 2) ? SQLITE_FULL : SQLITE_IOERR;
		total_faults++;
	} else if (luck < 8) {
		/* Others fill the disk, but not before there is a reserve. */
		run->full = store_reserve(run->engine->store) == 0;
		run->disk->capacity = disk_used(run->disk);
	} else if (luck == 8) {
		run->now += draw(run, 2) ? draw(run, 150000) : -draw(run, 5000);
	}
}

static void
step(struct run *run)
{
	total_steps++;
	run->now += draw(run, 200);
	disturb(run);
	int rc = transaction(run);
	if (run->full && rc != 0 && !run->crashed)
		must_go_on(run);
	if (draw(run, 8) == 0 && !run->crashed)
		change_rules(run);
	if (draw(run, 15) == 0 && !run->crashed)
		housekeeping(run);
	if (run->crashed) {
		after_crash(run);
		return;
	}
	expect_same(run, "after a transaction", false);
	if (draw(run, 40) == 0 && run->crash_in < 0) {
		disk_no_faults(run->disk);
		reopen(run);
	}
}

static void
define_first(struct run *run)
{
	for (int queue = 0; queue < MODEL_QUEUES; queue++) {
		run->dry[queue] = true;
		if (call_define(run, queue, &first_rules[queue]) != 0)
			give_up(run, "defining: %s", engine_error(run->engine));
		run->model->rules[queue].defined = true;
	}
}

/* A store in which nothing has happened yet: all seeds begin with a copy. */
static struct disk *fresh;

static void
make_fresh(void)
{
	struct engine_problem problem;
	struct engine *engine;
	fresh = disk_new("fresh");
	assert_int_equal(engine_open(STORE_NAME, "fresh", 1, &problem, &engine), 0);
	engine_close(engine);
}

static void
run_seed(uint64_t seed)
{
	static struct run run;
	static struct model models[2], past[SNAPSHOTS];
	memset(models, 0, sizeof models);
	run = (struct run){ .disk = disk_new("disk"),
		.other = disk_new("other"),
		.seed = seed,
		.random = seed,
		.now = SCENARIO_START_MS,
		.crash_in = -1,
		.model = &models[0],
		.draft = &models[1],
		.past = past };
	disk_image(fresh, run.disk, DISK_KILLED, &run.random);
	run.disk->watch = watch;
	run.disk->context = &run;
	memcpy(models[0].rules, first_rules, sizeof first_rules);
	open_engine(&run);
	define_first(&run);
	for (int i = 0; i < STEPS; i++)
		step(&run);
	const char *wrong = scenario_wrong(run.engine);
	if (wrong)
		give_up(&run, "%s", wrong);
	engine_close(run.engine);
	run.disk->watch = run.other->watch = NULL;
	disk_free(run.disk);
	disk_free(run.other);
}

static void
run_regressions(void)
{
	char line[64];
	FILE *file = fopen("tests/sim/seeds", "r");
	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		if (line[0] != '#' && line[0] != '\n')
			run_seed(strtoull(line, NULL, 10));
	(void)fclose(file); /* it was only read */
}

static int
set_up(void **state)
{
	(void)state;
	/* One thread, and nobody asks for statistics. */
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD), SQLITE_OK);
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0), SQLITE_OK);
	make_fresh();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	disk_free(fresh);
	return 0;
}

static void
test_simulation(void **state)
{
	(void)state;
	const char *one = getenv("SEED"), *seconds = getenv("SECONDS");
	time_t end = seconds ? time(NULL) + strtol(seconds, NULL, 10) : 0;
	uint64_t seed = end ? (uint64_t)time(NULL) * 1000000 : 1, first = seed;
	run_verbose = one != NULL;
	if (one) {
		run_seed(strtoull(one, NULL, 10));
		return;
	}
	run_regressions();
	while (end ? time(NULL) < end : seed < first + SEEDS)
		run_seed(seed++);
	print_message("%lld seeds, %lld transactions, %lld changes of rules, %lld crashes, "
		      "%lld faults\n",
		(long long)(seed - first), (long long)total_steps, (long long)total_changes,
		(long long)total_crashes, (long long)total_faults);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simulation),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
