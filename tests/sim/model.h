/*
 * What is promised of queues, as plain arrays and linear searches: written from engine.h and the
 * manual, and knowing nothing of how it is kept. No engine, no store, no disk.
 */
#ifndef TESTS_SIM_MODEL_H
#define TESTS_SIM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_JOBS 200
#define MODEL_QUEUES 3
#define MODEL_DRAFTS 4
#define MODEL_NAMES 4 /* n0 ... */
#define MODEL_WORKERS 5
#define MODEL_FAILURES 6 /* the last ones */
#define NOBODY (-1)
#define NO_NAME (-1)
#define NO_GROUP (-1)

enum where { GONE, WAITS, LATER, RUNS, DEAD, ENDED /* but for its name */, REJECTED };

/* A payload: an object with the fields that are not negative, or a text that is no JSON. */
struct mbody {
	bool json;
	int g, h;
	size_t cut; /* only so many bytes of it, which are no JSON; 0: all */
};

struct mfailure {
	int64_t attempt, at;
	int worker;
	char reason[32]; /* "" : any */
};

struct mjob {
	int64_t id, order, due, deadline, changed, failures;
	enum where where;
	int queue, worker, name;
	int claimant; /* 0: its worker's name is bound to nobody */
	bool named;
	struct mbody body;
	char receipt[40];
	char shown[48];  /* the name of what is rejected */
	int64_t history; /* all failures */
	struct mfailure last[MODEL_FAILURES];
};

struct mdraft {
	bool staged, partial;
	int queue, name;
	struct mbody body;
	int64_t id, due, order;
	char receipt[40];
};

struct mrules {
	bool defined;
	char field; /* 'g', 'h'; 0: not fifo. In the store; the rest is not */
	bool json;
	int64_t concurrency, max_retries, backoff_ms, backoff_max_ms, timeout_ms;
	int64_t max_payload_bytes, max_jobs;
};

struct mpause {
	int64_t since; /* 0: not paused */
	int by;        /* uid, pid, reason */
};

struct model {
	int64_t order, highest; /* the highest number given */
	int note;               /* 0: none */
	/* Sums over what the hooks have to tell. */
	uint64_t claims_ended, names_gone;
	struct mrules rules[MODEL_QUEUES];
	struct mpause pauses[MODEL_QUEUES];
	struct mdraft drafts[MODEL_DRAFTS];
	int count;
	struct mjob jobs[MODEL_JOBS];
};

void model_copy(struct model *to, const struct model *from);

/* ---- looking ---- */

void model_body(const struct mbody *body, char text[64]);
bool model_live(const struct mjob *job);
int model_group(const struct model *model, int queue, const struct mbody *body);
/* NULL: there is none. A job that has ended is found by its name only. */
struct mjob *model_find(struct model *model, int64_t id);
struct mjob *model_held(struct model *model, int queue, int worker);
struct mjob *model_named(struct model *model, int queue, int name);
/* The first live one of a group; who is served next. */
struct mjob *model_first(struct model *model, int queue, int group);
struct mjob *model_next(struct model *model, int queue);
int64_t model_count(const struct model *model, int queue, enum where where);
/* What the rules say of a payload: 0 or -errno. `partial`: of the beginning of one. */
int model_content_refusal(
	const struct model *model, int queue, const struct mbody *body, bool partial);
/* What a new payload is told. `draft`: whose place it takes, or -1. */
int model_refusal(const struct model *model, int queue, const struct mbody *body, int draft,
	bool partial);
/* What rejected/ shows under this name. */
struct mjob *model_rejected(struct model *model, int queue, const char *shown);
/* When time changes something next; INT64_MAX: never. */
int64_t model_wakes(const struct model *model);

/* ---- changes ---- */

uint64_t model_claim_sum(int queue, int worker, int64_t id);
uint64_t model_name_sum(int queue, int name);

/* `of`: what was staged or enqueued. */
void model_add(struct model *model, const struct mdraft *of, int64_t now);
void model_reject(
	struct model *model, const struct mdraft *of, const char *reason, int64_t now);
void model_enter(struct model *model, struct mjob *job, enum where where, int64_t now);
void model_tail(struct model *model, struct mjob *job);
/* delay -1: as the rules say. */
void model_fail(
	struct model *model, struct mjob *job, const char *reason, int64_t delay, int64_t now);
void model_die(
	struct model *model, struct mjob *job, const char *reason, int worker, int64_t now);
void model_end(struct model *model, struct mjob *job, int64_t now);
void model_unname(struct model *model, int queue, int name);
void model_tick(struct model *model, int64_t now);
void model_define(struct model *model, int queue, const struct mrules *rules);

#endif
