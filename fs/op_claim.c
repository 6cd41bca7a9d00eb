/* Operations on claims. See op_claim.h. */
#include "fs/op_claim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr.h"
#include "fs/claimant.h"
#include "fs/log.h"
#include "fs/names.h"
#include "fs/notify.h"
#include "fs/work_claim.h"
#include "fs/work_inspect.h"
#include "fs/work_verdict.h"

static bool
is_envelope(fuse_ino_t number)
{
	return ino_unpack(number).class == INO_ENVELOPE;
}

/* A work about the worker in `slot`; NULL: answered. */
static struct work *
claim_work(struct loop *loop, fuse_req_t request, const struct work_type *type, uint32_t slot)
{
	const struct worker *worker = workers_at(&loop->workers, slot);
	struct work *work = loop_work(request, type);

	if (!work)
		return NULL;
	work->queue_id = worker->queue_id;
	work->slot = slot;
	work->name = strdup(worker->name);
	if (!work->name)
		work->error = -ENOMEM;
	return work;
}

/* ---- names ---- */

char *
claim_worker_name(const char *name)
{
	size_t length = strlen(name), suffix = strlen(TWIN_SUFFIX);
	bool envelope = length > suffix && strcmp(name + length - suffix, TWIN_SUFFIX) == 0;

	return strndup(name, envelope ? length - suffix : length);
}

bool
claim_slot_in_use(void *context, uint32_t slot)
{
	struct loop *loop = context;

	return handles_of_worker(&loop->handles, slot, NULL) != NULL;
}

static void
lookup_known(struct loop *loop, fuse_req_t request, uint32_t slot)
{
	const struct worker *worker = workers_at(&loop->workers, slot);
	struct stat attr = attr_claim(fs_queue_by_id(loop->fs, worker->queue_id), worker,
		workers_ino(&loop->workers, slot), loop->fs->mounted_ms);
	struct fuse_entry_param entry = attr_entry(&attr, 0, TIMEOUT_FIXED);

	(void)fuse_reply_entry(request, &entry);
}

/* The store is asked for the worker's job, and for the size of its envelope. */
static void
lookup_slot(struct loop *loop, fuse_req_t request, uint32_t slot, bool envelope)
{
	const struct worker *worker = workers_at(&loop->workers, slot);
	struct work *work;

	if (worker->known && !envelope) {
		lookup_known(loop, request, slot);
		return;
	}
	work = claim_work(loop, request, &work_worker_lookup, slot);
	if (!work)
		return;
	work->ino = workers_ino(&loop->workers, slot);
	if (envelope)
		work->ino =
			ino_pack(INO_ENVELOPE, 0, worker->queue_id, ino_unpack(work->ino).id);
	loop_push(loop, work);
}

void
claim_lookup(
	struct loop *loop, fuse_req_t request, const struct fs_queue *queue, const char *name)
{
	char *worker = claim_worker_name(name);
	uint32_t slot;
	int rc = !worker          ? -ENOMEM
		 : name[0] == '.' ? -ENOENT
				  : workers_take(&loop->workers, queue->id, worker,
					    claim_slot_in_use, loop, &slot);

	if (rc)
		(void)fuse_reply_err(request, -rc);
	else
		lookup_slot(loop, request, slot, strlen(worker) != strlen(name));
	free(worker);
}

/* ---- attributes ---- */

/* A handle for reading and writing on this inode number, else any; what is asked of a descriptor
 * is asked by number alone. */
static struct handle *
claim_handle_on(const struct loop *loop, fuse_ino_t number)
{
	uint32_t slot = slot_of(ino_unpack(number).id);
	struct handle *handle = NULL, *found = NULL;

	while ((handle = handles_of_worker(&loop->handles, slot, handle)))
		if (handle->ino == number && (!found || handle->reads))
			found = handle;
	return found;
}

/* The worker whose job the handle has; NULL: that job is over. */
static struct worker *
handle_worker(const struct loop *loop, const struct handle *handle)
{
	struct worker *worker = workers_at(&loop->workers, handle->slot);

	return handle->job_id && worker->job_id == handle->job_id ? worker : NULL;
}

/* The worker whose claim a number stands for, on a path or through a descriptor. */
static struct worker *
claim_worker(const struct loop *loop, fuse_ino_t number)
{
	struct worker *worker = workers_get(&loop->workers, number);
	const struct handle *handle = worker ? NULL : claim_handle_on(loop, number);

	return handle && handle->reads ? handle_worker(loop, handle) : worker;
}

int64_t
claim_job(const struct loop *loop, fuse_ino_t number)
{
	const struct worker *worker = claim_worker(loop, number);

	return worker ? worker->job_id : 0;
}

void
claim_getattr(struct loop *loop, fuse_req_t request, fuse_ino_t number)
{
	const struct fs_queue *queue = loop_queue(loop, number);
	const struct handle *handle = claim_handle_on(loop, number);
	const struct worker *worker = claim_worker(loop, number);
	bool lasts = !is_envelope(number) && !(handle && handle->reads);
	struct worker seen = { 0 };
	struct stat attr;

	if ((!worker && !handle) || !queue) {
		(void)fuse_reply_err(request, ESTALE);
		return;
	}
	if (worker) {
		seen.size = worker->size;
		seen.claimed_ms = worker->claimed_ms;
	}
	/* Its claim has ended: whoever has it open still has its bytes. */
	if (!worker || is_envelope(number))
		seen.size = handle ? (int64_t)handles_content(&loop->handles,
					     handles_number(&loop->handles, handle))
					     ->size
				   : 0;
	attr = attr_claim(queue, &seen, number, loop->fs->mounted_ms);
	(void)fuse_reply_attr(request, &attr, lasts ? TIMEOUT_FIXED : 0);
}

void
claim_setattr(struct loop *loop, fuse_req_t request, fuse_ino_t number, const struct stat *attr,
	int to_set)
{
	const struct worker *worker = claim_worker(loop, number);
	struct work *work;

	if (!(to_set & FUSE_SET_ATTR_MTIME) || to_set & FUSE_SET_ATTR_SIZE || !worker) {
		(void)fuse_reply_err(request, worker ? EPERM : ESTALE);
		return;
	}
	work = claim_work(loop, request, &work_heartbeat, slot_of(ino_unpack(number).id));
	if (!work)
		return;
	claimant_find(worker->name, fuse_req_ctx(request)->pid, &work->by);
	work->job_id = worker->job_id;
	work->time_ms = to_set & FUSE_SET_ATTR_MTIME_NOW ? 0 : attr_ms(&attr->st_mtim);
	work->entry.attr =
		attr_claim(loop_queue(loop, number), worker, number, loop->fs->mounted_ms);
	loop_push(loop, work);
}

/* ---- open ---- */

static void
claim_interrupted(fuse_req_t request, void *data)
{
	committer_cancel(loop_of(request)->committer, (uintptr_t)data);
}

/* The handle of a claim that is being opened. Returns 0 or -errno. */
static int
open_handle(
	struct loop *loop, fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
	const struct worker *worker = workers_get(&loop->workers, number);
	int mode = file->flags & O_ACCMODE;
	struct handle *handle;
	int rc = worker ? handles_open(&loop->handles, HANDLE_CLAIM, number,
				  slot_of(ino_unpack(number).id), mode != O_RDONLY,
				  loop->unique, &file->fh)
			: -ESTALE;

	if (rc)
		return rc;
	handle = handles_get(&loop->handles, file->fh);
	handle->reads = mode == O_RDWR;
	claimant_find(worker->name, fuse_req_ctx(request)->pid, &handle->by);
	if (handle->reads)
		claimant_self(
			fuse_req_ctx(request)->pid, &handle->opener, &handle->opener_number);
	file->noflush = 1;
	file->direct_io = mode != O_RDONLY || is_envelope(number);
	return 0;
}

/* A claim that waits in line, for a handle. NULL: answered. */
static struct work *
claim_waiting(struct loop *loop, fuse_req_t request, const struct work_type *type,
	const struct handle *handle)
{
	struct work *work = claim_work(loop, request, type, handle->slot);

	if (!work)
		return NULL;
	work->ino = handle->ino;
	work->handle = handles_number(&loop->handles, handle);
	work->by = handle->by;
	if (request)
		fuse_req_interrupt_func(
			request, claim_interrupted, (void *)(uintptr_t)work->unique);
	return work;
}

void
claim_open(
	struct loop *loop, fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
	int rc = open_handle(loop, request, number, file);
	struct handle *handle = rc ? NULL : handles_get(&loop->handles, file->fh);
	struct work *work;

	if (!handle || (handle->writes && !handle->reads)) {
		if (rc)
			(void)fuse_reply_err(request, -rc);
		else if (fuse_reply_open(request, file)) /* the caller has gone */
			handles_close(&loop->handles, file->fh);
		return;
	}
	work = claim_waiting(loop, request, &work_claim_open, handle);
	if (!work) {
		handles_close(&loop->handles, file->fh);
		return;
	}
	handle->wants = WANTS_OPEN;
	work->file = *file;
	work->flag = (file->flags & O_NONBLOCK) != 0;
	work->idle = work->flag && handle->reads;
	loop_push(loop, work);
}

/* ---- read ---- */

/* Whom the name was bound to when it was opened may have died since, and left the descriptor to
 * others. */
static void
handle_renew(fuse_req_t request, const struct worker *worker, struct handle *handle)
{
	if (handle->by.pid && !claimant_lives(&handle->by, false))
		claimant_find(worker->name, fuse_req_ctx(request)->pid, &handle->by);
}

static void
read_next(struct loop *loop, fuse_req_t request, size_t size, off_t offset,
	const struct fuse_file_info *file, struct handle *handle)
{
	struct work *work;

	handle_renew(request, workers_at(&loop->workers, handle->slot), handle);
	work = claim_waiting(loop, request, &work_claim_read, handle);
	if (!work)
		return;
	handle->base = offset;
	handle->wants = WANTS_READ;
	work->size = size;
	work->offset = offset;
	work->flag = (file->flags & O_NONBLOCK) != 0;
	loop_push(loop, work);
}

static void
read_here(struct loop *loop, fuse_req_t request, size_t size, off_t offset,
	const struct fuse_file_info *file, struct handle *handle)
{
	const struct content *content = handles_content(&loop->handles, file->fh);
	off_t from;

	if (handle->base < 0)
		handle->base = offset;
	from = offset >= handle->base ? offset - handle->base : offset;
	if (content->bytes) {
		content_reply(request, content, size, from);
		return;
	}
	struct work *work = loop_work(request, &work_claim_again);

	if (!work)
		return;
	work->ino = handle->ino;
	work->queue_id = ino_unpack(handle->ino).queue_id;
	work->job_id = handle->job_id;
	work->size = size;
	work->offset = from;
	loop_push(loop, work);
}

void
claim_read(struct loop *loop, fuse_req_t request, size_t size, off_t offset,
	const struct fuse_file_info *file)
{
	struct handle *handle = handles_get(&loop->handles, file->fh);
	struct worker *worker = handle_worker(loop, handle);

	if (handle->reads && !handle->job_id) {
		read_next(loop, request, size, offset, file, handle);
		return;
	}
	if (handle->reads && !worker) {
		claim_let_go(loop, handle);
		(void)fuse_reply_err(request, ESTALE);
		return;
	}
	if (worker)
		worker->unread = false;
	read_here(loop, request, size, offset, file, handle);
}

/* ---- write: words ---- */

void
claim_write(struct loop *loop, fuse_req_t request, const char *bytes, size_t size,
	const struct fuse_file_info *file)
{
	const struct handle *handle = handles_get(&loop->handles, file->fh);
	struct words words;
	struct work *work;
	int rc = words_parse(bytes, size, &words);

	if (!rc && handle->reads && !handle->job_id)
		rc = -ENOENT;
	if (rc) {
		(void)fuse_reply_err(request, -rc);
		return;
	}
	work = claim_work(loop, request, &work_words, handle->slot);
	if (!work)
		return;
	work->words = malloc(sizeof *work->words);
	if (work->words)
		*work->words = words;
	else
		work->error = -ENOMEM;
	work->handle = file->fh;
	work->by = handle->by;
	work->job_id = handle->job_id;
	work->size = size;
	loop_push(loop, work);
}

/* ---- poll ---- */

static void
poll_look(struct loop *loop, fuse_req_t request, const struct handle *handle)
{
	struct work *work = loop_work(request, &work_claim_look);

	if (!work)
		return;
	work->queue_id = workers_at(&loop->workers, handle->slot)->queue_id;
	work->handle = handles_number(&loop->handles, handle);
	loop_push(loop, work);
}

/*
 * The line is joined without a request (see work_claim_poll), once. That somebody waits is said
 * only the first time: epoll, and poll after it was woken, look again without saying so and rely on
 * being told all the same. Who only looks is told what is so behind all that was answered before.
 * Who only wants to write waits for nothing to come.
 */
void
claim_poll(struct loop *loop, fuse_req_t request, const struct fuse_file_info *file, bool waits)
{
	const struct fuse_poll_in *in =
		(const void *)((const struct fuse_in_header *)loop->request + 1);
	struct handle *handle = handles_get(&loop->handles, file->fh);
	unsigned ready = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
	bool looks = !waits && handle->wants == WANTS_POLL;
	struct work *work;

	if (waits) {
		handle->poll_kh = in->kh;
		handle->polled = true;
	}
	if (!handle->reads || handle->job_id || (handle->wants != WANTS_NOTHING && !looks) ||
		!(file->poll_events & (POLLIN | POLLRDNORM))) {
		(void)fuse_reply_poll(request, !handle->reads || handle->job_id ? ready : 0);
		return;
	}
	if (looks) {
		poll_look(loop, request, handle);
		return;
	}
	handle_renew(request, workers_at(&loop->workers, handle->slot), handle);
	work = claim_waiting(loop, request, &work_claim_poll, handle);
	if (!work)
		return;
	work->flag = work->idle = !handle->polled;
	work->poll_kh = handle->poll_kh;
	handle->wants = WANTS_POLL;
	loop_push(loop, work);
}

/* ---- what follows later ---- */

void
claim_bind(struct loop *loop, uint32_t slot, const struct job *job)
{
	struct worker *worker = workers_at(&loop->workers, slot);
	struct claimant by = { job->worker_pid, job->worker_start };

	if (worker->job_id && worker->job_id != job->id)
		claim_unbind(loop, slot);
	worker_bind(worker, job->id, job->size, job->claimed_ms);
	if (by.pid)
		(void)liveness_watch(&loop->liveness, slot, &by); /* claim_look() sees it */
}

void
claim_bind_handle(struct loop *loop, struct handle *handle, int64_t job_id)
{
	struct worker *worker = workers_at(&loop->workers, handle->slot);

	handle->job_id = job_id;
	handle->wants = WANTS_NOTHING;
	if (handle->polled)
		notify_poll(loop->fs->session, handle->poll_kh);
	if (handle->reads && worker->job_id == job_id) {
		worker->guard = handle->opener;
		worker->guard_number = handle->opener_number;
		worker->guarded = true;
	}
}

void
claim_unbind(struct loop *loop, uint32_t slot)
{
	liveness_forget(&loop->liveness, slot);
	worker_unbind(workers_at(&loop->workers, slot));
}

void
claim_let_go(struct loop *loop, struct handle *handle)
{
	struct content none = { 0 };

	handle->job_id = 0;
	handle->wants = WANTS_NOTHING;
	handles_keep(&loop->handles, handles_number(&loop->handles, handle), &none);
}

/* ---- lost claims ---- */

/* The attempt has failed, or, when nobody has read the job, was none. */
static void
claim_lose(struct loop *loop, uint32_t slot, int64_t number, const char *what)
{
	const struct worker *worker = workers_at(&loop->workers, slot);
	struct work *work = claim_work(
		loop, NULL, worker->unread ? &work_claim_release : &work_claim_lost, slot);
	char reason[FS_NAME_MAX + 64];

	if (!work) {
		log_warnx("out of memory: a worker's job is kept until its timeout");
		return;
	}
	if (number)
		(void)snprintf(
			reason, sizeof reason, "worker %lld %s", (long long)number, what);
	else
		(void)snprintf(reason, sizeof reason, "worker %s %s", worker->name, what);
	work->job_id = worker->job_id;
	work->target = strdup(reason);
	if (!work->target)
		work->error = -ENOMEM;
	loop_push(loop, work);
}

/* Does anybody have the worker's job open, or is about to? `guarding`: for reading and writing. */
static bool
claim_is_open(const struct loop *loop, uint32_t slot, bool guarding)
{
	int64_t job_id = workers_at(&loop->workers, slot)->job_id;
	const struct handle *handle = NULL;

	while ((handle = handles_of_worker(&loop->handles, slot, handle)))
		if ((handle->job_id == job_id || handle->wants != WANTS_NOTHING) &&
			(handle->reads || !guarding))
			return true;
	return false;
}

void
claim_closed(struct loop *loop, uint32_t slot)
{
	const struct worker *worker = workers_at(&loop->workers, slot);

	if (!worker->used || !worker->job_id || !(worker->unread || worker->guarded) ||
		claim_is_open(loop, slot, !worker->unread))
		return;
	claim_lose(loop, slot, worker->guard_number,
		claimant_lives(&worker->guard, false) ? "closed its claim without a verdict"
						      : "died");
}

void
claim_release(struct loop *loop, fuse_req_t request, uint64_t handle_number)
{
	const struct handle *handle = handles_get(&loop->handles, handle_number);
	uint32_t slot = handle->slot;

	if (handle->wants == WANTS_POLL)
		committer_cancel_handle(loop->committer, handle_number);
	handles_close(&loop->handles, handle_number);
	claim_closed(loop, slot);
	(void)fuse_reply_err(request, 0);
}

static void
claim_died(void *context, uint32_t slot)
{
	struct loop *loop = context;
	const struct worker *worker = workers_at(&loop->workers, slot);

	liveness_forget(&loop->liveness, slot);
	if (worker->used && worker->job_id)
		claim_lose(loop, slot, claimant_number(worker->name), "died");
}

void
claim_look(struct loop *loop)
{
	liveness_dead(&loop->liveness, claim_died, loop);
}
