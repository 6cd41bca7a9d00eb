/*
 * The line of a queue: the claims that wait for a job, in order of arrival. Joining and leaving
 * cost the same however long it is; finding one by its request or its worker is linear.
 */
#ifndef FS_LINE_H
#define FS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/work.h"

struct line {
	int64_t queue_id;
	struct work *first, *last; /* linked by work->next */
	bool changed;              /* this queue has been worked on since the last delivery */
};

static inline void
line_append(struct line *line, struct work *work)
{
	work->next = NULL;
	if (line->last)
		line->last->next = work;
	line->last = work;
	if (!line->first)
		line->first = work;
}

static inline void
line_prepend(struct line *line, struct work *work)
{
	work->next = line->first;
	line->first = work;
	if (!line->last)
		line->last = work;
}

/* Appends the whole of `other`, which is empty then. */
static inline void
line_join(struct line *line, struct line *other)
{
	if (!other->first)
		return;
	if (line->last)
		line->last->next = other->first;
	else
		line->first = other->first;
	line->last = other->last;
	other->first = other->last = NULL;
}

/* Takes out the first one for which `match` holds; NULL if there is none. */
typedef int line_match_fn(const struct work *work, const void *wanted);

static inline struct work *
line_take(struct line *line, line_match_fn *match, const void *wanted)
{
	struct work *before = NULL;

	for (struct work *work = line->first; work; before = work, work = work->next) {
		if (!match(work, wanted))
			continue;
		if (before)
			before->next = work->next;
		else
			line->first = work->next;
		if (line->last == work)
			line->last = before;
		work->next = NULL;
		return work;
	}
	return NULL;
}

static inline int
line_match_any(const struct work *work, const void *wanted)
{
	(void)work;
	(void)wanted;
	return 1;
}

/* The claim that is to be interrupted: the one with this request, or, without one, of this handle. */
static inline int
line_match_cancel(const struct work *work, const void *wanted)
{
	const struct work *cancel = wanted;

	if (cancel->target_unique)
		return work->request && work->unique == cancel->target_unique;
	return !work->request && work->handle == cancel->handle;
}

/* The worker's slot: whoever opens the same name gets the same job. */
static inline int
line_match_slot(const struct work *work, const void *slot)
{
	return work->slot == *(const uint32_t *)slot;
}

#endif
