/* The log's file. See store_log.h. */
#include "engine/store_log.h"

#include "engine/store_query.h"

#define AHEAD_BYTES 65536
#define STEP_BYTES 262144

static sqlite3_file *
log_file(sqlite3 *db)
{
	sqlite3_file *file = NULL;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&file))
		return NULL;
	return file && file->pMethods ? file : NULL;
}

void
log_extend(sqlite3 *db, int frames, int64_t *size)
{
	static const char zeros[STEP_BYTES];
	int64_t need = frames * FRAME_BYTES + AHEAD_BYTES;
	sqlite3_int64 now = 0;
	sqlite3_file *file;

	if (*size >= need || frames > LOG_FRAMES_MAX || !(file = log_file(db)))
		return;
	if (file->pMethods->xFileSize(file, &now))
		return;
	*size = now;
	if (now >= need)
		return;
	if (file->pMethods->xWrite(file, zeros, STEP_BYTES, now) == SQLITE_OK)
		*size += STEP_BYTES;
	else
		*size = need; /* until more is needed */
}

int
log_is_long(sqlite3 *db)
{
	sqlite3_int64 size = 0;
	sqlite3_file *file = log_file(db);

	if (!file || file->pMethods->xFileSize(file, &size))
		return 0;
	return size > LOG_BYTES_KEPT;
}
