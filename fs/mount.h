/*
 * Mounting: the session, a stale mount of ours, and the end.
 */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "fs/loop.h"
#include "fs/options.h"

/* Is a spoolfs mounted at this path? */
bool mount_is_ours(const char *mountpoint);

/* Checks the mount point, and removes a mount of spoolfs whose daemon is gone. Returns 0, or an
 * exit code after a line on the log. */
int mount_prepare(const char *mountpoint);

/* Opens the session with `loop` as its user data, mounts, and answers the kernel's INIT: from
 * then on requests wait for whoever serves the session. Returns 0, or an exit code and no session
 * is open. */
int mount_open(struct loop *loop, const struct options *options);

/*
 * How long a request may wait for its answer. Where fs.fuse.default_request_timeout or
 * max_request_timeout are set (sysctl, Linux 6.15), the kernel aborts the mount when one takes
 * longer: claims wait for half of that at most. Returns milliseconds; 0: for ever.
 */
int64_t mount_wait_max_ms(void);

/* Unmounts, also when something still uses the mount, and frees the session. */
void mount_close(struct loop *loop);

#endif
