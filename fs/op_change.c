/* rm and mv, and what there is not. */
#include "fs/op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/claimant.h"
#include "fs/names.h"
#include "fs/op_claim.h"
#include "fs/op_draft.h"
#include "fs/place.h"
#include "fs/work_operate.h"
#include "fs/work_verdict.h"

/* ---- unlink and rename ---- */

static void
push_change(struct loop *loop, fuse_req_t request, const struct work_type *type,
	const struct place *from, const char *name, const struct place *to, const char *target)
{
	struct work *work = loop_work(request, type);

	if (!work)
		return;
	work->node = from->node;
	work->queue_id = from->queue->id;
	work->name = from->node == NODE_CLAIM ? claim_worker_name(name) : strdup(name);
	work->target = strdup(target);
	work->flag = strcmp(name, target) == 0;
	if (from->node == NODE_CLAIM && work->name)
		claimant_find(work->name, fuse_req_ctx(request)->pid, &work->by);
	if (to) {
		work->target_node = to->node;
		work->target_queue_id = to->queue->id;
	}
	if (!work->name || !work->target)
		work->error = -ENOMEM;
	loop_push(loop, work);
}

/* The open draft of this name in QUEUE/, INDEX_END if there is none. */
static uint32_t
place_draft(const struct loop *loop, const struct place *place, const char *name)
{
	uint32_t slot = place->node == NODE_QUEUE
				? drafts_find(&loop->drafts, place->queue->id, name)
				: INDEX_END;

	return slot != INDEX_END && drafts_at(&loop->drafts, slot)->state == DRAFT_OPEN
		       ? slot
		       : INDEX_END;
}

/* An entry of the tree, or a twin: there as long as its job is. */
static bool
name_is_fixed(const struct place *place, const char *name)
{
	char receipt[RECEIPT_SIZE];

	return !place->folder &&
	       (tree_child(place->node, name) != NODE_ROOT ||
		       (place->node != NODE_REJECTED && name_is_twin(name, receipt)));
}

/* Replies: err. */
void
op_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct loop *loop = loop_of(request);
	char full[FS_NAME_MAX + 1];
	struct place place;
	uint32_t slot;
	int rc = place_find(loop, parent, &place);

	if (!rc && (place.node == NODE_ROOT || name_is_fixed(&place, name)))
		rc = -EPERM;
	if (!rc)
		rc = place_name(&place, name, full);
	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	slot = place_draft(loop, &place, full);
	if (slot != INDEX_END && drafts_at(&loop->drafts, slot)->folder)
		(void)fuse_reply_err(request, EISDIR); /* unlink(2) */
	else if (slot != INDEX_END)
		draft_unlink(loop, request, slot);
	else if (place.folder)
		(void)fuse_reply_err(request, ENOENT);
	else if (place.node == NODE_CLAIM)
		push_change(loop, request, &work_verdict, &place, name, NULL, "");
	else
		push_change(loop, request, &work_remove, &place, name, NULL, "");
}

static int
check_rename(const struct place *from, const char *name, const struct place *to,
	const char *new_name, unsigned flags)
{
	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return -EINVAL; /* rename(2): the file system does not support it */
	if (from->node == NODE_ROOT || to->node == NODE_ROOT)
		return -EPERM;
	return name_is_fixed(from, name) || name_is_fixed(to, new_name) ? -EPERM : 0;
}

static void
rename_draft(struct loop *loop, fuse_req_t request, uint32_t slot, const struct place *to,
	const char *new_name, unsigned flags)
{
	uint32_t there = place_draft(loop, to, new_name);

	if (to->node != NODE_QUEUE || drafts_at(&loop->drafts, slot)->folder)
		(void)fuse_reply_err(request, EPERM);
	else if (there != INDEX_END && drafts_at(&loop->drafts, there)->folder)
		(void)fuse_reply_err(request, EISDIR); /* rename(2) */
	else
		draft_rename(loop, request, slot, to->queue, new_name, flags);
}

static void
rename_claim(struct loop *loop, fuse_req_t request, const struct place *from, const char *name,
	const struct place *to, const char *new_name)
{
	bool verdict =
		to->node == NODE_RETRIES || to->node == NODE_DEAD || to->node == NODE_QUEUE;

	if (!verdict || to->queue != from->queue || strcmp(name, new_name) != 0)
		(void)fuse_reply_err(request, EPERM);
	else
		push_change(loop, request, &work_verdict, from, name, to, new_name);
}

/* Replies: err. */
void
op_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags)
{
	struct loop *loop = loop_of(request);
	char full[FS_NAME_MAX + 1], new_full[FS_NAME_MAX + 1];
	struct place from, to;
	uint32_t slot;
	int rc = place_find(loop, parent, &from);

	if (!rc)
		rc = place_find(loop, new_parent, &to);
	if (!rc)
		rc = check_rename(&from, name, &to, new_name, flags);
	if (!rc)
		rc = place_name(&from, name, full);
	if (!rc)
		rc = place_name(&to, new_name, new_full);
	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	slot = place_draft(loop, &from, full);
	if (slot != INDEX_END)
		rename_draft(loop, request, slot, &to, new_full, flags);
	else if (from.folder)
		(void)fuse_reply_err(request, ENOENT);
	else if (to.folder)
		(void)fuse_reply_err(request, EPERM); /* jobs are no drafts again */
	else if (from.node == NODE_CLAIM)
		rename_claim(loop, request, &from, name, &to, new_name);
	else
		push_change(loop, request, &work_move, &from, name, &to, new_name);
}

/* ---- folders of drafts ---- */

/* Programs keep in them what they will move in place at the end: rsync --delay-updates. mkdir(2) has
 * EPERM for all others. Replies: entry, err. */
void
op_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct loop *loop = loop_of(request);
	char full[FS_NAME_MAX + 1];
	struct place place;
	int rc = place_find(loop, parent, &place);

	if (!rc && (place.node != NODE_QUEUE || place.folder || name_is_fixed(&place, name) ||
			   !config_is_draft_name(place.queue->config, name)))
		rc = -EPERM;
	if (!rc)
		rc = place_name(&place, name, full);
	if (rc)
		(void)fuse_reply_err(request, -rc);
	else
		draft_make(loop, request, place.queue, full, S_IFDIR | mode);
}

static bool
folder_is_empty(const struct loop *loop, uint32_t folder)
{
	const struct draft *of = drafts_at(&loop->drafts, folder);
	const struct place place = { .folder = of->name };

	for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
		const struct draft *draft = drafts_at(&loop->drafts, slot);

		if (draft->state == DRAFT_OPEN && !draft->nameless &&
			draft->queue_id == of->queue_id && place_shows(&place, draft->name))
			return false;
	}
	return true;
}

/* Replies: err. */
void
op_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct loop *loop = loop_of(request);
	struct place place;
	uint32_t slot = INDEX_END;
	int rc = place_find(loop, parent, &place);

	if (!rc && !place.folder)
		slot = place_draft(loop, &place, name);
	if (!rc && (slot == INDEX_END || !drafts_at(&loop->drafts, slot)->folder))
		rc = -EPERM;
	if (!rc && !folder_is_empty(loop, slot))
		rc = -ENOTEMPTY;
	if (rc)
		(void)fuse_reply_err(request, -rc);
	else
		draft_unlink(loop, request, slot);
}

/* ---- what there is not ---- */

/* Replies: err. */
void
op_symlink(fuse_req_t request, const char *link, fuse_ino_t parent, const char *name)
{
	(void)link;
	(void)parent;
	(void)name;
	(void)fuse_reply_err(request, EPERM);
}

/* Replies: err. */
void
op_link(fuse_req_t request, fuse_ino_t number, fuse_ino_t new_parent, const char *new_name)
{
	(void)number;
	(void)new_parent;
	(void)new_name;
	(void)fuse_reply_err(request, EPERM);
}
