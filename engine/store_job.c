#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/store_job.h"

/* The numbers are in store_sql.c's texts. */
static_assert(JOB_STAGED == 1 && JOB_WAITING == 2 && JOB_BACKOFF == 3 && JOB_RUNNING == 4 &&
		      JOB_DEAD == 5 && JOB_DONE == 6 && JOB_REJECTED == 7,
	"the states' numbers are in the store");

static void
bind_group(struct query *query, const struct record *record)
{
	query_text(query, record->job.group);
	if (record->group_id != 0)
		query_int(query, record->group_id);
	else
		query->parameter++; /* NULL: as clear_bindings left it */
}

static void
bind_worker(struct query *query, const struct job *job)
{
	query_text(query, job->worker[0] ? job->worker : NULL);
	query_int(query, job->claimed_ms);
	query_int(query, job->deadline_ms);
	query_int(query, job->changed_ms);
}

static int
job_write(struct store *store, enum sql_statement statement, const struct record *record)
{
	const struct job *job = &record->job;
	struct query query = query_start(store, statement);
	(void)sqlite3_clear_bindings(query.statement); /* always SQLITE_OK */
	query_int(&query, job->id);
	query_int(&query, job->queue_id);
	query_int(&query, job->state);
	query_int(&query, job->pos);
	query_int(&query, record->head);
	query_int(&query, job->due_ms);
	bind_group(&query, record);
	query_text(&query, job->name);
	query_int(&query, record->named);
	query_int(&query, job->failures);
	query_int(&query, record->history);
	bind_worker(&query, job);
	query_int(&query, job->size);
	query_int(&query, job->uid);
	query_int(&query, job->gid);
	query_int(&query, job->pid);
	query_int(&query, job->mode);
	query_int(&query, job->created_ms);
	query_text(&query, job->receipt);
	query_int(&query, record->draft_id);
	query_int(&query, job->worker_pid);
	query_int(&query, job->worker_start);
	query_int(&query, record->part);
	return query_run(&query);
}

int
record_read(struct query *query, struct record *record)
{
	struct job *job = &record->job;
	job->id = read_int(query);
	job->queue_id = read_int(query);
	job->state = (enum job_state)read_int(query);
	job->pos = read_int(query);
	record->head = read_int(query) != 0;
	job->due_ms = read_int(query);
	int rc = read_text_copy(query, &job->group);
	record->group_id = read_int(query);
	(void)snprintf(job->name, sizeof job->name, "%s", read_text(query));
	record->named = read_int(query) != 0;
	job->failures = read_int(query);
	record->history = read_int(query);
	(void)snprintf(job->worker, sizeof job->worker, "%s", read_text(query));
	job->claimed_ms = read_int(query);
	job->deadline_ms = read_int(query);
	job->changed_ms = read_int(query);
	job->size = read_int(query);
	job->uid = read_int(query);
	job->gid = read_int(query);
	job->pid = read_int(query);
	job->mode = read_int(query);
	job->created_ms = read_int(query);
	(void)snprintf(job->receipt, sizeof job->receipt, "%s", read_text(query));
	record->draft_id = read_int(query);
	job->worker_pid = read_int(query);
	job->worker_start = read_int(query);
	record->part = read_int(query) != 0;
	return rc;
}

/* One row, or -ENOENT. */
static int
job_find(struct query *query, struct record *record)
{
	int rc = query_row(query);
	if (rc == 1)
		rc = record_read(query, record);
	else if (rc == 0)
		rc = -ENOENT;
	query_end(query);
	return rc;
}

int
store_job_add(struct store *store, const struct record *record)
{
	return job_write(store, SQL_JOB_ADD, record);
}

int
store_job_put(struct store *store, const struct record *record)
{
	return job_write(store, SQL_JOB_PUT, record);
}

int
store_job_update(struct store *store, const struct record *record)
{
	const struct job *job = &record->job;
	struct query query = query_start(store, SQL_JOB_UPDATE);
	query_int(&query, job->id);
	query_int(&query, job->state);
	query_int(&query, job->pos);
	query_int(&query, record->head);
	query_int(&query, job->due_ms);
	query_int(&query, job->failures);
	query_int(&query, record->history);
	bind_worker(&query, job);
	query_int(&query, job->worker_pid);
	query_int(&query, job->worker_start);
	return query_run(&query);
}

int
store_job_name(struct store *store, int64_t job_id, const char *name, bool named)
{
	struct query query = query_start(store, SQL_JOB_NAME);
	query_int(&query, job_id);
	query_text(&query, name);
	query_int(&query, named);
	return query_run(&query);
}

int
store_job_head(struct store *store, int64_t job_id, bool head)
{
	struct query query = query_start(store, SQL_JOB_HEAD);
	query_int(&query, job_id);
	query_int(&query, head);
	return query_run(&query);
}

int
store_job_deadline(struct store *store, int64_t job_id, int64_t deadline_ms)
{
	struct query query = query_start(store, SQL_JOB_DEADLINE);
	query_int(&query, job_id);
	query_int(&query, deadline_ms);
	return query_run(&query);
}

int
store_job_delete(struct store *store, int64_t job_id)
{
	struct query query = query_start(store, SQL_JOB_DELETE);
	query_int(&query, job_id);
	return query_run(&query);
}

int
store_job_get(struct store *store, int64_t job_id, struct record *record)
{
	struct query query = query_start(store, SQL_JOB_GET);
	query_int(&query, job_id);
	return job_find(&query, record);
}

int
store_job_by_draft(struct store *store, int64_t draft_id, struct record *record)
{
	struct query query = query_start(store, SQL_JOB_BY_DRAFT);
	query_int(&query, draft_id);
	return job_find(&query, record);
}

int
store_job_by_worker(
	struct store *store, int64_t queue_id, const char *worker, struct record *record)
{
	struct query query = query_start(store, SQL_JOB_BY_WORKER);
	query_int(&query, queue_id);
	query_text(&query, worker);
	return job_find(&query, record);
}

int
store_job_by_name(
	struct store *store, int64_t queue_id, const char *name, struct record *record)
{
	struct query query = query_start(store, SQL_JOB_BY_NAME);
	query_int(&query, queue_id);
	query_text(&query, name);
	return job_find(&query, record);
}

int
store_job_rejected(
	struct store *store, int64_t queue_id, const char *name, struct record *record)
{
	struct query query = query_start(store, SQL_JOB_REJECTED);
	query_int(&query, queue_id);
	query_text(&query, name);
	return job_find(&query, record);
}

int
store_job_next(struct store *store, int64_t queue_id, bool heads, struct record *record)
{
	struct query query = query_start(store, heads ? SQL_JOB_NEXT_HEAD : SQL_JOB_NEXT);
	query_int(&query, queue_id);
	return job_find(&query, record);
}

int
store_group_first(
	struct store *store, int64_t queue_id, int64_t group_id, struct record *record)
{
	struct query query = query_start(store, SQL_GROUP_FIRST);
	query_int(&query, queue_id);
	query_int(&query, group_id);
	return job_find(&query, record);
}

int
store_job_first(struct store *store, enum store_clock clock, struct record *record)
{
	static const enum sql_statement statements[] = {
		[STORE_DUE] = SQL_JOB_FIRST_DUE,
		[STORE_DEADLINE] = SQL_JOB_FIRST_DEADLINE,
		[STORE_ENDED] = SQL_JOB_FIRST_ENDED,
	};
	struct query query = query_start(store, statements[clock]);
	return job_find(&query, record);
}
