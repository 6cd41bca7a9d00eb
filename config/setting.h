/*
 * A queue's members, set from texts by the table of keys.
 */
#ifndef CONFIG_SETTING_H
#define CONFIG_SETTING_H

#include "config/keys.h"

/* Sets the key's member; a text that was there is freed. Returns 0, -EINVAL when the text is no
 * such value, -ENOMEM. Keys that are a map, or ignored, set nothing. */
int setting_set(const struct key *key, struct config_queue *queue, const char *text);

/* Gives every member of a zeroed queue its default. Returns 0 or -ENOMEM; what it made is the
 * queue's in both cases. */
int setting_defaults(struct config_queue *queue);

/* The key's member, to read it. */
const void *setting_get(const struct key *key, const struct config_queue *queue);

#endif
