#include "engine/store.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "engine/store_log.h"
#include "engine/store_query.h"

/* Free pages that are not worth giving back, besides an eighth of the file. */
#define FREE_PAGES_KEPT 128
#define STRING_(x) #x
#define STRING(x) STRING_(x)
#define VACUUM_PAGES 1000 /* in one step: a few milliseconds */

static int
set_durable(struct store *store, bool durable)
{
	if (store->durable == durable)
		return 0;
	int rc = store_exec(
		store, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
	if (rc == 0)
		store->durable = durable;
	return rc;
}

static int
run(struct store *store, enum sql_statement statement)
{
	struct query query = query_start(store, statement);
	return query_run(&query);
}

int
store_begin(struct store *store, bool durable)
{
	if (!sqlite3_get_autocommit(store->db))
		store_rollback(store); /* it could not, the last time */
	if (store->failed != 0 && !sqlite3_get_autocommit(store->db))
		return store->failed;
	store->failed = 0;
	store->grows = false;
	/* It cannot change within a transaction. */
	int rc = set_durable(store, durable);
	return rc == 0 ? run(store, SQL_BEGIN) : rc;
}

/* What the log holds has to have its place in the file, or a checkpoint could fail for lack of
 * room, and the log would grow until a verdict did. */
static int
make_place(struct store *store)
{
	int64_t pages = 0;
	if (!store->grows)
		return 0;
	struct query query = query_start(store, SQL_PAGE_COUNT);
	int rc = query_row(&query);
	if (rc == 1)
		pages = read_int(&query);
	query_end(&query);
	if (rc < 0)
		return rc;
	return store_failed(
		store, reserve_pages(&store->reserve, store->db, pages * STORE_PAGE_BYTES));
}

int
store_commit(struct store *store)
{
	if (store->failed != 0)
		return store->failed;
	int rc = make_place(store);
	if (rc != 0)
		return rc;
	/* SQLite ends a transaction by itself after some errors, but those are noted. */
	assert(!sqlite3_get_autocommit(store->db));
	return run(store, SQL_COMMIT);
}

int
store_reserve(struct store *store)
{
	int code = reserve_make(&store->reserve);
	if (code == SQLITE_OK)
		return 0;
	if (code == SQLITE_NOMEM)
		return -ENOMEM;
	return code == SQLITE_FULL ? -ENOSPC : -EIO;
}

/* A failing checkpoint loses nothing: the log still has it all. It leaves no transaction
 * spoiled. */
static int
checkpoint(struct store *store, int mode)
{
	/* Readers from outside may be in the way: never wait for them. */
	(void)sqlite3_busy_timeout(store->db, 0);
	int code = sqlite3_wal_checkpoint_v2(store->db, NULL, mode, NULL, NULL);
	(void)sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
	int rc = code == SQLITE_BUSY ? 0 : store_failed(store, code);
	store->failed = 0;
	/* Whatever remains is tried again after the next commit. */
	store->wal_frames = 0;
	return rc;
}

/* The log starts again in the room it has, and gets that of the reserve. */
static void
make_room(struct store *store)
{
	char error[sizeof store->error];
	memcpy(error, store->error, sizeof error);
	reserve_spend(&store->reserve);
	(void)checkpoint(store, SQLITE_CHECKPOINT_PASSIVE); /* or it grows on */
	memcpy(store->error, error, sizeof error);
}

/* The statement is prepared, so that there is next to nothing it needs memory for, and in WAL mode
 * it touches no file. If it fails all the same the error stays, and so nothing is done, until
 * store_begin() got it through. */
void
store_rollback(struct store *store)
{
	bool full = store->failed == -ENOSPC;
	store->failed = 0;
	if (!sqlite3_get_autocommit(store->db))
		(void)run(store, SQL_ROLLBACK);
	if (full)
		make_room(store);
}

int
store_checkpoint(struct store *store)
{
	/* Before others take the room: a write that was too much may have spent it. */
	(void)store_reserve(store);
	log_extend(store->db, store->wal_frames, &store->log_bytes);
	if (store->wal_frames <= LOG_FRAMES_MAX)
		return 0;
	return checkpoint(store, SQLITE_CHECKPOINT_PASSIVE);
}

/* Is so much of the file free that an idle moment is well spent on giving it back? */
static int
is_bloated(struct store *store, bool *bloated)
{
	int64_t free_pages = 0, pages = 0;
	int rc = store_scalar(store, "PRAGMA freelist_count", &free_pages);
	if (rc == 0)
		rc = store_scalar(store, "PRAGMA page_count", &pages);
	*bloated = free_pages > FREE_PAGES_KEPT + (pages - free_pages) / 8;
	return rc;
}

int
store_maintain(struct store *store, bool *more)
{
	bool bloated = false;
	*more = false;
	int rc = is_bloated(store, &bloated);
	if (rc == 0 && bloated) {
		rc = store_exec(store, "PRAGMA incremental_vacuum(" STRING(VACUUM_PAGES) ")");
		*more = rc == 0;
	} else if (rc == 0 && store->wal_used) {
		/* If a reader is in the way, then after the next commit. On a full disk the log
		 * keeps its room: others would take it. */
		bool full = store_reserve(store) != 0;
		store->wal_used = full;
		bool shorten = !full && log_is_long(store->db);
		if (shorten)
			store->log_bytes = 0;
		rc = checkpoint(store,
			shorten ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE);
	}
	store->failed = 0;
	if (rc == -ENOSPC)
		make_room(store);
	return rc;
}

const char *
store_error(const struct store *store)
{
	return store->error;
}
