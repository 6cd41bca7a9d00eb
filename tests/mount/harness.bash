# shellcheck shell=bash disable=SC2034,SC2119,SC2120
# What every mount test stands on. Each test has a folder of its own, $T, with
#
#   $M      the mount point            $CONFIG  the configuration
#   $STORE  the store                  $LOG     the daemon's log
#
# mount_queues 'mail: {}' ... writes the configuration and mounts. The spoolfs command returns when
# the mount answers, so nothing here waits for that. After the test everything is ended,
# unmounted and checked: the daemon is gone, and its log holds no suspicious line that the test
# did not announce with log_expect. When that is not so, a test that passed has failed.
#
# Functions with a body in ( ) are subshells without bats' DEBUG trap, which makes every command of
# a function slow.
bats_require_minimum_version 1.5.0

ROOT=${BATS_TEST_DIRNAME%/*/*}
SPOOLFS=${SPOOLFS:-$ROOT/${BUILD:-build/gcc}/spoolfs}
[[ $SPOOLFS == /* ]] || SPOOLFS=$PWD/$SPOOLFS
RECEIPT_PATTERN='^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
export LC_ALL=C.UTF-8
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH # the programs of the distribution

setup()
{
	T=${TMPDIR:-/tmp}/spoolfs-test.$BASHPID-$RANDOM$RANDOM
	M=$T/mnt CONFIG=$T/queues.yaml STORE=$T/queues.db LOG=$T/log
	mkdir -m 755 "$T" "$M" || return
	: >"$LOG"
	LOG_EXPECTED=()
	OTHERS=" $(jobs -p) " # processes of bats itself
	export SPOOLFS_TEST=$T # known by it in its environment: see daemons
	export ASAN_OPTIONS="halt_on_error=1:detect_leaks=1:log_path=$T/sanitizer"
	export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:log_path=$T/sanitizer"
	export TSAN_OPTIONS="halt_on_error=1:log_path=$T/sanitizer"
	[ -x "$SPOOLFS" ] || {
		echo "no program at $SPOOLFS: run make"
		return 1
	}
}

teardown()
{
	local status=0
	[ -n "${T-}" ] || return 0
	processes_end
	exec 4>&- 5>&- 6>&- 7>&- # what a test opened and left open
	unmount_all || status=1
	log_check || status=1
	if ((status != 0)) || [ -z "${BATS_TEST_COMPLETED-}" ]; then
		echo "---- the daemon's log"
		tail -n 60 "$LOG"
	fi
	rm -rf --one-file-system "$T"
	return $status
}

# ---- mounting

# configure LINE...: the configuration: each line belongs below queue_configs.
configure()
{
	{
		echo "store: $STORE"
		echo "queue_configs:"
		printf '  %s\n' "$@"
	} >"$CONFIG"
}

# start [OPTION...]: mounts what was configured.
start()
{
	timeout 60 "$SPOOLFS" -o "log=$LOG" "$@" "$CONFIG" "$M" 3>&- </dev/null
}

mount_queues()
{
	configure "$@"
	start
}

stop()
{
	fusermount3 -u "$M"
	eventually gone
}

restart()
{
	stop
	start
}

# parent_of PID: sets PARENT.
parent_of()
{
	local line lines
	PARENT=
	mapfile -t lines <"/proc/$1/status"
	for line in "${lines[@]}"; do
		[[ $line != PPid:* ]] || PARENT=${line//[^0-9]/}
	done
}

# ours PID: is it a process that serves something of this test?
ours()
{
	local words
	[[ /proc/$1/exe -ef $SPOOLFS ]] || return
	mapfile -d '' -t words <"/proc/$1/cmdline"
	[[ "${words[*]}" != *"$T"* ]] || return 0
	mapfile -d '' -t words <"/proc/$1/environ"
	[[ "${words[*]}" == *"$T"* ]]
}

# The processes that serve $M, the holder first. Without a fork for each process there is: this is
# asked again and again.
daemons()
(
	trap - DEBUG
	local file name holders='' others='' all='' pid
	for file in /proc/[0-9]*/comm; do
		pid=${file//[^0-9]/}
		read -r name <"$file" && [[ $name == spoolfs* ]] && ours "$pid" && all="$all $pid "
	done 2>/dev/null
	for pid in $all; do
		parent_of "$pid" 2>/dev/null
		case $all in
		*" $PARENT "*) others="$others $pid" ;;
		*) holders="$holders $pid" ;;
		esac
	done
	# shellcheck disable=SC2086 # lists of words
	printf '%s\n' $holders $others
)

holder()
{
	daemons | head -n 1
}

engine()
{
	pgrep -P "$(holder)"
}

gone()
{
	[ -z "$(daemons)" ]
}

mounted()
{
	mountpoint -q "${1:-$M}"
}

unmounted()
{
	! mounted "$@"
}

# ---- the end of a test

# Ends what the test left running in the background.
processes_end()
{
	local pid
	for pid in $(jobs -p); do
		[[ ${OTHERS//$'\n'/ } != *" $pid "* ]] || continue
		pkill -KILL -P "$pid"
		kill -KILL "$pid"
		wait "$pid"
	done 2>/dev/null
	return 0
}

# mounts TYPE: sets MOUNTS, the mount points of this test with a type that begins so, the last first.
mounts()
{
	local line lines point type
	MOUNTS=()
	mapfile -t lines </proc/self/mounts # at once: others mount, too
	for line in "${lines[@]}"; do
		read -r _ point type _ <<<"$line"
		[[ $point != "$T"/* || $type != "$1"* ]] || MOUNTS=("$point" "${MOUNTS[@]}")
	done
}

unmount_all()
(
	trap - DEBUG
	local status=0 point
	mounts fuse
	for point in "${MOUNTS[@]}"; do
		DEADLINE=3 eventually fusermount3 -u "$point" >/dev/null 2>&1 || {
			echo "cannot unmount $point"
			fusermount3 -uz "$point" || true
			status=1
		}
	done
	DEADLINE=20 eventually gone || {
		echo "still there after the unmount: $(daemons | tr '\n' ' ')"
		# shellcheck disable=SC2046 # a list of words
		kill -KILL $(daemons)
		status=1
	}
	mounts ''
	for point in "${MOUNTS[@]}"; do
		umount "$point" || umount -l "$point" # a disk of the test
	done
	return $status
)

# log_expect PATTERN: the daemon's log will hold such a line: neither a surprise nor missing.
log_expect()
{
	LOG_EXPECTED+=("$1")
}

log_check()
(
	trap - DEBUG
	local pattern status=0 suspicious='' report
	[ ! -s "$LOG" ] || suspicious=$(grep -E -i 'error|assert|sanitizer|fatal|warn|panic|abort|broken|leak' "$LOG")
	for pattern in "${LOG_EXPECTED[@]}"; do
		grep -E -q -e "$pattern" "$LOG" || {
			echo "the log has no line that matches: $pattern"
			status=1
		}
		suspicious=$(grep -E -v -e "$pattern" <<<"$suspicious")
	done
	[ -z "$suspicious" ] || {
		echo "unexpected in the log:"
		echo "$suspicious"
		status=1
	}
	for report in "$T"/sanitizer.*; do
		[ -e "$report" ] || continue
		cat "$report"
		status=1
	done
	return $status
)

# ---- waiting

# eventually COMMAND...: tries until it succeeds, ${DEADLINE:-15} seconds at most. Only for what
# happens by itself: backoff, timeouts, processes that end.
eventually()
(
	trap - DEBUG
	local end=$((SECONDS + ${DEADLINE:-15}))
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS >= end)); then
			echo "still not: $*"
			"$@"
			return 1
		fi
		sleep 0.02
	done
)

# blocked PID: the process waits for an answer of the file system.
blocked()
{
	local where
	read -r where <"/proc/$1/wchan" || [ -n "$where" ] || return
	[[ $where == *request_wait_answer* || $where == *fuse* ]]
}

ended()
{
	! kill -0 "$1" 2>/dev/null
}

# waiting_reader WORKER FILE [QUEUE]: a cat that waits for WORKER's next job; $! is its pid. Returns
# when the daemon has the request.
waiting_reader()
{
	cat "$M/${3:-mail}/claim/$1" >"$2" 3>&- &
	eventually blocked $!
}

# ---- asking

equal()
{
	[ "$1" = "$2" ] || {
		printf 'expected: %s\n     got: %s\n' "$1" "$2"
		return 1
	}
}

contains()
{
	[[ $1 == *"$2"* ]] || {
		printf 'not in it: %s\n        it: %s\n' "$2" "$1"
		return 1
	}
}

matches()
{
	[[ $1 =~ $2 ]] || {
		printf 'does not match: %s\n            it: %s\n' "$2" "$1"
		return 1
	}
}

# refused MESSAGE COMMAND...: the command fails and says MESSAGE.
refused()
(
	trap - DEBUG
	local message=$1 said status=0
	shift
	said=$(LC_ALL=C timeout 20 "$@" 2>&1 3>&- </dev/null) || status=$?
	if ((status == 0)) || [[ $said != *"$message"* ]]; then
		printf 'should fail with "%s": %s\nstatus %d, said: %s\n' "$message" "$*" $status "$said"
		return 1
	fi
)

# absent FILE: there is no such file. The kernel may know a job's name for a second after it left.
absent()
{
	DEADLINE=3 eventually gone_from_view "$1"
}

gone_from_view()
{
	[ ! -e "$1" ] && [ ! -L "$1" ]
}

# py CODE ARGUMENT...: runs python code; the arguments are in a.
py()
{
	local code=$1
	shift
	timeout 60 python3 -c "import errno, json, os, sys, time
a = sys.argv[1:]
$code" "$@" 3>&-
}

# errno_of CODE ARGUMENT...: the name of the errno that python code ends with, or OK.
errno_of()
{
	local code=$1
	shift
	py "try:
    ${code//$'\n'/$'\n    '}
except OSError as e:
    print(errno.errorcode[e.errno])
else:
    print('OK')" "$@"
}

# ---- queues

# enqueue QUEUE NAME PAYLOAD: writes a job and prints its receipt.
enqueue()
{
	printf '%s' "$3" >"$M/$1/$2"
	readlink "$M/$1/receipts/$2"
}

# jobs_in FOLDER: the receipts it lists, in the order of the listing.
jobs_in()
(
	trap - DEBUG
	# shellcheck disable=SC2010 # names of a shape of ours; the order is the point
	ls -U "$M/$1" | grep -E "$RECEIPT_PATTERN" || true
)

count_in()
{
	jobs_in "$1" | wc -l
}

# live_in QUEUE: how many jobs it has, whatever their state.
live_in()
(
	trap - DEBUG
	local folder jobs=0
	for folder in . running backoff dead-letter; do
		jobs=$((jobs + $(count_in "$1/$folder")))
	done
	echo $jobs
)

# payloads QUEUE: those of the waiting jobs, in order, in one line.
payloads()
(
	trap - DEBUG
	local receipt
	for receipt in $(jobs_in "$1"); do
		cat "$M/$1/$receipt"
		echo
	done | grep . | paste -s -d ' '
)

# claim QUEUE WORKER: prints the job that WORKER holds or gets; fails when it has to wait.
claim()
{
	timeout 20 dd if="$M/$1/claim/$2" iflag=nonblock bs=2M status=none
}

# no_claim QUEUE WORKER: there is nothing for WORKER now.
no_claim()
{
	refused 'Resource temporarily unavailable' dd if="$M/$1/claim/$2" iflag=nonblock status=none
}

# fact QUEUE RECEIPT KEY: what the job's twin says.
fact()
{
	jq -r ".$3" "$M/$1/receipts/$2.json"
}

# fail_once QUEUE WORKER: claims and fails a job once; prints its receipt.
fail_once()
{
	claim "$1" "$2" >/dev/null
	fact_held "$1" "$2"
	mv "$M/$1/claim/$2" "$M/$1/retries/"
}

# fact_held QUEUE WORKER: the receipt of the job that WORKER holds.
fact_held()
(
	trap - DEBUG
	local receipt
	for receipt in $(jobs_in "$1/running"); do
		[ "$(fact "$1" "$receipt" worker)" != "$2" ] || echo "$receipt"
	done
)

# bury QUEUE NAME PAYLOAD: a dead letter; prints its receipt.
bury()
{
	local receipt
	receipt=$(enqueue "$1" "$2" "$3")
	mv "$M/$1/$receipt" "$M/$1/dead-letter/"
	echo "$receipt"
}

# due_in FILE: how far in the future its mtime is, rounded down, at least 0.
due_in()
{
	local mtime now
	mtime=$(stat -c %.3Y "$1")
	now=$(date +%s.%3N)
	awk -v m="$mtime" -v n="$now" 'BEGIN {d = m - n; print d < 0 ? 0 : int(d)}'
}
