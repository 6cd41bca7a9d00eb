/* Operations on QUEUE/paused. See op_pause.h. */
#include "fs/op_pause.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"
#include "fs/attr.h"
#include "fs/op.h"
#include "fs/place.h"
#include "fs/work_pause.h"

#define WHITE_SPACE " \t\r\n\v\f"

struct queue_pause *
pause_of(const struct loop *loop, const struct fs_queue *queue)
{
	return &loop->pauses[queue - loop->fs->queues];
}

size_t
pause_size(const struct queue_pause *pause)
{
	return pause->since_ms ? strlen(pause->reason) + 1 : 0;
}

/* The reason and a line's end; malloc'ed, NULL when memory is out. */
static char *
pause_text(const struct queue_pause *pause)
{
	size_t size = pause_size(pause);
	char *text = malloc(size + 1);

	if (text && size) {
		memcpy(text, pause->reason, size - 1);
		text[size - 1] = '\n';
	}
	return text;
}

/* ---- open ---- */

void
pause_open(
	struct loop *loop, fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
	const struct queue_pause *pause = pause_of(loop, loop_queue(loop, number));
	bool writes = (file->flags & O_ACCMODE) != O_RDONLY;
	struct content text = { .bytes = pause_text(pause), .size = pause_size(pause) };
	int rc = text.bytes ? handles_open(&loop->handles, HANDLE_PAUSE, number, 0, writes,
				      loop->unique, &file->fh)
			    : -ENOMEM;

	if (rc) {
		free(text.bytes);
		(void)fuse_reply_err(request, -rc);
		return;
	}
	handles_get(&loop->handles, file->fh)->truncated = writes && file->flags & O_TRUNC;
	handles_keep(&loop->handles, file->fh, &text);
	file->direct_io = file->noflush = 1;
	if (fuse_reply_open(request, file))
		handles_close(&loop->handles, file->fh);
}

/* ---- changes ---- */

/* A work that pauses with `reason`, or resumes when it is "". NULL: answered. */
static struct work *
pause_work(fuse_req_t request, fuse_ino_t number, const char *reason)
{
	struct work *work = loop_work(request, &work_pause);

	if (!work)
		return NULL;
	work->queue_id = ino_unpack(number).queue_id;
	work->new.uid = fuse_req_ctx(request)->uid;
	work->new.pid = fuse_req_ctx(request)->pid;
	work->target = strdup(reason);
	if (!work->target)
		work->error = -ENOMEM;
	return work;
}

/* What the file holds after a write, as a reason: without white space at its ends, and cut.
 * Returns 0, or -EINVAL when there is a NUL in it. */
static int
pause_reason(const struct queue_pause *pause, const char *bytes, size_t size, off_t offset,
	char reason[ENGINE_REASON_MAX + 1])
{
	char text[2 * (ENGINE_REASON_MAX + 1)];
	size_t kept = pause_size(pause);
	const char *from = text;

	if (memchr(bytes, '\0', size))
		return -EINVAL;
	if ((uint64_t)offset > kept)
		offset = (off_t)kept;
	kept = (size_t)offset;
	memcpy(text, pause->reason, kept);
	if (kept && kept == pause_size(pause))
		text[kept - 1] = '\n';
	if (size > sizeof text - 1 - kept)
		size = sizeof text - 1 - kept;
	memcpy(text + kept, bytes, size);
	text[kept + size] = '\0';
	from += strspn(text, WHITE_SPACE);
	size = text_cut(from, strlen(from), ENGINE_REASON_MAX);
	while (size && strchr(WHITE_SPACE, from[size - 1]))
		size--;
	memcpy(reason, from, size);
	reason[size] = '\0';
	return 0;
}

void
pause_write(struct loop *loop, fuse_req_t request, fuse_ino_t number, const char *bytes,
	size_t size, off_t offset, uint64_t handle_number)
{
	struct handle *handle = handles_get(&loop->handles, handle_number);
	char reason[ENGINE_REASON_MAX + 1];
	int rc = pause_reason(
		pause_of(loop, loop_queue(loop, number)), bytes, size, offset, reason);
	struct work *work;

	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	handle->written = true;
	work = pause_work(request, number, reason);
	if (!work)
		return;
	work->size = size;
	loop_push(loop, work);
}

/* The handle is there until the queue runs: after a crash this is executed again. */
void
pause_release(struct loop *loop, fuse_req_t request, fuse_ino_t number, uint64_t handle_number)
{
	const struct handle *handle = handles_get(&loop->handles, handle_number);
	struct work *work;

	if (!handle->truncated || handle->written) {
		handles_close(&loop->handles, handle_number);
		(void)fuse_reply_err(request, 0);
		return;
	}
	work = pause_work(request, number, "");
	if (!work)
		return;
	work->handle = handle_number;
	loop_push(loop, work);
}

static void
pause_truncate(struct loop *loop, fuse_req_t request, fuse_ino_t number)
{
	struct work *work = pause_work(request, number, "");

	if (!work)
		return;
	work->entry.attr = attr_node(loop->fs, NODE_PAUSED, loop_queue(loop, number), now_ms());
	work->flag = true;
	loop_push(loop, work);
}

void
pause_setattr(struct loop *loop, fuse_req_t request, fuse_ino_t number, const struct stat *attr,
	int to_set, const struct fuse_file_info *file)
{
	struct handle *handle = file ? handles_get(&loop->handles, file->fh) : NULL;

	if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID) ||
		(to_set & FUSE_SET_ATTR_SIZE && attr->st_size > 0)) {
		(void)fuse_reply_err(request, EPERM);
		return;
	}
	if (to_set & FUSE_SET_ATTR_SIZE && !handle) {
		pause_truncate(loop, request, number);
		return;
	}
	if (to_set & FUSE_SET_ATTR_SIZE && !handle->written)
		handle->truncated = true;
	op_getattr(request, number, NULL); /* times mean nothing */
}
