/* Mounting. See mount.h. */
#include "fs/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "fs/attr.h"
#include "fs/log.h"
#include "fs/op.h"
#include "fs/path.h"
#include "fs/trace.h"

#define MOUNT_TYPE "fuse.spoolfs"
#define ENDING_MS 1000
#define TRY_MS 10

bool
mount_is_ours(const char *mountpoint)
{
	struct mntent *entry;
	bool ours = false;
	FILE *mounts = setmntent("/proc/self/mounts", "r");

	if (!mounts)
		return false;
	while ((entry = getmntent(mounts)))
		if (strcmp(entry->mnt_dir, mountpoint) == 0)
			ours = strcmp(entry->mnt_type, MOUNT_TYPE) ==
			       0; /* the topmost counts */
	endmntent(mounts);
	return ours;
}

/* As root umount2(2); otherwise fusermount3(1), which is setuid. Returns 0 or -1. */
static int
mount_detach(const char *mountpoint)
{
	int status;
	pid_t child;

	if (umount2(mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (errno != EPERM)
		return -1;
	child = fork();
	if (child == 0) {
		execlp("fusermount3", "fusermount3", "-u", "-q", "-z", "--", mountpoint,
			(char *)NULL);
		_exit(EX_OSERR);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* A daemon that was killed lets go of its mount a moment later. */
static bool
mount_is_stale(const char *mountpoint)
{
	struct timespec pause = attr_time(TRY_MS);
	struct statvfs stat; /* asked of the daemon; attributes the kernel may remember */

	for (int waited_ms = 0; mount_is_ours(mountpoint); waited_ms += TRY_MS) {
		if (statvfs(mountpoint, &stat) && errno == ENOTCONN)
			return true;
		if (waited_ms >= ENDING_MS)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

int
mount_prepare(const char *mountpoint)
{
	struct stat attr;

	if (mount_is_stale(mountpoint)) {
		if (mount_detach(mountpoint)) {
			log_fatal("cannot remove the stale mount at %s", mountpoint);
			return EX_OSERR;
		}
		log_info("removed a stale mount at %s", mountpoint);
	}
	if (stat(mountpoint, &attr)) {
		log_fatal("mount point %s", mountpoint);
		return EX_OSERR;
	}
	if (!S_ISDIR(attr.st_mode)) {
		errno = ENOTDIR;
		log_fatal("mount point %s", mountpoint);
		return EX_OSERR;
	}
	if (mount_is_ours(mountpoint)) {
		log_warnx("%s is a mounted spoolfs already: unmount it first (fusermount3 -u)",
			mountpoint);
		return EX_TEMPFAIL;
	}
	return 0;
}

/* The arguments for libfuse, which changes what it is given; the caller frees them. */
static int
mount_arguments(const struct loop *loop, const struct options *options, struct fuse_args *args)
{
	char source[512];
	bool plain = !strpbrk(options->config, ",\\") && strlen(options->config) < 400;
	int rc = 0;

	for (int i = 0; i < options->mount.argc && !rc; i++)
		rc = fuse_opt_add_arg(args, options->mount.argv[i]);
	(void)snprintf(source, sizeof source, "fsname=%s", plain ? options->config : "spoolfs");
	rc = rc || fuse_opt_add_arg(args, "-o") || fuse_opt_add_arg(args, source) ||
	     fuse_opt_add_arg(args, "-osubtype=spoolfs,default_permissions");
	/* The permissions of the files decide who may; only root may say so for others. */
	if (!rc && loop->fs->uid == 0)
		rc = fuse_opt_add_arg(args, "-oallow_other");
	return rc ? EX_OSERR : 0;
}

static int
mount_answer_init(struct loop *loop)
{
	struct fuse_buf buffer = { 0 };
	int rc = 1;

	while (!loop->fs->initialised && (rc > 0 || rc == -EINTR)) {
		rc = fuse_session_receive_buf(loop->fs->session, &buffer);
		if (rc > 0)
			fuse_session_process_buf(loop->fs->session, &buffer);
	}
	free(buffer.mem);
	return loop->fs->initialised ? 0 : EX_OSERR;
}

/* Mounting goes by the path: whoever owns a folder of it can lead it elsewhere meanwhile. */
static int
mount_at(struct fuse_session *session, const char *mountpoint)
{
	int folder = path_pin(mountpoint), rc = 0;

	if (folder < 0) {
		errno = -folder;
		log_fatal("mount point %s", mountpoint);
		return EX_OSERR;
	}
	if (fuse_session_mount(session, mountpoint)) {
		log_warnx("cannot mount at %s: is fuse there (/dev/fuse), and may this user "
			  "mount?",
			mountpoint);
		rc = EX_OSERR;
	} else if (!path_is_mount(folder, mountpoint)) {
		log_warnx("%s is not the mount point that it was a moment ago", mountpoint);
		fuse_session_unmount(session);
		rc = EX_OSERR;
	}
	close(folder);
	return rc;
}

int
mount_open(struct loop *loop, const struct options *options)
{
	struct fuse_args args = { 0 };
	struct fuse_session *session;
	int rc;

	loop->fs->session = NULL;
	loop->fs->initialised = false;
	if (mount_arguments(loop, options, &args)) {
		log_warnx("out of memory");
		fuse_opt_free_args(&args);
		return EX_OSERR;
	}
	session = fuse_session_new(&args, &ops, sizeof ops, loop);
	fuse_opt_free_args(&args);
	if (!session)
		return EX_USAGE; /* libfuse has named the option */
	loop->fs->session = session;
	rc = mount_at(session, options->mountpoint);
	if (rc) {
		fuse_session_destroy(session);
		loop->fs->session = NULL;
		return rc;
	}
	if ((options->debug && trace_answers(session)) || mount_answer_init(loop)) {
		log_warnx("the kernel did not begin the session");
		mount_close(loop);
		return EX_OSERR;
	}
	return 0;
}

/* Seconds; 0: there is none, or this kernel does not know it. */
static int64_t
mount_read_timeout(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtoll(text, NULL, 10) : 0;
}

int64_t
mount_wait_max_ms(void)
{
	int64_t seconds = mount_read_timeout("/proc/sys/fs/fuse/default_request_timeout");
	int64_t max = mount_read_timeout("/proc/sys/fs/fuse/max_request_timeout");

	if (max && (!seconds || max < seconds))
		seconds = max;
	if (seconds)
		log_warnx(
			"the kernel ends a mount when a request takes %lld s "
			"(fs.fuse.default_request_timeout): claims wait for a job for half of "
			"that, then open fails with EAGAIN",
			(long long)seconds);
	return seconds * 1000 / 2;
}

void
mount_close(struct loop *loop)
{
	/* Only if the kernel still knows the session: what is at the mount point may be another's. */
	fuse_session_unmount(loop->fs->session);
	fuse_session_destroy(loop->fs->session);
	loop->fs->session = NULL;
}
