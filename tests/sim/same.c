/* Do the engine and the model say the same? */
#include "tests/sim/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Remembers what was not the same, and says so. */
static bool
differ(struct run *run, const char *what, int64_t id)
{
	run->differs = what;
	run->differing = id;
	return false;
}

/* ---- lists ---- */

struct seen {
	struct job jobs[MODEL_JOBS];
	int64_t cookies[MODEL_JOBS];
	int count;
};

static bool
see(void *context, const struct job *job, int64_t cookie)
{
	struct seen *seen = context;
	struct job *copy = &seen->jobs[seen->count];
	*copy = *job;
	copy->group = job->group ? strdup(job->group) : NULL;
	seen->cookies[seen->count++] = cookie;
	return seen->count < MODEL_JOBS;
}

static void
forget(struct seen *seen)
{
	for (int i = 0; i < seen->count; i++)
		job_release(&seen->jobs[i]);
	seen->count = 0;
}

typedef bool belongs_fn(const struct model *model, const struct mjob *job, int which);

static bool
is_where(const struct model *model, const struct mjob *job, int where)
{
	(void)model;
	return (int)job->where == where;
}

static bool
is_retry(const struct model *model, const struct mjob *job, int unused)
{
	(void)model;
	(void)unused;
	return model_live(job) && job->failures > 0;
}

static bool
is_known(const struct model *model, const struct mjob *job, int unused)
{
	(void)model;
	(void)unused;
	return model_live(job) || job->where == DEAD;
}

static bool
is_kept(const struct model *model, const struct mjob *job, int unused)
{
	return is_known(model, job, unused) || job->where == REJECTED;
}

static bool
has_name(const struct model *model, const struct mjob *job, int unused)
{
	(void)model;
	(void)unused;
	return job->where != GONE && job->named;
}

static bool
is_of_group(const struct model *model, const struct mjob *job, int group)
{
	return model_live(job) && model_group(model, job->queue, &job->body) == group;
}

/* The model's list: its jobs of a queue that belong there, by id or by order. */
static int
list(struct model *model, int queue, belongs_fn *belongs, int which, bool by_id,
	struct mjob *jobs[MODEL_JOBS])
{
	int count = 0;
	for (int i = 0; i < model->count; i++) {
		struct mjob *job = &model->jobs[i];
		if (job->queue != queue || !belongs(model, job, which))
			continue;
		int at = count++;
		for (; at > 0 &&
			(by_id ? jobs[at - 1]->id > job->id : jobs[at - 1]->order > job->order);
			at--)
			jobs[at] = jobs[at - 1];
		jobs[at] = job;
	}
	return count;
}

static bool
same_list(const struct seen *seen, int from, struct mjob *const *jobs, int count)
{
	if (seen->count != count - from)
		return false;
	for (int i = from; i < count; i++)
		if (seen->jobs[i - from].id != jobs[i]->id)
			return false;
	return true;
}

/* ---- what the store knows ---- */

static enum job_state
state_of(enum where where)
{
	static const enum job_state states[] = { [GONE] = JOB_NONE,
		[WAITS] = JOB_WAITING,
		[LATER] = JOB_BACKOFF,
		[RUNS] = JOB_RUNNING,
		[DEAD] = JOB_DEAD,
		[ENDED] = JOB_DONE,
		[REJECTED] = JOB_REJECTED };
	return states[where];
}

static const char *
name_text(int name, char text[16])
{
	text[0] = '\0';
	if (name != NO_NAME)
		(void)snprintf(text, 16, "n%d", name);
	return text;
}

static const char *
worker_text(int worker, char text[16])
{
	text[0] = '\0';
	if (worker != NOBODY)
		(void)snprintf(text, 16, "w%d", worker);
	return text;
}

static bool
same_group(const struct model *model, const struct mjob *job, const struct job *found)
{
	char text[16];
	int group = model_group(model, job->queue, &job->body);
	if (!model_live(job))
		return true; /* the one it had, when that meant something */
	if (group == NO_GROUP)
		return !found->group;
	(void)snprintf(text, sizeof text, "%d", group);
	return found->group && strcmp(found->group, text) == 0;
}

static bool
same_worker(const struct mjob *job, const struct job *found)
{
	char worker[16];
	bool runs = job->where == RUNS;
	struct claimant by = run_claimants[runs ? job->claimant : 0];
	return strcmp(found->worker, worker_text(runs ? job->worker : NOBODY, worker)) == 0 &&
	       found->worker_pid == by.pid && found->worker_start == by.start;
}

static bool
same_job(struct run *run, const struct model *model, const struct mjob *job,
	const struct job *found)
{
	char name[16], body[64];
	const char *shown = job->where == REJECTED ? job->shown : name_text(job->name, name);
	bool runs = job->where == RUNS;
	model_body(&job->body, body);
	return found->state == state_of(job->where) && found->failures == job->failures &&
	       found->queue_id == run->queues[job->queue] &&
	       found->size == (int64_t)strlen(body) && found->changed_ms == job->changed &&
	       found->due_ms == job->due && found->claimed_ms == (runs ? job->changed : 0) &&
	       found->deadline_ms == (runs ? job->deadline : 0) && same_worker(job, found) &&
	       strcmp(found->name, shown) == 0 && strcmp(found->receipt, job->receipt) == 0 &&
	       same_group(model, job, found);
}

/* All live jobs have their places, those that wait for their time and those that run, too. */
static bool
same_places(const struct seen *seen, struct mjob *const *jobs)
{
	for (int i = 0; i < seen->count; i++)
		for (int k = 0; k < seen->count; k++)
			if (model_live(jobs[i]) && model_live(jobs[k]) &&
				(jobs[i]->order < jobs[k]->order) !=
					(seen->jobs[i].pos < seen->jobs[k].pos))
				return false;
	return true;
}

static bool
same_jobs(struct run *run, struct model *model, int queue, bool rejected)
{
	static struct seen seen;
	struct mjob *jobs[MODEL_JOBS];
	enum view view = rejected ? VIEW_REJECTED : VIEW_RECEIPTS;
	int count =
		list(model, queue, rejected ? is_where : is_known, REJECTED, !rejected, jobs);
	bool right = engine_list(run->engine, view, run->queues[queue], 0, see, &seen) == 0 &&
		     same_list(&seen, 0, jobs, count);
	if (!right)
		(void)differ(run, rejected ? "what is rejected in queue" : "the jobs of queue",
			queue);
	for (int i = 0; right && i < count; i++)
		right = same_job(run, model, jobs[i], &seen.jobs[i]) ||
			differ(run, "job", jobs[i]->id);
	if (right && !same_places(&seen, jobs))
		right = differ(run, "the order in queue", queue);
	forget(&seen);
	return right;
}

static bool
same_counts(struct run *run, const struct model *model, int queue)
{
	int64_t staged = 0, id = run->queues[queue];
	for (int i = 0; i < MODEL_DRAFTS; i++)
		staged += model->drafts[i].staged && model->drafts[i].queue == queue;
	for (int where = WAITS; where <= REJECTED; where++)
		if (engine_count(run->engine, id, state_of((enum where)where)) !=
			model_count(model, queue, (enum where)where))
			return differ(run, "the counts of queue", queue);
	return engine_count(run->engine, id, JOB_STAGED) == staged ||
	       differ(run, "what is staged in queue", queue);
}

struct names {
	struct run *run;
	struct mjob *jobs[MODEL_JOBS];
	int count, seen;
	bool right;
};

static bool
see_name(void *context, int64_t queue_id, const char *name, const char *receipt, int64_t cookie)
{
	struct names *names = context;
	char text[16];
	const struct mjob *job = names->seen < names->count ? names->jobs[names->seen] : NULL;
	names->seen++;
	names->right = names->right && job && queue_id == names->run->queues[job->queue] &&
		       cookie == job->id && strcmp(receipt, job->receipt) == 0 &&
		       strcmp(name, name_text(job->name, text)) == 0;
	return names->right;
}

static bool
same_names(struct run *run, struct model *model, int queue)
{
	struct names names = { .run = run, .right = true };
	names.count = list(model, queue, has_name, 0, true, names.jobs);
	int rc = engine_names(run->engine, run->queues[queue], 0, see_name, &names);
	return (rc == 0 && names.right && names.seen == names.count) ||
	       differ(run, "the names of queue", queue);
}

static bool
same_payload(struct run *run, int64_t id, const struct mbody *body)
{
	char expected[64];
	void *bytes;
	size_t size;
	model_body(body, expected);
	if (engine_payload(run->engine, id, &bytes, &size) != 0)
		return false;
	bool right = size == strlen(expected) && memcmp(bytes, expected, size) == 0;
	free(bytes);
	return right;
}

/* What is staged shows nowhere, but recovery makes jobs of it. */
static bool
same_draft(struct run *run, const struct mdraft *draft, int64_t number)
{
	struct job job;
	char name[16], expected[64];
	void *body;
	size_t size;
	int rc = engine_staged(run->engine, number, &job, &body, &size);
	if (rc != 0)
		return rc == -ENOENT && !draft->staged;
	model_body(&draft->body, expected);
	bool right = draft->staged && job.id == draft->id &&
		     job.queue_id == run->queues[draft->queue] && job.due_ms == draft->due &&
		     strcmp(job.receipt, draft->receipt) == 0 &&
		     strcmp(job.name, name_text(draft->name, name)) == 0 &&
		     size == strlen(expected) && memcmp(body, expected, size) == 0;
	job_release(&job);
	free(body);
	return right;
}

static bool
same_note(struct run *run, const struct model *model)
{
	void *bytes = NULL;
	size_t size;
	int noted = 0;
	if (engine_note_get(run->engine, "n", &bytes, &size) == 0)
		noted = (int)strtol(bytes, NULL, 10);
	free(bytes);
	return noted == model->note || differ(run, "the note", noted);
}

static bool
same_type(struct run *run, const struct model *model, int queue)
{
	const struct queue_rules *rules = &run->engine->queues[run->queues[queue]]->rules;
	char field = model->rules[queue].field;
	bool right = rules->fifo == (field != 0) &&
		     (!field || (rules->group_field && rules->group_field[0] == field));
	return right || differ(run, "the type of queue", queue);
}

static bool
same_pause(struct run *run, const struct model *model, int queue)
{
	const struct queue_pause *found = engine_paused(run->engine, run->queues[queue]);
	const struct mpause *pause = &model->pauses[queue];
	char reason[16] = "";
	if (pause->since != 0)
		(void)snprintf(reason, sizeof reason, "p%d", pause->by);
	bool right = found->since_ms == pause->since && found->uid == pause->by &&
		     found->pid == pause->by && strcmp(found->reason, reason) == 0;
	return right || differ(run, "the pause of queue", queue);
}

bool
same(struct run *run, struct model *model)
{
	for (int i = 0; i < MODEL_DRAFTS; i++)
		if (!same_draft(run, &model->drafts[i], i + 1))
			return differ(run, "draft", i + 1);
	for (int queue = 0; queue < MODEL_QUEUES; queue++)
		if (!same_type(run, model, queue) || !same_jobs(run, model, queue, false) ||
			!same_jobs(run, model, queue, true) || !same_pause(run, model, queue) ||
			!same_counts(run, model, queue) || !same_names(run, model, queue))
			return false;
	return same_note(run, model);
}

/* ---- what the engine makes of it ---- */

/* In one go, and from a cookie on. */
static bool
same_view(struct run *run, enum view view, int queue, struct mjob *const *jobs, int count)
{
	static struct seen seen, rest;
	int64_t id = run->queues[queue];
	bool right = engine_list(run->engine, view, id, 0, see, &seen) == 0 &&
		     same_list(&seen, 0, jobs, count);
	for (int i = 0; i < seen.count; i++)
		right = right && view_has(view, &seen.jobs[i]);
	if (right && count > 0) {
		int from = (int)draw(run, count);
		right = engine_list(run->engine, view, id, seen.cookies[from], see, &rest) ==
				0 &&
			same_list(&rest, from + 1, jobs, count);
	}
	forget(&seen);
	forget(&rest);
	return right || differ(run, "view", view);
}

static bool
same_lists(struct run *run, struct model *model, int queue)
{
	static const struct {
		enum view view;
		belongs_fn *belongs;
		int where;
		bool by_id;
	} views[] = {
		{ VIEW_WAITING, is_where, WAITS, false },
		{ VIEW_BACKOFF, is_where, LATER, false },
		{ VIEW_RUNNING, is_where, RUNS, false },
		{ VIEW_DEAD, is_where, DEAD, false },
		{ VIEW_RETRIES, is_retry, 0, true },
		{ VIEW_RECEIPTS, is_known, 0, true },
		{ VIEW_REJECTED, is_where, REJECTED, false },
	};
	for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
		struct mjob *jobs[MODEL_JOBS];
		int count = list(
			model, queue, views[i].belongs, views[i].where, views[i].by_id, jobs);
		if (!same_view(run, views[i].view, queue, jobs, count))
			return false;
	}
	return true;
}

/* A group's jobs in order; an unknown group is empty. */
static bool
same_members(struct run *run, struct model *model, int queue, int group)
{
	static struct seen seen;
	struct mjob *jobs[MODEL_JOBS];
	char text[16];
	int count = list(model, queue, is_of_group, group, false, jobs);
	(void)snprintf(text, sizeof text, "%d", group);
	bool right =
		engine_group_list(run->engine, run->queues[queue], text, 0, see, &seen) == 0 &&
		same_list(&seen, 0, jobs, count);
	forget(&seen);
	return right || differ(run, "group", group);
}

/* Each group by its first. */
static bool
same_groups(struct run *run, struct model *model, int queue)
{
	static struct seen seen;
	int groups = 0;
	bool right = engine_groups(run->engine, run->queues[queue], 0, see, &seen) == 0;
	for (int group = 0; right && group < 4; group++) {
		const struct mjob *first = model_first(model, queue, group);
		bool shown = false;
		for (int i = 0; first && i < seen.count; i++)
			shown = shown || seen.jobs[i].id == first->id;
		right = shown == (first != NULL) && same_members(run, model, queue, group);
		groups += first != NULL;
	}
	right = right && groups == seen.count;
	forget(&seen);
	return right || differ(run, "the groups of queue", queue);
}

static void
expected_reason(struct model *model, const struct mjob *job, char *text, size_t size)
{
	int group = model_group(model, job->queue, &job->body);
	const struct mjob *first = model_first(model, job->queue, group);
	int64_t running = model_count(model, job->queue, RUNS),
		limit = model->rules[job->queue].concurrency;
	text[0] = '\0';
	if (job->where == LATER) {
		time_t seconds = (time_t)(job->due / 1000);
		struct tm tm;
		char date[64];
		(void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
		(void)snprintf(
			text, size, "backoff until %s.%03dZ", date, (int)(job->due % 1000));
	}
	if (job->where != WAITS)
		return;
	if (first && first != job)
		(void)snprintf(text, size, "group %d: behind %s", group, first->receipt);
	else if (model->pauses[job->queue].since != 0)
		(void)snprintf(text, size, "paused: p%d", model->pauses[job->queue].by);
	else if (running >= limit)
		(void)snprintf(text, size, "concurrency %" PRId64 "/%" PRId64, running, limit);
	else
		(void)snprintf(text, size, "a free worker");
}

struct failures {
	const struct mjob *job;
	int64_t count;
	bool right;
};

static void
see_failure(void *context, const struct job_failure *found)
{
	struct failures *it = context;
	const struct mjob *job = it->job;
	int64_t number = it->count++;
	char worker[16];
	if (number >= job->history || number < job->history - MODEL_FAILURES)
		return;
	const struct mfailure *failure = &job->last[number % MODEL_FAILURES];
	it->right = it->right && found->attempt == failure->attempt &&
		    found->at_ms == failure->at &&
		    (failure->reason[0] ? strcmp(found->reason, failure->reason) == 0
					: found->reason[0] != '\0') &&
		    strcmp(found->worker, worker_text(failure->worker, worker)) == 0;
}

/* What is told of one job: why it waits, why it failed, what it holds; and its receipt. */
static bool
same_story(struct run *run, struct model *model, const struct mjob *job)
{
	char reason[200], expected[200];
	struct job found;
	struct failures failures = { .job = job, .right = true };
	if (engine_receipt_find(run->engine, job->receipt, &found) != 0)
		return differ(run, "the receipt of", job->id);
	bool right = found.id == job->id;
	if (engine_waiting_for(run->engine, &found, reason, sizeof reason) != 0)
		right = false;
	job_release(&found);
	expected_reason(model, job, expected, sizeof expected);
	if (!right || strcmp(reason, expected) != 0)
		return note(run, "  \"%s\", not \"%s\"\n", reason, expected),
		       differ(run, "why it waits:", job->id);
	right = engine_failures(run->engine, job->id, see_failure, &failures) == 0 &&
		failures.right && failures.count == job->history;
	return right || differ(run, "the failures of", job->id);
}

static bool
same_finds(struct run *run, struct model *model, int queue)
{
	struct job found;
	char text[16];
	for (int name = 0; name < MODEL_NAMES; name++) {
		const struct mjob *job = model_named(model, queue, name);
		int rc = engine_name_find(
			run->engine, run->queues[queue], name_text(name, text), &found);
		bool right = job ? rc == 0 && found.id == job->id &&
					     same_job(run, model, job, &found)
				 : rc == -ENOENT;
		if (rc == 0)
			job_release(&found);
		if (!right)
			return differ(run, "name", name);
	}
	for (int worker = 0; worker < MODEL_WORKERS; worker++) {
		const struct mjob *job = model_held(model, queue, worker);
		int rc = engine_worker_find(
			run->engine, run->queues[queue], worker_text(worker, text), &found);
		bool right = job ? rc == 0 && found.id == job->id : rc == -ENOENT;
		if (rc == 0)
			job_release(&found);
		if (!right)
			return differ(run, "worker", worker);
	}
	return true;
}

/* Each is found by the name that is shown, once. */
static bool
same_rejected(struct run *run, struct model *model, int queue)
{
	struct job found;
	for (int i = 0; i < model->count; i++) {
		const struct mjob *job = &model->jobs[i];
		if (job->queue != queue || job->shown[0] == '\0')
			continue;
		const struct mjob *there = model_rejected(model, queue, job->shown);
		int rc = engine_rejected_find(
			run->engine, run->queues[queue], job->shown, &found);
		bool right = there ? rc == 0 && found.id == there->id : rc == -ENOENT;
		if (rc == 0)
			job_release(&found);
		if (!right)
			return differ(run, "the rejected name of", job->id);
	}
	return true;
}

bool
same_views(struct run *run, struct model *model, int queue)
{
	if (!same_lists(run, model, queue) || !same_rejected(run, model, queue) ||
		!same_groups(run, model, queue) || !same_finds(run, model, queue))
		return false;
	for (int i = 0; i < model->count; i++) {
		const struct mjob *job = &model->jobs[i];
		if (job->queue != queue || !is_kept(model, job, 0))
			continue;
		if (model->rules[queue].defined && !same_story(run, model, job))
			return false;
		if (draw(run, 4) == 0 && !same_payload(run, job->id, &job->body))
			return differ(run, "the payload of", job->id);
	}
	return true;
}

void
expect_ready(struct run *run)
{
	for (int queue = 0; queue < MODEL_QUEUES; queue++) {
		if (!run->model->rules[queue].defined)
			continue;
		bool serves = model_next(run->model, queue) != NULL;
		bool ready = engine_queue_ready(run->engine, run->queues[queue]);
		if (serves && run->dry[queue] && !ready)
			give_up(run, "queue %d can be served, and was not said to be ready",
				queue);
		run->dry[queue] = !serves;
	}
}
