#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/backoff.h"
#include "engine/core.h"

/* What the record was, and is going to be. */
struct change {
	struct engine *engine;
	struct record *record;
	const struct transition *transition;
	enum job_state from, to;
	struct queue *from_queue, *to_queue;
	int64_t from_group_id;
	bool from_head;
	char worker[ENGINE_NAME_MAX + 1]; /* who ran it */
};

static bool
enters(const struct change *change)
{
	return lifecycle_live(change->to) &&
	       (!lifecycle_live(change->from) || change->from_queue != change->to_queue);
}

static bool
leaves(const struct change *change)
{
	return lifecycle_live(change->from) &&
	       (!lifecycle_live(change->to) || change->from_queue != change->to_queue);
}

static bool
is_failed_attempt(const struct change *change)
{
	enum job_event event = change->transition->event;
	return change->from == JOB_RUNNING &&
	       (event == EVENT_FAIL || event == EVENT_EXHAUST || event == EVENT_GIVE_UP ||
		       event == EVENT_BURY);
}

/* ---- the record's new values ---- */

/* A job's place: kept through failure and release, at the tail for what comes anew, in order of
 * death among the dead, of refusal among the rejected. */
static int
set_place(struct change *change)
{
	if (!enters(change) && change->to != JOB_DEAD && change->to != JOB_REJECTED &&
		change->from != JOB_NONE)
		return 0;
	return sequence_next(
		change->engine->store, &change->engine->positions, &change->record->job.pos);
}

int
group_held(struct engine *engine, int64_t queue_id, int64_t group_id, bool *held)
{
	struct record first;
	int rc = store_group_first(engine->store, queue_id, group_id, &first);
	*held = rc == 0;
	if (rc == 0)
		job_release(&first.job);
	return rc == -ENOENT ? 0 : rc;
}

/* First of its group? Whoever enters goes to the tail, so it is when nobody else is there. */
static int
set_head(struct change *change)
{
	struct record *record = change->record;
	bool held = false;
	if (!enters(change)) {
		record->head = record->head && lifecycle_live(change->to);
		return 0;
	}
	int rc = 0;
	if (record->group_id != 0)
		rc = group_held(change->engine, change->to_queue->id, record->group_id, &held);
	record->head = change->to_queue->rules.fifo && !held;
	return rc;
}

static void
set_times(struct change *change)
{
	const struct transition *transition = change->transition;
	struct job *job = &change->record->job;
	job->changed_ms = transition->now_ms;
	if (change->to == JOB_BACKOFF)
		job->due_ms = transition->due_ms;
	else if (change->to == JOB_WAITING)
		job->due_ms = transition->now_ms;
	bool runs = change->to == JOB_RUNNING;
	job->claimed_ms = runs ? transition->now_ms : 0;
	job->deadline_ms = runs ? transition->deadline_ms : 0;
	(void)snprintf(job->worker, sizeof job->worker, "%s", runs ? transition->worker : "");
	job->worker_pid = runs ? transition->by.pid : 0;
	job->worker_start = runs ? transition->by.start : 0;
}

/* From its first row on a job has its receipt, so that a publishing that a power cut takes back
 * and recovery repeats does not change what was shown. */
static void
set_created(struct change *change)
{
	struct engine *engine = change->engine;
	struct record *record = change->record;
	int64_t now_ms = change->transition->now_ms;
	if (now_ms > engine->created_ms)
		engine->created_ms = now_ms;
	record->job.created_ms = engine->created_ms;
	receipt_format(
		&engine->key, record->job.created_ms, record->job.id, record->job.receipt);
}

static void
set_group(struct change *change)
{
	struct record *record = change->record;
	free(record->job.group);
	record->job.group = change->transition->group;
	record->group_id =
		record->job.group ? group_id_of(change->engine, record->job.group) : 0;
}

static int
set_values(struct change *change)
{
	struct record *record = change->record;
	enum job_event event = change->transition->event;
	int rc = 0;
	if (change->from == JOB_NONE)
		rc = sequence_next(
			change->engine->store, &change->engine->ids, &record->job.id);
	if (rc != 0)
		return rc;
	if (change->from == JOB_NONE)
		set_created(change);
	if (event == EVENT_PUBLISH || event == EVENT_PUBLISH_LATER || event == EVENT_REJECT) {
		record->draft_id = 0;
		record->part = false;
	}
	if (event == EVENT_MOVE || event == EVENT_REDRIVE || event == EVENT_RESUBMIT) {
		set_group(change);
		record->job.failures = 0;
	}
	if (is_failed_attempt(change))
		record->job.failures++;
	set_times(change);
	rc = set_place(change);
	if (rc == 0)
		rc = set_head(change);
	record->job.queue_id = change->to_queue->id;
	record->job.state = change->to;
	return rc;
}

/* ---- the store ---- */

static int
write_failure(struct change *change)
{
	const struct transition *transition = change->transition;
	if (!transition->reason)
		return 0;
	const char *worker = transition->event == EVENT_BURY ? "" : change->worker;
	return failure_add(
		change->engine, change->record, worker, transition->reason, transition->now_ms);
}

/* What a finished job leaves is its record at most. */
static int
forget_contents(struct change *change)
{
	struct store *store = change->engine->store;
	struct record *record = change->record;
	if (change->from == JOB_DONE)
		return 0;
	int rc = store_payload_delete(store, record->job.id);
	if (rc == 0 && record->history > 0)
		rc = store_failures_delete(store, record->job.id);
	return rc;
}

static int
write_record(const struct change *change)
{
	struct store *store = change->engine->store;
	const struct record *record = change->record;
	if (change->from == JOB_NONE)
		return store_job_add(store, record);
	if (change->to == JOB_NONE)
		return store_job_delete(store, record->job.id);
	bool within = change->from_queue == change->to_queue && change->from != JOB_STAGED &&
		      change->from != JOB_REJECTED &&
		      change->transition->event != EVENT_REDRIVE;
	return within ? store_job_update(store, record) : store_job_put(store, record);
}

/* The next of the group that the job was the head of. */
static int
promote_next(const struct change *change)
{
	struct record next;
	if (!leaves(change) || !change->from_head || change->from_group_id == 0)
		return 0;
	struct store *store = change->engine->store;
	int rc = store_group_first(store, change->from_queue->id, change->from_group_id, &next);
	if (rc == -ENOENT)
		return 0;
	if (rc != 0)
		return rc;
	rc = store_job_head(store, next.job.id, true);
	if (next.job.state == JOB_WAITING)
		change->from_queue->ready = true;
	job_release(&next.job);
	return rc;
}

static int
write_change(struct change *change)
{
	int rc = write_failure(change);
	if (rc == 0)
		rc = write_record(change);
	if (rc == 0 && (change->to == JOB_DONE || change->to == JOB_NONE))
		rc = forget_contents(change);
	if (rc == 0)
		rc = promote_next(change);
	return rc;
}

/* ---- the rest of the engine ---- */

static void
wake_at(struct engine *engine, const struct record *record)
{
	int64_t at_ms = INT64_MAX;
	if (record->job.state == JOB_BACKOFF)
		at_ms = record->job.due_ms;
	else if (record->job.state == JOB_RUNNING)
		at_ms = record->job.deadline_ms;
	else if (record->job.state == JOB_DONE)
		at_ms = time_add_ms(record->job.changed_ms, NAME_KEPT_MS);
	if (at_ms < engine->wake_ms)
		engine->wake_ms = at_ms;
}

static void
tell(const struct change *change)
{
	struct engine *engine = change->engine;
	const struct record *record = change->record;
	const struct engine_hooks *hooks = &engine->hooks;
	int64_t now_ms = change->transition->now_ms;
	queue_count(engine, change->from_queue, change->from, -1, now_ms);
	queue_count(engine, change->to_queue, change->to, 1, now_ms);
	if (change->to == JOB_WAITING && (record->head || !change->to_queue->rules.fifo))
		change->to_queue->ready = true;
	wake_at(engine, record);
	if (change->from == JOB_RUNNING) {
		change->from_queue->ready = true;
		if (hooks->claim_ended)
			hooks->claim_ended(hooks->context, change->from_queue->id,
				change->worker, record->job.id);
	}
	if (change->transition->event == EVENT_EXPIRE && record->named && hooks->name_gone)
		hooks->name_gone(hooks->context, change->from_queue->id, record->job.name);
}

int
transition_apply(
	struct engine *engine, struct record *record, const struct transition *transition)
{
	struct queue *queue = queue_get(engine, record->job.queue_id);
	struct change change = {
		.engine = engine,
		.record = record,
		.transition = transition,
		.from = record->job.state,
		.from_queue = queue,
		.to_queue = transition->to ? transition->to : queue,
		.from_group_id = record->group_id,
		.from_head = record->head,
	};
	int rc = lifecycle_next(change.from, transition->event, &change.to);
	if (rc != 0) {
		free(transition->group);
		return rc;
	}
	/* Only a name needs the record of a finished job. */
	if (change.to == JOB_DONE && !record->named)
		change.to = JOB_NONE;
	(void)snprintf(change.worker, sizeof change.worker, "%s", record->job.worker);
	rc = set_values(&change);
	if (rc == 0)
		rc = write_change(&change);
	if (rc == 0)
		tell(&change);
	return rc;
}
