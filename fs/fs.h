/*
 * What the loop and the committer both read and neither changes: the queues as they were
 * configured, and who the files belong to.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/config.h"
#include "fs/shared.h"
#include "fs/tree.h"

struct fs_queue {
	int64_t id;
	const struct config_queue *config;
	struct config_permission faces[CONFIG_FACES]; /* all set */
};

struct fs {
	const struct config *config;
	struct shared *shared;
	struct fuse_session *session;
	struct fs_queue *queues; /* as many as config->queue_count, in its order */
	int64_t mounted_ms;
	uid_t uid;
	gid_t gid;
	int64_t wait_max_ms; /* an open may wait this long: mount_wait_max_ms(); 0: for ever */
	bool initialised;    /* the kernel's INIT has been answered */
};

/* Both linear in the number of queues; NULL if there is none. */
const struct fs_queue *fs_queue_by_name(const struct fs *fs, const char *name);
const struct fs_queue *fs_queue_by_id(const struct fs *fs, int64_t queue_id);

/* The time of day, in milliseconds since the epoch. */
int64_t now_ms(void);
/* A clock that only goes forward, in microseconds. */
int64_t monotonic_us(void);

#endif
