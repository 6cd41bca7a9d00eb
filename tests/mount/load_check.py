"""Judges the records of callers (caller.c) and what the mount holds after them.

usage: load_check.py engine|holder|disk MOUNT RECORDS QUEUE:CONCURRENCY:TYPE...

With `holder` (killed) or `disk` (failing), callers may have seen errors: a verdict that was not acknowledged may have taken
effect or not, and so may a job whose writer got an error. With `engine` an error is a failure.
Prints the figures, then what is wrong; exits 1 when something is.
"""
import collections
import json
import os
import re
import sys

RECEIPT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$")
FOREVER = float("inf")
REASONS = {"retry": "failed", "bury": "given up"}

wrong = []


def expect(condition, *what):
    if not condition:
        wrong.append(" ".join(str(word) for word in what))


class Claim:
    """From the open that delivered a job to the call of its verdict."""

    def __init__(self, worker, start, id):
        self.worker, self.start, self.id = worker, start, id
        self.called, self.verdict, self.acknowledged = FOREVER, None, False
        self.attempts, self.receipts = set(), set()

    def seen(self, receipt, attempt):
        self.receipts |= {receipt} - {"-"}
        self.attempts |= {int(attempt)} if attempt != "-" else set()


class Queue:
    """What the callers of one queue have recorded."""

    def __init__(self, name):
        self.name = name
        self.tried, self.acknowledged = collections.Counter(), set()
        self.claims, self.errors, self.cut, self.pauses = [], [], [], {}

    def read(self, path):
        worker = os.path.basename(path)
        current = None
        with open(path) as record:
            for line in record:
                words = line.split()
                current = self.event(worker, current, int(words[0]), *words[1:])

    def event(self, worker, current, time, what, *words):
        """Returns the claim that the worker has after it."""
        if what == "try":
            self.tried[words[0]] += 1
        elif what == "ack":
            self.acknowledged.add(words[0])
        elif what == "got":
            id, receipt, attempt = words
            if not current or current.verdict:
                current = Claim(worker, time, id)
                self.claims.append(current)
            expect(current.id == id, worker, "held", current.id, "and got", id)
            current.seen(receipt, attempt)
        elif what == "call":
            expect(current and not current.verdict and current.id == words[0],
                   worker, "gave a verdict about", words[0])
            current.called, current.verdict = time, words[1]
        elif what == "end":
            current.acknowledged = True
        elif what == "error":
            self.errors.append("%s at %d: %s" % (worker, time, " ".join(words)))
        elif what == "wrong":
            self.cut.append(words)
        elif what == "pause":
            self.pauses[words[0]] = max(self.pauses.get(words[0], 0), int(words[1]))
        return current

    def by_id(self):
        claims = collections.defaultdict(list)
        for claim in sorted(self.claims, key=lambda claim: claim.start):
            claims[claim.id].append(claim)
        return claims


class Job:
    """What the mount shows of a job."""

    def __init__(self, folder, receipt):
        self.receipt = receipt
        with open("%s/%s" % (folder, receipt)) as payload:
            self.id = json.load(payload)["id"]
        with open("%s/%s.json" % (folder, receipt)) as twin:
            self.twin = json.load(twin)


def jobs_of(queue):
    jobs = collections.defaultdict(list)
    for folder in "", "/backoff", "/running", "/dead-letter":
        folder = queue + folder
        for name in os.listdir(folder):
            if RECEIPT.match(name):
                job = Job(folder, name)
                jobs[job.id].append(job)
    return jobs


def number_of(id):
    return int(id.rsplit("-", 1)[1])


def group_of(id):
    return id.rsplit("-", 1)[0]


def sets_check(queue, jobs):
    """Acknowledged = done + dead + waiting."""
    done = {c.id for c in queue.claims if c.verdict == "done" and c.acknowledged}
    perhaps = {c.id for c in queue.claims if c.verdict == "done"} - done
    expect(max(queue.tried.values()) == 1, "an id was used twice")
    for id in queue.acknowledged - done - perhaps - set(jobs):
        expect(False, "lost:", id)
    for id in done & set(jobs):
        expect(False, "done, and still there:", id)
    for id in set(jobs) - set(queue.tried):
        expect(False, "nobody wrote", id)
    for id, same in jobs.items():
        expect(len(same) == 1, "twice there:", id, [job.receipt for job in same])
    return len(done)


def job_check(id, claims, job):
    """One job's deliveries, in order, and what its twin says in the end."""
    failures, sure, perhaps = [], 0, 0
    ended = None
    for claim in claims:
        expect(not ended, id, "was", ended, "and was delivered again to", claim.worker)
        for attempt in claim.attempts:
            expect(1 + sure <= attempt <= 1 + sure + perhaps, id, "attempt", attempt,
                   "after", sure, "failures, and", perhaps, "that may be")
        if claim.verdict in REASONS:
            sure += claim.acknowledged
            perhaps += not claim.acknowledged
            failures.append((claim.worker, REASONS[claim.verdict], claim.acknowledged))
        if claim.verdict in ("done", "bury") and claim.acknowledged:
            ended = claim.verdict
    receipts = set().union(*(claim.receipts for claim in claims))
    if job:
        receipts.add(job.receipt)
        twin_check(id, failures, sure, perhaps, job.twin)
        expect(ended != "bury" or job.twin["state"] == "dead", id, "was buried and is", job.twin["state"])
    expect(len(receipts) <= 1, id, "has receipts", receipts)
    return sure + perhaps


def twin_check(id, failures, sure, perhaps, twin):
    told = twin["failures"]
    running = twin["state"] == "running"
    expect(sure <= len(told) <= sure + perhaps, id, "failed", sure, "times; its twin knows", told)
    expect(twin["attempt"] == len(told) + running, id, "attempt", twin["attempt"], "with", told)
    expect([f["attempt"] for f in told] == list(range(1, len(told) + 1)), id, "attempts of", told)
    expect(twin["state"] != "dead" or len(told) == twin["max_attempts"] or
           any(reason == "given up" for _, reason, _ in failures), id, "is dead with", told)
    rest = iter((f["worker"], f["reason"]) for f in told)
    for worker, reason, acknowledged in failures:
        expect(not acknowledged or (worker, reason) in rest,
               id, "has not", worker, reason, "in", told)


def limit_check(what, claims, limit):
    """At no instant more than `limit` claims."""
    changes = sorted([(c.called, -1) for c in claims] + [(c.start, 1) for c in claims])
    held = most = 0
    for _, change in changes:
        held += change
        most = max(most, held)
    expect(most <= limit, what, "had", most, "jobs claimed at once, limit", limit)
    return most


def group_check(group, claims, failed, jobs, attempts_max):
    """A group's jobs in order: the next is delivered when the one before has ended."""
    limit_check(group, claims, 1)
    claims = sorted(claims, key=lambda claim: claim.start)
    for before, after in zip(claims, claims[1:]):
        step = number_of(after.id) - number_of(before.id)
        expect(step >= 0, group, "delivered", after.id, "after", before.id)
        expect(step == 0 or before.verdict in ("done", "bury") or
               (before.verdict == "retry" and failed[before.id] >= attempts_max),
               group, "delivered", after.id, "while", before.id, "had not ended")
    for id, same in jobs.items():
        expect(group_of(id) != group or same[0].twin["state"] == "dead" or
               number_of(id) >= number_of(claims[-1].id), group, "has overtaken", id)


def queue_check(queue, mount, limit, fifo, victims):
    jobs = jobs_of("%s/%s" % (mount, queue.name))
    for id, what in queue.cut:  # of a writer who knows that it was not written to its end
        expect(victims == "holder" and what == "size" and id not in queue.acknowledged,
               id, "was delivered with a wrong", what)
    claims = queue.by_id()
    done = sets_check(queue, jobs)
    failed = {id: job_check(id, claims[id], jobs[id][0] if id in jobs else None) for id in claims}
    most = limit_check(queue.name, queue.claims, limit)
    if fifo:
        attempts_max = max([job.twin["max_attempts"] for same in jobs.values() for job in same] or [0])
        for group in {group_of(id) for id in claims}:
            group_check(group, [c for c in queue.claims if group_of(c.id) == group], failed, jobs,
                        attempts_max)
    states = collections.Counter(same[0].twin["state"] for same in jobs.values())
    verdicts = collections.Counter(c.verdict for c in queue.claims)
    expect(victims != "engine" or (verdicts["done"] and verdicts["retry"]), "no verdicts:", dict(verdicts))
    print("%s: %d written, %d acknowledged, %d done; now %s; verdicts %s; at most %d claimed of %d"
          % (queue.name, len(queue.tried), len(queue.acknowledged), done, dict(states),
             {word: verdicts[word] for word in ("done", "retry", "release", "bury")}, most, limit))


def main(victims, mount, records, *specs):
    pauses, errors = {}, []
    for spec in specs:
        name, limit, kind = spec.split(":")
        queue = Queue(name)
        for file in sorted(os.listdir(records)):
            if re.match(r"%s\.[a-z0-9]+$" % name, file):
                queue.read(os.path.join(records, file))
        queue_check(queue, mount, int(limit), kind == "fifo", victims)
        errors += queue.errors
        for call, us in queue.pauses.items():
            pauses[call] = max(pauses.get(call, 0), us)
    print("%d errors; longest pauses in ms: %s" % (len(errors), ", ".join(
        "%s %.0f" % (call, us / 1000) for call, us in sorted(pauses.items()))))
    if victims == "engine":
        wrong.extend(errors)
    for line in wrong[:20]:
        print("WRONG:", line)
    return bool(wrong)


sys.exit(main(*sys.argv[1:]))
