/*
 * Which process a worker's name is bound to. A worker named 4711, or host.4711, is the process
 * with that number if it asks itself or one of its descendants does: the first of the caller and
 * its ancestors that has it in its own pid namespace, so that the `1` of one container is not that
 * of another. All is read from /proc while the caller waits for its answer.
 *
 * A claimant's pid is the number in our pid namespace; its start tells it from others that had or
 * will have the number, also after a restart of the host. Nothing here waits for a process: one in
 * execve(2) may be waiting for us.
 */
#ifndef FS_CLAIMANT_H
#define FS_CLAIMANT_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/engine.h"

/* The digits a worker's name consists of, or has behind its last dot, as a number; 0: none. */
int64_t claimant_number(const char *worker);

/*
 * Whom `worker` is bound to when the thread `tid` asks: pid 0, nobody, when the name has no
 * number, the caller cannot be seen (tid 0), or no process within 64 generations has the number.
 * Reads one file of /proc a generation, and nothing for names without a number.
 */
void claimant_find(const char *worker, pid_t tid, struct claimant *by);

/* The process of the thread `tid` itself, and its number in its own pid namespace; 0 for a caller
 * that cannot be seen. */
void claimant_self(pid_t tid, struct claimant *self, int64_t *number);

/* Is there this process, and has it not ended? `exiting`: one that is just ending has. */
bool claimant_lives(const struct claimant *by, bool exiting);

#endif
