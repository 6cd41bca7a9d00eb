/* Claims: a worker's hold on one job, from its delivery to its verdict. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "engine/backoff.h"
#include "engine/core.h"

/* Running tallies are exact, in a transaction too, so the limit is. */
static bool
may_deliver(const struct queue *queue)
{
	return queue->defined && queue->pause.since_ms == 0 &&
	       queue->tallies[JOB_WAITING].count > 0 &&
	       queue->tallies[JOB_RUNNING].count < queue->rules.concurrency;
}

bool
claimant_may(const struct job *job, const struct claimant *by)
{
	return job->worker_pid == 0 ||
	       (job->worker_pid == by->pid && job->worker_start == by->start);
}

static int
claim_next(struct engine *engine, struct queue *queue, const char *worker,
	const struct claimant *by, int64_t now_ms, struct record *record)
{
	if (!may_deliver(queue))
		return -EAGAIN;
	int rc = store_job_next(engine->store, queue->id, queue->rules.fifo, record);
	if (rc != 0)
		return rc == -ENOENT ? -EAGAIN : rc;
	struct transition transition = {
		.event = EVENT_CLAIM,
		.now_ms = now_ms,
		.worker = worker,
		.by = *by,
		.deadline_ms = time_add_ms(now_ms, queue->rules.timeout_ms),
	};
	rc = transition_apply(engine, record, &transition);
	if (rc != 0)
		job_release(&record->job);
	return rc;
}

int
engine_claim_by(struct engine *engine, int64_t queue_id, const char *worker,
	const struct claimant *by, int64_t now_ms, struct job *job, bool *again)
{
	assert(worker[0] && strlen(worker) <= ENGINE_NAME_MAX);

	struct queue *queue = queue_get(engine, queue_id);
	struct record record;
	int rc = -ENOENT;
	if (queue->tallies[JOB_RUNNING].count > 0)
		rc = store_job_by_worker(engine->store, queue_id, worker, &record);
	*again = rc == 0;
	if (rc == -ENOENT)
		rc = claim_next(engine, queue, worker, by, now_ms, &record);
	if (rc == 0 && !claimant_may(&record.job, by)) {
		job_release(&record.job);
		rc = -EBUSY;
	}
	if (rc == 0)
		*job = record.job;
	return rc;
}

static int
verdict_apply(struct engine *engine, struct record *record, enum verdict verdict,
	const struct verdict_details *details, int64_t now_ms)
{
	struct transition transition = { .now_ms = now_ms };
	switch (verdict) {
	case VERDICT_RETRY:
		return transition_fail(engine, record,
			details->reason ? details->reason : "failed", details->delay_ms,
			now_ms);
	case VERDICT_DONE:
		transition.event = EVENT_DONE;
		break;
	case VERDICT_DEAD:
		transition.event = EVENT_GIVE_UP;
		transition.reason = details->reason ? details->reason : "given up";
		break;
	case VERDICT_RELEASE:
		transition.event = details->delay_ms > 0 ? EVENT_RELEASE_LATER : EVENT_RELEASE;
		transition.due_ms = time_add_ms(now_ms, details->delay_ms);
		break;
	}
	return transition_apply(engine, record, &transition);
}

int
engine_verdict(struct engine *engine, int64_t queue_id, const char *worker, int64_t job_id,
	enum verdict verdict, const struct verdict_details *details, int64_t now_ms)
{
	static const struct verdict_details none = { .delay_ms = -1 };
	struct record record;
	if (!details)
		details = &none;
	int rc = store_job_by_worker(engine->store, queue_id, worker, &record);
	if (rc != 0)
		return rc;
	if (job_id != 0 && job_id != record.job.id)
		rc = -ENOENT;
	else if (!claimant_may(&record.job, &details->by))
		rc = -EBUSY;
	else
		rc = verdict_apply(engine, &record, verdict, details, now_ms);
	job_release(&record.job);
	return rc;
}

int
engine_extend(struct engine *engine, int64_t job_id, int64_t until_ms, int64_t now_ms)
{
	struct record record;
	int rc = store_job_get(engine->store, job_id, &record);
	if (rc != 0)
		return rc;
	const struct queue *queue = queue_get(engine, record.job.queue_id);
	int64_t deadline_ms =
		until_ms > now_ms ? until_ms : time_add_ms(now_ms, queue->rules.timeout_ms);
	if (record.job.state == JOB_RUNNING)
		rc = store_job_deadline(engine->store, job_id, deadline_ms);
	else
		rc = -ENOENT;
	if (rc == 0 && deadline_ms < engine->wake_ms)
		engine->wake_ms = deadline_ms;
	job_release(&record.job);
	return rc;
}
