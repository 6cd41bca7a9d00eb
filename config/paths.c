/* Paths of the store. See paths.h. */
#include "config/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The absolute directory of a file; the caller frees it. NULL with errno. */
static char *
directory_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	if (!slash)
		return realpath(".", NULL);
	char *directory = strndup(file, (size_t)(slash - file) + 1);
	char *absolute = directory ? realpath(directory, NULL) : NULL;
	free(directory);
	return absolute;
}

static int
join(const char *directory, const char *rest, char **path)
{
	const char *between = directory[strlen(directory) - 1] == '/' ? "" : "/";
	return asprintf(path, "%s%s%s", directory, between, rest) < 0 ? -ENOMEM : 0;
}

/* The value of a variable that is an absolute path, or NULL. */
static const char *
absolute_variable(const char *name)
{
	const char *value = getenv(name);
	return value && value[0] == '/' ? value : NULL;
}

int
store_path(const char *config_path, const char *given, char **path)
{
	if (given[0] == '/') {
		*path = strdup(given);
		return *path ? 0 : -ENOMEM;
	}
	if (strncmp(given, "~/", 2) == 0) {
		const char *home = absolute_variable("HOME");
		return home ? join(home, given + 2, path) : -ENOENT;
	}
	char *directory = directory_of(config_path);
	if (!directory)
		return errno == ENOMEM ? -ENOMEM : -ENOENT;
	int error = join(directory, strncmp(given, "./", 2) == 0 ? given + 2 : given, path);
	free(directory);
	return error;
}

int
store_default_path(char **path)
{
	const char *state = absolute_variable("STATE_DIRECTORY");
	const char *xdg = absolute_variable("XDG_STATE_HOME");
	const char *home = absolute_variable("HOME");
	if (state) {
		char *first = strndup(state, strcspn(state, ":"));
		int error = first ? join(first, "queues.db", path) : -ENOMEM;
		free(first);
		return error;
	}
	if (xdg)
		return join(xdg, "spoolfs/queues.db", path);
	return home ? join(home, ".local/state/spoolfs/queues.db", path) : -ENOENT;
}
