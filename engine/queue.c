#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core.h"

/* ---- queues in memory ---- */

/* For a queue nobody defined: its claims may still time out. */
static const struct queue_rules undefined_rules = {
	.concurrency = 10,
	.max_retries = 3,
	.backoff_ms = 1000,
	.backoff_max_ms = -1,
	.timeout_ms = 1800000,
	.max_payload_bytes = INT64_MAX,
	.max_jobs = -1,
};

struct queue *
queue_get(const struct engine *engine, int64_t queue_id)
{
	assert(queue_id > 0 && queue_id < engine->queues_end && engine->queues[queue_id]);
	return engine->queues[queue_id];
}

/* Linear in the number of queues. */
static struct queue *
queue_by_name(const struct engine *engine, const char *name)
{
	for (int64_t id = 1; id < engine->queues_end; id++)
		if (engine->queues[id] && strcmp(engine->queues[id]->rules.name, name) == 0)
			return engine->queues[id];
	return NULL;
}

static void
rules_release(struct queue_rules *rules)
{
	free((void *)(uintptr_t)rules->name);
	free((void *)(uintptr_t)rules->group_field);
}

static int
rules_copy(const struct queue_rules *from, struct queue_rules *to)
{
	*to = *from;
	to->name = strdup(from->name);
	to->group_field = from->group_field ? strdup(from->group_field) : NULL;
	if (to->name && (to->group_field || !from->group_field))
		return 0;
	rules_release(to);
	return -ENOMEM;
}

static void
queue_free(struct queue *queue)
{
	rules_release(&queue->rules);
	free(queue);
}

static int
queue_new(struct engine *engine, int64_t id, const struct queue_rules *rules)
{
	if (id < 1 || id >= QUEUES_MAX)
		return -ENOSPC;
	struct queue *queue = calloc(1, sizeof *queue);
	if (!queue)
		return -ENOMEM;
	int rc = rules_copy(rules, &queue->rules);
	if (rc != 0) {
		free(queue);
		return rc;
	}
	queue->id = id;
	engine->queues[id] = queue;
	if (id >= engine->queues_end)
		engine->queues_end = id + 1;
	return 0;
}

static int
queue_load(void *context, const struct queue_row *row)
{
	struct engine *engine = context;
	struct queue_rules rules = undefined_rules;
	rules.name = row->name;
	rules.fifo = row->fifo;
	rules.group_field = row->group_field[0] ? row->group_field : NULL;
	for (int state = JOB_STAGED; state < JOB_STATES; state++)
		if (row->tallies[state].count < 0)
			return -EBADMSG;
	int rc = queue_new(engine, row->id, &rules);
	if (rc != 0)
		return rc == -ENOSPC ? -EBADMSG : rc;
	struct queue *queue = engine->queues[row->id];
	memcpy(queue->committed, row->tallies, sizeof queue->committed);
	memcpy(queue->tallies, row->tallies, sizeof queue->tallies);
	queue->pause.since_ms = row->pause.since_ms;
	queue->pause.uid = row->pause.uid;
	queue->pause.pid = row->pause.pid;
	(void)snprintf(
		queue->pause.reason, sizeof queue->pause.reason, "%s", row->pause.reason);
	queue->committed_pause = queue->pause;
	if (row->created_ms > engine->created_ms)
		engine->created_ms = row->created_ms;
	return 0;
}

int
queue_load_all(struct engine *engine)
{
	engine->queues_end = 1;
	return store_queues(engine->store, queue_load, engine);
}

void
queue_free_all(struct engine *engine)
{
	for (int64_t id = 1; id < engine->queues_end; id++)
		if (engine->queues[id])
			queue_free(engine->queues[id]);
}

/* ---- tallies ---- */

static void
queue_dirty(struct engine *engine, struct queue *queue)
{
	if (queue->dirty)
		return;
	queue->dirty = true;
	queue->next_dirty = engine->dirty;
	engine->dirty = queue;
}

void
queue_count(struct engine *engine, struct queue *queue, enum job_state state, int64_t change,
	int64_t now_ms)
{
	if (state == JOB_NONE)
		return;
	queue->tallies[state].count += change;
	queue->tallies[state].changed_ms = now_ms;
	assert(queue->tallies[state].count >= 0);
	queue_dirty(engine, queue);
}

int
queue_write_tallies(struct engine *engine)
{
	int rc = 0;
	for (struct queue *queue = engine->dirty; rc == 0 && queue; queue = queue->next_dirty) {
		struct queue_row row = { .id = queue->id, .created_ms = engine->created_ms };
		memcpy(row.tallies, queue->tallies, sizeof row.tallies);
		rc = store_queue_tallies(engine->store, &row);
	}
	return rc;
}

void
queue_committed(struct engine *engine)
{
	for (struct queue *queue = engine->dirty; queue; queue = queue->next_dirty) {
		memcpy(queue->committed, queue->tallies, sizeof queue->committed);
		queue->committed_pause = queue->pause;
		queue->dirty = false;
	}
	engine->dirty = NULL;
}

void
queue_rolled_back(struct engine *engine)
{
	for (struct queue *queue = engine->dirty; queue; queue = queue->next_dirty) {
		memcpy(queue->tallies, queue->committed, sizeof queue->tallies);
		queue->pause = queue->committed_pause;
		queue->dirty = false;
	}
	engine->dirty = NULL;
	for (int64_t id = 1; id < engine->queues_end; id++)
		if (engine->queues[id])
			engine->queues[id]->ready = true;
}

int64_t
engine_count(const struct engine *engine, int64_t queue_id, enum job_state state)
{
	return queue_get(engine, queue_id)->tallies[state].count;
}

int64_t
engine_changed_ms(const struct engine *engine, int64_t queue_id, enum job_state state)
{
	return queue_get(engine, queue_id)->tallies[state].changed_ms;
}

bool
engine_queue_ready(struct engine *engine, int64_t queue_id)
{
	struct queue *queue = queue_get(engine, queue_id);
	bool ready = queue->ready;
	queue->ready = false;
	return ready;
}

/* ---- pausing ---- */

int
engine_pause(struct engine *engine, int64_t queue_id, const struct queue_pause *pause)
{
	static const struct queue_pause none = { 0 };
	struct queue *queue = queue_get(engine, queue_id);
	int64_t since_ms = queue->pause.since_ms;
	queue_dirty(engine, queue);
	queue->pause = pause ? *pause : none;
	if (pause && since_ms != 0)
		queue->pause.since_ms = since_ms;
	queue->ready |= !pause;
	struct queue_row row = {
		.id = queue_id,
		.pause = { queue->pause.since_ms, queue->pause.uid, queue->pause.pid,
			queue->pause.reason },
	};
	return store_queue_pause(engine->store, &row);
}

const struct queue_pause *
engine_paused(const struct engine *engine, int64_t queue_id)
{
	return &queue_get(engine, queue_id)->pause;
}

/* ---- defining ---- */

static bool
same_type(const struct queue_rules *a, const struct queue_rules *b)
{
	const char *a_field = a->group_field ? a->group_field : "";
	const char *b_field = b->group_field ? b->group_field : "";
	return a->fifo == b->fifo && strcmp(a_field, b_field) == 0;
}

static struct queue_row
row_of(const struct queue_rules *rules, int64_t id)
{
	return (struct queue_row){
		.id = id,
		.name = rules->name,
		.fifo = rules->fifo,
		.group_field = rules->group_field ? rules->group_field : "",
	};
}

static int
queue_add(struct engine *engine, const struct queue_rules *rules, int64_t *queue_id)
{
	struct queue_row row = row_of(rules, 0);
	int rc = engine_begin(engine, true);
	if (rc == 0)
		rc = store_queue_add(engine->store, &row, queue_id);
	if (rc == 0)
		rc = queue_new(engine, *queue_id, rules);
	if (rc != 0) {
		engine_rollback(engine);
		return rc;
	}
	rc = engine_commit(engine);
	if (rc == 0)
		return 0;
	engine_rollback(engine);
	queue_free(engine->queues[*queue_id]);
	engine->queues[*queue_id] = NULL;
	return rc;
}

/* With the new rules already in place; the caller puts the old ones back when this fails. */
static int
queue_retype(struct engine *engine, struct queue *queue)
{
	struct queue_row row = row_of(&queue->rules, queue->id);
	int rc = engine_begin(engine, true);
	if (rc == 0)
		rc = store_queue_type(engine->store, &row);
	if (rc == 0)
		rc = queue_regroup(engine, queue);
	if (rc == 0)
		rc = engine_commit(engine);
	if (rc != 0)
		engine_rollback(engine);
	return rc;
}

static int
queue_redefine(struct engine *engine, struct queue *queue, const struct queue_rules *rules)
{
	struct queue_rules old = queue->rules, new;
	int rc = rules_copy(rules, &new);
	if (rc != 0)
		return rc;
	queue->rules = new;
	if (!same_type(&old, &new))
		rc = queue_retype(engine, queue);
	if (rc != 0)
		queue->rules = old;
	rules_release(rc == 0 ? &old : &new);
	return rc;
}

int
engine_queue_define(struct engine *engine, const struct queue_rules *rules, int64_t *queue_id)
{
	assert(rules->name[0] && (!rules->fifo || rules->group_field));

	struct queue *queue = queue_by_name(engine, rules->name);
	int rc = queue ? queue_redefine(engine, queue, rules)
		       : queue_add(engine, rules, queue_id);
	if (rc != 0)
		return rc;
	if (!queue)
		queue = queue_get(engine, *queue_id);
	*queue_id = queue->id;
	queue->defined = queue->ready = true;
	return 0;
}

int
engine_orphans(struct engine *engine, engine_orphan_fn *fn, void *context)
{
	for (int64_t id = 1; id < engine->queues_end; id++) {
		const struct queue *queue = engine->queues[id];
		if (!queue || queue->defined)
			continue;
		int64_t jobs = queue->tallies[JOB_REJECTED].count;
		for (int state = JOB_STAGED; state <= JOB_DEAD; state++)
			jobs += queue->tallies[state].count;
		if (jobs > 0)
			fn(context, queue->rules.name, jobs);
	}
	return 0;
}
