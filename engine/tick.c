/* Time passing: what becomes due, what has timed out, what has been kept long enough. */
#include <errno.h>
#include <stdio.h>

#include "engine/backoff.h"
#include "engine/core.h"

#define TICK_MAX 2000 /* changes in one call: the others want to be served too */

/* When the first of a clock's jobs changes. */
static int64_t
time_of(enum store_clock clock, const struct job *job)
{
	switch (clock) {
	case STORE_DUE:
		return job->due_ms;
	case STORE_DEADLINE:
		return job->deadline_ms;
	case STORE_ENDED:
		return time_add_ms(job->changed_ms, NAME_KEPT_MS);
	}
	return INT64_MAX;
}

/* A worker of a queue that is not in the config cannot give its verdict; it is not held against
 * the job. */
static int
time_out(struct engine *engine, struct record *record, int64_t now_ms)
{
	const struct queue *queue = queue_get(engine, record->job.queue_id);
	if (!queue->defined)
		return transition_apply(engine, record,
			&(struct transition){ .event = EVENT_RELEASE, .now_ms = now_ms });
	char reason[64];
	(void)snprintf(reason, sizeof reason, "timeout after %lld ms",
		(long long)queue->rules.timeout_ms);
	return transition_fail(engine, record, reason, -1, now_ms);
}

static int
change(struct engine *engine, enum store_clock clock, struct record *record, int64_t now_ms)
{
	if (clock == STORE_DEADLINE)
		return time_out(engine, record, now_ms);
	return transition_apply(engine, record,
		&(struct transition){
			.event = clock == STORE_DUE ? EVENT_DUE : EVENT_EXPIRE,
			.now_ms = now_ms,
		});
}

/* Until nothing of this clock is due, or *left is used up. *next_ms: its next. */
static int
tick_clock(struct engine *engine, enum store_clock clock, int64_t now_ms, int *left,
	int64_t *next_ms)
{
	struct record record;
	for (;;) {
		int rc = store_job_first(engine->store, clock, &record);
		if (rc == -ENOENT)
			return 0;
		if (rc != 0)
			return rc;
		int64_t at_ms = time_of(clock, &record.job);
		bool now = at_ms <= now_ms;
		if (now && *left > 0)
			rc = change(engine, clock, &record, now_ms);
		job_release(&record.job);
		if (rc != 0)
			return rc;
		if (!now || (*left)-- <= 0) {
			if (at_ms < *next_ms)
				*next_ms = now ? now_ms : at_ms;
			return 0;
		}
	}
}

int
engine_tick(struct engine *engine, int64_t now_ms, int64_t *next_ms)
{
	static const enum store_clock clocks[] = { STORE_DEADLINE, STORE_DUE, STORE_ENDED };
	int64_t next = INT64_MAX;
	int left = TICK_MAX, rc = 0;
	*next_ms = engine->wake_ms;
	if (now_ms < engine->wake_ms)
		return 0;
	for (size_t i = 0; rc == 0 && i < sizeof clocks / sizeof *clocks; i++)
		rc = tick_clock(engine, clocks[i], now_ms, &left, &next);
	if (rc == 0)
		*next_ms = engine->wake_ms = next;
	return rc;
}
