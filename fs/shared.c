/* The mapping that outlives the engine process. See shared.h. */
#include "fs/shared.h"

#include <stddef.h>
#include <sys/mman.h>

static void *
map(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

struct shared *
shared_new(uint64_t session, uint64_t bytes)
{
	uint32_t count = (uint32_t)(bytes / BLOCK_SIZE) + 1;
	struct shared *shared = map(sizeof *shared);
	uint32_t *next = map(count * sizeof *next);
	char(*blocks)[BLOCK_SIZE] = map((size_t)count * BLOCK_SIZE);

	if (!shared || !next || !blocks)
		return NULL; /* the caller exits */
	shared->block_count = count;
	shared->next_block = next;
	shared->blocks = blocks;
	shared->next_serial = 1;
	shared->session = session;
	return shared;
}
