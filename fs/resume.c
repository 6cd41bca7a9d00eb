/* After a crash of the engine process. See resume.h. */
#include "fs/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/log.h"
#include "fs/notify.h"
#include "fs/op_claim.h"
#include "fs/op_draft.h"
#include "fs/op_stream.h"
#include "fs/work_stream.h"

/* FUSE_NOTIFY_RESEND: linux/fuse.h since 6.9, newer than the headers of Debian 12. */
#define NOTIFY_RESEND 7

#define ANSWERS "last batches"
#define DEATHS_MAX 2 /* a request that was alone under way at so many crashes is refused */

/* ---- what the last batches did ---- */

int
resume_keep(struct resume_answers *answers, const struct loop *loop)
{
	size_t size = loop->answer_count * sizeof *answers->at;

	if (!size)
		return 0;
	answers->at = malloc(size);
	if (!answers->at)
		return -ENOMEM;
	memcpy(answers->at, loop->answers, size);
	answers->count = loop->answer_count;
	for (size_t i = 0; i < answers->count; i++)
		answers->at[i].batch = 0;
	return 0;
}

void
resume_forget(struct resume_answers *answers, uint64_t finished, bool resumed)
{
	size_t kept = 0;

	for (size_t i = 0; i < answers->count; i++) {
		uint64_t batch = answers->at[i].batch;

		if (batch ? batch > finished : !resumed)
			answers->at[kept++] = answers->at[i];
	}
	answers->count = kept;
	answers->added = 0;
}

static size_t
works_once(const struct works *works)
{
	size_t count = 0;

	for (size_t i = 0; i < works->count; i++)
		count += works->at[i]->type->once;
	return count;
}

int
resume_record(struct resume_answers *answers, struct engine *engine, const struct works *done,
	const struct resume_answer *stamp)
{
	size_t count = answers->count, room = count + works_once(done);
	struct resume_answer *at;

	if (room == count)
		return 0; /* what is recorded may stay */
	at = realloc(answers->at, room * sizeof *at);
	if (!at)
		return -ENOMEM;
	answers->at = at;
	for (size_t i = 0; i < done->count; i++) {
		const struct work *work = done->at[i];

		if (!work->type->once)
			continue;
		at[count] = *stamp;
		at[count].unique = work->unique;
		at[count].draft_id = work->error ? 0 : work->new.draft_id;
		at[count].job_id = work->job_id;
		at[count].handle = work->words ? work->handle : 0;
		at[count].taken = work->taken;
		at[count].first_job_id = work->flag ? work->first_job_id : 0;
		at[count].job_count = work->flag ? work->job_count : 0;
		at[count].created_ms = work->created_ms;
		at[count++].error = work->error;
	}
	answers->added = room - answers->count;
	return engine_note_set(engine, ANSWERS, at, room * sizeof *at);
}

static int
resume_load(struct loop *loop, struct engine *engine)
{
	size_t size = 0;
	void *bytes = NULL;
	int rc = engine_note_get(engine, ANSWERS, &bytes, &size);

	if (rc == -ENOENT)
		return 0;
	if (rc)
		return rc;
	loop->answers = bytes;
	loop->answer_count = size / sizeof *loop->answers;
	if (loop->answer_count && loop->answers[0].session != loop->fs->shared->session)
		loop->answer_count = 0; /* of an earlier mount */
	return 0;
}

static const struct resume_answer *
resume_published(const struct loop *loop, int64_t draft_id)
{
	for (size_t i = 0; i < loop->answer_count; i++)
		if (loop->answers[i].draft_id == draft_id)
			return &loop->answers[i];
	return NULL;
}

/* Has the loop finished this answer, or a later one of its draft? */
static bool
resume_is_told(const struct loop *loop, size_t at)
{
	int64_t draft_id = loop->answers[at].draft_id;
	const struct draft *draft = drafts_get(&loop->drafts, draft_id);

	for (; draft && at < loop->answer_count; at++)
		if (loop->answers[at].draft_id == draft_id &&
			loop->answers[at].unique == draft->appended_by)
			return true;
	return !draft;
}

/* What the last batches' writes to streams have made can be read by those who wrote it. */
static int
resume_receipts(struct loop *loop, const struct engine *engine)
{
	for (size_t i = 0; i < loop->answer_count; i++) {
		const struct resume_answer *answer = &loop->answers[i];
		char *text;

		if (!answer->job_count || resume_is_told(loop, i))
			continue;
		text = stream_receipts_text(
			engine, answer->created_ms, answer->first_job_id, answer->job_count);
		if (!text)
			return -ENOMEM;
		stream_receipts(loop, answer->draft_id, answer->unique, text,
			(size_t)answer->job_count * RECEIPT_SIZE);
		free(text);
	}
	return 0;
}

static void
resume_draft_state(struct loop *loop, uint32_t slot)
{
	struct draft *draft = drafts_at(&loop->drafts, slot);
	int64_t draft_id = drafts_id(&loop->drafts, slot);
	const struct resume_answer *done = resume_published(loop, draft_id);

	if (draft->state == DRAFT_OPEN && draft->stream)
		draft->staged = true; /* perhaps: the store knows */
	else if (draft->state == DRAFT_OPEN)
		draft->dirty = draft->dirty || draft->size > 0;
	if (draft->state == DRAFT_PUBLISHING && done && (draft->dirty || draft->stream))
		draft_published(loop, draft_id, done->job_id, 0);
}

/* An rm of a draft that the store may not have heard of. */
static int
resume_unlink(struct loop *loop, struct engine *engine)
{
	const struct intent *intent = &loop->fs->shared->intent;
	int rc;

	if (!intent->unique || intent->queue_id || intent_is_open(loop, intent))
		return 0;
	rc = engine_begin(engine, true);
	if (!rc)
		rc = engine_unstage(engine, intent->draft_id);
	if (!rc)
		rc = engine_commit(engine);
	if (rc)
		engine_rollback(engine);
	return rc;
}

/* ---- claims ---- */

/* A verdict that was written to a descriptor has been taken: what that reads next is the next job. */
static void
resume_verdict(struct loop *loop, uint64_t handle_number, int64_t job_id, int64_t error)
{
	struct handle *handle = handles_get(&loop->handles, handle_number);

	if (handle && handle->kind == HANDLE_CLAIM && job_id && handle->job_id == job_id &&
		(!error || error == -ESTALE))
		claim_let_go(loop, handle);
}

/* Who holds what is the store's to say: a claim may have been answered before it was noted here,
 * and one that is noted may have ended. */
static int
resume_worker(struct loop *loop, struct engine *engine, uint32_t slot)
{
	struct worker *worker = workers_at(&loop->workers, slot);
	struct job job = { 0 };
	bool fresh;
	int rc;

	if (!worker->used || (!worker->job_id && !claim_slot_in_use(loop, slot)))
		return 0;
	rc = engine_worker_find(engine, worker->queue_id, worker->name, &job);
	if (rc && rc != -ENOENT)
		return rc;
	fresh = !rc && worker->job_id != job.id;
	if (worker->job_id && worker->job_id != job.id)
		claim_unbind(loop, slot);
	if (!rc)
		claim_bind(loop, slot, &job);
	if (fresh)
		worker->unread = true;
	job_release(&job);
	return 0;
}

/* What wanted a job when its worker got one has it. That of a read has been read. */
static void
resume_handle(struct loop *loop, struct handle *handle)
{
	struct worker *worker = workers_at(&loop->workers, handle->slot);
	enum handle_wants wants = handle->wants;

	handle->wants = WANTS_NOTHING; /* what was not answered is sent again */
	if (handle->job_id || wants == WANTS_NOTHING || !worker->job_id)
		return;
	if (wants == WANTS_READ)
		worker->unread = false;
	if (wants == WANTS_POLL)
		handle->base = -1;
	claim_bind_handle(loop, handle, worker->job_id);
}

static void
resume_handles(struct loop *loop)
{
	for (uint32_t slot = 0; slot < HANDLE_COUNT; slot++)
		if (loop->fs->shared->handles[slot].kind == HANDLE_CLAIM)
			resume_handle(loop, &loop->fs->shared->handles[slot]);
}

struct resume_binding {
	struct loop *loop;
	int left_out;
};

/* Also those of an earlier mount, of which nothing is known here. */
static bool
resume_bound(void *context, const struct job *job, int64_t cookie)
{
	struct resume_binding *binding = context;
	struct loop *loop = binding->loop;
	uint32_t slot;

	(void)cookie;
	if (!job->worker_pid)
		return true;
	if (workers_take(
		    &loop->workers, job->queue_id, job->worker, claim_slot_in_use, loop, &slot))
		binding->left_out++;
	else
		claim_bind(loop, slot, job);
	return true;
}

static int
resume_claims(struct loop *loop, struct engine *engine)
{
	struct resume_binding binding = { .loop = loop };
	int rc = 0;

	for (size_t i = 0; i < loop->answer_count; i++)
		resume_verdict(loop, loop->answers[i].handle, loop->answers[i].job_id,
			loop->answers[i].error);
	for (uint32_t slot = 0; slot < SLOT_COUNT && !rc; slot++)
		rc = resume_worker(loop, engine, slot);
	for (size_t i = 0; i < loop->fs->config->queue_count && !rc; i++)
		rc = engine_list(engine, VIEW_RUNNING, loop->fs->queues[i].id, 0, resume_bound,
			&binding);
	resume_handles(loop);
	if (binding.left_out)
		log_warnx("the ends of %d workers' processes will not be noticed",
			binding.left_out);
	return rc;
}

int
resume_prepare(struct loop *loop, struct engine *engine)
{
	int rc = resume_load(loop, engine);

	if (!rc)
		rc = resume_unlink(loop, engine);
	if (!rc)
		rc = resume_claims(loop, engine);
	for (uint32_t slot = 0; slot < SLOT_COUNT && !rc; slot++)
		resume_draft_state(loop, slot);
	if (!rc)
		rc = resume_receipts(loop, engine);
	return rc;
}

/* ---- what was under way ---- */

static bool
resume_is_open(const struct loop *loop, uint32_t slot)
{
	const struct draft *draft = drafts_at(&loop->drafts, slot);

	if (draft->handle)
		return handles_get(&loop->handles, draft->handle) != NULL;
	return handles_on(&loop->handles, draft_ino(loop, slot)) != NULL;
}

static bool
resume_is_written(const struct loop *loop, uint32_t slot)
{
	return drafts_at(&loop->drafts, slot)->nameless
		       ? resume_is_open(loop, slot)
		       : handles_writing(&loop->handles, draft_ino(loop, slot)) > 0;
}

/* Its last close was taken, and what follows from that was not. */
static bool
resume_is_complete(const struct loop *loop, uint32_t slot)
{
	const struct draft *draft = drafts_at(&loop->drafts, slot);

	if (!draft_publishes(loop, slot) && !draft->left)
		return false;
	if (draft->state == DRAFT_PUBLISHING)
		return true;
	return draft->state == DRAFT_OPEN &&
	       (draft->left || (draft_has_content(draft) && !resume_is_written(loop, slot)));
}

static void
resume_draft(struct loop *loop, uint32_t slot)
{
	struct draft *draft = drafts_at(&loop->drafts, slot);
	bool temporary =
		draft->state == DRAFT_UNLINKED ||
		(draft->state == DRAFT_OPEN && draft->nameless && !draft_has_content(draft));

	if (resume_is_complete(loop, slot))
		draft_complete(loop, NULL, slot);
	else if (draft->state == DRAFT_PUBLISHING) /* by a rename: it is sent again */
		draft->state = DRAFT_OPEN;
	else if (temporary && !resume_is_open(loop, slot))
		drafts_free(&loop->drafts, slot);
}

static void
resume_shared(struct loop *loop)
{
	for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
		if (drafts_at(&loop->drafts, slot)->state != DRAFT_FREE)
			resume_draft(loop, slot);
		claim_closed(loop, slot);
	}
	for (uint32_t slot = 0; slot < HANDLE_COUNT; slot++) {
		const struct handle *handle = &loop->fs->shared->handles[slot];

		if (handle->kind == HANDLE_CLAIM && handle->polled)
			notify_poll(loop->fs->session, handle->poll_kh);
	}
	claim_look(loop);
}

/* ---- a new session ---- */

void
resume_forget_session(struct shared *shared)
{
	for (uint32_t slot = 0; slot < HANDLE_COUNT; slot++) {
		struct handle *handle = &shared->handles[slot];
		struct draft *draft = &shared->drafts[handle->slot];
		bool told = draft->staged && !draft->dirty; /* its last close */

		if (handle->kind == HANDLE_DRAFT && handle->writes &&
			draft->state == DRAFT_OPEN && !told)
			draft->cut = EIO;
		handle->kind = HANDLE_FREE;
	}
	/* Requests are numbered anew. */
	for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
		if (shared->drafts[slot].state != DRAFT_FREE)
			shared->drafts[slot].created_by = shared->drafts[slot].appended_by = 0;
	shared->intent.unique = 0;
	shared->suspect = (struct suspect){ 0 };
	shared->engines = 0;
}

/* ---- requests that are sent again ---- */

struct backlog {
	struct fuse_buf *buffers;
	size_t count, room;
};

static struct fuse_in_header *
buffer_header(const struct fuse_buf *buffer)
{
	return buffer->mem;
}

static int
backlog_add(struct backlog *backlog, const struct fuse_buf *buffer)
{
	struct fuse_buf *copy;

	if (backlog->count == backlog->room) {
		size_t room = backlog->room ? backlog->room * 2 : 64;
		struct fuse_buf *bigger = realloc(backlog->buffers, room * sizeof *bigger);

		if (!bigger)
			return -ENOMEM;
		backlog->buffers = bigger;
		backlog->room = room;
	}
	copy = &backlog->buffers[backlog->count];
	*copy = (struct fuse_buf){ .size = buffer->size, .mem = malloc(buffer->size) };
	if (!copy->mem)
		return -ENOMEM;
	memcpy(copy->mem, buffer->mem, buffer->size);
	backlog->count++;
	return 0;
}

/* In order of arrival: those that were sent again by their number, then the new ones. */
static int
backlog_compare(const void *left, const void *right)
{
	uint64_t a = buffer_header(left)->unique ^ UNIQUE_RESENT;
	uint64_t b = buffer_header(right)->unique ^ UNIQUE_RESENT;

	return (a > b) - (a < b);
}

static int
backlog_collect(struct loop *loop, struct backlog *backlog)
{
	struct fuse_buf buffer = { 0 };
	int rc;

	while ((rc = fuse_session_receive_buf(loop->fs->session, &buffer)) > 0 || rc == -EINTR)
		if (rc > 0 && backlog_add(backlog, &buffer))
			break;
	free(buffer.mem);
	return rc > 0 ? -ENOMEM : rc == -EAGAIN ? 0 : rc;
}

static void
reply_raw(struct loop *loop, const struct fuse_in_header *header, int error, int64_t taken)
{
	struct {
		struct fuse_out_header header;
		struct fuse_write_out write;
	} out = {
		.header = { .error = error, .unique = header->unique },
		.write = { .size = (uint32_t)taken },
	};

	out.header.len =
		!error && header->opcode == FUSE_WRITE ? sizeof out : sizeof out.header;
	/* An error: the caller has gone meanwhile. */
	if (write(fuse_session_fd(loop->fs->session), &out, out.header.len) < 0)
		log_debug("request %llu went away", (unsigned long long)header->unique);
}

/* What a write returns: as much of it as was taken, or all. */
static int64_t
answer_size(const struct fuse_in_header *header, int64_t taken)
{
	const struct fuse_write_in *in = (const void *)(header + 1);

	return header->opcode != FUSE_WRITE ? 0 : taken ? taken : in->size;
}

/* Has it taken effect already? Then it is answered. */
static bool
resume_answered(struct loop *loop, const struct fuse_in_header *header)
{
	const struct intent *intent = &loop->fs->shared->intent;
	uint64_t unique = header->unique & ~UNIQUE_RESENT;

	for (size_t i = 0; i < loop->answer_count; i++) {
		if (loop->answers[i].unique != unique)
			continue;
		reply_raw(loop, header, (int)loop->answers[i].error,
			answer_size(header, loop->answers[i].taken));
		return true;
	}
	/* A draft that rm or mv was to take away or to rename, and that is not what it was. */
	if (intent->unique != unique || intent_is_open(loop, intent))
		return false;
	reply_raw(loop, header, 0, 0);
	return true;
}

/* One that was alone under way at every crash is what kills the engine process. */
static bool
resume_refused(struct loop *loop, const struct fuse_in_header *header)
{
	struct suspect *suspect = &loop->fs->shared->suspect;

	if (suspect->unique != (header->unique & ~UNIQUE_RESENT) ||
		suspect->deaths < DEATHS_MAX)
		return false;
	log_warnx("request %llu (operation %u) has ended the engine process %u times: refused",
		(unsigned long long)suspect->unique, header->opcode, suspect->deaths);
	reply_raw(loop, header, -EIO, 0);
	return true;
}

static void
resume_one(struct loop *loop, const struct fuse_buf *buffer)
{
	struct suspect *suspect = &loop->fs->shared->suspect;
	const struct fuse_in_header *header = buffer_header(buffer);
	uint64_t unique = header->unique & ~UNIQUE_RESENT;
	uint32_t deaths = suspect->unique == unique ? suspect->deaths : 0;

	if (!(header->unique & UNIQUE_RESENT)) {
		loop_process(loop, buffer);
		return;
	}
	if (resume_refused(loop, header) || resume_answered(loop, header))
		return;
	/* Until it is through, its death is its own. */
	*suspect = (struct suspect){ .unique = unique, .deaths = deaths + 1 };
	loop_process(loop, buffer);
	loop_send_held(loop);
	committer_drain(loop->committer);
	*suspect = (struct suspect){ 0 };
}

int
resume_serve(struct loop *loop)
{
	int fd = fuse_session_fd(loop->fs->session), rc;
	struct fuse_out_header resend = { .len = sizeof resend, .error = NOTIFY_RESEND };
	struct backlog backlog = { 0 };

	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		return -errno;
	if (write(fd, &resend, sizeof resend) < 0) {
		if (errno != EINVAL)
			return -errno;
		if (loop->fs->shared->engines)
			return -EPROTO;
	}
	loop->fs->shared->engines++;
	resume_shared(loop);
	rc = backlog_collect(loop, &backlog);
	if (backlog.count)
		qsort(backlog.buffers, backlog.count, sizeof *backlog.buffers, backlog_compare);
	for (size_t i = 0; i < backlog.count; i++) {
		if (!rc)
			resume_one(loop, &backlog.buffers[i]);
		free(backlog.buffers[i].mem);
	}
	free(backlog.buffers);
	free(loop->answers);
	loop->answers = NULL;
	loop->answer_count = 0;
	committer_resumed(loop->committer);
	return rc;
}
