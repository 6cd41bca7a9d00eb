/* Reading one queue: its name, its keys, and what its keys mean together. See queue.h. */
#include "config/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/name.h"
#include "config/permission.h"
#include "config/setting.h"
#include "config/value.h"

/* "queue 'NAME'", the beginning of a message. */
struct queue_what {
	char text[sizeof(struct shown) + sizeof "queue ''"];
};

/* "queue 'NAME': KEY", where KEY may be "permissions: FACE". */
struct what {
	char text[sizeof(struct queue_what) + 64];
};

struct reading {
	struct config_queue *queue;
	struct document *document;
	struct queue_what what;
	struct entry given[KEY_COUNT]; /* in the file, and not null; else zero */
	bool wrong[KEY_COUNT];         /* given, but no such value */
};

static struct what
what_key(const struct reading *reading, const char *key)
{
	struct what what;
	(void)snprintf(what.text, sizeof what.text, "%s: %.60s", reading->what.text, key);
	return what;
}

static void
add_expected(struct reading *reading, const yaml_node_t *node, const char *key,
	const char *range, const char *because)
{
	mistakes_add(reading->document->mistakes, place_of(node),
		"%s: %s: expected %s, found %s%s%s", reading->what.text, key, range,
		document_shown(reading->document, node).text, *because ? "; " : "", because);
}

static void
read_name(struct reading *reading, const struct entry *entry)
{
	const char *problem = name_problem(entry->key);
	(void)snprintf(reading->what.text, sizeof reading->what.text, "queue '%s'",
		shown(entry->key).text);
	if (problem)
		mistakes_add(reading->document->mistakes, place_of(entry->key_node), "%s: %s",
			reading->what.text, problem);
	reading->queue->name = strdup(entry->key);
	if (!reading->queue->name)
		reading->document->mistakes->out_of_memory = true;
}

static void
add_unknown_key(struct reading *reading, const struct entry *entry)
{
	const char *meant = key_nearest(entry->key);
	mistakes_add(reading->document->mistakes, place_of(entry->key_node),
		"%s: unknown key '%s'; %s%s%s", reading->what.text, shown(entry->key).text,
		meant ? "did you mean '" : "spoolfs.yaml(5) lists the keys", meant ? meant : "",
		meant ? "'?" : "");
}

/* One face of `permissions`. */
static void
read_face(struct reading *reading, const struct entry *entry)
{
	struct what what = what_key(reading, "permissions");
	unsigned face;
	if (!value_choice(entry->key, key_faces, &face)) {
		mistakes_add(reading->document->mistakes, place_of(entry->key_node),
			"%s: unknown key '%s'; the keys are enqueue, claim and inspect",
			what.text, shown(entry->key).text);
		return;
	}
	char key[sizeof "permissions: " + 16];
	(void)snprintf(key, sizeof key, "permissions: %s", key_faces[face]);
	const struct text *text =
		document_text(reading->document, entry->value, what_key(reading, key).text);
	struct permission_problem problem = { "" };
	if (text && !text->bytes)
		return;
	if (!text ||
		!permission_parse(&reading->queue->permissions[face], text->bytes, &problem))
		add_expected(reading, entry->value, key,
			"USER:GROUP MODE, such as mail:mail 0750", problem.text);
}

static void
read_faces(struct reading *reading, const struct entry *entry)
{
	struct what what = what_key(reading, entry->key);
	const struct text *text = document_text(reading->document, entry->value, what.text);
	struct mapping faces;
	if (text && (!text->bytes || text_is_null(text)))
		return;
	if (entry->value->type != YAML_MAPPING_NODE) {
		add_expected(reading, entry->value, entry->key,
			key_range(&keys[KEY_PERMISSIONS]).text, "");
		return;
	}
	mapping_read(&faces, reading->document, entry->value, what.text);
	for (size_t i = 0; i < faces.count; i++)
		read_face(reading, &faces.entries[i]);
	mapping_release(&faces);
}

/* Is "5" meant where 5 is expected? Choices and texts may be quoted, numbers may not. */
static bool
may_be_quoted(const struct key *key)
{
	return key->kind == KEY_CHOICE || key->kind == KEY_TEXT || key->kind == KEY_PATTERNS;
}

/* A key whose value is a text. Returns false when it is no such value. */
static bool
read_text(struct reading *reading, const struct key *key, const struct entry *entry)
{
	const struct text *text = document_text(
		reading->document, entry->value, what_key(reading, key->name).text);
	if (text && !text->bytes)
		return false;
	if (text && text_is_null(text) && !key->fallback) {
		reading->given[key - keys] = (struct entry){ 0 };
		return true;
	}
	int error = -EINVAL;
	if (text && !text_is_null(text) && (text->plain || may_be_quoted(key)))
		error = setting_set(key, reading->queue, text->bytes);
	if (error == -ENOMEM)
		reading->document->mistakes->out_of_memory = true;
	else if (error)
		add_expected(reading, entry->value, key->name, key_range(key).text, "");
	return !error;
}

static void
read_key(struct reading *reading, const struct entry *entry)
{
	const struct key *key = key_find(entry->key);
	if (!key) {
		add_unknown_key(reading, entry);
		return;
	}
	reading->given[key - keys] = *entry;
	if (key->kind == KEY_FACES)
		read_faces(reading, entry);
	else if (key->kind != KEY_IGNORED)
		reading->wrong[key - keys] = !read_text(reading, key, entry);
}

/* What the type means for the group field, and the other way round. */
static void
check_group_field(struct reading *reading)
{
	struct config_queue *queue = reading->queue;
	struct mistakes *mistakes = reading->document->mistakes;
	const struct entry *field = &reading->given[KEY_MESSAGE_GROUP_FIELD];
	const struct entry *type = &reading->given[KEY_TYPE];
	if (reading->wrong[KEY_TYPE])
		return;
	if (queue->type == CONFIG_FIFO && !field->key)
		mistakes_add(mistakes, place_of(type->value),
			"%s: a fifo queue needs message_group_field: the key of the payload "
			"whose "
			"value names the group",
			reading->what.text);
	if (queue->type == CONFIG_FIFO || !field->key)
		return;
	mistakes_warn(mistakes, place_of(field->key_node),
		"%s: message_group_field has no effect in a standard queue; did you mean "
		"type: fifo?",
		reading->what.text);
	free(queue->message_group_field);
	queue->message_group_field = NULL;
}

static void
check_payload(struct reading *reading)
{
	const struct entry *payload = &reading->given[KEY_PAYLOAD];
	if (reading->queue->type != CONFIG_FIFO)
		return;
	if (payload->key && !reading->wrong[KEY_PAYLOAD] &&
		reading->queue->payload == CONFIG_PAYLOAD_ANY)
		mistakes_warn(reading->document->mistakes, place_of(payload->value),
			"%s: payload: any has no effect in a fifo queue: it takes the group "
			"out "
			"of the payload, which has to be json",
			reading->what.text);
	reading->queue->payload = CONFIG_PAYLOAD_JSON;
}

static void
check_backoff(struct reading *reading)
{
	const struct config_queue *queue = reading->queue;
	const struct entry *cap = &reading->given[KEY_BACKOFF_MAX_MS];
	if (!cap->key || reading->wrong[KEY_BACKOFF_MAX_MS] || reading->wrong[KEY_BACKOFF_MS] ||
		queue->backoff_max_ms >= queue->backoff_ms)
		return;
	mistakes_add(reading->document->mistakes, place_of(cap->value),
		"%s: backoff_max_ms: expected at least backoff_ms, which is %lld%s, found %lld",
		reading->what.text, (long long)queue->backoff_ms,
		reading->given[KEY_BACKOFF_MS].key ? "" : " by default",
		(long long)queue->backoff_max_ms);
}

static void
read_keys(struct reading *reading, const yaml_node_t *node)
{
	struct mapping mapping;
	mapping_read(&mapping, reading->document, node, reading->what.text);
	for (size_t i = 0; i < mapping.count; i++)
		read_key(reading, &mapping.entries[i]);
	mapping_release(&mapping);
}

void
config_queue_read(
	struct config_queue *queue, struct document *document, const struct entry *entry)
{
	struct reading reading = { .queue = queue, .document = document };
	*queue = (struct config_queue){ 0 };
	if (setting_defaults(queue))
		document->mistakes->out_of_memory = true;
	read_name(&reading, entry);
	const struct text *text = document_text(document, entry->value, reading.what.text);
	if (entry->value->type == YAML_MAPPING_NODE)
		read_keys(&reading, entry->value);
	else if (!text || (text->bytes && !text_is_null(text)))
		mistakes_add(document->mistakes, place_of(entry->value),
			"%s: expected a map of keys, found %s", reading.what.text,
			document_shown(document, entry->value).text);
	check_group_field(&reading);
	check_payload(&reading);
	check_backoff(&reading);
}

void
config_queue_release(struct config_queue *queue)
{
	free(queue->name);
	free(queue->message_group_field);
	free(queue->draft_names);
	*queue = (struct config_queue){ 0 };
}
