#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/backoff.h"

static void
test_bulk_email(void **state)
{
	(void)state;
	const struct backoff backoff = { .base_ms = 5000, .max_ms = -1 };
	static const int64_t expected[] = { 5000, 10000, 20000, 40000, 80000 };
	for (int n = 1; n <= 5; n++)
		assert_int_equal(backoff_delay_ms(&backoff, n, UINT64_MAX), expected[n - 1]);
}

static void
test_saturates(void **state)
{
	(void)state;
	const struct backoff backoff = { .base_ms = 5000, .max_ms = -1 };
	for (int64_t n = 51; n <= 200; n++)
		assert_true(backoff_delay_ms(&backoff, n, 0) > INT64_C(1) << 61);
	assert_true(backoff_delay_ms(&backoff, 64, 0) == INT64_MAX);
	assert_true(backoff_delay_ms(&backoff, INT64_MAX, 0) == INT64_MAX);
}

static void
test_zero_is_zero_forever(void **state)
{
	(void)state;
	const struct backoff backoff = { .base_ms = 0, .max_ms = -1, .jitter = 1 };
	assert_int_equal(backoff_delay_ms(&backoff, INT64_MAX, 7), 0);
}

static void
test_cap(void **state)
{
	(void)state;
	const struct backoff backoff = { .base_ms = 1000, .max_ms = 3000 };
	assert_int_equal(backoff_delay_ms(&backoff, 1, 0), 1000);
	assert_int_equal(backoff_delay_ms(&backoff, 2, 0), 2000);
	assert_int_equal(backoff_delay_ms(&backoff, 3, 0), 3000);
	assert_int_equal(backoff_delay_ms(&backoff, 1000, 0), 3000);
}

static void
test_jitter_bounds(void **state)
{
	(void)state;
	const struct backoff quarter = { .base_ms = 1000, .max_ms = -1, .jitter = 0.25 };
	assert_int_equal(backoff_delay_ms(&quarter, 1, 0), 1000);
	assert_in_range(backoff_delay_ms(&quarter, 1, UINT64_MAX), 750, 751);
	assert_int_equal(backoff_delay_ms(&quarter, 1, UINT64_C(1) << 63), 875);
	uint64_t random = 1;
	for (int i = 0; i < 1000; i++) {
		random = random * 6364136223846793005U + 1442695040888963407U;
		assert_in_range(backoff_delay_ms(&quarter, 2, random), 1500, 2000);
	}
}

static void
test_jitter_of_the_longest(void **state)
{
	(void)state;
	const struct backoff all = { .base_ms = INT64_MAX, .max_ms = -1, .jitter = 1 };
	assert_true(backoff_delay_ms(&all, 1, 0) == INT64_MAX);
	assert_true(backoff_delay_ms(&all, 1, UINT64_MAX) >= 0);
}

static void
test_time_add(void **state)
{
	(void)state;
	assert_int_equal(time_add_ms(1, 2), 3);
	assert_true(time_add_ms(INT64_MAX, 1) == INT64_MAX);
	assert_true(time_add_ms(INT64_MAX - 5, 5) == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bulk_email),
		cmocka_unit_test(test_saturates),
		cmocka_unit_test(test_zero_is_zero_forever),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_jitter_bounds),
		cmocka_unit_test(test_jitter_of_the_longest),
		cmocka_unit_test(test_time_add),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
