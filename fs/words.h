/*
 * What a worker writes to its claim file: the verdict on its job, in words. Pure.
 *
 *   VERDICT [RECEIPT] [in DELAY] [: REASON]
 *
 * VERDICT is done, retry, dead or release. RECEIPT is the job that is meant. `in DELAY`, with
 * retry and release, is when the job comes back: digits and, right behind them, ms, s, m, h or
 * d. `: REASON`, with retry and dead, is the rest of the line. Blanks (spaces and tabs) stand
 * between words, and may stand around the colon and the whole; one newline may end it. Case
 * counts.
 */
#ifndef FS_WORDS_H
#define FS_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

struct words {
	enum verdict verdict;
	char receipt
		[RECEIPT_SIZE]; /* "" : not named. It has the shape of one, no more is known */
	int64_t delay_ms;       /* -1: as the queue's rules say */
	char reason[ENGINE_REASON_MAX + 1]; /* "" : none given, or nothing after the colon */
};

/*
 * Reads `size` bytes, which no NUL has to end. Returns 0, or -EINVAL when they say anything
 * else; *words is then as it was. Not errors: a delay beyond INT64_MAX ms is that long, as a
 * backoff would be; a longer reason is cut to ENGINE_REASON_MAX bytes at a character's end.
 * A delay without its unit is one, and so is a NUL, or a newline that is not the last byte.
 */
int words_parse(const char *text, size_t size, struct words *words);

#endif
