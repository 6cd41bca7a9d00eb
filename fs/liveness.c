/* Processes that claims depend on. See liveness.h. */
#include "fs/liveness.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fs/claimant.h"
#include "fs/ino.h"
#include "fs/log.h"

#define EVENTS 64

/* One that nothing depends on any more is kept, as its worker will most likely take another job. */
struct liveness_process {
	struct claimant by; /* pid 0: a free place */
	int fd;             /* -1: dead, or not watched */
	uint32_t claims;
	bool dead;
};

int
liveness_init(struct liveness *liveness)
{
	struct rlimit limit;

	*liveness = (struct liveness){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	liveness->processes = calloc(SLOT_COUNT, sizeof *liveness->processes);
	liveness->depends = malloc(SLOT_COUNT * sizeof *liveness->depends);
	if (liveness->epoll_fd < 0)
		return -errno;
	if (!liveness->processes || !liveness->depends ||
		index_init(&liveness->by_pid, SLOT_COUNT))
		return -ENOMEM;
	memset(liveness->depends, 0xff, SLOT_COUNT * sizeof *liveness->depends);
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* if not: fewer are watched */
	}
	return 0;
}

void
liveness_release(struct liveness *liveness)
{
	for (uint32_t at = 0; liveness->processes && at < SLOT_COUNT; at++)
		if (liveness->processes[at].by.pid && liveness->processes[at].fd >= 0)
			close(liveness->processes[at].fd);
	if (liveness->epoll_fd >= 0)
		close(liveness->epoll_fd);
	index_release(&liveness->by_pid);
	free(liveness->processes);
	free(liveness->depends);
	*liveness = (struct liveness){ .epoll_fd = -1 };
}

int
liveness_fd(const struct liveness *liveness)
{
	return liveness->epoll_fd;
}

/* ---- processes ---- */

static void
process_close(struct liveness_process *process)
{
	if (process->fd >= 0)
		close(process->fd); /* which takes it out of the epoll instance */
	process->fd = -1;
}

static void
process_free(struct liveness *liveness, uint32_t at)
{
	struct liveness_process *process = &liveness->processes[at];

	process_close(process);
	if (process->dead)
		liveness->dead_count--;
	index_remove(&liveness->by_pid, hash_number((uint64_t)process->by.pid), at);
	*process = (struct liveness_process){ .fd = -1 };
}

static void
process_died(struct liveness *liveness, uint32_t at)
{
	struct liveness_process *process = &liveness->processes[at];

	process_close(process);
	if (!process->dead)
		liveness->dead_count++;
	process->dead = true;
	if (!process->claims)
		process_free(liveness, at);
}

static uint32_t
process_find(const struct liveness *liveness, const struct claimant *by)
{
	uint32_t at = index_first(&liveness->by_pid, hash_number((uint64_t)by->pid));

	for (; at != INDEX_END; at = index_next(&liveness->by_pid, at)) {
		const struct claimant *found = &liveness->processes[at].by;

		if (found->pid == by->pid && found->start == by->start)
			return at;
	}
	return INDEX_END;
}

/* A free place. There are as many as workers, so one that nothing depends on is found. */
static uint32_t
process_place(struct liveness *liveness)
{
	for (uint32_t tried = 0; tried < SLOT_COUNT; tried++) {
		uint32_t at = liveness->next++ & (SLOT_COUNT - 1);

		if (liveness->processes[at].by.pid && !liveness->processes[at].claims)
			process_free(liveness, at);
		if (!liveness->processes[at].by.pid)
			return at;
	}
	return INDEX_END;
}

/* Those that nothing depends on give their descriptors back. */
static void
processes_shrink(struct liveness *liveness)
{
	for (uint32_t at = 0; at < SLOT_COUNT; at++)
		if (liveness->processes[at].by.pid && !liveness->processes[at].claims)
			process_free(liveness, at);
}

static int
process_open(const struct claimant *by)
{
	return pidfd_open((pid_t)by->pid, 0);
}

/* The descriptor first, then the look: what it stands for cannot change any more. */
static void
process_start(struct liveness *liveness, uint32_t at)
{
	struct liveness_process *process = &liveness->processes[at];
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = at };

	process->fd = process_open(&process->by);
	if (process->fd < 0 && errno == EMFILE) {
		processes_shrink(liveness);
		process->fd = process_open(&process->by);
	}
	if (process->fd < 0 && errno != ESRCH) {
		log_warn("process %lld cannot be watched: its end is not noticed",
			(long long)process->by.pid);
		return;
	}
	if (process->fd < 0 || !claimant_lives(&process->by, true))
		process_died(liveness, at);
	else if (epoll_ctl(liveness->epoll_fd, EPOLL_CTL_ADD, process->fd, &event))
		log_warn("process %lld cannot be watched: its end is not noticed",
			(long long)process->by.pid);
}

static uint32_t
process_add(struct liveness *liveness, const struct claimant *by)
{
	uint32_t at = process_place(liveness);

	if (at == INDEX_END)
		return at;
	liveness->processes[at] = (struct liveness_process){ .by = *by, .fd = -1 };
	index_add(&liveness->by_pid, hash_number((uint64_t)by->pid), at);
	return at;
}

/* ---- claims ---- */

bool
liveness_watch(struct liveness *liveness, uint32_t slot, const struct claimant *by)
{
	uint32_t at;
	bool added;

	liveness_forget(liveness, slot);
	at = process_find(liveness, by);
	added = at == INDEX_END;
	if (added)
		at = process_add(liveness, by);
	if (at == INDEX_END)
		return true;
	liveness->depends[slot] = at;
	liveness->processes[at].claims++;
	if (added)
		process_start(liveness, at);
	return !liveness->processes[at].dead;
}

void
liveness_forget(struct liveness *liveness, uint32_t slot)
{
	uint32_t at = liveness->depends[slot];

	if (at == INDEX_END)
		return;
	liveness->depends[slot] = INDEX_END;
	if (--liveness->processes[at].claims == 0 && liveness->processes[at].dead)
		process_free(liveness, at);
}

void
liveness_dead(struct liveness *liveness, liveness_dead_fn *fn, void *context)
{
	struct epoll_event events[EVENTS];
	int count;

	while ((count = epoll_wait(liveness->epoll_fd, events, EVENTS, 0)) > 0)
		for (int i = 0; i < count; i++)
			process_died(liveness, events[i].data.u32);
	if (!liveness->dead_count)
		return;
	for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
		if (liveness->depends[slot] != INDEX_END &&
			liveness->processes[liveness->depends[slot]].dead)
			fn(context, slot);
}
