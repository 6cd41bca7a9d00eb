/* Which names a queue may have. See name.h. */
#include "config/name.h"

#include <stddef.h>
#include <string.h>

#include "config/value.h"

/* Names that the mount's own files have. */
static const char *const taken_names[] = { "README", "status", "metrics", NULL };

const char *
name_problem(const char *name)
{
	unsigned choice;
	if (!*name)
		return "the name is empty; give it one";
	if (name[0] == '.')
		return "the name begins with '.'; those are drafts and hidden files";
	if (strchr(name, '/'))
		return "the name contains '/'; it has to be a legal file name";
	if (strlen(name) > NAME_BYTES_MAX)
		return "the name is longer than 255 bytes; make it shorter";
	if (value_choice(name, taken_names, &choice))
		return "the name is taken by a file of the mount; README, status and metrics "
		       "are";
	for (const char *byte = name; *byte; byte++)
		if ((unsigned char)*byte < ' ' || *byte == 0x7f)
			return "the name contains a control character; it has to be printable";
	return NULL;
}
