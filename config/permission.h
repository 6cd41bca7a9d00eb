/*
 * `USER:GROUP MODE`: who owns a face of a queue, and who may do what with it.
 */
#ifndef CONFIG_PERMISSION_H
#define CONFIG_PERMISSION_H

#include "config/config.h"

/* What was wrong with a permission. */
struct permission_problem {
	char text[400];
};

/*
 * Names or numbers for user and group, an octal mode up to 07777. Returns false with *problem,
 * a half sentence, when the text is something else or the system knows no such user or group.
 */
bool permission_parse(struct config_permission *permission, const char *text,
	struct permission_problem *problem);

#endif
