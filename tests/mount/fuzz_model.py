"""What spoolfs(7) promises, once more and naively: queues, jobs, drafts, names and claims as plain
objects. Knows nothing of the mount; fuzz.py does to both the same and compares.

An operation that must fail raises Refused with the errnos it may fail with, before anything has
changed.
"""
import errno
import fnmatch
import json

DRAFT_NAMES = [".*", "*.tmp", "*.part", "*.partial", "*.filepart", "*.swp", "*~"]
LIVE = ("waiting", "backoff", "running")
NAME_MAX = 255
VIEWS = ("running", "retries", "backoff", "dead-letter")
FIXED = ("new", "paused", "stream", "claim", "receipts", "rejected") + VIEWS


class Refused(Exception):
    def __init__(self, *names):
        super().__init__("/".join(names))
        self.errnos = {getattr(errno, name) for name in names}


class Job:
    def __init__(self, queue, body, group):
        self.queue, self.body, self.group = queue, body, group
        self.receipt = None
        self.state = "waiting"
        self.failures = 0
        self.worker = None
        self.place = 0  # in its queue, or among the dead

    def views(self):
        """The directories that show it; "" is QUEUE/."""
        shown = {"waiting": [""], "backoff": ["backoff"], "running": ["running"],
                 "dead": ["dead-letter"], "gone": []}[self.state]
        if self.failures and self.state in LIVE:
            shown = shown + ["retries"]
        return shown


class Rejected:
    """What was refused or cut off, and is kept."""

    def __init__(self, queue, body, name, reason, receipt):
        self.queue, self.body, self.wanted, self.reason = queue, body, name, reason
        self.name, self.receipt = None, receipt  # None: not known yet

    def fits(self, name, receipt):
        """Is it shown under the right name?"""
        if self.wanted is None:
            return name == receipt
        if self.wanted not in self.queue.rejected:
            return name == self.wanted
        return name.encode() == self.wanted.encode()[:NAME_MAX - 37] + b"." + receipt.encode()


class Draft:
    def __init__(self, queue, name, mode, stream=False):
        self.queue, self.name, self.mode = queue, name, mode  # name None: `new` or `stream`
        self.stream = stream
        self.body = bytearray()  # of a stream: the line that has no end yet
        self.receipt = None  # the one that was told before the close
        self.unlinked = self.final = False
        self.cut = False      # a write failed
        self.written = False  # not only cut or extended, since it was empty
        self.dirty = False    # has bytes that no close has seen
        self.staged_in = None  # another queue, where a close has seen these
        self.staged = False   # a close has seen these, and others are to come
        self.refused = None  # why just these bytes were
        self.opened = []      # the Opened on it

    def writers(self):
        return sum(opened.writes for opened in self.opened)

    def content(self):
        return self.body if self.stream or self.written else b""

    def publishes(self):
        if self.name is None or self.final:
            return True
        return not self.queue.rename_only and not self.queue.is_draft_name(self.name)

    def changed(self):
        self.dirty, self.refused = True, None

    def resize(self, size):
        if size == len(self.body):
            return
        self.written = self.written and size > 0
        del self.body[size:]
        self.body.extend(bytes(size - len(self.body)))
        self.changed()


class Opened:
    """An open file: what dup(2) shares. `bytes` is what a reader gets for good."""

    def __init__(self, draft=None, writes=False, appends=False, content=b"", claim=None):
        self.draft, self.writes, self.appends = draft, writes, appends
        self.content, self.claim = content, claim
        self.descriptors = 1
        self.told = None  # what can be read of a `new` or `stream`: receipts, a line each
        if draft:
            draft.opened.append(self)


class Claim:
    """A worker's hold on a job, and who has its file open."""

    def __init__(self, worker, job):
        self.worker, self.job = worker, job
        self.unread, self.ended, self.opened = True, False, 0


class Queue:
    def __init__(self, name, fifo=False, concurrency=10, max_retries=3, max_bytes=1 << 20,
                 max_jobs=None, rename_only=False):
        self.name, self.fifo, self.concurrency = name, fifo, concurrency
        self.max_retries, self.max_bytes, self.max_jobs = max_retries, max_bytes, max_jobs
        self.rename_only = rename_only
        self.names = {}   # name -> the job it was written as
        self.drafts = {}  # name -> drafts, the newest first
        self.nameless = set()
        self.rejected = {}  # name -> Rejected
        self.claims = {}  # worker -> Claim

    @staticmethod
    def is_draft_name(name):
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in DRAFT_NAMES)

    def draft(self, name):
        found = self.drafts.get(name)
        return found[0] if found else None


class Model:
    def __init__(self, queues):
        self.queues = {queue.name: queue for queue in queues}
        self.jobs = []
        self.moved = set()  # drafts that have left a queue, but not yet their place there
        self.clock = 0  # places are handed out in this order

    def tick(self):
        self.clock += 1
        return self.clock

    def in_state(self, queue, *states):
        found = [job for job in self.jobs if job.queue is queue and job.state in states]
        return sorted(found, key=lambda job: job.place)

    def listed(self, queue, view):
        return [job for job in self.in_state(queue, *LIVE, "dead") if view in job.views()]

    # ---- payloads

    def room(self, queue, draft):
        """For how many jobs; what is promised to drafts is taken, but not to this one."""
        if queue.max_jobs is None:
            return 1
        drafts = [other for same in queue.drafts.values() for other in same]
        staged = {other for other in drafts + list(queue.nameless) if other.staged}
        staged |= {other for other in self.moved if other.staged_in is queue}
        return queue.max_jobs - len(self.in_state(queue, *LIVE)) - len(staged - {draft})

    def check(self, queue, body, draft=None):
        """The group of a payload that may enter, or Refused."""
        if self.room(queue, draft) <= 0:
            raise Refused("ENOSPC")
        if len(body) > queue.max_bytes:
            raise Refused("EFBIG")
        if not queue.fifo:
            return None
        try:
            value = json.loads(bytes(body).decode("utf-8"))["g"]
        except (ValueError, KeyError, TypeError, IndexError):
            raise Refused("EINVAL") from None
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, (str, int)):
            raise Refused("EINVAL")
        return str(value)

    def enqueue(self, draft, queue, name, body=None):
        body = bytes(draft.body) if body is None else body
        job = Job(queue, body, self.check(queue, body, draft))
        job.place = self.tick()
        self.jobs.append(job)
        if name is not None:
            queue.names[name] = job
        return job

    # ---- drafts

    def create(self, queue, name, mode, stream=False):
        if queue.max_jobs is not None and len(self.in_state(queue, *LIVE)) >= queue.max_jobs:
            raise Refused("ENOSPC")
        return self.add_draft(queue, name, mode, stream)

    def add_draft(self, queue, name, mode, stream=False):
        draft = Draft(queue, name, mode, stream)
        if name is None:
            queue.nameless.add(draft)
        else:
            queue.drafts.setdefault(name, []).insert(0, draft)
        return draft

    def unname(self, draft):
        if draft.name is None:
            draft.queue.nameless.discard(draft)
            return
        same = draft.queue.drafts[draft.name]
        same.remove(draft)
        if not same:
            del draft.queue.drafts[draft.name]

    def drop(self, draft):
        self.unname(draft)
        draft.unlinked = True
        self.unstage(draft)

    def unstage(self, draft):
        draft.staged = False
        self.moved.discard(draft)

    def write(self, opened, data, offset):
        draft = opened.draft
        if opened.appends:
            offset = len(draft.body)
        if offset + len(data) > draft.queue.max_bytes:
            draft.cut = True
            raise Refused("EFBIG")
        if offset > len(draft.body):
            draft.body.extend(bytes(offset - len(draft.body)))
        draft.body[offset:offset + len(data)] = data
        draft.written = draft.written or len(data) > 0
        draft.changed()

    def truncate(self, draft, size):
        if size > draft.queue.max_bytes:
            raise Refused("EFBIG")
        draft.resize(size)
        if size == 0:
            draft.cut, draft.receipt = False, None

    def stage(self, draft):
        """Its bytes are to be a job at the last close; Refused when they cannot."""
        try:
            self.check(draft.queue, draft.body, draft)
        except Refused as refusal:
            draft.refused, draft.receipt = refusal, None
            if not draft.stream:
                self.unstage(draft)
            raise
        self.unstage(draft)
        draft.dirty, draft.staged = False, True

    def flush(self, draft):
        """What each close(2) of a descriptor that writes says: 0 or Refused."""
        if draft.cut:
            raise Refused("EFBIG")
        if draft.unlinked or not draft.content() or not draft.publishes():
            return
        if draft.refused:
            raise draft.refused
        if draft.dirty or draft.stream:
            self.stage(draft)

    def closed_copy(self, opened):
        """By another process. Returns what that close says."""
        if opened.draft and opened.writes:
            try:
                self.flush(opened.draft)
            except Refused as refusal:
                return refusal.errnos
        return {0}

    def released(self, opened):
        """The last descriptor has gone. Returns the Job or the Rejected that this made, if any."""
        draft, made = opened.draft, None
        draft.opened.remove(opened)
        if draft.unlinked:
            return None
        if not draft.content():
            self.unstage(draft)
        if opened.writes and draft.content() and draft.writers() == 0 and draft.publishes():
            made = self.settle(draft)
        if draft.name is None:
            self.drop(draft)
        return made

    def settle(self, draft):
        if draft.cut or draft.refused:
            made = self.reject(draft, "a write failed" if draft.cut else "")
        else:
            made = self.enqueue(draft, draft.queue, draft.name)
        self.drop(draft)
        return made

    @staticmethod
    def reject(draft, reason):
        return Rejected(draft.queue, bytes(draft.body), draft.name, reason, draft.receipt)

    def resubmit(self, rejected, queue, name):
        """Returns the job."""
        if queue.is_draft_name(name):
            raise Refused("EPERM")
        job = Job(queue, rejected.body, self.check(queue, rejected.body))
        job.receipt, job.place = rejected.receipt, self.tick()
        self.jobs.append(job)
        del rejected.queue.rejected[rejected.name]
        if queue.draft(name):
            self.drop(queue.draft(name))
        queue.names[name] = job

    # ---- streams

    def stream(self, opened, data):
        """A write of lines. Returns (taken, the jobs, what was rejected or None, the errnos or None)."""
        draft, queue = opened.draft, opened.draft.queue
        begun, jobs = len(draft.body), []
        lines, at = bytes(draft.body) + data, 0
        draft.body, draft.staged, draft.refused = bytearray(), False, None
        try:
            while at < len(lines):
                end = lines.find(b"\n", at)
                if end < 0:
                    self.check_begun(draft, lines[at:])
                    break
                if end > at:
                    jobs.append(self.enqueue(draft, queue, None, lines[at:end]))
                at = end + 1
        except Refused as refusal:
            if at > begun:
                return at - begun, jobs, None, None
            return 0, jobs, self.refuse_begun(draft, lines, begun, refusal), refusal.errnos
        return len(data), jobs, None, None

    def check_begun(self, draft, line):
        if self.room(draft.queue, draft) <= 0:
            raise Refused("ENOSPC")
        if len(line) > draft.queue.max_bytes:
            raise Refused("EFBIG")
        draft.body, draft.staged = bytearray(line), True

    @staticmethod
    def refuse_begun(draft, lines, begun, refusal):
        """The line that is refused was begun by earlier writes."""
        if not begun:
            return None
        if errno.ENOSPC in refusal.errnos:
            draft.body, draft.staged = bytearray(lines[:begun]), True
            return None
        return Rejected(draft.queue, lines.split(b"\n", 1)[0], None, "", None)

    def close(self, opened):
        """Returns the Job or the Rejected that it made, or None, and the errnos it says."""
        said = self.closed_copy(opened)
        opened.descriptors -= 1
        if opened.descriptors:
            return None, said
        if opened.draft:
            return self.released(opened), said
        if opened.claim:
            self.claim_closed(opened.claim)
        return None, said

    def rename_draft(self, draft, queue, name):
        """Returns the job it made, or None."""
        final = not queue.is_draft_name(name)
        writing = draft.writers() > 0
        if len(draft.body) > queue.max_bytes:
            raise Refused("EFBIG")
        if final and not writing and draft.cut:
            raise Refused("EFBIG")
        if final and not writing and draft.body:
            job = self.enqueue(draft, queue, name)
            if queue.draft(name) not in (None, draft):
                self.drop(queue.draft(name))
            self.drop(draft)
            return job
        if queue.draft(name) not in (None, draft):
            self.drop(queue.draft(name))
        self.unname(draft)
        if draft.queue is not queue:
            draft.receipt = None
            if draft.staged:
                draft.staged_in = draft.queue
                self.moved.add(draft)
            draft.staged, draft.dirty = False, draft.dirty or draft.staged
        draft.queue, draft.name, draft.final = queue, name, final and writing
        queue.drafts.setdefault(name, []).insert(0, draft)
        return None

    # ---- claims

    def next_job(self, queue):
        if len(self.in_state(queue, "running")) >= queue.concurrency:
            return None
        for job in self.in_state(queue, "waiting"):
            first = next(other for other in self.in_state(queue, *LIVE)
                         if not queue.fifo or other.group == job.group)
            if first is job or not queue.fifo:
                return job
        return None

    def claim(self, queue, worker):
        claim = queue.claims.get(worker)
        if not claim:
            job = self.next_job(queue)
            if not job:
                raise Refused("EAGAIN")
            claim = queue.claims[worker] = Claim(worker, job)
            job.state, job.worker = "running", worker
        claim.opened += 1
        return claim

    def claim_closed(self, claim):
        claim.opened -= 1
        if claim.opened == 0 and claim.unread and not claim.ended:
            self.end_claim(claim.job, "waiting")

    def end_claim(self, job, state):
        claim = job.queue.claims.pop(job.worker)
        claim.ended = True
        job.state, job.worker = state, None

    def verdict(self, queue, worker, verdict):
        if worker not in queue.claims:
            raise Refused("ENOENT")
        job = queue.claims[worker].job
        if verdict == "done":
            self.end_claim(job, "gone")
        elif verdict == "release":
            self.end_claim(job, "waiting")
        else:
            job.failures += 1
            dead = verdict == "dead" or job.failures > queue.max_retries
            self.end_claim(job, "dead" if dead else "backoff")
            if dead:
                job.place = self.tick()

    # ---- operators

    def seen(self, job, view):
        if view not in job.views() and not (view == "receipts" and job.views()):
            raise Refused("ENOENT", "ESTALE")

    def remove(self, job, view):
        self.seen(job, view)
        if view == "receipts":
            raise Refused("EPERM")
        if job.state == "running":
            raise Refused("EBUSY")
        job.state = "gone"

    def move(self, job, view, queue, target):
        self.seen(job, view)
        if queue is not job.queue:
            self.move_queue(job, queue, target)
        elif target == "dead-letter" and job.state != "dead":
            self.bury(job)
        elif target == "" and job.state == "running":
            self.end_claim(job, "waiting")
        elif target == "" and job.state in ("backoff", "dead"):
            if job.state == "dead":
                job.failures, job.place = 0, self.tick()
            job.state = "waiting"
        else:
            raise Refused("EPERM")

    def bury(self, job):
        if job.state == "running":
            job.failures += 1
            self.end_claim(job, "dead")
        job.state, job.place = "dead", self.tick()

    def move_queue(self, job, queue, target):
        if target != "":
            raise Refused("EPERM")
        if job.state == "running":
            raise Refused("EBUSY")
        job.group = self.check(queue, job.body)
        for name in [name for name in job.queue.names if job.queue.names[name] is job]:
            del job.queue.names[name]
            queue.names.setdefault(name, job)
        job.queue, job.state, job.failures, job.place = queue, "waiting", 0, self.tick()

    def touch(self, job, view, later):
        self.seen(job, view)
        if job.state == "dead":
            raise Refused("EPERM")
        if job.state == "waiting" and later:
            job.state = "backoff"
        elif job.state == "backoff" and not later:
            job.state = "waiting"
