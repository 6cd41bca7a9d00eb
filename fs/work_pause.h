/* Pausing a queue. See work_pause.c. */
#ifndef FS_WORK_PAUSE_H
#define FS_WORK_PAUSE_H

#include "fs/work.h"

/* work->target: why, "" to resume; new.uid and new.pid: who. Answered as a write of work->size
 * bytes, as a setattr (flag), or as a release of work->handle. */
extern const struct work_type work_pause;

#endif
