/* Texts about jobs. See render.h. */
#include "fs/render.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/names.h"

/* RFC 3339, UTC, with milliseconds; null for 0. */
static json_t *
render_time(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	char text[64];
	size_t used;

	if (!ms)
		return json_null();
	if (!gmtime_r(&seconds, &tm))
		return json_integer(ms); /* beyond the calendar */
	used = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text + used, sizeof text - used, ".%03dZ", (int)(ms % 1000));
	return json_string(text);
}

/* A name may be any bytes; JSON is Unicode: what is not UTF-8 is shown as U+FFFD. */
static json_t *
render_text(const char *text)
{
	json_t *json;
	char *shown, *to;

	if (!text || !*text)
		return json_null();
	json = json_string(text);
	if (json)
		return json;
	shown = to = malloc(strlen(text) * 3 + 1);
	if (!shown)
		return NULL;
	for (; *text; text++) {
		if ((unsigned char)*text < 0x80) {
			*to++ = *text;
		} else {
			memcpy(to, "\xEF\xBF\xBD", 3);
			to += 3;
		}
	}
	*to = '\0';
	json = json_string(shown);
	free(shown);
	return json;
}

static void
render_failure(void *context, const struct job_failure *failure)
{
	json_t *object = json_object();

	json_object_set_new(object, "attempt", json_integer(failure->attempt));
	json_object_set_new(object, "time", render_time(failure->at_ms));
	json_object_set_new(object, "worker", render_text(failure->worker));
	json_object_set_new(object, "reason", render_text(failure->reason));
	json_array_append_new(context, object);
}

/* Attempts begun: those that failed, and the one that runs. */
static int64_t
job_attempt(const struct job *job)
{
	return job->failures + (job->state == JOB_RUNNING);
}

static json_t *
render_owner(const struct job *job)
{
	json_t *owner = json_object();

	json_object_set_new(owner, "uid", json_integer(job->uid));
	json_object_set_new(owner, "gid", json_integer(job->gid));
	json_object_set_new(owner, "pid", json_integer(job->pid));
	return owner;
}

static int
render_object(struct engine *engine, const struct fs_queue *queue, const struct job *job,
	json_t *twin)
{
	char waiting_for[1024] = "";
	json_t *failures = json_array(), *last;
	int rc;

	json_object_set_new(twin, "receipt", json_string(job->receipt));
	json_object_set_new(twin, "queue", render_text(queue->config->name));
	json_object_set_new(twin, "name", render_text(job->name));
	json_object_set_new(twin, "state", json_string(lifecycle_state_name(job->state)));
	json_object_set_new(twin, "group", render_text(job->group));
	json_object_set_new(twin, "attempt", json_integer(job_attempt(job)));
	json_object_set_new(twin, "max_attempts", json_integer(queue->config->max_retries + 1));
	json_object_set_new(twin, "size", json_integer(job->size));
	json_object_set_new(twin, "created", render_time(job->created_ms));
	json_object_set_new(twin, "due", render_time(job->due_ms));
	json_object_set_new(twin, "worker", render_text(job->worker));
	json_object_set_new(twin, "claimed", render_time(job->claimed_ms));
	json_object_set_new(twin, "deadline", render_time(job->deadline_ms));
	json_object_set_new(twin, "owner", render_owner(job));
	rc = engine_failures(engine, job->id, render_failure, failures);
	json_object_set_new(twin, "failures", failures);
	last = json_array_get(failures, json_array_size(failures) - 1); /* NULL: none */
	json_object_set_new(twin, "reason",
		last ? json_incref(json_object_get(last, "reason")) : json_null());
	if (!rc)
		rc = engine_waiting_for(engine, job, waiting_for, sizeof waiting_for);
	if (!rc && *waiting_for)
		json_object_set_new(twin, "waiting_for", render_text(waiting_for));
	return rc;
}

/* The text of a JSON value, a line, as a content. */
static int
render_dump(const json_t *json, size_t flags, struct content *content)
{
	char *text = json_dumps(json, flags | JSON_ENCODE_ANY);

	if (!text)
		return -ENOMEM;
	*content = (struct content){ .bytes = text, .size = strlen(text) };
	return 0;
}

int
render_twin(struct engine *engine, const struct fs_queue *queue, const struct job *job,
	struct content *content)
{
	json_t *twin = json_object();
	int rc = render_object(engine, queue, job, twin);

	if (!rc)
		rc = render_dump(twin, JSON_INDENT(2), content);
	json_decref(twin);
	if (!rc) /* dumps ends the text with a NUL, whose place a line's end can have */
		((char *)content->bytes)[content->size++] = '\n';
	return rc;
}

/* ---- extended attributes: the same facts, a value each ---- */

int
render_xattr(struct engine *engine, const struct fs_queue *queue, const struct job *job,
	const char *name, struct content *content)
{
	size_t prefix = strlen(XATTR_PREFIX);
	json_t *twin, *value;
	int rc;

	if (strncmp(name, XATTR_PREFIX, prefix) != 0)
		return -ENODATA;
	twin = json_object();
	rc = render_object(engine, queue, job, twin);
	value = json_object_get(twin, name + prefix);
	if (!rc && (!value || json_is_null(value))) {
		rc = -ENODATA;
	} else if (!rc && json_is_string(value)) {
		content->bytes = strdup(json_string_value(value));
		content->size = json_string_length(value);
		rc = content->bytes ? 0 : -ENOMEM;
	} else if (!rc) {
		rc = render_dump(value, JSON_COMPACT, content);
	}
	json_decref(twin);
	return rc;
}

int
render_xattr_list(struct engine *engine, const struct fs_queue *queue, const struct job *job,
	struct content *content)
{
	json_t *twin = json_object(), *value;
	char *text = NULL;
	const char *key;
	FILE *out = open_memstream(&text, &content->size);
	int rc = out ? render_object(engine, queue, job, twin) : -ENOMEM;

	json_object_foreach(twin, key, value) if (!rc && !json_is_null(value))(void)
		fprintf(out, XATTR_PREFIX "%s%c", key, '\0'); /* seen in fclose */
	if (out && fclose(out))
		rc = -ENOMEM;
	json_decref(twin);
	if (rc)
		free(text);
	else
		content->bytes = text;
	return rc;
}

/* ---- README ---- */

static const char readme_text[] =
	"This directory is a set of job queues. Each subdirectory is one queue.\n"
	"\n"
	"  echo '{...}' > QUEUE/new          enqueue a job\n"
	"  cp order.json QUEUE/              the same: the file becomes a job when it is "
	"closed\n"
	"  readlink QUEUE/receipts/NAME      the receipt of what you wrote as NAME\n"
	"  ls QUEUE                          the jobs that wait, oldest first\n"
	"\n"
	"  cat QUEUE/claim/WORKER            take the next job (waits for one); WORKER is any "
	"name\n"
	"  rm QUEUE/claim/WORKER             done\n"
	"  mv QUEUE/claim/WORKER QUEUE/retries/      failed, try again later\n"
	"  mv QUEUE/claim/WORKER QUEUE/dead-letter/  give up\n"
	"  mv QUEUE/claim/WORKER QUEUE/      give back, as if never taken\n"
	"  touch QUEUE/claim/WORKER          still at work: the timeout starts again\n"
	"  echo done > QUEUE/claim/WORKER    also retry, dead, release; retry in 30s: REASON\n"
	"  cat QUEUE/claim/$$                the job comes back when this process dies\n"
	"\n"
	"  ls QUEUE/running QUEUE/backoff QUEUE/retries QUEUE/dead-letter\n"
	"  cat QUEUE/dead-letter/RECEIPT.json        what happened to it, every failure\n"
	"  mv QUEUE/dead-letter/RECEIPT QUEUE/       run it again\n"
	"  rm QUEUE/RECEIPT                          cancel\n"
	"  echo why > QUEUE/paused                   deliver nothing; : > QUEUE/paused goes "
	"on\n"
	"\n"
	"A file is enqueued when its last writer closes it; an empty file is not. A name like\n"
	".x, x.tmp or x~ stays a draft until it is renamed. More: man 7 spoolfs.\n"
	"\n"
	"The queues here:\n";

int
render_readme(const struct fs *fs, struct content *content)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, &content->size);

	if (!out)
		return -ENOMEM;
	(void)fputs(readme_text, out); /* an error shows in fclose */
	for (size_t i = 0; i < fs->config->queue_count; i++) {
		const struct config_queue *queue = &fs->config->queues[i];

		(void)fprintf(out, "  %-20s %s, concurrency %" PRId64 ", %" PRId64 " retries\n",
			queue->name, queue->type == CONFIG_FIFO ? "fifo" : "standard",
			queue->concurrency, queue->max_retries);
	}
	if (fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	content->bytes = text;
	return 0;
}
