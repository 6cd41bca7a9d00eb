/*
 * The holder: keeps the session with the kernel, and an engine process that serves it. When
 * that dies by a signal another takes its place and gets every unanswered request again, so
 * callers only wait. One that dies again and again ends the mount. A kernel that does not send again
 * (before Linux 6.9) loses what was under way: there the mount is renewed, and callers get an error.
 */
#ifndef FS_HOLDER_H
#define FS_HOLDER_H

#include "fs/loop.h"

struct holder_calls {
	void *context;
	/* Requests are answered: called in every engine process, and once in the holder. */
	void (*ready)(void *context, bool in_holder);
	/* Mounts anew: the kernel has forgotten what was under way. Returns 0 or an exit code. */
	int (*renew)(void *context);
};

/* Runs until the mount ends, or SIGTERM or SIGINT comes. Returns the exit code of the program.
 */
int holder_run(struct loop *loop, const struct holder_calls *calls);

#endif
