#!/usr/bin/env bats
# No instant at which more than `concurrency` jobs are claimed, or more than one of a group; JOBS=100000 in
# the environment of bats for more of them.

load harness

@test "limits and order under 50 workers that fail, give back, bury and die" {
	mount_queues 'mail: { concurrency: 7, max_retries: 2, backoff_ms: 20, backoff_max_ms: 50, max_payload_bytes: 100 }' \
		'ledger: { type: fifo, message_group_field: g, concurrency: 5, max_retries: 2, backoff_ms: 20, backoff_max_ms: 50 }'
	timeout "${BATS_TEST_TIMEOUT:-600}" python3 tests/mount/limits.py "$M" "$STORE" "${JOBS:-3000}" 50 3>&-
}
