# shellcheck shell=bash
# What the demonstrations share: a temporary directory with a mount in it, commands that are shown
# as they are run, and an end that leaves nothing behind. Each demonstration sources this file and
# calls demo_start; its exit status is 0 only if everything happened as told.
#
#   SPOOLFS   the program; without it the one built in this tree, or else the one in PATH
set -u

demo_home=$(cd "$(dirname "$0")" && pwd)
demo_workers=()

# say TEXT...: a line for the reader.
say()
{
	printf '# %s\n' "$@"
}

# chapter TITLE: what follows is a new part.
chapter()
{
	printf '\n== %s\n' "$1"
}

# show COMMAND: prints the command and runs it.
show()
{
	printf '$ %s\n' "$1"
	eval "$1" || fail "this command failed: $1"
}

# start COMMAND: prints the command and runs it in the background, in a process group of its own.
start()
{
	printf '$ %s &\n' "$1"
	set -m
	eval "$1 &"
	set +m
	demo_workers+=($!)
	disown
}

fail()
{
	printf '\n%s: %s\n' "$0" "$1" >&2
	[ ! -s log ] || sed 's/^/log: /' log >&2
	exit 1
}

# expect WHAT COMMAND...: the command succeeds, or the demonstration has failed.
expect()
{
	local what=$1
	shift
	"$@" || fail "it is not so that $what"
}

# await WHAT COMMAND...: as expect, but it may take up to 30 seconds to become true.
await()
{
	local what=$1 end=$((SECONDS + 30))
	shift
	until "$@"; do
		((SECONDS < end)) || fail "it did not happen that $what"
		sleep 0.02
	done
}

# holds DIRECTORY NUMBER: that many files are listed there.
holds()
{
	local names=("$1"/*)
	[ -e "${names[0]}" ] || names=()
	((${#names[@]} == $2))
}

# absent FILE
absent()
{
	[ ! -e "$1" ]
}

demo_program()
{
	local built=$demo_home/../../build/gcc/spoolfs
	if [ -n "${SPOOLFS-}" ]; then
		realpath "$SPOOLFS"
	elif [ -x "$built" ]; then
		realpath "$built"
	else
		command -v spoolfs
	fi
}

# demo_start: makes the directory and goes there. Everything of the example is in it, by links,
# and so is the program: bin/spoolfs.
demo_start()
{
	local program
	program=$(demo_program)
	[ -x "$program" ] || {
		echo "$0: no program: run make, or set SPOOLFS" >&2
		exit 1
	}
	demo_directory=$(mktemp -d "${TMPDIR:-/tmp}/spoolfs-demo.XXXXXX") || exit 1
	trap demo_end EXIT
	trap 'exit 130' INT TERM
	cd "$demo_directory" || exit 1
	mkdir bin state spool
	ln -s "$program" bin/spoolfs
	ln -s "$demo_home"/* .
	PATH=$demo_directory/bin:$PATH
	export STATE_DIRECTORY=$demo_directory/state # where the store is kept: spoolfs.yaml(5)
}

# demo_stop: ends the workers and unmounts.
demo_stop()
{
	local worker
	for worker in "${demo_workers[@]}"; do
		kill -- "-$worker"
	done 2>/dev/null
	demo_workers=()
	! mountpoint -q spool || await "spool/ is unmounted" demo_unmounted
}

# The workers' last files take a moment to close.
demo_unmounted()
{
	fusermount3 -u spool 2>/dev/null || ! mountpoint -q spool
}

demo_end()
{
	local status=$?
	trap - EXIT INT TERM
	(demo_stop) || status=1
	cd /
	# The daemon may still be closing its store.
	await "$demo_directory is removed" demo_removed
	exit "$status"
}

demo_removed()
{
	rm -rf --one-file-system "$demo_directory" 2>/dev/null
}
