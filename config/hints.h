/*
 * What the numbers mean to a person: the comments of `spoolfs -n`. Errors of the stream are the
 * caller's to look for, with ferror(3).
 */
#ifndef CONFIG_HINTS_H
#define CONFIG_HINTS_H

#include "config/keys.h"

/* Is there a remark on this key? Then hint_print() prints it for the queue's value. */
bool hint_exists(const struct key *key);
void hint_print(const struct key *key, const struct config_queue *queue, FILE *out);

/* "alice:staff" for the ids; numbers where the system knows no name. */
void hint_print_owner(const struct config_permission *permission, FILE *out);

#endif
