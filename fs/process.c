/* What /proc tells. See process.h. */
#include "fs/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIELD_START 22
#define FIELD_EXIT_CODE 52
#define SIGNAL_BITS 0x7fU /* of a wait status */

/* Reads a small file of /proc/PID, ended with a NUL. Returns its length, or -errno. */
static ssize_t
process_read(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

int
process_stat(pid_t pid, struct process_stat *stat)
{
	char text[1024], *at;
	ssize_t n = process_read(pid, "stat", text, sizeof text);

	*stat = (struct process_stat){ 0 };
	if (n < 0)
		return (int)n;
	/* The second field is a name in parentheses that may hold anything. */
	at = strrchr(text, ')');
	for (int field = 2; at; field++) {
		if (field == FIELD_START)
			stat->start = strtoull(at, NULL, 10);
		if (field == FIELD_EXIT_CODE)
			stat->exit_code = (unsigned)strtoul(at, NULL, 10);
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	return 0;
}

pid_t
process_of_thread(pid_t tid)
{
	char text[2048];
	const char *at = NULL;

	if (process_read(tid, "status", text, sizeof text) > 0)
		at = strstr(text, "\nTgid:");
	return at ? (pid_t)strtol(at + strlen("\nTgid:"), NULL, 10) : 0;
}

int
process_killed_by(pid_t tid)
{
	struct process_stat stat;

	return tid > 0 && process_stat(tid, &stat) == 0 ? (int)(stat.exit_code & SIGNAL_BITS)
							: 0;
}
