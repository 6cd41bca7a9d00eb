/* The table of the fixed entries. See tree.h. */
#include "fs/tree.h"

#include <string.h>

const struct tree_node tree[NODE_COUNT] = {
	[NODE_ROOT] = { .type = S_IFDIR,
		.view = VIEW_COUNT,
		.face = CONFIG_ENQUEUE,
		.links = 2 },
	[NODE_README] = { .name = "README",
		.parent = NODE_ROOT,
		.type = S_IFREG,
		.face = CONFIG_ENQUEUE,
		.view = VIEW_COUNT },
	[NODE_QUEUE] = { .parent = NODE_ROOT,
		.type = S_IFDIR,
		.face = CONFIG_ENQUEUE,
		.view = VIEW_WAITING,
		.links = 9 },
	[NODE_NEW] = { .name = "new",
		.parent = NODE_QUEUE,
		.type = S_IFREG,
		.face = CONFIG_ENQUEUE,
		.view = VIEW_COUNT,
		.writable = true },
	[NODE_PAUSED] = { .name = "paused",
		.parent = NODE_QUEUE,
		.type = S_IFREG,
		.face = CONFIG_INSPECT,
		.view = VIEW_COUNT,
		.writable = true },
	[NODE_CLAIM] = { .name = "claim",
		.parent = NODE_QUEUE,
		.type = S_IFDIR,
		.face = CONFIG_CLAIM,
		.view = VIEW_RUNNING,
		.links = 2 },
	[NODE_RUNNING] = { .name = "running",
		.parent = NODE_QUEUE,
		.type = S_IFDIR,
		.face = CONFIG_INSPECT,
		.view = VIEW_RUNNING,
		.links = 2 },
	[NODE_RETRIES] = { .name = "retries",
		.parent = NODE_QUEUE,
		.type = S_IFDIR,
		.face = CONFIG_INSPECT,
		.view = VIEW_RETRIES,
		.links = 2 },
	[NODE_BACKOFF] = { .name = "backoff",
		.parent = NODE_QUEUE,
		.type = S_IFDIR,
		.face = CONFIG_INSPECT,
		.view = VIEW_BACKOFF,
		.links = 2 },
	[NODE_DEAD] = { .name = "dead-letter",
		.parent = NODE_QUEUE,
		.type = S_IFDIR,
		.face = CONFIG_INSPECT,
		.view = VIEW_DEAD,
		.links = 2 },
	[NODE_RECEIPTS] = { .name = "receipts",
		.parent = NODE_QUEUE,
		.type = S_IFDIR,
		.face = CONFIG_INSPECT,
		.view = VIEW_RECEIPTS,
		.links = 2 },
	[NODE_REJECTED] = { .name = "rejected",
		.parent = NODE_QUEUE,
		.type = S_IFDIR,
		.face = CONFIG_INSPECT,
		.view = VIEW_REJECTED,
		.links = 2 },
	[NODE_STREAM] = { .name = "stream",
		.parent = NODE_QUEUE,
		.type = S_IFREG,
		.face = CONFIG_ENQUEUE,
		.view = VIEW_COUNT,
		.writable = true },
};

enum node
tree_child(enum node parent, const char *name)
{
	for (enum node node = NODE_ROOT + 1; node < NODE_COUNT; node++)
		if (tree[node].parent == parent && tree[node].name &&
			strcmp(tree[node].name, name) == 0)
			return node;
	return NODE_ROOT;
}

int64_t
tree_changed_ms(const struct engine *engine, enum view view, int64_t queue_id)
{
	static const bool follows[VIEW_COUNT][JOB_STATES] = {
		[VIEW_WAITING] = { [JOB_WAITING] = true },
		[VIEW_RUNNING] = { [JOB_RUNNING] = true },
		[VIEW_RETRIES] = { [JOB_WAITING] = true,
			[JOB_BACKOFF] = true,
			[JOB_RUNNING] = true },
		[VIEW_BACKOFF] = { [JOB_BACKOFF] = true },
		[VIEW_DEAD] = { [JOB_DEAD] = true },
		[VIEW_RECEIPTS] = { [JOB_WAITING] = true,
			[JOB_DONE] = true,
			[JOB_DEAD] = true },
		[VIEW_REJECTED] = { [JOB_REJECTED] = true },
	};
	int64_t changed_ms = 0;

	for (enum job_state state = 0; state < JOB_STATES; state++) {
		int64_t state_ms = engine_changed_ms(engine, queue_id, state);

		if (follows[view][state] && state_ms > changed_ms)
			changed_ms = state_ms;
	}
	return changed_ms;
}
