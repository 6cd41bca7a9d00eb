#include "tests/fault/scenario.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/store_query.h"

#define TRY(call)                     \
	do {                          \
		int code_ = (call);   \
		if (code_ != 0)       \
			return code_; \
	} while (0)

/* ---- calls ---- */

static struct job_new
job_of(int64_t queue, const char *name, const char *body)
{
	return (struct job_new){
		.queue_id = queue,
		.body = body,
		.size = strlen(body),
		.name = name,
		.uid = 1000,
		.gid = 100,
		.pid = 4711,
		.mode = 0640,
	};
}

static int
put_due(struct scenario *it, int64_t queue, const char *name, const char *body, int64_t due_ms)
{
	struct job_new new = job_of(queue, name, body);
	int64_t id;
	new.due_ms = due_ms;
	return engine_enqueue(it->engine, &new, it->now_ms, &it->problem, &id);
}

static int
put(struct scenario *it, int64_t queue, const char *name, const char *body)
{
	return put_due(it, queue, name, body, 0);
}

static int
stage(struct scenario *it, int64_t draft, const char *name, const char *body)
{
	struct job_new new = job_of(it->standard, name, body);
	new.draft_id = draft;
	return engine_stage(it->engine, &new, it->now_ms, &it->problem);
}

static int
claim(struct scenario *it, int64_t queue, const char *worker)
{
	struct job job;
	bool again;
	TRY(engine_claim(it->engine, queue, worker, it->now_ms, &job, &again));
	job_release(&job);
	return 0;
}

static int
end(struct scenario *it, int64_t queue, const char *worker, enum verdict verdict,
	const char *reason, int64_t delay_ms)
{
	struct verdict_details details = { .reason = reason, .delay_ms = delay_ms };
	return engine_verdict(it->engine, queue, worker, 0, verdict, &details, it->now_ms);
}

/* The job a name means. */
static int
named(struct scenario *it, int64_t queue, const char *name, int64_t *id)
{
	struct job job;
	TRY(engine_name_find(it->engine, queue, name, &job));
	*id = job.id;
	job_release(&job);
	return 0;
}

static int
tick(struct scenario *it, int64_t ms)
{
	int64_t next_ms, now_ms = it->now_ms + ms;
	TRY(engine_tick(it->engine, now_ms, &next_ms));
	return 0;
}

/* ---- steps ---- */

static int
step_open(struct scenario *it)
{
	return scenario_open(it);
}

static int
step_enqueue(struct scenario *it)
{
	TRY(put(it, it->standard, "a", "first"));
	TRY(put(it, it->standard, "b", ""));
	TRY(put(it, it->fifo, "x1", "{\"g\":\"x\",\"n\":1}"));
	TRY(put(it, it->fifo, "x2", "{\"g\":\"x\",\"n\":2}"));
	return put(it, it->fifo, "y1", "{\"g\":1}");
}

static int
step_enqueue_large(struct scenario *it)
{
	static char large[40000];
	memset(large, 'l', sizeof large - 1);
	return put(it, it->standard, "large", large);
}

static int
step_enqueue_later(struct scenario *it)
{
	return put_due(it, it->standard, "later", "later", it->now_ms + 3600000);
}

static int
step_enqueue_many(struct scenario *it)
{
	char body[40];
	for (int i = 0; i < 40; i++) {
		(void)snprintf(body, sizeof body, "{\"g\":\"many%d\",\"n\":%d}", i % 3, i);
		TRY(put(it, it->third, "", body));
	}
	return 0;
}

static int
step_stage(struct scenario *it)
{
	TRY(stage(it, 1, "s1", "staged 1"));
	TRY(stage(it, 2, "s2", "staged 2"));
	TRY(stage(it, 3, "s3", "staged 3"));
	return stage(it, 4, "s4", "staged 4");
}

static int
step_stage_anew(struct scenario *it)
{
	return stage(it, 1, "s1", "staged 1 anew");
}

static int
step_publish(struct scenario *it)
{
	int64_t id;
	return engine_publish(it->engine, 1, "s1", it->now_ms, &id);
}

/* Under another name than it was staged, which another job has. */
static int
step_publish_over(struct scenario *it)
{
	int64_t id;
	return engine_publish(it->engine, 4, "large", it->now_ms, &id);
}

static int
step_stage_later(struct scenario *it)
{
	struct job_new new = job_of(it->standard, "sl", "staged, for later");
	new.draft_id = 5;
	new.due_ms = it->now_ms + 50000;
	return engine_stage(it->engine, &new, it->now_ms, &it->problem);
}

static int
step_publish_later(struct scenario *it)
{
	int64_t id;
	return engine_publish(it->engine, 5, "sl", it->now_ms, &id);
}

static int
step_unstage(struct scenario *it)
{
	return engine_unstage(it->engine, 2);
}

static int
step_claim(struct scenario *it)
{
	TRY(claim(it, it->standard, "w1")); /* a */
	TRY(claim(it, it->standard, "w2")); /* b */
	TRY(claim(it, it->fifo, "f1"));     /* x1 */
	return claim(it, it->fifo, "f2");   /* y1 */
}

static int
step_extend(struct scenario *it)
{
	struct job job;
	TRY(engine_worker_find(it->engine, it->standard, "w2", &job));
	int64_t id = job.id;
	job_release(&job);
	return engine_extend(it->engine, id, it->now_ms + 90000000, it->now_ms);
}

static int
step_done(struct scenario *it)
{
	return end(it, it->standard, "w1", VERDICT_DONE, NULL, -1);
}

static int
step_retry(struct scenario *it)
{
	return end(it, it->fifo, "f1", VERDICT_RETRY, "smtp 421", -1); /* x1 */
}

static int
step_release(struct scenario *it)
{
	return end(it, it->standard, "w2", VERDICT_RELEASE, NULL, -1); /* b */
}

static int
step_give_up(struct scenario *it)
{
	return end(it, it->fifo, "f2", VERDICT_DEAD, NULL, -1); /* y1 */
}

static int
step_release_later(struct scenario *it)
{
	TRY(claim(it, it->standard, "w3")); /* b */
	return end(it, it->standard, "w3", VERDICT_RELEASE, NULL, 5000);
}

static int
step_due(struct scenario *it)
{
	return tick(it, 10000); /* x1, b */
}

static int
step_claim_again(struct scenario *it)
{
	TRY(claim(it, it->fifo, "f1")); /* x1 */
	return claim(it, it->standard, "w4");
}

static int
step_time_out(struct scenario *it)
{
	return tick(it, 80000); /* x1 is out of retries, x2 is first */
}

static int
step_expire(struct scenario *it)
{
	return tick(it, 200000); /* the name "a" */
}

static int
step_bury(struct scenario *it)
{
	int64_t id;
	TRY(named(it, it->fifo, "x2", &id));
	return engine_bury(it->engine, id, "by hand", it->now_ms);
}

static int
step_redrive(struct scenario *it)
{
	int64_t id;
	TRY(named(it, it->fifo, "y1", &id));
	return engine_requeue(it->engine, id, it->now_ms);
}

static int
step_fail(struct scenario *it)
{
	struct job job;
	TRY(claim(it, it->fifo, "f3"));
	TRY(engine_worker_find(it->engine, it->fifo, "f3", &job));
	int64_t id = job.id;
	job_release(&job);
	return engine_fail(it->engine, id, NULL, it->now_ms);
}

static int
step_run_now(struct scenario *it)
{
	int64_t id;
	TRY(named(it, it->fifo, "y1", &id));
	return engine_requeue(it->engine, id, it->now_ms);
}

static int
step_take_back(struct scenario *it)
{
	struct job job;
	TRY(claim(it, it->third, "t1"));
	TRY(engine_worker_find(it->engine, it->third, "t1", &job));
	int64_t id = job.id;
	job_release(&job);
	return engine_requeue(it->engine, id, it->now_ms);
}

static int
step_reschedule(struct scenario *it)
{
	int64_t id;
	TRY(named(it, it->standard, "later", &id));
	TRY(engine_reschedule(it->engine, id, it->now_ms - 1, it->now_ms));
	TRY(named(it, it->standard, "large", &id));
	return engine_reschedule(it->engine, id, it->now_ms + 7200000, it->now_ms);
}

static int
step_remove(struct scenario *it)
{
	int64_t id;
	TRY(named(it, it->standard, "s1", &id));
	return engine_remove(it->engine, id, it->now_ms);
}

static int
step_remove_dead(struct scenario *it)
{
	int64_t id;
	TRY(named(it, it->fifo, "x2", &id));
	return engine_remove(it->engine, id, it->now_ms);
}

static int
step_move(struct scenario *it)
{
	int64_t id;
	TRY(named(it, it->fifo, "y1", &id));
	return engine_move(it->engine, id, it->third, it->now_ms, &it->problem);
}

static int
step_name_forget(struct scenario *it)
{
	return engine_name_forget(it->engine, it->third, "y1");
}

static int
step_name_rename(struct scenario *it)
{
	return engine_name_rename(it->engine, it->standard, "later", "large");
}

static int
step_note(struct scenario *it)
{
	TRY(engine_note_set(it->engine, "paused", "why", 3));
	return engine_note_set(it->engine, "batch", "0123456789", 10);
}

static int
step_note_forget(struct scenario *it)
{
	return engine_note_set(it->engine, "paused", "", 0);
}

static int
define_third(struct scenario *it, size_t type)
{
	static const char *const fields[] = { NULL, "g", "n", NULL };
	struct queue_rules rules = {
		.name = "third",
		.fifo = fields[type],
		.json = fields[type],
		.group_field = fields[type],
		.concurrency = 3,
		.max_retries = 1,
		.backoff_ms = 1000,
		.backoff_max_ms = -1,
		.timeout_ms = 60000,
		.max_payload_bytes = 1 << 20,
		.max_jobs = -1,
	};
	return engine_queue_define(it->engine, &rules, &it->third);
}

static int
define(struct scenario *it)
{
	struct queue_rules rules = {
		.name = "standard",
		.concurrency = 3,
		.max_retries = 1,
		.backoff_ms = 1000,
		.backoff_max_ms = -1,
		.timeout_ms = 60000,
		.max_payload_bytes = 1 << 20,
		.max_jobs = 100,
	};
	TRY(engine_queue_define(it->engine, &rules, &it->standard));
	TRY(define_third(it, it->third_type));
	rules.name = "fifo";
	rules.max_jobs = -1;
	rules.fifo = rules.json = true;
	rules.group_field = "g";
	return engine_queue_define(it->engine, &rules, &it->fifo);
}

static int
step_retype(struct scenario *it)
{
	TRY(define_third(it, it->third_type + 1));
	it->third_type++;
	return 0;
}

static bool
is_open(void *context, int64_t draft_id)
{
	(void)context;
	return draft_id == 4;
}

static int
step_recover(struct scenario *it)
{
	return engine_recover(it->engine, it->now_ms, is_open, NULL); /* s3, not s4 */
}

static int
step_reopen(struct scenario *it)
{
	scenario_close(it);
	return scenario_open(it);
}

static int
step_checkpoint(struct scenario *it)
{
	it->engine->store->wal_frames = 1 << 20; /* as if there was much */
	return engine_checkpoint(it->engine);
}

/* More than FREE_PAGES_KEPT pages, so that there is something to give back. */
static int
step_fill(struct scenario *it)
{
	static char body[100000];
	char name[16];
	memset(body, 'f', sizeof body - 1);
	for (int i = 0; i < 8; i++) {
		(void)snprintf(name, sizeof name, "fill%d", i);
		TRY(put(it, it->standard, name, body));
	}
	return 0;
}

static int
step_empty(struct scenario *it)
{
	char name[16];
	int64_t id;
	for (int i = 0; i < 8; i++) {
		(void)snprintf(name, sizeof name, "fill%d", i);
		TRY(named(it, it->standard, name, &id));
		TRY(engine_remove(it->engine, id, it->now_ms));
	}
	return 0;
}

static int
step_maintain(struct scenario *it)
{
	bool more = true;
	while (more)
		TRY(engine_maintain(it->engine, &more));
	return 0;
}

/* ---- the rest: other states, other rules ---- */

static int
step_enqueue_more(struct scenario *it)
{
	TRY(put(it, it->fifo, "z1", "{\"g\":\"z\",\"n\":3}"));
	TRY(put(it, it->fifo, "z2", "{\"g\":\"z\"}"));
	TRY(put(it, it->fifo, "z3", "{\"g\":\"z\"}"));
	TRY(put(it, it->fifo, "z4", "{\"g\":\"z\"}"));
	return put(it, it->fifo, "v1", "{\"g\":\"v\"}");
}

static int
operate_on(struct scenario *it, const char *name,
	int (*operate)(struct engine *engine, int64_t id, int64_t now_ms))
{
	int64_t id;
	TRY(named(it, it->fifo, name, &id));
	return operate(it->engine, id, it->now_ms);
}

static int
bury(struct engine *engine, int64_t id, int64_t now_ms)
{
	return engine_bury(engine, id, NULL, now_ms);
}

static int
postpone(struct engine *engine, int64_t id, int64_t now_ms)
{
	return engine_reschedule(engine, id, now_ms + 7200000, now_ms);
}

static int
hasten(struct engine *engine, int64_t id, int64_t now_ms)
{
	return engine_reschedule(engine, id, now_ms - 1, now_ms);
}

/* The head of its group, so the next comes up. */
static int
step_bury_running(struct scenario *it)
{
	TRY(claim(it, it->fifo, "f5"));
	return operate_on(it, "z1", bury);
}

static int
step_bury_in_backoff(struct scenario *it)
{
	TRY(operate_on(it, "z2", postpone));
	return operate_on(it, "z2", bury);
}

static int
step_remove_in_backoff(struct scenario *it)
{
	TRY(operate_on(it, "z3", postpone));
	return operate_on(it, "z3", engine_remove);
}

static int
step_reschedule_again(struct scenario *it)
{
	TRY(operate_on(it, "z4", postpone));
	TRY(operate_on(it, "z4", postpone));
	return operate_on(it, "z4", hasten);
}

static int
step_retry_in(struct scenario *it)
{
	TRY(claim(it, it->fifo, "f6")); /* z4 */
	return end(it, it->fifo, "f6", VERDICT_RETRY, NULL, 30000);
}

static int
step_exhaust(struct scenario *it)
{
	TRY(tick(it, 40000));
	TRY(claim(it, it->fifo, "f6"));
	TRY(claim(it, it->fifo, "f7"));
	TRY(end(it, it->fifo, "f6", VERDICT_RETRY, "again", 0));   /* z4, dead now */
	return end(it, it->fifo, "f7", VERDICT_RETRY, "again", 0); /* v1 */
}

static int
move(struct scenario *it, const char *name, int64_t to)
{
	int64_t id;
	TRY(named(it, it->fifo, name, &id));
	return engine_move(it->engine, id, to, it->now_ms, &it->problem);
}

/* From the dead and from backoff; and a name that means another job there stays behind. */
static int
step_move_more(struct scenario *it)
{
	TRY(move(it, "z1", it->third));
	TRY(engine_name_rename(it->engine, it->fifo, "v1", "later"));
	TRY(put(it, it->standard, "later", "another"));
	return move(it, "later", it->standard);
}

/* Names of jobs that are done, of which nothing else is left. */
static int
step_names_of_done(struct scenario *it)
{
	const char *const names[] = { "d1", "d2", "d3" };
	int64_t id;
	for (size_t i = 0; i < 3; i++) {
		TRY(put(it, it->standard, names[i], "x"));
		TRY(named(it, it->standard, names[i], &id));
		TRY(engine_remove(it->engine, id, it->now_ms));
	}
	TRY(engine_name_rename(it->engine, it->standard, "d1", "d2"));
	TRY(engine_name_forget(it->engine, it->standard, "d2"));
	return put(it, it->standard, "d3", "y");
}

static int
step_extend_to(struct scenario *it)
{
	TRY(claim(it, it->third, "t9"));
	struct job job;
	TRY(engine_worker_find(it->engine, it->third, "t9", &job));
	int64_t id = job.id;
	job_release(&job);
	TRY(engine_extend(it->engine, id, 0, it->now_ms));
	return engine_extend(it->engine, id, it->now_ms + 5000, it->now_ms);
}

/* ---- an older store ---- */

/* What version 2 brought, away again. */
static int
make_older(struct scenario *it)
{
	static const char sql[] =
		"BEGIN IMMEDIATE; DROP VIEW rejected; DROP INDEX job_rejected;"
		"ALTER TABLE job DROP COLUMN wpid; ALTER TABLE job DROP COLUMN wstart;"
		"ALTER TABLE job DROP COLUMN part;"
		"ALTER TABLE queue DROP COLUMN rejected;"
		"ALTER TABLE queue DROP COLUMN rejected_at;"
		"ALTER TABLE queue DROP COLUMN paused; ALTER TABLE queue DROP COLUMN "
		"paused_uid;"
		"ALTER TABLE queue DROP COLUMN paused_pid;"
		"ALTER TABLE queue DROP COLUMN paused_reason;"
		"PRAGMA user_version = 1; COMMIT";
	sqlite3 *db;
	int code = sqlite3_open_v2(STORE_NAME, &db, SQLITE_OPEN_READWRITE, it->disk->vfs.zName);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	(void)sqlite3_close(db); /* no statement is left */
	switch (code & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

/* An earlier try may have made it older. */
static int
step_upgrade(struct scenario *it)
{
	if (it->engine) {
		scenario_close(it);
		TRY(make_older(it));
	}
	return scenario_open(it);
}

/* ---- what is rejected, staged in part, paused, bound to a process ---- */

static int
reject(struct scenario *it, int64_t queue, int64_t draft, const char *name, const char *body)
{
	struct job_new new = job_of(queue, name, body);
	int64_t id;
	new.draft_id = draft;
	return engine_reject(it->engine, &new, "not JSON", it->now_ms, &id);
}

static int
stage_in_part(struct scenario *it, int64_t draft, const char *name, const char *body)
{
	struct job_new new = job_of(it->fifo, name, body);
	new.draft_id = draft;
	new.partial = true;
	return engine_stage(it->engine, &new, it->now_ms, &it->problem);
}

static int
rejected(struct scenario *it, int64_t queue, const char *name, int64_t *id)
{
	struct job job;
	TRY(engine_rejected_find(it->engine, queue, name, &job));
	*id = job.id;
	job_release(&job);
	return 0;
}

/* One name twice, and none. */
static int
step_reject(struct scenario *it)
{
	TRY(reject(it, it->fifo, 0, "bad", "{"));
	TRY(reject(it, it->fifo, 0, "bad", "[1"));
	TRY(reject(it, it->fifo, 0, "good", "{\"g\":\"r\"}"));
	return reject(it, it->standard, 0, "", "cut off");
}

static int
step_stage_in_part(struct scenario *it)
{
	TRY(stage_in_part(it, 6, "rest", "{\"g\":\"p\""));
	TRY(stage_in_part(it, 7, "whole", "{\"g\":\"q\"}"));
	TRY(stage_in_part(it, 8, "half", "{\"g\""));
	return stage_in_part(it, 9, "cut", "{\"g\":1");
}

/* The rest has come: the receipt stays. */
static int
step_stage_the_rest(struct scenario *it)
{
	struct job_new new = job_of(it->fifo, "rest", "{\"g\":\"p\"}");
	struct job before, after;
	void *body;
	size_t size;
	TRY(engine_staged(it->engine, 6, &before, &body, &size));
	free(body);
	job_release(&before);
	new.draft_id = 6;
	TRY(engine_stage(it->engine, &new, it->now_ms, &it->problem));
	TRY(engine_staged(it->engine, 6, &after, &body, &size));
	bool same = size == new.size &&strcmp(before.receipt, after.receipt) == 0;
	free(body);
	job_release(&after);
	return same ? 0 : -EBADMSG;
}

static int
step_reject_staged(struct scenario *it)
{
	return reject(it, it->fifo, 9, "bad", "{\"g\":1,");
}

/* rest and whole become jobs, half does not. */
static int
step_recover_parts(struct scenario *it)
{
	return engine_recover(it->engine, it->now_ms, NULL, NULL);
}

/* What one queue still refuses another one takes. */
static int
step_resubmit(struct scenario *it)
{
	int64_t id;
	TRY(rejected(it, it->fifo, "good", &id));
	TRY(engine_resubmit(it->engine, id, it->fifo, "better", it->now_ms, &it->problem));
	TRY(rejected(it, it->fifo, "bad", &id));
	int rc = engine_resubmit(it->engine, id, it->fifo, "bad", it->now_ms, &it->problem);
	if (rc != -EINVAL)
		return rc ? rc : -EBADMSG;
	return engine_resubmit(it->engine, id, it->standard, "d3", it->now_ms, &it->problem);
}

static int
step_discard(struct scenario *it)
{
	int64_t id;
	TRY(rejected(it, it->fifo, "half", &id));
	return engine_remove(it->engine, id, it->now_ms);
}

static int
pause_queue(struct scenario *it, int64_t queue, const char *reason)
{
	struct queue_pause pause = { .since_ms = it->now_ms, .uid = 1000, .pid = 4711 };
	(void)snprintf(pause.reason, sizeof pause.reason, "%s", reason);
	return engine_pause(it->engine, queue, &pause);
}

static int
step_pause(struct scenario *it)
{
	TRY(pause_queue(it, it->standard, "smtp is down"));
	return pause_queue(it, it->third, "");
}

static int
step_pause_anew(struct scenario *it)
{
	return pause_queue(it, it->standard, "still");
}

static int
step_go_on(struct scenario *it)
{
	return engine_pause(it->engine, it->standard, NULL);
}

static int
claim_by(struct scenario *it, const char *worker, int64_t start)
{
	struct claimant by = { 100, start };
	struct job job;
	bool again;
	TRY(engine_claim_by(it->engine, it->fifo, worker, &by, it->now_ms, &job, &again));
	job_release(&job);
	return 0;
}

/* Another process with that number gets nothing. */
static int
step_claim_by(struct scenario *it)
{
	TRY(claim_by(it, "100", 5));
	TRY(claim_by(it, "h.100", 5));
	int rc = claim_by(it, "100", 6);
	return rc == -EBUSY ? 0 : rc ? rc : -EBADMSG;
}

static int
step_verdict_by(struct scenario *it)
{
	struct verdict_details details = { .delay_ms = -1, .by = { 100, 6 } };
	int rc = engine_verdict(
		it->engine, it->fifo, "100", 0, VERDICT_DONE, &details, it->now_ms);
	if (rc != -EBUSY)
		return rc ? rc : -EBADMSG;
	details.by.start = 5;
	return engine_verdict(
		it->engine, it->fifo, "100", 0, VERDICT_RETRY, &details, it->now_ms);
}

const struct scenario_step scenario_steps[] = {
	{ "open", step_open, SCENARIO_BARE, true },
	{ "enqueue", step_enqueue, SCENARIO_DURABLE, true },
	{ "enqueue large", step_enqueue_large, SCENARIO_DURABLE, true },
	{ "enqueue later", step_enqueue_later, SCENARIO_DURABLE, true },
	{ "stage", step_stage, SCENARIO_DURABLE, true },
	{ "stage anew", step_stage_anew, SCENARIO_DURABLE, true },
	{ "claim", step_claim, SCENARIO_LAZY, false },
	{ "extend", step_extend, SCENARIO_LAZY, false },
	{ "publish", step_publish, SCENARIO_DURABLE, false },
	{ "unstage", step_unstage, SCENARIO_LAZY, false },
	{ "done", step_done, SCENARIO_DURABLE, false },
	{ "retry", step_retry, SCENARIO_DURABLE, false },
	{ "release", step_release, SCENARIO_DURABLE, false },
	{ "give up", step_give_up, SCENARIO_DURABLE, false },
	{ "release later", step_release_later, SCENARIO_LAZY, false },
	{ "checkpoint", step_checkpoint, SCENARIO_BARE, false },
	{ "enqueue many", step_enqueue_many, SCENARIO_DURABLE, true },
	{ "due", step_due, SCENARIO_LAZY, false },
	{ "claim again", step_claim_again, SCENARIO_LAZY, false },
	{ "time out", step_time_out, SCENARIO_DURABLE, false },
	{ "expire", step_expire, SCENARIO_DURABLE, false },
	{ "bury", step_bury, SCENARIO_DURABLE, false },
	{ "redrive", step_redrive, SCENARIO_DURABLE, false },
	{ "fail", step_fail, SCENARIO_DURABLE, false },
	{ "run now", step_run_now, SCENARIO_DURABLE, false },
	{ "take back", step_take_back, SCENARIO_DURABLE, false },
	{ "change of type", step_retype, SCENARIO_BARE, false },
	{ "reschedule", step_reschedule, SCENARIO_DURABLE, false },
	{ "remove", step_remove, SCENARIO_DURABLE, false },
	{ "remove dead", step_remove_dead, SCENARIO_DURABLE, false },
	{ "move", step_move, SCENARIO_DURABLE, true },
	{ "name forget", step_name_forget, SCENARIO_DURABLE, false },
	{ "name rename", step_name_rename, SCENARIO_DURABLE, false },
	{ "note", step_note, SCENARIO_DURABLE, false },
	{ "reopen", step_reopen, SCENARIO_BARE, false },
	{ "recover", step_recover, SCENARIO_BARE, false },
	{ "note forget", step_note_forget, SCENARIO_LAZY, false },
	{ "fill", step_fill, SCENARIO_DURABLE, true },
	{ "empty", step_empty, SCENARIO_DURABLE, false },
	{ "maintain", step_maintain, SCENARIO_BARE, false },
	{ "enqueue later", step_enqueue_later, SCENARIO_DURABLE, true },
	{ "publish over a name", step_publish_over, SCENARIO_DURABLE, false },
	{ "stage for later", step_stage_later, SCENARIO_DURABLE, true },
	{ "publish for later", step_publish_later, SCENARIO_DURABLE, false },
	{ "enqueue more", step_enqueue_more, SCENARIO_DURABLE, true },
	{ "bury running", step_bury_running, SCENARIO_DURABLE, false },
	{ "bury in backoff", step_bury_in_backoff, SCENARIO_DURABLE, false },
	{ "remove in backoff", step_remove_in_backoff, SCENARIO_DURABLE, false },
	{ "reschedule again", step_reschedule_again, SCENARIO_DURABLE, false },
	{ "retry in 30 s", step_retry_in, SCENARIO_DURABLE, false },
	{ "exhaust", step_exhaust, SCENARIO_DURABLE, false },
	{ "change of field", step_retype, SCENARIO_BARE, false },
	{ "extend to", step_extend_to, SCENARIO_LAZY, false },
	{ "move more", step_move_more, SCENARIO_DURABLE, true },
	{ "names of done jobs", step_names_of_done, SCENARIO_DURABLE, true },
	{ "change of type back", step_retype, SCENARIO_BARE, false },
	{ "upgrade", step_upgrade, SCENARIO_BARE, true },
	{ "reject", step_reject, SCENARIO_DURABLE, true },
	{ "stage in part", step_stage_in_part, SCENARIO_DURABLE, true },
	{ "stage the rest", step_stage_the_rest, SCENARIO_LAZY, true },
	{ "reject what is staged", step_reject_staged, SCENARIO_DURABLE, true },
	{ "recover parts", step_recover_parts, SCENARIO_BARE, false },
	{ "resubmit", step_resubmit, SCENARIO_DURABLE, true },
	{ "discard", step_discard, SCENARIO_DURABLE, false },
	{ "pause", step_pause, SCENARIO_DURABLE, false },
	{ "pause anew", step_pause_anew, SCENARIO_LAZY, false },
	{ "claim by a process", step_claim_by, SCENARIO_LAZY, false },
	{ "verdict by a process", step_verdict_by, SCENARIO_DURABLE, false },
	{ "go on", step_go_on, SCENARIO_DURABLE, false },
	{ NULL, NULL, SCENARIO_BARE, false },
};

size_t
scenario_count(void)
{
	size_t count = 0;
	while (scenario_steps[count].name)
		count++;
	return count;
}

size_t
scenario_third_type(size_t steps)
{
	size_t type = 0;
	for (size_t i = 0; i < steps && scenario_steps[i].name; i++)
		type += scenario_steps[i].run == step_retype;
	return type;
}

int
scenario_run(struct scenario *it, size_t number)
{
	const struct scenario_step *step = &scenario_steps[number];
	it->now_ms = SCENARIO_START_MS + (int64_t)number * 1000;
	if (step->kind == SCENARIO_BARE)
		return step->run(it);
	int rc = engine_begin(it->engine, step->kind == SCENARIO_DURABLE);
	if (rc == 0)
		rc = step->run(it);
	if (rc == 0)
		rc = engine_commit(it->engine);
	if (rc != 0)
		engine_rollback(it->engine);
	return rc;
}

int
scenario_open(struct scenario *it)
{
	int rc = 0;
	if (!it->engine)
		rc = engine_open(
			STORE_NAME, it->disk->vfs.zName, 42, &it->problem, &it->engine);
	return rc == 0 ? define(it) : rc;
}

void
scenario_close(struct scenario *it)
{
	engine_close(it->engine);
	it->engine = NULL;
}

/* ---- what a store says ---- */

struct text {
	char *at;
	size_t length, room;
};

static void
text_add(struct text *text, const char *more)
{
	size_t length = strlen(more);
	if (text->length + length + 2 > text->room) {
		text->room = 2 * (text->room + length) + 4096;
		text->at = realloc(text->at, text->room);
		assert(text->at);
	}
	memcpy(text->at + text->length, more, length + 1);
	text->length += length;
}

static void
dump_rows(struct text *text, sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (code != SQLITE_OK) {
		text_add(text, sqlite3_errmsg(db));
		return;
	}
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const char *value = (const char *)sqlite3_column_text(statement, i);
			text_add(text, value ? value : "-");
			text_add(text, "|");
		}
		text_add(text, "\n");
	}
	if (code != SQLITE_DONE)
		text_add(text, sqlite3_errmsg(db));
	(void)sqlite3_finalize(statement); /* repeats the error of the step */
}

char *
scenario_dump(struct engine *engine)
{
	static const char *const queries[] = {
		"SELECT id, name, fifo, group_field, staged, waiting, backoff, running, dead, "
		"done, rejected, paused, paused_uid, paused_pid, paused_reason FROM queue "
		"ORDER BY id",
		"SELECT queue, state, replace(name, receipt, 'receipt'), named, head, due, "
		"grp, failures, history, worker, "
		"wpid, wstart, claimed, deadline, changed, size, uid, gid, pid, mode, created, "
		"draft, "
		"row_number() OVER (ORDER BY id), receipt <> '', "
		"(SELECT hex(substr(body, 1, 99)) || length(body) FROM payload "
		"WHERE payload.id = job.id) FROM job ORDER BY queue, state, pos",
		"SELECT pos, number, attempt, at, failure.worker, reason FROM failure LEFT "
		"JOIN "
		"(SELECT id, row_number() OVER (ORDER BY id) AS pos FROM job) ON id = job "
		"ORDER BY pos, number",
		"SELECT key, hex(value) FROM note WHERE key LIKE 'note %' ORDER BY key",
	};
	struct text text = { .at = NULL };
	for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
		dump_rows(&text, engine->store->db, queries[i]);
	text_add(&text, "");
	return text.at;
}

/* Each counts what must not be. */
static const struct {
	const char *what, *sql;
} wrongs[] = {
	{ "integrity_check",
		"SELECT integrity_check <> 'ok' FROM pragma_integrity_check LIMIT 1" },
	{ "tallies",
		"SELECT count(*) FROM queue q JOIN (SELECT 1 AS s UNION SELECT 2 UNION SELECT "
		"3 "
		"UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7) WHERE (SELECT "
		"count(*) FROM job "
		"WHERE queue = q.id AND state = s) <> CASE s WHEN 1 THEN staged WHEN 2 THEN "
		"waiting WHEN 3 THEN backoff WHEN 4 THEN running WHEN 5 THEN dead WHEN 6 "
		"THEN done ELSE rejected END" },
	{ "states", "SELECT count(*) FROM job WHERE state NOT BETWEEN 1 AND 7" },
	{ "heads",
		"SELECT count(*) FROM job a JOIN queue q ON q.id = a.queue WHERE head <> "
		"(q.fifo "
		"AND state BETWEEN 2 AND 4 AND NOT EXISTS (SELECT 1 FROM job b WHERE b.queue = "
		"a.queue AND b.grp_id = a.grp_id AND b.state BETWEEN 2 AND 4 AND b.pos < "
		"a.pos))" },
	{ "payloads",
		"SELECT (SELECT count(*) FROM job WHERE state <> 6) <> (SELECT count(*) FROM "
		"payload) OR EXISTS (SELECT 1 FROM job LEFT JOIN payload USING (id) WHERE "
		"state <> 6 AND size IS NOT length(body))" },
	{ "failures", "SELECT count(*) FROM job WHERE state <> 6 AND history <> (SELECT "
		      "count(*) FROM "
		      "failure WHERE failure.job = job.id)" },
	{ "failures of nobody",
		"SELECT count(*) FROM failure WHERE job NOT IN (SELECT id FROM job)" },
	{ "rejected without a reason, or a name of its own",
		"SELECT (SELECT count(*) FROM job WHERE state = 7 AND (history = 0 OR name = "
		"'' "
		"OR named = 1)) + count(*) - count(DISTINCT queue || '/' || name) FROM job "
		"WHERE "
		"state = 7" },
	{ "bound, but not running",
		"SELECT count(*) FROM job WHERE state <> 4 AND (wpid <> 0 OR wstart <> 0)" },
	{ "drafts", "SELECT count(*) FROM job WHERE state <> 1 AND draft <> 0" },
	{ "numbers given twice", "SELECT count(*) - count(DISTINCT pos) + count(*) - "
				 "count(DISTINCT id) FROM job" },
	{ "numbers not promised",
		"SELECT count(*) FROM note WHERE (key = 'next id' AND value <= (SELECT "
		"coalesce(max(id), 0) FROM job)) OR (key = 'next pos' AND value <= (SELECT "
		"coalesce(max(pos), 0) FROM job))" },
};

static bool
tallies_known(struct engine *engine)
{
	static const char *const columns[JOB_STATES] = {
		[JOB_STAGED] = "staged",
		[JOB_WAITING] = "waiting",
		[JOB_BACKOFF] = "backoff",
		[JOB_RUNNING] = "running",
		[JOB_DEAD] = "dead",
		[JOB_DONE] = "done",
		[JOB_REJECTED] = "rejected",
	};
	for (int64_t id = 1; id < engine->queues_end; id++) {
		for (int state = JOB_STAGED; engine->queues[id] && state < JOB_STATES;
			state++) {
			char sql[100];
			int64_t count = -1;
			(void)snprintf(sql, sizeof sql, "SELECT %s FROM queue WHERE id = %lld",
				columns[state], (long long)id);
			if (store_scalar(engine->store, sql, &count) != 0 ||
				count != engine_count(engine, id, (enum job_state)state))
				return false;
		}
	}
	return true;
}

static bool
pauses_known(struct engine *engine)
{
	for (int64_t id = 1; id < engine->queues_end; id++) {
		char sql[100];
		int64_t since_ms = -1;
		(void)snprintf(sql, sizeof sql, "SELECT paused FROM queue WHERE id = %lld",
			(long long)id);
		if (engine->queues[id] &&
			(store_scalar(engine->store, sql, &since_ms) != 0 ||
				since_ms != engine_paused(engine, id)->since_ms))
			return false;
	}
	return true;
}

const char *
scenario_wrong(struct engine *engine)
{
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		int64_t count = 0;
		int rc = store_scalar(engine->store, wrongs[i].sql, &count);
		if (rc != 0)
			return engine_error(engine);
		if (count != 0)
			return wrongs[i].what;
	}
	if (!pauses_known(engine))
		return "pauses in memory";
	return tallies_known(engine) ? NULL : "tallies in memory";
}

/* ---- work ---- */

static int64_t
jobs_left(struct scenario *it, enum job_state state)
{
	return engine_count(it->engine, it->standard, state) +
	       engine_count(it->engine, it->fifo, state) +
	       engine_count(it->engine, it->third, state);
}

static bool
take_one(void *context, const struct job *job, int64_t cookie)
{
	int64_t *id = context;
	*id = job->id;
	return cookie < 0;
}

static int
redrive_one(struct scenario *it, int64_t queue)
{
	int64_t id = 0;
	TRY(engine_list(it->engine, VIEW_DEAD, queue, 0, take_one, &id));
	return id == 0 ? 0 : engine_requeue(it->engine, id, it->now_ms);
}

/* What is claimed by others fails first, as in tick(): days have gone by. */
static int
work_one(struct scenario *it, int64_t queue, int64_t *done)
{
	struct job job;
	bool again;
	void *body;
	size_t size;
	int rc = engine_claim(it->engine, queue, "last", it->now_ms, &job, &again);
	if (rc != 0)
		return rc == -EAGAIN ? 0 : rc;
	rc = engine_payload(it->engine, job.id, &body, &size);
	if (rc == 0 && (int64_t)size != job.size)
		rc = -EBADMSG;
	if (rc == 0)
		free(body);
	job_release(&job);
	TRY(rc);
	TRY(end(it, queue, "last", VERDICT_DONE, NULL, -1));
	(*done)++;
	return 0;
}

static int
work_round(struct scenario *it, int64_t *done)
{
	const int64_t queues[] = { it->standard, it->fifo, it->third };
	int64_t next_ms;
	it->now_ms += 3600000 * 24;
	TRY(engine_begin(it->engine, true));
	TRY(engine_tick(it->engine, it->now_ms, &next_ms));
	for (size_t i = 0; i < 3; i++) {
		TRY(redrive_one(it, queues[i]));
		for (int n = 0; n < 20; n++)
			TRY(work_one(it, queues[i], done));
	}
	return engine_commit(it->engine);
}

static int
go_on(struct scenario *it)
{
	TRY(engine_begin(it->engine, true));
	TRY(engine_pause(it->engine, it->standard, NULL));
	TRY(engine_pause(it->engine, it->fifo, NULL));
	TRY(engine_pause(it->engine, it->third, NULL));
	return engine_commit(it->engine);
}

static int
discard_all(struct scenario *it, int64_t queue)
{
	for (int64_t id = 1; id != 0;) {
		id = 0;
		TRY(engine_list(it->engine, VIEW_REJECTED, queue, 0, take_one, &id));
		if (id != 0)
			TRY(engine_remove(it->engine, id, it->now_ms));
	}
	return 0;
}

/* What was rejected is there until it is discarded. */
static const char *
discard(struct scenario *it, int64_t rejected)
{
	if (jobs_left(it, JOB_REJECTED) != rejected)
		return "rejected ones that are gone";
	int rc = engine_begin(it->engine, true);
	rc = rc ? rc : discard_all(it, it->standard);
	rc = rc ? rc : discard_all(it, it->fifo);
	rc = rc ? rc : discard_all(it, it->third);
	if (rc != 0 || engine_commit(it->engine) != 0 || jobs_left(it, JOB_REJECTED) != 0)
		return "discarding";
	return scenario_wrong(it->engine);
}

const char *
scenario_work_off(struct scenario *it)
{
	if (engine_recover(it->engine, it->now_ms, NULL, NULL) != 0)
		return "recovery";
	if (jobs_left(it, JOB_STAGED) != 0)
		return "something is staged after recovery";
	const char *wrong = scenario_wrong(it->engine);
	if (wrong)
		return wrong;
	if (go_on(it) != 0)
		return "going on";
	int64_t jobs = 0, done = 0, rejected_before = jobs_left(it, JOB_REJECTED);
	for (int state = JOB_WAITING; state <= JOB_DEAD; state++)
		jobs += jobs_left(it, (enum job_state)state);
	for (int round = 0; round < 30 && done < jobs; round++)
		if (work_round(it, &done) != 0)
			return "work";
	if (done != jobs)
		return "jobs that were never given out";
	for (int round = 0; round < 2; round++)
		if (work_round(it, &done) != 0 || done != jobs)
			return "jobs given out twice";
	return discard(it, rejected_before);
}
