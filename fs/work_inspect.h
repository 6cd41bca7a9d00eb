/* The works that look at jobs: names, attributes, contents. See work_inspect.c. */
#ifndef FS_WORK_INSPECT_H
#define FS_WORK_INSPECT_H

#include "fs/work.h"

extern const struct work_type work_lookup; /* work->name in the directory work->node */
extern const struct work_type
	work_getattr;                    /* of work->ino; flag: it is open, with work->size */
extern const struct work_type work_open; /* the content of work->ino for work->handle */
extern const struct work_type work_read; /* the same for a handle that lost its content */
extern const struct work_type work_readlink;
extern const struct work_type work_getxattr; /* work->name; work->size 0: how long is it? */
extern const struct work_type work_listxattr;
extern const struct work_type work_readdir; /* after work->offset; flag: readdirplus */

/* Does a file of this class stand for a job that the store knows? */
bool work_is_of_job(fuse_ino_t ino);

/* What work->name means in rejected/: work->job, or (*twin) its twin. 0, -ENOENT or the store's. */
int work_find_rejected(struct committer *committer, struct work *work, bool *twin);

#endif
