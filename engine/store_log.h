/*
 * The log's file, SQLite's WAL. Writing over it costs half of letting it grow, so it grows in
 * steps ahead of what is written, and keeps its size when it starts again.
 */
#ifndef ENGINE_STORE_LOG_H
#define ENGINE_STORE_LOG_H

#include <sqlite3.h>
#include <stdint.h>

#define LOG_FRAMES_MAX 500        /* the log is checkpointed when it holds more */
#define FRAME_BYTES INT64_C(4120) /* a page and its header: sqlite.org/fileformat2.html */
#define LOG_BYTES_KEPT \
	(3 * LOG_FRAMES_MAX / 2 * FRAME_BYTES) /* some 3 MB, also when all is done */

/* Makes the file longer than `frames` need, with zeros that no reader takes for frames (their
 * checksums are wrong). *size, 0 at first, is the file's size as far as is known. Where there is
 * no room it grows as SQLite makes it. */
void log_extend(sqlite3 *db, int frames, int64_t *size);

/* Is it longer than what is kept, because one transaction was, or because somebody read from it
 * for long? Then an idle moment is for making it short. */
int log_is_long(sqlite3 *db);

#endif
