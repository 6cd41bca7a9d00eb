/* Pausing a queue: nothing is delivered, workers wait, enqueueing goes on. */
#include "fs/work_pause.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/committer.h"
#include "fs/log.h"
#include "fs/loop.h"
#include "fs/op_pause.h"

static int
work_pause_run(struct committer *committer, struct work *work)
{
	struct engine *engine = committer_engine(committer);
	struct queue_pause pause = {
		.since_ms = committer_now_ms(committer),
		.uid = work->new.uid,
		.pid = work->new.pid,
	};
	int rc;

	strncpy(pause.reason, work->target, sizeof pause.reason - 1);
	rc = engine_pause(engine, work->queue_id, *work->target ? &pause : NULL);
	if (!rc) {
		work->content.size = sizeof pause;
		work->content.bytes = malloc(sizeof pause);
		rc = work->content.bytes ? 0 : -ENOMEM;
	}
	if (rc)
		return work_failed(work, rc);
	memcpy(work->content.bytes, engine_paused(engine, work->queue_id), sizeof pause);
	return 0;
}

static void
work_pause_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	if (work->size)
		(void)fuse_reply_write(work->request, work->size);
	else if (work->flag)
		(void)fuse_reply_attr(work->request, &work->entry.attr, 0);
	else
		(void)fuse_reply_err(work->request, 0);
}

static void
work_pause_finish(struct loop *loop, struct work *work)
{
	const struct fs_queue *queue = fs_queue_by_id(loop->fs, work->queue_id);
	struct queue_pause *pause = pause_of(loop, queue);

	handles_close(&loop->handles, work->handle);
	if (work->error)
		return;
	memcpy(pause, work->content.bytes, sizeof *pause);
	log_info("%s queue=%s uid=%d pid=%d", pause->since_ms ? "paused" : "resumed",
		queue->config->name, (int)work->new.uid, (int)work->new.pid);
}

const struct work_type work_pause = {
	.name = "pause",
	.durable = true,
	.run = work_pause_run,
	.reply = work_pause_reply,
	.finish = work_pause_finish,
};
