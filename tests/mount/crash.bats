#!/usr/bin/env bats
# kill -9 of the engine process: the mount stays, and callers notice nothing.

load harness

# crash: kills the engine; returns when there is another.
crash()
{
	local before
	before=$(engine)
	[ -n "$before" ]
	kill -KILL "$before"
	eventually engine_other_than "$before"
	log_expect 'engine|signal 9|[Kk]illed'
}

engine_other_than()
{
	local now
	now=$(engine)
	[ -n "$now" ] && [ "$now" != "$1" ]
}

locked()
{
	! flock --nonblock "$1" true
}

@test "idle: the mount stays, the jobs are there" {
	local receipt holder
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	holder=$(holder)
	crash
	equal "$receipt" "$(jobs_in mail)"
	equal hello "$(cat "$M/mail/$receipt")"
	equal "$holder" "$(holder)"
	enqueue mail b world
	equal "hello world" "$(payloads mail)"
}

@test "the next call waits for the next engine, it does not fail" {
	mount_queues 'mail: {}'
	enqueue mail a hello
	kill -KILL "$(engine)"
	equal hello "$(timeout 20 cat "$M/mail/receipts/a")"
	kill -KILL "$(engine)"
	echo world >"$M/mail/b"
	equal 2 "$(count_in mail)"
	log_expect 'engine|signal 9|[Kk]illed'
}

@test "blocked readers keep waiting, in their order, and get their jobs" {
	local n pids=()
	mount_queues 'mail: {}'
	for n in 1 2 3 4 5; do
		waiting_reader "w$n" "$T/out$n"
		pids+=($!)
	done
	crash
	for n in 1 2 3 4 5; do
		blocked "${pids[n - 1]}"
	done
	for n in 1 2 3 4 5; do
		echo "job $n" >"$M/mail/new"
		eventually ended "${pids[n - 1]}"
		equal "job $n" "$(cat "$T/out$n")"
	done
}

@test "blocked readers can be killed after a crash, and take no job with them" {
	local pid
	mount_queues 'mail: {}'
	waiting_reader w1 "$T/out"
	pid=$!
	crash
	kill -KILL $pid
	DEADLINE=3 eventually ended $pid
	enqueue mail a hello
	equal hello "$(claim mail w2)"
}

@test "an open draft keeps its bytes" {
	mount_queues 'mail: {}'
	exec 4>"$M/mail/a"
	echo before >&4
	crash
	equal 0 "$(count_in mail)"
	echo after >&4
	exec 4>&-
	equal 1 "$(count_in mail)"
	equal "before after" "$(paste -s -d ' ' "$M/mail/$(jobs_in mail)")"
}

@test "a draft that was closed half way is no job before its last close" {
	mount_queues 'mail: {}'
	exec 4>"$M/mail/a"
	(echo before >&4)
	crash
	equal 0 "$(count_in mail)"
	(echo after >&4)
	exec 4>&-
	equal 1 "$(count_in mail)"
	equal "before after" "$(paste -s -d ' ' "$M/mail/$(jobs_in mail)")"
}

@test "drafts under draft names stay, and those that nothing was written to" {
	mount_queues 'mail: {}'
	truncate -s 10 "$M/mail/b"
	echo hello >"$M/mail/a.tmp"
	crash
	equal 10 "$(stat -c %s "$M/mail/b")"
	equal hello "$(cat "$M/mail/a.tmp")"
	mv "$M/mail/a.tmp" "$M/mail/a"
	equal hello "$(payloads mail)"
}

@test "a claim is as it was: the open descriptor reads on, the verdict counts" {
	local receipt
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	exec 4<"$M/mail/claim/w"
	equal hello "$(timeout 20 cat <&4)"
	crash
	equal "$receipt" "$(jobs_in mail/running)"
	equal hello "$(claim mail w)"
	exec 4<&-
	equal 1 "$(fact mail "$receipt" attempt)"
	rm "$M/mail/claim/w"
	crash
	absent "$M/mail/receipts/$receipt"
	no_claim mail w
}

@test "a claim held open and not yet read is released by its close after a crash" {
	local receipt
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	exec 4<"$M/mail/claim/w"
	crash
	exec 4<&-
	equal "$receipt" "$(jobs_in mail)"
}

@test "limits hold after a crash" {
	mount_queues 'mail: { concurrency: 2 }'
	enqueue mail a one
	enqueue mail b two
	enqueue mail c three
	claim mail w1 >/dev/null
	claim mail w2 >/dev/null
	crash
	no_claim mail w3
	rm "$M/mail/claim/w1"
	equal three "$(claim mail w3)"
}

@test "a backoff goes on over a crash" {
	mount_queues 'mail: { backoff_ms: 500 }'
	enqueue mail a hello
	fail_once mail w
	crash
	equal hello "$(timeout 20 cat "$M/mail/claim/w")"
}

@test "names, inode numbers and open folders are as they were" {
	local receipt inode
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	inode=$(stat -c %i "$M/mail/$receipt" "$M/mail/claim")
	cd "$M/mail"
	crash
	equal "$inode" "$(stat -c %i "$receipt" claim)"
	equal "$receipt" "$(readlink receipts/a)"
	equal hello "$(cat a)"
	cd /
}

@test "10 crashes among writers and workers: every job is done, none is lost" {
	local writer
	mount_queues 'mail: { concurrency: 100 }'
	timeout 100 python3 - "$M/mail" >"$T/out" 2>&1 3>&- <<-'EOF' &
	import os, sys, threading
	q = sys.argv[1]
	JOBS, done, lock = 600, [], threading.Lock()
	def write(w):
	    for n in range(w, JOBS, 2):
	        with open(q + "/j%d" % n, "w") as f: f.write(str(n))
	def work(w):
	    name = q + "/claim/w%d" % w
	    while True:
	        with open(name) as f: body = f.read()
	        os.unlink(name)
	        if body == "stop": return
	        with lock: done.append(int(body))
	threads = [threading.Thread(target=write, args=(w,)) for w in range(2)]
	workers = [threading.Thread(target=work, args=(w,)) for w in range(3)]
	for t in threads + workers: t.start()
	for t in threads: t.join()
	for w in workers:
	    with open(q + "/new", "w") as f: f.write("stop")
	for w in workers: w.join()
	assert sorted(done) == list(range(JOBS)), sorted(set(range(JOBS)) - set(done))
	EOF
	writer=$!
	for _ in {1..10}; do
		crash
		ended $writer || sleep 0.1 # so that the crashes fall among the work
	done
	DEADLINE=100 eventually ended $writer
	wait $writer || {
		cat "$T/out"
		return 1
	}
	equal 0 "$(live_in mail)"
}

@test "the holder was killed and the engine process has not quite ended: the next start waits for it" {
	mount_queues 'mail: {}'
	enqueue mail a hello
	# shellcheck disable=SC2046 # a list of words
	kill -KILL $(daemons)
	eventually gone
	flock "$STORE.lock" sleep 1 & # as if it had not
	eventually locked "$STORE.lock"
	start
	equal hello "$(payloads mail)"
}

@test "the unmount after a crash is clean" {
	mount_queues 'mail: {}'
	crash
	stop
	start
	crash
	kill -TERM "$(holder)"
	eventually gone
	unmounted
}

# no_resend: from now on the kernel seems to be one before Linux 6.9, which refuses the notification
# "resend": the one thing that the program sends to it with write(2). (Of what is traced LeakSanitizer can
# say nothing: see traceable.)
no_resend()
{
	strace -f -q -o "$T/strace" -P /dev/fuse -e trace=write -e inject=write:error=EINVAL \
		-p "$(holder)" 2>"$T/strace.log" 3>&- &
	eventually traced
}

# What is mounted from now on can be traced, sanitizers or not.
traceable()
{
	export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
}

traced()
{
	[ "$(awk '/TracerPid/ {print $2}' "/proc/$(holder)/status")" != 0 ]
}

@test "a kernel that does not send again: the mount is renewed, callers get one error" {
	local reader writer
	traceable
	mount_queues 'mail: {}'
	no_resend
	enqueue mail a hello
	claim mail w1 >/dev/null
	py 'os.open(a[0] + "/x.tmp", os.O_WRONLY | os.O_CREAT)
os.close(os.open(a[0] + "/half.tmp", os.O_WRONLY | os.O_CREAT))' "$M/mail"
	exec 4>"$M/mail/cut"
	echo half >&4
	waiting_reader w2 "$T/out"
	reader=$!
	kill -KILL "$(engine)"
	log_expect 'the mount is renewed'
	log_expect 'ended by signal 9'
	log_expect 'rejected .* name=cut .*: a write failed: Input/output error'
	! wait $reader || false
	eventually mountpoint -q "$M"
	eventually test -d "$M/mail"
	refused 'not connected' bash -c "echo more >&4"
	! echo more >&4 || false
	exec 4>&- || true
	# The same jobs and claims; what was being written is no job.
	equal w1 "$(ls "$M/mail/claim")"
	equal half "$(cat "$M/mail/rejected/cut")"
	equal 'a write failed: Input/output error' "$(jq -r .reason "$M/mail/rejected/cut.json")"
	rm "$M/mail/claim/w1"
	equal 0 "$(count_in mail)"
	echo world >"$M/mail/b"
	equal world "$(claim mail w2)"
	ls "$M/mail" | grep -q -x half.tmp
}

@test "a kernel that does not send again: a job whose close was answered is delivered" {
	traceable
	mount_queues 'mail: {}'
	no_resend
	for n in 1 2 3 4 5; do
		echo "job $n" >"$M/mail/n$n"
		kill -KILL "$(engine)"
		eventually test -d "$M/mail"
	done
	log_expect 'the mount is renewed'
	log_expect 'ended by signal 9'
	equal 'job 1 job 2 job 3 job 4 job 5' "$(payloads mail)"
}

@test "10 crashes among workers with one descriptor each: every job is done once, every verdict counts" {
	local workers
	mount_queues 'mail: { concurrency: 100 }'
	timeout 100 python3 - "$M/mail" "$STORE" >"$T/out" 2>&1 3>&- <<-'EOT' &
	import errno, os, select, sqlite3, sys, threading
	q = sys.argv[1]
	JOBS, done, twice, lock = 600, {}, [], threading.Lock()
	def write():
	    for n in range(JOBS):
	        with open(q + "/new", "w") as f: f.write(str(n))
	def work(w):
	    # Every other one polls.
	    fd = os.open(q + "/claim/w%d" % w, os.O_RDWR | (os.O_NONBLOCK if w % 2 else 0))
	    poll = select.poll()
	    poll.register(fd, select.POLLIN)
	    while True:
	        if w % 2: poll.poll()
	        try: body = os.read(fd, 100)
	        except BlockingIOError: continue
	        if body == b"": continue
	        assert os.read(fd, 100) == b"", body
	        with lock:
	            if body in done: twice.append(body)
	            done[body] = True
	        assert os.write(fd, b"done") == 4
	        if body.startswith(b"stop"): return
	workers = [threading.Thread(target=work, args=(w,)) for w in range(4)]
	writer = threading.Thread(target=write)
	for t in workers + [writer]: t.start()
	writer.join()
	for w in range(len(workers)):
	    with open(q + "/new", "w") as f: f.write("stop%d" % w)
	for t in workers: t.join()
	assert not twice, twice
	assert len(done) == JOBS + len(workers), len(done)
	EOT
	workers=$!
	for _ in {1..10}; do
		crash
		ended $workers || sleep 0.1 # so that the crashes fall among the work
	done
	DEADLINE=100 eventually ended $workers
	wait $workers || {
		cat "$T/out"
		return 1
	}
	equal 0 "$(live_in mail)"
}

@test "words written while the engine is down are answered by the next one, once" {
	local receipt pid
	mount_queues 'mail: { backoff_ms: 3600000 }'
	receipt=$(enqueue mail a hello)
	claim mail w >/dev/null
	kill -STOP "$(engine)"
	echo 'retry: later' >"$M/mail/claim/w" 3>&- &
	pid=$!
	eventually blocked $pid
	kill -KILL "$(engine)"
	log_expect 'signal 9'
	wait $pid
	equal "backoff 1 later" "$(fact mail "$receipt" state) $(fact mail "$receipt" 'failures | length') $(fact mail "$receipt" 'failures[0].reason')"
}
