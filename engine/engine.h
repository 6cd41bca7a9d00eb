/*
 * The engine: queues of jobs over a store. It has no clock (time is an argument), no thread, no
 * log and no global, and has never heard of FUSE or YAML.
 *
 * Calling sequence: engine_open(); engine_queue_define() for every configured queue;
 * engine_recover(); then, again and again, engine_begin(), any calls below, engine_commit().
 * Nothing is true before engine_commit() returned 0. When a call returns an error other than
 * those it lists (that is: -EIO, -ENOSPC, -ENOMEM), or engine_commit() fails, the caller calls
 * engine_rollback(): the engine is then as it was at engine_begin(), in memory too. After -ENOSPC
 * the same changes succeed when tried once more, but for those that bring payloads: room is
 * reserved for them (store.h), and that rollback has released it.
 * All calls are made from one thread.
 *
 * Times are milliseconds since the epoch. Job ids are positive, below 2^40 and never used
 * again. Queue ids are positive, below 2^14, and belong to the queue's name for the store's
 * life.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/lifecycle.h"
#include "engine/receipt.h"

struct engine;

#define ENGINE_NAME_MAX 255    /* bytes of a name, without the NUL (POSIX NAME_MAX) */
#define ENGINE_REASON_MAX 1024 /* a longer reason is cut, at a character's end */

/* What failed, in words for a person. */
struct engine_problem {
	char text[512];
};

/* The rules of a queue; a copy is taken. CONTRACT section 2 tells what each means. */
struct queue_rules {
	const char *name;
	bool fifo;
	const char *group_field; /* NULL unless fifo */
	bool json;               /* the payload has to be JSON */
	int64_t concurrency, max_retries, backoff_ms;
	int64_t backoff_max_ms; /* -1: none */
	double backoff_jitter;
	int64_t timeout_ms;
	int64_t max_payload_bytes;
	int64_t max_jobs; /* -1: none */
};

/* A job's record, a plain value. Strings are empty where there is none. */
struct job {
	int64_t id;
	int64_t queue_id;
	int64_t pos; /* order within its queue and state; unique in the store */
	enum job_state state;
	int64_t size;       /* bytes of the payload */
	int64_t failures;   /* attempts that failed since it was enqueued or redriven */
	int64_t created_ms; /* staged or enqueued; the time in its receipt */
	int64_t due_ms;     /* the end of its backoff; else when it came to wait last */
	int64_t claimed_ms, deadline_ms; /* 0 unless running */
	int64_t changed_ms;              /* when it came into this state */
	int64_t uid, gid, pid;           /* who wrote it */
	int64_t mode;                    /* permission bits of the file that was written */
	char receipt[RECEIPT_SIZE];
	char name[ENGINE_NAME_MAX + 1];   /* it was written under, or renamed to since */
	char worker[ENGINE_NAME_MAX + 1]; /* who runs it */
	int64_t worker_pid, worker_start; /* struct claimant; 0 unless running and bound */
	char *group;                      /* NULL: none. Owned by the job: job_release() */
};
void job_release(struct job *job);

/* ---- open, define, recover ---- */

/*
 * Opens the store at `path`, making it if there is none, and brings an older schema up to date.
 * `vfs` names the SQLite VFS, NULL for the default. `seed` feeds jitter and receipts of a new
 * store. A new file has the mode that the caller's umask leaves of 0644: payloads are in it.
 * Returns 0; -EBADMSG when the store is damaged, -EPROTONOSUPPORT when it is newer than
 * this program, -ELOOP when a symbolic link is on the way to it, -EIO, -ENOSPC, -ENOMEM, -EACCES:
 * `problem` then says what and what to do.
 */
int engine_open(const char *path, const char *vfs, uint64_t seed,
	struct engine_problem *problem, struct engine **engine);
void engine_close(struct engine *engine);

/*
 * Makes the queue known, or gives a known one new rules, in a transaction of its own. Jobs from
 * before keep waiting. When the type or the group field changed, waiting jobs get their groups
 * anew (linear in the jobs of this queue, only then); those whose payload has none run
 * ungrouped. In a queue that is fifo then, the running ones come before the others, which keep
 * their order.
 */
int engine_queue_define(
	struct engine *engine, const struct queue_rules *rules, int64_t *queue_id);

/* Calls `fn` for each queue of the store that holds jobs but was not defined. */
typedef void engine_orphan_fn(void *context, const char *queue_name, int64_t jobs);
int engine_orphans(struct engine *engine, engine_orphan_fn *fn, void *context);

/*
 * After a crash: publishes what was staged (its close may have returned 0), in order of
 * staging, but not the drafts for which `still_open` returns true. Of what was staged in part, that is all there
 * will be: it is checked now, and rejected if the rules refuse it. A transaction of its own,
 * durable.
 */
typedef bool engine_open_fn(void *context, int64_t draft_id);
int engine_recover(
	struct engine *engine, int64_t now_ms, engine_open_fn *still_open, void *context);

/* ---- transactions ---- */

/* `durable`: the commit is on disk when it returns (synchronous FULL); else at the next that
 * is. */
int engine_begin(struct engine *engine, bool durable);
int engine_commit(struct engine *engine);
void engine_rollback(struct engine *engine);

/* What a caller who keeps state beside the engine wants to know. Called inside the transaction;
 * void if it is rolled back. Each may be NULL. */
struct engine_hooks {
	void *context;
	/* The claim of `worker` ended: verdict, timeout or operator. */
	void (*claim_ended)(
		void *context, int64_t queue_id, const char *worker, int64_t job_id);
	/* A name stopped resolving in this queue: expired, or gone elsewhere with its job. */
	void (*name_gone)(void *context, int64_t queue_id, const char *name);
};
void engine_hooks_set(struct engine *engine, const struct engine_hooks *hooks);

/*
 * Lets time pass: jobs whose time has come wait, claims past their deadline fail ("timeout
 * after N ms"), names end. At most some 2000 changes a call. *next_ms is when it has something
 * to do again: now_ms when it stopped at that bound, INT64_MAX for never.
 */
int engine_tick(struct engine *engine, int64_t now_ms, int64_t *next_ms);

/* True once after something changed so that engine_claim() on this queue may succeed where it
 * said -EAGAIN before: a job may run, or a limit is free. Also after a rollback. */
bool engine_queue_ready(struct engine *engine, int64_t queue_id);

/* What the store said about its last error, for the log: "disk I/O error (code 1034)". "" :
 * none. */
const char *engine_error(const struct engine *engine);

/*
 * Notes: what the caller keeps beside the jobs, in the same transaction (why a queue is paused,
 * the answers of the last batch). `key` has at most 100 bytes; size 0 forgets the note.
 * engine_note_get() returns 0 or -ENOENT; *bytes is malloc'ed, the caller's, and followed by a
 * NUL.
 */
int engine_note_set(struct engine *engine, const char *key, const void *bytes, size_t size);
int engine_note_get(struct engine *engine, const char *key, void **bytes, size_t *size);

/* One slow step of housekeeping for an idle moment: checkpoint, or give space back. Outside a
 * transaction. *more tells whether another step would find work. */
int engine_maintain(struct engine *engine, bool *more);
/* After each commit, outside a transaction: checkpoints when the log has grown past its bound.
 */
int engine_checkpoint(struct engine *engine);

/* ---- enqueueing ---- */

struct job_new {
	int64_t queue_id;
	int64_t draft_id; /* the caller's number for the file being written; 0 for job_enqueue()
			   */
	const void *body;
	size_t size;
	const char *name; /* "" : none */
	int64_t due_ms;   /* 0, or a future time: the job starts in backoff */
	int64_t uid, gid, pid, mode;
	bool partial;  /* engine_stage(): the rest is to come, its content is not checked yet */
	bool promised; /* engine_stage(): it had a place in the queue, which it gets again */
};

/*
 * Checks the queue's rules. Returns 0; -EINVAL: not JSON, no group field, group value null,
 * object, array or longer than 1024 bytes of text (*why says it in words); -EFBIG: longer than
 * max_payload_bytes; -ENOSPC: the disk is full, or the queue has max_jobs (waiting, in backoff and
 * running ones count, and staged ones, which were promised a place; not the one that draft_id
 * staged). `body` NULL: only what needs no payload is checked.
 */
int engine_check(struct engine *engine, const struct job_new *new, struct engine_problem *why);

/* Stages: keeps the bytes, invisible to all. Replaces what this draft staged before.
 * Returns 0 or as engine_check(). */
int engine_stage(struct engine *engine, const struct job_new *new, int64_t now_ms,
	struct engine_problem *why);
/* Publishes what the draft staged: from now on the job exists, `name` (if not "") resolves to
 * it. Its receipt is of staging (the first, if it was staged again), its order of now. Returns 0, or
 * -ENOENT when the draft staged nothing. */
int engine_publish(struct engine *engine, int64_t draft_id, const char *name, int64_t now_ms,
	int64_t *job_id);
/* What the draft staged: `job` has its receipt, *body as of engine_payload(). 0 or -ENOENT. */
int engine_staged(
	struct engine *engine, int64_t draft_id, struct job *job, void **body, size_t *size);
/* Forgets what the draft staged. Returns 0, also when there was nothing. */
int engine_unstage(struct engine *engine, int64_t draft_id);
/*
 * What cannot become a job is kept in rejected/ with the reason: the bytes of `new`, which replace
 * what its draft staged. It is shown under its name, or, where that is taken, name.receipt; a
 * nameless one under its receipt; where these are taken, too, under its receipt and a number.
 * Returns 0, or -ENOSPC: the disk is full.
 */
int engine_reject(struct engine *engine, const struct job_new *new, const char *reason,
	int64_t now_ms, int64_t *job_id);
/* Both at once: a job that exists from now on. Returns as engine_check(). */
int engine_enqueue(struct engine *engine, const struct job_new *new, int64_t now_ms,
	struct engine_problem *why, int64_t *job_id);

/* ---- looking ---- */

/* All return 0, or -ENOENT. job_release() what they fill. A finished job that is kept for its
 * name is found by engine_name_find() and engine_job() only, with state JOB_DONE. */
int engine_job(struct engine *engine, int64_t job_id, struct job *job);
int engine_receipt_find(struct engine *engine, const char *receipt, struct job *job);
int engine_worker_find(
	struct engine *engine, int64_t queue_id, const char *worker, struct job *job);
int engine_name_find(
	struct engine *engine, int64_t queue_id, const char *name, struct job *job);

/* What rejected/ shows under this name. */
int engine_rejected_find(
	struct engine *engine, int64_t queue_id, const char *name, struct job *job);

/* The receipt of a job that was created at this time. Pure. */
void engine_receipt(const struct engine *engine, int64_t created_ms, int64_t job_id,
	char receipt[RECEIPT_SIZE]);

/* The payload: *body is malloc'ed (never NULL) and the caller's; *size its length. */
int engine_payload(struct engine *engine, int64_t job_id, void **body, size_t *size);

struct job_failure {
	int64_t attempt, at_ms;
	const char *worker, *reason;
};
typedef void engine_failure_fn(void *context, const struct job_failure *failure);
int engine_failures(
	struct engine *engine, int64_t job_id, engine_failure_fn *fn, void *context);

/* Why a waiting or backing off job does not run now, in words: "group acct_A: behind
 * <receipt>", "concurrency 3/3", "backoff until 2026-11-23T19:44:00.000Z", "a free worker". ""
 * if it runs, or is dead. */
int engine_waiting_for(struct engine *engine, const struct job *job, char *text, size_t size);

/* The directories of a queue, as lists of jobs. The SQL views have the same names. */
enum view {
	VIEW_WAITING, /* QUEUE/: may run now, or waits for its group or a limit; oldest first */
	VIEW_RUNNING, /* running/ and claim/ */
	VIEW_RETRIES, /* live jobs that have failed at least once */
	VIEW_BACKOFF, /* due in the future */
	VIEW_DEAD,    /* in order of death */
	VIEW_RECEIPTS, /* live and dead jobs, by id; names: engine_names() */
	VIEW_REJECTED, /* no jobs: what could not become one, oldest first */
	VIEW_COUNT,
};
/*
 * Calls `fn` for the view's jobs in order, beginning after the one with cookie `after` (0: from
 * the start), until `fn` returns false. A cookie stays valid when the job it belongs to is
 * gone.
 */
typedef bool engine_list_fn(void *context, const struct job *job, int64_t cookie);
int engine_list(struct engine *engine, enum view view, int64_t queue_id, int64_t after,
	engine_list_fn *fn, void *context);
/* Is the job one of this view (of its own queue)? Pure. */
bool view_has(enum view view, const struct job *job);

/*
 * groups/ of a fifo queue: the groups that have live jobs, each by the first of them;
 * job->group is the group's text, the cookie its number, which is the same as long as the store
 * lives. And groups/GROUP: its live jobs in order, the cookie is job->pos. Empty for an unknown
 * group.
 */
int engine_groups(struct engine *engine, int64_t queue_id, int64_t after, engine_list_fn *fn,
	void *context);
int engine_group_list(struct engine *engine, int64_t queue_id, const char *group, int64_t after,
	engine_list_fn *fn, void *context);

/* The names that resolve, oldest job first, after the cookie `after` (0: from the start). The
 * cookie is the job's id. */
typedef bool engine_name_fn(
	void *context, int64_t queue_id, const char *name, const char *receipt, int64_t cookie);
int engine_names(struct engine *engine, int64_t queue_id, int64_t after, engine_name_fn *fn,
	void *context);

/* How many jobs of a queue are in a state, and when that last changed (0: never). No query. */
int64_t engine_count(const struct engine *engine, int64_t queue_id, enum job_state state);
int64_t engine_changed_ms(const struct engine *engine, int64_t queue_id, enum job_state state);

/* ---- names ---- */

/* rm NAME: forgets the name, never the job. 0 or -ENOENT. */
int engine_name_forget(struct engine *engine, int64_t queue_id, const char *name);
/* mv NAME NAME2: the name moves, replacing NAME2. 0 or -ENOENT. */
int engine_name_rename(
	struct engine *engine, int64_t queue_id, const char *from, const char *to);

/* ---- claims ---- */

/* The process that a worker's name is bound to: it and its children act for the worker, nobody
 * else. `start` tells it from others that had or will have its number. pid 0: no process. */
struct claimant {
	int64_t pid, start;
};

/*
 * Gives `worker` a job: the one it holds (*again true, no new attempt), else the next that may
 * run: waiting, head of its group, under the limit, its queue not paused. Returns 0; -EAGAIN when
 * there is none; -EBUSY when the worker's name is bound to another process than `by`.
 */
int engine_claim_by(struct engine *engine, int64_t queue_id, const char *worker,
	const struct claimant *by, int64_t now_ms, struct job *job, bool *again);
static inline int
engine_claim(struct engine *engine, int64_t queue_id, const char *worker, int64_t now_ms,
	struct job *job, bool *again)
{
	struct claimant nobody = { 0, 0 };
	return engine_claim_by(engine, queue_id, worker, &nobody, now_ms, job, again);
}

enum verdict { VERDICT_DONE, VERDICT_RETRY, VERDICT_DEAD, VERDICT_RELEASE };
struct verdict_details {
	const char *reason; /* NULL: none given */
	int64_t delay_ms;   /* retry, release: due this much later; -1: as the queue's rules say
			     */
	struct claimant by; /* whom it comes from */
};
/*
 * Ends the claim `worker` holds. `job_id` 0, or the job that is meant; `details` NULL: nothing of
 * these. Returns 0; -ENOENT when the worker holds no job, or not that one; -EBUSY when its name is
 * bound to another process.
 */
int engine_verdict(struct engine *engine, int64_t queue_id, const char *worker, int64_t job_id,
	enum verdict verdict, const struct verdict_details *details, int64_t now_ms);
/* May `by` act for who runs this job? */
bool claimant_may(const struct job *job, const struct claimant *by);
/* The heartbeat: the timeout starts again; or, with until_ms > now_ms, ends then. 0 or -ENOENT.
 */
int engine_extend(struct engine *engine, int64_t job_id, int64_t until_ms, int64_t now_ms);

/* ---- operators ---- */

/* Why, since when, and by whom a queue is paused; since_ms 0: it is not. */
struct queue_pause {
	int64_t since_ms, uid, pid;
	char reason[ENGINE_REASON_MAX + 1];
};
/* Pauses the queue (nothing is delivered, enqueueing goes on), or with NULL lets it go on. A pause
 * that is paused again keeps its time. */
int engine_pause(struct engine *engine, int64_t queue_id, const struct queue_pause *pause);
/* As of the last commit, or of this transaction. The engine's, until the next call of it. */
const struct queue_pause *engine_paused(const struct engine *engine, int64_t queue_id);

/* rm: cancel (waiting, backoff), discard (dead, rejected). -EBUSY: it runs. -ENOENT. */
int engine_remove(struct engine *engine, int64_t job_id, int64_t now_ms);
/* mv to the queue: run now (backoff), take back (running, attempt not counted), redrive (dead:
 * attempts 0, to the tail). -EPERM: it waits already. */
int engine_requeue(struct engine *engine, int64_t job_id, int64_t now_ms);
/* mv to dead-letter/. -EPERM: it is there. */
int engine_bury(struct engine *engine, int64_t job_id, const char *reason, int64_t now_ms);
/* mv to retries/: a running job failed. -EPERM in every other state. */
int engine_fail(struct engine *engine, int64_t job_id, const char *reason, int64_t now_ms);
/* touch -d: postpone (waiting), reschedule (backoff). A past time: a waiting job stays, one in
 * backoff runs now. The place in the queue is kept: a postponed head of a group holds its group.
 * -EPERM: dead. -EBUSY, or -EPERM with a past time: it runs, see engine_extend(). */
int engine_reschedule(struct engine *engine, int64_t job_id, int64_t due_ms, int64_t now_ms);
/* mv to another queue's directory: enqueued there under its rules, at the tail, attempts 0,
 * receipt kept. Its name goes along, unless it means another job there. -EBUSY: it runs. -EPERM: it
 * is in that queue. Otherwise as engine_check(). */
int engine_move(struct engine *engine, int64_t job_id, int64_t queue_id, int64_t now_ms,
	struct engine_problem *why);
/* mv from rejected/: submits it again, to its queue or another one, as `name`. Its receipt is kept.
 * Returns as engine_check(), and then it stays; -EPERM when it is not rejected. */
int engine_resubmit(struct engine *engine, int64_t job_id, int64_t queue_id, const char *name,
	int64_t now_ms, struct engine_problem *why);

#endif
