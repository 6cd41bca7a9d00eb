/* Requests and answers in words. See trace.h. */
#include "fs/trace.h"

#include <inttypes.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fs/log.h"

#define NAME_SIZE ((size_t)3 * (FS_NAME_MAX + 1))
#define DETAIL_SIZE (2 * NAME_SIZE)

/* How an operation's request goes on behind the header (linux/fuse.h). */
enum names {
	NAMES_NONE,
	NAMES_CHILD,     /* of an entry in the directory */
	NAMES_TWO,       /* there, and in a new directory, whose number comes first */
	NAMES_ATTRIBUTE, /* of an extended attribute of the file */
};

struct operation {
	const char *name;
	enum names names;
	size_t names_at; /* behind the header */
};

static const struct operation operations[] = {
	[FUSE_LOOKUP] = { "LOOKUP", NAMES_CHILD, 0 },
	[FUSE_FORGET] = { .name = "FORGET" },
	[FUSE_GETATTR] = { .name = "GETATTR" },
	[FUSE_SETATTR] = { .name = "SETATTR" },
	[FUSE_READLINK] = { .name = "READLINK" },
	[FUSE_SYMLINK] = { "SYMLINK", NAMES_CHILD, 0 },
	[FUSE_MKNOD] = { "MKNOD", NAMES_CHILD, sizeof(struct fuse_mknod_in) },
	[FUSE_MKDIR] = { "MKDIR", NAMES_CHILD, sizeof(struct fuse_mkdir_in) },
	[FUSE_UNLINK] = { "UNLINK", NAMES_CHILD, 0 },
	[FUSE_RMDIR] = { "RMDIR", NAMES_CHILD, 0 },
	[FUSE_RENAME] = { "RENAME", NAMES_TWO, sizeof(struct fuse_rename_in) },
	[FUSE_LINK] = { "LINK", NAMES_CHILD, sizeof(struct fuse_link_in) },
	[FUSE_OPEN] = { .name = "OPEN" },
	[FUSE_READ] = { .name = "READ" },
	[FUSE_WRITE] = { .name = "WRITE" },
	[FUSE_STATFS] = { .name = "STATFS" },
	[FUSE_RELEASE] = { .name = "RELEASE" },
	[FUSE_FSYNC] = { .name = "FSYNC" },
	[FUSE_SETXATTR] = { "SETXATTR", NAMES_ATTRIBUTE, FUSE_COMPAT_SETXATTR_IN_SIZE },
	[FUSE_GETXATTR] = { "GETXATTR", NAMES_ATTRIBUTE, sizeof(struct fuse_getxattr_in) },
	[FUSE_LISTXATTR] = { .name = "LISTXATTR" },
	[FUSE_REMOVEXATTR] = { "REMOVEXATTR", NAMES_ATTRIBUTE, 0 },
	[FUSE_FLUSH] = { .name = "FLUSH" },
	[FUSE_INIT] = { .name = "INIT" },
	[FUSE_OPENDIR] = { .name = "OPENDIR" },
	[FUSE_READDIR] = { .name = "READDIR" },
	[FUSE_RELEASEDIR] = { .name = "RELEASEDIR" },
	[FUSE_FSYNCDIR] = { .name = "FSYNCDIR" },
	[FUSE_GETLK] = { .name = "GETLK" },
	[FUSE_SETLK] = { .name = "SETLK" },
	[FUSE_SETLKW] = { .name = "SETLKW" },
	[FUSE_ACCESS] = { .name = "ACCESS" },
	[FUSE_CREATE] = { "CREATE", NAMES_CHILD, sizeof(struct fuse_create_in) },
	[FUSE_INTERRUPT] = { .name = "INTERRUPT" },
	[FUSE_BMAP] = { .name = "BMAP" },
	[FUSE_DESTROY] = { .name = "DESTROY" },
	[FUSE_IOCTL] = { .name = "IOCTL" },
	[FUSE_POLL] = { .name = "POLL" },
	[FUSE_BATCH_FORGET] = { .name = "BATCH_FORGET" },
	[FUSE_FALLOCATE] = { .name = "FALLOCATE" },
	[FUSE_READDIRPLUS] = { .name = "READDIRPLUS" },
	[FUSE_RENAME2] = { "RENAME", NAMES_TWO, sizeof(struct fuse_rename2_in) },
	[FUSE_LSEEK] = { .name = "LSEEK" },
	[FUSE_COPY_FILE_RANGE] = { .name = "COPY_FILE_RANGE" },
	[FUSE_SYNCFS] = { .name = "SYNCFS" },
	[FUSE_TMPFILE] = { .name = "TMPFILE" },
};

/* One that is newer than this table has its number only. */
static struct operation
operation_of(uint32_t opcode)
{
	if (opcode >= sizeof operations / sizeof *operations || !operations[opcode].name)
		return (struct operation){ .name = "OTHER" };
	return operations[opcode];
}

/* ---- names ---- */

static void
name_node(const struct fs_queue *queue, unsigned node, char text[NAME_SIZE])
{
	const char *name = node < NODE_COUNT && tree[node].name ? tree[node].name : "";

	if (!queue)
		(void)snprintf(text, NAME_SIZE, "%s", name);
	else
		(void)snprintf(
			text, NAME_SIZE, "%s%s%s", queue->config->name, *name ? "/" : "", name);
}

static void
name_draft(const struct loop *loop, int64_t id, char text[NAME_SIZE])
{
	const struct draft *draft = drafts_get(&loop->drafts, id);
	const struct fs_queue *queue = draft ? fs_queue_by_id(loop->fs, draft->queue_id) : NULL;

	if (queue)
		(void)snprintf(text, NAME_SIZE, "%s/%s", queue->config->name, draft->name);
	else
		(void)snprintf(text, NAME_SIZE, "draft");
}

/* What an inode number stands for; a job, whose receipt is the store's to say, by its id. */
static void
name_inode(const struct loop *loop, fuse_ino_t number, char text[NAME_SIZE])
{
	const struct ino ino = ino_unpack(number);
	const struct fs_queue *queue = fs_queue_by_id(loop->fs, ino.queue_id);
	const struct worker *worker;

	switch (ino.class) {
	case INO_NODE:
		name_node(queue, ino.node, text);
		return;
	case INO_DRAFT:
		name_draft(loop, ino.id, text);
		return;
	case INO_CLAIM:
	case INO_ENVELOPE:
		worker = workers_get(&loop->workers, number);
		(void)snprintf(text, NAME_SIZE, "%s/claim/%s", queue ? queue->config->name : "",
			worker ? worker->name : "");
		return;
	case INO_JOB:
	case INO_TWIN:
	case INO_ALIAS:
	case INO_LINK:
		name_node(queue, ino.node, text);
		(void)snprintf(text + strlen(text), NAME_SIZE - strlen(text), "/#%" PRId64 "%s",
			ino.id, ino.class == INO_TWIN ? ".json" : "");
		return;
	}
	text[0] = '\0';
}

static void
name_child(const struct loop *loop, fuse_ino_t parent, const char *child, char text[NAME_SIZE])
{
	size_t length;

	name_inode(loop, parent, text);
	length = strlen(text);
	(void)snprintf(text + length, NAME_SIZE - length, "%s%.255s", length ? "/" : "", child);
}

/* ---- requests ---- */

/* What a SETATTR changes. */
static void
detail_setattr(const struct fuse_setattr_in *in, char text[DETAIL_SIZE])
{
	static const struct {
		uint32_t bits;
		const char *word;
	} changes[] = {
		{ FATTR_MODE, " mode" },
		{ FATTR_UID | FATTR_GID, " owner" },
		{ FATTR_ATIME | FATTR_MTIME, " times" },
	};
	size_t used = 0;

	if (in->valid & FATTR_SIZE)
		used += (size_t)snprintf(text, DETAIL_SIZE, " size %" PRIu64, in->size);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		if (in->valid & changes[i].bits)
			used += (size_t)snprintf(
				text + used, DETAIL_SIZE - used, "%s", changes[i].word);
}

/* Behind the file's name: how much and where, which attribute, the new name. */
static void
detail_of(const struct loop *loop, const struct fuse_in_header *header,
	const struct operation *operation, char text[DETAIL_SIZE])
{
	const char *body = (const char *)(header + 1), *name = body + operation->names_at;
	const void *in = body;
	char target[NAME_SIZE];

	text[0] = '\0';
	if (operation->names == NAMES_ATTRIBUTE) {
		(void)snprintf(text, DETAIL_SIZE, " %.255s", name);
	} else if (operation->names == NAMES_TWO) {
		/* fuse_rename_in and fuse_rename2_in begin alike */
		name_child(loop, ((const struct fuse_rename_in *)in)->newdir,
			name + strlen(name) + 1, target);
		(void)snprintf(text, DETAIL_SIZE, " /%s", target);
	} else if (header->opcode == FUSE_WRITE) {
		const struct fuse_write_in *write = in;

		(void)snprintf(text, DETAIL_SIZE, " %" PRIu32 " at %" PRIu64, write->size,
			write->offset);
	} else if (header->opcode == FUSE_READ) {
		const struct fuse_read_in *read = in;

		(void)snprintf(text, DETAIL_SIZE, " %" PRIu32 " at %" PRIu64, read->size,
			read->offset);
	} else if (header->opcode == FUSE_SETATTR) {
		detail_setattr(in, text);
	}
}

void
trace_request(const struct loop *loop, const struct fuse_buf *buffer)
{
	const struct fuse_in_header *header = buffer->mem;
	const struct operation operation = operation_of(header->opcode);
	const char *child = (const char *)(header + 1) + operation.names_at;
	char name[NAME_SIZE], detail[DETAIL_SIZE];

	if (operation.names == NAMES_CHILD || operation.names == NAMES_TWO)
		name_child(loop, header->nodeid, child, name);
	else
		name_inode(loop, header->nodeid, name);
	detail_of(loop, header, &operation, detail);
	log_debug("request %" PRIu64 " %s /%s%s", header->unique & ~UNIQUE_RESENT,
		operation.name, name, detail);
}

/* ---- answers ---- */

static ssize_t
answer_write(int fd, struct iovec *parts, int count, void *context)
{
	const struct fuse_out_header *header = parts[0].iov_base;
	const char *name = strerrorname_np(-header->error);

	(void)context;
	/* A notification answers nothing: its number is 0. */
	if (header->unique)
		log_debug("answer %" PRIu64 " %s", header->unique & ~UNIQUE_RESENT,
			!header->error ? "OK"
			: name         ? name
				       : "?");
	return writev(fd, parts, count);
}

static ssize_t
request_read(int fd, void *buffer, size_t size, void *context)
{
	(void)context;
	return read(fd, buffer, size);
}

int
trace_answers(struct fuse_session *session)
{
	static const struct fuse_custom_io io = { .writev = answer_write,
		.read = request_read };

	return fuse_session_custom_io(session, &io, fuse_session_fd(session));
}
