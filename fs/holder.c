/* The holder. See holder.h. */
#include "fs/holder.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "fs/log.h"
#include "fs/resume.h"
#include "fs/serve.h"

#define IDLE_DEATHS 10 /* in a row, without having served a request: the mount ends */
#define PAUSE_MS 20    /* after the second of them; doubled with each more */

struct holder {
	struct loop *loop;
	sigset_t signals;
	pid_t engine;
	bool stopping;
	int idle_deaths;
	uint64_t served; /* when this engine process started */
	int ready_fd;    /* the engine process: to the holder */
	const struct holder_calls *calls;
};

static void
engine_ready(void *context)
{
	const struct holder *holder = context;

	holder->calls->ready(holder->calls->context, false);
	if (write(holder->ready_fd, "", 1) != 1)
		log_warn("cannot tell that the mount is ready");
	close(holder->ready_fd);
}

/* The engine process dies with the holder: a mount without one must not look alive. */
static pid_t
holder_fork(struct holder *holder, const int ready_fd[2])
{
	pid_t parent = getpid(), child = fork();

	if (child != 0)
		return child;
	close(ready_fd[0]);
	holder->ready_fd = ready_fd[1];
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(EX_OSERR);
	(void)prctl(PR_SET_NAME, "spoolfs-engine"); /* for ps; nothing depends on it */
	exit(serve(holder->loop, engine_ready, holder));
}

static void
holder_pause(const struct holder *holder)
{
	int64_t ms = holder->idle_deaths < 2 ? 0 : PAUSE_MS << (holder->idle_deaths - 2);
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&pause, NULL); /* a signal cuts it short */
}

/* Returns 0 when the engine process answers requests, -1 when it ended before. */
static int
holder_start(struct holder *holder)
{
	int ready_fd[2];
	char byte;
	ssize_t n;

	holder_pause(holder);
	if (pipe(ready_fd)) {
		log_fatal("pipe");
		return -1;
	}
	holder->served = holder->loop->fs->shared->served;
	holder->engine = holder_fork(holder, ready_fd);
	close(ready_fd[1]);
	if (holder->engine < 0)
		log_fatal("cannot start the engine process");
	while ((n = read(ready_fd[0], &byte, 1)) < 0 && errno == EINTR)
		;
	close(ready_fd[0]);
	return n == 1 ? 0 : -1;
}

static int
holder_renew(const struct holder *holder)
{
	log_warnx("this kernel does not send requests again (Linux 6.9 does): the mount is "
		  "renewed, "
		  "who had files open on it gets an error");
	resume_forget_session(holder->loop->fs->shared);
	int rc = holder->calls->renew(holder->calls->context);
	return rc ? rc : -1;
}

/* Returns -1 when the mount goes on, else the exit code. */
static int
holder_buried(struct holder *holder, int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == SERVE_RENEW ? holder_renew(holder)
							  : WEXITSTATUS(status);
	if (holder->stopping)
		return 0;
	/* Somebody else did it: no request is to blame. */
	if (WTERMSIG(status) == SIGKILL)
		holder->loop->fs->shared->suspect = (struct suspect){ 0 };
	holder->idle_deaths = holder->served == holder->loop->fs->shared->served
				      ? holder->idle_deaths + 1
				      : 0;
	log_warnx("the engine process ended by signal %d (%s); another takes its place",
		WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (holder->idle_deaths < IDLE_DEATHS)
		return -1;
	log_warnx("the engine process ended %d times in a row: the mount ends", IDLE_DEATHS);
	return EX_SOFTWARE;
}

/* The engine process has ended, or will: waits for it. Returns as holder_buried(). */
static int
holder_wait(struct holder *holder)
{
	int status;

	if (holder->engine < 0)
		return EX_OSERR;
	while (waitpid(holder->engine, &status, 0) < 0)
		if (errno != EINTR)
			return EX_OSERR;
	return holder_buried(holder, status);
}

/* Sleeps until the engine process has ended; signals that end the mount are passed on. */
static int
holder_watch(struct holder *holder)
{
	int number, status;

	for (;;) {
		pid_t ended = waitpid(holder->engine, &status, WNOHANG);

		if (ended == holder->engine)
			return holder_buried(holder, status);
		number = sigwaitinfo(&holder->signals, NULL);
		if (number == SIGTERM || number == SIGINT) {
			holder->stopping = true;
			(void)kill(holder->engine, SIGTERM); /* it is our child: it is there */
		}
	}
}

int
holder_run(struct loop *loop, const struct holder_calls *calls)
{
	struct holder holder = { .loop = loop, .calls = calls };
	bool told = false;
	int rc = -1;

	sigemptyset(&holder.signals);
	sigaddset(&holder.signals, SIGTERM);
	sigaddset(&holder.signals, SIGINT);
	sigaddset(&holder.signals, SIGHUP);
	sigaddset(&holder.signals, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &holder.signals, NULL))
		return EX_OSERR;
	while (rc < 0) {
		if (holder_start(&holder)) {
			rc = holder_wait(&holder);
			continue;
		}
		if (!told)
			calls->ready(calls->context, true);
		told = true;
		rc = holder_watch(&holder);
	}
	return rc;
}
