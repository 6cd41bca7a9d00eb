/* Indexes over fixed tables, and a set of hashes. See index.h. */
#include "fs/index.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

int
index_init(struct slot_index *index, uint32_t count)
{
	assert((count & (count - 1)) == 0);
	*index = (struct slot_index){ .count = count };
	index->chain = malloc(count * sizeof *index->chain);
	index->next = malloc(count * sizeof *index->next);
	if (!index->chain || !index->next) {
		index_release(index);
		return -ENOMEM;
	}
	memset(index->chain, 0xff, count * sizeof *index->chain);
	return 0;
}

void
index_release(struct slot_index *index)
{
	free(index->chain);
	free(index->next);
	*index = (struct slot_index){ 0 };
}

void
index_add(struct slot_index *index, uint64_t hash, uint32_t slot)
{
	uint32_t *chain = &index->chain[hash & (index->count - 1)];

	index->next[slot] = *chain;
	*chain = slot;
}

void
index_remove(struct slot_index *index, uint64_t hash, uint32_t slot)
{
	uint32_t *at = &index->chain[hash & (index->count - 1)];

	while (*at != slot) {
		assert(*at != INDEX_END);
		at = &index->next[*at];
	}
	*at = index->next[slot];
}

uint64_t
hash_number(uint64_t number)
{
	/* The finaliser of MurmurHash3 (public domain): every bit of the input moves every bit.
	 */
	number ^= number >> 33;
	number *= 0xff51afd7ed558ccdU;
	number ^= number >> 33;
	number *= 0xc4ceb9fe1a85ec53U;
	number ^= number >> 33;
	return number ? number : 1;
}

uint64_t
hash_name(int64_t queue_id, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325U; /* FNV-1a, then mixed */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3U;
	return hash_number(hash ^ (uint64_t)queue_id << 48);
}

static size_t
hash_set_place(const struct hash_set *set, uint64_t hash)
{
	size_t at = hash & (set->size - 1);

	while (set->entries[at] && set->entries[at] != hash)
		at = (at + 1) & (set->size - 1);
	return at;
}

static int
hash_set_grow(struct hash_set *set)
{
	struct hash_set bigger = { .size = set->size ? set->size * 2 : 1024 };

	bigger.entries = calloc(bigger.size, sizeof *bigger.entries);
	if (!bigger.entries)
		return -ENOMEM;
	for (size_t i = 0; i < set->size; i++)
		if (set->entries[i])
			bigger.entries[hash_set_place(&bigger, set->entries[i])] =
				set->entries[i];
	bigger.used = set->used;
	free(set->entries);
	*set = bigger;
	return 0;
}

int
hash_set_add(struct hash_set *set, uint64_t hash)
{
	size_t at;

	if (set->used >= set->size / 2 && hash_set_grow(set))
		return -ENOMEM;
	at = hash_set_place(set, hash);
	if (set->entries[at])
		return 0;
	set->entries[at] = hash;
	set->used++;
	return 0;
}

void
hash_set_remove(struct hash_set *set, uint64_t hash)
{
	size_t at, next, home;

	if (!hash_set_has(set, hash))
		return;
	at = hash_set_place(set, hash);
	/* Close the gap: move back what could no longer be reached across it. */
	for (next = (at + 1) & (set->size - 1); set->entries[next];
		next = (next + 1) & (set->size - 1)) {
		home = set->entries[next] & (set->size - 1);
		if (((next - home) & (set->size - 1)) < ((next - at) & (set->size - 1)))
			continue;
		set->entries[at] = set->entries[next];
		at = next;
	}
	set->entries[at] = 0;
	set->used--;
}

bool
hash_set_has(const struct hash_set *set, uint64_t hash)
{
	return set->size && set->entries[hash_set_place(set, hash)];
}

void
hash_set_release(struct hash_set *set)
{
	free(set->entries);
	*set = (struct hash_set){ 0 };
}
