/* What the engine process may still ask of the kernel, and what not: fs/syscalls.h. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/syscalls.h"

#if defined(__x86_64__) || defined(__aarch64__)

/* Runs `check` in a process under the filter: it returns 0, or the number of what was wrong. */
static int
restricted(int (*check)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscalls_restrict())
			_exit(127);
		_exit(check());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Is it the filter that refuses? All the arguments are wrong: nothing can happen. */
static int
is_refused(long number)
{
	errno = 0;
	return syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) == -1 && errno == EPERM;
}

static int
check_refused(void)
{
	static const long numbers[] = { SYS_execve, SYS_execveat, SYS_process_vm_readv,
		SYS_process_vm_writev, SYS_pidfd_getfd, SYS_pidfd_send_signal, SYS_mount,
		SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_fsopen, SYS_move_mount,
		SYS_open_tree, SYS_mount_setattr, SYS_unshare, SYS_setns, SYS_open_by_handle_at,
		SYS_init_module, SYS_finit_module, SYS_kexec_load, SYS_bpf, SYS_perf_event_open,
		SYS_userfaultfd, SYS_add_key, SYS_keyctl, SYS_reboot, SYS_swapon,
		SYS_settimeofday, SYS_sethostname, SYS_setuid, SYS_setgid, SYS_setresuid,
		SYS_setresgid, SYS_setfsuid, SYS_setgroups, SYS_mknodat, SYS_linkat,
		SYS_symlinkat, SYS_io_uring_setup, SYS_io_uring_enter,
#ifdef SYS_fork
		SYS_fork, SYS_vfork,
#endif
#ifndef __SANITIZE_ADDRESS__
		SYS_ptrace,
#endif
		SYS_socket, SYS_socketpair };

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (!is_refused(numbers[i])) {
			(void)dprintf(STDERR_FILENO, "call %ld: errno %d\n", numbers[i], errno);
			return 1;
		}
	return 0;
}

static void
test_forbidden_calls_fail_with_eperm(void **state)
{
	(void)state;
	assert_int_equal(restricted(check_refused), 0);
}

static int
check_exec(void)
{
	char *const arguments[] = { (char[]){ "true" }, NULL };

	return execv("/bin/true", arguments) == -1 && errno == EPERM ? 0 : 1;
}

static void
test_no_program_is_started(void **state)
{
	(void)state;
	assert_int_equal(restricted(check_exec), 0);
}

static int
check_children(void)
{
	if (syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) != -1 || errno != EPERM)
		return 1;
	if (syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL) != -1 ||
		errno != EPERM)
		return 2;
	return syscall(SYS_clone3, NULL, (size_t)0) == -1 && errno == ENOSYS ? 0 : 3;
}

static void
test_no_child_and_no_namespace(void **state)
{
	(void)state;
	assert_int_equal(restricted(check_children), 0);
}

static void *
thread_run(void *context)
{
	return context;
}

static int
check_threads(void)
{
	pthread_t thread;
	void *result = NULL;
	int value;

	if (pthread_create(&thread, NULL, thread_run, &value))
		return 1;
	if (pthread_join(thread, &result) || result != &value)
		return 2;
	return 0;
}

static void
test_threads_start(void **state)
{
	(void)state;
	assert_int_equal(restricted(check_threads), 0);
}

static int
check_sockets(void)
{
	if (socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0)
		return 1;
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 2;
	if (socket(AF_NETLINK, SOCK_RAW, 0) >= 0 || errno != EPERM)
		return 3;
	return socket(AF_INET6, SOCK_DGRAM, 0) < 0 && errno == EPERM ? 0 : 4;
}

static void
test_sockets_of_syslog_only(void **state)
{
	(void)state;
	assert_int_equal(restricted(check_sockets), 0);
}

static int
check_signals(void)
{
	if (kill(getppid(), 0))
		return 1;
	if (!kill(getppid(), SIGCONT) || errno != EPERM)
		return 2;
	(void)signal(SIGUSR1, SIG_IGN);
	return raise(SIGUSR1) ? 3 : 0;
}

static void
test_signals_to_itself_only(void **state)
{
	(void)state;
	assert_int_equal(restricted(check_signals), 0);
}

static int
check_files(void)
{
	char path[] = "/tmp/spoolfs-test.XXXXXX", other[64];
	int fd = mkstemp(path), rc = 0;

	if (fd < 0)
		return 1;
	(void)snprintf(other, sizeof other, "%s.2", path);
	if (pwrite(fd, "x", 1, 0) != 1 || ftruncate(fd, 0) || fdatasync(fd) || fchmod(fd, 0600))
		rc = 2;
	if (symlink(path, other) == 0 || errno != EPERM)
		rc = 3;
	if (link(path, other) == 0 || errno != EPERM)
		rc = 4;
	return unlink(path) || close(fd) ? 5 : rc;
}

static void
test_files_work_and_links_do_not(void **state)
{
	(void)state;
	assert_int_equal(restricted(check_files), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden_calls_fail_with_eperm),
		cmocka_unit_test(test_no_program_is_started),
		cmocka_unit_test(test_no_child_and_no_namespace),
		cmocka_unit_test(test_threads_start),
		cmocka_unit_test(test_sockets_of_syslog_only),
		cmocka_unit_test(test_signals_to_itself_only),
		cmocka_unit_test(test_files_work_and_links_do_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void
test_nothing_is_forbidden(void **state)
{
	(void)state;
	assert_int_equal(syscalls_restrict(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_nothing_is_forbidden) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
