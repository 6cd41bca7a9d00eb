#!/usr/bin/env bats
# Who can do what: users on a mount of root's, the processes that serve it, and what others may
# have put in the way of the store.

load harness

# Users that need not exist: UID:GID, or UID:GID,GROUP...
ANN=61001:61001,61100     # a producer
BOB=61002:61002,61100     # another
WORKER=61003:61003        # may claim
INSPECTOR=61004:61004,61200
STRANGER=61005:61005
NOBODY=$(id -u nobody):$(id -g nobody) # fusermount3 wants one with a name

# Users are changed by root only. `root || { by_root; return; }` begins a test that does: others run
# it by sudo.
root()
{
	[ "$(id -u)" -eq 0 ]
}

by_root()
{
	sudo -n env "BUILD=${BUILD:-build/gcc}" "SPOOLFS=$SPOOLFS" \
		bats -f "^${BATS_TEST_DESCRIPTION//[^a-zA-Z0-9 _-]/.}\$" "$BATS_TEST_FILENAME" 3>&-
}

# as USER COMMAND...
as()
{
	local groups=${1#*:} user=${1%%:*}
	shift
	setpriv --reuid "$user" --regid "${groups%%,*}" --groups "$groups" --inh-caps=-all "$@"
}

# write_as USER FILE TEXT [UMASK]
write_as()
{
	as "$1" sh -c 'umask "$3" && printf %s "$2" >"$1"' sh "$2" "$3" "${4:-022}"
}

# may_not USER COMMAND...: it fails, because of permissions.
may_not()
(
	trap - DEBUG
	local user=$1 said status=0
	shift
	said=$(as "$user" timeout 20 "$@" 2>&1 3>&- </dev/null) || status=$?
	if ((status == 0)) || [[ $said != *'Permission denied'* && $said != *'Operation not permitted'* ]]; then
		printf 'should not be allowed to %s: %s\nstatus %d, said: %s\n' "$user" "$*" $status "$said"
		return 1
	fi
)

# may_not_write USER FILE
may_not_write()
{
	may_not "$1" sh -c 'echo x >"$1"' sh "$2"
}

mount_for_users()
{
	mount_queues "mail: { permissions: { enqueue: '0:61100 1771', claim: '61003:61003 0700', inspect: '0:61200 0750' } }"
}

# receipt_of NAME: root looks it up.
receipt_of()
{
	readlink "$M/mail/receipts/$1"
}

# of PID FIELD: a line of /proc/PID/status.
of()
{
	awk -v field="$2:" '$1 == field {print $2}' "/proc/$1/status"
}

# ---- users

@test "a producer enqueues; strangers, workers and inspectors do not" {
	root || { by_root; return; }
	mount_for_users
	write_as "$ANN" "$M/mail/a" one
	write_as "$BOB" "$M/mail/new" two
	equal 2 "$(count_in mail)"
	may_not_write "$STRANGER" "$M/mail/x"
	may_not_write "$STRANGER" "$M/mail/new"
	may_not_write "$WORKER" "$M/mail/x"
	may_not_write "$INSPECTOR" "$M/mail/new"
	may_not "$STRANGER" ls "$M/mail"
	may_not "$STRANGER" mkdir "$M/mail/dir"
	equal 2 "$(count_in mail)"
}

@test "a job in the queue is as private as the file that was written" {
	local private shared
	root || { by_root; return; }
	mount_for_users
	write_as "$ANN" "$M/mail/private" secret 077
	write_as "$ANN" "$M/mail/shared" open 022
	private=$(receipt_of private) shared=$(receipt_of shared)
	equal "600 61001 61001" "$(stat -c '%a %u %g' "$M/mail/$private")"
	equal secret "$(as "$ANN" cat "$M/mail/$private")"
	may_not "$BOB" cat "$M/mail/$private"
	may_not "$BOB" cat "$M/mail/private"
	may_not "$BOB" cat "$M/mail/$private.json"
	may_not "$BOB" getfattr -n user.spoolfs.name "$M/mail/$private"
	equal open "$(as "$BOB" cat "$M/mail/$shared")"
	may_not "$STRANGER" cat "$M/mail/$private"
	equal secret "$(as "$INSPECTOR" cat "$M/mail/receipts/$private")"
}

@test "with the sticky bit nobody cancels, postpones or renames what is another's" {
	local receipt
	root || { by_root; return; }
	mount_for_users
	write_as "$ANN" "$M/mail/a" one
	write_as "$ANN" "$M/mail/draft.tmp" two
	receipt=$(receipt_of a)
	may_not "$BOB" rm -f "$M/mail/$receipt"
	may_not "$BOB" rm -f "$M/mail/a"
	may_not "$BOB" touch -d tomorrow "$M/mail/$receipt"
	may_not "$BOB" mv "$M/mail/draft.tmp" "$M/mail/b"
	may_not "$BOB" mv "$M/mail/$receipt" "$M/mail/dead-letter/"
	may_not "$STRANGER" rm -f "$M/mail/$receipt"
	equal 1 "$(count_in mail)"
	as "$ANN" rm -f "$M/mail/$receipt"
	as "$ANN" mv "$M/mail/draft.tmp" "$M/mail/b"
	equal two "$(payloads mail)"
}

@test "a draft belongs to who writes it: mode, owner, bytes and attributes" {
	root || { by_root; return; }
	mount_for_users
	write_as "$ANN" "$M/mail/a.tmp" one 077
	may_not "$BOB" cat "$M/mail/a.tmp"
	may_not_write "$BOB" "$M/mail/a.tmp"
	may_not "$BOB" truncate -s 0 "$M/mail/a.tmp"
	may_not "$BOB" chmod 666 "$M/mail/a.tmp"
	may_not "$BOB" chown 61002 "$M/mail/a.tmp"
	may_not "$BOB" setfattr -n user.x -v 1 "$M/mail/a.tmp"
	may_not "$BOB" touch "$M/mail/a.tmp"
	may_not "$ANN" chown 61002 "$M/mail/a.tmp"
	may_not "$ANN" chgrp 61200 "$M/mail/a.tmp"
	as "$ANN" chmod 640 "$M/mail/a.tmp"
	as "$ANN" chgrp 61100 "$M/mail/a.tmp"
	equal one "$(as "$BOB" cat "$M/mail/a.tmp")"
	equal "640 61001 61100" "$(stat -c '%a %u %g' "$M/mail/a.tmp")"
}

@test "a program enqueued with the set-user-id bit is not run with it" {
	local options
	root || { by_root; return; }
	mount_for_users
	options=$(findmnt -no OPTIONS "$M")
	contains "$options" nosuid
	contains "$options" nodev
}

@test "jobs and twins are changed by nobody, not even by who wrote them" {
	local receipt
	root || { by_root; return; }
	mount_for_users
	write_as "$ANN" "$M/mail/a" one
	receipt=$(receipt_of a)
	may_not "$ANN" sh -c 'echo x >>"$1"' sh "$M/mail/$receipt"
	may_not "$ANN" truncate -s 0 "$M/mail/$receipt"
	may_not "$ANN" chmod 777 "$M/mail/$receipt"
	may_not "$ANN" setfattr -n user.spoolfs.attempt -v 9 "$M/mail/$receipt"
	may_not "$ANN" ln "$M/mail/$receipt" "$M/mail/b"
	may_not "$ANN" mknod "$M/mail/p" p
	equal one "$(payloads mail)"
}

@test "only workers claim, and end claims" {
	root || { by_root; return; }
	mount_for_users
	write_as "$ANN" "$M/mail/a" secret 077
	for user in "$ANN" "$INSPECTOR" "$STRANGER"; do
		may_not "$user" cat "$M/mail/claim/w1"
		may_not "$user" ls "$M/mail/claim"
	done
	equal secret "$(as "$WORKER" cat "$M/mail/claim/w1")"
	may_not "$ANN" rm -f "$M/mail/claim/w1"
	may_not "$INSPECTOR" touch "$M/mail/claim/w1"
	may_not "$STRANGER" mv "$M/mail/claim/w1" "$M/mail/retries/"
	equal w1 "$(as "$WORKER" ls "$M/mail/claim")"
	as "$WORKER" touch "$M/mail/claim/w1"
	as "$WORKER" rm -f "$M/mail/claim/w1"
	equal 0 "$(live_in mail)"
}

@test "verdicts by mv need both directories" {
	root || { by_root; return; }
	mount_for_users
	write_as "$ANN" "$M/mail/a" one
	equal one "$(as "$WORKER" cat "$M/mail/claim/w1")"
	may_not "$WORKER" mv "$M/mail/claim/w1" "$M/mail/retries/"
	may_not "$WORKER" mv "$M/mail/claim/w1" "$M/mail/dead-letter/"
	may_not "$WORKER" mv "$M/mail/claim/w1" "$M/mail/"
	equal 1 "$(count_in mail/running)"
}

@test "only inspectors look into the other directories, and they change nothing" {
	local receipt directory
	root || { by_root; return; }
	mount_for_users
	write_as "$ANN" "$M/mail/a" secret 077
	receipt=$(receipt_of a)
	mv "$M/mail/$receipt" "$M/mail/dead-letter/"
	for directory in running retries backoff dead-letter receipts; do
		for user in "$ANN" "$WORKER" "$STRANGER"; do
			may_not "$user" ls "$M/mail/$directory"
			may_not "$user" stat "$M/mail/$directory/$receipt"
		done
		as "$INSPECTOR" ls "$M/mail/$directory" >/dev/null
	done
	equal "$receipt" "$(as "$INSPECTOR" ls "$M/mail/dead-letter")"
	equal secret "$(as "$INSPECTOR" cat "$M/mail/dead-letter/$receipt")"
	equal dead "$(as "$INSPECTOR" jq -r .state "$M/mail/dead-letter/$receipt.json")"
	may_not "$ANN" cat "$M/mail/receipts/$receipt.json"
	may_not "$INSPECTOR" rm -f "$M/mail/dead-letter/$receipt"
	may_not "$INSPECTOR" mv "$M/mail/dead-letter/$receipt" "$M/mail/"
	equal 1 "$(count_in mail/dead-letter)"
}

@test "the store is its owner's: mode 0600, whatever the umask" {
	local file
	root || { by_root; return; }
	umask 000
	mount_for_users
	umask 022
	write_as "$ANN" "$M/mail/a" secret 077
	for file in "$STORE" "$STORE"-wal "$STORE"-shm "$STORE"-reserve "$STORE".lock; do
		equal "600 0" "$(stat -c '%a %u' "$file")"
		may_not "$ANN" cat "$file"
	done
}

# ---- the processes

# given_up ENGINE KEPT: it has no capability but these, in hexadecimal, and what it started with.
given_up()
{
	local set kept held
	held=$(of "$(holder)" CapPrm)
	kept=$(printf '%016x' $((0x$2 & 0x$held)))
	equal 1 "$(of "$1" NoNewPrivs)"
	equal 2 "$(of "$1" Seccomp)"
	for set in CapEff CapPrm; do
		equal "$kept" "$(of "$1" $set)"
	done
	equal 0000000000000000 "$(of "$1" CapInh)"
	equal 0000000000000000 "$(of "$1" CapAmb)"
	# CAP_SETPCAP is needed to empty this one.
	if ((0x$held & 1 << 8)); then
		equal 0000000000000000 "$(of "$1" CapBnd)"
	fi
}

@test "the engine process keeps CAP_SYS_PTRACE and nothing else" {
	mount_queues 'mail: {}'
	given_up "$(engine)" 80000
	equal 0 "$(of "$(holder)" NoNewPrivs)"
	equal 0 "$(of "$(holder)" Seccomp)"
	enqueue mail a one
}

@test "so does the one that takes its place, in all its threads" {
	local first task
	mount_queues 'mail: {}'
	first=$(engine)
	log_expect 'ended by signal 9'
	kill -KILL "$first"
	enqueue mail a one
	eventually test "$(engine)" != "$first"
	given_up "$(engine)" 80000
	for task in "/proc/$(engine)/task"/*; do
		equal 1 "$(awk '$1 == "NoNewPrivs:" {print $2}' "$task/status")"
		equal 2 "$(awk '$1 == "Seccomp:" {print $2}' "$task/status")"
		equal "$(of "$(engine)" CapPrm)" "$(awk '$1 == "CapPrm:" {print $2}' "$task/status")"
	done
}

@test "the engine process still ends with the holder" {
	mount_queues 'mail: {}'
	kill -KILL "$(holder)"
	eventually gone
}

@test "root mounts a store in another user's folder, who can go on with it" {
	root || { by_root; return; }
	mkdir -m 700 "$T/ann" && chown 61001:61001 "$T/ann"
	printf 'store: %s/ann/queues.db\nqueue_configs: { mail: {} }\n' "$T" >"$CONFIG"
	as "$ANN" sh -c 'umask 077 && : >"$1"' sh "$T/ann/queues.db"
	start
	given_up "$(engine)" 80003 # CAP_DAC_OVERRIDE, CAP_CHOWN
	enqueue mail a one
	equal "61001 600" "$(stat -c '%u %a' "$T/ann/queues.db-wal")"
	equal one "$(claim mail w1)"
}

# mount_by_nobody CODE: in a mount namespace where all may open /dev/fuse, which elsewhere is a
# matter of the host, nobody mounts; then CODE runs, as root, and has to unmount.
mount_by_nobody()
{
	export -f as write_as may_not of given_up equal eventually mounted unmounted gone daemons ours parent_of holder engine
	export NOBODY BOB T M STORE LOG CONFIG SPOOLFS
	mkdir "$T/ann" "$T/dev" && chown nobody "$T/ann" "$M"
	chmod 666 "$LOG"
	STORE=$T/ann/queues.db
	configure 'mail: {}'
	timeout 60 unshare --mount --propagation private bash -euc '
		mount -t tmpfs -o mode=755 none "$T/dev"
		mknod -m 666 "$T/dev/fuse" c 10 229
		mount --bind "$T/dev/fuse" /dev/fuse
		as "$NOBODY" timeout 60 "$SPOOLFS" -o "log=$LOG" "$CONFIG" "$M"
		eval "$1"
	' bash "$1" 3>&- </dev/null
}

@test "a mount of an ordinary user has nothing to drop, and fusermount3 unmounts it at SIGTERM" {
	root || { by_root; return; }
	mount_by_nobody '
		equal 1 "$(of "$(engine)" NoNewPrivs)"
		equal 2 "$(of "$(engine)" Seccomp)"
		equal 0000000000000000 "$(of "$(engine)" CapPrm)"
		equal 0 "$(of "$(holder)" NoNewPrivs)"
		kill -TERM "$(holder)"
		eventually gone
		unmounted
	'
}

@test "a mount of an ordinary user is that user's alone" {
	root || { by_root; return; }
	mount_by_nobody '
		write_as "$NOBODY" "$M/mail/a" one
		may_not "$BOB" ls "$M"
		may_not "$BOB" cat "$M/README"
		equal one "$(as "$NOBODY" cat "$M/mail/claim/w1")"
		as "$NOBODY" fusermount3 -u "$M"
		eventually gone
	'
}

@test "under load the engine process has no file open but its own" {
	local fd target
	mount_queues 'mail: {}'
	for i in {1..6}; do
		enqueue mail "job$i" "$i" >/dev/null
		claim mail w1 >/dev/null
		rm "$M/mail/claim/w1"
		for fd in "/proc/$(engine)/fd"/*; do
			target=$(readlink "$fd") || continue
			case $target in
			"$STORE" | "$STORE"-* | "$STORE".lock | "$LOG" | "$T"/sanitizer.* | /dev/fuse | /dev/null) ;;
			pipe:* | socket:* | anon_inode:*) ;;
			*) echo "open: $target" && return 1 ;;
			esac
		done
	done
}

# ---- what others have put there

# not_started PATTERN: it does not mount, and says why.
not_started()
{
	run timeout 30 "$SPOOLFS" -o "log=$LOG" "$CONFIG" "$M" 3>&- </dev/null
	equal 71 "$status"
	matches "$output" "$1"
	log_expect "$1"
	gone
	unmounted
}

# In a folder where everybody can make files, as in /tmp.
open_folder()
{
	mkdir -m 1777 "$T/open"
	STORE=$T/open/queues.db
	configure 'mail: {}'
	echo precious >"$T/victim"
}

untouched()
{
	equal precious "$(cat "$T/victim")"
}

@test "a store in a folder that everybody can write to, without the sticky bit, is refused" {
	open_folder
	chmod 777 "$T/open"
	not_started "$T/open can be written by everybody"
	equal "" "$(ls -A "$T/open")"
}

@test "a store in a folder like /tmp is fine as long as the files are ours" {
	open_folder
	start
	enqueue mail a one
	restart
	equal one "$(payloads mail)"
}

@test "links where the files of the store shall be are not followed" {
	local suffix
	open_folder
	for suffix in -wal -shm -journal -reserve .lock; do
		ln -s "$T/victim" "$STORE$suffix"
		not_started 'is a symbolic link'
		untouched
		rm "$STORE$suffix"
	done
	# A store that is a link is another name of that file; nothing is made through one.
	ln -s "$T/none" "$STORE"
	not_started 'is a symbolic link'
	[ ! -e "$T/none" ]
	untouched
}

@test "a second name of somebody's file is not taken for the store's" {
	local suffix
	open_folder
	for suffix in '' -wal -reserve .lock; do
		ln "$T/victim" "$STORE$suffix"
		not_started 'has a second name'
		untouched
		rm "$STORE$suffix"
	done
}

@test "files of another user are not taken for the store's" {
	local suffix
	root || { by_root; return; }
	open_folder
	for suffix in '' -wal -shm -reserve .lock; do
		as "$ANN" sh -c ': >"$1"' sh "$STORE$suffix"
		not_started 'belongs to another user'
		rm "$STORE$suffix"
	done
	as "$ANN" mkfifo "$STORE.lock"
	not_started 'is not a regular file'
}

@test "links among the folders of a store are followed at the start, also when folders are missing" {
	mkdir "$T/real"
	ln -s real "$T/link"
	STORE=$T/link/new/queues.db
	mount_queues 'mail: {}'
	enqueue mail a one
	[ -s "$T/real/new/queues.db" ]
	restart
	equal one "$(payloads mail)"
}

@test "a log in a folder like /tmp follows no link of another's" {
	root || { by_root; return; }
	mkdir -m 1777 "$T/open"
	configure 'mail: {}'
	echo precious >"$T/victim"
	as "$ANN" ln -s "$T/victim" "$T/open/log"
	run timeout 30 "$SPOOLFS" -o "log=$T/open/log" "$CONFIG" "$M" 3>&- </dev/null
	equal 71 "$status"
	contains "$output" "log file $T/open/log"
	rm "$T/open/log"
	as "$ANN" sh -c ': >"$1"' sh "$T/open/log"
	run timeout 30 "$SPOOLFS" -o "log=$T/open/log" "$CONFIG" "$M" 3>&- </dev/null
	equal 71 "$status"
	rm "$T/open/log"
	ln "$T/victim" "$T/open/log"
	run timeout 30 "$SPOOLFS" -o "log=$T/open/log" "$CONFIG" "$M" 3>&- </dev/null
	equal 71 "$status"
	untouched
	gone
}

@test "a log that is a link of ours is written to" {
	configure 'mail: {}'
	ln -s "$LOG" "$T/link"
	timeout 30 "$SPOOLFS" -o "log=$T/link" "$CONFIG" "$M" 3>&- </dev/null
	log_expect 'ended by signal 9'
	kill -KILL "$(engine)"
	enqueue mail a one
}

@test "a mount point behind a link is mounted once, where the link leads" {
	configure 'mail: {}'
	ln -s "$M" "$T/link"
	timeout 30 "$SPOOLFS" -o "log=$LOG" "$CONFIG" "$T/link" 3>&- </dev/null
	mounted
}
