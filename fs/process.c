/* What /proc tells. See process.h. */
#include "fs/process.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define FIELD_EXIT_CODE 52
#define SIGNAL_BITS 0x7fU /* of a wait status */

size_t
process_read(int64_t pid, const char *name, char text[PROCESS_FILE_MAX])
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
	while (used < PROCESS_FILE_MAX - 1 &&
		(n = read(fd, text + used, PROCESS_FILE_MAX - 1 - used)) > 0)
		used += (size_t)n;
	close(fd);
	text[used] = '\0';
	return used;
}

/* A process gives itself its name, which is the first line: it has no newline in it. */
static const char *
status_value(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? at + strlen(key) : NULL;
}

int64_t
process_number(const char *status, const char *key)
{
	const char *value = status_value(status, key);

	return value ? strtoll(value, NULL, 10) : 0;
}

int64_t
process_own_number(const char *status)
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

const char *
process_field(const char *stat, int n)
{
	/* The second field is a name in parentheses that may hold anything. */
	const char *at = strrchr(stat, ')');

	for (int field = 2; at && field < n; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at;
}

pid_t
process_of_thread(pid_t tid)
{
	char status[PROCESS_FILE_MAX];
	int fd = pidfd_open(tid, 0); /* only of processes: the cheap way to know one */

	if (fd >= 0) {
		close(fd);
		return tid;
	}
	(void)process_read(tid, "status", status); /* gone: no line of it */
	return (pid_t)process_number(status, "\nTgid:");
}

bool
process_is_ending(pid_t tid)
{
	char text[PROCESS_FILE_MAX];

	return process_read(tid, "statm", text) && strncmp(text, "0 ", 2) == 0;
}

int
process_killed_by(pid_t tid)
{
	char stat[PROCESS_FILE_MAX];
	const char *code;

	if (tid <= 0 || !process_is_ending(tid))
		return 0;
	(void)process_read(tid, "stat", stat); /* gone: no field of it */
	code = process_field(stat, FIELD_EXIT_CODE);
	return code ? (int)(strtoul(code, NULL, 10) & SIGNAL_BITS) : 0;
}
