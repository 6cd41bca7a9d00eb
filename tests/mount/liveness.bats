#!/usr/bin/env bats
# Dead workers are noticed: by their pid in the worker's name, by their open descriptor, by the timeout.

load harness

queue()
{
	mount_queues 'mail: { backoff_ms: 3600000, concurrency: 100, max_retries: 9 }'
	C=$M/mail/claim
}

# worker [SETUP...]: a shell that claims a job under its pid, says which to $T/worker, and stays until
# it is killed; its children in $T/child.
worker()
{
	# shellcheck disable=SC2016
	"$@" bash -c 'cat "$1/claim/$$" >"$2/got" && echo $$ >"$2/worker.tmp" && mv "$2/worker.tmp" "$2/worker"
		kill -STOP $$; while :; do sleep 1; done' bash "$M/mail" "$T" 3>&- &
	eventually test -e "$T/worker"
}

reason()
{
	fact mail "$1" 'failures[-1].reason'
}

back()
{
	[ -n "$(jobs_in mail/backoff)" ]
}

@test "claim/\$\$: a worker that is killed has its job back, a failed attempt with the reason" {
	local receipt pid
	queue
	receipt=$(enqueue mail a hello)
	worker
	pid=$(cat "$T/worker")
	equal hello "$(cat "$T/got")"
	equal "$pid" "$(ls "$C")"
	kill -KILL "$pid"
	eventually back
	equal "worker $pid died" "$(reason "$receipt")"
	equal 1 "$(fact mail "$receipt" attempt)"
	equal "" "$(ls "$C")"
}

@test "a wait that outlives its worker is told so, and no job is wasted on it" {
	local receipt
	queue
	# shellcheck disable=SC2016
	bash -c 'exec 3>"$2/said"; cat "$1/claim/$$" >&3 2>&1 & echo $! >"$2/cat"; kill -STOP $$' bash "$M/mail" "$T" 3>&- &
	eventually test -s "$T/cat"
	eventually blocked "$(cat "$T/cat")"
	kill -KILL $!
	eventually ended $!
	receipt=$(enqueue mail a hello)
	eventually ended "$(cat "$T/cat")"
	contains "$(cat "$T/said")" "Device or resource busy"
	equal hello "$(claim mail other)"
	equal 1 "$(fact mail "$(fact_held mail other)" attempt)"
	equal 0 "$(fact mail "$receipt" 'failures | length')"
}

@test "it takes less than 100 ms: the best of 5, since the machine may be busy" {
	queue
	enqueue mail a hello
	py '
import signal, subprocess
took = []
for n in range(5):
    worker = subprocess.Popen(["bash", "-c", "cat $0/claim/$$; read x", a[0]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert os.read(worker.stdout.fileno(), 10) == b"hello"
    start = time.monotonic()
    worker.kill()
    while not os.listdir(a[0] + "/backoff"): assert time.monotonic() - start < 20
    took.append(time.monotonic() - start)
    worker.wait()
    job = os.listdir(a[0] + "/backoff")[0]
    os.rename(a[0] + "/backoff/" + job, a[0] + "/" + job)
print(took)
assert min(took) < 0.1, took' "$M/mail"
}

@test "HOST.\$\$, a subshell and a child of it are the worker; others get EBUSY for everything" {
	local pid
	queue
	enqueue mail a hello
	cat >"$T/host.sh" <<-'EOT'
	w=$1/claim/host-1.$$
	(
		cat "$w" >"$2/got"
		bash -c 'cat "$1"; :' bash "$w" >>"$2/got"
		touch "$w"
	)
	echo $$ >"$2/worker.tmp"
	mv "$2/worker.tmp" "$2/worker"
	read -r x <"$2/fifo"
	(echo 'done' >"$w")
	EOT
	bash "$T/host.sh" "$M/mail" "$T" 3>&- &
	pid=$!
	mkfifo "$T/fifo"
	eventually test -e "$T/worker"
	equal hellohello "$(cat "$T/got")"
	pid=$(cat "$T/worker")
	equal EBUSY "$(errno_of 'os.open(a[0], os.O_RDONLY | os.O_NONBLOCK)' "$C/host-1.$pid")"
	equal EBUSY "$(errno_of 'os.unlink(a[0])' "$C/host-1.$pid")"
	equal EBUSY "$(errno_of 'os.rename(a[0], a[1])' "$C/host-1.$pid" "$M/mail/retries/host-1.$pid")"
	equal EBUSY "$(errno_of 'os.utime(a[0])' "$C/host-1.$pid")"
	equal EBUSY "$(errno_of 'os.write(os.open(a[0], os.O_WRONLY), b"done")' "$C/host-1.$pid")"
	equal "host-1.$pid" "$(ls "$C")"
	echo 'go' >"$T/fifo"
	eventually ended "$pid"
	eventually equal 0 "$(live_in mail)"
}

@test "a thread that claims is its process" {
	local pid
	queue
	enqueue mail a hello
	python3 -c '
import os, sys, threading, time
got = []
def work():
    with open("%s/%d" % (sys.argv[1], os.getpid())) as f: got.append(f.read())
t = threading.Thread(target=work); t.start(); t.join()
print(got[0], flush=True)
time.sleep(1000)' "$C" >"$T/out" 3>&- &
	pid=$!
	eventually grep -q hello "$T/out"
	equal "$pid" "$(ls "$C")"
	equal EBUSY "$(errno_of 'os.unlink(a[0])' "$C/$pid")"
	kill -KILL $pid
	eventually back
}

@test "two pid namespaces: each one's 1 is another worker, by its own number" {
	local receipt pid
	queue
	receipt=$(enqueue mail a hello)
	worker unshare -p -f --mount-proc
	equal 1 "$(cat "$T/worker")"
	equal 1 "$(ls "$C")"
	enqueue mail b other
	# shellcheck disable=SC2016
	equal busy "$(unshare -p -f --mount-proc bash -c 'cat "$1/1" 2>/dev/null || echo busy; :' bash "$C")"
	pid=$(pgrep -f "bash -c cat .*$T" | while read -r p; do grep -q -P 'NSpid:\t\d+\t1$' "/proc/$p/status" && echo "$p"; done)
	kill -KILL "$pid"
	eventually back
	equal "worker 1 died" "$(reason "$receipt")"
}

@test "a name that is nobody's number is bound to nobody" {
	queue
	enqueue mail a hello
	claim mail 999999 >/dev/null
	claim mail w.0 || true
	equal hello "$(claim mail 999999)"
	rm "$C/999999"
	equal 0 "$(live_in mail)"
}

@test "a worker that dies while nothing is mounted is noticed by the next mount, a living one is not" {
	local receipt pid
	queue
	receipt=$(enqueue mail a hello)
	worker
	pid=$(cat "$T/worker")
	stop
	start
	equal running "$(fact mail "$receipt" state)"
	equal EBUSY "$(errno_of 'os.unlink(a[0])' "$C/$pid")"
	stop
	kill -KILL "$pid"
	eventually ended "$pid"
	start
	eventually back
	equal "worker $pid died" "$(reason "$receipt")"
}

@test "the number of a process that ended and is another's now does not count" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	worker
	stop
	sqlite3 "$STORE" 'update job set wstart = wstart + 1 where wpid != 0'
	start
	eventually back
	equal "worker $(cat "$T/worker") died" "$(reason "$receipt")"
}

@test "an open that died before it read anything was no attempt" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	# shellcheck disable=SC2016
	bash -c 'exec 5<"$1/$$"; kill -KILL $$' bash "$C" || true
	eventually equal "$receipt" "$(jobs_in mail)"
	equal 0 "$(fact mail "$receipt" attempt)"
}

# ---- the descriptor

@test "O_RDWR: the last close without a verdict is a failed attempt" {
	local receipt pid
	queue
	receipt=$(enqueue mail a hello)
	exec 4<>"$C/w"
	equal hello "$(cat <&4)"
	(exec 4>&-)
	equal w "$(ls "$C")"
	exec 4>&-
	eventually back
	matches "$(reason "$receipt")" '^worker [0-9]+ closed its claim without a verdict$'
	mv "$M/mail/backoff/$receipt" "$M/mail/"
	python3 -c '
import os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
print(os.read(fd, 100), flush=True)
time.sleep(1000)' "$C/w" >"$T/out" 3>&- &
	pid=$!
	eventually grep -q hello "$T/out"
	kill -KILL $pid
	eventually back
	equal "worker $pid died" "$(reason "$receipt")"
}

@test "O_RDWR: closed unread is no attempt, and a verdict by rm is a verdict" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	exec 4<>"$C/w"
	exec 4>&-
	eventually equal "$receipt" "$(jobs_in mail)"
	equal 0 "$(fact mail "$receipt" attempt)"
	exec 4<>"$C/w"
	equal hello "$(cat <&4)"
	rm "$C/w"
	exec 4>&-
	equal 0 "$(live_in mail)"
}

# ---- crashes of the engine

crash()
{
	kill -KILL "$(engine)"
	log_expect 'signal 9'
}

@test "a worker that dies while the engine process is down, and one that dies after" {
	local receipt pid
	queue
	receipt=$(enqueue mail a hello)
	worker
	pid=$(cat "$T/worker")
	kill -STOP "$(engine)"
	kill -KILL "$pid"
	eventually ended "$pid"
	crash
	eventually back
	equal "worker $pid died" "$(reason "$receipt")"
	mv "$M/mail/backoff/$receipt" "$M/mail/"
	rm "$T/worker"
	worker
	pid=$(cat "$T/worker")
	crash
	equal running "$(fact mail "$receipt" state)"
	kill -KILL "$pid"
	eventually back
	equal 2 "$(fact mail "$receipt" attempt)"
}

@test "a descriptor that is closed while the engine process is down" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	exec 4<>"$C/w"
	equal hello "$(cat <&4)"
	crash
	equal running "$(fact mail "$receipt" state)"
	kill -STOP "$(engine)"
	exec 4>&-
	crash
	eventually back
	matches "$(reason "$receipt")" 'closed its claim|died'
}
