/*
 * The life of a job: one table, state x event -> state. Pure: what stores and what decides are
 * apart. The drawing in spoolfs(7) is the same list.
 */
#ifndef ENGINE_LIFECYCLE_H
#define ENGINE_LIFECYCLE_H

#include <stdbool.h>

/* The numbers are in the store: append, never renumber. */
enum job_state {
	JOB_NONE = 0,     /* not there; also: refused */
	JOB_STAGED = 1,   /* on disk, not yet published: invisible */
	JOB_WAITING = 2,  /* may run when its group, the limit and a worker let it */
	JOB_BACKOFF = 3,  /* waits for its time */
	JOB_RUNNING = 4,  /* claimed */
	JOB_DEAD = 5,     /* out of retries, or buried */
	JOB_DONE = 6,     /* ended; the record is kept a minute for its name */
	JOB_REJECTED = 7, /* refused or cut off, and kept: no job yet */
	JOB_STATES,
};

enum job_event {
	EVENT_STAGE,
	EVENT_UNSTAGE,
	EVENT_PUBLISH,       /* due now */
	EVENT_PUBLISH_LATER, /* due in the future */
	EVENT_CLAIM,
	EVENT_DONE,
	EVENT_FAIL,    /* retries are left */
	EVENT_EXHAUST, /* failed, and none is left */
	EVENT_GIVE_UP, /* the worker's "dead" */
	EVENT_RELEASE, /* the worker's, or an operator's: the attempt does not count */
	EVENT_RELEASE_LATER,
	EVENT_DUE,      /* its time has come, or an operator says run now */
	EVENT_POSTPONE, /* touch -d with a future time */
	EVENT_CANCEL,   /* rm */
	EVENT_BURY,     /* mv to dead-letter/ */
	EVENT_REDRIVE,  /* mv from dead-letter/ */
	EVENT_MOVE,     /* mv to another queue: waits there */
	EVENT_EXPIRE,   /* the minute of a finished job is over */
	EVENT_REJECT,   /* it cannot become a job */
	EVENT_RESUBMIT, /* mv from rejected/ */
	JOB_EVENTS,
};

/* Returns 0 and the next state (JOB_NONE: the record goes), or why the event is refused:
 * -EPERM, or -EBUSY where it would be allowed if the job were not running. */
int lifecycle_next(enum job_state state, enum job_event event, enum job_state *next);

/* Waiting, in backoff or running: it counts for max_jobs and holds its place in its group. */
bool lifecycle_live(enum job_state state);

/* "waiting", "backoff", "running", "dead", ...: the contract's words. Static. */
const char *lifecycle_state_name(enum job_state state);
const char *lifecycle_event_name(enum job_event event);

#endif
