/* What is told to the kernel without being asked, as its protocol has it (linux/fuse.h), so that it
 * can be told by an engine process that did not hear the request. From any thread. */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include <fuse_lowlevel.h>
#include <stdint.h>

/* Who polls the file with this number of the kernel's looks again. */
void notify_poll(struct fuse_session *session, uint64_t poll_kh);

#endif
