/*
 * What rm, mv and touch mean (the table in spoolfs(7)). The directory says which job is meant,
 * its state says what happens. A name that was written can be removed or moved as well: that
 * changes the name and never the job.
 */
#include "fs/work_operate.h"

#include <errno.h>

#include "fs/attr.h"
#include "fs/committer.h"
#include "fs/log.h"
#include "fs/loop.h"
#include "fs/op_draft.h"
#include "fs/work_inspect.h"
#include "fs/work_name.h"

#define BURIED "buried by operator"

/* The engine's refusals pass; what else it returns is a failure of the store. */
static int
work_outcome(struct work *work, int rc)
{
	switch (rc) {
	case 0:
	case -ENOENT:
	case -EPERM:
	case -EBUSY:
		return rc;
	default:
		return work_failed(work, rc);
	}
}

/* The job that work->name means in its directory: 0 or -ENOENT. */
static int
work_find_job(struct committer *committer, struct work *work)
{
	int rc = -ENOENT;

	if (receipt_looks_right(work->name))
		rc = engine_receipt_find(committer_engine(committer), work->name, &work->job);
	if (rc)
		return rc;
	if (work->job.queue_id != work->queue_id ||
		!view_has(tree[work->node].view, &work->job))
		return -ENOENT;
	return 0;
}

/* ---- rm ---- */

static int
work_remove_rejected(struct committer *committer, struct work *work)
{
	bool twin = false;
	int rc = work_find_rejected(committer, work, &twin);

	if (!rc && twin)
		return -EPERM; /* there as long as the file is */
	if (!rc)
		rc = engine_remove(
			committer_engine(committer), work->job.id, committer_now_ms(committer));
	return work_outcome(work, rc);
}

static int
work_remove_run(struct committer *committer, struct work *work)
{
	struct engine *engine = committer_engine(committer);
	int rc;

	if (work->node == NODE_REJECTED)
		return work_remove_rejected(committer, work);
	rc = work_find_job(committer, work);

	if (rc == -ENOENT && (work->node == NODE_QUEUE || work->node == NODE_RECEIPTS)) {
		rc = engine_name_forget(engine, work->queue_id, work->name);
		work->again = rc == 0; /* it was a name */
		return work_outcome(work, rc);
	}
	if (!rc && work->node == NODE_RECEIPTS)
		return -EPERM;
	if (!rc)
		rc = engine_remove(engine, work->job.id, committer_now_ms(committer));
	return work_outcome(work, rc);
}

static void
work_remove_finish(struct loop *loop, struct work *work)
{
	if (!work->error && work->again)
		hash_set_remove(&loop->names, hash_name(work->queue_id, work->name));
}

const struct work_type work_remove = {
	.name = "remove",
	.durable = true,
	.once = true,
	.run = work_remove_run,
	.finish = work_remove_finish,
};

/* ---- mv ---- */

static int
work_move_queue(struct committer *committer, struct work *work)
{
	struct engine_problem why = { "" };
	int rc;

	if (work->target_node != NODE_QUEUE)
		return -EPERM;
	rc = engine_move(committer_engine(committer), work->job.id, work->target_queue_id,
		committer_now_ms(committer), &why);
	if (rc && why.text[0]) {
		log_info("refused receipt=%s: %s", work->job.receipt, why.text);
		return rc;
	}
	return work_outcome(work, rc);
}

static int
work_move_job(struct committer *committer, struct work *work)
{
	struct engine *engine = committer_engine(committer);
	int64_t now = committer_now_ms(committer);

	if (work->target_queue_id != work->queue_id)
		return work_move_queue(committer, work);
	if (work->target_node == NODE_QUEUE)
		return work_outcome(work, engine_requeue(engine, work->job.id, now));
	if (work->target_node == NODE_DEAD)
		return work_outcome(work, engine_bury(engine, work->job.id, BURIED, now));
	return -EPERM;
}

/* What was refused is submitted again, under the name that it is moved to. */
static int
work_resubmit(struct committer *committer, struct work *work)
{
	bool twin = false;
	int rc = work_find_rejected(committer, work, &twin);

	if (!rc && (twin || work->target_node != NODE_QUEUE ||
			   config_is_draft_name(fs_queue_by_id(committer_fs(committer),
							work->target_queue_id)
							->config,
				   work->target)))
		return -EPERM;
	work->why.text[0] = '\0';
	if (!rc)
		rc = engine_resubmit(committer_engine(committer), work->job.id,
			work->target_queue_id, work->target, committer_now_ms(committer),
			&work->why);
	if (rc && work->why.text[0]) {
		log_info("refused receipt=%s: %s", work->job.receipt, work->why.text);
		return rc;
	}
	return work_outcome(work, rc);
}

static int
work_move_run(struct committer *committer, struct work *work)
{
	int rc;

	if (work->node == NODE_REJECTED)
		return work_resubmit(committer, work);
	rc = work_find_job(committer, work);
	if (!rc)
		return work->flag ? work_move_job(committer, work) : -EPERM;
	if (rc != -ENOENT || work->node != NODE_QUEUE)
		return work_outcome(work, rc);
	if (work->target_node != NODE_QUEUE || work->target_queue_id != work->queue_id)
		rc = engine_name_find(committer_engine(committer), work->queue_id, work->name,
			     &work->job)
			     ? -ENOENT
			     : -EPERM;
	else
		rc = engine_name_rename(
			committer_engine(committer), work->queue_id, work->name, work->target);
	work->again = rc == 0;
	return work_outcome(work, rc);
}

static void
work_name_came(struct loop *loop, int64_t queue_id, const char *name)
{
	if (hash_set_add(&loop->names, hash_name(queue_id, name)))
		log_warnx("out of memory: a name cannot be found until the next start name=%s",
			name);
}

static void
work_move_finish(struct loop *loop, struct work *work)
{
	if (work->error)
		return;
	if (work->node == NODE_REJECTED) {
		draft_replace(loop, work->target_queue_id, work->target, 0);
		work_name_came(loop, work->target_queue_id, work->target);
	} else if (work->again) {
		draft_replace(loop, work->queue_id, work->target, 0);
		hash_set_remove(&loop->names, hash_name(work->queue_id, work->name));
		work_name_came(loop, work->queue_id, work->target);
	} else if (work->target_queue_id != work->queue_id && work->job.name[0]) {
		work_name_came(loop, work->target_queue_id, work->job.name);
	}
}

/* flag: the target has the job's own name. */
const struct work_type work_move = {
	.name = "move",
	.durable = true,
	.once = true,
	.run = work_move_run,
	.finish = work_move_finish,
};

/* ---- touch ---- */

static int
work_reschedule_run(struct committer *committer, struct work *work)
{
	struct engine *engine = committer_engine(committer);
	struct ino ino = ino_unpack(work->ino);
	int rc = engine_job(engine, ino.id, &work->job);

	if (rc == -ENOENT || (!rc && !view_has(tree[ino.node].view, &work->job)))
		return -ESTALE;
	if (!rc && work->job.state == JOB_RUNNING)
		rc = engine_extend(engine, ino.id, work->time_ms, committer_now_ms(committer));
	else if (!rc)
		rc = engine_reschedule(
			engine, ino.id, work->time_ms, committer_now_ms(committer));
	if (rc)
		return work_outcome(work, rc);
	job_release(&work->job);
	work->job = (struct job){ 0 };
	rc = engine_job(engine, ino.id, &work->job);
	if (rc)
		return work_outcome(work, rc);
	work->entry.attr = attr_job(
		fs_queue_by_id(committer_fs(committer), ino.queue_id), ino.node, &work->job);
	return 0;
}

static void
work_reschedule_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	(void)fuse_reply_attr(work->request, &work->entry.attr, 0);
}

const struct work_type work_reschedule = {
	.name = "reschedule",
	.durable = true,
	.run = work_reschedule_run,
	.reply = work_reschedule_reply,
};

/* ---- names that end by themselves ---- */

static void
work_name_gone_finish(struct loop *loop, struct work *work)
{
	hash_set_remove(&loop->names, hash_name(work->queue_id, work->name));
}

const struct work_type work_name_gone = {
	.name = "name gone",
	.finish = work_name_gone_finish,
};
