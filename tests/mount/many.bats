#!/usr/bin/env bats
# Much at once: lines of a stream, open drafts, bytes of drafts.

load harness

@test "stream: 100,000 lines of cat are 100,000 jobs, in few writes and transactions" {
	local writes
	configure 'mail: {}'
	("$SPOOLFS" -d -o "log=$LOG" "$CONFIG" "$M" >"$T/messages" 2>&1 3>&- </dev/null &)
	eventually mounted
	seq -f 'line %06.0f' 100000 >"$T/lines"
	cat "$T/lines" >"$M/mail/stream"
	equal 100000 "$(jobs_in mail | wc -l)"
	# One write is one transaction: 1.2 MB in pieces of 128 KiB.
	writes=$(grep -c -E 'request [0-9]+ WRITE /mail/stream' "$LOG")
	((writes <= 12))
	equal "line 000001" "$(cat "$M/mail/$(jobs_in mail | head -n 1)")"
	equal "line 100000" "$(cat "$M/mail/$(jobs_in mail | tail -n 1)")"
	sqlite3 -readonly "$STORE" 'select cast(body as text) from payload order by id' | cmp - "$T/lines"
}

@test "10,000 drafts are open at once, and each is a job" {
	ulimit -n 12000
	mount_queues 'mail: {}'
	py '
from multiprocessing.pool import ThreadPool
count = 10000
fds = [os.open("%s/d%d" % (a[0], i), os.O_WRONLY | os.O_CREAT) for i in range(count)]
for i, fd in enumerate(fds): os.write(fd, b"%d" % i)
assert sum(n.startswith("d") and n[1:].isdigit() for n in os.listdir(a[0])) == count
with ThreadPool(32) as pool: pool.map(os.close, fds) # together: they share commits
names = os.listdir(a[0])
assert not any(n[0] == "d" and n[1:].isdigit() for n in names)
jobs = [n for n in names if len(n) == 36]
assert len(jobs) == count, len(jobs)
assert len({open(a[0] + "/" + n).read() for n in jobs[::100]}) == count // 100' "$M/mail"
}

# 256 MiB: DRAFT_BYTES in main.c.
@test "the bytes of all drafts together are bounded: ENOSPC at write, and the mount goes on" {
	local before
	mount_queues 'mail: {}' 'other: {}'
	before=$(engine)
	matches "$before" '^[0-9]+$'
	py '
part, fds = b"x" * (1 << 20), []
def fill():
    while True:
        fds.append(os.open("%s/.d%d" % (a[0], len(fds)), os.O_WRONLY | os.O_CREAT))
        try:
            os.write(fds[-1], part)
        except OSError as e:
            return e.errno
assert fill() == errno.ENOSPC
assert 250 <= len(fds) <= 257, len(fds)
fd = os.open(a[1] + "/x", os.O_WRONLY | os.O_CREAT)
try:
    while os.write(fd, part[:4096]): pass
except OSError as e:
    assert e.errno == errno.ENOSPC
def close(fd): # a file that lacks what did not fit is no job
    try:
        os.close(fd)
    except OSError as e:
        return e.errno
assert close(fd) == errno.ENOSPC
assert [close(fd) for fd in fds] == [None] * (len(fds) - 1) + [errno.ENOSPC]
for n in range(len(fds)):
    os.unlink("%s/.d%d" % (a[0], n))' "$M/mail" "$M/other"
	equal 0 "$(count_in other)"
	echo hello >"$M/mail/a"
	equal hello "$(claim mail w)"
	equal "$before" "$(engine)"
}
