/* What a name in a queue's directories says. Pure. */
#ifndef FS_NAMES_H
#define FS_NAMES_H

#include <stdbool.h>
#include <string.h>

#include "config/config.h"
#include "engine/engine.h"

#define TWIN_SUFFIX ".json"
#define XATTR_PREFIX "user.spoolfs."
#define XATTR_RECEIPT XATTR_PREFIX "receipt"

/* Is it a draft's, also when that is closed? In a folder each is. */
static inline bool
name_is_draft(const struct config_queue *queue, const char *name)
{
	return strchr(name, '/') || config_is_draft_name(queue, name);
}

/* RECEIPT.json? Then `receipt` gets the receipt. */
static inline bool
name_is_twin(const char *name, char receipt[RECEIPT_SIZE])
{
	if (strlen(name) != RECEIPT_LENGTH + strlen(TWIN_SUFFIX) ||
		strcmp(name + RECEIPT_LENGTH, TWIN_SUFFIX) != 0)
		return false;
	memcpy(receipt, name, RECEIPT_LENGTH);
	receipt[RECEIPT_LENGTH] = '\0';
	return receipt_looks_right(receipt);
}

/* NAME.json? Then `plain` gets the name. */
static inline bool
name_without_suffix(const char *name, char plain[ENGINE_NAME_MAX + 1])
{
	size_t length = strlen(name), suffix = strlen(TWIN_SUFFIX);

	if (length <= suffix || length > ENGINE_NAME_MAX ||
		strcmp(name + length - suffix, TWIN_SUFFIX) != 0)
		return false;
	memcpy(plain, name, length - suffix);
	plain[length - suffix] = '\0';
	return true;
}

#endif
