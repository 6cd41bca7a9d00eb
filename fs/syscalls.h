/*
 * The system calls that the engine process may not make any more (seccomp(2)): they fail with
 * EPERM, as if it had no right to.
 *
 * What is forbidden is a list: starting programs and processes, looking into other processes,
 * mounts and namespaces, modules and the kernel itself, clocks and names of the host, identity,
 * devices and links, sockets but for syslog's, signals to others, and io_uring, which would go
 * around all this. Everything else is allowed. A list of what is allowed would be shorter than
 * the kernel's but would depend on the versions of libc, libfuse and SQLite, on sanitizers and
 * on the platform, and a wrong one shows itself as a lost mount; what is kept out here does its
 * harm under any version.
 *
 * Paths cannot be told apart here: which files can be opened is a matter of owners and modes.
 *
 * In a build with the address sanitizer, which at the end stops its own threads through a
 * process that traces them, fork and ptrace stay allowed.
 */
#ifndef FS_SYSCALLS_H
#define FS_SYSCALLS_H

/* For the calling thread and all that it starts; no_new_privs has to be set. Returns 0, also on
 * processors other than x86_64 and aarch64, where nothing is forbidden; -EINVAL or -ENOSYS when
 * the kernel has no such filters; or another -errno. */
int syscalls_restrict(void);

#endif
