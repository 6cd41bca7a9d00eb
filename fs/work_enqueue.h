/* The works that make jobs of drafts. See work_enqueue.c. */
#ifndef FS_WORK_ENQUEUE_H
#define FS_WORK_ENQUEUE_H

#include "fs/work.h"

extern const struct work_type work_create;  /* a draft in a queue with max_jobs */
extern const struct work_type work_stage;   /* FLUSH: its bytes, durable and invisible */
extern const struct work_type work_publish; /* RELEASE of what is staged */
extern const struct work_type work_enqueue; /* RENAME: both at once, or an error */
extern const struct work_type work_settle;  /* RELEASE with bytes: a job, or rejected */
extern const struct work_type work_unstage; /* the draft was removed or emptied */
extern const struct work_type work_reopen;  /* a name that is a job is opened for writing */

/* The loop's part of these, for works that are like them. */
void work_stage_finish(struct loop *loop, struct work *work);
void work_publish_finish(struct loop *loop, struct work *work);

#endif
