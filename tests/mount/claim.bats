#!/usr/bin/env bats
# Workers: reading claim/WORKER delivers the next job; waiting, waking, readers of every kind,
# retries, limits and order.

load harness

# ---- getting a job

@test "cat claim/WORKER gives the payload, again the same until the verdict, rm is done" {
	mount_queues 'mail: {}'
	enqueue mail a one
	enqueue mail b two
	equal one "$(timeout 20 cat "$M/mail/claim/w")"
	equal one "$(timeout 20 cat "$M/mail/claim/w")"
	equal one "$(timeout 20 cat "$M/mail/claim/w")"
	equal 1 "$(fact mail "$(fact_held mail w)" attempt)"
	rm "$M/mail/claim/w"
	equal two "$(timeout 20 cat "$M/mail/claim/w")"
}

@test "jobs are delivered oldest first, whoever asks" {
	local n
	mount_queues 'mail: { concurrency: 100 }'
	for n in {1..20}; do
		echo "$n" >"$M/mail/new"
	done
	for n in {1..20}; do
		equal "$n" "$(claim mail "w$((n % 7))-$n")"
	done
	no_claim mail w
}

@test "claim/ lists the workers that hold a job" {
	mount_queues 'mail: {}'
	equal "" "$(ls -A "$M/mail/claim")"
	enqueue mail a one
	enqueue mail b two
	claim mail w1 >/dev/null
	claim mail w2 >/dev/null
	equal "w1 w2" "$(ls "$M/mail/claim" | sort | paste -s -d ' ')"
	equal 3 "$(stat -c %s "$M/mail/claim/w1")"
	rm "$M/mail/claim/w1"
	equal w2 "$(ls "$M/mail/claim")"
}

@test "stat, ls, find, test and file of claim/ take nothing" {
	mount_queues 'mail: {}'
	enqueue mail a hello
	stat "$M/mail/claim/w" >/dev/null || true
	[ -e "$M/mail/claim/w" ] || true
	ls -l "$M/mail/claim/w" "$M/mail/claim" >/dev/null || true
	find "$M" >/dev/null
	getfattr -d "$M/mail/claim/w" >/dev/null 2>&1 || true
	equal 1 "$(count_in mail)"
	equal 0 "$(count_in mail/running)"
}

@test "any file name is a worker's name but one with a leading dot" {
	local name
	mount_queues 'mail: { concurrency: 100 }'
	for name in w 'a b' 'grüße' worker-1@host '0'; do
		enqueue mail a "for $name"
		equal "for $name" "$(claim mail "$name")"
	done
	enqueue mail a hello
	equal ENOENT "$(errno_of 'os.open(a[0], os.O_RDONLY | os.O_NONBLOCK)' "$M/mail/claim/.w")"
	equal 1 "$(count_in mail)"
}

@test "O_NONBLOCK: EAGAIN when there is none, the job when there is one" {
	mount_queues 'mail: {}'
	equal EAGAIN "$(errno_of 'os.open(a[0], os.O_RDONLY | os.O_NONBLOCK)' "$M/mail/claim/w")"
	no_claim mail w
	equal 0 "$(count_in mail/running)"
	enqueue mail a hello
	equal hello "$(claim mail w)"
}

@test "after open, fstat gives the payload's size" {
	mount_queues 'mail: {}'
	enqueue mail a hello
	equal 5 "$(py 'fd = os.open(a[0], os.O_RDONLY); print(os.fstat(fd).st_size); os.read(fd, 1)' "$M/mail/claim/w")"
}

@test "read gives the payload, then end of file" {
	mount_queues 'mail: {}'
	enqueue mail a hello
	py '
fd = os.open(a[0], os.O_RDONLY)
assert os.read(fd, 3) == b"hel"
assert os.read(fd, 100) == b"lo"
assert os.read(fd, 100) == b""
assert os.read(fd, 100) == b""
assert os.pread(fd, 2, 1) == b"el"
assert os.lseek(fd, 0, os.SEEK_END) == 5
' "$M/mail/claim/w"
}

@test "opened and closed without a read: released, not counted" {
	local receipt
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	: <"$M/mail/claim/w"
	equal "$receipt" "$(jobs_in mail)"
	equal 0 "$(fact mail "$receipt" attempt)"
	equal "" "$(ls "$M/mail/claim")"
	claim mail w >/dev/null
	equal 1 "$(fact mail "$receipt" attempt)"
}

@test "opened again and closed without a read while it is held: stays held" {
	mount_queues 'mail: {}'
	enqueue mail a hello
	claim mail w >/dev/null
	: <"$M/mail/claim/w"
	equal 1 "$(count_in mail/running)"
	equal hello "$(claim mail w)"
}

@test "a claim opened for writing only takes nothing" {
	mount_queues 'mail: {}'
	enqueue mail a hello
	run errno_of 'os.open(a[0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK)' "$M/mail/claim/w"
	equal 0 "$(count_in mail/running)"
	equal 1 "$(count_in mail)"
}

# ---- readers

@test "cat, head, dd, cp, rsync, python, perl, bash and md5sum read whole jobs, small and 200 kB in turn through one name" {
	local command n=0 size
	mount_queues 'mail: {}'
	ln -s "$M/mail/claim/w" "$T/claim"
	# shellcheck disable=SC2016
	for command in 'cat claim >got' 'head -c 999999 claim >got' 'dd if=claim of=got status=none' \
		'dd if=claim of=got bs=1M status=none' 'cp claim got' 'cat <claim >got' \
		'python3 -c "open(\"got\", \"wb\").write(open(\"claim\", \"rb\").read())"' \
		'python3 -c "import shutil; shutil.copyfile(\"claim\", \"got\")"' \
		'perl -e "open(F, q(<), q(claim)) or die; undef \$/; print <F>" >got' \
		'printf "%s" "$(<claim)" >got' 'IFS= read -r -d "" x <claim; printf "%s" "$x" >got' \
		'rsync --copy-links claim got' 'busybox cat claim >got' 'md5sum claim >/dev/null; cat claim >got' \
		'python3 -c "import mmap; f = open(\"claim\", \"rb\"); open(\"got\", \"wb\").write(mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ))"'; do
		for size in 10 200000 1; do
			head -c "$size" /dev/urandom | base64 -w 0 | head -c "$size" >"$T/payload"
			cp "$T/payload" "$M/mail/new"
			rm -f "$T/got"
			(cd "$T" && timeout 20 bash -c "$command")
			cmp "$T/payload" "$T/got" || {
				echo "after: $command, $size bytes"
				return 1
			}
			rm "$M/mail/claim/w"
		done
	done
	no_claim mail w
}

@test "a reader that stays keeps its job's bytes when the worker's name has another job" {
	mount_queues 'mail: {}'
	head -c 200000 /dev/zero | tr '\0' A >"$M/mail/new"
	head -c 600000 /dev/zero | tr '\0' B >"$M/mail/new"
	py '
first = os.open(a[0], os.O_RDONLY)
assert os.read(first, 1000) == b"A" * 1000
os.unlink(a[0])
second = os.open(a[0], os.O_RDONLY)
assert os.fstat(second).st_size == 600000
assert os.read(second, 1000) == b"B" * 1000
rest = b""
while True:
    try: piece = os.read(first, 65536)
    except OSError as e:
        assert e.errno == errno.ESTALE
        break
    if not piece: break
    rest += piece
assert set(rest) <= {65}, set(rest)
' "$M/mail/claim/w"
}

# ---- waiting

@test "a blocked open is woken by an enqueue" {
	local pid
	mount_queues 'mail: {}'
	waiting_reader w "$T/out"
	pid=$!
	echo hello >"$M/mail/a"
	eventually ended $pid
	wait $pid
	equal hello "$(cat "$T/out")"
	equal w "$(ls "$M/mail/claim")"
}

@test "waiters are woken in order of arrival, one per job" {
	local n pids=()
	mount_queues 'mail: {}'
	for n in 1 2 3 4 5; do
		waiting_reader "w$n" "$T/out$n"
		pids+=($!)
	done
	for n in 1 2 3 4 5; do
		echo "job $n" >"$M/mail/new"
		eventually ended "${pids[n - 1]}"
		equal "job $n" "$(cat "$T/out$n")"
		((n == 5)) || blocked "${pids[n]}"
	done
}

@test "one job wakes one waiter, the others go on waiting" {
	local n pids=()
	mount_queues 'mail: {}'
	for n in 1 2 3; do
		waiting_reader "w$n" "$T/out$n"
		pids+=($!)
	done
	echo hello >"$M/mail/new"
	eventually ended "${pids[0]}"
	blocked "${pids[1]}"
	blocked "${pids[2]}"
	equal hello "$(cat "$T"/out*)"
}

@test "a waiter that SIGINT ends takes no job with it" {
	local pid
	mount_queues 'mail: {}'
	env --default-signal=INT cat "$M/mail/claim/w1" >"$T/out" 3>&- &
	pid=$!
	eventually blocked $pid
	kill -INT $pid
	DEADLINE=2 eventually ended $pid
	enqueue mail a hello
	equal 1 "$(count_in mail)"
	equal hello "$(claim mail w2)"
}

@test "a waiter that SIGKILL ends takes no job with it" {
	local pid
	mount_queues 'mail: {}'
	waiting_reader w1 "$T/out"
	pid=$!
	kill -KILL $pid
	DEADLINE=2 eventually ended $pid
	enqueue mail a hello
	equal 1 "$(count_in mail)"
	equal hello "$(claim mail w2)"
}

@test "timeout ends a waiting cat" {
	local status=0
	mount_queues 'mail: {}'
	timeout 0.2 cat "$M/mail/claim/w" || status=$?
	equal 124 "$status"
	enqueue mail a hello
	equal 1 "$(count_in mail)"
}

@test "a signal with a handler ends the wait with EINTR" {
	mount_queues 'mail: {}'
	equal EINTR "$(py '
import ctypes, signal
libc = ctypes.CDLL(None, use_errno=True)
signal.signal(signal.SIGALRM, lambda *x: None)
signal.siginterrupt(signal.SIGALRM, True)
signal.setitimer(signal.ITIMER_REAL, 0.2)
fd = libc.open(a[0].encode(), os.O_RDONLY)
print(errno.errorcode[ctypes.get_errno()] if fd < 0 else fd)' "$M/mail/claim/w")"
}

@test "200 jobs after 200 interrupted waits: none is lost" {
	mount_queues 'mail: { concurrency: 1000 }'
	py '
import signal, subprocess
claim = a[0] + "/claim/w"
for i in range(200):
    p = subprocess.Popen(["cat", claim], stdout=subprocess.PIPE)
    if i % 2: time.sleep(0.002)
    fd = os.open(a[0] + "/new", os.O_WRONLY)
    os.write(fd, b"%d" % i)
    os.close(fd)
    p.kill()
    got = p.communicate()[0]
    # It got the job, or died before: then the job is waiting, or held and there to be read again.
    fd = os.open(claim, os.O_RDONLY | os.O_NONBLOCK)
    body = os.read(fd, 100)
    os.close(fd)
    assert body == b"%d" % i, (i, got, body)
    os.unlink(claim)
' "$M/mail"
	equal 0 "$(count_in mail)"
	equal 0 "$(count_in mail/running)"
}

@test "200 waiters: stat stays quick, and each gets one job" {
	mount_queues 'mail: { concurrency: 1000 }'
	timeout 60 python3 - "$M/mail" 3>&- <<-'EOF'
	import os, sys, threading, time
	q = sys.argv[1]
	got, opened = [], threading.Semaphore(0)
	def work(n):
	    opened.release()
	    fd = os.open(q + "/claim/w%d" % n, os.O_RDONLY)
	    got.append(os.read(fd, 100))
	    os.close(fd)
	threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(200)]
	for t in threads: t.start()
	for t in threads: opened.acquire()
	def waiting():
	    n = 0
	    for task in os.listdir("/proc/self/task"):
	        with open("/proc/self/task/%s/wchan" % task) as f: n += "request_wait_answer" in f.read()
	    return n
	end = time.monotonic() + 20
	while waiting() < 200:
	    assert time.monotonic() < end, waiting()
	    time.sleep(0.01)
	took = []
	for i in range(200):
	    start = time.perf_counter()
	    os.stat(q + "/dead-letter")
	    os.listdir(q + "/running")
	    took.append(time.perf_counter() - start)
	took.sort()
	assert took[100] < 0.01 and took[190] < 0.1, (took[100], took[190], took[-1])
	for n in range(200):
	    fd = os.open(q + "/new", os.O_WRONLY)
	    os.write(fd, b"%d" % n)
	    os.close(fd)
	for t in threads: t.join(20)
	assert sorted(map(int, got)) == list(range(200)), len(got)
	EOF
	equal 200 "$(count_in mail/running)"
}

@test "waiters in two queues do not disturb each other" {
	local first second
	mount_queues 'mail: {}' 'other: {}'
	waiting_reader w "$T/out1" mail
	first=$!
	waiting_reader w "$T/out2" other
	second=$!
	echo hello >"$M/other/new"
	eventually ended $second
	equal hello "$(cat "$T/out2")"
	blocked $first
}

@test "a waiting reader keeps the mount busy, as any open file does" {
	local pid
	mount_queues 'mail: {}'
	waiting_reader w "$T/out"
	pid=$!
	refused 'busy' fusermount3 -u "$M"
	kill -KILL $pid
	eventually ended $pid
	stop
}

# ---- verdicts

@test "rm is done: the job is gone and never comes again" {
	local receipt
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	claim mail w >/dev/null
	rm "$M/mail/claim/w"
	absent "$M/mail/receipts/$receipt"
	restart
	no_claim mail w
	equal 0 "$(live_in mail)"
}

@test "a failed job goes to backoff/, its mtime is when it is due, and comes back" {
	local receipt
	mount_queues 'mail: { backoff_ms: 300 }'
	receipt=$(enqueue mail a hello)
	fail_once mail w
	equal hello "$(timeout 20 cat "$M/mail/claim/w")"
	equal 2 "$(fact mail "$receipt" attempt)"
	equal 1 "$(fact mail "$receipt" 'failures | length')"
	equal "$receipt" "$(jobs_in mail/retries)"
}

@test "backoff grows: 5 s, 10, 20, 40 and 80 with bulk-email's rules, then dead-letter/" {
	local receipt want
	mount_queues 'mail: { max_retries: 5, backoff_ms: 5000 }'
	receipt=$(enqueue mail a hello)
	for want in 5 10 20 40 80; do
		fail_once mail w
		equal "$receipt" "$(jobs_in mail/backoff)"
		(($(due_in "$M/mail/backoff/$receipt") >= want - 2 && $(due_in "$M/mail/backoff/$receipt") <= want))
		mv "$M/mail/backoff/$receipt" "$M/mail/"
	done
	fail_once mail w
	equal "" "$(jobs_in mail/backoff)"
	equal "$receipt" "$(jobs_in mail/dead-letter)"
}

@test "out of retries: dead-letter/ with every failure in the twin" {
	local receipt
	mount_queues 'mail: { max_retries: 2, backoff_ms: 10 }'
	receipt=$(enqueue mail a hello)
	for n in 1 2 3; do
		timeout 20 cat "$M/mail/claim/w$n" >/dev/null
		mv "$M/mail/claim/w$n" "$M/mail/retries/"
	done
	equal "$receipt" "$(jobs_in mail/dead-letter)"
	equal "" "$(jobs_in mail/retries)"
	equal "1:w1 2:w2 3:w3" "$(jq -r '[.failures[] | "\(.attempt):\(.worker)"] | join(" ")' "$M/mail/dead-letter/$receipt.json")"
	equal hello "$(cat "$M/mail/dead-letter/$receipt")"
	no_claim mail w
}

@test "max_retries: 0: the first failure is the last" {
	local receipt
	mount_queues 'mail: { max_retries: 0 }'
	receipt=$(enqueue mail a hello)
	fail_once mail w
	equal "$receipt" "$(jobs_in mail/dead-letter)"
}

@test "a failed job is not in its queue's listing until it is due" {
	local receipt
	mount_queues 'mail: { backoff_ms: 500 }'
	receipt=$(enqueue mail a hello)
	fail_once mail w
	equal "" "$(jobs_in mail)"
	absent "$M/mail/$receipt"
	eventually [ -e "$M/mail/$receipt" ]
	equal "" "$(jobs_in mail/backoff)"
	equal "$receipt" "$(jobs_in mail)"
}

@test "a waiter is woken when a backoff ends" {
	local pid
	mount_queues 'mail: { backoff_ms: 300 }'
	enqueue mail a hello
	fail_once mail w1
	cat "$M/mail/claim/w2" >"$T/out" 3>&- &
	pid=$!
	eventually ended $pid
	equal hello "$(cat "$T/out")"
}

@test "timeout_ms: a claim without a verdict is a failed attempt" {
	local receipt
	mount_queues 'mail: { timeout_ms: 300, backoff_ms: 10 }'
	receipt=$(enqueue mail a hello)
	timeout 20 cat "$M/mail/claim/w1" >/dev/null
	equal hello "$(timeout 20 cat "$M/mail/claim/w2")"
	equal 2 "$(fact mail "$receipt" attempt)"
	contains "$(jq -r '.failures[0].reason' "$M/mail/receipts/$receipt.json")" timeout
	refused 'No such file or directory' rm "$M/mail/claim/w1"
}

@test "touch claim/WORKER is the heartbeat: the timeout starts again" {
	local receipt n
	mount_queues 'mail: { timeout_ms: 1500 }'
	receipt=$(enqueue mail a hello)
	claim mail w >/dev/null
	for n in 1 2 3 4 5 6; do
		sleep 0.5 # longer than the timeout in all, and shorter each
		touch "$M/mail/claim/w"
	done
	equal "running 0" "$(fact mail "$receipt" state) $(fact mail "$receipt" 'failures | length')"
	rm "$M/mail/claim/w"
}

@test "a late worker never ends another's claim" {
	# Long enough for what follows the second claim to come before its end as well.
	mount_queues 'mail: { timeout_ms: 3000, backoff_ms: 1, concurrency: 1 }'
	enqueue mail a hello
	timeout 20 cat "$M/mail/claim/slow" >/dev/null
	timeout 20 cat "$M/mail/claim/quick" >/dev/null
	refused 'No such file or directory' mv "$M/mail/claim/slow" "$M/mail/retries/"
	equal quick "$(fact mail "$(jobs_in mail/running)" worker)"
}

# ---- limits

@test "concurrency: no more jobs are claimed at once than that" {
	mount_queues 'mail: { concurrency: 2 }'
	enqueue mail a one
	enqueue mail b two
	enqueue mail c three
	equal one "$(claim mail w1)"
	equal two "$(claim mail w2)"
	no_claim mail w3
	equal one "$(claim mail w1)"
	rm "$M/mail/claim/w1"
	equal three "$(claim mail w3)"
	no_claim mail w4
}

@test "concurrency: a waiter is woken when a claim ends, by rm, mv or an operator" {
	local pid n=0 end
	mount_queues 'mail: { concurrency: 1, backoff_ms: 3600000 }'
	for end in 'rm claim/w' 'mv claim/w retries/' 'mv claim/w dead-letter/' 'mv running/* dead-letter/'; do
		enqueue mail a "held $end"
		enqueue mail b "next $end"
		claim mail w >/dev/null
		waiting_reader next "$T/out"
		pid=$!
		(cd "$M/mail" && bash -c "$end")
		eventually ended $pid
		equal "next $end" "$(cat "$T/out")"
		rm "$M/mail/claim/next"
	done
}

@test "concurrency: 8 busy workers never hold more than 3, and each job is done once" {
	mount_queues 'mail: { concurrency: 3 }'
	timeout 60 python3 - "$M/mail" "$STORE" 3>&- <<-'EOF'
	import multiprocessing, os, sqlite3, sys
	q = sys.argv[1]
	# One moment's view; a listing is several requests, between which jobs come and go.
	store = sqlite3.connect("file:%s?mode=ro" % sys.argv[2], uri=True)
	def running(): return store.execute("select count(*) from running").fetchone()[0]
	JOBS = 200
	held = multiprocessing.Value("i", 0)
	most = multiprocessing.Value("i", 0)
	def hold(change):
	    with held.get_lock():
	        held.value += change
	        most.value = max(most.value, held.value)
	def work(w, done):
	    name = q + "/claim/w%d" % w
	    while True:
	        with open(name) as f: body = f.read()
	        hold(1)
	        if body != "stop": done.put(int(body))
	        hold(-1)
	        os.unlink(name)
	        if body == "stop": return
	done = multiprocessing.Queue()
	workers = [multiprocessing.Process(target=work, args=(w, done)) for w in range(8)]
	for p in workers: p.start()
	for n in range(JOBS):
	    with open(q + "/new", "w") as f: f.write(str(n))
	for p in workers:
	    with open(q + "/new", "w") as f: f.write("stop")
	got = [done.get(timeout=30) for n in range(JOBS)]
	for p in workers: p.join(30)
	assert sorted(got) == list(range(JOBS))
	assert 1 <= most.value <= 3, most.value
	EOF
	equal 0 "$(count_in mail)"
	equal 0 "$(count_in mail/running)"
}

@test "claims survive a new mount: same job, same attempt, same verdict" {
	local receipt
	mount_queues 'mail: { concurrency: 1 }'
	receipt=$(enqueue mail a hello)
	enqueue mail b other
	claim mail w >/dev/null
	restart
	equal "$receipt" "$(jobs_in mail/running)"
	equal w "$(ls "$M/mail/claim")"
	no_claim mail w2
	equal hello "$(claim mail w)"
	equal 1 "$(fact mail "$receipt" attempt)"
	rm "$M/mail/claim/w"
	equal other "$(claim mail w)"
}

# ---- fifo

ledger()
{
	mount_queues 'ledger: { type: fifo, message_group_field: account_id, backoff_ms: 3600000 }'
}

# transaction ACCOUNT AMOUNT: prints the receipt.
transaction()
{
	enqueue ledger "$1-$2" "{\"account_id\":\"$1\",\"amount\":$2}"
}

# amount WORKER: claims, and prints the transaction's account and amount.
amount()
{
	claim ledger "$1" | jq -r '"\(.account_id) \(.amount)"'
}

@test "fifo: one at a time within a group, groups beside each other" {
	ledger
	transaction A 1
	transaction A 2
	transaction B 1
	equal "A 1" "$(amount w1)"
	equal "B 1" "$(amount w2)"
	no_claim ledger w3
	rm "$M/ledger/claim/w1"
	equal "A 2" "$(amount w3)"
}

@test "fifo: a failing head keeps its group waiting and no other" {
	local head
	ledger
	head=$(transaction A 1)
	transaction A 2
	transaction B 1
	equal "A 1" "$(amount w)"
	mv "$M/ledger/claim/w" "$M/ledger/retries/"
	equal "B 1" "$(amount w)"
	rm "$M/ledger/claim/w"
	no_claim ledger w
	mv "$M/ledger/backoff/$head" "$M/ledger/"
	equal "A 1" "$(amount w)"
	rm "$M/ledger/claim/w"
	equal "A 2" "$(amount w)"
}

@test "fifo: a dead, a cancelled or a done head frees the next" {
	local second
	ledger
	transaction A 1
	second=$(transaction A 2)
	transaction A 3
	transaction A 4
	equal "A 1" "$(amount w)"
	mv "$M/ledger/claim/w" "$M/ledger/dead-letter/"
	rm "$M/ledger/$second"
	equal "A 3" "$(amount w)"
	rm "$M/ledger/claim/w"
	equal "A 4" "$(amount w)"
}

@test "fifo: a waiter is woken when the head of its group is done" {
	local pid
	ledger
	transaction A 1
	transaction A 2
	amount w1
	waiting_reader w2 "$T/out" ledger
	pid=$!
	rm "$M/ledger/claim/w1"
	eventually ended $pid
	contains "$(cat "$T/out")" '"amount":2'
}

@test "fifo: a redriven job goes to the tail of its group" {
	local first
	ledger
	first=$(transaction A 1)
	transaction A 2
	mv "$M/ledger/$first" "$M/ledger/dead-letter/"
	mv "$M/ledger/dead-letter/$first" "$M/ledger/"
	equal "A 2" "$(amount w)"
	rm "$M/ledger/claim/w"
	equal "A 1" "$(amount w)"
}

@test "fifo: the group of 1 is the group of \"1\"" {
	ledger
	enqueue ledger a '{"account_id":1}'
	enqueue ledger b '{"account_id":"1"}'
	claim ledger w1 >/dev/null
	no_claim ledger w2
}

@test "fifo: 4 workers, 10 groups, failures between: order is kept in every group" {
	mount_queues 'ledger: { type: fifo, message_group_field: g, backoff_ms: 1, max_retries: 100 }'
	timeout 60 python3 - "$M/ledger" 3>&- <<-'EOF'
	import json, os, random, sys, threading, time
	q = sys.argv[1]
	for n in range(200):
	    with open(q + "/new", "w") as f: json.dump({"g": "g%d" % (n % 10), "n": n}, f)
	done, lock = [], threading.Lock()
	def work(w):
	    dice = random.Random(w)
	    name = q + "/claim/w%d" % w
	    while True:
	        with open(name) as f: job = json.load(f)
	        if job["g"].startswith("stop"):
	            os.unlink(name)
	            return
	        if dice.random() < 0.2:
	            os.rename(name, q + "/retries/w%d" % w)
	            continue
	        with lock: done.append(job)
	        os.unlink(name)
	threads = [threading.Thread(target=work, args=(w,), daemon=True) for w in range(4)]
	for t in threads: t.start()
	end = time.monotonic() + 40
	while len(done) < 200:
	    assert time.monotonic() < end, len(done)
	    time.sleep(0.01)
	for w in range(4):
	    with open(q + "/new", "w") as f: json.dump({"g": "stop%d" % w}, f)
	for t in threads: t.join(20)
	assert len(done) == 200
	for g in range(10):
	    got = [j["n"] for j in done if j["g"] == "g%d" % g]
	    assert got == sorted(got), got
	EOF
	equal 0 "$(live_in ledger)"
}

# The kernel's bounds as files, seen by the daemon alone.
@test "where the kernel bounds requests, a wait ends before with EAGAIN, and the log says so" {
	configure 'mail: {}'
	mkdir "$T/fuse"
	echo 2 >"$T/fuse/default_request_timeout"
	echo 0 >"$T/fuse/max_request_timeout"
	unshare -m --propagation private bash -c '
mount --bind "$0" /proc/sys/fs/fuse || exit 1
"$1" -o "log=$2" "$3" "$4" || exit 1
"$5" "$4/mail/claim/w" 2>&1
fusermount3 -u "$4"' "$T/fuse" "$SPOOLFS" "$LOG" "$CONFIG" "$M" cat >"$T/said" 3>&- || false
	log_expect 'claims wait for a job for half of that'
	contains "$(cat "$T/said")" 'Resource temporarily unavailable'
}
