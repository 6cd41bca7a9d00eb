/* Names: what does this one mean? */
#include "fs/op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr.h"
#include "fs/names.h"
#include "fs/op_claim.h"
#include "fs/op_draft.h"
#include "fs/place.h"
#include "fs/work_inspect.h"

static void
reply_node(struct loop *loop, fuse_req_t request, enum node node, const struct fs_queue *queue)
{
	struct place place = { .node = node, .queue = queue };
	struct fuse_entry_param entry;
	struct stat attr;
	int rc = place_attr(loop, &place, &attr);

	entry = attr_entry(&attr, TIMEOUT_FIXED, place_timeout(&place));
	if (rc)
		(void)fuse_reply_err(request, -rc);
	else
		(void)fuse_reply_entry(request, &entry);
}

static void
lookup_job(struct loop *loop, fuse_req_t request, const struct place *place, const char *name)
{
	struct work *work = loop_work(request, &work_lookup);

	if (!work)
		return;
	work->node = place->node;
	work->queue_id = place->queue->id;
	work->name = strdup(name);
	if (!work->name)
		work->error = -ENOMEM;
	loop_push(loop, work);
}

/* A name in QUEUE/: a draft, a receipt, or what a job was written as. Most often it is none of
 * these and the store need not be asked. */
static void
lookup_queue(struct loop *loop, fuse_req_t request, const struct place *place, const char *name)
{
	char receipt[RECEIPT_SIZE];
	uint32_t slot;
	bool passing;

	if (!place->folder && draft_expected(loop, request, place->queue, name))
		return;
	slot = drafts_find(&loop->drafts, place->queue->id, name);
	passing =
		slot != INDEX_END && drafts_at(&loop->drafts, slot)->state == DRAFT_PUBLISHING;
	if (slot != INDEX_END && !passing) {
		struct stat attr = attr_draft(
			drafts_at(&loop->drafts, slot), drafts_id(&loop->drafts, slot));
		struct fuse_entry_param entry = attr_entry(&attr, 0, TIMEOUT_FIXED);

		(void)fuse_reply_entry(request, &entry);
		return;
	}
	if (!place->folder &&
		(passing || receipt_looks_right(name) || name_is_twin(name, receipt) ||
			hash_set_has(&loop->names, hash_name(place->queue->id, name))))
		lookup_job(loop, request, place, name);
	else
		(void)fuse_reply_err(request, ENOENT);
}

/* Replies: entry, err. */
void
op_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct loop *loop = loop_of(request);
	char full[FS_NAME_MAX + 1];
	struct place place;
	enum node child;
	int rc = place_find(loop, parent, &place);

	if (!rc)
		rc = place_name(&place, name, full);
	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	child = tree_child(place.node, full);
	if (child != NODE_ROOT) {
		reply_node(loop, request, child, place.queue);
	} else if (place.node == NODE_ROOT) {
		const struct fs_queue *queue = fs_queue_by_name(loop->fs, name);

		if (queue)
			reply_node(loop, request, NODE_QUEUE, queue);
		else
			(void)fuse_reply_err(request, ENOENT);
	} else if (place.node == NODE_CLAIM) {
		claim_lookup(loop, request, place.queue, name);
	} else if (place.node == NODE_QUEUE) {
		lookup_queue(loop, request, &place, full);
	} else {
		lookup_job(loop, request, &place, name);
	}
}
