/* The works of streams, and those that tell a receipt before the file is closed. See work_stream.c. */
#ifndef FS_WORK_STREAM_H
#define FS_WORK_STREAM_H

#include "fs/work.h"

extern const struct work_type work_stream;        /* a write: lines */
extern const struct work_type work_stream_check;  /* FLUSH: will its last line be a job? */
extern const struct work_type work_stream_end;    /* RELEASE: then it is, or is rejected */
extern const struct work_type work_receipt_read;  /* the receipt, staging what was written */
extern const struct work_type work_receipt_xattr; /* the same, as an extended attribute */

/* The receipts of a write's jobs, a line each. malloc'ed; NULL: no memory. */
char *stream_receipts_text(const struct engine *engine, int64_t created_ms,
	int64_t first_job_id, int64_t job_count);

#endif
