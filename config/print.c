/* `spoolfs -n`: the configuration as YAML, every default filled in. See config.h.
 * Errors of the stream stay with it; config_print() looks at the end. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/hints.h"
#include "config/quote.h"
#include "config/setting.h"
#include "config/value.h"

enum { HINT_COLUMN = 40 };

/* Without an exponent, without zeros at the end, with a point whatever the locale. */
static int
print_fraction(double value, FILE *out)
{
	static_assert(VALUE_DECIMALS == 9, "the scale below");
	long long scaled = llround(value * 1e9);
	int decimals = VALUE_DECIMALS;
	if (scaled % 1000000000 == 0)
		return fprintf(out, "%lld", scaled / 1000000000);
	for (; scaled % 10 == 0; scaled /= 10)
		decimals--;
	return fprintf(out, "0.%0*lld", decimals, scaled);
}

static int
print_integer(int64_t value, FILE *out)
{
	return value == CONFIG_NONE ? fprintf(out, "null") : fprintf(out, "%" PRId64, value);
}

static int
print_choice(const struct key *key, const void *member, FILE *out)
{
	unsigned choice;
	memcpy(&choice, member, sizeof choice);
	return fprintf(out, "%s", key->choices[choice]);
}

/* Returns how many bytes the value took. */
static int
print_value(const struct key *key, const void *member, FILE *out)
{
	switch (key->kind) {
	case KEY_INTEGER:
		return print_integer(*(const int64_t *)member, out);
	case KEY_FRACTION:
		return print_fraction(*(const double *)member, out);
	case KEY_BOOLEAN:
		return fprintf(out, "%s", *(const bool *)member ? "true" : "false");
	case KEY_CHOICE:
		return print_choice(key, member, out);
	case KEY_TEXT:
	case KEY_PATTERNS:
		return quote_print(*(char *const *)member, out);
	case KEY_FACES:
	case KEY_IGNORED:
		break;
	}
	return 0;
}

/* From `column`, prints a remark beside what is there. */
static void
print_hint(const struct key *key, const struct config_queue *queue, int column, FILE *out)
{
	if (!hint_exists(key))
		return;
	(void)fprintf(out, "%*s# ", column < HINT_COLUMN ? HINT_COLUMN - column : 1, "");
	hint_print(key, queue, out);
}

static void
print_face(const struct config_queue *queue, size_t face, FILE *out)
{
	const struct config_permission *permission = &queue->permissions[face];
	if (!permission->set)
		return;
	(void)fprintf(out, "      %s: %lu:%lu %04o  # ", key_faces[face],
		(unsigned long)permission->uid, (unsigned long)permission->gid,
		(unsigned)permission->mode);
	hint_print_owner(permission, out);
	(void)fputc('\n', out);
}

/* The faces that the file sets; the others are the daemon's, whoever that will be. */
static void
print_faces(const struct key *key, const struct config_queue *queue, FILE *out)
{
	int set = 0;
	for (size_t face = 0; face < CONFIG_FACES; face++)
		set += queue->permissions[face].set;
	int column = fprintf(out, "    %s:%s", key->name, set ? "" : " {}");
	if (set < CONFIG_FACES)
		print_hint(key, queue, column, out);
	(void)fputc('\n', out);
	for (size_t face = 0; face < CONFIG_FACES; face++)
		print_face(queue, face, out);
}

static void
print_key(const struct key *key, const struct config_queue *queue, FILE *out)
{
	const void *member = setting_get(key, queue);
	if (key->kind == KEY_IGNORED || (key->kind == KEY_TEXT && !*(char *const *)member))
		return;
	if (key->kind == KEY_FACES) {
		print_faces(key, queue, out);
		return;
	}
	int column = fprintf(out, "    %s: ", key->name);
	column += print_value(key, member, out);
	print_hint(key, queue, column, out);
	(void)fputc('\n', out);
}

static void
print_queue(const struct config_queue *queue, FILE *out)
{
	(void)fputs("  ", out);
	(void)quote_print(queue->name, out);
	(void)fputs(":\n", out);
	for (const struct key *key = keys; key < keys + KEY_COUNT; key++)
		print_key(key, queue, out);
}

int
config_print(const struct config *config, FILE *out)
{
	(void)fputs("store: ", out);
	(void)quote_print(config->store, out);
	(void)fputs("\nqueue_configs:\n", out);
	for (size_t i = 0; i < config->queue_count; i++)
		print_queue(&config->queues[i], out);
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
