/*
 * The floor of a queue that is a FUSE file system: the names of spoolfs with nothing behind
 * them, on the same libfuse. What is written is thrown away.
 *
 *   MOUNTPOINT/bench/NAME     not there, may be created
 *   MOUNTPOINT/bench/new      there
 *   MOUNTPOINT/bench/claim/W  there, whatever W is: a job
 *
 * usage: nullfs [-d] MOUNTPOINT [JOURNAL]
 *
 * With JOURNAL what spoolfs acknowledges as durable (FLUSH of a handle for writing, UNLINK) is
 * answered by a second thread, the committer, after a write to that file and an fdatasync: one
 * for all requests that came during the last. The file is a ring written once before, as a
 * recycled write-ahead log is. -d names every request on stderr. In the foreground, until
 * unmounted.
 */
#include <assert.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include "tests/bench/measure.h"

#define FOREVER_S 3600.0
#define BLOCK 4096
#define RING 1024 /* blocks of the journal */
#define JOBS_PER_BLOCK 16
#define WAITING_MAX 1024

enum { INO_ROOT = 1, INO_QUEUE, INO_CLAIM, INO_NEW, INO_FIRST };

static fuse_ino_t next_ino = INO_FIRST;

/* Between the loop and the committer: requests that wait to be durable. */
static struct {
	int journal_fd;
	pthread_mutex_t lock;
	pthread_cond_t came;
	fuse_req_t waiting[WAITING_MAX];
	size_t count;
} committer = {
	.journal_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER
};

static int
journal_write(size_t jobs)
{
	static const char block[BLOCK];
	static off_t at;

	for (size_t i = 0; i < jobs; i += JOBS_PER_BLOCK)
		if (pwrite(committer.journal_fd, block, BLOCK, at++ % RING * BLOCK) != BLOCK)
			return EIO;
	return fdatasync(committer.journal_fd) ? EIO : 0;
}

static void *
committer_run(void *unused)
{
	fuse_req_t batch[WAITING_MAX];

	(void)unused;
	for (;;) {
		pthread_mutex_lock(&committer.lock);
		while (!committer.count)
			pthread_cond_wait(&committer.came, &committer.lock);
		size_t count = committer.count;
		memcpy(batch, committer.waiting, count * sizeof *batch);
		committer.count = 0;
		pthread_mutex_unlock(&committer.lock);
		int error = journal_write(count);
		for (size_t i = 0; i < count; i++)
			fuse_reply_err(batch[i], error);
	}
	return NULL;
}

static void
committer_start(const char *path)
{
	static const char zeros[RING * BLOCK];
	pthread_t thread;

	committer.journal_fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	if (committer.journal_fd < 0 ||
		write(committer.journal_fd, zeros, sizeof zeros) != sizeof zeros ||
		fsync(committer.journal_fd))
		die(path);
	if (pthread_create(&thread, NULL, committer_run, NULL))
		die("pthread_create");
}

/* Replies: 0, at once or when it is durable. */
static void
acknowledge(fuse_req_t req)
{
	if (committer.journal_fd < 0) {
		fuse_reply_err(req, 0);
		return;
	}
	pthread_mutex_lock(&committer.lock);
	assert(committer.count < WAITING_MAX); /* a client waits for one answer at a time */
	committer.waiting[committer.count++] = req;
	pthread_cond_signal(&committer.came);
	pthread_mutex_unlock(&committer.lock);
}

static struct stat
attr_of(fuse_ino_t ino)
{
	bool directory = ino < INO_NEW;

	return (struct stat){ .st_ino = ino,
		.st_mode = directory ? S_IFDIR | 0755 : S_IFREG | 0644,
		.st_nlink = directory ? 2 : 1,
		.st_size = directory ? 0 : PAYLOAD_SIZE,
		.st_uid = getuid(),
		.st_gid = getgid() };
}

static struct fuse_entry_param
entry_of(fuse_ino_t ino)
{
	return (struct fuse_entry_param){ .ino = ino,
		.attr = attr_of(ino),
		.attr_timeout = FOREVER_S,
		.entry_timeout = FOREVER_S };
}

/* 0 when there is no such name. */
static fuse_ino_t
ino_find(fuse_ino_t parent, const char *name)
{
	if (parent == INO_CLAIM)
		return next_ino++;
	if (parent == INO_ROOT)
		return strcmp(name, "bench") == 0 ? INO_QUEUE : 0;
	if (strcmp(name, "claim") == 0)
		return INO_CLAIM;
	return strcmp(name, "new") == 0 ? INO_NEW : 0;
}

/* With all that the kernel offers: as many requests in flight as there are. */
static void
null_init(void *unused, struct fuse_conn_info *connection)
{
	(void)unused;
	connection->max_background = UINT16_MAX;
}

static void
null_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_ino_t ino = ino_find(parent, name);

	if (!ino) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	struct fuse_entry_param entry = entry_of(ino);
	fuse_reply_entry(req, &entry);
}

static void
null_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct stat attr = attr_of(ino);

	(void)file;
	fuse_reply_attr(req, &attr, FOREVER_S);
}

/* A raw reply: libfuse before 3.15 has no name for the flag that lets writers of one file go
 * side by side. No FLUSH for readers. */
static void
null_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	bool reader = (file->flags & O_ACCMODE) == O_RDONLY;
	struct fuse_open_out out = { .open_flags =
					     FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES };

	(void)ino;
	if (reader)
		out.open_flags = FOPEN_DIRECT_IO | FOPEN_NOFLUSH;
	fuse_reply_buf(req, (const char *)&out, sizeof out);
}

static void
null_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *file)
{
	struct fuse_entry_param entry = entry_of(next_ino++);

	(void)parent, (void)name, (void)mode;
	file->direct_io = 1;
	fuse_reply_create(req, &entry, file);
}

static void
null_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t at, struct fuse_file_info *file)
{
	size_t left = at < PAYLOAD_SIZE ? (size_t)(PAYLOAD_SIZE - at) : 0;

	(void)ino, (void)file;
	fuse_reply_buf(req, payload() + PAYLOAD_SIZE - left, left < size ? left : size);
}

static void
null_write(fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t at,
	struct fuse_file_info *file)
{
	(void)ino, (void)bytes, (void)at, (void)file;
	fuse_reply_write(req, size);
}

static void
null_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)ino, (void)file;
	acknowledge(req);
}

static void
null_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent, (void)name;
	acknowledge(req);
}

static void
null_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)ino, (void)file;
	fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops operations = {
	.init = null_init,
	.lookup = null_lookup,
	.getattr = null_getattr,
	.open = null_open,
	.create = null_create,
	.read = null_read,
	.write = null_write,
	.flush = null_flush,
	.unlink = null_unlink,
	.release = null_release,
};

static int
serve(const char *program, bool debug, const char *mountpoint)
{
	const char *arguments[] = { program, "-odefault_permissions,fsname=nullfs", "-d" };
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	int rc = 1;

	for (int i = 0; i < (debug ? 3 : 2); i++)
		if (fuse_opt_add_arg(&args, arguments[i]))
			die("fuse_opt_add_arg");
	struct fuse_session *session =
		fuse_session_new(&args, &operations, sizeof operations, NULL);
	if (session && !fuse_set_signal_handlers(session) &&
		!fuse_session_mount(session, mountpoint)) {
		rc = fuse_session_loop(session) < 0;
		fuse_session_unmount(session);
	}
	if (session)
		fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return rc;
}

int
main(int argc, char **argv)
{
	bool debug = argc > 1 && strcmp(argv[1], "-d") == 0;
	char **rest = argv + 1 + debug;

	if (!rest[0] || (rest[1] && rest[2])) {
		fputs("usage: nullfs [-d] MOUNTPOINT [JOURNAL]\n", stderr);
		return 64;
	}
	if (rest[1])
		committer_start(rest[1]);
	return serve(argv[0], debug, rest[0]);
}
