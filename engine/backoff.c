#include "engine/backoff.h"

#include <assert.h>

static int64_t
doubled(int64_t base, int64_t times)
{
	while (times-- > 0 && base > 0 && base < INT64_MAX)
		base = time_add_ms(base, base);
	return base;
}

int64_t
backoff_delay_ms(const struct backoff *backoff, int64_t failures, uint64_t random)
{
	assert(failures >= 1 && backoff->base_ms >= 0);

	int64_t delay = doubled(backoff->base_ms, failures - 1);
	if (backoff->max_ms >= 0 && delay > backoff->max_ms)
		delay = backoff->max_ms;
	if (backoff->jitter <= 0)
		return delay;
	double share = (double)(random >> 11) * 0x1p-53; /* [0, 1) */
	double off = (double)delay * backoff->jitter * share;
	/* (double)INT64_MAX is 2^63, which is no int64_t. */
	int64_t less = off >= (double)delay ? delay : (int64_t)off;
	return delay - less;
}

int64_t
time_add_ms(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}
