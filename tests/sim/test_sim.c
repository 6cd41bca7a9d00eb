/*
 * Simulation: random calls of the engine in virtual time, on a disk that fails, runs full and
 * loses power, beside a model of plain arrays that was written from what is promised and knows
 * nothing of how it is kept. After each transaction and each crash the two say the same.
 *
 *   SEED=N       this seed alone, with its trace
 *   SECONDS=N    new seeds for that long (else: tests/sim/seeds, then the first 2000)
 *
 * A seed that failed is added to tests/sim/seeds.
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
#include "tests/fault/scenario.h"

#define JOBS 200
#define QUEUES 3
#define DRAFTS 4
#define STEPS 60
#define SNAPSHOTS 80
#define SEEDS 2000

/* ---- the model ---- */

enum where { GONE, WAITS, LATER, RUNS, DEAD };

struct mjob {
	int64_t id, order, due, deadline, failures;
	enum where where;
	int queue, group, worker;
};

struct draft {
	bool staged;
	int queue, group;
	int64_t order, due;
};

struct model {
	struct mjob jobs[JOBS];
	int count;
	struct draft drafts[DRAFTS];
	int64_t order, highest; /* the highest number given */
	int note;
};

static const struct queue_rules rules[QUEUES] = {
	{ .name = "small",
		.concurrency = 2,
		.max_retries = 1,
		.backoff_ms = 100,
		.backoff_max_ms = -1,
		.timeout_ms = 1000,
		.max_payload_bytes = 100000,
		.max_jobs = 9 },
	{ .name = "fifo",
		.fifo = true,
		.json = true,
		.group_field = "g",
		.concurrency = 3,
		.max_retries = 2,
		.backoff_ms = 300,
		.backoff_max_ms = 500,
		.timeout_ms = 2500,
		.max_payload_bytes = 100000,
		.max_jobs = -1 },
	{ .name = "single",
		.concurrency = 1,
		.max_retries = 0,
		.backoff_ms = 1,
		.backoff_max_ms = -1,
		.timeout_ms = 700,
		.max_payload_bytes = 100000,
		.max_jobs = -1 },
};

static bool
is_live(const struct mjob *job)
{
	return job->where == WAITS || job->where == LATER || job->where == RUNS;
}

static struct mjob *
find(struct model *model, int64_t id)
{
	for (int i = 0; i < model->count; i++)
		if (model->jobs[i].id == id && model->jobs[i].where != GONE)
			return &model->jobs[i];
	return NULL;
}

static struct mjob *
held_by(struct model *model, int queue, int worker)
{
	for (int i = 0; i < model->count; i++) {
		struct mjob *job = &model->jobs[i];
		if (job->where == RUNS && job->queue == queue && job->worker == worker)
			return job;
	}
	return NULL;
}

static bool
has_room(const struct model *model, int queue, int draft)
{
	int64_t jobs = 0;
	for (int i = 0; i < model->count; i++)
		jobs += is_live(&model->jobs[i]) && model->jobs[i].queue == queue;
	for (int i = 0; i < DRAFTS; i++)
		jobs += i != draft && model->drafts[i].staged &&
			model->drafts[i].queue == queue;
	return rules[queue].max_jobs < 0 || jobs < rules[queue].max_jobs;
}

static void
add(struct model *model, int64_t id, int queue, int group, int64_t due, int64_t now)
{
	assert_true(model->count < JOBS);
	if (id > model->highest)
		model->highest = id;
	model->jobs[model->count++] = (struct mjob){
		.id = id,
		.order = ++model->order,
		.due = due,
		.where = due > now ? LATER : WAITS,
		.queue = queue,
		.group = group,
	};
}

/* Who is served next. */
static struct mjob *
next_job(struct model *model, int queue)
{
	struct mjob *best = NULL;
	int64_t running = 0;
	for (int i = 0; i < model->count; i++) {
		struct mjob *job = &model->jobs[i];
		bool first = true;
		if (job->queue != queue)
			continue;
		running += job->where == RUNS;
		for (int k = 0; rules[queue].fifo && k < model->count; k++) {
			const struct mjob *other = &model->jobs[k];
			if (other->queue == queue && is_live(other) &&
				other->group == job->group && other->order < job->order)
				first = false;
		}
		if (job->where == WAITS && first && (!best || job->order < best->order))
			best = job;
	}
	return running < rules[queue].concurrency ? best : NULL;
}

static void
die(struct model *model, struct mjob *job)
{
	job->where = DEAD;
	job->order = ++model->order;
}

static void
fails(struct model *model, struct mjob *job, int64_t delay, int64_t now)
{
	const struct queue_rules *queue = &rules[job->queue];
	if (++job->failures > queue->max_retries) {
		die(model, job);
		return;
	}
	if (delay < 0) {
		delay = queue->backoff_ms << (job->failures - 1);
		if (queue->backoff_max_ms >= 0 && delay > queue->backoff_max_ms)
			delay = queue->backoff_max_ms;
	}
	job->where = LATER;
	job->due = now + delay;
}

static void
time_passes(struct model *model, int64_t now)
{
	for (int i = 0; i < model->count; i++)
		if (model->jobs[i].where == RUNS && model->jobs[i].deadline <= now)
			fails(model, &model->jobs[i], -1, now);
	for (int i = 0; i < model->count; i++)
		if (model->jobs[i].where == LATER && model->jobs[i].due <= now)
			model->jobs[i].where = WAITS;
}

/* ---- the run ---- */

struct run {
	struct disk *disk, *other;
	struct engine *engine;
	int64_t queues[QUEUES], now;
	uint64_t random, seed;
	struct model *model; /* what was acknowledged last, */
	struct model *draft; /* what this transaction makes of it */
	struct model *past;  /* what a power cut may go back to */
	int pasts;
	struct model *maybe; /* a commit that failed, but may be on disk */
	bool has_maybe, committing, crashed;
	int64_t crash_in; /* changes of the disk until the crash; -1: none */
	enum disk_crash crash;
	bool full, faulty; /* the disk, in this transaction */
	char trace[100000];
	size_t traced;
	struct engine_problem problem;
};

static int64_t total_steps, total_crashes, total_faults;
static bool verbose;

static int64_t
draw(struct run *run, int64_t below)
{
	return (int64_t)(hash_sequence(&run->random) % (uint64_t)below);
}

__attribute__((format(printf, 2, 3))) static void
note(struct run *run, const char *format, ...)
{
	va_list arguments;
	if (run->traced > sizeof run->trace - 400)
		run->traced = 0;
	va_start(arguments, format);
	int length = vsnprintf(run->trace + run->traced, 300, format, arguments);
	va_end(arguments);
	if (verbose)
		print_message("%s", run->trace + run->traced);
	run->traced += (size_t)length;
}

__attribute__((noreturn, format(printf, 2, 3))) static void
give_up(struct run *run, const char *format, ...)
{
	char text[400];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (!verbose)
		(void)fputs(run->trace, stderr); /* too long for print_message() */
	print_message("seed %llu: %s\n  alone: SEED=%llu build/gcc/tests/sim/test_sim\n",
		(unsigned long long)run->seed, text, (unsigned long long)run->seed);
	fail();
	abort();
}

/* ---- do they say the same? ---- */

struct seen {
	int64_t ids[JOBS];
	int count;
};

static bool
see(void *context, const struct job *job, int64_t cookie)
{
	struct seen *seen = context;
	(void)cookie;
	seen->ids[seen->count++] = job->id;
	return seen->count < JOBS;
}

static bool
same_job(struct run *run, const struct mjob *job, int64_t *pos)
{
	static const enum job_state states[] = { [WAITS] = JOB_WAITING,
		[LATER] = JOB_BACKOFF,
		[RUNS] = JOB_RUNNING,
		[DEAD] = JOB_DEAD };
	struct job found;
	char worker[8] = "";
	if (engine_job(run->engine, job->id, &found) != 0)
		return false;
	if (job->where == RUNS)
		(void)snprintf(worker, sizeof worker, "w%d", job->worker);
	bool same = found.state == states[job->where] && found.failures == job->failures &&
		    found.queue_id == run->queues[job->queue] &&
		    strcmp(found.worker, worker) == 0 &&
		    (job->where != LATER || found.due_ms == job->due) &&
		    (job->where != RUNS || found.deadline_ms == job->deadline);
	*pos = found.pos;
	job_release(&found);
	return same;
}

/* Those in backoff and the running ones have their places, too. */
static bool
same_order(const struct model *model, const int64_t pos[JOBS])
{
	for (int i = 0; i < model->count; i++)
		for (int k = 0; k < model->count; k++)
			if (is_live(&model->jobs[i]) && is_live(&model->jobs[k]) &&
				model->jobs[i].queue == model->jobs[k].queue &&
				model->jobs[i].order < model->jobs[k].order && pos[i] >= pos[k])
				return false;
	return true;
}

/* Waiting jobs in their order, and how many of each kind. */
static bool
same_queue(struct run *run, const struct model *model, int queue)
{
	struct seen seen = { .count = 0 };
	int64_t counts[JOB_STATES] = { 0 }, staged = 0;
	if (engine_list(run->engine, VIEW_WAITING, run->queues[queue], 0, see, &seen) != 0)
		return false;
	int64_t last = -1;
	for (int i = 0; i < seen.count; i++) {
		const struct mjob *job = NULL;
		for (int k = 0; k < model->count; k++)
			if (model->jobs[k].id == seen.ids[i] && model->jobs[k].where == WAITS)
				job = &model->jobs[k];
		if (!job || job->order <= last)
			return false;
		last = job->order;
	}
	for (int i = 0; i < model->count; i++)
		if (model->jobs[i].queue == queue)
			counts[model->jobs[i].where]++;
	for (int i = 0; i < DRAFTS; i++)
		staged += model->drafts[i].staged && model->drafts[i].queue == queue;
	const struct engine *engine = run->engine;
	int64_t id = run->queues[queue];
	return counts[WAITS] == seen.count &&
	       counts[WAITS] == engine_count(engine, id, JOB_WAITING) &&
	       counts[LATER] == engine_count(engine, id, JOB_BACKOFF) &&
	       counts[RUNS] == engine_count(engine, id, JOB_RUNNING) &&
	       counts[DEAD] == engine_count(engine, id, JOB_DEAD) &&
	       staged == engine_count(engine, id, JOB_STAGED);
}

/* What is staged shows nowhere, but recovery makes jobs of it. */
static bool
same_draft(struct run *run, const struct draft *draft, int64_t number, int64_t *id)
{
	struct record record;
	char expected[64];
	void *body = NULL;
	size_t size;
	*id = 0;
	int rc = store_job_by_draft(run->engine->store, number, &record);
	if (rc != 0)
		return rc == -ENOENT && !draft->staged;
	*id = record.job.id;
	bool right = draft->staged && record.job.queue_id == run->queues[draft->queue];
	job_release(&record.job);
	(void)snprintf(expected, sizeof expected, "{\"g\":%d}", draft->group);
	right = right && store_payload_get(run->engine->store, *id, &body, &size) == 0 &&
		strcmp(body, expected) == 0;
	free(body);
	return right;
}

static bool
same_drafts(struct run *run, const struct model *model)
{
	int64_t ids[DRAFTS];
	for (int i = 0; i < DRAFTS; i++)
		if (!same_draft(run, &model->drafts[i], i + 1, &ids[i]))
			return false;
	for (int i = 0; i < DRAFTS; i++)
		for (int k = 0; k < DRAFTS; k++)
			if (ids[i] && ids[k] && ids[i] < ids[k] &&
				model->drafts[i].order > model->drafts[k].order)
				return false;
	return true;
}

static bool
same(struct run *run, const struct model *model)
{
	void *bytes = NULL;
	size_t size;
	int noted = 0;
	if (engine_note_get(run->engine, "n", &bytes, &size) == 0)
		noted = atoi(bytes);
	free(bytes);
	if (noted != model->note || !same_drafts(run, model))
		return false;
	int64_t pos[JOBS];
	for (int i = 0; i < model->count; i++)
		if (model->jobs[i].where != GONE && !same_job(run, &model->jobs[i], &pos[i]))
			return false;
	if (!same_order(model, pos))
		return false;
	for (int queue = 0; queue < QUEUES; queue++)
		if (!same_queue(run, model, queue))
			return false;
	return true;
}

static void
expect_same(struct run *run, const char *when)
{
	if (!same(run, run->model))
		give_up(run, "%s: engine and model differ", when);
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
open_engine(struct run *run)
{
	int rc = engine_open(
		STORE_NAME, run->disk->vfs.zName, run->seed, &run->problem, &run->engine);
	for (int i = 0; rc == 0 && i < QUEUES; i++)
		rc = engine_queue_define(run->engine, &rules[i], &run->queues[i]);
	if (rc != 0)
		give_up(run, "opening: %d %s", rc, run->problem.text);
}

static void
all_on_disk(struct run *run)
{
	run->pasts = 0;
	run->has_maybe = false;
}

/* What was staged is published, in the order of staging. */
static void
recover(struct run *run)
{
	if (engine_recover(run->engine, run->now, NULL, NULL) != 0)
		give_up(run, "recovery: %s", engine_error(run->engine));
	for (;;) {
		struct draft *first = NULL;
		for (int i = 0; i < DRAFTS; i++) {
			struct draft *draft = &run->model->drafts[i];
			if (draft->staged && (!first || draft->order < first->order))
				first = draft;
		}
		if (!first)
			break;
		struct seen seen = { .count = 0 };
		int64_t id = 0;
		(void)engine_list(
			run->engine, VIEW_RECEIPTS, run->queues[first->queue], 0, see, &seen);
		for (int i = 0; i < seen.count && id == 0; i++)
			if (!find(run->model, seen.ids[i]))
				id = seen.ids[i];
		if (id == 0)
			give_up(run, "recovery: a staged job is gone");
		first->staged = false;
		add(run->model, id, first->queue, first->group, first->due, run->now);
	}
	all_on_disk(run);
}

/* Which of the states that may be there is it? The newest first. */
static void
identify(struct run *run)
{
	if (run->committing && same(run, run->draft)) {
		*run->model = *run->draft;
		return;
	}
	if (run->has_maybe && same(run, run->maybe)) {
		*run->model = *run->maybe;
		return;
	}
	if (same(run, run->model))
		return;
	for (int i = run->pasts; run->crash != DISK_KILLED && i-- > 0;) {
		if (!same(run, &run->past[i]))
			continue;
		*run->model = run->past[i];
		return;
	}
	give_up(run, "after the crash: not a state that may be there");
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
	int64_t highest = run->crash == DISK_KILLED ? run->model->highest : 0;
	identify(run);
	/* A number is given when that was acknowledged, or to who is there. */
	for (int i = 0; i < run->model->count; i++)
		if (run->model->jobs[i].where != GONE && run->model->jobs[i].id > highest)
			highest = run->model->jobs[i].id;
	run->model->highest = highest;
	run->committing = false;
	recover(run);
	expect_same(run, "after recovery");
}

/* ---- calls: each on the engine, and on the model ---- */

static int64_t
some_job(struct run *run)
{
	return run->draft->count ? run->draft->jobs[draw(run, run->draft->count)].id : 1;
}

/* The model says `expected`, the engine said `rc`. */
static int
agree(struct run *run, const char *what, int64_t id, int rc, int expected)
{
	note(run, "  %s %lld: %d\n", what, (long long)id, rc);
	if (rc == expected)
		return 0;
	bool disturbed = run->full || run->faulty || run->crashed;
	if (disturbed && (rc == -EIO || rc == -ENOSPC))
		return rc;
	give_up(run, "%s %lld: %d, not %d; %s", what, (long long)id, rc, expected,
		engine_error(run->engine));
}

static struct job_new
payload(struct run *run, int group, char body[64], int64_t due)
{
	(void)snprintf(body, 64, "{\"g\":%d}", group);
	return (struct job_new){ .body = body,
		.size = strlen(body),
		.name = "",
		.due_ms = due,
		.uid = draw(run, 3) };
}

static int
do_enqueue(struct run *run)
{
	char body[64];
	int queue = (int)draw(run, QUEUES), group = (int)draw(run, 3);
	int64_t due = draw(run, 4) ? 0 : run->now + draw(run, 400) - 100, id = 0;
	struct job_new new = payload(run, group, body, due);
	new.queue_id = run->queues[queue];
	int expected = has_room(run->draft, queue, -1) ? 0 : -ENOSPC;
	int rc = engine_enqueue(run->engine, &new, run->now, &run->problem, &id);
	int disagree = agree(run, "enqueue", id, rc, expected);
	if (rc != 0)
		return disagree;
	if (id <= run->draft->highest)
		give_up(run, "number %lld was given before", (long long)id);
	add(run->draft, id, queue, group, due, run->now);
	return 0;
}

static int
do_stage(struct run *run)
{
	char body[64];
	int queue = (int)draw(run, QUEUES), group = (int)draw(run, 3);
	int number = (int)draw(run, DRAFTS);
	struct draft *draft = &run->draft->drafts[number];
	if (draft->staged)
		queue = draft->queue; /* a draft lies in one folder */
	struct job_new new = payload(run, group, body, 0);
	new.queue_id = run->queues[queue];
	new.draft_id = number + 1;
	int expected = has_room(run->draft, queue, number) ? 0 : -ENOSPC;
	int rc = engine_stage(run->engine, &new, run->now, &run->problem);
	int disagree = agree(run, "stage", number, rc, expected);
	if (rc == 0)
		*draft = (struct draft){ .staged = true,
			.queue = queue,
			.group = group,
			.order = ++run->draft->order };
	return disagree;
}

static int
do_publish(struct run *run)
{
	int number = (int)draw(run, DRAFTS);
	struct draft *draft = &run->draft->drafts[number];
	int64_t id = 0;
	if (draw(run, 4) == 0) {
		draft->staged = false;
		return agree(
			run, "unstage", number, engine_unstage(run->engine, number + 1), 0);
	}
	int rc = engine_publish(run->engine, number + 1, "", run->now, &id);
	int disagree = agree(run, "publish", id, rc, draft->staged ? 0 : -ENOENT);
	if (rc == 0) {
		draft->staged = false;
		add(run->draft, id, draft->queue, draft->group, draft->due, run->now);
	}
	return disagree;
}

static int
do_claim(struct run *run)
{
	int queue = (int)draw(run, QUEUES), worker = (int)draw(run, 5);
	char name[8];
	struct job job;
	bool again = false;
	(void)snprintf(name, sizeof name, "w%d", worker);
	struct mjob *held = held_by(run->draft, queue, worker);
	struct mjob *next = held ? held : next_job(run->draft, queue);
	int rc = engine_claim(run->engine, run->queues[queue], name, run->now, &job, &again);
	int disagree = agree(run, "claim", next ? next->id : 0, rc, next ? 0 : -EAGAIN);
	if (rc != 0)
		return disagree;
	if (job.id != next->id || again != (held != NULL))
		give_up(run, "claim: got %lld, not %lld", (long long)job.id,
			(long long)next->id);
	job_release(&job);
	if (held)
		return 0;
	next->where = RUNS;
	next->worker = worker;
	next->deadline = run->now + rules[queue].timeout_ms;
	return 0;
}

static void
verdict(struct run *run, struct mjob *job, enum verdict word, int64_t delay)
{
	if (word == VERDICT_DONE) {
		job->where = GONE;
	} else if (word == VERDICT_RETRY) {
		fails(run->draft, job, delay, run->now);
	} else if (word == VERDICT_DEAD) {
		job->failures++;
		die(run->draft, job);
	} else {
		job->where = delay > 0 ? LATER : WAITS;
		job->due = run->now + delay;
	}
}

static int
do_verdict(struct run *run)
{
	int queue = (int)draw(run, QUEUES), worker = (int)draw(run, 5);
	enum verdict word = (enum verdict)draw(run, 4);
	struct verdict_details details = { .delay_ms = draw(run, 300) - 150 };
	char name[8];
	if (details.delay_ms < 0)
		details.delay_ms = -1;
	(void)snprintf(name, sizeof name, "w%d", worker);
	struct mjob *job = held_by(run->draft, queue, worker);
	int rc = engine_verdict(
		run->engine, run->queues[queue], name, 0, word, &details, run->now);
	int disagree = agree(run, "verdict", job ? job->id : 0, rc, job ? 0 : -ENOENT);
	if (rc == 0)
		verdict(run, job, word, details.delay_ms);
	return disagree;
}

static int
do_extend(struct run *run)
{
	int64_t id = some_job(run), until = draw(run, 2) ? run->now + draw(run, 5000) : 0;
	struct mjob *job = find(run->draft, id);
	bool runs = job && job->where == RUNS;
	int rc = engine_extend(run->engine, id, until, run->now);
	int disagree = agree(run, "extend", id, rc, runs ? 0 : -ENOENT);
	if (rc == 0)
		job->deadline =
			until > run->now ? until : run->now + rules[job->queue].timeout_ms;
	return disagree;
}

static int
do_remove(struct run *run)
{
	int64_t id = some_job(run);
	struct mjob *job = find(run->draft, id);
	int expected = !job ? -ENOENT : job->where == RUNS ? -EBUSY : 0;
	int rc = engine_remove(run->engine, id, run->now);
	int disagree = agree(run, "remove", id, rc, expected);
	if (rc == 0)
		job->where = GONE;
	return disagree;
}

static int
do_requeue(struct run *run)
{
	int64_t id = some_job(run);
	struct mjob *job = find(run->draft, id);
	int expected = !job ? -ENOENT : job->where == WAITS ? -EPERM : 0;
	int rc = engine_requeue(run->engine, id, run->now);
	int disagree = agree(run, "requeue", id, rc, expected);
	if (rc != 0)
		return disagree;
	if (job->where == DEAD) {
		job->failures = 0;
		job->order = ++run->draft->order;
	}
	job->where = WAITS;
	return 0;
}

static int
do_bury(struct run *run)
{
	int64_t id = some_job(run);
	struct mjob *job = find(run->draft, id);
	int expected = !job ? -ENOENT : job->where == DEAD ? -EPERM : 0;
	int rc = engine_bury(run->engine, id, "why", run->now);
	int disagree = agree(run, "bury", id, rc, expected);
	if (rc != 0)
		return disagree;
	job->failures += job->where == RUNS;
	die(run->draft, job);
	return 0;
}

static int
do_fail(struct run *run)
{
	int64_t id = some_job(run);
	struct mjob *job = find(run->draft, id);
	int expected = !job ? -ENOENT : job->where == RUNS ? 0 : -EPERM;
	int rc = engine_fail(run->engine, id, NULL, run->now);
	int disagree = agree(run, "fail", id, rc, expected);
	if (rc == 0)
		fails(run->draft, job, -1, run->now);
	return disagree;
}

static int
do_reschedule(struct run *run)
{
	int64_t id = some_job(run), due = run->now + draw(run, 600) - 200;
	struct mjob *job = find(run->draft, id);
	bool later = due > run->now;
	int expected = 0;
	if (!job)
		expected = -ENOENT;
	else if (job->where == RUNS)
		expected = later ? -EBUSY : -EPERM;
	else if (job->where == DEAD)
		expected = -EPERM;
	int rc = engine_reschedule(run->engine, id, due, run->now);
	int disagree = agree(run, "reschedule", id, rc, expected);
	if (rc != 0)
		return disagree;
	job->where = later ? LATER : WAITS;
	job->due = due;
	return 0;
}

static int
do_move(struct run *run)
{
	int64_t id = some_job(run);
	int queue = (int)draw(run, QUEUES), expected = 0;
	struct mjob *job = find(run->draft, id);
	if (!job)
		expected = -ENOENT;
	else if (job->where == RUNS)
		expected = -EBUSY;
	else if (job->queue == queue)
		expected = -EPERM;
	else if (!has_room(run->draft, queue, -1))
		expected = -ENOSPC;
	int rc = engine_move(run->engine, id, run->queues[queue], run->now, &run->problem);
	int disagree = agree(run, "move", id, rc, expected);
	if (rc != 0)
		return disagree;
	job->where = WAITS;
	job->queue = queue;
	job->failures = 0;
	job->order = ++run->draft->order;
	return 0;
}

static int
do_note(struct run *run)
{
	char text[20];
	int number = 1 + (int)draw(run, 1000);
	(void)snprintf(text, sizeof text, "%d", number);
	int rc = agree(
		run, "note", number, engine_note_set(run->engine, "n", text, strlen(text)), 0);
	if (rc == 0)
		run->draft->note = number;
	return rc;
}

static int (*const calls[])(struct run *) = { do_enqueue, do_enqueue, do_enqueue, do_stage,
	do_publish, do_claim, do_claim, do_claim, do_claim, do_verdict, do_verdict, do_verdict,
	do_extend, do_remove, do_requeue, do_bury, do_fail, do_reschedule, do_move, do_note };

/* ---- transactions ---- */

static int
tick(struct run *run)
{
	int64_t next;
	int rc = agree(run, "tick", run->now, engine_tick(run->engine, run->now, &next), 0);
	if (rc == 0)
		time_passes(run->draft, run->now);
	return rc;
}

static void
remember(struct run *run, bool durable)
{
	if (durable) {
		run->pasts = 0;
	} else {
		assert_true(run->pasts < SNAPSHOTS);
		run->past[run->pasts++] = *run->model;
	}
	run->has_maybe = false;
	*run->model = *run->draft;
}

/* Returns 0, or what the disk said. */
static int
transaction(struct run *run)
{
	bool durable = draw(run, 2) || run->pasts > SNAPSHOTS - 2;
	*run->draft = *run->model;
	note(run, "begin%s at %lld%s%s\n", durable ? " durable" : "", (long long)run->now,
		run->full ? ", full" : "", run->faulty ? ", faulty" : "");
	int rc = agree(run, "begin", 0, engine_begin(run->engine, durable), 0);
	if (rc == 0)
		rc = tick(run);
	if (rc == 0 &&
		durable) /* what changes nothing syncs nothing, not what was before it either */
		rc = do_note(run);
	for (int64_t n = 1 + draw(run, 4); rc == 0 && n > 0; n--)
		rc = calls[draw(run, sizeof calls / sizeof *calls)](run);
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
	if (run->committing && !run->crashed) {
		*run->maybe = *run->draft;
		run->has_maybe = true;
		/* What overwrites it may be lost before it is. */
		assert_true(run->pasts < SNAPSHOTS);
		run->past[run->pasts++] = *run->draft;
	}
	run->committing &= run->crashed;
	return rc;
}

/* Verdicts and the like on a full disk: at the second try at the latest. */
static void
must_go_on(struct run *run)
{
	int rc = 0;
	for (int try = 0; try < 2 && !run->crashed; try++) {
		*run->draft = *run->model;
		rc = engine_begin(run->engine, true);
		if (rc == 0)
			rc = do_note(run);
		if (rc == 0)
			rc = do_verdict(run);
		run->committing = rc == 0;
		if (rc == 0)
			rc = engine_commit(run->engine);
		if (rc == 0) {
			remember(run, true);
			run->committing = run->crashed;
			return;
		}
		engine_rollback(run->engine);
		run->committing &= run->crashed;
	}
	if (run->full && !run->faulty && !run->crashed)
		give_up(run, "a verdict on a full disk: %d %s", rc, engine_error(run->engine));
}

static void
housekeeping(struct run *run)
{
	bool more = false;
	note(run, "housekeeping\n");
	if (engine_maintain(run->engine, &more) == 0 && !run->crashed && !run->faulty &&
		!run->full)
		run->has_maybe = run->has_maybe && more; /* the log was emptied, or is not */
}

static void
reopen(struct run *run)
{
	note(run, "reopen\n");
	engine_close(run->engine);
	open_engine(run);
	run->crash = DISK_KILLED;
	identify(run);
	recover(run);
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
		run->now += draw(run, 2) ? draw(run, 100000) : -draw(run, 5000);
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
	if (draw(run, 15) == 0 && !run->crashed)
		housekeeping(run);
	if (run->crashed) {
		after_crash(run);
		return;
	}
	expect_same(run, "after a transaction");
	if (draw(run, 40) == 0 && run->crash_in < 0) {
		disk_no_faults(run->disk);
		reopen(run);
	}
}

static void
run_seed(uint64_t seed)
{
	static struct run run;
	static struct model models[3], past[SNAPSHOTS];
	memset(models, 0, sizeof models);
	run = (struct run){ .disk = disk_new("disk"),
		.other = disk_new("other"),
		.seed = seed,
		.random = seed,
		.now = SCENARIO_START_MS,
		.crash_in = -1,
		.model = &models[0],
		.draft = &models[1],
		.maybe = &models[2],
		.past = past };
	run.disk->watch = watch;
	run.disk->context = &run;
	open_engine(&run);
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

static void
test_simulation(void **state)
{
	(void)state;
	const char *one = getenv("SEED"), *seconds = getenv("SECONDS");
	time_t end = seconds ? time(NULL) + strtol(seconds, NULL, 10) : 0;
	uint64_t seed = end ? (uint64_t)time(NULL) * 1000000 : 1, first = seed;
	verbose = one != NULL;
	if (one) {
		run_seed(strtoull(one, NULL, 10));
		return;
	}
	run_regressions();
	while (end ? time(NULL) < end : seed < first + SEEDS)
		run_seed(seed++);
	print_message("%lld seeds, %lld transactions, %lld crashes, %lld faults\n",
		(long long)(seed - first), (long long)total_steps, (long long)total_crashes,
		(long long)total_faults);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simulation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
