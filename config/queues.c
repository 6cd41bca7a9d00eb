/* The map of queues. See loading.h. */
#include <stdlib.h>
#include <string.h>

#include "config/loading.h"
#include "config/queue.h"

/* The store gives queues ids below 2^14 that they keep for life; this leaves room for old ones.
 */
enum { QUEUES_MAX = 10000 };

/* mapping_read() saw to twins in one map; this is for a file with several. */
static bool
queue_exists(const struct config *config, const char *name, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (config->queues[i].name && strcmp(config->queues[i].name, name) == 0)
			return true;
	return false;
}

static struct config_queue *
make_room(struct loading *loading, size_t more)
{
	struct config *config = loading->config;
	void *queues = reallocarray(
		config->queues, config->queue_count + more + 1, sizeof *config->queues);
	if (!queues) {
		loading->mistakes->out_of_memory = true;
		return NULL;
	}
	config->queues = queues;
	return queues;
}

static void
read_entries(struct loading *loading, const struct mapping *mapping)
{
	struct config *config = loading->config;
	size_t before = config->queue_count;
	if (!make_room(loading, mapping->count))
		return;
	for (size_t i = 0; i < mapping->count; i++) {
		const struct entry *entry = &mapping->entries[i];
		if (queue_exists(config, entry->key, before)) {
			mistakes_add(loading->mistakes, place_of(entry->key_node),
				"queue '%s': it is given twice; remove one",
				shown(entry->key).text);
			continue;
		}
		config_queue_read(
			&config->queues[config->queue_count++], loading->document, entry);
	}
}

void
loading_queues(struct loading *loading, const yaml_node_t *node)
{
	struct mapping mapping;
	if (loading_is_empty(loading, node, "queue_configs"))
		return;
	if (node->type != YAML_MAPPING_NODE) {
		loading_expected(loading, node, "queue_configs", "a map of queues");
		return;
	}
	mapping_read(&mapping, loading->document, node, "queue_configs");
	if (loading->config->queue_count + mapping.count > QUEUES_MAX)
		mistakes_add(loading->mistakes, place_of(node),
			"queue_configs: expected at most %d queues, found %zu", QUEUES_MAX,
			loading->config->queue_count + mapping.count);
	else
		read_entries(loading, &mapping);
	mapping_release(&mapping);
}
