/*
 * What a payload says about its group, and whether it is JSON. Pure.
 *
 * A string, a number and a boolean name a group by their text: 1 and "1" are one group; 1.0 is
 * another, "1.0". Of two equal keys the last counts. Limits: a number beyond the range of a
 * double (1e999), nesting deeper than 2048 and a NUL in a key are refused, as jansson does. A text
 * longer than GROUP_MAX bytes is refused, too: it is written with every change of its job.
 */
#ifndef ENGINE_GROUP_H
#define ENGINE_GROUP_H

#include <stddef.h>

#define GROUP_WHY_SIZE 256
#define GROUP_MAX 1024

/* Returns 0; -EINVAL when it is not JSON, with `why`, a printable line of UTF-8; -ENOMEM. */
int group_check_json(const void *body, size_t size, char why[GROUP_WHY_SIZE]);

/* The text of the top-level key `field`: *group is malloc'ed, the caller's. Returns 0; -EINVAL
 * when there is none, with `why`; -ENOMEM. */
int group_of(const void *body, size_t size, const char *field, char **group,
	char why[GROUP_WHY_SIZE]);

#endif
