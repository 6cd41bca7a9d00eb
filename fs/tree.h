/*
 * The virtual tree: one table of the fixed entries, used by lookup, getattr, readdir, open,
 * unlink and rename alike. What is not in it (jobs, drafts, workers, names) is a child of one
 * of its directories.
 */
#ifndef FS_TREE_H
#define FS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "config/config.h"
#include "engine/engine.h"

enum node {
	NODE_ROOT, /* 0: FUSE_ROOT_ID */
	NODE_README,
	NODE_QUEUE,
	NODE_NEW,
	NODE_PAUSED,
	NODE_CLAIM,
	NODE_RUNNING,
	NODE_RETRIES,
	NODE_BACKOFF,
	NODE_DEAD,
	NODE_RECEIPTS,
	NODE_REJECTED,
	NODE_STREAM,
	NODE_COUNT,
};

struct tree_node {
	const char *name; /* NULL: the root, and QUEUE, whose names are the queues' */
	enum node parent;
	mode_t type;           /* S_IFDIR or S_IFREG */
	enum config_face face; /* whose owner and mode it has */
	enum view view;        /* the jobs it shows; VIEW_COUNT: none */
	nlink_t links; /* as a directory: 2 and its subdirectories, which find(1) counts on */
	bool writable; /* a file that may be opened for writing */
};

extern const struct tree_node tree[NODE_COUNT];

/* The fixed child of `parent` with this name, or NODE_ROOT if there is none. Queues are
 * children of the root that the caller knows. */
enum node tree_child(enum node parent, const char *name);

/* The state whose jobs a directory's times follow: the last change of any that `view` shows. */
int64_t tree_changed_ms(const struct engine *engine, enum view view, int64_t queue_id);

#endif
