/*
 * What only the kernel and we know: open handles, drafts and their bytes, worker names. It lies
 * in a mapping that the holder makes before it forks, so that the next engine process finds it.
 *
 * Only the loop's thread writes here. Every change is made so that a crash in between leaves
 * the old or the new: an entry is filled first and marked as used last, and what can be counted
 * or derived (free lists, numbers of writers, indexes) is not kept here but counted anew at
 * start.
 */
#ifndef FS_SHARED_H
#define FS_SHARED_H

#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/engine.h"
#include "fs/ino.h"

#define FS_NAME_MAX 255
#define BLOCK_SIZE 4096U
#define BLOCK_NONE 0U /* block 0 is never handed out */
#define HANDLE_COUNT 65536U
#define DRAFT_WRITERS 4
#define DRAFT_WHY_SIZE 200

enum draft_state {
	DRAFT_FREE,
	DRAFT_OPEN,       /* listed under its name */
	DRAFT_PUBLISHING, /* on its way to the store: its name is the job's, readers may go on
			   */
	DRAFT_UNLINKED,   /* lives until its last handle closes */
};

struct draft {
	_Atomic enum draft_state state;
	uint32_t serial;     /* of this use of the slot */
	uint64_t created_by; /* the unique number of the request that made it */
	int64_t queue_id;
	int64_t atime_ms, mtime_ms, ctime_ms;
	int64_t size;
	uint32_t first_block; /* a chain through shared.next_block */
	uid_t uid;
	gid_t gid;
	pid_t pid;
	mode_t mode;
	uint64_t handle;      /* of a nameless one: the only handle it ever has */
	uint64_t appended_by; /* the last append: which request, and where */
	int64_t appended_at;
	bool folder;   /* a directory for drafts, whose names begin with its own and a slash */
	bool nameless; /* written through `new` or `stream` */
	bool stream;   /* written through `stream`: its bytes are receipts that can be read */
	int refused;   /* the errno with which just these bytes were refused, or 0 */
	int cut;       /* the errno of a write that failed: bytes are missing; 0: none did */
	bool written;  /* not only cut or extended, since it was empty */
	bool dirty;    /* has bytes that are not staged */
	bool staged;   /* the store holds a staged copy */
	bool final;    /* renamed while open: its close publishes whatever the name */
	bool left; /* its last writer has gone; what follows from that is still to be done */
	pid_t writer_tid;             /* the thread that wrote last */
	pid_t writers[DRAFT_WRITERS]; /* processes that wrote to it, the last few */
	pid_t killed_pid;             /* a writer that a signal ended, as the signal found it */
	int killed_signal;
	char why[DRAFT_WHY_SIZE]; /* of `refused`, in words */
	int64_t job_id;           /* it became, while somebody goes on reading it; 0: none */
	char name[FS_NAME_MAX + 1];
};

/* Is there anything in it to become a job? Of a file that somebody gave a size and never wrote, as for
 * an mmap(2) that then failed, there is not. */
static inline bool
draft_has_content(const struct draft *draft)
{
	return draft->stream ? draft->staged : draft->written && draft->size > 0;
}

/* Can it not become a job as it is? */
static inline bool
draft_is_refused(const struct draft *draft)
{
	return draft->cut || draft->refused || draft->killed_signal;
}

/* A worker's place. With every job it gets, and gives back, the ticket changes, and with it the
 * inode number of claim/WORKER. */
struct worker {
	_Atomic bool used;
	bool known;  /* job_id is what the store says */
	bool unread; /* claimed by an open that is not yet followed by a read */
	/* Some process had its claim open for reading and writing: the claim ends with the last
	 * such handle. It was this one, with this number of its own. */
	bool guarded;
	struct claimant guard;
	int64_t guard_number;
	uint32_t ticket;
	int64_t queue_id;
	int64_t job_id; /* 0: holds none */
	int64_t size, claimed_ms;
	char name[FS_NAME_MAX + 1];
};

enum handle_kind { HANDLE_FREE, HANDLE_FILE, HANDLE_DRAFT, HANDLE_CLAIM, HANDLE_PAUSE };

/* What is under way for a claim's handle that has no job. Should the worker hold one when the
 * next engine process starts, it is the handle's. */
enum handle_wants { WANTS_NOTHING, WANTS_OPEN, WANTS_READ, WANTS_POLL };

struct handle {
	_Atomic enum handle_kind kind;
	uint32_t serial;
	uint64_t opened_by; /* the unique number of the request that opened it */
	fuse_ino_t ino;
	int64_t job_id; /* claims: the job it is bound to, 0 while it waits */
	uint32_t slot;  /* of the draft or the worker */
	bool writes;
	bool reads; /* of a claim: and writes, one job after the other; of a pipe: receipts */
	bool pipe;  /* has no position: writes append, reads go on where the last one ended */
	uint64_t read_by; /* the last read of a pipe: which request, and where */
	int64_t read_at, read_next;

	bool truncated, written; /* QUEUE/paused */

	/* Claims. */
	bool polled; /* somebody waits, as the kernel knows by the number poll_kh */
	_Atomic enum handle_wants wants;
	int64_t base; /* where in the file its job begins: the offset of the read that took it */
	struct claimant by; /* whom the worker's name is bound to */
	struct claimant opener;
	int64_t opener_number; /* in its own pid namespace */
	uint64_t poll_kh;
};

/* An rm or mv of a draft that the loop is about to carry out by itself. */
struct intent {
	uint64_t unique; /* set last; 0: none */
	int64_t draft_id;
	int64_t queue_id; /* mv: where it goes; rm: 0 */
	char name[FS_NAME_MAX + 1];
};

/* A request that was sent again and is alone under way. */
struct suspect {
	uint64_t unique;
	uint32_t deaths;
};

struct shared {
	uint64_t session; /* of this mount; requests are numbered anew with each */
	struct intent intent;
	struct suspect suspect;
	_Atomic uint32_t next_serial;
	_Atomic uint64_t served; /* requests taken on: how the holder sees progress */
	uint32_t engines;        /* processes that have served this session */
	struct draft drafts[SLOT_COUNT];
	struct worker workers[SLOT_COUNT];
	struct handle handles[HANDLE_COUNT];
	uint32_t block_count;
	uint32_t *next_block; /* of each block: the next of its draft, BLOCK_NONE at the end */
	char (*blocks)[BLOCK_SIZE];
};

/* Makes the mapping for the mount numbered `session`, with room for `bytes` of drafts; touched
 * pages only use memory. Returns NULL with errno set. It lives as long as the processes that inherit it. */
struct shared *shared_new(uint64_t session, uint64_t bytes);

#endif
