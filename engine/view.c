/* Looking: jobs by their ids and names, lists, and why a job does not run. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core.h"
#include "engine/text.h"

#define GROUP_SHOWN 200 /* bytes of a group's text in waiting_for */

void
job_release(struct job *job)
{
	free(job->group);
	job->group = NULL;
}

int
engine_job(struct engine *engine, int64_t job_id, struct job *job)
{
	struct record record;
	int rc = store_job_get(engine->store, job_id, &record);
	if (rc != 0)
		return rc;
	if (record.job.state == JOB_STAGED) {
		job_release(&record.job);
		return -ENOENT;
	}
	*job = record.job;
	return 0;
}

int
engine_rejected_find(struct engine *engine, int64_t queue_id, const char *name, struct job *job)
{
	struct record record;
	int rc = store_job_rejected(engine->store, queue_id, name, &record);
	if (rc == 0)
		*job = record.job;
	return rc;
}

int
engine_receipt_find(struct engine *engine, const char *receipt, struct job *job)
{
	int64_t created_ms, job_id;
	int rc = receipt_parse(&engine->key, receipt, &created_ms, &job_id);
	if (rc == 0)
		rc = engine_job(engine, job_id, job);
	if (rc != 0)
		return rc;
	if (job->state != JOB_DONE && job->created_ms == created_ms)
		return 0;
	job_release(job);
	return -ENOENT;
}

int
engine_worker_find(struct engine *engine, int64_t queue_id, const char *worker, struct job *job)
{
	struct record record;
	int rc = store_job_by_worker(engine->store, queue_id, worker, &record);
	if (rc == 0)
		*job = record.job;
	return rc;
}

void
engine_receipt(const struct engine *engine, int64_t created_ms, int64_t job_id,
	char receipt[RECEIPT_SIZE])
{
	receipt_format(&engine->key, created_ms, job_id, receipt);
}

int
engine_payload(struct engine *engine, int64_t job_id, void **body, size_t *size)
{
	return store_payload_get(engine->store, job_id, body, size);
}

int
engine_failures(struct engine *engine, int64_t job_id, engine_failure_fn *fn, void *context)
{
	return store_failures(engine->store, job_id, fn, context);
}

/* ---- why not now ---- */

/* RFC 3339, UTC. The calendar repeats every 400 years, which are 146097 days; years are counted
 * from a 1 March, so that a leap day is their last. */
static void
say_until(int64_t due_ms, char *text, size_t size)
{
	int64_t seconds = due_ms / 1000, of_day = seconds % 86400;
	int64_t days = seconds / 86400 + 719468; /* since 0000-03-01 */
	int64_t day = days % 146097;
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	int64_t month = (5 * day + 2) / 153;
	int64_t calendar_month = month < 10 ? month + 3 : month - 9;
	year += days / 146097 * 400 + (calendar_month <= 2);
	(void)snprintf(text, size, "backoff until %04lld-%02d-%02dT%02d:%02d:%02d.%03dZ",
		(long long)year, (int)calendar_month, (int)(day - (153 * month + 2) / 5 + 1),
		(int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60),
		(int)(due_ms % 1000));
}

/* -ENOENT when nothing of its group is before it. */
static int
say_group(struct engine *engine, const struct job *job, char *text, size_t size)
{
	struct record first;
	if (!job->group)
		return -ENOENT;
	int rc = store_group_first(
		engine->store, job->queue_id, group_id_of(engine, job->group), &first);
	if (rc != 0)
		return rc;
	int shown = (int)text_cut(job->group, strlen(job->group), GROUP_SHOWN);
	if (first.job.id == job->id)
		rc = -ENOENT;
	else
		(void)snprintf(text, size, "group %.*s: behind %s", shown, job->group,
			first.job.receipt);
	job_release(&first.job);
	return rc;
}

static void
say_limit(const struct queue *queue, char *text, size_t size)
{
	int64_t running = queue->tallies[JOB_RUNNING].count;
	if (running < queue->rules.concurrency)
		(void)snprintf(text, size, "a free worker");
	else
		(void)snprintf(text, size, "concurrency %lld/%lld", (long long)running,
			(long long)queue->rules.concurrency);
}

int
engine_waiting_for(struct engine *engine, const struct job *job, char *text, size_t size)
{
	const struct queue *queue = queue_get(engine, job->queue_id);
	(void)snprintf(text, size, "%s", "");
	if (job->state == JOB_BACKOFF)
		say_until(job->due_ms, text, size);
	if (job->state != JOB_WAITING)
		return 0;
	int rc = queue->rules.fifo ? say_group(engine, job, text, size) : -ENOENT;
	if (rc != -ENOENT)
		return rc;
	if (queue->pause.since_ms != 0)
		(void)snprintf(text, size, "paused: %s", queue->pause.reason);
	else
		say_limit(queue, text, size);
	return 0;
}

/* ---- lists ---- */

static const enum store_list lists[VIEW_COUNT] = {
	[VIEW_WAITING] = STORE_WAITING,
	[VIEW_RUNNING] = STORE_RUNNING,
	[VIEW_RETRIES] = STORE_RETRIES,
	[VIEW_BACKOFF] = STORE_BACKOFF,
	[VIEW_DEAD] = STORE_DEAD,
	[VIEW_RECEIPTS] = STORE_RECEIPTS,
	[VIEW_REJECTED] = STORE_REJECTED,
};

struct job_list {
	enum store_list list;
	engine_list_fn *fn;
	void *context;
};

static bool
job_given(void *context, const struct record *record)
{
	const struct job_list *it = context;
	const struct job *job = &record->job;
	if (it->list == STORE_GROUPS)
		return it->fn(it->context, job, record->group_id);
	bool by_id = it->list == STORE_RETRIES || it->list == STORE_RECEIPTS;
	return it->fn(it->context, job, by_id ? job->id : job->pos);
}

int
engine_list(struct engine *engine, enum view view, int64_t queue_id, int64_t after,
	engine_list_fn *fn, void *context)
{
	assert((unsigned)view < VIEW_COUNT);
	struct job_list it = { .list = lists[view], .fn = fn, .context = context };
	return store_list(engine->store, it.list, queue_id, after, job_given, &it);
}

int
engine_groups(struct engine *engine, int64_t queue_id, int64_t after, engine_list_fn *fn,
	void *context)
{
	struct job_list it = { .list = STORE_GROUPS, .fn = fn, .context = context };
	return store_list(engine->store, STORE_GROUPS, queue_id, after, job_given, &it);
}

int
engine_group_list(struct engine *engine, int64_t queue_id, const char *group, int64_t after,
	engine_list_fn *fn, void *context)
{
	struct job_list it = { .list = STORE_WAITING, .fn = fn, .context = context };
	return store_list_group(
		engine->store, queue_id, group_id_of(engine, group), after, job_given, &it);
}

bool
view_has(enum view view, const struct job *job)
{
	bool live = lifecycle_live(job->state);
	switch (view) {
	case VIEW_WAITING:
		return job->state == JOB_WAITING;
	case VIEW_RUNNING:
		return job->state == JOB_RUNNING;
	case VIEW_RETRIES:
		return live && job->failures > 0;
	case VIEW_BACKOFF:
		return job->state == JOB_BACKOFF;
	case VIEW_DEAD:
		return job->state == JOB_DEAD;
	case VIEW_RECEIPTS:
		return live || job->state == JOB_DEAD;
	case VIEW_REJECTED:
		return job->state == JOB_REJECTED;
	case VIEW_COUNT:
		break;
	}
	return false;
}
