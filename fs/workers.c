/* Worker names and what they hold. See workers.h. */
#include "fs/workers.h"

#include <errno.h>
#include <string.h>

struct worker *
workers_at(const struct workers *workers, uint32_t slot)
{
	return &workers->shared->workers[slot];
}

int
workers_init(struct workers *workers, struct shared *shared)
{
	*workers = (struct workers){ .shared = shared };
	if (index_init(&workers->by_name, SLOT_COUNT))
		return -ENOMEM;
	for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
		struct worker *worker = workers_at(workers, slot);

		if (!worker->used)
			continue;
		worker->known = false; /* the store may know better by now */
		index_add(&workers->by_name, hash_name(worker->queue_id, worker->name), slot);
	}
	return 0;
}

void
workers_release(struct workers *workers)
{
	index_release(&workers->by_name);
}

uint32_t
workers_find(const struct workers *workers, int64_t queue_id, const char *name)
{
	uint32_t slot = index_first(&workers->by_name, hash_name(queue_id, name));

	for (; slot != INDEX_END; slot = index_next(&workers->by_name, slot)) {
		const struct worker *worker = workers_at(workers, slot);

		if (worker->queue_id == queue_id && strcmp(worker->name, name) == 0)
			return slot;
	}
	return INDEX_END;
}

static void
worker_fill(struct workers *workers, struct worker *worker, int64_t queue_id, const char *name)
{
	worker->used = false;
	worker->known = worker->unread = worker->guarded = false;
	worker->job_id = worker->size = worker->claimed_ms = 0;
	worker->ticket = workers->shared->next_serial++;
	worker->queue_id = queue_id;
	memset(worker->name, 0, sizeof worker->name);
	strncpy(worker->name, name, sizeof worker->name - 1);
	worker->used = true;
}

/* Slots are never given back but taken over in turn: a name that nobody has open and that holds
 * nothing is only remembered. */
int
workers_take(struct workers *workers, int64_t queue_id, const char *name,
	workers_in_use_fn *in_use, void *context, uint32_t *slot)
{
	*slot = workers_find(workers, queue_id, name);
	if (*slot != INDEX_END)
		return 0;
	for (uint32_t tried = 0; tried < SLOT_COUNT; tried++) {
		uint32_t candidate = workers->next++ & (SLOT_COUNT - 1);
		struct worker *worker = workers_at(workers, candidate);

		if (worker->used && (worker->job_id || in_use(context, candidate)))
			continue;
		if (worker->used)
			index_remove(&workers->by_name,
				hash_name(worker->queue_id, worker->name), candidate);
		worker_fill(workers, worker, queue_id, name);
		index_add(&workers->by_name, hash_name(queue_id, name), candidate);
		*slot = candidate;
		return 0;
	}
	return -ENFILE;
}

fuse_ino_t
workers_ino(const struct workers *workers, uint32_t slot)
{
	const struct worker *worker = workers_at(workers, slot);

	return ino_pack(INO_CLAIM, 0, worker->queue_id, slot_id(slot, worker->ticket));
}

struct worker *
workers_get(const struct workers *workers, fuse_ino_t ino)
{
	struct ino of = ino_unpack(ino);
	uint32_t slot = slot_of(of.id);
	fuse_ino_t claim = ino_pack(INO_CLAIM, 0, of.queue_id, of.id);

	return workers_at(workers, slot)->used && workers_ino(workers, slot) == claim
		       ? workers_at(workers, slot)
		       : NULL;
}

void
worker_bind(struct worker *worker, int64_t job_id, int64_t size, int64_t claimed_ms)
{
	worker->size = size;
	worker->claimed_ms = claimed_ms;
	worker->job_id = job_id;
	worker->known = true;
}

void
worker_unbind(struct worker *worker)
{
	worker->job_id = 0;
	worker->size = worker->claimed_ms = 0;
	worker->unread = worker->guarded = false;
	worker->known = true;
	worker->ticket++;
}
