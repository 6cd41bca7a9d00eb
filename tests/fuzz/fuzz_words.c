/* Verdicts in words: what is accepted can be said again, and means the same. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "fs/words.h"
#include "tests/fuzz/fuzz.h"

static const char *const verdicts[] = {
	[VERDICT_DONE] = "done",
	[VERDICT_RETRY] = "retry",
	[VERDICT_DEAD] = "dead",
	[VERDICT_RELEASE] = "release",
};

static void
check_rules(const struct words *words)
{
	bool later = words->verdict == VERDICT_RETRY || words->verdict == VERDICT_RELEASE;
	bool reasoned = words->verdict == VERDICT_RETRY || words->verdict == VERDICT_DEAD;
	assert((unsigned)words->verdict <= VERDICT_RELEASE);
	assert(words->delay_ms == -1 || (later && words->delay_ms >= 0));
	assert(*words->reason == '\0' || reasoned);
	assert(strnlen(words->reason, sizeof words->reason) <= ENGINE_REASON_MAX);
	assert(!strchr(words->reason, '\n'));
	assert(*words->receipt == '\0' || receipt_looks_right(words->receipt));
}

/* Words are the beginning of their line: the reason is in it, whole or cut. */
static void
check_reason(const struct words *words, const char *text, size_t size)
{
	const char *colon = memchr(text, ':', size);
	assert(*words->reason == '\0' || colon);
	if (*words->reason == '\0')
		return;
	size_t length = strlen(words->reason);
	assert(memmem(colon + 1, size - (size_t)(colon + 1 - text), words->reason, length));
	char *whole = strndup(text, size);
	assert(whole);
	if (is_utf8(whole))
		assert(is_utf8(words->reason));
	free(whole);
}

static size_t
words_format(const struct words *words, char *text, size_t size)
{
	int length = snprintf(text, size, "%s %s", verdicts[words->verdict], words->receipt);
	if (words->delay_ms >= 0)
		length += snprintf(text + length, size - (size_t)length, " in %" PRId64 "ms",
			words->delay_ms);
	if (*words->reason)
		length +=
			snprintf(text + length, size - (size_t)length, " : %s", words->reason);
	length += snprintf(text + length, size - (size_t)length, "\n");
	assert((size_t)length < size);
	return (size_t)length;
}

static void
check_said_again(const struct words *words)
{
	char text[2 * ENGINE_REASON_MAX];
	struct words again;
	size_t size = words_format(words, text, sizeof text);
	assert(words_parse(text, size, &again) == 0);
	assert(again.verdict == words->verdict && again.delay_ms == words->delay_ms);
	assert(strcmp(again.receipt, words->receipt) == 0);
	/* A cut may leave blanks at the end. */
	size_t length = strlen(again.reason);
	assert(strncmp(again.reason, words->reason, length) == 0);
	assert(words->reason[length + strspn(words->reason + length, " \t")] == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .size = size };
	char *text = input_copy(&input, size, false);
	struct words words, before;
	memset(&words, 0x5a, sizeof words);
	before = words;
	int rc = text ? words_parse(text, size, &words) : -EINVAL;
	if (rc == 0) {
		check_rules(&words);
		check_reason(&words, text, size);
		check_said_again(&words);
	} else {
		assert(rc == -EINVAL);
		assert(memcmp(&words, &before, sizeof words) == 0);
	}
	free(text);
	return 0;
}
