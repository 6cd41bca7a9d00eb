/*
 * The debug mode: a line on the log for each request, and one for its answer, in words that stay
 * the same from run to run (names, sizes, no addresses):
 *
 *   request 14 WRITE /mail/a 6 at 0
 *   answer 14 OK
 *
 * The number is the kernel's. trace_answers() once per session, trace_request() for each request.
 */
#ifndef FS_TRACE_H
#define FS_TRACE_H

#include "fs/loop.h"

/* `buffer` as it came from the kernel. Only the loop's thread may call it. */
void trace_request(const struct loop *loop, const struct fuse_buf *buffer);

/* From now on each answer of this mounted session has its line. Returns 0 or -errno. */
int trace_answers(struct fuse_session *session);

#endif
