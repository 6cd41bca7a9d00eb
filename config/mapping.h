/*
 * The entries of a YAML map: its own, and those that `<<` merges in (yaml.org/type/merge.html).
 */
#ifndef CONFIG_MAPPING_H
#define CONFIG_MAPPING_H

#include "config/document.h"

struct entry {
	const char *key; /* the document's */
	const yaml_node_t *key_node, *value;
	size_t number;     /* in order of reading: own entries first */
	bool merged, kept; /* while the list is being made */
};

struct mapping {
	struct entry *entries;
	size_t count;
};

/*
 * Reads the entries of `node`, which is a map, in its order. A key given twice counts once: the
 * first, and is a mistake; an own key silently hides a merged one. Keys that are lists or maps
 * are mistakes. `what` begins the messages. The mapping can be released whatever happened.
 */
void mapping_read(struct mapping *mapping, struct document *document, const yaml_node_t *node,
	const char *what);
void mapping_release(struct mapping *mapping);

#endif
