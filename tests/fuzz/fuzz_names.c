/* Names: receipts, their twins, and drafts. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>

#include "config/config.h"
#include "fs/names.h"
#include "tests/fuzz/fuzz.h"

static const struct receipt_key key = { { 0x0123456789abcdef, 0xfedcba9876543210 } };

/* ---- a name that anybody may ask for ---- */

/* The shape of a receipt, as a pattern. */
static bool
has_shape(const char *name, const char *suffix)
{
#define X "[0-9a-f]"
	static const char shape[] = X X X X X X X X "-" X X X X "-7" X X X "-[89ab]" X X X
						    "-" X X X X X X X X X X X X;
#undef X
	char pattern[sizeof shape + sizeof TWIN_SUFFIX];
	(void)snprintf(pattern, sizeof pattern, "%s%s", shape, suffix);
	return fnmatch(pattern, name, 0) == 0;
}

static void
check_name(const char *name)
{
	char receipt[RECEIPT_SIZE];
	bool twin = name_is_twin(name, receipt);
	assert(twin == has_shape(name, TWIN_SUFFIX));
	if (twin)
		assert(strncmp(name, receipt, RECEIPT_LENGTH) == 0 && has_shape(receipt, ""));
	assert(receipt_looks_right(name) == has_shape(name, ""));

	int64_t created_ms, job_id;
	int rc = receipt_parse(&key, name, &created_ms, &job_id);
	assert(rc == 0 || rc == -ENOENT);
	if (rc == -ENOENT)
		return;
	receipt_format(&key, created_ms, job_id, receipt);
	assert(strcmp(name, receipt) == 0);
}

/* ---- a receipt that we give ---- */

struct given {
	int64_t created_ms, job_id;
	char receipt[RECEIPT_SIZE];
};

static struct given
given_new(struct input *input)
{
	struct given given = {
		.created_ms = (int64_t)(input_number(input) % (UINT64_C(1) << 48)),
		.job_id = 1 + (int64_t)(input_number(input) % ((UINT64_C(1) << 40) - 1)),
	};
	receipt_format(&key, given.created_ms, given.job_id, given.receipt);
	return given;
}

static void
check_round_trip(const struct given *given)
{
	int64_t created_ms = 0, job_id = 0;
	assert(receipt_parse(&key, given->receipt, &created_ms, &job_id) == 0);
	assert(created_ms == given->created_ms && job_id == given->job_id);

	char name[RECEIPT_SIZE + sizeof TWIN_SUFFIX], receipt[RECEIPT_SIZE];
	(void)snprintf(name, sizeof name, "%s" TWIN_SUFFIX, given->receipt);
	assert(name_is_twin(name, receipt) && strcmp(receipt, given->receipt) == 0);
	check_name(name);
	check_name(given->receipt);
}

/* One byte changed: no receipt. By chance it would be one in 2^34 times. */
static void
check_forged(struct given given, uint64_t how)
{
	int64_t created_ms, job_id;
	char *byte = &given.receipt[how % RECEIPT_LENGTH];
	*byte = (char)((unsigned char)*byte ^ (1 + how / RECEIPT_LENGTH % 255));
	assert(receipt_parse(&key, given.receipt, &created_ms, &job_id) == -ENOENT);
}

static int
sign(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static void
check_order(const struct given *one, const struct given *other)
{
	int age = sign(one->created_ms, other->created_ms);
	if (age == 0)
		age = sign(one->job_id, other->job_id);
	assert(sign(strcmp(one->receipt, other->receipt), 0) == age);
}

/* ---- drafts ---- */

static bool
is_draft(const char *patterns, const char *name)
{
	char copy[1024];
	(void)snprintf(copy, sizeof copy, "%s", patterns);
	const struct config_queue queue = { .draft_names = copy };
	return config_is_draft_name(&queue, name);
}

/* The configuration has checked that patterns have at most 255 bytes. */
static void
check_drafts(const char *one, const char *other, const char *name)
{
	char both[1024];
	(void)snprintf(both, sizeof both, "%s %s", one, other);
	assert(is_draft(both, name) == (is_draft(one, name) || is_draft(other, name)));
	assert(is_draft(".* *.tmp *~", name) ==
		(name[0] == '.' || fnmatch("*.tmp", name, 0) == 0 ||
			(*name && name[strlen(name) - 1] == '~')));
	assert(!is_draft("", name) && !is_draft(" ", name));
	if (*name && !name[strcspn(name, "?*[\\ \t\r\n\v\f")])
		assert(is_draft(name, name));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .size = size };
	char *name = input_text(&input, 255);
	char *one = input_text(&input, 255), *other = input_text(&input, 255);
	struct given first = given_new(&input), second = given_new(&input);
	check_name(name);
	check_drafts(one, other, name);
	check_round_trip(&first);
	check_round_trip(&second);
	check_order(&first, &second);
	check_forged(first, input_number(&input));
	free(name);
	free(one);
	free(other);
	return 0;
}
