/*
 * One run of the simulation: the engine on its disk beside the model. See test_sim.c.
 */
#ifndef TESTS_SIM_RUN_H
#define TESTS_SIM_RUN_H

#include "tests/fault/scenario.h"
#include "tests/sim/model.h"

#define SNAPSHOTS 80

struct run {
	struct disk *disk, *other;
	struct engine *engine;
	int64_t queues[MODEL_QUEUES], now;
	uint64_t random, seed;
	struct model *model; /* what was acknowledged last, */
	struct model *draft; /* what this transaction makes of it */
	struct model *past;  /* what a power cut may go back to */
	int pasts;
	int maybes; /* the last of these: commits that failed, but may be on disk all the same */
	bool committing, crashed;
	int64_t crash_in; /* changes of the disk until the crash; -1: none */
	enum disk_crash crash;
	bool full, faulty;                 /* the disk, in this transaction */
	uint64_t claims_ended, names_gone; /* what the hooks told, in this transaction */
	bool dry[MODEL_QUEUES];            /* nobody could be served, as far as was told */
	char trace[200000];
	size_t traced;
	int64_t calls;       /* changes of the disk before this transaction */
	const char *differs; /* what same() met last */
	int64_t differing;
	struct engine_problem problem;
};

extern bool run_verbose;

/* Who acts for a worker, by number; the first: nobody. */
#define CLAIMANTS 4
extern const struct claimant run_claimants[CLAIMANTS];

int64_t draw(struct run *run, int64_t below);
__attribute__((format(printf, 2, 3))) void note(struct run *run, const char *format, ...);
__attribute__((noreturn, format(printf, 2, 3))) void give_up(
	struct run *run, const char *format, ...);

/* ---- same.c: do they say the same? ---- */

/* What the store knows: may be asked before a queue is defined. */
bool same(struct run *run, struct model *model);
/* And what the engine makes of it for a queue: views, groups, reasons, names, workers. */
bool same_views(struct run *run, struct model *model, int queue);
/* Gives up, unless a queue that somebody could be served in again was said to be ready. */
void expect_ready(struct run *run);

/* ---- calls.c: each on the engine, and on run->draft ---- */

/* The model says `expected`, the engine said `rc`: returns what a disturbed disk answers, or 0. */
int agree(struct run *run, const char *what, int64_t id, int rc, int expected);
/* The commit of any of them, drawn. */
int call_any(struct run *run);
int call_tick(struct run *run);
int call_note(struct run *run);
int call_verdict(struct run *run);
/* A change of rules, in a transaction of its own; NULL: as they are. */
int call_define(struct run *run, int queue, const struct mrules *rules);
struct mrules some_rules(struct run *run);

#endif
