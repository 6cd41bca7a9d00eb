/*
 * A request on its way: made by the loop, run by the committer inside a transaction, answered
 * after the commit, then given back to the loop. The queue of these, there and back, is all
 * that the two threads share.
 */
#ifndef FS_WORK_H
#define FS_WORK_H

#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "fs/shared.h"
#include "fs/words.h"

struct committer;
struct loop;
struct work;

/* What a work's run function returns besides 0 and -errno (a refusal: nothing was changed). */
enum {
	WORK_WAITS = 1,  /* a claim: it joined the line; the dispatcher finishes it */
	WORK_FAILED = 2, /* the store failed; work->error says how. The batch is rolled back */
};

struct work_type {
	const char *name;
	bool durable; /* its effect is on disk before it is answered */
	bool once; /* not to be repeated: its answer is recorded with its effect (resume.h) */
	bool insists; /* was promised: when the store fails it is tried again until it succeeds */
	bool publishes; /* makes a job, which must not overtake those that were promised before */
	bool patient; /* nobody can tell when it is run, but that it is before what comes later */
	bool waits;   /* stands in line until there is a job */
	bool alone;   /* without a request it is replied to as well, and wakes the loop */
	/* In the transaction, perhaps more than once (a batch that fails is run again one by
	 * one). */
	int (*run)(struct committer *committer, struct work *work);
	/* After the commit, in the committer's thread: answers work->request. NULL: an error or
	 * 0. */
	void (*reply)(struct committer *committer, struct work *work);
	/* In the loop's thread, before any request that was made after the answer. NULL:
	 * nothing. */
	void (*finish)(struct loop *loop, struct work *work);
};

/* Bytes that a reader gets: a payload, or text rendered when it was opened. */
struct content {
	void *bytes;
	size_t size;
};

struct work {
	struct work *next;
	const struct work_type *type;
	fuse_req_t request; /* NULL: nobody waits for an answer */
	uint64_t unique;
	int64_t since_us;       /* a claim: it has waited */
	_Atomic int references; /* the committer's (until answered) and the loop's */
	int error;              /* 0 or -errno */

	/* What is asked. */
	fuse_ino_t ino;
	unsigned node; /* of the directory, or of the file */
	int64_t queue_id, target_queue_id, job_id;
	int64_t time_ms, offset;
	size_t size;
	uint64_t handle; /* fh */
	uint32_t slot;   /* of a draft or a worker */
	uint32_t ticket;
	unsigned target_node;
	bool flag;          /* O_NONBLOCK; readdirplus; a size asked for; a type may say what */
	bool pipe;          /* the handle has no position */
	bool replaces;      /* a draft of the new name goes */
	bool idle;          /* a claim that may be opened without a job */
	uint64_t poll_kh;   /* the kernel's number of who polls */
	struct claimant by; /* whom the worker's name is bound to */
	struct words *words;    /* malloc'ed */
	uint64_t target_unique; /* the interrupt of this request */
	char *name, *target;    /* malloc'ed */
	struct fuse_file_info file;
	struct job_new new;
	struct content body;       /* new.body's memory */
	struct engine_problem why; /* why it is rejected, or in a run why it was refused */

	/* What comes out. */
	struct content content;
	struct fuse_entry_param entry;
	struct job job;
	bool again;
	/* Of a stream: bytes taken, and the jobs that they became, which have numbers in a row. */
	int64_t taken, first_job_id, job_count, created_ms;
};

/* A new work with both references, or NULL. */
struct work *work_new(const struct work_type *type, fuse_req_t request);
/* Forgets what an earlier run left: it is run again. */
void work_reset(struct work *work);
/* Drops one reference; the last one frees the work and what it holds. */
void work_unref(struct work *work);

/* Answers a read with the part of a content that is asked for. */
void content_reply(
	fuse_req_t request, const struct content *content, size_t size, off_t offset);

/* A vector of works. */
struct works {
	struct work **at;
	size_t count, room;
};
/* Returns 0 or -ENOMEM; never an error while there is room. */
int works_add(struct works *works, struct work *work);
/* The later ones move up. */
void works_remove(struct works *works, size_t index);

#endif
