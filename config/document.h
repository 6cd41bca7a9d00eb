/*
 * A YAML file as a tree of nodes with places, its variables replaced. Knows no key.
 *
 * Calling sequence: document_load(), which also parses; document_root(), document_text() and
 * mapping_read() (config/mapping.h) as often as needed; document_release().
 */
#ifndef CONFIG_DOCUMENT_H
#define CONFIG_DOCUMENT_H

#include <yaml.h>

#include "config/mistakes.h"

/* A scalar node's text, its variables replaced. */
struct text {
	bool known;  /* the other members are filled */
	bool plain;  /* not quoted, or made by a variable: "5" is a text, 5 and "${N:5}" numbers
		      */
	char *bytes; /* NULL: a mistake that has been reported */
};

struct document {
	struct mistakes *mistakes; /* where all that is wrong goes */
	yaml_document_t yaml;
	struct text *texts; /* one per node */
};

/*
 * Reads and parses the file. Returns 0, or, with the mistake added: -errno when it cannot be
 * read, -EFBIG when it is longer than 4 MiB, -EINVAL when it is not YAML, -ENOMEM. Only after 0
 * there is something to release. `path` may be a pipe; it is read to its end.
 */
int document_load(struct document *document, const char *path, struct mistakes *mistakes);
void document_release(struct document *document);

/* NULL: the file is empty. */
yaml_node_t *document_root(struct document *document);

/*
 * The text of a scalar node, NULL for a list or a map. `what` begins the message when a
 * variable in it is not set; the text's bytes are then NULL, and so they are when there is no
 * memory.
 */
const struct text *document_text(
	struct document *document, const yaml_node_t *node, const char *what);

/* What the node is, for messages: its text, "a list", "nothing"... */
struct shown document_shown(struct document *document, const yaml_node_t *node);

struct place place_of(const yaml_node_t *node);

/* Is it an empty value, ~ or null? */
bool text_is_null(const struct text *text);

#endif
