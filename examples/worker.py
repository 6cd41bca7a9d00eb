#!/usr/bin/env python3
"""A worker for several queues at once, which waits for them with poll(2).

    worker.py spool/bulk-email spool/ledger ...

The job of this one is to print what it gets, a line. Replace work().

Each queue has a claim, open for reading and writing and without blocking: read(2) fails with EAGAIN
until there is a job, and poll(2) tells when. SIGTERM lets the job that runs finish. When this
process dies, its job has failed at once and comes back after its backoff.
"""
import errno
import os
import selectors
import signal
import sys

NAME = "%s.%d" % (os.uname().nodename, os.getpid())  # any; this one says whose claim it is


class GiveUp(Exception):
    """The job will never work: it goes to dead-letter/, without retries."""


def work(payload, facts):
    """Does a job. An exception is a failure, and its text the reason."""
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise GiveUp("not a text") from error
    if not text.strip():
        raise ValueError("nothing to print")
    print(facts("receipt"), facts("attempt"), text.rstrip(), flush=True)


def verdict_of(payload, facts):
    """The verdict, in words. One line, whatever the exception says."""
    try:
        work(payload, facts)
    except GiveUp as error:
        return "dead: %s" % " ".join(str(error).split())
    except Exception as error:  # whatever it was: the job must not be lost
        return "retry: %s" % " ".join(str(error).split())
    return "done"


def serve(claim):
    """Reads the job that a claim is ready with, to its end, does it, and says what became of it."""
    try:
        payload = b""
        while piece := os.read(claim, 1 << 20):
            payload += piece
        # What is known about the job, by the names of spoolfs(7), The twin.
        facts = lambda key: os.getxattr(claim, "user.spoolfs." + key).decode()
        os.write(claim, verdict_of(payload, facts).encode())  # on disk when this returns
    except OSError as error:
        # EAGAIN: somebody else was faster. ESTALE: the job timed out, or was taken back meanwhile.
        if error.errno not in (errno.EAGAIN, errno.ESTALE):
            raise


def main():
    queues = sys.argv[1:]
    if not queues:
        sys.exit(__doc__)

    # A signal makes `wake` ready, so that the wait has no gap a signal could slip through.
    wake, alarm = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(alarm)
    signal.signal(signal.SIGTERM, lambda *_: None)

    waiting = selectors.PollSelector()
    waiting.register(wake, selectors.EVENT_READ)
    for queue in queues:
        claim = os.open("%s/claim/%s" % (queue, NAME), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        waiting.register(claim, selectors.EVENT_READ)

    while True:
        for key, _ in waiting.select():
            if key.fd == wake:
                return  # a claim that is ready but was not read is released
            serve(key.fd)


if __name__ == "__main__":
    main()
