/*
 * One queue: an entry of queue_configs into a struct config_queue.
 */
#ifndef CONFIG_QUEUE_H
#define CONFIG_QUEUE_H

#include "config/mapping.h"

/*
 * Reads name and settings. All that is wrong is added to the document's mistakes; the queue
 * then holds defaults where it does. config_queue_release() in any case.
 */
void config_queue_read(
	struct config_queue *queue, struct document *document, const struct entry *entry);
void config_queue_release(struct config_queue *queue);

#endif
