/*
 * `stream`, where each line is a job, and descriptors that receipts are read from. What is written
 * to a stream goes to the store with every write: complete lines as jobs, the beginning of a line as
 * what its draft staged. So the loop keeps nothing of it; the bytes of a stream's draft are the
 * receipts that can be read.
 */
#ifndef FS_OP_STREAM_H
#define FS_OP_STREAM_H

#include "fs/loop.h"

/* Requests; each answers. */
void stream_write(struct loop *loop, fuse_req_t request, const struct handle *handle,
	const char *bytes, size_t size);
void stream_flush(struct loop *loop, fuse_req_t request, uint32_t slot);
/* Of a descriptor without a position: the receipts that have not been read yet. */
void pipe_read(struct loop *loop, fuse_req_t request, struct handle *handle, size_t size);

/* The jobs that a write has made, whose receipts can be read from now on; `text` as they are
 * read. `unique`: of the write. */
void stream_receipts(
	struct loop *loop, int64_t draft_id, uint64_t unique, const char *text, size_t size);

#endif
