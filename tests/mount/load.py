"""Producers and workers while the engine process is killed again and again.

usage: load.py QUEUE-DIRECTORY STORE SECONDS KILL-EVERY-SECONDS

Proves from outside: what was acknowledged is delivered, nothing done runs again, and no caller
ever sees an error. Prints the figures; exits 1 when one is wrong.
"""
import collections
import os
import random
import signal
import sys
import threading
import time

queue, store, seconds, pause = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
end = time.monotonic() + seconds
acknowledged, done, errors = [], [], []
produced = threading.Event()
longest = 0.0


def produce(number):
    count = 0
    while time.monotonic() < end:
        count += 1
        body = "%d-%d" % (number, count)
        path = queue + ("/new" if count % 2 else "/job" + body)
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
            os.write(fd, body.encode())
            os.close(fd)
            acknowledged.append(body)
        except OSError as error:
            errors.append(("produce", body, error))


def take(worker):
    """The payload of a claimed job; None when there is none."""
    try:
        fd = os.open(worker, os.O_RDONLY | os.O_NONBLOCK)
    except BlockingIOError:
        return None
    try:
        return os.read(fd, 1000).decode()
    finally:
        os.close(fd)


def work(number):
    worker = "%s/claim/w%d" % (queue, number)
    while True:
        last = produced.is_set()
        try:
            body = take(worker)
            if body is None:
                if last:
                    return
                time.sleep(0.01)
            elif not body:
                errors.append(("nothing to read", number))
            elif random.random() < 0.1:
                os.rename(worker, "%s/w%d" % (queue, number))
            else:
                os.unlink(worker)
                done.append(body)
        except OSError as error:
            errors.append(("work", number, error))


def look():
    global longest
    while time.monotonic() < end:
        begin = time.monotonic()
        os.stat("%s/claim/z%d" % (queue, random.randrange(1000000)))
        longest = max(longest, time.monotonic() - begin)


def engine():
    """The engine process: the only child of the holder, whose pid is in the lock."""
    with open(store + ".lock") as lock:
        holder = lock.read().split()[0]
    with open("/proc/%s/task/%s/children" % (holder, holder)) as children:
        return [int(pid) for pid in children.read().split()]


producers = [threading.Thread(target=produce, args=(n,)) for n in range(4)]
workers = [threading.Thread(target=work, args=(n,)) for n in range(3)]
others = [threading.Thread(target=look)]
for thread in producers + workers + others:
    thread.start()
kills = 0
while time.monotonic() < end:
    time.sleep(pause)
    for pid in engine():
        os.kill(pid, signal.SIGKILL)
        kills += 1
for thread in producers + others:
    thread.join()
produced.set()
for thread in workers:
    thread.join()

counts = collections.Counter(done)
lost = set(acknowledged) - set(done)
twice = [body for body, count in counts.items() if count > 1]
print("killed %d times, %d jobs acknowledged, %d done, %d lost, %d done twice, %d errors, "
      "longest pause %.0f ms" % (kills, len(acknowledged), len(done), len(lost), len(twice),
                                 len(errors), longest * 1000))
for error in errors[:10]:
    print(error)
sys.exit(bool(lost or twice or errors or len(done) != len(acknowledged) or not kills))
