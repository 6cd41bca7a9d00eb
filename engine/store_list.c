#include <assert.h>

#include "engine/store_job.h"

/* Gives every row to `fn`; ends the query. */
static int
list_rows(struct query *query, store_list_fn *fn, void *context)
{
	struct record record;
	bool more = true;
	int rc;
	while ((rc = query_row(query)) == 1) {
		rc = record_read(query, &record);
		if (rc == 0)
			more = fn(context, &record);
		job_release(&record.job);
		if (rc != 0 || !more)
			break;
	}
	query_end(query);
	return rc;
}

static int
list_state(struct store *store, enum job_state state, int64_t queue_id, int64_t after,
	store_list_fn *fn, void *context)
{
	struct query query = query_start(store, SQL_LIST_STATE);
	query_int(&query, queue_id);
	query_int(&query, state);
	query_int(&query, after);
	return list_rows(&query, fn, context);
}

static int
list_after(struct store *store, enum sql_statement statement, int64_t queue_id, int64_t after,
	store_list_fn *fn, void *context)
{
	struct query query = query_start(store, statement);
	query_int(&query, queue_id);
	query_int(&query, after);
	return list_rows(&query, fn, context);
}

/* What list_groups() keeps between its single rows. */
struct group_step {
	store_list_fn *fn;
	void *context;
	int64_t group_id; /* the last one given */
	bool more;
};

static bool
group_given(void *context, const struct record *record)
{
	struct group_step *step = context;
	step->group_id = record->group_id;
	step->more = step->fn(step->context, record);
	return true;
}

/* One seek per group, however many jobs it has. */
static int
list_groups(
	struct store *store, int64_t queue_id, int64_t after, store_list_fn *fn, void *context)
{
	struct group_step step = {
		.fn = fn, .context = context, .group_id = after, .more = true
	};
	int rc = 0;
	while (rc == 0 && step.more) {
		step.more = false; /* unless there is one, and more is wanted */
		rc = list_after(
			store, SQL_GROUP_NEXT, queue_id, step.group_id, group_given, &step);
	}
	return rc;
}

int
store_list(struct store *store, enum store_list list, int64_t queue_id, int64_t after,
	store_list_fn *fn, void *context)
{
	switch (list) {
	case STORE_WAITING:
		return list_state(store, JOB_WAITING, queue_id, after, fn, context);
	case STORE_BACKOFF:
		return list_state(store, JOB_BACKOFF, queue_id, after, fn, context);
	case STORE_RUNNING:
		return list_state(store, JOB_RUNNING, queue_id, after, fn, context);
	case STORE_DEAD:
		return list_state(store, JOB_DEAD, queue_id, after, fn, context);
	case STORE_REJECTED:
		return list_state(store, JOB_REJECTED, queue_id, after, fn, context);
	case STORE_RETRIES:
		return list_after(store, SQL_LIST_RETRIES, queue_id, after, fn, context);
	case STORE_RECEIPTS:
		return list_after(store, SQL_LIST_RECEIPTS, queue_id, after, fn, context);
	case STORE_NAMED:
		return list_after(store, SQL_LIST_NAMED, queue_id, after, fn, context);
	case STORE_GROUPS:
		return list_groups(store, queue_id, after, fn, context);
	case STORE_LISTS:
		break;
	}
	assert(0); /* no list */
	return 0;
}

int
store_list_group(struct store *store, int64_t queue_id, int64_t group_id, int64_t after,
	store_list_fn *fn, void *context)
{
	struct query query = query_start(store, SQL_LIST_GROUP);
	query_int(&query, queue_id);
	query_int(&query, group_id);
	query_int(&query, after);
	return list_rows(&query, fn, context);
}

/* The statements sort, so SQLite has read all rows before it gives the first. */
static int
list_ids(struct query *query, store_id_fn *fn, void *context)
{
	int rc;
	while ((rc = query_row(query)) == 1) {
		rc = fn(context, read_int(query));
		if (rc != 0)
			break;
	}
	query_end(query);
	return rc;
}

int
store_list_staged(struct store *store, store_id_fn *fn, void *context)
{
	struct query query = query_start(store, SQL_LIST_STAGED);
	return list_ids(&query, fn, context);
}

int
store_list_live(struct store *store, int64_t queue_id, store_id_fn *fn, void *context)
{
	struct query query = query_start(store, SQL_LIST_LIVE);
	query_int(&query, queue_id);
	return list_ids(&query, fn, context);
}

int
store_ungroup(struct store *store, int64_t queue_id)
{
	struct query query = query_start(store, SQL_UNGROUP);
	query_int(&query, queue_id);
	return query_run(&query);
}
