#!/bin/sh
# A worker for production: runs a command for each job of a queue.
#
#   worker.sh QUEUE-DIR [-j N] -- COMMAND...
#
# COMMAND gets the job on standard input, N of them run at a time (1 if not told otherwise), and its
# environment has
#
#   SPOOLFS_RECEIPT   which job it is, for life: note it together with the result
#   SPOOLFS_NAME      the name it was written under; empty for jobs without one
#   SPOOLFS_GROUP     its group; empty but in a fifo queue
#   SPOOLFS_ATTEMPT   the number of this attempt, from 1
#
# How COMMAND ends is the verdict, and the last line that it has written to standard error, which
# is passed on, is the reason:
#
#   0                  done
#   65 to 78, not 75   give up: it goes to dead-letter/
#   anything else      try again later; also when a signal ended it
#
# SIGTERM, SIGINT and SIGHUP let the jobs that run finish, and take no more. (As a systemd service:
# KillMode=mixed, since only this process is meant.) When this process is killed its jobs have
# failed at once, because the names of its claims end in its process ID; a command that still runs
# then runs on, but has no say any more. A mount that goes away is waited for.
#
# While COMMAND runs its claim is touched, so the queue's timeout_ms (3 seconds at least) is for
# hosts that vanish. What may hang needs a limit of its own: `-- timeout 300 ./send`.
set -u
me=${0##*/} pause=5 stopping='' waiting=''
mark="$me $$ ended" # what the reader of standard error knows the end by

say()
{
	printf '%s: %s\n' "$me" "$1" >&2
}

usage()
{
	say "$1"
	printf 'usage: %s QUEUE-DIR [-j N] -- COMMAND...\n' "$me" >&2
	exit 64
}

# A shell runs its traps only between commands and while it waits: what may take long and is to be
# ended by SIGTERM is waited for.
stop()
{
	stopping=yes
	[ -z "$waiting" ] || kill "$waiting" 2>/dev/null
}

# interruptible COMMAND...: its status.
interruptible()
{
	"$@" &
	waiting=$!
	[ -z "$stopping" ] || kill "$waiting" 2>/dev/null
	wait "$waiting"
	status=$?
	[ -z "$stopping" ] || wait "$waiting"
	waiting=
	return "$status"
}

# pause_after WHY
pause_after()
{
	say "$1; again in $pause s"
	interruptible sleep "$pause"
}

# ---- one of the N: it has a claim of its own

# In a process of its own, which waits in the open and may be killed there. Not cat: some copy with
# sendfile(2), which goes by the size that the file had before it was opened.
claim_read()
{
	exec tee <"$claim"
}

# Copies the next job to the file that the descriptors 3 and 4 have open, and nobody else: payloads
# may be any bytes.
job_take()
{
	file=$(mktemp) || {
		pause_after "no temporary file"
		return 1
	}
	exec 3>"$file" 4<"$file"
	rm -f "$file"
	LC_ALL=C interruptible claim_read >&3 2>&3 4<&- 8>&-
	status=$?
	exec 3>&-
	if [ -n "$stopping" ] || ! kill -0 $$ 2>/dev/null; then
		exit 0
	fi
	[ "$status" -ne 0 ] || return 0
	why=$(tail -n 1 <&4)
	why=${why##*: }
	case $why in
	*'Interrupted system call'*) ;; # it was stopped, or suspended
	*) pause_after "no job: ${why:-status $status}" ;;
	esac
	return 1
}

# The envelope without the payload, as lines `KEY VALUE`.
facts_list()
{
	LC_ALL=C sed -n '
		/^  "payload/q
		s/^  "\([a-z_]*\)": "\(.*\)",\{0,1\}$/\1 \2/
		t text
		s/^  "\([a-z_]*\)": \([0-9][0-9]*\),\{0,1\}$/\1 \2/p
		b
		:text
		s,\\\(["\/]\),\1,g
		p' "$claim.json"
}

facts_read()
{
	facts=$(facts_list)
	SPOOLFS_RECEIPT='' SPOOLFS_NAME='' SPOOLFS_GROUP='' SPOOLFS_ATTEMPT='' claimed='' deadline=''
	while IFS= read -r fact; do
		value=${fact#* }
		case $fact in
		'receipt '*) SPOOLFS_RECEIPT=$value ;;
		'name '*) SPOOLFS_NAME=$value ;;
		'group '*) SPOOLFS_GROUP=$value ;;
		'attempt '*) SPOOLFS_ATTEMPT=$value ;;
		'claimed '*) claimed=$value ;;
		'deadline '*) deadline=$value ;;
		esac
	done <<-FACTS
	$facts
	FACTS
	export SPOOLFS_RECEIPT SPOOLFS_NAME SPOOLFS_GROUP SPOOLFS_ATTEMPT
	[ -n "$SPOOLFS_RECEIPT" ] || {
		pause_after "$claim.json cannot be read"
		return 1
	}
}

# clock TIME: $seconds of the day, of 2026-11-23T21:10:55.156Z.
clock()
{
	rest=${1#*T}
	hour=${rest%%:*} rest=${rest#*:}
	minute=${rest%%:*} rest=${rest#*:}
	second=${rest%%.*}
	seconds=$((${hour#0} * 3600 + ${minute#0} * 60 + ${second#0}))
}

# Touches the claim three times in each timeout, and at least every minute, until it is killed.
heartbeat()
{
	trap stop TERM
	clock "$claimed"
	every=$seconds
	clock "$deadline"
	every=$(((seconds - every + 86400) % 86400 / 3))
	[ "$every" -ge 1 ] || every=1
	[ "$every" -le 60 ] || every=60
	while interruptible sleep "$every" && kill -0 $$; do
		touch -c "$claim"
	done
}

# Passes standard error on, up to the mark. Prints `STATUS LAST-LINE`.
errors_read()
{
	last=
	while IFS= read -r line; do
		text=${line%"$mark "*}
		[ -z "$text" ] || last=$text
		[ "$text" != "$line" ] || printf '%s\n' "$line" >&2
		[ "$text" = "$line" ] || break
	done
	[ -z "$text" ] || [ "$text" = "$line" ] || printf '%s\n' "$text" >&2
	printf '%s %.900s\n' "${line##*"$mark "}" "$last"
}

# job_run COMMAND...: its $status, and the $reason. Not to be read: what the shell itself has to say,
# as that COMMAND was killed.
job_run()
{
	heartbeat >/dev/null 2>&1 3>&- 4<&- 8>&- &
	beating=$!
	reason=$({
		(exec "$@" <&4 4<&- 2>&1 >&8 8>&-)
		printf '%s %s\n' "$mark" "$?"
	} 2>/dev/null | errors_read 4<&- 8>&-)
	kill "$beating"
	wait "$beating"
	status=${reason%% *} reason=${reason#* }
	[ "$status" -le 128 ] || [ -n "$reason" ] || reason="killed by signal $((status - 128))"
	[ -n "$reason" ] || reason="exit status $status"
}

# verdict WORDS: until it is on disk, or the claim has ended otherwise.
verdict()
{
	until why=$(printf '%s\n' "$1" | LC_ALL=C cat 2>&1 >"$claim"); do
		if held=$(ls "$queue/claim" 2>/dev/null) &&
			! printf '%s\n' "$held" | grep -q -x -F -e "${claim##*/}"; then
			say "too late: $1: the claim had ended"
			return
		fi
		say "$1: ${why##*: }; again in $pause s"
		sleep "$pause"
	done
}

# slot NUMBER COMMAND...
slot()
{
	claim=$queue/claim/$host-$1.$$
	[ "$1" -ne 1 ] || claim=$queue/claim/$host.$$
	shift
	trap stop TERM
	trap '' INT HUP
	trap '(echo release >"$claim") 2>/dev/null' EXIT
	exec 8>&1
	while [ -z "$stopping" ] && kill -0 $$ 2>/dev/null; do
		job_take || continue
		facts_read || continue
		job_run "$@"
		exec 4<&-
		case $status in
		0) verdict "done $SPOOLFS_RECEIPT" ;;
		6[5-9] | 7[0-46-8]) verdict "dead $SPOOLFS_RECEIPT: $reason" ;;
		*) verdict "retry $SPOOLFS_RECEIPT: $reason" ;;
		esac
	done
}

# ---- all of them

queue='' count=1
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	case $1 in
	-j)
		[ $# -gt 1 ] || usage "-j: how many?"
		count=$2
		shift
		;;
	-j*) count=${1#-j} ;;
	-*) usage "unknown option: $1" ;;
	*)
		[ -z "$queue" ] || usage "one queue, and -- before the command: $1"
		queue=$1
		;;
	esac
	shift
done
[ -n "$queue" ] || usage "which queue?"
[ $# -gt 1 ] || usage "which command?"
shift
case $count in
'' | *[!0-9]* | 0* | ?????*) usage "-j: a number from 1 to 9999: $count" ;;
esac
[ -d "$queue/claim" ] || usage "$queue: no queue: there is no claim/ in it (is it mounted?)"
command -v -- "$1" >/dev/null || usage "$1: no such command"
host=$(uname -n)

trap stop TERM INT HUP
slots=
number=0
while [ "$number" -lt "$count" ]; do
	number=$((number + 1))
	slot "$number" "$@" &
	slots="$slots $!"
done

# Who looks after a slot that somebody has killed: whoever restarts this.
while [ -z "$stopping" ]; do
	interruptible sleep 60 >/dev/null 2>&1
	for pid in $slots; do
		[ -n "$stopping" ] || kill -0 "$pid" 2>/dev/null || {
			say "process $pid of this worker was killed: the others finish"
			failed=yes stopping=yes
		}
	done
done
for pid in $slots; do
	kill "$pid" 2>/dev/null
done
say "takes no more jobs, ends with those that run"
for pid in $slots; do
	while kill -0 "$pid" 2>/dev/null; do
		wait "$pid"
	done
done
[ -z "${failed-}" ] || exit 70
