/* Works and vectors of them. See work.h. */
#include "fs/work.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define WORKS_ROOM 64

struct work *
work_new(const struct work_type *type, fuse_req_t request)
{
	struct work *work = calloc(1, sizeof *work);

	if (!work)
		return NULL;
	work->type = type;
	work->request = request;
	work->references = 2;
	return work;
}

void
work_reset(struct work *work)
{
	free(work->content.bytes);
	work->content = (struct content){ 0 };
	job_release(&work->job);
	work->job = (struct job){ 0 };
	work->error = 0;
	work->again = false;
	work->taken = work->job_count = 0;
}

void
work_unref(struct work *work)
{
	if (atomic_fetch_sub(&work->references, 1) > 1)
		return;
	work_reset(work);
	free(work->body.bytes);
	free(work->name);
	free(work->target);
	free(work->words);
	free(work);
}

void
content_reply(fuse_req_t request, const struct content *content, size_t size, off_t offset)
{
	size_t from = (uint64_t)offset < content->size ? (size_t)offset : content->size;
	size_t left = content->size - from;

	(void)fuse_reply_buf(
		request, (const char *)content->bytes + from, left < size ? left : size);
}

int
works_add(struct works *works, struct work *work)
{
	if (works->count == works->room) {
		size_t room = works->room ? works->room * 2 : WORKS_ROOM;
		struct work **at = realloc(works->at, room * sizeof(struct work *));

		if (!at)
			return -ENOMEM;
		works->at = at;
		works->room = room;
	}
	works->at[works->count++] = work;
	return 0;
}

void
works_remove(struct works *works, size_t index)
{
	for (works->count--; index < works->count; index++)
		works->at[index] = works->at[index + 1];
}
