/* Attributes: stat(2), touch(1), statfs(2). */
#include "fs/op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/statvfs.h>

#include "fs/attr.h"
#include "fs/op_claim.h"
#include "fs/op_draft.h"
#include "fs/op_pause.h"
#include "fs/place.h"
#include "fs/work_inspect.h"
#include "fs/work_operate.h"

/* ---- getattr ---- */

/* What is asked of a descriptor is asked by inode number alone. */
static size_t
held_size(const struct loop *loop, fuse_ino_t number, bool *held)
{
	const struct handle *handle = handles_on(&loop->handles, number);
	size_t slot = handle ? (size_t)(handle - loop->fs->shared->handles) : 0;

	*held = handle != NULL;
	return handle ? loop->handles.contents[slot].size : 0;
}

static void
getattr_store(struct loop *loop, fuse_req_t request, fuse_ino_t number)
{
	struct work *work = loop_work(request, &work_getattr);

	if (!work)
		return;
	work->ino = number;
	work->queue_id = ino_unpack(number).queue_id;
	work->size = held_size(loop, number, &work->flag);
	loop_push(loop, work);
}

static void
getattr_node(struct loop *loop, fuse_req_t request, fuse_ino_t number)
{
	struct place place;
	struct stat attr;
	int rc = place_find(loop, number, &place);

	if (!rc)
		rc = place_attr(loop, &place, &attr);
	if (rc)
		(void)fuse_reply_err(request, -rc);
	else
		(void)fuse_reply_attr(request, &attr, place_timeout(&place));
}

/* Replies: attr, err. */
void
op_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file)
{
	struct loop *loop = loop_of(request);

	(void)file; /* fstat(2) carries no handle */
	switch (ino_unpack(number).class) {
	case INO_NODE:
		getattr_node(loop, request, number);
		break;
	case INO_DRAFT:
		draft_getattr(loop, request, number);
		break;
	case INO_CLAIM:
	case INO_ENVELOPE:
		claim_getattr(loop, request, number);
		break;
	case INO_JOB:
	case INO_TWIN:
	case INO_ALIAS:
	case INO_LINK:
		getattr_store(loop, request, number);
		break;
	}
}

/* ---- setattr: touch ---- */

static void
setattr_job(struct loop *loop, fuse_req_t request, fuse_ino_t number, const struct stat *attr,
	int to_set)
{
	struct work *work;

	if (!(to_set & FUSE_SET_ATTR_MTIME) ||
		to_set & (FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID |
				 FUSE_SET_ATTR_GID)) {
		(void)fuse_reply_err(request, EPERM);
		return;
	}
	work = loop_work(request, &work_reschedule);
	if (!work)
		return;
	work->ino = number;
	work->queue_id = ino_unpack(number).queue_id;
	work->time_ms = to_set & FUSE_SET_ATTR_MTIME_NOW ? 0 : attr_ms(&attr->st_mtim);
	loop_push(loop, work);
}

/* The owner and mode that it has already: programs that copy a directory into a queue set them. */
static bool
keeps_owner_and_mode(struct loop *loop, fuse_ino_t number, const struct stat *attr, int to_set)
{
	struct place place;
	struct stat is;

	if (place_find(loop, number, &place) || place_attr(loop, &place, &is))
		return false;
	return !(to_set & FUSE_SET_ATTR_MODE && (attr->st_mode ^ is.st_mode) & 07777) &&
	       !(to_set & FUSE_SET_ATTR_UID && attr->st_uid != is.st_uid) &&
	       !(to_set & FUSE_SET_ATTR_GID && attr->st_gid != is.st_gid);
}

/* QUEUE/, `new`, `stream`: times mean nothing, and neither does truncation by its path. Of a descriptor it
 * means the job that is written there, and unlike everything else it comes with the handle. */
static void
setattr_node(struct loop *loop, fuse_req_t request, fuse_ino_t number, const struct stat *attr,
	int to_set, const struct fuse_file_info *file)
{
	const struct handle *handle = file ? handles_get(&loop->handles, file->fh) : NULL;
	enum node node = ino_unpack(number).node;
	int rc = 0;

	if ((node != NODE_QUEUE && !tree[node].writable) ||
		!keeps_owner_and_mode(loop, number, attr, to_set))
		rc = -EPERM;
	else if (to_set & FUSE_SET_ATTR_SIZE && handle && handle->kind == HANDLE_DRAFT &&
		 !drafts_at(&loop->drafts, handle->slot)->stream)
		rc = draft_resize(loop, handle->slot, attr->st_size);
	if (rc)
		(void)fuse_reply_err(request, -rc);
	else
		op_getattr(request, number, NULL);
}

/* Replies: attr, err. */
void
op_setattr(fuse_req_t request, fuse_ino_t number, struct stat *attr, int to_set,
	struct fuse_file_info *file)
{
	struct loop *loop = loop_of(request);

	switch (ino_unpack(number).class) {
	case INO_DRAFT:
		draft_setattr(loop, request, number, attr, to_set);
		break;
	case INO_CLAIM:
	case INO_ENVELOPE:
		claim_setattr(loop, request, number, attr, to_set);
		break;
	case INO_JOB:
		setattr_job(loop, request, number, attr, to_set);
		break;
	case INO_ALIAS: /* programs that finish their work after close: accepted, without effect
			 */
		op_getattr(request, number, NULL);
		break;
	case INO_NODE:
		if (ino_unpack(number).node == NODE_PAUSED)
			pause_setattr(loop, request, number, attr, to_set, file);
		else
			setattr_node(loop, request, number, attr, to_set, file);
		break;
	case INO_TWIN:
	case INO_LINK:
		(void)fuse_reply_err(request, EPERM);
		break;
	}
}

/* ---- statfs ---- */

/* Free space is that of the disk the store is on. Replies: statfs, err. */
void
op_statfs(fuse_req_t request, fuse_ino_t number)
{
	struct loop *loop = loop_of(request);
	struct statvfs stat;

	(void)number;
	if (statvfs(loop->fs->config->store, &stat)) {
		(void)fuse_reply_err(request, errno);
		return;
	}
	stat.f_namemax = FS_NAME_MAX;
	(void)fuse_reply_statfs(request, &stat);
}
