/*
 * The store's SQL: the schema, and every statement, so that a test can ask SQLite for the plan
 * of each. State numbers are those of enum job_state; "live" is 2 to 4.
 */
#ifndef ENGINE_STORE_SQL_H
#define ENGINE_STORE_SQL_H

#define STORE_APPLICATION_ID 0x73706671 /* "spfq" */
#define STORE_VERSION 2
#define STORE_PAGE_BYTES 4096

enum sql_statement {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_PAGE_COUNT,
	SQL_JOB_ADD,
	SQL_JOB_PUT,
	SQL_JOB_UPDATE,
	SQL_JOB_NAME,
	SQL_JOB_HEAD,
	SQL_JOB_DEADLINE,
	SQL_JOB_DELETE,
	SQL_JOB_GET,
	SQL_JOB_BY_DRAFT,
	SQL_JOB_BY_WORKER,
	SQL_JOB_BY_NAME,
	SQL_JOB_REJECTED,
	SQL_JOB_NEXT,
	SQL_JOB_NEXT_HEAD,
	SQL_JOB_FIRST_DUE,
	SQL_JOB_FIRST_DEADLINE,
	SQL_JOB_FIRST_ENDED,
	SQL_GROUP_FIRST,
	SQL_GROUP_NEXT,
	SQL_LIST_STATE,
	SQL_LIST_RETRIES,
	SQL_LIST_RECEIPTS,
	SQL_LIST_NAMED,
	SQL_LIST_GROUP,
	SQL_LIST_STAGED,
	SQL_LIST_LIVE,
	SQL_UNGROUP,
	SQL_PAYLOAD_ADD,
	SQL_PAYLOAD_GET,
	SQL_PAYLOAD_DELETE,
	SQL_FAILURE_ADD,
	SQL_FAILURE_LIST,
	SQL_FAILURE_DELETE,
	SQL_QUEUE_ADD,
	SQL_QUEUE_TYPE,
	SQL_QUEUE_TALLIES,
	SQL_QUEUE_PAUSE,
	SQL_QUEUE_LIST,
	SQL_NOTE_GET,
	SQL_NOTE_SET,
	SQL_NOTE_DELETE,
	SQL_STATEMENTS,
};

extern const char *const store_statements[SQL_STATEMENTS];

/* What a new store is made of, in order; ends with a NULL name. What an older one lacks of it:
 * store_upgrade.c. */
struct store_object {
	const char *type, *name, *sql;
};
extern const struct store_object store_schema[];

#endif
