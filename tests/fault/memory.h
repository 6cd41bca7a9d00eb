/*
 * Memory that runs out: the n-th allocation of ours, of SQLite or of jansson is refused, and what
 * was taken and not given back is counted. The program is linked with --wrap for malloc, calloc,
 * realloc, strdup and free.
 */
#ifndef TESTS_FAULT_MEMORY_H
#define TESTS_FAULT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Before the first use of SQLite: for cmocka_run_group_tests(). */
int memory_set_up(void **state);
/* The allocation after n more is refused, and `lasting`: all that follow. */
void memory_refuse(int64_t n, bool lasting);
/* None is refused any more. */
void memory_refuse_none(void);
/* Was one refused since memory_refuse()? */
bool memory_was_refused(void);
/* What is taken: a number to compare. */
int64_t memory_live(void);

#endif
