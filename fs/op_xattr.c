/* Symbolic links and extended attributes. */
#include "fs/op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/loop.h"
#include "fs/names.h"
#include "fs/op_claim.h"
#include "fs/op_draft.h"
#include "fs/work_inspect.h"

/* The job that an inode number stands for; 0: none. */
static int64_t
job_of(const struct loop *loop, fuse_ino_t number)
{
	enum ino_class class = ino_unpack(number).class;
	const struct draft *draft;

	if (work_is_of_job(number))
		return ino_unpack(number).id;
	if (class == INO_DRAFT) {
		draft = drafts_get(&loop->drafts, ino_unpack(number).id);
		return draft ? draft->job_id : 0;
	}
	return class == INO_CLAIM || class == INO_ENVELOPE ? claim_job(loop, number) : 0;
}

static void
push_job(struct loop *loop, fuse_req_t request, const struct work_type *type, fuse_ino_t number,
	const char *name, size_t size)
{
	struct work *work = loop_work(request, type);

	if (!work)
		return;
	work->ino = number;
	work->job_id = job_of(loop, number);
	work->queue_id = ino_unpack(number).queue_id;
	work->name = strdup(name);
	if (!work->name)
		work->error = -ENOMEM;
	work->size = size;
	loop_push(loop, work);
}

/* Replies: readlink, err. */
void
op_readlink(fuse_req_t request, fuse_ino_t number)
{
	push_job(loop_of(request), request, &work_readlink, number, "", 0);
}

/* Replies: buf, xattr, err. */
void
op_getxattr(fuse_req_t request, fuse_ino_t number, const char *name, size_t size)
{
	struct loop *loop = loop_of(request);

	/* security.* and system.* are asked for again and again: not the store's business. */
	if (strncmp(name, "user.", strlen("user.")) == 0 && job_of(loop, number))
		push_job(loop, request, &work_getxattr, number, name, size);
	else if (strcmp(name, XATTR_RECEIPT) == 0 && ino_unpack(number).class == INO_DRAFT)
		draft_getxattr(loop, request, number, size);
	else
		(void)fuse_reply_err(request, ENODATA);
}

/* Replies: buf, xattr, err. */
void
op_listxattr(fuse_req_t request, fuse_ino_t number, size_t size)
{
	struct loop *loop = loop_of(request);

	if (job_of(loop, number))
		push_job(loop, request, &work_listxattr, number, "", size);
	else if (size == 0)
		(void)fuse_reply_xattr(request, 0);
	else
		(void)fuse_reply_buf(request, NULL, 0);
}

/* Programs that copy attributes along are not told an error, except for access control lists,
 * which nobody would enforce. */
static void
accept_xattr(fuse_req_t request, fuse_ino_t number, const char *name)
{
	enum ino_class class = ino_unpack(number).class;
	int error = 0;

	if (strncmp(name, "user.", strlen("user.")) != 0)
		error = EOPNOTSUPP;
	else if (class != INO_DRAFT && class != INO_ALIAS)
		error = EPERM;
	(void)fuse_reply_err(request, error);
}

/* Replies: err. */
void
op_setxattr(fuse_req_t request, fuse_ino_t number, const char *name, const char *value,
	size_t size, int flags)
{
	(void)value;
	(void)size;
	(void)flags;
	accept_xattr(request, number, name);
}

/* Replies: err. */
void
op_removexattr(fuse_req_t request, fuse_ino_t number, const char *name)
{
	accept_xattr(request, number, name);
}
