/*
 * Which processes the claims depend on, and whether they live: a pidfd for each process that a
 * claim is bound to, all in one epoll instance. Used by the loop's thread only. Nothing here
 * outlives the engine process: the store says who is bound to what.
 *
 * Calling sequence: liveness_watch() when a worker's claim is found to be bound to a process,
 * liveness_forget() when the claim has ended; liveness_dead() whenever liveness_fd() can be
 * read, and after each liveness_watch() that returned false.
 */
#ifndef FS_LIVENESS_H
#define FS_LIVENESS_H

#include <stdbool.h>

#include "engine/engine.h"
#include "fs/index.h"

struct liveness_process;

struct liveness {
	int epoll_fd;
	struct slot_index by_pid;
	struct liveness_process *processes;
	uint32_t next;       /* where the search for a place begins */
	uint32_t *depends;   /* by worker's slot: the process, INDEX_END for none */
	uint32_t dead_count; /* processes that are known to be dead and still depended on */
};

/* Returns 0 or -errno. Raises the limit of open files as far as it may: a pidfd each. */
int liveness_init(struct liveness *liveness);
void liveness_release(struct liveness *liveness);
int liveness_fd(const struct liveness *liveness);

/* The claim of the worker in `slot` depends on this process. False: it is dead. When it cannot be
 * watched (no descriptor is left) the log says so and its end is not noticed. */
bool liveness_watch(struct liveness *liveness, uint32_t slot, const struct claimant *by);
void liveness_forget(struct liveness *liveness, uint32_t slot);

/* Calls `fn` for each worker that depends on a dead process, until liveness_forget(). Costs
 * nothing as long as none has died; then it is linear in the workers' slots. */
typedef void liveness_dead_fn(void *context, uint32_t slot);
void liveness_dead(struct liveness *liveness, liveness_dead_fn *fn, void *context);

#endif
