/*
 * The mistakes and warnings found in one file. They are kept until all of it has been read,
 * then reported in the order of their places.
 *
 * Calling sequence: start from {0}, mistakes_add() and mistakes_warn() as often as needed,
 * mistakes_report() once, which frees them.
 */
#ifndef CONFIG_MISTAKES_H
#define CONFIG_MISTAKES_H

#include "config/config.h"

/* Where in the file, counted from 1; {0} is the file as a whole. */
struct place {
	size_t line, column;
};

struct mistake;
struct mistakes {
	struct mistake *list;
	size_t count, capacity;
	size_t error_count; /* those that are not warnings */
	bool out_of_memory; /* set by whoever finds no memory; the report then fails with
			       -ENOMEM */
};

__attribute__((format(printf, 3, 4))) void mistakes_add(
	struct mistakes *mistakes, struct place place, const char *format, ...);
__attribute__((format(printf, 3, 4))) void mistakes_warn(
	struct mistakes *mistakes, struct place place, const char *format, ...);

/* Reports all of them and forgets them. Returns 0 (also with warnings), -EINVAL or -ENOMEM. */
int mistakes_report(
	struct mistakes *mistakes, const char *file, config_report_fn *report, void *context);

/* A text out of the file, fit to stand in a message: cut, and without control characters. */
struct shown {
	char text[304];
};
struct shown shown(const char *text);

#endif
