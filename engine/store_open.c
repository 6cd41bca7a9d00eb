/* Opening the store: is it ours, is it whole, is it of this version. Nothing is written before
 * these are answered. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/store_query.h"

/* Up to this many pages (4 MB, some milliseconds) all of it is checked at every start. */
#define CHECKED_PAGES 1000

#define RESTORE                                                                       \
	"restore it from a copy, or save what can be saved with sqlite3's .recover; " \
	"it was left as it is"

/* What is known while opening. */
struct opening {
	const char *path;
	uint64_t seed;
	struct engine_problem *problem;
	struct store *store;
	int64_t application, version, objects;
};

static int
problem_say(struct opening *opening, int rc, const char *what, const char *advice)
{
	(void)snprintf(opening->problem->text, sizeof opening->problem->text,
		"store %s: %s: %s", opening->path, what, advice);
	return rc;
}

/* The words for what SQLite said. */
static int
problem_explain(struct opening *opening, int rc)
{
	struct store *store = opening->store;
	int cause = store->db ? sqlite3_system_errno(store->db) : 0;
	char what[400], buffer[100];
	(void)snprintf(what, sizeof what, "%s%s%s", store->error, cause ? ": " : "",
		cause ? strerror_r(cause, buffer, sizeof buffer) : "");
	switch (store->code & 0xff) {
	case SQLITE_NOTADB:
		return problem_say(
			opening, -EBADMSG, "is damaged, or no store of spoolfs", RESTORE);
	case SQLITE_CORRUPT:
	case SQLITE_FORMAT:
	case SQLITE_ERROR:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		(void)snprintf(what, sizeof what, "is damaged: %s", store->error);
		return problem_say(opening, -EBADMSG, what, RESTORE);
	case SQLITE_CANTOPEN:
		if (store->code == SQLITE_CANTOPEN_SYMLINK)
			return problem_say(opening, -ELOOP,
				"is a symbolic link, or lies behind one",
				"name the file itself");
		rc = cause == EACCES || cause == EPERM || cause == EROFS ? -EACCES : -EIO;
		return problem_say(
			opening, rc, what, "its folder has to exist and be writable");
	case SQLITE_READONLY:
		return problem_say(
			opening, -EACCES, what, "file and folder have to be writable");
	case SQLITE_BUSY:
		return problem_say(opening, rc, what, "another program holds it locked");
	case SQLITE_FULL:
		return problem_say(opening, rc, what, "free some space");
	default:
		return problem_say(opening, rc, what, "nothing was changed");
	}
}

/* ---- before SQLite looks ---- */

/* Of a file, SQLite's VFSs say that it exists when there is something in it. */
static int
has_content(struct opening *opening, sqlite3_vfs *vfs, const char *path, int *there)
{
	char what[100];
	int code = vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, there);
	if (code == SQLITE_OK)
		return 0;
	(void)snprintf(what, sizeof what, "cannot be looked at: %s (code %d)",
		sqlite3_errstr(code), code);
	return problem_say(opening, -EIO, what, "nothing was changed");
}

/* SQLite would throw away the log beside an empty file; the log may be all that is left. */
static int
refuse_orphaned_log(struct opening *opening, const char *vfs_name)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
	char log[4096];
	int length = snprintf(log, sizeof log, "%s-wal", opening->path);
	if (length < 0 || (size_t)length >= sizeof log)
		return problem_say(opening, -EIO, "the path is too long", "choose another");
	int there = 0, log_there = 0, rc = 0;
	if (vfs)
		rc = has_content(opening, vfs, opening->path, &there);
	if (vfs && rc == 0)
		rc = has_content(opening, vfs, log, &log_there);
	if (rc != 0 || there || !log_there)
		return rc;
	return problem_say(opening, -EBADMSG, "is empty, but its -wal file is not", RESTORE);
}

static int
log_grew(void *context, sqlite3 *db, const char *name, int frames)
{
	struct store *store = context;
	(void)db;
	(void)name;
	store->wal_frames = frames;
	store->wal_used = true;
	return SQLITE_OK;
}

/* Settings of the connection; none of them writes. */
static int
connection_set_up(struct store *store)
{
	(void)sqlite3_busy_timeout(store->db, STORE_BUSY_MS); /* always SQLITE_OK */
	store->durable = true;
	int rc = store_exec(store, "PRAGMA synchronous = FULL;"
				   "PRAGMA wal_autocheckpoint = 0;"
				   "PRAGMA journal_size_limit = 67108864;"
				   "PRAGMA cache_size = -32000;"
				   "PRAGMA temp_store = MEMORY;"
				   "PRAGMA foreign_keys = OFF;"
				   "PRAGMA trusted_schema = OFF;"
				   "PRAGMA cell_size_check = ON;"
				   "PRAGMA mmap_size = 0;"
				   /* Zeros over all pages of a large payload would take as
				    * much room as it did to be written. */
				   "PRAGMA secure_delete = FAST;");
	/* After wal_autocheckpoint, which is a hook of SQLite's own in the same place. */
	(void)sqlite3_wal_hook(store->db, log_grew, store);
	return rc;
}

static int
connect_to(struct opening *opening, const char *vfs)
{
	struct store *store = opening->store;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
	int code = sqlite3_open_v2(opening->path, &store->db, flags, vfs);
	if (!store->db)
		return store->code = SQLITE_NOMEM, -ENOMEM;
	int rc = store_failed(store, code);
	if (rc == 0 && sqlite3_db_readonly(store->db, "main") == 1)
		rc = store_failed(store, SQLITE_READONLY);
	if (rc == 0)
		rc = store_failed(store, reserve_init(&store->reserve, store->db));
	return rc == 0 ? connection_set_up(store) : rc;
}

/* ---- is it ours? ---- */

static int
identify(struct opening *opening)
{
	struct store *store = opening->store;
	int rc = store_scalar(store, "SELECT count(*) FROM sqlite_schema", &opening->objects);
	if (rc == 0)
		rc = store_scalar(store, "PRAGMA application_id", &opening->application);
	if (rc == 0)
		rc = store_scalar(store, "PRAGMA user_version", &opening->version);
	return rc == 0 ? 0 : problem_explain(opening, rc);
}

static int
refuse_foreign(struct opening *opening)
{
	bool empty =
		opening->objects == 0 && opening->application == 0 && opening->version == 0;
	if (empty)
		return 0;
	if (opening->application != STORE_APPLICATION_ID)
		return problem_say(opening, -EBADMSG, "belongs to another program",
			"choose another file; it was left as it is");
	if (opening->version > STORE_VERSION)
		return problem_say(opening, -EPROTONOSUPPORT, "is of a newer spoolfs",
			"use that one; the store was left as it is");
	if (opening->version < 1)
		return problem_say(opening, -EBADMSG, "is damaged: it has no version", RESTORE);
	return 0;
}

/* ---- is it whole? ---- */

static int
check_objects(struct opening *opening)
{
	char sql[200], what[100];
	for (const struct store_object *object = store_schema; object->name; object++) {
		int64_t found = 0;
		(void)snprintf(sql, sizeof sql,
			"SELECT count(*) FROM sqlite_schema WHERE type='%s' AND name='%s'",
			object->type, object->name);
		int rc = store_scalar(opening->store, sql, &found);
		if (rc != 0)
			return problem_explain(opening, rc);
		(void)snprintf(what, sizeof what, "is damaged: the %s %s is missing",
			object->type, object->name);
		if (found != 1)
			return problem_say(opening, -EBADMSG, what, RESTORE);
	}
	return 0;
}

static int
prepare_statements(struct opening *opening)
{
	struct store *store = opening->store;
	int rc = 0;
	for (int i = 0; rc == 0 && i < SQL_STATEMENTS; i++)
		rc = store_failed(
			store, sqlite3_prepare_v3(store->db, store_statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL));
	return rc == 0 ? 0 : problem_explain(opening, rc);
}

/* Can all of a file be read? SQLite's code. */
static int
file_read(sqlite3_file *file)
{
	char page[STORE_PAGE_BYTES];
	sqlite3_int64 size = 0;
	int code = file->pMethods ? file->pMethods->xFileSize(file, &size) : SQLITE_OK;
	for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += STORE_PAGE_BYTES) {
		code = file->pMethods->xRead(file, page, STORE_PAGE_BYTES, at);
		if (code == SQLITE_IOERR_SHORT_READ)
			code = SQLITE_OK; /* the log ends anywhere */
	}
	return code;
}

static int
files_read(struct opening *opening)
{
	static const int files[] = { SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER };
	char what[100];
	int code = SQLITE_OK;
	for (size_t i = 0; code == SQLITE_OK && i < sizeof files / sizeof *files; i++) {
		sqlite3_file *file = NULL;
		code = sqlite3_file_control(
			opening->store->db, "main", files[i], (void *)&file);
		if (code == SQLITE_OK && file)
			code = file_read(file);
	}
	if (code == SQLITE_OK)
		return 0;
	(void)snprintf(
		what, sizeof what, "cannot be read: %s (code %d)", sqlite3_errstr(code), code);
	return problem_say(opening, -EIO, what, "nothing was changed");
}

/* All pages, and how they hang together. To SQLite's check a page that cannot be read is a broken
 * one, so what looks broken is read first, and checked again. */
static int
check_whole(struct opening *opening)
{
	static const char sql[] = "SELECT quick_check = 'ok' FROM pragma_quick_check LIMIT 1";
	int64_t whole = 0;
	int rc = store_scalar(opening->store, sql, &whole);
	if (rc == 0 && !whole) {
		rc = files_read(opening);
		if (rc != 0)
			return rc;
		rc = store_scalar(opening->store, sql, &whole);
	}
	if (rc != 0)
		return problem_explain(opening, rc);
	if (!whole)
		return problem_say(opening, -EBADMSG, "is damaged: pages are broken", RESTORE);
	return 0;
}

/* All of a small store, the ends of a large one: what costs the same however long it grew. */
static int
check_pages(struct opening *opening)
{
	static const char *const ends[] = {
		"SELECT count(*) FROM (SELECT * FROM job ORDER BY id LIMIT 1)",
		"SELECT count(*) FROM (SELECT * FROM job ORDER BY id DESC LIMIT 1)",
		"SELECT count(*) FROM (SELECT id FROM payload ORDER BY id LIMIT 1)",
		"SELECT count(*) FROM (SELECT id FROM payload ORDER BY id DESC LIMIT 1)",
		"SELECT count(*) FROM (SELECT * FROM failure ORDER BY job, number LIMIT 1)",
		"SELECT count(*) FROM (SELECT * FROM queue ORDER BY name LIMIT 1)",
	};
	struct store *store = opening->store;
	int64_t pages = 0, ignored;
	int rc = store_scalar(store, "PRAGMA page_count", &pages);
	for (size_t i = 0; rc == 0 && i < sizeof ends / sizeof *ends; i++)
		rc = store_scalar(store, ends[i], &ignored);
	if (rc != 0)
		return problem_explain(opening, rc);
	return pages > CHECKED_PAGES ? 0 : check_whole(opening);
}

static int
open_checked(struct opening *opening, const char *vfs)
{
	int rc = refuse_orphaned_log(opening, vfs);
	if (rc != 0)
		return rc;
	if ((rc = connect_to(opening, vfs)) != 0)
		return problem_explain(opening, rc);
	if ((rc = identify(opening)) != 0 || (rc = refuse_foreign(opening)) != 0)
		return rc;
	rc = store_upgrade(opening->store, opening->version, opening->seed);
	if (rc != 0)
		return problem_explain(opening, rc);
	if ((rc = check_objects(opening)) != 0)
		return rc;
	if ((rc = check_pages(opening)) != 0)
		return rc;
	return prepare_statements(opening);
}

static int
open_once(struct opening *opening, const char *vfs)
{
	opening->store = calloc(1, sizeof *opening->store);
	if (!opening->store)
		return problem_say(opening, -ENOMEM, "out of memory", "nothing was changed");
	return open_checked(opening, vfs);
}

int
store_open(const char *path, const char *vfs, uint64_t seed, struct engine_problem *problem,
	struct store **store)
{
	struct opening opening = { .path = path, .seed = seed, .problem = problem };
	int rc = open_once(&opening, vfs);
	if (rc == -ENOSPC) {
		reserve_spend(&opening.store->reserve);
		store_close(opening.store);
		rc = open_once(&opening, vfs);
	}
	if (rc != 0) {
		store_close(opening.store);
		return rc;
	}
	(void)store_reserve(opening.store); /* without it no payload is taken, that is all */
	*store = opening.store;
	return 0;
}

void
store_close(struct store *store)
{
	if (!store)
		return;
	for (int i = 0; i < SQL_STATEMENTS; i++)
		(void)sqlite3_finalize(store->statements[i]);
	int code = sqlite3_close(store->db);
	assert(code == SQLITE_OK); /* all statements are finalized */
	(void)code;
	reserve_release(&store->reserve);
	free(store);
}
