#!/usr/bin/env bats
# The store: readable beside the mount, never shared, never replaced by an empty one.

load harness

# sql QUERY: asks the store beside the mount.
sql()
{
	timeout 20 sqlite3 -readonly "$STORE" "$1"
}

# will_not_start WORD...: the daemon refuses the store, says its path and the words, and leaves the
# file alone.
will_not_start()
{
	local before word
	before=$(sha256sum <"$STORE")
	run --separate-stderr timeout 20 "$SPOOLFS" "$CONFIG" "$M" 3>&-
	[ "$status" -ne 0 ]
	contains "$stderr" "$STORE"
	for word in "$@"; do
		matches "$stderr" "$word"
	done
	equal 1 "$(wc -l <<<"$stderr")"
	equal "$before" "$(sha256sum <"$STORE")"
	unmounted
	gone
}

@test "the views have the directories' names and hold what the directories show" {
	local waiting backoff running dead
	mount_queues 'mail: { max_retries: 0 }' 'slow: { backoff_ms: 3600000 }'
	waiting=$(enqueue mail a one)
	running=$(enqueue slow b two)
	backoff=$(enqueue slow c three)
	dead=$(bury mail d four)
	claim slow w1 >/dev/null
	claim slow w2 >/dev/null
	mv "$M/slow/claim/w2" "$M/slow/retries/"

	equal "$waiting" "$(sql "select receipt from waiting")"
	equal "$running" "$(sql "select receipt from running")"
	equal "$backoff" "$(sql "select receipt from backoff")"
	equal "$backoff" "$(sql "select receipt from retries")"
	equal "$dead" "$(sql "select receipt from dead_letter")"
	equal 4 "$(sql "select count(*) from receipts")"
}

@test "select * from dead_letter tells queue and reason" {
	mount_queues 'mail: { max_retries: 0 }'
	enqueue mail a hello
	fail_once mail w1
	contains "$(sql 'select * from dead_letter')" mail
}

@test "reading the views disturbs nobody" {
	mount_queues 'mail: { concurrency: 100 }'
	py '
for i in range(50):
    with open(a[0] + "/new", "w") as f: f.write("x")
' "$M/mail"
	for _ in {1..20}; do
		sql "select count(*) from receipts" >/dev/null
		claim mail w >/dev/null
		rm "$M/mail/claim/w"
	done
	equal 30 "$(sql "select count(*) from waiting")"
}

@test "a store without an unmount before it is recovered: nothing is lost" {
	local receipt n
	mount_queues 'mail: { concurrency: 100 }'
	for n in {1..20}; do
		enqueue mail "job$n" "payload $n"
	done
	claim mail w1 >/dev/null
	receipt=$(fact_held mail w1)
	# shellcheck disable=SC2046 # a list of words
	kill -KILL $(daemons)
	eventually gone
	start
	equal 19 "$(count_in mail)"
	equal "$receipt" "$(jobs_in mail/running)"
	equal "payload 1" "$(claim mail w1)"
}

@test "a file that is no store is refused and left alone" {
	configure 'mail: {}'
	seq 10000 >"$STORE"
	will_not_start 'damaged|not a|corrupt'
}

@test "a damaged store is refused and left alone" {
	mount_queues 'mail: {}'
	enqueue mail a hello
	stop
	head -c 4096 /dev/urandom | dd of="$STORE" conv=notrunc status=none
	will_not_start 'damaged|corrupt|malformed'
}

@test "a store that was cut off is refused and left alone" {
	mount_queues 'mail: {}'
	enqueue mail a hello
	stop
	truncate -s 8192 "$STORE"
	will_not_start 'damaged|corrupt|malformed'
}

@test "a store newer than the program is refused and left alone" {
	mount_queues 'mail: {}'
	enqueue mail a hello
	stop
	sqlite3 "$STORE" 'pragma user_version = 9999' >/dev/null
	will_not_start newer
}

@test "another program's SQLite file is refused and left alone" {
	configure 'mail: {}'
	sqlite3 "$STORE" 'create table job(x); pragma user_version = 1; insert into job values (1)'
	will_not_start
	equal 1 "$(sqlite3 "$STORE" 'select count(*) from job')"
}

@test "with a log file of its own the daemon still tells on standard error why it does not start" {
	configure 'mail: {}'
	seq 10000 >"$STORE"
	run --separate-stderr timeout 20 "$SPOOLFS" -o "log=$T/other.log" "$CONFIG" "$M" 3>&-
	[ "$status" -ne 0 ]
	contains "$stderr" "$STORE"
}

@test "a queue taken out of the config keeps its jobs: a warning counts them, putting it back brings them back" {
	local first second
	mount_queues 'mail: {}' 'bulk: {}'
	first=$(enqueue bulk a one)
	second=$(enqueue bulk b two)
	claim bulk w1 >/dev/null
	stop

	configure 'mail: {}'
	start
	absent "$M/bulk"
	contains "$(ls "$M")" mail
	log_expect 'bulk'
	matches "$(grep bulk "$LOG")" '(^|[^0-9])2([^0-9]|$)'
	stop

	configure 'mail: {}' 'bulk: {}'
	start
	equal "$first" "$(jobs_in bulk/running)"
	equal "$second" "$(jobs_in bulk)"
	equal one "$(claim bulk w1)"
}

@test "max_retries and backoff_ms are read when a job fails: an edit helps jobs already waiting" {
	local receipt
	mount_queues 'mail: { max_retries: 0 }'
	receipt=$(enqueue mail a hello)
	stop
	configure 'mail: { max_retries: 1, backoff_ms: 7200000 }'
	start
	fail_once mail w1
	equal "$receipt" "$(jobs_in mail/backoff)"
	((7190 <= $(due_in "$M/mail/backoff/$receipt")))
}

@test "the store is in WAL mode" {
	mount_queues 'mail: {}'
	enqueue mail a hello
	equal wal "$(sql 'pragma journal_mode')"
}

@test "an empty queue has a small store: space is given back" {
	mount_queues 'mail: {}'
	py '
for i in range(100):
    with open(a[0] + "/new", "wb") as f: f.write(b"x" * 200000)
' "$M/mail"
	(($(du -b "$STORE" | cut -f 1) + $(du -b "$STORE-wal" | cut -f 1) > 20000000))
	for receipt in $(jobs_in mail); do
		rm "$M/mail/$receipt"
	done
	eventually small
}

small()
{
	(($(cat "$STORE" "$STORE-wal" | wc -c) < 4000000))
}
