/* How a row of the table job becomes a record; for the store's own files. */
#ifndef ENGINE_STORE_JOB_H
#define ENGINE_STORE_JOB_H

#include "engine/store_query.h"

/* Reads the row the query stands on. The record owns its group also when -ENOMEM is returned.
 */
int record_read(struct query *query, struct record *record);

#endif
