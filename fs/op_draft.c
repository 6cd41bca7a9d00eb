/* Operations on drafts. See op_draft.h. */
#include "fs/op_draft.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr.h"
#include "fs/log.h"
#include "fs/work_enqueue.h"

#define REOPENING_MS \
	1000            /* the kernel looks the name up at once; a killed caller never does \
			   */
#define DRAFT_MODE 0644 /* where nobody says */

static fuse_ino_t
draft_ino(const struct loop *loop, uint32_t slot)
{
	return ino_pack(INO_DRAFT, 0, drafts_at(&loop->drafts, slot)->queue_id,
		drafts_id(&loop->drafts, slot));
}

static const struct fs_queue *
draft_queue(const struct loop *loop, uint32_t slot)
{
	return fs_queue_by_id(loop->fs, drafts_at(&loop->drafts, slot)->queue_id);
}

static void
draft_touch(struct draft *draft)
{
	draft->mtime_ms = draft->ctime_ms = now_ms();
}

/* Does its close make it a job? */
static bool
draft_publishes(const struct loop *loop, uint32_t slot)
{
	const struct draft *draft = drafts_at(&loop->drafts, slot);
	const struct config_queue *config = draft_queue(loop, slot)->config;

	if (draft->nameless || draft->final)
		return true;
	return config->publish == CONFIG_PUBLISH_CLOSE &&
	       !config_is_draft_name(config, draft->name);
}

/* ---- create and open ---- */

static int
draft_new(struct loop *loop, fuse_req_t request, const struct fs_queue *queue, const char *name,
	mode_t mode, uint32_t *slot)
{
	const struct fuse_ctx *context = fuse_req_ctx(request);
	struct draft_new new = {
		.created_by = loop->unique,
		.queue_id = queue->id,
		.now_ms = now_ms(),
		.name = name,
		.uid = context->uid,
		.gid = context->gid,
		.pid = context->pid,
		.mode = mode & 07777,
	};
	int rc = drafts_create(&loop->drafts, &new, slot);

	if (!rc && name)
		loop_drafts_changed(loop, queue->id);
	return rc;
}

static struct fuse_entry_param
draft_entry(const struct loop *loop, uint32_t slot)
{
	struct stat attr =
		attr_draft(drafts_at(&loop->drafts, slot), drafts_id(&loop->drafts, slot));

	return attr_entry(&attr, 0, TIMEOUT_FIXED);
}

/* In a queue with max_jobs the store is asked first. Returns true when it is. */
static bool
draft_asks(struct loop *loop, fuse_req_t request, uint32_t slot, uint64_t handle, bool named,
	const struct fuse_file_info *file)
{
	const struct fs_queue *queue = draft_queue(loop, slot);
	struct work *work;

	if (queue->config->max_jobs == CONFIG_NONE)
		return false;
	work = loop_work(request, &work_create);
	if (!work) {
		handles_close(&loop->handles, handle);
		drafts_free(&loop->drafts, slot);
		return true;
	}
	work->queue_id = queue->id;
	work->slot = slot;
	work->handle = handle;
	work->flag = named;
	if (named) {
		work->entry = draft_entry(loop, slot);
		work->file = *file;
	}
	committer_push(loop->committer, work);
	return true;
}

void
draft_create(struct loop *loop, fuse_req_t request, const struct fs_queue *queue,
	const char *name, mode_t mode, struct fuse_file_info *file)
{
	struct fuse_entry_param entry;
	uint64_t handle;
	uint32_t slot;
	int rc = draft_new(loop, request, queue, name, mode, &slot);

	if (!rc) {
		rc = handles_open(&loop->handles, HANDLE_DRAFT, draft_ino(loop, slot), slot,
			(file->flags & O_ACCMODE) != O_RDONLY, loop->unique, &handle);
		if (rc)
			drafts_free(&loop->drafts, slot);
	}
	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	file->fh = handle;
	file->direct_io = 1;
	if (draft_asks(loop, request, slot, handle, true, file))
		return;
	entry = draft_entry(loop, slot);
	if (fuse_reply_create(request, &entry, file)) {
		/* The caller has gone, and its release will never come (fuse_lowlevel.h). */
		handles_close(&loop->handles, handle);
		drafts_free(&loop->drafts, slot);
	}
}

void
draft_make(struct loop *loop, fuse_req_t request, const struct fs_queue *queue,
	const char *name, mode_t mode)
{
	struct fuse_entry_param entry;
	uint32_t slot;
	int rc = draft_new(loop, request, queue, name, mode, &slot);

	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	entry = draft_entry(loop, slot);
	(void)fuse_reply_entry(request, &entry);
}

/* libfuse 3.14 has no name for the flag: the raw answer (struct fuse_open_out). */
void
op_reply_open_parallel(fuse_req_t request, uint64_t handle_number)
{
	struct fuse_open_out out = {
		.fh = handle_number,
		.open_flags = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES,
	};

	(void)fuse_reply_buf(request, (const char *)&out, sizeof out);
}

void
draft_open_new(struct loop *loop, fuse_req_t request, const struct fs_queue *queue)
{
	fuse_ino_t ino = ino_pack(INO_NODE, NODE_NEW, queue->id, 0);
	uint64_t handle;
	uint32_t slot;
	int rc = draft_new(
		loop, request, queue, NULL, queue->faces[CONFIG_ENQUEUE].mode & 0666, &slot);

	if (!rc) {
		rc = handles_open(
			&loop->handles, HANDLE_DRAFT, ino, slot, true, loop->unique, &handle);
		if (rc)
			drafts_free(&loop->drafts, slot);
	}
	if (rc)
		(void)fuse_reply_err(request, -rc);
	else if (!draft_asks(loop, request, slot, handle, false, NULL))
		op_reply_open_parallel(request, handle);
}

/* Each opening for writing is a job of its own. Draft names are files as any other. */
static bool
draft_is_taken(const struct loop *loop, uint32_t slot, fuse_ino_t number)
{
	const struct draft *draft = drafts_at(&loop->drafts, slot);

	return draft->state != DRAFT_OPEN ||
	       (draft_publishes(loop, slot) && handles_writing(&loop->handles, number) > 0);
}

void
draft_open(
	struct loop *loop, fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
	bool writes = (file->flags & O_ACCMODE) != O_RDONLY;
	struct draft *draft = drafts_get(&loop->drafts, ino_unpack(number).id);
	uint32_t slot = slot_of(ino_unpack(number).id);
	int rc;

	if (!draft) {
		(void)fuse_reply_err(request, ESTALE);
		return;
	}
	if (writes && draft_is_taken(loop, slot, number)) {
		draft_expect(loop, fuse_req_ctx(request)->pid, draft->queue_id, draft->mode);
		(void)fuse_reply_err(request, ESTALE);
		return;
	}
	rc = handles_open(
		&loop->handles, HANDLE_DRAFT, number, slot, writes, loop->unique, &file->fh);
	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	if (writes && file->flags & O_TRUNC) {
		(void)drafts_truncate(&loop->drafts, slot, 0); /* shrinking cannot fail */
		draft_touch(draft);
	}
	file->direct_io = 1;
	if (fuse_reply_open(request, file))
		handles_close(&loop->handles, file->fh);
}

/* ---- writing a name again ---- */

void
draft_expect(struct loop *loop, pid_t tid, int64_t queue_id, mode_t mode)
{
	loop->reopenings[loop->next_reopening++ % REOPENING_COUNT] = (struct reopening){
		.tid = tid,
		.queue_id = queue_id,
		.until_ms = now_ms() + REOPENING_MS,
		.mode = mode ? mode : DRAFT_MODE,
	};
}

bool
draft_expected(
	struct loop *loop, fuse_req_t request, const struct fs_queue *queue, const char *name)
{
	pid_t tid = fuse_req_ctx(request)->pid;

	for (unsigned i = 0; i < REOPENING_COUNT; i++) {
		struct reopening *reopening = &loop->reopenings[i];

		if (reopening->queue_id != queue->id || reopening->tid != tid)
			continue;
		reopening->queue_id = 0;
		if (reopening->until_ms < now_ms())
			continue;
		draft_make(loop, request, queue, name, reopening->mode);
		return true;
	}
	return false;
}

/* ---- bytes ---- */

void
draft_read(struct loop *loop, fuse_req_t request, const struct handle *handle, size_t size,
	off_t offset)
{
	char *bytes = malloc(size);

	if (!bytes) {
		(void)fuse_reply_err(request, ENOMEM);
		return;
	}
	size = drafts_read(&loop->drafts, handle->slot, bytes, size, offset);
	(void)fuse_reply_buf(request, bytes, size);
	free(bytes);
}

static int
draft_check_size(const struct loop *loop, uint32_t slot, int64_t offset, size_t size)
{
	int64_t max = draft_queue(loop, slot)->config->max_payload_bytes;

	return offset < 0 || (int64_t)size > max || offset > max - (int64_t)size ? -EFBIG : 0;
}

void
draft_write(struct loop *loop, fuse_req_t request, const struct handle *handle,
	const char *bytes, size_t size, off_t offset, bool append)
{
	struct draft *draft = drafts_at(&loop->drafts, handle->slot);
	int rc;

	if (append)
		offset = draft->size;
	rc = draft_check_size(loop, handle->slot, offset, size);
	if (!rc)
		rc = drafts_write(&loop->drafts, handle->slot, bytes, size, offset);
	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	draft_touch(draft);
	(void)fuse_reply_write(request, size);
}

/* ---- attributes ---- */

void
draft_getattr(struct loop *loop, fuse_req_t request, fuse_ino_t number)
{
	struct draft *draft = drafts_get(&loop->drafts, ino_unpack(number).id);
	struct stat attr;

	if (!draft) {
		(void)fuse_reply_err(request, ESTALE);
		return;
	}
	attr = attr_draft(draft, ino_unpack(number).id);
	(void)fuse_reply_attr(request, &attr, TIMEOUT_FIXED);
}

static void
draft_set_times(struct draft *draft, const struct stat *attr, int to_set)
{
	int64_t now = now_ms();

	if (to_set & FUSE_SET_ATTR_ATIME)
		draft->atime_ms =
			to_set & FUSE_SET_ATTR_ATIME_NOW ? now : attr_ms(&attr->st_atim);
	if (to_set & FUSE_SET_ATTR_MTIME)
		draft->mtime_ms =
			to_set & FUSE_SET_ATTR_MTIME_NOW ? now : attr_ms(&attr->st_mtim);
	draft->ctime_ms = now;
}

/* The kernel has checked that the caller may (default_permissions). */
void
draft_setattr(struct loop *loop, fuse_req_t request, fuse_ino_t number, const struct stat *attr,
	int to_set)
{
	struct draft *draft = drafts_get(&loop->drafts, ino_unpack(number).id);
	uint32_t slot = slot_of(ino_unpack(number).id);
	int rc = draft ? 0 : -ESTALE;

	if (!rc && to_set & FUSE_SET_ATTR_SIZE) {
		rc = draft_check_size(loop, slot, attr->st_size, 0);
		if (!rc)
			rc = drafts_truncate(&loop->drafts, slot, attr->st_size);
		if (!rc)
			draft_touch(draft);
	}
	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	if (to_set & FUSE_SET_ATTR_MODE)
		draft->mode = attr->st_mode & 07777;
	if (to_set & FUSE_SET_ATTR_UID)
		draft->uid = attr->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		draft->gid = attr->st_gid;
	draft_set_times(draft, attr, to_set);
	draft_getattr(loop, request, number);
}

/* ---- towards the store ---- */

/* A work that carries the draft's facts and, with `bytes`, its bytes. NULL: answered. */
static struct work *
draft_work(struct loop *loop, fuse_req_t request, const struct work_type *type, uint32_t slot,
	const char *name, bool bytes)
{
	const struct draft *draft = drafts_at(&loop->drafts, slot);
	struct work *work = loop_work(request, type);

	if (!work)
		return NULL;
	work->name = strdup(name);
	work->body.bytes = bytes ? malloc((size_t)draft->size + 1) : NULL;
	if (!work->name || (bytes && !work->body.bytes)) {
		(void)fuse_reply_err(request, ENOMEM);
		work_unref(work);
		work_unref(work);
		return NULL;
	}
	if (bytes)
		work->body.size = drafts_read(
			&loop->drafts, slot, work->body.bytes, (size_t)draft->size, 0);
	work->slot = slot;
	work->new = (struct job_new){
		.queue_id = draft->queue_id,
		.draft_id = drafts_id(&loop->drafts, slot),
		.body = work->body.bytes,
		.size = work->body.size,
		.name = work->name,
		.due_ms = draft_queue(loop, slot)->config->schedule_by_mtime ? draft->mtime_ms
									     : 0,
		.uid = draft->uid,
		.gid = draft->gid,
		.pid = draft->pid,
		.mode = draft->mode,
	};
	return work;
}

static const char *
draft_shown_name(const struct draft *draft)
{
	return draft->nameless ? "" : draft->name;
}

/* Replies: err. */
void
draft_flush(struct loop *loop, fuse_req_t request, const struct handle *handle)
{
	struct draft *draft = drafts_at(&loop->drafts, handle->slot);
	struct work *work;

	if (!handle->writes || !draft->dirty || draft->size == 0 ||
		draft->state != DRAFT_OPEN || !draft_publishes(loop, handle->slot)) {
		(void)fuse_reply_err(request, 0);
		return;
	}
	work = draft_work(
		loop, request, &work_stage, handle->slot, draft_shown_name(draft), true);
	if (!work)
		return;
	draft->dirty = false;
	draft->staged = true;
	committer_push(loop->committer, work);
}

/* The last writer has gone. */
static void
draft_complete(struct loop *loop, fuse_req_t request, uint32_t slot)
{
	struct draft *draft = drafts_at(&loop->drafts, slot);
	struct work *work =
		draft_work(loop, request, draft->dirty ? &work_enqueue : &work_publish, slot,
			draft_shown_name(draft), draft->dirty);

	if (!work)
		return; /* what is staged is published at the next close, or the next start */
	draft->state = DRAFT_PUBLISHING;
	loop_drafts_changed(loop, draft->queue_id);
	committer_push(loop->committer, work);
}

/* It was emptied: what an earlier flush staged must not become a job. */
static void
draft_withdraw(struct loop *loop, fuse_req_t request, uint32_t slot)
{
	struct work *work = draft_work(loop, request, &work_unstage, slot, "", false);

	if (!work)
		return;
	drafts_at(&loop->drafts, slot)->staged = false;
	committer_push(loop->committer, work);
}

static bool
draft_is_open(const struct loop *loop, uint32_t slot, fuse_ino_t number)
{
	const struct draft *draft = drafts_at(&loop->drafts, slot);

	if (draft->state == DRAFT_OPEN && draft->nameless)
		return false; /* of `new`: one handle each, which has just been closed */
	return handles_on(&loop->handles, number) != NULL;
}

/* Replies: err; nobody waits for it. */
void
draft_release(struct loop *loop, fuse_req_t request, uint64_t handle_number)
{
	struct handle closed = *handles_get(&loop->handles, handle_number);
	struct draft *draft = drafts_at(&loop->drafts, closed.slot);
	bool written = draft->size > 0 && (draft->dirty || draft->staged);

	handles_close(&loop->handles, handle_number);
	if (draft->state == DRAFT_OPEN && closed.writes && written &&
		(draft->nameless || !handles_writing(&loop->handles, closed.ino)) &&
		draft_publishes(loop, closed.slot)) {
		draft_complete(loop, request, closed.slot);
		return;
	}
	if (draft->state == DRAFT_OPEN && draft->staged && draft->size == 0) {
		draft_withdraw(loop, request, closed.slot);
		return;
	}
	if ((draft->state == DRAFT_UNLINKED ||
		    (draft->state == DRAFT_OPEN && draft->nameless)) &&
		!draft_is_open(loop, closed.slot, closed.ino))
		drafts_free(&loop->drafts, closed.slot);
	(void)fuse_reply_err(request, 0);
}

void
draft_published(struct loop *loop, int64_t draft_id, int error)
{
	struct draft *draft = drafts_get(&loop->drafts, draft_id);
	uint32_t slot = slot_of(draft_id);

	if (!draft)
		return;
	if (error && !draft->nameless) {
		draft->state = DRAFT_OPEN;
		draft->dirty = true;
		return;
	}
	loop_drafts_changed(loop, draft->queue_id);
	if (!draft->nameless && handles_on(&loop->handles, draft_ino(loop, slot))) {
		drafts_unname(&loop->drafts, slot);
		draft->state = DRAFT_UNLINKED; /* for those who still read it */
		return;
	}
	drafts_free(&loop->drafts, slot);
}

/* ---- unlink and rename ---- */

/* Takes the name away; the draft goes with its last handle. */
static void
draft_drop(struct loop *loop, uint32_t slot)
{
	struct draft *draft = drafts_at(&loop->drafts, slot);
	fuse_ino_t number = draft_ino(loop, slot);

	loop_drafts_changed(loop, draft->queue_id);
	drafts_unname(&loop->drafts, slot);
	draft->state = DRAFT_UNLINKED;
	if (!handles_on(&loop->handles, number))
		drafts_free(&loop->drafts, slot);
}

void
draft_unlink(struct loop *loop, fuse_req_t request, uint32_t slot)
{
	if (!drafts_at(&loop->drafts, slot)->staged) {
		draft_drop(loop, slot);
		(void)fuse_reply_err(request, 0);
		return;
	}
	draft_withdraw(loop, request, slot);
	draft_drop(loop, slot);
}

void
draft_replace(struct loop *loop, int64_t queue_id, const char *name, int64_t draft_id)
{
	uint32_t slot = drafts_find(&loop->drafts, queue_id, name);

	if (slot != INDEX_END && drafts_id(&loop->drafts, slot) != draft_id &&
		drafts_at(&loop->drafts, slot)->state == DRAFT_OPEN)
		draft_drop(loop, slot);
}

/* A final name for a finished draft: it becomes a job now, or stays what it was. */
static void
draft_rename_publish(struct loop *loop, fuse_req_t request, uint32_t slot,
	const struct fs_queue *queue, const char *name)
{
	struct work *work = draft_work(loop, request, &work_enqueue, slot, name, true);

	if (!work)
		return;
	work->new.queue_id = queue->id;
	work->flag = true; /* a draft of that name is replaced */
	drafts_at(&loop->drafts, slot)->state = DRAFT_PUBLISHING;
	committer_push(loop->committer, work);
}

/* Replies: err. */
void
draft_rename(struct loop *loop, fuse_req_t request, uint32_t slot, const struct fs_queue *queue,
	const char *name, unsigned flags)
{
	struct draft *draft = drafts_at(&loop->drafts, slot);
	bool final = !config_is_draft_name(queue->config, name);
	bool writing = handles_writing(&loop->handles, draft_ino(loop, slot)) > 0;

	if (tree_child(NODE_QUEUE, name) != NODE_ROOT) {
		(void)fuse_reply_err(request, EPERM);
		return;
	}
	if (flags & RENAME_NOREPLACE &&
		drafts_find(&loop->drafts, queue->id, name) != INDEX_END) {
		(void)fuse_reply_err(request, EEXIST);
		return;
	}
	if (draft->size > queue->config->max_payload_bytes) {
		(void)fuse_reply_err(request, EFBIG);
		return;
	}
	if (final && !writing && draft->size > 0) {
		draft_rename_publish(loop, request, slot, queue, name);
		return;
	}
	draft_replace(loop, queue->id, name, drafts_id(&loop->drafts, slot));
	drafts_rename(&loop->drafts, slot, queue->id, name);
	draft->final = final && writing;
	draft->ctime_ms = now_ms();
	loop_drafts_changed(loop, queue->id);
	(void)fuse_reply_err(request, 0);
}
