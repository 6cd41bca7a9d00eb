/*
 * What stat(2) tells of each kind of file, and for how long the kernel may believe it. Pure.
 */
#ifndef FS_ATTR_H
#define FS_ATTR_H

#include <fuse_lowlevel.h>
#include <sys/stat.h>

#include "engine/engine.h"
#include "fs/fs.h"

/* Seconds for which the kernel may keep a name or attributes. A change through the mount drops
 * what it touches at once, so a directory's second is only about what changes from elsewhere
 * (a backoff that ends). Jobs get theirs from readdirplus alone, for `ls -l`. */
#define TIMEOUT_FIXED 3600.0
#define TIMEOUT_DIRECTORY 1.0
#define TIMEOUT_LISTED 0.1

struct timespec attr_time(int64_t ms);
int64_t attr_ms(const struct timespec *time);

/* A fixed entry. `queue` is NULL for the root's; `changed_ms` 0: as old as the mount. */
struct stat attr_node(
	const struct fs *fs, enum node node, const struct fs_queue *queue, int64_t changed_ms);
/* A job as the directory `node` shows it. */
struct stat attr_job(const struct fs_queue *queue, enum node node, const struct job *job);
/* Its twin, whose text has `size` bytes. */
struct stat attr_twin(
	const struct fs_queue *queue, enum node node, const struct job *job, size_t size);
/* The name under which it was written. */
struct stat attr_alias(const struct job *job);
/* receipts/NAME. */
struct stat attr_link(const struct fs_queue *queue, const struct job *job);
struct stat attr_draft(const struct draft *draft, int64_t draft_id);
struct stat attr_claim(const struct fs_queue *queue, const struct worker *worker,
	fuse_ino_t ino, int64_t mounted_ms);

/* The entry that goes with attributes: for how many seconds the kernel may believe that the name
 * means this file, and the attributes. */
struct fuse_entry_param attr_entry(const struct stat *attr, double name, double attributes);

#endif
