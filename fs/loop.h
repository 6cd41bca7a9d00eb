/*
 * The loop: the one thread that talks with the kernel. It takes every request in the order in
 * which it came, answers what needs no store, and hands the rest to the committer in that
 * order.
 */
#ifndef FS_LOOP_H
#define FS_LOOP_H

#include "fs/committer.h"
#include "fs/drafts.h"
#include "fs/fs.h"
#include "fs/handles.h"
#include "fs/index.h"
#include "fs/liveness.h"
#include "fs/workers.h"

/* A thread that was told ESTALE because it opened for writing what another writes, or what is a
 * job already: the name that it looks up next is to be a new draft, which nobody else may open for
 * writing before it. The kernel tries once more, so a second ESTALE would be the caller's. */
struct reopening {
	pid_t tid;        /* as the request says; 0 from another pid namespace */
	int64_t queue_id; /* 0: a free entry */
	int64_t draft_id; /* which was made at the last of its lookups; 0: none yet */
	uint64_t name;    /* of what it looked up: hash_name() */
	int64_t until_ms;
	mode_t mode; /* of the file there, which a rewritten file keeps */
};
#define REOPENING_COUNT 64
#define QUEUE_ANY INT64_C(-1) /* what was opened is gone, and its queue not known */

struct resume_answer;

/* The bit that marks what was sent again: linux/fuse.h since 6.9. */
#define UNIQUE_RESENT (UINT64_C(1) << 63)

struct loop {
	struct fs *fs;
	struct committer *committer;
	struct drafts drafts;
	struct workers workers;
	struct handles handles;
	struct liveness liveness;
	struct hash_set names; /* that the store may resolve */
	struct reopening reopenings[REOPENING_COUNT];
	unsigned next_reopening;
	int64_t retry_ms;     /* when drafts that are left are tried again; 0: there are none */
	int64_t forgotten_ms; /* when drafts that nobody touches are looked for */
	struct queue_pause *pauses; /* by queue: as of what has been answered */
	int64_t *drafts_changed_ms; /* by queue: when one last came or went */
	struct line held;           /* patient works, not yet sent */
	int64_t held_since_us;
	struct line later; /* works to be tried again, all of them */
	int64_t later_us;  /* then */
	int64_t looked_us; /* when last for what comes without a request */
	bool handed_over;  /* the request that is being handled has gone to the committer */
	struct resume_answer *answers; /* of the last batches, while resuming */
	size_t answer_count;
	uint64_t unique;     /* of the request that is being handled */
	const void *request; /* as it came */
};

/* Fills *loop, whose `fs` is set, from the shared mapping and the store's names. Returns 0 or
 * -errno. The committer is started after it. */
int loop_init(struct loop *loop, struct engine *engine);
void loop_release(struct loop *loop);

/* Handles one request as it came from the kernel. */
void loop_process(struct loop *loop, const struct fuse_buf *buffer);
/* Serves the session until it is unmounted, or until something can be read from `stop_fd`.
 * Returns 0 or -errno. */
int loop_run(struct loop *loop, int stop_fd);

/* Takes in what the committer has finished. */
void loop_finish(struct loop *loop);

/* ---- for the operations ---- */

/* The loop of a request. */
struct loop *loop_of(fuse_req_t request);
/* A new work for it; on ENOMEM answers the request and returns NULL. */
struct work *loop_work(fuse_req_t request, const struct work_type *type);
/* Sends a work to the committer, in order; a patient one may wait in `held`. */
void loop_send(struct loop *loop, struct work *work);
void loop_send_held(struct loop *loop);
/* As loop_send(); one whose error is set already (-ENOMEM) is answered instead. */
void loop_push(struct loop *loop, struct work *work);
/* As loop_push(), but not before `ms` from now. */
void loop_later(struct loop *loop, struct work *work, int64_t ms);
/* When the directory `node` of a queue last changed. */
int64_t loop_changed_ms(struct loop *loop, enum node node, const struct fs_queue *queue);
/* A draft of this queue came or went. */
void loop_drafts_changed(struct loop *loop, int64_t queue_id);
/* The queue that an inode number names, or NULL. */
const struct fs_queue *loop_queue(const struct loop *loop, fuse_ino_t ino);

#endif
