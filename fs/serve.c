/* The engine process. See serve.h. */
#include "fs/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "fs/log.h"
#include "fs/path.h"
#include "fs/privileges.h"
#include "fs/resume.h"

/* First of all this gives up what serving does not need: a store is read like any other input. */
static int
serve_open(const struct config *config, struct engine **engine)
{
	struct engine_problem problem = { "" };
	uint64_t seed;
	int rc = privileges_drop(config->store);

	if (rc) {
		errno = -rc;
		log_fatal("cannot drop privileges");
		return EX_OSERR;
	}
	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		seed = (uint64_t)now_ms(); /* only receipts of a new store would be guessable */
	if (engine_open(config->store, NULL, seed, &problem, engine)) {
		log_warnx("%s", problem.text);
		return EX_OSERR;
	}
	/* The files beside it are made, and opened, by SQLite: is one there that is not ours? */
	rc = path_check_store(config->store);
	if (rc)
		engine_close(*engine);
	return rc;
}

int
serve_check(const struct config *config)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct engine *engine;
		int rc = serve_open(config, &engine);

		if (!rc)
			engine_close(engine);
		_exit(rc);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		log_fatal("cannot check the store");
		return EX_OSERR;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

/* ---- the engine's side of the configuration ---- */

static int
serve_define(struct engine *engine, struct fs_queue *queue)
{
	const struct config_queue *config = queue->config;
	struct queue_rules rules = {
		.name = config->name,
		.fifo = config->type == CONFIG_FIFO,
		.group_field = config->message_group_field,
		.json = config->payload == CONFIG_PAYLOAD_JSON,
		.concurrency = config->concurrency,
		.max_retries = config->max_retries,
		.backoff_ms = config->backoff_ms,
		.backoff_max_ms = config->backoff_max_ms,
		.backoff_jitter = config->backoff_jitter,
		.timeout_ms = config->timeout_ms,
		.max_payload_bytes = config->max_payload_bytes,
		.max_jobs = config->max_jobs,
	};
	int rc = engine_queue_define(engine, &rules, &queue->id);

	if (rc)
		log_warnx("queue %s: %s", config->name, strerror(-rc));
	return rc;
}

static void
serve_orphan(void *context, const char *queue_name, int64_t jobs)
{
	(void)context;
	log_warnx("queue %s is not in the configuration: its %" PRId64
		  " job%s kept, and shown again "
		  "when it is put back",
		queue_name, jobs, jobs == 1 ? " is" : "s are");
}

static bool
serve_still_open(void *context, int64_t draft_id)
{
	const struct loop *loop = context;
	const struct draft *draft = drafts_get(&loop->drafts, draft_id);

	return draft && (draft->state == DRAFT_OPEN || draft->state == DRAFT_PUBLISHING);
}

static int
serve_prepare(struct loop *loop, struct engine *engine)
{
	int rc = 0;

	for (size_t i = 0; i < loop->fs->config->queue_count && !rc; i++)
		rc = serve_define(engine, &loop->fs->queues[i]);
	if (!rc)
		rc = engine_orphans(engine, serve_orphan, NULL);
	if (!rc)
		rc = loop_init(loop, engine);
	if (!rc)
		rc = resume_prepare(loop, engine);
	if (!rc)
		rc = engine_recover(engine, now_ms(), serve_still_open, loop);
	if (rc)
		log_warnx("cannot start on the store %s: %s", loop->fs->config->store,
			strerror(-rc));
	return rc ? EX_OSERR : 0;
}

/* ---- from start to end ---- */

static int
serve_loop(struct loop *loop, void (*ready)(void *context), void *context)
{
	sigset_t signals;
	int stop_fd, rc;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	stop_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (stop_fd < 0) {
		log_fatal("signalfd");
		return EX_OSERR;
	}
	rc = resume_serve(loop);
	if (rc == -EPROTO) {
		close(stop_fd);
		return SERVE_RENEW;
	}
	ready(context);
	if (!rc)
		rc = loop_run(loop, stop_fd);
	close(stop_fd);
	if (rc)
		log_warnx("the session with the kernel failed: %s", strerror(-rc));
	return rc ? EX_OSERR : 0;
}

int
serve(struct loop *loop, void (*ready)(void *context), void *context)
{
	struct engine *engine;
	int rc = serve_open(loop->fs->config, &engine);

	if (rc)
		return rc;
	rc = serve_prepare(loop, engine);
	if (!rc && committer_start(loop, engine, &loop->committer)) {
		log_fatal("cannot start the committer");
		rc = EX_OSERR;
	}
	if (rc) {
		engine_close(engine);
		loop_release(loop);
		return rc;
	}
	rc = serve_loop(loop, ready, context);
	committer_stop(loop->committer);
	loop_release(loop);
	return rc;
}
