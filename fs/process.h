/*
 * What /proc tells of a process. Numbers are those of the daemon's pid namespace; a process outside
 * it has none (0 in a request).
 */
#ifndef FS_PROCESS_H
#define FS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Some fields of /proc/PID/stat, proc(5). */
struct process_stat {
	uint64_t start;     /* in clock ticks since the host started */
	unsigned exit_code; /* as of wait(2); 0 unless it is ending, or we may not see it */
};

/* `pid` may be a thread's. Returns 0, -ESRCH when there is no such process, or -errno. */
int process_stat(pid_t pid, struct process_stat *stat);

/* The process that a thread belongs to; 0 when it is gone. */
pid_t process_of_thread(pid_t tid);

/* The signal that is ending the thread's process; 0: none, or it cannot be seen. */
int process_killed_by(pid_t tid);

#endif
