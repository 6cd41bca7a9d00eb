"""Random file operations on a mount, compared with fuzz_model.py after every few.

usage: fuzz.py MOUNT STORE SEED...         these seeds, with a trace of the first that fails
       fuzz.py MOUNT STORE --seconds N     new seeds for that long

The mount has the queues that fuzz.bats configures, and nobody else uses it. Every call has to be
answered, with one of the errnos that the model allows, by the engine process of the start. Exits 1
when something is wrong, and says with which seed, at which step.
"""
import errno
import json
import os
import random
import signal
import sys
import threading
import time

from fuzz_model import FIXED, LIVE, VIEWS, Job, Model, Opened, Queue, Refused

STEPS = 250
TOLD = int(os.environ.get("TOLD", 60))  # of the last calls before a failure
PATIENCE_S = 20  # for one call
FINAL = ["a", "b", "c", "d", "x y", "\u00fcn\u00ef", "-n", "a.json", "n\nl", "z" * 255,
         "01a20a3f-5fa6-7000-8000-00079373fca0"]  # a receipt that nobody was given
TEMPORARY = [".a", "a.tmp", "b.part", "c~", ".swp"]
WORKERS = ["w1", "w2", "a", "w 4", "x" * 255]
DAY_S = 86400


def queues():
    return [Queue("mail", concurrency=3, max_retries=2, max_bytes=20000),
            Queue("ledger", fifo=True, concurrency=2, max_retries=1, max_bytes=20000),
            Queue("outbox", max_jobs=6, max_retries=0, max_bytes=10000, rename_only=True)]


class Wrong(Exception):
    """The mount and the model disagree."""


def engine_of(store):
    """The engine process: the only child of the holder, whose pid is in the lock."""
    with open(store + ".lock") as lock:
        holder = lock.read().split()[0]
    with open("/proc/%s/task/%s/children" % (holder, holder)) as children:
        return children.read().split()


class Watchdog(threading.Thread):
    """Ends the program when a call is not answered: it cannot be caught otherwise."""

    def __init__(self):
        super().__init__(daemon=True)
        self.doing, self.since = None, 0.0
        self.start()

    def run(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # it is for who calls
        while True:
            time.sleep(0.5)
            doing = self.doing
            if doing and time.monotonic() - self.since > PATIENCE_S:
                print("not answered: %s" % doing, flush=True)
                os._exit(1)

    def watch(self, doing):
        self.since = time.monotonic()
        self.doing = doing


def attempt(call, *arguments):
    """(0, its value) or (errno, None)."""
    try:
        return 0, call(*arguments)
    except OSError as error:
        return error.errno, None


class Fuzz:
    def __init__(self, mount, watchdog, seed):
        self.mount, self.watchdog, self.seed = mount, watchdog, seed
        self.random = random.Random(seed)
        self.model = Model(queues())
        self.queues = list(self.model.queues.values())
        self.descriptors = {}  # -> Opened
        self.step, self.calls, self.trace = 0, 0, []
        self.count = 0

    # ---- doing

    def call(self, function, *arguments):
        shown = "%s%s" % (function.__name__, arguments)
        self.watchdog.watch("seed %d, step %d: %s" % (self.seed, self.step, shown))
        self.calls += 1
        error, value = attempt(function, *arguments)
        self.watchdog.watch(None)
        self.trace.append("%4d %s = %s" % (self.step, shown[:200].replace(self.mount, ""),
                                           errno.errorcode.get(error, "ok")))
        return error, value

    def expect(self, allowed, function, *arguments):
        """Calls; the errno must be one of `allowed` (0 among them: success). Returns the value."""
        error, value = self.call(function, *arguments)
        if error not in allowed:
            raise Wrong("%s, not %s" % (
                errno.errorcode.get(error, "success"),
                "/".join(errno.errorcode.get(e, "success") for e in sorted(allowed))))
        return value

    def both(self, change, function, *arguments, also=()):
        """A change of the model, and the call that means it. Returns (done, value of either).
        `also`: errnos that the kernel may give first."""
        allowed, outcome = {0}, None
        error, _ = 0, None
        try:
            outcome = change()
        except Refused as refusal:
            allowed, error = refusal.errnos, 1
        value = self.expect(allowed | set(also if error else ()), function, *arguments)
        return not error, outcome, value

    def refuse(self, *names):
        def change():
            raise Refused(*names)
        return change

    def equal(self, what, expected, got):
        if expected != got:
            raise Wrong("%s\n  expected: %.300r\n       got: %.300r" % (what, expected, got))

    def one_in(self, n):
        return self.random.randrange(n) == 0

    def pick(self, *kinds):
        return self.random.choice(kinds)

    # ---- names

    def path(self, queue, *names):
        return "/".join([self.mount, queue.name] + [name for name in names if name])

    def any_name(self):
        return self.random.choice(FINAL[:4] if self.one_in(2) else FINAL + TEMPORARY)

    def used_name(self, queue):
        """One that means something, mostly."""
        used = list(queue.drafts) + list(queue.names)
        return self.random.choice(used) if used and not self.one_in(5) else self.any_name()

    def any_queue(self):
        return self.random.choice(self.queues)

    def any_job(self):
        """Mostly one that is there; and a view, mostly one that shows it."""
        jobs = [job for job in self.model.jobs if job.state != "gone"]
        if not jobs or self.one_in(10):
            jobs = self.model.jobs
        if not jobs:
            return None, None
        job = self.random.choice(jobs)
        views = job.views() + ["receipts"]
        return job, self.random.choice(views if not self.one_in(6) else list(VIEWS) + ["", "receipts"])

    def data(self, queue):
        self.count += 1
        if self.one_in(8):
            return bytes(self.random.choice(b' x1"}{:') for _ in range(self.random.randrange(1, 60)))
        pad = self.random.choice([0, 0, 0, 10, 4000, 5000])
        if queue.fifo or self.one_in(2):
            group = self.random.choice(['"A"', '"B"', '"1"', "1", "true", "null"])
            return (b'{"g":%s,"n":%d}' % (group.encode(), self.count)) + b" " * pad
        return b"job %d" % self.count + b"." * pad

    # ---- jobs that came

    def fresh(self, queue):
        """The receipts that QUEUE/ lists and that no job has, in order."""
        known = {job.receipt for job in self.model.jobs}
        return [entry for entry in self.expect({0}, os.listdir, self.path(queue, ""))
                if entry not in known and entry not in queue.drafts and
                entry not in FIXED and len(entry) == 36]

    def bind(self, job, name, told=None):
        """Learns the receipt of a job that was just made; `told`: it was known before."""
        if name is not None:
            target = self.expect({0}, os.readlink, self.path(job.queue, "receipts", name))
        else:
            fresh = self.fresh(job.queue)
            self.equal("new receipts in %s" % job.queue.name, 1, len(fresh))
            target = fresh[0]
        if any(other.receipt == target for other in self.model.jobs):
            raise Wrong("the receipt of an older job: %s" % target)
        self.equal("the receipt that was told before", told or target, target)
        job.receipt = target

    def bind_lines(self, queue, jobs):
        fresh = self.fresh(queue) if jobs else []
        self.equal("new receipts in %s" % queue.name, len(jobs), len(fresh))
        for job, receipt in zip(jobs, fresh):
            job.receipt = receipt

    def bind_rejected(self, rejected):
        """Learns the name of what was just rejected."""
        queue = rejected.queue
        listed = self.expect({0}, os.listdir, self.path(queue, "rejected"))
        fresh = [name for name in listed if name not in queue.rejected]
        self.equal("newly rejected in %s" % queue.name, 1, len(fresh))
        path = self.path(queue, "rejected", fresh[0])
        receipt = self.expect({0}, os.getxattr, path, "user.spoolfs.receipt").decode()
        self.equal("the receipt that was told before", rejected.receipt or receipt, receipt)
        if not rejected.fits(fresh[0], receipt):
            raise Wrong("%r is rejected as %r" % (rejected.wanted, fresh[0]))
        rejected.name, rejected.receipt = fresh[0], receipt
        queue.rejected[fresh[0]] = rejected
        self.look_rejected(rejected)

    def look_rejected(self, rejected):
        path = self.path(rejected.queue, "rejected", rejected.name)
        self.equal("rejected bytes", rejected.body, self.content(path))
        reason = self.expect({0}, os.getxattr, path, "user.spoolfs.reason").decode()
        if not reason.startswith(rejected.reason) or not reason:
            raise Wrong("rejected because: %s, not: %s" % (reason, rejected.reason))
        if len(rejected.name.encode()) <= 250 and rejected.name + ".json" not in rejected.queue.rejected:
            twin = json.loads(self.content(path + ".json"))
            self.equal("twin", (rejected.receipt, rejected.queue.name, "rejected", reason),
                       (twin["receipt"], twin["queue"], twin["state"], twin["reason"]))

    def content(self, path):
        descriptor = self.expect({0}, os.open, path, os.O_RDONLY)
        content = self.expect({0}, os.pread, descriptor, 100000, 0)
        self.expect({0}, os.close, descriptor)
        return content

    # ---- operations: drafts

    def opened(self, descriptor, opened):
        if descriptor is not None:
            self.descriptors[descriptor] = opened

    def op_open_write(self):
        queue, name = self.any_queue(), self.any_name()
        flags = self.pick(os.O_WRONLY, os.O_RDWR)
        flags |= 0 if self.one_in(7) else os.O_CREAT
        flags |= os.O_EXCL if flags & os.O_CREAT and self.one_in(6) else 0
        flags |= os.O_TRUNC if self.one_in(3) else 0
        flags |= os.O_APPEND if self.one_in(4) else 0
        mode = self.pick(0o644, 0o600, 0o640)
        draft, job = queue.draft(name), queue.names.get(name)

        def change():
            if not draft and not job:
                if not flags & os.O_CREAT:
                    raise Refused("ENOENT")
                return self.model.create(queue, name, mode)
            if flags & os.O_EXCL:
                raise Refused("EEXIST")
            if not draft or (draft.publishes() and draft.writers()):
                return self.model.add_draft(queue, name, None)
            if flags & os.O_TRUNC:
                self.model.truncate(draft, 0)
            return draft

        done, draft, descriptor = self.both(change, os.open, self.path(queue, name), flags, mode)
        if done:
            self.opened(descriptor, Opened(draft, True, bool(flags & os.O_APPEND)))

    def op_open_new(self):
        queue, flags = self.any_queue(), self.pick(os.O_WRONLY, os.O_RDWR)
        done, draft, descriptor = self.both(lambda: self.model.create(queue, None, None), os.open,
                                            self.path(queue, "new"),
                                            flags | self.pick(0, os.O_CREAT, os.O_TRUNC))
        if done:
            self.opened_pipe(descriptor, draft, flags)

    def opened_pipe(self, descriptor, draft, flags):
        opened = Opened(draft, True, flags == os.O_RDWR)
        if flags == os.O_RDWR:
            opened.told = b""
        self.opened(descriptor, opened)

    def op_open_stream(self):
        queue, flags = self.any_queue(), self.pick(os.O_WRONLY, os.O_RDWR)
        done, draft, descriptor = self.both(
            lambda: self.model.create(queue, None, None, stream=True), os.open,
            self.path(queue, "stream"), flags | self.pick(0, os.O_APPEND, os.O_TRUNC))
        if done:
            self.opened_pipe(descriptor, draft, flags)

    def op_open_read(self):
        queue = self.any_queue()
        name = self.used_name(queue)
        draft, job = queue.draft(name), queue.names.get(name)
        allowed = {0}
        if not draft:
            allowed = {errno.ENOENT} if not job else {errno.ESTALE} if job.state == "gone" else {0}
        descriptor = self.expect(allowed, os.open, self.path(queue, name), os.O_RDONLY)
        if descriptor is not None:
            self.opened(descriptor, Opened(draft) if draft else Opened(content=job.body))

    def some_descriptor(self, *wanted):
        """One that is open on a stream, for "writes" of a file, "told" receipts, "reads" of bytes."""
        fits = {"writes": lambda o: o.writes and not o.draft.stream, "any": lambda o: True,
                "reads": lambda o: o.told is None and not (o.draft and o.draft.stream),
                "told": lambda o: o.told is not None,
                "stream": lambda o: o.draft and o.draft.stream}[wanted[0]]
        found = [fd for fd in self.descriptors if fits(self.descriptors[fd])]
        return self.random.choice(found) if found else None

    def op_write(self):
        descriptor = self.some_descriptor("writes")
        if descriptor is None:
            return
        opened = self.descriptors[descriptor]
        data, offset = self.data(opened.draft.queue), 0
        if opened.draft.body and self.one_in(3):
            offset = self.random.choice([1, 100, 4095, 4096, 9000, 19990, 20001,
                                         len(opened.draft.body)])
        elif not self.one_in(3):
            self.both(lambda: self.model.truncate(opened.draft, 0), os.ftruncate, descriptor, 0)
        call = (os.pwrite, descriptor, data, offset)
        if opened.told is not None:
            call = (os.write, descriptor, data)  # it has no position
        _, _, written = self.both(lambda: self.model.write(opened, data, offset), *call)
        if written is not None:
            self.equal("written", len(data), written)

    def op_stream(self):
        descriptor = self.some_descriptor("stream")
        if descriptor is None:
            return
        opened = self.descriptors[descriptor]
        queue = opened.draft.queue
        lines = [self.data(queue).replace(b"\n", b" ") + self.pick(b"\n", b"\n", b"\n\n")
                 for _ in range(self.random.randrange(1, 5))]
        data = b"".join(lines)
        if self.one_in(3):
            data = data[:self.random.randrange(1, len(data) + 1)]
        if self.one_in(20):
            data = data.replace(b"\n", b"x" * 25000 + b"\n", 1)
        taken, jobs, rejected, errnos = self.model.stream(opened, data)
        written = self.expect(errnos or {0}, os.write, descriptor, data)
        if not errnos:
            self.equal("taken of a stream", taken, written)
        self.bind_lines(queue, jobs)
        if opened.told is not None:
            opened.told += b"".join(job.receipt.encode() + b"\n" for job in jobs)
        if rejected:
            self.bind_rejected(rejected)

    def op_read_receipts(self):
        descriptor = self.some_descriptor("told")
        if descriptor is None:
            return
        opened, size = self.descriptors[descriptor], self.pick(1, 36, 37, 100, 5000)
        if not opened.draft.stream:
            self.read_receipt(descriptor, opened)
            return
        got = self.expect({0}, os.read, descriptor, size)
        self.equal("receipts", opened.told[:size], got)
        opened.told = opened.told[size:]

    def read_receipt(self, descriptor, opened):
        """The one of `new`."""
        draft = opened.draft
        if not draft.content() or draft.cut or draft.refused or opened.told:
            self.equal("a receipt", b"", self.expect({0}, os.read, descriptor, 100))
            opened.told = opened.told or (b"-" if draft.body else b"")
            return
        said = self.stage_early(draft)
        opened.told = self.expect(said, os.read, descriptor, 100) or b"-"
        if said == {0}:
            self.receipt_told(draft, opened.told.decode().rstrip("\n"))

    def stage_early(self, draft):
        """A receipt is asked for before the close. Returns what may be said."""
        try:
            if draft.dirty:
                self.model.stage(draft)
        except Refused as refusal:
            return refusal.errnos
        return {0}

    def receipt_told(self, draft, receipt):
        self.equal("the receipt that was told before", draft.receipt or receipt, receipt)
        draft.receipt = receipt

    def op_receipt_xattr(self):
        descriptor = self.some_descriptor("writes")
        if descriptor is None:
            return
        draft = self.descriptors[descriptor].draft
        if draft.name is None or draft.unlinked or not draft.content() or draft.cut or draft.refused or \
                not draft.publishes():
            if not draft.unlinked:
                self.expect({errno.ENODATA}, os.getxattr, descriptor, "user.spoolfs.receipt")
            return
        said = self.stage_early(draft)
        receipt = self.expect(said, os.getxattr, descriptor, "user.spoolfs.receipt")
        if receipt:
            self.receipt_told(draft, receipt.decode())

    def op_killed(self):
        """A writer that is killed."""
        queue, name = self.any_queue(), self.any_name()
        if queue.draft(name) or queue.names.get(name) or queue.is_draft_name(name) or \
                queue.max_jobs is not None:
            return
        data, number = self.data(queue), self.pick(signal.SIGKILL, signal.SIGTERM)
        writer = self.expect({0}, os.posix_spawn, "/bin/sh", [
            "sh", "-c", 'exec 3>"$1"; printf %s "$2" >&3; kill -$3 $$', "sh", self.path(queue, name),
            data.decode(), str(int(number))], os.environ)
        self.expect({0}, os.waitpid, writer, 0)
        for descriptor in sorted(self.descriptors):  # execve has closed its copies
            self.model.closed_copy(self.descriptors[descriptor])
        draft = self.model.add_draft(queue, name, None)
        draft.body = bytearray(data)
        rejected = self.model.reject(draft, "writer %d was killed by signal %d" % (writer, number))
        self.model.drop(draft)
        self.bind_rejected(rejected)

    # ---- operations: what was rejected

    def some_rejected(self):
        found = [one for queue in self.queues for one in queue.rejected.values()]
        return self.random.choice(found) if found else None

    def op_rejected_look(self):
        rejected = self.some_rejected()
        if rejected:
            self.look_rejected(rejected)

    def op_resubmit(self):
        rejected, queue, name = self.some_rejected(), self.any_queue(), self.any_name()
        if rejected:
            self.both(lambda: self.model.resubmit(rejected, queue, name), os.rename,
                      self.path(rejected.queue, "rejected", rejected.name), self.path(queue, name))

    def op_rejected_change(self):
        rejected = self.some_rejected()
        if not rejected:
            return
        queue, path = rejected.queue, self.path(rejected.queue, "rejected", rejected.name)
        call = self.random.choice([
            (os.unlink, path), (os.utime, path), (os.utime, path, (1, 1)),
            (os.rename, path, self.path(queue, "dead-letter", rejected.name)),
            (os.rename, path, self.path(queue, "rejected", "odd")), (os.truncate, path, 0),
            (os.open, path, os.O_WRONLY), (os.chmod, path, 0o666)])
        if call[0] is os.unlink:
            del queue.rejected[rejected.name]
        self.expect({0} if call[0] is os.unlink else {errno.EPERM}, *call)

    def op_read(self):
        descriptor = self.some_descriptor("reads")
        if descriptor is None:
            return
        opened = self.descriptors[descriptor]
        offset, size = self.pick(0, 0, 1, 4000, 30000), self.pick(1, 100, 5000, 70000)
        body = opened.draft.body if opened.draft else opened.content
        readable = not opened.writes or self.access(descriptor) == os.O_RDWR
        got = self.expect({0} if readable else {errno.EBADF}, os.pread, descriptor, size, offset)
        if readable:
            self.equal("read", bytes(body[offset:offset + size]), got)
        if readable and opened.claim and got:
            opened.claim.unread = False

    @staticmethod
    def access(descriptor):
        with open("/proc/self/fdinfo/%d" % descriptor) as info:
            return int(info.read().split("flags:")[1].split()[0], 8) & os.O_ACCMODE

    def op_truncate(self):
        size = self.pick(0, 0, 1, 10, 5000, 30000)
        descriptor = self.some_descriptor("writes")
        if descriptor is not None and self.one_in(2):
            draft = self.descriptors[descriptor].draft
            self.both(lambda: self.model.truncate(draft, size), os.ftruncate, descriptor, size)
            return
        queue = self.any_queue()
        name = self.used_name(queue)
        draft, job = queue.draft(name), queue.names.get(name)
        if draft:
            self.both(lambda: self.model.truncate(draft, size), os.truncate,
                      self.path(queue, name), size)
        elif not job:
            self.expect({errno.ENOENT}, os.truncate, self.path(queue, name), size)

    def op_close(self):
        descriptor = self.some_descriptor("any")
        if descriptor is not None:
            self.close(descriptor)

    def close(self, descriptor):
        opened = self.descriptors.pop(descriptor)
        draft = opened.draft
        made, allowed = self.model.close(opened)
        self.expect(allowed, os.close, descriptor)
        if isinstance(made, Job):
            self.bind(made, draft.name, draft.receipt)
        elif made:
            self.bind_rejected(made)

    def op_dup(self):
        descriptor = self.some_descriptor("any")
        if descriptor is not None:
            self.descriptors[descriptor].descriptors += 1
            self.opened(self.expect({0}, os.dup, descriptor), self.descriptors[descriptor])

    def op_fsync(self):
        descriptor = self.some_descriptor("writes")
        if descriptor is not None:
            self.expect({0}, os.fsync, descriptor)

    def op_fstat(self):
        descriptor = self.some_descriptor("any")
        if descriptor is None:
            return
        opened = self.descriptors[descriptor]
        got = self.expect({0}, os.fstat, descriptor)
        if opened.draft and opened.draft.name is None and not opened.draft.unlinked:
            return  # of `new` or `stream`, which is the same for all
        if not opened.draft or opened.draft.name is not None:
            body = opened.draft.body if opened.draft else opened.content
            self.equal("size of a descriptor", len(body), got.st_size)

    # ---- operations: names

    def op_rename(self):
        queue, target = self.any_queue(), self.any_queue()
        if not self.one_in(3):
            target = queue
        name, to = self.used_name(queue), self.any_name()
        draft, job = queue.draft(name), queue.names.get(name)
        told = draft.receipt if draft and queue is target else None

        def change():
            if (draft or job) and (queue, name) == (target, to):
                return None  # rename(2): nothing is done
            if draft:
                return self.model.rename_draft(draft, target, to)
            if not job:
                raise Refused("ENOENT")
            if queue is not target:
                raise Refused("EPERM")
            # Two names of one file: rename(2) does nothing.
            if queue.draft(to) or queue.names.get(to) is not job:
                del queue.names[name]
                queue.names[to] = job
            if queue.draft(to):
                self.model.drop(queue.draft(to))
            return None

        done, made, _ = self.both(change, os.rename, self.path(queue, name), self.path(target, to))
        if done and made:
            self.bind(made, to, told)

    def op_unlink(self):
        queue = self.any_queue()
        name = self.used_name(queue)

        def change():
            if queue.draft(name):
                self.model.drop(queue.draft(name))
            elif queue.names.pop(name, None) is None:
                raise Refused("ENOENT")

        self.both(change, os.unlink, self.path(queue, name))

    def op_unlink_link(self):
        queue = self.any_queue()
        name = self.used_name(queue)

        def change():
            if queue.names.pop(name, None) is None:
                raise Refused("ENOENT")

        self.both(change, os.unlink, self.path(queue, "receipts", name))

    def op_stat(self):
        queue = self.any_queue()
        name = self.used_name(queue)
        draft, job = queue.draft(name), queue.names.get(name)
        got = self.expect({0} if draft or job else {errno.ENOENT}, os.lstat, self.path(queue, name))
        if got:
            self.equal("size of %r" % name, len(draft.body if draft else job.body), got.st_size)
        if draft and draft.mode is not None:
            self.equal("mode of %r" % name, draft.mode, got.st_mode & 0o7777)

    def op_finish_file(self):
        """What programs do to a file after they have written it."""
        queue = self.any_queue()
        name = self.used_name(queue)
        path, draft = self.path(queue, name), queue.draft(name)
        there = draft or queue.names.get(name)
        allowed = {0} if there else {errno.ENOENT}
        mode = self.pick(0o600, 0o644)
        kind = self.random.randrange(6)
        if kind == 0:
            self.expect(allowed, os.chmod, path, mode)
            if draft:
                draft.mode = mode
        elif kind == 1:
            self.expect(allowed, os.utime, path, (1, 1))
        elif kind == 2:
            self.expect(allowed, os.setxattr, path, "user.k", b"v")
        elif kind == 3:
            self.expect({errno.EOPNOTSUPP} if there else {errno.ENOENT},
                        os.setxattr, path, "security.k", b"v")
        elif kind == 4:
            self.expect(allowed, os.listxattr, path)
        else:
            self.expect({errno.ENODATA} if there else {errno.ENOENT}, os.getxattr, path, "user.k")

    # ---- operations: workers

    def op_claim(self):
        queue, worker = self.any_queue(), self.random.choice(WORKERS)
        done, claim, descriptor = self.both(
            lambda: self.model.claim(queue, worker), os.open, self.path(queue, "claim", worker),
            os.O_RDONLY | os.O_NONBLOCK)
        if not done:
            return
        self.opened(descriptor, Opened(content=claim.job.body, claim=claim))
        got = self.expect({0}, os.fstat, descriptor)
        self.equal("size of a claim", len(claim.job.body), got.st_size)
        if self.one_in(4):
            return
        got = self.expect({0}, os.pread, descriptor, 70000, 0)
        self.equal("payload of a claim", claim.job.body, got)
        claim.unread = False
        if not self.one_in(3):
            self.close(descriptor)

    def op_verdict(self):
        queue, worker = self.any_queue(), self.random.choice(WORKERS)
        if queue.claims and not self.one_in(5):
            worker = self.random.choice(list(queue.claims))
        verdict = self.pick("done", "retry", "dead", "release")
        path = self.path(queue, "claim", worker)
        if verdict == "done":
            self.both(lambda: self.model.verdict(queue, worker, verdict), os.unlink, path)
            return
        directory = {"retry": "retries", "dead": "dead-letter", "release": ""}[verdict]
        self.both(lambda: self.model.verdict(queue, worker, verdict), os.rename, path,
                  self.path(queue, directory, worker))

    def op_heartbeat(self):
        queue, worker = self.any_queue(), self.random.choice(WORKERS)

        def change():
            if worker not in queue.claims:
                raise Refused("ENOENT")
        self.both(change, os.utime, self.path(queue, "claim", worker))

    # ---- operations: operators

    def op_job_remove(self):
        job, view = self.any_job()
        if job:
            self.both(lambda: self.model.remove(job, view), os.unlink,
                      self.path(job.queue, view, job.receipt))

    def op_job_move(self):
        job, view = self.any_job()
        if not job:
            return
        target = self.pick("", "", "dead-letter", "dead-letter", "retries", "running", "receipts")
        queue = self.any_queue() if self.one_in(3) else job.queue
        if queue is job.queue and target == view:
            return
        if target == "retries" and job.state == "running":
            return  # spoolfs(7) is silent
        self.both(lambda: self.model.move(job, view, queue, target), os.rename,
                  self.path(job.queue, view, job.receipt), self.path(queue, target, job.receipt))

    def op_job_touch(self):
        job, view = self.any_job()
        if not job:
            return
        later = self.one_in(2)
        when = time.time() + DAY_S if later else 1000000
        try:
            self.model.seen(job, view)
        except Refused as refusal:
            allowed = refusal.errnos
        else:
            allowed = {0}
        if allowed == {0}:
            self.both(lambda: self.model.touch(job, view, later), os.utime,
                      self.path(job.queue, view, job.receipt), (when, when))
        else:
            self.expect(allowed, os.utime, self.path(job.queue, view, job.receipt), (when, when))

    def op_job_look(self):
        job, view = self.any_job()
        if not job:
            return
        path = self.path(job.queue, view, job.receipt)
        shown = view in job.views() or (view == "receipts" and job.views())
        # The kernel may know the name, and the file's attributes, for a second after it left.
        got = self.expect({0} if shown else {0, errno.ENOENT, errno.ESTALE}, os.stat, path)
        if shown:
            self.equal("size", len(job.body), got.st_size)
        descriptor = self.expect({0} if shown else {errno.ENOENT, errno.ESTALE}, os.open, path,
                                 os.O_RDONLY)
        if not shown:
            return
        self.opened(descriptor, Opened(content=job.body))
        self.equal("payload", job.body, self.expect({0}, os.pread, descriptor, 70000, 0))
        self.look_twin(job, path)

    def look_twin(self, job, path):
        descriptor = self.expect({0}, os.open, path + ".json", os.O_RDONLY)
        twin = json.loads(self.expect({0}, os.pread, descriptor, 100000, 0))
        self.expect({0}, os.close, descriptor)
        attempt_number = job.failures + (job.state == "running")
        self.equal("twin", (job.receipt, job.queue.name, job.state, job.group, attempt_number,
                            len(job.body), job.worker),
                   (twin["receipt"], twin["queue"], twin["state"], twin["group"], twin["attempt"],
                    twin["size"], twin["worker"]))
        state = self.expect({0}, os.getxattr, path, "user.spoolfs.state")
        self.equal("state", job.state, state.decode())

    # ---- operations: what is refused

    def op_illegal(self):
        queue = self.any_queue()
        place = self.path(queue, self.pick("", "claim", "running", "dead-letter", "receipts"))
        root = self.pick(place, self.mount)
        odd = root + "/odd"
        calls = [
            (os.mkdir, odd), (os.symlink, "x", odd), (os.mkfifo, odd),
            (os.rename, self.path(queue, "claim"), self.path(queue, "odd")),
            (os.rmdir, self.path(queue, "running")), (os.rmdir, self.path(queue)),
            (os.unlink, self.path(queue, "new")), (os.unlink, self.mount + "/README"),
            (os.chmod, self.path(queue, "claim"), 0o777), (os.truncate, self.mount + "/README", 0),
            (os.open, self.mount + "/odd", os.O_WRONLY | os.O_CREAT),
            (os.open, self.path(queue, "running", "odd"), os.O_WRONLY | os.O_CREAT),
            (os.open, self.path(queue, "dead-letter", "odd"), os.O_RDWR | os.O_CREAT | os.O_EXCL),
        ]
        job, _ = self.any_job()
        if job and job.views():
            path = self.path(job.queue, job.views()[0], job.receipt)
            calls += [(os.truncate, path, 3), (os.open, path, os.O_WRONLY), (os.chmod, path, 0o666),
                      (os.setxattr, path, "user.k", b"v"), (os.link, path, self.path(queue, "odd")),
                      (os.rename, path, self.path(job.queue, "dead-letter", "odd")),
                      (os.unlink, path + ".json")]
        call = self.random.choice(calls)
        # Every name is one of claim/, whose worker holds nothing.
        taken = {errno.EEXIST} if "/claim/odd" in str(call) else set()
        self.expect({errno.EPERM} | taken, *call)

    def op_strange_names(self):
        queue = self.any_queue()
        long = "y" * 256
        calls = [
            (errno.ENAMETOOLONG, os.open, self.path(queue, long), os.O_WRONLY | os.O_CREAT),
            (errno.ENAMETOOLONG, os.stat, self.path(queue, "claim", long)),
            (errno.ENOENT, os.open, self.path(queue, "claim", ".w"), os.O_RDONLY),
            (errno.ENOENT, os.stat, self.path(queue, "running", "a")),
            (errno.EISDIR, os.open, self.path(queue, "claim"), os.O_WRONLY | os.O_CREAT),
            (errno.ENOTDIR, os.stat, self.path(queue, "new", "a")),
            (errno.ENOENT, os.stat, self.mount + "/nobody"),
        ]
        error, *call = self.random.choice(calls)
        self.expect({error}, *call)

    # ---- looking at all of it

    def check(self):
        told = len(self.trace)
        for queue in self.queues:
            self.check_queue(queue)
        del self.trace[told:]

    def check_queue(self, queue):
        def listing(view):
            return self.expect({0}, os.listdir, self.path(queue, view))

        receipts = {job.receipt for job in self.model.jobs}
        entries = [entry for entry in listing("") if entry not in FIXED]
        self.equal("jobs in %s" % queue.name,
                   [job.receipt for job in self.model.in_state(queue, "waiting")],
                   [entry for entry in entries if entry in receipts])
        self.equal("drafts in %s" % queue.name, sorted(queue.drafts),
                   sorted(entry for entry in entries if entry not in receipts))
        for view in VIEWS:
            got, wanted = listing(view), [job.receipt for job in self.model.listed(queue, view)]
            ordered = view == "dead-letter"
            self.equal("%s/%s" % (queue.name, view), wanted if ordered else sorted(wanted),
                       got if ordered else sorted(got))
        self.equal("%s/rejected" % queue.name, sorted(queue.rejected), sorted(listing("rejected")))
        self.equal("%s/claim" % queue.name, sorted(queue.claims), sorted(listing("claim")))
        self.equal("%s/receipts" % queue.name,
                   sorted(name for name, job in queue.names.items() if job.state != "gone"),
                   sorted(listing("receipts")))
        self.check_names(queue)

    def check_names(self, queue):
        for name, job in queue.names.items():
            if job.state == "gone":
                continue
            link = self.expect({0}, os.readlink, self.path(queue, "receipts", name))
            self.equal("receipts/%r" % name, job.receipt, link)
        for name in queue.drafts:
            draft = queue.draft(name)
            descriptor = self.expect({0}, os.open, self.path(queue, name), os.O_RDONLY)
            got = self.expect({0}, os.pread, descriptor, 70000, 0)
            self.expect({0}, os.close, descriptor)
            self.equal("draft %r" % name, bytes(draft.body), got)

    # ---- a run

    WEIGHTS = {op_open_stream: 3, op_stream: 10, op_read_receipts: 6, op_receipt_xattr: 5,
               op_killed: 1, op_rejected_look: 2, op_resubmit: 5, op_rejected_change: 3,
               op_open_write: 12, op_open_new: 5, op_open_read: 4, op_write: 18, op_read: 5,
               op_truncate: 3, op_close: 18, op_dup: 3, op_fsync: 1, op_fstat: 3, op_rename: 9,
               op_unlink: 3, op_unlink_link: 1, op_stat: 4, op_finish_file: 4, op_claim: 14,
               op_verdict: 10, op_heartbeat: 2, op_job_remove: 3, op_job_move: 8, op_job_touch: 6,
               op_job_look: 5, op_illegal: 3, op_strange_names: 1}

    def run(self):
        operations, weights = list(self.WEIGHTS), list(self.WEIGHTS.values())
        for self.step in range(STEPS):
            self.random.choices(operations, weights)[0](self)
            if self.step % 8 == 7:
                self.check()
        self.clear()

    def clear(self):
        """Leaves nothing, so that the next seed begins with nothing."""
        for descriptor in list(self.descriptors):
            self.close(descriptor)
        self.check()
        for queue in self.queues:
            for worker in list(queue.claims):
                self.both(lambda: self.model.verdict(queue, worker, "done"), os.unlink,
                          self.path(queue, "claim", worker))
            for job in self.model.in_state(queue, *LIVE, "dead"):
                self.both(lambda: self.model.remove(job, job.views()[0]), os.unlink,
                          self.path(queue, job.views()[0], job.receipt))
            for name in list(queue.rejected):
                self.expect({0}, os.unlink, self.path(queue, "rejected", name))
                del queue.rejected[name]
            while queue.drafts or queue.names:
                name = next(iter(queue.drafts or queue.names))
                if queue.drafts:
                    self.model.drop(queue.draft(name))
                else:
                    del queue.names[name]
                self.expect({0}, os.unlink, self.path(queue, name))
        self.check()


def main(mount, store, *seeds):
    watchdog, engine = Watchdog(), engine_of(store)
    runs = calls = 0
    begin = time.monotonic()
    if seeds[0] == "--seconds":
        first = int(time.time()) * 1000
        seeds = range(first, first + 1000000)
        end = begin + float(sys.argv[4])
    else:
        seeds, end = [int(seed) for seed in seeds], float("inf")
    for seed in seeds:
        if time.monotonic() > end:
            break
        fuzz = Fuzz(mount, watchdog, seed)
        try:
            fuzz.run()
            fuzz.equal("the engine process", engine, engine_of(store))
        except Wrong as wrong:
            print("\n".join(fuzz.trace[-TOLD:]))
            print("seed %d, step %d: %s" % (seed, fuzz.step, wrong))
            print("  alone: SEED=%d bats -f seed tests/mount/fuzz.bats\n"
                  "  mended: add it to tests/mount/fuzz.seeds" % seed)
            return 1
        runs += 1
        calls += fuzz.calls
    took = time.monotonic() - begin
    print("%d seeds, %d calls, %.0f a second" % (runs, calls, calls / took))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
