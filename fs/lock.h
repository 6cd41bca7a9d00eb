/*
 * The lock of a store: two daemons never share one. It is held by the holder and the engine
 * process together, and goes with the last of them, however they end (flock(2)).
 */
#ifndef FS_LOCK_H
#define FS_LOCK_H

#include <limits.h>

/* Who holds a lock, as its file says. */
struct lock_owner {
	int pid;
	char mountpoint[PATH_MAX];
};

/* Takes the lock of the store at `store` for `mountpoint`. A daemon whose mount or whose
 * holder has gone is ending: that is waited for. Returns 0; -EWOULDBLOCK, and *owner holds it; or -errno. */
int lock_store(const char *store, const char *mountpoint, struct lock_owner *owner);

/* Makes the folder the store lies in, with its parents, mode 0700. Returns 0 or -errno. */
int lock_make_folder(const char *store);

#endif
