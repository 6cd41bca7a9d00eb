/* The table of the operations, and the session's beginning. */
#include "fs/op.h"

#include "fs/loop.h"

void
op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct loop *loop = userdata;

	/* Requests are taken with read(2), so that their numbers can be seen. */
	conn->want &= ~(
		unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	/* A RELEASE is sent in the background: it must not be held back and overtaken. */
	conn->max_background = 65535;
	conn->congestion_threshold = 65535;
	loop->fs->initialised = true;
}

const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.create = op_create,
	.mknod = op_mknod,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.fsync = op_fsync,
	.release = op_release,
	.unlink = op_unlink,
	.rename = op_rename,
	.mkdir = op_mkdir,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.link = op_link,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.setxattr = op_setxattr,
	.removexattr = op_removexattr,
	.statfs = op_statfs,
	.poll = op_poll,
};
