/* The works on names that stand for jobs. See work_operate.c. */
#ifndef FS_WORK_NAME_H
#define FS_WORK_NAME_H

#include "fs/work.h"

extern const struct work_type work_name_gone; /* an event: a name has expired */

#endif
