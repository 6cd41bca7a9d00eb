/*
 * The holder: keeps the session with the kernel, and an engine process that serves it. When
 * that dies by a signal another takes its place and gets every unanswered request again, so
 * callers only wait. One that dies again and again ends the mount.
 */
#ifndef FS_HOLDER_H
#define FS_HOLDER_H

#include "fs/loop.h"

/* Called when requests are answered: in every engine process, and once in the holder. */
typedef void holder_ready_fn(void *context, bool in_holder);

/* Runs until the mount ends, or SIGTERM or SIGINT comes. Returns the exit code of the program.
 */
int holder_run(struct loop *loop, holder_ready_fn *ready, void *context);

#endif
