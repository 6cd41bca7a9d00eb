/*
 * An index over the slots of a fixed table: which slots have this hash? Chained, never grows;
 * rebuilt from the table when an engine process starts.
 */
#ifndef FS_INDEX_H
#define FS_INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define INDEX_END UINT32_MAX

struct slot_index {
	uint32_t count;  /* slots, a power of two; as many chains */
	uint32_t *chain; /* by hash: the first slot */
	uint32_t *next;  /* by slot: the next of its chain */
};

/* Returns 0 or -ENOMEM. */
int index_init(struct slot_index *index, uint32_t count);
void index_release(struct slot_index *index);
void index_add(struct slot_index *index, uint64_t hash, uint32_t slot);
/* The slot must have been added with this hash. */
void index_remove(struct slot_index *index, uint64_t hash, uint32_t slot);

/* The slots that may have this hash: index_first(), then index_next() until INDEX_END. */
static inline uint32_t
index_first(const struct slot_index *index, uint64_t hash)
{
	return index->chain[hash & (index->count - 1)];
}

static inline uint32_t
index_next(const struct slot_index *index, uint32_t slot)
{
	return index->next[slot];
}

/* A well mixed hash of a number, and of a name within a queue. Never 0. */
uint64_t hash_number(uint64_t number);
uint64_t hash_name(int64_t queue_id, const char *name);

/* A set of hashes that grows: which names may exist? */
struct hash_set {
	uint64_t *entries; /* open addressing; 0 is empty */
	size_t size, used;
};
/* Returns 0 or -ENOMEM. */
int hash_set_add(struct hash_set *set, uint64_t hash);
void hash_set_remove(struct hash_set *set, uint64_t hash);
bool hash_set_has(const struct hash_set *set, uint64_t hash);
void hash_set_release(struct hash_set *set);

#endif
