#!/usr/bin/env bats
# select, poll and epoll on a claim that is open for reading and writing.

load harness

queue()
{
	mount_queues 'mail: { concurrency: 100 }' 'other: {}'
	C=$M/mail/claim
}

PRELUDE='
import select
def opened(path): return os.open(path, os.O_RDWR | os.O_NONBLOCK)
def put(queue, text):
    with open(queue + "/new", "w") as f: f.write(text)
def ready(fd, ms):
    p = select.poll(); p.register(fd, select.POLLIN)
    return [e for f, e in p.poll(ms)]
'

@test "nothing to be had: not ready; a job: ready, and the read returns it at once" {
	queue
	py "$PRELUDE"'
fd = opened(a[0] + "/claim/w")
assert ready(fd, 0) == [] and ready(fd, 50) == []
put(a[0], "one")
assert ready(fd, 5000) == [select.POLLIN]
assert os.read(fd, 10) == b"one"
os.write(fd, b"done")
assert ready(fd, 0) == []
put(a[0], "two")
assert ready(fd, 0) == [select.POLLIN]
assert os.read(fd, 10) == b"two"
os.write(fd, b"done")' "$M/mail"
	equal 0 "$(live_in mail)"
}

@test "poll, select and epoll are woken by a job, in both queues" {
	queue
	py "$PRELUDE"'
import threading
mail, other = opened(a[0] + "/claim/w"), opened(a[1] + "/claim/w")
def later(queue, text): threading.Timer(0.2, put, (queue, text)).start()
def end(fd, want):
    assert os.read(fd, 10) == want
    os.write(fd, b"done")
later(a[0], "poll"); assert ready(mail, 10000) == [select.POLLIN]; end(mail, b"poll")
later(a[1], "select"); assert select.select([mail, other], [], [], 10)[0] == [other]; end(other, b"select")
e = select.epoll(); e.register(mail, select.EPOLLIN); e.register(other, select.EPOLLIN)
assert e.poll(0.05) == []
later(a[0], "epoll"); assert e.poll(10) == [(mail, select.EPOLLIN)]; end(mail, b"epoll")
later(a[1], "again"); assert e.poll(10) == [(other, select.EPOLLIN)]; end(other, b"again")
for n in range(3):
    later(a[0], "job%d" % n); assert e.poll(10) == [(mail, select.EPOLLIN)]; end(mail, b"job%d" % n)' "$M/mail" "$M/other"
}

@test "pollers and readers are served in order of arrival" {
	local pid
	queue
	py "$PRELUDE"'
fd = opened(a[0])
assert ready(fd, 0) == [] 
p = select.poll(); p.register(fd, select.POLLIN)
print("waits", flush=True)
assert p.poll(20000)
print(os.read(fd, 10).decode(), flush=True)
os.write(fd, b"done")' "$C/poller" >"$T/poller" &
	pid=$!
	eventually grep -q waits "$T/poller"
	eventually sleeping_in_poll
	waiting_reader reader "$T/reader"
	echo first >"$M/mail/new"
	eventually ended $pid
	contains "$(cat "$T/poller")" first
	echo second >"$M/mail/new"
	eventually grep -q second "$T/reader"
}

sleeping_in_poll()
{
	local pid
	for pid in $(pgrep -f "claim/poller"); do
		! grep -q poll "/proc/$pid/wchan" || return 0
	done
	return 1
}

@test "ready, closed without a read: released, not counted" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	py "$PRELUDE"'
fd = opened(a[0])
assert ready(fd, 5000)' "$C/w"
	eventually equal "$receipt" "$(jobs_in mail)"
	equal 0 "$(fact mail "$receipt" attempt)"
}

@test "a poller that is killed takes no job with it" {
	local pid
	queue
	py "$PRELUDE"'
fd = opened(a[0])
ready(fd, 60000)' "$C/poller" 3>&- &
	pid=$!
	eventually sleeping_in_poll
	pkill -KILL -f "$C/poller"
	eventually ended $pid
	enqueue mail a hello
	equal hello "$(claim mail w)"
	equal 1 "$(fact mail "$(fact_held mail w)" attempt)"
}

@test "other files are always ready" {
	queue
	echo hello >"$M/mail/a.tmp"
	py "$PRELUDE"'
for path in a: assert ready(os.open(path, os.O_RDONLY), 0) == [select.POLLIN], path' "$M/README" "$M/mail/a.tmp" "$M/mail/paused"
}

@test "a poller across crashes of the engine" {
	export DEADLINE=60
	local pid
	queue
	py "$PRELUDE"'
fd = opened(a[0])
p = select.poll(); p.register(fd, select.POLLIN)
for n in range(3):
    while not p.poll(30000): pass
    print(os.read(fd, 10).decode().strip(), flush=True)
    os.write(fd, b"done")' "$C/poller" >"$T/out" 3>&- &
	pid=$!
	for n in 1 2 3; do
		eventually sleeping_in_poll
		kill -KILL "$(engine)"
		log_expect 'signal 9'
		echo "job$n" >"$M/mail/new"
		eventually grep -q "job$n" "$T/out"
	done
	eventually ended $pid
	equal 0 "$(live_in mail)"
}
