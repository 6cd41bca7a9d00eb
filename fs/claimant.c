/* Processes that workers' names are bound to. See claimant.h. */
#include "fs/claimant.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/index.h"

#define GENERATIONS_MAX 64
#define PROC_FILE_MAX 4096
#define EXITING 0x4UL /* PF_EXITING among the flags in /proc/PID/stat */

int64_t
claimant_number(const char *worker)
{
	const char *dot = strrchr(worker, '.'), *digits = dot ? dot + 1 : worker;
	size_t length = strlen(digits);

	/* Linux numbers processes up to 2^22. */
	if (length == 0 || length > 9 || digits[0] == '0' ||
		strspn(digits, "0123456789") != length)
		return 0;
	return strtoll(digits, NULL, 10);
}

/* ---- /proc ---- */

/* The text of /proc/PID/NAME, cut at its room. Returns its length, 0 when there is none. */
static size_t
proc_read(int64_t pid, const char *name, char text[PROC_FILE_MAX])
{
	char path[64];
	size_t used = 0;
	ssize_t n;
	int fd;

	text[0] = '\0';
	(void)snprintf(path, sizeof path, "/proc/%lld/%s", (long long)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while (used < PROC_FILE_MAX - 1 &&
		(n = read(fd, text + used, PROC_FILE_MAX - 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	text[used] = '\0';
	return used;
}

/* The value of a line "KEY:\t..." of /proc/PID/status, NULL without one. A process gives itself
 * its name, which is the first line: it has no newline in it. */
static const char *
status_value(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? at + strlen(key) : NULL;
}

static int64_t
status_number(const char *status, const char *key)
{
	const char *value = status_value(status, key);

	return value ? strtoll(value, NULL, 10) : 0;
}

/* The number in the innermost pid namespace that the process is in: the last of the line. */
static int64_t
status_own_number(const char *status)
{
	const char *at = status_value(status, "\nNSpid:");
	int64_t number = 0;
	char *end;

	for (; at; at = end) {
		long long next = strtoll(at, &end, 10);

		if (end == at || memchr(at, '\n', (size_t)(end - at)))
			break;
		number = next;
	}
	return number;
}

/* The n-th field of /proc/PID/stat, from 3 on: those behind the name, which may hold anything. */
static const char *
stat_field(const char *stat, int n)
{
	const char *at = strrchr(stat, ')');

	for (int field = 2; at && field < n; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at;
}

static uint64_t
boot_hash(void)
{
	static uint64_t hash; /* the loop's thread only */
	char text[64] = "";
	ssize_t n;
	int fd;

	if (hash)
		return hash;
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	hash = hash_name(0, text);
	return hash;
}

/* A number of 63 bits for a start in this boot; 0 when there is no such process. */
static int64_t
start_of(const char *stat)
{
	const char *field = stat_field(stat, 22);

	if (!field)
		return 0;
	return (int64_t)(hash_number(boot_hash() ^ strtoull(field, NULL, 10)) >> 1);
}

static void
claimant_set(struct claimant *by, int64_t pid)
{
	char stat[PROC_FILE_MAX];

	by->start = proc_read(pid, "stat", stat) ? start_of(stat) : 0;
	by->pid = by->start ? pid : 0;
}

/* ---- who asks ---- */

void
claimant_find(const char *worker, pid_t tid, struct claimant *by)
{
	int64_t wanted = claimant_number(worker), pid = tid;
	char status[PROC_FILE_MAX];

	*by = (struct claimant){ 0 };
	for (int n = 0; wanted && pid && n < GENERATIONS_MAX; n++) {
		if (!proc_read(pid, "status", status))
			return;
		if (status_own_number(status) == wanted &&
			status_number(status, "\nTgid:") == pid) {
			claimant_set(by, pid);
			return;
		}
		/* A thread's parent is its process's; but that may be the one that is meant. */
		if (status_number(status, "\nTgid:") != pid)
			pid = status_number(status, "\nTgid:");
		else
			pid = status_number(status, "\nPPid:");
	}
}

void
claimant_self(pid_t tid, struct claimant *self, int64_t *number)
{
	char status[PROC_FILE_MAX];
	int64_t pid = tid;

	*self = (struct claimant){ 0 };
	*number = 0;
	if (!tid || !proc_read(pid, "status", status))
		return;
	if (status_number(status, "\nTgid:") != pid) {
		pid = status_number(status, "\nTgid:");
		if (!proc_read(pid, "status", status))
			return;
	}
	claimant_set(self, pid);
	*number = status_own_number(status);
}

bool
claimant_lives(const struct claimant *by, bool exiting)
{
	char stat[PROC_FILE_MAX];
	const char *state, *flags;

	if (!by->pid || !proc_read(by->pid, "stat", stat) || start_of(stat) != by->start)
		return false;
	state = stat_field(stat, 3);
	flags = stat_field(stat, 9);
	if (!state || !flags || *state == 'Z' || *state == 'X')
		return false;
	return exiting || !(strtoul(flags, NULL, 10) & EXITING);
}
