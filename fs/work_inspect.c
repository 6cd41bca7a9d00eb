/* Looking at jobs: by name, by inode number, their contents and attributes. */
#include "fs/work_inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr.h"
#include "fs/committer.h"
#include "fs/loop.h"
#include "fs/names.h"
#include "fs/render.h"

static const struct fs_queue *
work_queue(struct committer *committer, const struct work *work)
{
	return fs_queue_by_id(committer_fs(committer), work->queue_id);
}

/* An engine's answer to a question: -ENOENT is one, everything else is a failure. */
static int
work_answer(struct work *work, int rc)
{
	return rc == 0 || rc == -ENOENT ? rc : work_failed(work, rc);
}

bool
work_is_of_job(fuse_ino_t ino)
{
	enum ino_class class = ino_unpack(ino).class;

	return class == INO_JOB || class == INO_TWIN || class == INO_ALIAS || class == INO_LINK;
}

int
work_find_rejected(struct committer *committer, struct work *work, bool *twin)
{
	struct engine *engine = committer_engine(committer);
	char plain[FS_NAME_MAX + 1];
	int rc = engine_rejected_find(engine, work->queue_id, work->name, &work->job);

	*twin = rc == -ENOENT && name_without_suffix(work->name, plain);
	if (*twin)
		rc = engine_rejected_find(engine, work->queue_id, plain, &work->job);
	return rc;
}

/* ---- names ---- */

static int
work_set_twin_entry(struct committer *committer, struct work *work)
{
	struct content text = { 0 };
	struct stat attr;
	int rc = render_twin(
		committer_engine(committer), work_queue(committer, work), &work->job, &text);

	if (rc)
		return work_failed(work, rc);
	attr = attr_twin(work_queue(committer, work), work->node, &work->job, text.size);
	work->entry = attr_entry(&attr, 0, 0);
	free(text.bytes);
	return 0;
}

static int
work_lookup_receipt(
	struct committer *committer, struct work *work, const char *receipt, bool twin)
{
	struct stat attr;
	int rc = engine_receipt_find(committer_engine(committer), receipt, &work->job);

	if (rc)
		return work_answer(work, rc);
	if (work->job.queue_id != work->queue_id ||
		!view_has(tree[work->node].view, &work->job))
		return -ENOENT;
	if (twin)
		return work_set_twin_entry(committer, work);
	attr = attr_job(work_queue(committer, work), work->node, &work->job);
	work->entry = attr_entry(&attr, 0, 0);
	return 0;
}

/* A name that was written: the job it became, or in receipts/ the link to its receipt. */
static int
work_lookup_name(struct committer *committer, struct work *work)
{
	struct stat attr;
	int rc = engine_name_find(
		committer_engine(committer), work->queue_id, work->name, &work->job);

	if (rc)
		return work_answer(work, rc);
	attr = work->node == NODE_QUEUE ? attr_alias(&work->job)
					: attr_link(work_queue(committer, work), &work->job);
	work->entry = attr_entry(&attr, 0, TIMEOUT_FIXED); /* a payload never changes */
	return 0;
}

/* A file in rejected/, by its name, or its twin. */
static int
work_lookup_rejected(struct committer *committer, struct work *work)
{
	struct stat attr;
	bool twin = false;
	int rc = work_find_rejected(committer, work, &twin);

	if (rc)
		return work_answer(work, rc);
	if (twin)
		return work_set_twin_entry(committer, work);
	attr = attr_job(work_queue(committer, work), work->node, &work->job);
	work->entry = attr_entry(&attr, 0, 0);
	return 0;
}

static int
work_lookup_run(struct committer *committer, struct work *work)
{
	char receipt[RECEIPT_SIZE];
	bool twin = name_is_twin(work->name, receipt);

	if (work->node == NODE_REJECTED)
		return work_lookup_rejected(committer, work);

	if (twin || receipt_looks_right(work->name)) {
		int rc =
			work_lookup_receipt(committer, work, twin ? receipt : work->name, twin);

		if (rc != -ENOENT)
			return rc;
		job_release(&work->job);
	}
	if (work->node == NODE_QUEUE || work->node == NODE_RECEIPTS)
		return work_lookup_name(committer, work);
	return -ENOENT;
}

static void
work_reply_entry(struct committer *committer, struct work *work)
{
	(void)committer;
	(void)fuse_reply_entry(work->request, &work->entry); /* an error: the caller is gone */
}

const struct work_type work_lookup = {
	.name = "lookup",
	.run = work_lookup_run,
	.reply = work_reply_entry,
};

/* ---- attributes ---- */

/* Something is open whose job went elsewhere: its bytes are still what they were. */
static int
work_getattr_held(struct work *work)
{
	if (!work->flag)
		return -ESTALE;
	work->entry.attr = (struct stat){
		.st_ino = work->ino,
		.st_mode = S_IFREG | 0444,
		.st_nlink = 1,
		.st_size = (off_t)work->size,
	};
	return 0;
}

static int
work_getattr_job(struct committer *committer, struct work *work)
{
	struct ino ino = ino_unpack(work->ino);
	const struct fs_queue *queue = work_queue(committer, work);
	int rc = engine_job(committer_engine(committer), ino.id, &work->job);

	if (rc == -ENOENT)
		return work_getattr_held(work);
	if (rc)
		return work_failed(work, rc);
	if (ino.class == INO_ALIAS) {
		work->entry.attr = attr_alias(&work->job);
		return 0;
	}
	if (ino.class == INO_LINK) {
		work->entry.attr = attr_link(queue, &work->job);
		return 0;
	}
	if (work->job.queue_id != ino.queue_id || !view_has(tree[ino.node].view, &work->job))
		return work_getattr_held(work);
	if (ino.class == INO_TWIN)
		return work_set_twin_entry(committer, work);
	work->entry.attr = attr_job(queue, ino.node, &work->job);
	return 0;
}

static int
work_getattr_run(struct committer *committer, struct work *work)
{
	struct ino ino = ino_unpack(work->ino);

	work->node = ino.node;
	return work_getattr_job(committer, work);
}

static void
work_getattr_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	(void)fuse_reply_attr(work->request, &work->entry.attr, 0);
}

const struct work_type work_getattr = {
	.name = "getattr",
	.run = work_getattr_run,
	.reply = work_getattr_reply,
};

/* ---- contents ---- */

static int
work_load(struct committer *committer, struct work *work)
{
	struct ino ino = ino_unpack(work->ino);
	struct engine *engine = committer_engine(committer);
	int64_t job_id = work->job_id ? work->job_id : ino.id;
	int rc = engine_job(engine, job_id, &work->job);

	work->node = ino.node;
	if (rc == -ENOENT)
		return -ESTALE;
	if (rc)
		return work_failed(work, rc);
	if (ino.class == INO_TWIN)
		rc = render_twin(
			engine, work_queue(committer, work), &work->job, &work->content);
	else
		rc = engine_payload(engine, job_id, &work->content.bytes, &work->content.size);
	if (rc == -ENOENT)
		return -ESTALE; /* it ended; its name is all that is left */
	return rc ? work_failed(work, rc) : 0;
}

static int
work_open_run(struct committer *committer, struct work *work)
{
	int rc = work_load(committer, work);

	if (rc || ino_unpack(work->ino).class == INO_ALIAS)
		return rc;
	return view_has(tree[work->node].view, &work->job) ? 0 : -ESTALE;
}

static void
work_open_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	(void)fuse_reply_open(
		work->request, &work->file); /* a failure: finish has kept nothing open */
}

static void
work_open_finish(struct loop *loop, struct work *work)
{
	if (work->error)
		handles_close(&loop->handles, work->handle);
	else
		handles_keep(&loop->handles, work->handle, &work->content);
}

const struct work_type work_open = {
	.name = "open",
	.run = work_open_run,
	.reply = work_open_reply,
	.finish = work_open_finish,
};

static void
work_read_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	content_reply(work->request, &work->content, work->size, work->offset);
}

/* The content is not kept: the loop may free it while the answer is being written. What a crash
 * of the engine process made readers lose is fetched with every read. */
const struct work_type work_read = {
	.name = "read",
	.run = work_load,
	.reply = work_read_reply,
};

/* ---- links and extended attributes ---- */

static int
work_job_run(struct committer *committer, struct work *work)
{
	int rc = engine_job(committer_engine(committer), work->job_id, &work->job);

	return rc == -ENOENT ? -ESTALE : rc ? work_failed(work, rc) : 0;
}

static void
work_readlink_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	(void)fuse_reply_readlink(work->request, work->job.receipt);
}

const struct work_type work_readlink = {
	.name = "readlink",
	.run = work_job_run,
	.reply = work_readlink_reply,
};

static int
work_getxattr_run(struct committer *committer, struct work *work)
{
	int rc = work_job_run(committer, work);

	if (rc)
		return rc;
	rc = render_xattr(committer_engine(committer), work_queue(committer, work), &work->job,
		work->name, &work->content);
	return rc == 0 || rc == -ENODATA ? rc : work_failed(work, rc);
}

static int
work_listxattr_run(struct committer *committer, struct work *work)
{
	int rc = work_job_run(committer, work);

	if (rc)
		return rc;
	rc = render_xattr_list(committer_engine(committer), work_queue(committer, work),
		&work->job, &work->content);
	return rc ? work_failed(work, rc) : 0;
}

static void
work_xattr_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	if (work->size == 0)
		(void)fuse_reply_xattr(work->request, work->content.size);
	else if (work->size < work->content.size)
		(void)fuse_reply_err(work->request, ERANGE); /* getxattr(2) */
	else
		(void)fuse_reply_buf(work->request, work->content.bytes, work->content.size);
}

const struct work_type work_getxattr = {
	.name = "getxattr",
	.run = work_getxattr_run,
	.reply = work_xattr_reply,
};

const struct work_type work_listxattr = {
	.name = "listxattr",
	.run = work_listxattr_run,
	.reply = work_xattr_reply,
};
