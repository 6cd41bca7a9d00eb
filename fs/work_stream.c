/*
 * A stream is cut into lines inside the transaction: what an earlier write has left of a line is
 * what its draft staged, so that it is as durable as the jobs, goes back with them when the batch
 * does, and is never taken twice. Lines are taken up to the first that is refused: the write returns
 * how far it got, and the one that follows begins with the refused line and gets the error.
 */
#include "fs/work_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/committer.h"
#include "fs/log.h"
#include "fs/loop.h"
#include "fs/op_draft.h"
#include "fs/op_stream.h"
#include "fs/work_enqueue.h"

/* ---- lines ---- */

/* The bytes of one write behind what was left of the one before. */
struct lines {
	struct committer *committer;
	struct work *work;
	char *bytes;
	size_t size, begun; /* of these the first `begun` are of earlier writes */
	size_t at;          /* taken so far */
};

static int
lines_load(struct lines *lines)
{
	const struct work *work = lines->work;
	struct engine *engine = committer_engine(lines->committer);
	struct job job = { 0 };
	void *begun = NULL;
	int rc = engine_staged(engine, work->new.draft_id, &job, &begun, &lines->begun);
	char *bytes;

	if (rc == -ENOENT)
		rc = 0;
	else if (!rc)
		rc = engine_unstage(engine, work->new.draft_id);
	job_release(&job);
	bytes = rc ? NULL : realloc(begun, lines->begun + work->body.size + 1);
	if (!bytes) {
		free(begun);
		return rc ? rc : -ENOMEM;
	}
	memcpy(bytes + lines->begun, work->body.bytes, work->body.size);
	lines->bytes = bytes;
	lines->size = lines->begun + work->body.size;
	return 0;
}

static struct job_new
lines_job(const struct lines *lines, size_t length)
{
	struct job_new new = lines->work->new;

	new.draft_id = 0;
	new.body = lines->bytes + lines->at;
	new.size = length;
	return new;
}

/* An empty line is no job, as an empty file is none. */
static int
lines_take(struct lines *lines, size_t length)
{
	struct work *work = lines->work;
	struct job_new new = lines_job(lines, length);
	int64_t job_id = 0;
	int rc = length ? engine_enqueue(committer_engine(lines->committer), &new,
				  committer_now_ms(lines->committer), &work->why, &job_id)
			: 0;

	if (rc)
		return rc;
	lines->at += length + 1;
	if (length && !work->job_count++)
		work->first_job_id = job_id;
	return 0;
}

/* A line without an end waits for the rest of it. */
static int
lines_keep_rest(struct lines *lines)
{
	struct job_new new = lines_job(lines, lines->size - lines->at);
	int rc;

	if (!new.size)
		return 0;
	new.draft_id = lines->work->new.draft_id;
	new.partial = true;
	rc = engine_stage(committer_engine(lines->committer), &new,
		committer_now_ms(lines->committer), &lines->work->why);
	if (!rc)
		lines->at = lines->size;
	return rc;
}

static int
lines_run(struct lines *lines)
{
	int rc = 0;

	while (!rc && lines->at < lines->size) {
		const char *line = lines->bytes + lines->at;
		const char *end = memchr(line, '\n', lines->size - lines->at);

		rc = end ? lines_take(lines, (size_t)(end - line)) : lines_keep_rest(lines);
	}
	return rc;
}

/* The first line is refused, and earlier writes have begun it: what they were told is taken stays.
 * If it can never be a job, in rejected/; else it goes on waiting for its rest. */
static int
lines_refuse_begun(struct lines *lines, int refusal)
{
	struct engine *engine = committer_engine(lines->committer);
	int64_t now = committer_now_ms(lines->committer), job_id;
	const char *end = memchr(lines->bytes, '\n', lines->size);
	struct engine_problem ignored = { "" };
	struct job_new new = lines_job(lines, end ? (size_t)(end - lines->bytes) : lines->size);

	if (refusal != -ENOSPC)
		return engine_reject(engine, &new, lines->work->why.text, now, &job_id);
	new.size = lines->begun;
	new.draft_id = lines->work->new.draft_id;
	new.partial = new.promised = true;
	return engine_stage(engine, &new, now, &ignored);
}

/* Returns what the write does: 0 when it has taken something. */
static int
lines_outcome(struct lines *lines, int rc)
{
	struct work *work = lines->work;
	bool refused = rc && work->why.text[0];

	if (rc && !refused)
		return work_failed(work, rc);
	if (refused && lines->at == 0 && lines->begun) {
		int kept = lines_refuse_begun(lines, rc);

		if (kept)
			return work_failed(work, kept);
	}
	if (refused)
		log_info("refused a line queue=%s uid=%d: %s",
			fs_queue_by_id(committer_fs(lines->committer), work->new.queue_id)
				->config->name,
			(int)work->new.uid, work->why.text);
	if (refused && lines->at <= lines->begun)
		return rc;
	work->taken = (int64_t)(lines->at - lines->begun);
	return 0;
}

/* ---- write ---- */

char *
stream_receipts_text(const struct engine *engine, int64_t created_ms, int64_t first_job_id,
	int64_t job_count)
{
	char *text = malloc((size_t)job_count * RECEIPT_SIZE + 1);

	for (int64_t i = 0; text && i < job_count; i++) {
		char *line = text + (size_t)i * RECEIPT_SIZE;

		engine_receipt(engine, created_ms, first_job_id + i, line);
		line[RECEIPT_LENGTH] = '\n';
	}
	return text;
}

static int
stream_tell_receipts(struct committer *committer, struct work *work)
{
	struct engine *engine = committer_engine(committer);
	int rc;

	if (!work->flag || !work->job_count)
		return 0;
	rc = engine_job(engine, work->first_job_id, &work->job);
	if (rc)
		return rc;
	work->created_ms = work->job.created_ms;
	work->content.bytes = stream_receipts_text(
		engine, work->created_ms, work->first_job_id, work->job_count);
	work->content.size = (size_t)work->job_count * RECEIPT_SIZE;
	return work->content.bytes ? 0 : -ENOMEM;
}

static int
work_stream_run(struct committer *committer, struct work *work)
{
	struct lines lines = { .committer = committer, .work = work };
	int rc;

	work->why.text[0] = '\0';
	rc = lines_load(&lines);
	if (rc)
		return work_failed(work, rc);
	rc = lines_outcome(&lines, lines_run(&lines));
	free(lines.bytes);
	if (!rc && stream_tell_receipts(committer, work))
		return work_failed(work, -ENOMEM);
	return rc;
}

static void
work_stream_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	(void)fuse_reply_write(work->request, (size_t)work->taken);
}

static void
work_stream_finish(struct loop *loop, struct work *work)
{
	struct draft *draft = drafts_get(&loop->drafts, work->new.draft_id);

	if (!draft)
		return;
	draft->staged = true; /* perhaps: the store knows */
	draft->refused = 0;   /* was the line that had been begun; this is another one */
	draft->dirty = false;
	stream_receipts(loop, work->new.draft_id, work->unique, work->content.bytes,
		work->content.size);
}

/* flag: the descriptor can be read, so the receipts are wanted. */
const struct work_type work_stream = {
	.name = "stream",
	.durable = true,
	.once = true,
	.publishes = true,
	.run = work_stream_run,
	.reply = work_stream_reply,
	.finish = work_stream_finish,
};

/* ---- its end ---- */

/* The line that has no end: work->body. */
static int
stream_load_rest(struct committer *committer, struct work *work)
{
	struct job job = { 0 };
	int rc;

	free(work->body.bytes);
	work->body = (struct content){ 0 };
	rc = engine_staged(committer_engine(committer), work->new.draft_id, &job,
		&work->body.bytes, &work->body.size);
	job_release(&job);
	work->new.body = work->body.bytes;
	work->new.size = work->body.size;
	return rc;
}

static int
work_stream_check_run(struct committer *committer, struct work *work)
{
	int rc = stream_load_rest(committer, work);

	work->why.text[0] = '\0';
	if (rc == -ENOENT)
		return 0;
	if (!rc)
		rc = engine_check(committer_engine(committer), &work->new, &work->why);
	return rc && !work->why.text[0] ? work_failed(work, rc) : rc;
}

const struct work_type work_stream_check = {
	.name = "stream check",
	.run = work_stream_check_run,
	.finish = work_stage_finish,
};

static int
work_stream_end_run(struct committer *committer, struct work *work)
{
	int rc = stream_load_rest(committer, work);

	if (rc)
		return rc == -ENOENT ? 0 : work_failed(work, rc);
	work->new.promised = true; /* what the close has found room for */
	return work_settle.run(committer, work);
}

const struct work_type work_stream_end = {
	.name = "stream end",
	.durable = true,
	.once = true,
	.insists = true,
	.publishes = true,
	.run = work_stream_end_run,
	.finish = work_publish_finish,
};

/* ---- a receipt before the close ---- */

/* new.body NULL: all of it is staged already. */
static int
work_receipt_run(struct committer *committer, struct work *work)
{
	int rc = work->new.body ? work_stage.run(committer, work) : 0;
	void *body = NULL;
	size_t size;

	if (rc)
		return rc;
	rc = engine_staged(
		committer_engine(committer), work->new.draft_id, &work->job, &body, &size);
	free(body);
	return rc && rc != -ENOENT ? work_failed(work, rc) : rc;
}

static void
work_receipt_read_reply(struct committer *committer, struct work *work)
{
	char line[RECEIPT_SIZE + 1];

	(void)committer;
	memcpy(line, work->job.receipt, RECEIPT_LENGTH);
	line[RECEIPT_LENGTH] = '\n';
	(void)fuse_reply_buf(work->request, line + work->offset, work->size);
}

/* offset, size: what is read of the receipt and its line's end. */
const struct work_type work_receipt_read = {
	.name = "receipt",
	.durable = true,
	.run = work_receipt_run,
	.reply = work_receipt_read_reply,
	.finish = work_stage_finish,
};

static void
work_receipt_xattr_reply(struct committer *committer, struct work *work)
{
	(void)committer;
	if (work->size == 0)
		(void)fuse_reply_xattr(work->request, RECEIPT_LENGTH);
	else if (work->size < RECEIPT_LENGTH)
		(void)fuse_reply_err(work->request, ERANGE); /* getxattr(2) */
	else
		(void)fuse_reply_buf(work->request, work->job.receipt, RECEIPT_LENGTH);
}

const struct work_type work_receipt_xattr = {
	.name = "receipt attribute",
	.durable = true,
	.run = work_receipt_run,
	.reply = work_receipt_xattr_reply,
	.finish = work_stage_finish,
};
