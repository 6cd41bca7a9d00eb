/*
 * The n-th call of the disk fails, at each step of the scenario, until the step passes untouched:
 * once, from then on, for lack of room, or as it reads. What has to hold then: trial.h. From then on:
 * one in ever more, or with EVERY=1 in the environment every one, as in the others.
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

static bool
disk_has_failed(const struct trial *it)
{
	return it->disk->failed;
}

static bool
is_io_error(int rc)
{
	return rc == -EIO;
}

/* Some calls have no word for it: truncating, mapping. */
static bool
is_full(int rc)
{
	return rc == -ENOSPC || rc == -EIO;
}

static void
arm_once(struct trial *it, int64_t n)
{
	it->disk->fail_after = n;
}

static void
arm_for_good(struct trial *it, int64_t n)
{
	it->disk->fail_after = n;
	it->disk->lasting = true;
}

static void
arm_full(struct trial *it, int64_t n)
{
	it->disk->fail_after = n;
	it->disk->fail_code = SQLITE_FULL;
	it->disk->fail_calls = DISK_OPEN | DISK_WRITE | DISK_SYNC | DISK_SHM;
	it->disk->lasting = true;
}

static void
arm_reads(struct trial *it, int64_t n)
{
	it->disk->fail_after = n;
	it->disk->fail_calls = DISK_LOOKS;
}

static void
arm_reads_for_good(struct trial *it, int64_t n)
{
	arm_reads(it, n);
	it->disk->lasting = true;
}

static void
test_disk_fails_once(void **state)
{
	(void)state;
	trial_each_fault(arm_once, disk_has_failed, is_io_error, EVERY);
}

static void
test_disk_fails_for_good(void **state)
{
	(void)state;
	trial_each_fault(arm_for_good, disk_has_failed, is_io_error, trial_wider());
}

static void
test_disk_is_full_suddenly(void **state)
{
	(void)state;
	trial_each_fault(arm_full, disk_has_failed, is_full, EVERY);
}

static void
test_reads_fail(void **state)
{
	(void)state;
	trial_each_fault(arm_reads, disk_has_failed, is_io_error, EVERY);
}

static void
test_reads_fail_for_good(void **state)
{
	(void)state;
	trial_each_fault(arm_reads_for_good, disk_has_failed, is_io_error, trial_wider());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disk_fails_once),
		cmocka_unit_test(test_disk_fails_for_good),
		cmocka_unit_test(test_disk_is_full_suddenly),
		cmocka_unit_test(test_reads_fail),
		cmocka_unit_test(test_reads_fail_for_good),
	};
	return cmocka_run_group_tests(tests, memory_set_up, NULL);
}
