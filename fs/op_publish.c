/* From draft to job, and away: flush, release, unlink, rename. See op_draft.h. */
#include "fs/op_draft.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fs/work_enqueue.h"

fuse_ino_t
draft_ino(const struct loop *loop, uint32_t slot)
{
	return ino_pack(INO_DRAFT, 0, drafts_at(&loop->drafts, slot)->queue_id,
		drafts_id(&loop->drafts, slot));
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
	return config->publish == CONFIG_PUBLISH_CLOSE &&
	       !config_is_draft_name(config, draft->name);
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

	if (handle->writes && draft_refusal(draft)) {
		(void)fuse_reply_err(request, draft_refusal(draft));
		return;
	}
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
	loop_send(loop, work);
}

void
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
	loop_send(loop, work);
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

/* Replies: err; nobody waits for it. */
void
draft_release(struct loop *loop, fuse_req_t request, uint64_t handle_number)
{
	struct handle closed = *handles_get(&loop->handles, handle_number);
	struct draft *draft = drafts_at(&loop->drafts, closed.slot);
	bool written =
		draft->size > 0 && !draft_refusal(draft) && (draft->dirty || draft->staged);

	handles_close(&loop->handles, handle_number);
	if (draft->state == DRAFT_OPEN && closed.writes && written &&
		(draft->nameless || !handles_writing(&loop->handles, closed.ino)) &&
		draft_publishes(loop, closed.slot)) {
		draft_complete(loop, request, closed.slot);
		return;
	}
	if (draft->state == DRAFT_OPEN && draft->staged && (draft->size == 0 || draft->cut)) {
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
		draft->refused = error == -EINVAL ? -error : 0;
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
	work->flag = true; /* a draft of that name is replaced */
	drafts_at(&loop->drafts, slot)->state = DRAFT_PUBLISHING;
	loop_send(loop, work);
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
	if (final && !writing && draft->cut) {
		(void)fuse_reply_err(request, draft->cut);
		return;
	}
	if (final && !writing && draft->size > 0) {
		draft_rename_publish(loop, request, slot, queue, name);
		return;
	}
	intent_note(loop, slot, queue->id, name);
	draft_replace(loop, queue->id, name, drafts_id(&loop->drafts, slot));
	drafts_rename(&loop->drafts, slot, queue->id, name);
	draft->final = final && writing;
	draft->ctime_ms = now_ms();
	loop_drafts_changed(loop, queue->id);
	(void)fuse_reply_err(request, 0);
}
