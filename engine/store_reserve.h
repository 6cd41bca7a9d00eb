/*
 * Room on the disk, kept for what must not fail when it is full: store.h tells how. Functions
 * return SQLite's codes. Included by store*.c only.
 */
#ifndef ENGINE_STORE_RESERVE_H
#define ENGINE_STORE_RESERVE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct reserve {
	sqlite3_vfs *vfs;
	char *path;
	bool whole; /* as far as is known: it was made, and not spent since */
};

/* Touches no file. */
int reserve_init(struct reserve *reserve, sqlite3 *db);
void reserve_release(struct reserve *reserve);

/* Makes it whole: writes the file unless it is there. SQLITE_FULL: there is no room for it. */
int reserve_make(struct reserve *reserve);
/* Gives its room to the disk. */
void reserve_spend(struct reserve *reserve);

/* The database's file has room for this many bytes from now on, wherever its pages are yet. */
int reserve_pages(struct reserve *reserve, sqlite3 *db, int64_t size);

#endif
