/*
 * A worker on one descriptor: reads a job, writes the verdict in words, reads the next one.
 *
 *   cc -o worker worker.c && ./worker spool/bulk-email/claim/w1
 *
 * The job of this one is to print what it gets, a line. Replace job_do().
 *
 * The claim is open for reading and writing, so its end is noticed: when this process dies, its job
 * has failed and is back after its backoff. Only living but stuck workers need timeout_ms.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOB_MAX (1024 * 1024) /* max_payload_bytes, if the queue does not set another */

static volatile sig_atomic_t stopping;

static void
stop(int signal)
{
	(void)signal;
	stopping = 1;
}

/* Returns the verdict. What begins with ':' after it is the reason, kept with the job. */
static const char *
job_do(const char *job, size_t size)
{
	if (size > JOB_MAX || memchr(job, '\0', size))
		return "dead: not a text"; /* it will never be one: no retries */
	if (fwrite(job, 1, size, stdout) != size || fputc('\n', stdout) == EOF ||
		fflush(stdout))
		return "retry in 30s: cannot print"; /* without `in 30s`: the queue's backoff */
	return "done";
}

/* Reads a job to its end, which is where read(2) returns 0. Returns its size, or -1. One
 * that is too long is cut. */
static ssize_t
job_read(int claim, char *job)
{
	size_t size = 0;
	ssize_t n;

	while ((n = read(claim, job + size, JOB_MAX + 1 - size)) > 0 ||
		(n < 0 && errno == EINTR && size > 0))
		size += n > 0 ? (size_t)n : 0;
	return n < 0 ? -1 : (ssize_t)size;
}

/* One write(2) is one verdict. It is on disk when that returns. */
static int
verdict_write(int claim, const char *words)
{
	ssize_t n;

	do
		n = write(claim, words, strlen(words));
	while (n < 0 && errno == EINTR);
	/* ESTALE: it timed out, or an operator took it back. Another worker does it again. */
	if (n < 0 && errno == ESTALE)
		fprintf(stderr, "too late: %s\n", words);
	return n < 0 && errno != ESTALE ? -1 : 0;
}

int
main(int argc, char **argv)
{
	/* Without SA_RESTART: a signal ends the wait for a job. (One that comes just before the wait
	 * is seen after the next job: worker.py shows how to wait for both.) */
	struct sigaction action = { .sa_handler = stop };
	char *job = malloc(JOB_MAX + 1);
	int claim;

	if (argc != 2 || !job) {
		fprintf(stderr, "usage: worker QUEUE/claim/NAME\n");
		return 64;
	}
	sigaction(SIGTERM, &action, NULL);
	/* This waits for the first job. Opened with O_NONBLOCK, too, it would not, and read(2)
	 * would fail with EAGAIN until poll(2) says that there is one. */
	claim = open(argv[1], O_RDWR | O_CLOEXEC);
	while (claim >= 0 && !stopping) {
		ssize_t size = job_read(claim, job);

		/* EINTR: a signal, or a stop. ESTALE, told once: the job before had ended otherwise. */
		if (size < 0 && errno != EINTR && errno != ESTALE)
			break;
		if (size >= 0 && verdict_write(claim, job_do(job, (size_t)size)))
			break;
	}
	if (!stopping)
		perror(argv[1]);
	return stopping ? 0 : 1;
}
