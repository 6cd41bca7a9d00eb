/*
 * Worker names: which slot a name has, and what it holds as far as the loop knows. Used by the
 * loop's thread only; the store is what counts, and whoever opens a stale number gets ESTALE,
 * upon which the kernel looks the name up again.
 */
#ifndef FS_WORKERS_H
#define FS_WORKERS_H

#include "fs/index.h"
#include "fs/shared.h"

struct workers {
	struct shared *shared;
	struct slot_index by_name;
	uint32_t next; /* where the search for a slot begins */
};

/* Returns 0 or -ENOMEM. */
int workers_init(struct workers *workers, struct shared *shared);
void workers_release(struct workers *workers);

struct worker *workers_at(const struct workers *workers, uint32_t slot);
/* INDEX_END when the name has no slot. */
uint32_t workers_find(const struct workers *workers, int64_t queue_id, const char *name);
/* The slot of this name, a new one if it has none; `in_use` tells which may not be taken from
 * another name. Returns 0 or -ENFILE. */
typedef bool workers_in_use_fn(void *context, uint32_t slot);
int workers_take(struct workers *workers, int64_t queue_id, const char *name,
	workers_in_use_fn *in_use, void *context, uint32_t *slot);

/* The inode number of claim/WORKER for now. */
fuse_ino_t workers_ino(const struct workers *workers, uint32_t slot);
/* The worker of an inode number, claim/WORKER's or its envelope's; NULL when its ticket has passed. */
struct worker *workers_get(const struct workers *workers, fuse_ino_t ino);

/* The worker holds this job, under the ticket it was asked with; or holds none any more, and
 * the next job comes with the next ticket. */
void worker_bind(struct worker *worker, int64_t job_id, int64_t size, int64_t claimed_ms);
void worker_unbind(struct worker *worker);

#endif
