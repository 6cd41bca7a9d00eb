/* The envelope. See envelope.h. */
#include "fs/envelope.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_json(const struct content *payload)
{
	json_t *json = json_loadb(
		payload->bytes, payload->size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	json_decref(json);
	return json != NULL;
}

/* As a JSON string; NULL when it is not UTF-8, or memory is out. */
static char *
as_text(const struct content *payload)
{
	json_t *json = json_stringn(payload->bytes, payload->size);
	char *text = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;

	json_decref(json);
	return text;
}

static void
print_base64(FILE *out, const struct content *payload)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *bytes = payload->bytes;

	for (size_t at = 0; at < payload->size; at += 3) {
		size_t left = payload->size - at;
		unsigned group = (unsigned)bytes[at] << 16;

		if (left > 1)
			group |= (unsigned)bytes[at + 1] << 8;
		if (left > 2)
			group |= bytes[at + 2];
		(void)fprintf(out, "%c%c%c%c", digits[group >> 18], digits[group >> 12 & 63],
			left > 1 ? digits[group >> 6 & 63] : '=',
			left > 2 ? digits[group & 63] : '=');
	}
}

/* Errors show in fclose. */
static void
print_payload(FILE *out, const struct content *payload)
{
	char *text;

	if (is_json(payload)) {
		size_t size = payload->size;
		const char *bytes = payload->bytes;

		while (size && strchr(" \t\r\n", bytes[size - 1]))
			size--;
		(void)fputs("\"json\",\n  \"payload\": ", out);
		(void)fwrite(bytes, 1, size, out);
		return;
	}
	text = as_text(payload);
	if (text) {
		(void)fprintf(out, "\"text\",\n  \"payload\": %s", text);
	} else {
		(void)fputs("\"base64\",\n  \"payload\": \"", out);
		print_base64(out, payload);
		(void)fputc('"', out);
	}
	free(text);
}

int
envelope_render(struct engine *engine, const struct fs_queue *queue, const struct job *job,
	const struct content *payload, struct content *content)
{
	static const char end[] = "\n}\n"; /* of an object that is printed with indentation */
	struct content twin = { 0 };
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	int rc = render_twin(engine, queue, job, &twin);

	if (rc)
		return rc;
	out = open_memstream(&text, &size);
	if (out) {
		(void)fwrite(twin.bytes, 1, twin.size - strlen(end), out);
		(void)fputs(",\n  \"payload_encoding\": ", out);
		print_payload(out, payload);
		(void)fputs(end, out);
	}
	free(twin.bytes);
	if (!out || fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	*content = (struct content){ .bytes = text, .size = size };
	return 0;
}
