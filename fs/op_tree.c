/* Operations on names and attributes: lookup, getattr, setattr, readdir, unlink, rename. */
#include "fs/op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "fs/attr.h"
#include "fs/ino.h"
#include "fs/listing.h"
#include "fs/loop.h"
#include "fs/names.h"
#include "fs/op_draft.h"
#include "fs/render.h"
#include "fs/work_claim.h"
#include "fs/work_inspect.h"
#include "fs/work_operate.h"

/* A directory that a request names: its entry in the tree, and its queue. */
struct place {
	enum node node;
	const struct fs_queue *queue; /* NULL in the root */
};

/* Returns 0 or -ENOENT: its queue has been taken out of the configuration. */
static int
place_of(const struct loop *loop, fuse_ino_t number, struct place *place)
{
	place->node = ino_unpack(number).node;
	place->queue = loop_queue(loop, number);
	return place->node == NODE_ROOT || place->queue ? 0 : -ENOENT;
}

/* ---- lookup ---- */

/* Returns 0 or -ENOMEM. */
static int
node_attr(struct loop *loop, enum node node, const struct fs_queue *queue, struct stat *attr)
{
	struct content text;
	int rc = 0;

	*attr = attr_node(loop->fs, node, queue,
		tree[node].view == VIEW_COUNT ? 0 : loop_changed_ms(loop, node, queue));
	if (node == NODE_README) {
		rc = render_readme(loop->fs, &text);
		attr->st_size = rc ? 0 : (off_t)text.size;
		if (!rc)
			free(text.bytes);
	}
	return rc;
}

static double
node_timeout(enum node node)
{
	return tree[node].view == VIEW_COUNT ? TIMEOUT_FIXED : TIMEOUT_DIRECTORY;
}

static void
reply_node(struct loop *loop, fuse_req_t request, enum node node, const struct fs_queue *queue)
{
	struct fuse_entry_param entry;
	struct stat attr;
	int rc = node_attr(loop, node, queue, &attr);

	entry = attr_entry(&attr, TIMEOUT_FIXED, node_timeout(node));
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

static bool
worker_in_use(void *context, uint32_t slot)
{
	struct loop *loop = context;

	return handles_on(&loop->handles, workers_ino(&loop->workers, slot)) != NULL;
}

static void
lookup_worker(
	struct loop *loop, fuse_req_t request, const struct fs_queue *queue, const char *name)
{
	struct worker *worker;
	struct work *work;
	uint32_t slot;
	int rc = name[0] == '.' || strstr(name, TWIN_SUFFIX)
			 ? -ENOENT
			 : workers_take(
				   &loop->workers, queue->id, name, worker_in_use, loop, &slot);

	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	worker = workers_at(&loop->workers, slot);
	if (worker->known) {
		struct stat attr = attr_claim(
			queue, worker, workers_ino(&loop->workers, slot), loop->fs->mounted_ms);
		struct fuse_entry_param entry = attr_entry(&attr, 0, TIMEOUT_FIXED);

		(void)fuse_reply_entry(request, &entry);
		return;
	}
	work = loop_work(request, &work_worker_lookup);
	if (!work)
		return;
	work->queue_id = queue->id;
	work->ino = workers_ino(&loop->workers, slot);
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
	uint32_t slot;
	char receipt[RECEIPT_SIZE];
	bool passing;

	if (draft_expected(loop, request, place->queue, name))
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
	if (passing || receipt_looks_right(name) || name_is_twin(name, receipt) ||
		hash_set_has(&loop->names, hash_name(place->queue->id, name)))
		lookup_job(loop, request, place, name);
	else
		(void)fuse_reply_err(request, ENOENT);
}

/* Replies: entry, err. */
void
op_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct loop *loop = loop_of(request);
	struct place place;
	enum node child;
	int rc = place_of(loop, parent, &place);

	if (!rc && strlen(name) > FS_NAME_MAX)
		rc = -ENAMETOOLONG;
	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	child = tree_child(place.node, name);
	if (child != NODE_ROOT) {
		reply_node(loop, request, child, place.queue);
	} else if (place.node == NODE_ROOT) {
		const struct fs_queue *queue = fs_queue_by_name(loop->fs, name);

		if (queue)
			reply_node(loop, request, NODE_QUEUE, queue);
		else
			(void)fuse_reply_err(request, ENOENT);
	} else if (place.node == NODE_CLAIM) {
		lookup_worker(loop, request, place.queue, name);
	} else if (place.node == NODE_QUEUE) {
		lookup_queue(loop, request, &place, name);
	} else {
		lookup_job(loop, request, &place, name);
	}
}

/* ---- getattr ---- */

/* What is asked of a descriptor is asked by inode number alone. */
static size_t
held_size(const struct loop *loop, fuse_ino_t number, bool *held)
{
	const struct handle *handle = handles_on(&loop->handles, number);
	size_t slot = handle ? (size_t)(handle - loop->fs->shared->handles) : 0;

	*held = handle != NULL;
	return handle ? loop->handles.contents[slot].size : 0;
}

static void
getattr_store(struct loop *loop, fuse_req_t request, fuse_ino_t number)
{
	struct work *work = loop_work(request, &work_getattr);

	if (!work)
		return;
	work->ino = number;
	work->queue_id = ino_unpack(number).queue_id;
	work->size = held_size(loop, number, &work->flag);
	loop_push(loop, work);
}

static void
getattr_node(struct loop *loop, fuse_req_t request, fuse_ino_t number)
{
	struct place place;
	struct stat attr;
	int rc = place_of(loop, number, &place);

	if (!rc)
		rc = node_attr(loop, place.node, place.queue, &attr);
	if (rc)
		(void)fuse_reply_err(request, -rc);
	else
		(void)fuse_reply_attr(request, &attr, node_timeout(place.node));
}

static void
getattr_claim(struct loop *loop, fuse_req_t request, fuse_ino_t number)
{
	const struct worker *worker = workers_get(&loop->workers, number);
	const struct fs_queue *queue = loop_queue(loop, number);
	struct worker ended = { 0 };
	struct stat attr;
	bool held = true;

	if (!worker) { /* its claim has ended; whoever has it open still has its bytes */
		ended.size = (int64_t)held_size(loop, number, &held);
		worker = &ended;
	}
	if (!held || !queue) {
		(void)fuse_reply_err(request, ESTALE);
		return;
	}
	attr = attr_claim(queue, worker, number, loop->fs->mounted_ms);
	(void)fuse_reply_attr(request, &attr, TIMEOUT_FIXED);
}

/* Replies: attr, err. */
void
op_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
	struct loop *loop = loop_of(request);

	(void)file; /* fstat(2) carries no handle */
	switch (ino_unpack(number).class) {
	case INO_NODE:
		getattr_node(loop, request, number);
		break;
	case INO_DRAFT:
		draft_getattr(loop, request, number);
		break;
	case INO_CLAIM:
		getattr_claim(loop, request, number);
		break;
	case INO_JOB:
	case INO_TWIN:
	case INO_ALIAS:
	case INO_LINK:
		getattr_store(loop, request, number);
		break;
	}
}

/* ---- setattr: touch ---- */

static void
setattr_claim(struct loop *loop, fuse_req_t request, fuse_ino_t number, const struct stat *attr,
	int to_set)
{
	const struct worker *worker = workers_get(&loop->workers, number);
	struct work *work;

	if (!(to_set & FUSE_SET_ATTR_MTIME) || to_set & FUSE_SET_ATTR_SIZE) {
		(void)fuse_reply_err(request, EPERM);
		return;
	}
	if (!worker) {
		(void)fuse_reply_err(request, ESTALE);
		return;
	}
	work = loop_work(request, &work_heartbeat);
	if (!work)
		return;
	work->queue_id = worker->queue_id;
	work->name = strdup(worker->name);
	if (!work->name)
		work->error = -ENOMEM;
	work->time_ms = to_set & FUSE_SET_ATTR_MTIME_NOW ? 0 : attr_ms(&attr->st_mtim);
	work->entry.attr =
		attr_claim(loop_queue(loop, number), worker, number, loop->fs->mounted_ms);
	loop_push(loop, work);
}

static void
setattr_job(struct loop *loop, fuse_req_t request, fuse_ino_t number, const struct stat *attr,
	int to_set)
{
	struct work *work;

	if (!(to_set & FUSE_SET_ATTR_MTIME) ||
		to_set & (FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID |
				 FUSE_SET_ATTR_GID)) {
		(void)fuse_reply_err(request, EPERM);
		return;
	}
	work = loop_work(request, &work_reschedule);
	if (!work)
		return;
	work->ino = number;
	work->queue_id = ino_unpack(number).queue_id;
	work->time_ms = to_set & FUSE_SET_ATTR_MTIME_NOW ? 0 : attr_ms(&attr->st_mtim);
	loop_push(loop, work);
}

/* Replies: attr, err. */
void
op_setattr(fuse_req_t request, fuse_ino_t number, struct stat *attr, int to_set,
	struct fuse_file_info *file)
{
	struct loop *loop = loop_of(request);

	(void)file;
	switch (ino_unpack(number).class) {
	case INO_DRAFT:
		draft_setattr(loop, request, number, attr, to_set);
		break;
	case INO_CLAIM:
		setattr_claim(loop, request, number, attr, to_set);
		break;
	case INO_JOB:
		setattr_job(loop, request, number, attr, to_set);
		break;
	case INO_ALIAS: /* programs that finish their work after close: accepted, without effect
			 */
		op_getattr(request, number, NULL);
		break;
	case INO_NODE: /* `new`: touch and truncation mean nothing */
		if (ino_unpack(number).node == NODE_NEW &&
			!(to_set &
				(FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
			op_getattr(request, number, NULL);
		else
			(void)fuse_reply_err(request, EPERM);
		break;
	case INO_TWIN:
	case INO_LINK:
		(void)fuse_reply_err(request, EPERM);
		break;
	}
}

/* ---- readdir ---- */

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

		if (!tree[node].name || tree[node].parent != place->node)
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
list_drafts(const struct loop *loop, struct listing *listing, const struct fs_queue *queue,
	int64_t offset)
{
	uint32_t first = offset > LISTING_DRAFTS ? (uint32_t)(offset - LISTING_DRAFTS) : 0;
	uint32_t used = SLOT_COUNT - loop->drafts.free_slot_count;

	for (uint32_t slot = 0; slot < SLOT_COUNT && used > 0; slot++) {
		const struct draft *draft = drafts_at(&loop->drafts, slot);
		struct stat attr;
		struct fuse_entry_param entry;

		if (draft->state == DRAFT_FREE)
			continue;
		used--;
		if (slot < first || draft->state != DRAFT_OPEN || draft->nameless ||
			draft->queue_id != queue->id ||
			drafts_find(&loop->drafts, queue->id, draft->name) != slot)
			continue;
		attr = attr_draft(draft, drafts_id(&loop->drafts, slot));
		entry = attr_entry(&attr, 0, TIMEOUT_FIXED);
		if (!listing_add(listing, draft->name, &entry, LISTING_DRAFTS + slot + 1))
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
	if (place->node == NODE_QUEUE && offset < LISTING_JOBS)
		return list_drafts(loop, listing, place->queue, offset);
	return true;
}

static void
readdir_reply(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset, bool plus)
{
	struct loop *loop = loop_of(request);
	struct listing listing = { .request = request, .size = size, .plus = plus };
	struct place place;
	struct work *work;
	int rc = place_of(loop, number, &place);

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
	work->name = strdup(name);
	work->target = strdup(target);
	work->flag = strcmp(name, target) == 0;
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

/* Replies: err. */
void
op_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	struct loop *loop = loop_of(request);
	struct place place;
	uint32_t slot;
	int rc = place_of(loop, parent, &place);

	if (!rc && (place.node == NODE_ROOT || tree_child(place.node, name) != NODE_ROOT))
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
	if (tree_child(from->node, name) != NODE_ROOT ||
		tree_child(to->node, new_name) != NODE_ROOT)
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
	int rc = place_of(loop, parent, &from);

	if (!rc)
		rc = place_of(loop, new_parent, &to);
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

/* ---- statfs ---- */

/* Free space is that of the disk the store is on. Replies: statfs, err. */
void
op_statfs(fuse_req_t request, fuse_ino_t number)
{
	struct loop *loop = loop_of(request);
	struct statvfs stat;

	(void)number;
	if (statvfs(loop->fs->config->store, &stat)) {
		(void)fuse_reply_err(request, errno);
		return;
	}
	stat.f_namemax = FS_NAME_MAX;
	(void)fuse_reply_statfs(request, &stat);
}
