#!/usr/bin/env bats
# What rm, mv and touch mean to a job, row by row of the table in spoolfs(7), with GNU's programs.

load harness

# A queue whose failed jobs stay in backoff for an hour.
queue()
{
	mount_queues 'mail: { backoff_ms: 3600000, max_retries: 3 }' 'other: {}' \
		'ledger: { type: fifo, message_group_field: g }'
	Q=$M/mail
}

# in_backoff: a job there; prints its receipt.
in_backoff()
{
	enqueue mail backoff-job payload >/dev/null
	fail_once mail w-backoff
}

# in_running WORKER: a job there, held by WORKER.
in_running()
{
	enqueue mail running-job payload >/dev/null
	claim mail "$1" >/dev/null
}

nowhere()
{
	local folder
	for folder in . running retries backoff dead-letter receipts; do
		absent "$Q/$folder/$1"
	done
}

# ---- QUEUE

@test "waiting: rm cancels" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	rm "$Q/$receipt"
	nowhere "$receipt"
	no_claim mail w
}

@test "waiting: rm -f of many cancels all" {
	queue
	for n in {1..20}; do echo "$n" >"$Q/new"; done
	(cd "$Q" && jobs_in mail | xargs rm -f)
	equal 0 "$(count_in mail)"
}

@test "waiting: mv to dead-letter/ buries" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	mv "$Q/$receipt" "$Q/dead-letter/"
	absent "$Q/$receipt"
	equal hello "$(cat "$Q/dead-letter/$receipt")"
	equal dead "$(fact mail "$receipt" state)"
	no_claim mail w
}

@test "waiting: touch -d postpones" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	touch -d '+1 hour' "$Q/$receipt"
	absent "$Q/$receipt"
	((3590 <= $(due_in "$Q/backoff/$receipt") && $(due_in "$Q/backoff/$receipt") <= 3600))
	equal backoff "$(fact mail "$receipt" state)"
	no_claim mail w
}

@test "waiting: touch -d with a past time changes nothing" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	touch -d '2020-01-01' "$Q/$receipt"
	equal hello "$(claim mail w)"
}

@test "waiting: a postponed job comes when its time has come" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	py 't = time.time() + 0.3; os.utime(a[0], (t, t))' "$Q/$receipt"
	no_claim mail w
	equal hello "$(timeout 20 cat "$Q/claim/w")"
}

# ---- backoff/

@test "backoff: rm cancels" {
	local receipt
	queue
	receipt=$(in_backoff)
	rm "$Q/backoff/$receipt"
	nowhere "$receipt"
}

@test "backoff: mv to the queue runs it now" {
	local receipt
	queue
	receipt=$(in_backoff)
	mv "$Q/backoff/$receipt" "$Q/"
	equal waiting "$(fact mail "$receipt" state)"
	absent "$Q/backoff/$receipt"
	equal payload "$(claim mail w)"
	equal 2 "$(fact mail "$receipt" attempt)"
}

@test "backoff: mv to dead-letter/ buries" {
	local receipt
	queue
	receipt=$(in_backoff)
	mv "$Q/backoff/$receipt" "$Q/dead-letter/"
	equal dead "$(fact mail "$receipt" state)"
	absent "$Q/backoff/$receipt"
}

@test "backoff: touch -d reschedules, later and earlier" {
	local receipt
	queue
	receipt=$(in_backoff)
	touch -d '+2 hours' "$Q/backoff/$receipt"
	((7190 <= $(due_in "$Q/backoff/$receipt")))
	touch -d '+10 minutes' "$Q/backoff/$receipt"
	((590 <= $(due_in "$Q/backoff/$receipt") && $(due_in "$Q/backoff/$receipt") <= 600))
}

@test "backoff: touch with a past time or none runs it now" {
	local receipt
	queue
	receipt=$(in_backoff)
	touch "$Q/backoff/$receipt"
	equal payload "$(timeout 20 cat "$Q/claim/w")"
	equal 2 "$(fact mail "$receipt" attempt)"
}

# ---- running/

@test "running: rm is EBUSY" {
	local receipt
	queue
	in_running w
	receipt=$(jobs_in mail/running)
	refused 'Device or resource busy' rm "$Q/running/$receipt"
	equal running "$(fact mail "$receipt" state)"
}

@test "running: mv to the queue takes it back, the attempt not counted" {
	local receipt
	queue
	in_running w
	receipt=$(jobs_in mail/running)
	mv "$Q/running/$receipt" "$Q/"
	equal waiting "$(fact mail "$receipt" state)"
	equal 0 "$(fact mail "$receipt" attempt)"
	equal "" "$(ls "$Q/claim")"
	refused 'No such file or directory' rm "$Q/claim/w"
	claim mail w2 >/dev/null
	equal "1 w2" "$(fact mail "$receipt" attempt) $(fact mail "$receipt" worker)"
}

@test "running: mv to dead-letter/ buries" {
	local receipt
	queue
	in_running w
	receipt=$(jobs_in mail/running)
	mv "$Q/running/$receipt" "$Q/dead-letter/"
	equal dead "$(fact mail "$receipt" state)"
	equal "" "$(ls "$Q/claim")"
	equal 0 "$(count_in mail/running)"
}

@test "running: touch -d extends the claim" {
	local receipt before
	queue
	in_running w
	receipt=$(jobs_in mail/running)
	before=$(fact mail "$receipt" deadline)
	touch -d '+5 hours' "$Q/running/$receipt"
	[ "$before" != "$(fact mail "$receipt" deadline)" ]
	[[ "$before" < "$(fact mail "$receipt" deadline)" ]]
	equal running "$(fact mail "$receipt" state)"
}

# ---- dead-letter/

@test "dead: rm discards" {
	local receipt
	queue
	receipt=$(bury mail a hello)
	rm "$Q/dead-letter/$receipt"
	nowhere "$receipt"
}

@test "dead: mv to the queue redrives: attempts 0, receipt kept, at the tail" {
	local receipt other
	mount_queues 'mail: { max_retries: 0 }'
	Q=$M/mail
	receipt=$(enqueue mail a hello)
	fail_once mail w
	equal "$receipt" "$(jobs_in mail/dead-letter)"
	other=$(enqueue mail b world)
	mv "$Q/dead-letter/$receipt" "$Q/"
	equal "$other $receipt" "$(jobs_in mail | paste -s -d ' ')"
	equal "waiting 0" "$(fact mail "$receipt" state) $(fact mail "$receipt" attempt)"
	equal world "$(claim mail w1)"
	equal hello "$(claim mail w2)"
	equal 1 "$(fact mail "$receipt" attempt)"
}

@test "dead: mv RECEIPT . from within the queue's folder" {
	local receipt
	queue
	receipt=$(bury mail a hello)
	(cd "$Q" && mv "dead-letter/$receipt" .)
	equal "$receipt" "$(jobs_in mail)"
}

@test "dead: mv dead-letter/* redrives all" {
	queue
	bury mail a one
	bury mail b two
	bury mail c three
	(cd "$Q" && mv dead-letter/* .)
	equal "one two three" "$(payloads mail)"
}

@test "dead: a redrive to mv's full target path" {
	local receipt
	queue
	receipt=$(bury mail a hello)
	mv -T "$Q/dead-letter/$receipt" "$Q/$receipt"
	equal "$receipt" "$(jobs_in mail)"
}

@test "dead: touch is EPERM" {
	local receipt
	queue
	receipt=$(bury mail a hello)
	refused 'Operation not permitted' touch "$Q/dead-letter/$receipt"
	refused 'Operation not permitted' touch -d '+1 hour' "$Q/dead-letter/$receipt"
	equal dead "$(fact mail "$receipt" state)"
}

# ---- claim/WORKER

@test "claim: rm is done" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	claim mail w >/dev/null
	rm "$Q/claim/w"
	nowhere "$receipt"
	equal "" "$(ls "$Q/claim")"
	no_claim mail w
}

@test "claim: mv to the queue releases, the attempt not counted" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	claim mail w >/dev/null
	mv "$Q/claim/w" "$Q/"
	equal "$receipt" "$(jobs_in mail)"
	equal "waiting 0" "$(fact mail "$receipt" state) $(fact mail "$receipt" attempt)"
	absent "$Q/w"
	equal "" "$(ls "$Q/claim")"
}

@test "claim: mv claim/WORKER . from within the queue's folder" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	claim mail w >/dev/null
	(cd "$Q" && mv claim/w .)
	equal "$receipt" "$(jobs_in mail)"
}

@test "claim: mv to dead-letter/ gives up" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	claim mail w >/dev/null
	mv "$Q/claim/w" "$Q/dead-letter/"
	equal "$receipt" "$(jobs_in mail/dead-letter)"
	absent "$Q/dead-letter/w"
	equal dead "$(fact mail "$receipt" state)"
}

@test "claim: mv to retries/ has failed" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	claim mail w >/dev/null
	mv "$Q/claim/w" "$Q/retries/"
	equal "$receipt" "$(jobs_in mail/retries)"
	equal "$receipt" "$(jobs_in mail/backoff)"
	absent "$Q/retries/w"
	equal "backoff 1" "$(fact mail "$receipt" state) $(fact mail "$receipt" attempt)"
}

@test "claim: touch extends the claim" {
	local receipt before
	queue
	receipt=$(enqueue mail a hello)
	claim mail w >/dev/null
	before=$(fact mail "$receipt" deadline)
	touch "$Q/claim/w"
	[[ "$before" < "$(fact mail "$receipt" deadline)" ]]
	touch -d '+5 hours' "$Q/claim/w"
	[[ "$(date -u -d '+4 hours' +%FT%T)" < "$(fact mail "$receipt" deadline)" ]]
}

@test "claim: a verdict of a worker that holds nothing is ENOENT" {
	queue
	refused 'No such file or directory' rm "$Q/claim/w"
	refused 'No such file or directory' mv "$Q/claim/w" "$Q/retries/"
	refused 'No such file or directory' mv "$Q/claim/w" "$Q/dead-letter/"
	refused 'No such file or directory' mv "$Q/claim/w" "$Q/"
	equal ENOENT "$(errno_of 'os.utime(a[0])' "$Q/claim/w")"
}

# ---- retries/: the row of the job's state

@test "retries: a job in backoff obeys that row" {
	local receipt
	queue
	receipt=$(in_backoff)
	touch -d '+2 hours' "$Q/retries/$receipt"
	((7190 <= $(due_in "$Q/backoff/$receipt")))
	mv "$Q/retries/$receipt" "$Q/"
	equal waiting "$(fact mail "$receipt" state)"
}

@test "retries: a waiting job obeys that row" {
	local receipt
	queue
	receipt=$(in_backoff)
	mv "$Q/backoff/$receipt" "$Q/"
	equal "$receipt" "$(jobs_in mail/retries)"
	mv "$Q/retries/$receipt" "$Q/dead-letter/"
	equal dead "$(fact mail "$receipt" state)"
}

@test "retries: a waiting job is cancelled by rm" {
	local receipt
	queue
	receipt=$(in_backoff)
	mv "$Q/backoff/$receipt" "$Q/"
	rm "$Q/retries/$receipt"
	nowhere "$receipt"
}

@test "retries: a running job obeys that row" {
	local receipt
	queue
	receipt=$(in_backoff)
	mv "$Q/backoff/$receipt" "$Q/"
	claim mail w >/dev/null
	equal "$receipt" "$(jobs_in mail/retries)"
	refused 'Device or resource busy' rm "$Q/retries/$receipt"
	mv "$Q/retries/$receipt" "$Q/"
	equal waiting "$(fact mail "$receipt" state)"
}

# ---- between queues

@test "mv to another queue enqueues there and removes here, the receipt kept" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	mv "$Q/$receipt" "$M/other/"
	nowhere "$receipt"
	equal "$receipt" "$(jobs_in other)"
	equal "other waiting 0" "$(fact other "$receipt" queue) $(fact other "$receipt" state) $(fact other "$receipt" attempt)"
	equal hello "$(claim other w)"
}

@test "mv to another queue takes the name along" {
	local receipt
	queue
	receipt=$(enqueue mail a hello)
	mv "$Q/$receipt" "$M/other/"
	equal hello "$(cat "$M/other/a")"
	equal "$receipt" "$(readlink "$M/other/receipts/a")"
	absent "$Q/a"
	mv "$M/other/a" "$M/other/b"
	rm "$M/other/b"
	equal "$receipt" "$(jobs_in other)"
}

@test "mv of a dead letter to another queue" {
	local receipt
	queue
	receipt=$(bury mail a hello)
	mv "$Q/dead-letter/$receipt" "$M/other/"
	equal "$receipt" "$(jobs_in other)"
	nowhere "$receipt"
}

@test "mv to another queue obeys its rules: EINVAL, and the job stays" {
	local receipt
	queue
	receipt=$(enqueue mail a 'not json')
	equal EINVAL "$(errno_of 'os.rename(a[0], a[1])' "$Q/$receipt" "$M/ledger/$receipt")"
	equal "$receipt" "$(jobs_in mail)"
	equal 0 "$(count_in ledger)"
	receipt=$(enqueue mail b '{"g":"acct_A"}')
	mv "$Q/$receipt" "$M/ledger/"
	equal acct_A "$(fact ledger "$receipt" group)"
}

@test "mv of a running job to another queue is EBUSY" {
	queue
	in_running w
	refused 'Device or resource busy' mv "$Q/running/$(jobs_in mail/running)" "$M/other/"
	equal 1 "$(count_in mail/running)"
}

# ---- anything else is EPERM

@test "mv of a waiting job to running/, backoff/, retries/, claim/ and receipts/ is EPERM" {
	local receipt folder
	queue
	receipt=$(enqueue mail a hello)
	for folder in running backoff retries claim receipts; do
		equal "EPERM $folder" "$(errno_of 'os.rename(a[0], a[1])' "$Q/$receipt" "$Q/$folder/$receipt") $folder"
	done
	equal "$receipt" "$(jobs_in mail)"
}

@test "mv of a dead letter to running/, backoff/, retries/ and claim/ is EPERM" {
	local receipt folder
	queue
	receipt=$(bury mail a hello)
	for folder in running backoff retries claim; do
		equal "EPERM $folder" "$(errno_of 'os.rename(a[0], a[1])' "$Q/dead-letter/$receipt" "$Q/$folder/$receipt") $folder"
	done
	equal "$receipt" "$(jobs_in mail/dead-letter)"
}

@test "mv of a job in backoff to running/ and claim/ is EPERM" {
	local receipt folder
	queue
	receipt=$(in_backoff)
	for folder in running claim; do
		equal "EPERM $folder" "$(errno_of 'os.rename(a[0], a[1])' "$Q/backoff/$receipt" "$Q/$folder/$receipt") $folder"
	done
}

@test "a job moved into the queue under a name of its own choice is EPERM" {
	local receipt
	queue
	receipt=$(bury mail a hello)
	equal EPERM "$(errno_of 'os.rename(a[0], a[1])' "$Q/dead-letter/$receipt" "$Q/other-name")"
	equal "$receipt" "$(jobs_in mail/dead-letter)"
}

@test "a claim moved to another queue is EPERM" {
	queue
	in_running w
	equal EPERM "$(errno_of 'os.rename(a[0], a[1])' "$Q/claim/w" "$M/other/w")"
	equal 1 "$(count_in mail/running)"
}

@test "truncate, chmod and chown cannot change what a job is" {
	local receipt
	queue
	receipt=$(bury mail a hello)
	equal EPERM "$(errno_of 'os.truncate(a[0], 0)' "$Q/dead-letter/$receipt")"
	equal hello "$(cat "$Q/dead-letter/$receipt")"
}

@test "rename flags: RENAME_NOREPLACE works as GNU mv uses it, RENAME_EXCHANGE is refused" {
	local first second
	queue
	first=$(bury mail a one)
	second=$(bury mail b two)
	mv -n "$Q/dead-letter/$first" "$Q/"
	equal "$first" "$(jobs_in mail)"
	equal EINVAL "$(errno_of '
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.renameat2(-100, a[0].encode(), -100, a[1].encode(), 2) != 0:
    raise OSError(ctypes.get_errno(), "")' "$Q/$first" "$Q/dead-letter/$second")"
}

@test "a change is there for the next start" {
	local receipt
	queue
	receipt=$(bury mail a hello)
	restart
	equal "$receipt" "$(jobs_in mail/dead-letter)"
	mv "$Q/dead-letter/$receipt" "$Q/"
	restart
	equal "$receipt" "$(jobs_in mail)"
	rm "$Q/$receipt"
	restart
	nowhere "$receipt"
}
