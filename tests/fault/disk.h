/*
 * A disk in memory, as a VFS of SQLite: it knows what was synced and what was not, runs full,
 * fails at the n-th call, and can be copied as a power cut or a killed process would leave it.
 *
 * Calling sequence: disk_new(); the VFS of that name is used; disk_image() into another disk,
 * whose VFS is opened then; disk_free(). One connection at a time for each disk.
 */
#ifndef TESTS_FAULT_DISK_H
#define TESTS_FAULT_DISK_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_FILES 8

enum disk_call {
	DISK_OPEN = 1,
	DISK_READ = 2,
	DISK_WRITE = 4,
	DISK_SYNC = 8,
	DISK_TRUNCATE = 16,
	DISK_DELETE = 32,
	DISK_SHM = 64,
	DISK_ACCESS = 128, /* is it there? */
	DISK_SIZE = 256,
};
#define DISK_CHANGES \
	(DISK_OPEN | DISK_WRITE | DISK_SYNC | DISK_TRUNCATE | DISK_DELETE | DISK_SHM)
#define DISK_LOOKS (DISK_READ | DISK_ACCESS | DISK_SIZE)

struct bytes {
	unsigned char *at;
	size_t size, room;
};

/* A change that was not synced yet. */
struct disk_change {
	struct disk_change *next;
	bool truncate; /* to offset */
	size_t offset, size;
	unsigned char bytes[];
};

struct disk_file {
	char name[64];
	bool there, there_synced;
	bool hollow; /* takes room, but nobody reads it: the reserve. Only now.size counts */
	struct bytes now, synced;
	struct disk_change *first, *last;
	int chunk; /* SQLITE_FCNTL_CHUNK_SIZE */
	void *shm[16];
};

struct disk;
typedef void disk_watch_fn(void *context, enum disk_call call);

struct disk {
	sqlite3_vfs vfs;
	struct disk_file files[DISK_FILES];
	int64_t capacity; /* bytes of all files; -1: without end */
	/* The call after `fail_after` more of the kinds `fail_calls` gets an error; -1: none. */
	int64_t fail_after;
	int fail_calls;
	int fail_code;    /* SQLITE_IOERR: the one of the call; SQLITE_FULL */
	bool lasting;     /* all that follow, too */
	bool failed;      /* one has */
	bool sync_failed; /* a sync was among them */
	bool dead;        /* no power: everything fails */
	int64_t calls;    /* changes so far */
	/* Told after each write or truncation, and before each sync. */
	disk_watch_fn *watch;
	void *context;
};

/* True while a disk takes memory of its own: not for a test of failing allocations to refuse. */
extern volatile bool disk_allocates;

struct disk *disk_new(const char *name);
void disk_free(struct disk *disk);
/* No files, no faults. */
void disk_clear(struct disk *disk);
void disk_no_faults(struct disk *disk);
int64_t disk_used(const struct disk *disk);

enum disk_crash {
	DISK_KILLED, /* the process: what was written is there */
	DISK_LOST,   /* the power: nothing is there but what was synced */
	DISK_TORN, /* the power: of the rest any part, in sectors, in any order; some garbage */
	DISK_CRASHES,
};
/* `to` becomes what the crash leaves of `from`. */
void disk_image(
	const struct disk *from, struct disk *to, enum disk_crash crash, uint64_t *random);

#endif
