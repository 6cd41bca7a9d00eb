#include "tests/sim/model.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_KEPT 60000

void
model_copy(struct model *to, const struct model *from)
{
	memcpy(to, from,
		offsetof(struct model, jobs) + (size_t)from->count * sizeof *from->jobs);
}

/* ---- looking ---- */

/* One field is a number, the other a text. */
void
model_body(const struct mbody *body, char text[64])
{
	if (!body->json)
		(void)snprintf(text, 64, "text");
	else if (body->g >= 0 && body->h >= 0)
		(void)snprintf(text, 64, "{\"g\":%d,\"h\":\"%d\"}", body->g, body->h);
	else if (body->g >= 0)
		(void)snprintf(text, 64, "{\"g\":%d}", body->g);
	else if (body->h >= 0)
		(void)snprintf(text, 64, "{\"h\":\"%d\"}", body->h);
	else
		(void)snprintf(text, 64, "[]");
	if (body->cut > 0)
		text[body->cut] = '\0';
}

bool
model_live(const struct mjob *job)
{
	return job->where == WAITS || job->where == LATER || job->where == RUNS;
}

int
model_group(const struct model *model, int queue, const struct mbody *body)
{
	char field = model->rules[queue].field;
	if (!field || !body->json || body->cut > 0)
		return NO_GROUP;
	return field == 'g' ? body->g : body->h;
}

struct mjob *
model_find(struct model *model, int64_t id)
{
	for (int i = 0; i < model->count; i++) {
		struct mjob *job = &model->jobs[i];
		if (job->id == id && job->where != GONE && job->where != ENDED)
			return job;
	}
	return NULL;
}

struct mjob *
model_held(struct model *model, int queue, int worker)
{
	for (int i = 0; i < model->count; i++) {
		struct mjob *job = &model->jobs[i];
		if (job->where == RUNS && job->queue == queue && job->worker == worker)
			return job;
	}
	return NULL;
}

struct mjob *
model_named(struct model *model, int queue, int name)
{
	for (int i = 0; i < model->count; i++) {
		struct mjob *job = &model->jobs[i];
		if (job->where != GONE && job->named && job->queue == queue &&
			job->name == name)
			return job;
	}
	return NULL;
}

struct mjob *
model_first(struct model *model, int queue, int group)
{
	struct mjob *first = NULL;
	for (int i = 0; group != NO_GROUP && i < model->count; i++) {
		struct mjob *job = &model->jobs[i];
		if (job->queue == queue && model_live(job) &&
			model_group(model, queue, &job->body) == group &&
			(!first || job->order < first->order))
			first = job;
	}
	return first;
}

int64_t
model_count(const struct model *model, int queue, enum where where)
{
	int64_t count = 0;
	for (int i = 0; i < model->count; i++)
		count += model->jobs[i].queue == queue && model->jobs[i].where == where;
	return count;
}

struct mjob *
model_next(struct model *model, int queue)
{
	struct mjob *best = NULL;
	const struct mrules *rules = &model->rules[queue];
	if (!rules->defined || model->pauses[queue].since != 0 ||
		model_count(model, queue, RUNS) >= rules->concurrency)
		return NULL;
	for (int i = 0; i < model->count; i++) {
		struct mjob *job = &model->jobs[i];
		if (job->queue != queue || job->where != WAITS)
			continue;
		const struct mjob *first =
			model_first(model, queue, model_group(model, queue, &job->body));
		if ((!first || first == job) && (!best || job->order < best->order))
			best = job;
	}
	return best;
}

struct mjob *
model_rejected(struct model *model, int queue, const char *shown)
{
	for (int i = 0; i < model->count; i++) {
		struct mjob *job = &model->jobs[i];
		if (job->where == REJECTED && job->queue == queue &&
			strcmp(job->shown, shown) == 0)
			return job;
	}
	return NULL;
}

/* Of a queue that is not in the config only its type is known. */
int
model_content_refusal(
	const struct model *model, int queue, const struct mbody *body, bool partial)
{
	const struct mrules *rules = &model->rules[queue];
	char text[64];
	model_body(body, text);
	if (rules->defined && (int64_t)strlen(text) > rules->max_payload_bytes)
		return -EFBIG;
	if (partial)
		return 0;
	if (rules->field)
		return model_group(model, queue, body) == NO_GROUP ? -EINVAL : 0;
	return rules->defined && rules->json && (!body->json || body->cut > 0) ? -EINVAL : 0;
}

int
model_refusal(
	const struct model *model, int queue, const struct mbody *body, int draft, bool partial)
{
	const struct mrules *rules = &model->rules[queue];
	int64_t jobs = model_count(model, queue, WAITS) + model_count(model, queue, LATER) +
		       model_count(model, queue, RUNS);
	for (int i = 0; i < MODEL_DRAFTS; i++)
		jobs += i != draft && model->drafts[i].staged &&
			model->drafts[i].queue == queue;
	if (rules->max_jobs >= 0 && jobs >= rules->max_jobs)
		return -ENOSPC;
	return body ? model_content_refusal(model, queue, body, partial) : 0;
}

static int64_t
wakes(const struct mjob *job)
{
	switch (job->where) {
	case LATER:
		return job->due;
	case RUNS:
		return job->deadline;
	case ENDED:
		return job->changed + NAME_KEPT;
	case GONE:
	case WAITS:
	case DEAD:
	case REJECTED:
		break;
	}
	return INT64_MAX;
}

int64_t
model_wakes(const struct model *model)
{
	int64_t first = INT64_MAX;
	for (int i = 0; i < model->count; i++)
		if (wakes(&model->jobs[i]) < first)
			first = wakes(&model->jobs[i]);
	return first;
}

/* ---- changes ---- */

uint64_t
model_claim_sum(int queue, int worker, int64_t id)
{
	return (uint64_t)(id * 1000 + queue * 100 + worker + 1);
}

uint64_t
model_name_sum(int queue, int name)
{
	return 1U << (queue * 10 + name * 2);
}

void
model_enter(struct model *model, struct mjob *job, enum where where, int64_t now)
{
	if (job->where == RUNS)
		model->claims_ended += model_claim_sum(job->queue, job->worker, job->id);
	job->where = where;
	job->changed = now;
	if (where == WAITS)
		job->due = now;
}

void
model_tail(struct model *model, struct mjob *job)
{
	job->order = ++model->order;
}

void
model_add(struct model *model, const struct mdraft *of, int64_t now)
{
	assert(model->count < MODEL_JOBS);
	if (of->id > model->highest)
		model->highest = of->id;
	if (of->name != NO_NAME)
		model_unname(model, of->queue, of->name);
	struct mjob *job = &model->jobs[model->count++];
	*job = (struct mjob){ .id = of->id,
		.queue = of->queue,
		.body = of->body,
		.name = of->name,
		.named = of->name != NO_NAME };
	memcpy(job->receipt, of->receipt, sizeof job->receipt);
	model_enter(model, job, of->due > now ? LATER : WAITS, now);
	if (job->where == LATER)
		job->due = of->due;
	model_tail(model, job);
}

static void
put_on_record(struct mjob *job, const char *reason, int worker, int64_t now)
{
	struct mfailure *failure = &job->last[job->history++ % MODEL_FAILURES];
	*failure = (struct mfailure){ .attempt = job->failures, .at = now, .worker = worker };
	(void)snprintf(failure->reason, sizeof failure->reason, "%s", reason);
}

void
model_reject(struct model *model, const struct mdraft *of, const char *reason, int64_t now)
{
	char name[16] = "", shown[64];
	assert(model->count < MODEL_JOBS);
	if (of->id > model->highest)
		model->highest = of->id;
	if (of->name != NO_NAME)
		(void)snprintf(name, sizeof name, "n%d", of->name);
	(void)snprintf(shown, sizeof shown, "%s", name[0] ? name : of->receipt);
	if (model_rejected(model, of->queue, shown))
		(void)snprintf(shown, sizeof shown, "%s.%s", name, of->receipt);
	struct mjob *job = &model->jobs[model->count++];
	*job = (struct mjob){ .id = of->id,
		.queue = of->queue,
		.body = of->body,
		.due = of->due,
		.name = NO_NAME };
	memcpy(job->receipt, of->receipt, sizeof job->receipt);
	memcpy(job->shown, shown, sizeof job->shown);
	put_on_record(job, reason, NOBODY, now);
	model_enter(model, job, REJECTED, now);
	model_tail(model, job);
}

void
model_die(struct model *model, struct mjob *job, const char *reason, int worker, int64_t now)
{
	job->failures += job->where == RUNS;
	put_on_record(job, reason, worker, now);
	model_enter(model, job, DEAD, now);
	model_tail(model, job);
}

void
model_fail(
	struct model *model, struct mjob *job, const char *reason, int64_t delay, int64_t now)
{
	const struct mrules *rules = &model->rules[job->queue];
	if (job->failures + 1 > rules->max_retries) {
		model_die(model, job, reason, job->worker, now);
		return;
	}
	job->failures++;
	put_on_record(job, reason, job->worker, now);
	if (delay < 0) {
		delay = rules->backoff_ms << (job->failures - 1);
		if (rules->backoff_max_ms >= 0 && delay > rules->backoff_max_ms)
			delay = rules->backoff_max_ms;
	}
	model_enter(model, job, LATER, now);
	job->due = now + delay;
}

void
model_end(struct model *model, struct mjob *job, int64_t now)
{
	model_enter(model, job, job->named ? ENDED : GONE, now);
}

void
model_unname(struct model *model, int queue, int name)
{
	struct mjob *job = model_named(model, queue, name);
	if (!job)
		return;
	job->named = false;
	if (job->where == ENDED)
		job->where = GONE;
}

/* Whose deadline is over; the earliest, of equal ones the oldest. */
static struct mjob *
overdue(struct model *model, int64_t now)
{
	struct mjob *first = NULL;
	for (int i = 0; i < model->count; i++) {
		struct mjob *job = &model->jobs[i];
		if (job->where != RUNS || job->deadline > now)
			continue;
		if (!first || job->deadline < first->deadline ||
			(job->deadline == first->deadline && job->id < first->id))
			first = job;
	}
	return first;
}

static void
time_out(struct model *model, struct mjob *job, int64_t now)
{
	const struct mrules *rules = &model->rules[job->queue];
	char reason[64];
	if (!rules->defined) {
		model_enter(model, job, WAITS, now);
		return;
	}
	(void)snprintf(
		reason, sizeof reason, "timeout after %lld ms", (long long)rules->timeout_ms);
	model_fail(model, job, reason, -1, now);
}

void
model_tick(struct model *model, int64_t now)
{
	struct mjob *late;
	while ((late = overdue(model, now)))
		time_out(model, late, now);
	for (int i = 0; i < model->count; i++) {
		struct mjob *job = &model->jobs[i];
		if (job->where == LATER && job->due <= now)
			model_enter(model, job, WAITS, now);
		if (job->where != ENDED || job->changed + NAME_KEPT > now)
			continue;
		model->names_gone += model_name_sum(job->queue, job->name);
		job->where = GONE;
	}
}

/* All that are live get a new place, the running ones before the others, else as they were. */
static void
order_anew(struct model *model, int queue)
{
	int64_t end = model->order;
	for (int running = 1; running >= 0; running--) {
		for (;;) {
			struct mjob *next = NULL;
			for (int i = 0; i < model->count; i++) {
				struct mjob *job = &model->jobs[i];
				if (job->queue == queue && model_live(job) &&
					job->order <= end && (job->where == RUNS) == running &&
					(!next || job->order < next->order))
					next = job;
			}
			if (!next)
				break;
			model_tail(model, next);
		}
	}
}

void
model_define(struct model *model, int queue, const struct mrules *rules)
{
	bool anew = rules->field && rules->field != model->rules[queue].field;
	model->rules[queue] = *rules;
	model->rules[queue].defined = true;
	if (anew)
		order_anew(model, queue);
}
