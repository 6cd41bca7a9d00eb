/* How a store is made, and how one of an earlier version becomes one of this. */
#include <stdio.h>
#include <string.h>

#include "engine/hash.h"
#include "engine/store_query.h"

static int
make_object(struct store *store, const char *name)
{
	const struct store_object *object = store_schema;
	while (strcmp(object->name, name) != 0)
		object++;
	return store_exec(store, object->sql);
}

static int
make_schema(struct store *store, uint64_t seed)
{
	int rc = 0;
	for (const struct store_object *object = store_schema; rc == 0 && object->name;
		object++)
		rc = store_exec(store, object->sql);
	if (rc != 0)
		return rc;
	char sql[400];
	(void)snprintf(sql, sizeof sql,
		"INSERT INTO note(key, value) VALUES('key 0', %lld), ('key 1', %lld), "
		"('next id', 1), ('next pos', 1); PRAGMA application_id = %d",
		(long long)hash_sequence(&seed), (long long)hash_sequence(&seed),
		STORE_APPLICATION_ID);
	return store_exec(store, sql);
}

/* Version 2: rejected payloads, the process a worker is bound to, paused queues. The tallies' and
 * the table's new columns have their defaults. */
static int
upgrade_to_2(struct store *store)
{
	static const char *const columns[] = {
		"ALTER TABLE job ADD COLUMN wpid INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE job ADD COLUMN wstart INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE job ADD COLUMN part INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE queue ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE queue ADD COLUMN rejected_at INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE queue ADD COLUMN paused INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE queue ADD COLUMN paused_uid INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE queue ADD COLUMN paused_pid INTEGER NOT NULL DEFAULT 0",
		"ALTER TABLE queue ADD COLUMN paused_reason TEXT NOT NULL DEFAULT ''",
	};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof columns / sizeof *columns; i++)
		rc = store_exec(store, columns[i]);
	if (rc == 0)
		rc = make_object(store, "job_rejected");
	return rc == 0 ? make_object(store, "rejected") : rc;
}

/* How version n becomes n + 1. */
static int (*const upgrades[STORE_VERSION])(struct store *store) = {
	[1] = upgrade_to_2,
};

/* All of a new store, or one step of an old one, in one transaction. */
static int
upgrade_step(struct store *store, int64_t *version, uint64_t seed)
{
	char sql[64];
	int64_t next = *version == 0 ? STORE_VERSION : *version + 1;
	(void)snprintf(sql, sizeof sql, "PRAGMA user_version = %lld", (long long)next);
	/* The prepared statements need the tables. */
	int rc = store_exec(store, "BEGIN IMMEDIATE");
	if (rc == 0)
		rc = *version == 0 ? make_schema(store, seed) : upgrades[*version](store);
	if (rc == 0)
		rc = store_exec(store, sql);
	if (rc == 0)
		rc = store_exec(store, "COMMIT");
	*version = next;
	return rc;
}

int
store_upgrade(struct store *store, int64_t version, uint64_t seed)
{
	int rc = 0;
	/* Only before the first table can a file be told to give pages back. */
	if (version == 0)
		rc = store_exec(store, "PRAGMA auto_vacuum = INCREMENTAL");
	if (rc == 0)
		rc = store_exec(store, "PRAGMA journal_mode = WAL");
	while (rc == 0 && version < STORE_VERSION)
		rc = upgrade_step(store, &version, seed);
	return rc;
}
