/* USER:GROUP MODE. See permission.h. */
#include "config/permission.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "config/mistakes.h"
#include "config/value.h"

/* (uid_t)-1 and (gid_t)-1 mean "leave it" to chown(2). */
#define ID_MAX INT64_C(4294967294)

enum { WORD_SIZE = 256, LOOKUP_MAX = 1 << 24 };

/* Looks a name up. Returns 0 and *id, or a positive errno; ERANGE asks for a larger buffer. */
typedef int lookup_fn(const char *name, char *buffer, size_t size, int64_t *id);

static int
lookup_user(const char *name, char *buffer, size_t size, int64_t *id)
{
	struct passwd user, *found = NULL;
	int error = getpwnam_r(name, &user, buffer, size, &found);
	if (found)
		*id = user.pw_uid;
	return error ? error : found ? 0 : ENOENT;
}

static int
lookup_group(const char *name, char *buffer, size_t size, int64_t *id)
{
	struct group group, *found = NULL;
	int error = getgrnam_r(name, &group, buffer, size, &found);
	if (found)
		*id = group.gr_gid;
	return error ? error : found ? 0 : ENOENT;
}

/* A number, or what `lookup` finds. Returns 0 or a positive errno. */
static int
find_id(const char *word, lookup_fn *lookup, int64_t *id)
{
	if (value_integer(word, 0, ID_MAX, id))
		return 0;
	int error = ERANGE;
	/* A group with many members needs a large buffer. */
	for (size_t size = 4096; error == ERANGE && size <= LOOKUP_MAX; size *= 4) {
		char *buffer = malloc(size);
		error = buffer ? lookup(word, buffer, size, id) : ENOMEM;
		free(buffer);
	}
	return error;
}

static bool
parse_mode(const char *word, mode_t *mode)
{
	size_t length = strlen(word);
	unsigned long value = strtoul(word, NULL, 8);
	if (length > 5 || strspn(word, "01234567") != length || value > 07777)
		return false;
	*mode = (mode_t)value;
	return true;
}

/* Splits "USER:GROUP MODE" in place. */
static bool
split(char *text, char **user, char **group, char **mode)
{
	char *rest = NULL;
	*user = strtok_r(text, " \t", &rest);
	*mode = strtok_r(NULL, " \t", &rest);
	*group = *user ? strchr(*user, ':') : NULL;
	if (!*group || !*mode || strtok_r(NULL, " \t", &rest))
		return false;
	*(*group)++ = '\0';
	return **user && **group;
}

static bool
refuse(struct permission_problem *problem, const char *why, const char *word)
{
	(void)snprintf(problem->text, sizeof problem->text, "%s%s", why, shown(word).text);
	return false;
}

/* `kind` is user or group. A directory service that is down is not the file's mistake. */
static bool
refuse_id(struct permission_problem *problem, int error, const char *kind, const char *word)
{
	if (error == ENOENT)
		(void)snprintf(problem->text, sizeof problem->text, "this system has no %s %s",
			kind, shown(word).text);
	else
		(void)snprintf(problem->text, sizeof problem->text,
			"cannot look up the %s: %.100s", kind, strerror(error));
	return false;
}

bool
permission_parse(struct config_permission *permission, const char *text,
	struct permission_problem *problem)
{
	char copy[2 * WORD_SIZE], *user, *group, *mode;
	int64_t uid, gid;
	mode_t bits;
	int length = snprintf(copy, sizeof copy, "%s", text);
	if (length < 0 || length >= (int)sizeof copy || !split(copy, &user, &group, &mode))
		return refuse(problem, "it is not a user, a group and a mode", "");
	int error = find_id(user, lookup_user, &uid);
	if (error)
		return refuse_id(problem, error, "user", user);
	error = find_id(group, lookup_group, &gid);
	if (error)
		return refuse_id(problem, error, "group", group);
	if (!parse_mode(mode, &bits))
		return refuse(problem, "the mode is not octal, 0 to 07777: ", mode);
	*permission = (struct config_permission){ true, (uid_t)uid, (gid_t)gid, bits };
	return true;
}
