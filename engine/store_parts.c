/* Payloads, failures, queues and notes: the store's smaller tables. */
#include <errno.h>
#include <string.h>

#include "engine/store_query.h"

int
store_payload_add(struct store *store, int64_t job_id, const void *body, size_t size)
{
	struct query query = query_start(store, SQL_PAYLOAD_ADD);
	store->grows = true;
	query_int(&query, job_id);
	query_blob(&query, body, size);
	return query_run(&query);
}

static int
blob_find(struct query *query, void **bytes, size_t *size)
{
	int rc = query_row(query);
	if (rc == 1)
		rc = read_blob_copy(query, bytes, size);
	else if (rc == 0)
		rc = -ENOENT;
	query_end(query);
	return rc;
}

int
store_payload_get(struct store *store, int64_t job_id, void **body, size_t *size)
{
	struct query query = query_start(store, SQL_PAYLOAD_GET);
	query_int(&query, job_id);
	return blob_find(&query, body, size);
}

int
store_payload_delete(struct store *store, int64_t job_id)
{
	struct query query = query_start(store, SQL_PAYLOAD_DELETE);
	query_int(&query, job_id);
	return query_run(&query);
}

int
store_failure_add(
	struct store *store, int64_t job_id, int64_t number, const struct job_failure *failure)
{
	struct query query = query_start(store, SQL_FAILURE_ADD);
	query_int(&query, job_id);
	query_int(&query, number);
	query_int(&query, failure->attempt);
	query_int(&query, failure->at_ms);
	query_text(&query, failure->worker);
	query_text(&query, failure->reason);
	return query_run(&query);
}

int
store_failures(struct store *store, int64_t job_id, engine_failure_fn *fn, void *context)
{
	struct query query = query_start(store, SQL_FAILURE_LIST);
	query_int(&query, job_id);
	int rc;
	while ((rc = query_row(&query)) == 1) {
		struct job_failure failure;
		failure.attempt = read_int(&query);
		failure.at_ms = read_int(&query);
		failure.worker = read_text(&query);
		failure.reason = read_text(&query);
		fn(context, &failure);
	}
	query_end(&query);
	return rc;
}

int
store_failures_delete(struct store *store, int64_t job_id)
{
	struct query query = query_start(store, SQL_FAILURE_DELETE);
	query_int(&query, job_id);
	return query_run(&query);
}

int
store_queue_add(struct store *store, const struct queue_row *row, int64_t *queue_id)
{
	struct query query = query_start(store, SQL_QUEUE_ADD);
	query_text(&query, row->name);
	query_int(&query, row->fifo);
	query_text(&query, row->group_field);
	int rc = query_run(&query);
	if (rc == 0)
		*queue_id = sqlite3_last_insert_rowid(store->db);
	return rc;
}

int
store_queue_type(struct store *store, const struct queue_row *row)
{
	struct query query = query_start(store, SQL_QUEUE_TYPE);
	query_int(&query, row->id);
	query_int(&query, row->fifo);
	query_text(&query, row->group_field);
	return query_run(&query);
}

int
store_queue_tallies(struct store *store, const struct queue_row *row)
{
	struct query query = query_start(store, SQL_QUEUE_TALLIES);
	query_int(&query, row->id);
	query_int(&query, row->created_ms);
	for (int state = JOB_STAGED; state < JOB_STATES; state++) {
		query_int(&query, row->tallies[state].count);
		query_int(&query, row->tallies[state].changed_ms);
	}
	return query_run(&query);
}

int
store_queue_pause(struct store *store, const struct queue_row *row)
{
	struct query query = query_start(store, SQL_QUEUE_PAUSE);
	query_int(&query, row->id);
	query_int(&query, row->pause.since_ms);
	query_int(&query, row->pause.uid);
	query_int(&query, row->pause.pid);
	query_text(&query, row->pause.reason);
	return query_run(&query);
}

static void
queue_read(struct query *query, struct queue_row *row)
{
	row->id = read_int(query);
	row->name = read_text(query);
	row->fifo = read_int(query) != 0;
	row->group_field = read_text(query);
	row->created_ms = read_int(query);
	row->tallies[JOB_NONE] = (struct tally){ 0 };
	for (int state = JOB_STAGED; state < JOB_STATES; state++) {
		row->tallies[state].count = read_int(query);
		row->tallies[state].changed_ms = read_int(query);
	}
	row->pause.since_ms = read_int(query);
	row->pause.uid = read_int(query);
	row->pause.pid = read_int(query);
	row->pause.reason = read_text(query);
}

int
store_queues(struct store *store, store_queue_fn *fn, void *context)
{
	struct query query = query_start(store, SQL_QUEUE_LIST);
	int rc;
	while ((rc = query_row(&query)) == 1) {
		struct queue_row row;
		queue_read(&query, &row);
		rc = fn(context, &row);
		if (rc != 0)
			break;
	}
	query_end(&query);
	return rc;
}

int
store_number_get(struct store *store, const char *key, int64_t *number)
{
	struct query query = query_start(store, SQL_NOTE_GET);
	query_text(&query, key);
	int rc = query_row(&query);
	if (rc == 1)
		*number = read_int(&query);
	query_end(&query);
	if (rc == 0)
		return -ENOENT;
	return rc == 1 ? 0 : rc;
}

int
store_number_set(struct store *store, const char *key, int64_t number)
{
	struct query query = query_start(store, SQL_NOTE_SET);
	query_text(&query, key);
	query_int(&query, number);
	return query_run(&query);
}

int
store_note_get(struct store *store, const char *key, void **bytes, size_t *size)
{
	struct query query = query_start(store, SQL_NOTE_GET);
	query_text(&query, key);
	return blob_find(&query, bytes, size);
}

int
store_note_set(struct store *store, const char *key, const void *bytes, size_t size)
{
	struct query query = query_start(store, size > 0 ? SQL_NOTE_SET : SQL_NOTE_DELETE);
	query_text(&query, key);
	if (size > 0)
		query_blob(&query, bytes, size);
	return query_run(&query);
}
