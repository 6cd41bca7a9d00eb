/* Twins and extended attributes: JSON with the same members, whatever is in a job's texts. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/render.h"
#include "tests/fuzz/store.h"

#define PREFIX "user.spoolfs."
#define DAY_MS INT64_C(86400000)

static struct engine *engine;
static int64_t queue_id;
static char queue_name[] = "q";
static const struct config_queue config = { .name = queue_name, .max_retries = 1 };
static const struct fs_queue queue = { .config = &config };

static const struct member {
	const char *name;
	json_type type;
	bool null, missing; /* it may be */
} members[] = {
	{ .name = "receipt", .type = JSON_STRING },
	{ .name = "queue", .type = JSON_STRING },
	{ .name = "name", .type = JSON_STRING, .null = true },
	{ .name = "state", .type = JSON_STRING },
	{ .name = "group", .type = JSON_STRING, .null = true },
	{ .name = "attempt", .type = JSON_INTEGER },
	{ .name = "max_attempts", .type = JSON_INTEGER },
	{ .name = "size", .type = JSON_INTEGER },
	{ .name = "created", .type = JSON_STRING },
	{ .name = "due", .type = JSON_STRING, .null = true },
	{ .name = "worker", .type = JSON_STRING, .null = true },
	{ .name = "claimed", .type = JSON_STRING, .null = true },
	{ .name = "deadline", .type = JSON_STRING, .null = true },
	{ .name = "owner", .type = JSON_OBJECT },
	{ .name = "failures", .type = JSON_ARRAY },
	{ .name = "reason", .type = JSON_STRING, .null = true },
	{ .name = "waiting_for", .type = JSON_STRING, .missing = true },
};
enum { MEMBERS = sizeof members / sizeof *members };

/* No run changes it. */
static void
define(struct engine *in)
{
	const struct queue_rules rules = {
		.name = queue_name,
		.fifo = true,
		.json = true,
		.group_field = "g",
		.concurrency = 1,
		.max_retries = 1,
		.backoff_ms = 1000,
		.backoff_max_ms = -1,
		.timeout_ms = 60000,
		.max_payload_bytes = 1 << 20,
		.max_jobs = -1,
	};
	assert(engine_queue_define(in, &rules, &queue_id) == 0);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	engine = store_in_memory(define);
	return 0;
}

/* ---- what was put in ---- */

struct texts {
	char *group, *name, *worker, *reason;
	int64_t now_ms, delay_ms;
	size_t attribute; /* one of the members; one past them for none of them */
};

static int64_t
enqueue(const struct texts *texts, const char *name)
{
	int64_t id;
	struct engine_problem why;
	json_t *payload = json_pack("{s:s}", "g", is_utf8(texts->group) ? texts->group : "g");
	char *body = payload ? json_dumps(payload, 0) : NULL;
	assert(body);
	struct job_new new = {
		.queue_id = queue_id,
		.body = body,
		.size = strlen(body),
		.name = name,
		.mode = 0644,
	};
	assert(engine_enqueue(engine, &new, texts->now_ms, &why, &id) == 0);
	json_decref(payload);
	free(body);
	return id;
}

static void
claim(const char *worker, int64_t now_ms)
{
	struct job job;
	bool again;
	assert(engine_claim(engine, queue_id, worker, now_ms, &job, &again) == 0 && !again);
	job_release(&job);
}

static void
fail(const struct texts *texts, enum verdict verdict)
{
	const struct verdict_details details = { .reason = texts->reason,
		.delay_ms = texts->delay_ms };
	assert(engine_verdict(engine, queue_id, texts->worker, 0, verdict, &details,
		       texts->now_ms) == 0);
}

/* ---- what comes out ---- */

/* Texts are as they were put in; what is not UTF-8 is replaced, none is NULL. */
static void
check_text(const json_t *value, const char *text)
{
	if (!text || !*text)
		assert(json_is_null(value));
	else if (is_utf8(text))
		assert(strcmp(json_string_value(value), text) == 0);
	else
		assert(strstr(json_string_value(value), "\xef\xbf\xbd"));
}

static void
check_failure(const json_t *failure, const struct texts *texts)
{
	assert(json_object_size(failure) == 4);
	assert(json_is_integer(json_object_get(failure, "attempt")));
	assert(json_is_string(json_object_get(failure, "time")));
	check_text(json_object_get(failure, "worker"), texts->worker);
	const json_t *reason = json_object_get(failure, "reason");
	if (strlen(texts->reason) <= ENGINE_REASON_MAX) {
		check_text(reason, *texts->reason ? texts->reason : NULL);
	} else if (is_utf8(texts->reason)) {
		size_t length = json_string_length(reason);
		assert(length > ENGINE_REASON_MAX - 4 && length <= ENGINE_REASON_MAX);
		assert(strncmp(json_string_value(reason), texts->reason, length) == 0);
	}
}

static void
check_members(const json_t *twin)
{
	size_t found = 0;
	for (size_t i = 0; i < MEMBERS; i++) {
		const struct member *member = &members[i];
		const json_t *value = json_object_get(twin, member->name);
		assert(value || member->missing);
		assert(!value || json_typeof(value) == member->type ||
			(member->null && json_is_null(value)));
		found += value != NULL;
	}
	assert(json_object_size(twin) == found);
}

static void
check_twin(
	const struct job *job, const struct texts *texts, size_t failures, const json_t *twin)
{
	check_members(twin);
	check_text(json_object_get(twin, "receipt"), job->receipt);
	check_text(json_object_get(twin, "name"), job->name);
	check_text(json_object_get(twin, "group"), job->group);
	check_text(json_object_get(twin, "worker"), job->worker);
	const json_t *list = json_object_get(twin, "failures");
	assert(json_array_size(list) == failures);
	for (size_t i = 0; i < failures; i++)
		check_failure(json_array_get(list, i), texts);
	/* Replaced is only what was wrong. */
	const char *waiting_for = json_string_value(json_object_get(twin, "waiting_for"));
	if (waiting_for && job->group && is_utf8(job->group) &&
		!strstr(job->group, "\xef\xbf\xbd"))
		assert(!strstr(waiting_for, "\xef\xbf\xbd"));
}

/* An attribute is the twin's member: a string bare, other JSON as it is, null not there. */
static void
check_attribute(const struct job *job, const char *name, const json_t *value)
{
	char attribute[64];
	struct content content = { 0 };
	(void)snprintf(attribute, sizeof attribute, PREFIX "%s", name);
	int rc = render_xattr(engine, &queue, job, attribute, &content);
	assert(rc == (json_is_null(value) || !value ? -ENODATA : 0));
	if (rc)
		return;
	json_t *shown = json_is_string(value) ? json_stringn(content.bytes, content.size)
					      : json_loadb(content.bytes, content.size,
							JSON_DECODE_ANY, NULL);
	assert(shown && json_equal(shown, value));
	json_decref(shown);
	free(content.bytes);
}

static void
check_attribute_list(const struct job *job, const json_t *twin)
{
	struct content list = { 0 };
	size_t listed = 0, there = 0;
	assert(render_xattr_list(engine, &queue, job, &list) == 0);
	const char *end = (const char *)list.bytes + list.size;
	for (const char *name = list.bytes; name < end; name += strlen(name) + 1, listed++) {
		assert(strncmp(name, PREFIX, strlen(PREFIX)) == 0);
		const json_t *value = json_object_get(twin, name + strlen(PREFIX));
		assert(value && !json_is_null(value));
	}
	for (size_t i = 0; i < MEMBERS; i++) {
		const json_t *value = json_object_get(twin, members[i].name);
		there += value && !json_is_null(value);
	}
	assert(listed == there);
	free(list.bytes);
}

/* `stranger`: the job's group is any text, though the engine would refuse it. */
static void
check_job(int64_t id, const struct texts *texts, size_t failures, bool stranger)
{
	struct job job;
	struct content content = { 0 };
	assert(engine_job(engine, id, &job) == 0);
	if (stranger) {
		free(job.group);
		job.group = strdup(texts->group);
		assert(job.group);
	}
	assert(render_twin(engine, &queue, &job, &content) == 0);
	const char *text = content.bytes;
	assert(content.size > 0 && text[content.size - 1] == '\n');
	json_t *twin = json_loadb(text, content.size, JSON_REJECT_DUPLICATES, NULL);
	assert(json_is_object(twin));
	check_twin(&job, texts, failures, twin);
	check_attribute_list(&job, twin);
	const char *name = texts->attribute < MEMBERS ? members[texts->attribute].name : "x";
	check_attribute(&job, name, json_object_get(twin, name));
	json_decref(twin);
	free(content.bytes);
	job_release(&job);
}

/* Two jobs of a group, the first through all of its states. */
static void
run(const struct texts *texts)
{
	int64_t first = enqueue(texts, texts->name), second = enqueue(texts, "");
	check_job(second, texts, 0, false);
	claim(texts->worker, texts->now_ms);
	check_job(first, texts, 0, false);
	check_job(second, texts, 0, false);
	fail(texts, VERDICT_RETRY);
	check_job(first, texts, 1, true);
	assert(engine_requeue(engine, first, texts->now_ms) == 0);
	claim(texts->worker, texts->now_ms);
	fail(texts, VERDICT_DEAD);
	check_job(first, texts, 2, true);
}

static char *
file_name(struct input *input)
{
	char *name = input_text(input, ENGINE_NAME_MAX);
	for (char *slash = name; (slash = strchr(slash, '/'));)
		*slash = '_';
	return name;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .size = size };
	struct texts texts = {
		.group = input_text(&input, 4096),
		.name = file_name(&input),
		.worker = file_name(&input),
		.reason = input_text(&input, 4096),
	};
	uint64_t delay = input_number(&input);
	texts.now_ms = DAY_MS + (int64_t)(input_number(&input) % (UINT64_C(1) << 47));
	texts.delay_ms = (int64_t)(delay & INT64_MAX);
	texts.attribute = input_number(&input) % (MEMBERS + 1);
	if (*texts.worker && size < 20000) {
		assert(engine_begin(engine, false) == 0);
		run(&texts);
		engine_rollback(engine);
	}
	free(texts.group);
	free(texts.name);
	free(texts.worker);
	free(texts.reason);
	return 0;
}
