/* Notifications. See notify.h. */
#include "fs/notify.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

#include "fs/log.h"

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
