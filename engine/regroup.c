/* A queue that changed its type: its jobs get their groups anew. */
#include <errno.h>

#include "engine/core.h"

struct regrouping {
	struct engine *engine;
	struct queue *queue;
};

/* It is first when nobody of its group was regrouped before it. */
static int
find_head(struct regrouping *it, struct record *record)
{
	bool held = false;
	int rc = 0;
	if (record->group_id != 0)
		rc = group_held(it->engine, it->queue->id, record->group_id, &held);
	record->head = lifecycle_live(record->job.state) && !held;
	return rc;
}

static int
regroup_job(void *context, int64_t job_id)
{
	struct regrouping *it = context;
	struct engine *engine = it->engine;
	struct record record;
	int rc = store_job_get(engine->store, job_id, &record);
	if (rc != 0)
		return rc;
	rc = group_of_stored(engine, it->queue, job_id, &record.job.group);
	if (rc == 0 && record.job.group)
		record.group_id = group_id_of(engine, record.job.group);
	if (rc == 0)
		rc = sequence_next(engine->store, &engine->positions, &record.job.pos);
	if (rc == 0)
		rc = find_head(it, &record);
	if (rc == 0)
		rc = store_job_put(engine->store, &record);
	job_release(&record.job);
	return rc;
}

/* Running jobs get the first places: until they end they hold their groups. */
int
queue_regroup(struct engine *engine, struct queue *queue)
{
	struct regrouping it = { .engine = engine, .queue = queue };
	int rc = store_ungroup(engine->store, queue->id);
	if (rc == 0 && queue->rules.fifo)
		rc = store_list_live(engine->store, queue->id, regroup_job, &it);
	return rc;
}
