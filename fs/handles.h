/*
 * Open files. A handle's number goes to the kernel and comes back with every request; it says
 * which slot and which use of it. What a reader reads is kept with the handle, in this process;
 * after a crash it is fetched again. Used by the loop's thread only.
 */
#ifndef FS_HANDLES_H
#define FS_HANDLES_H

#include "fs/index.h"
#include "fs/shared.h"
#include "fs/work.h"

struct handles {
	struct shared *shared;
	struct slot_index by_ino;
	struct slot_index by_slot; /* claims, by their worker's */
	uint32_t *free_slots;
	uint32_t free_count;
	struct content *contents; /* by slot; bytes NULL: not here */
};

/* Returns 0 or -ENOMEM. */
int handles_init(struct handles *handles, struct shared *shared);
void handles_release(struct handles *handles);

/* Returns 0 and the number, or -ENFILE. A request that is executed again, after a crash of the
 * engine process, gets the handle it had got. */
int handles_open(struct handles *handles, enum handle_kind kind, fuse_ino_t ino, uint32_t slot,
	bool writes, uint64_t opened_by, uint64_t *number);
/* Has this request opened a handle on this inode number before a crash? Then which. */
bool handles_opened(
	const struct handles *handles, fuse_ino_t ino, uint64_t unique, uint64_t *number);
/* The handle of a number that the kernel sent; NULL for one that is not open. */
struct handle *handles_get(const struct handles *handles, uint64_t number);
void handles_close(struct handles *handles, uint64_t number);

/* Any open handle on this inode number, NULL if there is none; the number of those that write.
 */
struct handle *handles_on(const struct handles *handles, fuse_ino_t ino);
unsigned handles_writing(const struct handles *handles, fuse_ino_t ino);

/* The claims of the worker in `slot` that are open: `before` NULL gives one, and each the next,
 * until NULL. */
struct handle *handles_of_worker(
	const struct handles *handles, uint32_t slot, const struct handle *before);
uint64_t handles_number(const struct handles *handles, const struct handle *handle);

/* The content kept with a handle. handles_keep() takes the bytes over from *content. */
struct content *handles_content(const struct handles *handles, uint64_t number);
void handles_keep(struct handles *handles, uint64_t number, struct content *content);

#endif
