/*
 * The keys of a queue: one table that the reader, its messages, `spoolfs -n` and the manual
 * follow.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "config/config.h"

enum key_id {
	KEY_TYPE,
	KEY_MESSAGE_GROUP_FIELD,
	KEY_CONCURRENCY,
	KEY_MAX_RETRIES,
	KEY_BACKOFF_MS,
	KEY_BACKOFF_MAX_MS,
	KEY_BACKOFF_JITTER,
	KEY_TIMEOUT_MS,
	KEY_PAYLOAD,
	KEY_MAX_PAYLOAD_BYTES,
	KEY_MAX_JOBS,
	KEY_PUBLISH,
	KEY_DRAFT_NAMES,
	KEY_PERMISSIONS,
	KEY_SCHEDULE_BY_MTIME,
	KEY_POLL_INTERVAL_MS,
	KEY_COUNT
};

/* What a key's value is, and the member of struct config_queue it goes into. */
enum key_kind {
	KEY_INTEGER,  /* int64_t */
	KEY_FRACTION, /* double */
	KEY_BOOLEAN,  /* bool */
	KEY_CHOICE,   /* an enum, in the order of `choices` */
	KEY_TEXT,     /* char *, not empty */
	KEY_PATTERNS, /* char *, words separated by single spaces */
	KEY_FACES,    /* struct config_permission[CONFIG_FACES]: a map, not a text */
	KEY_IGNORED   /* nothing */
};

struct key {
	const char *name;
	enum key_kind kind;
	size_t offset; /* of the member */
	/* As it would stand in the file. NULL: unset unless given, and may be given as null. */
	const char *fallback;
	const char *fallback_note; /* what the manual says of the default beyond `fallback` */
	int64_t minimum, maximum;
	const char *unit;           /* of an integer; NULL: it only counts */
	const char *const *choices; /* NULL ends it */
	const char *help;           /* whole sentences, a line each: mdoc(7) wants it so */
};

extern const struct key keys[KEY_COUNT];
extern const char *const key_faces[CONFIG_FACES + 1]; /* the keys of `permissions` */

const struct key *key_find(const char *name); /* NULL: no such key */
const char *key_nearest(const char *name);    /* the key that was probably meant, or NULL */

/* What a value has to be, for messages and the manual: "a whole number from 1 to 1000000". */
struct key_range {
	char text[160];
};
struct key_range key_range(const struct key *key);

#endif
