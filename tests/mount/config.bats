#!/usr/bin/env bats
# The command line and the configuration file, as a user meets them.

load harness

# check_config: spoolfs -n on the file given on standard input.
check_config()
{
	cat >"$CONFIG"
	run --separate-stderr timeout 20 "$SPOOLFS" -n "$CONFIG"
}

# place KEY: the line:column where KEY stands in the file.
place()
{
	awk -v key="$1" '(at = index($0, key)) {print NR ":" at; exit}' "$CONFIG"
}

@test "-n prints what a good file means and exits 0" {
	check_config <<-EOF
	store: $STORE
	queue_configs:
	  ledger: { type: fifo, message_group_field: account_id, concurrency: 10 }
	  bulk-email: { type: standard, concurrency: 3, max_retries: 5, backoff_ms: 5000 }
	EOF
	equal 0 "$status"
	equal "" "$stderr"
	contains "$output" "$STORE"
	matches "$output" "ledger"
	matches "$output" "message_group_field:? *account_id"
	matches "$output" "bulk-email"
	matches "$output" "max_retries:? *5"
	matches "$output" "backoff_ms:? *5000"
}

@test "-n fills in every default" {
	check_config <<-EOF
	queue_configs:
	  mail: {}
	EOF
	equal 0 "$status"
	matches "$output" "type:? *standard"
	matches "$output" "concurrency:? *10"
	matches "$output" "max_retries:? *3"
	matches "$output" "backoff_ms:? *1000"
	matches "$output" "timeout_ms:? *1800000"
	matches "$output" "max_payload_bytes:? *1048576"
	matches "$output" "publish:? *close"
	matches "$output" "payload:? *any"
}

@test "-n makes neither a store nor a mount" {
	check_config <<-EOF
	store: $STORE
	queue_configs: { mail: {} }
	EOF
	equal 0 "$status"
	absent "$STORE"
}

@test "a fifo queue's payload is json by default" {
	check_config <<-EOF
	queue_configs:
	  ledger: { type: fifo, message_group_field: account_id }
	EOF
	equal 0 "$status"
	matches "$output" "payload:? *json"
}

@test "an unknown key is an error with file, line, column, queue and key" {
	check_config <<-EOF
	queue_configs:
	  mail:
	    concurency: 3
	EOF
	equal 78 "$status"
	contains "$stderr" "$CONFIG:3:5:"
	contains "$stderr" "mail"
	contains "$stderr" "concurency"
}

@test "a wrong type is an error that says what would be right" {
	check_config <<-EOF
	queue_configs:
	  mail: { concurrency: lots }
	EOF
	equal 78 "$status"
	matches "$stderr" "$CONFIG:2:[0-9]+:"
	contains "$stderr" "concurrency"
	matches "$stderr" "number|integer"
}

@test "a value out of range is an error that says the range" {
	check_config <<-EOF
	queue_configs:
	  mail: { concurrency: 0 }
	EOF
	equal 78 "$status"
	matches "$stderr" "$CONFIG:2:[0-9]+:"
	contains "$stderr" "concurrency"
	contains "$stderr" "1"
}

@test "a word that is no choice is an error that lists the choices" {
	check_config <<-EOF
	queue_configs:
	  mail: { type: lifo }
	EOF
	equal 78 "$status"
	contains "$stderr" "standard"
	contains "$stderr" "fifo"
}

@test "a fifo queue without message_group_field is an error" {
	check_config <<-EOF
	queue_configs:
	  ledger: { type: fifo }
	EOF
	equal 78 "$status"
	contains "$stderr" "ledger"
	contains "$stderr" "message_group_field"
}

@test "all mistakes are reported in one go, in the file's order" {
	check_config <<-EOF
	queue_configs:
	  mail:
	    concurrency: -1
	    nonsense: 1
	  ledger:
	    type: fifo
	    message_group_field: account_id
	    backoff_jitter: 2
	  other:
	    publish: maybe
	EOF
	equal 78 "$status"
	equal "3 4 8 10" "$(grep -o "^$CONFIG:[0-9]*:[0-9]*:" <<<"$stderr" | cut -d : -f 2 | uniq | tr '\n' ' ' | sed 's/ $//')"
}

@test "broken YAML is an error with its place" {
	check_config <<-EOF
	queue_configs:
	  mail: { concurrency: 3
	  other: ]
	EOF
	equal 78 "$status"
	matches "$stderr" "$CONFIG:[0-9]+:[0-9]+:"
}

@test "queue names that cannot be are errors" {
	local name
	for name in README status metrics .hidden a/b; do
		check_config <<-EOF
		queue_configs:
		  "$name": {}
		EOF
		equal 78 "$status"
		contains "$stderr" "$name"
	done
}

@test "the same queue twice is an error" {
	check_config <<-EOF
	queue_configs:
	  mail: {}
	  mail: {}
	EOF
	equal 78 "$status"
	contains "$stderr" "$CONFIG:3:"
}

@test "a file that is not there is an error" {
	run --separate-stderr timeout 20 "$SPOOLFS" -n "$T/none.yaml"
	equal 78 "$status"
	contains "$stderr" "$T/none.yaml"
}

@test "a file without queues is an error" {
	check_config <<-EOF
	store: $STORE
	EOF
	equal 78 "$status"
}

@test "poll_interval_ms is accepted" {
	check_config <<-EOF
	queue_configs:
	  mail: { poll_interval_ms: 100 }
	EOF
	equal 0 "$status"
}

@test "the file of an iii installation works unchanged" {
	check_config <<-EOF
	workers:
	  - name: iii-http
	    config: { port: 3111, host: 0.0.0.0 }
	  - name: iii-queue
	    config:
	      queue_configs:
	        ledger:
	          type: fifo
	          message_group_field: account_id
	          concurrency: \${LEDGER_CONCURRENCY:7}
	          poll_interval_ms: 50
	        bulk-email: { type: standard, max_retries: 5, concurrency: 3, backoff_ms: 5000 }
	      adapter:
	        name: builtin
	        config: { store_method: file_based, file_path: "$T/data" }
	  - name: iii-cron
	    config: {}
	EOF
	equal 0 "$status"
	contains "$output" "$T/data"
	matches "$output" "concurrency:? *7"
	matches "$output" "max_retries:? *5"
}

@test "a worker named queue is found too, and a variable wins over its default" {
	export CONCURRENCY=9
	check_config <<-EOF
	workers:
	  - name: queue
	    config:
	      queue_configs:
	        mail: { concurrency: "\${CONCURRENCY:7}" }
	EOF
	equal 0 "$status"
	matches "$output" "concurrency:? *9"
}

@test "an iii file mounts" {
	cat >"$CONFIG" <<-EOF
	workers:
	  - name: iii-queue
	    config:
	      queue_configs:
	        ledger: { type: fifo, message_group_field: account_id }
	      adapter: { name: builtin, config: { file_path: "$T/data" } }
	EOF
	mkdir "$T/data"
	start
	enqueue ledger a '{"account_id":1}'
	contains "$(find "$T/data" -type f)" .db
}

@test "without store: the file is below STATE_DIRECTORY" {
	echo 'queue_configs: { mail: {} }' >"$CONFIG"
	mkdir "$T/state"
	STATE_DIRECTORY=$T/state start
	[ -f "$T/state/queues.db" ]
}

@test "without store: and STATE_DIRECTORY the file is below the user's XDG state folder" {
	echo 'queue_configs: { mail: {} }' >"$CONFIG"
	(
		unset STATE_DIRECTORY
		XDG_STATE_HOME=$T/xdg start
	)
	equal 1 "$(find "$T/xdg" -name queues.db | wc -l)"
}

@test "a mistake keeps the mount from being made: 78, and every one is listed" {
	configure 'mail: { concurrency: 0 }' 'other: { nonsense: 1 }'
	run --separate-stderr start
	equal 78 "$status"
	contains "$stderr" "$CONFIG:3:"
	contains "$stderr" "$CONFIG:4:"
	unmounted
	absent "$STORE"
}

@test "-h prints the usage on standard output and exits 0" {
	run --separate-stderr timeout 20 "$SPOOLFS" -h
	equal 0 "$status"
	contains "$output" "CONFIG MOUNTPOINT"
	equal "" "$stderr"
}

@test "-V prints the version and exits 0" {
	run --separate-stderr timeout 20 "$SPOOLFS" -V
	equal 0 "$status"
	matches "$output" "spoolfs.* [0-9]+\.[0-9]+"
}

@test "no arguments, too many or an unknown option: usage on standard error and 64" {
	local arguments
	for arguments in "" "$T/queues.yaml" "-Z $T/a $T/b" "$T/a $T/b $T/c" "-n" "-n $T/a $T/b"; do
		# shellcheck disable=SC2086 # a list of words
		run --separate-stderr timeout 20 "$SPOOLFS" $arguments
		equal "64 <$arguments>" "$status <$arguments>"
		equal "" "$output"
		[ -n "$stderr" ]
	done
}
