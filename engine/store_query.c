#include "engine/store_query.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SQLite's codes, once. A damaged page met at work is an I/O error to the caller. */
static int
errno_of(sqlite3 *db, int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		break;
	default:
		return -EIO;
	}
	if (code == SQLITE_IOERR_NOMEM)
		return -ENOMEM;
	int cause = sqlite3_system_errno(db);
	return cause == ENOSPC || cause == EDQUOT ? -ENOSPC : -EIO;
}

int
store_failed(struct store *store, int code)
{
	if (code == SQLITE_OK)
		return 0;
	int rc = errno_of(store->db, code);
	if (store->failed == 0) {
		store->failed = rc;
		store->code = code;
		(void)snprintf(store->error, sizeof store->error, "%s (code %d)",
			code == SQLITE_NOMEM ? "out of memory" : sqlite3_errmsg(store->db),
			code);
	}
	return rc;
}

int
store_exec(struct store *store, const char *sql)
{
	if (store->failed != 0)
		return store->failed;
	return store_failed(store, sqlite3_exec(store->db, sql, NULL, NULL, NULL));
}

int
store_scalar(struct store *store, const char *sql, int64_t *value)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*value = sqlite3_column_int64(statement, 0);
	int rc = code == SQLITE_ROW ? 0 : store_failed(store, code);
	(void)sqlite3_finalize(statement); /* repeats the step's error */
	return rc;
}

struct query
query_start(struct store *store, enum sql_statement statement)
{
	sqlite3_stmt *it = store->statements[statement];
	assert(!sqlite3_stmt_busy(it)); /* a list within the same list */
	return (struct query){ .store = store, .statement = it };
}

static void
bound(struct query *query, int code)
{
	if (query->code == SQLITE_OK)
		query->code = code;
}

void
query_int(struct query *query, int64_t value)
{
	bound(query, sqlite3_bind_int64(query->statement, ++query->parameter, value));
}

void
query_text(struct query *query, const char *value)
{
	bound(query, sqlite3_bind_text(
			     query->statement, ++query->parameter, value, -1, SQLITE_STATIC));
}

void
query_blob(struct query *query, const void *bytes, size_t size)
{
	/* A NULL pointer would be NULL, not an empty blob. */
	bound(query, sqlite3_bind_blob64(query->statement, ++query->parameter,
			     bytes ? bytes : "", size, SQLITE_STATIC));
}

int
query_row(struct query *query)
{
	struct store *store = query->store;
	if (store->failed != 0)
		return store->failed;
	if (query->code != SQLITE_OK)
		return store_failed(store, query->code);
	query->column = 0;
	int code = sqlite3_step(query->statement);
	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : store_failed(store, code);
}

void
query_end(struct query *query)
{
	/* It repeats the error of the step, which is known. */
	(void)sqlite3_reset(query->statement);
}

int
query_run(struct query *query)
{
	int rc = query_row(query);
	query_end(query);
	assert(rc != 1);
	return rc;
}

int64_t
read_int(struct query *query)
{
	return sqlite3_column_int64(query->statement, query->column++);
}

const char *
read_text(struct query *query)
{
	const unsigned char *text = sqlite3_column_text(query->statement, query->column++);
	return text ? (const char *)text : "";
}

int
read_text_copy(struct query *query, char **text)
{
	int column = query->column++;
	*text = NULL;
	if (sqlite3_column_type(query->statement, column) == SQLITE_NULL)
		return 0;
	const unsigned char *value = sqlite3_column_text(query->statement, column);
	*text = value ? strdup((const char *)value) : NULL;
	return *text ? 0 : store_failed(query->store, SQLITE_NOMEM);
}

int
read_blob_copy(struct query *query, void **bytes, size_t *size)
{
	int column = query->column++;
	const void *value = sqlite3_column_blob(query->statement, column);
	*size = (size_t)sqlite3_column_bytes(query->statement, column);
	if (*size > 0 && !value)
		return store_failed(query->store, SQLITE_NOMEM);
	*bytes = malloc(*size + 1); /* never NULL, and ended */
	if (!*bytes)
		return store_failed(query->store, SQLITE_NOMEM);
	if (*size > 0)
		memcpy(*bytes, value, *size);
	((char *)*bytes)[*size] = '\0';
	return 0;
}
