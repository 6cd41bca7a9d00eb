/*
 * The engine's inside, shared by its files: what it knows in memory beside the store, and the
 * one function by which a job changes.
 */
#ifndef ENGINE_CORE_H
#define ENGINE_CORE_H

#include "engine/store.h"

#define QUEUES_MAX (1 << 14)
#define JOB_ID_MAX ((INT64_C(1) << 40) - 1)
#define NAME_KEPT_MS 60000 /* how long a finished job is kept for its name */

struct queue {
	int64_t id;
	struct queue_rules rules; /* its strings are the queue's own */
	bool defined;
	bool ready; /* engine_queue_ready() */
	struct queue_pause committed_pause, pause;
	/* The store's when the transaction began, and now. */
	struct tally committed[JOB_STATES], tallies[JOB_STATES];
	bool dirty;
	struct queue *next_dirty;
};

/* Ascending numbers, promised to the store in blocks: the store knows a bound that no number
 * ever given has reached, so none is given twice, whatever is lost. */
struct sequence {
	const char *key; /* of the bound in the store */
	int64_t next, max;
	int64_t bound, committed_bound;
};

struct engine {
	struct store *store;
	struct receipt_key key;
	uint64_t random;
	struct queue *queues[QUEUES_MAX]; /* by id */
	int64_t queues_end;               /* above the highest id */
	struct queue *dirty;
	struct sequence ids, positions;
	int64_t created_ms; /* the newest job's: it never goes back */
	int64_t wake_ms;    /* engine_tick() has nothing to do before; may be too early */
	struct engine_hooks hooks;
};

/* ---- queue.c ---- */

/* The queue, which has to exist. */
struct queue *queue_get(const struct engine *engine, int64_t queue_id);
int queue_load_all(struct engine *engine);
void queue_free_all(struct engine *engine);
void queue_count(struct engine *engine, struct queue *queue, enum job_state state,
	int64_t change, int64_t now_ms);
/* Writes the tallies that changed; after the commit takes them as the store's. */
int queue_write_tallies(struct engine *engine);
void queue_committed(struct engine *engine);
void queue_rolled_back(struct engine *engine);

/* ---- regroup.c ---- */

/* Gives staged and live jobs their groups under the queue's rules. Linear in them. */
int queue_regroup(struct engine *engine, struct queue *queue);

/* ---- sequence.c ---- */

int sequence_load(struct store *store, struct sequence *sequence);
/* Returns 0; -ENOSPC when the numbers are used up. */
int sequence_next(struct store *store, struct sequence *sequence, int64_t *number);

/* ---- enqueue.c ---- */

/* The queue's rules for a payload. *group: malloc'ed, NULL for none. Errors: engine_check(). */
int payload_check(const struct queue *queue, const void *body, size_t size,
	struct engine_problem *why, char **group);
/* The group's number in the store: keyed, so that nobody can make two of them one. */
int64_t group_id_of(const struct engine *engine, const char *group);
/* The stored payload's group under the queue's rules: NULL when it has none. */
int group_of_stored(
	struct engine *engine, const struct queue *queue, int64_t job_id, char **group);

/* ---- transition.c ---- */

struct transition {
	enum job_event event;
	int64_t now_ms;
	int64_t due_ms;      /* PUBLISH_LATER, FAIL, RELEASE_LATER, POSTPONE */
	const char *worker;  /* CLAIM */
	struct claimant by;  /* CLAIM */
	int64_t deadline_ms; /* CLAIM */
	const char *reason;  /* recorded with FAIL, EXHAUST, GIVE_UP, BURY, REJECT */
	struct queue *to;    /* MOVE, RESUBMIT */
	char *group; /* MOVE, REDRIVE, RESUBMIT: its group from now on; is handed over */
};
/*
 * The one way a job changes. `record` is as in the store (for JOB_NONE: filled by the caller
 * but for id, pos and times) and is brought up to date. Returns 0; -EPERM, -EBUSY as
 * lifecycle_next(); or the store's errors.
 */
int transition_apply(
	struct engine *engine, struct record *record, const struct transition *transition);

/* Is there a live job of this group? */
int group_held(struct engine *engine, int64_t queue_id, int64_t group_id, bool *held);

/* ---- failure.c ---- */

/* Puts attempt number failures of the job on record. */
int failure_add(struct engine *engine, struct record *record, const char *worker,
	const char *reason, int64_t now_ms);
/* A failed attempt: backoff, or the dead letters. delay_ms -1: as the rules say. */
int transition_fail(struct engine *engine, struct record *record, const char *reason,
	int64_t delay_ms, int64_t now_ms);

/* ---- name.c ---- */

/* Whatever `name` of the queue resolves to, it does no longer. 0 also when it was nothing. */
int name_take(struct engine *engine, int64_t queue_id, const char *name);

#endif
