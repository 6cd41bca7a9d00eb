/* Where a request is in the tree. See place.h. */
#include "fs/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr.h"
#include "fs/op_pause.h"
#include "fs/render.h"

static int
place_find_folder(const struct loop *loop, int64_t draft_id, struct place *place)
{
	const struct draft *draft = drafts_get(&loop->drafts, draft_id);

	if (!draft || !draft->folder || draft->state != DRAFT_OPEN)
		return -ENOENT;
	*place = (struct place){ .node = NODE_QUEUE,
		.queue = fs_queue_by_id(loop->fs, draft->queue_id),
		.folder = draft->name };
	return place->queue ? 0 : -ENOENT;
}

int
place_find(const struct loop *loop, fuse_ino_t number, struct place *place)
{
	struct ino ino = ino_unpack(number);

	if (ino.class == INO_DRAFT)
		return place_find_folder(loop, ino.id, place);
	place->node = ino.node;
	place->queue = loop_queue(loop, number);
	place->folder = NULL;
	return place->node == NODE_ROOT || place->node == NODE_README || place->queue ? 0
										      : -ENOENT;
}

int
place_name(const struct place *place, const char *name, char full[FS_NAME_MAX + 1])
{
	int length = snprintf(full, FS_NAME_MAX + 1, "%s%s%s",
		place->folder ? place->folder : "", place->folder ? "/" : "", name);

	return length > FS_NAME_MAX ? -ENAMETOOLONG : 0;
}

const char *
place_shows(const struct place *place, const char *full)
{
	const char *slash = strchr(full, '/');
	size_t length = place->folder ? strlen(place->folder) : 0;

	if (!place->folder || !slash)
		return place->folder || slash ? NULL : full;
	return (size_t)(slash - full) == length && strncmp(full, place->folder, length) == 0
		       ? slash + 1
		       : NULL;
}

int
place_attr(struct loop *loop, const struct place *place, struct stat *attr)
{
	bool changes = tree[place->node].view != VIEW_COUNT;
	struct content text;
	int rc = 0;

	*attr = attr_node(loop->fs, place->node, place->queue,
		changes ? loop_changed_ms(loop, place->node, place->queue) : 0);
	if (place->node == NODE_PAUSED) {
		const struct queue_pause *pause = pause_of(loop, place->queue);

		attr->st_size = (off_t)pause_size(pause);
		if (pause->since_ms)
			attr->st_mtim = attr->st_ctim = attr_time(pause->since_ms);
	}
	if (place->node == NODE_README) {
		rc = render_readme(loop->fs, &text);
		attr->st_size = rc ? 0 : (off_t)text.size;
		if (!rc)
			free(text.bytes);
	}
	return rc;
}

double
place_timeout(const struct place *place)
{
	if (place->node == NODE_PAUSED)
		return 0;
	return tree[place->node].view == VIEW_COUNT ? TIMEOUT_FIXED : TIMEOUT_DIRECTORY;
}
