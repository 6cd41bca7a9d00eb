#!/usr/bin/env bats
# make install, uninstall and help do what the README says.

load ../mount/harness

make_quietly()
{
	(cd "$ROOT" && timeout 200 make --no-print-directory "$@" 3>&-) >"$T/made" 2>&1 || {
		cat "$T/made"
		return 1
	}
}

@test "make install DESTDIR= PREFIX= puts program, helper, manuals and examples there" {
	make_quietly install "DESTDIR=$T/root" PREFIX=/opt/x
	matches "$(timeout 20 "$T/root/opt/x/bin/spoolfs" -V)" spoolfs
	matches "$(timeout 20 "$T/root/opt/x/sbin/mount.spoolfs" -V)" spoolfs
	[ -f "$T/root/opt/x/share/man/man1/spoolfs.1" ]
	[ -f "$T/root/opt/x/share/man/man5/spoolfs.yaml.5" ]
	[ -f "$T/root/opt/x/share/man/man7/spoolfs.7" ]
	[ -x "$T/root/opt/x/share/doc/spoolfs/examples/ledger/run" ]
	[ -x "$T/root/opt/x/share/doc/spoolfs/examples/worker.sh" ]
	[ -x "$T/root/opt/x/share/doc/spoolfs/examples/cron-worker" ]
	[ -f "$T/root/opt/x/share/doc/spoolfs/examples/worker.c" ]
}

@test "make uninstall leaves nothing" {
	make_quietly install "DESTDIR=$T/root" PREFIX=/usr
	make_quietly uninstall "DESTDIR=$T/root" PREFIX=/usr
	equal "" "$(find "$T/root" -not -type d)"
}

@test "make help tells every target" {
	local target
	make_quietly help
	for target in all check demo bench install uninstall clean lint deps; do
		matches "$(cat "$T/made")" "make $target "
	done
}

@test "an installed example runs with the installed program" {
	make_quietly install "DESTDIR=$T/root" PREFIX=/usr
	TMPDIR=$T PATH="$T/root/usr/bin:$PATH" timeout 100 "$T/root/usr/share/doc/spoolfs/examples/ledger/run" >"$T/out" 2>&1 3>&- </dev/null || {
		cat "$T/out"
		return 1
	}
}

@test "the manual's table of keys is that of the program" {
	# The pages are generated text in no part: this only finds a key that one of them lacks.
	local key
	for key in type message_group_field concurrency max_retries backoff_ms backoff_max_ms backoff_jitter \
		timeout_ms payload max_payload_bytes max_jobs publish draft_names permissions schedule_by_mtime poll_interval_ms; do
		grep -q "$key" "$ROOT/man/spoolfs.yaml.5"
	done
}
