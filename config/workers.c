/* The configuration of an iii installation: its list of workers. See loading.h. */
#include <string.h>

#include "config/loading.h"
#include "config/value.h"

/* The worker that has the queues, and what its config holds. */
static const char *const queue_workers[] = { "iii-queue", "queue", NULL };
static const char *const config_keys[] = { "adapter", "queue_configs", NULL };
enum { CONFIG_ADAPTER, CONFIG_QUEUE_CONFIGS };

/* The value of a map's key, NULL when there is none. Adds no mistakes: most workers are none of
 * our business. */
static const yaml_node_t *
find_value(struct loading *loading, const yaml_node_t *node, const char *key)
{
	if (node->type != YAML_MAPPING_NODE)
		return NULL;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		pair < node->data.mapping.pairs.top; pair++) {
		yaml_document_t *yaml = &loading->document->yaml;
		const yaml_node_t *name = yaml_document_get_node(yaml, pair->key);
		if (name->type == YAML_SCALAR_NODE &&
			strcmp((const char *)name->data.scalar.value, key) == 0)
			return yaml_document_get_node(yaml, pair->value);
	}
	return NULL;
}

/* The text of a map's key, NULL when there is none. */
static const char *
find_text(struct loading *loading, const yaml_node_t *node, const char *key)
{
	const yaml_node_t *value = find_value(loading, node, key);
	const struct text *text =
		value ? document_text(loading->document, value, "workers") : NULL;
	return text ? text->bytes : NULL;
}

static void
warn_of_adapter(struct loading *loading, const yaml_node_t *node, const char *name)
{
	if (!loading->store)
		mistakes_warn(loading->mistakes, place_of(find_value(loading, node, "name")),
			"adapter: '%s' is not used; spoolfs keeps jobs in a store of its own, "
			"which store: PATH names",
			shown(name).text);
}

static void
read_adapter(struct loading *loading, const yaml_node_t *node)
{
	const char *name = find_text(loading, node, "name");
	const yaml_node_t *config = find_value(loading, node, "config");
	if (loading_is_empty(loading, node, "adapter"))
		return;
	if (node->type != YAML_MAPPING_NODE)
		loading_expected(loading, node, "adapter", "a map with name and config");
	else if (name && strcmp(name, "builtin") != 0)
		warn_of_adapter(loading, node, name);
	else if (config && !loading->folder)
		loading->folder = find_value(loading, config, "file_path");
}

static void
read_entry(struct loading *loading, const struct entry *entry)
{
	unsigned choice;
	if (!value_choice(entry->key, config_keys, &choice)) {
		const char *meant = value_nearest(entry->key, config_keys);
		mistakes_warn(loading->mistakes, place_of(entry->key_node),
			"workers: key '%s' is ignored; %s%s%s", shown(entry->key).text,
			meant ? "did you mean '" : "spoolfs reads adapter and queue_configs",
			meant ? meant : "", meant ? "'?" : "");
		return;
	}
	if (choice == CONFIG_ADAPTER)
		read_adapter(loading, entry->value);
	else
		loading_queues(loading, entry->value);
}

/* The `config` of the worker that has the queues. */
static void
read_config(struct loading *loading, const yaml_node_t *node)
{
	struct mapping mapping;
	if (loading_is_empty(loading, node, "workers: config"))
		return;
	if (node->type != YAML_MAPPING_NODE) {
		loading_expected(loading, node, "workers: config", "a map with queue_configs");
		return;
	}
	mapping_read(&mapping, loading->document, node, "workers: config");
	for (size_t i = 0; i < mapping.count; i++)
		read_entry(loading, &mapping.entries[i]);
	mapping_release(&mapping);
}

static void
read_worker(struct loading *loading, const yaml_node_t *node)
{
	const char *name = find_text(loading, node, "name");
	const yaml_node_t *config = find_value(loading, node, "config");
	unsigned choice;
	if (name && config && value_choice(name, queue_workers, &choice))
		read_config(loading, config);
}

void
loading_workers(struct loading *loading, const yaml_node_t *node)
{
	if (loading_is_empty(loading, node, "workers"))
		return;
	if (node->type != YAML_SEQUENCE_NODE) {
		loading_expected(loading, node, "workers", "a list of workers");
		return;
	}
	for (const yaml_node_item_t *item = node->data.sequence.items.start;
		item < node->data.sequence.items.top; item++)
		read_worker(loading, yaml_document_get_node(&loading->document->yaml, *item));
}
