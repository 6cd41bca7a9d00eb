/*
 * A store in a folder of its own, with virtual time, and the few calls every test makes. Each
 * call is a transaction. Failing one fails the test, unless the name says it returns the error.
 */
#ifndef TESTS_STORE_HARNESS_H
#define TESTS_STORE_HARNESS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/core.h"

#define START_MS INT64_C(1800000000000)

struct world {
	char folder[64], path[128];
	struct engine *engine;
	int64_t now_ms;
	int64_t queue; /* most tests have one */
	struct engine_problem problem;
};

/* A test names what differs from these: STANDARD(.concurrency = 2). */
#pragma GCC diagnostic ignored "-Woverride-init"
#define STANDARD(...)                         \
	(&(struct queue_rules){ .name = "q",  \
		.concurrency = 10,            \
		.max_retries = 3,             \
		.backoff_ms = 1000,           \
		.backoff_max_ms = -1,         \
		.timeout_ms = 60000,          \
		.max_payload_bytes = 1 << 20, \
		.max_jobs = -1,               \
		__VA_ARGS__ })
#define FIFO(...) STANDARD(.fifo = true, .json = true, .group_field = "g", __VA_ARGS__)

static inline void
world_open(struct world *world)
{
	int rc = engine_open(world->path, NULL, 42, &world->problem, &world->engine);
	if (rc != 0)
		fail_msg("engine_open: %d %s", rc, world->problem.text);
}

static inline void
world_define(struct world *world, const struct queue_rules *rules)
{
	assert_int_equal(engine_queue_define(world->engine, rules, &world->queue), 0);
}

static inline void
world_init(struct world *world, const struct queue_rules *rules)
{
	*world = (struct world){ .now_ms = START_MS };
	/* Memory, where there is such a file system: these tests are not about the disk's speed. */
	(void)snprintf(world->folder, sizeof world->folder, "%s/spoolfs-test-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(world->folder));
	(void)snprintf(world->path, sizeof world->path, "%s/queues.db", world->folder);
	world_open(world);
	if (rules)
		world_define(world, rules);
}

static inline void
world_release(struct world *world)
{
	char command[160];
	engine_close(world->engine);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", world->folder);
	assert_int_equal(system(command), 0);
}

/* Closes and opens; the queues are defined again by the test. */
static inline void
world_reopen(struct world *world)
{
	engine_close(world->engine);
	world_open(world);
}

/* The files as they are now, as a crash would leave them, become the store. */
static inline void
world_crash(struct world *world)
{
	char command[512];
	(void)snprintf(command, sizeof command,
		"cd '%s' && mkdir crash && cp queues.db queues.db-wal crash/", world->folder);
	assert_int_equal(system(command), 0);
	engine_close(world->engine);
	(void)snprintf(command, sizeof command,
		"cd '%s' && rm -f queues.db* && mv crash/* . && rmdir crash", world->folder);
	assert_int_equal(system(command), 0);
	world_open(world);
}

static inline void
begin(struct world *world)
{
	assert_int_equal(engine_begin(world->engine, false), 0);
}

/* Commits what worked, takes back what did not. */
static inline int
end(struct world *world, int rc)
{
	if (rc == -EIO || rc == -ENOMEM)
		engine_rollback(world->engine);
	else
		assert_int_equal(engine_commit(world->engine), 0);
	return rc;
}

static inline int
try_enqueue(struct world *world, const char *body, const char *name, int64_t *id)
{
	struct job_new new = {
		.queue_id = world->queue,
		.body = body,
		.size = strlen(body),
		.name = name,
		.uid = 1000,
		.gid = 100,
		.pid = 4711,
		.mode = 0640,
	};
	begin(world);
	return end(
		world, engine_enqueue(world->engine, &new, world->now_ms, &world->problem, id));
}

static inline int64_t
enqueue_named(struct world *world, const char *body, const char *name)
{
	int64_t id = 0;
	assert_int_equal(try_enqueue(world, body, name, &id), 0);
	return id;
}

static inline int64_t
enqueue(struct world *world, const char *body)
{
	return enqueue_named(world, body, "");
}

/* A job of a group, its payload {"g": group}. */
static inline int64_t
enqueue_group(struct world *world, const char *group)
{
	char body[100];
	(void)snprintf(body, sizeof body, "{\"g\": \"%s\"}", group);
	return enqueue(world, body);
}

static inline int
try_stage(struct world *world, int64_t draft, const char *body)
{
	struct job_new new = {
		.queue_id = world->queue,
		.draft_id = draft,
		.body = body,
		.size = strlen(body),
		.name = "staged",
	};
	begin(world);
	return end(world, engine_stage(world->engine, &new, world->now_ms, &world->problem));
}

/* The job it got, 0 for none. */
static inline int64_t
claim_of(struct world *world, const char *worker)
{
	struct job job;
	bool again;
	begin(world);
	int rc = end(world,
		engine_claim(world->engine, world->queue, worker, world->now_ms, &job, &again));
	if (rc == -EAGAIN)
		return 0;
	assert_int_equal(rc, 0);
	assert_string_equal(job.worker, worker);
	int64_t id = job.id;
	job_release(&job);
	return id;
}

static inline int
verdict(struct world *world, const char *worker, enum verdict word, int64_t delay_ms)
{
	struct verdict_details details = { .delay_ms = delay_ms };
	begin(world);
	return end(world, engine_verdict(world->engine, world->queue, worker, 0, word, &details,
				  world->now_ms));
}

static inline void
done(struct world *world, const char *worker)
{
	assert_int_equal(verdict(world, worker, VERDICT_DONE, -1), 0);
}

static inline void
retry(struct world *world, const char *worker)
{
	assert_int_equal(verdict(world, worker, VERDICT_RETRY, -1), 0);
}

/* Lets time pass; everything that is due happens. Returns how long until the next,
 * INT64_MAX for never. */
static inline int64_t
pass(struct world *world, int64_t ms)
{
	int64_t next_ms;
	world->now_ms += ms;
	do {
		begin(world);
		assert_int_equal(
			end(world, engine_tick(world->engine, world->now_ms, &next_ms)), 0);
	} while (next_ms <= world->now_ms);
	return next_ms == INT64_MAX ? next_ms : next_ms - world->now_ms;
}

static inline enum job_state
state_of(struct world *world, int64_t id)
{
	struct job job;
	int rc = engine_job(world->engine, id, &job);
	if (rc == -ENOENT)
		return JOB_NONE;
	assert_int_equal(rc, 0);
	enum job_state state = job.state;
	job_release(&job);
	return state;
}

static inline int64_t
count(struct world *world, enum job_state state)
{
	return engine_count(world->engine, world->queue, state);
}

/* "bury" and the others return what the engine says. */
static inline int
operate_on(struct world *world, char what, int64_t id)
{
	int rc = -EINVAL;
	begin(world);
	if (what == 'r')
		rc = engine_remove(world->engine, id, world->now_ms);
	else if (what == 'q')
		rc = engine_requeue(world->engine, id, world->now_ms);
	else if (what == 'b')
		rc = engine_bury(world->engine, id, NULL, world->now_ms);
	else if (what == 'f')
		rc = engine_fail(world->engine, id, NULL, world->now_ms);
	else if (what == 'p')
		rc = engine_reschedule(world->engine, id, world->now_ms + 5000, world->now_ms);
	return end(world, rc);
}

struct ids {
	int64_t id[64];
	size_t count;
};

static inline bool
ids_add(void *context, const struct job *job, int64_t cookie)
{
	struct ids *ids = context;
	(void)cookie;
	ids->id[ids->count++] = job->id;
	return ids->count < 64;
}

/* A view as a text of ids: "1 2 3". Static. */
static inline const char *
view_text(struct world *world, enum view view)
{
	static char text[1024];
	struct ids ids = { .count = 0 };
	size_t length = 0;
	assert_int_equal(engine_list(world->engine, view, world->queue, 0, ids_add, &ids), 0);
	text[0] = '\0';
	for (size_t i = 0; i < ids.count; i++)
		length += (size_t)snprintf(text + length, sizeof text - length, "%s%lld",
			i ? " " : "", (long long)ids.id[i]);
	return text;
}

#endif
