/* How a store is made, and how one of an earlier version becomes one of this. */
#include <stdio.h>

#include "engine/hash.h"
#include "engine/store_query.h"

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

/* How version n becomes n + 1; the first makes all of it. */
static int (*const upgrades[STORE_VERSION])(struct store *store, uint64_t seed) = {
	[0] = make_schema,
};

static int
upgrade_step(struct store *store, int64_t version, uint64_t seed)
{
	char sql[64];
	(void)snprintf(sql, sizeof sql, "PRAGMA user_version = %lld", (long long)version + 1);
	/* The prepared statements need the tables. */
	int rc = store_exec(store, "BEGIN IMMEDIATE");
	if (rc == 0)
		rc = upgrades[version](store, seed);
	if (rc == 0)
		rc = store_exec(store, sql);
	if (rc == 0)
		rc = store_exec(store, "COMMIT");
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
		rc = upgrade_step(store, version++, seed);
	return rc;
}
