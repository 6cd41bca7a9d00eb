/* The program: reads the command line and the configuration, mounts, and holds the mount. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "fs/holder.h"
#include "fs/lock.h"
#include "fs/log.h"
#include "fs/mount.h"
#include "fs/options.h"
#include "fs/path.h"
#include "fs/serve.h"

#define DRAFT_BYTES (UINT64_C(256) << 20) /* of all drafts together */

static void
report(void *context, const struct config_message *message)
{
	const char *kind = message->warning ? "warning: " : "";

	(void)context;
	if (message->line)
		(void)fprintf(stderr, "%s:%zu:%zu: %s%s\n", message->file, message->line,
			message->column, kind, message->text);
	else
		(void)fprintf(stderr, "%s: %s%s\n", message->file, kind, message->text);
}

static int
check_config(const struct options *options)
{
	struct config config;
	int rc;

	if (config_load(options->config, report, NULL, &config))
		return EX_CONFIG;
	rc = config_print(&config, stdout);
	config_release(&config);
	return rc ? EX_OSERR : 0;
}

/* ---- the queues as files ---- */

static struct config_permission
face_of(const struct fs *fs, const struct config_queue *queue, enum config_face face)
{
	static const mode_t modes[CONFIG_FACES] = {
		[CONFIG_ENQUEUE] = 0755,
		[CONFIG_CLAIM] = 0700,
		[CONFIG_INSPECT] = 0750,
	};

	if (queue->permissions[face].set)
		return queue->permissions[face];
	return (struct config_permission){
		.set = true,
		.uid = fs->uid,
		.gid = fs->gid,
		.mode = modes[face],
	};
}

static int
fill_fs(struct fs *fs, const struct config *config)
{
	*fs = (struct fs){
		.config = config,
		.mounted_ms = now_ms(),
		.wait_max_ms = mount_wait_max_ms(),
		.uid = geteuid(),
		.gid = getegid(),
		.shared = shared_new((uint64_t)now_ms(), DRAFT_BYTES),
		.queues = calloc(config->queue_count, sizeof *fs->queues),
	};
	if (!fs->shared || !fs->queues) {
		log_warnx("out of memory");
		return EX_OSERR;
	}
	for (size_t i = 0; i < config->queue_count; i++) {
		fs->queues[i].config = &config->queues[i];
		for (enum config_face face = 0; face < CONFIG_FACES; face++)
			fs->queues[i].faces[face] = face_of(fs, &config->queues[i], face);
	}
	return 0;
}

static int
store_failed(const struct config *config, int rc)
{
	errno = -rc;
	log_fatal("the store %s", config->store);
	return EX_OSERR;
}

static int
lock(const struct config *config, const char *mountpoint)
{
	struct lock_owner owner = { 0 };
	int rc = path_check_store(config->store);

	if (rc)
		return rc;
	rc = lock_store(config->store, mountpoint, &owner);
	if (!rc)
		return 0;
	if (rc == -EWOULDBLOCK) {
		log_warnx("the store %s is in use by spoolfs process %d on %s", config->store,
			owner.pid, owner.mountpoint);
		return EX_TEMPFAIL;
	}
	return store_failed(config, rc);
}

/* ---- into the background ---- */

struct readiness {
	bool background;
	int fd; /* to the process that the user started */
};

/* What the holder calls back with. */
struct mounted {
	struct loop *loop;
	const struct options *options;
	const struct readiness *readiness;
};

/* stdin and stdout go nowhere, stderr where the log goes: libraries write there too. */
static void
detach_output(void)
{
	int null = open("/dev/null", O_RDWR);
	int log = log_detach();

	if (null < 0)
		return;
	(void)dup2(null, STDIN_FILENO); /* both are open */
	(void)dup2(null, STDOUT_FILENO);
	(void)dup2(log < 0 ? null : log, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

static void
be_ready(void *context, bool in_holder)
{
	const struct readiness *readiness = ((const struct mounted *)context)->readiness;

	if (!readiness->background)
		return;
	if (!in_holder) {
		detach_output();
		return;
	}
	if (write(readiness->fd, "", 1) != 1)
		log_warn("nobody waits for the mount any more");
	close(readiness->fd);
	detach_output();
}

/* The user's process waits here until the mount answers requests, or the daemon has ended. */
static int
wait_ready(int fd, pid_t daemon)
{
	int status;
	char byte;
	ssize_t n;

	while ((n = read(fd, &byte, 1)) < 0 && errno == EINTR)
		;
	if (n == 1)
		return 0;
	if (waitpid(daemon, &status, 0) != daemon || !WIFEXITED(status))
		return EX_SOFTWARE;
	return WEXITSTATUS(status);
}

/* ---- run ---- */

static int
renew(void *context)
{
	const struct mounted *mounted = context;

	mount_close(mounted->loop);
	return mount_open(mounted->loop, mounted->options);
}

static int
run_mounted(struct options *options, const struct config *config, struct readiness *readiness)
{
	struct fs fs;
	struct loop loop = { .fs = &fs };
	struct mounted mounted = { &loop, options, readiness };
	struct holder_calls calls = { .context = &mounted, .ready = be_ready, .renew = renew };
	int rc = fill_fs(&fs, config);

	if (!rc)
		rc = mount_open(&loop, options);
	if (rc) {
		free(fs.queues);
		return rc;
	}
	rc = holder_run(&loop, &calls);
	if (fs.session)
		mount_close(&loop);
	free(fs.queues);
	return rc;
}

static int
run(struct options *options, const struct config *config, struct readiness *readiness)
{
	int rc;

	if (chdir("/")) {
		log_fatal("/");
		return EX_OSERR;
	}
	(void)umask(S_IRWXG |
		    S_IRWXO); /* the store is nobody else's: the mount says who may what */
	rc = lock(config, options->mountpoint);
	if (!rc)
		rc = mount_prepare(options->mountpoint);
	if (!rc)
		rc = serve_check(config);
	if (!rc)
		rc = run_mounted(options, config, readiness);
	return rc;
}

static int
run_in_background(struct options *options, const struct config *config)
{
	struct readiness readiness = { .background = true };
	int fd[2];
	pid_t daemon;

	if (pipe2(fd, O_CLOEXEC) || (daemon = fork()) < 0) {
		log_fatal("cannot go into the background");
		return EX_OSERR;
	}
	if (daemon > 0) {
		close(fd[1]);
		return wait_ready(fd[0], daemon);
	}
	close(fd[0]);
	readiness.fd = fd[1];
	if (setsid() < 0)
		log_warn("setsid");
	return run(options, config, &readiness);
}

/* ---- start ---- */

/* An absolute path, of a file that need not be there and of a mount that may be stale. */
static char *
absolute(const char *path)
{
	char *real = realpath(path, NULL), *folder, *name, *whole = NULL;

	if (real)
		return real;
	folder = strdup(path);
	name = strdup(path);
	real = folder && name ? realpath(dirname(folder), NULL) : NULL;
	if (real &&
		asprintf(&whole, "%s/%s", strcmp(real, "/") ? real : "", basename(name)) < 0)
		whole = NULL;
	free(folder);
	free(name);
	free(real);
	return whole ? whole : strdup(path);
}

/* The daemon leaves the folder it was started in. */
static int
make_absolute(struct options *options, struct config *config)
{
	char *store = absolute(config->store);
	char *mountpoint = absolute(options->mountpoint);

	if (!store || !mountpoint) {
		free(store);
		free(mountpoint);
		log_warnx("out of memory");
		return EX_OSERR;
	}
	free(config->store);
	free(options->mountpoint);
	config->store = store;
	options->mountpoint = mountpoint;
	return 0;
}

static int
start_log(const struct options *options)
{
	int rc = log_open(options->log_path, options->debug);

	if (!rc)
		return 0;
	errno = -rc;
	log_fatal("log file %s", options->log_path);
	return EX_OSERR;
}

static int
start(struct options *options, struct config *config)
{
	struct readiness readiness = { .background = false };
	/* Before its path is resolved: links among its folders are followed once, here. */
	int rc = options->fake ? 0 : lock_make_folder(config->store);

	/* What the caller has open is not the daemon's. Linux before 5.9 cannot do it. */
	if (!options->foreground)
		(void)close_range(STDERR_FILENO + 1, UINT_MAX, 0);
	rc = rc ? store_failed(config, rc) : make_absolute(options, config);
	if (!rc)
		rc = start_log(options);
	if (rc || options->fake)
		return rc;
	return options->foreground ? run(options, config, &readiness)
				   : run_in_background(options, config);
}

int
main(int argc, char **argv)
{
	struct options options;
	struct config config;
	int rc = options_parse(&options, argc, argv);

	if (rc) {
		options_release(&options);
		return rc;
	}
	if (options.help)
		options_usage();
	else if (options.version)
		(void)printf("spoolfs %s\n", SPOOLFS_VERSION);
	else if (options.check)
		rc = check_config(&options);
	else if (config_load(options.config, report, NULL, &config))
		rc = EX_CONFIG;
	else {
		rc = start(&options, &config);
		config_release(&config);
	}
	options_release(&options);
	return rc;
}
