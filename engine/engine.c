#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/core.h"
#include "engine/hash.h"

static int
load_key(struct engine *engine)
{
	int64_t k[2] = { 0, 0 };
	int rc = store_number_get(engine->store, "key 0", &k[0]);
	if (rc == 0)
		rc = store_number_get(engine->store, "key 1", &k[1]);
	engine->key = (struct receipt_key){ { (uint64_t)k[0], (uint64_t)k[1] } };
	return rc;
}

static int
load(struct engine *engine)
{
	engine->ids = (struct sequence){ .key = "next id", .max = JOB_ID_MAX };
	engine->positions = (struct sequence){ .key = "next pos", .max = INT64_MAX };
	int rc = load_key(engine);
	if (rc == 0)
		rc = sequence_load(engine->store, &engine->ids);
	if (rc == 0)
		rc = sequence_load(engine->store, &engine->positions);
	if (rc == 0)
		rc = queue_load_all(engine);
	return rc;
}

static void
explain_load(const char *path, int rc, const char *error, struct engine_problem *problem)
{
	if (rc == -EBADMSG)
		(void)snprintf(problem->text, sizeof problem->text,
			"store %s: is damaged: its own numbers are missing or wrong: restore "
			"it "
			"from a copy; it was left as it is",
			path);
	else
		(void)snprintf(problem->text, sizeof problem->text,
			"store %s: cannot be read: %s", path,
			rc == -ENOMEM ? "out of memory" : error);
}

int
engine_open(const char *path, const char *vfs, uint64_t seed, struct engine_problem *problem,
	struct engine **engine)
{
	struct engine *new = calloc(1, sizeof *new);
	if (!new) {
		explain_load(path, -ENOMEM, "", problem);
		return -ENOMEM;
	}
	new->random = seed;
	int rc = store_open(path, vfs, hash_sequence(&new->random), problem, &new->store);
	if (rc != 0) {
		free(new);
		return rc;
	}
	rc = load(new);
	if (rc == -ENOENT)
		rc = -EBADMSG;
	if (rc != 0) {
		explain_load(path, rc, store_error(new->store), problem);
		engine_close(new);
		return rc;
	}
	*engine = new;
	return 0;
}

void
engine_close(struct engine *engine)
{
	if (!engine)
		return;
	queue_free_all(engine);
	store_close(engine->store);
	free(engine);
}

int
engine_begin(struct engine *engine, bool durable)
{
	assert(!engine->dirty); /* the last transaction was ended */
	return store_begin(engine->store, durable);
}

int
engine_commit(struct engine *engine)
{
	int rc = queue_write_tallies(engine);
	if (rc == 0)
		rc = store_commit(engine->store);
	if (rc != 0)
		return rc;
	queue_committed(engine);
	engine->ids.committed_bound = engine->ids.bound;
	engine->positions.committed_bound = engine->positions.bound;
	return 0;
}

void
engine_rollback(struct engine *engine)
{
	store_rollback(engine->store);
	queue_rolled_back(engine);
	engine->ids.bound = engine->ids.committed_bound;
	engine->positions.bound = engine->positions.committed_bound;
	engine->wake_ms = 0;
}

void
engine_hooks_set(struct engine *engine, const struct engine_hooks *hooks)
{
	engine->hooks = *hooks;
}

int
engine_maintain(struct engine *engine, bool *more)
{
	return store_maintain(engine->store, more);
}

int
engine_checkpoint(struct engine *engine)
{
	return store_checkpoint(engine->store);
}

const char *
engine_error(const struct engine *engine)
{
	return store_error(engine->store);
}

int
engine_note_set(struct engine *engine, const char *key, const void *bytes, size_t size)
{
	char stored[128];
	int length = snprintf(stored, sizeof stored, "note %s", key);
	assert(length > 0 && (size_t)length < sizeof stored);
	return store_note_set(engine->store, stored, bytes, size);
}

int
engine_note_get(struct engine *engine, const char *key, void **bytes, size_t *size)
{
	char stored[128];
	int length = snprintf(stored, sizeof stored, "note %s", key);
	assert(length > 0 && (size_t)length < sizeof stored);
	return store_note_get(engine->store, stored, bytes, size);
}
