/* Where lines for a person go. See log.h. */
#include "fs/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "fs/path.h"

static int log_fd = STDERR_FILENO;
static bool log_to_syslog, log_debugging, log_detached;

int
log_open(const char *path, bool debug)
{
	int fd = path ? path_open_log(path) : STDERR_FILENO;

	log_debugging = debug;
	if (fd < 0)
		return fd;
	log_fd = fd;
	return 0;
}

int
log_detach(void)
{
	log_detached = true;
	if (log_fd != STDERR_FILENO)
		return log_fd;
	if (!log_to_syslog)
		openlog("spoolfs", LOG_PID, LOG_DAEMON);
	log_to_syslog = true;
	return -1;
}

bool
log_debugs(void)
{
	return log_debugging;
}

/* One write(2), so that lines of several threads and processes do not mix. */
static void __attribute__((format(printf, 4, 0)))
log_line(int priority, const char *level, int error, const char *format, va_list args)
{
	char line[2048];
	size_t room = sizeof line - 1;
	int prefix = log_to_syslog ? 0 : snprintf(line, room, "spoolfs: %s", level);
	size_t used = (size_t)prefix;
	int n = vsnprintf(line + used, room - used, format, args);

	used = n < 0 ? used : used + (size_t)n < room ? used + (size_t)n : room - 1;
	if (error && (n = snprintf(line + used, room - used, ": %s", strerror(error))) > 0)
		used = used + (size_t)n < room ? used + (size_t)n : room - 1;
	/* A file's name may hold anything: it must not look like a line of its own. */
	for (size_t i = 0; i < used; i++)
		if ((unsigned char)line[i] < ' ')
			line[i] = '?';
	if (log_to_syslog) {
		syslog(priority, "%s", line);
		return;
	}
	line[used++] = '\n';
	/* Whoever has started the program reads stderr until it goes into the background. */
	if (log_fd != STDERR_FILENO && !log_detached && write(STDERR_FILENO, line, used) < 0)
		log_detached = true;
	/* Nobody is left to be told when the log itself cannot be written. */
	if (write(log_fd, line, used) < 0)
		return;
}

#define LOG_FUNCTION(name, priority, level, error)              \
	void name(const char *format, ...)                      \
	{                                                       \
		int saved = errno;                              \
		va_list args;                                   \
                                                                \
		va_start(args, format);                         \
		log_line(priority, level, error, format, args); \
		va_end(args);                                   \
		errno = saved;                                  \
	}

LOG_FUNCTION(log_fatal, LOG_CRIT, "fatal: ", saved)
LOG_FUNCTION(log_warn, LOG_WARNING, "warning: ", saved)
LOG_FUNCTION(log_warnx, LOG_WARNING, "warning: ", 0)
LOG_FUNCTION(log_info, LOG_INFO, "", 0)

void
log_debug(const char *format, ...)
{
	va_list args;

	if (!log_debugging)
		return;
	va_start(args, format);
	log_line(LOG_DEBUG, "", 0, format, args);
	va_end(args);
}
