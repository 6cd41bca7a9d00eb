#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/lifecycle.h"

/* The life of a job once more, by hand: a row per state, a letter per event. N, S, W, B, R, D, E:
 * none, staged, waiting, backoff, running, dead, ended, rejected (X); - refused; ! busy. */
static const char *const expected[JOB_STATES] = {
	/*                 stage unstage publish later | claim done fail exhaust give-up release
	 *                 later | due postpone cancel bury redrive move expire reject resubmit */
	[JOB_NONE] = "S-WB-------"
		     "-------X-",
	[JOB_STAGED] = "-NWB-------"
		       "-------X-",
	[JOB_WAITING] = "----R------"
			"-BED-W---",
	[JOB_BACKOFF] = "-----------"
			"WBED-W---",
	[JOB_RUNNING] = "-----EBDDWB"
			"-!!D-!---",
	[JOB_DEAD] = "-----------"
		     "--E-WW---",
	[JOB_DONE] = "-----------"
		     "------N--",
	[JOB_REJECTED] = "-----------"
			 "--E-----W",
};

static char
letter_of(enum job_state state, enum job_event event)
{
	enum job_state next;
	int rc = lifecycle_next(state, event, &next);
	if (rc == -EBUSY)
		return '!';
	if (rc == -EPERM)
		return '-';
	assert_int_equal(rc, 0);
	return "NSWBRDEX"[next];
}

static void
test_every_cell(void **state)
{
	(void)state;
	for (int s = 0; s < JOB_STATES; s++)
		for (int e = 0; e < JOB_EVENTS; e++)
			if (letter_of((enum job_state)s, (enum job_event)e) != expected[s][e])
				fail_msg("%s, %s: %c, not %c",
					lifecycle_state_name((enum job_state)s),
					lifecycle_event_name((enum job_event)e),
					letter_of((enum job_state)s, (enum job_event)e),
					expected[s][e]);
}

static void
test_names_differ(void **state)
{
	(void)state;
	for (int a = 0; a < JOB_EVENTS; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(lifecycle_event_name((enum job_event)a),
				lifecycle_event_name((enum job_event)b));
	assert_string_equal(lifecycle_state_name(JOB_WAITING), "waiting");
	assert_string_equal(lifecycle_state_name(JOB_BACKOFF), "backoff");
	assert_string_equal(lifecycle_state_name(JOB_RUNNING), "running");
	assert_string_equal(lifecycle_state_name(JOB_DEAD), "dead");
}

static void
test_live(void **state)
{
	(void)state;
	for (int s = 0; s < JOB_STATES; s++)
		assert_int_equal(lifecycle_live((enum job_state)s),
			s >= JOB_WAITING && s <= JOB_RUNNING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_names_differ),
		cmocka_unit_test(test_live),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
