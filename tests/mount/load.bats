#!/usr/bin/env bats
# Load while the engine process is killed: nobody notices.

load harness

@test "the engine is killed every 300 ms under load: nothing lost, nothing twice, no error" {
	mount_queues 'mail: { concurrency: 3 }'
	LOG_EXPECTED+=('the engine process ended by signal 9')
	timeout 100 python3 tests/mount/load.py "$M/mail" "$STORE" 8 0.3
	equal 0 "$(count_in mail)"
	equal 0 "$(count_in mail/running)"
}
