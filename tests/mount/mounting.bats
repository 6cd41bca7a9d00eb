#!/usr/bin/env bats
# Mounting and unmounting, and everything that mount(8), fstab and systemd do with a file system.

load harness

# as_root CODE ARGUMENT...: runs bash code as root in a mount namespace of its own, and in a user
# namespace when we are not root. There the program is installed: mount(8) looks for it in
# /usr/local/bin and the like, whatever PATH says.
as_root()
{
	local code=$1 namespaces=--mount
	shift
	[ "$(id -u)" -eq 0 ] || namespaces="--mount --user --map-root-user"
	# shellcheck disable=SC2086 # a list of words
	timeout 60 unshare $namespaces bash -euc "mount --bind ${SPOOLFS%/*} /usr/local/bin; $code" bash "$@" 3>&-
}

@test "the command returns when the mount answers" {
	mount_queues 'mail: {}'
	mounted
	[ -d "$M/mail/claim" ]
	equal 2 "$(daemons | wc -l)"
}

@test "the command lets go of its caller's descriptors and folder" {
	configure 'mail: {}'
	mkdir "$T/here"
	cd "$T/here"
	local said
	said=$(timeout 20 "$SPOOLFS" -o "log=$LOG" "$CONFIG" "$M" 2>&1 3>&-)
	equal "" "$said"
	mounted
	cd /
	rmdir "$T/here"
	equal "" "$(for pid in $(daemons); do readlink "/proc/$pid/cwd"; done | grep -v -x / || true)"
}

@test "relative paths work" {
	configure 'mail: {}'
	cd "$T"
	timeout 20 "$SPOOLFS" -o log=log queues.yaml mnt 3>&-
	cd /
	enqueue mail a hello
	equal 1 "$(count_in mail)"
}

@test "a relative store is found again from another folder" {
	printf 'store: queues.db\nqueue_configs: { mail: {} }\n' >"$CONFIG"
	cd "$T"
	start
	enqueue mail a hello
	stop
	start
	equal 1 "$(count_in mail)"
}

@test "the mount table names the config and the type fuse.spoolfs" {
	mount_queues 'mail: {}'
	equal fuse.spoolfs "$(findmnt -no FSTYPE "$M")"
	contains "$(findmnt -no SOURCE "$M")" queues.yaml
}

@test "fusermount3 -u ends the daemon" {
	mount_queues 'mail: {}'
	fusermount3 -u "$M"
	unmounted
	eventually gone
}

@test "umount ends the daemon" {
	as_root '
		"$1" -o "log=$2" "$3" "$4"
		mountpoint -q "$4"
		umount "$4"
	' "$SPOOLFS" "$LOG" "$(configure 'mail: {}' && echo "$CONFIG")" "$M"
	unmounted
	eventually gone
}

@test "SIGTERM unmounts cleanly" {
	mount_queues 'mail: {}'
	kill -TERM "$(holder)"
	eventually gone
	unmounted
}

@test "SIGINT unmounts cleanly" {
	mount_queues 'mail: {}'
	kill -INT "$(holder)"
	eventually gone
	unmounted
}

@test "SIGTERM to all processes at once, as systemd sends it, unmounts cleanly" {
	mount_queues 'mail: {}'
	# shellcheck disable=SC2046 # a list of words
	kill -TERM $(daemons)
	eventually gone
	unmounted
}

@test "SIGTERM while readers wait: they end with an error" {
	local reader status=0
	mount_queues 'mail: {}'
	waiting_reader w1 "$T/out" 2>/dev/null
	reader=$!
	kill -TERM "$(holder)"
	eventually gone
	eventually ended "$reader"
	wait "$reader" || status=$?
	equal 1 "$status"
	unmounted
}

@test "jobs are there after the unmount and a new mount" {
	local receipt
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	restart
	equal "$receipt" "$(jobs_in mail)"
	equal hello "$(cat "$M/mail/$receipt")"
}

@test "-f stays in the foreground and exits 0 after SIGTERM" {
	local pid
	configure 'mail: {}'
	"$SPOOLFS" -f "$CONFIG" "$M" 2>"$LOG" 3>&- &
	pid=$!
	eventually mounted
	kill -TERM $pid
	eventually ended $pid
	wait $pid
	unmounted
}

@test "-d is accepted, stays in the foreground and tells what happens" {
	local pid
	configure 'mail: {}'
	"$SPOOLFS" -d "$CONFIG" "$M" >"$T/debug" 2>&1 3>&- &
	pid=$!
	eventually mounted
	enqueue mail a hello
	kill -TERM $pid
	eventually ended $pid
	grep -q -x 'spoolfs: request [0-9]* WRITE /mail/a 5 at 0' "$T/debug"
	grep -q -x 'spoolfs: request [0-9]* LOOKUP /mail/receipts' "$T/debug"
	grep -q -x 'spoolfs: answer [0-9]* ENOENT' "$T/debug"
}

@test "a second daemon on the store exits 75 and names who holds it" {
	local pids
	mount_queues 'mail: {}'
	mkdir "$T/second"
	run --separate-stderr timeout 20 "$SPOOLFS" "$CONFIG" "$T/second" 3>&-
	equal 75 "$status"
	pids=$(daemons | paste -s -d '|')
	matches "$stderr" "(^|[^0-9])($pids)([^0-9]|$)"
	contains "$stderr" "$STORE"
	unmounted "$T/second"
	enqueue mail a hello
	equal 1 "$(count_in mail)"
}

@test "a second daemon that knows the store under another name exits 75 too" {
	mount_queues 'mail: {}'
	mkdir "$T/second" "$T/link"
	ln -s "$STORE" "$T/link/other.db"
	sed "s|$STORE|$T/link/other.db|" "$CONFIG" >"$T/second.yaml"
	run --separate-stderr timeout 20 "$SPOOLFS" "$T/second.yaml" "$T/second" 3>&-
	equal 75 "$status"
	unmounted "$T/second"
}

@test "after SIGKILL of all its processes the stale mount is replaced at start" {
	local receipt
	mount_queues 'mail: {}'
	receipt=$(enqueue mail a hello)
	# shellcheck disable=SC2046 # a list of words
	kill -KILL $(daemons)
	eventually gone
	refused 'Transport endpoint is not connected' ls "$M"
	start
	equal "$receipt" "$(jobs_in mail)"
	equal 1 "$(findmnt -rno TARGET | grep -c -x -F "$M")"
}

@test "a mount point that is not there: one clear line and no daemon" {
	configure 'mail: {}'
	run --separate-stderr timeout 20 "$SPOOLFS" "$CONFIG" "$T/none" 3>&-
	[ "$status" -ne 0 ]
	equal 1 "$(wc -l <<<"$stderr")"
	contains "$stderr" "$T/none"
	equal "" "$output"
	gone
}

@test "a mount point that is a file: one clear line" {
	configure 'mail: {}'
	touch "$T/file"
	run --separate-stderr timeout 20 "$SPOOLFS" "$CONFIG" "$T/file" 3>&-
	[ "$status" -ne 0 ]
	equal 1 "$(wc -l <<<"$stderr")"
	contains "$stderr" "$T/file"
	gone
}

@test "a store whose folder cannot be written: one clear line" {
	printf 'store: /proc/none/queues.db\nqueue_configs: { mail: {} }\n' >"$CONFIG"
	run --separate-stderr timeout 20 "$SPOOLFS" "$CONFIG" "$M" 3>&-
	[ "$status" -ne 0 ]
	equal 1 "$(wc -l <<<"$stderr")"
	contains "$stderr" /proc/none/queues.db
	unmounted
	gone
}

@test "the options of mount(8), fstab and systemd are accepted" {
	configure 'mail: {}'
	timeout 20 "$SPOOLFS" -o "log=$LOG,rw,noatime,nodev,nosuid,noexec,_netdev,noauto,nofail,user,users,owner,group" \
		-o x-systemd.automount,x-systemd.requires=network-online.target,x-gvfs-hide,comment=queues,async,dirsync,diratime,defaults \
		"$CONFIG" "$M" 3>&-
	contains "$(findmnt -no OPTIONS "$M")" noatime
	contains "$(findmnt -no OPTIONS "$M")" nodev
	contains "$(findmnt -no OPTIONS "$M")" nosuid
	enqueue mail a hello
	equal 1 "$(count_in mail)"
}

@test "the options of mount.fuse are accepted" {
	configure 'mail: {}'
	timeout 20 "$SPOOLFS" "$CONFIG" "$M" -o "rw,log=$LOG,subtype=spoolfs,fsname=queues,default_permissions,max_read=131072" 3>&-
	mounted
}

@test "options may stand after the arguments" {
	configure 'mail: {}'
	timeout 20 "$SPOOLFS" "$CONFIG" "$M" -o "log=$LOG" 3>&-
	mounted
}

@test "an unknown option is refused with 64" {
	configure 'mail: {}'
	run --separate-stderr timeout 20 "$SPOOLFS" -o nonsense=1 "$CONFIG" "$M" 3>&-
	equal 64 "$status"
	contains "$stderr" nonsense
	unmounted
}

@test "-o ro: the mount is read-only" {
	configure 'mail: {}'
	start -o ro
	contains "$(findmnt -no OPTIONS "$M")" ro
	equal EROFS "$(errno_of 'open(a[0], "w")' "$M/mail/a")"
	ls -l "$M/mail" >/dev/null
}

@test "-o allow_other is accepted" {
	configure 'mail: {}'
	as_root '
		"$1" -o "log=$2,allow_other" "$3" "$4"
		findmnt -no OPTIONS "$4" | grep -q allow_other
		umount "$4"
	' "$SPOOLFS" "$LOG" "$CONFIG" "$M"
	eventually gone
}

@test "mount.spoolfs, a link, is a mount helper as mount(8) calls it" {
	configure 'mail: {}'
	ln -s "$SPOOLFS" "$T/mount.spoolfs"
	timeout 20 "$T/mount.spoolfs" "$CONFIG" "$M" -o "rw,noatime,log=$LOG" 3>&-
	mounted
	stop
	timeout 20 "$T/mount.spoolfs" "$CONFIG" "$M" -n -s -v -o "rw,log=$LOG" 3>&-
	mounted
	enqueue mail a hello
}

@test "mount -t fuse.spoolfs CONFIG MOUNTPOINT" {
	configure 'mail: {}'
	as_root '
		mount -t fuse.spoolfs -o "noatime,log=$1" "$2" "$3"
		mountpoint -q "$3"
		echo hello > "$3/mail/a"
		test "$(findmnt -no FSTYPE "$3")" = fuse.spoolfs
		umount "$3"
	' "$LOG" "$CONFIG" "$M"
	eventually gone
	unmounted
}

@test "a line of fstab mounts and unmounts" {
	configure 'mail: {}'
	echo "$CONFIG $M fuse.spoolfs rw,noatime,nofail,_netdev,x-systemd.automount,log=$LOG 0 0" >"$T/fstab"
	as_root '
		mount --fstab "$1" "$2"
		mountpoint -q "$2"
		umount "$2"
	' "$T/fstab" "$M"
	eventually gone
}

@test "two mounts with two stores stand side by side" {
	mount_queues 'mail: {}'
	mkdir "$T/second"
	sed "s|$STORE|$T/second.db|" "$CONFIG" >"$T/second.yaml"
	timeout 20 "$SPOOLFS" -o "log=$LOG" "$T/second.yaml" "$T/second" 3>&-
	enqueue mail a hello
	equal 1 "$(count_in mail)"
	equal "" "$(find "$T/second/mail" -maxdepth 1 -name '0*')"
}

@test "df answers" {
	mount_queues 'mail: {}'
	df "$M" >/dev/null
	df -i "$M" >/dev/null
}

@test "an idle daemon costs no processor time" {
	local before after
	mount_queues 'mail: {}'
	enqueue mail a hello
	before=$(cpu_ticks)
	sleep 1 # the idle second is what is measured
	after=$(cpu_ticks)
	((after - before <= 2))
}

cpu_ticks()
{
	local pid ticks=0
	for pid in $(daemons); do
		ticks=$((ticks + $(awk '{print $14 + $15}' "/proc/$pid/stat")))
	done
	echo $ticks
}
