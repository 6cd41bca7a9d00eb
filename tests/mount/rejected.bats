#!/usr/bin/env bats
# What is refused, and what a killed writer leaves: rejected/.

load harness

LEDGER='ledger: { type: fifo, message_group_field: account_id }'

rejected_in()
{
	ls "$M/$1/rejected"
}

# why QUEUE NAME: the reason, which the twin and the attribute have to agree about.
why()
{
	local reason
	reason=$(jq -r .reason "$M/$1/rejected/$2.json")
	equal "$reason" "$(getfattr --absolute-names --only-values -n user.spoolfs.reason "$M/$1/rejected/$2")" >&2
	echo "$reason"
}

# reject NAME: leaves a payload of that name in ledger's rejected/.
reject()
{
	printf 'not json' >"$T/bad"
	refused 'Invalid argument' cp "$T/bad" "$M/ledger/$1"
}

# killed_writer SIGNAL NAME: a writer of half a job that the signal ends.
killed_writer()
{
	run bash -c 'ulimit -c 0; exec 4>"$2"; printf half >&4; kill "-$1" $$' bash "$1" "$M/mail/$2"
	equal $((128 + $1)) "$status"
}

# ---- what gets there

@test "refused at close: cp, dd, tee and python are told EINVAL, and it is kept with the reason" {
	mount_queues "$LEDGER"
	printf 'not json\0\n\377' >"$T/payload"
	refused 'Invalid argument' cp "$T/payload" "$M/ledger/cp"
	refused 'Invalid argument' dd if="$T/payload" of="$M/ledger/dd" status=none
	refused 'Invalid argument' bash -c 'tee "$2" <"$1" >/dev/null' bash "$T/payload" "$M/ledger/tee"
	equal EINVAL "$(errno_of '
fd = os.open(a[0], os.O_WRONLY | os.O_CREAT)
os.write(fd, open(a[1], "rb").read())
os.close(fd)' "$M/ledger/python" "$T/payload")"
	equal 'cp dd python tee' "$(rejected_in ledger | paste -s -d ' ')"
	for name in cp dd tee python; do
		cmp "$T/payload" "$M/ledger/rejected/$name"
		contains "$(why ledger $name)" 'not JSON'
		[ ! -e "$M/ledger/$name" ]
	done
	equal 0 "$(live_in ledger)"
}

@test "each reason in words; the shell that ignores it has lost nothing" {
	local payload
	mount_queues "$LEDGER"
	for payload in '{}' '{"account_id":null}' '[1]' '{"account_id":1'; do
		bash -c 'printf %s "$2" >"$1/new"' bash "$M/ledger" "$payload" || true
		equal "$payload" "$(cat "$M/ledger/rejected/"*)"
		contains "$(why ledger "$(rejected_in ledger)")" account_id || contains "$payload" 1
		rm "$M/ledger/rejected/"*
	done
}

@test "a write that fails with EFBIG: what was written before is kept" {
	mount_queues 'mail: { max_payload_bytes: 5 }'
	equal EFBIG "$(errno_of '
fd = os.open(a[0], os.O_WRONLY | os.O_CREAT)
os.write(fd, b"hello")
os.write(fd, b"!")' "$M/mail/a")"
	equal hello "$(cat "$M/mail/rejected/a")"
	equal 'a write failed: File too large' "$(why mail a)"
	equal 0 "$(live_in mail)"
}

@test "a full queue: ENOSPC at create, and nothing is kept; a close that finds it full keeps the file" {
	mount_queues 'mail: { max_jobs: 1 }'
	exec 4>"$M/mail/a"
	echo hello >"$M/mail/new"
	equal ENOSPC "$(errno_of 'os.open(a[0], os.O_WRONLY | os.O_CREAT)' "$M/mail/b")"
	equal ENOSPC "$(errno_of 'os.open(a[0], os.O_WRONLY)' "$M/mail/new")"
	printf world >&4 || true
	exec 4>&-
	equal a "$(rejected_in mail)"
	equal world "$(cat "$M/mail/rejected/a")"
	equal 'the queue has its 1 jobs' "$(why mail a)"
	equal hello "$(payloads mail)"
}

@test "a draft with a bad payload that is renamed: EINVAL, and it stays a draft" {
	mount_queues "$LEDGER"
	echo 'not json' >"$M/ledger/a.tmp"
	equal EINVAL "$(errno_of 'os.rename(a[0], a[1])' "$M/ledger/a.tmp" "$M/ledger/a")"
	equal 'not json' "$(cat "$M/ledger/a.tmp")"
	equal '' "$(rejected_in ledger)"
	echo '{"account_id":1}' >"$M/ledger/a.tmp"
	mv "$M/ledger/a.tmp" "$M/ledger/a"
	equal 1 "$(count_in ledger)"
}

@test "a name that is taken: NAME.RECEIPT; no name: RECEIPT" {
	local receipt name
	mount_queues "$LEDGER"
	reject a
	reject a
	name=$(rejected_in ledger | grep -v '^a$')
	equal "a.$(jq -r .receipt "$M/ledger/rejected/$name.json")" "$name"
	matches "${name#a.}" "$RECEIPT_PATTERN"
	reject new
	receipt=$(rejected_in ledger | grep -v '^a')
	matches "$receipt" "$RECEIPT_PATTERN"
	equal "$receipt" "$(jq -r .receipt "$M/ledger/rejected/$receipt.json")"
	name=$(printf '%0255d' 0)
	reject "$name"
	reject "$name"
	equal 5 "$(rejected_in ledger | wc -l)"
	equal 2 "$(rejected_in ledger | grep -c '^0000.\{251\}$')"
}

@test "the twin tells what it is; neither is changed by anybody" {
	mount_queues "$LEDGER"
	reject a
	equal 'rejected ledger a 8' "$(jq -r '"\(.state) \(.queue) \(.name) \(.size)"' "$M/ledger/rejected/a.json")"
	for file in a a.json; do
		refused 'Operation not permitted' touch -d tomorrow "$M/ledger/rejected/$file"
		refused 'Operation not permitted' chmod 600 "$M/ledger/rejected/$file"
		refused 'Operation not permitted' dd if=/dev/null of="$M/ledger/rejected/$file" conv=notrunc status=none
	done
	refused 'Operation not permitted' rm -f "$M/ledger/rejected/a.json"
	refused 'Operation not permitted' touch "$M/ledger/rejected/b"
	equal a "$(rejected_in ledger)"
}

# ---- rm and mv

@test "rm discards; the name is free again" {
	mount_queues "$LEDGER"
	reject a
	rm "$M/ledger/rejected/a"
	equal '' "$(rejected_in ledger)"
	reject a
	equal a "$(rejected_in ledger)"
}

@test "mv submits again: EINVAL when it is still refused, and then it stays" {
	mount_queues "$LEDGER" 'mail: {}'
	reject a
	equal EINVAL "$(errno_of 'os.rename(a[0], a[1])' "$M/ledger/rejected/a" "$M/ledger/b")"
	equal a "$(rejected_in ledger)"
	equal 'not json' "$(cat "$M/ledger/rejected/a")"
	mv "$M/ledger/rejected/a" "$M/mail/"
	equal '' "$(rejected_in ledger)"
	equal 'not json' "$(payloads mail)"
	equal "$(jobs_in mail)" "$(readlink "$M/mail/receipts/a")"
}

@test "mv to the same queue, once its rules have changed, under another name and at the tail" {
	local receipt
	mount_queues 'mail: { payload: json }'
	echo 'not json' >"$T/bad"
	refused 'Invalid argument' cp "$T/bad" "$M/mail/a"
	receipt=$(jq -r .receipt "$M/mail/rejected/a.json")
	echo 1 >"$M/mail/b"
	configure 'mail: {}'
	restart
	mv "$M/mail/rejected/a" "$M/mail/c"
	equal '1 not json' "$(payloads mail)"
	equal "$receipt" "$(readlink "$M/mail/receipts/c")"
}

@test "mv to a draft's name, another directory or a full queue: refused, and it stays" {
	mount_queues "$LEDGER" 'mail: {}' 'small: { max_jobs: 1 }'
	reject a
	echo full >"$M/small/new"
	for target in mail/a.tmp mail/.a mail/dead-letter/a mail/retries/a mail/rejected/a ledger/rejected/b ledger/running/a; do
		equal "EPERM $target" "$(errno_of 'os.rename(a[0], a[1])' "$M/ledger/rejected/a" "$M/$target") $target"
	done
	equal ENOSPC "$(errno_of 'os.rename(a[0], a[1])' "$M/ledger/rejected/a" "$M/small/a")"
	equal EPERM "$(errno_of 'os.rename(a[0], a[1])' "$M/ledger/rejected/a.json" "$M/mail/a")"
	equal a "$(rejected_in ledger)"
	equal 0 "$(live_in mail)"
}

# The kernel remembers what a listing has told of a name, and takes it along when that moves.
@test "mv right after ls -l: the new name can be looked at and written at once" {
	mount_queues "$LEDGER" 'mail: {}'
	reject a
	py '[entry.stat() for entry in os.scandir(a[0] + "/ledger/rejected")]
os.rename(a[0] + "/ledger/rejected/a", a[0] + "/mail/a")
assert os.stat(a[0] + "/mail/a").st_size == 8
with open(a[0] + "/mail/a", "a") as again:
    again.write("again")' "$M"
	equal 'not json again' "$(payloads mail)"
}

@test "it is all there after the next start" {
	mount_queues "$LEDGER" 'mail: {}'
	reject a
	killed_writer 9 b
	restart
	contains "$(why ledger a)" 'not JSON'
	contains "$(why mail b)" 'was killed by signal 9'
	equal 'not json' "$(cat "$M/ledger/rejected/a")"
	mv "$M/mail/rejected/b" "$M/mail/"
	equal half "$(payloads mail)"
}

# ---- writers that a signal ends

@test "signals 9, 15 and 11: what was written is rejected, and says so" {
	local signal
	mount_queues 'mail: {}'
	for signal in 9 15 11; do
		killed_writer $signal "by$signal"
		equal half "$(cat "$M/mail/rejected/by$signal")"
		matches "$(why mail "by$signal")" "^writer [0-9]+ was killed by signal $signal\$"
	done
	equal 0 "$(live_in mail)"
}

@test "the pid is the writer's" {
	mount_queues 'mail: {}'
	run bash -c 'echo $$; exec 4>"$1"; echo half >&4; kill -KILL $$' bash "$M/mail/a"
	equal "writer ${lines[0]} was killed by signal 9" "$(why mail a)"
}

@test "tee | head: tee was killed by SIGPIPE" {
	mount_queues 'mail: {}'
	yes | tee "$M/mail/a" 2>/dev/null | head -n 1
	eventually test -e "$M/mail/rejected/a"
	matches "$(why mail a)" '^writer [0-9]+ was killed by signal 13$'
	equal 0 "$(live_in mail)"
}

@test "a killed writer of new, and of a draft's name, which stays" {
	mount_queues 'mail: {}'
	killed_writer 9 new
	matches "$(rejected_in mail)" "$RECEIPT_PATTERN"
	killed_writer 9 a.tmp
	equal half "$(cat "$M/mail/a.tmp")"
	equal 1 "$(rejected_in mail | wc -l)"
	equal 0 "$(live_in mail)"
}

@test "killed before it wrote anything: no more than an empty file" {
	mount_queues 'mail: {}'
	run bash -c 'exec 4>"$1"; kill -9 $$' bash "$M/mail/a"
	equal '' "$(rejected_in mail)"
	equal 0 "$(live_in mail)"
}

@test "a writer that exits without closing, also with an error, has enqueued" {
	mount_queues 'mail: {}'
	py 'fd = os.open(a[0], os.O_WRONLY | os.O_CREAT)
os.write(fd, b"hello")
os._exit(0)' "$M/mail/a"
	run bash -c 'exec 4>"$1"; printf world >&4; exit 3' bash "$M/mail/b"
	equal 3 "$status"
	equal 'hello world' "$(payloads mail)"
	equal '' "$(rejected_in mail)"
}

@test "an innocent parent whose child is killed, having written nothing, has enqueued" {
	mount_queues 'mail: {}'
	bash -c 'exec 4>"$1"; printf hel >&4; (kill -9 $BASHPID); printf lo >&4' bash "$M/mail/a"
	equal hello "$(payloads mail)"
	equal '' "$(rejected_in mail)"
}

@test "one of several writers is killed: half a job" {
	mount_queues 'mail: {}'
	bash -c 'exec 4>"$1"; printf one >&4; (printf half >&4; kill -9 $BASHPID); printf two >&4' bash "$M/mail/a"
	equal onehalftwo "$(cat "$M/mail/rejected/a")"
	matches "$(why mail a)" 'was killed by signal 9$'
	equal 0 "$(live_in mail)"
}

@test "the parent is killed while its child goes on writing: rejected when the child closes" {
	mount_queues 'mail: {}'
	mkfifo "$T/go"
	run bash -c 'exec 4>"$1"; printf one >&4; { read -r _ <"$2"; printf two >&4; } >/dev/null 2>&1 3>&- & kill -9 $$' bash "$M/mail/a" "$T/go"
	equal '' "$(rejected_in mail)"
	equal 0 "$(live_in mail)"
	echo >"$T/go"
	eventually test -e "$M/mail/rejected/a"
	equal onetwo "$(cat "$M/mail/rejected/a")"
}

@test "a killed writer in a pid namespace of its own" {
	mount_queues 'mail: {}'
	unshare -p -f --mount-proc bash -c '(exec 4>"$1"; printf half >&4; kill -9 $BASHPID); true' bash "$M/mail/a"
	equal half "$(cat "$M/mail/rejected/a")"
	matches "$(why mail a)" '^writer [0-9]+ was killed by signal 9$'
	equal 0 "$(live_in mail)"
}

@test "a file that was emptied after a writer was killed is as new" {
	mount_queues 'mail: {}'
	py 'fd = os.open(a[0], os.O_WRONLY | os.O_CREAT)
if os.fork() == 0:
    os.write(fd, b"half")
    os.kill(os.getpid(), 9)
os.wait()
os.ftruncate(fd, 0)
os.pwrite(fd, b"whole", 0)
os.close(fd)' "$M/mail/b"
	equal whole "$(payloads mail)"
	equal '' "$(rejected_in mail)"
}

# ---- drafts that nobody renames

forgotten()
{
	[ -e "$M/mail/rejected/a.tmp" ]
}

@test "a draft with content that nobody touched for a day: never renamed" {
	local library
	! grep -q -a '__[at]san_init' "$SPOOLFS" || skip 'a sanitizer wants to be the first library'
	library=$(find /usr/lib -name libfaketimeMT.so.1 | head -n 1)
	[ -n "$library" ]
	configure 'mail: {}'
	echo '+0' >"$T/clock"
	FAKETIME_TIMESTAMP_FILE=$T/clock FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1 LD_PRELOAD=$library start
	printf hello >"$M/mail/a.tmp"
	touch "$M/mail/empty.tmp"
	exec 4>"$M/mail/open.tmp"
	echo open >&4
	echo '+23h' >"$T/clock"
	printf later >"$M/mail/b.tmp"
	echo '+25h' >"$T/clock"
	eventually forgotten
	equal hello "$(cat "$M/mail/rejected/a.tmp")"
	equal 'never renamed' "$(why mail a.tmp)"
	equal 'a.tmp' "$(rejected_in mail)"
	equal later "$(cat "$M/mail/b.tmp")"
	[ -e "$M/mail/empty.tmp" ]
	[ -e "$M/mail/open.tmp" ]
	exec 4>&-
}
