#include "engine/group.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"

#define FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL)
#define FIELD_SHOWN 64  /* bytes of a field's name in a message */
#define INT64_DIGITS 19 /* this many may be too many */
#define STRING_(x) #x
#define STRING(x) STRING_(x)

static bool
has_memory(size_t size)
{
	json_malloc_t allocate;
	json_free_t release;
	json_get_alloc_funcs(&allocate, &release);
	void *some = allocate(4 * size + 65536);
	release(some);
	return some != NULL;
}

/* jansson calls what it had no memory for an invalid token, too. A payload must not be refused for
 * that, nor with a wrong reason: so what looks wrong is read twice, the same must be found both
 * times, and with memory at hand. */
static json_t *
parse(const void *body, size_t size, size_t flags, json_error_t *error)
{
	json_t *json = json_loadb(body, size, flags, error);
	if (json || json_error_code(error) == json_error_numeric_overflow)
		return json;
	json_error_t first = *error;
	json = json_loadb(body, size, flags, error);
	if (!json && (strcmp(first.text, error->text) != 0 || !has_memory(size)))
		error->text[0] = '\0';
	return json;
}

/* A field, and what jansson found, may contain control characters; and jansson stops in the midst of
 * a character. */
static void
make_printable(char *text)
{
	json_t *json = json_string(text);
	for (char *byte = text; *byte; byte++)
		if (iscntrl((unsigned char)*byte) || (!json && (unsigned char)*byte >= 0x80))
			*byte = '?';
	json_decref(json);
}

static int
refusal(const json_error_t *error, char why[GROUP_WHY_SIZE])
{
	if (error->text[0] == '\0' || json_error_code(error) == json_error_out_of_memory)
		return -ENOMEM;
	(void)snprintf(why, GROUP_WHY_SIZE, "not JSON: line %d, column %d: %s", error->line,
		error->column, error->text);
	make_printable(why);
	return -EINVAL;
}

int
group_check_json(const void *body, size_t size, char why[GROUP_WHY_SIZE])
{
	json_error_t error;
	json_t *json = parse(body, size, FLAGS, &error);
	if (!json && json_error_code(&error) == json_error_numeric_overflow)
		json = parse(body, size, FLAGS | JSON_DECODE_INT_AS_REAL, &error);
	if (!json)
		return refusal(&error, why);
	json_decref(json);
	return 0;
}

static size_t
number_length(const char *at, const char *end)
{
	const char *start = at;
	while (at < end && (isdigit((unsigned char)*at) || strchr("+-.eE", *at)))
		at++;
	return (size_t)(at - start);
}

static size_t
string_length(const char *at, const char *end)
{
	const char *start = at++;
	while (at < end && *at != '"')
		at += *at == '\\' ? 2 : 1;
	return (size_t)(at + 1 - start);
}

static bool
is_long_integer(const char *at, size_t length)
{
	return length >= INT64_DIGITS && !memchr(at, '.', length) && !memchr(at, 'e', length) &&
	       !memchr(at, 'E', length);
}

/*
 * The same valid JSON with its long integers as strings. Their text is what makes a group, and
 * jansson cannot hold them as integers. *copy is malloc'ed; a quote is added for 19 digits or
 * more, so it is never 1.2 times as long.
 */
static int
quote_long_integers(const char *at, size_t size, char **copy, size_t *copy_size)
{
	const char *end = at + size;
	char *out = *copy = malloc(size + size / 8 + 2);
	if (!out)
		return -ENOMEM;
	while (at < end) {
		size_t length = 1;
		bool quote = false;
		if (*at == '"') {
			length = string_length(at, end);
		} else if (*at == '-' || isdigit((unsigned char)*at)) {
			length = number_length(at, end);
			quote = is_long_integer(at, length);
		}
		if (quote)
			*out++ = '"';
		memcpy(out, at, length);
		out += length;
		if (quote)
			*out++ = '"';
		at += length;
	}
	*copy_size = (size_t)(out - *copy);
	return 0;
}

static int
load(const void *body, size_t size, json_t **json, char why[GROUP_WHY_SIZE])
{
	json_error_t error;
	*json = parse(body, size, FLAGS, &error);
	if (*json)
		return 0;
	if (json_error_code(&error) != json_error_numeric_overflow)
		return refusal(&error, why);

	char *copy;
	size_t copy_size;
	int rc = group_check_json(body, size, why);
	if (rc != 0)
		return rc;
	rc = quote_long_integers(body, size, &copy, &copy_size);
	if (rc != 0)
		return rc;
	*json = parse(copy, copy_size, FLAGS, &error);
	free(copy);
	return *json ? 0 : refusal(&error, why);
}

static int
refuse(const char *field, const char *what, char why[GROUP_WHY_SIZE])
{
	int shown = (int)text_cut(field, strlen(field), FIELD_SHOWN);
	(void)snprintf(why, GROUP_WHY_SIZE, "group field %.*s %s", shown, field, what);
	make_printable(why);
	return -EINVAL;
}

static bool
is_number(const char *text, double number)
{
	json_t *json = json_loadb(text, strlen(text), FLAGS, NULL);
	bool same = json && json_real_value(json) == number;
	json_decref(json);
	return same;
}

/* The fewest digits that are the same number, so that 0.1 is "0.1". */
static char *
real_text(const json_t *value)
{
	for (size_t digits = 15; digits < 17; digits++) {
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
		if (!text || is_number(text, json_real_value(value)))
			return text;
		free(text);
	}
	return json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
}

/* Integers beyond 64 bits come as strings, so only strings are ever long. */
static int
string_text(const json_t *value, const char *field, char **text, char why[GROUP_WHY_SIZE])
{
	const char *string = json_string_value(value);
	size_t length = json_string_length(value);
	if (strlen(string) != length)
		return refuse(field, "contains a NUL", why);
	if (length > GROUP_MAX)
		return refuse(field, "is longer than " STRING(GROUP_MAX) " bytes", why);
	*text = strdup(string);
	return *text ? 0 : -ENOMEM;
}

static int
text_of(const json_t *value, const char *field, char **text, char why[GROUP_WHY_SIZE])
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return string_text(value, field, text, why);
	case JSON_REAL:
		*text = real_text(value);
		break;
	case JSON_INTEGER:
	case JSON_TRUE:
	case JSON_FALSE:
		*text = json_dumps(value, JSON_ENCODE_ANY);
		break;
	case JSON_NULL:
		return refuse(field, "is null", why);
	case JSON_OBJECT:
		return refuse(field, "is an object", why);
	case JSON_ARRAY:
		return refuse(field, "is an array", why);
	}
	return *text ? 0 : -ENOMEM;
}

int
group_of(const void *body, size_t size, const char *field, char **group,
	char why[GROUP_WHY_SIZE])
{
	json_t *json;
	int rc = load(body, size, &json, why);
	if (rc != 0)
		return rc;
	const json_t *value = json_object_get(json, field);
	if (value)
		rc = text_of(value, field, group, why);
	else if (json_is_object(json))
		rc = refuse(field, "is missing", why);
	else
		rc = refuse(field, "is missing: the payload is not an object", why);
	json_decref(json);
	return rc;
}
