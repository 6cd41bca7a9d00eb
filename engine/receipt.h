/*
 * Receipts: UUIDv7 (RFC 9562, section 5.7) that carry the job's row number, so that a job is
 * found by its name without a second index, and a keyed check, so that a forged one is not.
 *
 *   48 bits  created, milliseconds since the epoch
 *    4 bits  version 7
 *   12 bits  the job id's upper 12 bits
 *    2 bits  variant 10
 *   28 bits  the job id's lower 28 bits
 *   34 bits  check: a keyed hash (SipHash-2-4) of the 94 bits before it
 *
 * The id follows the time, so sorting names sorts by age; within a millisecond by the order in
 * which the jobs were staged.
 */
#ifndef ENGINE_RECEIPT_H
#define ENGINE_RECEIPT_H

#include <stdbool.h>
#include <stdint.h>

#define RECEIPT_LENGTH 36
#define RECEIPT_SIZE (RECEIPT_LENGTH + 1)

struct receipt_key {
	uint64_t k[2]; /* of the store, random */
};

void receipt_format(const struct receipt_key *key, int64_t created_ms, int64_t job_id,
	char text[RECEIPT_SIZE]);

/* Does `text` have a receipt's shape: 36 characters, lower case, version 7? */
bool receipt_looks_right(const char *text);

/* Returns 0, or -ENOENT when the shape or the check is wrong. The caller compares created_ms.
 */
int receipt_parse(
	const struct receipt_key *key, const char *text, int64_t *created_ms, int64_t *job_id);

#endif
