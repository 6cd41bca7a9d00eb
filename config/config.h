/*
 * The configuration: one YAML file that defines the store's place and the queues.
 *
 * config_load() reads the file, config_release() frees what it made. Every mistake in the file
 * is reported through one callback, in the file's order, with its place; config_load() then
 * fails. Knows nothing of queues at work, of FUSE or of the store. See spoolfs.yaml(5).
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum config_type { CONFIG_STANDARD, CONFIG_FIFO };
enum config_payload { CONFIG_PAYLOAD_ANY, CONFIG_PAYLOAD_JSON };
enum config_publish { CONFIG_PUBLISH_CLOSE, CONFIG_PUBLISH_RENAME };

/* The three faces of a queue that have an owner and a mode of their own. */
enum config_face { CONFIG_ENQUEUE, CONFIG_CLAIM, CONFIG_INSPECT, CONFIG_FACES };

/* `set` is false where the file says nothing: the daemon's user, and 0755, 0700, 0750. */
struct config_permission {
	bool set;
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

#define CONFIG_NONE (-1) /* a limit that is not set */

struct config_queue {
	char *name;
	enum config_type type;
	char *message_group_field; /* NULL in a standard queue */
	int64_t concurrency;
	int64_t max_retries;
	int64_t backoff_ms;
	int64_t backoff_max_ms; /* or CONFIG_NONE */
	double backoff_jitter;  /* 0..1 */
	int64_t timeout_ms;
	enum config_payload payload;
	int64_t max_payload_bytes;
	int64_t max_jobs; /* or CONFIG_NONE */
	enum config_publish publish;
	char *draft_names; /* fnmatch(3) patterns separated by single spaces */
	bool schedule_by_mtime;
	struct config_permission permissions[CONFIG_FACES];
};

struct config {
	char *store; /* the store's path; never NULL after a load that succeeded */
	struct config_queue *queues; /* in the file's order */
	size_t queue_count;
};

/* One mistake, or one warning. `line` and `column` count from 1; 0 where the file as a whole is
 * meant (it cannot be opened). `text` is one sentence that names the queue, the key and what
 * would be right. */
struct config_message {
	const char *file;
	size_t line, column;
	bool warning;
	const char *text;
};
typedef void config_report_fn(void *context, const struct config_message *message);

/*
 * Reads the file at `path`. `report` is called for every mistake and warning, not only the first.
 * Returns 0 and fills *config (the caller releases it), -EINVAL when the file has mistakes (they
 * have been reported), or -errno when it cannot be read (reported as well); *config is then empty.
 */
int config_load(
	const char *path, config_report_fn *report, void *context, struct config *config);

void config_release(struct config *config);

/* Prints what the config means, every default filled in, for `spoolfs -n`. Returns 0 or -EIO. */
int config_print(const struct config *config, FILE *out);

/* Is `name` one of the queue's draft_names? */
bool config_is_draft_name(const struct config_queue *queue, const char *name);

/*
 * Prints the table of keys (key, type, default, range, help) as mdoc(7) list items. The manual
 * spoolfs.yaml(5) is checked against it. Returns 0 or -EIO.
 */
int config_print_keys(FILE *out);

#endif
