/*
 * The log: one line a call, to stderr, a file or syslog. log_fatal() and log_warn() add errno's
 * text. Tails are `key=value`.
 */
#ifndef FS_LOG_H
#define FS_LOG_H

#include <stdbool.h>

/* Lines go to `path` (appended), or to stderr if it is NULL. Returns 0 or -errno. */
int log_open(const char *path, bool debug);
/* From now on nobody reads stderr: what went there goes to syslog. Returns the log file's
 * descriptor, or -1 when the log is syslog's. */
int log_detach(void);
bool log_debugs(void);

void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
