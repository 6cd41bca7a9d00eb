#!/usr/bin/env bats
# What the manual pages and the README show is what happens: see sessions.py.

load ../mount/harness

# session PAGE: with the files that the pages name.
session()
{
	mkdir -p "$T/session/examples" "$T/session/build/gcc" "$T/bin"
	cp "$ROOT/examples/queues.yaml" "$T/session/"
	cp "$ROOT/examples/queues.yaml" "$T/session/examples/"
	ln -sf "$SPOOLFS" "$T/session/build/gcc/spoolfs"
	ln -sf "$SPOOLFS" "$T/bin/spoolfs"
	env PATH="$T/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 \
		timeout 110 python3 "$ROOT/tests/docs/sessions.py" "$ROOT/$1" "$T/session" 3>&- </dev/null
}

@test "spoolfs(7): the sessions" { session man/spoolfs.7; }
@test "spoolfs(1): the sessions" { session man/spoolfs.1; }
@test "spoolfs.yaml(5): the sessions" { session man/spoolfs.yaml.5; }
@test "README: the tour" { session README.md; }

# block N: the README's n-th block of shell, a worker that never ends.
block()
{
	awk -v n="$1" '/^```$/ {on = 0} on {print} /^```sh$/ && ++count == n {on = 1}' "$ROOT/README.md"
}

sent()
{
	grep -q -x "$1" "$T/sent"
}

none_live()
{
	equal 0 "$(live_in bulk-email)"
}

@test "README: the workers in shell" {
	local n
	configure 'bulk-email: {}'
	M=$T/spool
	mkdir "$M"
	start
	for n in 1 2; do
		block $n >"$T/block"
		[ -s "$T/block" ]
		env -C "$T" sh "$T/block" 3>&- </dev/null &
		echo "one $n" >"$M/bulk-email/new"
		echo "two $n" >"$M/bulk-email/new"
		eventually sent "two $n"
		sent "one $n"
		eventually none_live
		# shellcheck disable=SC2046 # a list of words
		kill -KILL $! $(pgrep -P $!)
	done
}

@test "README and spoolfs.yaml(5) show examples/queues.yaml" {
	diff <(awk '/^```$/ {on = 0} on {print} /^```yaml$/ {on = 1}' "$ROOT/README.md") <(grep -v '^#' "$ROOT/examples/queues.yaml")
	diff <(awk '/^\.Sh/ {here = /EXAMPLES/} /^\.Ed/ {on = 0} here && on {print} /^\.Bd/ {on = 1}' "$ROOT/man/spoolfs.yaml.5") \
		<(grep -v '^#' "$ROOT/examples/queues.yaml")
}

@test "README: the commands to start with are there" {
	grep -q '^    .ci/deps && make demo$' "$ROOT/README.md"
	[ -x "$ROOT/.ci/deps" ]
	make -C "$ROOT" --no-print-directory -n demo check install 3>&- >/dev/null
	local file
	for file in $(grep -o '](\([^)#]*\))' "$ROOT/README.md" | tr -d ']()'); do
		[ -e "$ROOT/$file" ]
	done
}
