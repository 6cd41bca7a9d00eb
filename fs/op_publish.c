/* From draft to job, and away: flush, release, unlink, rename. See op_draft.h. */
#include "fs/op_draft.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/names.h"
#include "fs/op_stream.h"
#include "fs/process.h"
#include "fs/work_enqueue.h"
#include "fs/work_stream.h"

#define RETRY_MS 1000
#define DRAFT_KEPT_MS (INT64_C(86400) * 1000) /* a draft with content that nobody touches */
#define FORGOTTEN_MS (INT64_C(600) * 1000)    /* how often these are looked for */

fuse_ino_t
draft_ino(const struct loop *loop, uint32_t slot)
{
	return ino_pack(INO_DRAFT, 0, 0, drafts_id(&loop->drafts, slot));
}

const struct fs_queue *
draft_queue(const struct loop *loop, uint32_t slot)
{
	return fs_queue_by_id(loop->fs, drafts_at(&loop->drafts, slot)->queue_id);
}

bool
draft_publishes(const struct loop *loop, uint32_t slot)
{
	const struct draft *draft = drafts_at(&loop->drafts, slot);
	const struct config_queue *config = draft_queue(loop, slot)->config;

	if (draft->nameless || draft->final)
		return true;
	return config->publish == CONFIG_PUBLISH_CLOSE && !name_is_draft(config, draft->name);
}

/* ---- towards the store ---- */

struct work *
draft_work(struct loop *loop, fuse_req_t request, const struct work_type *type, uint32_t slot,
	const char *name, bool bytes)
{
	const struct draft *draft = drafts_at(&loop->drafts, slot);
	struct work *work = loop_work(request, type);

	if (!work)
		return NULL;
	if (!name && !draft->nameless) /* without that of its folder */
		name = strchr(draft->name, '/') ? strchr(draft->name, '/') + 1 : draft->name;
	work->name = strdup(name ? name : "");
	work->body.bytes = bytes ? malloc((size_t)draft->size + 1) : NULL;
	if (!work->name || (bytes && !work->body.bytes)) {
		if (request)
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

/* The errno with which a close is told that the file does not become a job. */
static int
draft_refusal(const struct draft *draft)
{
	if (draft->killed_signal)
		return EINTR; /* who was killed does not read it, but one that shares the file may */
	return draft->cut ? draft->cut : draft->refused;
}

static bool
draft_was_written_by(const struct draft *draft, pid_t process)
{
	for (size_t i = 0; i < DRAFT_WRITERS; i++)
		if (draft->writers[i] == process)
			return true;
	return false;
}

/* A writer that a signal ended has left half a job: it is not enqueued, whatever others write. */
static void
draft_note_killed(struct draft *draft, pid_t tid)
{
	int signal = draft->killed_signal ? 0 : process_killed_by(tid);
	pid_t process = signal ? process_of_thread(tid) : 0;

	/* One that shares the file and has not written to it may end as it likes. */
	if (!process || !draft_was_written_by(draft, process))
		return;
	draft->killed_pid = process;
	draft->killed_signal = signal;
}

/* Replies: err. */
void
draft_flush(struct loop *loop, fuse_req_t request, const struct handle *handle)
{
	struct draft *draft = drafts_at(&loop->drafts, handle->slot);

	if (!handle->writes || draft->state != DRAFT_OPEN || !draft_has_content(draft) ||
		!draft_publishes(loop, handle->slot)) {
		(void)fuse_reply_err(request, handle->writes ? draft->cut : 0);
		return;
	}
	draft_note_killed(draft, fuse_req_ctx(request)->pid);
	if (draft_is_refused(draft))
		(void)fuse_reply_err(request, draft_refusal(draft));
	else if (draft->stream)
		stream_flush(loop, request, handle->slot);
	else if (draft->dirty)
		draft_stage(loop, request, &work_stage, handle->slot);
	else
		(void)fuse_reply_err(request, 0);
}

void
draft_stage(struct loop *loop, fuse_req_t request, const struct work_type *type, uint32_t slot)
{
	struct draft *draft = drafts_at(&loop->drafts, slot);
	struct work *work = draft_work(loop, request, type, slot, NULL, true);

	if (!work)
		return;
	draft->dirty = false;
	draft->staged = true;
	loop_send(loop, work);
}

/* ---- its last writer has gone ---- */

/* It may not get through, for want of memory, or because the store cannot be written: then it is
 * tried again. */
static void
draft_retry(struct loop *loop)
{
	if (!loop->retry_ms)
		loop->retry_ms = now_ms() + RETRY_MS;
}

static void
draft_say_why(const struct draft *draft, char why[DRAFT_WHY_SIZE])
{
	if (draft->killed_signal)
		(void)snprintf(why, DRAFT_WHY_SIZE, "writer %d was killed by signal %d",
			(int)draft->killed_pid, draft->killed_signal);
	else if (draft->cut)
		(void)snprintf(why, DRAFT_WHY_SIZE, "a write failed: %s", strerror(draft->cut));
	else
		(void)snprintf(why, DRAFT_WHY_SIZE, "%s", draft->why);
}

/* On to the store: a job, or what was refused or cut off, in rejected/ with the reason. */
static void
draft_settle(struct loop *loop, fuse_req_t request, uint32_t slot, const char *why)
{
	struct draft *draft = drafts_at(&loop->drafts, slot);
	bool staged = !*why && !draft->dirty && !draft->stream;
	const struct work_type *type = staged          ? &work_publish
				       : draft->stream ? &work_stream_end
						       : &work_settle;
	struct work *work =
		draft_work(loop, request, type, slot, NULL, !staged && !draft->stream);

	draft->left = true;
	draft_retry(loop);
	if (!work)
		return;
	(void)snprintf(work->why.text, sizeof work->why.text, "%s", why);
	work->flag = *why != '\0';
	draft->state = DRAFT_PUBLISHING;
	loop_drafts_changed(loop, draft->queue_id);
	loop_send(loop, work);
}

void
draft_complete(struct loop *loop, fuse_req_t request, uint32_t slot)
{
	const struct draft *draft = drafts_at(&loop->drafts, slot);
	char why[DRAFT_WHY_SIZE] = "";

	if (draft_is_refused(draft))
		draft_say_why(draft, why);
	draft_settle(loop, request, slot, why);
}

void
drafts_settle_left(struct loop *loop)
{
	loop->retry_ms = 0;
	for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
		const struct draft *draft = drafts_at(&loop->drafts, slot);

		if (draft->state == DRAFT_FREE || !draft->left)
			continue;
		if (draft->state == DRAFT_OPEN)
			draft_complete(loop, NULL, slot);
		draft_retry(loop);
	}
}

/* A draft that was to be renamed and never was. Its ctime follows every change. */
static bool
draft_is_forgotten(const struct loop *loop, uint32_t slot, int64_t now)
{
	const struct draft *draft = drafts_at(&loop->drafts, slot);

	return draft->state == DRAFT_OPEN && !draft->nameless && !draft->left &&
	       draft->size > 0 && now - draft->ctime_ms >= DRAFT_KEPT_MS &&
	       !handles_on(&loop->handles, draft_ino(loop, slot));
}

void
drafts_reject_forgotten(struct loop *loop)
{
	int64_t now = now_ms();

	loop->forgotten_ms = now + FORGOTTEN_MS;
	for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
		if (draft_is_forgotten(loop, slot, now)) {
			drafts_at(&loop->drafts, slot)->refused = EINVAL;
			(void)snprintf(drafts_at(&loop->drafts, slot)->why, DRAFT_WHY_SIZE,
				"never renamed");
			draft_complete(loop, NULL, slot);
		}
}

/* It was emptied: what an earlier flush staged must not become a job. */
static void
draft_withdraw(struct loop *loop, fuse_req_t request, uint32_t slot)
{
	struct work *work = draft_work(loop, request, &work_unstage, slot, "", false);

	if (!work)
		return;
	drafts_at(&loop->drafts, slot)->staged = false;
	loop_send(loop, work);
}

static bool
draft_is_open(const struct loop *loop, uint32_t slot, fuse_ino_t number)
{
	const struct draft *draft = drafts_at(&loop->drafts, slot);

	if (draft->state == DRAFT_OPEN && draft->nameless)
		return false; /* of `new`: one handle each, which has just been closed */
	return handles_on(&loop->handles, number) != NULL;
}

/* Has its last writer gone, and is there something to make a job of? */
static bool
draft_is_complete(const struct loop *loop, const struct handle *closed)
{
	const struct draft *draft = drafts_at(&loop->drafts, closed->slot);

	return draft->state == DRAFT_OPEN && closed->writes && draft_has_content(draft) &&
	       (draft->dirty || draft->staged) &&
	       (draft->nameless || !handles_writing(&loop->handles, closed->ino)) &&
	       draft_publishes(loop, closed->slot);
}

/* Replies: err; nobody waits for it. */
void
draft_release(struct loop *loop, fuse_req_t request, uint64_t handle_number)
{
	struct handle closed = *handles_get(&loop->handles, handle_number);
	struct draft *draft = drafts_at(&loop->drafts, closed.slot);

	handles_close(&loop->handles, handle_number);
	if (draft_is_complete(loop, &closed)) {
		draft_complete(loop, request, closed.slot);
		return;
	}
	if (draft->state == DRAFT_OPEN && draft->staged && !draft_has_content(draft)) {
		draft_withdraw(loop, request, closed.slot);
		return;
	}
	if ((draft->state == DRAFT_UNLINKED ||
		    (draft->state == DRAFT_OPEN && draft->nameless && !draft->left)) &&
		!draft_is_open(loop, closed.slot, closed.ino))
		drafts_free(&loop->drafts, closed.slot);
	(void)fuse_reply_err(request, 0);
}

void
draft_published(struct loop *loop, int64_t draft_id, int64_t job_id, int error)
{
	struct draft *draft = drafts_get(&loop->drafts, draft_id);
	uint32_t slot = slot_of(draft_id);

	if (!draft)
		return;
	if (error) {
		draft->state = DRAFT_OPEN;
		return;
	}
	loop_drafts_changed(loop, draft->queue_id);
	if (!draft->nameless && handles_on(&loop->handles, draft_ino(loop, slot))) {
		drafts_unname(&loop->drafts, slot);
		draft->job_id = job_id;
		draft->state = DRAFT_UNLINKED; /* for those who still read it */
		return;
	}
	drafts_free(&loop->drafts, slot);
}

/* ---- unlink and rename ---- */

/* Takes the name away; the draft goes with its last handle. Answers `request`, if there is one. */
static void
draft_drop(struct loop *loop, fuse_req_t request, uint32_t slot)
{
	struct draft *draft = drafts_at(&loop->drafts, slot);
	fuse_ino_t number = draft_ino(loop, slot);

	if (draft->staged)
		draft_withdraw(loop, request, slot);
	else if (request)
		(void)fuse_reply_err(request, 0);
	loop_drafts_changed(loop, draft->queue_id);
	drafts_unname(&loop->drafts, slot);
	draft->state = DRAFT_UNLINKED;
	if (!handles_on(&loop->handles, number))
		drafts_free(&loop->drafts, slot);
}

/* Before the loop changes a name by itself: so that the request, sent again after a crash, is
 * not carried out twice. */
static void
intent_note(struct loop *loop, uint32_t slot, int64_t queue_id, const char *name)
{
	struct intent *intent = &loop->fs->shared->intent;

	intent->unique = 0;
	atomic_signal_fence(memory_order_seq_cst); /* a kill sees the stores in this order */
	intent->draft_id = drafts_id(&loop->drafts, slot);
	intent->queue_id = queue_id;
	strncpy(intent->name, name, sizeof intent->name - 1);
	atomic_signal_fence(memory_order_seq_cst);
	intent->unique = loop->unique;
}

bool
intent_is_open(const struct loop *loop, const struct intent *intent)
{
	const struct draft *draft = drafts_get(&loop->drafts, intent->draft_id);

	if (!draft || draft->state != DRAFT_OPEN)
		return false;
	return !intent->queue_id || draft->queue_id != intent->queue_id ||
	       strcmp(draft->name, intent->name) != 0;
}

void
draft_unlink(struct loop *loop, fuse_req_t request, uint32_t slot)
{
	if (drafts_at(&loop->drafts, slot)->left) { /* a job, as soon as it can be written */
		drafts_unname(&loop->drafts, slot);
		(void)fuse_reply_err(request, 0);
		return;
	}
	intent_note(loop, slot, 0, "");
	draft_drop(loop, request, slot);
}

void
draft_replace(struct loop *loop, int64_t queue_id, const char *name, int64_t draft_id)
{
	uint32_t slot = drafts_find(&loop->drafts, queue_id, name);

	if (slot != INDEX_END && drafts_id(&loop->drafts, slot) != draft_id &&
		drafts_at(&loop->drafts, slot)->state == DRAFT_OPEN)
		draft_drop(loop, NULL, slot);
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
	work->replaces = true; /* a draft of that name */
	drafts_at(&loop->drafts, slot)->state = DRAFT_PUBLISHING;
	loop_send(loop, work);
}

/* Replies: err. */
void
draft_rename(struct loop *loop, fuse_req_t request, uint32_t slot, const struct fs_queue *queue,
	const char *name, unsigned flags)
{
	struct draft *draft = drafts_at(&loop->drafts, slot);
	bool final = !name_is_draft(queue->config, name);
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
	if (final && !writing && draft->cut) {
		(void)fuse_reply_err(request, draft->cut);
		return;
	}
	if (final && !writing && draft->size > 0) {
		draft_rename_publish(loop, request, slot, queue, name);
		return;
	}
	intent_note(loop, slot, queue->id, name);
	draft->dirty |= draft->staged && draft->queue_id != queue->id; /* for that queue */
	draft_replace(loop, queue->id, name, drafts_id(&loop->drafts, slot));
	drafts_rename(&loop->drafts, slot, queue->id, name);
	draft->final = final && writing;
	draft->ctime_ms = now_ms();
	loop_drafts_changed(loop, queue->id);
	(void)fuse_reply_err(request, 0);
}

/* ---- receipts ---- */

void
draft_getxattr(struct loop *loop, fuse_req_t request, fuse_ino_t number, size_t size)
{
	struct draft *draft = drafts_get(&loop->drafts, ino_unpack(number).id);
	uint32_t slot = slot_of(ino_unpack(number).id);
	struct work *work;

	if (!draft || draft->state != DRAFT_OPEN || !draft_has_content(draft) ||
		draft_is_refused(draft) || !draft_publishes(loop, slot)) {
		(void)fuse_reply_err(request, draft ? ENODATA : ESTALE);
		return;
	}
	work = draft_work(loop, request, &work_receipt_xattr, slot, NULL, draft->dirty);
	if (!work)
		return;
	work->size = size;
	draft->dirty = false;
	draft->staged = true;
	loop_send(loop, work);
}
