/* The lock of a store. See lock.h. */
#include "fs/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fs/attr.h"
#include "fs/mount.h"

#define ENDING_MS 10000 /* a daemon that was unmounted finishes its last commit */
#define TRY_MS 10

static void
lock_read_owner(int fd, struct lock_owner *owner)
{
	char text[PATH_MAX + 64], *rest;
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	*owner = (struct lock_owner){ .pid = (int)strtol(text, &rest, 10) };
	if (*rest == ' ')
		(void)snprintf(owner->mountpoint, sizeof owner->mountpoint, "%s", rest + 1);
}

/* When the holder was killed its engine process follows: the lock goes in a moment. */
static bool
owner_lives(const struct lock_owner *owner)
{
	struct pollfd ended = { .events = POLLIN };
	bool lives;

	if (owner->pid <= 0)
		return true;
	ended.fd = pidfd_open(owner->pid, 0);
	if (ended.fd < 0)
		return errno != ESRCH;
	lives = poll(&ended, 1, 0) == 0; /* readable: it has ended, if only as a zombie */
	close(ended.fd);
	return lives;
}

static int
lock_take(int fd, struct lock_owner *owner)
{
	struct timespec pause = attr_time(TRY_MS);

	for (int waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB); waited_ms += TRY_MS) {
		if (errno != EWOULDBLOCK)
			return -errno;
		lock_read_owner(fd, owner);
		if (waited_ms >= ENDING_MS ||
			(mount_is_ours(owner->mountpoint) && owner_lives(owner)))
			return -EWOULDBLOCK;
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

int
lock_store(const char *store, const char *mountpoint, struct lock_owner *owner)
{
	char path[PATH_MAX];
	int fd, rc;

	if (snprintf(path, sizeof path, "%s.lock", store) >= (int)sizeof path)
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	rc = lock_take(fd, owner);
	/* For whoever asks who holds it; the lock itself does not depend on the text. */
	if (!rc && (ftruncate(fd, 0) || dprintf(fd, "%d %s\n", (int)getpid(), mountpoint) < 0))
		rc = -errno;
	if (rc)
		close(fd);
	return rc;
}

int
lock_make_folder(const char *store)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s", store) >= (int)sizeof path)
		return -ENAMETOOLONG;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}
