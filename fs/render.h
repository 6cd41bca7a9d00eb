/*
 * Texts about jobs: the twin, the extended attributes, README. Rendered anew each time.
 */
#ifndef FS_RENDER_H
#define FS_RENDER_H

#include <stddef.h>

#include "engine/engine.h"
#include "fs/fs.h"
#include "fs/work.h"

/* RECEIPT.json: one JSON object. Returns 0, -ENOMEM, or an error of the engine. */
int render_twin(struct engine *engine, const struct fs_queue *queue, const struct job *job,
	struct content *content);

/* MOUNT/README. Returns 0 or -ENOMEM. */
int render_readme(const struct fs *fs, struct content *content);

/* The value of the extended attribute `name` (user.spoolfs.*) of a job, without a NUL.
 * Returns 0, -ENODATA, -ENOMEM. */
int render_xattr(struct engine *engine, const struct fs_queue *queue, const struct job *job,
	const char *name, struct content *content);
/* The names of those that it has, each ended by a NUL, as listxattr(2) wants them. */
int render_xattr_list(struct engine *engine, const struct fs_queue *queue,
	const struct job *job, struct content *content);

#endif
