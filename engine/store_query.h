/*
 * The SQLite store's inside: its one connection, its statements, and how a statement is bound,
 * run and read. Included by store*.c only.
 *
 * Calling sequence: query_start(), query_int() and the like for each parameter in order, then
 * query_run() for a statement without rows; or query_row() until it is not 1, reading each
 * column in order with read_*(), then query_end().
 */
#ifndef ENGINE_STORE_QUERY_H
#define ENGINE_STORE_QUERY_H

#include <sqlite3.h>

#include "engine/store.h"
#include "engine/store_reserve.h"
#include "engine/store_sql.h"

#define STORE_BUSY_MS 5000 /* how long an operator's write is waited for */

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[SQL_STATEMENTS];
	bool durable;      /* what PRAGMA synchronous was set to last */
	int failed;        /* the error that spoiled this transaction, or 0 */
	int code;          /* SQLite's code of it */
	int wal_frames;    /* in the log at the last commit */
	int64_t log_bytes; /* of the log's file, as far as is known */
	bool wal_used;     /* something was written since the log was emptied */
	bool grows;        /* this transaction keeps new bytes */
	struct reserve reserve;
	char error[256];
};

/* Notes SQLite's code, spoils the transaction, and returns it as -errno. SQLITE_OK: 0. */
int store_failed(struct store *store, int code);
/* Runs a text without rows or parameters. */
int store_exec(struct store *store, const char *sql);

/* The first number a text answers with, for what is asked once. */
int store_scalar(struct store *store, const char *sql, int64_t *value);

/* Version 0, an empty file, or an older one, becomes STORE_VERSION. */
int store_upgrade(struct store *store, int64_t version, uint64_t seed);

struct query {
	struct store *store;
	sqlite3_stmt *statement;
	int parameter, column; /* bound, read last */
	int code;              /* the first that binding gave */
};

struct query query_start(struct store *store, enum sql_statement statement);
void query_int(struct query *query, int64_t value);
void query_text(struct query *query, const char *value); /* NULL: NULL. Not copied. */
void query_blob(struct query *query, const void *bytes, size_t size); /* not copied */
/* Returns 1: a row, 0: no more, or -errno. */
int query_row(struct query *query);
void query_end(struct query *query);
/* Row and end, for statements without rows. Returns 0 or -errno. */
int query_run(struct query *query);

int64_t read_int(struct query *query);
/* "" for NULL; valid until the next row. */
const char *read_text(struct query *query);
/* A malloc'ed copy, NULL for NULL. Returns 0 or -ENOMEM, which spoils the transaction. */
int read_text_copy(struct query *query, char **text);
int read_blob_copy(struct query *query, void **bytes, size_t *size);

#endif
