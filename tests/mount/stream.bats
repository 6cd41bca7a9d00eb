#!/usr/bin/env bats
# `stream`: one job per line. Receipts that the writer of `stream` and `new` can read.

load harness

LEDGER='ledger: { type: fifo, message_group_field: g, concurrency: 100 }'

# rejected_bytes QUEUE: what is in its rejected/, one file there.
rejected_bytes()
{
	cat "$M/$1/rejected/"*
}

# crash: kills the engine process; the call that comes next waits for another.
crash()
{
	kill -KILL "$(engine)"
	log_expect 'engine|signal 9|[Kk]illed'
}

# ---- lines

@test "each line is a job, an empty one is none" {
	mount_queues 'mail: {}'
	printf 'one\n\ntwo\n\n\n' >"$M/mail/stream"
	dash -c 'echo three >>"$1"' dash "$M/mail/stream"
	seq 2 | tee "$M/mail/stream" >/dev/null
	echo four | dd of="$M/mail/stream" status=none
	echo five >"$T/five"
	cp "$T/five" "$M/mail/stream"
	equal 'one two three 1 2 four five' "$(payloads mail)"
	equal 0 "$(find "$M/mail/rejected" -type f | wc -l)"
}

@test "100,000 lines by cat, in order" {
	mount_queues 'mail: {}'
	seq -f 'job %06g' 0 99999 >"$T/lines"
	timeout 60 cat "$T/lines" >"$M/mail/stream"
	py 'jobs = [name for name in os.listdir(a[0]) if len(name) == 36]
assert len(jobs) == 100000, len(jobs)
assert jobs == sorted(jobs)
for at in list(range(0, 100000, 997)) + [99999]:
    with open(a[0] + "/" + jobs[at]) as job:
        assert job.read() == "job %06d" % at' "$M/mail"
}

@test "a job is there when write(2) returns; 1 MiB of lines is one write" {
	mount_queues 'mail: {}'
	py 'fd = os.open(a[0] + "/stream", os.O_WRONLY)
assert os.write(fd, b"one\ntwo\n") == 8
assert len([name for name in os.listdir(a[0]) if len(name) == 36]) == 2
assert os.write(fd, (b"x" * 1023 + b"\n") * 1024) == 1 << 20
assert len([name for name in os.listdir(a[0]) if len(name) == 36]) == 1026' "$M/mail"
}

@test "a line that is cut by the end of a write waits for its rest, each writer's apart" {
	mount_queues 'mail: {}'
	exec 4>"$M/mail/stream" 5>"$M/mail/stream"
	printf 'a1\na' >&4
	printf 'b' >&5
	printf 2 >&4
	printf '1\nb' >&5
	equal 'a1 b1' "$(payloads mail)"
	printf '\n' >&4
	printf '2\n' >&5
	equal 'a1 b1 a2 b2' "$(payloads mail)"
	exec 4>&- 5>&-
	equal 4 "$(count_in mail)"
}

@test "the line without an end is a job at the last close" {
	mount_queues 'mail: {}'
	exec 4>"$M/mail/stream"
	printf 'one\ntwo' >&4
	(exec 4>&-)
	equal one "$(payloads mail)"
	exec 4>&-
	equal 'one two' "$(payloads mail)"
}

@test "opened without writing is no job" {
	mount_queues 'mail: {}'
	: >"$M/mail/stream"
	: >>"$M/mail/stream"
	equal 0 "$(live_in mail)"
	equal 0 "$(find "$M/mail/rejected" -type f | wc -l)"
}

# ---- refusals

@test "a bad line: the write says how far it got, and the next one gets the error" {
	mount_queues "$LEDGER"
	py 'good, bad = b"{\"g\":1}\n", b"not json\n"
fd = os.open(a[0] + "/stream", os.O_WRONLY)
data = good * 2 + b"\n" + bad + good
assert os.write(fd, data) == 17
try:
    os.write(fd, data[17:])
except OSError as e:
    assert e.errno == errno.EINVAL
else:
    raise AssertionError("taken")
assert os.write(fd, data[17 + len(bad):]) == len(good)
os.close(fd)' "$M/ledger"
	equal '{"g":1} {"g":1} {"g":1}' "$(payloads ledger)"
	equal 0 "$(find "$M/ledger/rejected" -type f | wc -l)"
}

@test "cat says so" {
	mount_queues "$LEDGER"
	printf '{"g":1}\nnot json\n{"g":2}\n' >"$T/lines"
	refused 'Invalid argument' bash -c 'cat "$1" >"$2"' bash "$T/lines" "$M/ledger/stream"
	equal '{"g":1}' "$(payloads ledger)"
}

@test "a bad line that earlier writes have begun is rejected, with all its bytes" {
	mount_queues "$LEDGER"
	py 'fd = os.open(a[0] + "/stream", os.O_WRONLY)
os.write(fd, b"{\"g\":1}\n{\"g\":")
try:
    os.write(fd, b"null}\n{\"g\":2}\n")
except OSError as e:
    assert e.errno == errno.EINVAL
else:
    raise AssertionError("taken")
os.write(fd, b"{\"g\":3}\n")
os.close(fd)' "$M/ledger"
	equal '{"g":1} {"g":3}' "$(payloads ledger)"
	equal '{"g":null}' "$(rejected_bytes ledger)"
	contains "$(cat "$M/ledger/rejected/$(ls "$M/ledger/rejected").json")" 'group field g is null'
}

@test "a bad line without an end: EINVAL at close, and it is rejected" {
	mount_queues "$LEDGER"
	equal EINVAL "$(errno_of '
fd = os.open(a[0] + "/stream", os.O_WRONLY)
os.write(fd, b"{\"g\":1}\n{\"g\":")
os.close(fd)' "$M/ledger")"
	equal '{"g":1}' "$(payloads ledger)"
	equal '{"g":' "$(rejected_bytes ledger)"
}

# A shell closes a copy of the descriptor after each command; such a close finds half a line.
@test "what a close of a copy says of half a line does not concern the whole one" {
	mount_queues "$LEDGER"
	py 'fd = os.open(a[0] + "/stream", os.O_WRONLY)
os.write(fd, b"{\"g\":")
try:
    os.close(os.dup(fd))
except OSError as e:
    assert e.errno == errno.EINVAL
else:
    raise AssertionError("closed")
os.write(fd, b"1}\n{\"g\":2}")
os.close(fd)' "$M/ledger"
	equal '{"g":1} {"g":2}' "$(payloads ledger)"
	equal 0 "$(find "$M/ledger/rejected" -type f | wc -l)"
}

@test "a line longer than max_payload_bytes: EFBIG at write" {
	mount_queues 'mail: { max_payload_bytes: 10 }'
	equal EFBIG "$(errno_of '
fd = os.open(a[0] + "/stream", os.O_WRONLY)
assert os.write(fd, b"0123456789\n") == 11
os.write(fd, b"0123456789a\n")' "$M/mail")"
	equal 0123456789 "$(payloads mail)"
}

@test "a full queue: ENOSPC at open; a write gets as far as there is room" {
	mount_queues 'mail: { max_jobs: 3 }'
	py 'fd = os.open(a[0] + "/stream", os.O_WRONLY)
assert os.write(fd, b"1\n2\n3\n4\n5\n") == 6
try:
    os.write(fd, b"4\n5\n")
except OSError as e:
    assert e.errno == errno.ENOSPC
else:
    raise AssertionError("taken")' "$M/mail"
	equal '1 2 3' "$(payloads mail)"
	equal ENOSPC "$(errno_of 'os.open(a[0] + "/stream", os.O_WRONLY)' "$M/mail")"
}

@test "a queue with more than its jobs: half a line keeps its place" {
	local receipt
	mount_queues 'mail: { max_jobs: 2 }'
	receipt=$(bury mail a dead)
	exec 4>"$M/mail/stream"
	printf ha >&4
	echo one >"$M/mail/new"
	mv "$M/mail/dead-letter/$receipt" "$M/mail/"
	refused 'No space left on device' bash -c 'echo lf >&4'
	rm "$M/mail/$receipt"
	echo lf >&4
	exec 4>&-
	equal 'one half' "$(payloads mail)"
}

@test "a queue with more than its jobs: what a close has taken is a job" {
	local receipt
	mount_queues 'mail: { max_jobs: 1 }'
	receipt=$(bury mail a dead)
	# A descriptor on its way through a socket goes without another flush.
	py 'import socket
one, other = socket.socketpair()
fd = os.open(a[0] + "/stream", os.O_WRONLY)
os.write(fd, b"last")
socket.send_fds(one, [b"x"], [fd])
os.close(fd)
os.rename(a[0] + "/dead-letter/" + a[1], a[0] + "/" + a[1])
one.close()
other.close()' "$M/mail" "$receipt"
	equal 'dead last' "$(payloads mail)"
	equal "" "$(ls "$M/mail/rejected")"
}

@test "a queue with more than its jobs: what a close has refused is no job, whoever reads receipts" {
	local receipt
	mount_queues 'mail: { max_jobs: 2 }'
	receipt=$(bury mail a dead)
	py 'fd = os.open(a[0] + "/stream", os.O_RDWR)
os.write(fd, b"one\nlast")
os.rename(a[0] + "/dead-letter/" + a[1], a[0] + "/" + a[1])
try:
    os.close(fd)
except OSError as e:
    assert e.errno == errno.ENOSPC, e
else:
    raise AssertionError' "$M/mail" "$receipt"
	equal 'one dead' "$(payloads mail)"
	equal last "$(cat "$M/mail/rejected"/*-????????????)"
}

@test "a writer that is killed: its lines are jobs, the one without an end is rejected" {
	mount_queues 'mail: {}'
	run bash -c 'printf "one\ntwo" >"$1"; exec 4>"$1"; printf "three\nhalf" >&4; kill -9 $$' bash "$M/mail/stream"
	equal 137 "$status"
	equal 'one two three' "$(payloads mail)"
	equal half "$(rejected_bytes mail)"
	matches "$(getfattr --absolute-names --only-values -n user.spoolfs.reason "$M/mail/rejected/"*)" \
		'^writer [0-9]+ was killed by signal 9$'
}

# ---- receipts

@test "exec 3<>stream in bash and dash: the receipts, a line each, in order" {
	local shell
	mount_queues 'mail: {}'
	for shell in bash dash; do
		"$shell" -c 'exec 3<>"$1"; printf "one\ntwo\n" >&3; read -r a <&3; read -r b <&3
			echo three >&3; read -r c <&3; read -r d <&3 && exit 9; echo "$a $b $c"' \
			"$shell" "$M/mail/stream" >"$T/$shell"
		equal "$(jobs_in mail | paste -s -d ' ')" "$(cat "$T/$shell")"
		equal 'one two three' "$(payloads mail)"
		rm "$M/mail/"????????-*
	done
}

@test "exec 3<>new in bash and dash: the receipt, before the job is there" {
	local shell
	mount_queues 'mail: {}'
	for shell in bash dash; do
		"$shell" -c 'exec 3<>"$1/new"; printf "hello " >&3; echo world >&3; read -r a <&3; read -r b <&3 && exit 9
			test -e "$1/$a" && exit 8; echo "$a"' "$shell" "$M/mail" >"$T/$shell"
		equal "$(cat "$T/$shell")" "$(jobs_in mail)"
		equal 'hello world' "$(payloads mail)"
		rm "$M/mail/$(cat "$T/$shell")"
	done
}

@test "the receipt that new tells is that of what is rejected, too" {
	mount_queues 'mail: { max_payload_bytes: 10 }'
	run bash -c 'exec 3<>"$1"; echo hello >&3; read -r a <&3; echo "$a"; echo 0123456789 >&3' bash "$M/mail/new"
	contains "$output" 'File too large'
	equal "${lines[0]}" "$(ls "$M/mail/rejected")"
	equal hello "$(rejected_bytes mail)"
}

@test "a descriptor that cannot be read is told nothing: EBADF" {
	local name
	mount_queues 'mail: {}'
	for name in new stream; do
		equal EBADF "$(errno_of '
fd = os.open(a[0], os.O_WRONLY)
os.write(fd, b"one\n")
os.read(fd, 100)' "$M/mail/$name")"
	done
}

# ---- kill -9 of the engine process

@test "the engine is killed between writes: half lines and receipts are as they were" {
	local receipts=() line
	mount_queues 'mail: {}'
	exec 4<>"$M/mail/stream" 5<>"$M/mail/new"
	printf 'one\ntwo\nth' >&4
	printf hello >&5
	read -r line <&4
	receipts+=("$line")
	crash
	printf 'ree\nfo' >&4
	read -r line <&5
	receipts+=("$line")
	crash
	read -r line <&4
	receipts+=("$line")
	read -r line <&4
	receipts+=("$line")
	exec 5>&-
	crash
	exec 4>&-
	equal 'one two three hello fo' "$(payloads mail)"
	equal "$(for line in "${receipts[@]}"; do cat "$M/mail/$line" && echo; done | paste -s -d ' ')" \
		'one hello two three'
}

@test "the engine is killed again and again under a writer: each line is one job, each receipt is told once" {
	mount_queues 'mail: {}'
	py 'fd = os.open(a[0] + "/stream", os.O_RDWR)
receipts = b""
for n in range(1500):
    half = b"job %d" % n
    assert os.write(fd, half[:3]) == 3
    assert os.write(fd, half[3:] + b"\n") == len(half) - 2
    if n % 3 == 0:
        receipts += os.read(fd, 1000)
    if n % 100 == 50:
        print(n, flush=True)
while True:
    got = os.read(fd, 1000)
    if not got:
        break
    receipts += got
os.close(fd)
listed = [name for name in os.listdir(a[0]) if len(name) == 36]
assert receipts.decode().split() == listed, (len(receipts.split()), len(listed))
for n, name in enumerate(listed):
    with open(a[0] + "/" + name) as job:
        assert job.read() == "job %d" % n
print("right")' "$M/mail" >"$T/said" &
	tail -f --pid=$! "$T/said" 3>&- | while read -r line; do
		[ "$line" = right ] || kill -KILL "$(engine)"
	done
	wait $!
	equal right "$(tail -n 1 "$T/said")"
	log_expect 'engine|signal 9|[Kk]illed'
}
