/* The works of operators: what rm, mv and touch do to a job. See work_operate.c. */
#ifndef FS_WORK_OPERATE_H
#define FS_WORK_OPERATE_H

#include "fs/work.h"

extern const struct work_type work_remove;     /* rm work->name in work->node */
extern const struct work_type work_move;       /* mv it to target_node of target_queue_id */
extern const struct work_type work_reschedule; /* touch -d time_ms on work->ino */

#endif
