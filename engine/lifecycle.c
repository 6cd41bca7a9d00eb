#include "engine/lifecycle.h"

#include <assert.h>
#include <errno.h>

/* What is not here is JOB_NONE. Where that means "refused" and where "the record goes" is told
 * apart by the events that end a record: see ends(). */
static const enum job_state table[JOB_STATES][JOB_EVENTS] = {
	[JOB_NONE] = {
		[EVENT_STAGE] = JOB_STAGED,
		[EVENT_PUBLISH] = JOB_WAITING,
		[EVENT_PUBLISH_LATER] = JOB_BACKOFF,
		[EVENT_REJECT] = JOB_REJECTED,
	},
	[JOB_STAGED] = {
		[EVENT_PUBLISH] = JOB_WAITING,
		[EVENT_PUBLISH_LATER] = JOB_BACKOFF,
		[EVENT_REJECT] = JOB_REJECTED,
	},
	[JOB_WAITING] = {
		[EVENT_CLAIM] = JOB_RUNNING,
		[EVENT_POSTPONE] = JOB_BACKOFF,
		[EVENT_CANCEL] = JOB_DONE,
		[EVENT_BURY] = JOB_DEAD,
		[EVENT_MOVE] = JOB_WAITING,
	},
	[JOB_BACKOFF] = {
		[EVENT_DUE] = JOB_WAITING,
		[EVENT_POSTPONE] = JOB_BACKOFF,
		[EVENT_CANCEL] = JOB_DONE,
		[EVENT_BURY] = JOB_DEAD,
		[EVENT_MOVE] = JOB_WAITING,
	},
	[JOB_RUNNING] = {
		[EVENT_DONE] = JOB_DONE,
		[EVENT_FAIL] = JOB_BACKOFF,
		[EVENT_EXHAUST] = JOB_DEAD,
		[EVENT_GIVE_UP] = JOB_DEAD,
		[EVENT_RELEASE] = JOB_WAITING,
		[EVENT_RELEASE_LATER] = JOB_BACKOFF,
		[EVENT_BURY] = JOB_DEAD,
	},
	[JOB_DEAD] = {
		[EVENT_CANCEL] = JOB_DONE,
		[EVENT_REDRIVE] = JOB_WAITING,
		[EVENT_MOVE] = JOB_WAITING,
	},
	[JOB_REJECTED] = {
		[EVENT_CANCEL] = JOB_DONE,
		[EVENT_RESUBMIT] = JOB_WAITING,
	},
};

static const char *const state_names[JOB_STATES] = {
	[JOB_NONE] = "none",
	[JOB_STAGED] = "staged",
	[JOB_WAITING] = "waiting",
	[JOB_BACKOFF] = "backoff",
	[JOB_RUNNING] = "running",
	[JOB_DEAD] = "dead",
	[JOB_DONE] = "done",
	[JOB_REJECTED] = "rejected",
};

static const char *const event_names[JOB_EVENTS] = {
	[EVENT_STAGE] = "stage",
	[EVENT_UNSTAGE] = "unstage",
	[EVENT_PUBLISH] = "publish",
	[EVENT_PUBLISH_LATER] = "publish later",
	[EVENT_CLAIM] = "claim",
	[EVENT_DONE] = "done",
	[EVENT_FAIL] = "fail",
	[EVENT_EXHAUST] = "exhaust",
	[EVENT_GIVE_UP] = "give up",
	[EVENT_RELEASE] = "release",
	[EVENT_RELEASE_LATER] = "release later",
	[EVENT_DUE] = "due",
	[EVENT_POSTPONE] = "postpone",
	[EVENT_CANCEL] = "cancel",
	[EVENT_BURY] = "bury",
	[EVENT_REDRIVE] = "redrive",
	[EVENT_MOVE] = "move",
	[EVENT_EXPIRE] = "expire",
	[EVENT_REJECT] = "reject",
	[EVENT_RESUBMIT] = "resubmit",
};

/* The two events after which nothing is left. */
static bool
ends(enum job_state state, enum job_event event)
{
	return (state == JOB_STAGED && event == EVENT_UNSTAGE) ||
	       (state == JOB_DONE && event == EVENT_EXPIRE);
}

int
lifecycle_next(enum job_state state, enum job_event event, enum job_state *next)
{
	assert((unsigned)state < JOB_STATES && (unsigned)event < JOB_EVENTS);

	*next = table[state][event];
	if (*next != JOB_NONE || ends(state, event))
		return 0;
	/* An operator may try again when the worker is through. */
	if (state == JOB_RUNNING && table[JOB_WAITING][event] != JOB_NONE &&
		event != EVENT_CLAIM)
		return -EBUSY;
	return -EPERM;
}

bool
lifecycle_live(enum job_state state)
{
	return state == JOB_WAITING || state == JOB_BACKOFF || state == JOB_RUNNING;
}

const char *
lifecycle_state_name(enum job_state state)
{
	assert((unsigned)state < JOB_STATES);
	return state_names[state];
}

const char *
lifecycle_event_name(enum job_event event)
{
	assert((unsigned)event < JOB_EVENTS);
	return event_names[event];
}
