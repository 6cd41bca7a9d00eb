"""Random file operations of several processes at once, with no model but a count.

usage: storm.py MOUNT STORE SEED SECONDS [PROCESSES]

Each process does as it likes, with names, workers and jobs that the others use, too. Every call has
to be answered, by the engine process of the start. Beside that each process enqueues jobs through
`new` and `stream`, or submits again what was refused, and whoever ends one, of itself or of others,
says so: in the end what was acknowledged is what was ended and what is still there, each once, and
the store says the same as the listings.
"""
import errno
import multiprocessing
import os
import random
import signal
import sqlite3
import sys
import time

from fuzz import DAY_S, FINAL, TEMPORARY, Watchdog, attempt, engine_of
from fuzz_model import FIXED, VIEWS

QUEUES = ["mail", "ledger", "outbox"]
SQL_VIEWS = {"": "waiting", "running": "running", "retries": "retries", "backoff": "backoff",
             "dead-letter": "dead_letter", "rejected": "rejected"}
# Nothing else may be said to a process that keeps to what there is.
POSSIBLE = {0, errno.ENOENT, errno.EEXIST, errno.ESTALE, errno.EPERM, errno.EBUSY, errno.EAGAIN,
            errno.EINVAL, errno.EFBIG, errno.ENOSPC, errno.ENODATA, errno.EOPNOTSUPP, errno.EINTR}
WAIT_S = 0.02
SOON_S = 1  # some jobs are postponed by this


def interrupt(_number, _frame):
    raise InterruptedError(errno.EINTR, "")


class Storm:
    def __init__(self, mount, seed, number):
        self.mount, self.number = mount, number
        self.random = random.Random(seed * 1000 + number)
        self.watchdog = Watchdog()
        self.worker = "w%d" % number
        self.calls, self.made = 0, 0
        self.enqueued, self.ended = [], []  # payloads of jobs that are counted
        self.descriptors = []

    def call(self, function, *arguments):
        shown = "process %d: %s%.200s" % (self.number, function.__name__, arguments)
        self.watchdog.watch(shown)
        error, value = attempt(function, *arguments)
        self.watchdog.watch(None)
        self.calls += 1
        if error not in POSSIBLE:
            raise AssertionError("%s = %s" % (shown, errno.errorcode[error]))
        return error, value

    def queue(self):
        return self.mount + "/" + self.random.choice(QUEUES)

    def name(self):
        return self.random.choice(FINAL[:3] + TEMPORARY[:2])

    def path(self):
        return self.queue() + "/" + self.name()

    def read_all(self, path, flags=0):
        """(errno, bytes or None)"""
        error, descriptor = self.call(os.open, path, os.O_RDONLY | flags)
        if error:
            return error, None
        error, body = self.call(os.read, descriptor, 70000)
        self.call(os.close, descriptor)
        return error, body

    # ---- what is counted

    def counted(self):
        self.made += 1
        return b'{"g":"%d","counted":"%d-%d"}' % (self.made % 3, self.number, self.made)

    def op_enqueue(self):
        body = self.counted()
        error, descriptor = self.call(os.open, self.queue() + "/new", os.O_WRONLY)
        if error:
            return
        error, _ = self.call(os.write, descriptor, body)
        assert not error, error
        error, _ = self.call(os.close, descriptor)
        if not error:
            self.enqueued.append(body)

    def op_stream(self):
        """Some lines in two writes; the last one without an end."""
        lines = [self.counted() for _ in range(self.random.randrange(1, 6))]
        data = b"\n".join(lines)
        cut = self.random.randrange(1, len(data))
        error, descriptor = self.call(os.open, self.queue() + "/stream",
                                      self.random.choice([os.O_WRONLY, os.O_RDWR]))
        if error:
            return
        taken = 0
        for part in data[:cut], data[cut:]:
            error, written = self.call(os.write, descriptor, part)
            taken += written or 0
            if error or written < len(part):
                break
        error, _ = self.call(os.close, descriptor)
        done = data[:taken].count(b"\n") + (taken == len(data) and not error)
        self.enqueued += lines[:done]

    def op_rejected(self):
        """One that is counted has its receipt for a name, which nothing else gets."""
        directory = self.queue() + "/rejected/"
        error, listed = self.call(os.listdir, directory)
        if not listed:
            return
        path = directory + self.random.choice(listed)
        error, body = self.read_all(path)
        if error:
            return
        if self.random.randrange(4) == 0:
            self.call(os.unlink, path)
            return
        error, _ = self.call(os.rename, path, self.path())
        if not error and b"counted" in body:
            self.enqueued.append(body)

    def op_work(self):
        queue = self.queue()
        claim = "%s/claim/%s" % (queue, self.worker)
        error, body = self.read_all(claim, os.O_NONBLOCK)
        if error:
            return
        verdict = self.random.randrange(6)
        if verdict < 3:
            error, _ = self.call(os.unlink, claim)
            if not error:
                self.ended.append(body)
        else:
            directory = ["/retries/", "/dead-letter/", "/"][verdict - 3]
            self.call(os.rename, claim, queue + directory + self.worker)

    def any_job(self):
        """(queue, view, receipt) of a job that was there a moment ago."""
        queue, view = self.queue(), self.random.choice([""] + list(VIEWS))
        error, listed = self.call(os.listdir, queue + "/" + view)
        jobs = [name for name in listed or [] if len(name) == 36 and name not in FINAL]
        return (queue, view, self.random.choice(jobs)) if jobs else None

    def op_remove(self):
        job = self.any_job()
        if not job:
            return
        path = "/".join(job)
        error, body = self.read_all(path)
        if error:
            return
        error, _ = self.call(os.unlink, path)
        if not error:
            self.ended.append(body)

    # ---- what is not

    def op_operate(self):
        job = self.any_job()
        if not job:
            return
        queue, _, receipt = job
        path, to = "/".join(job), self.random.choice([queue, queue, self.queue()])
        when = time.time() + self.random.choice([-DAY_S, DAY_S, SOON_S])
        target = self.random.choice(["", "", "dead-letter/", "receipts/"])
        self.call(*self.random.choice([
            (os.rename, path, to + "/" + target + receipt), (os.rename, path, to + "/" + receipt),
            (os.utime, path, (when, when)), (os.stat, path), (self.read_all, path + ".json"),
            (os.getxattr, path, "user.spoolfs.state"), (os.listxattr, path)]))

    def op_open(self):
        flags = self.random.choice([os.O_WRONLY, os.O_RDWR]) | os.O_CREAT
        flags |= self.random.choice([0, os.O_TRUNC, os.O_EXCL, os.O_APPEND])
        error, descriptor = self.call(os.open, self.path(), flags)
        if not error:
            self.descriptors.append(descriptor)

    def op_write(self):
        if self.descriptors:
            self.call(os.pwrite, self.random.choice(self.descriptors),
                      b'{"g":"x"}' + b" " * self.random.choice([0, 100, 5000, 30000]),
                      self.random.choice([0, 0, 0, 50, 4096]))

    def op_close(self):
        if self.descriptors:
            at = self.random.randrange(len(self.descriptors))
            self.call(os.close, self.descriptors.pop(at))

    def op_name(self):
        path = self.path()
        self.call(*self.random.choice([
            (os.rename, path, self.path()), (os.unlink, path), (os.stat, path),
            (os.truncate, path, 5), (os.chmod, path, 0o600), (os.utime, path),
            (self.read_all, path)]))

    def op_look(self):
        self.call(os.listdir, self.queue() + "/" + self.random.choice(["", "claim", "receipts"]))

    def op_others_claim(self):
        """Opened and closed unread: given back, unless its worker has it open as well."""
        claim = "%s/claim/shared" % self.queue()
        error, descriptor = self.call(os.open, claim, os.O_RDONLY | os.O_NONBLOCK)
        if not error:
            self.call(os.close, descriptor)

    def op_wait(self):
        """For a job, and is interrupted."""
        claim = "%s/claim/waits%d" % (self.queue(), self.number)
        try:
            signal.setitimer(signal.ITIMER_REAL, WAIT_S)
            error, descriptor = self.call(os.open, claim, os.O_RDONLY)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except InterruptedError:  # not in the call: if it has opened, the end of the process closes
            return
        if not error:
            self.call(os.close, descriptor)

    def run(self, end):
        signal.signal(signal.SIGALRM, interrupt)
        operations = [self.op_enqueue] * 3 + [self.op_stream] * 2 + [self.op_rejected] + [self.op_work] * 5 + [self.op_remove] * 2 + \
            [self.op_operate] * 4 + [self.op_open] * 2 + [self.op_write] * 3 + [self.op_close] * 2 + \
            [self.op_name] * 4 + [self.op_look] + [self.op_others_claim, self.op_wait]
        while time.monotonic() < end:
            self.random.choice(operations)()
        for descriptor in self.descriptors:
            self.call(os.close, descriptor)
        return self.calls, self.enqueued, self.ended


def process(mount, seed, number, end, results):
    try:
        results.put((None,) + Storm(mount, seed, number).run(end))
    except Exception as error:  # whatever it is, the parent is to hear of it
        results.put((repr(error), 0, [], []))


def left(mount, store):
    """The payloads of all jobs; the listings and the store have to agree."""
    bodies, seen = [], {view: [] for view in SQL_VIEWS}
    for queue in QUEUES:
        for view in SQL_VIEWS:
            listed = [name for name in os.listdir("%s/%s/%s" % (mount, queue, view))
                      if view == "rejected" or name not in FIXED + tuple(FINAL + TEMPORARY)]
            seen[view] += listed
            for name in listed if view not in ("retries", "rejected") else []:
                with open("%s/%s/%s/%s" % (mount, queue, view, name), "rb") as job:
                    bodies.append(job.read())
    database = sqlite3.connect("file:%s?mode=ro" % store, uri=True)
    assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
    for view, table in SQL_VIEWS.items():
        stored = [row[0] for row in database.execute("select receipt from %s" % table)]
        if len(stored) != len(seen[view]):
            raise AssertionError("%s: %d in the store, %d listed: %s" % (
                table, len(stored), len(seen[view]), sorted(set(stored) ^ set(seen[view]))))
    database.close()
    return bodies


def main(mount, store, seed, seconds, processes="4"):
    engine, results = engine_of(store), multiprocessing.Queue()
    end = time.monotonic() + float(seconds)
    running = [multiprocessing.Process(target=process, args=(mount, int(seed), n, end, results),
                                       daemon=True) for n in range(int(processes))]
    for one in running:
        one.start()
    calls, enqueued, ended, errors = 0, [], [], []
    for _ in running:
        error, *figures = results.get(timeout=float(seconds) + 60)
        errors += [error] if error else []
        calls, enqueued, ended = calls + figures[0], enqueued + figures[1], ended + figures[2]
    for one in running:
        one.join(60)
    time.sleep(SOON_S + 0.5)  # nothing moves by itself any more
    there = left(mount, store)
    gone = [body for body in ended if b"counted" in body]
    there = [body for body in there if b"counted" in body]
    if sorted(enqueued) != sorted(gone + there):
        lost, more = set(enqueued) - set(gone + there), sorted(gone + there)
        more = [body for body in set(more) if more.count(body) > 1 or body not in enqueued]
        twice = [body for body in set(enqueued) if enqueued.count(body) > 1]
        errors.append("lost: %.300r, more than once or never acknowledged: %.300r, "
                      "acknowledged more than once: %.300r" % (lost, more, twice))
    if engine != engine_of(store):
        errors.append("another engine process")
    print("seed %s: %d calls, %.0f a second, %d jobs counted, %d ended, %d left" % (
        seed, calls, calls / float(seconds), len(enqueued), len(gone), len(there)))
    print("\n".join(errors))
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
