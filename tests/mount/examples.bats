#!/usr/bin/env bats
# The examples, run as a user would. Each tells what it does and exits 0 only if it came to be.

load harness

# example NAME: runs it, from another folder than its own.
example()
{
	run env -C "$T" SPOOLFS="$SPOOLFS" TMPDIR="$T" timeout 100 "$ROOT/examples/$1/run" 3>&- </dev/null
	echo "$output"
	equal 0 "$status"
	eventually gone
	equal "" "$(findmnt -rno TARGET | grep -F "$T" || true)"
	equal "" "$(find "$T" -maxdepth 1 -name 'spoolfs-demo.*')"
}

@test "ledger: order within an account, a failure that comes back, a dead letter redriven" {
	example ledger
	contains "$output" "insufficient funds"
	contains "$output" "mv spool/ledger/dead-letter/"
}

@test "bulk-email: never more than three at once, retries later each time" {
	example bulk-email
	contains "$output" "at most: 3"
}

@test "every example has a configuration that spoolfs -n accepts" {
	local file
	for file in "$ROOT"/examples/*/*.yaml; do
		timeout 20 "$SPOOLFS" -n "$file" >/dev/null
	done
}

@test "an example without a program says what to do" {
	run env SPOOLFS="$T/none" TMPDIR="$T" timeout 20 "$ROOT/examples/ledger/run" 3>&- </dev/null
	[ "$status" -ne 0 ]
	contains "$output" "make"
}
