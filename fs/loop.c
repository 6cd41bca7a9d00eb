/* The loop. See loop.h. */
#include "fs/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/log.h"
#include "fs/op.h"
#include "fs/op_claim.h"
#include "fs/op_draft.h"
#include "fs/trace.h"

/* While requests follow each other closely, looking again beats sleeping: waking up costs more
 * than a request. Not longer than this, so that an idle mount costs nothing; and not when the
 * committer has been given something, which has better use for the processor. */
#define SPIN_US 50

/* Patient works go with the next that is not, when the loop is about to sleep, or after this. */
#define HELD_US 2000

#define PATIENCE_MAX_MS 60000 /* the clock may be set */
/* Under load: a dead worker is to be noticed all the same. */
#define LOOK_US 10000

struct loop *
loop_of(fuse_req_t request)
{
	return fuse_req_userdata(request);
}

const struct fs_queue *
loop_queue(const struct loop *loop, fuse_ino_t ino)
{
	return fs_queue_by_id(loop->fs, ino_unpack(ino).queue_id);
}

int64_t
loop_changed_ms(struct loop *loop, enum node node, const struct fs_queue *queue)
{
	size_t index = (size_t)(queue - loop->fs->queues);
	int64_t jobs_ms = committer_changed_ms(loop->committer, index, tree[node].view);

	if (node != NODE_QUEUE || jobs_ms > loop->drafts_changed_ms[index])
		return jobs_ms;
	return loop->drafts_changed_ms[index];
}

void
loop_drafts_changed(struct loop *loop, int64_t queue_id)
{
	const struct fs_queue *queue = fs_queue_by_id(loop->fs, queue_id);

	loop->drafts_changed_ms[queue - loop->fs->queues] = now_ms();
}

struct work *
loop_work(fuse_req_t request, const struct work_type *type)
{
	struct work *work = work_new(type, request);

	if (!work && request)
		(void)fuse_reply_err(request, ENOMEM);
	if (work && request)
		work->unique = loop_of(request)->unique;
	return work;
}

void
loop_send(struct loop *loop, struct work *work)
{
	if (work->type->patient && !loop->held.first)
		loop->held_since_us = monotonic_us();
	line_append(&loop->held, work);
	if (!work->type->patient)
		loop_send_held(loop);
}

void
loop_send_held(struct loop *loop)
{
	if (!loop->held.first)
		return;
	committer_push(loop->committer, &loop->held);
	loop->handed_over = true;
}

void
loop_push(struct loop *loop, struct work *work)
{
	if (!work->error) {
		loop_send(loop, work);
		return;
	}
	if (work->type->finish)
		work->type->finish(loop, work);
	if (work->request)
		(void)fuse_reply_err(work->request, -work->error);
	work_unref(work);
	work_unref(work);
}

void
loop_later(struct loop *loop, struct work *work, int64_t ms)
{
	if (!loop->later.first)
		loop->later_us = monotonic_us() + ms * 1000;
	line_append(&loop->later, work);
}

/* ---- start ---- */

static bool
loop_add_name(
	void *context, int64_t queue_id, const char *name, const char *receipt, int64_t cookie)
{
	struct loop *loop = context;

	(void)receipt;
	(void)cookie;
	return hash_set_add(&loop->names, hash_name(queue_id, name)) == 0;
}

static int
loop_init_pauses(struct loop *loop, const struct engine *engine)
{
	size_t count = loop->fs->config->queue_count;

	loop->pauses = calloc(count, sizeof *loop->pauses);
	for (size_t i = 0; loop->pauses && i < count; i++)
		loop->pauses[i] = *engine_paused(engine, loop->fs->queues[i].id);
	return loop->pauses ? 0 : -ENOMEM;
}

int
loop_init(struct loop *loop, struct engine *engine)
{
	int rc = drafts_init(&loop->drafts, loop->fs->shared);

	if (!rc)
		rc = workers_init(&loop->workers, loop->fs->shared);
	if (!rc)
		rc = handles_init(&loop->handles, loop->fs->shared);
	if (!rc)
		rc = liveness_init(&loop->liveness);
	loop->drafts_changed_ms =
		calloc(loop->fs->config->queue_count, sizeof *loop->drafts_changed_ms);
	if (!rc && !loop->drafts_changed_ms)
		rc = -ENOMEM;
	if (!rc)
		rc = loop_init_pauses(loop, engine);
	for (size_t i = 0; i < loop->fs->config->queue_count && !rc; i++)
		rc = engine_names(engine, loop->fs->queues[i].id, 0, loop_add_name, loop);
	return rc;
}

void
loop_release(struct loop *loop)
{
	free(loop->drafts_changed_ms);
	free(loop->pauses);
	hash_set_release(&loop->names);
	liveness_release(&loop->liveness);
	handles_release(&loop->handles);
	workers_release(&loop->workers);
	drafts_release(&loop->drafts);
}

/* ---- time ---- */

/* What time brings: nothing while there are no drafts. */
static void
loop_tick(struct loop *loop)
{
	int64_t now;

	if (loop->drafts.free_slot_count == SLOT_COUNT)
		return;
	now = now_ms();
	if (loop->retry_ms && now >= loop->retry_ms)
		drafts_settle_left(loop);
	if (now >= loop->forgotten_ms)
		drafts_reject_forgotten(loop);
}

/* How long the loop may sleep, as of poll(2). */
static int
loop_patience_ms(const struct loop *loop)
{
	int64_t ms = INT64_MAX, later_ms;

	if (loop->drafts.free_slot_count != SLOT_COUNT)
		ms = (loop->retry_ms ? loop->retry_ms : loop->forgotten_ms) - now_ms();
	if (loop->later.first) {
		later_ms = (loop->later_us - monotonic_us()) / 1000 + 1;
		ms = later_ms < ms ? later_ms : ms;
	}
	if (ms == INT64_MAX)
		return -1;
	return ms < 0 ? 0 : ms > PATIENCE_MAX_MS ? PATIENCE_MAX_MS : (int)ms;
}

/* ---- requests ---- */

void
loop_finish(struct loop *loop)
{
	struct work *work = committer_finished(loop->committer);

	while (work) {
		struct work *next = work->next;

		if (work->type->finish)
			work->type->finish(loop, work);
		work_unref(work);
		work = next;
	}
}

void
loop_process(struct loop *loop, const struct fuse_buf *buffer)
{
	loop_finish(loop);
	loop_tick(loop);
	if (loop->held.first && monotonic_us() - loop->held_since_us > HELD_US)
		loop_send_held(loop);
	loop->request = buffer->mem;
	loop->unique = ((const struct fuse_in_header *)buffer->mem)->unique & ~UNIQUE_RESENT;
	if (log_debugs())
		trace_request(loop, buffer);
	fuse_session_process_buf(loop->fs->session, buffer);
	loop->fs->shared->served++;
}

/* ---- the loop ---- */

/* What comes without a request: processes that have ended, works that are to be tried again or
 * were finished for nobody. */
static void
loop_look(struct loop *loop)
{
	loop_finish(loop);
	loop_tick(loop);
	claim_look(loop);
	loop->looked_us = monotonic_us();
	if (loop->later.first && loop->looked_us >= loop->later_us)
		committer_push(loop->committer, &loop->later);
}

/* Sleeps until there is something to do. Returns false when it is time to stop. */
static bool
loop_wait(struct loop *loop, int stop_fd)
{
	struct pollfd wanted[] = {
		{ .fd = fuse_session_fd(loop->fs->session), .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN },
		{ .fd = liveness_fd(&loop->liveness), .events = POLLIN },
		{ .fd = committer_fd(loop->committer), .events = POLLIN },
	};

	if (loop->liveness.dead_count)
		claim_look(loop);
	loop_send_held(loop);
	while (poll(wanted, 4, loop_patience_ms(loop)) < 0 && errno == EINTR)
		;
	if (!wanted[0].revents)
		loop_look(loop);
	loop_send_held(loop);
	return !wanted[1].revents;
}

int
loop_run(struct loop *loop, int stop_fd)
{
	struct fuse_session *session = loop->fs->session;
	struct fuse_buf buffer = { 0 };
	int64_t awake_until = 0;
	int rc = 0;

	while (!fuse_session_exited(session)) {
		rc = fuse_session_receive_buf(session, &buffer);
		if (rc > 0) {
			loop->handed_over = false;
			loop_process(loop, &buffer);
			awake_until = monotonic_us();
			if (awake_until - loop->looked_us > LOOK_US)
				loop_look(loop);
			awake_until = loop->handed_over ? 0 : awake_until + SPIN_US;
			continue;
		}
		if (rc != -EAGAIN && rc != -EINTR)
			break;
		if (monotonic_us() < awake_until)
			continue;
		if (!loop_wait(loop, stop_fd)) {
			rc = 0;
			break;
		}
	}
	loop_send_held(loop);
	committer_push(loop->committer, &loop->later);
	free(buffer.mem);
	return rc == -EAGAIN || rc == -EINTR ? 0 : rc;
}
