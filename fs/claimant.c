/* Processes that workers' names are bound to. See claimant.h. */
#include "fs/claimant.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fs/index.h"
#include "fs/process.h"

#define GENERATIONS_MAX 64
#define PIDFS 0x50494446 /* PID_FS_MAGIC of <linux/magic.h>, which Debian 12 has not yet */
#define FIELD_START 22   /* of /proc/PID/stat, proc(5) */

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
	static _Atomic uint64_t known; /* each thread finds the same */
	uint64_t hash = known;
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
	known = hash;
	return hash;
}

/*
 * The process of a pidfd, as a number of 63 bits: none other has it in this boot, nor most likely in
 * another. A pidfd's inode number is such a one since Linux 6.9. Before, it is the time of the
 * start, from "stat", for which a reader waits while the process is in execve(2), which may be
 * waiting for us: it has no command line then, and cannot be told, which is 0.
 */
static int64_t
identity(int pidfd, int64_t pid)
{
	char text[PROCESS_FILE_MAX];
	const char *start;
	uint64_t number = 0;
	struct statfs fs;
	struct stat attr;

	if (!fstatfs(pidfd, &fs) && fs.f_type == PIDFS && !fstat(pidfd, &attr))
		number = attr.st_ino;
	else if (process_read(pid, "cmdline", text) && process_read(pid, "stat", text) &&
		 (start = process_field(text, FIELD_START)))
		number = strtoull(start, NULL, 10);
	return number ? (int64_t)(hash_number(boot_hash() ^ number) >> 1) : 0;
}

static void
claimant_set(struct claimant *by, int64_t pid)
{
	int fd = pidfd_open((pid_t)pid, 0);

	*by = (struct claimant){ 0 };
	if (fd < 0)
		return;
	by->start = identity(fd, pid);
	by->pid = by->start ? pid : 0;
	close(fd);
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
	struct pollfd ended = { .events = POLLIN };
	int64_t is;
	bool lives;

	ended.fd = by->pid ? pidfd_open((pid_t)by->pid, 0) : -1;
	if (ended.fd < 0)
		return false;
	is = identity(ended.fd, by->pid);
	lives = poll(&ended, 1, 0) == 0 && (is == by->start || is == 0);
	close(ended.fd);
	return lives && (exiting || !process_is_ending((pid_t)by->pid));
}
