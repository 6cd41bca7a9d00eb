/*
 * A job as the store keeps it: what callers see, and what only the engine needs. A plain value;
 * job_release(&record->job) frees what it owns.
 */
#ifndef ENGINE_RECORD_H
#define ENGINE_RECORD_H

#include "engine/engine.h"

struct record {
	struct job job;
	/*
	 * In a fifo queue: the job may run as far as its group is concerned, being the first
	 * live one of its group, or of no group. Always false in a standard queue, where this
	 * is no question, so that the index of heads costs standard queues nothing.
	 */
	bool head;
	bool named;       /* job.name resolves to it in its queue */
	int64_t draft_id; /* 0 once it is published */
	bool part;        /* staged: the rest is to come, nothing has been checked */
	int64_t group_id; /* 0: no group */
	int64_t history;  /* failures on record, also those before a redrive */
};

#endif
