/* Paths that somebody else may have prepared. See path.h. */
#include "fs/path.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "fs/log.h"

static bool
open_to_everybody(const struct stat *folder)
{
	return folder->st_mode & S_IWOTH;
}

static bool
trusted_owner(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static const char *
last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- folders ---- */

/* Kernels before 5.6, and some sandboxes, have no openat2(2): the last name is all we get. */
static int
folder_open(const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);

	if (fd < 0 && errno == ENOSYS)
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int
path_pin(const char *path)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
		return -ENAMETOOLONG;
	return folder_open(dirname(copy));
}

/* statx(2) without asking: a file system that was just mounted has nobody yet who answers. */
bool
path_is_mount(int folder, const char *path)
{
	const char *name = last_name(path);
	struct statx attr;
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;

	if (statx(folder, *name ? name : ".", flags, STATX_TYPE, &attr))
		return false;
	if (!(attr.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return true; /* before Linux 5.8 it is not told */
	return attr.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

/* ---- the store ---- */

static int
refuse(const char *store, const char *what, const char *path)
{
	log_warnx(
		"the store %s: %s %s: others could have put it there, or take it away; it was "
		"left as it is",
		store, path, what);
	return EX_OSERR;
}

static int
check_folders(const char *store)
{
	char path[PATH_MAX];
	struct stat attr;

	if (snprintf(path, sizeof path, "%s", store) >= (int)sizeof path)
		return refuse(store, "is too long", store);
	for (char *end = strrchr(path, '/'); end && end != path; end = strrchr(path, '/')) {
		*end = '\0';
		if (lstat(path, &attr)) {
			log_fatal("the store %s: %s", store, path);
			return EX_OSERR;
		}
		if (!S_ISDIR(attr.st_mode))
			return refuse(store, "is not a folder", path);
		if (open_to_everybody(&attr) && !(attr.st_mode & S_ISVTX))
			return refuse(store, "can be written by everybody", path);
	}
	return 0;
}

static int
check_file(const char *store, const char *suffix, int folder, uid_t folder_owner)
{
	char path[PATH_MAX];
	struct stat attr;

	if (snprintf(path, sizeof path, "%s%s", store, suffix) >= (int)sizeof path)
		return refuse(store, "is too long", store);
	if (fstatat(folder, last_name(path), &attr, AT_SYMLINK_NOFOLLOW)) {
		if (errno == ENOENT)
			return 0;
		log_fatal("the store %s: %s", store, path);
		return EX_OSERR;
	}
	if (S_ISLNK(attr.st_mode))
		return refuse(store, "is a symbolic link", path);
	if (!S_ISREG(attr.st_mode))
		return refuse(store, "is not a regular file", path);
	if (attr.st_nlink > 1)
		return refuse(store, "has a second name, a hard link", path);
	if (!trusted_owner(attr.st_uid) && attr.st_uid != folder_owner)
		return refuse(store, "belongs to another user", path);
	return 0;
}

int
path_check_store(const char *store)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal", "-reserve",
		".lock" };
	struct stat attr;
	int rc = check_folders(store), folder;

	if (rc)
		return rc;
	folder = path_pin(store);
	if (folder < 0 || fstat(folder, &attr)) {
		log_fatal("the folder of the store %s", store);
		rc = EX_OSERR;
	}
	for (size_t i = 0; !rc && i < sizeof suffixes / sizeof *suffixes; i++)
		rc = check_file(store, suffixes[i], folder, attr.st_uid);
	if (folder >= 0)
		close(folder);
	return rc;
}

/* ---- the log ---- */

static bool
link_is_trusted(const char *path)
{
	struct stat attr;

	return !lstat(path, &attr) && S_ISLNK(attr.st_mode) && trusted_owner(attr.st_uid);
}

/* Where everybody can make files, this one may have been made for us. */
static bool
log_is_planted(const char *path, int fd)
{
	char copy[PATH_MAX];
	struct stat folder, attr;

	if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy || fstat(fd, &attr))
		return true;
	if (!S_ISREG(attr.st_mode) || stat(dirname(copy), &folder))
		return false;
	return open_to_everybody(&folder) && (attr.st_nlink > 1 || !trusted_owner(attr.st_uid));
}

int
path_open_log(const char *path)
{
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
	int fd = open(path, flags, 0640);

	if (fd < 0 && errno == ELOOP && link_is_trusted(path))
		fd = open(path, flags & ~O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	if (log_is_planted(path, fd)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}
