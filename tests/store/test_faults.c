/*
 * The n-th allocation of SQLite or jansson fails, the n-th write or sync of a file fails; for
 * every n until all goes well. Whatever fails, the transaction is as if it had never been, and
 * the next one works.
 */
#include <jansson.h>
#include <sqlite3.h>

#include "tests/store/harness.h"

/* ---- the faults ---- */

/* How many more go well; -1: all. And what then fails: one, or all that follow. */
static int64_t allocations_left = -1, writes_left = -1;
static bool failed, lasting;
static int write_code;

static bool
is_due(int64_t *left)
{
	if (*left < 0)
		return false;
	if (*left > 0) {
		(*left)--;
		return false;
	}
	if (!lasting)
		*left = -1;
	failed = true;
	return true;
}

static sqlite3_mem_methods memory;

static void *
memory_malloc(int size)
{
	return is_due(&allocations_left) ? NULL : memory.xMalloc(size);
}

static void *
memory_realloc(void *old, int size)
{
	return is_due(&allocations_left) ? NULL : memory.xRealloc(old, size);
}

static void *
json_malloc(size_t size)
{
	return is_due(&allocations_left) ? NULL : malloc(size);
}

static sqlite3_vfs disk, *real_disk;

/* SQLite has a table of methods per kind of file; each gets a failing copy. */
static struct {
	const sqlite3_io_methods *real;
	sqlite3_io_methods failing;
} kinds[4];

static const sqlite3_io_methods *
real_of(const sqlite3_file *file)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (file->pMethods == &kinds[i].failing)
			return kinds[i].real;
	fail();
	return NULL;
}

static int
disk_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
	return is_due(&writes_left) ? write_code
				    : real_of(file)->xWrite(file, bytes, size, offset);
}

static int
disk_sync(sqlite3_file *file, int flags)
{
	if (is_due(&writes_left))
		return write_code == SQLITE_FULL ? SQLITE_FULL : SQLITE_IOERR_FSYNC;
	return real_of(file)->xSync(file, flags);
}

static int
disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return is_due(&writes_left) ? SQLITE_IOERR_TRUNCATE
				    : real_of(file)->xTruncate(file, size);
}

static int
disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	(void)vfs;
	size_t i = 0;
	int code = real_disk->xOpen(real_disk, name, file, flags, out);
	if (code != SQLITE_OK || !file->pMethods)
		return code;
	while (kinds[i].real && kinds[i].real != file->pMethods)
		i++;
	kinds[i].real = file->pMethods;
	kinds[i].failing = *file->pMethods;
	kinds[i].failing.xWrite = disk_write;
	kinds[i].failing.xSync = disk_sync;
	kinds[i].failing.xTruncate = disk_truncate;
	file->pMethods = &kinds[i].failing;
	return code;
}

static int
faults_set_up(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory), SQLITE_OK);
	sqlite3_mem_methods failing = memory;
	failing.xMalloc = memory_malloc;
	failing.xRealloc = memory_realloc;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
	assert_int_equal(sqlite3_initialize(), SQLITE_OK);
	json_set_alloc_funcs(json_malloc, free);
	real_disk = sqlite3_vfs_find(NULL);
	disk = *real_disk;
	disk.zName = "failing";
	disk.xOpen = disk_open;
	assert_int_equal(sqlite3_vfs_register(&disk, 0), SQLITE_OK);
	return 0;
}

/* ---- a little of everything ---- */

#define TRIES(call)                  \
	do {                         \
		int code = (call);   \
		if (code != 0)       \
			return code; \
	} while (0)

static bool
take_all(void *context, const struct job *job, int64_t cookie)
{
	(void)context;
	return job->id > 0 && cookie > 0;
}

static int
look_around(struct world *world, int64_t id)
{
	struct job job;
	char text[300];
	void *body;
	size_t size;
	TRIES(engine_job(world->engine, id, &job));
	int rc = engine_waiting_for(world->engine, &job, text, sizeof text);
	job_release(&job);
	TRIES(rc);
	TRIES(engine_payload(world->engine, id, &body, &size));
	free(body);
	TRIES(engine_groups(world->engine, world->queue, 0, take_all, NULL));
	return engine_list(world->engine, VIEW_RECEIPTS, world->queue, 0, take_all, NULL);
}

static int
claim(struct world *world)
{
	struct job job;
	bool again;
	TRIES(engine_claim(world->engine, world->queue, "w", world->now_ms, &job, &again));
	job_release(&job);
	return 0;
}

/* One transaction: its changes, but not its end. */
static int
changes(struct world *world)
{
	struct engine *engine = world->engine;
	struct job_new new = {
		.queue_id = world->queue, .body = "{\"g\":0.1}", .size = 9, .name = "n"
	};
	int64_t now_ms = world->now_ms, first, second, third, next_ms;
	TRIES(engine_enqueue(engine, &new, now_ms, &world->problem, &first));
	TRIES(engine_enqueue(engine, &new, now_ms, &world->problem, &second));
	new.draft_id = 1;
	TRIES(engine_stage(engine, &new, now_ms, &world->problem));
	TRIES(engine_publish(engine, 1, "n", now_ms, &third));
	TRIES(look_around(world, second));
	TRIES(claim(world));
	TRIES(engine_verdict(engine, world->queue, "w", 0, VERDICT_RETRY, NULL, now_ms));
	TRIES(engine_tick(engine, now_ms + 1000, &next_ms));
	TRIES(claim(world));
	TRIES(engine_verdict(engine, world->queue, "w", 0, VERDICT_DONE, NULL, now_ms));
	TRIES(engine_bury(engine, second, NULL, now_ms));
	TRIES(engine_requeue(engine, second, now_ms));
	TRIES(engine_remove(engine, second, now_ms));
	TRIES(engine_name_rename(engine, world->queue, "n", "m"));
	return engine_note_set(engine, "k", "v", 1);
}

static int
transaction(struct world *world)
{
	int rc = engine_begin(world->engine, true);
	if (rc == 0)
		rc = changes(world);
	if (rc == 0)
		rc = engine_commit(world->engine);
	if (rc != 0)
		engine_rollback(world->engine);
	return rc;
}

static bool
count_one(void *context, const struct job *job, int64_t cookie)
{
	int64_t *jobs = context;
	(void)job;
	(void)cookie;
	(*jobs)++;
	return true;
}

/* `jobs` transactions were committed, each left one waiting job. */
static void
expect_jobs(struct world *world, int64_t jobs)
{
	int64_t found = 0;
	assert_int_equal(count(world, JOB_WAITING), jobs);
	for (int state = JOB_STAGED; state < JOB_STATES; state++)
		if (state != JOB_WAITING)
			assert_int_equal(count(world, (enum job_state)state), 0);
	assert_int_equal(
		engine_list(world->engine, VIEW_RECEIPTS, world->queue, 0, count_one, &found),
		0);
	assert_int_equal(found, jobs);
}

/* Ends all jobs. */
static void
empty(struct world *world)
{
	for (int64_t id; (id = claim_of(world, "w")) != 0;)
		done(world, "w");
	(void)pass(world, 60000);
	expect_jobs(world, 0);
}

static void
open_failing(struct world *world)
{
	assert_int_equal(
		engine_open(world->path, "failing", 7, &world->problem, &world->engine), 0);
	world_define(world, FIFO());
}

static void
no_faults(void)
{
	allocations_left = writes_left = -1;
}

/* The n-th of *left fails, for all n. */
static void
fail_each(int64_t *left, bool sustained, int expected)
{
	struct world world;
	int64_t n = 0;
	world_init(&world, NULL);
	engine_close(world.engine);
	open_failing(&world);
	assert_int_equal(transaction(&world), 0);
	do {
		failed = false;
		lasting = sustained;
		*left = n++;
		int rc = transaction(&world);
		no_faults();
		if (rc != (failed ? expected : 0) && rc != 0)
			fail_msg("n = %lld: %d: %s, %s", (long long)n - 1, rc,
				engine_error(world.engine), world.problem.text);
		expect_jobs(&world, rc == 0 ? 2 : 1);
		engine_close(world.engine);
		open_failing(&world);
		expect_jobs(&world, rc == 0 ? 2 : 1);
		empty(&world);
		assert_int_equal(transaction(&world), 0);
		expect_jobs(&world, 1);
	} while (failed);
	world_release(&world);
	print_message("%lld places\n", (long long)n - 1);
	assert_true(n > 2);
}

static void
test_memory(void **state)
{
	(void)state;
	fail_each(&allocations_left, false, -ENOMEM);
	fail_each(&allocations_left, true, -ENOMEM);
}

static void
test_writes(void **state)
{
	(void)state;
	write_code = SQLITE_IOERR_WRITE;
	fail_each(&writes_left, false, -EIO);
	fail_each(&writes_left, true, -EIO);
}

static void
test_full_disk(void **state)
{
	(void)state;
	write_code = SQLITE_FULL;
	fail_each(&writes_left, false, -ENOSPC);
	fail_each(&writes_left, true, -ENOSPC);
}

/* Opening a store: it is refused with words, or whole. Nothing is lost by trying. Each of the first
 * thirty places, then ever wider steps: there are thousands, and tests/fault/test_memory has them
 * all with EVERY=1. */
static void
open_each(int64_t *left, bool exists)
{
	int64_t n = 0;
	do {
		struct world world;
		world_init(&world, NULL);
		engine_close(world.engine);
		char command[200];
		(void)snprintf(command, sizeof command, "rm '%s'*", world.path);
		if (exists) {
			open_failing(&world);
			assert_int_equal(transaction(&world), 0);
			engine_close(world.engine);
		} else {
			assert_int_equal(system(command), 0);
		}
		failed = false;
		lasting = true;
		*left = n;
		n += 1 + n / 30;
		int rc = engine_open(world.path, "failing", 7, &world.problem, &world.engine);
		no_faults();
		if (rc != 0)
			assert_int_not_equal(world.problem.text[0], '\0');
		if (rc == -EBADMSG || rc == -EPROTONOSUPPORT || (rc != 0 && !failed))
			fail_msg("n = %lld: %d: %s", (long long)n, rc, world.problem.text);
		if (rc == 0)
			engine_close(world.engine);
		open_failing(&world);
		expect_jobs(&world, exists);
		world_release(&world);
	} while (failed);
	print_message("about %lld places\n", (long long)n);
}

static void
test_opening(void **state)
{
	(void)state;
	write_code = SQLITE_IOERR_WRITE;
	open_each(&allocations_left, false);
	open_each(&allocations_left, true);
	open_each(&writes_left, false);
	open_each(&writes_left, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_opening),
	};
	return cmocka_run_group_tests(tests, faults_set_up, NULL);
}
