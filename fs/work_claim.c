/*
 * Delivery: a worker opens claim/WORKER, or reads on, and gets a job. The store says who holds
 * what; the loop's table of workers follows.
 */
#include "fs/work_claim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr.h"
#include "fs/claimant.h"
#include "fs/committer.h"
#include "fs/envelope.h"
#include "fs/log.h"
#include "fs/loop.h"
#include "fs/notify.h"
#include "fs/op_claim.h"
#include "fs/work_verdict.h"

#include <poll.h>

/* What is read: the payload, or the envelope around it. Returns 0 or the engine's error. */
static int
work_claim_content(struct committer *committer, struct work *work)
{
	struct engine *engine = committer_engine(committer);
	const struct fs_queue *queue = fs_queue_by_id(committer_fs(committer), work->queue_id);
	struct content payload = { 0 };
	int rc = engine_payload(engine, work->job.id, &payload.bytes, &payload.size);

	if (!rc && ino_unpack(work->ino).class == INO_ENVELOPE) {
		rc = envelope_render(engine, queue, &work->job, &payload, &work->content);
		free(payload.bytes);
	} else if (!rc) {
		work->content = payload;
	}
	return rc;
}

/* ---- what does this worker hold? ---- */

static int
work_worker_lookup_run(struct committer *committer, struct work *work)
{
	const struct fs *fs = committer_fs(committer);
	bool envelope = ino_unpack(work->ino).class == INO_ENVELOPE;
	struct worker worker = { 0 };
	struct stat attr;
	int rc = engine_worker_find(
		committer_engine(committer), work->queue_id, work->name, &work->job);

	if (!rc)
		worker_bind(&worker, work->job.id, work->job.size, work->job.claimed_ms);
	if (!rc && envelope)
		rc = work_claim_content(committer, work);
	if (rc && rc != -ENOENT)
		return work_failed(work, rc);
	if (envelope)
		worker.size = (int64_t)work->content.size;
	attr = attr_claim(
		fs_queue_by_id(fs, work->queue_id), &worker, work->ino, fs->mounted_ms);
	work->entry = attr_entry(&attr, 0, envelope ? 0 : TIMEOUT_FIXED);
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
		claim_unbind(loop, work->slot);
	if (work->job.id)
		claim_bind(loop, work->slot, &work->job);
	worker->known = true;
}

const struct work_type work_worker_lookup = {
	.name = "worker",
	.run = work_worker_lookup_run,
	.reply = work_worker_lookup_reply,
	.finish = work_worker_lookup_finish,
};

/* ---- delivery ---- */

/* What a read is answered with is a copy: the content goes to the loop before the answer. */
static int
work_claim_copy(struct work *claim)
{
	size_t size = claim->content.size < claim->size ? claim->content.size : claim->size;

	free(claim->body.bytes);
	claim->body = (struct content){ .bytes = malloc(size + 1), .size = size };
	if (!claim->body.bytes)
		return -ENOMEM;
	memcpy(claim->body.bytes, claim->content.bytes, size);
	return 0;
}

/* Whom the name was bound to has died meanwhile, and left the wait to others. */
static bool
work_claim_is_orphan(const struct work *claim)
{
	return claim->since_us && claim->by.pid && !claimant_lives(&claim->by, false);
}

int
work_claim_try(struct committer *committer, struct work *claim)
{
	int rc = work_claim_is_orphan(claim)
			 ? -EBUSY
			 : engine_claim_by(committer_engine(committer), claim->queue_id,
				   claim->name, &claim->by, committer_now_ms(committer),
				   &claim->job, &claim->again);

	if (rc == -EAGAIN || rc == -EBUSY)
		return rc;
	if (!rc)
		rc = work_claim_content(committer, claim);
	if (!rc && claim->type == &work_claim_read)
		rc = work_claim_copy(claim);
	return rc ? work_failed(claim, rc) : 0;
}

/* Who holds a job gets it at once; everybody else in order of arrival. Returns as run, and
 * -EAGAIN to who does not wait, or is to join the line. */
static int
work_claim_now(struct committer *committer, struct work *work)
{
	struct job held = { 0 };
	int rc;

	if (committer_line_empty(committer, work->queue_id))
		return work_claim_try(committer, work);
	rc = engine_worker_find(committer_engine(committer), work->queue_id, work->name, &held);
	job_release(&held);
	if (rc && rc != -ENOENT)
		return work_failed(work, rc);
	if (rc && !work->flag)
		return -EAGAIN;
	if (rc && committer_serve(committer, work->queue_id))
		return work_failed(work, -EIO);
	if (rc && !committer_line_empty(committer, work->queue_id))
		return -EAGAIN;
	return work_claim_try(committer, work);
}

static int
work_claim_run(struct committer *committer, struct work *work)
{
	int rc = work_claim_now(committer, work);

	if (rc != -EAGAIN)
		return rc;
	if (!work->flag)
		return committer_wait(committer, work);
	return work->idle ? 0 : rc;
}

/* The caller has gone, and nothing will come of it: not delivered. */
static void
work_claim_undo(struct committer *committer, const struct work *claim)
{
	struct work *undo = work_new(&work_claim_release, NULL);

	if (undo)
		undo->name = strdup(claim->name);
	if (!undo || !undo->name) {
		log_warnx("out of memory: a worker keeps job %s until its timeout",
			claim->job.receipt);
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

/*
 * The file has a size now. Until here the kernel could believe in the one it was looked up with, and
 * it may again from here on. This takes no lock that a request holds: attributes only, no pages
 * (fuse_lowlevel.h). That the kernel has forgotten the number is no error.
 */
static void
work_claim_sized(struct committer *committer, const struct work *work)
{
	struct fuse_session *session = committer_fs(committer)->session;

	(void)fuse_lowlevel_notify_inval_inode(session, work->ino, -1, 0);
	if (work->job.size > 0) /* the content is the loop's by now */
		notify_long(session, work->ino);
}

/* Job and handle find each other, if both are still there. `unread`: the job is still to be
 * read. */
static void
work_claim_granted(struct loop *loop, struct work *work, bool unread)
{
	uint32_t slot = workers_find(&loop->workers, work->queue_id, work->name);
	struct handle *handle = handles_get(&loop->handles, work->handle);
	struct worker *worker;

	if (slot == INDEX_END)
		return; /* closed, and its name forgotten: see work_claim_poll_finish() */
	worker = workers_at(&loop->workers, slot);
	claim_bind(loop, slot, &work->job);
	worker->unread = unread ? worker->unread || !work->again : false;
	if (!handle)
		return;
	claim_bind_handle(loop, handle, work->job.id);
	handles_keep(&loop->handles, work->handle, &work->content);
}

static void
work_claim_refused(struct loop *loop, const struct work *work)
{
	struct handle *handle = handles_get(&loop->handles, work->handle);

	if (handle && !handle->job_id)
		handle->wants = WANTS_NOTHING;
}

/* ---- open ---- */

static void
work_claim_open_reply(struct committer *committer, struct work *work)
{
	int rc;

	if (work->job.id)
		work_claim_sized(committer, work);
	rc = fuse_reply_open(work->request, &work->file);
	/* Its release will never come (fuse_lowlevel.h). */
	if (rc && work->job.id && !work->again)
		work_claim_undo(committer, work);
}

static void
work_claim_open_finish(struct loop *loop, struct work *work)
{
	if (work->error)
		handles_close(&loop->handles, work->handle);
	else if (work->job.id)
		work_claim_granted(loop, work, true);
	else
		work_claim_refused(loop, work);
}

const struct work_type work_claim_open = {
	.name = "claim",
	.waits = true,
	.run = work_claim_run,
	.reply = work_claim_open_reply,
	.finish = work_claim_open_finish,
};

/* ---- read ---- */

static void
work_claim_read_reply(struct committer *committer, struct work *work)
{
	work_claim_sized(committer, work);
	if (fuse_reply_buf(work->request, work->body.bytes, work->body.size) && !work->again)
		work_claim_undo(committer, work);
}

static void
work_claim_read_finish(struct loop *loop, struct work *work)
{
	struct handle *handle = handles_get(&loop->handles, work->handle);

	if (work->error) {
		work_claim_refused(loop, work);
		return;
	}
	work_claim_granted(loop, work, false);
	if (handle)
		handle->base = work->offset;
}

const struct work_type work_claim_read = {
	.name = "next",
	.waits = true,
	.run = work_claim_run,
	.reply = work_claim_read_reply,
	.finish = work_claim_read_finish,
};

static int
work_claim_again_run(struct committer *committer, struct work *work)
{
	int rc = engine_job(committer_engine(committer), work->job_id, &work->job);

	if (!rc)
		rc = work_claim_content(committer, work);
	return rc == -ENOENT ? -ESTALE : rc ? work_failed(work, rc) : 0;
}

static void
work_claim_again_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	content_reply(work->request, &work->content, work->size, work->offset);
}

const struct work_type work_claim_again = {
	.name = "read",
	.run = work_claim_again_run,
	.reply = work_claim_again_reply,
};

/* ---- poll ---- */

/* Who polls is answered at once that there is nothing yet, and stays in line without a request. */
static int
work_claim_poll_run(struct committer *committer, struct work *work)
{
	int rc = work_claim_run(committer, work);

	if (rc != WORK_WAITS)
		return rc;
	if (work->request)
		(void)fuse_reply_poll(work->request, 0);
	work->request = NULL;
	return rc;
}

static void
poll_reply(fuse_req_t request, bool ready)
{
	(void)fuse_reply_poll(request, ready ? POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM : 0);
}

static void
work_claim_poll_reply(struct committer *committer, struct work *work)
{
	if (work->request)
		poll_reply(work->request, work->job.id);
	else
		notify_poll(committer_fs(committer)->session, work->poll_kh);
}

/* An error is for who polls to see: it asks again. */
static void
work_claim_poll_failed(struct loop *loop, const struct work *work)
{
	work_claim_refused(loop, work);
	if (work->error && work->error != -EINTR && !work->request)
		notify_poll(loop->fs->session, work->poll_kh);
}

static void
work_claim_poll_finish(struct loop *loop, struct work *work)
{
	struct handle *handle = handles_get(&loop->handles, work->handle);

	if (work->error || !work->job.id) {
		work_claim_poll_failed(loop, work);
		return;
	}
	if (handle && !handle->job_id)
		handle->base = -1; /* where the next read begins */
	work_claim_granted(loop, work, true);
	if (!handle && !work->again) /* closed meanwhile */
		work_claim_undo(loop->committer, work);
}

const struct work_type work_claim_poll = {
	.name = "poll",
	.waits = true,
	.alone = true,
	.run = work_claim_poll_run,
	.reply = work_claim_poll_reply,
	.finish = work_claim_poll_finish,
};

static int
work_claim_look_run(struct committer *committer, struct work *work)
{
	int rc = committer_serve(committer, work->queue_id);

	work->flag = !committer_waits(committer, work->queue_id, work->handle);
	return rc;
}

static void
work_claim_look_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	poll_reply(work->request, work->flag);
}

const struct work_type work_claim_look = {
	.name = "poll again",
	.run = work_claim_look_run,
	.reply = work_claim_look_reply,
};
