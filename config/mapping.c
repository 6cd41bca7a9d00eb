/* The entries of a map, merges resolved. See mapping.h. */
#include "config/mapping.h"

#include <stdlib.h>
#include <string.h>

/* A bound for maps that merge themselves, and for merges of merges of merges. */
enum { MERGES_MAX = 100 };

struct reading {
	struct mapping *mapping;
	struct document *document;
	const char *what;
	size_t capacity;
	int merges; /* maps merged so far */
};

static const yaml_node_t *
node_of(const struct reading *reading, yaml_node_item_t item)
{
	return yaml_document_get_node(&reading->document->yaml, item);
}

static void
append(struct reading *reading, const struct entry *entry)
{
	struct mapping *mapping = reading->mapping;
	if (mapping->count == reading->capacity) {
		size_t capacity = reading->capacity ? reading->capacity * 2 : 16;
		void *entries = reallocarray(mapping->entries, capacity, sizeof *entry);
		if (!entries) {
			reading->document->mistakes->out_of_memory = true;
			return;
		}
		mapping->entries = entries;
		reading->capacity = capacity;
	}
	mapping->entries[mapping->count] = *entry;
	mapping->entries[mapping->count].number = mapping->count;
	mapping->count++;
}

/* Appends one entry, unless it is a merge: that is kept for later in *merge. */
static void
append_pair(struct reading *reading, const yaml_node_pair_t *pair, const yaml_node_t **merge)
{
	struct entry entry = {
		.key_node = node_of(reading, pair->key),
		.value = node_of(reading, pair->value),
		.merged = reading->merges > 0,
	};
	const struct text *key =
		document_text(reading->document, entry.key_node, reading->what);
	if (!key) {
		mistakes_add(reading->document->mistakes, place_of(entry.key_node),
			"%s: expected a key, found %s", reading->what,
			document_shown(reading->document, entry.key_node).text);
		return;
	}
	entry.key = key->bytes;
	if (entry.key && key->plain && strcmp(entry.key, "<<") == 0)
		*merge = entry.value;
	else if (entry.key)
		append(reading, &entry);
}

/* Appends the map's own entries. Returns what it merges: a map, a list of maps, or NULL. */
static const yaml_node_t *
append_own(struct reading *reading, const yaml_node_t *node)
{
	const yaml_node_t *merge = NULL;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		pair < node->data.mapping.pairs.top; pair++)
		append_pair(reading, pair, &merge);
	return merge;
}

static void
append_merged(struct reading *reading, const yaml_node_t *node, bool in_list)
{
	if (++reading->merges > MERGES_MAX) {
		if (reading->merges == MERGES_MAX + 1)
			mistakes_add(reading->document->mistakes, place_of(node),
				"%s: more than %d merges (<<), or a map that merges itself",
				reading->what, MERGES_MAX);
		return;
	}
	if (node->type == YAML_MAPPING_NODE) {
		const yaml_node_t *merge = append_own(reading, node);
		if (merge)
			append_merged(reading, merge, false);
		return;
	}
	if (node->type != YAML_SEQUENCE_NODE || in_list) {
		mistakes_add(reading->document->mistakes, place_of(node),
			"%s: << expected a map or a list of maps, found %s", reading->what,
			document_shown(reading->document, node).text);
		return;
	}
	for (const yaml_node_item_t *item = node->data.sequence.items.start;
		item < node->data.sequence.items.top; item++)
		append_merged(reading, node_of(reading, *item), true);
}

static int
compare_numbers(const void *one, const void *two)
{
	const struct entry *a = one, *b = two;
	return (a->number > b->number) - (a->number < b->number);
}

static int
compare_keys(const void *one, const void *two)
{
	const struct entry *a = one, *b = two;
	int order = strcmp(a->key, b->key);
	return order ? order : compare_numbers(one, two);
}

/* Marks the entries that count; sorted by key, so that twins stand side by side. */
static void
keep_first(struct reading *reading)
{
	struct mapping *mapping = reading->mapping;
	const struct entry *first = mapping->entries;
	for (size_t i = 0; i < mapping->count; i++) {
		struct entry *entry = &mapping->entries[i];
		entry->kept = i == 0 || strcmp(first->key, entry->key) != 0;
		if (entry->kept)
			first = entry;
		else if (!entry->merged)
			mistakes_add(reading->document->mistakes, place_of(entry->key_node),
				"%s: '%s' is given twice, first on line %zu; remove one",
				reading->what, shown(entry->key).text,
				place_of(first->key_node).line);
	}
}

/* Back into the order of reading, without those that do not count. */
static void
drop_others(struct mapping *mapping)
{
	size_t kept = 0;
	for (size_t i = 0; i < mapping->count; i++)
		if (mapping->entries[i].kept)
			mapping->entries[kept++] = mapping->entries[i];
	mapping->count = kept;
	qsort(mapping->entries, kept, sizeof *mapping->entries, compare_numbers);
}

void
mapping_read(struct mapping *mapping, struct document *document, const yaml_node_t *node,
	const char *what)
{
	struct reading reading = { .mapping = mapping, .document = document, .what = what };
	*mapping = (struct mapping){ 0 };
	const yaml_node_t *merge = append_own(&reading, node);
	if (merge)
		append_merged(&reading, merge, false);
	if (mapping->count == 0)
		return;
	qsort(mapping->entries, mapping->count, sizeof *mapping->entries, compare_keys);
	keep_first(&reading);
	drop_others(mapping);
}

void
mapping_release(struct mapping *mapping)
{
	free(mapping->entries);
	*mapping = (struct mapping){ 0 };
}
