/*
 * The table at the top of engine/store.h, line by line: each test has the name of its line, and a
 * line without a test is a failure. What a power cut leaves is what was synced.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/store_query.h"
#include "tests/fault/scenario.h"

struct table {
	struct disk *disk, *after;
	struct scenario it;
	uint64_t random;
};

static void
start(struct table *table)
{
	*table = (struct table){ .disk = disk_new("disk"), .after = disk_new("after") };
	table->it = (struct scenario){ .disk = table->disk, .now_ms = SCENARIO_START_MS };
	assert_int_equal(scenario_open(&table->it), 0);
}

static void
finish(struct table *table)
{
	if (table->it.engine)
		assert_null(scenario_wrong(table->it.engine));
	scenario_close(&table->it);
	disk_free(table->disk);
	disk_free(table->after);
}

/* The machine goes down like this, and comes up again. */
static void
crash(struct table *table, enum disk_crash how)
{
	disk_image(table->disk, table->after, how, &table->random);
	scenario_close(&table->it);
	disk_image(table->after, table->disk, DISK_KILLED, &table->random);
	assert_int_equal(scenario_open(&table->it), 0);
}

static void
recover(struct table *table)
{
	table->it.now_ms += 5000;
	assert_int_equal(engine_recover(table->it.engine, table->it.now_ms, NULL, NULL), 0);
}

static void
begin(struct table *table, bool durable)
{
	assert_int_equal(engine_begin(table->it.engine, durable), 0);
}

static void
commit(struct table *table)
{
	assert_int_equal(engine_commit(table->it.engine), 0);
}

static int64_t
put(struct table *table, int64_t draft, const char *body)
{
	struct job_new new = { .queue_id = table->it.standard,
		.draft_id = draft,
		.body = body,
		.size = strlen(body),
		.name = "n" };
	int64_t id = 0;
	begin(table, true);
	int rc = draft ? engine_stage(
				 table->it.engine, &new, table->it.now_ms, &table->it.problem)
		       : engine_enqueue(table->it.engine, &new, table->it.now_ms,
				 &table->it.problem, &id);
	assert_int_equal(rc, 0);
	commit(table);
	return id;
}

static int64_t
claim(struct table *table, bool durable)
{
	struct job job;
	bool again;
	begin(table, durable);
	assert_int_equal(engine_claim(table->it.engine, table->it.standard, "w",
				 table->it.now_ms, &job, &again),
		0);
	commit(table);
	int64_t id = job.id;
	job_release(&job);
	return id;
}

static void
end(struct table *table, enum verdict verdict, bool durable)
{
	begin(table, durable);
	assert_int_equal(engine_verdict(table->it.engine, table->it.standard, "w", 0, verdict,
				 NULL, table->it.now_ms),
		0);
	commit(table);
}

static int64_t
count(struct table *table, enum job_state state)
{
	return engine_count(table->it.engine, table->it.standard, state);
}

static void
expect_payload(struct table *table, int64_t id, const char *expected)
{
	void *body;
	size_t size;
	assert_int_equal(engine_payload(table->it.engine, id, &body, &size), 0);
	assert_string_equal(body, expected);
	free(body);
}

static int64_t
named(struct table *table, int64_t queue, enum job_state state)
{
	struct job job;
	int rc = engine_name_find(table->it.engine, queue, "n", &job);
	if (rc == -ENOENT)
		return 0;
	assert_int_equal(rc, 0);
	assert_int_equal(job.state, state);
	int64_t id = job.id;
	job_release(&job);
	return id;
}

static void
sql(const char *text)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open_v2(STORE_NAME, &db, SQLITE_OPEN_READWRITE, "disk"), 0);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* It is refused, and not a byte is written. */
static void
expect_refusal(struct table *table, int expected)
{
	table->disk->calls = 0;
	table->disk->fail_calls = DISK_WRITE | DISK_TRUNCATE;
	table->disk->fail_after = 0;
	assert_int_equal(scenario_open(&table->it), expected);
	assert_non_null(strstr(table->it.problem.text, STORE_NAME));
	assert_false(table->disk->failed);
}

/* ---- the lines ---- */

static void
test_no_file(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	scenario_close(&table.it);
	disk_clear(table.disk);
	assert_int_equal(scenario_open(&table.it), 0);
	assert_int_equal(count(&table, JOB_WAITING), 0);
	scenario_close(&table.it);
	disk_clear(table.disk);
	table.disk->files[0] = (struct disk_file){ .name = STORE_NAME, .there = true };
	assert_int_equal(scenario_open(&table.it), 0);
	(void)put(&table, 0, "x");
	finish(&table);
}

static void
test_empty_file_with_a_log(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	(void)put(&table, 0, "x");
	disk_image(table.disk, table.after, DISK_KILLED, &table.random);
	scenario_close(&table.it);
	disk_image(table.after, table.disk, DISK_KILLED, &table.random);
	table.disk->files[0].now.size = 0;
	assert_string_equal(table.disk->files[0].name, STORE_NAME);
	expect_refusal(&table, -EBADMSG);
	finish(&table);
}

static void
test_only_a_header(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	scenario_close(&table.it);
	disk_clear(table.disk);
	sqlite3 *db;
	assert_int_equal(sqlite3_open_v2(STORE_NAME, &db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "disk"),
		0);
	assert_int_equal(
		sqlite3_exec(db, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL",
			NULL, NULL, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(table.disk->files[0].now.size, 4096);
	assert_int_equal(scenario_open(&table.it), 0);
	(void)put(&table, 0, "x");
	finish(&table);
}

static void
test_not_ours(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	scenario_close(&table.it);
	sql("PRAGMA application_id = 7");
	expect_refusal(&table, -EBADMSG);
	disk_no_faults(table.disk);
	memset(table.disk->files[0].now.at, 'x', 4096);
	expect_refusal(&table, -EBADMSG);
	finish(&table);
}

static void
test_damaged(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	scenario_close(&table.it);
	sql("DROP TABLE failure");
	expect_refusal(&table, -EBADMSG);
	finish(&table);
	start(&table);
	scenario_close(&table.it);
	memset(table.disk->files[0].now.at + 3 * 4096, 0x5a, 4096);
	expect_refusal(&table, -EBADMSG);
	finish(&table);
}

static void
test_newer_schema(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	scenario_close(&table.it);
	sql("PRAGMA user_version = 1000");
	expect_refusal(&table, -EPROTONOSUPPORT);
	finish(&table);
}

static void
test_older_schema(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	scenario_close(&table.it);
	sql("DROP VIEW rejected; DROP INDEX job_rejected;"
	    "ALTER TABLE job DROP COLUMN wpid; ALTER TABLE job DROP COLUMN wstart;"
	    "ALTER TABLE job DROP COLUMN part;"
	    "ALTER TABLE queue DROP COLUMN rejected; ALTER TABLE queue DROP COLUMN rejected_at;"
	    "ALTER TABLE queue DROP COLUMN paused; ALTER TABLE queue DROP COLUMN paused_uid;"
	    "ALTER TABLE queue DROP COLUMN paused_pid;"
	    "ALTER TABLE queue DROP COLUMN paused_reason; PRAGMA user_version = 1");
	assert_int_equal(scenario_open(&table.it), 0);
	assert_null(scenario_wrong(table.it.engine));
	finish(&table);
}

static void
test_draft(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	struct job_new new = { .queue_id = table.it.standard,
		.draft_id = 1,
		.body = "x",
		.size = 1,
		.name = "n" };
	begin(&table, true);
	assert_int_equal(
		engine_stage(table.it.engine, &new, table.it.now_ms, &table.it.problem), 0);
	crash(&table, DISK_KILLED); /* before the commit */
	recover(&table);
	assert_int_equal(count(&table, JOB_WAITING) + count(&table, JOB_STAGED), 0);
	finish(&table);
}

static void
test_staged(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	(void)put(&table, 1, "staged");
	crash(&table, DISK_LOST);
	assert_int_equal(count(&table, JOB_STAGED), 1);
	recover(&table);
	assert_int_equal(count(&table, JOB_STAGED), 0);
	expect_payload(&table, named(&table, table.it.standard, JOB_WAITING), "staged");
	finish(&table);
}

static bool
is_open(void *context, int64_t draft_id)
{
	(void)context;
	return draft_id == 1;
}

static void
test_staged_and_open(void **state)
{
	(void)state;
	struct table table;
	int64_t id;
	start(&table);
	(void)put(&table, 1, "staged");
	crash(&table, DISK_LOST);
	assert_int_equal(engine_recover(table.it.engine, table.it.now_ms, is_open, NULL), 0);
	assert_int_equal(count(&table, JOB_STAGED), 1);
	begin(&table, true);
	assert_int_equal(engine_publish(table.it.engine, 1, "n", table.it.now_ms, &id), 0);
	commit(&table);
	expect_payload(&table, id, "staged");
	(void)put(&table, 1, "old");
	crash(&table, DISK_LOST);
	assert_int_equal(engine_recover(table.it.engine, table.it.now_ms, is_open, NULL), 0);
	(void)put(&table, 1, "new");
	recover(&table);
	expect_payload(&table, named(&table, table.it.standard, JOB_WAITING), "new");
	finish(&table);
}

static void
test_staged_anew(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	(void)put(&table, 1, "old");
	(void)put(&table, 1, "new");
	crash(&table, DISK_LOST);
	recover(&table);
	assert_int_equal(count(&table, JOB_WAITING), 1);
	expect_payload(&table, named(&table, table.it.standard, JOB_WAITING), "new");
	finish(&table);
}

static void
in_part(struct table *table, int64_t draft, const char *name, const char *body)
{
	struct job_new new = { .queue_id = table->it.fifo,
		.draft_id = draft,
		.body = body,
		.size = strlen(body),
		.name = name,
		.partial = true };
	assert_int_equal(
		engine_stage(table->it.engine, &new, table->it.now_ms, &table->it.problem), 0);
}

static int64_t
rejected(struct table *table, int64_t queue, const char *name)
{
	struct job job;
	int rc = engine_rejected_find(table->it.engine, queue, name, &job);
	if (rc == -ENOENT)
		return 0;
	assert_int_equal(rc, 0);
	int64_t id = job.id;
	job_release(&job);
	return id;
}

/* The whole of a line, and what is no line yet. */
static void
test_staged_in_part(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	begin(&table, true);
	in_part(&table, 1, "n", "{\"g\":1}");
	in_part(&table, 2, "half", "{\"g\":");
	commit(&table);
	crash(&table, DISK_LOST);
	recover(&table);
	expect_payload(&table, named(&table, table.it.fifo, JOB_WAITING), "{\"g\":1}");
	expect_payload(&table, rejected(&table, table.it.fifo, "half"), "{\"g\":");
	assert_int_equal(engine_count(table.it.engine, table.it.fifo, JOB_STAGED), 0);
	finish(&table);
}

static int64_t
reject(struct table *table, int64_t draft, bool durable)
{
	struct job_new new = { .queue_id = table->it.standard,
		.draft_id = draft,
		.body = "cut",
		.size = 3,
		.name = "n" };
	int64_t id;
	begin(table, durable);
	assert_int_equal(
		engine_reject(table->it.engine, &new, "failed", table->it.now_ms, &id), 0);
	commit(table);
	return id;
}

static void
reason_seen(void *context, const struct job_failure *failure)
{
	int *reasons = context;
	*reasons += strcmp(failure->reason, "failed") == 0;
}

static void
test_rejected(void **state)
{
	(void)state;
	for (int staged = 0; staged < 2; staged++) {
		struct table table;
		int reasons = 0;
		start(&table);
		if (staged)
			(void)put(&table, 1, "all of it");
		int64_t id = reject(&table, staged, true);
		crash(&table, DISK_LOST);
		recover(&table);
		assert_int_equal(rejected(&table, table.it.standard, "n"), id);
		expect_payload(&table, id, "cut");
		assert_int_equal(
			engine_failures(table.it.engine, id, reason_seen, &reasons), 0);
		assert_int_equal(reasons, 1);
		assert_int_equal(count(&table, JOB_REJECTED), 1);
		assert_int_equal(named(&table, table.it.standard, JOB_WAITING), 0);
		finish(&table);
	}
}

static void
test_rejected_but_lost(void **state)
{
	(void)state;
	for (int staged = 0; staged < 2; staged++) {
		struct table table;
		start(&table);
		if (staged)
			(void)put(&table, 1, "all of it");
		int64_t id = reject(&table, staged, false);
		crash(&table, DISK_LOST);
		recover(&table);
		assert_int_equal(count(&table, JOB_REJECTED), 0);
		assert_int_equal(
			named(&table, table.it.standard, JOB_WAITING), staged ? id : 0);
		if (staged)
			expect_payload(&table, id, "all of it");
		finish(&table);
	}
}

static void
test_published_but_lost(void **state)
{
	(void)state;
	struct table table;
	struct job before, after;
	int64_t id;
	start(&table);
	(void)put(&table, 1, "x");
	begin(&table, false);
	assert_int_equal(engine_publish(table.it.engine, 1, "n", table.it.now_ms, &id), 0);
	commit(&table);
	assert_int_equal(engine_job(table.it.engine, id, &before), 0);
	crash(&table, DISK_LOST);
	assert_int_equal(count(&table, JOB_STAGED), 1);
	recover(&table);
	assert_int_equal(engine_job(table.it.engine, id, &after), 0);
	assert_int_equal(after.state, JOB_WAITING);
	assert_string_equal(after.receipt, before.receipt);
	finish(&table);
}

static void
test_published(void **state)
{
	(void)state;
	struct table table;
	int64_t id;
	start(&table);
	(void)put(&table, 1, "x");
	begin(&table, true);
	assert_int_equal(engine_publish(table.it.engine, 1, "n", table.it.now_ms, &id), 0);
	commit(&table);
	crash(&table, DISK_LOST);
	assert_int_equal(named(&table, table.it.standard, JOB_WAITING), id);
	struct job_new new = { .queue_id = table.it.standard,
		.body = "later",
		.size = 5,
		.name = "n",
		.due_ms = SCENARIO_START_MS + 9000 };
	begin(&table, true);
	assert_int_equal(
		engine_enqueue(table.it.engine, &new, table.it.now_ms, &table.it.problem, &id),
		0);
	commit(&table);
	crash(&table, DISK_LOST);
	assert_int_equal(named(&table, table.it.standard, JOB_BACKOFF), id);
	finish(&table);
}

static void
test_claimed(void **state)
{
	(void)state;
	struct table table;
	struct job job;
	start(&table);
	(void)put(&table, 0, "x");
	int64_t id = claim(&table, true);
	crash(&table, DISK_LOST);
	recover(&table);
	assert_int_equal(engine_worker_find(table.it.engine, table.it.standard, "w", &job), 0);
	assert_int_equal(job.id, id);
	assert_int_equal(job.deadline_ms, SCENARIO_START_MS + 60000);
	finish(&table);
}

static void
test_claimed_by_a_process(void **state)
{
	(void)state;
	static const struct claimant first = { 100, 5 }, other = { 100, 6 };
	struct table table;
	struct job job;
	bool again;
	start(&table);
	int64_t id = put(&table, 0, "x");
	begin(&table, true);
	assert_int_equal(engine_claim_by(table.it.engine, table.it.standard, "100", &first,
				 table.it.now_ms, &job, &again),
		0);
	commit(&table);
	crash(&table, DISK_LOST);
	recover(&table);
	begin(&table, true);
	assert_int_equal(engine_claim_by(table.it.engine, table.it.standard, "100", &other,
				 table.it.now_ms, &job, &again),
		-EBUSY);
	assert_int_equal(engine_claim_by(table.it.engine, table.it.standard, "100", &first,
				 table.it.now_ms, &job, &again),
		0);
	assert_true(again && job.id == id);
	commit(&table);
	finish(&table);
}

static void
test_claimed_but_lost(void **state)
{
	(void)state;
	struct table table;
	struct job job;
	start(&table);
	int64_t id = put(&table, 0, "x");
	(void)claim(&table, false);
	crash(&table, DISK_LOST);
	assert_int_equal(engine_job(table.it.engine, id, &job), 0);
	assert_int_equal(job.state, JOB_WAITING);
	assert_int_equal(job.failures, 0);
	assert_int_equal(claim(&table, false), id);
	finish(&table);
}

static void
test_heartbeat_but_lost(void **state)
{
	(void)state;
	struct table table;
	struct job job;
	start(&table);
	(void)put(&table, 0, "x");
	int64_t id = claim(&table, true);
	begin(&table, false);
	assert_int_equal(engine_extend(table.it.engine, id, 0, table.it.now_ms + 30000), 0);
	commit(&table);
	crash(&table, DISK_LOST);
	assert_int_equal(engine_job(table.it.engine, id, &job), 0);
	assert_int_equal(job.deadline_ms, SCENARIO_START_MS + 60000);
	finish(&table);
}

static void
test_verdict(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	int64_t id = put(&table, 0, "x");
	(void)claim(&table, false);
	end(&table, VERDICT_DONE, true);
	crash(&table, DISK_LOST);
	recover(&table);
	assert_int_equal(named(&table, table.it.standard, JOB_DONE), id);
	assert_null(scenario_work_off(&table.it)); /* counts what is given out: nothing */
	finish(&table);
}

static void
test_verdict_but_lost(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	int64_t id = put(&table, 0, "x");
	(void)claim(&table, true);
	end(&table, VERDICT_DONE, false);
	crash(&table, DISK_LOST);
	assert_int_equal(named(&table, table.it.standard, JOB_RUNNING), id);
	finish(&table);
}

static void
test_failed(void **state)
{
	(void)state;
	struct table table;
	int reasons = 0;
	start(&table);
	int64_t id = put(&table, 0, "x"), next_ms;
	(void)claim(&table, false);
	end(&table, VERDICT_RETRY, true);
	crash(&table, DISK_LOST);
	assert_int_equal(named(&table, table.it.standard, JOB_BACKOFF), id);
	begin(&table, true);
	assert_int_equal(engine_tick(table.it.engine, table.it.now_ms + 1000, &next_ms), 0);
	commit(&table);
	(void)claim(&table, false);
	end(&table, VERDICT_RETRY, true);
	crash(&table, DISK_LOST);
	assert_int_equal(named(&table, table.it.standard, JOB_DEAD), id);
	assert_int_equal(engine_failures(table.it.engine, id, reason_seen, &reasons), 0);
	assert_int_equal(reasons, 2);
	finish(&table);
}

static void
test_done_and_named(void **state)
{
	(void)state;
	struct table table;
	int64_t next_ms;
	start(&table);
	int64_t id = put(&table, 0, "x");
	(void)claim(&table, false);
	end(&table, VERDICT_DONE, true);
	crash(&table, DISK_LOST);
	for (int64_t ms = 59999; ms <= 60000; ms++) {
		begin(&table, true);
		assert_int_equal(
			engine_tick(table.it.engine, SCENARIO_START_MS + ms, &next_ms), 0);
		commit(&table);
		assert_int_equal(
			named(&table, table.it.standard, JOB_DONE), ms < 60000 ? id : 0);
	}
	finish(&table);
}

static void
test_moved(void **state)
{
	(void)state;
	for (int durable = 0; durable < 2; durable++) {
		struct table table;
		start(&table);
		int64_t id = put(&table, 0, "x");
		begin(&table, durable);
		assert_int_equal(engine_move(table.it.engine, id, table.it.third,
					 table.it.now_ms, &table.it.problem),
			0);
		commit(&table);
		crash(&table, DISK_LOST);
		assert_int_equal(named(&table, table.it.third, JOB_WAITING), durable ? id : 0);
		assert_int_equal(
			named(&table, table.it.standard, JOB_WAITING), durable ? 0 : id);
		finish(&table);
	}
}

static void
test_paused(void **state)
{
	(void)state;
	for (int durable = 0; durable < 2; durable++) {
		struct table table;
		struct queue_pause pause = { .since_ms = 7, .uid = 8, .reason = "why" };
		start(&table);
		(void)put(&table, 0, "x");
		begin(&table, durable);
		assert_int_equal(engine_pause(table.it.engine, table.it.standard, &pause), 0);
		commit(&table);
		crash(&table, DISK_LOST);
		const struct queue_pause *found =
			engine_paused(table.it.engine, table.it.standard);
		assert_int_equal(found->since_ms, durable ? 7 : 0);
		assert_int_equal(found->uid, durable ? 8 : 0);
		assert_string_equal(found->reason, durable ? "why" : "");
		finish(&table);
	}
}

static void
test_tallies(void **state)
{
	(void)state;
	struct table table;
	start(&table);
	(void)put(&table, 0, "x");
	(void)put(&table, 1, "y");
	(void)claim(&table, false);
	crash(&table, DISK_TORN);
	assert_null(scenario_wrong(table.it.engine)); /* counts the rows */
	assert_int_equal(count(&table, JOB_STAGED), 1);
	assert_int_equal(count(&table, JOB_WAITING) + count(&table, JOB_RUNNING), 1);
	finish(&table);
}

static void
test_numbers(void **state)
{
	(void)state;
	struct table table;
	int64_t last = 0, last_pos = 0;
	start(&table);
	for (int i = 0; i < 6; i++) {
		struct job job;
		int64_t id = put(&table, 0, "x");
		assert_true(id > last);
		last = id;
		assert_int_equal(engine_job(table.it.engine, id, &job), 0);
		assert_true(job.pos > last_pos);
		last_pos = job.pos;
		job_release(&job);
		crash(&table, (enum disk_crash)(i % DISK_CRASHES));
	}
	finish(&table);
}

static void
test_notes(void **state)
{
	(void)state;
	for (int durable = 0; durable < 2; durable++) {
		struct table table;
		void *bytes = NULL;
		size_t size;
		start(&table);
		int64_t id = put(&table, 0, "x");
		begin(&table, durable);
		assert_int_equal(engine_note_set(table.it.engine, "k", "v", 1), 0);
		assert_int_equal(engine_bury(table.it.engine, id, NULL, table.it.now_ms), 0);
		commit(&table);
		crash(&table, DISK_LOST);
		assert_int_equal(engine_note_get(table.it.engine, "k", &bytes, &size),
			durable ? 0 : -ENOENT);
		assert_int_equal(count(&table, JOB_DEAD), durable);
		free(bytes);
		finish(&table);
	}
}

/* ---- all lines ---- */

static void test_every_line(void **state);

static const struct CMUnitTest tests[] = {
	{ "every line of the table", test_every_line, NULL, NULL, NULL },
	{ "no file; a file of 0 bytes", test_no_file, NULL, NULL, NULL },
	{ "0 bytes, but a -wal with content", test_empty_file_with_a_log, NULL, NULL, NULL },
	{ "a header, no table, no id", test_only_a_header, NULL, NULL, NULL },
	{ "not SQLite, another program's", test_not_ours, NULL, NULL, NULL },
	{ "tables missing, pages broken", test_damaged, NULL, NULL, NULL },
	{ "a newer schema", test_newer_schema, NULL, NULL, NULL },
	{ "an older schema", test_older_schema, NULL, NULL, NULL },
	{ "draft: nothing here", test_draft, NULL, NULL, NULL },
	{ "staged", test_staged, NULL, NULL, NULL },
	{ "staged, its draft is still open", test_staged_and_open, NULL, NULL, NULL },
	{ "staged anew", test_staged_anew, NULL, NULL, NULL },
	{ "staged in part", test_staged_in_part, NULL, NULL, NULL },
	{ "rejected", test_rejected, NULL, NULL, NULL },
	{ "rejected, the commit lost", test_rejected_but_lost, NULL, NULL, NULL },
	{ "published, the commit lost", test_published_but_lost, NULL, NULL, NULL },
	{ "published", test_published, NULL, NULL, NULL },
	{ "claimed", test_claimed, NULL, NULL, NULL },
	{ "claimed by a process", test_claimed_by_a_process, NULL, NULL, NULL },
	{ "claimed, the commit lost", test_claimed_but_lost, NULL, NULL, NULL },
	{ "heartbeat, the commit lost", test_heartbeat_but_lost, NULL, NULL, NULL },
	{ "verdict", test_verdict, NULL, NULL, NULL },
	{ "verdict, the commit lost", test_verdict_but_lost, NULL, NULL, NULL },
	{ "failed", test_failed, NULL, NULL, NULL },
	{ "done, kept for its name", test_done_and_named, NULL, NULL, NULL },
	{ "moved", test_moved, NULL, NULL, NULL },
	{ "paused", test_paused, NULL, NULL, NULL },
	{ "a queue's tallies", test_tallies, NULL, NULL, NULL },
	{ "numbers (ids, order)", test_numbers, NULL, NULL, NULL },
	{ "notes", test_notes, NULL, NULL, NULL },
};

static bool
is_tested(const char *line)
{
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		if (strcmp(tests[i].name, line) == 0)
			return true;
	return false;
}

/* A line begins in the table's first column, which ends with two spaces; what goes on below it is
 * further to the right. */
static void
test_every_line(void **state)
{
	(void)state;
	static const char column[] = " *   ";
	char text[200];
	size_t lines = 0;
	bool inside = false;
	FILE *file = fopen("engine/store.h", "r");
	assert_non_null(file);
	while (fgets(text, sizeof text, file) && (!inside || strcmp(text, " */\n") != 0)) {
		char *line = text + strlen(column);
		if (strstr(text, "-----"))
			inside = true;
		else if (inside && strncmp(text, column, strlen(column)) == 0 && *line != ' ') {
			char *end = strstr(line, "  ");
			assert_non_null(end);
			*end = '\0';
			if (!is_tested(line))
				fail_msg("\"%s\" has no test", line);
			lines++;
		}
	}
	(void)fclose(file); /* it was only read */
	assert_int_equal(lines, sizeof tests / sizeof *tests - 1);
}

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
