/*
 * Where a request is in the tree: the fixed entry that an inode number names, and its queue.
 */
#ifndef FS_PLACE_H
#define FS_PLACE_H

#include "fs/loop.h"

struct place {
	enum node node;
	const struct fs_queue *queue; /* NULL in the root */
	const char *folder;           /* of drafts, in QUEUE/: its name; else NULL */
};

/* Returns 0 or -ENOENT: the folder has been removed, or its queue taken out of the configuration. */
int place_find(const struct loop *loop, fuse_ino_t number, struct place *place);

/* The name that a draft called `name` there has in its queue. Returns 0 or -ENAMETOOLONG. */
int place_name(const struct place *place, const char *name, char full[FS_NAME_MAX + 1]);
/* The other way round: what a draft is called there, a part of `full`; NULL: it is somewhere else. */
const char *place_shows(const struct place *place, const char *full);

/* What stat(2) tells of a fixed entry, and for how long that holds. Returns 0 or -ENOMEM. */
int place_attr(struct loop *loop, const struct place *place, struct stat *attr);
double place_timeout(const struct place *place);

#endif
