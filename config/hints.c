/* Remarks for people. See hints.h. */
#include "config/hints.h"

#include <grp.h>
#include <inttypes.h>
#include <pwd.h>

enum { DELAYS_SHOWN = 8 };

struct unit {
	int64_t size;
	const char *name;
};

/* Prints `value` in the largest unit that leaves no fraction. The units' last has size 1. */
static void
print_in_units(int64_t value, const struct unit *unit, FILE *out)
{
	while (value < unit->size || value % unit->size)
		unit++;
	(void)fprintf(out, "%" PRId64 " %s", value / unit->size, unit->name);
}

static void
print_duration(int64_t duration_ms, FILE *out)
{
	static const struct unit units[] = { { 86400000, "d" }, { 3600000, "h" },
		{ 60000, "min" }, { 1000, "s" }, { 1, "ms" } };
	if (duration_ms == 0)
		(void)fputs("at once", out);
	else
		print_in_units(duration_ms, units, out);
}

static void
print_bytes(int64_t bytes, FILE *out)
{
	static const struct unit units[] = { { 1 << 30, "GiB" }, { 1 << 20, "MiB" },
		{ 1 << 10, "KiB" }, { 1, "bytes" } };
	print_in_units(bytes, units, out);
}

/* The delay after one failure more, before jitter. */
static int64_t
next_delay(const struct config_queue *queue, int64_t delay_ms)
{
	int64_t cap = queue->backoff_max_ms == CONFIG_NONE ? INT64_MAX : queue->backoff_max_ms;
	int64_t doubled = delay_ms > INT64_MAX / 2 ? INT64_MAX : delay_ms * 2;
	return doubled < cap ? doubled : cap;
}

static void
print_delays(const struct config_queue *queue, FILE *out)
{
	int64_t delay_ms = queue->backoff_ms;
	int64_t shown_count =
		queue->max_retries < DELAYS_SHOWN ? queue->max_retries : DELAYS_SHOWN;
	for (int64_t i = 0; i < shown_count; i++) {
		print_duration(delay_ms, out);
		(void)fputs(", ", out);
		delay_ms = next_delay(queue, delay_ms);
	}
	if (queue->max_retries > shown_count)
		(void)fprintf(out, "and %" PRId64 " more, ", queue->max_retries - shown_count);
	(void)fputs(shown_count ? "then dead-letter" : "no retries: dead-letter at once", out);
}

static void
print_attempts(const struct config_queue *queue, FILE *out)
{
	if (queue->max_retries == 0)
		(void)fputs("a job runs once", out);
	else
		(void)fprintf(
			out, "a job runs at most %" PRId64 " times", queue->max_retries + 1);
}

static void
print_cap(const struct config_queue *queue, FILE *out)
{
	if (queue->backoff_max_ms == CONFIG_NONE)
		(void)fputs("no cap", out);
	else
		print_duration(queue->backoff_max_ms, out);
}

static void
print_timeout(const struct config_queue *queue, FILE *out)
{
	print_duration(queue->timeout_ms, out);
}

static void
print_payload_size(const struct config_queue *queue, FILE *out)
{
	print_bytes(queue->max_payload_bytes, out);
}

static void
print_max_jobs(const struct config_queue *queue, FILE *out)
{
	(void)fputs(queue->max_jobs == CONFIG_NONE ? "no limit" : "then ENOSPC", out);
}

/* The faces whose owner and mode the file leaves open. */
static void
print_open_faces(const struct config_queue *queue, FILE *out)
{
	static const char *const modes[CONFIG_FACES] = { "0755", "0700", "0750" };
	(void)fputs("the daemon's user;", out);
	for (size_t face = 0; face < CONFIG_FACES; face++)
		if (!queue->permissions[face].set)
			(void)fprintf(out, " %s %s", key_faces[face], modes[face]);
}

typedef void hint_fn(const struct config_queue *queue, FILE *out);

static hint_fn *const hints[KEY_COUNT] = {
	[KEY_MAX_RETRIES] = print_attempts,
	[KEY_BACKOFF_MS] = print_delays,
	[KEY_BACKOFF_MAX_MS] = print_cap,
	[KEY_TIMEOUT_MS] = print_timeout,
	[KEY_MAX_PAYLOAD_BYTES] = print_payload_size,
	[KEY_MAX_JOBS] = print_max_jobs,
	[KEY_PERMISSIONS] = print_open_faces,
};

bool
hint_exists(const struct key *key)
{
	return hints[key - keys] != NULL;
}

void
hint_print(const struct key *key, const struct config_queue *queue, FILE *out)
{
	hints[key - keys](queue, out);
}

void
hint_print_owner(const struct config_permission *permission, FILE *out)
{
	const struct passwd *user = getpwuid(permission->uid);
	const struct group *group = getgrgid(permission->gid);
	if (user)
		(void)fprintf(out, "%s:", user->pw_name);
	else
		(void)fprintf(out, "%lu:", (unsigned long)permission->uid);
	if (group)
		(void)fputs(group->gr_name, out);
	else
		(void)fprintf(out, "%lu", (unsigned long)permission->gid);
}
