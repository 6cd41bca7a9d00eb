/*
 * Operations on QUEUE/paused, whose text is why the queue is paused, and a line's end; empty, the
 * queue runs. Every write pauses, or, when it leaves nothing but white space, resumes, and has
 * taken effect on disk when it returns. A descriptor that was opened with O_TRUNC, or truncated, and
 * to which nothing was written resumes when it is closed last: not at once, since `echo why > paused`
 * truncates first and is not to let jobs slip through, and not at a flush, of which shells send one
 * before they write.
 */
#ifndef FS_OP_PAUSE_H
#define FS_OP_PAUSE_H

#include "fs/loop.h"

/* ---- requests; each answers ---- */

void pause_open(
	struct loop *loop, fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file);
void pause_write(struct loop *loop, fuse_req_t request, fuse_ino_t number, const char *bytes,
	size_t size, off_t offset, uint64_t handle_number);
void pause_release(
	struct loop *loop, fuse_req_t request, fuse_ino_t number, uint64_t handle_number);
void pause_setattr(struct loop *loop, fuse_req_t request, fuse_ino_t number,
	const struct stat *attr, int to_set, const struct fuse_file_info *file);

/* ---- facts ---- */

/* Why the queue is paused, as of what has been answered; since_ms 0: it is not. */
struct queue_pause *pause_of(const struct loop *loop, const struct fs_queue *queue);
/* The size of the text. */
size_t pause_size(const struct queue_pause *pause);

#endif
