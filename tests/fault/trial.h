/*
 * One step of the scenario, again and again, each time with another fault. Whatever fails, the
 * caller gets an errno that says so, and after the rollback all is as it was, in memory, in the
 * store, and in what a start would find. The fault gone, the same step works; nothing leaks.
 *
 * Calling sequence: trial_init(); for each step trial_measure(), then any number of times
 * trial_prepare(), the step, trial_check(); then trial_pass(); trial_release() in the end. Or
 * trial_each_fault(), which does all that. The program is linked with memory.h.
 */
#ifndef TESTS_FAULT_TRIAL_H
#define TESTS_FAULT_TRIAL_H

#include "tests/fault/scenario.h"

struct trial {
	struct disk *disk, *before, *image;
	struct scenario scenario; /* on disk; as it was before the step */
	size_t step;
	char *dump, *next; /* before the step, and after it */
	uint64_t random;
	int64_t faults;
	int64_t live; /* allocations, while nothing is open but `before` */
};

void trial_init(struct trial *it);
void trial_release(struct trial *it);
/* What the step makes of the store when nothing fails. */
void trial_measure(struct trial *it);
/* The steps before this one were made on `before`; now this one, on `disk`, in an engine just
 * opened. */
struct scenario trial_prepare(struct trial *it);
/* The step ended with `rc`, and the fault is gone. */
void trial_check(struct trial *it, struct scenario *scenario, int rc);
/* On `before` the step goes well, and that is the measure for the next. */
void trial_pass(struct trial *it);

/* Makes the n-th call fail; tells whether one did; is this what the caller may be told? */
typedef void fault_fn(struct trial *it, int64_t n);
typedef bool failed_fn(const struct trial *it);
typedef bool expected_fn(int rc);

#define EVERY INT64_MAX /* place; of `widen`: every one of the first so many, then ever fewer */

/* That, when EVERY is in the environment; else 20. */
int64_t trial_wider(void);
void trial_each_fault(
	fault_fn *arm, failed_fn *has_failed, expected_fn *expected, int64_t widen);

#endif
