/* The store itself: what is refused at opening, what a crash leaves, what fails and comes back,
 * the plans of all statements, and space. */
#include <fcntl.h>
#include <sys/stat.h>

#include "engine/store_query.h"
#include "tests/store/harness.h"

/* ---- refused at opening ---- */

/* Runs SQL on the store's file with another connection. */
static void
sql(const char *path, const char *text)
{
	sqlite3 *db;
	char *error = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", text, error);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
expect_refusal(struct world *world, int rc, const char *words)
{
	struct engine *engine = NULL;
	assert_int_equal(engine_open(world->path, NULL, 1, &world->problem, &engine), rc);
	assert_null(engine);
	if (!strstr(world->problem.text, words) || !strstr(world->problem.text, world->path))
		fail_msg("\"%s\" lacks \"%s\" or the path", world->problem.text, words);
}

/* A store that was closed, with some jobs in it. */
static void
closed_init(struct world *world)
{
	world_init(world, STANDARD());
	for (int i = 0; i < 200; i++)
		(void)enqueue_named(world, "some payload or other", i % 2 ? "" : "name");
	engine_close(world->engine);
	world->engine = NULL;
}

static void
write_at(const char *path, long offset, const char *byte, size_t count)
{
	FILE *file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_not_equal(fputc(*byte, file), EOF);
	assert_int_equal(fclose(file), 0);
}

static long
size_of(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

/* Page by page: overwritten, it is refused, and the file is left as it was. */
/* The bytes of its pages; the file may have room for more. */
static long
pages_size_of(const char *path)
{
	unsigned char count[4];
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fseek(file, 28, SEEK_SET), 0);
	assert_int_equal(fread(count, 1, sizeof count, file), sizeof count);
	assert_int_equal(fclose(file), 0);
	return ((long)count[2] << 8 | count[3]) * 4096;
}

static void
test_overwritten_pages(void **state)
{
	(void)state;
	struct world world;
	closed_init(&world);
	long size = pages_size_of(world.path);
	char command[400];
	(void)snprintf(command, sizeof command, "cp '%s' '%s/good'", world.path, world.folder);
	assert_int_equal(system(command), 0);
	for (long page = 0; page < size / 4096; page++) {
		/* The second is auto_vacuum's map of pages. */
		write_at(world.path, page * 4096, page == 1 ? "\xff" : "\x5a", 4096);
		expect_refusal(&world, -EBADMSG, "is damaged");
		(void)snprintf(
			command, sizeof command, "cp '%s/good' '%s'", world.folder, world.path);
		assert_int_equal(system(command), 0);
	}
	world_open(&world);
	world_release(&world);
}

static void
test_truncated(void **state)
{
	(void)state;
	struct world world;
	closed_init(&world);
	long size = pages_size_of(world.path);
	for (long length = size - 4096; length >= 4096; length -= 4096) {
		assert_int_equal(truncate(world.path, length), 0);
		expect_refusal(&world, -EBADMSG, "is damaged");
	}
	assert_int_equal(truncate(world.path, 77), 0);
	expect_refusal(&world, -EBADMSG, "is damaged");
	world_release(&world);
}

static void
test_garbage(void **state)
{
	(void)state;
	struct world world;
	closed_init(&world);
	write_at(world.path, 0, "x", 4096);
	expect_refusal(&world, -EBADMSG, "no store of spoolfs");
	world_release(&world);
}

static void
test_another_programs_file(void **state)
{
	(void)state;
	struct world world;
	closed_init(&world);
	assert_int_equal(unlink(world.path), 0);
	sql(world.path, "CREATE TABLE theirs(x); INSERT INTO theirs VALUES(1)");
	expect_refusal(&world, -EBADMSG, "belongs to another program");
	sql(world.path, "SELECT x FROM theirs; PRAGMA application_id = 7; DROP TABLE theirs");
	expect_refusal(&world, -EBADMSG, "belongs to another program");
	world_release(&world);
}

static void
test_newer_store(void **state)
{
	(void)state;
	struct world world;
	closed_init(&world);
	sql(world.path, "PRAGMA user_version = 3");
	expect_refusal(&world, -EPROTONOSUPPORT, "newer");
	sql(world.path, "PRAGMA user_version = 0");
	expect_refusal(&world, -EBADMSG, "no version");
	sql(world.path, "PRAGMA user_version = 2");
	world_open(&world);
	world_release(&world);
}

/* A store of version 1 has what came later taken away. */
static void
test_older_store(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	bool again;
	world_init(&world, STANDARD());
	int64_t id = enqueue(&world, "hello");
	engine_close(world.engine);
	sql(world.path, "DROP VIEW rejected; DROP INDEX job_rejected;"
			"ALTER TABLE job DROP COLUMN wpid; ALTER TABLE job DROP COLUMN wstart;"
			"ALTER TABLE job DROP COLUMN part;"
			"ALTER TABLE queue DROP COLUMN rejected;"
			"ALTER TABLE queue DROP COLUMN rejected_at;"
			"ALTER TABLE queue DROP COLUMN paused; ALTER TABLE queue DROP COLUMN "
			"paused_uid;"
			"ALTER TABLE queue DROP COLUMN paused_pid;"
			"ALTER TABLE queue DROP COLUMN paused_reason; PRAGMA user_version = 1");
	world_open(&world);
	world_define(&world, STANDARD());
	begin(&world);
	assert_int_equal(
		engine_claim(world.engine, world.queue, "w", world.now_ms, &job, &again), 0);
	assert_int_equal(job.id, id);
	job_release(&job);
	assert_int_equal(end(&world, 0), 0);
	world_release(&world);
}

static void
test_missing_parts(void **state)
{
	(void)state;
	static const char *const losses[] = { "DROP INDEX job_due", "DROP VIEW waiting",
		"DROP TABLE failure", "DELETE FROM note WHERE key = 'next id'",
		"UPDATE note SET value = -4 WHERE key = 'next pos'", "DELETE FROM note",
		"UPDATE queue SET waiting = -1", "UPDATE queue SET id = 99999",
		"ALTER TABLE job RENAME COLUMN pid TO process" };
	for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
		struct world world;
		closed_init(&world);
		sql(world.path, losses[i]);
		expect_refusal(&world, -EBADMSG, "is damaged");
		world_release(&world);
	}
}

static void
test_empty_file_is_new(void **state)
{
	(void)state;
	struct world world;
	closed_init(&world);
	assert_int_equal(truncate(world.path, 0), 0);
	world_open(&world);
	world_define(&world, STANDARD());
	assert_int_equal(count(&world, JOB_WAITING), 0);
	world_release(&world);
}

/* Only a header, no table: the creation was cut short. */
static void
test_half_created_is_new(void **state)
{
	(void)state;
	struct world world;
	int64_t mode = 0;
	closed_init(&world);
	assert_int_equal(unlink(world.path), 0);
	sql(world.path, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL");
	assert_int_equal(size_of(world.path), 4096);
	world_open(&world);
	assert_int_equal(store_scalar(world.engine->store, "PRAGMA auto_vacuum", &mode), 0);
	assert_int_equal(mode, 2);
	world_release(&world);
}

static void
test_log_without_its_file(void **state)
{
	(void)state;
	struct world world;
	char command[400];
	world_init(&world, STANDARD());
	(void)enqueue(&world, "x");
	(void)snprintf(
		command, sizeof command, "cd '%s' && cp queues.db-wal keep", world.folder);
	assert_int_equal(system(command), 0);
	engine_close(world.engine);
	world.engine = NULL;
	(void)snprintf(command, sizeof command,
		"cd '%s' && : > queues.db && mv keep queues.db-wal", world.folder);
	assert_int_equal(system(command), 0);
	expect_refusal(&world, -EBADMSG, "-wal");
	assert_true(size_of(world.path) == 0);
	world_release(&world);
}

static void
test_no_folder(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, NULL);
	char *name = strrchr(world.path, '/');
	(void)snprintf(name, 32, "/nowhere/queues.db");
	expect_refusal(&world, -EIO, "folder");
	world_release(&world);
}

static void
test_path_too_long(void **state)
{
	(void)state;
	static char path[5000];
	struct engine_problem problem;
	struct engine *engine;
	memset(path, 'x', sizeof path - 1);
	assert_int_equal(engine_open(path, NULL, 1, &problem, &engine), -EIO);
}

static void
test_locked_by_another(void **state)
{
	(void)state;
	struct world world;
	sqlite3 *db;
	world_init(&world, STANDARD());
	assert_int_equal(sqlite3_open(world.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_busy_timeout(world.engine->store->db, 10);
	assert_int_equal(engine_begin(world.engine, true), -EIO);
	assert_string_equal(engine_error(world.engine), "database is locked (code 5)");
	engine_rollback(world.engine);
	assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	(void)enqueue(&world, "x");
	world_release(&world);
}

/* ---- failing and coming back ---- */

static int
fill(struct world *world, int jobs)
{
	static char body[4000];
	struct job_new new = {
		.queue_id = world->queue, .body = body, .size = sizeof body, .name = "n"
	};
	int64_t id;
	int rc = 0;
	for (int i = 0; rc == 0 && i < jobs; i++)
		rc = engine_enqueue(world->engine, &new, world->now_ms, &world->problem, &id);
	return rc;
}

static void
limit_pages(struct world *world, int64_t pages)
{
	char text[64];
	(void)snprintf(text, sizeof text, "PRAGMA max_page_count = %lld", (long long)pages);
	assert_int_equal(store_exec(world->engine->store, text), 0);
}

static void
test_full_disk(void **state)
{
	(void)state;
	struct world world;
	int64_t last = 0;
	world_init(&world, STANDARD());
	int64_t first = enqueue_named(&world, "x", "n");
	int64_t pages = 0;
	assert_int_equal(store_scalar(world.engine->store, "PRAGMA page_count", &pages), 0);
	limit_pages(&world, pages + 20);
	begin(&world);
	assert_int_equal(fill(&world, 1000), -ENOSPC);
	/* Whatever is asked now, nothing of this transaction is ever true. */
	assert_int_equal(fill(&world, 1), -ENOSPC);
	assert_int_equal(engine_commit(world.engine), -ENOSPC);
	engine_rollback(world.engine);
	assert_int_equal(count(&world, JOB_WAITING), 1);
	assert_int_equal(state_of(&world, first), JOB_WAITING);
	assert_non_null(strstr(engine_error(world.engine), "full"));
	limit_pages(&world, 1 << 30);
	last = enqueue(&world, "y");
	assert_true(last > first);
	assert_int_equal(claim_of(&world, "w"), first);
	world_reopen(&world);
	world_define(&world, STANDARD());
	assert_int_equal(count(&world, JOB_WAITING), 1);
	assert_int_equal(count(&world, JOB_RUNNING), 1);
	world_release(&world);
}

/* The whole of memory is as it was: tallies, ticks, limits, names and the life of every job. */
static void
test_rollback_restores_memory(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	bool again;
	int64_t id, next_ms;
	world_init(&world, FIFO(.concurrency = 1));
	id = enqueue_group(&world, "a");
	(void)enqueue_group(&world, "a");
	int64_t changed_ms = engine_changed_ms(world.engine, world.queue, JOB_WAITING);
	world.now_ms += 1000;
	begin(&world);
	assert_int_equal(
		engine_claim(world.engine, world.queue, "w", world.now_ms, &job, &again), 0);
	assert_int_equal(engine_verdict(world.engine, world.queue, "w", 0, VERDICT_RETRY, NULL,
				 world.now_ms),
		0);
	assert_int_equal(engine_tick(world.engine, world.now_ms, &next_ms), 0);
	assert_int_equal(next_ms, world.now_ms + 1000);
	engine_rollback(world.engine);
	job_release(&job);
	assert_int_equal(count(&world, JOB_WAITING), 2);
	assert_int_equal(count(&world, JOB_BACKOFF), 0);
	assert_int_equal(engine_changed_ms(world.engine, world.queue, JOB_WAITING), changed_ms);
	assert_true(pass(&world, 0) == INT64_MAX);
	assert_int_equal(claim_of(&world, "w"), id);
	world_release(&world);
}

static void
test_no_number_twice(void **state)
{
	(void)state;
	struct world world;
	int64_t id, last = 0;
	world_init(&world, STANDARD());
	for (int round = 0; round < 4; round++) {
		id = enqueue(&world, "x");
		assert_true(id > last);
		begin(&world);
		assert_int_equal(fill(&world, 5000), 0);
		if (round % 2)
			engine_rollback(world.engine);
		else
			assert_int_equal(engine_commit(world.engine), 0);
		last = enqueue(&world, "x");
		assert_true(last > id);
		if (round < 2)
			world_crash(&world);
		else
			world_reopen(&world);
		world_define(&world, STANDARD());
	}
	world_release(&world);
}

static void
test_numbers_end(void **state)
{
	(void)state;
	struct world world;
	int64_t id;
	closed_init(&world);
	sql(world.path, "UPDATE note SET value = (1 << 40) - 3 WHERE key = 'next id'");
	world_open(&world);
	world_define(&world, STANDARD());
	id = enqueue(&world, "x");
	assert_int_equal(id, (INT64_C(1) << 40) - 3);
	(void)enqueue(&world, "x");
	begin(&world);
	assert_int_equal(fill(&world, 1), -ENOSPC);
	engine_rollback(world.engine);
	world_release(&world);
}

/* The clock went back: receipts sort by age all the same, also over a restart. */
static void
test_created_never_goes_back(void **state)
{
	(void)state;
	struct world world;
	struct job a, b;
	world_init(&world, STANDARD());
	int64_t first = enqueue(&world, "x");
	assert_int_equal(engine_job(world.engine, first, &a), 0);
	assert_int_equal(operate_on(&world, 'r', first), 0);
	world.now_ms -= 100000;
	world_reopen(&world);
	world_define(&world, STANDARD());
	int64_t second = enqueue(&world, "x");
	assert_int_equal(engine_job(world.engine, second, &b), 0);
	assert_int_equal(b.created_ms, a.created_ms);
	assert_true(strcmp(a.receipt, b.receipt) < 0);
	world_release(&world);
}

static void
test_receipts(void **state)
{
	(void)state;
	struct world world;
	struct job job, found;
	char forged[RECEIPT_SIZE];
	world_init(&world, STANDARD());
	int64_t id = enqueue(&world, "x");
	assert_int_equal(engine_job(world.engine, id, &job), 0);
	world_reopen(&world);
	assert_int_equal(engine_receipt_find(world.engine, job.receipt, &found), 0);
	assert_int_equal(found.id, id);
	job_release(&found);
	receipt_format(&world.engine->key, job.created_ms + 1, id, forged);
	assert_int_equal(engine_receipt_find(world.engine, forged, &found), -ENOENT);
	receipt_format(&world.engine->key, job.created_ms, id + 1, forged);
	assert_int_equal(engine_receipt_find(world.engine, forged, &found), -ENOENT);
	assert_int_equal(engine_receipt_find(world.engine, "nonsense", &found), -ENOENT);
	world_release(&world);
}

/* The lines of store.h's table that a crash of the program leaves. */
static void
test_crash_states(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	world_init(&world, STANDARD(.max_retries = 1));
	int64_t doing = enqueue(&world, "x"), failed = enqueue(&world, "x");
	int64_t named = enqueue_named(&world, "x", "n"), waiting = enqueue(&world, "x");
	assert_int_equal(claim_of(&world, "w"), doing);
	assert_int_equal(claim_of(&world, "v"), failed);
	retry(&world, "v");
	assert_int_equal(claim_of(&world, "v"), named);
	done(&world, "v");
	begin(&world); /* never committed */
	assert_int_equal(engine_verdict(world.engine, world.queue, "w", 0, VERDICT_DONE, NULL,
				 world.now_ms),
		0);
	world_crash(&world);
	world_define(&world, STANDARD(.max_retries = 1));
	assert_int_equal(engine_worker_find(world.engine, world.queue, "w", &job), 0);
	assert_int_equal(job.id, doing);
	assert_int_equal(job.deadline_ms, START_MS + 60000);
	assert_int_equal(state_of(&world, failed), JOB_BACKOFF);
	assert_int_equal(state_of(&world, named), JOB_DONE);
	assert_int_equal(state_of(&world, waiting), JOB_WAITING);
	assert_int_equal(count(&world, JOB_RUNNING), 1);
	assert_int_equal(count(&world, JOB_WAITING), 1);
	assert_int_equal(pass(&world, 0), 1000);
	(void)pass(&world, 60000);
	assert_int_equal(state_of(&world, named), JOB_NONE);
	world_release(&world);
}

struct orphans {
	char text[64];
};

static void
orphan_add(void *context, const char *name, int64_t jobs)
{
	struct orphans *orphans = context;
	size_t length = strlen(orphans->text);
	(void)snprintf(orphans->text + length, sizeof orphans->text - length, "%s:%lld ", name,
		(long long)jobs);
}

static void
test_queue_taken_out(void **state)
{
	(void)state;
	struct world world;
	struct orphans orphans = { "" };
	world_init(&world, FIFO());
	int64_t id = enqueue_group(&world, "a"), running = enqueue_group(&world, "b");
	assert_int_equal(operate_on(&world, 'b', id), 0);
	assert_int_equal(claim_of(&world, "w"), running);
	assert_int_equal(try_stage(&world, 3, "{\"g\":1}"), 0);
	int64_t queue = world.queue;
	world_reopen(&world);
	assert_int_equal(engine_orphans(world.engine, orphan_add, &orphans), 0);
	assert_string_equal(orphans.text, "q:3 ");
	assert_int_equal(engine_recover(world.engine, world.now_ms, NULL, NULL), 0);
	assert_int_equal(claim_of(&world, "v"), 0);
	(void)pass(&world, 100000); /* its worker cannot answer: taken back, not failed */
	assert_int_equal(state_of(&world, running), JOB_WAITING);
	world_define(&world, FIFO());
	assert_int_equal(world.queue, queue);
	assert_int_equal(count(&world, JOB_DEAD), 1);
	assert_int_equal(claim_of(&world, "w"), running);
	orphans.text[0] = '\0';
	assert_int_equal(engine_orphans(world.engine, orphan_add, &orphans), 0);
	assert_string_equal(orphans.text, "");
	world_release(&world);
}

static void
test_notes(void **state)
{
	(void)state;
	struct world world;
	void *bytes;
	size_t size;
	world_init(&world, STANDARD());
	begin(&world);
	assert_int_equal(engine_note_set(world.engine, "paused 1", "why\0not", 7), 0);
	assert_int_equal(engine_commit(world.engine), 0);
	begin(&world);
	assert_int_equal(engine_note_set(world.engine, "paused 1", "lost", 4), 0);
	engine_rollback(world.engine);
	assert_int_equal(engine_note_get(world.engine, "paused 1", &bytes, &size), 0);
	assert_int_equal(size, 7);
	assert_memory_equal(bytes, "why\0not", 8);
	free(bytes);
	begin(&world);
	assert_int_equal(engine_note_set(world.engine, "paused 1", "", 0), 0);
	assert_int_equal(engine_commit(world.engine), 0);
	assert_int_equal(engine_note_get(world.engine, "paused 1", &bytes, &size), -ENOENT);
	assert_int_equal(engine_note_get(world.engine, "next id", &bytes, &size), -ENOENT);
	world_release(&world);
}

/* ---- looking ---- */

static void
test_views(void **state)
{
	(void)state;
	struct world world;
	struct job job;
	char expected[64];
	world_init(&world, STANDARD());
	int64_t id[6];
	for (int i = 0; i < 6; i++)
		id[i] = enqueue(&world, "x");
	assert_int_equal(operate_on(&world, 'b', id[1]), 0);
	assert_int_equal(operate_on(&world, 'b', id[0]), 0);
	assert_int_equal(claim_of(&world, "w"), id[2]);
	retry(&world, "w");
	assert_int_equal(claim_of(&world, "w"), id[3]);
	(void)snprintf(
		expected, sizeof expected, "%lld %lld", (long long)id[1], (long long)id[0]);
	assert_string_equal(view_text(&world, VIEW_DEAD), expected);
	(void)snprintf(
		expected, sizeof expected, "%lld %lld", (long long)id[4], (long long)id[5]);
	assert_string_equal(view_text(&world, VIEW_WAITING), expected);
	(void)snprintf(expected, sizeof expected, "%lld", (long long)id[2]);
	assert_string_equal(view_text(&world, VIEW_BACKOFF), expected);
	assert_string_equal(view_text(&world, VIEW_RETRIES), expected);
	(void)snprintf(expected, sizeof expected, "%lld", (long long)id[3]);
	assert_string_equal(view_text(&world, VIEW_RUNNING), expected);
	(void)snprintf(expected, sizeof expected, "%lld %lld %lld %lld %lld %lld",
		(long long)id[0], (long long)id[1], (long long)id[2], (long long)id[3],
		(long long)id[4], (long long)id[5]);
	assert_string_equal(view_text(&world, VIEW_RECEIPTS), expected);
	for (int view = 0; view < VIEW_COUNT; view++)
		for (int i = 0; i < 6; i++) {
			char word[32];
			assert_int_equal(engine_job(world.engine, id[i], &job), 0);
			(void)snprintf(word, sizeof word, " %lld ", (long long)id[i]);
			char text[1100];
			(void)snprintf(
				text, sizeof text, " %s ", view_text(&world, (enum view)view));
			assert_int_equal(
				view_has((enum view)view, &job), strstr(text, word) != NULL);
			job_release(&job);
		}
	assert_false(view_has(VIEW_COUNT, &job));
	world_release(&world);
}

struct cookies {
	int64_t last;
	int left;
};

static bool
cookie_take(void *context, const struct job *job, int64_t cookie)
{
	struct cookies *cookies = context;
	assert_true(cookie > cookies->last && job->id > 0);
	cookies->last = cookie;
	return --cookies->left > 0;
}

/* A cookie is good when its job is gone. */
static void
test_cookies(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD());
	for (int view = VIEW_WAITING; view <= VIEW_RECEIPTS; view += VIEW_RECEIPTS) {
		int64_t id[4];
		struct cookies cookies = { .last = 0, .left = 2 };
		for (int i = 0; i < 4; i++)
			id[i] = enqueue(&world, "x");
		assert_int_equal(engine_list(world.engine, (enum view)view, world.queue, 0,
					 cookie_take, &cookies),
			0);
		assert_int_equal(operate_on(&world, 'r', id[1]), 0);
		cookies.left = 99;
		assert_int_equal(engine_list(world.engine, (enum view)view, world.queue,
					 cookies.last, cookie_take, &cookies),
			0);
		assert_int_equal(cookies.left, 97);
		assert_int_equal(operate_on(&world, 'r', id[0]), 0);
		assert_int_equal(operate_on(&world, 'r', id[2]), 0);
		assert_int_equal(operate_on(&world, 'r', id[3]), 0);
	}
	world_release(&world);
}

/* Beside the engine, read-only, by a person. */
static void
test_sql_views(void **state)
{
	(void)state;
	static const char *const views[] = { "waiting", "backoff", "running", "claim",
		"dead_letter", "retries", "receipts" };
	static const int rows[] = { 1, 1, 1, 1, 1, 1, 4 };
	struct world world;
	struct job job;
	char text[256];
	sqlite3 *db;
	sqlite3_stmt *statement;
	world_init(&world, STANDARD());
	int64_t dead = enqueue_named(&world, "x", "n");
	for (int i = 0; i < 3; i++)
		(void)enqueue(&world, "x");
	assert_int_equal(operate_on(&world, 'b', dead), 0);
	(void)claim_of(&world, "w");
	retry(&world, "w");
	(void)claim_of(&world, "w");
	assert_int_equal(
		sqlite3_open_v2(world.path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
		(void)snprintf(text, sizeof text, "SELECT count(*) FROM %s", views[i]);
		assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
		assert_int_equal(sqlite3_column_int(statement, 0), rows[i]);
		assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
	}
	assert_int_equal(engine_job(world.engine, dead, &job), 0);
	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT receipt || ' ' || queue || ' ' || name || ' ' || "
				 "state || ' ' || "
				 "changed || ' ' || reason FROM dead_letter",
				 -1, &statement, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	(void)snprintf(text, sizeof text,
		"%s q n dead 2027-01-15T08:00:00.000Z buried by operator", job.receipt);
	assert_string_equal((const char *)sqlite3_column_text(statement, 0), text);
	assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	world_release(&world);
}

/* ---- plans ---- */

static bool
is_linear(int statement)
{
	return statement == SQL_LIST_STAGED || statement == SQL_LIST_LIVE ||
	       statement == SQL_QUEUE_LIST;
}

static void
test_plans(void **state)
{
	(void)state;
	struct world world;
	world_init(&world, STANDARD());
	for (int i = 0; i < SQL_STATEMENTS; i++) {
		char text[2000];
		sqlite3_stmt *plan;
		(void)snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", store_statements[i]);
		assert_int_equal(
			sqlite3_prepare_v2(world.engine->store->db, text, -1, &plan, NULL),
			SQLITE_OK);
		while (sqlite3_step(plan) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(plan, 3);
			bool slow = strstr(step, "SCAN") || strstr(step, "TEMP B-TREE");
			/* The first of a clock is the first of its index. */
			if (i == SQL_JOB_FIRST_DUE || i == SQL_JOB_FIRST_DEADLINE ||
				i == SQL_JOB_FIRST_ENDED)
				slow = strncmp(step, "SCAN job USING INDEX job_", 25) != 0;
			if (slow && !is_linear(i))
				fail_msg("%s: %s", store_statements[i], step);
		}
		assert_int_equal(sqlite3_finalize(plan), SQLITE_OK);
	}
	world_release(&world);
}

/* ---- space ---- */

static void
maintain_all(struct world *world)
{
	bool more = true;
	while (more)
		assert_int_equal(engine_maintain(world->engine, &more), 0);
}

static void
test_space_is_given_back(void **state)
{
	(void)state;
	struct world world;
	char wal[160];
	world_init(&world, STANDARD());
	(void)snprintf(wal, sizeof wal, "%s-wal", world.path);
	for (int i = 0; i < 20; i++) {
		begin(&world);
		assert_int_equal(fill(&world, 500), 0);
		assert_int_equal(engine_commit(world.engine), 0);
		assert_int_equal(engine_checkpoint(world.engine), 0);
	}
	assert_true(size_of(wal) < 60 << 20);
	maintain_all(&world);
	/* The log is shortened; what it keeps it writes over (engine/store_log.h). */
	assert_true(size_of(wal) < 4 << 20);
	assert_true(size_of(world.path) > 30 << 20);
	begin(&world);
	for (int64_t id = 1; id <= 10000; id++)
		assert_int_equal(engine_remove(world.engine, id, world.now_ms), 0);
	assert_int_equal(engine_commit(world.engine), 0);
	(void)pass(&world, 60000);
	maintain_all(&world);
	assert_true(size_of(world.path) < 1 << 20);
	assert_int_equal(count(&world, JOB_DONE), 0);
	world_release(&world);
}

/* Somebody who reads for long is not waited for. */
static void
test_maintenance_beside_a_reader(void **state)
{
	(void)state;
	struct world world;
	sqlite3 *db;
	bool more;
	world_init(&world, STANDARD());
	(void)enqueue(&world, "x");
	assert_int_equal(sqlite3_open(world.path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "BEGIN; SELECT * FROM job", NULL, NULL, NULL), SQLITE_OK);
	(void)enqueue(&world, "x");
	assert_int_equal(engine_maintain(world.engine, &more), 0);
	assert_false(more);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	(void)enqueue(&world, "x");
	world_release(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overwritten_pages),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_another_programs_file),
		cmocka_unit_test(test_newer_store),
		cmocka_unit_test(test_older_store),
		cmocka_unit_test(test_missing_parts),
		cmocka_unit_test(test_empty_file_is_new),
		cmocka_unit_test(test_half_created_is_new),
		cmocka_unit_test(test_log_without_its_file),
		cmocka_unit_test(test_no_folder),
		cmocka_unit_test(test_path_too_long),
		cmocka_unit_test(test_locked_by_another),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_rollback_restores_memory),
		cmocka_unit_test(test_no_number_twice),
		cmocka_unit_test(test_numbers_end),
		cmocka_unit_test(test_created_never_goes_back),
		cmocka_unit_test(test_receipts),
		cmocka_unit_test(test_crash_states),
		cmocka_unit_test(test_queue_taken_out),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_sql_views),
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_space_is_given_back),
		cmocka_unit_test(test_maintenance_beside_a_reader),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
