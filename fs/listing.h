/* The answer to readdir while it is being filled. */
#ifndef FS_LISTING_H
#define FS_LISTING_H

#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>

#define LISTING_DRAFTS (INT64_C(1) << 60)
#define LISTING_JOBS (INT64_C(1) << 61)

struct listing {
	fuse_req_t request;
	char *bytes;
	size_t used, size;
	bool plus;
};

/* Adds an entry whose successor is asked for with `offset`. Returns false when it is full. */
static inline bool
listing_add(struct listing *listing, const char *name, const struct fuse_entry_param *entry,
	int64_t offset)
{
	char *to = listing->bytes + listing->used;
	size_t room = listing->size - listing->used;
	size_t need = listing->plus ? fuse_add_direntry_plus(
					      listing->request, to, room, name, entry, offset)
				    : fuse_add_direntry(listing->request, to, room, name,
					      &entry->attr, offset);

	if (need > room)
		return false;
	listing->used += need;
	return true;
}

#endif
