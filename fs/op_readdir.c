/* Listing directories: what the loop knows; the store goes on (work_readdir.c). */
#include "fs/op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr.h"
#include "fs/listing.h"
#include "fs/place.h"
#include "fs/work_inspect.h"

static bool
list_fixed(const struct loop *loop, struct listing *listing, const struct place *place,
	int64_t *offset)
{
	struct fuse_entry_param entry = { 0 };
	struct stat attr;

	for (; *offset < 2; ++*offset) {
		entry.attr.st_mode = S_IFDIR;
		entry.attr.st_ino = FUSE_ROOT_ID; /* the kernel knows better */
		if (!listing_add(listing, *offset ? ".." : ".", &entry, *offset + 1))
			return false;
	}
	for (; *offset < 2 + NODE_COUNT; ++*offset) {
		enum node node = (enum node)(*offset - 2);

		if (place->folder || !tree[node].name || tree[node].parent != place->node)
			continue;
		attr = attr_node(loop->fs, node, place->queue, 0);
		entry = attr_entry(&attr, TIMEOUT_FIXED, 0);
		if (tree[node].type == S_IFREG)
			entry.ino = 0; /* their size is for getattr to tell */
		if (!listing_add(listing, tree[node].name, &entry, *offset + 1))
			return false;
	}
	return true;
}

static bool
list_queues(const struct loop *loop, struct listing *listing, int64_t offset)
{
	for (size_t i = (size_t)(offset - 2 - NODE_COUNT); i < loop->fs->config->queue_count;
		i++) {
		const struct fs_queue *queue = &loop->fs->queues[i];
		struct stat attr = attr_node(loop->fs, NODE_QUEUE, queue, 0);
		struct fuse_entry_param entry = attr_entry(&attr, TIMEOUT_FIXED, 0);

		if (!listing_add(listing, queue->config->name, &entry,
			    2 + NODE_COUNT + (int64_t)i + 1))
			return false;
	}
	return true;
}

/* Linear in the slots that are in use, from the lowest on. */
static bool
list_drafts(const struct loop *loop, struct listing *listing, const struct place *place,
	int64_t offset)
{
	const struct fs_queue *queue = place->queue;
	uint32_t first = offset > LISTING_DRAFTS ? (uint32_t)(offset - LISTING_DRAFTS) : 0;
	uint32_t used = SLOT_COUNT - loop->drafts.free_slot_count;

	for (uint32_t slot = 0; slot < SLOT_COUNT && used > 0; slot++) {
		const struct draft *draft = drafts_at(&loop->drafts, slot);
		struct fuse_entry_param entry;
		const char *name;
		struct stat attr;

		if (draft->state == DRAFT_FREE)
			continue;
		used--;
		if (slot < first || draft->state != DRAFT_OPEN || draft->nameless ||
			draft->queue_id != queue->id ||
			drafts_find(&loop->drafts, queue->id, draft->name) != slot)
			continue;
		name = place_shows(place, draft->name);
		if (!name)
			continue;
		attr = attr_draft(draft, drafts_id(&loop->drafts, slot));
		entry = attr_entry(&attr, 0, TIMEOUT_FIXED);
		if (!listing_add(listing, name, &entry, LISTING_DRAFTS + slot + 1))
			return false;
	}
	return true;
}

/* Fills what the loop knows; returns true when the store is to go on. */
static bool
list_begin(const struct loop *loop, struct listing *listing, const struct place *place,
	int64_t offset)
{
	if (offset < LISTING_DRAFTS && offset <= 2 + NODE_COUNT &&
		!list_fixed(loop, listing, place, &offset))
		return false;
	if (place->node == NODE_ROOT) {
		(void)list_queues(loop, listing, offset);
		return false;
	}
	if (place->node == NODE_QUEUE && offset < LISTING_JOBS &&
		!list_drafts(loop, listing, place, offset))
		return false;
	return !place->folder;
}

static void
readdir_reply(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset, bool plus)
{
	struct loop *loop = loop_of(request);
	struct listing listing = { .request = request, .size = size, .plus = plus };
	struct place place;
	struct work *work;
	int rc = place_find(loop, number, &place);

	listing.bytes = rc ? NULL : malloc(size);
	if (!listing.bytes) {
		(void)fuse_reply_err(request, rc ? -rc : ENOMEM);
		return;
	}
	if (!list_begin(loop, &listing, &place, offset)) {
		(void)fuse_reply_buf(request, listing.bytes, listing.used);
		free(listing.bytes);
		return;
	}
	work = loop_work(request, &work_readdir);
	if (!work) {
		free(listing.bytes);
		return;
	}
	work->body = (struct content){ .bytes = listing.bytes, .size = listing.used };
	work->node = place.node;
	work->queue_id = place.queue->id;
	work->offset = offset;
	work->size = size;
	work->flag = plus;
	loop_push(loop, work);
}

/* Replies: buf, err. */
void
op_readdir(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	(void)file;
	readdir_reply(request, number, size, offset, false);
}

/* Replies: buf, err. */
void
op_readdirplus(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	(void)file;
	readdir_reply(request, number, size, offset, true);
}
