/*
 * The works that deliver jobs: opening claim/WORKER, reading on, polling. Those that wait stand in
 * the line of their queue (line.h). See work_claim.c.
 */
#ifndef FS_WORK_CLAIM_H
#define FS_WORK_CLAIM_H

#include "fs/work.h"

extern const struct work_type work_worker_lookup; /* what does this worker hold? */
/* For work->handle of the worker work->name, bound to work->by; flag: does not wait. */
extern const struct work_type work_claim_open; /* idle: opened without a job if there is none */
extern const struct work_type work_claim_read; /* work->size bytes of the next job */
extern const struct work_type work_claim_poll; /* work->poll_kh: whom to wake */
extern const struct work_type work_claim_look; /* is what that one waits for there? */
/* Bytes of the job a handle has, whose content was lost with an engine process. */
extern const struct work_type work_claim_again;

/* Tries to give the claim a job, at most one. Returns 0, -EAGAIN, -EBUSY (the worker's name is
 * bound to another process) or WORK_FAILED. */
int work_claim_try(struct committer *committer, struct work *claim);

#endif
