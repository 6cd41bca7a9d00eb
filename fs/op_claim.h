/*
 * Operations on claims: claim/WORKER and its envelope, claim/WORKER.json.
 *
 * A handle for reading is bound to the job that it was opened with. One for reading and writing has
 * one job after the other: opened without O_NONBLOCK it comes with the first; a verdict written
 * to it takes the job away, and the next read gets the next one, which begins at that read's
 * offset (handle->base); a read before that offset is meant from the job's beginning (pread at
 * 0). When its job ended otherwise a read or a verdict gets ESTALE, once, and then it is free for
 * the next. One for writing only has no job: what is written is about the job that the worker
 * holds.
 *
 * Whom a worker's name is bound to (claimant.h) is found out when a handle is opened, so that reads
 * and verdicts need not.
 */
#ifndef FS_OP_CLAIM_H
#define FS_OP_CLAIM_H

#include "fs/loop.h"

/* ---- requests; each answers ---- */

void claim_lookup(
	struct loop *loop, fuse_req_t request, const struct fs_queue *queue, const char *name);
void claim_open(
	struct loop *loop, fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file);
void claim_read(struct loop *loop, fuse_req_t request, size_t size, off_t offset,
	const struct fuse_file_info *file);
void claim_write(struct loop *loop, fuse_req_t request, const char *bytes, size_t size,
	const struct fuse_file_info *file);
/* `waits`: it is to be told when there is a job. */
void claim_poll(
	struct loop *loop, fuse_req_t request, const struct fuse_file_info *file, bool waits);
void claim_release(struct loop *loop, fuse_req_t request, uint64_t handle_number);
void claim_getattr(struct loop *loop, fuse_req_t request, fuse_ino_t number);
void claim_setattr(struct loop *loop, fuse_req_t request, fuse_ino_t number,
	const struct stat *attr, int to_set);

/* ---- facts ---- */

/* The worker that a name in claim/ is about: without the suffix of an envelope. malloc'ed. */
char *claim_worker_name(const char *name);
/* The job that an inode number of a claim stands for, on a path or a descriptor; 0: none. */
int64_t claim_job(const struct loop *loop, fuse_ino_t number);
/* Has the worker in this slot a job, or anything open? Then the slot is not for others. For
 * workers_take(); `context` is the loop. */
bool claim_slot_in_use(void *context, uint32_t slot);

/* ---- what follows later ---- */

/* The worker holds this job: whom it depends on is watched. */
void claim_bind(struct loop *loop, uint32_t slot, const struct job *job);
/* And so does the handle. */
void claim_bind_handle(struct loop *loop, struct handle *handle, int64_t job_id);
/* The worker holds nothing any more. */
void claim_unbind(struct loop *loop, uint32_t slot);
/* The handle's job is over, and it is free for the next. */
void claim_let_go(struct loop *loop, struct handle *handle);
/* Something of this worker's has been closed: a job that nobody has read goes back, and one whose
 * last descriptor for reading and writing it was has failed. */
void claim_closed(struct loop *loop, uint32_t slot);
/* Claims whose process has died fail. */
void claim_look(struct loop *loop);

#endif
