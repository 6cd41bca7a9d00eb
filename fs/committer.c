/* The committer's thread: batches, transactions, waiting claims. See committer.h. */
#include "fs/committer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "fs/line.h"
#include "fs/log.h"
#include "fs/resume.h"
#include "fs/work_claim.h"
#include "fs/work_name.h"
#include "fs/work_verdict.h"

#define BATCH_MAX 1024
#define SETTLE_MS 10     /* after a change: then time's next event is looked up again */
#define EXPIRE_MS 100    /* where waits are bounded: how exactly */
#define MAINTAIN_MS 1000 /* idle for this long: one step of housekeeping */
#define RETRY_MS 1000    /* after a failure of the store: who waits is tried again */
#define SLEEP_MAX_MS 60000

struct committer {
	struct fs *fs;
	struct engine *engine;
	pthread_t thread;

	/* Shared with the loop, under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t pushed;
	struct line queue;    /* of works, not of claims: first in, first out */
	struct line finished; /* taken by the loop */
	_Atomic bool has_finished;
	int wake_fd;              /* to the loop */
	uint64_t delivered;       /* batches, each with its works in `finished` */
	_Atomic uint64_t settled; /* batches that the loop has finished */
	_Atomic bool resumed;
	_Atomic int64_t *changed_ms; /* by queue and view; written by the committer only */
	bool stopping;
	bool busy; /* the thread is at a batch */
	pthread_cond_t drained;

	uint64_t taken; /* the loop's own: batches whose works it has */

	/* The thread's own. */
	struct resume_answers answers;
	struct line *lines; /* one a queue */
	size_t line_count;
	struct works batch;   /* what is being run */
	struct works done;    /* in the order in which it took effect; events too */
	struct works granted; /* of done: claims that had waited before this batch */
	struct line refused;  /* works that insist, until retry_ms */
	int refused_error;
	int64_t now_ms, tick_ms, retry_ms;
	int hook_error;
	bool unkempt; /* something changed since the last housekeeping */
};

struct engine *
committer_engine(struct committer *committer)
{
	return committer->engine;
}

const struct fs *
committer_fs(struct committer *committer)
{
	return committer->fs;
}

int64_t
committer_now_ms(const struct committer *committer)
{
	return committer->now_ms;
}

/* ---- between the threads ---- */

void
committer_push(struct committer *committer, struct line *works)
{
	bool was_empty;

	pthread_mutex_lock(&committer->lock);
	was_empty = !committer->queue.first;
	line_join(&committer->queue, works);
	pthread_mutex_unlock(&committer->lock);
	if (was_empty)
		pthread_cond_signal(&committer->pushed);
}

void
committer_push_one(struct committer *committer, struct work *work)
{
	struct line one = { 0 };

	line_append(&one, work);
	committer_push(committer, &one);
}

void
committer_drain(struct committer *committer)
{
	pthread_mutex_lock(&committer->lock);
	while (committer->queue.first || committer->busy)
		pthread_cond_wait(&committer->drained, &committer->lock);
	pthread_mutex_unlock(&committer->lock);
}

void
committer_resumed(struct committer *committer)
{
	atomic_store(&committer->resumed, true);
}

struct work *
committer_finished(struct committer *committer)
{
	struct work *first;
	eventfd_t wakes;

	/* What was taken the last time has been finished since. */
	atomic_store(&committer->settled, committer->taken);
	if (!atomic_load(&committer->has_finished))
		return NULL;
	pthread_mutex_lock(&committer->lock);
	committer->taken = committer->delivered;
	first = committer->finished.first;
	committer->finished.first = committer->finished.last = NULL;
	atomic_store(&committer->has_finished, false);
	(void)eventfd_read(committer->wake_fd, &wakes); /* if there is one */
	pthread_mutex_unlock(&committer->lock);
	return first;
}

int
committer_fd(const struct committer *committer)
{
	return committer->wake_fd;
}

static void
deadline_in(struct timespec *at, int64_t ms)
{
	clock_gettime(CLOCK_MONOTONIC, at);
	at->tv_sec += ms / 1000;
	at->tv_nsec += ms % 1000 * 1000000;
	if (at->tv_nsec >= 1000000000) {
		at->tv_sec++;
		at->tv_nsec -= 1000000000;
	}
}

static bool
committer_has_waiting(const struct committer *committer)
{
	for (size_t i = 0; i < committer->line_count; i++)
		if (committer->lines[i].first)
			return true;
	return false;
}

/* How long the thread may sleep: -1 for as long as nothing is pushed. */
static int64_t
committer_patience_ms(const struct committer *committer)
{
	int64_t ms;

	if (committer->fs->wait_max_ms && committer_has_waiting(committer))
		return EXPIRE_MS;
	if (committer->tick_ms == INT64_MAX)
		return committer->unkempt ? MAINTAIN_MS : -1;
	ms = committer->tick_ms - now_ms();
	if (committer->unkempt && ms > MAINTAIN_MS)
		return MAINTAIN_MS;
	return ms < 0 ? 0 : ms > SLEEP_MAX_MS ? SLEEP_MAX_MS : ms;
}

static struct line *
committer_line(struct committer *committer, int64_t queue_id)
{
	for (size_t i = 0; i < committer->line_count; i++)
		if (committer->lines[i].queue_id == queue_id)
			return &committer->lines[i];
	return NULL;
}

/* Until something has come, at most `patience_ms`. Called with the lock held. */
static void
committer_await(struct committer *committer, int64_t patience_ms)
{
	struct timespec until;

	if (patience_ms >= 0)
		deadline_in(&until, patience_ms);
	while (!committer->queue.first && !committer->stopping) {
		if (patience_ms < 0)
			pthread_cond_wait(&committer->pushed, &committer->lock);
		else if (pthread_cond_timedwait(&committer->pushed, &committer->lock, &until))
			break;
	}
}

/* Before what makes jobs now, or when it is time. Called with the lock held. */
static bool
committer_must_retry(const struct committer *committer)
{
	if (!committer->refused.first || now_ms() >= committer->retry_ms)
		return true;
	for (const struct work *work = committer->queue.first; work; work = work->next)
		if (work->type->publishes)
			return true;
	return false;
}

/* Fills the batch up from a line. */
static void
committer_fill(struct committer *committer, struct line *line)
{
	while (line->first && committer->batch.count < BATCH_MAX) {
		/* The room for a whole batch was made at the start. */
		(void)works_add(&committer->batch, line->first);
		(void)line_take(line, line_match_any, NULL);
	}
}

/* Fills the batch with what has been pushed. Returns false when it is time to stop. */
static bool
committer_take(struct committer *committer, int64_t patience_ms)
{
	bool go_on;

	committer->batch.count = 0;
	pthread_mutex_lock(&committer->lock);
	committer->busy = false;
	pthread_cond_broadcast(&committer->drained);
	committer_await(committer, patience_ms);
	go_on = committer->queue.first || !committer->stopping;
	if (go_on && committer_must_retry(committer))
		committer_fill(committer, &committer->refused);
	committer_fill(committer, &committer->queue);
	committer->busy = go_on;
	pthread_mutex_unlock(&committer->lock);
	return go_on;
}

/* ---- when directories changed ---- */

int64_t
committer_changed_ms(struct committer *committer, size_t queue_index, enum view view)
{
	return committer->changed_ms[queue_index * VIEW_COUNT + view];
}

static void
committer_mark(struct committer *committer, int64_t queue_id)
{
	struct line *line = committer_line(committer, queue_id);

	if (line)
		line->changed = true;
}

static void
committer_show_changes(struct committer *committer)
{
	for (size_t i = 0; i < committer->line_count; i++) {
		struct line *line = &committer->lines[i];

		for (enum view view = 0; view < VIEW_COUNT && line->changed; view++)
			committer->changed_ms[i * VIEW_COUNT + view] =
				tree_changed_ms(committer->engine, view, line->queue_id);
		line->changed = false;
	}
}

static void
committer_reply(struct committer *committer, struct work *work)
{
	if (work->type->reply && !work->error && (work->request || work->type->alone))
		work->type->reply(committer, work);
	else if (work->request)
		(void)fuse_reply_err(work->request, -work->error); /* gone: nobody to tell */
}

/* Answers what took effect, and gives it back to the loop first: its finish comes before any
 * request that is made after the answer. */
static void
committer_deliver(struct committer *committer)
{
	struct works *done = &committer->done;
	bool wakes = false;

	committer_show_changes(committer);
	if (!done->count)
		return;
	pthread_mutex_lock(&committer->lock);
	for (size_t i = 0; i < done->count; i++) {
		line_append(&committer->finished, done->at[i]);
		wakes |= done->at[i]->type->alone && !done->at[i]->request;
	}
	committer->delivered++;
	atomic_store(&committer->has_finished, true);
	if (wakes)
		(void)eventfd_write(committer->wake_fd, 1); /* never full: it is read to 0 */
	pthread_mutex_unlock(&committer->lock);
	for (size_t i = 0; i < done->count; i++) {
		committer_reply(committer, done->at[i]);
		work_unref(done->at[i]);
	}
	done->count = 0;
	committer->granted.count = 0;
}

/* ---- claims that wait ---- */

int
committer_wait(struct committer *committer, struct work *claim)
{
	if (!claim->since_us)
		claim->since_us = monotonic_us();
	line_append(committer_line(committer, claim->queue_id), claim);
	return WORK_WAITS;
}

bool
committer_line_empty(struct committer *committer, int64_t queue_id)
{
	return !committer_line(committer, queue_id)->first;
}

bool
committer_waits(struct committer *committer, int64_t queue_id, uint64_t handle)
{
	const struct work *work = committer_line(committer, queue_id)->first;

	while (work && work->handle != handle)
		work = work->next;
	return work;
}

static bool
committer_in_batch(const struct committer *committer, const struct work *work)
{
	for (size_t i = 0; i < committer->batch.count; i++)
		if (committer->batch.at[i] == work)
			return true;
	return false;
}

static int
committer_grant(struct committer *committer, struct work *claim)
{
	if (works_add(&committer->done, claim) || works_add(&committer->granted, claim))
		return work_failed(claim, -ENOMEM);
	return 0;
}

/* The job of its worker, or one for it; or it learns that its worker's name is another's now. */
static int
committer_try_claim(struct committer *committer, struct work *claim)
{
	int rc = work_claim_try(committer, claim);

	if (rc != -EBUSY)
		return rc;
	claim->error = rc;
	return 0;
}

/* Those who wait under the name of one who has been served have the same job. */
static int
committer_serve_twins(struct committer *committer, struct line *line, const uint32_t *slot)
{
	struct work *twin;

	while ((twin = line_take(line, line_match_slot, slot))) {
		int rc = committer_try_claim(committer, twin);

		if (committer_grant(committer, twin) || rc)
			return WORK_FAILED;
	}
	return 0;
}

int
committer_serve(struct committer *committer, int64_t queue_id)
{
	struct line *line = committer_line(committer, queue_id);

	while (line->first) {
		struct work *claim = line->first;
		int rc = committer_try_claim(committer, claim);

		if (rc == -EAGAIN)
			return 0;
		if (rc)
			return rc;
		(void)line_take(line, line_match_any, NULL);
		if (committer_grant(committer, claim) ||
			committer_serve_twins(committer, line, &claim->slot))
			return WORK_FAILED;
	}
	return 0;
}

static int
committer_serve_all(struct committer *committer)
{
	for (size_t i = 0; i < committer->line_count; i++) {
		struct line *line = &committer->lines[i];

		if (engine_queue_ready(committer->engine, line->queue_id) && line->first &&
			committer_serve(committer, line->queue_id))
			return -EIO;
	}
	return 0;
}

/* After a rollback: who was served goes back to the head of the line, and who joined in this
 * batch leaves it, since the batch is run again. */
static void
committer_unserve(struct committer *committer)
{
	for (size_t i = 0; i < committer->line_count; i++) {
		struct line kept = { .queue_id = committer->lines[i].queue_id };
		struct work *work;

		while ((work = line_take(&committer->lines[i], line_match_any, NULL)))
			if (!committer_in_batch(committer, work))
				line_append(&kept, work);
		committer->lines[i] = kept;
	}
	for (size_t i = committer->granted.count; i-- > 0;) {
		struct work *claim = committer->granted.at[i];

		if (committer_in_batch(committer, claim))
			continue;
		work_reset(claim);
		line_prepend(committer_line(committer, claim->queue_id), claim);
	}
	committer->granted.count = 0;
}

/* ---- interrupts ---- */

static const struct work_type work_cancel = { .name = "cancel" };

static void
committer_push_cancel(struct committer *committer, uint64_t unique, uint64_t handle)
{
	struct work *cancel = work_new(&work_cancel, NULL);

	if (!cancel)
		return; /* it goes on waiting: the interrupt is repeated by whoever wants it */
	cancel->target_unique = unique;
	cancel->handle = handle;
	committer_push_one(committer, cancel);
}

void
committer_cancel(struct committer *committer, uint64_t unique)
{
	committer_push_cancel(committer, unique, 0);
}

void
committer_cancel_handle(struct committer *committer, uint64_t handle)
{
	committer_push_cancel(committer, 0, handle);
}

static struct work *
committer_take_waiting(struct committer *committer, const struct work *cancel)
{
	struct work *claim = NULL;

	for (size_t i = 0; i < committer->line_count && !claim; i++)
		claim = line_take(&committer->lines[i], line_match_cancel, cancel);
	return claim;
}

/* A claim of this batch that was interrupted before it was run; other works are answered soon. */
static struct work *
committer_take_coming(struct committer *committer, const struct work *cancel)
{
	struct works *batch = &committer->batch;

	for (size_t i = 0; i < batch->count; i++) {
		struct work *work = batch->at[i];

		if (!work->type->waits || !line_match_cancel(work, cancel))
			continue;
		works_remove(batch, i);
		return work;
	}
	return NULL;
}

static void
committer_interrupt(struct committer *committer, const struct work *cancel)
{
	struct work *claim = committer_take_waiting(committer, cancel);

	if (!claim)
		claim = committer_take_coming(committer, cancel);
	if (!claim)
		return;
	claim->error = -EINTR;
	(void)works_add(&committer->done, claim); /* room for a batch is there */
}

/* Interrupts take effect before the batch and outside its transaction: whatever becomes of
 * that, who was interrupted is answered. */
static void
committer_interrupts(struct committer *committer)
{
	struct works *batch = &committer->batch;

	for (size_t i = 0; i < batch->count;) {
		struct work *work = batch->at[i];

		if (work->type != &work_cancel) {
			i++;
			continue;
		}
		works_remove(batch, i);
		committer_interrupt(committer, work);
		work_unref(work);
		work_unref(work);
		i = 0; /* the claim may have been before it: what follows has moved */
	}
	committer_deliver(committer);
}

/* Where the kernel bounds requests: who has waited for long is told to try again. Pollers have no
 * request. */
static int
line_match_expired(const struct work *work, const void *before_us)
{
	return work->request && work->since_us < *(const int64_t *)before_us;
}

static void
committer_expire(struct committer *committer)
{
	int64_t before_us = monotonic_us() - committer->fs->wait_max_ms * 1000;
	struct work *claim;

	for (size_t i = 0; i < committer->line_count; i++)
		while ((claim = line_take(
				&committer->lines[i], line_match_expired, &before_us))) {
			claim->error = -EAGAIN;
			(void)works_add(
				&committer->done, claim); /* room for a batch is there */
			if (committer->done.count == BATCH_MAX)
				committer_deliver(committer);
		}
	committer_deliver(committer);
}

/* ---- batches ---- */

static int
committer_run(struct committer *committer, struct work *work)
{
	int rc;

	work_reset(work);
	committer_mark(committer, work->queue_id);
	committer_mark(committer, work->target_queue_id);
	committer_mark(committer, work->new.queue_id);
	rc = work->type->run(committer, work);
	if (rc == WORK_FAILED)
		return work->error;
	if (rc == WORK_WAITS)
		return 0;
	work->error = rc;
	return works_add(&committer->done, work);
}

static int
committer_tick(struct committer *committer)
{
	if (committer->now_ms < committer->tick_ms)
		return 0;
	for (size_t i = 0; i < committer->line_count; i++)
		committer->lines[i].changed = true;
	return engine_tick(committer->engine, committer->now_ms, &committer->tick_ms);
}

/* Delivered together as the next batch. */
static int
committer_record(struct committer *committer)
{
	const struct resume_answer stamp = {
		.session = committer->fs->shared->session,
		.batch = committer->delivered + 1,
	};

	resume_forget(&committer->answers, atomic_load(&committer->settled),
		atomic_load(&committer->resumed));
	return resume_record(&committer->answers, committer->engine, &committer->done, &stamp);
}

/* The batch in one transaction; `all`: with what time brings, and for who waits. Returns 0, or
 * -errno and then nothing has happened. */
static int
committer_try(struct committer *committer, bool all)
{
	struct works *batch = &committer->batch;
	int64_t tick_ms = committer->tick_ms;
	bool durable = false;
	int rc;

	for (size_t i = 0; i < batch->count; i++)
		durable |= batch->at[i]->type->durable;
	committer->hook_error = 0;
	rc = engine_begin(committer->engine, durable);
	if (!rc && all)
		rc = committer_tick(committer);
	for (size_t i = 0; i < batch->count && !rc; i++)
		rc = committer_run(committer, batch->at[i]);
	if (!rc && all)
		rc = committer_serve_all(committer);
	if (!rc)
		rc = committer->hook_error;
	if (!rc)
		rc = committer_record(committer);
	if (!rc)
		rc = engine_commit(committer->engine);
	if (!rc) {
		committer->answers.count += committer->answers.added;
		return 0;
	}
	engine_rollback(committer->engine);
	committer_unserve(committer);
	committer->tick_ms = tick_ms;
	return rc;
}

/* Of a batch that was rolled back only the events are ours to free. */
static void
committer_discard(struct committer *committer)
{
	for (size_t i = 0; i < committer->done.count; i++) {
		struct work *work = committer->done.at[i];

		if (work->type != &work_claim_end && work->type != &work_name_gone)
			continue;
		work_unref(work);
		work_unref(work);
	}
	committer->done.count = 0;
}

/* Nobody waits for it, and there is nobody to tell. */
static void
committer_put_off(struct committer *committer, struct work *work, int error)
{
	committer->refused_error = error;
	if (work->request)
		(void)fuse_reply_err(work->request, 0);
	work->request = NULL;
	work_reset(work);
	line_append(&committer->refused, work);
	committer->retry_ms = committer->now_ms + RETRY_MS;
}

static void
committer_one_by_one(struct committer *committer)
{
	struct works all = committer->batch;
	struct work *single[1];

	for (size_t i = 0; i < all.count; i++) {
		int rc = committer->refused_error;

		single[0] = all.at[i];
		committer->batch = (struct works){ .at = single, .count = 1, .room = 1 };
		if (!committer->refused.first || !single[0]->type->publishes)
			rc = committer_try(committer, false);
		if (rc == -ENOSPC) { /* the store has let go of its reserve meanwhile */
			committer_discard(committer);
			rc = committer_try(committer, false);
		}
		if (rc) {
			committer_discard(committer);
			log_warnx("%s failed: %s", single[0]->type->name, strerror(-rc));
		}
		if (rc && single[0]->type->insists) {
			committer_put_off(committer, single[0], rc);
		} else if (rc) {
			work_reset(single[0]);
			single[0]->error = rc;
			(void)works_add(&committer->done, single[0]); /* room is there */
		}
		committer_deliver(committer);
	}
	committer->batch = all;
	committer->batch.count = 0;
}

static void
committer_batch(struct committer *committer)
{
	int rc;

	committer->now_ms = now_ms();
	committer_interrupts(committer);
	rc = committer_try(committer, true);
	if (rc) {
		committer_discard(committer);
		committer_one_by_one(committer);
		rc = committer_try(committer, true); /* who waits, and time, alone */
		if (rc) {
			committer_discard(committer);
			log_warnx("the store cannot go on for now: %s", strerror(-rc));
			committer->tick_ms = committer->now_ms + RETRY_MS;
		}
	}
	if (committer->refused.first && committer->tick_ms > committer->retry_ms)
		committer->tick_ms = committer->retry_ms;
	committer_deliver(committer);
	if (engine_checkpoint(committer->engine))
		log_warnx("checkpoint of the store failed; it is tried again");
}

static void *
committer_main(void *argument)
{
	struct committer *committer = argument;

	while (committer_take(committer, committer_patience_ms(committer))) {
		if (committer->fs->wait_max_ms)
			committer_expire(committer);
		if (committer->batch.count) {
			committer_batch(committer);
			committer->unkempt = true;
			if (committer->tick_ms > committer->now_ms + SETTLE_MS)
				committer->tick_ms = committer->now_ms + SETTLE_MS;
		} else if (now_ms() >= committer->tick_ms) {
			committer_batch(committer);
		} else if (committer->unkempt) {
			if (engine_maintain(committer->engine, &committer->unkempt))
				committer->unkempt = false; /* until the next change */
		}
	}
	return NULL;
}

/* ---- what the engine tells ---- */

static void
committer_event(struct committer *committer, const struct work_type *type, int64_t queue_id,
	const char *name, int64_t job_id)
{
	struct work *event = work_new(type, NULL);

	if (event)
		event->name = strdup(name);
	if (!event || !event->name || works_add(&committer->done, event)) {
		committer->hook_error = -ENOMEM;
		if (event) {
			work_unref(event);
			work_unref(event);
		}
		return;
	}
	event->queue_id = queue_id;
	event->job_id = job_id;
}

static void
committer_claim_ended(void *context, int64_t queue_id, const char *worker, int64_t job_id)
{
	committer_event(context, &work_claim_end, queue_id, worker, job_id);
}

static void
committer_name_gone(void *context, int64_t queue_id, const char *name)
{
	committer_event(context, &work_name_gone, queue_id, name, 0);
}

/* ---- start and stop ---- */

static int
committer_init(struct committer *committer)
{
	pthread_condattr_t attr;

	committer->wake_fd = -1;
	committer->line_count = committer->fs->config->queue_count;
	committer->lines = calloc(committer->line_count, sizeof *committer->lines);
	committer->batch.at = calloc(BATCH_MAX, sizeof(struct work *));
	committer->done.at = calloc(BATCH_MAX, sizeof(struct work *));
	committer->changed_ms =
		calloc(committer->line_count * VIEW_COUNT, sizeof *committer->changed_ms);
	if (!committer->lines || !committer->batch.at || !committer->done.at ||
		!committer->changed_ms)
		return -ENOMEM;
	committer->batch.room = committer->done.room = BATCH_MAX;
	committer->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (committer->wake_fd < 0)
		return -errno;
	for (size_t i = 0; i < committer->line_count; i++) {
		committer->lines[i].queue_id = committer->fs->queues[i].id;
		committer->lines[i].changed = true;
	}
	committer_show_changes(committer);
	pthread_mutex_init(&committer->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&committer->pushed, &attr);
	pthread_cond_init(&committer->drained, NULL);
	pthread_condattr_destroy(&attr);
	return 0;
}

static void
committer_free(struct committer *committer)
{
	free(committer->lines);
	free(committer->changed_ms);
	free(committer->batch.at);
	free(committer->done.at);
	free(committer->granted.at);
	free(committer->answers.at);
	if (committer->wake_fd >= 0)
		close(committer->wake_fd);
	free(committer);
}

int
committer_start(struct loop *loop, struct engine *engine, struct committer **committer)
{
	struct committer *new = calloc(1, sizeof *new);
	int rc;

	if (!new)
		return -ENOMEM;
	new->fs = loop->fs;
	new->engine = engine;
	rc = committer_init(new);
	if (!rc)
		rc = resume_keep(&new->answers, loop);
	engine_hooks_set(engine, &(struct engine_hooks){ .context = new,
					 .claim_ended = committer_claim_ended,
					 .name_gone = committer_name_gone });
	if (!rc)
		rc = -pthread_create(&new->thread, NULL, committer_main, new);
	if (rc) {
		committer_free(new);
		return rc;
	}
	*committer = new;
	return 0;
}

void
committer_stop(struct committer *committer)
{
	struct work *work;

	pthread_mutex_lock(&committer->lock);
	committer->stopping = true;
	pthread_mutex_unlock(&committer->lock);
	pthread_cond_signal(&committer->pushed);
	pthread_join(committer->thread, NULL);
	for (size_t i = 0; i < committer->line_count; i++)
		while ((work = line_take(&committer->lines[i], line_match_any, NULL))) {
			if (work->request)
				(void)fuse_reply_err(work->request, ENOTCONN);
			work_unref(work);
			work_unref(work);
		}
	while ((work = line_take(&committer->refused, line_match_any, NULL))) {
		work_unref(work); /* the next start does it */
		work_unref(work);
	}
	while ((work = line_take(&committer->finished, line_match_any, NULL)))
		work_unref(work);
	engine_close(committer->engine);
	committer_free(committer);
}
