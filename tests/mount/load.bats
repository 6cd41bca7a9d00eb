#!/usr/bin/env bats
# Load on a standard and a fifo queue while processes of the daemon are killed. SECONDS_OF_LOAD=300
# in the environment of bats makes it longer. What the checks prove is in load_check.py.

load harness

# load_run engine|holder SECONDS: runs the callers, and checks what they have recorded against the
# mount, and after a restart against the store.
load_run()
{
	local limits=(mail:3:standard ledger:4:fifo)
	mount_queues \
		'mail: { concurrency: 3, max_retries: 2, backoff_ms: 20, backoff_max_ms: 50 }' \
		'ledger: { type: fifo, message_group_field: group, concurrency: 4, max_retries: 2, backoff_ms: 20 }'
	mkdir "$T/records"
	LOG_EXPECTED+=('the engine process ended by signal 9')
	python3 tests/mount/load.py "$1" "${SECONDS_OF_LOAD:-$2}" "$M" "$STORE" "$T/records" \
		"${SPOOLFS%/*}/tests/mount/caller" "$SPOOLFS" -o "log=$LOG" "$CONFIG" "$M" 3>&-
	sleep 0.2 # until the last backoff is over
	python3 tests/mount/load_check.py "$1" "$M" "$T/records" "${limits[@]}"
	restart
	equal ok "$(sqlite3 "$STORE" 'pragma integrity_check')"
	python3 tests/mount/load_check.py "$1" "$M" "$T/records" "${limits[@]}"
}

@test "the engine is killed every 300 ms under load: nothing lost, nothing twice, in order, no error" {
	load_run engine 20
}

@test "the holder is killed, too, and mounted again: what was acknowledged holds" {
	load_run holder 12
}
