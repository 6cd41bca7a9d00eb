#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/core.h"
#include "engine/group.h"
#include "engine/hash.h"
#include "engine/text.h"

int64_t
group_id_of(const struct engine *engine, const char *group)
{
	/* 62 bits, never 0: it is a key and a directory cookie. */
	uint64_t hash = hash_bytes(engine->key.k, group, strlen(group));
	return (int64_t)(hash >> 2 | 1);
}

static int
size_check(const struct queue *queue, size_t size, struct engine_problem *why)
{
	if (size <= (uint64_t)queue->rules.max_payload_bytes)
		return 0;
	(void)snprintf(why->text, sizeof why->text, "longer than %lld bytes",
		(long long)queue->rules.max_payload_bytes);
	return -EFBIG;
}

int
payload_check(const struct queue *queue, const void *body, size_t size,
	struct engine_problem *why, char **group)
{
	const struct queue_rules *rules = &queue->rules;
	char words[GROUP_WHY_SIZE] = "";
	int rc = size_check(queue, size, why);
	*group = NULL;
	if (rc != 0)
		return rc;
	if (rules->fifo)
		rc = group_of(body, size, rules->group_field, group, words);
	else if (rules->json)
		rc = group_check_json(body, size, words);
	if (rc == -EINVAL)
		(void)snprintf(why->text, sizeof why->text, "%s", words);
	return rc;
}

int
group_of_stored(struct engine *engine, const struct queue *queue, int64_t job_id, char **group)
{
	char words[GROUP_WHY_SIZE];
	void *body;
	size_t size;
	*group = NULL;
	if (!queue->rules.fifo)
		return 0;
	int rc = store_payload_get(engine->store, job_id, &body, &size);
	if (rc != 0)
		return rc == -ENOENT ? -EIO : rc;
	rc = group_of(body, size, queue->rules.group_field, group, words);
	free(body);
	return rc == -EINVAL ? 0 : rc;
}

/* Has this draft a place in the queue that it was promised before? */
static int
has_place(struct engine *engine, const struct queue *queue, int64_t draft_id, bool *has)
{
	struct record staged;
	int rc = store_job_by_draft(engine->store, draft_id, &staged);
	*has = rc == 0 && staged.job.queue_id == queue->id;
	if (rc == 0)
		job_release(&staged.job);
	return rc == -ENOENT ? 0 : rc;
}

/* Staged jobs count: they were promised a place. Not the one that this draft replaces. */
static int
room_check(struct engine *engine, const struct queue *queue, int64_t draft_id,
	struct engine_problem *why)
{
	const struct tally *tallies = queue->tallies;
	int64_t jobs = tallies[JOB_STAGED].count + tallies[JOB_WAITING].count +
		       tallies[JOB_BACKOFF].count + tallies[JOB_RUNNING].count;
	if (queue->rules.max_jobs < 0 || jobs < queue->rules.max_jobs)
		return 0;
	if (draft_id != 0 && jobs == queue->rules.max_jobs) {
		bool has;
		int rc = has_place(engine, queue, draft_id, &has);
		if (rc != 0 || has)
			return rc;
	}
	(void)snprintf(why->text, sizeof why->text, "the queue has its %lld jobs",
		(long long)queue->rules.max_jobs);
	return -ENOSPC;
}

/* What is taken has to be given a verdict, too: no room for that, no job. */
static int
disk_check(struct engine *engine, struct engine_problem *why)
{
	int rc = store_reserve(engine->store);
	if (rc != 0)
		(void)snprintf(why->text, sizeof why->text, "%s",
			rc == -ENOSPC ? "the disk is full" : "no room can be reserved");
	return rc;
}

static int
check(struct engine *engine, const struct job_new *new, struct engine_problem *why,
	char **group)
{
	const struct queue *queue = queue_get(engine, new->queue_id);
	*group = NULL;
	int rc = disk_check(engine, why);
	if (rc == 0 && !new->promised)
		rc = room_check(engine, queue, new->draft_id, why);
	if (rc == 0 && new->partial)
		rc = size_check(queue, new->size, why);
	else if (rc == 0 && new->body)
		rc = payload_check(queue, new->body, new->size, why, group);
	return rc;
}

int
engine_check(struct engine *engine, const struct job_new *new, struct engine_problem *why)
{
	char *group;
	int rc = check(engine, new, why, &group);
	free(group);
	return rc;
}

/* Takes `group` over. */
static void
record_of(const struct engine *engine, const struct job_new *new, char *group,
	struct record *record)
{
	*record = (struct record){
		.job = {
			.queue_id = new->queue_id,
			.size = (int64_t)new->size,
			.due_ms = new->due_ms,
			.uid = new->uid,
			.gid = new->gid,
			.pid = new->pid,
			.mode = new->mode,
			.group = group,
		},
		.draft_id = new->draft_id,
		.part = new->partial,
		.group_id = group ? group_id_of(engine, group) : 0,
	};
	(void)snprintf(record->job.name, sizeof record->job.name, "%s", new->name);
}

static int
publish(struct engine *engine, struct record *record, int64_t due_ms, int64_t now_ms)
{
	int rc = 0;
	if (record->job.name[0])
		rc = name_take(engine, record->job.queue_id, record->job.name);
	record->named = record->job.name[0] != '\0';
	struct transition transition = {
		.event = due_ms > now_ms ? EVENT_PUBLISH_LATER : EVENT_PUBLISH,
		.now_ms = now_ms,
		.due_ms = due_ms,
	};
	return rc == 0 ? transition_apply(engine, record, &transition) : rc;
}

/* What the draft staged before: its record, which is the job's from then on. */
static int
staged_get(struct engine *engine, int64_t draft_id, struct record *record)
{
	return draft_id != 0 ? store_job_by_draft(engine->store, draft_id, record) : -ENOENT;
}

/* Brings what was staged up to date: the id and with it the receipt stay. */
static int
restage(struct engine *engine, struct record *record, struct record *staged)
{
	record->job.id = staged->job.id;
	record->job.pos = staged->job.pos;
	record->job.state = staged->job.state;
	record->job.created_ms = staged->job.created_ms;
	record->job.changed_ms = staged->job.changed_ms;
	memcpy(record->job.receipt, staged->job.receipt, sizeof record->job.receipt);
	job_release(&staged->job);
	int rc = store_payload_delete(engine->store, record->job.id);
	return rc == 0 ? store_job_put(engine->store, record) : rc;
}

/* The bytes and the record of a draft, invisible. */
static int
stage(struct engine *engine, const struct job_new *new, struct record *record, int64_t now_ms)
{
	struct record staged;
	int rc = staged_get(engine, new->draft_id, &staged);
	if (rc == 0 && staged.job.queue_id != record->job.queue_id) {
		job_release(&staged.job);
		rc = engine_unstage(engine, new->draft_id);
		rc = rc == 0 ? -ENOENT : rc;
	}
	if (rc == 0)
		rc = restage(engine, record, &staged);
	else if (rc == -ENOENT)
		rc = transition_apply(engine, record,
			&(struct transition){ .event = EVENT_STAGE, .now_ms = now_ms });
	if (rc == 0)
		rc = store_payload_add(engine->store, record->job.id, new->body, new->size);
	return rc;
}

int
engine_stage(struct engine *engine, const struct job_new *new, int64_t now_ms,
	struct engine_problem *why)
{
	assert(new->draft_id != 0 && new->body &&strlen(new->name) <= ENGINE_NAME_MAX);

	struct record record;
	char *group;
	int rc = check(engine, new, why, &group);
	if (rc != 0)
		return rc;
	record_of(engine, new, group, &record);
	rc = stage(engine, new, &record, now_ms);
	job_release(&record.job);
	return rc;
}

/* The file's own name; with its receipt; and, since receipts are known before a file is closed and
 * somebody may have taken that name, too, one that nobody could know. */
static void
reject_name_make(
	struct engine *engine, const struct job *job, int try, char name[ENGINE_NAME_MAX + 1])
{
	size_t size = ENGINE_NAME_MAX + 1;
	int own = (int)text_cut(job->name, strlen(job->name), ENGINE_NAME_MAX - RECEIPT_SIZE);
	if (try == 0)
		(void)snprintf(name, size, "%s", own > 0 ? job->name : job->receipt);
	else if (try == 1 && own > 0)
		(void)snprintf(name, size, "%.*s.%s", own, job->name, job->receipt);
	else
		(void)snprintf(name, size, "%s.%016llx", job->receipt,
			(unsigned long long)hash_sequence(&engine->random));
}

/* The name that rejected/ shows. */
static int
reject_name(struct engine *engine, struct record *record)
{
	struct record other;
	char name[ENGINE_NAME_MAX + 1];
	int rc = 0;
	for (int try = 0; rc == 0; try++) {
		reject_name_make(engine, &record->job, try, name);
		rc = store_job_rejected(engine->store, record->job.queue_id, name, &other);
		if (rc == 0)
			job_release(&other.job);
	}
	if (rc != -ENOENT)
		return rc;
	if (strcmp(name, record->job.name) == 0)
		return 0;
	memcpy(record->job.name, name, sizeof name);
	return store_job_put(engine->store, record);
}

int
engine_reject(struct engine *engine, const struct job_new *new, const char *reason,
	int64_t now_ms, int64_t *job_id)
{
	assert(new->body &&strlen(new->name) <= ENGINE_NAME_MAX);

	struct record record;
	struct transition transition = {
		.event = EVENT_REJECT, .now_ms = now_ms, .reason = reason
	};
	int rc = store_reserve(engine->store);
	if (rc != 0)
		return rc;
	record_of(engine, new, NULL, &record);
	rc = stage(engine, new, &record, now_ms);
	if (rc == 0)
		rc = reject_name(engine, &record);
	if (rc == 0)
		rc = transition_apply(engine, &record, &transition);
	*job_id = record.job.id;
	job_release(&record.job);
	return rc;
}

int
engine_publish(struct engine *engine, int64_t draft_id, const char *name, int64_t now_ms,
	int64_t *job_id)
{
	assert(draft_id != 0 && strlen(name) <= ENGINE_NAME_MAX);

	struct record record;
	int rc = store_job_by_draft(engine->store, draft_id, &record);
	if (rc != 0)
		return rc;
	(void)snprintf(record.job.name, sizeof record.job.name, "%s", name);
	rc = publish(engine, &record, record.job.due_ms, now_ms);
	*job_id = record.job.id;
	job_release(&record.job);
	return rc;
}

int
engine_staged(
	struct engine *engine, int64_t draft_id, struct job *job, void **body, size_t *size)
{
	struct record record;
	int rc = staged_get(engine, draft_id, &record);
	if (rc != 0)
		return rc;
	rc = store_payload_get(engine->store, record.job.id, body, size);
	if (rc != 0) {
		job_release(&record.job);
		return rc == -ENOENT ? -EIO : rc;
	}
	*job = record.job;
	return 0;
}

int
engine_unstage(struct engine *engine, int64_t draft_id)
{
	struct record record;
	int rc = store_job_by_draft(engine->store, draft_id, &record);
	if (rc != 0)
		return rc == -ENOENT ? 0 : rc;
	/* The time is that of no state anybody sees. */
	rc = transition_apply(engine, &record,
		&(struct transition){
			.event = EVENT_UNSTAGE, .now_ms = record.job.changed_ms });
	job_release(&record.job);
	return rc;
}

int
engine_enqueue(struct engine *engine, const struct job_new *new, int64_t now_ms,
	struct engine_problem *why, int64_t *job_id)
{
	assert(new->draft_id == 0 && new->body &&strlen(new->name) <= ENGINE_NAME_MAX);

	struct record record;
	char *group;
	int rc = check(engine, new, why, &group);
	if (rc != 0)
		return rc;
	record_of(engine, new, group, &record);
	rc = publish(engine, &record, new->due_ms, now_ms);
	if (rc == 0)
		rc = store_payload_add(engine->store, record.job.id, new->body, new->size);
	*job_id = record.job.id;
	job_release(&record.job);
	return rc;
}

/* ---- after a crash ---- */

struct recovery {
	struct engine *engine;
	int64_t now_ms;
	engine_open_fn *still_open;
	void *context;
};

/* A line's beginning may be all that its writer left. */
static int
recover_check(struct engine *engine, struct record *record, struct engine_problem *why)
{
	char *group;
	void *body;
	size_t size;
	int rc = store_payload_get(engine->store, record->job.id, &body, &size);
	if (rc != 0)
		return rc == -ENOENT ? -EIO : rc;
	rc = payload_check(queue_get(engine, record->job.queue_id), body, size, why, &group);
	free(body);
	if (rc != 0)
		return rc;
	free(record->job.group);
	record->job.group = group;
	record->group_id = group ? group_id_of(engine, group) : 0;
	return 0;
}

static int
recover_record(struct recovery *recovery, struct record *record)
{
	struct engine *engine = recovery->engine;
	struct engine_problem why = { "" };
	struct transition reject = {
		.event = EVENT_REJECT, .now_ms = recovery->now_ms, .reason = why.text
	};
	int rc = record->part ? recover_check(engine, record, &why) : 0;
	if (rc == 0)
		return publish(engine, record, record->job.due_ms, recovery->now_ms);
	if (!why.text[0])
		return rc;
	rc = reject_name(engine, record);
	return rc == 0 ? transition_apply(engine, record, &reject) : rc;
}

static int
recover_job(void *context, int64_t job_id)
{
	struct recovery *recovery = context;
	struct record record;
	int rc = store_job_get(recovery->engine->store, job_id, &record);
	if (rc != 0)
		return rc;
	if (!recovery->still_open || !recovery->still_open(recovery->context, record.draft_id))
		rc = recover_record(recovery, &record);
	job_release(&record.job);
	return rc;
}

static int
recover(struct recovery *recovery)
{
	struct engine *engine = recovery->engine;
	int rc = engine_begin(engine, true);
	if (rc == 0)
		rc = store_list_staged(engine->store, recover_job, recovery);
	if (rc == 0)
		rc = engine_commit(engine);
	if (rc != 0)
		engine_rollback(engine);
	return rc;
}

int
engine_recover(struct engine *engine, int64_t now_ms, engine_open_fn *still_open, void *context)
{
	struct recovery recovery = {
		.engine = engine,
		.now_ms = now_ms,
		.still_open = still_open,
		.context = context,
	};
	int rc = recover(&recovery);
	return rc == -ENOSPC ? recover(&recovery) : rc; /* with the reserve */
}
