/* Notifications. See notify.h. */
#include "fs/notify.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

#include "fs/log.h"

#define FAR_AWAY ((off_t)1 << 40)

void
notify_poll(struct fuse_session *session, uint64_t poll_kh)
{
	struct {
		struct fuse_out_header header;
		struct fuse_notify_poll_wakeup_out wakeup;
	} out = {
		.header = { .len = sizeof out, .error = FUSE_NOTIFY_POLL },
		.wakeup = { .kh = poll_kh },
	};

	if (write(fuse_session_fd(session), &out, sizeof out) < 0)
		log_debug("poller %llu: %s", (unsigned long long)poll_kh, strerror(errno));
}

void
notify_long(struct fuse_session *session, fuse_ino_t ino)
{
	struct fuse_bufvec last = FUSE_BUFVEC_INIT(1);
	char byte = 0;

	last.buf[0].mem = &byte;
	(void)fuse_lowlevel_notify_store(session, ino, FAR_AWAY, &last, 0);
}
