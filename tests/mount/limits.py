"""Limits and order, judged by the workers' own record.

usage: limits.py MOUNT STORE JOBS WORKERS

JOBS lines go into the queues `mail` (standard) and `ledger` (fifo, by g), half each, and WORKERS processes,
half for each queue, work them off. Each says in its record when it had a job (after the open of its
claim) and when it began to give it up: done, failed, given back, dead, or by dying on the spot, upon
which another takes its place. So what is recorded lies within the time in which the daemon held the
job to be claimed: as many as overlap were claimed at once. Prints the figures, then what is wrong.
"""
import collections
import json
import os
import random
import signal
import sqlite3
import sys
import time

LIMITS = {"mail": 7, "ledger": 5}
GROUPS = 20
SHARES = {"done": 78, "retry": 6, "release": 5, "dead": 3, "die": 8}


def fill(queue, count):
    """A job's number counts within its group."""
    lines = b"".join(b'{"g":"%d","n":%d}\n' % (n % GROUPS, n // GROUPS) for n in range(count))
    stream = os.open(queue + "/stream", os.O_WRONLY)
    while lines:
        lines = lines[os.write(stream, lines[:1 << 20]):]
    os.close(stream)


def work(queue, record):
    """Until it is killed, by itself or from outside."""
    name = str(os.getpid())
    claim = queue + "/claim/" + name
    chance = random.Random(os.getpid())
    end = {"done": lambda: os.unlink(claim),
           "retry": lambda: os.rename(claim, queue + "/retries/" + name),
           "release": lambda: os.rename(claim, queue + "/" + name),
           "dead": lambda: os.rename(claim, queue + "/dead-letter/" + name),
           "die": lambda: os.kill(os.getpid(), signal.SIGKILL)}
    while True:
        opened = os.open(claim, os.O_RDONLY)
        start = time.monotonic_ns()
        body = os.read(opened, 4096)
        how = chance.choices(list(SHARES), SHARES.values())[0]
        os.write(record, b"%d %d %s %s\n" % (start, time.monotonic_ns(), how.encode(), body.rstrip()))
        end[how]()
        os.close(opened)


def spawn(queue, record):
    pid = os.fork()
    if pid == 0:
        try:
            work(queue, record)
        finally:
            os._exit(1)  # not reached but by an error, which Python has printed
    return pid


def left(database):
    return sum(database.execute("select count(*) from " + view).fetchone()[0]
               for view in ("waiting", "backoff", "running"))


def run(mount, store, workers, records):
    """Returns how often workers died."""
    database, deaths = sqlite3.connect("file:%s?mode=ro" % store, uri=True), 0
    where = {}
    for n in range(workers):
        queue = list(LIMITS)[n % 2]
        where[spawn("%s/%s" % (mount, queue), records[queue])] = queue
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            if not os.WIFSIGNALED(status):
                sys.exit("a worker failed")
            queue = where.pop(pid)
            where[spawn("%s/%s" % (mount, queue), records[queue])] = queue
            deaths += 1
        elif not left(database):
            break
        else:
            time.sleep(0.002)
    for pid in where:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    database.close()
    return deaths


def most_at_once(claims):
    events = sorted([(start, 1) for start, _, _, _ in claims] + [(end, 0) for _, end, _, _ in claims])
    now = most = 0
    for _, begins in events:
        now += 1 if begins else -1
        most = max(most, now)
    return most


def judge(queue, claims, count):
    wrong, groups, ends = [], collections.defaultdict(list), collections.Counter()
    for claim in claims:
        groups[claim[3]["g"]].append(claim)
        ends[claim[2]] += 1
    most = most_at_once(claims)
    print("%s: %d jobs, %d claims, %s, at most %d of %d at once" % (
        queue, count, len(claims), dict(ends), most, LIMITS[queue]))
    if most > LIMITS[queue]:
        wrong.append("%s: %d at once" % (queue, most))
    done = collections.Counter((claim[3]["g"], claim[3]["n"]) for claim in claims if claim[2] == "done")
    if any(times > 1 for times in done.values()):
        wrong.append("%s: done twice: %s" % (queue, [job for job in done if done[job] > 1][:9]))
    if len({(claim[3]["g"], claim[3]["n"]) for claim in claims}) != count:
        wrong.append("%s: not every job was claimed" % queue)
    for group, of_it in groups.items() if queue == "ledger" else ():
        of_it.sort(key=lambda claim: claim[0])
        numbers = [claim[3]["n"] for claim in of_it]
        if most_at_once(of_it) > 1 or numbers != sorted(numbers):
            wrong.append("group %s: %d at once, or not in order" % (group, most_at_once(of_it)))
    return wrong


def main(mount, store, jobs, workers):
    count, records = int(jobs) // 2, {}
    for queue in LIMITS:
        fill("%s/%s" % (mount, queue), count)
        records[queue] = os.open("%s.%s" % (store, queue), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    begin = time.monotonic()
    deaths = run(mount, store, int(workers), records)
    print("%d workers, %d died, %.0f s" % (int(workers), deaths, time.monotonic() - begin))
    wrong = []
    for queue in LIMITS:
        with open("%s.%s" % (store, queue)) as record:
            claims = [line.split(" ", 3) for line in record]
        claims = [(int(start), int(end), how, json.loads(body)) for start, end, how, body in claims]
        wrong += judge(queue, claims, count)
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
