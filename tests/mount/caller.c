/*
 * One caller of a queue: writes jobs or works them off until its time is over, and records what
 * the file system was asked and what it said. load.py starts many; load_check.py judges.
 *
 * usage: caller produce|work|look QUEUE-DIRECTORY RECORD NAME UNTIL
 *
 * UNTIL is in seconds since the epoch. A job's id is NAME-GROUP-NUMBER, its group NAME-GROUP.
 * The lines of the record, times in microseconds since the epoch:
 *
 *   TIME try ID                      before the first call of a job
 *   TIME ack ID                      its close or rename has returned 0
 *   TIME got ID RECEIPT ATTEMPT      after the open of a claim ("-": not asked)
 *   TIME call ID VERDICT             before the call that gives it
 *   TIME end ID VERDICT              after that has returned 0
 *   TIME error CALL ERRNO ID
 *   TIME wrong ID WHAT               a payload that is not as it was written
 *   TIME pause CALL MICROSECONDS     the longest that it took, at the end
 *
 * Signals without meaning interrupt every call now and then.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define GROUPS 3
#define BODY_MAX (1 << 20)
#define PATH_SIZE 4096
#define ID_SIZE 128
#define SIGNALS_US 170000
#define REST_US 20000 /* after an error */

enum call { OPEN, CLAIM, READ, WRITE, CLOSE, RENAME, UNLINK, STAT, TOUCH, GETXATTR, CALLS };
static const char *const call_names[CALLS] = {
	[OPEN] = "open",
	[CLAIM] = "claim",
	[READ] = "read",
	[WRITE] = "write",
	[CLOSE] = "close",
	[RENAME] = "rename",
	[UNLINK] = "unlink",
	[STAT] = "stat",
	[TOUCH] = "utimensat",
	[GETXATTR] = "getxattr",
};

struct caller {
	const char *queue, *name;
	FILE *record;
	int64_t until_us;
	int64_t longest_us[CALLS];
	char id[ID_SIZE]; /* of the job at hand */
	char body[BODY_MAX];
};

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now); /* that of the shells, too */
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static int
chance(int percent)
{
	return random() % 100 < percent;
}

static void
rest_up_to(int us)
{
	(void)usleep((useconds_t)(random() % us)); /* cut short by a signal: fine */
}

/* ---- the record ---- */

static void
note(const struct caller *caller, const char *what, const char *more)
{
	fprintf(caller->record, "%" PRId64 " %s %s%s%s\n", now_us(), what, caller->id,
		*more ? " " : "", more);
}

/* The result of a call that was made at `begin_us`: timed, and recorded when it is an error. */
static int64_t
result(struct caller *caller, enum call call, int64_t begin_us, int64_t value)
{
	int error = errno;
	int64_t us = now_us() - begin_us;

	if (us > caller->longest_us[call])
		caller->longest_us[call] = us;
	if (value >= 0)
		return value;
	fprintf(caller->record, "%" PRId64 " error %s %s %s\n", now_us(), call_names[call],
		strerrorname_np(error), caller->id);
	(void)usleep(REST_US);
	return value;
}

static void
pauses_note(const struct caller *caller)
{
	for (int call = 0; call < CALLS; call++)
		fprintf(caller->record, "%" PRId64 " pause %s %" PRId64 "\n", now_us(),
			call_names[call], caller->longest_us[call]);
}

/* ---- calls ---- */

static int
call_open(struct caller *caller, const char *path, int flags)
{
	int64_t begin = now_us();

	return (int)result(caller, OPEN, begin, open(path, flags, 0644));
}

static int
call_write(struct caller *caller, int fd, const char *bytes, size_t size)
{
	int64_t begin = now_us();
	ssize_t n = result(caller, WRITE, begin, write(fd, bytes, size));

	return n == (ssize_t)size ? 0 : -1;
}

static int
call_close(struct caller *caller, int fd)
{
	int64_t begin = now_us();

	return (int)result(caller, CLOSE, begin, close(fd));
}

static int
call_rename(struct caller *caller, const char *from, const char *to)
{
	int64_t begin = now_us();

	return (int)result(caller, RENAME, begin, rename(from, to));
}

static int
call_unlink(struct caller *caller, const char *path)
{
	int64_t begin = now_us();

	return (int)result(caller, UNLINK, begin, unlink(path));
}

/* ---- producers ---- */

/* JSON, and spaces up to its size: a part of it is a payload, too, but has another size. */
static size_t
body_make(struct caller *caller, const char *group)
{
	size_t size = chance(5) ? 200000 : chance(20) ? 5000 : 250;
	int head = snprintf(caller->body, BODY_MAX,
		"{\"id\":\"%s\",\"group\":\"%s\",\"size\":%zu}", caller->id, group, size);

	memset(caller->body + head, ' ', size - (size_t)head);
	return size;
}

/* In one piece or in two, with closes of duplicates in between. */
static int
body_write(struct caller *caller, const char *path, int flags, size_t size)
{
	size_t first = chance(50) ? size : size - size / 8;
	int fd = call_open(caller, path, O_WRONLY | flags);
	int failed;

	if (fd < 0)
		return -1;
	failed = call_write(caller, fd, caller->body, first);
	if (!failed && first < size) {
		failed = call_close(caller, dup(fd));
		if (!failed)
			failed = call_write(caller, fd, caller->body + first, size - first);
	}
	return call_close(caller, fd) || failed ? -1 : 0;
}

static int
job_write(struct caller *caller, long number, size_t size)
{
	char path[PATH_SIZE], draft[PATH_SIZE];

	snprintf(path, sizeof path, "%s/%s", caller->queue, number % 3 ? caller->id : "new");
	if (number % 3 < 2)
		return body_write(caller, path, O_CREAT, size);
	snprintf(draft, sizeof draft, "%s/.%s.tmp", caller->queue, caller->id);
	if (body_write(caller, draft, O_CREAT | O_EXCL, size))
		return -1;
	return call_rename(caller, draft, path);
}

static void
produce(struct caller *caller)
{
	for (long number = 0; now_us() < caller->until_us; number++) {
		char group[ID_SIZE / 2];

		snprintf(group, sizeof group, "%s-%ld", caller->name, number % GROUPS);
		snprintf(caller->id, sizeof caller->id, "%s-%ld", group, number);
		note(caller, "try", "");
		if (!job_write(caller, number, body_make(caller, group)))
			note(caller, "ack", "");
		rest_up_to(40000);
	}
}

/* ---- workers ---- */

static void
fact(struct caller *caller, int fd, const char *name, char *value, size_t size)
{
	int64_t begin = now_us();
	ssize_t n = result(caller, GETXATTR, begin, fgetxattr(fd, name, value, size - 1));

	snprintf(value + (n < 0 ? 0 : n), 2, "%s", n < 0 ? "-" : "");
}

static ssize_t
body_read(struct caller *caller, int fd)
{
	size_t size = 0;
	ssize_t n;

	do {
		int64_t begin = now_us();

		n = result(caller, READ, begin,
			read(fd, caller->body + size, BODY_MAX - 1 - size));
		size += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	caller->body[size] = '\0';
	return n < 0 ? -1 : (ssize_t)size;
}

/* Sets the id. Is the payload whole? */
static void
body_check(struct caller *caller, int fd, size_t size)
{
	struct stat status;
	size_t written = 0, end = strcspn(caller->body, "}") + 1;
	int64_t begin = now_us();

	(void)snprintf(caller->id, sizeof caller->id, "?");
	(void)sscanf(caller->body, "{\"id\":\"%100[^\"]\",\"group\":\"%*[^\"]\",\"size\":%zu",
		caller->id, &written);
	if (result(caller, STAT, begin, fstat(fd, &status)))
		return;
	if ((size_t)status.st_size != size)
		note(caller, "wrong", "st_size");
	if (written != size || end + strspn(caller->body + end, " ") != size)
		note(caller, "wrong", "size");
}

/* Whether there is a job at hand now. */
static int
claim_take(struct caller *caller, const char *claim)
{
	char more[ID_SIZE], receipt[64] = "-", attempt[32] = "-";
	int flags = chance(50) ? O_NONBLOCK : 0;
	int64_t begin = now_us(), opened;
	int fd = open(claim, O_RDONLY | flags);
	ssize_t size;

	opened = now_us();
	(void)snprintf(caller->id, sizeof caller->id, "-");
	if (fd < 0 && (errno == EINTR || (flags && errno == EAGAIN))) {
		rest_up_to(2000);
		return 0;
	}
	if (fd < 0 || flags) /* otherwise it may have waited for a job */
		(void)result(caller, CLAIM, begin, fd);
	if (fd < 0)
		return 0;
	size = body_read(caller, fd);
	if (size >= 0) {
		body_check(caller, fd, (size_t)size);
		fact(caller, fd, "user.spoolfs.receipt", receipt, sizeof receipt);
		fact(caller, fd, "user.spoolfs.attempt", attempt, sizeof attempt);
		snprintf(more, sizeof more, "%s %s", receipt, attempt);
		fprintf(caller->record, "%" PRId64 " got %s %s\n", opened, caller->id, more);
	}
	(void)call_close(caller, fd); /* recorded; no verdict hangs on it */
	return size >= 0;
}

static void
verdict_give(struct caller *caller, const char *claim, const char *verdict, const char *folder)
{
	char to[PATH_SIZE];

	snprintf(to, sizeof to, "%s/%s%s", caller->queue, folder, caller->name);
	note(caller, "call", verdict);
	if (!(*verdict == 'd' ? call_unlink(caller, claim) : call_rename(caller, claim, to)))
		note(caller, "end", verdict);
}

static void
work(struct caller *caller)
{
	char claim[PATH_SIZE];

	snprintf(claim, sizeof claim, "%s/claim/%s", caller->queue, caller->name);
	while (now_us() < caller->until_us) {
		int64_t begin;
		long choice = random() % 100;

		if (!claim_take(caller, claim))
			continue;
		rest_up_to(4000);
		begin = now_us();
		if (choice < 10)
			(void)result(caller, TOUCH, begin, utimensat(AT_FDCWD, claim, NULL, 0));
		else if (choice < 13)
			continue; /* it gets the same one again */
		if (choice < 73)
			verdict_give(caller, claim, "done", "");
		else if (choice < 86)
			verdict_give(caller, claim, "retry", "retries/");
		else if (choice < 97)
			verdict_give(caller, claim, "release", "");
		else
			verdict_give(caller, claim, "bury", "dead-letter/");
	}
}

/* ---- onlookers ---- */

static void
look(struct caller *caller)
{
	char path[PATH_SIZE];
	struct stat status;

	(void)snprintf(caller->id, sizeof caller->id, "-");
	while (now_us() < caller->until_us) {
		int64_t begin = now_us();
		int rc;

		snprintf(path, sizeof path, "%s/claim/nobody%ld", caller->queue, random());
		rc = stat(path, &status);
		if (rc && errno == ENOENT)
			rc = 0;
		(void)result(caller, STAT, begin, rc);
		(void)usleep(500);
	}
}

static void
interrupted(int number)
{
	(void)number;
}

static void
signals_start(void)
{
	struct sigaction action = { .sa_handler = interrupted };
	struct itimerval every = { .it_interval = { .tv_usec = SIGNALS_US },
		.it_value = { .tv_usec = SIGNALS_US } };

	(void)sigaction(SIGALRM, &action, NULL);
	(void)setitimer(ITIMER_REAL, &every, NULL);
}

int
main(int argc, char **argv)
{
	static struct caller caller;
	unsigned seed = 0;

	if (argc != 6)
		return 64;
	caller.queue = argv[2];
	caller.record = fopen(argv[3], "a");
	caller.name = argv[4];
	caller.until_us = (int64_t)(atof(argv[5]) * 1e6);
	if (!caller.record)
		return 71;
	(void)setvbuf(caller.record, NULL, _IOLBF, 0);
	for (const char *c = argv[4]; *c; c++)
		seed = seed * 31 + (unsigned char)*c;
	srandom(seed);
	signals_start();
	if (!strcmp(argv[1], "produce"))
		produce(&caller);
	else if (!strcmp(argv[1], "work"))
		work(&caller);
	else
		look(&caller);
	pauses_note(&caller);
	return fclose(caller.record) ? 71 : 0;
}
