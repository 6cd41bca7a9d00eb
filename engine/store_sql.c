#include "engine/store_sql.h"

#include <stddef.h>

/* In the order of struct record's reader and writer in store_job.c. */
#define COLUMNS                                                                            \
	"id, queue, state, pos, head, due, grp, grp_id, name, named, failures, history, "  \
	"worker, "                                                                         \
	"claimed, deadline, changed, size, uid, gid, pid, mode, created, receipt, draft, " \
	"wpid, wstart, part"
#define JOBS "SELECT " COLUMNS " FROM job "
/* The index is named where it matters: a plan must not depend on what the planner guesses. */
#define JOBS_BY(index) JOBS "INDEXED BY " index " "
#define LIVE "state BETWEEN 2 AND 4"

const char *const store_statements[SQL_STATEMENTS] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_PAGE_COUNT] = "PRAGMA page_count",

	[SQL_JOB_ADD] =
		"INSERT INTO job(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
		"?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, "
		"?26, ?27)",
	[SQL_JOB_PUT] =
		"UPDATE job SET queue=?2, state=?3, pos=?4, head=?5, due=?6, grp=?7, "
		"grp_id=?8, name=?9, named=?10, failures=?11, history=?12, worker=?13, "
		"claimed=?14, "
		"deadline=?15, changed=?16, size=?17, uid=?18, gid=?19, pid=?20, mode=?21, "
		"created=?22, receipt=?23, draft=?24, wpid=?25, wstart=?26, part=?27 WHERE "
		"id=?1",
	[SQL_JOB_UPDATE] = "UPDATE job SET state=?2, pos=?3, head=?4, due=?5, failures=?6, "
			   "history=?7, worker=?8, claimed=?9, deadline=?10, changed=?11, "
			   "wpid=?12, wstart=?13 "
			   "WHERE id=?1",
	[SQL_JOB_NAME] = "UPDATE job SET name=?2, named=?3 WHERE id=?1",
	[SQL_JOB_HEAD] = "UPDATE job SET head=?2 WHERE id=?1",
	[SQL_JOB_DEADLINE] = "UPDATE job SET deadline=?2 WHERE id=?1",
	[SQL_JOB_DELETE] = "DELETE FROM job WHERE id=?1",

	[SQL_JOB_GET] = JOBS "WHERE id=?1",
	[SQL_JOB_BY_DRAFT] = JOBS_BY("job_staged") "WHERE state=1 AND draft=?1",
	[SQL_JOB_BY_WORKER] = JOBS_BY("job_worker") "WHERE state=4 AND queue=?1 AND worker=?2",
	[SQL_JOB_BY_NAME] = JOBS_BY("job_name") "WHERE named=1 AND queue=?1 AND name=?2",
	[SQL_JOB_REJECTED] = JOBS_BY("job_rejected") "WHERE state=7 AND queue=?1 AND name=?2",
	[SQL_JOB_NEXT] = JOBS_BY("job_state") "WHERE queue=?1 AND state=2 ORDER BY pos LIMIT 1",
	[SQL_JOB_NEXT_HEAD] = JOBS_BY(
		"job_head") "WHERE queue=?1 AND state=2 AND head=1 ORDER BY pos LIMIT 1",
	[SQL_JOB_FIRST_DUE] = JOBS_BY("job_due") "WHERE state=3 ORDER BY due LIMIT 1",
	[SQL_JOB_FIRST_DEADLINE] =
		JOBS_BY("job_deadline") "WHERE state=4 ORDER BY deadline LIMIT 1",
	[SQL_JOB_FIRST_ENDED] = JOBS_BY("job_ended") "WHERE state=6 ORDER BY changed LIMIT 1",
	[SQL_GROUP_FIRST] = JOBS_BY("job_group") "WHERE queue=?1 AND grp_id=?2 AND " LIVE
						 " ORDER BY pos LIMIT 1",
	[SQL_GROUP_NEXT] = JOBS_BY("job_group") "WHERE queue=?1 AND grp_id>?2 AND " LIVE
						" ORDER BY grp_id, pos LIMIT 1",

	[SQL_LIST_STATE] =
		JOBS_BY("job_state") "WHERE queue=?1 AND state=?2 AND pos>?3 ORDER BY pos",
	[SQL_LIST_RETRIES] =
		JOBS_BY("job_retries") "WHERE queue=?1 AND id>?2 AND failures>0 AND " LIVE
				       " ORDER BY id",
	[SQL_LIST_RECEIPTS] = JOBS_BY("job_receipts") "WHERE queue=?1 AND id>?2 AND state "
						      "BETWEEN 2 AND 5 ORDER BY id",
	[SQL_LIST_NAMED] =
		JOBS_BY("job_named") "WHERE queue=?1 AND id>?2 AND named=1 ORDER BY id",
	[SQL_LIST_GROUP] =
		JOBS_BY("job_group") "WHERE queue=?1 AND grp_id=?2 AND pos>?3 AND " LIVE
				     " ORDER BY pos",
	[SQL_LIST_STAGED] =
		"SELECT id FROM job INDEXED BY job_staged WHERE state=1 ORDER BY id",
	[SQL_LIST_LIVE] = "SELECT id FROM job INDEXED BY job_state WHERE queue=?1 AND state "
			  "BETWEEN 1 AND 4 "
			  "ORDER BY state=4 DESC, pos",
	[SQL_UNGROUP] = "UPDATE job INDEXED BY job_state SET grp=NULL, grp_id=NULL, head=0 "
			"WHERE queue=?1 AND state BETWEEN 1 AND 4",

	[SQL_PAYLOAD_ADD] = "INSERT INTO payload(id, body) VALUES(?1, ?2)",
	[SQL_PAYLOAD_GET] = "SELECT body FROM payload WHERE id=?1",
	[SQL_PAYLOAD_DELETE] = "DELETE FROM payload WHERE id=?1",

	[SQL_FAILURE_ADD] = "INSERT INTO failure(job, number, attempt, at, worker, reason) "
			    "VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_FAILURE_LIST] = "SELECT attempt, at, worker, reason FROM failure WHERE job=?1 "
			     "ORDER BY number",
	[SQL_FAILURE_DELETE] = "DELETE FROM failure WHERE job=?1",

	[SQL_QUEUE_ADD] = "INSERT INTO queue(name, fifo, group_field) VALUES(?1, ?2, ?3)",
	[SQL_QUEUE_TYPE] = "UPDATE queue SET fifo=?2, group_field=?3 WHERE id=?1",
	[SQL_QUEUE_TALLIES] =
		"UPDATE queue SET created=?2, staged=?3, staged_at=?4, waiting=?5, "
		"waiting_at=?6, backoff=?7, backoff_at=?8, running=?9, running_at=?10, "
		"dead=?11, "
		"dead_at=?12, done=?13, done_at=?14, rejected=?15, rejected_at=?16 WHERE id=?1",
	[SQL_QUEUE_PAUSE] = "UPDATE queue SET paused=?2, paused_uid=?3, paused_pid=?4, "
			    "paused_reason=?5 WHERE id=?1",
	[SQL_QUEUE_LIST] =
		"SELECT id, name, fifo, group_field, created, staged, staged_at, waiting, "
		"waiting_at, backoff, backoff_at, running, running_at, dead, dead_at, done, "
		"done_at, rejected, rejected_at, paused, paused_uid, paused_pid, paused_reason "
		"FROM queue ORDER BY id",

	[SQL_NOTE_GET] = "SELECT value FROM note WHERE key=?1",
	[SQL_NOTE_SET] = "INSERT INTO note(key, value) VALUES(?1, ?2) "
			 "ON CONFLICT(key) DO UPDATE SET value=excluded.value",
	[SQL_NOTE_DELETE] = "DELETE FROM note WHERE key=?1",
};

/* clang-format off */
#define TIME(column) \
	"strftime('%Y-%m-%dT%H:%M:%fZ', nullif(" column ", 0) / 1000.0, 'unixepoch')"

/* A view a person can read; `where` and `order` are all that differs. */
#define VIEW(view, where, order) { "view", view, \
	"CREATE VIEW " view " AS SELECT job.id, queue.name AS queue, job.receipt, job.name, " \
	"CASE job.state WHEN 2 THEN 'waiting' WHEN 3 THEN 'backoff' WHEN 4 THEN 'running' " \
	"WHEN 7 THEN 'rejected' ELSE 'dead' END AS state, job.grp AS \"group\", job.failures, " \
	"job.size, " TIME("job.created") " AS created, " TIME("job.due") " AS due, " \
	TIME("job.changed") " AS changed, job.worker, " TIME("job.claimed") " AS claimed, " \
	TIME("job.deadline") " AS deadline, job.uid, job.gid, job.pid, " \
	"(SELECT reason FROM failure WHERE failure.job = job.id ORDER BY number DESC LIMIT 1) " \
	"AS reason FROM job JOIN queue ON queue.id = job.queue WHERE " where \
	" ORDER BY job.queue, " order }
/* clang-format on */

const struct store_object store_schema[] = {
	{ "table", "note",
		"CREATE TABLE note(key TEXT PRIMARY KEY, value ANY NOT NULL) "
		"STRICT, WITHOUT ROWID" },
	{ "table", "queue",
		"CREATE TABLE queue(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
		"fifo INTEGER NOT NULL, group_field TEXT NOT NULL, "
		"created INTEGER NOT NULL DEFAULT 0, "
		"staged INTEGER NOT NULL DEFAULT 0, staged_at INTEGER NOT NULL DEFAULT 0, "
		"waiting INTEGER NOT NULL DEFAULT 0, waiting_at INTEGER NOT NULL DEFAULT 0, "
		"backoff INTEGER NOT NULL DEFAULT 0, backoff_at INTEGER NOT NULL DEFAULT 0, "
		"running INTEGER NOT NULL DEFAULT 0, running_at INTEGER NOT NULL DEFAULT 0, "
		"dead INTEGER NOT NULL DEFAULT 0, dead_at INTEGER NOT NULL DEFAULT 0, "
		"done INTEGER NOT NULL DEFAULT 0, done_at INTEGER NOT NULL DEFAULT 0, "
		"rejected INTEGER NOT NULL DEFAULT 0, rejected_at INTEGER NOT NULL DEFAULT 0, "
		"paused INTEGER NOT NULL DEFAULT 0, paused_uid INTEGER NOT NULL DEFAULT 0, "
		"paused_pid INTEGER NOT NULL DEFAULT 0, paused_reason TEXT NOT NULL DEFAULT "
		"'') "
		"STRICT" },
	{ "table", "job",
		"CREATE TABLE job(id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, "
		"state INTEGER NOT NULL, pos INTEGER NOT NULL, head INTEGER NOT NULL, "
		"due INTEGER NOT NULL, grp TEXT, grp_id INTEGER, name TEXT NOT NULL, "
		"named INTEGER NOT NULL, failures INTEGER NOT NULL, history INTEGER NOT NULL, "
		"worker TEXT, claimed INTEGER NOT NULL, deadline INTEGER NOT NULL, "
		"changed INTEGER NOT NULL, size INTEGER NOT NULL, uid INTEGER NOT NULL, "
		"gid INTEGER NOT NULL, pid INTEGER NOT NULL, mode INTEGER NOT NULL, "
		"created INTEGER NOT NULL, receipt TEXT NOT NULL, draft INTEGER NOT NULL, "
		"wpid INTEGER NOT NULL DEFAULT 0, wstart INTEGER NOT NULL DEFAULT 0, "
		"part INTEGER NOT NULL DEFAULT 0) STRICT" },
	{ "table", "payload",
		"CREATE TABLE payload(id INTEGER PRIMARY KEY, body BLOB NOT NULL) "
		"STRICT" },
	{ "table", "failure",
		"CREATE TABLE failure(job INTEGER NOT NULL, number INTEGER NOT NULL, "
		"attempt INTEGER NOT NULL, at INTEGER NOT NULL, worker TEXT NOT NULL, "
		"reason TEXT NOT NULL, PRIMARY KEY(job, number)) STRICT, WITHOUT ROWID" },
	{ "index", "job_state", "CREATE UNIQUE INDEX job_state ON job(queue, state, pos)" },
	{ "index", "job_head",
		"CREATE INDEX job_head ON job(queue, pos) WHERE state=2 AND head=1" },
	{ "index", "job_group",
		"CREATE INDEX job_group ON job(queue, grp_id, pos) "
		"WHERE grp_id IS NOT NULL AND " LIVE },
	{ "index", "job_due", "CREATE INDEX job_due ON job(due) WHERE state=3" },
	{ "index", "job_deadline", "CREATE INDEX job_deadline ON job(deadline) WHERE state=4" },
	{ "index", "job_ended", "CREATE INDEX job_ended ON job(changed) WHERE state=6" },
	{ "index", "job_worker",
		"CREATE UNIQUE INDEX job_worker ON job(queue, worker) "
		"WHERE state=4" },
	{ "index", "job_name",
		"CREATE UNIQUE INDEX job_name ON job(queue, name) WHERE named=1" },
	{ "index", "job_named", "CREATE INDEX job_named ON job(queue) WHERE named=1" },
	{ "index", "job_retries",
		"CREATE INDEX job_retries ON job(queue) "
		"WHERE failures>0 AND " LIVE },
	{ "index", "job_receipts",
		"CREATE INDEX job_receipts ON job(queue) "
		"WHERE state BETWEEN 2 AND 5" },
	{ "index", "job_staged", "CREATE UNIQUE INDEX job_staged ON job(draft) WHERE state=1" },
	{ "index", "job_rejected",
		"CREATE UNIQUE INDEX job_rejected ON job(queue, name) WHERE state=7" },
	VIEW("waiting", "job.state = 2", "job.pos"),
	VIEW("backoff", "job.state = 3", "job.due"),
	VIEW("running", "job.state = 4", "job.pos"),
	VIEW("claim", "job.state = 4", "job.worker"),
	VIEW("dead_letter", "job.state = 5", "job.pos"),
	VIEW("retries", "job.failures > 0 AND job.state BETWEEN 2 AND 4", "job.id"),
	VIEW("receipts", "job.state BETWEEN 2 AND 5", "job.id"),
	VIEW("rejected", "job.state = 7", "job.pos"),
	{ NULL, NULL, NULL },
};
