/*
 * The works that end claims, and the heartbeat that keeps them. All are about the job that the
 * worker work->name holds. See work_verdict.c.
 */
#ifndef FS_WORK_VERDICT_H
#define FS_WORK_VERDICT_H

#include "fs/work.h"

extern const struct work_type work_verdict;   /* by rm or mv */
extern const struct work_type work_words;     /* work->words, written to work->handle */
extern const struct work_type work_heartbeat; /* until time_ms; 0: as long as the rules say */
extern const struct work_type
	work_claim_release;                    /* nobody has read the job: as if never taken */
extern const struct work_type work_claim_lost; /* a failed attempt, work->target says why */
extern const struct work_type work_claim_end;  /* an event: the engine ended a claim */

#endif
