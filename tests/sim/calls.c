/* The calls, drawn: each on the engine, and on the model. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/run.h"

int
agree(struct run *run, const char *what, int64_t id, int rc, int expected)
{
	note(run, "  %s %lld: %d\n", what, (long long)id, rc);
	if (rc == expected)
		return 0;
	bool disturbed = run->full || run->faulty || run->crashed;
	if (disturbed && (rc == -EIO || rc == -ENOSPC))
		return rc;
	give_up(run, "%s %lld: %d, not %d; %s %s", what, (long long)id, rc, expected,
		engine_error(run->engine), run->problem.text);
}

/* ---- what is drawn ---- */

/* One that is in the config: of the others no caller knows. -1: there is none. */
static int
some_queue(struct run *run)
{
	int first = (int)draw(run, MODEL_QUEUES);
	for (int i = 0; i < MODEL_QUEUES; i++) {
		int queue = (first + i) % MODEL_QUEUES;
		if (run->draft->rules[queue].defined)
			return queue;
	}
	return -1;
}

/* Some job that was there once; of a queue in the config. Its number, or one of nobody. */
static int64_t
some_job(struct run *run, struct mjob **job)
{
	*job = NULL;
	if (run->draft->count == 0)
		return 1;
	const struct mjob *some = &run->draft->jobs[draw(run, run->draft->count)];
	if (!run->draft->rules[some->queue].defined)
		return JOB_ID_MAX;
	*job = model_find(run->draft, some->id);
	return some->id;
}

static struct mbody
some_body(struct run *run)
{
	struct mbody body = { .json = draw(run, 12) != 0, .g = NO_GROUP, .h = NO_GROUP };
	int64_t luck = draw(run, 8);
	if (body.json && luck != 0)
		body.g = (int)draw(run, 3);
	if (body.json && luck < 6)
		body.h = (int)draw(run, 3);
	return body;
}

/* What a line begins with, or all of it; it does not know. */
static struct mbody
some_beginning(struct run *run)
{
	struct mbody body = some_body(run);
	char text[64];
	model_body(&body, text);
	body.cut = (size_t)draw(run, (int64_t)strlen(text));
	return body;
}

static int
some_name(struct run *run)
{
	return draw(run, 2) ? NO_NAME : (int)draw(run, MODEL_NAMES);
}

static const char *
text_of(char letter, int number, char text[16])
{
	text[0] = '\0';
	if (number >= 0)
		(void)snprintf(text, 16, "%c%d", letter, number);
	return text;
}

struct mrules
some_rules(struct run *run)
{
	static const char fields[] = { 0, 'g', 'h' };
	struct mrules rules = {
		.defined = true,
		.field = fields[draw(run, 3)],
		.json = draw(run, 2),
		.concurrency = 1 + draw(run, 4),
		.max_retries = draw(run, 4),
		.backoff_ms = draw(run, 400),
		.backoff_max_ms = draw(run, 2) ? -1 : draw(run, 800),
		.timeout_ms = 1 + draw(run, 3000),
		.max_payload_bytes = draw(run, 6) ? 1000 : 10,
		.max_jobs = draw(run, 2) ? -1 : 1 + draw(run, 12),
	};
	return rules;
}

/* ---- enqueueing ---- */

static struct job_new
payload(struct run *run, const struct mdraft *of, char body[64], char name[16])
{
	model_body(&of->body, body);
	return (struct job_new){ .queue_id = run->queues[of->queue],
		.body = body,
		.size = strlen(body),
		.name = text_of('n', of->name, name),
		.due_ms = of->due };
}

static struct mdraft
some_draft(struct run *run, int queue)
{
	return (struct mdraft){ .staged = true,
		.queue = queue,
		.name = some_name(run),
		.body = some_body(run),
		.due = draw(run, 4) ? 0 : run->now + draw(run, 400) - 100 };
}

/* From its first row on it has a new number, and its receipt; they stay when it is staged again
 * in its queue. `before`: that draft, or NULL. */
static int
learn(struct run *run, const struct mdraft *before, struct mdraft *of, int64_t number,
	int64_t id)
{
	struct record record;
	int rc = number ? store_job_by_draft(run->engine->store, number, &record)
			: store_job_get(run->engine->store, id, &record);
	int disturbed = agree(run, "its receipt", id, rc, 0);
	if (rc != 0)
		return disturbed;
	of->id = record.job.id;
	(void)snprintf(of->receipt, sizeof of->receipt, "%s", record.job.receipt);
	job_release(&record.job);
	of->order = ++run->draft->order;
	if (before && before->staged && before->queue == of->queue) {
		if (of->id != before->id || strcmp(of->receipt, before->receipt) != 0)
			give_up(run, "staged again, %lld became %lld", (long long)before->id,
				(long long)of->id);
		of->order = before->order;
		return 0;
	}
	if (of->id <= run->draft->highest)
		give_up(run, "number %lld was given before", (long long)of->id);
	run->draft->highest = of->id;
	return 0;
}

static int
check_first(struct run *run, const struct job_new *new, int expected)
{
	if (draw(run, 4) != 0)
		return 0;
	int rc = engine_check(run->engine, new, &run->problem);
	return agree(run, "check", 0, rc, expected);
}

static int
do_enqueue(struct run *run)
{
	char body[64], name[16];
	int queue = some_queue(run);
	int64_t id = 0;
	if (queue < 0)
		return 0;
	struct mdraft of = some_draft(run, queue);
	struct job_new new = payload(run, &of, body, name);
	int expected = model_refusal(run->draft, queue, &of.body, -1, false);
	int disturbed = check_first(run, &new, expected);
	if (disturbed)
		return disturbed;
	int rc = engine_enqueue(run->engine, &new, run->now, &run->problem, &id);
	disturbed = agree(run, "enqueue", id, rc, expected);
	if (rc == 0)
		disturbed = learn(run, NULL, &of, 0, id);
	if (rc == 0 && disturbed == 0)
		model_add(run->draft, &of, run->now);
	return disturbed;
}

/* A draft lies in one folder, but may be moved to another. */
static bool
may_stage(struct run *run, const struct mdraft *draft, int *queue)
{
	if (draft->staged && (!run->draft->rules[draft->queue].defined || draw(run, 4) != 0))
		*queue = draft->queue;
	return *queue >= 0 && run->draft->rules[*queue].defined;
}

static int
do_stage(struct run *run)
{
	char body[64], name[16];
	int number = (int)draw(run, MODEL_DRAFTS), queue = some_queue(run);
	struct mdraft *draft = &run->draft->drafts[number];
	if (!may_stage(run, draft, &queue))
		return 0;
	struct mdraft of = some_draft(run, queue);
	of.partial = draw(run, 3) == 0;
	if (of.partial)
		of.body = some_beginning(run);
	struct job_new new = payload(run, &of, body, name);
	new.draft_id = number + 1;
	new.partial = of.partial;
	new.promised = draft->staged && draft->queue == queue &&draw(run, 2);
	int expected = new.promised
			       ? model_content_refusal(run->draft, queue, &of.body, of.partial)
			       : model_refusal(run->draft, queue, &of.body, number, of.partial);
	int disturbed = check_first(run, &new, expected);
	if (disturbed)
		return disturbed;
	int rc = engine_stage(run->engine, &new, run->now, &run->problem);
	disturbed = agree(run, "stage", number, rc, expected);
	if (rc == 0)
		disturbed = learn(run, draft, &of, number + 1, 0);
	if (rc == 0 && disturbed == 0)
		*draft = of;
	return disturbed;
}

/* Half of the time what a draft has staged. */
static int
do_reject(struct run *run)
{
	char body[64], name[16];
	int number = (int)draw(run, 2 * MODEL_DRAFTS), queue = some_queue(run);
	struct mdraft none = { .staged = false };
	struct mdraft *draft = number < MODEL_DRAFTS ? &run->draft->drafts[number] : &none;
	int64_t id = 0;
	if (!may_stage(run, draft, &queue))
		return 0;
	struct mdraft of = some_draft(run, queue);
	of.body = some_beginning(run);
	struct job_new new = payload(run, &of, body, name);
	new.draft_id = number < MODEL_DRAFTS ? number + 1 : 0;
	int rc = engine_reject(run->engine, &new, "cut off", run->now, &id);
	int disturbed = agree(run, "reject", id, rc, 0);
	if (rc == 0)
		disturbed = learn(run, draft, &of, 0, id);
	if (rc != 0 || disturbed != 0)
		return disturbed;
	draft->staged = false;
	model_reject(run->draft, &of, "cut off", run->now);
	return 0;
}

static int
do_publish(struct run *run)
{
	int number = (int)draw(run, MODEL_DRAFTS);
	struct mdraft *draft = &run->draft->drafts[number];
	int64_t id = 0;
	char name[16];
	if (draft->staged && !run->draft->rules[draft->queue].defined)
		return 0;
	if (draw(run, 4) == 0) {
		draft->staged = false;
		return agree(
			run, "unstage", number, engine_unstage(run->engine, number + 1), 0);
	}
	if (draft->staged && draft->partial)
		return 0; /* all of it is staged first */
	struct mdraft of = *draft;
	of.name = draw(run, 3) ? of.name : some_name(run); /* it was renamed */
	int rc = engine_publish(
		run->engine, number + 1, text_of('n', of.name, name), run->now, &id);
	int disturbed = agree(run, "publish", id, rc, draft->staged ? 0 : -ENOENT);
	if (rc != 0)
		return disturbed;
	if (id != draft->id)
		give_up(run, "publish: %lld became %lld", (long long)draft->id, (long long)id);
	draft->staged = false;
	model_add(run->draft, &of, run->now);
	return 0;
}

/* ---- names ---- */

static int
do_name_forget(struct run *run)
{
	int queue = some_queue(run), name = (int)draw(run, MODEL_NAMES);
	char text[16];
	if (queue < 0)
		return 0;
	bool there = model_named(run->draft, queue, name);
	int rc = engine_name_forget(run->engine, run->queues[queue], text_of('n', name, text));
	int disturbed = agree(run, "forget name", name, rc, there ? 0 : -ENOENT);
	if (rc == 0)
		model_unname(run->draft, queue, name);
	return disturbed;
}

static int
do_name_rename(struct run *run)
{
	int queue = some_queue(run), name = (int)draw(run, MODEL_NAMES);
	int other = (int)draw(run, MODEL_NAMES);
	char from[16], to[16];
	if (queue < 0)
		return 0;
	struct mjob *job = model_named(run->draft, queue, name);
	int rc = engine_name_rename(run->engine, run->queues[queue], text_of('n', name, from),
		text_of('n', other, to));
	int disturbed = agree(run, "rename name", name, rc, job ? 0 : -ENOENT);
	if (rc != 0 || name == other)
		return disturbed;
	model_unname(run->draft, queue, other);
	job->name = other;
	return 0;
}

/* ---- claims ---- */

static int
some_claimant(struct run *run)
{
	return draw(run, 3) ? 0 : (int)draw(run, CLAIMANTS);
}

/* A name that is bound to a process is that process's alone. */
static bool
is_bound_to_other(const struct mjob *job, int by)
{
	return job && job->claimant != 0 && job->claimant != by;
}

static int
do_claim(struct run *run)
{
	int queue = some_queue(run), worker = (int)draw(run, MODEL_WORKERS);
	int by = some_claimant(run);
	char name[16];
	struct job job;
	bool again = false;
	if (queue < 0)
		return 0;
	struct mjob *held = model_held(run->draft, queue, worker);
	struct mjob *next = held ? held : model_next(run->draft, queue);
	int expected = !next ? -EAGAIN : is_bound_to_other(held, by) ? -EBUSY : 0;
	int rc = engine_claim_by(run->engine, run->queues[queue], text_of('w', worker, name),
		&run_claimants[by], run->now, &job, &again);
	int disturbed = agree(run, "claim", next ? next->id : 0, rc, expected);
	if (rc != 0)
		return disturbed;
	if (job.id != next->id || again != (held != NULL))
		give_up(run, "claim: got %lld, not %lld", (long long)job.id,
			(long long)next->id);
	job_release(&job);
	if (held)
		return 0;
	next->worker = worker;
	next->claimant = by;
	next->deadline = run->now + run->draft->rules[queue].timeout_ms;
	model_enter(run->draft, next, RUNS, run->now);
	return 0;
}

static void
judge(struct run *run, struct mjob *job, enum verdict word, const struct verdict_details *said)
{
	const char *reason = said->reason;
	switch (word) {
	case VERDICT_DONE:
		model_end(run->draft, job, run->now);
		break;
	case VERDICT_RETRY:
		model_fail(
			run->draft, job, reason ? reason : "failed", said->delay_ms, run->now);
		break;
	case VERDICT_DEAD:
		model_die(run->draft, job, reason ? reason : "given up", job->worker, run->now);
		break;
	case VERDICT_RELEASE:
		model_enter(run->draft, job, said->delay_ms > 0 ? LATER : WAITS, run->now);
		job->due = run->now + (said->delay_ms > 0 ? said->delay_ms : 0);
		break;
	}
}

int
call_verdict(struct run *run)
{
	int queue = some_queue(run), worker = (int)draw(run, MODEL_WORKERS);
	int by = some_claimant(run);
	enum verdict word = (enum verdict)draw(run, 4);
	struct verdict_details details = { .delay_ms = draw(run, 300) - 150 };
	char name[16];
	if (queue < 0)
		return 0;
	if (details.delay_ms < 0)
		details.delay_ms = -1;
	details.by = run_claimants[by];
	details.reason = draw(run, 2) ? "smtp 421" : NULL;
	struct mjob *job = model_held(run->draft, queue, worker);
	bool meant = job && draw(run, 8) != 0;
	int64_t id = !meant ? run->draft->highest + 1 : draw(run, 2) ? job->id : 0;
	int expected = !meant ? -ENOENT : is_bound_to_other(job, by) ? -EBUSY : 0;
	int rc = engine_verdict(run->engine, run->queues[queue], text_of('w', worker, name), id,
		word, &details, run->now);
	int disturbed = agree(run, "verdict", job ? job->id : 0, rc, expected);
	if (rc == 0)
		judge(run, job, word, &details);
	return disturbed;
}

static int
do_extend(struct run *run)
{
	struct mjob *job;
	int64_t id = some_job(run, &job), until = draw(run, 2) ? run->now + draw(run, 5000) : 0;
	bool runs = job && job->where == RUNS;
	int rc = engine_extend(run->engine, id, until, run->now);
	int disturbed = agree(run, "extend", id, rc, runs ? 0 : -ENOENT);
	if (rc == 0)
		job->deadline = until > run->now
					? until
					: run->now + run->draft->rules[job->queue].timeout_ms;
	return disturbed;
}

/* ---- operators ---- */

static int
do_remove(struct run *run)
{
	struct mjob *job;
	int64_t id = some_job(run, &job);
	int expected = !job ? -ENOENT : job->where == RUNS ? -EBUSY : 0;
	int rc = engine_remove(run->engine, id, run->now);
	int disturbed = agree(run, "remove", id, rc, expected);
	if (rc == 0)
		model_end(run->draft, job, run->now);
	return disturbed;
}

/* Is it through: rejected, or dead? */
static bool
is_final(const struct mjob *job, bool or_dead)
{
	return job->where == REJECTED || (or_dead && job->where == DEAD);
}

static int
do_requeue(struct run *run)
{
	struct mjob *job;
	int64_t id = some_job(run, &job);
	int expected = !job                                          ? -ENOENT
		       : job->where == WAITS || is_final(job, false) ? -EPERM
								     : 0;
	int rc = engine_requeue(run->engine, id, run->now);
	int disturbed = agree(run, "requeue", id, rc, expected);
	if (rc != 0)
		return disturbed;
	if (job->where == DEAD) {
		job->failures = 0;
		model_tail(run->draft, job);
	}
	model_enter(run->draft, job, WAITS, run->now);
	return 0;
}

static int
do_bury(struct run *run)
{
	struct mjob *job;
	int64_t id = some_job(run, &job);
	const char *reason = draw(run, 2) ? "why" : NULL;
	int expected = !job ? -ENOENT : is_final(job, true) ? -EPERM : 0;
	int rc = engine_bury(run->engine, id, reason, run->now);
	int disturbed = agree(run, "bury", id, rc, expected);
	if (rc == 0)
		model_die(run->draft, job, reason ? reason : "buried by operator", NOBODY,
			run->now);
	return disturbed;
}

static int
do_fail(struct run *run)
{
	struct mjob *job;
	int64_t id = some_job(run, &job);
	const char *reason = draw(run, 2) ? "worker 4711 died" : NULL;
	int expected = !job ? -ENOENT : job->where == RUNS ? 0 : -EPERM;
	int rc = engine_fail(run->engine, id, reason, run->now);
	int disturbed = agree(run, "fail", id, rc, expected);
	if (rc == 0)
		model_fail(run->draft, job, reason ? reason : "failed", -1, run->now);
	return disturbed;
}

static int
do_reschedule(struct run *run)
{
	struct mjob *job;
	int64_t id = some_job(run, &job), due = run->now + draw(run, 600) - 200;
	bool later = due > run->now;
	int expected = 0;
	if (!job)
		expected = -ENOENT;
	else if (job->where == RUNS)
		expected = later ? -EBUSY : -EPERM;
	else if (is_final(job, true))
		expected = -EPERM;
	int rc = engine_reschedule(run->engine, id, due, run->now);
	int disturbed = agree(run, "reschedule", id, rc, expected);
	if (rc != 0 || (job->where == WAITS && !later))
		return disturbed;
	model_enter(run->draft, job, later ? LATER : WAITS, run->now);
	if (later)
		job->due = due;
	return 0;
}

static int
move_expected(struct run *run, const struct mjob *job, int queue)
{
	if (!job)
		return -ENOENT;
	if (job->where == RUNS)
		return -EBUSY;
	if (job->queue == queue || is_final(job, false))
		return -EPERM;
	return model_refusal(run->draft, queue, &job->body, -1, false);
}

static int
do_move(struct run *run)
{
	struct mjob *job;
	int64_t id = some_job(run, &job);
	int queue = some_queue(run);
	if (queue < 0)
		return 0;
	int expected = move_expected(run, job, queue);
	int rc = engine_move(run->engine, id, run->queues[queue], run->now, &run->problem);
	int disturbed = agree(run, "move", id, rc, expected);
	if (rc != 0)
		return disturbed;
	if (job->named)
		run->draft->names_gone += model_name_sum(job->queue, job->name);
	job->named = job->named && !model_named(run->draft, queue, job->name);
	job->queue = queue;
	job->failures = 0;
	model_tail(run->draft, job);
	model_enter(run->draft, job, WAITS, run->now);
	return 0;
}

static int
resubmit_expected(struct run *run, const struct mjob *job, int queue)
{
	if (!job)
		return -ENOENT;
	if (job->where != REJECTED)
		return -EPERM;
	return model_refusal(run->draft, queue, &job->body, -1, false);
}

static int
do_resubmit(struct run *run)
{
	struct mjob *job;
	int64_t id = some_job(run, &job);
	int queue = some_queue(run), name = (int)draw(run, MODEL_NAMES);
	char text[16];
	if (queue < 0)
		return 0;
	int expected = resubmit_expected(run, job, queue);
	int rc = engine_resubmit(run->engine, id, run->queues[queue], text_of('n', name, text),
		run->now, &run->problem);
	int disturbed = agree(run, "resubmit", id, rc, expected);
	if (rc != 0)
		return disturbed;
	model_unname(run->draft, queue, name);
	job->queue = queue;
	job->name = name;
	job->named = true;
	job->failures = 0;
	model_tail(run->draft, job);
	model_enter(run->draft, job, WAITS, run->now);
	return 0;
}

/* Or it goes on. A pause that is paused again keeps its time. */
static int
do_pause(struct run *run)
{
	int queue = some_queue(run);
	if (queue < 0)
		return 0;
	struct mpause *model = &run->draft->pauses[queue];
	int by = draw(run, 3) ? 0 : 1 + (int)draw(run, 3);
	struct queue_pause pause = { .since_ms = run->now, .uid = by, .pid = by };
	(void)snprintf(pause.reason, sizeof pause.reason, "p%d", by);
	int rc = engine_pause(run->engine, run->queues[queue], by ? &pause : NULL);
	int disturbed = agree(run, by ? "pause" : "go on", queue, rc, 0);
	if (rc != 0)
		return disturbed;
	model->since = !by ? 0 : model->since ? model->since : run->now;
	model->by = by;
	return 0;
}

/* ---- the rest ---- */

/* Always another one: what changes nothing syncs nothing. */
int
call_note(struct run *run)
{
	char text[20];
	int number = run->draft->note + 1;
	(void)snprintf(text, sizeof text, "%d", number);
	int rc = agree(
		run, "note", number, engine_note_set(run->engine, "n", text, strlen(text)), 0);
	if (rc == 0)
		run->draft->note = number;
	return rc;
}

static int
do_note_forget(struct run *run)
{
	int rc = agree(run, "forget note", 0, engine_note_set(run->engine, "n", "", 0), 0);
	if (rc == 0)
		run->draft->note = 0;
	return rc;
}

int
call_tick(struct run *run)
{
	int64_t next;
	int rc = agree(run, "tick", run->now, engine_tick(run->engine, run->now, &next), 0);
	if (rc != 0)
		return rc;
	model_tick(run->draft, run->now);
	if (next > model_wakes(run->draft))
		give_up(run, "tick: next at %lld, not %lld", (long long)next,
			(long long)model_wakes(run->draft));
	return 0;
}

int
call_any(struct run *run)
{
	static int (*const calls[])(struct run *) = { do_enqueue, do_enqueue, do_enqueue,
		do_enqueue, do_stage, do_stage, do_stage, do_publish, do_publish, do_reject,
		do_resubmit, do_pause, do_claim, do_claim, do_claim, do_claim, do_claim,
		call_verdict, call_verdict, call_verdict, call_verdict, do_extend, do_remove,
		do_requeue, do_bury, do_fail, do_reschedule, do_move, do_name_forget,
		do_name_rename, do_note_forget };
	return calls[draw(run, sizeof calls / sizeof *calls)](run);
}

int
call_define(struct run *run, int queue, const struct mrules *rules)
{
	static const char *const names[MODEL_QUEUES] = { "one", "two", "three" };
	if (!rules)
		rules = &run->draft->rules[queue];
	char field[] = { rules->field, '\0' };
	struct queue_rules new = {
		.name = names[queue],
		.fifo = rules->field,
		.json = rules->field || rules->json,
		.group_field = rules->field ? field : NULL,
		.concurrency = rules->concurrency,
		.max_retries = rules->max_retries,
		.backoff_ms = rules->backoff_ms,
		.backoff_max_ms = rules->backoff_max_ms,
		.timeout_ms = rules->timeout_ms,
		.max_payload_bytes = rules->max_payload_bytes,
		.max_jobs = rules->max_jobs,
	};
	note(run, "define %s: field '%s', %lld at once, %lld retries\n", names[queue], field,
		(long long)rules->concurrency, (long long)rules->max_retries);
	return engine_queue_define(run->engine, &new, &run->queues[queue]);
}
