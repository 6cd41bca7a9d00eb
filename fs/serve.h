/*
 * The engine process: the store, the engine, the committer and the loop, from start to end.
 */
#ifndef FS_SERVE_H
#define FS_SERVE_H

#include "fs/loop.h"

/* Opens the store once and closes it, in a child: is it sound, ours, of this version? Returns
 * 0, or an exit code after a line on the log. */
int serve_check(const struct config *config);

/* The exit code of an engine process whose kernel cannot send requests again: EX_PROTOCOL. */
#define SERVE_RENEW 76

/* Serves the session. `ready` is called once requests are answered. Returns an exit code: 0
 * when the mount has ended or SIGTERM came. */
int serve(struct loop *loop, void (*ready)(void *context), void *context);

#endif
