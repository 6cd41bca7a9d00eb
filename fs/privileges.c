/* Privileges of the engine process. See privileges.h. */
#include "fs/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/log.h"
#include "fs/syscalls.h"

#define BIT(capability) (UINT64_C(1) << (capability))

static int
caps_get(uint64_t *permitted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

/* Nothing is inheritable: the engine process starts no program. */
static int
caps_set(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = (uint32_t)effective, .permitted = (uint32_t)permitted },
		{ .effective = (uint32_t)(effective >> 32),
			.permitted = (uint32_t)(permitted >> 32) },
	};

	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* The bounding and the ambient set matter to programs that are started, and there is none: what
 * the kernel does not let us clear (without CAP_SETPCAP) may stay. */
static void
caps_clear_others(void)
{
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (unsigned long number = 0; prctl(PR_CAPBSET_READ, number) >= 0; number++)
		(void)prctl(PR_CAPBSET_DROP, number);
}

/* Can it be opened and written, and files be made beside it, as things are? */
static bool
store_is_open(const char *store)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s", store); /* a longer one was refused long ago */
	if (faccessat(AT_FDCWD, dirname(path), R_OK | W_OK | X_OK, AT_EACCESS))
		return false;
	return !faccessat(AT_FDCWD, store, R_OK | W_OK, AT_EACCESS) || errno == ENOENT;
}

static int
caps_drop(const char *store)
{
	uint64_t permitted = 0, needed, foreign;
	int rc = caps_get(&permitted);

	needed = permitted & BIT(CAP_SYS_PTRACE);
	foreign = permitted & (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_CHOWN));
	if (!rc)
		rc = caps_set(needed, needed | foreign);
	if (!rc && !store_is_open(store))
		needed |= foreign;
	return rc ? rc : caps_set(needed, needed);
}

int
privileges_drop(const char *store)
{
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	caps_clear_others();
	rc = caps_drop(store);
	if (rc)
		return rc;
	rc = syscalls_restrict();
	if (rc == -ENOSYS || rc == -EINVAL) {
		log_info(
			"this kernel filters no system calls: the engine process has them all");
		return 0;
	}
	return rc;
}
