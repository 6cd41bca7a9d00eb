/* Values into members, as the table of keys says. See setting.h. */
#include "config/setting.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/name.h"
#include "config/value.h"

/* A pattern has no use unless it is as short as a name. */
static bool
has_long_word(const char *text)
{
	const char *word;
	for (int length; (length = value_word(&text, &word)) > 0;)
		if (length > NAME_BYTES_MAX)
			return true;
	return false;
}

/* The words of the text with one space between them. NULL: no memory. */
static char *
join_words(const char *text)
{
	char *joined = malloc(strlen(text) + 1), *out = joined;
	const char *word;
	for (int length; joined && (length = value_word(&text, &word)) > 0; out += length) {
		if (out > joined)
			*out++ = ' ';
		memcpy(out, word, (size_t)length);
	}
	if (joined)
		*out = '\0';
	return joined;
}

/* Puts `text`, which is the queue's from now on, in the place of what *member holds. */
static int
set_text(char **member, char *text)
{
	if (!text)
		return -ENOMEM;
	free(*member);
	*member = text;
	return 0;
}

static int
set_choice(const struct key *key, void *member, const char *text)
{
	static_assert(sizeof(enum config_type) == sizeof(unsigned), "choices are unsigned");
	unsigned choice;
	if (!value_choice(text, key->choices, &choice))
		return -EINVAL;
	memcpy(member, &choice, sizeof choice);
	return 0;
}

int
setting_set(const struct key *key, struct config_queue *queue, const char *text)
{
	void *member = (char *)queue + key->offset;
	switch (key->kind) {
	case KEY_INTEGER:
		return value_integer(text, key->minimum, key->maximum, member) ? 0 : -EINVAL;
	case KEY_FRACTION:
		return value_fraction(text, member) ? 0 : -EINVAL;
	case KEY_BOOLEAN:
		return value_boolean(text, member) ? 0 : -EINVAL;
	case KEY_CHOICE:
		return set_choice(key, member, text);
	case KEY_TEXT:
		return *text ? set_text(member, strdup(text)) : -EINVAL;
	case KEY_PATTERNS:
		return has_long_word(text) ? -EINVAL : set_text(member, join_words(text));
	case KEY_FACES:
	case KEY_IGNORED:
		break;
	}
	return 0;
}

int
setting_defaults(struct config_queue *queue)
{
	queue->backoff_max_ms = CONFIG_NONE;
	queue->max_jobs = CONFIG_NONE;
	int error = 0;
	for (const struct key *key = keys; key < keys + KEY_COUNT && !error; key++)
		if (key->fallback)
			error = setting_set(key, queue, key->fallback);
	assert(error != -EINVAL); /* the table's own defaults */
	return error;
}

const void *
setting_get(const struct key *key, const struct config_queue *queue)
{
	return (const char *)queue + key->offset;
}
