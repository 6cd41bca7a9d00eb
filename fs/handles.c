/* Open files. See handles.h. */
#include "fs/handles.h"

#include <errno.h>
#include <string.h>

static uint64_t
handle_number(const struct handles *handles, uint32_t slot)
{
	return (uint64_t)handles->shared->handles[slot].serial << 32 | slot;
}

static void
handles_add(struct handles *handles, uint32_t at)
{
	const struct handle *handle = &handles->shared->handles[at];

	index_add(&handles->by_ino, hash_number(handle->ino), at);
	if (handle->kind == HANDLE_CLAIM)
		index_add(&handles->by_slot, hash_number(handle->slot), at);
}

int
handles_init(struct handles *handles, struct shared *shared)
{
	*handles = (struct handles){ .shared = shared };
	handles->free_slots = calloc(HANDLE_COUNT, sizeof *handles->free_slots);
	handles->contents = calloc(HANDLE_COUNT, sizeof *handles->contents);
	if (!handles->free_slots || !handles->contents ||
		index_init(&handles->by_ino, HANDLE_COUNT) ||
		index_init(&handles->by_slot, HANDLE_COUNT)) {
		handles_release(handles);
		return -ENOMEM;
	}
	for (uint32_t slot = HANDLE_COUNT; slot-- > 0;) {
		const struct handle *handle = &shared->handles[slot];

		if (handle->kind == HANDLE_FREE)
			handles->free_slots[handles->free_count++] = slot;
		else
			handles_add(handles, slot);
	}
	return 0;
}

void
handles_release(struct handles *handles)
{
	for (uint32_t slot = 0; handles->contents && slot < HANDLE_COUNT; slot++)
		free(handles->contents[slot].bytes);
	free(handles->contents);
	free(handles->free_slots);
	index_release(&handles->by_ino);
	index_release(&handles->by_slot);
}

bool
handles_opened(const struct handles *handles, fuse_ino_t ino, uint64_t unique, uint64_t *number)
{
	uint32_t slot = index_first(&handles->by_ino, hash_number(ino));

	for (; slot != INDEX_END; slot = index_next(&handles->by_ino, slot)) {
		const struct handle *handle = &handles->shared->handles[slot];

		if (handle->ino != ino || handle->opened_by != unique)
			continue;
		*number = handle_number(handles, slot);
		return true;
	}
	return false;
}

int
handles_open(struct handles *handles, enum handle_kind kind, fuse_ino_t ino, uint32_t slot,
	bool writes, uint64_t opened_by, uint64_t *number)
{
	uint32_t at;

	if (handles_opened(handles, ino, opened_by, number))
		return 0;
	if (!handles->free_count)
		return -ENFILE;
	at = handles->free_slots[--handles->free_count];
	handles->shared->handles[at] = (struct handle){
		.serial = handles->shared->next_serial++,
		.opened_by = opened_by,
		.ino = ino,
		.slot = slot,
		.writes = writes,
	};
	handles->shared->handles[at].kind = kind;
	handles_add(handles, at);
	*number = handle_number(handles, at);
	return 0;
}

struct handle *
handles_get(const struct handles *handles, uint64_t number)
{
	uint32_t slot = (uint32_t)number;

	if (slot >= HANDLE_COUNT || handles->shared->handles[slot].kind == HANDLE_FREE ||
		handle_number(handles, slot) != number)
		return NULL;
	return &handles->shared->handles[slot];
}

void
handles_close(struct handles *handles, uint64_t number)
{
	struct handle *handle = handles_get(handles, number);
	uint32_t slot = (uint32_t)number;

	if (!handle)
		return; /* closed before the crash after which it is closed again */
	index_remove(&handles->by_ino, hash_number(handle->ino), slot);
	if (handle->kind == HANDLE_CLAIM)
		index_remove(&handles->by_slot, hash_number(handle->slot), slot);
	handle->kind = HANDLE_FREE;
	free(handles->contents[slot].bytes);
	handles->contents[slot] = (struct content){ 0 };
	handles->free_slots[handles->free_count++] = slot;
}

struct handle *
handles_on(const struct handles *handles, fuse_ino_t ino)
{
	uint32_t slot = index_first(&handles->by_ino, hash_number(ino));

	for (; slot != INDEX_END; slot = index_next(&handles->by_ino, slot))
		if (handles->shared->handles[slot].ino == ino)
			return &handles->shared->handles[slot];
	return NULL;
}

unsigned
handles_writing(const struct handles *handles, fuse_ino_t ino)
{
	uint32_t slot = index_first(&handles->by_ino, hash_number(ino));
	unsigned count = 0;

	for (; slot != INDEX_END; slot = index_next(&handles->by_ino, slot)) {
		const struct handle *handle = &handles->shared->handles[slot];

		count += handle->ino == ino && handle->writes;
	}
	return count;
}

struct handle *
handles_of_worker(const struct handles *handles, uint32_t slot, const struct handle *before)
{
	uint32_t at = before ? index_next(&handles->by_slot,
				       (uint32_t)(before - handles->shared->handles))
			     : index_first(&handles->by_slot, hash_number(slot));

	for (; at != INDEX_END; at = index_next(&handles->by_slot, at))
		if (handles->shared->handles[at].slot == slot)
			return &handles->shared->handles[at];
	return NULL;
}

uint64_t
handles_number(const struct handles *handles, const struct handle *handle)
{
	return handle_number(handles, (uint32_t)(handle - handles->shared->handles));
}

struct content *
handles_content(const struct handles *handles, uint64_t number)
{
	return &handles->contents[(uint32_t)number];
}

void
handles_keep(struct handles *handles, uint64_t number, struct content *content)
{
	struct content *kept = handles_content(handles, number);

	if (!handles_get(handles, number))
		return;
	free(kept->bytes);
	*kept = *content;
	*content = (struct content){ 0 };
}
