/* Room for what must not fail on a full disk: see store.h. */
#include "engine/store_reserve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hash.h"

#define RESERVE_BYTES (2 << 20) /* some thirty verdicts, each in a transaction of its own */
#define PIECE_BYTES (64 << 10)
#define CHUNK_BYTES (256 << 10) /* by which the database grows */

/* What a VFS that cannot write says, and why. */
static int
code_of(sqlite3_vfs *vfs, int code)
{
	if ((code & 0xff) != SQLITE_IOERR || !vfs->xGetLastError)
		return code;
	int cause = vfs->xGetLastError(vfs, 0, NULL);
	return cause == ENOSPC || cause == EDQUOT ? SQLITE_FULL : code;
}

/* ---- the file ---- */

int
reserve_init(struct reserve *reserve, sqlite3 *db)
{
	int chunk = CHUNK_BYTES;
	int code = sqlite3_file_control(db, "main", SQLITE_FCNTL_VFS_POINTER, &reserve->vfs);
	if (code != SQLITE_OK)
		return code;
	reserve->path = sqlite3_mprintf("%s-reserve", sqlite3_db_filename(db, "main"));
	/* A VFS that knows no chunks will not make room ahead either. */
	(void)sqlite3_file_control(db, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk);
	return reserve->path ? SQLITE_OK : SQLITE_NOMEM;
}

void
reserve_release(struct reserve *reserve)
{
	sqlite3_free(reserve->path);
}

/* To the VFS it is a log: it gets the database's mode and owner. */
static int
file_open(const struct reserve *reserve, sqlite3_file **file)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL;
	*file = calloc(1, (size_t)reserve->vfs->szOsFile);
	if (!*file)
		return SQLITE_NOMEM;
	return reserve->vfs->xOpen(reserve->vfs, reserve->path, *file, flags, &flags);
}

static void
file_close(sqlite3_file *file)
{
	if (file && file->pMethods)
		(void)file->pMethods->xClose(file); /* nothing in it matters */
	free(file);
}

/* Not zeros: these take no room on some file systems. */
static int
file_fill(sqlite3_file *file)
{
	uint64_t random = 1;
	uint64_t *piece = malloc(PIECE_BYTES);
	int code = piece ? SQLITE_OK : SQLITE_NOMEM;
	for (size_t i = 0; piece && i < PIECE_BYTES / sizeof *piece; i++)
		piece[i] = hash_sequence(&random);
	for (int at = 0; code == SQLITE_OK && at < RESERVE_BYTES; at += PIECE_BYTES)
		code = file->pMethods->xWrite(file, piece, PIECE_BYTES, at);
	free(piece);
	return code;
}

int
reserve_make(struct reserve *reserve)
{
	sqlite3_file *file;
	sqlite3_int64 size = 0;
	if (reserve->whole)
		return SQLITE_OK;
	int code = file_open(reserve, &file);
	if (code == SQLITE_OK)
		code = file->pMethods->xFileSize(file, &size);
	if (code == SQLITE_OK && size < RESERVE_BYTES) {
		code = code_of(reserve->vfs, file_fill(file));
		if (code != SQLITE_OK)
			(void)file->pMethods->xTruncate(file, 0); /* the next time, then */
	}
	reserve->whole = code == SQLITE_OK;
	file_close(file);
	return code;
}

void
reserve_spend(struct reserve *reserve)
{
	sqlite3_file *file;
	if (!reserve->path)
		return;
	if (file_open(reserve, &file) == SQLITE_OK)
		(void)file->pMethods->xTruncate(file, 0); /* the caller sees it soon enough */
	file_close(file);
	reserve->whole = false;
}

/* ---- the database ---- */

int
reserve_pages(struct reserve *reserve, sqlite3 *db, int64_t size)
{
	sqlite3_int64 hint = size;
	int code = sqlite3_file_control(db, "main", SQLITE_FCNTL_SIZE_HINT, &hint);
	return code == SQLITE_NOTFOUND ? SQLITE_OK : code_of(reserve->vfs, code);
}
