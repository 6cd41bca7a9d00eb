/* The works that claims are made of. See work_claim.c. */
#ifndef FS_WORK_CLAIM_H
#define FS_WORK_CLAIM_H

#include "fs/work.h"

extern const struct work_type work_worker_lookup; /* what does this worker hold? */
extern const struct work_type work_claim_open;
extern const struct work_type work_claim_release; /* opened and closed without a read */
extern const struct work_type work_claim_end;     /* an event: the engine ended a claim */
extern const struct work_type work_verdict;
extern const struct work_type work_heartbeat;

/* Tries to give the claim a job, at most one. Returns 0, -EAGAIN or WORK_FAILED. */
int work_claim_try(struct committer *committer, struct work *claim);

#endif
