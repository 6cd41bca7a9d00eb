/* Which system calls the engine process may not make. See syscalls.h. */
#include "fs/syscalls.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#ifndef ARCH

int
syscalls_restrict(void)
{
	return 0;
}

#else

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/* What a clone has to share: with CLONE_VM alone the sanitizer starts its tracer. */
#ifdef __SANITIZE_ADDRESS__
#define SHARED (CLONE_THREAD | CLONE_VM)
#else
#define SHARED CLONE_THREAD
#endif

static const uint32_t forbidden[] = {
	/* programs */
	SYS_execve,
	SYS_execveat,
	/* other processes */
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_process_madvise,
	SYS_pidfd_getfd,
	SYS_pidfd_send_signal,
	SYS_kcmp,
	SYS_migrate_pages,
	SYS_move_pages,
#ifndef __SANITIZE_ADDRESS__
	SYS_ptrace,
#endif
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
#endif
	/* mounts and namespaces */
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
	SYS_move_mount,
	SYS_open_tree,
	SYS_mount_setattr,
	SYS_unshare,
	SYS_setns,
	SYS_open_by_handle_at,
	/* the kernel and the host */
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_acct,
	SYS_quotactl,
	SYS_quotactl_fd,
	SYS_syslog,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_clock_adjtime,
	SYS_adjtimex,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_vhangup,
	SYS_personality,
#ifdef SYS_iopl
	SYS_iopl,
	SYS_ioperm,
	SYS_modify_ldt,
#endif
	/* identity */
	SYS_setuid,
	SYS_setgid,
	SYS_setreuid,
	SYS_setregid,
	SYS_setresuid,
	SYS_setresgid,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_setgroups,
	/* devices and links */
	SYS_mknodat,
	SYS_linkat,
	SYS_symlinkat,
#ifdef SYS_mknod
	SYS_mknod,
	SYS_link,
	SYS_symlink,
#endif
	/* other ways to the same */
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
};

#define FORBIDDEN (sizeof forbidden / sizeof *forbidden)
#define NAMESPACES                                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
		CLONE_NEWPID | CLONE_NEWNET)
#define X32_BIT 0x40000000U /* the second set of numbers of x86_64 */

/* A program under construction. */
struct program {
	struct sock_filter code[2 * FORBIDDEN + 64];
	unsigned short length;
};

static void
emit(struct program *program, struct sock_filter instruction)
{
	program->code[program->length++] = instruction;
}

static void
emit_load(struct program *program, size_t offset)
{
	emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* If what was loaded compares with `value` as `test` says, goes on; else skips `skipped`. */
static void
emit_if(struct program *program, uint16_t test, uint32_t value, uint8_t skipped)
{
	emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_K | test, value, 0, skipped));
}

static void
emit_return(struct program *program, uint32_t action)
{
	emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void
emit_refuse(struct program *program, int error)
{
	emit_return(program, SECCOMP_RET_ERRNO | (uint32_t)error);
}

static void
emit_allow(struct program *program)
{
	emit_return(program, SECCOMP_RET_ALLOW);
}

/* The low half of an argument: both processors are little-endian, and all that is looked at
 * here are ints to the kernel, or flags below 2^32. */
static void
emit_load_argument(struct program *program, size_t number)
{
	emit_load(program, offsetof(struct seccomp_data, args) + number * sizeof(uint64_t));
}

/* ---- calls that depend on an argument ---- */

/* socket(AF_UNIX, ...): syslog(3). */
static void
emit_socket(struct program *program, uint32_t call)
{
	emit_if(program, BPF_JEQ, call, 4);
	emit_load_argument(program, 0);
	emit_if(program, BPF_JEQ, AF_UNIX, 1);
	emit_allow(program);
	emit_refuse(program, EPERM);
}

/* Threads of this process, without namespaces of their own. The flags of clone3(2) are in
 * memory, where a filter does not see them: without it libc takes clone(2). */
static void
emit_clone(struct program *program)
{
	emit_if(program, BPF_JEQ, SYS_clone, 6);
	emit_load_argument(program, 0);
	emit_if(program, BPF_JSET, NAMESPACES, 1);
	emit_refuse(program, EPERM);
	emit_if(program, BPF_JSET, SHARED, 1);
	emit_allow(program);
	emit_refuse(program, EPERM);
	emit_if(program, BPF_JEQ, SYS_clone3, 1);
	emit_refuse(program, ENOSYS);
}

/* A signal to itself is tgkill(2). kill(2) with 0 asks whether a process is there. */
static void
emit_kill(struct program *program)
{
	emit_if(program, BPF_JEQ, SYS_kill, 4);
	emit_load_argument(program, 1);
	emit_if(program, BPF_JEQ, 0, 1);
	emit_allow(program);
	emit_refuse(program, EPERM);
}

/* ---- the program ---- */

/* The other sets of numbers of the same processor (i386, x32, arm) are not used at all. */
static void
emit_numbers(struct program *program)
{
	emit_load(program, offsetof(struct seccomp_data, arch));
	emit_if(program, BPF_JEQ, ARCH, 1);
	emit(program, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1));
	emit_refuse(program, EPERM);
	emit_load(program, offsetof(struct seccomp_data, nr));
	emit_if(program, BPF_JGE, X32_BIT, 1);
	emit_refuse(program, EPERM);
}

static void
program_write(struct program *program)
{
	emit_numbers(program);
	for (size_t i = 0; i < FORBIDDEN; i++) {
		emit_if(program, BPF_JEQ, forbidden[i], 1);
		emit_refuse(program, EPERM);
	}
	emit_socket(program, SYS_socket);
	emit_socket(program, SYS_socketpair);
	emit_clone(program);
	emit_kill(program);
	emit_allow(program);
}

int
syscalls_restrict(void)
{
	struct program program = { .length = 0 };
	struct sock_fprog whole = { .filter = program.code };

	program_write(&program);
	assert(program.length <= sizeof program.code / sizeof *program.code);
	whole.len = program.length;
	/* No code but ours runs here: none that would have to be kept from speculating. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		    &whole))
		return -errno;
	return 0;
}

#endif
