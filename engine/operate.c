/* What operators do to jobs: cancel, bury, redrive, postpone, move. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core.h"

/* What an operator can see: staged and finished ones are not there. */
static int
visible_get(struct engine *engine, int64_t job_id, struct record *record)
{
	int rc = store_job_get(engine->store, job_id, record);
	if (rc != 0)
		return rc;
	if (lifecycle_live(record->job.state) || record->job.state == JOB_DEAD ||
		record->job.state == JOB_REJECTED)
		return 0;
	job_release(&record->job);
	return -ENOENT;
}

static int
operate(struct engine *engine, struct record *record, const struct transition *transition)
{
	int rc = transition_apply(engine, record, transition);
	job_release(&record->job);
	return rc;
}

int
engine_remove(struct engine *engine, int64_t job_id, int64_t now_ms)
{
	struct record record;
	int rc = visible_get(engine, job_id, &record);
	if (rc != 0)
		return rc;
	return operate(engine, &record,
		&(struct transition){ .event = EVENT_CANCEL, .now_ms = now_ms });
}

static enum job_event
requeue_event(enum job_state state)
{
	if (state == JOB_DEAD)
		return EVENT_REDRIVE;
	return state == JOB_RUNNING ? EVENT_RELEASE : EVENT_DUE;
}

int
engine_requeue(struct engine *engine, int64_t job_id, int64_t now_ms)
{
	struct record record;
	int rc = visible_get(engine, job_id, &record);
	if (rc != 0)
		return rc;
	struct transition transition = {
		.event = requeue_event(record.job.state),
		.now_ms = now_ms,
	};
	/* The queue may have changed its type since the job died. */
	if (record.job.state == JOB_DEAD)
		rc = group_of_stored(engine, queue_get(engine, record.job.queue_id), job_id,
			&transition.group);
	if (rc != 0) {
		job_release(&record.job);
		return rc;
	}
	return operate(engine, &record, &transition);
}

int
engine_bury(struct engine *engine, int64_t job_id, const char *reason, int64_t now_ms)
{
	struct record record;
	int rc = visible_get(engine, job_id, &record);
	if (rc != 0)
		return rc;
	struct transition transition = {
		.event = EVENT_BURY,
		.now_ms = now_ms,
		.reason = reason ? reason : "buried by operator",
	};
	return operate(engine, &record, &transition);
}

int
engine_fail(struct engine *engine, int64_t job_id, const char *reason, int64_t now_ms)
{
	struct record record;
	int rc = visible_get(engine, job_id, &record);
	if (rc != 0)
		return rc;
	rc = transition_fail(engine, &record, reason ? reason : "failed", -1, now_ms);
	job_release(&record.job);
	return rc;
}

int
engine_reschedule(struct engine *engine, int64_t job_id, int64_t due_ms, int64_t now_ms)
{
	struct record record;
	int rc = visible_get(engine, job_id, &record);
	if (rc != 0)
		return rc;
	bool later = due_ms > now_ms;
	if (record.job.state == JOB_WAITING && !later) {
		job_release(&record.job);
		return 0;
	}
	struct transition transition = {
		.event = later ? EVENT_POSTPONE : EVENT_DUE,
		.now_ms = now_ms,
		.due_ms = due_ms,
	};
	return operate(engine, &record, &transition);
}

/* Would the other queue take it? *group: the job's there. */
static int
move_check(struct engine *engine, int64_t job_id, int64_t queue_id, struct engine_problem *why,
	char **group)
{
	struct job_new new = { .queue_id = queue_id };
	void *body;
	int rc = engine_check(engine, &new, why);
	if (rc == 0)
		rc = store_payload_get(engine->store, job_id, &body, &new.size);
	if (rc != 0)
		return rc == -ENOENT ? -EIO : rc;
	rc = payload_check(queue_get(engine, queue_id), body, new.size, why, group);
	free(body);
	return rc;
}

/* The name goes with the job, unless the other queue has given it away. */
static int
move_name(struct engine *engine, struct record *record, int64_t queue_id)
{
	struct job other;
	if (!record->named)
		return 0;
	int rc = engine_name_find(engine, queue_id, record->job.name, &other);
	if (rc == 0) {
		record->named = false;
		job_release(&other);
	}
	if (rc != 0 && rc != -ENOENT)
		return rc;
	if (engine->hooks.name_gone)
		engine->hooks.name_gone(
			engine->hooks.context, record->job.queue_id, record->job.name);
	return 0;
}

static int
move(struct engine *engine, struct record *record, int64_t queue_id, int64_t now_ms,
	struct engine_problem *why)
{
	enum job_state next;
	struct transition transition = {
		.event = EVENT_MOVE,
		.now_ms = now_ms,
		.to = queue_get(engine, queue_id),
	};
	int rc = lifecycle_next(record->job.state, EVENT_MOVE, &next);
	if (rc == 0 && record->job.queue_id == queue_id)
		rc = -EPERM;
	if (rc == 0)
		rc = move_check(engine, record->job.id, queue_id, why, &transition.group);
	if (rc != 0)
		return rc;
	rc = move_name(engine, record, queue_id);
	if (rc != 0) {
		free(transition.group);
		return rc;
	}
	return transition_apply(engine, record, &transition);
}

int
engine_move(struct engine *engine, int64_t job_id, int64_t queue_id, int64_t now_ms,
	struct engine_problem *why)
{
	struct record record;
	int rc = visible_get(engine, job_id, &record);
	if (rc != 0)
		return rc;
	rc = move(engine, &record, queue_id, now_ms, why);
	job_release(&record.job);
	return rc;
}

static int
resubmit(struct engine *engine, struct record *record, int64_t queue_id, const char *name,
	int64_t now_ms, struct engine_problem *why)
{
	enum job_state next;
	struct transition transition = {
		.event = EVENT_RESUBMIT,
		.now_ms = now_ms,
		.to = queue_get(engine, queue_id),
	};
	int rc = lifecycle_next(record->job.state, EVENT_RESUBMIT, &next);
	if (rc == 0)
		rc = move_check(engine, record->job.id, queue_id, why, &transition.group);
	if (rc != 0)
		return rc;
	rc = name_take(engine, queue_id, name);
	if (rc != 0) {
		free(transition.group);
		return rc;
	}
	(void)snprintf(record->job.name, sizeof record->job.name, "%s", name);
	record->named = true;
	return transition_apply(engine, record, &transition);
}

int
engine_resubmit(struct engine *engine, int64_t job_id, int64_t queue_id, const char *name,
	int64_t now_ms, struct engine_problem *why)
{
	assert(name[0] && strlen(name) <= ENGINE_NAME_MAX);

	struct record record;
	int rc = visible_get(engine, job_id, &record);
	if (rc != 0)
		return rc;
	rc = resubmit(engine, &record, queue_id, name, now_ms, why);
	job_release(&record.job);
	return rc;
}
