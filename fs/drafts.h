/*
 * Drafts: files that are still being written, in the shared mapping. Used by the loop's thread
 * only. Bytes lie in chains of blocks; their sum is bounded by the mapping (ENOSPC at write).
 */
#ifndef FS_DRAFTS_H
#define FS_DRAFTS_H

#include "fs/index.h"
#include "fs/shared.h"

struct drafts {
	struct shared *shared;
	struct slot_index by_name;
	uint32_t *free_slots, *free_blocks; /* stacks */
	uint32_t free_slot_count, free_block_count;
};

/* Reads the shared mapping: what is free is what no draft has. Returns 0 or -ENOMEM. */
int drafts_init(struct drafts *drafts, struct shared *shared);
void drafts_release(struct drafts *drafts);

/* What a new draft is; `name` is copied. */
struct draft_new {
	uint64_t created_by;
	int64_t queue_id, now_ms;
	const char *name; /* NULL: nameless, written through `new` */
	uid_t uid;
	gid_t gid;
	pid_t pid;
	mode_t mode;
};
/* Returns 0 and the slot, or -ENFILE when all are in use. A request that is executed again gets
 * the named draft that it had made. */
int drafts_create(struct drafts *drafts, const struct draft_new *new, uint32_t *slot);
void drafts_free(struct drafts *drafts, uint32_t slot);

/* The draft of this name that is open or on its way to the store; INDEX_END: none. */
uint32_t drafts_find(const struct drafts *drafts, int64_t queue_id, const char *name);
/* The draft with this slot_id(); NULL when that use of the slot is over. */
struct draft *drafts_get(const struct drafts *drafts, int64_t id);
struct draft *drafts_at(const struct drafts *drafts, uint32_t slot);
int64_t drafts_id(const struct drafts *drafts, uint32_t slot);

/* Gives a draft another name and queue; what had that name must be gone. */
void drafts_rename(struct drafts *drafts, uint32_t slot, int64_t queue_id, const char *name);
/* Its name is free for others from now on. The caller has set its new state. */
void drafts_unname(struct drafts *drafts, uint32_t slot);

/* As pwrite(2), pread(2) and ftruncate(2). write and truncate: 0 or -ENOSPC, and then nothing
 * has changed; read: the number of bytes. */
int drafts_write(
	struct drafts *drafts, uint32_t slot, const char *bytes, size_t size, int64_t offset);
size_t drafts_read(
	const struct drafts *drafts, uint32_t slot, char *bytes, size_t size, int64_t offset);
int drafts_truncate(struct drafts *drafts, uint32_t slot, int64_t size);

#endif
