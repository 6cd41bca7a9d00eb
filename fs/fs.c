/* What both threads read. See fs.h. */
#include "fs/fs.h"

#include <string.h>
#include <time.h>

const struct fs_queue *
fs_queue_by_name(const struct fs *fs, const char *name)
{
	for (size_t i = 0; i < fs->config->queue_count; i++)
		if (strcmp(fs->queues[i].config->name, name) == 0)
			return &fs->queues[i];
	return NULL;
}

const struct fs_queue *
fs_queue_by_id(const struct fs *fs, int64_t queue_id)
{
	for (size_t i = 0; i < fs->config->queue_count; i++)
		if (fs->queues[i].id == queue_id)
			return &fs->queues[i];
	return NULL;
}

int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with a valid clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
