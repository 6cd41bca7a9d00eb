#!/usr/bin/env bats
# The workers among the examples: what becomes of jobs, and how they end. Jobs named gate* run until
# the test opens the gate, which is to unlock a file.

load harness

# queue [RULE]: mail, whose failures stay away for an hour.
queue()
{
	mount_queues "mail: { backoff_ms: 3600000${1:+, $1} }" \
		"ledger: { type: fifo, message_group_field: account, backoff_ms: 3600000 }"
	mkdir "$T/seen"
	exec 5>"$T/gate"
	flock 5
	job <<-'EOT'
		cat >"$SEEN/$SPOOLFS_NAME"
		env | grep '^SPOOLFS_[RNGA]' | sort >"$SEEN/$SPOOLFS_NAME.env"
		case $SPOOLFS_NAME in
		retry*) echo first >&2; echo 'smtp 421: "later"' >&2; echo out; exit 75 ;;
		mute) exit 3 ;;
		killed) kill -KILL $$ ;;
		dead*) printf 'no such mailbox' >&2; exit "${SPOOLFS_NAME#dead}" ;;
		gate*) flock -s "$GATE" true ;;
		esac
	EOT
}

# Workers that outlive a test that fails would keep its mount.
eval "$(declare -f teardown | sed '1s/teardown/teardown_all/')"
teardown()
{
	pkill -KILL -f "worker.* $M" || true
	exec 5>&-
	teardown_all
}

# job: the command that the workers run, from standard input.
job()
{
	{
		echo '#!/bin/sh'
		cat
	} >"$T/job"
	chmod +x "$T/job"
}

# works WORKER...: runs it in the background, as $WORKER.
works()
{
	env SEEN="$T/seen" GATE="$T/gate" TMPDIR="$T" "$@" >"$T/out" 2>"$T/err" 3>&- 5>&- </dev/null &
	WORKER=$!
}

# script SHELL [QUEUE [OPTION...]]: worker.sh in that shell.
script()
{
	local shell=$1 queue=${2:-mail}
	shift $(($# < 2 ? $# : 2))
	# shellcheck disable=SC2086 # "busybox sh"
	works $shell "$ROOT/examples/worker.sh" "$M/$queue" "$@" -- "$T/job"
}

open_gate()
{
	flock -u 5
}

# last RECEIPT [QUEUE]: the reason of its last failure.
last()
{
	fact "${2:-mail}" "$1" 'failures[-1].reason'
}

state_is()
{
	equal "$1" "$(fact mail "$2" state)"
}

finish()
{
	kill -TERM "$WORKER"
	eventually ended "$WORKER"
}

# ---- worker.sh, in each shell

verdicts()
{
	local good retry mute killed dead65 dead78
	queue
	good=$(enqueue mail good hello)
	retry=$(enqueue mail retry a)
	mute=$(enqueue mail mute b)
	killed=$(enqueue mail killed c)
	dead65=$(enqueue mail dead65 d)
	dead78=$(enqueue mail dead78 e)
	script "$1"
	eventually state_is dead "$dead78"
	absent "$M/mail/receipts/$good"
	equal hello "$(cat "$T/seen/good")"
	state_is backoff "$retry"
	equal 'smtp 421: "later"' "$(last "$retry")"
	equal out "$(cat "$T/out")"
	equal "first" "$(head -n 1 "$T/err")"
	equal 'exit status 3' "$(last "$mute")"
	equal 'killed by signal 9' "$(last "$killed")"
	state_is dead "$dead65"
	equal 'no such mailbox' "$(last "$dead65")"
	finish
	equal "" "$(ls "$M/mail/claim")"
	equal "" "$(find "$T" -name 'tmp.*')"
}

facts()
{
	local name='gr up "1\' receipt
	queue
	receipt=$(enqueue ledger "$name" '{"account":"a \"b\" \\ ü","x":[1,2]}')
	script "$1" ledger
	eventually absent "$M/ledger/receipts/$receipt"
	equal '{"account":"a \"b\" \\ ü","x":[1,2]}' "$(cat "$T/seen/$name")"
	equal "SPOOLFS_ATTEMPT=1
SPOOLFS_GROUP=a \"b\" \\ ü
SPOOLFS_NAME=$name
SPOOLFS_RECEIPT=$receipt" "$(cat "$T/seen/$name.env")"
	finish
}

binary()
{
	queue
	head -c 300000 /dev/urandom >"$T/bytes"
	printf '\0\0\n\n' >>"$T/bytes"
	cp "$T/bytes" "$M/mail/bytes"
	script "$1"
	eventually none_live
	cmp "$T/bytes" "$T/seen/bytes"
	finish
}

none_live()
{
	equal 0 "$(live_in mail)"
}

running()
{
	equal "$1" "$(find "$T/seen" -name 'gate*.env' | wc -l)"
}

parallel_and_term()
{
	local n
	queue
	for n in 1 2 3 4; do
		enqueue mail gate$n x >/dev/null
	done
	script "$1" mail -j 3
	eventually running 3
	equal 3 "$(ls "$M/mail/claim" | grep -c "\.$WORKER\$")"
	kill -TERM "$WORKER"
	eventually grep -q 'takes no more jobs' "$T/err"
	open_gate
	eventually ended "$WORKER"
	wait "$WORKER"
	equal 1 "$(live_in mail)"
	equal waiting "$(fact mail "$(readlink "$M/mail/receipts/gate4")" state)"
	equal "" "$(ls "$M/mail/claim")"
}

killed()
{
	local receipt
	queue
	receipt=$(enqueue mail gate x)
	script "$1"
	eventually running 1
	kill -KILL "$WORKER"
	eventually state_is backoff "$receipt"
	equal "worker $WORKER died" "$(last "$receipt")"
	equal 1 "$(fact mail "$receipt" attempt)"
	open_gate
	eventually grep -q 'too late: done' "$T/err"
	state_is backoff "$receipt"
	eventually no_worker
}

# An idle worker that is killed leaves nobody behind who goes on.
killed_idle()
{
	local receipt
	queue
	script "$1"
	eventually idle
	kill -KILL "$WORKER"
	eventually ended "$WORKER"
	receipt=$(enqueue mail good hello)
	eventually no_worker
	matches "$(fact mail "$receipt" state)" 'waiting|backoff'
	[ ! -e "$T/seen/good" ]
}

# The processes of a worker that wait for a job.
waiting()
{
	local pid
	for pid in $(pgrep -f "worker.* $M"); do
		! blocked "$pid" || echo "$pid"
	done
}

idle()
{
	[ -n "$(waiting)" ]
}

no_worker()
{
	! pgrep -f "worker.* $M"
}

@test "worker.sh in dash: done, retry and dead, with reasons" { verdicts dash; }
@test "worker.sh in bash: done, retry and dead, with reasons" { verdicts bash; }
@test "worker.sh in busybox: done, retry and dead, with reasons" { verdicts 'busybox sh'; }
@test "worker.sh in dash: the facts in the environment" { facts dash; }
@test "worker.sh in bash: the facts in the environment" { facts bash; }
@test "worker.sh in busybox: the facts in the environment" { facts 'busybox sh'; }
@test "worker.sh in dash: any bytes" { binary dash; }
@test "worker.sh in bash: any bytes" { binary bash; }
@test "worker.sh in busybox: any bytes" { binary 'busybox sh'; }
@test "worker.sh in dash: three at once, SIGTERM lets them finish" { parallel_and_term dash; }
@test "worker.sh in bash: three at once, SIGTERM lets them finish" { parallel_and_term bash; }
@test "worker.sh in busybox: three at once, SIGTERM lets them finish" { parallel_and_term 'busybox sh'; }
@test "worker.sh in dash: killed, its job has failed at once" { killed dash; }
@test "worker.sh in bash: killed, its job has failed at once" { killed bash; }
@test "worker.sh in busybox: killed, its job has failed at once" { killed 'busybox sh'; }
@test "worker.sh in dash: killed while idle" { killed_idle dash; }
@test "worker.sh in bash: killed while idle" { killed_idle bash; }
@test "worker.sh in busybox: killed while idle" { killed_idle 'busybox sh'; }

@test "worker.sh, idle: SIGTERM ends it, nothing is left" {
	queue
	script sh
	eventually idle
	kill -TERM "$WORKER"
	eventually ended "$WORKER"
	wait "$WORKER"
	eventually no_worker
}

@test "worker.sh touches its claim while the command runs" {
	local receipt deadline
	queue 'timeout_ms: 3000'
	receipt=$(enqueue mail gate x)
	script sh
	eventually running 1
	deadline=$(fact mail "$receipt" claimed)
	DEADLINE=30 eventually outlived "$receipt" "$deadline"
	open_gate
	eventually none_live
	finish
}

# outlived RECEIPT CLAIMED: its deadline is later than two timeouts after it was claimed.
outlived()
{
	py 'from datetime import datetime as d
claimed, deadline = (d.fromisoformat(t.replace("Z", "+00:00")) for t in a)
assert (deadline - claimed).total_seconds() > 6' "$2" "$(fact mail "$1" deadline)"
}

@test "worker.sh: stopped and continued it goes on waiting" {
	queue
	script sh
	eventually idle
	local pid
	pid=$(waiting)
	kill -STOP "$pid"
	kill -CONT "$pid"
	enqueue mail good hello
	eventually none_live
	equal hello "$(cat "$T/seen/good")"
	finish
	equal "worker.sh: takes no more jobs, ends with those that run" "$(cat "$T/err")"
}

@test "worker.sh: the mount goes away, also while a job runs, and comes back" {
	queue
	enqueue mail gate x
	script sh mail -j 2
	eventually running 1
	eventually idle
	kill -TERM "$(holder)"
	eventually gone
	eventually grep -q 'no job:.*again in 5 s' "$T/err"
	open_gate
	eventually grep -q 'done .*again in 5 s' "$T/err"
	start
	eventually none_live
	enqueue mail good hello
	eventually none_live
	equal hello "$(cat "$T/seen/good")"
	finish
}

@test "worker.sh: a command that leaves a process behind is not waited for" {
	queue
	job <<-'EOT'
		sleep 600 &
		echo $! >"$SEEN/pid"
	EOT
	enqueue mail good hello
	script sh
	eventually none_live
	finish
	kill "$(cat "$T/seen/pid")"
}

@test "worker.sh: wrong usage is 64 and says so" {
	local arguments
	queue
	for arguments in '' "$M/mail" "$M/mail --" "$M/mail -j -- true" "$M/mail -j 0 -- true" "$M/mail -j x -- true" \
		"$M/mail -x -- true" "$M/mail true" "$M/none -- true" "$M/mail -- /no/such/command"; do
		# shellcheck disable=SC2086
		run timeout 20 sh "$ROOT/examples/worker.sh" $arguments 3>&-
		equal 64 "$status"
		contains "$output" "usage: worker.sh QUEUE-DIR [-j N] -- COMMAND..."
	done
}

# ---- worker.c and worker.py: their work is to print, on one descriptor for all jobs

# printer LANGUAGE OUT: the worker of mail, in $WORKER. (Unbuffered, Python loses what a signal cuts
# off from a write.)
printer()
{
	case $1 in
	c)
		cc -o "$T/worker" "$ROOT/examples/worker.c"
		"$T/worker" "$M/mail/claim/w" >"$2" 2>"$T/err" 3>&- 5>&- </dev/null &
		;;
	py)
		env -u PYTHONUNBUFFERED python3 "$ROOT/examples/worker.py" "$M/mail" "$M/ledger" \
			>"$2" 2>"$T/err" 3>&- 5>&- </dev/null &
		;;
	esac
	WORKER=$!
}

# Two jobs of 200 kB, for a printer whose paper holds 64: the first one runs until cat takes it.
blocked_printer()
{
	queue
	mkfifo "$T/paper"
	exec 6<>"$T/paper"
	FIRST=$(enqueue mail first "$(head -c 200000 /dev/zero | tr '\0' x)")
	SECOND=$(enqueue mail second "$(head -c 200000 /dev/zero | tr '\0' y)")
	printer "$1" "$T/paper"
	eventually state_is running "$FIRST"
	eventually grep -q pipe_write "/proc/$WORKER/wchan"
}

@test "worker.c: done, retry in 30 s with the reason, given up" {
	local one binary retry
	queue
	one=$(enqueue mail one hello)
	enqueue mail two 'more words' >/dev/null
	binary=$(printf 'a\0b' >"$M/mail/binary" && readlink "$M/mail/receipts/binary")
	printer c "$T/out"
	eventually state_is dead "$binary"
	equal 'not a text' "$(last "$binary")"
	equal 'hello more words' "$(paste -s -d ' ' "$T/out")"
	absent "$M/mail/receipts/$one"
	finish
	retry=$(enqueue mail retry again)
	printer c /dev/full
	eventually state_is backoff "$retry"
	equal 'cannot print' "$(last "$retry")"
	[ "$(due_in "$M/mail/backoff/$retry")" -lt 31 ]
	finish
}

@test "worker.py: two queues at once, done, retry with the reason, given up" {
	local mail ledger blank binary
	queue
	mail=$(enqueue mail one hello)
	ledger=$(enqueue ledger one '{"account":1}')
	blank=$(enqueue mail blank ' ')
	printf '\377\376' >"$M/mail/binary"
	binary=$(readlink "$M/mail/receipts/binary")
	printer py "$T/out"
	eventually state_is dead "$binary"
	equal 'not a text' "$(last "$binary")"
	equal 'nothing to print' "$(last "$blank")"
	eventually absent "$M/ledger/receipts/$ledger"
	grep -q -x "$mail 1 hello" "$T/out"
	grep -q -x "$ledger 1 {\"account\":1}" "$T/out"
	finish
	equal "" "$(cat "$T/err")"
}

@test "worker.c: SIGTERM lets the job finish and takes no more" { printer_term c; }
@test "worker.py: SIGTERM lets the job finish and takes no more" { printer_term py; }
printer_term()
{
	blocked_printer "$1"
	kill -TERM "$WORKER"
	timeout 60 cat <&6 >/dev/null 3>&- &
	eventually ended "$WORKER"
	wait "$WORKER"
	absent "$M/mail/receipts/$FIRST"
	eventually state_is waiting "$SECOND"
	equal 0 "$(fact mail "$SECOND" attempt)"
}

@test "worker.c: killed, its job has failed at once" { printer_killed c; }
@test "worker.py: killed, its job has failed at once" { printer_killed py; }
printer_killed()
{
	blocked_printer "$1"
	kill -KILL "$WORKER"
	eventually state_is backoff "$FIRST"
	equal "worker $WORKER died" "$(last "$FIRST")"
	equal 1 "$(fact mail "$FIRST" attempt)"
	state_is waiting "$SECOND"
}

# ---- cron-worker

@test "cron-worker does what is there and leaves: done, failed, any bytes" {
	local mute
	queue
	head -c 300000 /dev/urandom >"$T/bytes"
	cp "$T/bytes" "$M/mail/good"
	mute=$(enqueue mail mute x)
	job <<-'EOT'
		cat >"$SEEN/job"
		[ "$(wc -c <"$SEEN/job")" -gt 1 ] || exit 3
		mv "$SEEN/job" "$SEEN/good"
	EOT
	SEEN=$T/seen TMPDIR=$T timeout 20 "$ROOT/examples/cron-worker" "$M/mail" "$T/job" 3>&- 5>&-
	cmp "$T/bytes" "$T/seen/good"
	state_is backoff "$mute"
	equal 'exit status 3' "$(last "$mute")"
	equal 1 "$(live_in mail)"
	equal "" "$(find "$T" -name 'tmp.*')"
}

@test "cron-worker: nothing to do is success, no mount is 75" {
	queue
	timeout 20 "$ROOT/examples/cron-worker" "$M/mail" false 3>&-
	run timeout 20 "$ROOT/examples/cron-worker" "$T/none" false 3>&-
	equal 75 "$status"
	contains "$output" 'No such file or directory'
}

@test "cron-worker: killed, its job has failed at once" {
	local receipt
	queue
	receipt=$(enqueue mail gate x)
	job <<-'EOT'
		: >"$SEEN/gate.env"
		flock -s "$GATE" true
	EOT
	works "$ROOT/examples/cron-worker" "$M/mail" "$T/job"
	eventually running 1
	kill -KILL "$WORKER"
	eventually state_is backoff "$receipt"
	equal "worker $WORKER died" "$(last "$receipt")"
}
