#!/usr/bin/env bats
# The tree: what ls, stat, find, tar and the twins show.

load harness

# a_job_everywhere: one job in each place, its receipt in a variable of that name.
a_job_everywhere()
{
	mount_queues 'mail: { backoff_ms: 3600000, concurrency: 100 }'
	retried=$(enqueue mail a retried)
	fail_once mail w0
	running=$(enqueue mail b running)
	claim mail w1 >/dev/null
	dead=$(bury mail c dead)
	waiting=$(enqueue mail d waiting)
}

@test "a queue has its folders and new" {
	local folder
	mount_queues 'mail: {}' 'ledger: { type: fifo, message_group_field: account_id }'
	for folder in claim running retries backoff dead-letter receipts; do
		equal "directory $folder" "$(stat -c %F "$M/mail/$folder") $folder"
		equal "directory $folder" "$(stat -c %F "$M/ledger/$folder") $folder"
		contains " $(ls "$M/mail" | paste -s -d ' ') " " $folder "
	done
	equal "regular empty file" "$(stat -c %F "$M/mail/new")"
	contains "$(ls "$M")" mail
	contains "$(ls "$M")" ledger
}

@test "owners and modes of the folders" {
	local folder
	mount_queues 'mail: {}'
	equal "755 $(id -u)" "$(stat -c '%a %u' "$M/mail")"
	equal "700 $(id -u)" "$(stat -c '%a %u' "$M/mail/claim")"
	for folder in running retries backoff dead-letter receipts; do
		equal "750 $(id -u) $folder" "$(stat -c '%a %u' "$M/mail/$folder") $folder"
	done
}

@test "each folder lists the jobs that belong there" {
	local retried running dead waiting
	a_job_everywhere
	equal "$waiting" "$(jobs_in mail)"
	equal "$running" "$(jobs_in mail/running)"
	equal "w1" "$(ls "$M/mail/claim")"
	equal "$retried" "$(jobs_in mail/backoff)"
	equal "$retried" "$(jobs_in mail/retries)"
	equal "$dead" "$(jobs_in mail/dead-letter)"
	equal "a b c d" "$(ls "$M/mail/receipts" | paste -s -d ' ')"
}

@test "a job is not to be found where it does not belong" {
	local retried running dead waiting
	a_job_everywhere
	absent "$M/mail/running/$waiting"
	absent "$M/mail/$running"
	absent "$M/mail/$dead"
	absent "$M/mail/dead-letter/$waiting"
	absent "$M/mail/backoff/$running"
	absent "$M/mail/retries/$dead"
	absent "$M/mail/0199aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"
	absent "$M/mail/receipts/0199aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"
}

@test "a receipt with one digit changed is not found" {
	local receipt other
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	for other in "${receipt%?}$(tr 0-9a-f 1-9a-f0 <<<"${receipt: -1}")" "0${receipt:1:4}$(tr 0-9a-f 1-9a-f0 <<<"${receipt:5:1}")${receipt:6}" "${receipt^^}"; do
		[ "$other" != "$receipt" ]
		absent "$M/mail/receipts/$other"
	done
}

@test "the payload reads the same in every folder" {
	local retried running dead waiting
	a_job_everywhere
	equal retried "$(cat "$M/mail/backoff/$retried")"
	equal retried "$(cat "$M/mail/retries/$retried")"
	equal running "$(cat "$M/mail/running/$running")"
	equal dead "$(cat "$M/mail/dead-letter/$dead")"
	equal waiting "$(cat "$M/mail/$waiting")"
	for receipt in "$retried" "$running" "$dead" "$waiting"; do
		[ -s "$M/mail/receipts/$receipt" ]
	done
}

@test "sizes are true everywhere" {
	local retried running dead waiting
	a_job_everywhere
	equal "7 7 7 4 7 7" "$(stat -c %s "$M/mail/backoff/$retried" "$M/mail/retries/$retried" \
		"$M/mail/running/$running" "$M/mail/dead-letter/$dead" "$M/mail/$waiting" \
		"$M/mail/receipts/$waiting" | paste -s -d ' ')"
}

@test "times: a waiting job's is that of its enqueueing, a dead one's that of its death, in backoff when it is due" {
	local retried running dead waiting now mtime
	a_job_everywhere
	now=$(date +%s)
	for file in "$M/mail/$waiting" "$M/mail/dead-letter/$dead"; do
		mtime=$(stat -c %Y "$file")
		((mtime > now - 30 && mtime <= now + 1))
	done
	mtime=$(stat -c %Y "$M/mail/backoff/$retried")
	((mtime > now + 3500 && mtime < now + 3700))
}

@test "jobs of inspect folders are owned by the daemon's user and not executable, not writable for others" {
	local retried running dead waiting
	a_job_everywhere
	for file in "$M/mail/running/$running" "$M/mail/dead-letter/$dead" "$M/mail/backoff/$retried"; do
		equal "$(id -u)" "$(stat -c %u "$file")"
		matches "$(stat -c %a "$file")" '^[0-7]?[0-6][0-7]0$'
	done
}

@test "a job file has one link, and find goes down into every folder" {
	local retried running dead waiting
	a_job_everywhere
	equal 1 "$(stat -c %h "$M/mail/$waiting")"
	equal 1 "$(find "$M" -type f -path "*/mail/$waiting" | wc -l)"
	equal 1 "$(find "$M" -type f -path "*/mail/dead-letter/$dead" | wc -l)"
	equal 1 "$(find "$M" -type f -path '*/mail/claim/w1' | wc -l)"
}

@test "inode numbers are stable, unique and the same in listing and stat" {
	local retried running dead waiting listed
	a_job_everywhere
	listed=$(find "$M/mail" -printf '%i %P\n' | sort)
	equal "$listed" "$(find "$M/mail" -printf '%i %P\n' | sort)"
	equal "" "$(cut -d ' ' -f 1 <<<"$listed" | uniq -d)"
	equal "$(ls -i "$M/mail" | awk '{print $1, $2}' | sort)" "$(cd "$M/mail" && stat -c '%i %n' -- * | sort)"
	equal "$(stat -c %i "$M/mail/$waiting")" "$(py 'print(os.fstat(os.open(a[0], os.O_RDONLY)).st_ino)' "$M/mail/$waiting")"
}

@test "inode numbers survive a new mount" {
	local retried running dead waiting before
	a_job_everywhere
	before=$(find "$M/mail" -not -path '*/claim/*' -printf '%i %P\n' | sort)
	restart
	equal "$before" "$(find "$M/mail" -not -path '*/claim/*' -printf '%i %P\n' | sort)"
}

@test "a folder's times are those of its last change, not now" {
	local before
	mount_queues 'mail: {}'
	enqueue mail a hello
	before=$(stat -c '%.9Y %.9Z' "$M/mail" "$M/mail/dead-letter" "$M/mail/claim" "$M")
	equal "$before" "$(stat -c '%.9Y %.9Z' "$M/mail" "$M/mail/dead-letter" "$M/mail/claim" "$M")"
	enqueue mail b hello
	[ "$before" != "$(stat -c '%.9Y %.9Z' "$M/mail" "$M/mail/dead-letter" "$M/mail/claim" "$M")" ]
}

# ---- the twin

@test "RECEIPT.json is JSON with every fact, in each folder that shows the job" {
	local retried running dead waiting place
	a_job_everywhere
	for place in "$waiting" "backoff/$retried" "retries/$retried" "running/$running" \
		"dead-letter/$dead" "receipts/$waiting" "receipts/$running" "receipts/$dead"; do
		python3 -m json.tool "$M/mail/$place.json" >/dev/null
		equal "${place##*/}" "$(jq -r .receipt "$M/mail/$place.json")"
		equal true "$(jq 'has("queue") and has("name") and has("state") and has("attempt") and
			has("max_attempts") and has("size") and has("created") and has("owner") and
			has("failures")' "$M/mail/$place.json")"
	done
}

@test "the twin tells state, queue, name, size and attempts" {
	local retried running dead waiting
	a_job_everywhere
	equal "waiting mail d 7 0 4" "$(jq -r '[.state, .queue, .name, .size, .attempt, .max_attempts] | join(" ")' "$M/mail/$waiting.json")"
	equal "running 1 w1" "$(jq -r '[.state, .attempt, .worker] | join(" ")' "$M/mail/running/$running.json")"
	equal "backoff 1" "$(jq -r '[.state, .attempt] | join(" ")' "$M/mail/backoff/$retried.json")"
	equal dead "$(jq -r .state "$M/mail/dead-letter/$dead.json")"
	equal "$(id -u) $(id -g) number" "$(jq -r '"\(.owner.uid) \(.owner.gid) \(.owner.pid | type)"' "$M/mail/$waiting.json")"
}

@test "the twin lists each failure with attempt, time, worker and reason" {
	local retried running dead waiting
	a_job_everywhere
	equal 1 "$(jq '.failures | length' "$M/mail/backoff/$retried.json")"
	equal "1 w0" "$(jq -r '.failures[0] | "\(.attempt) \(.worker)"' "$M/mail/backoff/$retried.json")"
	equal true "$(jq '.failures[0] | has("time") and has("reason")' "$M/mail/backoff/$retried.json")"
	equal "[]" "$(jq -c .failures "$M/mail/$waiting.json")"
}

@test "the twin says what a job waits for" {
	local receipt head
	mount_queues 'mail: { concurrency: 1, backoff_ms: 3600000 }' 'ledger: { type: fifo, message_group_field: g }'
	enqueue mail a one
	receipt=$(enqueue mail b two)
	claim mail w1 >/dev/null
	equal "concurrency 1/1" "$(fact mail "$receipt" waiting_for)"
	mv "$M/mail/claim/w1" "$M/mail/retries/"
	matches "$(fact mail "$(jobs_in mail/backoff)" waiting_for)" '^backoff until 2'
	head=$(enqueue ledger a '{"g":"acct_A"}')
	receipt=$(enqueue ledger b '{"g":"acct_A"}')
	equal "group acct_A: behind $head" "$(fact ledger "$receipt" waiting_for)"
	claim ledger w1 >/dev/null
	equal null "$(fact ledger "$head" waiting_for)"
}

@test "names and reasons with quotes, newlines and broken UTF-8 keep the twin JSON" {
	local name
	mount_queues 'mail: {}'
	for name in 'say "hi"' $'two\nlines' 'back\slash' 'grüße' $'broken\xff' $'\x01control'; do
		echo hello >"$M/mail/$name"
		jq . "$M/mail/receipts/$(readlink "$M/mail/receipts/$name").json" >/dev/null
	done
	equal 'say "hi"' "$(jq -r .name "$M/mail/$(jobs_in mail | head -n 1).json")"
}

@test "the twin's size is true and it is not listed" {
	local receipt
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	equal "$(stat -c %s "$M/mail/$receipt.json")" "$(wc -c <"$M/mail/$receipt.json")"
	equal "$(cat "$M/mail/$receipt.json" | wc -c)" "$(wc -c <"$M/mail/$receipt.json")"
	equal "" "$(find "$M" -name '*.json')"
	cp "$M/mail/$receipt.json" "$T/copy"
	jq . "$T/copy" >/dev/null
}

@test "the twin is fresh each time" {
	local receipt
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	equal waiting "$(fact mail "$receipt" state)"
	claim mail w >/dev/null
	equal running "$(fact mail "$receipt" state)"
	mv "$M/mail/claim/w" "$M/mail/dead-letter/"
	equal dead "$(fact mail "$receipt" state)"
	rm "$M/mail/dead-letter/$receipt"
	absent "$M/mail/receipts/$receipt.json"
}

@test "the twin cannot be written, moved or removed" {
	local receipt
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	equal EPERM "$(errno_of 'open(a[0], "r+")' "$M/mail/$receipt.json")"
	equal EPERM "$(errno_of 'os.unlink(a[0])' "$M/mail/$receipt.json")"
	equal EPERM "$(errno_of 'os.rename(a[0], a[1])' "$M/mail/$receipt.json" "$M/mail/dead-letter/$receipt.json")"
}

@test "the facts are extended attributes too" {
	local receipt all
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	equal "$receipt" "$(getfattr --only-values -n user.spoolfs.receipt "$M/mail/$receipt")"
	equal waiting "$(getfattr --only-values -n user.spoolfs.state "$M/mail/$receipt")"
	equal mail "$(getfattr --only-values -n user.spoolfs.queue "$M/mail/$receipt")"
	equal a "$(getfattr --only-values -n user.spoolfs.name "$M/mail/$receipt")"
	all=$(getfattr -d "$M/mail/$receipt" 2>/dev/null)
	contains "$all" user.spoolfs.receipt=
	contains "$all" user.spoolfs.attempt=
	contains "$all" user.spoolfs.max_attempts=
	contains "$all" user.spoolfs.created=
	claim mail w1 >/dev/null
	equal w1 "$(getfattr --only-values -n user.spoolfs.worker "$M/mail/running/$receipt")"
	equal 1 "$(getfattr --only-values -n user.spoolfs.attempt "$M/mail/running/$receipt")"
}

@test "an attribute that is not there is ENODATA, a small buffer is ERANGE" {
	local receipt
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	equal ENODATA "$(errno_of 'os.getxattr(a[0], "user.spoolfs.nonsense")' "$M/mail/$receipt")"
	equal ENODATA "$(errno_of 'os.getxattr(a[0], "user.other")' "$M/mail/$receipt")"
	py '
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(3)
assert libc.getxattr(a[0].encode(), b"user.spoolfs.receipt", buffer, 3) == -1
assert ctypes.get_errno() == errno.ERANGE
' "$M/mail/$receipt"
}

# ---- programs that look around

@test "ls -l, ls -la, ls -lR, find, du, stat, tree, grep -r and wc work without an error" {
	local retried running dead waiting
	a_job_everywhere
	(
		cd "$M"
		ls -l mail
		ls -la . mail mail/claim
		timeout 20 ls -lR .
		timeout 20 find . -ls
		timeout 20 du -a .
		stat mail/* mail/*/*
		timeout 20 tree .
		wc -c mail/backoff/*
		grep -r -l dead mail/dead-letter
	) >"$T/out" 2>"$T/err"
	equal "" "$(cat "$T/err")"
	equal "$retried" "$(jobs_in mail/backoff)"
	equal "$waiting" "$(jobs_in mail)"
}

@test "tar c of the listed jobs" {
	local retried running dead waiting
	a_job_everywhere
	tar -C "$M/mail" -cf "$T/all.tar" dead-letter backoff retries "$waiting"
	mkdir "$T/x"
	tar -C "$T/x" -xf "$T/all.tar"
	equal dead "$(cat "$T/x/dead-letter/$dead")"
	equal retried "$(cat "$T/x/backoff/$retried")"
	equal waiting "$(cat "$T/x/$waiting")"
}

@test "cp -a and rsync -a of a folder make a true copy" {
	local retried running dead waiting
	a_job_everywhere
	cp -a "$M/mail/dead-letter" "$T/copy"
	equal dead "$(cat "$T/copy/$dead")"
	rsync -a "$M/mail/dead-letter/" "$T/copy2"
	equal dead "$(cat "$T/copy2/$dead")"
	equal "$(stat -c %Y "$M/mail/dead-letter/$dead")" "$(stat -c %Y "$T/copy2/$dead")"
}

@test "the folders cannot be removed, renamed or added to" {
	mount_queues 'mail: {}'
	refused 'Operation not permitted' rmdir "$M/mail/claim"
	refused 'Operation not permitted' rmdir "$M/mail"
	refused 'Operation not permitted' mkdir "$M/other"
	refused 'Operation not permitted' mv "$M/mail/claim" "$M/mail/claim2"
	refused 'Operation not permitted' mv "$M/mail" "$M/other"
	refused 'Operation not permitted' rm "$M/mail/new"
	equal EPERM "$(errno_of 'open(a[0], "w")' "$M/file")"
	for folder in running retries backoff dead-letter receipts; do
		equal "EPERM $folder" "$(errno_of 'open(a[0], "w")' "$M/mail/$folder/x") $folder"
	done
}

# ---- listings in motion

@test "a listing of 5,000 jobs has each once, oldest first" {
	mount_queues 'mail: {}'
	py '
for i in range(5000):
    fd = os.open(a[0] + "/new", os.O_WRONLY)
    os.write(fd, b"x")
    os.close(fd)
names = [e.name for e in os.scandir(a[0]) if e.name.startswith("0")]
assert len(names) == 5000 == len(set(names)), len(names)
assert names == sorted(names)
' "$M/mail"
	equal 5000 "$(find "$M/mail" -maxdepth 1 -name '0*' | sort -u | wc -l)"
	equal 5000 "$(ls -l "$M/mail" | awk '$NF ~ /^0/' | wc -l)"
}

@test "a listing of 5,000 jobs while jobs come and go neither repeats nor skips what stays" {
	mount_queues 'mail: {}'
	py '
q = a[0]
def put(n):
    for i in range(n):
        fd = os.open(q + "/new", os.O_WRONLY)
        os.write(fd, b"x")
        os.close(fd)
def listing(): return [e.name for e in os.scandir(q) if e.name.startswith("0")]
put(5000)
jobs = listing()
go = jobs[::7]           # these will be cancelled, all over the list, while it is read
stay = set(jobs) - set(go)
seen = []
for n, e in enumerate(os.scandir(q)):
    if e.name.startswith("0"): seen.append(e.name)
    if n % 10 == 0 and go: os.unlink(q + "/" + go.pop(n * 31 % len(go)))
    if n % 20 == 0: put(1)
    assert n < 20000
assert len(seen) == len(set(seen)), "repeated"
missing = stay - set(seen)
assert not missing, (len(missing), sorted(missing)[:3])
' "$M/mail"
}

@test "a listing of 5,000 jobs while workers take them skips nothing that stays" {
	mount_queues 'mail: { concurrency: 10000 }'
	py '
q = a[0]
for i in range(5000):
    fd = os.open(q + "/new", os.O_WRONLY)
    os.write(fd, b"x")
    os.close(fd)
before = [e.name for e in os.scandir(q) if e.name.startswith("0")]
seen = []
for n, e in enumerate(os.scandir(q)):
    if e.name.startswith("0"): seen.append(e.name)
    if n % 10 == 0:
        with open(q + "/claim/w%d" % n) as f: f.read()
after = {e.name for e in os.scandir(q) if e.name.startswith("0")}
assert len(seen) == len(set(seen)), "repeated"
assert after <= set(seen), len(after - set(seen))
running = os.listdir(q + "/running")
assert set(running) | after == set(before) and len(running) + len(after) == 5000
' "$M/mail"
}

@test "rewinddir and seekdir: a listing read twice through one descriptor is the same" {
	mount_queues 'mail: {}'
	py '
for i in range(500):
    with open(a[0] + "/new", "w") as f: f.write("x")
fd = os.open(a[0], os.O_RDONLY)
first = os.listdir(fd)
assert sorted(os.listdir(fd)) == sorted(first) and len(first) > 500
' "$M/mail"
	perl -e 'opendir(D, $ARGV[0]) or die; readdir(D) for 1..100; my $at = telldir(D); my $x = readdir(D);
		my @rest = readdir(D); seekdir(D, $at); readdir(D) eq $x or die; scalar(my @again = readdir(D)) == @rest or die' "$M/mail"
}
