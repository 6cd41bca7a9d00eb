#!/usr/bin/env bats
# Verdicts in words, written to claim/WORKER, and the envelope claim/WORKER.json.

load harness

queue()
{
	mount_queues 'mail: { backoff_ms: 3600000, max_retries: 3, concurrency: 100 }'
	C=$M/mail/claim
}

# words TEXT WORKER: the errno of writing it, or OK.
words()
{
	errno_of 'fd = os.open(a[1], os.O_WRONLY); os.write(fd, a[0].encode())' "$1" "$C/$2"
}

@test "done, retry, dead and release" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	claim mail w >/dev/null
	echo 'release' >"$C/w"
	equal "$receipt" "$(jobs_in mail)"
	equal 0 "$(fact mail "$receipt" attempt)"
	claim mail w >/dev/null
	echo 'retry' >"$C/w"
	equal "$receipt" "$(jobs_in mail/backoff)"
	equal failed "$(fact mail "$receipt" 'failures[0].reason')"
	mv "$M/mail/backoff/$receipt" "$M/mail/"
	claim mail w >/dev/null
	echo 'dead' >"$C/w"
	equal "$receipt" "$(jobs_in mail/dead-letter)"
	mv "$M/mail/dead-letter/$receipt" "$M/mail/"
	claim mail w >/dev/null
	echo 'done' >"$C/w"
	equal 0 "$(live_in mail)"
	equal "" "$(ls "$C")"
}

@test "delays and reasons" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	claim mail w >/dev/null
	echo 'retry in 30s: smtp 421' >"$C/w"
	(($(due_in "$M/mail/backoff/$receipt") >= 20 && $(due_in "$M/mail/backoff/$receipt") <= 30))
	equal 'smtp 421' "$(fact mail "$receipt" 'failures[0].reason')"
	mv "$M/mail/backoff/$receipt" "$M/mail/"
	claim mail w >/dev/null
	echo 'release in 2h' >"$C/w"
	equal 1 "$(fact mail "$receipt" 'failures | length')"
	(($(due_in "$M/mail/backoff/$receipt") > 7000))
	mv "$M/mail/backoff/$receipt" "$M/mail/"
	claim mail w >/dev/null
	echo "dead $receipt: no such user" >"$C/w"
	equal 'no such user' "$(fact mail "$receipt" 'failures[1].reason')"
	equal "$receipt" "$(jobs_in mail/dead-letter)"
}

@test "unknown words change nothing: EINVAL" {
	local text
	queue
	enqueue mail a hello
	claim mail w >/dev/null
	for text in bogus 'done in 3s' 'retry in soon' '' 'DONE' 'done done' 'done: well'; do
		[ -z "$text" ] || equal EINVAL "$(words "$text" w)"
	done
	equal w "$(ls "$C")"
	equal EINVAL "$(words 'bogus' nobody)"
}

@test "the receipt that is meant; no job: ENOENT; another's claim is left alone" {
	local first second
	queue
	first=$(enqueue mail a one)
	second=$(enqueue mail b two)
	claim mail w1 >/dev/null
	claim mail w2 >/dev/null
	equal ENOENT "$(words "done $second" w1)"
	equal ENOENT "$(words "done" w3)"
	equal 2 "$(count_in mail/running)"
	equal OK "$(words "done $first" w1)"
	equal ENOENT "$(words "done $first" w1)"
	equal w2 "$(ls "$C")"
}

@test "a job that ended otherwise: ESTALE on its descriptor, the worker's next job stays" {
	local receipt
	queue
	receipt=$(enqueue mail a one)
	enqueue mail b two
	equal "b'one' ESTALE b'two'" "$(py '
fd = os.open(a[0], os.O_RDWR)
got = os.read(fd, 100)
os.rename(a[1] + "/running/" + a[2], a[1] + "/dead-letter/" + a[2])
other = os.open(a[0], os.O_RDONLY)
os.read(other, 100)
try: os.write(fd, b"done")
except OSError as e: print(got, errno.errorcode[e.errno], os.read(fd, 100))' "$C/w" "$M/mail" "$receipt")"
	equal 0 "$(count_in mail)"
}

@test "an acknowledged verdict survives the power cut of a mount" {
	queue
	enqueue mail a hello
	claim mail w >/dev/null
	echo 'done' >"$C/w"
	# shellcheck disable=SC2046
	kill -KILL $(daemons)
	eventually gone
	fusermount3 -uz "$M"
	start
	equal 0 "$(live_in mail)"
}

@test "the envelope: the twin's facts and the payload, as what it is" {
	local receipt
	queue
	receipt=$(enqueue mail a '{"to": "ann", "n": 12345678901234567890.10}')
	py 'import subprocess
fd = os.open(a[0], os.O_RDONLY)
size = os.fstat(fd).st_size
text = b""
while True:
    piece = os.read(fd, 100)
    if not piece: break
    text += piece
assert len(text) == size, (len(text), size)
job = json.loads(text)
assert job["receipt"] == a[1] and job["state"] == "running" and job["worker"] == "w", job
assert job["payload_encoding"] == "json" and job["payload"]["to"] == "ann", job
assert b"12345678901234567890.10" in text' "$C/w.json" "$receipt"
	rm "$C/w.json"
	printf 'plain\ttext\n' >"$M/mail/new"
	equal '"plain\ttext\n" text' "$(jq -r '"\(.payload | tojson) \(.payload_encoding)"' "$C/w.json")"
	mv "$C/w.json" "$M/mail/retries/"
	equal 1 "$(count_in mail/backoff)"
	head -c 1000 /dev/urandom >"$T/bytes"
	cp "$T/bytes" "$M/mail/new"
	equal base64 "$(jq -r .payload_encoding "$C/w.json")"
	busybox cat "$C/w.json" | jq -r .payload | base64 -d | cmp - "$T/bytes"
	equal w "$(ls "$C")"
	echo 'done' >"$C/w.json"
	equal "" "$(ls "$C")"
}
