/*
 * The n-th allocation fails, at each step of the scenario, until the step passes untouched. What
 * has to hold then: trial.h.
 *
 * EVERY=1 in the environment: every single allocation, which takes some minutes. Else every one of
 * the first twenty of a step, then one in ever more.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fault/memory.h"
#include "tests/fault/trial.h"

static void
arm_once(struct trial *it, int64_t n)
{
	(void)it;
	memory_refuse(n, false);
}

static void
arm_for_good(struct trial *it, int64_t n)
{
	(void)it;
	memory_refuse(n, true);
}

static bool
has_failed(const struct trial *it)
{
	(void)it;
	return memory_was_refused();
}

static bool
is_no_memory(int rc)
{
	return rc == -ENOMEM;
}

static void
test_memory_fails_once(void **state)
{
	(void)state;
	trial_each_fault(arm_once, has_failed, is_no_memory, trial_wider());
}

static void
test_memory_fails_for_good(void **state)
{
	(void)state;
	trial_each_fault(arm_for_good, has_failed, is_no_memory, trial_wider());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_fails_once),
		cmocka_unit_test(test_memory_fails_for_good),
	};
	return cmocka_run_group_tests(tests, memory_set_up, NULL);
}
