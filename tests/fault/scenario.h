/*
 * Every kind of change that the engine makes, as a list of steps; and what the tests of faults ask
 * of a store afterwards. Each step finds its jobs by name or worker, so it does the same after
 * another step was tried twice.
 *
 * A kind of change that comes to engine.h comes to this list: scenario_steps.
 */
#ifndef TESTS_FAULT_SCENARIO_H
#define TESTS_FAULT_SCENARIO_H

#include "engine/core.h"
#include "tests/fault/disk.h"

#define STORE_NAME "queues.db"
#define SCENARIO_START_MS INT64_C(1800000000000)

struct scenario {
	struct disk *disk;
	struct engine *engine;         /* NULL: not open */
	int64_t standard, fifo, third; /* queues */
	size_t third_type;             /* of the third one: see scenario_third_type() */
	int64_t now_ms;
	struct engine_problem problem;
};

/* How a step is committed. */
enum scenario_kind {
	SCENARIO_DURABLE, /* acknowledged means: on disk */
	SCENARIO_LAZY,    /* a power cut may take it back */
	SCENARIO_BARE,    /* has its own transactions, or none; durable */
};

struct scenario_step {
	const char *name; /* NULL ends the list */
	int (*run)(struct scenario *);
	enum scenario_kind kind;
	bool grows; /* keeps new bytes: a full disk refuses it */
};
extern const struct scenario_step scenario_steps[];
size_t scenario_count(void);
/* What the third queue is after so many steps; 0 is standard. */
size_t scenario_third_type(size_t steps);

/* One step in its transaction, rolled back when it fails. Returns what failed, or 0. */
int scenario_run(struct scenario *scenario, size_t step);
/* Opens, if it is closed. Defines the queues. */
int scenario_open(struct scenario *scenario);
void scenario_close(struct scenario *scenario);

/* Everything the store says, but for numbers, of which gaps are allowed: malloc'ed. */
char *scenario_dump(struct engine *engine);
/* What is wrong with the store in itself, NULL if nothing is. Static. */
const char *scenario_wrong(struct engine *engine);
/* Recovers, and works until no job is left but dead ones, each of which is redriven and worked
 * off, too; paused queues go on, and what was rejected is discarded. Counts and every payload are
 * checked. NULL, or what went wrong. Static. */
const char *scenario_work_off(struct scenario *scenario);

#endif
