/* A store for the fuzz targets that need one. */
#ifndef TESTS_FUZZ_STORE_H
#define TESTS_FUZZ_STORE_H

#include <stdio.h>

#include "engine/core.h"
#include "tests/fuzz/fuzz.h"

/* In memory, where there is such a file system. `define` makes its queues; then its file goes at once:
 * what is open stays. */
static inline struct engine *
store_in_memory(void (*define)(struct engine *engine))
{
	char folder[] = "/dev/shm/spoolfs-fuzz-XXXXXX", command[64];
	char path[sizeof folder + 16];
	struct engine_problem problem;
	struct engine *engine;
	assert(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/queues.db", folder);
	assert(engine_open(path, NULL, 42, &problem, &engine) == 0);
	define(engine);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
	assert(system(command) == 0);
	return engine;
}

#endif
