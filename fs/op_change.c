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

	return tree_child(place->node, name) != NODE_ROOT ||
	       (place->node != NODE_REJECTED && name_is_twin(name, receipt));
}

/* Replies: err. */
void
op_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct loop *loop = loop_of(request);
	struct place place;
	uint32_t slot;
	int rc = place_find(loop, parent, &place);

	if (!rc && (place.node == NODE_ROOT || name_is_fixed(&place, name)))
		rc = -EPERM;
	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	slot = place_draft(loop, &place, name);
	if (slot != INDEX_END)
		draft_unlink(loop, request, slot);
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
	if (name_is_fixed(from, name) || name_is_fixed(to, new_name))
		return -EPERM;
	return strlen(new_name) > FS_NAME_MAX ? -ENAMETOOLONG : 0;
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
	struct place from, to;
	uint32_t slot;
	int rc = place_find(loop, parent, &from);

	if (!rc)
		rc = place_find(loop, new_parent, &to);
	if (!rc)
		rc = check_rename(&from, name, &to, new_name, flags);
	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	slot = place_draft(loop, &from, name);
	if (slot != INDEX_END && to.node == NODE_QUEUE)
		draft_rename(loop, request, slot, to.queue, new_name, flags);
	else if (slot != INDEX_END)
		(void)fuse_reply_err(request, EPERM);
	else if (from.node == NODE_CLAIM)
		rename_claim(loop, request, &from, name, &to, new_name);
	else
		push_change(loop, request, &work_move, &from, name, &to, new_name);
}

/* ---- what there is not ---- */

/* Replies: err. */
void
op_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)parent;
	(void)name;
	(void)mode;
	(void)fuse_reply_err(request, EPERM); /* mkdir(2): the file system has no such thing */
}

/* Replies: err. */
void
op_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	(void)parent;
	(void)name;
	(void)fuse_reply_err(request, EPERM);
}

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
