# shellcheck shell=bash disable=SC2154
# Runs real programs against a queue and sees what becomes of it: see programs.bats.
#
# The requests that each program sends are kept in programs.requests, so that a change is seen.
# UPDATE=1 in the environment of bats writes the file anew where it differs.
REQUESTS=$BATS_TEST_DIRNAME/programs.requests

# mount_traced LINE...: as mount_queues, and the log tells every request. Makes the payloads: a line
# of text, all byte values, 900 kB in lines.
mount_traced()
{
	configure "$@"
	("$SPOOLFS" -d -o "log=$LOG" "$CONFIG" "$M" >"$T/messages" 2>&1 3>&- </dev/null &)
	eventually mounted
	: >"$T/ran"
	py '
with open(a[0] + "/text", "wb") as f: f.write(b"hello\n")
with open(a[0] + "/bytes", "wb") as f: f.write(bytes(range(256)))
with open(a[0] + "/big", "wb") as f: f.write(b"".join(b"%0899d\n" % n for n in range(1000)))' "$T"
}

# traced TEXT: a line of its own in the log.
traced()
{
	[ ! -e "$M/mail/.$1" ]
}

# requests_of BEGIN END NAME: what came between these two, in one line: the requests that change
# something or end a file, with the error that they were answered. NAME is x, and what programs
# make up is RANDOM. The others depend on what the kernel remembers.
requests_of()
{
	awk -v from="/mail/.$1" -v to="/mail/.$2" -v name="$3" '
		function simple(text) {
			gsub(name, "x", text)
			gsub(/\/mail\//, "", text)
			gsub(/#[0-9]+/, "#", text)
			gsub(/\.x\.[A-Za-z0-9]+/, ".x.RANDOM", text)
			gsub(/sed[A-Za-z0-9]+/, "sedRANDOM", text)
			sub(/ at [0-9]+$/, "", text)
			return text
		}
		$2 == "request" && $4 == "LOOKUP" && $5 == to { exit }
		$2 == "request" && $4 == "LOOKUP" && $5 == from { inside = 1 }
		!inside { next }
		$2 == "request" && $4 ~ /^(CREATE|MKNOD|MKDIR|SYMLINK|LINK|OPEN|WRITE|FALLOCATE|COPY_FILE_RANGE|FSYNC|FLUSH|RELEASE|SETATTR|RENAME|UNLINK|SETXATTR|REMOVEXATTR)$/ {
			line[$3] = ++n
			sub(/^spoolfs: request [0-9]+ /, "")
			said[n] = simple($0)
		}
		$2 == "answer" && $3 in line && $4 != "OK" { said[line[$3]] = said[line[$3]] " = " $4 }
		END {
			for (i = 1; i <= n; i++) {
				for (same = 1; i < n && said[i + 1] == said[i]; i++)
					same++
				printf("%s%s%s", (i > same ? ", " : ""), said[i], (same > 1 ? " (" same " times)" : ""))
			}
			print ""
		}' "$LOG"
}

# requests_check PROGRAM REQUESTS: as they are kept.
requests_check()
{
	local kept
	kept=$(awk -v key="$1: " 'index($0, key) == 1 {print substr($0, length(key) + 1)}' "$REQUESTS")
	[ "$kept" != "$2" ] || return 0
	if [ -n "${UPDATE-}" ]; then
		{
			awk -v key="$1: " 'index($0, key) != 1' "$REQUESTS"
			echo "$1: $2"
		} | LC_ALL=C sort >"$T/requests"
		cat "$T/requests" >"$REQUESTS"
		return 0
	fi
	echo "$1: other requests than in programs.requests (UPDATE=1 writes them there):"
	diff <(sed 's/, /\n/g' <<<"$kept") <(sed 's/, /\n/g' <<<"$2")
}

# program_check PROGRAM KIND NAME: of what was run there is one job, with the bytes, and nothing
# else.
program_check()
{
	local expected=$T/work/expected path jobs=0 left=''
	[ -e "$expected" ] || expected=$T/$2
	while IFS= read -r path; do
		case $path in
		*/mail/new | */mail/stream | */mail/stats | */mail/paused) ;;
		*/receipts/"$3" | */receipts/"$3.aa") ;; # split's
		*) if [[ $path == "$M/mail/${path##*/}" && ${path##*/} =~ $RECEIPT_PATTERN ]]; then
			((++jobs))
		else
			left+=" $path"
		fi ;;
		esac
	done < <(find "$M/mail" "$M/mail/rejected" "$M/mail/receipts" -mindepth 1 -maxdepth 1 ! -type d)
	((jobs == 1)) && [ -z "$left" ] || {
		echo "$1 with $2: $jobs jobs; left over:${left:- nothing}"
		return 1
	}
	claim mail w >"$T/claimed"
	cmp "$expected" "$T/claimed" || {
		echo "$1 with $2: other bytes"
		return 1
	}
	rm "$M/mail/claim/w"
}

# makes_one_job PROGRAM CODE [KIND...]: CODE, for bash, writes the payload $P as the job $F, which
# is $Q/$N; it runs in a folder of its own. Where the job is to be something else than $P, CODE
# leaves that in the file `expected`.
makes_one_job()
(
	trap - DEBUG
	set +e
	local program=$1 code=$2 kind name status run
	shift 2
	(($#)) || set -- text bytes big
	for kind in "$@"; do
		run=$(wc -l <"$T/ran")
		echo "$program" >>"$T/ran"
		name=job$((100 + run))
		rm -rf "$T/work"
		mkdir "$T/work"
		cp "$T/$kind" "$T/work/payload"
		traced "begin$run"
		(
			cd "$T/work" || exit
			export T P=$T/work/payload Q=$M/mail N=$name F=$M/mail/$name
			timeout 60 bash -c "$code" "$program" >"$T/said" 2>&1 3>&- </dev/null
		)
		status=$?
		traced "end$run"
		[ $status = 0 ] || {
			echo "$program with $kind: status $status: $(head -c 1000 "$T/said")"
			return 1
		}
		program_check "$program" "$kind" "$name" || return
		[ "$kind" != text ] ||
			requests_check "$program" "$(requests_of "begin$run" "end$run" "$name")" || return
	done
)
