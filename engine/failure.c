/* Failed attempts: what is written about them, and what follows. */
#include <string.h>

#include "engine/backoff.h"
#include "engine/core.h"
#include "engine/hash.h"
#include "engine/text.h"

int
failure_add(struct engine *engine, struct record *record, const char *worker,
	const char *reason, int64_t now_ms)
{
	char cut[ENGINE_REASON_MAX + 1];
	size_t size = strnlen(reason, ENGINE_REASON_MAX + 1);
	size_t length = text_cut(reason, size, ENGINE_REASON_MAX);
	memcpy(cut, reason, length);
	cut[length] = '\0';
	struct job_failure failure = {
		.attempt = record->job.failures,
		.at_ms = now_ms,
		.worker = worker,
		.reason = cut,
	};
	return store_failure_add(engine->store, record->job.id, ++record->history, &failure);
}

int
transition_fail(struct engine *engine, struct record *record, const char *reason,
	int64_t delay_ms, int64_t now_ms)
{
	const struct queue_rules *rules = &queue_get(engine, record->job.queue_id)->rules;
	const struct backoff backoff = {
		.base_ms = rules->backoff_ms,
		.max_ms = rules->backoff_max_ms,
		.jitter = rules->backoff_jitter,
	};
	int64_t failures = record->job.failures + 1;
	if (delay_ms < 0)
		delay_ms = backoff_delay_ms(&backoff, failures, hash_sequence(&engine->random));
	struct transition transition = {
		.event = failures > rules->max_retries ? EVENT_EXHAUST : EVENT_FAIL,
		.now_ms = now_ms,
		.due_ms = time_add_ms(now_ms, delay_ms),
		.reason = reason,
	};
	return transition_apply(engine, record, &transition);
}
