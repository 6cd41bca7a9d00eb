#include "engine/receipt.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "engine/hash.h"

#define CHECK_BITS 34
#define ID_BITS 40
#define ID_LOW_BITS 28

static const char digits[] = "0123456789abcdef";

/* The 128 bits: `high` as in RFC 9562's unix_ts_ms, ver, rand_a; `low` as var, rand_b. */
struct receipt_bits {
	uint64_t high, low;
};

static uint64_t
check_of(const struct receipt_key *key, uint64_t high, uint64_t low)
{
	unsigned char bytes[16];
	for (int i = 0; i < 8; i++) {
		bytes[i] = (unsigned char)(high >> (8 * i));
		bytes[8 + i] = (unsigned char)(low >> (8 * i));
	}
	return hash_bytes(key->k, bytes, sizeof bytes) >> (64 - CHECK_BITS);
}

static struct receipt_bits
bits_of(const struct receipt_key *key, uint64_t created_ms, uint64_t job_id)
{
	uint64_t id_low = job_id & ((UINT64_C(1) << ID_LOW_BITS) - 1);
	struct receipt_bits bits = {
		.high = created_ms << 16 | UINT64_C(7) << 12 | job_id >> ID_LOW_BITS,
		.low = UINT64_C(2) << 62 | id_low << CHECK_BITS,
	};
	bits.low |= check_of(key, bits.high, bits.low);
	return bits;
}

void
receipt_format(const struct receipt_key *key, int64_t created_ms, int64_t job_id,
	char text[RECEIPT_SIZE])
{
	assert(created_ms >= 0 && created_ms < INT64_C(1) << 48);
	assert(job_id > 0 && job_id < INT64_C(1) << ID_BITS);

	struct receipt_bits bits = bits_of(key, (uint64_t)created_ms, (uint64_t)job_id);
	char *at = text;
	for (int nibble = 0; nibble < 32; nibble++) {
		uint64_t half = nibble < 16 ? bits.high : bits.low;
		if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20)
			*at++ = '-';
		*at++ = digits[half >> (60 - 4 * (nibble % 16)) & 15];
	}
	*at = '\0';
}

/* Only the spelling that receipt_format() makes: a job has one name. */
static bool
bits_parse(const char *text, struct receipt_bits *bits)
{
	if (strnlen(text, RECEIPT_SIZE) != RECEIPT_LENGTH)
		return false;
	uint64_t half[2] = { 0, 0 };
	int nibble = 0;
	for (int i = 0; i < RECEIPT_LENGTH; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return false;
			continue;
		}
		const char *digit = strchr(digits, text[i]);
		if (!digit)
			return false;
		half[nibble / 16] = half[nibble / 16] << 4 | (uint64_t)(digit - digits);
		nibble++;
	}
	*bits = (struct receipt_bits){ .high = half[0], .low = half[1] };
	return (bits->high >> 12 & 15) == 7 && bits->low >> 62 == 2;
}

bool
receipt_looks_right(const char *text)
{
	struct receipt_bits bits;
	return bits_parse(text, &bits);
}

int
receipt_parse(
	const struct receipt_key *key, const char *text, int64_t *created_ms, int64_t *job_id)
{
	struct receipt_bits bits;
	if (!bits_parse(text, &bits))
		return -ENOENT;
	uint64_t mask = (UINT64_C(1) << CHECK_BITS) - 1;
	if (check_of(key, bits.high, bits.low & ~mask) != (bits.low & mask))
		return -ENOENT;
	uint64_t id_low = bits.low >> CHECK_BITS & ((UINT64_C(1) << ID_LOW_BITS) - 1);
	*created_ms = (int64_t)(bits.high >> 16);
	*job_id = (int64_t)((bits.high & 0xfff) << ID_LOW_BITS | id_low);
	return 0;
}
