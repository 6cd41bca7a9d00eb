/* What is told to the kernel without being asked, as its protocol has it (linux/fuse.h), so that it
 * can be told by an engine process that did not hear the request. From any thread. */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include <fuse_lowlevel.h>
#include <stdint.h>

/* Who polls the file with this number of the kernel's looks again. */
void notify_poll(struct fuse_session *session, uint64_t poll_kh);

/*
 * The file is longer than the kernel believes. sendfile(2) asks nobody for the size, and reads
 * nothing behind it; it finds the end by a READ with a short answer, and whoever asks for the size
 * is told. A byte is stored for this that nobody reads, since storing one waits for READs of its
 * page.
 */
void notify_long(struct fuse_session *session, fuse_ino_t ino);

#endif
