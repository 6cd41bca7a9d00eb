/*
 * The store: rows on disk, and nothing that decides. The engine reaches SQL through this alone,
 * so that another store can stand in its place.
 *
 * Calling sequence: store_open(), then store_begin(), rows, store_commit() or store_rollback().
 * All return 0 or -errno: -EIO, -ENOSPC, -ENOMEM, -EACCES; what finds says -ENOENT. After an
 * error inside a transaction everything until store_rollback() fails with the same error, so
 * half a transaction is never committed, and nothing is written outside one. What
 * store_rollback() could not undo for want of memory store_begin() undoes first, or fails.
 *
 * What a crash (of the program or the host) can leave, and what is made of it. A transaction is
 * all or nothing; "durable" ones are on disk when store_commit() returned, of others the last
 * few may be lost at a power cut, always from the end.
 *
 *   found on disk                     made of it
 *   ---------------------------------------------------------------------------------------
 *   no file; a file of 0 bytes        a new store
 *   0 bytes, but a -wal with content  refused: the jobs were in the file that is gone
 *   a header, no table, no id         a new store (creation stopped before its one commit)
 *   not SQLite, another program's     refused, named; nothing written
 *   tables missing, pages broken      refused, named; nothing written
 *   a newer schema                    refused; nothing written
 *   an older schema                   upgraded, each step one transaction
 *   draft: nothing here               nothing (its bytes are with who opened it)
 *   staged                            engine_recover() publishes it, under its name as staged
 *   staged, its draft is still open   stays; engine_publish() or another staging follows
 *   staged anew                       the newer bytes only: old and new change in one commit
 *   staged in part                    engine_recover() checks it: published, or rejected
 *   rejected                          kept, with its name, its bytes and the reason
 *   rejected, the commit lost         staged before: published or rejected by engine_recover();
 *                                     else nothing (its bytes are with who opened it)
 *   published, the commit lost        staged: engine_recover() publishes it again, with the
 *                                     same id and receipt
 *   published                         waits, or is in backoff
 *   claimed                           still claimed by that worker, with its deadline
 *   claimed by a process              still that process's alone
 *   claimed, the commit lost          waits; no attempt counted; delivered again
 *   heartbeat, the commit lost        the earlier deadline
 *   verdict                           holds: done jobs never run again
 *   verdict, the commit lost          still claimed (it was not acknowledged)
 *   failed                            in backoff until its time, or dead, with its reason
 *   done, kept for its name           kept for the rest of its minute
 *   moved                             in exactly one of the two queues
 *   paused                            holds, with its time and its reason
 *   a queue's tallies                 as its jobs: written in the same transaction
 *   numbers (ids, order)              go on above every one ever used; gaps are fine
 *   notes                             of the same transaction as the jobs
 */
#ifndef ENGINE_STORE_H
#define ENGINE_STORE_H

#include "engine/record.h"

struct store;

/* `seed` makes the keys of a new store. Errors and `problem`: engine_open(). */
int store_open(const char *path, const char *vfs, uint64_t seed, struct engine_problem *problem,
	struct store **store);
void store_close(struct store *store);

/*
 * A full disk. A verdict writes, too, and must not fail. So 2 MB are kept in the file PATH-reserve,
 * and the database's file has room for every page that the log holds before the commit of what
 * adds payloads (it grows in steps of 256 KB), so that a checkpoint needs no more. When a
 * transaction ends with -ENOSPC, store_rollback() gives the reserve to the disk and lets the log
 * start again in the room that it has: the same changes without new payloads then succeed. New
 * payloads are refused before that matters: store_reserve() has to make the reserve whole first.
 * Not promised: that no other program takes the room in between; that many changes fit in one
 * transaction (hundreds do); or file systems that need room to overwrite (btrfs, ZFS).
 */
/* Returns 0, or -ENOSPC, -EIO, -ENOMEM: no new payload now. In a transaction or outside. */
int store_reserve(struct store *store);

int store_begin(struct store *store, bool durable);
int store_commit(struct store *store);
void store_rollback(struct store *store);

/* engine_checkpoint(), engine_maintain(), engine_error(). */
int store_checkpoint(struct store *store);
int store_maintain(struct store *store, bool *more);
const char *store_error(const struct store *store);

/* ---- jobs ---- */

int store_job_add(struct store *store, const struct record *record);
/* All of the row. */
int store_job_put(struct store *store, const struct record *record);
/* What a change of state within a queue changes. The name, the group, the owner stay. */
int store_job_update(struct store *store, const struct record *record);
int store_job_name(struct store *store, int64_t job_id, const char *name, bool named);
int store_job_head(struct store *store, int64_t job_id, bool head);
int store_job_deadline(struct store *store, int64_t job_id, int64_t deadline_ms);
int store_job_delete(struct store *store, int64_t job_id);

int store_job_get(struct store *store, int64_t job_id, struct record *record);
int store_job_by_draft(struct store *store, int64_t draft_id, struct record *record);
int store_job_by_worker(
	struct store *store, int64_t queue_id, const char *worker, struct record *record);
int store_job_by_name(
	struct store *store, int64_t queue_id, const char *name, struct record *record);
int store_job_rejected(
	struct store *store, int64_t queue_id, const char *name, struct record *record);
/* The waiting job that is first in its queue; `heads`: among the heads of a fifo queue. */
int store_job_next(struct store *store, int64_t queue_id, bool heads, struct record *record);
/* The first live job of a group. */
int store_group_first(
	struct store *store, int64_t queue_id, int64_t group_id, struct record *record);

/* What time will change next: the backoff that ends first, the claim, the finished job. */
enum store_clock { STORE_DUE, STORE_DEADLINE, STORE_ENDED };
int store_job_first(struct store *store, enum store_clock clock, struct record *record);

/* ---- lists: `fn` gets the rows after the key `after` in order, until it returns false ---- */

enum store_list {
	STORE_WAITING, /* by pos, as are the next four */
	STORE_BACKOFF,
	STORE_RUNNING,
	STORE_DEAD,
	STORE_REJECTED,
	STORE_RETRIES,  /* by id, as are the next two */
	STORE_RECEIPTS, /* live and dead */
	STORE_NAMED,    /* with a name that resolves */
	STORE_GROUPS,   /* the first live job of each group, by group id */
	STORE_LISTS,
};
typedef bool store_list_fn(void *context, const struct record *record);
int store_list(struct store *store, enum store_list list, int64_t queue_id, int64_t after,
	store_list_fn *fn, void *context);
/* The live jobs of a group by pos. */
int store_list_group(struct store *store, int64_t queue_id, int64_t group_id, int64_t after,
	store_list_fn *fn, void *context);
/* These two take all ids before they give the first, so `fn` may change jobs. They stop when it
 * returns an error, and return that. */
typedef int store_id_fn(void *context, int64_t job_id);
/* Everything staged, in all queues, by id. Linear in it. */
int store_list_staged(struct store *store, store_id_fn *fn, void *context);
/* Staged and live jobs of a queue, running ones first, then by pos. Linear in them. */
int store_list_live(struct store *store, int64_t queue_id, store_id_fn *fn, void *context);
/* No live job of the queue is in a group any more. Linear. */
int store_ungroup(struct store *store, int64_t queue_id);

/* ---- payloads and failures ---- */

int store_payload_add(struct store *store, int64_t job_id, const void *body, size_t size);
int store_payload_get(struct store *store, int64_t job_id, void **body, size_t *size);
int store_payload_delete(struct store *store, int64_t job_id);

int store_failure_add(
	struct store *store, int64_t job_id, int64_t number, const struct job_failure *failure);
int store_failures(struct store *store, int64_t job_id, engine_failure_fn *fn, void *context);
int store_failures_delete(struct store *store, int64_t job_id);

/* ---- queues ---- */

struct tally {
	int64_t count, changed_ms;
};
struct queue_row {
	int64_t id;
	const char *name;
	bool fifo;
	const char *group_field;          /* "" : none */
	int64_t created_ms;               /* of the job published last */
	struct tally tallies[JOB_STATES]; /* [JOB_NONE] is not used */
	struct {
		int64_t since_ms, uid, pid; /* since_ms 0: not paused */
		const char *reason;
	} pause;
};
int store_queue_add(struct store *store, const struct queue_row *row, int64_t *queue_id);
int store_queue_type(struct store *store, const struct queue_row *row);
int store_queue_tallies(struct store *store, const struct queue_row *row);
int store_queue_pause(struct store *store, const struct queue_row *row);
/* Calls `fn` for each queue; stops when it returns an error, and returns that. */
typedef int store_queue_fn(void *context, const struct queue_row *row);
int store_queues(struct store *store, store_queue_fn *fn, void *context);

/* ---- odds and ends: numbers and notes by key ---- */

int store_number_get(struct store *store, const char *key, int64_t *number);
int store_number_set(struct store *store, const char *key, int64_t number);
int store_note_get(struct store *store, const char *key, void **bytes, size_t *size);
/* size 0 forgets it. */
int store_note_set(struct store *store, const char *key, const void *bytes, size_t size);

#endif
