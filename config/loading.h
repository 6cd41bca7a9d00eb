/*
 * One file being loaded: what the parts of its reading share.
 */
#ifndef CONFIG_LOADING_H
#define CONFIG_LOADING_H

#include "config/mapping.h"

struct loading {
	const char *path;
	struct document *document;
	struct mistakes *mistakes; /* the document's */
	struct config *config;
	const yaml_node_t *store;  /* the value of `store`, or NULL */
	const yaml_node_t *folder; /* of an iii adapter's file_path, or NULL */
};

/* The value of queue_configs: appends to config->queues. */
void loading_queues(struct loading *loading, const yaml_node_t *node);

/* The value of iii's `workers`: the queues and the folder of its queue worker. */
void loading_workers(struct loading *loading, const yaml_node_t *node);

/* Sets config->store from `store`, else `folder`, else the default. */
void loading_store(struct loading *loading);

/* Is the node an empty value, or a text with a mistake that has been reported? */
bool loading_is_empty(struct loading *loading, const yaml_node_t *node, const char *what);

/* Adds "WHAT: expected EXPECTED, found ...". */
void loading_expected(struct loading *loading, const yaml_node_t *node, const char *what,
	const char *expected);

/* A node's text that is a path, or NULL with the mistake added. */
const char *loading_path(struct loading *loading, const yaml_node_t *node, const char *what);

#endif
