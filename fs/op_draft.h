/*
 * Operations on drafts. A draft is published when its last writer closes it, or when it is
 * renamed to a name that is not a draft's; its bytes are staged at each flush before that.
 */
#ifndef FS_OP_DRAFT_H
#define FS_OP_DRAFT_H

#include "fs/loop.h"

/* ---- requests; each answers ---- */

void draft_create(struct loop *loop, fuse_req_t request, const struct fs_queue *queue,
	const char *name, mode_t mode, struct fuse_file_info *file);
/* Without opening it (mknod). */
void draft_make(struct loop *loop, fuse_req_t request, const struct fs_queue *queue,
	const char *name, mode_t mode);
/* The fixed names `new` and `stream`; `reads`: receipts will be read from it. */
void draft_open_node(struct loop *loop, fuse_req_t request, const struct fs_queue *queue,
	enum node node, bool reads);
void draft_open(
	struct loop *loop, fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file);
void draft_read(struct loop *loop, fuse_req_t request, const struct handle *handle, size_t size,
	off_t offset);
void draft_write(struct loop *loop, fuse_req_t request, const struct handle *handle,
	const char *bytes, size_t size, off_t offset, bool append);
void draft_flush(struct loop *loop, fuse_req_t request, const struct handle *handle);
void draft_release(struct loop *loop, fuse_req_t request, uint64_t handle_number);
void draft_getattr(struct loop *loop, fuse_req_t request, fuse_ino_t number);
/* Cuts or extends it, for ftruncate(2). Returns 0, -EFBIG or -ENOSPC. */
int draft_resize(struct loop *loop, uint32_t slot, int64_t size);
void draft_setattr(struct loop *loop, fuse_req_t request, fuse_ino_t number,
	const struct stat *attr, int to_set);
void draft_unlink(struct loop *loop, fuse_req_t request, uint32_t slot);
void draft_rename(struct loop *loop, fuse_req_t request, uint32_t slot,
	const struct fs_queue *queue, const char *name, unsigned flags);

/* The value of user.spoolfs.receipt on what is still a draft: it is staged for that. */
void draft_getxattr(struct loop *loop, fuse_req_t request, fuse_ino_t number, size_t size);

/* The answer to an open whose writes need not wait for each other; `pipe`: there is no position. */
void op_reply_open_parallel(fuse_req_t request, uint64_t handle_number, bool pipe);

/* ---- facts ---- */

fuse_ino_t draft_ino(const struct loop *loop, uint32_t slot);
const struct fs_queue *draft_queue(const struct loop *loop, uint32_t slot);
/* This thread writes to it: should a signal end its process, that is no job. */
void draft_note_writer(struct draft *draft, pid_t tid);
/* Does its close make it a job? */
bool draft_publishes(const struct loop *loop, uint32_t slot);

/* ---- what follows later ---- */

/* A work that carries the draft's facts and, with `bytes`, its bytes. `name` NULL: its own. NULL:
 * answered. */
struct work *draft_work(struct loop *loop, fuse_req_t request, const struct work_type *type,
	uint32_t slot, const char *name, bool bytes);
/* Its bytes go to the store, invisible. */
void draft_stage(
	struct loop *loop, fuse_req_t request, const struct work_type *type, uint32_t slot);
/* The last writer has gone: on to the store, as a job or into rejected/. `request` NULL: nobody
 * asked. */
void draft_complete(struct loop *loop, fuse_req_t request, uint32_t slot);
/* An rm or mv of a draft has been noted: has it yet to take effect? */
bool intent_is_open(const struct loop *loop, const struct intent *intent);
/* The store has published or rejected the draft, or error says why not: then it is a draft as before,
 * and tried again if its last writer has gone. */
void draft_published(struct loop *loop, int64_t draft_id, int64_t job_id, int error);
/* What could not be done when a last writer went. */
void drafts_settle_left(struct loop *loop);
/* Drafts with content that nobody has touched for a day. */
void drafts_reject_forgotten(struct loop *loop);
/* A draft took the name of another draft: that is gone. */
void draft_replace(struct loop *loop, int64_t queue_id, const char *name, int64_t draft_id);

/* The thread `tid` is about to look a name up again, in this queue or QUEUE_ANY, and open it for
 * writing: a new draft, kept for that thread until it is opened. */
void draft_expect(struct loop *loop, pid_t tid, int64_t queue_id, mode_t mode);
/* Is this the lookup? Then answers it with a new draft and returns true. */
bool draft_expected(
	struct loop *loop, fuse_req_t request, const struct fs_queue *queue, const char *name);

#endif
