/*
 * Claims: a worker opens claim/WORKER and gets a job, and says with rm, mv or touch what became
 * of it. The store says who holds what; the loop's table of workers follows.
 */
#include "fs/work_claim.h"

#include <errno.h>
#include <string.h>

#include "fs/attr.h"
#include "fs/committer.h"
#include "fs/log.h"
#include "fs/loop.h"

/* ---- what does this worker hold? ---- */

static int
work_worker_lookup_run(struct committer *committer, struct work *work)
{
	const struct fs *fs = committer_fs(committer);
	struct worker worker = { 0 };
	struct stat attr;
	int rc = engine_worker_find(
		committer_engine(committer), work->queue_id, work->name, &work->job);

	if (rc && rc != -ENOENT)
		return work_failed(work, rc);
	if (!rc)
		worker_bind(&worker, work->job.id, work->job.size, work->job.claimed_ms);
	attr = attr_claim(
		fs_queue_by_id(fs, work->queue_id), &worker, work->ino, fs->mounted_ms);
	work->entry = attr_entry(&attr, 0, TIMEOUT_FIXED);
	return 0;
}

static void
work_worker_lookup_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	(void)fuse_reply_entry(work->request, &work->entry);
}

static void
work_worker_lookup_finish(struct loop *loop, struct work *work)
{
	struct worker *worker = workers_get(&loop->workers, work->ino);

	if (!worker || work->error)
		return;
	/* After a crash of the engine process it may be remembered as holding what it has ended. */
	if (worker->job_id && worker->job_id != work->job.id)
		worker_unbind(worker);
	if (work->job.id)
		worker_bind(worker, work->job.id, work->job.size, work->job.claimed_ms);
	worker->known = true;
}

const struct work_type work_worker_lookup = {
	.name = "worker",
	.run = work_worker_lookup_run,
	.reply = work_worker_lookup_reply,
	.finish = work_worker_lookup_finish,
};

/* ---- open ---- */

int
work_claim_try(struct committer *committer, struct work *claim)
{
	struct engine *engine = committer_engine(committer);
	int rc = engine_claim(engine, claim->queue_id, claim->name, committer_now_ms(committer),
		&claim->job, &claim->again);

	if (rc == -EAGAIN)
		return rc;
	if (!rc)
		rc = engine_payload(
			engine, claim->job.id, &claim->content.bytes, &claim->content.size);
	return rc ? work_failed(claim, rc) : 0;
}

/* Who holds a job gets it at once; everybody else in order of arrival. */
static int
work_claim_open_run(struct committer *committer, struct work *work)
{
	struct job held = { 0 };
	int rc;

	if (!committer_line_empty(committer, work->queue_id)) {
		rc = engine_worker_find(
			committer_engine(committer), work->queue_id, work->name, &held);
		job_release(&held);
		if (rc && rc != -ENOENT)
			return work_failed(work, rc);
		if (rc && !work->flag)
			return committer_wait(committer, work);
		if (rc && committer_serve(committer, work->queue_id))
			return work_failed(work, -EIO);
		if (rc && !committer_line_empty(committer, work->queue_id))
			return -EAGAIN;
	}
	rc = work_claim_try(committer, work);
	if (rc == -EAGAIN && !work->flag)
		return committer_wait(committer, work);
	return rc;
}

static void
work_claim_undo(struct committer *committer, struct work *claim)
{
	struct work *undo = work_new(&work_claim_release, NULL);

	if (undo)
		undo->name = strdup(claim->name);
	if (!undo || !undo->name) {
		log_warnx("out of memory: worker %s keeps job %s until its timeout",
			claim->name, claim->job.receipt);
		if (undo) {
			work_unref(undo);
			work_unref(undo);
		}
		return;
	}
	undo->queue_id = claim->queue_id;
	undo->job_id = claim->job.id;
	committer_push_one(committer, undo);
}

static void
work_claim_open_reply(struct committer *committer, struct work *work)
{
	int rc;

	/* The file has a size now. Until here the kernel could believe in the one it was looked up
	 * with, and it may again from here on. This takes no lock that a request holds: attributes
	 * only, no pages (fuse_lowlevel.h). That the kernel has forgotten the number is no error. */
	(void)fuse_lowlevel_notify_inval_inode(
		committer_fs(committer)->session, work->ino, -1, 0);
	rc = fuse_reply_open(work->request, &work->file);
	/* The caller has gone, and its release will never come (fuse_lowlevel.h): not
	 * delivered. */
	if (rc && !work->again)
		work_claim_undo(committer, work);
}

static void
work_claim_open_finish(struct loop *loop, struct work *work)
{
	struct worker *worker = workers_get(&loop->workers, work->ino);
	struct handle *handle = handles_get(&loop->handles, work->handle);

	if (work->error) {
		handles_close(&loop->handles, work->handle);
		return;
	}
	if (worker) {
		worker_bind(worker, work->job.id, work->job.size, work->job.claimed_ms);
		worker->unread |= !work->again;
	}
	if (handle)
		handle->job_id = work->job.id;
	handles_keep(&loop->handles, work->handle, &work->content);
}

const struct work_type work_claim_open = {
	.name = "claim",
	.run = work_claim_open_run,
	.reply = work_claim_open_reply,
	.finish = work_claim_open_finish,
};

/* ---- ends ---- */

static int
work_claim_release_run(struct committer *committer, struct work *work)
{
	struct verdict_details details = { .delay_ms = -1 };
	int rc = engine_verdict(committer_engine(committer), work->queue_id, work->name,
		work->job_id, VERDICT_RELEASE, &details, committer_now_ms(committer));

	return rc && rc != -ENOENT ? work_failed(work, rc) : 0;
}

const struct work_type work_claim_release = {
	.name = "release",
	.run = work_claim_release_run,
};

/* An event is never run, only finished. */
static void
work_claim_end_finish(struct loop *loop, struct work *work)
{
	uint32_t slot = workers_find(&loop->workers, work->queue_id, work->name);

	if (slot != INDEX_END)
		worker_unbind(workers_at(&loop->workers, slot));
}

const struct work_type work_claim_end = {
	.name = "claim ended",
	.finish = work_claim_end_finish,
};

static int
work_verdict_run(struct committer *committer, struct work *work)
{
	static const enum verdict verdicts[NODE_COUNT] = {
		[NODE_ROOT] = VERDICT_DONE, /* no target: rm */
		[NODE_RETRIES] = VERDICT_RETRY,
		[NODE_DEAD] = VERDICT_DEAD,
		[NODE_QUEUE] = VERDICT_RELEASE,
	};
	struct verdict_details details = { .delay_ms = -1 };
	int rc = engine_verdict(committer_engine(committer), work->queue_id, work->name, 0,
		verdicts[work->target_node], &details, committer_now_ms(committer));

	return rc && rc != -ENOENT ? work_failed(work, rc) : rc;
}

/* target_node: where the claim file was moved to, NODE_ROOT for rm. */
const struct work_type work_verdict = {
	.name = "verdict",
	.durable = true,
	.once = true,
	.run = work_verdict_run,
};

/* ---- heartbeat ---- */

static int
work_heartbeat_run(struct committer *committer, struct work *work)
{
	int rc = engine_worker_find(
		committer_engine(committer), work->queue_id, work->name, &work->job);

	if (!rc)
		rc = engine_extend(committer_engine(committer), work->job.id, work->time_ms,
			committer_now_ms(committer));
	return rc && rc != -ENOENT ? work_failed(work, rc) : rc;
}

static void
work_heartbeat_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	(void)fuse_reply_attr(work->request, &work->entry.attr, TIMEOUT_FIXED);
}

/* time_ms: when the claim is to time out, 0 for "from now on"; entry.attr is the answer. */
const struct work_type work_heartbeat = {
	.name = "heartbeat",
	.run = work_heartbeat_run,
	.reply = work_heartbeat_reply,
};
