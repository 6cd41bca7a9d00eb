#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/hash.h"
#include "engine/receipt.h"

static const struct receipt_key key = { { 0x0123456789abcdef, 0xfedcba9876543210 } };
static const int64_t now_ms = 1800000000000;

/* The vectors of SipHash's authors: key 00 01 .. 0f, input 00 01 .. */
static void
test_siphash_vectors(void **state)
{
	(void)state;
	const uint64_t k[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	unsigned char input[16];
	for (unsigned char i = 0; i < sizeof input; i++)
		input[i] = i;
	assert_true(hash_bytes(k, input, 0) == 0x726fdb47dd0e0e31);
	assert_true(hash_bytes(k, input, 1) == 0x74f839c593dc67fd);
	assert_true(hash_bytes(k, input, 8) == 0x93f5f5799a932462);
	assert_true(hash_bytes(k, input, 15) == 0xa129ca6149be45e5);
}

static void
test_round_trip(void **state)
{
	(void)state;
	static const int64_t ids[] = { 1, 2, 4096, (1 << 28) - 1, 1 << 28,
		(INT64_C(1) << 40) - 1 };
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		char text[RECEIPT_SIZE];
		int64_t created, id;
		receipt_format(&key, now_ms, ids[i], text);
		assert_int_equal(strlen(text), RECEIPT_LENGTH);
		assert_true(receipt_looks_right(text));
		assert_int_equal(receipt_parse(&key, text, &created, &id), 0);
		assert_int_equal(created, now_ms);
		assert_int_equal(id, ids[i]);
	}
}

/* RFC 9562, 5.7: unix_ts_ms, version 7, variant 10. */
static void
test_rfc_bits(void **state)
{
	(void)state;
	char text[RECEIPT_SIZE], time[16];
	for (int64_t id = 1; id < 1000; id++) {
		receipt_format(&key, now_ms, id, text);
		(void)snprintf(time, sizeof time, "%08llx-%04llx",
			(unsigned long long)now_ms >> 16, (unsigned long long)now_ms & 0xffff);
		assert_memory_equal(text, time, 13);
		assert_int_equal(text[14], '7');
		assert_non_null(strchr("89ab", text[19]));
	}
}

static void
test_sorts_by_age(void **state)
{
	(void)state;
	char last[RECEIPT_SIZE] = "", text[RECEIPT_SIZE];
	int64_t id = (1 << 28) - 500;
	for (int64_t ms = 0; ms < 100; ms++)
		for (int i = 0; i < 10; i++, id++) {
			receipt_format(&key, now_ms + ms, id, text);
			assert_true(strcmp(last, text) < 0);
			memcpy(last, text, sizeof last);
		}
}

static void
test_forged(void **state)
{
	(void)state;
	char text[RECEIPT_SIZE];
	int64_t created, id;
	receipt_format(&key, now_ms, 7, text);
	const struct receipt_key other = { { key.k[0] ^ 1, key.k[1] } };
	assert_int_equal(receipt_parse(&other, text, &created, &id), -ENOENT);
	for (size_t i = 0; i < RECEIPT_LENGTH; i++) {
		char was = text[i];
		for (const char *digit = "0123456789abcdef"; *digit; digit++) {
			text[i] = *digit;
			int rc = receipt_parse(&key, text, &created, &id);
			assert_int_equal(rc, *digit == was ? 0 : -ENOENT);
		}
		text[i] = was;
	}
}

static void
test_shape(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", "x", "018f0000-0000-7000-8000-00000000000",
		"018f0000-0000-7000-8000-0000000000000", "018f0000-0000-4000-8000-000000000000",
		"018f0000-0000-7000-c000-000000000000", "018F0000-0000-7000-8000-000000000000",
		"018f0000x0000-7000-8000-000000000000",
		"018f0000-0000-7000-8000-00000000000g" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(receipt_looks_right(wrong[i]));
	assert_true(receipt_looks_right("018f0000-0000-7000-8000-000000000000"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash_vectors),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_rfc_bits),
		cmocka_unit_test(test_sorts_by_age),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_shape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
