/*
 * What the benchmarks share: the job they all write, a clock, and samples of how long an
 * operation took. A program that measures prints one line on stdout:
 *
 *   JOBS_PER_SECOND P50_US P99_US
 */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAYLOAD_SIZE 200

/* How long each operation took, in the order they were done. */
struct samples {
	uint32_t *ns;
	size_t count, size; /* taken, and room for */
};

_Noreturn static inline void
die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, errno ? strerror(errno) : "failed");
	exit(1);
}

static inline uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A JSON document of PAYLOAD_SIZE bytes: every job of every benchmark. */
static inline const char *
payload(void)
{
	static char text[PAYLOAD_SIZE + 1];

	if (!text[0])
		snprintf(text, sizeof text,
			"{\"to\":\"%s\",\"template\":\"%s\",\"pad\":\"%0*d\"}",
			"someone@example.org", "welcome", PAYLOAD_SIZE - 58, 0);
	return text;
}

static inline void
samples_init(struct samples *samples, size_t size)
{
	*samples = (struct samples){ .ns = calloc(size, sizeof *samples->ns), .size = size };
	if (!samples->ns)
		die("samples");
}

static inline void
sample_add(struct samples *samples, uint64_t begin_ns)
{
	uint64_t ns = now_ns() - begin_ns;

	if (samples->count < samples->size)
		samples->ns[samples->count++] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

static inline int
sample_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Prints the line above; sorts the samples. */
static inline void
samples_print(struct samples *samples, double jobs_per_second)
{
	size_t n = samples->count;

	if (!n)
		die("nothing was measured");
	qsort(samples->ns, n, sizeof *samples->ns, sample_compare);
	printf("%.1f %.1f %.1f\n", jobs_per_second, (double)samples->ns[n / 2] / 1e3,
		(double)samples->ns[n - 1 - n / 100] / 1e3);
}

#endif
