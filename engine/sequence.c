#include <errno.h>

#include "engine/core.h"

#define BLOCK 4096

int
sequence_load(struct store *store, struct sequence *sequence)
{
	int rc = store_number_get(store, sequence->key, &sequence->next);
	if (rc == 0 && (sequence->next < 1 || sequence->next > sequence->max))
		rc = -EBADMSG;
	sequence->bound = sequence->committed_bound = sequence->next;
	return rc;
}

int
sequence_next(struct store *store, struct sequence *sequence, int64_t *number)
{
	if (sequence->next >= sequence->max)
		return -ENOSPC;
	if (sequence->next >= sequence->bound) {
		int64_t bound = sequence->max - sequence->next < BLOCK ? sequence->max
								       : sequence->next + BLOCK;
		int rc = store_number_set(store, sequence->key, bound);
		if (rc != 0)
			return rc;
		sequence->bound = bound;
	}
	*number = sequence->next++;
	return 0;
}
