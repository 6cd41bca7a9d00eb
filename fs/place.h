/*
 * Where a request is in the tree: the fixed entry that an inode number names, and its queue.
 */
#ifndef FS_PLACE_H
#define FS_PLACE_H

#include "fs/loop.h"

struct place {
	enum node node;
	const struct fs_queue *queue; /* NULL in the root */
};

/* Returns 0 or -ENOENT: its queue has been taken out of the configuration. */
int place_find(const struct loop *loop, fuse_ino_t number, struct place *place);

/* What stat(2) tells of a fixed entry, and for how long that holds. Returns 0 or -ENOMEM. */
int place_attr(struct loop *loop, const struct place *place, struct stat *attr);
double place_timeout(const struct place *place);

#endif
