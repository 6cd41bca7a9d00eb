#!/usr/bin/env bats
# One descriptor for reading and writing: job, verdict, next job.

load harness

queue()
{
	mount_queues 'mail: { backoff_ms: 3600000, concurrency: 100 }'
	C=$M/mail/claim
}

@test "a shell with exec 3<>: the next job begins where the descriptor stands" {
	local n job
	queue
	for n in 1 2 3; do
		echo "job $n" >"$M/mail/new"
	done
	exec 4<>"$C/w"
	for n in 1 2 3; do
		job=$(cat <&4)
		equal "job $n" "$job"
		echo 'done' >&4
	done
	exec 4>&-
	equal 0 "$(live_in mail)"
}

@test "fstat has each job's size, the extended attributes its receipt; pread at 0" {
	queue
	enqueue mail a one
	enqueue mail b sixteen
	py '
fd = os.open(a[0], os.O_RDWR)
seen = []
for body in (b"one", b"sixteen"):
    assert os.pread(fd, 100, 0) == body
    assert os.pread(fd, 100, 0) == body
    assert os.pread(fd, 2, 1) == body[1:3]
    assert os.pread(fd, 100, len(body)) == b""
    assert os.fstat(fd).st_size == len(body), (os.fstat(fd).st_size, body)
    seen.append(os.getxattr(fd, "user.spoolfs.receipt"))
    os.utime(fd)
    assert os.pwrite(fd, b"done " + seen[-1], 0) == 41
assert len(set(seen)) == 2' "$C/w"
	equal 0 "$(live_in mail)"
}

@test "200 kB jobs, read in pieces" {
	queue
	py '
jobs = [os.urandom(200000 + n) for n in range(3)]
for job in jobs:
    with open(a[1], "wb") as f: f.write(job)
fd = os.open(a[0], os.O_RDWR)
for job in jobs:
    got = b""
    while True:
        piece = os.read(fd, 65536)
        if not piece: break
        got += piece
    assert got == job, (len(got), len(job))
    os.write(fd, b"done")' "$C/w" "$M/mail/new"
}

@test "O_NONBLOCK: opened without a job, EAGAIN until there is one, ENOENT for words" {
	queue
	equal "EAGAIN ENOENT b'hello' EAGAIN" "$(py '
def err(fn):
    try: return fn()
    except OSError as e: return errno.errorcode[e.errno]
fd = os.open(a[0], os.O_RDWR | os.O_NONBLOCK)
out = [err(lambda: os.read(fd, 10)), err(lambda: os.write(fd, b"done"))]
with open(a[1], "w") as f: f.write("hello")
out += [os.read(fd, 10)]
os.write(fd, b"done")
out += [err(lambda: os.read(fd, 10))]
print(*out)' "$C/w" "$M/mail/new")"
}

@test "a read waits, is woken by a job, and can be interrupted and killed" {
	local pid
	queue
	enqueue mail a one
	py '
fd = os.open(a[0], os.O_RDWR)
os.read(fd, 10); os.write(fd, b"done")
print(os.read(fd, 10), flush=True)
os.write(fd, b"done")' "$C/w" >"$T/out" &
	pid=$!
	eventually waiting_python
	echo two >"$M/mail/new"
	eventually ended $pid
	equal "b'two\\n'" "$(cat "$T/out")"
	timeout -s KILL 1 python3 -c 'import os, sys; os.read(os.open(sys.argv[1], os.O_RDWR), 10)' "$C/w" || true
	echo three >"$M/mail/new"
	equal three "$(claim mail other)"
	equal 1 "$(fact mail "$(fact_held mail other)" attempt)"
}

waiting_python()
{
	local pid
	for pid in $(pgrep -f "$C/w"); do
		! blocked "$pid" || return 0
	done
	return 1
}

@test "requests: an open, a read and a write for each job" {
	local requests
	configure 'mail: { concurrency: 100 }'
	timeout 60 "$SPOOLFS" -f -d "$CONFIG" "$M" >"$T/debug" 2>&1 3>&- </dev/null &
	eventually mounted
	for n in {1..20}; do
		echo "job $n" >"$M/mail/new"
	done
	: >"$T/debug"
	py '
fd = os.open(a[0], os.O_RDWR)
for n in range(20):
    assert os.read(fd, 4096) == b"job %d\n" % (n + 1)
    os.write(fd, b"done")
os.close(fd)' "$M/mail/claim/w"
	eventually grep -q 'request [0-9]* RELEASE ' "$T/debug"
	requests=$(grep -c 'request [0-9]* ' "$T/debug")
	equal "20 20" "$(grep -c 'request [0-9]* READ ' "$T/debug") $(grep -c 'request [0-9]* WRITE ' "$T/debug")"
	((requests <= 50)) || {
		grep -o 'request [0-9]* [A-Z]*' "$T/debug" | cut -d' ' -f3 | sort | uniq -c
		return 1
	}
}
