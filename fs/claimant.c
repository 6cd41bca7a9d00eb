/* Processes that workers' names are bound to. See claimant.h. */
#include "fs/claimant.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/index.h"
#include "fs/process.h"

#define GENERATIONS_MAX 64
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
	const char *field = process_field(stat, 22);

	if (!field)
		return 0;
	return (int64_t)(hash_number(boot_hash() ^ strtoull(field, NULL, 10)) >> 1);
}

static void
claimant_set(struct claimant *by, int64_t pid)
{
	char stat[PROCESS_FILE_MAX];

	by->start = process_read(pid, "stat", stat) ? start_of(stat) : 0;
	by->pid = by->start ? pid : 0;
}

/* ---- who asks ---- */

void
claimant_find(const char *worker, pid_t tid, struct claimant *by)
{
	int64_t wanted = claimant_number(worker), pid = tid;
	char status[PROCESS_FILE_MAX];

	*by = (struct claimant){ 0 };
	for (int n = 0; wanted && pid && n < GENERATIONS_MAX; n++) {
		if (!process_read(pid, "status", status))
			return;
		if (process_own_number(status) == wanted &&
			process_number(status, "\nTgid:") == pid) {
			claimant_set(by, pid);
			return;
		}
		/* A thread's parent is its process's; but that may be the one that is meant. */
		if (process_number(status, "\nTgid:") != pid)
			pid = process_number(status, "\nTgid:");
		else
			pid = process_number(status, "\nPPid:");
	}
}

void
claimant_self(pid_t tid, struct claimant *self, int64_t *number)
{
	char status[PROCESS_FILE_MAX];
	int64_t pid = tid;

	*self = (struct claimant){ 0 };
	*number = 0;
	if (!tid || !process_read(pid, "status", status))
		return;
	if (process_number(status, "\nTgid:") != pid) {
		pid = process_number(status, "\nTgid:");
		if (!process_read(pid, "status", status))
			return;
	}
	claimant_set(self, pid);
	*number = process_own_number(status);
}

bool
claimant_lives(const struct claimant *by, bool exiting)
{
	char stat[PROCESS_FILE_MAX];
	const char *state, *flags;

	if (!by->pid || !process_read(by->pid, "stat", stat) || start_of(stat) != by->start)
		return false;
	state = process_field(stat, 3);
	flags = process_field(stat, 9);
	if (!state || !flags || *state == 'Z' || *state == 'X')
		return false;
	return exiting || !(strtoul(flags, NULL, 10) & EXITING);
}
