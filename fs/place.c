/* Where a request is in the tree. See place.h. */
#include "fs/place.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/attr.h"
#include "fs/op_pause.h"
#include "fs/render.h"

int
place_find(const struct loop *loop, fuse_ino_t number, struct place *place)
{
	place->node = ino_unpack(number).node;
	place->queue = loop_queue(loop, number);
	return place->node == NODE_ROOT || place->node == NODE_README || place->queue ? 0
										      : -ENOENT;
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
