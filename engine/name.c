/* Names: what a producer called its file goes on meaning the job it became. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "engine/core.h"

/* The record loses its name; a finished job was kept for nothing else. */
static int
record_unname(struct engine *engine, struct record *record)
{
	record->named = false;
	if (record->job.state != JOB_DONE)
		return store_job_name(engine->store, record->job.id, record->job.name, false);
	return transition_apply(engine, record,
		&(struct transition){
			.event = EVENT_EXPIRE, .now_ms = record->job.changed_ms });
}

int
engine_name_forget(struct engine *engine, int64_t queue_id, const char *name)
{
	struct record record;
	int rc = store_job_by_name(engine->store, queue_id, name, &record);
	if (rc != 0)
		return rc;
	rc = record_unname(engine, &record);
	job_release(&record.job);
	return rc;
}

int
name_take(struct engine *engine, int64_t queue_id, const char *name)
{
	int rc = engine_name_forget(engine, queue_id, name);
	return rc == -ENOENT ? 0 : rc;
}

int
engine_name_rename(struct engine *engine, int64_t queue_id, const char *from, const char *to)
{
	assert(to[0] && strlen(to) <= ENGINE_NAME_MAX);

	struct record record;
	int rc = store_job_by_name(engine->store, queue_id, from, &record);
	if (rc != 0)
		return rc;
	if (strcmp(from, to) != 0)
		rc = name_take(engine, queue_id, to);
	if (rc == 0)
		rc = store_job_name(engine->store, record.job.id, to, true);
	job_release(&record.job);
	return rc;
}

int
engine_name_find(struct engine *engine, int64_t queue_id, const char *name, struct job *job)
{
	struct record record;
	int rc = store_job_by_name(engine->store, queue_id, name, &record);
	if (rc == 0)
		*job = record.job;
	return rc;
}

struct name_list {
	int64_t queue_id;
	engine_name_fn *fn;
	void *context;
};

static bool
name_given(void *context, const struct record *record)
{
	const struct name_list *list = context;
	return list->fn(list->context, list->queue_id, record->job.name, record->job.receipt,
		record->job.id);
}

int
engine_names(struct engine *engine, int64_t queue_id, int64_t after, engine_name_fn *fn,
	void *context)
{
	struct name_list list = { .queue_id = queue_id, .fn = fn, .context = context };
	return store_list(engine->store, STORE_NAMED, queue_id, after, name_given, &list);
}
