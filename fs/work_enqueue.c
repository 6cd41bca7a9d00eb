/* From draft to job. */
#include "fs/work_enqueue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/committer.h"
#include "fs/log.h"
#include "fs/loop.h"
#include "fs/op_draft.h"

static void
work_log_refusal(struct committer *committer, const struct work *work, const char *what)
{
	const struct fs_queue *queue =
		fs_queue_by_id(committer_fs(committer), work->new.queue_id);

	log_info("%s queue=%s name=%s uid=%d: %s", what, queue->config->name, work->new.name,
		(int)work->new.uid, work->why.text);
}

/* The engine says why it refuses; without a word the store has failed. */
static int
work_refusal(struct committer *committer, struct work *work, int rc)
{
	if (!rc)
		return 0;
	if (!work->why.text[0])
		return work_failed(work, rc);
	work_log_refusal(committer, work, "refused");
	return rc;
}

/* ---- create ---- */

static int
work_create_run(struct committer *committer, struct work *work)
{
	struct engine *engine = committer_engine(committer);
	const struct fs_queue *queue = fs_queue_by_id(committer_fs(committer), work->queue_id);
	int64_t jobs = engine_count(engine, queue->id, JOB_WAITING) +
		       engine_count(engine, queue->id, JOB_BACKOFF) +
		       engine_count(engine, queue->id, JOB_RUNNING);

	return jobs >= queue->config->max_jobs ? -ENOSPC : 0;
}

static void
work_create_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	if (work->flag)
		(void)fuse_reply_create(work->request, &work->entry, &work->file);
	else
		op_reply_open_parallel(work->request, work->handle, work->pipe);
}

static void
work_create_finish(struct loop *loop, struct work *work)
{
	if (!work->error)
		return;
	handles_close(&loop->handles, work->handle);
	drafts_free(&loop->drafts, work->slot);
}

const struct work_type work_create = {
	.name = "create",
	.run = work_create_run,
	.reply = work_create_reply,
	.finish = work_create_finish,
};

/* ---- stage ---- */

/* What an earlier flush has staged is not what the last writer leaves: it goes in any case. */
static int
work_stage_run(struct committer *committer, struct work *work)
{
	struct engine *engine = committer_engine(committer);
	int rc, unstaged;

	work->why.text[0] = '\0';
	rc = engine_stage(engine, &work->new, committer_now_ms(committer), &work->why);
	if (!rc)
		return 0;
	if (!work->why.text[0])
		return work_failed(work, rc);
	unstaged = engine_unstage(engine, work->new.draft_id);
	return unstaged ? work_failed(work, unstaged) : rc; /* logged when it is rejected */
}

/* Before the commit the draft's bytes are ours alone; after it the store has them too. Whatever the
 * error was, the writer has been told it: what it wrote does not become a job later. */
void
work_stage_finish(struct loop *loop, struct work *work)
{
	struct draft *draft = drafts_get(&loop->drafts, work->new.draft_id);

	if (!draft)
		return;
	if (work->error && !draft->dirty) {
		draft->refused = -work->error;
		(void)snprintf(draft->why, sizeof draft->why, "%.*s", DRAFT_WHY_SIZE - 1,
			work->why.text[0] ? work->why.text : strerror(-work->error));
	}
	draft->dirty = draft->dirty || work->error;
}

const struct work_type work_stage = {
	.name = "stage",
	.durable = true,
	.run = work_stage_run,
	.finish = work_stage_finish,
};

/* ---- publish ---- */

static int
work_publish_run(struct committer *committer, struct work *work)
{
	int rc = engine_publish(committer_engine(committer), work->new.draft_id, work->new.name,
		committer_now_ms(committer), &work->job_id);

	/* Nothing is staged: it was published before the engine process crashed. */
	return rc && rc != -ENOENT ? work_failed(work, rc) : 0;
}

/* The draft is a job now, or rejected (`again`), or a draft as before. */
void
work_publish_finish(struct loop *loop, struct work *work)
{
	if (!work->error && *work->new.name && !work->again &&
		hash_set_add(&loop->names, hash_name(work->new.queue_id, work->new.name)))
		log_warnx("out of memory: a name cannot be found until the next start name=%s",
			work->new.name);
	if (!work->error && work->replaces)
		draft_replace(loop, work->new.queue_id, work->new.name, work->new.draft_id);
	draft_published(loop, work->new.draft_id, work->job_id, work->error);
}

/* Its close has returned 0. */
const struct work_type work_publish = {
	.name = "publish",
	.insists = true,
	.publishes = true,
	.patient = true, /* it shares the commit of the next request */
	.run = work_publish_run,
	.finish = work_publish_finish,
};

/* Staged and published in one transaction: with the receipt that it was staged with before. */
static int
work_make_job(struct committer *committer, struct work *work)
{
	struct engine *engine = committer_engine(committer);
	int64_t now = committer_now_ms(committer);
	int rc;

	work->why.text[0] = '\0';
	rc = engine_stage(engine, &work->new, now, &work->why);
	return rc ? rc
		  : engine_publish(
			    engine, work->new.draft_id, work->new.name, now, &work->job_id);
}

static int
work_enqueue_run(struct committer *committer, struct work *work)
{
	return work_refusal(committer, work, work_make_job(committer, work));
}

const struct work_type work_enqueue = {
	.name = "enqueue",
	.durable = true,
	.once = true,
	.publishes = true,
	.run = work_enqueue_run,
	.finish = work_publish_finish,
};

/* ---- settle ---- */

static int
work_reject(struct committer *committer, struct work *work)
{
	int rc = engine_reject(committer_engine(committer), &work->new, work->why.text,
		committer_now_ms(committer), &work->job_id);

	if (rc)
		return work_failed(work, rc);
	work_log_refusal(committer, work, "rejected");
	work->again = true;
	return 0;
}

/* flag: the reason is in work->why; a run may be repeated, so it is not overwritten then. */
static int
work_settle_run(struct committer *committer, struct work *work)
{
	int rc = work->flag ? -EINVAL : work_make_job(committer, work);

	if (!rc)
		return 0;
	if (!work->why.text[0])
		return work_failed(work, rc);
	return work_reject(committer, work);
}

const struct work_type work_settle = {
	.name = "settle",
	.durable = true,
	.once = true,
	.insists = true,
	.publishes = true,
	.run = work_settle_run,
	.finish = work_publish_finish,
};

/* ---- unstage ---- */

static int
work_unstage_run(struct committer *committer, struct work *work)
{
	int rc = engine_unstage(committer_engine(committer), work->new.draft_id);

	return rc ? work_failed(work, rc) : 0;
}

const struct work_type work_unstage = {
	.name = "unstage",
	.durable = true,
	.once = true,
	.run = work_unstage_run,
};

/* ---- writing a name again ---- */

static int
work_reopen_run(struct committer *committer, struct work *work)
{
	int rc = engine_job(committer_engine(committer), work->job_id, &work->job);

	return rc && rc != -ENOENT ? work_failed(work, rc) : -ESTALE;
}

static void
work_reopen_finish(struct loop *loop, struct work *work)
{
	if (work->error == -ESTALE)
		draft_expect(
			loop, (pid_t)work->time_ms, work->queue_id, (mode_t)work->job.mode);
}

const struct work_type work_reopen = {
	.name = "reopen",
	.run = work_reopen_run,
	.finish = work_reopen_finish,
};
