/* Streams and receipts. See op_stream.h. */
#include "fs/op_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/log.h"
#include "fs/op_draft.h"
#include "fs/work_stream.h"

#define RECEIPTS_MAX \
	(1 << 20) /* bytes that nobody has read; then the older ones are forgotten */

/* Replies: write, err. */
void
stream_write(struct loop *loop, fuse_req_t request, const struct handle *handle,
	const char *bytes, size_t size)
{
	struct draft *draft = drafts_at(&loop->drafts, handle->slot);
	struct work *work = draft_work(loop, request, &work_stream, handle->slot, "", false);

	if (!work)
		return;
	work->body.bytes = malloc(size + 1);
	if (work->body.bytes)
		memcpy(work->body.bytes, bytes, size);
	else
		work->error = -ENOMEM;
	work->body.size = size;
	work->flag = handle->reads;
	work->new.pid = fuse_req_ctx(request)->pid;
	draft->pid = (pid_t)work->new.pid;
	draft_note_writer(draft, draft->pid);
	loop_push(loop, work);
}

void
stream_flush(struct loop *loop, fuse_req_t request, uint32_t slot)
{
	struct work *work = draft_work(loop, request, &work_stream_check, slot, "", false);

	if (work)
		loop_send(loop, work);
}

void
stream_receipts(
	struct loop *loop, int64_t draft_id, uint64_t unique, const char *text, size_t size)
{
	struct draft *draft = drafts_get(&loop->drafts, draft_id);
	struct handle *handle = draft ? handles_get(&loop->handles, draft->handle) : NULL;
	uint32_t slot = slot_of(draft_id);

	if (!handle || !size || draft->appended_by == unique)
		return;
	if (handle->read_next == draft->size || draft->size > RECEIPTS_MAX) {
		(void)drafts_truncate(&loop->drafts, slot, 0); /* shrinking cannot fail */
		handle->read_next = 0;
	}
	if (drafts_write(&loop->drafts, slot, text, size, draft->size))
		log_info("no room for receipts that nobody reads");
	draft->dirty = false; /* what was written is in the store */
	draft->appended_by = unique;
}

/* ---- reading ---- */

/* The receipt of `new` is that of what has been written to it until now. */
static void
new_read(struct loop *loop, fuse_req_t request, const struct handle *handle, size_t size)
{
	struct draft *draft = drafts_at(&loop->drafts, handle->slot);
	struct work *work;

	if (draft_is_refused(draft) || !draft_has_content(draft)) {
		(void)fuse_reply_buf(request, NULL, 0);
		return;
	}
	work = draft_work(loop, request, &work_receipt_read, handle->slot, "", draft->dirty);
	if (!work)
		return;
	work->offset = handle->read_at;
	work->size = size;
	draft->dirty = false;
	draft->staged = true;
	loop_send(loop, work);
}

/* A read that is repeated after a crash of the engine process begins where it did. */
static void
pipe_seek(const struct loop *loop, struct handle *handle)
{
	if (handle->read_by == loop->unique)
		return;
	handle->read_at = handle->read_next;
	handle->read_by = loop->unique;
}

/* Replies: buf, err. */
void
pipe_read(struct loop *loop, fuse_req_t request, struct handle *handle, size_t size)
{
	const struct draft *draft = drafts_at(&loop->drafts, handle->slot);
	int64_t left;

	if (!handle->reads) {
		(void)fuse_reply_err(request, EBADF);
		return;
	}
	pipe_seek(loop, handle);
	left = (draft->stream ? draft->size : RECEIPT_LENGTH + 1) - handle->read_at;
	if ((int64_t)size > left)
		size = left > 0 ? (size_t)left : 0;
	if (draft->stream || draft->size)
		handle->read_next = handle->read_at + (int64_t)size;
	if (draft->stream)
		draft_read(loop, request, handle, size, handle->read_at);
	else if (size)
		new_read(loop, request, handle, size);
	else
		(void)fuse_reply_buf(request, NULL, 0);
}
