#!/usr/bin/env bats
# Producers: a written file is a job, by whatever program it was written.

load harness

# the_job QUEUE: the payload of the one job that waits there.
the_job()
{
	equal 1 "$(count_in "$1")" >&2
	cat "$M/$1/$(jobs_in "$1")"
}

# drafts_in QUEUE: what it lists beside jobs, folders and fixed names.
drafts_in()
{
	find "$M/$1" -mindepth 1 -maxdepth 1 -type f -printf '%f\n' |
		grep -v -E -e "$RECEIPT_PATTERN" -e '^(new|stream|stats|paused)$' | sort
}

# ---- every way to write a file makes one job

@test "echo > NAME" {
	mount_queues 'mail: {}'
	echo hello >"$M/mail/a"
	equal hello "$(the_job mail)"
}

@test "printf without a newline" {
	mount_queues 'mail: {}'
	printf hello >"$M/mail/a"
	equal 5 "$(stat -c %s "$M/mail/$(jobs_in mail)")"
}

@test "echo > NAME in dash" {
	mount_queues 'mail: {}'
	dash -c 'echo hello >"$1"' dash "$M/mail/a"
	equal hello "$(the_job mail)"
}

@test "a group of commands, some of them processes: one job with all lines" {
	mount_queues 'mail: {}'
	echo b >"$T/b"
	dash -c '{ echo a; cat "$2"; echo c; } >"$1"' dash "$M/mail/x" "$T/b"
	equal "a b c" "$(the_job mail | tr '\n' ' ' | sed 's/ $//')"
}

@test "subshells that close their copies of the descriptor: one job, and none before the end" {
	local n
	mount_queues 'mail: {}'
	exec 4>"$M/mail/x"
	for n in 1 2 3; do
		(echo "part $n" >&4)
		bash -c 'echo more >&4; exec 4>&-'
		equal 0 "$(count_in mail)"
		equal x "$(drafts_in mail)"
	done
	exec 4>&-
	equal 6 "$(the_job mail | wc -l)"
	equal "" "$(drafts_in mail)"
}

@test "a background child keeps the file open: a job when the child has closed it" {
	mount_queues 'mail: {}'
	mkfifo "$T/go"
	{
		bash -c 'read -r _ <"$1"; echo late' bash "$T/go" 3>&- &
		echo early
	} >"$M/mail/x"
	equal 0 "$(count_in mail)"
	echo >"$T/go"
	wait $!
	equal "early late" "$(the_job mail | paste -s -d ' ')"
}

@test "cat, tee, cp, dd, mv and install" {
	local n=0 command
	mount_queues 'mail: {}'
	echo hello >"$T/payload"
	for command in 'cat payload >mnt/mail/f1' 'tee mnt/mail/f2 <payload' 'cp payload mnt/mail/f3' \
		'cp -p payload mnt/mail/f4' 'dd if=payload of=mnt/mail/f5 status=none' \
		'cp payload moved && mv moved mnt/mail/f6' 'install -m 640 payload mnt/mail/f7' \
		'cp payload mnt/mail/' 'dd if=payload of=mnt/mail/f8 bs=1 conv=fsync status=none'; do
		(cd "$T" && bash -c "$command")
		((++n))
		equal "$n jobs after $command" "$(count_in mail) jobs after $command"
	done
	equal hello "$(cat "$M"/mail/receipts/* | sort -u)"
	equal "" "$(drafts_in mail)"
}

@test "rsync makes one job, under the final name" {
	mount_queues 'mail: {}'
	echo hello >"$T/report"
	rsync -a "$T/report" "$M/mail/"
	equal hello "$(the_job mail)"
	equal "$(jobs_in mail)" "$(readlink "$M/mail/receipts/report")"
}

@test "tar x makes a job of each file" {
	mount_queues 'mail: {}'
	mkdir "$T/src"
	echo one >"$T/src/a"
	echo two >"$T/src/b"
	tar -C "$T/src" -cf "$T/all.tar" a b
	tar -C "$M/mail" -xf "$T/all.tar"
	equal 2 "$(count_in mail)"
	equal "one two" "$(payloads mail)"
}

@test "python: open, write, close" {
	mount_queues 'mail: {}'
	py 'with open(a[0], "w") as f: f.write("hello")' "$M/mail/a"
	equal hello "$(the_job mail)"
}

@test "python: temporary file, fsync, os.replace" {
	mount_queues 'mail: {}'
	py '
with open(a[0] + "/job.tmp", "w") as f:
    f.write("hello")
    f.flush()
    os.fsync(f.fileno())
os.replace(a[0] + "/job.tmp", a[0] + "/job")
' "$M/mail"
	equal hello "$(the_job mail)"
	equal "$(jobs_in mail)" "$(readlink "$M/mail/receipts/job")"
}

@test "perl: open, print, close" {
	mount_queues 'mail: {}'
	perl -e 'open(F, ">", $ARGV[0]) or die; print F "hello"; close(F) or die $!' "$M/mail/a"
	equal hello "$(the_job mail)"
}

@test "a writer that exits without closing has enqueued" {
	mount_queues 'mail: {}'
	py 'os.write(os.open(a[0], os.O_WRONLY | os.O_CREAT), b"hello"); os._exit(0)' "$M/mail/a"
	equal hello "$(the_job mail)"
}

@test "execve closes a descriptor that was written to: no job yet, and nobody hangs" {
	mount_queues 'mail: {}'
	py 'fd = os.open(a[0] + "/mail/a", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
os.write(fd, b"hello")
os.waitpid(os.posix_spawn("/bin/true", ["true"], os.environ), 0)
assert "a" in os.listdir(a[0] + "/mail")
os.execv("/bin/true", ["true"])' "$M"
	equal hello "$(the_job mail)"
}

@test "a size alone is nothing that was written: a draft, until there are bytes" {
	mount_queues 'mail: {}'
	truncate -s 10 "$M/mail/a"
	# As programs do that map what they write, and are told that this cannot be.
	py 'import mmap
fd = os.open(a[0], os.O_RDWR)
os.ftruncate(fd, 100)
try:
    mmap.mmap(fd, 100)
except OSError as e:
    assert e.errno == errno.ENODEV, e
else:
    raise AssertionError
os.close(fd)' "$M/mail/a"
	equal "" "$(jobs_in mail)"
	equal 100 "$(stat -c %s "$M/mail/a")"
	printf x >>"$M/mail/a"
	equal 101 "$(the_job mail | wc -c)"
}

@test "new: each open, write and close is a job" {
	local n
	mount_queues 'mail: {}'
	for n in 1 2 3; do
		echo "job $n" >"$M/mail/new"
	done
	equal 3 "$(count_in mail)"
	equal "job 1 job 2 job 3" "$(payloads mail)"
	[ -e "$M/mail/new" ]
}

@test "new: writers at the same time make a job each" {
	local n pids=()
	mount_queues 'mail: {}'
	for n in {1..20}; do
		bash -c 'exec 4>"$1"; echo "from $2" >&4; echo "and $2" >&4' bash "$M/mail/new" "$n" 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	equal 20 "$(count_in mail)"
	for n in $(jobs_in mail); do
		equal 1 "$(grep -o '[0-9]*$' "$M/mail/$n" | sort -u | wc -l)"
	done
}

@test "new: opened without writing is no job" {
	mount_queues 'mail: {}'
	: >"$M/mail/new"
	touch "$M/mail/new"
	equal 0 "$(count_in mail)"
}

@test "new: ftruncate cuts the job that is being written, also after a write that failed" {
	mount_queues 'mail: { max_payload_bytes: 10 }'
	py 'fd = os.open(a[0], os.O_WRONLY)
os.write(fd, b"first")
os.ftruncate(fd, 0)
try:
    os.pwrite(fd, b"12345678901", 0)
except OSError as e:
    assert e.errno == errno.EFBIG
os.ftruncate(fd, 0)
os.pwrite(fd, b"second", 0)
os.ftruncate(fd, 3)
os.close(fd)' "$M/mail/new"
	equal sec "$(the_job mail)"
}

@test "payloads come out as they went in: 1 byte, zeros, 200 kB, 1 MiB" {
	local size
	mount_queues 'mail: {}'
	for size in 1 4096 131072 131073 200000 1048576; do
		head -c "$size" /dev/urandom >"$T/payload"
		cp "$T/payload" "$M/mail/a"
		cmp "$T/payload" "$M/mail/receipts/$(readlink "$M/mail/receipts/a")"
		claim mail w >"$T/claimed"
		cmp "$T/payload" "$T/claimed"
		rm "$M/mail/claim/w"
	done
}

@test "writes out of order, over each other and beyond the end are one payload" {
	mount_queues 'mail: {}'
	py '
fd = os.open(a[0], os.O_RDWR | os.O_CREAT)
os.pwrite(fd, b"world", 6)
os.pwrite(fd, b"hello", 0)
assert os.pread(fd, 100, 0) == b"hello\0world"
os.pwrite(fd, b" ", 5)
os.ftruncate(fd, 11)
assert os.fstat(fd).st_size == 11
os.close(fd)
' "$M/mail/a"
	equal "hello world" "$(the_job mail)"
}

# ---- receipts

@test "the listing shows the receipt, a UUIDv7, and not the name" {
	mount_queues 'mail: {}'
	echo hello >"$M/mail/a"
	equal 1 "$(count_in mail)"
	equal "" "$(drafts_in mail)"
}

@test "receipts/NAME is a symlink to the receipt" {
	local receipt
	mount_queues 'mail: {}'
	echo hello >"$M/mail/a"
	receipt=$(readlink "$M/mail/receipts/a")
	matches "$receipt" "$RECEIPT_PATTERN"
	equal "$receipt" "$(jobs_in mail)"
	equal hello "$(cat "$M/mail/receipts/a")"
	equal hello "$(cat "$M/mail/receipts/$receipt")"
}

@test "receipts/NAME is the new receipt at once when the name is written again after ls -l" {
	mount_queues 'mail: {}'
	py 'seen = set()
for n in range(20):
    with open(a[0] + "/a", "w") as job:
        job.write("x")
    seen.add(os.readlink(a[0] + "/receipts/a"))
    for entry in os.scandir(a[0] + "/receipts"):
        entry.stat(follow_symlinks=False)
assert len(seen) == 20, seen' "$M/mail"
}

@test "receipts sort by age" {
	local n
	mount_queues 'mail: {}'
	for n in {1..30}; do
		echo "$n" >"$M/mail/new"
	done
	equal "$(seq 30 | paste -s)" "$(cd "$M/mail" && for r in $(jobs_in mail | sort); do cat "$r"; done | paste -s)"
	equal "$(jobs_in mail)" "$(jobs_in mail | sort)"
}

@test "user.spoolfs.receipt on the path and on the open descriptor" {
	local receipt
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	equal "$receipt" "$(getfattr --only-values -n user.spoolfs.receipt "$M/mail/a")"
	equal "$receipt" "$(py 'print(os.getxattr(os.open(a[0], os.O_RDONLY), "user.spoolfs.receipt").decode())' "$M/mail/$receipt")"
	py '
w = os.open(a[0] + "/b", os.O_WRONLY | os.O_CREAT)
os.write(w, b"x")
os.close(w)
r = os.open(a[0] + "/b", os.O_RDONLY)
got = os.getxattr(r, "user.spoolfs.receipt").decode()
assert got == os.readlink(a[0] + "/receipts/b"), got
' "$M/mail"
}

@test "NAME still resolves, hidden, to the job it became" {
	mount_queues 'mail: {}'
	echo hello >"$M/mail/a"
	equal hello "$(cat "$M/mail/a")"
	equal 6 "$(stat -c %s "$M/mail/a")"
	[ -f "$M/mail/a" ]
	equal "" "$(ls -a "$M/mail" | grep -x a)"
}

@test "NAME resolves while its job runs, and in dead-letter/" {
	mount_queues 'mail: {}'
	echo hello >"$M/mail/a"
	claim mail w >/dev/null
	equal hello "$(cat "$M/mail/a")"
	mv "$M/mail/claim/w" "$M/mail/dead-letter/"
	equal hello "$(cat "$M/mail/a")"
}

@test "chmod, utimens and rename of NAME after the close succeed" {
	local receipt
	mount_queues 'mail: {}'
	echo hello >"$M/mail/a"
	receipt=$(jobs_in mail)
	chmod 600 "$M/mail/a"
	py 'os.utime(a[0], (0, 0))' "$M/mail/a"
	mv "$M/mail/a" "$M/mail/b"
	equal "$receipt" "$(jobs_in mail)"
	equal "$receipt" "$(readlink "$M/mail/receipts/b")"
	absent "$M/mail/receipts/a"
}

@test "setxattr on NAME after the close succeeds" {
	mount_queues 'mail: {}'
	echo hello >"$M/mail/a"
	setfattr -n user.comment -v x "$M/mail/a"
}

@test "rm NAME forgets the name, never the job" {
	mount_queues 'mail: {}'
	echo hello >"$M/mail/a"
	rm "$M/mail/a"
	absent "$M/mail/a"
	absent "$M/mail/receipts/a"
	equal hello "$(the_job mail)"
}

@test "NAME counts as existing: O_EXCL, set -C, cp -n" {
	mount_queues 'mail: {}'
	echo hello >"$M/mail/a"
	equal EEXIST "$(errno_of 'os.open(a[0], os.O_WRONLY | os.O_CREAT | os.O_EXCL)' "$M/mail/a")"
	run bash -c 'set -C; echo again >"$1"' bash "$M/mail/a"
	[ "$status" -ne 0 ]
	echo more >"$T/more"
	cp -n "$T/more" "$M/mail/a"
	equal 1 "$(count_in mail)"
}

@test "O_EXCL on a fresh name" {
	mount_queues 'mail: {}'
	py 'fd = os.open(a[0], os.O_WRONLY | os.O_CREAT | os.O_EXCL); os.write(fd, b"x"); os.close(fd)' "$M/mail/a"
	equal 1 "$(count_in mail)"
}

@test "writing NAME again is a second job" {
	mount_queues 'mail: {}'
	echo one >"$M/mail/a"
	echo two >"$M/mail/a"
	equal "one two" "$(payloads mail)"
	equal two "$(cat "$M/mail/a")"
}

@test ">> to NAME is a second job with nothing of the first" {
	mount_queues 'mail: {}'
	echo one >"$M/mail/a"
	echo two >>"$M/mail/a"
	equal "one two" "$(payloads mail)"
}

@test "two writers of one name at once make two jobs and see nothing of each other" {
	mount_queues 'mail: {}'
	exec 4>"$M/mail/a" 5>"$M/mail/a"
	echo four >&4
	echo five >&5
	echo four >&4
	exec 4>&- 5>&-
	equal 2 "$(count_in mail)"
	equal "five four four" "$(payloads mail | tr ' ' '\n' | sort | paste -s -d ' ')"
}

@test "a job cannot be opened for writing: EPERM" {
	local receipt flags
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	for flags in O_WRONLY O_RDWR 'O_WRONLY | os.O_APPEND' 'O_WRONLY | os.O_TRUNC'; do
		equal "EPERM $flags" "$(errno_of "os.open(a[0], os.$flags)" "$M/mail/$receipt") $flags"
	done
	equal EPERM "$(errno_of 'os.truncate(a[0], 0)' "$M/mail/$receipt")"
	equal hello "$(the_job mail)"
}

@test "owner and mode of a job are those of the file that was written" {
	mount_queues 'mail: {}'
	(umask 027 && echo hello >"$M/mail/a")
	equal "640 $(id -u) $(id -g)" "$(stat -c '%a %u %g' "$M/mail/$(jobs_in mail)")"
}

@test "names with spaces, newlines, UTF-8, quotes, a leading dash and 255 bytes" {
	local name long
	mount_queues 'mail: {}'
	long=$(printf 'x%.0s' {1..255})
	for name in 'a b' $'a\nb' 'grüße' "it's \"so\"" '-n' '%s' "$long"; do
		echo hello >"$M/mail/$name"
		matches "$(readlink "$M/mail/receipts/$name")" "$RECEIPT_PATTERN"
	done
	equal 7 "$(count_in mail)"
	equal ENAMETOOLONG "$(errno_of 'open(a[0], "w")' "$M/mail/${long}x")"
}

@test "a name with a newline makes no line of its own in the log" {
	mount_queues 'mail: { payload: json }'
	refused 'Invalid argument' cp "$CONFIG" "$M/mail/a"$'\n'"spoolfs: forged"
	grep -q 'name=a?spoolfs: forged' "$LOG"
	equal 0 "$(grep -c '^spoolfs: forged' "$LOG")"
}

@test "a folder with a draft's name holds drafts, which become jobs when they are moved out of it" {
	local F
	mount_queues 'mail: {}' 'other: {}'
	F=$M/mail/.~tmp~
	mkdir -m 700 "$F"
	equal 'drwx------ 2' "$(stat -c '%A %h' "$F")"
	echo one >"$F/a"
	echo two >"$M/mail/b.tmp"
	mv "$M/mail/b.tmp" "$F/b"
	equal ".~tmp~" "$(find "$M/mail" -maxdepth 1 -name "*~" -printf "%f\n")"
	equal "a b" "$(ls "$F" | paste -s -d ' ')"
	refused 'Directory not empty' rmdir "$F"
	refused 'Operation not permitted' mkdir "$F/deeper.tmp"
	equal EPERM "$(errno_of 'os.rename(a[0], a[0] + "x")' "$F")"
	equal EISDIR "$(errno_of 'os.unlink(a[0])' "$F")"
	equal "" "$(jobs_in mail)"
	log_expect 'engine process ended by signal 9'
	kill -KILL "$(engine)"
	equal one "$(cat "$F/a")"
	mv "$F/a" "$M/mail/a"
	mv "$F/b" "$M/other/b"
	equal one "$(the_job mail)"
	equal two "$(the_job other)"
	equal "$(jobs_in mail)" "$(readlink "$M/mail/receipts/a")"
	refused 'Operation not permitted' mv "$M/mail/$(jobs_in mail)" "$F/a"
	equal EPERM "$(errno_of 'os.rename(a[0], a[1])' "$M/mail/a" "$F/a")"
	echo three >"$F/c"
	rm "$F/c"
	rmdir "$F"
	refused 'No such file' stat "$F"
}

@test "directories, links and devices cannot be made in a queue" {
	mount_queues 'mail: {}'
	refused 'Operation not permitted' mkdir "$M/mail/sub"
	refused 'Operation not permitted' ln -s x "$M/mail/link"
	refused 'Operation not permitted' mkfifo "$M/mail/pipe"
	equal EPERM "$(errno_of 'os.link(a[0], a[1])' "$M/mail/$(enqueue mail a x)" "$M/mail/hard")"
	equal 1 "$(count_in mail)"
}

# ---- drafts

@test "an empty file stays a draft" {
	mount_queues 'mail: {}'
	touch "$M/mail/a"
	: >"$M/mail/b"
	equal "a b" "$(drafts_in mail | paste -s -d ' ')"
	equal 0 "$(count_in mail)"
	equal 0 "$(stat -c %s "$M/mail/a")"
	echo hello >"$M/mail/a"
	equal hello "$(the_job mail)"
	equal b "$(drafts_in mail)"
}

@test "an empty draft can be removed" {
	mount_queues 'mail: {}'
	touch "$M/mail/a"
	rm "$M/mail/a"
	equal "" "$(drafts_in mail)"
	absent "$M/mail/a"
}

@test "draft names stay drafts when closed" {
	local name
	mount_queues 'mail: {}'
	for name in .hidden a.tmp a.part a.partial a.filepart a.swp 'a~'; do
		echo hello >"$M/mail/$name"
		contains "$(drafts_in mail)" "$name"
		equal hello "$(cat "$M/mail/$name")"
	done
	equal 0 "$(count_in mail)"
}

@test "mv of a draft to another name enqueues it" {
	mount_queues 'mail: {}'
	echo hello >"$M/mail/a.tmp"
	mv "$M/mail/a.tmp" "$M/mail/a"
	equal hello "$(the_job mail)"
	equal "$(jobs_in mail)" "$(readlink "$M/mail/receipts/a")"
	absent "$M/mail/a.tmp"
	equal "" "$(drafts_in mail)"
}

@test "mv of a draft to another draft name keeps a draft" {
	mount_queues 'mail: {}'
	echo hello >"$M/mail/a.tmp"
	mv "$M/mail/a.tmp" "$M/mail/b.tmp"
	equal b.tmp "$(drafts_in mail)"
	equal hello "$(cat "$M/mail/b.tmp")"
	equal 0 "$(count_in mail)"
}

@test "mv of a draft over the name of a job makes a second job" {
	mount_queues 'mail: {}'
	echo one >"$M/mail/a"
	echo two >"$M/mail/a.tmp"
	mv -f "$M/mail/a.tmp" "$M/mail/a"
	equal 2 "$(count_in mail)"
	equal two "$(cat "$M/mail/a")"
}

@test "mv of the name of a job over a draft replaces the draft" {
	mount_queues 'mail: {}'
	echo old >"$M/mail/a.tmp"
	echo new >"$M/mail/a"
	mv -f "$M/mail/a" "$M/mail/a.tmp"
	equal "" "$(drafts_in mail)"
	equal new "$(cat "$M/mail/a.tmp")"
	mv "$M/mail/a.tmp" "$M/mail/b"
	equal new "$(the_job mail)"
	equal "$(jobs_in mail)" "$(readlink "$M/mail/receipts/b")"
}

@test "a draft is read, appended to, cut, chmoded, dated and removed like any file" {
	mount_queues 'mail: {}'
	echo one >"$M/mail/a.tmp"
	echo two >>"$M/mail/a.tmp"
	equal "one two" "$(paste -s -d ' ' "$M/mail/a.tmp")"
	truncate -s 4 "$M/mail/a.tmp"
	equal one "$(cat "$M/mail/a.tmp")"
	chmod 600 "$M/mail/a.tmp"
	equal 600 "$(stat -c %a "$M/mail/a.tmp")"
	touch -d '2020-02-03 04:05:06 UTC' "$M/mail/a.tmp"
	equal 1580702706 "$(stat -c %Y "$M/mail/a.tmp")"
	sed -i s/one/three/ "$M/mail/a.tmp"
	rm "$M/mail/a.tmp"
	equal "" "$(drafts_in mail)"
}

@test "draft_names can be chosen" {
	mount_queues "mail: { draft_names: '*.wip draft-*' }"
	echo one >"$M/mail/a.wip"
	echo two >"$M/mail/draft-b"
	equal "a.wip draft-b" "$(drafts_in mail | paste -s -d ' ')"
	echo three >"$M/mail/c.tmp"
	equal three "$(the_job mail)"
}

@test "publish: rename: a close never enqueues, a rename does" {
	mount_queues 'mail: { publish: rename }'
	echo hello >"$M/mail/a"
	equal a "$(drafts_in mail)"
	equal 0 "$(count_in mail)"
	mv "$M/mail/a" "$M/mail/b"
	equal hello "$(the_job mail)"
}

@test "a draft that is still open can be renamed, and is a job when it closes" {
	mount_queues 'mail: {}'
	exec 4>"$M/mail/a"
	echo hello >&4
	mv "$M/mail/a" "$M/mail/b"
	equal 0 "$(count_in mail)"
	exec 4>&-
	equal hello "$(the_job mail)"
	equal "$(jobs_in mail)" "$(readlink "$M/mail/receipts/b")"
}

@test "a draft that is still open can be moved to another queue, and is that queue's job when it closes" {
	mount_queues 'mail: {}' 'other: {}'
	exec 4>"$M/mail/a"
	echo one >&4
	(exec 4>&-) # a close that is not the last
	mv "$M/mail/a" "$M/other/b"
	mv "$M/other/b" "$M/other/c"
	equal 0 "$(count_in other)"
	equal c "$(drafts_in other)"
	echo three >"$M/mail/c"
	echo two >&4
	exec 4>&-
	equal three "$(the_job mail)"
	equal "one two" "$(the_job other | paste -s -d ' ')"
}

@test "a draft that was closed half way and moved to another queue is only that queue's job" {
	mount_queues 'mail: {}' 'other: {}'
	exec 4>"$M/mail/a"
	echo one >&4
	(exec 4>&-)
	mv "$M/mail/a" "$M/other/b"
	exec 4>&-
	equal 0 "$(count_in mail)"
	equal one "$(the_job other)"
}

@test "schedule_by_mtime: a file dated in the future is due then, by cp -p, rsync and mv" {
	local name
	mount_queues 'mail: { schedule_by_mtime: true }' 'other: {}'
	echo hello >"$T/a"
	cp "$T/a" "$T/b"
	touch -d '1 day' "$T/a" "$T/b"
	cp -p "$T/a" "$M/mail/cp"
	rsync -t "$T/a" "$M/mail/rsync"
	mv "$T/b" "$M/mail/mv"
	equal 3 "$(count_in mail/backoff)"
	for name in cp rsync mv; do
		[ "$(due_in "$M/mail/backoff/$(readlink "$M/mail/receipts/$name")")" -gt 86000 ]
	done
	touch -d '1 day ago' "$T/a"
	cp -p "$T/a" "$M/mail/past"
	equal 1 "$(count_in mail)"
	touch -d '1 day' "$T/a"
	cp -p "$T/a" "$M/other/a"
	equal 1 "$(count_in other)"
}

@test "a draft that was removed while open is no job" {
	mount_queues 'mail: {}'
	exec 4>"$M/mail/a"
	echo hello >&4
	rm "$M/mail/a"
	exec 4>&-
	equal 0 "$(count_in mail)"
	equal "" "$(drafts_in mail)"
}

# ---- refusals

@test "fifo: a payload that is not JSON is refused at close: EINVAL" {
	mount_queues 'ledger: { type: fifo, message_group_field: account_id }'
	equal EINVAL "$(errno_of '
fd = os.open(a[0], os.O_WRONLY | os.O_CREAT)
os.write(fd, b"not json")
os.close(fd)' "$M/ledger/a")"
	equal 0 "$(count_in ledger)"
}

@test "fifo: a payload without its group is refused at close: EINVAL" {
	local payload
	mount_queues 'ledger: { type: fifo, message_group_field: account_id }'
	for payload in '{}' '{"account_id":null}' '{"account_id":{}}' '{"account_id":[1]}' '[1]' '"x"' '{"account_id":1'; do
		equal "EINVAL $payload" "$(errno_of '
fd = os.open(a[0], os.O_WRONLY | os.O_CREAT)
os.write(fd, a[1].encode())
os.close(fd)' "$M/ledger/new" "$payload") $payload"
	done
	equal 0 "$(count_in ledger)"
}

@test "fifo: string, number and boolean groups are taken" {
	local payload
	mount_queues 'ledger: { type: fifo, message_group_field: account_id }'
	for payload in '{"account_id":"acct_A"}' '{"account_id":1}' '{"account_id":"1"}' '{"account_id":true}' ' { "x" : 1.5 , "account_id" : 2.5 } '; do
		enqueue ledger a "$payload"
	done
	equal 5 "$(count_in ledger)"
	equal "acct_A 1 1 true 2.5" "$(for r in $(jobs_in ledger); do fact ledger "$r" group; done | paste -s -d ' ')"
}

@test "cp and dd report the refusal" {
	mount_queues 'ledger: { type: fifo, message_group_field: account_id }'
	echo 'not json' >"$T/payload"
	refused 'Invalid argument' cp "$T/payload" "$M/ledger/a"
	refused 'Invalid argument' dd if="$T/payload" of="$M/ledger/b" status=none
	refused 'Invalid argument' bash -o pipefail -c 'echo nothing | tee "$1"' bash "$M/ledger/c"
	equal 0 "$(count_in ledger)"
}

@test "a rename that would enqueue a refused payload fails: EINVAL" {
	mount_queues 'ledger: { type: fifo, message_group_field: account_id }'
	echo 'not json' >"$M/ledger/a.tmp"
	equal EINVAL "$(errno_of 'os.rename(a[0] + "/a.tmp", a[0] + "/a")' "$M/ledger")"
	equal 0 "$(count_in ledger)"
}

@test "a refused payload blocks nothing: the next one is taken" {
	mount_queues 'ledger: { type: fifo, message_group_field: account_id }'
	echo 'not json' >"$M/ledger/a" || true
	enqueue ledger b '{"account_id":1}'
	equal 1 "$(count_in ledger)"
	equal '{"account_id":1}' "$(claim ledger w)"
}

@test "payload: json refuses other bytes in a standard queue" {
	mount_queues 'mail: { payload: json }'
	echo 'not json' >"$T/payload"
	refused 'Invalid argument' cp "$T/payload" "$M/mail/a"
	enqueue mail b '[1, 2]'
	equal 1 "$(count_in mail)"
}

@test "a payload longer than max_payload_bytes: EFBIG at write" {
	mount_queues 'mail: { max_payload_bytes: 1000 }'
	equal EFBIG "$(errno_of '
fd = os.open(a[0], os.O_WRONLY | os.O_CREAT)
os.write(fd, b"x" * 1001)' "$M/mail/a")"
	equal 0 "$(count_in mail)"
	head -c 1001 /dev/zero >"$T/payload"
	refused 'File too large' cp "$T/payload" "$M/mail/b"
	head -c 1000 /dev/zero >"$M/mail/c"
	equal 1 "$(count_in mail)"
}

@test "one byte more than the default 1 MiB: EFBIG" {
	mount_queues 'mail: {}'
	head -c 1048577 /dev/zero >"$T/payload"
	refused 'File too large' cp "$T/payload" "$M/mail/a"
	equal 0 "$(count_in mail)"
}

@test "a full queue: creating a file is ENOSPC, and works again when there is room" {
	mount_queues 'mail: { max_jobs: 2 }'
	enqueue mail a one
	enqueue mail b two
	equal ENOSPC "$(errno_of 'open(a[0], "w")' "$M/mail/c")"
	run bash -c 'echo three >"$1"' bash "$M/mail/c"
	[ "$status" -ne 0 ]
	contains "$output" 'No space left on device'
	claim mail w >/dev/null
	equal ENOSPC "$(errno_of 'open(a[0], "w")' "$M/mail/c")"
	rm "$M/mail/claim/w"
	enqueue mail c three
	equal 2 "$(count_in mail)"
}

@test "a full queue: new is ENOSPC too" {
	mount_queues 'mail: { max_jobs: 1 }'
	echo one >"$M/mail/new"
	equal ENOSPC "$(errno_of '
fd = os.open(a[0], os.O_WRONLY)
os.write(fd, b"two")
os.close(fd)' "$M/mail/new")"
	equal 1 "$(count_in mail)"
}

# A descriptor that is under way in a socket is let go without another close(2).
@test "a full queue: what a close could not enqueue is not enqueued later, behind its back" {
	local name
	for name in new x; do
		mount_queues 'mail: { max_jobs: 1 }'
		py 'import socket
fd = os.open(a[0] + "/" + a[1], os.O_WRONLY | os.O_CREAT)
os.write(fd, b"two")
with open(a[0] + "/new", "w") as one:
    one.write("one")
here, there = socket.socketpair()
socket.send_fds(here, [b"."], [fd])
try:
    os.close(fd)
except OSError as e:
    assert e.errno == errno.ENOSPC
else:
    raise AssertionError("closed")
os.unlink([entry.path for entry in os.scandir(a[0]) if len(entry.name) == 36][0])
here.close()
there.close()' "$M/mail" $name
		equal 0 "$(count_in mail)"
		rm -f "$M/mail/x"
		stop
	done
}

@test "a full queue: a draft that was closed half way elsewhere and is moved there finds no room" {
	mount_queues 'mail: {}' 'small: { max_jobs: 1 }'
	enqueue small a one
	exec 4>"$M/mail/b"
	echo two >&4
	(exec 4>&-)
	mv "$M/mail/b" "$M/small/b"
	exec 4>&- || true
	equal one "$(payloads small)"
	equal two "$(cat "$M/small/rejected/b")"
	equal 0 "$(live_in mail)"
}

# ---- whoever calls after close returned sees the job

@test "after close, 100 times: ls and stat of other processes see the job" {
	local n receipt
	mount_queues 'mail: {}'
	for n in {1..100}; do
		echo "$n" >"$M/mail/job"
		receipt=$(readlink "$M/mail/receipts/job")
		[ -e "$M/mail/$receipt" ]
		equal "$n" "$(<"$M/mail/$receipt")"
	done
	equal 100 "$(count_in mail)"
}

@test "after close, 100 times: another process claims the job without waiting" {
	local n
	mount_queues 'mail: {}'
	for n in {1..100}; do
		echo "$n" >"$M/mail/new"
		equal "$n" "$(dd if="$M/mail/claim/w" iflag=nonblock status=none)"
		rm "$M/mail/claim/w"
	done
}

@test "after close, 100 times: the listing has one more job" {
	mount_queues 'mail: {}'
	py '
import subprocess
for i in range(100):
    with open(a[0] + "/j%d" % i, "w") as f: f.write("x")
    names = [n for n in os.listdir(a[0]) if n.startswith("0")]
    assert len(names) == i + 1, (i, len(names))
' "$M/mail"
}

@test "after rename, 100 times: the job is there" {
	mount_queues 'mail: {}'
	py '
for i in range(100):
    with open(a[0] + "/.t", "w") as f: f.write(str(i))
    os.rename(a[0] + "/.t", a[0] + "/j%d" % i)
    with open(a[0] + "/receipts/j%d" % i) as f: assert f.read() == str(i)
' "$M/mail"
	equal 100 "$(count_in mail)"
}

@test "16 writers at the same time: every job once" {
	mount_queues 'mail: {}'
	py '
import multiprocessing
def write(w):
    for i in range(40):
        with open("%s/w%d-%d" % (a[0], w, i), "w") as f: f.write("%d %d" % (w, i))
ps = [multiprocessing.Process(target=write, args=(w,)) for w in range(16)]
for p in ps: p.start()
for p in ps: p.join()
assert all(p.exitcode == 0 for p in ps)
names = [n for n in os.listdir(a[0]) if n.startswith("0")]
seen = sorted(open(a[0] + "/" + n).read() for n in names)
assert seen == sorted("%d %d" % (w, i) for w in range(16) for i in range(40))
' "$M/mail"
}
