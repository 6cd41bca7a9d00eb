#!/usr/bin/env bats
# Disks that are full, on a small tmpfs, and disks that fail, for which strace puts errors in the
# place of the engine process's calls on the store's files.

load harness

# disk_mount SIZE: the store will be on a file system of its own.
disk_mount()
{
	mkdir "$T/disk"
	mount -t tmpfs -o "size=$1" spoolfs-test "$T/disk"
	STORE=$T/disk/queues.db
}

# disk_occupy: another program's file takes all the room there is.
disk_occupy()
{
	refused 'No space left' dd if=/dev/zero of="$T/disk/other" bs=4k oflag=append conv=notrunc status=none
	equal 0 "$(df --output=avail "$T/disk" | tail -n 1 | tr -d ' ')"
}

# disk_fails CALLS:error=ERRNO...: until disk_works.
disk_fails()
{
	strace -f -q -p "$(engine)" -o /dev/null -P "$STORE" -P "$STORE-wal" -P "$STORE-reserve" \
		"${@/#/-einject=}" 3>&- 4>&- 5>&- &
	FAULT=$!
	eventually traced "$FAULT"
}

traced()
{
	local task
	for task in /proc/"$(engine)"/task/*/status; do
		grep -q "^TracerPid:.$1\$" "$task" || return 1
	done
}

disk_works()
{
	kill "$FAULT"
	wait "$FAULT" || true
}

# says MESSAGE COMMAND...: it fails with it, and the log has a line about that.
says()
{
	refused "$@"
	log_expect "$1"
}

# payload N: another one of 100 kB for each number.
payload()
{
	printf "$1:%0100000d" 0
}

# fill: enqueues until the disk is full; WRITTEN is the number of those acknowledged.
fill()
{
	WRITTEN=0
	while payload "$WRITTEN" >"$T/payload" && cp "$T/payload" "$M/mail/new" 2>"$T/said"; do
		WRITTEN=$((WRITTEN + 1))
	done
	contains "$(cat "$T/said")" 'No space left on device'
	log_expect 'No space left on device'
}

# intact FROM TO: the jobs from FROM to before TO wait, in order, as they were written.
intact()
(
	trap - DEBUG
	local receipt number=$1
	for receipt in $(jobs_in mail); do
		payload "$number" | cmp - "$M/mail/$receipt"
		number=$((number + 1))
	done
	equal "$2" "$number"
)

can_enqueue()
{
	cp "$T/payload" "$M/mail/new"
}

# sound: the store is, also for the next start.
sound()
{
	restart
	equal ok "$(sqlite3 "$STORE" 'pragma integrity_check')"
}

# ---- full

@test "a disk filled with jobs: the writer is told, all that was acknowledged is there, verdicts are given" {
	local number
	disk_mount 10m
	mount_queues 'mail: { concurrency: 100, backoff_ms: 3600000 }'
	fill
	((WRITTEN > 20))
	intact 0 "$WRITTEN"
	for number in {1..5}; do
		claim mail "done$number" >/dev/null
		claim mail "retry$number" >/dev/null
		claim mail "bury$number" >/dev/null
		mv "$M/mail/claim/retry$number" "$M/mail/retries/"
		mv "$M/mail/claim/bury$number" "$M/mail/dead-letter/"
		rm "$M/mail/claim/done$number"
	done
	intact 15 "$WRITTEN"
	equal 5 "$(count_in mail/backoff)"
	equal 5 "$(count_in mail/dead-letter)"
	sound
	intact 15 "$WRITTEN"
}

@test "a full disk: what is done makes room, and enqueueing goes on" {
	local number
	disk_mount 10m
	mount_queues 'mail: {}'
	fill
	for ((number = 0; number < WRITTEN; number++)); do
		claim mail w >/dev/null
		rm "$M/mail/claim/w"
	done
	eventually can_enqueue
	fill
	sound
	((WRITTEN > 20))
}

@test "a full disk: room from elsewhere is enough for enqueueing to go on" {
	disk_mount 10m
	mount_queues 'mail: {}'
	fill
	mount -o remount,size=20m "$T/disk"
	payload "$WRITTEN" >"$T/payload"
	eventually can_enqueue
	intact 0 $((WRITTEN + 1))
	sound
}

@test "another program fills the disk: every kind of writer is told, and can write when there is room" {
	local receipt
	disk_mount 10m
	mount_queues 'mail: {}' 'other: {}'
	receipt=$(enqueue other a hello)
	payload 0 >"$T/payload"
	cp "$T/payload" "$M/mail/a.tmp"
	disk_occupy
	fill
	says 'No space left on device' dd if="$T/payload" of="$M/mail/new" bs=1M conv=notrunc status=none
	says 'No space left on device' cp "$T/payload" "$M/mail/b"
	says 'No space left on device' mv "$M/mail/a.tmp" "$M/mail/a"
	equal "$WRITTEN" "$(count_in mail)"
	rm "$T/disk/other"
	mv "$M/mail/a.tmp" "$M/mail/a"
	cp "$T/payload" "$M/mail/c"
	equal $((WRITTEN + 2)) "$(count_in mail)"
	equal "$receipt" "$(jobs_in other)"
	sound
	equal $((WRITTEN + 2)) "$(count_in mail)"
}

@test "another program fills the disk: 200 verdicts, one after another, still find room" {
	local number
	disk_mount 10m
	mount_queues 'mail: { concurrency: 100, backoff_ms: 0, max_retries: 1000 }'
	for number in {1..10}; do
		enqueue mail "job$number" "$number" >/dev/null
	done
	disk_occupy
	py 'for n in range(200):
    claim = os.open(a[0] + "/claim/w", os.O_RDONLY)
    assert os.read(claim, 10)
    os.close(claim)
    os.rename(a[0] + "/claim/w", a[0] + "/retries/w")' "$M/mail"
	for number in {1..10}; do
		claim mail w >/dev/null
		rm "$M/mail/claim/w"
	done
	equal 0 "$(live_in mail)"
	sound
}

@test "a full disk: the engine, and then the mount, can start again on it, and verdicts are given" {
	local before
	disk_mount 10m
	mount_queues 'mail: {}'
	fill
	before=$(engine)
	kill -KILL "$before"
	log_expect 'signal 9'
	claim mail w >/dev/null
	rm "$M/mail/claim/w"
	restart
	claim mail w >/dev/null
	rm "$M/mail/claim/w"
	# shellcheck disable=SC2046 # a list of words
	kill -KILL $(daemons)
	eventually gone
	start
	claim mail w >/dev/null
	rm "$M/mail/claim/w"
	intact 3 "$WRITTEN"
	sound
}

# ---- failing

# all_refused: everything that has to be on disk says so, and changes nothing.
all_refused()
{
	local waiting held
	waiting=$(jobs_in mail) held=$(jobs_in mail/running)
	says 'Input/output error' cp "$T/payload" "$M/mail/job"
	says 'Input/output error' dd if="$T/payload" of="$M/mail/new" bs=1M conv=notrunc status=none
	says 'Input/output error' mv "$M/mail/draft.tmp" "$M/mail/draft"
	says 'Input/output error' rm "$M/mail/claim/w"
	says 'Input/output error' mv "$M/mail/claim/w" "$M/mail/retries/"
	says 'Input/output error' mv "$M/mail/claim/w" "$M/mail/dead-letter/"
	says 'Input/output error' mv "$M/mail/claim/w" "$M/mail/"
	says 'Input/output error' rm -f "$M/mail/$(head -n 1 <<<"$waiting")"
	equal "$waiting" "$(jobs_in mail)"
	equal "$held" "$(jobs_in mail/running)"
	equal 0 "$(count_in mail/backoff)"
	equal 0 "$(count_in mail/dead-letter)"
}

# all_done: what was refused succeeds.
all_done()
{
	mv "$M/mail/draft.tmp" "$M/mail/draft"
	cp "$T/payload" "$M/mail/job"
	rm "$M/mail/claim/w"
	equal '2 hello hello' "$(payloads mail)"
	equal 2 "$(claim mail w)"
	rm "$M/mail/claim/w"
	equal 'hello hello' "$(payloads mail)"
}

# disk_errs CALLS...: what all writing callers see of it, and that it goes by.
disk_errs()
{
	local engine
	mount_queues 'mail: {}'
	enqueue mail a 1
	enqueue mail b 2
	claim mail w >/dev/null
	printf hello >"$T/payload"
	cp "$T/payload" "$M/mail/draft.tmp"
	engine=$(engine)
	disk_fails "$@"
	all_refused
	disk_works
	equal "$engine" "$(engine)"
	all_done
	sound
	equal 'hello hello' "$(payloads mail)"
}

@test "writes fail: callers are told, nothing is half done, and it goes on" {
	disk_errs pwrite64,write,ftruncate,fallocate:error=EIO
}

@test "syncs fail: callers are told, nothing is half done, and it goes on" {
	disk_errs fdatasync,fsync:error=EIO
}

@test "all calls that write fail, and the engine ends: what was acknowledged is there, and no more" {
	mount_queues 'mail: {}'
	enqueue mail a hello
	printf world >"$T/payload"
	disk_fails pwrite64,write,ftruncate,fallocate,fdatasync,fsync:error=EIO
	says 'Input/output error' cp "$T/payload" "$M/mail/b"
	kill -KILL "$(engine)"
	log_expect 'signal 9'
	wait "$FAULT" || true
	contains "$(ls "$M/mail")" b
	equal hello "$(payloads mail)"
	cp "$T/payload" "$M/mail/b"
	equal 'hello world' "$(payloads mail)"
	sound
	equal 'hello world' "$(payloads mail)"
}

@test "reads fail: the reader is told, and reads when it is over" {
	local receipt
	mount_queues 'mail: { max_payload_bytes: 10000000 }'
	seq 1000000 >"$T/payload"
	cp "$T/payload" "$M/mail/a"
	receipt=$(jobs_in mail)
	restart # nothing of it is in memory
	disk_fails pread64:error=EIO
	says 'Input/output error' cat "$M/mail/$receipt"
	says 'Input/output error' cat "$M/mail/claim/w"
	disk_works
	cat "$M/mail/claim/w" | cmp - "$T/payload"
	equal "$receipt" "$(jobs_in mail/running)"
	equal 1 "$(fact mail "$receipt" attempt)"
	rm "$M/mail/claim/w"
	sound
}

@test "who waits for a job while the disk fails gets it when it works again" {
	local pid
	mount_queues 'mail: { backoff_ms: 5000 }'
	enqueue mail a hello
	fail_once mail w >/dev/null
	waiting_reader w1 "$T/out"
	pid=$!
	kill -STOP "$(engine)" # so that the backoff does not end before
	disk_fails pwrite64,fdatasync,fsync:error=EIO
	kill -CONT "$(engine)"
	eventually grep -q 'cannot go on for now' "$LOG" # the backoff has ended
	blocked $pid
	disk_works
	eventually ended $pid
	equal hello "$(cat "$T/out")"
	LOG_EXPECTED+=('cannot go on for now')
	sound
}

@test "the disk is full at the close: refused, and rejected as soon as there is room, with all bytes" {
	disk_mount 10m
	mount_queues 'mail: {}'
	payload 1 >"$T/payload"
	py 'fd = os.open(a[0] + "/mail/a", os.O_WRONLY | os.O_CREAT)
os.write(fd, open(a[1], "rb").read())
with open(a[2], "wb", buffering=0) as other:
    try:
        while True:
            other.write(b"x" * 4096)
    except OSError as e:
        assert e.errno == errno.ENOSPC
try:
    os.close(fd)
except OSError as e:
    assert e.errno == errno.ENOSPC
else:
    raise AssertionError("closed")' "$M" "$T/payload" "$T/disk/other"
	equal 0 "$(count_in mail)"
	rm "$T/disk/other"
	eventually test -e "$M/mail/rejected/a"
	cmp "$T/payload" "$M/mail/rejected/a"
	matches "$(jq -r .reason "$M/mail/rejected/a.json")" 'No space left on device|the disk is full'
	log_expect 'No space left'
	equal 0 "$(count_in mail)"
	mv "$M/mail/rejected/a" "$M/mail/"
	equal 1 "$(count_in mail)"
	sound
}

@test "the disk fails between a close and its job: that is there when the disk works again" {
	mount_queues 'mail: {}'
	exec 4>"$M/mail/new" 5>"$M/mail/a"
	echo hello >&4
	echo world >&5
	(exec 4>&- 5>&-) # now they are on disk
	disk_fails pwrite64:error=EIO
	exec 4>&-
	exec 5>&-
	eventually grep -q 'publish failed: Input/output error' "$LOG"
	log_expect 'publish failed'
	equal 0 "$(count_in mail)"
	disk_works
	eventually two_waiting
	equal 'hello world' "$(payloads mail)"
	sound
	equal 'hello world' "$(payloads mail)"
}

two_waiting()
{
	[ "$(count_in mail)" = 2 ]
}

@test "a slow disk: the engine is killed after two batches that the loop has not looked at: none is repeated" {
	mount_queues 'mail: {}' 'bulk: {}'
	echo hello >"$M/mail/a.tmp"
	echo world >"$M/bulk/b.tmp"
	disk_fails fdatasync:delay_enter=2000000
	py '
import signal, threading
def publish(path): os.rename(path + ".tmp", path)
threads = [threading.Thread(target=publish, args=(path,)) for path in a[1:]]
for thread in threads:
    thread.start()
    time.sleep(0.5)
for thread in threads: thread.join()
os.kill(int(a[0]), signal.SIGKILL)
' "$(engine)" "$M/mail/a" "$M/bulk/b"
	log_expect 'signal 9'
	wait "$FAULT" || true
	equal hello "$(payloads mail)"
	equal world "$(payloads bulk)"
	absent "$M/mail/a.tmp"
	absent "$M/bulk/b.tmp"
}

@test "a slow disk: who is interrupted meanwhile gets EINTR, and the engine goes on" {
	local engine
	mount_queues 'mail: {}'
	engine=$(engine)
	stat "$M"/mail/claim/w{0..5} >/dev/null # what they hold is known: the open is all they wait for
	disk_fails fdatasync:delay_enter=4000000
	echo hello >"$M/mail/a" &
	sleep 0.3 # it is being written: what comes now waits for it
	py '
import signal
pids = []
for n in range(6):
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGUSR1, lambda *_: os._exit(0))
        os.open(a[0] + "/claim/w%d" % n, os.O_RDONLY)
        os._exit(1)
    pids.append(pid)
time.sleep(0.3)
signal.signal(signal.SIGALRM, lambda *_: sys.exit("not interrupted"))
signal.alarm(20)
for pid in pids: os.kill(pid, signal.SIGUSR1)
assert not any(os.waitpid(pid, 0)[1] for pid in pids)
' "$M/mail"
	disk_works
	equal "$engine" "$(engine)"
	equal hello "$(claim mail w)"
}

@test "every 7th sync and every 301st write fail under load: what was acknowledged holds" {
	local limits=(mail:3:standard ledger:4:fifo)
	mount_queues \
		'mail: { concurrency: 3, max_retries: 2, backoff_ms: 20, backoff_max_ms: 50 }' \
		'ledger: { type: fifo, message_group_field: group, concurrency: 4, max_retries: 2, backoff_ms: 20 }'
	mkdir "$T/records"
	disk_fails pwrite64:error=EIO:when=50+301 fdatasync:error=EIO:when=3+7
	log_expect 'Input/output error|checkpoint of the store failed'
	python3 tests/mount/load.py none 8 "$M" "$STORE" "$T/records" "${SPOOLFS%/*}/tests/mount/caller" 3>&-
	disk_works
	sleep 0.2
	python3 tests/mount/load_check.py disk "$M" "$T/records" "${limits[@]}"
	sound
	python3 tests/mount/load_check.py disk "$M" "$T/records" "${limits[@]}"
}
