/*
 * SQLite's floor: one connection, a table of jobs with one index, WAL, and synchronous FULL for
 * what spoolfs acknowledges as durable. Prints the line of measure.h; the times are a batch's.
 *
 * usage: sqlite FILE BATCH JOBS enqueue|claim
 *   enqueue   inserts, BATCH in a transaction
 *   claim     BATCH claims in a transaction (NORMAL), then their deletion in another (FULL)
 *
 * `claim` wants the jobs of an `enqueue` of the same FILE.
 */
#include <sqlite3.h>

#include "tests/bench/measure.h"

#define BATCH_MAX 1024

struct database {
	sqlite3 *db;
	sqlite3_stmt *insert, *claim, *finish;
	sqlite3_int64 claimed[BATCH_MAX];
};

typedef void batch_fn(struct database *database, size_t jobs);

static void
sql_check(const struct database *database, int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: sqlite: %s: %s\n", what, sqlite3_errmsg(database->db));
	exit(1);
}

static void
sql(const struct database *database, const char *text)
{
	int rc = sqlite3_exec(database->db, text, NULL, NULL, NULL);

	sql_check(database, rc == SQLITE_OK, text);
}

static sqlite3_stmt *
sql_prepare(const struct database *database, const char *text)
{
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v3(
		database->db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);

	sql_check(database, rc == SQLITE_OK, text);
	return statement;
}

static void
sql_run(const struct database *database, sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);

	sql_check(database, rc == SQLITE_DONE, "step");
	sqlite3_reset(statement);
}

static void
database_open(struct database *database, const char *path)
{
	sql_check(database, sqlite3_open(path, &database->db) == SQLITE_OK, path);
	sql(database,
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, queue INTEGER,"
		"  state INTEGER, due INTEGER, body BLOB);"
		"CREATE INDEX IF NOT EXISTS claimable ON job (queue, due, id) WHERE state = 0");
	database->insert = sql_prepare(
		database, "INSERT INTO job (queue, state, due, body) VALUES (1, 0, 1, ?1)");
	database->claim = sql_prepare(database,
		"UPDATE job SET state = 1 WHERE id = (SELECT id FROM job"
		"  WHERE queue = 1 AND state = 0 AND due <= 2 ORDER BY due, id LIMIT 1)"
		"RETURNING id, body");
	database->finish = sql_prepare(database, "DELETE FROM job WHERE id = ?1");
}

static void
database_close(struct database *database)
{
	sqlite3_finalize(database->insert);
	sqlite3_finalize(database->claim);
	sqlite3_finalize(database->finish);
	sqlite3_close(database->db);
}

static void
enqueue(struct database *database, size_t jobs)
{
	sql(database, "BEGIN IMMEDIATE");
	for (size_t i = 0; i < jobs; i++) {
		sqlite3_bind_blob(database->insert, 1, payload(), PAYLOAD_SIZE, SQLITE_STATIC);
		sql_run(database, database->insert);
	}
	sql(database, "COMMIT");
}

static void
claim(struct database *database, size_t jobs)
{
	sql(database, "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE");
	for (size_t i = 0; i < jobs; i++) {
		int rc = sqlite3_step(database->claim);

		sql_check(database, rc == SQLITE_ROW, "no job to claim");
		database->claimed[i] = sqlite3_column_int64(database->claim, 0);
		sql_run(database, database->claim);
	}
	sql(database, "COMMIT");
}

static void
finish(struct database *database, size_t jobs)
{
	sql(database, "PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
	for (size_t i = 0; i < jobs; i++) {
		sqlite3_bind_int64(database->finish, 1, database->claimed[i]);
		sql_run(database, database->finish);
	}
	sql(database, "COMMIT");
}

static void
claim_and_finish(struct database *database, size_t jobs)
{
	claim(database, jobs);
	finish(database, jobs);
}

static void
measure(struct database *database, batch_fn *fn, size_t batch, size_t batches)
{
	struct samples samples;

	samples_init(&samples, batches);
	uint64_t begin_ns = now_ns();
	for (size_t i = 0; i < batches; i++) {
		uint64_t batch_ns = now_ns();

		fn(database, batch);
		sample_add(&samples, batch_ns);
	}
	samples_print(
		&samples, (double)(batch * batches) * 1e9 / (double)(now_ns() - begin_ns));
	free(samples.ns);
}

int
main(int argc, char **argv)
{
	long batch = argc == 5 ? atol(argv[2]) : 0, jobs = argc == 5 ? atol(argv[3]) : 0;
	struct database database;

	if (batch < 1 || batch > BATCH_MAX || jobs < batch) {
		fputs("usage: sqlite FILE BATCH JOBS enqueue|claim\n", stderr);
		return 64;
	}
	batch_fn *fn = strcmp(argv[4], "claim") == 0 ? claim_and_finish : enqueue;
	database_open(&database, argv[1]);
	measure(&database, fn, (size_t)batch, (size_t)(jobs / batch));
	database_close(&database);
	return 0;
}
