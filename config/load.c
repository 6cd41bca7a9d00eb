/* Loading a file: its top level, be it ours or one of iii. See config.h. */
#include <errno.h>
#include <stdlib.h>

#include "config/loading.h"
#include "config/queue.h"
#include "config/value.h"

static const char *const top_keys[] = { "store", "queue_configs", "workers", NULL };
enum { TOP_STORE, TOP_QUEUE_CONFIGS, TOP_WORKERS };

bool
loading_is_empty(struct loading *loading, const yaml_node_t *node, const char *what)
{
	const struct text *text = document_text(loading->document, node, what);
	return text && (!text->bytes || text_is_null(text));
}

void
loading_expected(struct loading *loading, const yaml_node_t *node, const char *what,
	const char *expected)
{
	mistakes_add(loading->mistakes, place_of(node), "%s: expected %s, found %s", what,
		expected, document_shown(loading->document, node).text);
}

const char *
loading_path(struct loading *loading, const yaml_node_t *node, const char *what)
{
	const struct text *text = document_text(loading->document, node, what);
	if (text && !text->bytes)
		return NULL;
	if (text && *text->bytes && !text_is_null(text))
		return text->bytes;
	loading_expected(loading, node, what, "a path");
	return NULL;
}

/* A key that is not ours: a mistake, unless the file is one of iii, which has many more. */
static void
add_unknown_key(struct loading *loading, const struct entry *entry)
{
	const char *meant = value_nearest(entry->key, top_keys);
	mistakes_add(loading->mistakes, place_of(entry->key_node), "unknown key '%s'; %s%s%s",
		shown(entry->key).text,
		meant ? "did you mean '" : "the keys are store and queue_configs",
		meant ? meant : "", meant ? "'?" : "");
}

static void
read_entries(struct loading *loading, const struct mapping *mapping)
{
	const yaml_node_t *values[] = { NULL, NULL, NULL };
	unsigned choice;
	for (size_t i = 0; i < mapping->count; i++)
		if (value_choice(mapping->entries[i].key, top_keys, &choice))
			values[choice] = mapping->entries[i].value;
	for (size_t i = 0; i < mapping->count && !values[TOP_WORKERS]; i++)
		if (!value_choice(mapping->entries[i].key, top_keys, &choice))
			add_unknown_key(loading, &mapping->entries[i]);
	loading->store = values[TOP_STORE];
	if (values[TOP_QUEUE_CONFIGS])
		loading_queues(loading, values[TOP_QUEUE_CONFIGS]);
	if (values[TOP_WORKERS])
		loading_workers(loading, values[TOP_WORKERS]);
}

static void
add_no_queues(struct loading *loading, const yaml_node_t *root)
{
	struct place start = { 1, 1 };
	mistakes_add(loading->mistakes, root ? place_of(root) : start,
		"no queues: write at least one, such as queue_configs: { mail: { } }");
}

static void
read_root(struct loading *loading)
{
	const yaml_node_t *root = document_root(loading->document);
	struct mapping mapping;
	if (root && root->type != YAML_MAPPING_NODE &&
		!loading_is_empty(loading, root, "the file")) {
		loading_expected(loading, root, "the file", "a map with queue_configs");
		return;
	}
	if (root && root->type == YAML_MAPPING_NODE) {
		mapping_read(&mapping, loading->document, root, "the file");
		read_entries(loading, &mapping);
		mapping_release(&mapping);
	}
	if (loading->config->queue_count == 0)
		add_no_queues(loading, root);
	loading_store(loading);
}

int
config_load(const char *path, config_report_fn *report, void *context, struct config *config)
{
	struct mistakes mistakes = { 0 };
	struct document document;
	struct loading loading = {
		.path = path, .document = &document, .mistakes = &mistakes, .config = config
	};
	*config = (struct config){ 0 };
	int error = document_load(&document, path, &mistakes);
	if (!error) {
		read_root(&loading);
		document_release(&document);
	}
	int reported = mistakes_report(&mistakes, path, report, context);
	if (!error || reported == -ENOMEM)
		error = reported;
	if (error)
		config_release(config);
	return error;
}

void
config_release(struct config *config)
{
	for (size_t i = 0; i < config->queue_count; i++)
		config_queue_release(&config->queues[i]);
	free(config->queues);
	free(config->store);
	*config = (struct config){ 0 };
}
