/*
 * How long a job rests after a failure. Pure: the random number is an argument.
 */
#ifndef ENGINE_BACKOFF_H
#define ENGINE_BACKOFF_H

#include <stdint.h>

struct backoff {
	int64_t base_ms; /* >= 0 */
	int64_t max_ms;  /* -1: none */
	double jitter;   /* 0..1 */
};

/*
 * The delay after failure number `failures` (from 1): base_ms * 2^(failures-1), saturating at
 * INT64_MAX, at most max_ms; drawn evenly from [d * (1 - jitter), d] by `random`.
 */
int64_t backoff_delay_ms(const struct backoff *backoff, int64_t failures, uint64_t random);

/* a + b, INT64_MAX when it is more than that. Both >= 0. */
int64_t time_add_ms(int64_t a, int64_t b);

#endif
