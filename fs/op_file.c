/* Operations on open files. */
#include "fs/op.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr.h"
#include "fs/ino.h"
#include "fs/loop.h"
#include "fs/names.h"
#include "fs/op_claim.h"
#include "fs/op_draft.h"
#include "fs/op_pause.h"
#include "fs/op_stream.h"
#include "fs/place.h"
#include "fs/render.h"
#include "fs/work_enqueue.h"
#include "fs/work_inspect.h"

static bool
opens_for_writing(const struct fuse_file_info *file)
{
	return (file->flags & O_ACCMODE) != O_RDONLY;
}

/* ---- create ---- */

/* Returns the queue in whose directory a file may be made, whose whole name is `full`, or NULL:
 * answered. */
static const struct fs_queue *
create_place(struct loop *loop, fuse_req_t request, fuse_ino_t parent, const char *name,
	char full[FS_NAME_MAX + 1])
{
	struct place place;
	int rc = place_find(loop, parent, &place);

	if (!rc && place.node != NODE_QUEUE)
		rc = -EPERM;
	if (!rc)
		rc = place_name(&place, name, full);
	if (!rc)
		return place.queue;
	(void)fuse_reply_err(request, -rc);
	return NULL;
}

/* Replies: create, err. */
void
op_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *file)
{
	struct loop *loop = loop_of(request);
	char full[FS_NAME_MAX + 1];
	const struct fs_queue *queue = create_place(loop, request, parent, name, full);

	if (queue)
		draft_create(loop, request, queue, full, mode, file);
}

/* Replies: entry, err. */
void
op_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	struct loop *loop = loop_of(request);
	char full[FS_NAME_MAX + 1];
	const struct fs_queue *queue = create_place(loop, request, parent, name, full);

	(void)device;
	if (!queue)
		return;
	if (S_ISREG(mode))
		draft_make(loop, request, queue, full, mode);
	else
		(void)fuse_reply_err(request, EPERM);
}

/* ---- open ---- */

/* A file whose content is made when it is opened, from the store or here. */
static int
open_file(struct loop *loop, fuse_ino_t number, struct fuse_file_info *file)
{
	file->noflush = 1;
	return handles_open(
		&loop->handles, HANDLE_FILE, number, 0, false, loop->unique, &file->fh);
}

static void
open_job(struct loop *loop, fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
	struct work *work;
	int rc = open_file(loop, number, file);

	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	work = loop_work(request, &work_open);
	if (!work) {
		handles_close(&loop->handles, file->fh);
		return;
	}
	/* A twin's size changes from one look to the next: what is read is not cut at it. */
	file->direct_io = ino_unpack(number).class == INO_TWIN;
	work->ino = number;
	work->queue_id = ino_unpack(number).queue_id;
	work->handle = file->fh;
	work->file = *file;
	loop_push(loop, work);
}

static void
open_node(struct loop *loop, fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
	enum node node = ino_unpack(number).node;
	const struct fs_queue *queue = loop_queue(loop, number);
	struct content text = { 0 };
	int rc;

	if (opens_for_writing(file) && (node == NODE_NEW || node == NODE_STREAM) && queue) {
		draft_open_node(
			loop, request, queue, node, (file->flags & O_ACCMODE) == O_RDWR);
		return;
	}
	if (node == NODE_PAUSED && queue) {
		pause_open(loop, request, number, file);
		return;
	}
	rc = opens_for_writing(file) ? -EPERM : 0;
	if (!rc && node == NODE_README)
		rc = render_readme(loop->fs, &text);
	if (!rc)
		rc = open_file(loop, number, file);
	if (rc) {
		free(text.bytes);
		(void)fuse_reply_err(request, -rc);
		return;
	}
	handles_keep(&loop->handles, file->fh, &text);
	file->direct_io = 1;
	if (fuse_reply_open(request, file))
		handles_close(&loop->handles, file->fh);
}

/* A name that is a job already is opened for writing: that makes a new draft. */
static void
open_again(struct loop *loop, fuse_req_t request, fuse_ino_t number)
{
	struct work *work = loop_work(request, &work_reopen);

	if (!work)
		return;
	work->job_id = ino_unpack(number).id;
	work->queue_id = ino_unpack(number).queue_id;
	work->time_ms = fuse_req_ctx(request)->pid;
	loop_push(loop, work);
}

/* Replies: open, err. */
void
op_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
	struct loop *loop = loop_of(request);

	switch (ino_unpack(number).class) {
	case INO_NODE:
		open_node(loop, request, number, file);
		break;
	case INO_DRAFT:
		draft_open(loop, request, number, file);
		break;
	case INO_CLAIM:
	case INO_ENVELOPE:
		claim_open(loop, request, number, file);
		break;
	case INO_ALIAS:
		if (opens_for_writing(file))
			open_again(loop, request, number);
		else
			open_job(loop, request, number, file);
		break;
	case INO_JOB:
	case INO_TWIN:
		if (opens_for_writing(file))
			(void)fuse_reply_err(request, EPERM); /* payloads never change */
		else
			open_job(loop, request, number, file);
		break;
	case INO_LINK:
		(void)fuse_reply_err(request, ELOOP); /* open(2) with O_NOFOLLOW */
		break;
	}
}

/* ---- read and write ---- */

static void
read_again(struct loop *loop, fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
	const struct handle *handle)
{
	struct work *work = loop_work(request, &work_read);

	if (!work)
		return;
	work->ino = number;
	work->queue_id = ino_unpack(number).queue_id;
	work->job_id = handle->job_id;
	work->size = size;
	work->offset = offset;
	loop_push(loop, work);
}

/* Replies: buf, err. */
void
op_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	struct loop *loop = loop_of(request);
	struct handle *handle = handles_get(&loop->handles, file->fh);
	const struct content *content;

	if (!handle) {
		(void)fuse_reply_err(request, EBADF);
		return;
	}
	if (handle->kind == HANDLE_DRAFT) {
		if (handle->pipe)
			pipe_read(loop, request, handle, size);
		else
			draft_read(loop, request, handle, size, offset);
		return;
	}
	if (handle->kind == HANDLE_CLAIM) {
		claim_read(loop, request, size, offset, file);
		return;
	}
	content = handles_content(&loop->handles, file->fh);
	if (content->bytes)
		content_reply(request, content, size, offset);
	else if (work_is_of_job(number))
		read_again(loop, request, number, size, offset, handle);
	else
		(void)fuse_reply_buf(request, NULL, 0);
}

/* Replies: write, err. */
void
op_write(fuse_req_t request, fuse_ino_t number, const char *bytes, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	struct loop *loop = loop_of(request);
	const struct handle *handle = handles_get(&loop->handles, file->fh);

	if (handle && handle->kind == HANDLE_CLAIM)
		claim_write(loop, request, bytes, size, file);
	else if (handle && handle->kind == HANDLE_PAUSE)
		pause_write(loop, request, number, bytes, size, offset, file->fh);
	else if (!handle || handle->kind != HANDLE_DRAFT)
		(void)fuse_reply_err(request, EBADF);
	else if (drafts_at(&loop->drafts, handle->slot)->stream)
		stream_write(loop, request, handle, bytes, size);
	else
		draft_write(loop, request, handle, bytes, size, offset,
			(file->flags & O_APPEND) != 0);
}

/* Most files are always ready (poll(2)). Replies: poll, err. */
void
op_poll(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file,
	struct fuse_pollhandle *poller)
{
	struct loop *loop = loop_of(request);
	const struct handle *handle = handles_get(&loop->handles, file->fh);

	(void)number;
	if (handle && handle->kind == HANDLE_CLAIM)
		claim_poll(loop, request, file, poller != NULL);
	else
		(void)fuse_reply_poll(request, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
	if (poller)
		fuse_pollhandle_destroy(poller);
}

/* Replies: err. */
void
op_flush(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
	struct loop *loop = loop_of(request);
	const struct handle *handle = handles_get(&loop->handles, file->fh);

	(void)number;
	if (handle && handle->kind == HANDLE_DRAFT)
		draft_flush(loop, request, handle);
	else
		(void)fuse_reply_err(request, 0);
}

/* A draft is no job yet: it is made durable when it is staged. Replies: err. */
void
op_fsync(fuse_req_t request, fuse_ino_t number, int datasync, struct fuse_file_info *file)
{
	(void)number;
	(void)datasync;
	(void)file;
	(void)fuse_reply_err(request, 0);
}

/* Replies: err. */
void
op_release(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
	struct loop *loop = loop_of(request);
	const struct handle *handle = handles_get(&loop->handles, file->fh);

	if (handle && handle->kind == HANDLE_DRAFT) {
		draft_release(loop, request, file->fh);
		return;
	}
	if (handle && handle->kind == HANDLE_CLAIM) {
		claim_release(loop, request, file->fh);
		return;
	}
	if (handle && handle->kind == HANDLE_PAUSE) {
		pause_release(loop, request, number, file->fh);
		return;
	}
	handles_close(&loop->handles, file->fh);
	(void)fuse_reply_err(request, 0);
}
