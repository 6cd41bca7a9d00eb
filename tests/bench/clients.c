/*
 * Client processes of a queue's directory, all at once; prints the line of measure.h.
 *
 * usage: clients CASE QUEUE_DIRECTORY CLIENTS JOBS_EACH
 *   named   each job a file with a fresh name: open, write, close
 *   new     each job an open, write, close of `new`
 *   claim   each job an open, read to the end, close and rm of claim/WORKER
 *   words   the same, with "done" written to claim/WORKER in the place of the rm
 *   onefd   one open for reading and writing: each job a read, and a write of "done"
 *   both    as many workers (claim) beside the producers (named); times are the workers'
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/measure.h"

#define PROCESSES_MAX 256
#define PATH_SIZE 4096
#define DEADLINE_S 120 /* a job that got lost would leave a worker waiting for ever */

struct client {
	const char *queue;
	int id;
	struct samples samples;
};

/* One job. */
typedef void round_fn(const struct client *client, size_t round);

/* Shared by the processes. */
struct race {
	pthread_barrier_t start;
	uint64_t begin_ns[PROCESSES_MAX], end_ns[PROCESSES_MAX];
};

static void
file_write(const char *path, int flags)
{
	int fd = open(path, flags | O_WRONLY, 0644);

	if (fd < 0 || write(fd, payload(), PAYLOAD_SIZE) != PAYLOAD_SIZE || close(fd))
		die(path);
}

static void
enqueue_named(const struct client *client, size_t round)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/job%d-%zu.json", client->queue, (int)getpid(), round);
	file_write(path, O_CREAT | O_TRUNC);
}

static void
enqueue_new(const struct client *client, size_t round)
{
	char path[PATH_SIZE];

	(void)round; /* always the same name */
	snprintf(path, sizeof path, "%s/new", client->queue);
	file_write(path, 0);
}

static void
claim_path(const struct client *client, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "%s/claim/w%d", client->queue, client->id);
}

static void
claim_take(const char *path)
{
	char job[8192];
	ssize_t n, size = 0;
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		die(path);
	while ((n = read(fd, job, sizeof job)) > 0)
		size += n;
	if (n < 0 || close(fd))
		die(path);
	errno = 0;
	if (size != PAYLOAD_SIZE || memcmp(job, payload(), PAYLOAD_SIZE) != 0)
		die("not the job that was written");
}

static void
claim_and_finish(const struct client *client, size_t round)
{
	char path[PATH_SIZE];

	(void)round; /* always the same name */
	claim_path(client, path);
	claim_take(path);
	if (unlink(path))
		die(path);
}

static void
claim_and_say_done(const struct client *client, size_t round)
{
	char path[PATH_SIZE];
	int fd;

	(void)round;
	claim_path(client, path);
	claim_take(path);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "done\n", 5) != 5 || close(fd))
		die(path);
}

static void
claim_on_one_descriptor(const struct client *client, size_t round)
{
	static int fd = -1; /* each client is a process */
	char path[PATH_SIZE], job[8192];

	(void)round;
	claim_path(client, path);
	if (fd < 0)
		fd = open(path, O_RDWR);
	if (fd < 0 || read(fd, job, sizeof job) != PAYLOAD_SIZE || write(fd, "done", 4) != 4)
		die(path);
}

static const struct {
	const char *name;
	round_fn *producer, *worker;
} cases[] = {
	{ .name = "named", .producer = enqueue_named },
	{ .name = "new", .producer = enqueue_new },
	{ .name = "claim", .worker = claim_and_finish },
	{ .name = "words", .worker = claim_and_say_done },
	{ .name = "onefd", .worker = claim_on_one_descriptor },
	{ .name = "both", .producer = enqueue_named, .worker = claim_and_finish },
};
#define CASES (sizeof cases / sizeof *cases)

static void *
memory_share(size_t size)
{
	void *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

static void
client_run(struct client *client, struct race *race, round_fn *round)
{
	pthread_barrier_wait(&race->start);
	race->begin_ns[client->id] = now_ns();
	for (size_t i = 0; i < client->samples.size; i++) {
		uint64_t begin_ns = now_ns();

		round(client, i);
		sample_add(&client->samples, begin_ns);
	}
	race->end_ns[client->id] = now_ns();
}

/* A client lives no longer than the process that started it. */
static void
client_fork(struct client client, struct race *race, round_fn *round)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	client_run(&client, race, round);
	_exit(0);
}

static void
clients_wait(int processes)
{
	int status;

	for (int i = 0; i < processes; i++)
		if (wait(&status) < 0 || status != 0)
			exit(1); /* it has said why; the others die with this process */
}

static double
race_seconds(const struct race *race, int processes)
{
	uint64_t begin = UINT64_MAX, end = 0;

	for (int i = 0; i < processes; i++) {
		begin = race->begin_ns[i] < begin ? race->begin_ns[i] : begin;
		end = race->end_ns[i] > end ? race->end_ns[i] : end;
	}
	return (double)(end - begin) / 1e9;
}

static struct race *
race_new(int processes)
{
	struct race *race = memory_share(sizeof *race);
	pthread_barrierattr_t shared;

	if (pthread_barrierattr_init(&shared) ||
		pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED) ||
		pthread_barrier_init(&race->start, &shared, (unsigned)processes))
		die("pthread_barrier_init");
	return race;
}

/* The processes of one role; returns the id after the last. */
static int
role_fork(struct race *race, round_fn *round, struct client first, int clients)
{
	struct client client = first;

	for (; client.id < first.id + clients; client.id++) {
		client_fork(client, race, round);
		client.samples.ns += client.samples.size;
	}
	return client.id;
}

/* Producers first, workers last; the figures are the last role's. */
static void
measure(size_t which, const char *queue, int clients, size_t jobs_each)
{
	round_fn *producer = cases[which].producer, *worker = cases[which].worker;
	int processes = clients * (producer && worker ? 2 : 1);
	struct race *race = race_new(processes);
	size_t jobs = (size_t)clients * jobs_each;
	uint32_t *ns = memory_share((size_t)processes * jobs_each * sizeof *ns);
	uint32_t *last = ns + (size_t)(processes - clients) * jobs_each;
	struct client client = { .queue = queue, .samples = { ns, 0, jobs_each } };

	if (producer)
		client.id = role_fork(race, producer, client, clients);
	client.samples.ns = last;
	if (worker)
		role_fork(race, worker, client, clients);
	clients_wait(processes);
	struct samples all = { last, jobs, jobs };
	samples_print(&all, (double)jobs / race_seconds(race, processes));
}

int
main(int argc, char **argv)
{
	int clients = argc == 5 ? atoi(argv[3]) : 0;
	long jobs_each = argc == 5 ? atol(argv[4]) : 0;

	if (clients < 1 || clients > PROCESSES_MAX / 2 || jobs_each < 1) {
		fputs("usage: clients named|new|claim|words|onefd|both QUEUE_DIRECTORY CLIENTS "
		      "JOBS_EACH\n",
			stderr);
		return 64;
	}
	alarm(DEADLINE_S);
	for (size_t i = 0; i < CASES; i++)
		if (!strcmp(argv[1], cases[i].name)) {
			measure(i, argv[2], clients, (size_t)jobs_each);
			return 0;
		}
	fprintf(stderr, "bench: no such case: %s\n", argv[1]);
	return 64;
}
