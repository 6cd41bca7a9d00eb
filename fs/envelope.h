/* The envelope of a job, claim/WORKER.json: what its twin says, and the payload, as one JSON object. */
#ifndef FS_ENVELOPE_H
#define FS_ENVELOPE_H

#include "fs/render.h"

/*
 * `payload_encoding` says how `payload` is to be read: "json": it is the payload's JSON value, text
 * as it was written, so that no digit of a number is lost; "text": a string with the payload;
 * "base64": a string with its bytes in base64 (RFC 4648). Returns 0, -ENOMEM, or an error of the
 * engine. The bytes of `content` are malloc'ed.
 */
int envelope_render(struct engine *engine, const struct fs_queue *queue, const struct job *job,
	const struct content *payload, struct content *content);

#endif
