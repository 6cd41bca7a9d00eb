/* The ends of claims: verdicts, lost workers; and the heartbeat. See work_verdict.h. */
#include "fs/work_verdict.h"

#include <errno.h>
#include <string.h>

#include "fs/attr.h"
#include "fs/committer.h"
#include "fs/log.h"
#include "fs/loop.h"
#include "fs/op_claim.h"

#define LOST_AGAIN_MS 1000

/* The engine's refusals pass; what else it returns is a failure of the store. */
static int
work_outcome(struct work *work, int rc)
{
	return rc == 0 || rc == -ENOENT || rc == -EBUSY ? rc : work_failed(work, rc);
}

/* ---- rm and mv ---- */

static int
work_verdict_run(struct committer *committer, struct work *work)
{
	static const enum verdict verdicts[NODE_COUNT] = {
		[NODE_ROOT] = VERDICT_DONE, /* no target: rm */
		[NODE_RETRIES] = VERDICT_RETRY,
		[NODE_DEAD] = VERDICT_DEAD,
		[NODE_QUEUE] = VERDICT_RELEASE,
	};
	struct verdict_details details = { .delay_ms = -1, .by = work->by };

	return work_outcome(work,
		engine_verdict(committer_engine(committer), work->queue_id, work->name, 0,
			verdicts[work->target_node], &details, committer_now_ms(committer)));
}

/* target_node: where the claim file was moved to, NODE_ROOT for rm. */
const struct work_type work_verdict = {
	.name = "verdict",
	.durable = true,
	.once = true,
	.run = work_verdict_run,
};

/* ---- words ---- */

/* job_id: the job that the descriptor has; 0 for what the worker holds. */
static int
work_words_run(struct committer *committer, struct work *work)
{
	const struct words *words = work->words;
	struct verdict_details details = {
		.delay_ms = words->delay_ms,
		.reason = *words->reason ? words->reason : NULL,
		.by = work->by,
	};
	int rc = engine_worker_find(
		committer_engine(committer), work->queue_id, work->name, &work->job);

	if (rc && rc != -ENOENT)
		return work_failed(work, rc);
	if (rc || (work->job_id && work->job.id != work->job_id))
		return work->job_id ? -ESTALE : -ENOENT;
	if (*words->receipt && strcmp(words->receipt, work->job.receipt) != 0)
		return -ENOENT;
	return work_outcome(work,
		engine_verdict(committer_engine(committer), work->queue_id, work->name,
			work->job.id, words->verdict, &details, committer_now_ms(committer)));
}

static void
work_words_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	(void)fuse_reply_write(work->request, work->size);
}

static void
work_words_finish(struct loop *loop, struct work *work)
{
	struct handle *handle = handles_get(&loop->handles, work->handle);

	if (handle && work->job_id && handle->job_id == work->job_id &&
		(!work->error || work->error == -ESTALE))
		claim_let_go(loop, handle);
}

const struct work_type work_words = {
	.name = "words",
	.durable = true,
	.once = true,
	.run = work_words_run,
	.reply = work_words_reply,
	.finish = work_words_finish,
};

/* ---- claims whose worker is gone ---- */

/* Ends the claim for whomever it is bound to, if it is still on job_id. */
static int
work_end_claim(struct committer *committer, struct work *work, enum verdict verdict)
{
	struct verdict_details details = { .delay_ms = -1, .reason = work->target };
	int rc = engine_worker_find(
		committer_engine(committer), work->queue_id, work->name, &work->job);

	details.by = (struct claimant){ work->job.worker_pid, work->job.worker_start };
	if (!rc && work->job.id == work->job_id)
		rc = engine_verdict(committer_engine(committer), work->queue_id, work->name,
			work->job_id, verdict, &details, committer_now_ms(committer));
	return rc && rc != -ENOENT ? work_failed(work, rc) : 0;
}

static int
work_claim_release_run(struct committer *committer, struct work *work)
{
	return work_end_claim(committer, work, VERDICT_RELEASE);
}

static int
work_claim_lost_run(struct committer *committer, struct work *work)
{
	return work_end_claim(committer, work, VERDICT_RETRY);
}

/* What the store could not do is tried again, until it can. */
static void
work_claim_lost_finish(struct loop *loop, struct work *work)
{
	struct work *again = work->error ? loop_work(NULL, work->type) : NULL;

	if (!again)
		return;
	again->queue_id = work->queue_id;
	again->job_id = work->job_id;
	again->name = work->name;
	again->target = work->target;
	work->name = work->target = NULL;
	loop_later(loop, again, LOST_AGAIN_MS);
}

const struct work_type work_claim_release = {
	.name = "release",
	.alone = true,
	.run = work_claim_release_run,
	.finish = work_claim_lost_finish,
};

const struct work_type work_claim_lost = {
	.name = "lost",
	.durable = true,
	.alone = true,
	.run = work_claim_lost_run,
	.finish = work_claim_lost_finish,
};

/* An event is never run, only finished. */
static void
work_claim_end_finish(struct loop *loop, struct work *work)
{
	uint32_t slot = workers_find(&loop->workers, work->queue_id, work->name);

	if (slot != INDEX_END)
		claim_unbind(loop, slot);
}

const struct work_type work_claim_end = {
	.name = "claim ended",
	.finish = work_claim_end_finish,
};

/* ---- heartbeat ---- */

static int
work_heartbeat_run(struct committer *committer, struct work *work)
{
	int rc = engine_worker_find(
		committer_engine(committer), work->queue_id, work->name, &work->job);

	if (!rc && work->job_id && work->job.id != work->job_id)
		return -ESTALE;
	if (!rc && !claimant_may(&work->job, &work->by))
		return -EBUSY;
	if (!rc)
		rc = engine_extend(committer_engine(committer), work->job.id, work->time_ms,
			committer_now_ms(committer));
	return work_outcome(work, rc);
}

static void
work_heartbeat_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	(void)fuse_reply_attr(work->request, &work->entry.attr, TIMEOUT_FIXED);
}

/* entry.attr is the answer. */
const struct work_type work_heartbeat = {
	.name = "heartbeat",
	.run = work_heartbeat_run,
	.reply = work_heartbeat_reply,
};
