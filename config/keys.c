/* The table of keys, and what follows from a row of it. See keys.h. */
#include "config/keys.h"

#include <inttypes.h>
#include <string.h>

#include "config/value.h"

#define COUNT_MAX INT64_C(1000000)
#define TEN_YEARS_MS (INT64_C(10) * 365 * 24 * 3600 * 1000)
/* SQLite ends a row at 1,000,000,000 bytes, which the payload shares with its id. */
#define PAYLOAD_MAX INT64_C(999000000)
#define JOBS_MAX INT64_C(1000000000000) /* as many as the store has ids for, about 2^40 */
#define MEMBER(name) offsetof(struct config_queue, name)

static const char *const types[] = { "standard", "fifo", NULL };
static const char *const payloads[] = { "any", "json", NULL };
static const char *const publishes[] = { "close", "rename", NULL };
const char *const key_faces[CONFIG_FACES + 1] = { "enqueue", "claim", "inspect", NULL };

const struct key keys[KEY_COUNT] = {
	[KEY_TYPE] = {
		.name = "type", .kind = KEY_CHOICE, .offset = MEMBER(type),
		.fallback = "standard", .choices = types,
		.help = "standard: jobs run side by side, oldest first.\n"
			"fifo: the jobs of a group run one at a time, strictly in order.",
	},
	[KEY_MESSAGE_GROUP_FIELD] = {
		.name = "message_group_field", .kind = KEY_TEXT,
		.offset = MEMBER(message_group_field),
		.help = "Required in a fifo queue: a top-level key of the JSON payload.\n"
			"Its value, a string, number or boolean, as text of at most 1024 bytes is the job's group.\n"
			"A job without it is refused.",
	},
	[KEY_CONCURRENCY] = {
		.name = "concurrency", .kind = KEY_INTEGER, .offset = MEMBER(concurrency),
		.fallback = "10", .minimum = 1, .maximum = COUNT_MAX,
		.help = "How many jobs are claimed at once, over all workers.\n"
			"In a fifo queue also one per group.",
	},
	[KEY_MAX_RETRIES] = {
		.name = "max_retries", .kind = KEY_INTEGER, .offset = MEMBER(max_retries),
		.fallback = "3", .minimum = 0, .maximum = COUNT_MAX,
		.help = "Retries after the first attempt.\n"
			"A job runs at most once more than this, then it is a dead letter.",
	},
	[KEY_BACKOFF_MS] = {
		.name = "backoff_ms", .kind = KEY_INTEGER, .offset = MEMBER(backoff_ms),
		.fallback = "1000", .minimum = 0, .maximum = TEN_YEARS_MS, .unit = "milliseconds",
		.help = "The delay after the first failure; each further failure doubles it.",
	},
	[KEY_BACKOFF_MAX_MS] = {
		.name = "backoff_max_ms", .kind = KEY_INTEGER, .offset = MEMBER(backoff_max_ms),
		.minimum = 0, .maximum = TEN_YEARS_MS, .unit = "milliseconds",
		.help = "The delay grows no further than this.\n"
			"It is not less than backoff_ms.",
	},
	[KEY_BACKOFF_JITTER] = {
		.name = "backoff_jitter", .kind = KEY_FRACTION, .offset = MEMBER(backoff_jitter),
		.fallback = "0", .minimum = 0, .maximum = 1,
		.help = "The part of the delay that is drawn by lot.\n"
			"With j the delay is between 1-j times and once what it would be.",
	},
	[KEY_TIMEOUT_MS] = {
		.name = "timeout_ms", .kind = KEY_INTEGER, .offset = MEMBER(timeout_ms),
		.fallback = "1800000", .minimum = 1, .maximum = TEN_YEARS_MS,
		.unit = "milliseconds",
		.help = "A claim without a verdict or a heartbeat for this long is a failed attempt.",
	},
	[KEY_PAYLOAD] = {
		.name = "payload", .kind = KEY_CHOICE, .offset = MEMBER(payload),
		.fallback = "any", .fallback_note = "json in a fifo queue", .choices = payloads,
		.help = "json: a payload that is not JSON is refused.",
	},
	[KEY_MAX_PAYLOAD_BYTES] = {
		.name = "max_payload_bytes", .kind = KEY_INTEGER,
		.offset = MEMBER(max_payload_bytes),
		.fallback = "1048576", .minimum = 1, .maximum = PAYLOAD_MAX, .unit = "bytes",
		.help = "A longer write is refused with EFBIG.",
	},
	[KEY_MAX_JOBS] = {
		.name = "max_jobs", .kind = KEY_INTEGER, .offset = MEMBER(max_jobs),
		.minimum = 1, .maximum = JOBS_MAX,
		.help = "Creating a file in a queue with so many live jobs is refused with ENOSPC.",
	},
	[KEY_PUBLISH] = {
		.name = "publish", .kind = KEY_CHOICE, .offset = MEMBER(publish),
		.fallback = "close", .choices = publishes,
		.help = "close: a written file is enqueued when its last writer closes it.\n"
			"rename: only renaming a draft to its final name enqueues it.",
	},
	[KEY_DRAFT_NAMES] = {
		.name = "draft_names", .kind = KEY_PATTERNS, .offset = MEMBER(draft_names),
		.fallback = ".* *.tmp *.part *.partial *.filepart *.swp *~",
		.help = "Names that are not enqueued by close, only by renaming to another name.",
	},
	[KEY_PERMISSIONS] = {
		.name = "permissions", .kind = KEY_FACES, .offset = MEMBER(permissions),
		.fallback_note = "the daemon's user and group, 0755, 0700 and 0750",
		.help = "Owner and mode of the queue's directory, new and stream (enqueue), of\n"
			"claim (claim), and of the other directories and paused (inspect).",
	},
	[KEY_SCHEDULE_BY_MTIME] = {
		.name = "schedule_by_mtime", .kind = KEY_BOOLEAN,
		.offset = MEMBER(schedule_by_mtime), .fallback = "false",
		.help = "A future modification time of a draft is when the job becomes due.",
	},
	[KEY_POLL_INTERVAL_MS] = {
		.name = "poll_interval_ms", .kind = KEY_IGNORED,
		.help = "Accepted for compatibility, without effect: nothing here polls.",
	},
};

const struct key *
key_find(const char *name)
{
	for (const struct key *key = keys; key < keys + KEY_COUNT; key++)
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

const char *
key_nearest(const char *name)
{
	const char *names[KEY_COUNT + 1] = { NULL };
	for (size_t i = 0; i < KEY_COUNT; i++)
		names[i] = keys[i].name;
	return value_nearest(name, names);
}

static struct key_range
integer_range(const struct key *key)
{
	struct key_range range;
	(void)snprintf(range.text, sizeof range.text,
		"a whole number%s%s from %" PRId64 " to %" PRId64, key->unit ? " of " : "",
		key->unit ? key->unit : "", key->minimum, key->maximum);
	return range;
}

struct key_range
key_range(const struct key *key)
{
	struct key_range range = { "anything" };
	switch (key->kind) {
	case KEY_INTEGER:
		return integer_range(key);
	case KEY_FRACTION:
		return (struct key_range){ "a number from 0 to 1 with at most 9 decimals" };
	case KEY_BOOLEAN:
		return (struct key_range){ "true or false" };
	case KEY_CHOICE:
		(void)snprintf(range.text, sizeof range.text, "%s or %s", key->choices[0],
			key->choices[1]);
		return range;
	case KEY_TEXT:
		return (struct key_range){ "a text that is not empty" };
	case KEY_PATTERNS:
		return (struct key_range){
			"name patterns of at most 255 bytes, with spaces between"
		};
	case KEY_FACES:
		return (struct key_range){ "a map with enqueue, claim or inspect, "
					   "each USER:GROUP MODE" };
	case KEY_IGNORED:
		break;
	}
	return range;
}
