/* Groups: what a payload says does not depend on how it is written. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "engine/group.h"
#include "tests/fuzz/fuzz.h"

#define FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL)
#define LONG_INTEGER "99999999999999999999" /* takes another way through group_of() */

/* A payload's answer. */
struct answer {
	int rc;
	char *group, why[GROUP_WHY_SIZE];
};

static void
check_why(int rc, const char *why)
{
	assert(rc == 0 || rc == -EINVAL);
	assert((rc == 0) == (*why == '\0'));
	assert(is_utf8(why));
	for (const char *byte = why; *byte; byte++)
		assert(!iscntrl((unsigned char)*byte));
}

static struct answer
answer_of(const char *body, size_t size, const char *field)
{
	struct answer answer = { .rc = 0 };
	answer.rc = group_of(body, size, field, &answer.group, answer.why);
	check_why(answer.rc, answer.why);
	assert((answer.rc == 0) == (answer.group != NULL));
	assert(answer.rc != 0 || is_utf8(answer.group));
	return answer;
}

static bool
is_json(const char *body, size_t size)
{
	char why[GROUP_WHY_SIZE] = "";
	int rc = group_check_json(body, size, why);
	check_why(rc, why);
	return rc == 0;
}

/* The same answer with other words around the value. */
static void
check_same(const struct answer *answer, const char *before, const char *value, size_t size,
	const char *after)
{
	char *body;
	int length = asprintf(&body, "%s%.*s%s", before, (int)size, value, after);
	assert(length > 0);
	struct answer other = answer_of(body, (size_t)length, "g");
	assert(other.rc == answer->rc);
	assert(other.rc != 0 || strcmp(other.group, answer->group) == 0);
	free(other.group);
	free(body);
}

/* A group by its text: as a string it is the same one. */
static void
check_as_string(const struct answer *answer)
{
	json_t *string = json_string(answer->group);
	char *text = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
	assert(text);
	check_same(answer, "{\"g\":", text, strlen(text), "}");
	check_same(answer, "{\"n\":" LONG_INTEGER ",\"g\":", text, strlen(text), "}");
	json_decref(string);
	free(text);
}

/* Any JSON value, as a group's. */
static void
check_value(const char *value, size_t size)
{
	char *body;
	int length = asprintf(&body, "{\"g\":%.*s}", (int)size, value);
	assert(length > 0);
	struct answer answer = answer_of(body, (size_t)length, "g");
	check_same(&answer, " { \"g\" :\n", value, size, " }\n");
	check_same(&answer, "{\"a\":{\"g\":1},\"g\":", value, size, ",\"z\":[]}");
	check_same(&answer, "{\"g\":0,\"g\":", value, size, "}");
	check_same(&answer, "{\"n\":" LONG_INTEGER ",\"g\":", value, size, "}");
	check_same(
		&answer, "{\"g\":", value, size, ",\"\\\"" LONG_INTEGER "\":" LONG_INTEGER "}");
	if (answer.rc == 0)
		check_as_string(&answer);
	free(answer.group);
	free(body);
}

/* JSON stays JSON between blanks, and written by another; what follows it spoils it. */
static void
check_json(const char *body, size_t size)
{
	char *padded = malloc(size + 3);
	assert(padded);
	padded[0] = '\n';
	if (size > 0)
		memcpy(padded + 1, body, size);
	memcpy(padded + 1 + size, "\t,", 2);
	bool right = is_json(body, size);
	assert(is_json(padded, size + 2) == right);
	assert(!right || !is_json(padded, size + 3));
	free(padded);

	json_t *json = json_loadb(body ? body : "", size, FLAGS, NULL);
	assert(!json || right);
	char *again = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;
	assert(!again || is_json(again, strlen(again)));
	free(again);
	json_decref(json);
}

/* A payload and a field as they come. */
static void
check_field(const char *body, size_t size, const char *field)
{
	struct answer answer = answer_of(body, size, field);
	assert(answer.rc != 0 || is_json(body, size));
	json_t *json = json_loadb(body ? body : "", size, FLAGS, NULL);
	const json_t *value = json_object_get(json, field);
	if (json_is_string(value) && answer.rc == 0)
		assert(strcmp(answer.group, json_string_value(value)) == 0);
	if (json)
		assert((answer.rc == 0) ==
			(json_is_number(value) || json_is_boolean(value) ||
				(json_is_string(value) && strlen(json_string_value(value)) ==
								  json_string_length(value))));
	json_decref(json);
	free(answer.group);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .at = data, .size = size };
	char *field = input_text(&input, 1000);
	char *body = input_copy(&input, input.size, false);
	if (body && is_utf8(field)) { /* as the configuration has checked */
		check_json(body, input.size);
		check_field(body, input.size, field);
		/* One less deep than the value: jansson has a limit. */
		if (is_json(body, input.size) && !memchr(body, '\0', input.size) &&
			input.size < 2000)
			check_value(body, input.size);
	}
	free(field);
	free(body);
	return 0;
}
