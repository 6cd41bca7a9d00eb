/*
 * What the engine process gives up before it reads the first byte of the store or of a request.
 *
 * It can never gain a privilege again (no_new_privs), keeps those capabilities of root that
 * serving a mount needs, and gets a filter of system calls: see fs/syscalls.h. The holder keeps
 * everything: it mounts, and it unmounts through fusermount3(1), which is setuid.
 *
 * What is kept, of what the process has:
 *
 *   CAP_SYS_PTRACE    by which signal another user's writer ended (exit_code in /proc/PID/stat),
 *                     and anything at all about it where /proc is mounted with hidepid.
 *   CAP_DAC_OVERRIDE  only when owners and modes alone keep root from the store, which may lie
 *   CAP_CHOWN         in another user's folder: to write there, and to give SQLite's log the
 *                     owner of the database, who could not open it otherwise.
 *
 * Neither opening processes' pidfds, locks, statvfs(2) nor the session with the kernel needs
 * one. Limits: a process of root owns root's files without any capability, and CAP_SYS_PTRACE
 * opens /proc/PID/mem. This keeps a mistake from spreading; against whoever runs code of his
 * own in the engine process only mounting as an ordinary user helps, where there is nothing to
 * give up. Landlock, which could confine it to its paths, also hides the exit codes of all
 * other processes.
 */
#ifndef FS_PRIVILEGES_H
#define FS_PRIVILEGES_H

/* For the calling thread and all that it starts; so: before there is another. The signal at the
 * parent's death (PR_SET_PDEATHSIG) stays, since capabilities only get fewer. `store` is the
 * path of the store. Returns 0 or -errno. */
int privileges_drop(const char *store);

#endif
