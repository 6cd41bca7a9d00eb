/* Drafts as files: create, open, read, write, attributes. See op_draft.h. */
#include "fs/op_draft.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr.h"
#include "fs/log.h"
#include "fs/process.h"
#include "fs/work_enqueue.h"

#define REOPENING_MS \
	1000            /* the kernel looks the name up at once; a killed caller never does \
			   */
#define DRAFT_MODE 0644 /* where nobody says */

static void
draft_touch(struct draft *draft)
{
	draft->mtime_ms = draft->ctime_ms = now_ms();
}

/* Nothing is left of what was written: whatever went wrong with that does not matter any more. */
static void
draft_restart(struct draft *draft)
{
	draft->cut = draft->killed_signal = 0;
	draft->writer_tid = 0;
	memset(draft->writers, 0, sizeof draft->writers);
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
	work->pipe = handles_get(&loop->handles, handle)->pipe;
	if (named) {
		work->entry = draft_entry(loop, slot);
		work->file = *file;
	}
	loop_send(loop, work);
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
	drafts_at(&loop->drafts, slot)->folder = S_ISDIR(mode);
	entry = draft_entry(loop, slot);
	(void)fuse_reply_entry(request, &entry);
}

/* libfuse 3.14 has no name for the flag: the raw answer (struct fuse_open_out). */
void
op_reply_open_parallel(fuse_req_t request, uint64_t handle_number, bool pipe)
{
	struct fuse_open_out out = {
		.fh = handle_number,
		.open_flags = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES |
			      (pipe ? FOPEN_STREAM : 0),
	};

	(void)fuse_reply_buf(request, (const char *)&out, sizeof out);
}

/* A draft without a name and its one handle. Returns 0 or -ENFILE. */
static int
draft_new_nameless(struct loop *loop, fuse_req_t request, const struct fs_queue *queue,
	enum node node, uint32_t *slot, uint64_t *handle)
{
	fuse_ino_t ino = ino_pack(INO_NODE, node, queue->id, 0);
	mode_t mode = queue->faces[CONFIG_ENQUEUE].mode & 0666;
	int rc;

	if (handles_opened(&loop->handles, ino, loop->unique, handle)) {
		*slot = handles_get(&loop->handles, *handle)->slot;
		return 0;
	}
	rc = draft_new(loop, request, queue, NULL, mode, slot);
	if (rc)
		return rc;
	rc = handles_open(&loop->handles, HANDLE_DRAFT, ino, *slot, true, loop->unique, handle);
	if (rc)
		drafts_free(&loop->drafts, *slot);
	else
		drafts_at(&loop->drafts, *slot)->handle = *handle;
	return rc;
}

void
draft_open_node(struct loop *loop, fuse_req_t request, const struct fs_queue *queue,
	enum node node, bool reads)
{
	struct handle *handle;
	uint64_t number;
	uint32_t slot;
	int rc = draft_new_nameless(loop, request, queue, node, &slot, &number);

	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	handle = handles_get(&loop->handles, number);
	handle->pipe = reads || node == NODE_STREAM;
	handle->reads = reads;
	drafts_at(&loop->drafts, slot)->stream = node == NODE_STREAM;
	if (!draft_asks(loop, request, slot, number, false, NULL))
		op_reply_open_parallel(request, number, handle->pipe);
}

/* Each opening for writing is a job of its own. Draft names are files as any other. */
static bool
draft_is_taken(const struct loop *loop, uint32_t slot, fuse_ino_t number)
{
	const struct draft *draft = drafts_at(&loop->drafts, slot);

	return draft->state != DRAFT_OPEN || draft->left ||
	       (draft_publishes(loop, slot) && handles_writing(&loop->handles, number) > 0);
}

/* Is it kept for another thread, which is about to open it? */
static bool
draft_is_kept(const struct loop *loop, int64_t draft_id, pid_t tid)
{
	for (unsigned i = 0; i < REOPENING_COUNT; i++) {
		const struct reopening *reopening = &loop->reopenings[i];

		if (reopening->queue_id && reopening->draft_id == draft_id)
			return reopening->tid != tid && reopening->until_ms >= now_ms();
	}
	return false;
}

/* Returns true when it was kept for this thread. */
static bool
draft_keep_no_longer(struct loop *loop, int64_t draft_id, pid_t tid)
{
	bool kept = false;

	for (unsigned i = 0; i < REOPENING_COUNT; i++)
		if (loop->reopenings[i].draft_id == draft_id) {
			kept |= loop->reopenings[i].tid == tid;
			loop->reopenings[i] = (struct reopening){ 0 };
		}
	return kept;
}

void
draft_open(
	struct loop *loop, fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
	bool writes = (file->flags & O_ACCMODE) != O_RDONLY;
	int64_t draft_id = ino_unpack(number).id;
	struct draft *draft = drafts_get(&loop->drafts, draft_id);
	pid_t tid = fuse_req_ctx(request)->pid;
	uint32_t slot = slot_of(draft_id);
	int rc;

	if (!draft) {
		/* Made for this open, and gone already: the kernel does not try a third time. */
		bool last = draft_keep_no_longer(loop, draft_id, tid);

		if (writes && !last)
			draft_expect(loop, tid, QUEUE_ANY, 0);
		(void)fuse_reply_err(request, ESTALE);
		return;
	}
	if (writes && !handles_opened(&loop->handles, number, loop->unique, &file->fh) &&
		(draft_is_taken(loop, slot, number) || draft_is_kept(loop, draft_id, tid))) {
		draft_expect(loop, tid, draft->queue_id, draft->mode);
		(void)fuse_reply_err(request, ESTALE);
		return;
	}
	if (writes)
		(void)draft_keep_no_longer(loop, draft_id, tid);
	rc = handles_open(
		&loop->handles, HANDLE_DRAFT, number, slot, writes, loop->unique, &file->fh);
	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	if (writes && file->flags & O_TRUNC) {
		(void)drafts_truncate(&loop->drafts, slot, 0); /* shrinking cannot fail */
		draft_restart(draft);
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

/* What this thread is expected to look up in the queue; NULL: nothing. */
static struct reopening *
reopening_find(struct loop *loop, pid_t tid, int64_t queue_id)
{
	for (unsigned i = 0; i < REOPENING_COUNT; i++) {
		struct reopening *reopening = &loop->reopenings[i];
		bool there =
			reopening->queue_id == queue_id || reopening->queue_id == QUEUE_ANY;

		if (there && reopening->tid == tid && reopening->until_ms >= now_ms())
			return reopening;
	}
	return NULL;
}

/* The kernel may look the name up more than once: to compare, and to find. Meanwhile others may have
 * removed, replaced or renamed the draft. */
static bool
reopening_has_draft(const struct loop *loop, const struct reopening *reopening)
{
	const struct draft *draft = drafts_get(&loop->drafts, reopening->draft_id);

	return draft && draft->state == DRAFT_OPEN && !draft->nameless &&
	       hash_name(draft->queue_id, draft->name) == reopening->name;
}

bool
draft_expected(
	struct loop *loop, fuse_req_t request, const struct fs_queue *queue, const char *name)
{
	struct reopening *reopening =
		reopening_find(loop, fuse_req_ctx(request)->pid, queue->id);
	uint64_t hash = hash_name(queue->id, name);
	struct fuse_entry_param entry;
	uint32_t slot;
	int rc = 0;

	if (!reopening)
		return false;
	if (reopening->draft_id && reopening->name != hash) {
		*reopening = (struct reopening){ 0 };
		return false;
	}
	reopening->name = hash;
	if (!reopening_has_draft(loop, reopening)) {
		rc = draft_new(loop, request, queue, name, reopening->mode, &slot);
		reopening->draft_id = rc ? 0 : drafts_id(&loop->drafts, slot);
	}
	if (rc) {
		(void)fuse_reply_err(request, -rc);
	} else {
		entry = draft_entry(loop, slot_of(reopening->draft_id));
		(void)fuse_reply_entry(request, &entry);
	}
	if (rc || !reopening->tid) /* of another pid namespace: whose is not known */
		*reopening = (struct reopening){ 0 };
	return true;
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

/* At the end; or, if this request is executed again, where that was the first time. */
static off_t
draft_append_at(const struct loop *loop, struct draft *draft)
{
	if (draft->appended_by == loop->unique)
		return draft->appended_at;
	draft->appended_by = 0;
	atomic_signal_fence(memory_order_seq_cst); /* a kill sees the stores in this order */
	draft->appended_at = draft->size;
	atomic_signal_fence(memory_order_seq_cst);
	draft->appended_by = loop->unique;
	return draft->appended_at;
}

void
draft_note_writer(struct draft *draft, pid_t tid)
{
	size_t place = DRAFT_WRITERS - 1; /* where there are too many the last one makes room */
	pid_t process;

	if (draft->writer_tid == tid)
		return;
	draft->writer_tid = tid;
	process = process_of_thread(tid);
	for (size_t i = 0; i < DRAFT_WRITERS; i++) {
		if (draft->writers[i] == process)
			return;
		if (!draft->writers[i] && i < place)
			place = i;
	}
	draft->writers[place] = process;
}

void
draft_write(struct loop *loop, fuse_req_t request, const struct handle *handle,
	const char *bytes, size_t size, off_t offset, bool append)
{
	struct draft *draft = drafts_at(&loop->drafts, handle->slot);
	int rc;

	draft_note_writer(draft, fuse_req_ctx(request)->pid);
	if (append || handle->pipe)
		offset = draft_append_at(loop, draft);
	rc = draft_check_size(loop, handle->slot, offset, size);
	if (!rc)
		rc = drafts_write(&loop->drafts, handle->slot, bytes, size, offset);
	if (rc) {
		draft->cut = -rc; /* what is there is not what the writer wanted to say */
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

int
draft_resize(struct loop *loop, uint32_t slot, int64_t size)
{
	struct draft *draft = drafts_at(&loop->drafts, slot);
	int rc = draft_check_size(loop, slot, size, 0);

	if (!rc)
		rc = drafts_truncate(&loop->drafts, slot, size);
	if (rc)
		return rc;
	if (size == 0)
		draft_restart(draft);
	draft_touch(draft);
	return 0;
}

/* The kernel has checked that the caller may (default_permissions). */
void
draft_setattr(struct loop *loop, fuse_req_t request, fuse_ino_t number, const struct stat *attr,
	int to_set)
{
	struct draft *draft = drafts_get(&loop->drafts, ino_unpack(number).id);
	uint32_t slot = slot_of(ino_unpack(number).id);
	int rc = draft ? 0 : -ESTALE;

	if (!rc && to_set & FUSE_SET_ATTR_SIZE)
		rc = draft_resize(loop, slot, attr->st_size);
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
