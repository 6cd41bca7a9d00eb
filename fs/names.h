/* What a name in a queue's directories says. Pure. */
#ifndef FS_NAMES_H
#define FS_NAMES_H

#include <stdbool.h>
#include <string.h>

#include "engine/receipt.h"

#define TWIN_SUFFIX ".json"

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

#endif
