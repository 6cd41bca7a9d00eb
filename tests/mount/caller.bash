#!/bin/bash
# A caller of a queue in shell, with the usage, the ids and the record of caller.c. The ids of the
# jobs that it writes have one group. Pauses are those of whole commands.
set -u
what=$1 queue=$2 record=$3 name=$4 until=$(printf '%.0f' "$5")
exec >>"$record" 2>"$record.stderr"
longest=0

note()
{
	echo "${EPOCHREALTIME/./} $*"
}

# timed COMMAND...: runs it and keeps the time of the longest.
timed()
{
	local begin=${EPOCHREALTIME/./} status=0 us
	"$@" || status=$?
	us=$((${EPOCHREALTIME/./} - begin))
	((us <= longest)) || longest=$us
	return $status
}

failed()
{
	note error "$1" "$(tail -n 1 "$record.stderr" | tr -c 'A-Za-z0-9\n' _)" "$2"
	sleep 0.1
}

# write_job ID NUMBER: with 0 the job is on disk.
write_job()
{
	printf '%-100s' '{"id":"'"$1"'","group":"'"${1%-*}"'","size":100}' >"$record.payload"
	case $(($2 % 4)) in
	0) timed cp "$record.payload" "$queue/$1" ;;
	1) timed dd if="$record.payload" of="$queue/new" conv=notrunc status=none ;;
	2) cat "$record.payload" >"$queue/$1" && readlink "$queue/receipts/$1" >/dev/null ;;
	3) cp "$record.payload" "$queue/$1.tmp" && timed mv "$queue/$1.tmp" "$queue/$1" ;;
	esac
}

produce()
{
	local number=0 id
	while ((EPOCHSECONDS < until)); do
		id=$name-0-$((number++))
		note try "$id"
		if write_job "$id" $number; then
			note ack "$id"
		else
			failed write "$id"
		fi
		sleep 0.1
	done
}

# verdict ID WORD COMMAND...
verdict()
{
	note call "$1" "$2"
	if timed "${@:3}" </dev/null; then
		note end "$1" "$2"
	else
		failed "$2" "$1"
	fi
}

work()
{
	local claim=$queue/claim/$name job id choice status
	while ((EPOCHSECONDS < until)); do
		job=$(timeout 1 cat "$claim")
		status=$?
		((status != 124)) || continue
		((status == 0)) || {
			failed claim -
			continue
		}
		id=${job#*'"id":"'} id=${id%%'"'*}
		note got "$id" - -
		choice=$((RANDOM % 100))
		((choice >= 10)) || timed touch "$claim" || failed touch "$id"
		if ((choice < 5)); then
			continue
		elif ((choice < 70)); then
			verdict "$id" "done" rm "$claim"
		elif ((choice < 85)); then
			verdict "$id" retry mv "$claim" "$queue/retries/"
		elif ((choice < 95)); then
			verdict "$id" release mv "$claim" "$queue/"
		else
			verdict "$id" bury mv "$claim" "$queue/dead-letter/"
		fi
	done
}

"$what"
note pause command $longest
