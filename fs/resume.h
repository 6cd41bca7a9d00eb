/*
 * After a crash of the engine process: what was under way is finished, and every request that
 * the kernel has no answer to is executed, but not a second time.
 *
 * What the crash may leave, and what is made of it:
 *
 *   in the shared mapping and the store               made of it
 *   ---------------------------------------------------------------------------------------
 *   a draft, its bytes not known to be staged         staged or published by its next close
 *   a draft that was being published, bytes staged    published; if it was already: let go
 *   a draft that was being published with its bytes   let go if the last batches say so, else
 *                                                     published
 *   a finished draft without a writer (the close was  published
 *   taken, nothing pushed)
 *   a draft of `new` without a handle                 freed (its open is sent again)
 *   a handle whose open was not answered              answered with the same handle
 *   a write that was not answered                     written again; an append at the same place
 *   a claim that nobody has open and nobody has read  given back
 *   a claim whose last descriptor for reading and     a failed attempt
 *   writing was closed without a verdict
 *   a claim bound to a process that has ended         a failed attempt
 *   a worker's place, an open claim's job             what the store says
 *   a verdict written to a descriptor, its finish     the descriptor has no job any more
 *   not taken in
 *   somebody who polls                                is woken and asks again
 *   rm or mv that took effect, not answered           answered from the last batches' record, or
 *                                                     from the loop's note of its intent
 *   everything else                                   executed again with the same result
 *
 * Requests that were sent again are executed one at a time until all are answered, so that one
 * which kills the engine process is known: the second time it gets EIO.
 */
#ifndef FS_RESUME_H
#define FS_RESUME_H

#include "fs/loop.h"

/* An answer as the store keeps it: of a work that must not be run twice. */
struct resume_answer {
	uint64_t session; /* which mount: numbers begin anew with each */
	uint64_t batch;   /* 0: of an earlier engine process */
	uint64_t unique;  /* of the request; 0: nobody waited */
	int64_t draft_id; /* published or let go by it, or the stream's; 0: none */
	int64_t error;
	uint64_t handle;                 /* a verdict written to it, about this job; 0: none */
	int64_t job_id;                  /* the draft became, or the verdict's */
	int64_t taken;                   /* bytes of a write to a stream */
	int64_t first_job_id, job_count; /* that they became, if receipts are wanted */
	int64_t created_ms;              /* of these */
};

/* The answers since the batch that the loop has finished, and with them the shared mapping: the
 * committer may be some batches ahead of it. Empty at first; `at` is malloc'ed. */
struct resume_answers {
	struct resume_answer *at;
	size_t count, added; /* added: in the transaction under way */
};

/* Of the engine process before: kept until resume_serve() has been through. 0 or -ENOMEM. */
int resume_keep(struct resume_answers *answers, const struct loop *loop);
/* Those of the batches up to `finished` are not needed any more. */
void resume_forget(struct resume_answers *answers, uint64_t finished, bool resumed);
/* In the committer's transaction, before it is committed; if it was, `count` grows by `added`.
 * Returns 0 or the engine's error. */
int resume_record(struct resume_answers *answers, struct engine *engine,
	const struct works *done, const struct resume_answer *stamp);

/* Before the committer starts: finishes in the shared mapping what the last batch did. */
int resume_prepare(struct loop *loop, struct engine *engine);

/*
 * Asks the kernel for all that it has not got an answer to, and serves that, in order of arrival.
 * Returns 0 or -errno: -EPROTO when an earlier engine process has served this session and the
 * kernel cannot tell (before Linux 6.9).
 */
int resume_serve(struct loop *loop);

/*
 * In the holder, when the session is to be replaced by a new one: nobody has anything open any
 * more. What a writer's close has been told is on disk is published by the next engine process; a
 * file whose writer is now told an error stays a draft and does not become a job.
 */
void resume_forget_session(struct shared *shared);

#endif
