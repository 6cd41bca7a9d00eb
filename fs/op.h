/*
 * The operations: one function a kind of request. Each decodes, calls, and answers exactly once
 * on every path, at once or through a work. "Replies" are those that fuse_lowlevel.h allows.
 */
#ifndef FS_OP_H
#define FS_OP_H

#include <fuse_lowlevel.h>

void op_init(void *userdata, struct fuse_conn_info *conn);
void op_lookup(fuse_req_t request, fuse_ino_t parent, const char *name);
void op_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file);
void op_setattr(fuse_req_t request, fuse_ino_t number, struct stat *attr, int to_set,
	struct fuse_file_info *file);
void op_readlink(fuse_req_t request, fuse_ino_t number);
void op_readdir(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
	struct fuse_file_info *file);
void op_readdirplus(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
	struct fuse_file_info *file);
void op_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *file);
void op_mknod(
	fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void op_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file);
void op_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
	struct fuse_file_info *file);
void op_write(fuse_req_t request, fuse_ino_t number, const char *bytes, size_t size,
	off_t offset, struct fuse_file_info *file);
void op_flush(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file);
void op_fsync(fuse_req_t request, fuse_ino_t number, int datasync, struct fuse_file_info *file);
void op_release(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file);
void op_unlink(fuse_req_t request, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags);
void op_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode);
void op_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name);
void op_symlink(fuse_req_t request, const char *link, fuse_ino_t parent, const char *name);
void op_link(
	fuse_req_t request, fuse_ino_t number, fuse_ino_t new_parent, const char *new_name);
void op_getxattr(fuse_req_t request, fuse_ino_t number, const char *name, size_t size);
void op_listxattr(fuse_req_t request, fuse_ino_t number, size_t size);
void op_setxattr(fuse_req_t request, fuse_ino_t number, const char *name, const char *value,
	size_t size, int flags);
void op_removexattr(fuse_req_t request, fuse_ino_t number, const char *name);
void op_statfs(fuse_req_t request, fuse_ino_t number);
void op_poll(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file,
	struct fuse_pollhandle *poller);

extern const struct fuse_lowlevel_ops ops;

#endif
