#!/usr/bin/env bats
# QUEUE/paused: its text pauses the queue, nothing in it lets it run.

load harness

paused()
{
	mount_queues 'mail: {}' 'other: {}'
	P=$M/mail/paused
}

@test "empty and listed while the queue runs" {
	paused
	equal 0 "$(stat -c %s "$P")"
	equal "" "$(cat "$P")"
	ls "$M/mail" | grep -q -x paused
	equal 640 "$(stat -c %a "$P")"
}

@test "a reason pauses: nothing is delivered, enqueueing goes on, the other queue runs" {
	local receipt
	paused
	echo 'smtp is down' >"$P"
	receipt=$(enqueue mail a hello)
	enqueue other a there
	no_claim mail w
	equal there "$(claim other w)"
	equal 'smtp is down' "$(cat "$P")"
	equal 13 "$(stat -c %s "$P")"
	equal 'paused: smtp is down' "$(fact mail "$receipt" waiting_for)"
}

@test "its mtime says since when, also after it is paused again for another reason" {
	local before after since
	paused
	before=$(date +%s)
	echo one >"$P"
	after=$(date +%s)
	since=$(stat -c %Y "$P")
	((since >= before && since <= after))
	since=$(stat -c %.Y "$P")
	echo two >"$P"
	equal "$since" "$(stat -c %.Y "$P")"
	equal two "$(cat "$P")"
}

@test "resumed by : >, truncate, white space and python: at once, and not before" {
	local command
	paused
	enqueue mail a hello
	# shellcheck disable=SC2016
	for command in ': >"$P"' 'truncate -s 0 "$P"' 'echo >"$P"' 'printf " \n\t" >"$P"' 'cp /dev/null "$P"' \
		'python3 -c "import sys; open(sys.argv[1], \"w\").close()" "$P"' \
		'python3 -c "import os, sys; os.truncate(sys.argv[1], 0)" "$P"' \
		'dd if=/dev/null of="$P" status=none'; do
		echo why >"$P"
		no_claim mail w
		P=$P bash -c "$command"
		equal "" "$(cat "$P")"
		equal hello "$(claim mail w)" || {
			echo "after: $command"
			return 1
		}
		mv "$M/mail/claim/w" "$M/mail/"
	done
}

@test "a write after the truncation never lets a job slip through" {
	local n reader
	paused
	echo first >"$P"
	enqueue mail a hello
	waiting_reader w "$T/out"
	reader=$!
	for n in 1 2 3; do
		echo "reason $n" >"$P"
		{
			echo "one $n"
			(echo "two $n")
		} >"$P"
		equal "one $n two $n" "$(paste -s -d ' ' "$P")"
		echo "more" >>"$P"
		equal "one $n two $n more" "$(paste -s -d ' ' "$P")"
		python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY)
os.ftruncate(fd, 0)
os.write(fd, b"py")
os.close(fd)' "$P"
		equal py "$(cat "$P")"
	done
	blocked $reader
	equal 1 "$(count_in mail)"
}

@test "waiting workers keep waiting, and get their jobs in order when it resumes" {
	local n pids=()
	paused
	echo why >"$P"
	for n in 1 2 3; do
		waiting_reader "w$n" "$T/out$n"
		pids+=($!)
		echo "job $n" >"$M/mail/new"
	done
	for n in 1 2 3; do
		blocked "${pids[n - 1]}"
	done
	: >"$P"
	for n in 1 2 3; do
		eventually ended "${pids[n - 1]}"
		equal "job $n" "$(cat "$T/out$n")"
	done
}

@test "who holds a job keeps it, may read it again and end it" {
	paused
	enqueue mail a hello
	claim mail w >/dev/null
	echo why >"$P"
	equal hello "$(claim mail w)"
	rm "$M/mail/claim/w"
	equal 0 "$(count_in mail/running)"
}

@test "a long reason is cut at a character's end, a NUL is refused" {
	paused
	python3 -c 'import sys; open(sys.argv[1], "w").write("a" + "é" * 2000 + "\n")' "$P"
	equal "a$(printf 'é%.0s' {1..511})" "$(cat "$P")"
	equal EINVAL "$(errno_of 'fd = os.open(a[0], os.O_WRONLY); os.write(fd, b"a\0b")' "$P")"
	equal EPERM "$(errno_of 'os.truncate(a[0], 3)' "$P")"
	equal EPERM "$(errno_of 'os.chmod(a[0], 0o666)' "$P")"
}

@test "a pause survives a new mount and a crash of the engine" {
	local since
	paused
	echo why >"$P"
	since=$(stat -c %.Y "$P")
	restart
	equal why "$(cat "$P")"
	equal "$since" "$(stat -c %.Y "$P")"
	kill -KILL "$(engine)"
	log_expect 'signal 9'
	equal why "$(cat "$P")"
	enqueue mail a hello
	no_claim mail w
	: >"$P"
	kill -KILL "$(engine)"
	equal hello "$(claim mail w)"
}

@test "who may not write to it cannot pause" {
	configure 'mail: { permissions: { enqueue: root:root 0755, inspect: root:root 0755 } }'
	start -o allow_other
	refused 'Permission denied' setpriv --reuid=65534 --regid=65534 --clear-groups sh -c "echo x >'$M/mail/paused'"
	equal "" "$(cat "$M/mail/paused")"
}
