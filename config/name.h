/*
 * Names of queues.
 */
#ifndef CONFIG_NAME_H
#define CONFIG_NAME_H

enum { NAME_BYTES_MAX = 255 }; /* NAME_MAX of limits.h, which no header promises to define */

/* What is wrong with a queue's name, as the rest of a sentence; NULL: it is a good one. */
const char *name_problem(const char *name);

#endif
