/*
 * The committer: the one thread that owns the engine and so the store. It takes all that has
 * gathered, runs it in one transaction with one reading of the clock, commits, answers;
 * meanwhile the next batch gathers. When a batch fails it is rolled back and run again one by
 * one, so that only what cannot be done is refused.
 *
 * Calling sequence: committer_start(); committer_push() and committer_finished() from the loop;
 * committer_stop().
 */
#ifndef FS_COMMITTER_H
#define FS_COMMITTER_H

#include "fs/fs.h"
#include "fs/line.h"
#include "fs/work.h"

/* Takes the engine over, for the loop; committer_stop() closes it. Returns 0 or -errno. */
int committer_start(struct loop *loop, struct engine *engine, struct committer **committer);
/* Runs what was pushed, answers who still waits with ENOTCONN, ends the thread, frees. */
void committer_stop(struct committer *committer);

/* ---- for the loop's thread ---- */

/* Takes the works over, in their order. */
void committer_push(struct committer *committer, struct line *works);
void committer_push_one(struct committer *committer, struct work *work);
/* What an earlier engine process has answered need not be known any more. */
void committer_resumed(struct committer *committer);
/* Waits until everything that was pushed has been run, but for claims that wait. */
void committer_drain(struct committer *committer);
/* The works that have been run since the last call, in the order in which they took effect,
 * linked by `next`. The caller calls finish and drops its reference. No lock when there is
 * none. */
struct work *committer_finished(struct committer *committer);
/* When a view of a queue last changed, as of what has been answered. The queue's index in the
 * configuration. */
int64_t committer_changed_ms(struct committer *committer, size_t queue_index, enum view view);
/* The interrupt of a waiting claim: if request number `unique` still waits, it gets
 * EINTR. Not the fuse_req_t: another request may have that address by now. */
void committer_cancel(struct committer *committer, uint64_t unique);
/* Who polls this handle without a request leaves the line. */
void committer_cancel_handle(struct committer *committer, uint64_t handle);
/* Can be read when committer_finished() has something that no request will ask for. */
int committer_fd(const struct committer *committer);

/* ---- for a work's run and reply ---- */

struct engine *committer_engine(struct committer *committer);
const struct fs *committer_fs(struct committer *committer);
/* The time of this batch. */
int64_t committer_now_ms(const struct committer *committer);
/* The claim joins the line of its queue; to be returned by run. */
int committer_wait(struct committer *committer, struct work *claim);
/* Does nobody wait on this queue? Then a claim may be served at once. */
bool committer_line_empty(struct committer *committer, int64_t queue_id);
/* Does this handle's claim wait on it? Looks at all that do. */
bool committer_waits(struct committer *committer, int64_t queue_id, uint64_t handle);
/* Serves who waits on this queue as far as there are jobs. 0 or WORK_FAILED. */
int committer_serve(struct committer *committer, int64_t queue_id);

/* What run returns for an engine's error that is not a refusal. */
static inline int
work_failed(struct work *work, int error)
{
	work->error = error;
	return WORK_FAILED;
}

#endif
