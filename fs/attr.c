/* What stat(2) tells. See attr.h. */
#include "fs/attr.h"

#include "fs/ino.h"

#define PERMISSIONS 07777

struct timespec
attr_time(int64_t ms)
{
	return (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
}

int64_t
attr_ms(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

static void
attr_set_times(struct stat *attr, int64_t ms)
{
	attr->st_atim = attr->st_mtim = attr->st_ctim = attr_time(ms);
}

static void
attr_set_size(struct stat *attr, int64_t size)
{
	attr->st_size = size;
	attr->st_blksize = 4096;
	attr->st_blocks = (size + 511) / 512;
}

/* A file below a directory with its own owner and mode: as readable as the directory. */
static void
attr_set_face(
	struct stat *attr, const struct fs_queue *queue, enum config_face face, mode_t mask)
{
	const struct config_permission *permission = &queue->faces[face];

	attr->st_uid = permission->uid;
	attr->st_gid = permission->gid;
	attr->st_mode = S_IFREG | (permission->mode & mask);
	attr->st_nlink = 1;
}

struct stat
attr_node(const struct fs *fs, enum node node, const struct fs_queue *queue, int64_t changed_ms)
{
	struct stat attr = { .st_uid = fs->uid, .st_gid = fs->gid, .st_nlink = 1 };
	mode_t mode = 0755;

	if (queue) {
		mode = queue->faces[tree[node].face].mode;
		attr.st_uid = queue->faces[tree[node].face].uid;
		attr.st_gid = queue->faces[tree[node].face].gid;
	}
	attr.st_ino = ino_pack(INO_NODE, node, queue ? queue->id : 0, 0);
	if (tree[node].type == S_IFDIR) {
		attr.st_mode = S_IFDIR | mode;
		attr.st_nlink = tree[node].links;
		if (node == NODE_ROOT)
			attr.st_nlink += fs->config->queue_count;
	} else {
		attr.st_mode = S_IFREG | (mode & (tree[node].writable ? 0666 : 0444));
	}
	attr_set_times(&attr, changed_ms ? changed_ms : fs->mounted_ms);
	return attr;
}

/* "its mtime the time of the view": when it entered it, and in backoff/ when it leaves. */
static int64_t
job_view_ms(enum node node, const struct job *job)
{
	if (node == NODE_RETRIES)
		return job->state == JOB_BACKOFF ? job->due_ms : job->changed_ms;
	if (node == NODE_BACKOFF || (node == NODE_RECEIPTS && job->state == JOB_BACKOFF))
		return job->due_ms;
	if (node == NODE_QUEUE)
		return job->created_ms;
	return job->changed_ms;
}

struct stat
attr_job(const struct fs_queue *queue, enum node node, const struct job *job)
{
	struct stat attr = { .st_ino = ino_pack(INO_JOB, node, queue->id, job->id) };

	if (node == NODE_QUEUE) {
		attr.st_uid = (uid_t)job->uid;
		attr.st_gid = (gid_t)job->gid;
		attr.st_mode = S_IFREG | ((mode_t)job->mode & PERMISSIONS);
		attr.st_nlink = 1;
	} else {
		attr_set_face(&attr, queue, tree[node].face, 0444);
	}
	attr_set_size(&attr, job->size);
	attr_set_times(&attr, job_view_ms(node, job));
	attr.st_ctim = attr_time(job->changed_ms);
	return attr;
}

struct stat
attr_twin(const struct fs_queue *queue, enum node node, const struct job *job, size_t size)
{
	struct stat attr = attr_job(queue, node, job);

	attr.st_ino = ino_pack(INO_TWIN, node, queue->id, job->id);
	attr.st_mode &= ~(mode_t)0333;
	attr_set_size(&attr, (int64_t)size);
	return attr;
}

struct stat
attr_alias(const struct job *job)
{
	struct stat attr = {
		.st_ino = ino_pack(INO_ALIAS, 0, job->queue_id, job->id),
		.st_mode = S_IFREG | ((mode_t)job->mode & PERMISSIONS),
		.st_uid = (uid_t)job->uid,
		.st_gid = (gid_t)job->gid,
		.st_nlink = 1,
	};

	attr_set_size(&attr, job->size);
	attr_set_times(&attr, job->created_ms);
	return attr;
}

struct stat
attr_link(const struct fs_queue *queue, const struct job *job)
{
	struct stat attr = { .st_ino = ino_pack(INO_LINK, 0, queue->id, job->id) };

	attr_set_face(&attr, queue, CONFIG_INSPECT, 0);
	attr.st_mode = S_IFLNK | 0777; /* symlink(7): the permissions of a link are not used */
	attr_set_size(&attr, RECEIPT_LENGTH);
	attr_set_times(&attr, job->created_ms);
	return attr;
}

struct stat
attr_draft(const struct draft *draft, int64_t draft_id)
{
	struct stat attr = {
		.st_ino = ino_pack(INO_DRAFT, 0, 0, draft_id),
		.st_mode = (draft->folder ? S_IFDIR : S_IFREG) | (draft->mode & PERMISSIONS),
		.st_uid = draft->uid,
		.st_gid = draft->gid,
		.st_nlink = draft->state == DRAFT_UNLINKED ? 0
			    : draft->folder                ? 2
							   : 1,
		.st_atim = attr_time(draft->atime_ms),
		.st_mtim = attr_time(draft->mtime_ms),
		.st_ctim = attr_time(draft->ctime_ms),
	};

	attr_set_size(&attr, draft->size);
	return attr;
}

struct stat
attr_claim(const struct fs_queue *queue, const struct worker *worker, fuse_ino_t ino,
	int64_t mounted_ms)
{
	struct stat attr = { .st_ino = ino };

	attr_set_face(&attr, queue, CONFIG_CLAIM, 0666);
	attr_set_size(&attr, worker->size);
	attr_set_times(&attr, worker->claimed_ms ? worker->claimed_ms : mounted_ms);
	return attr;
}

struct fuse_entry_param
attr_entry(const struct stat *attr, double name, double attributes)
{
	return (struct fuse_entry_param){
		.ino = attr->st_ino,
		.attr = *attr,
		.entry_timeout = name,
		.attr_timeout = attributes,
	};
}
