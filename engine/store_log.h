/*
 * The log's file, SQLite's WAL. Writing over it costs half of letting it grow, so it grows in
 * steps ahead of what is written, and keeps its size when it starts again.
 */
#ifndef ENGINE_STORE_LOG_H
#define ENGINE_STORE_LOG_H

#include <sqlite3.h>
#include <stdint.h>

#define LOG_FRAMES_MAX 1000 /* the log is checkpointed when it holds more: some 4 MB */

/* Makes the file longer than `frames` need, with zeros that no reader takes for frames (their
 * checksums are wrong). *size, 0 at first, is the file's size as far as is known. Where there is
 * no room it grows as SQLite makes it. */
void log_extend(sqlite3 *db, int frames, int64_t *size);

/* Has it outgrown its bound, because somebody read from it for long? */
int log_is_long(int64_t size);

#endif
