/*
 * What /proc tells of a process. Numbers are those of the daemon's pid namespace; a process outside
 * it has none (0 in a request).
 */
#ifndef FS_PROCESS_H
#define FS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_FILE_MAX 4096

/* The text of /proc/PID/NAME, cut at its room; `pid` may be a thread's. Returns its length; 0: there
 * is none. */
size_t process_read(int64_t pid, const char *name, char text[PROCESS_FILE_MAX]);

/* The number behind `key`, as "\nTgid:", in the text of "status"; 0 without one. */
int64_t process_number(const char *status, const char *key);
/* The number in the innermost pid namespace that the process is in: the last of its line. */
int64_t process_own_number(const char *status);
/* The n-th field of the text of "stat", from 3 on (proc(5)); NULL: it ends before. */
const char *process_field(const char *stat, int n);

/* The process that a thread belongs to; 0 when it is gone. */
pid_t process_of_thread(pid_t tid);
/* exit(2) gives the memory back before it closes files. Unlike "stat", "statm" waits for nobody. */
bool process_is_ending(pid_t tid);
/* The signal that is ending the thread's process; 0: none, or it cannot be seen. */
int process_killed_by(pid_t tid);

#endif
