/* Drafts and their bytes. See drafts.h. */
#include "fs/drafts.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct draft *
drafts_at(const struct drafts *drafts, uint32_t slot)
{
	return &drafts->shared->drafts[slot];
}

static uint64_t
draft_hash(const struct draft *draft)
{
	return hash_name(draft->queue_id, draft->name);
}

static bool
draft_is_named(const struct draft *draft)
{
	return !draft->nameless &&
	       (draft->state == DRAFT_OPEN || draft->state == DRAFT_PUBLISHING);
}

/* ---- start ---- */

static void
drafts_mark_blocks(const struct drafts *drafts, const struct draft *draft, bool *used)
{
	for (uint32_t block = draft->first_block; block != BLOCK_NONE;
		block = drafts->shared->next_block[block])
		used[block] = true;
}

static int
drafts_find_blocks(struct drafts *drafts)
{
	bool *used = calloc(drafts->shared->block_count, sizeof *used);

	if (!used)
		return -ENOMEM;
	for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
		if (drafts_at(drafts, slot)->state != DRAFT_FREE)
			drafts_mark_blocks(drafts, drafts_at(drafts, slot), used);
	/* Low numbers on top: few pages are touched. */
	for (uint32_t block = drafts->shared->block_count - 1; block > BLOCK_NONE; block--)
		if (!used[block])
			drafts->free_blocks[drafts->free_block_count++] = block;
	free(used);
	return 0;
}

int
drafts_init(struct drafts *drafts, struct shared *shared)
{
	*drafts = (struct drafts){ .shared = shared };
	drafts->free_slots = calloc(SLOT_COUNT, sizeof *drafts->free_slots);
	drafts->free_blocks = calloc(shared->block_count, sizeof *drafts->free_blocks);
	if (!drafts->free_slots || !drafts->free_blocks ||
		index_init(&drafts->by_name, SLOT_COUNT) || drafts_find_blocks(drafts)) {
		drafts_release(drafts);
		return -ENOMEM;
	}
	for (uint32_t slot = SLOT_COUNT; slot-- > 0;) {
		struct draft *draft = drafts_at(drafts, slot);

		if (draft->state == DRAFT_FREE)
			drafts->free_slots[drafts->free_slot_count++] = slot;
		else if (draft_is_named(draft))
			index_add(&drafts->by_name, draft_hash(draft), slot);
	}
	return 0;
}

void
drafts_release(struct drafts *drafts)
{
	index_release(&drafts->by_name);
	free(drafts->free_slots);
	free(drafts->free_blocks);
}

/* ---- blocks ---- */

static void
drafts_free_chain(struct drafts *drafts, uint32_t block)
{
	while (block != BLOCK_NONE) {
		uint32_t next = drafts->shared->next_block[block];

		drafts->free_blocks[drafts->free_block_count++] = block;
		block = next;
	}
}

static uint32_t
blocks_for(int64_t size)
{
	return (uint32_t)((size + BLOCK_SIZE - 1) / BLOCK_SIZE);
}

/* Makes the chain long enough for `size` bytes; what is new is zeros. */
static int
drafts_extend(struct drafts *drafts, struct draft *draft, int64_t size)
{
	struct shared *shared = drafts->shared;
	uint32_t have = 0, want = blocks_for(size), *link = &draft->first_block;

	for (; *link != BLOCK_NONE; have++)
		link = &shared->next_block[*link];
	if (want > have && want - have > drafts->free_block_count)
		return -ENOSPC;
	for (; have < want; have++) {
		uint32_t block = drafts->free_blocks[--drafts->free_block_count];

		shared->next_block[block] = BLOCK_NONE;
		memset(shared->blocks[block], 0, BLOCK_SIZE);
		*link = block;
		link = &shared->next_block[block];
	}
	return 0;
}

/* A place in a chain of blocks. */
struct place_in {
	uint32_t block;
	size_t at;
};

static struct place_in
drafts_seek(const struct drafts *drafts, const struct draft *draft, int64_t offset)
{
	struct place_in place = { .block = draft->first_block,
		.at = (size_t)offset % BLOCK_SIZE };

	for (int64_t skip = offset / BLOCK_SIZE; skip > 0; skip--)
		place.block = drafts->shared->next_block[place.block];
	return place;
}

/* The bytes at the place, as many of `left` as its block has; the place moves to the next block. */
static char *
drafts_part(const struct drafts *drafts, struct place_in *place, size_t left, size_t *part)
{
	char *bytes = drafts->shared->blocks[place->block] + place->at;

	*part = BLOCK_SIZE - place->at < left ? BLOCK_SIZE - place->at : left;
	place->at = 0;
	place->block = drafts->shared->next_block[place->block];
	return bytes;
}

int
drafts_write(
	struct drafts *drafts, uint32_t slot, const char *bytes, size_t size, int64_t offset)
{
	struct draft *draft = drafts_at(drafts, slot);
	int64_t end = offset + (int64_t)size;
	struct place_in place;

	if (size == 0)
		return 0;
	if (drafts_extend(drafts, draft, end > draft->size ? end : draft->size))
		return -ENOSPC;
	place = drafts_seek(drafts, draft, offset);
	for (size_t done = 0, part; done < size; done += part) {
		char *to = drafts_part(drafts, &place, size - done, &part);

		memcpy(to, bytes + done, part);
	}
	if (end > draft->size)
		draft->size = end;
	draft->written = true;
	draft->dirty = true;
	draft->refused = 0;
	return 0;
}

size_t
drafts_read(
	const struct drafts *drafts, uint32_t slot, char *bytes, size_t size, int64_t offset)
{
	const struct draft *draft = drafts_at(drafts, slot);
	struct place_in place;

	if (offset < 0 || offset >= draft->size)
		return 0;
	if ((int64_t)size > draft->size - offset)
		size = (size_t)(draft->size - offset);
	place = drafts_seek(drafts, draft, offset);
	for (size_t done = 0, part; done < size; done += part) {
		const char *from = drafts_part(drafts, &place, size - done, &part);

		memcpy(bytes + done, from, part);
	}
	return size;
}

int
drafts_truncate(struct drafts *drafts, uint32_t slot, int64_t size)
{
	struct draft *draft = drafts_at(drafts, slot);
	uint32_t *link = &draft->first_block, rest;

	if (size == draft->size)
		return 0;
	draft->written = draft->written && size > 0;
	draft->dirty = true;
	draft->refused = 0;
	if (size > draft->size) {
		if (drafts_extend(drafts, draft, size))
			return -ENOSPC;
		draft->size = size;
		return 0;
	}
	draft->size = size;
	for (uint32_t keep = blocks_for(size); keep > 0; keep--) {
		/* What is cut off must read as zeros if the file grows again (ftruncate(2)). */
		if (keep == 1 && size % BLOCK_SIZE)
			memset(drafts->shared->blocks[*link] + size % BLOCK_SIZE, 0,
				BLOCK_SIZE - (size_t)(size % BLOCK_SIZE));
		link = &drafts->shared->next_block[*link];
	}
	rest = *link;
	*link = BLOCK_NONE;
	drafts_free_chain(drafts, rest);
	return 0;
}

/* ---- slots ---- */

/* The draft that this request has made before a crash of the engine process. */
static uint32_t
drafts_created_by(const struct drafts *drafts, const struct draft_new *new)
{
	uint32_t slot = new->name ? drafts_find(drafts, new->queue_id, new->name) : INDEX_END;

	return slot != INDEX_END && drafts_at(drafts, slot)->created_by == new->created_by
		       ? slot
		       : INDEX_END;
}

int
drafts_create(struct drafts *drafts, const struct draft_new *new, uint32_t *slot)
{
	struct draft *draft;

	*slot = drafts_created_by(drafts, new);
	if (*slot != INDEX_END)
		return 0;
	if (!drafts->free_slot_count)
		return -ENFILE;
	*slot = drafts->free_slots[--drafts->free_slot_count];
	draft = drafts_at(drafts, *slot);
	*draft = (struct draft){
		.serial = drafts->shared->next_serial++,
		.created_by = new->created_by,
		.queue_id = new->queue_id,
		.atime_ms = new->now_ms,
		.mtime_ms = new->now_ms,
		.ctime_ms = new->now_ms,
		.uid = new->uid,
		.gid = new->gid,
		.pid = new->pid,
		.mode = new->mode,
		.nameless = !new->name,
	};
	if (new->name) {
		strncpy(draft->name, new->name, sizeof draft->name - 1);
		index_add(&drafts->by_name, draft_hash(draft), *slot);
	}
	draft->state = DRAFT_OPEN;
	return 0;
}

void
drafts_free(struct drafts *drafts, uint32_t slot)
{
	struct draft *draft = drafts_at(drafts, slot);
	uint32_t blocks = draft->first_block;

	assert(draft->state != DRAFT_FREE);
	if (draft_is_named(draft))
		index_remove(&drafts->by_name, draft_hash(draft), slot);
	draft->state = DRAFT_FREE;
	draft->first_block = BLOCK_NONE;
	drafts_free_chain(drafts, blocks);
	drafts->free_slots[drafts->free_slot_count++] = slot;
}

uint32_t
drafts_find(const struct drafts *drafts, int64_t queue_id, const char *name)
{
	uint32_t slot = index_first(&drafts->by_name, hash_name(queue_id, name));

	for (; slot != INDEX_END; slot = index_next(&drafts->by_name, slot)) {
		const struct draft *draft = drafts_at(drafts, slot);

		if (draft->queue_id == queue_id && strcmp(draft->name, name) == 0)
			return slot;
	}
	return INDEX_END;
}

int64_t
drafts_id(const struct drafts *drafts, uint32_t slot)
{
	return slot_id(slot, drafts_at(drafts, slot)->serial);
}

struct draft *
drafts_get(const struct drafts *drafts, int64_t id)
{
	struct draft *draft = drafts_at(drafts, slot_of(id));

	return draft->state != DRAFT_FREE && drafts_id(drafts, slot_of(id)) == id ? draft
										  : NULL;
}

void
drafts_rename(struct drafts *drafts, uint32_t slot, int64_t queue_id, const char *name)
{
	struct draft *draft = drafts_at(drafts, slot);

	drafts_unname(drafts, slot);
	draft->nameless = false;
	draft->queue_id = queue_id;
	memset(draft->name, 0, sizeof draft->name);
	strncpy(draft->name, name, sizeof draft->name - 1);
	index_add(&drafts->by_name, draft_hash(draft), slot);
}

void
drafts_unname(struct drafts *drafts, uint32_t slot)
{
	struct draft *draft = drafts_at(drafts, slot);

	if (draft->nameless)
		return;
	index_remove(&drafts->by_name, draft_hash(draft), slot);
	draft->nameless = true;
}
