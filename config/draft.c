/* Which names are drafts. */
#include <fnmatch.h>
#include <string.h>

#include "config/keys.h"
#include "config/name.h"
#include "config/value.h"

bool
config_is_draft_name(const struct config_queue *queue, const char *name)
{
	const char *text = queue->draft_names, *word;
	for (int length; (length = value_word(&text, &word)) > 0;) {
		char pattern[NAME_BYTES_MAX + 1];
		memcpy(pattern, word, (size_t)length);
		pattern[length] = '\0';
		if (fnmatch(pattern, name, 0) == 0)
			return true;
	}
	return false;
}
