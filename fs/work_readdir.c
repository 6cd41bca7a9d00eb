/*
 * Listing a directory. An offset says where its entry stands, in this order, and is stable:
 *
 *   1, 2          . and ..
 *   3 ...         the fixed entries, by their number in the tree; in the root the queues
 *   DRAFTS + n    drafts, by slot (made by the loop, which owns them)
 *   JOBS + n      jobs, workers and names, by the engine's cookie
 */
#include <errno.h>
#include <stdlib.h>

#include "fs/attr.h"
#include "fs/committer.h"
#include "fs/listing.h"
#include "fs/work_inspect.h"

struct lister {
	struct committer *committer;
	struct work *work;
	const struct fs_queue *queue;
	struct listing listing;
	int error;
};

static bool
lister_job(void *context, const struct job *job, int64_t cookie)
{
	struct lister *lister = context;
	enum node node = lister->work->node;
	struct stat attr = attr_job(lister->queue, node, job);
	/* A name in rejected/ is not one job's for ever, and the kernel takes along what mv moves. */
	struct fuse_entry_param entry =
		attr_entry(&attr, node == NODE_REJECTED ? 0 : TIMEOUT_LISTED, TIMEOUT_LISTED);

	if (node == NODE_CLAIM) {
		/* Its number depends on the worker's slot, which lookup knows. */
		entry.ino = 0;
		return listing_add(
			&lister->listing, job->worker, &entry, LISTING_JOBS + cookie);
	}
	return listing_add(&lister->listing, node == NODE_REJECTED ? job->name : job->receipt,
		&entry, LISTING_JOBS + cookie);
}

static bool
lister_name(
	void *context, int64_t queue_id, const char *name, const char *receipt, int64_t cookie)
{
	struct lister *lister = context;
	struct fuse_entry_param entry;
	struct stat attr;
	struct job job = { 0 };
	bool more;
	int rc = engine_receipt_find(committer_engine(lister->committer), receipt, &job);

	(void)queue_id;
	if (rc && rc != -ENOENT)
		lister->error = rc;
	if (rc)
		return rc == -ENOENT; /* it ended; the name is on its way out */
	attr = attr_link(lister->queue, &job);
	/* Whoever writes the name again is to find the new receipt here at once. */
	entry = attr_entry(&attr, 0, TIMEOUT_LISTED);
	more = listing_add(&lister->listing, name, &entry, LISTING_JOBS + cookie);
	job_release(&job);
	return more;
}

static int
work_readdir_run(struct committer *committer, struct work *work)
{
	struct engine *engine = committer_engine(committer);
	int64_t after = work->offset > LISTING_JOBS ? work->offset - LISTING_JOBS : 0;
	struct lister lister = {
		.committer = committer,
		.work = work,
		.queue = fs_queue_by_id(committer_fs(committer), work->queue_id),
		.listing = { .request = work->request,
			.bytes = work->body.bytes,
			.used = work->body.size,
			.size = work->size,
			.plus = work->flag },
	};
	int rc;

	if (work->node == NODE_RECEIPTS)
		rc = engine_names(engine, work->queue_id, after, lister_name, &lister);
	else
		rc = engine_list(engine, tree[work->node].view, work->queue_id, after,
			lister_job, &lister);
	if (rc || lister.error)
		return work_failed(work, rc ? rc : lister.error);
	work->content.size = lister.listing.used; /* of body, which the loop has begun */
	return 0;
}

static void
work_readdir_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	(void)fuse_reply_buf(work->request, work->body.bytes, work->content.size);
}

/* work->body holds what the loop has listed already, with room for work->size bytes. */
const struct work_type work_readdir = {
	.name = "readdir",
	.run = work_readdir_run,
	.reply = work_readdir_reply,
};
