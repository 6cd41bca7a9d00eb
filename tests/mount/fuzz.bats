#!/usr/bin/env bats
# Random file operations: against a model, and of several processes at once.
#
#   SEED=N bats -f seed tests/mount/fuzz.bats            one seed, with its last calls if it fails
#   SEED=N TOLD=9999 bats -f seed tests/mount/fuzz.bats  with all of them
#   FUZZ_SECONDS=N bats tests/mount/fuzz.bats            longer

load harness

# The queues that fuzz.py's model has. Nothing ends by itself while a test runs.
queues()
{
	local long='backoff_ms: 3600000'
	mount_queues "mail: { concurrency: 3, max_retries: 2, $long, max_payload_bytes: 20000 }" \
		"ledger: { type: fifo, message_group_field: g, concurrency: 2, max_retries: 1, $long, max_payload_bytes: 20000 }" \
		"outbox: { publish: rename, max_jobs: 6, max_retries: 0, $long, max_payload_bytes: 10000 }"
}

fuzz()
{
	timeout 100 python3 tests/mount/fuzz.py "$M" "$STORE" "$@" 3>&-
}

@test "seeds that failed once, and the first three" {
	queues
	# shellcheck disable=SC2046 # a list of words
	fuzz ${SEED:-$(grep -v '#' tests/mount/fuzz.seeds) $(seq 3)}
}

@test "new seeds" {
	queues
	fuzz --seconds "${FUZZ_SECONDS:-10}"
}

@test "several processes at once: all are answered, and the count is right" {
	local seed=${SEED:-$(date +%s)}
	queues
	echo "alone: SEED=$seed bats -f processes tests/mount/fuzz.bats"
	timeout 100 python3 tests/mount/storm.py "$M" "$STORE" "$seed" "${FUZZ_SECONDS:-8}" 3>&-
}
