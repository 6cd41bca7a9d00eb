"""Many callers of two queues while processes of the daemon are killed.

usage: load.py none|engine|holder SECONDS MOUNT STORE RECORDS CALLER COMMAND...

Starts callers (CALLER, of caller.c, and caller.bash) on the queues `mail` and `ledger` of MOUNT.
Each leaves its record in the folder RECORDS: load_check.py judges them. Meanwhile the engine
process is killed every 300 ms, unless it says `none`, and, when it says `holder`, the holder every
2.5 s; then COMMAND mounts again. Prints how often it has killed.
"""
import os
import signal
import subprocess
import sys
import time

ENGINE_EVERY, HOLDER_EVERY = 0.3, 2.5

victims, seconds, mount, store, records, program = sys.argv[1:7]
command = sys.argv[7:]
end = time.time() + float(seconds)
script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "caller.bash")


def call(queue, program, what, number, until):
    name = "%s%s%d" % (what[0], os.path.basename(program)[-1], number)
    record = "%s/%s.%s" % (records, queue, name)
    return subprocess.Popen([program, what, "%s/%s" % (mount, queue), record,
                             "%s.%s" % (queue, name), "%.0f" % until], close_fds=True)


def holder():
    with open(store + ".lock") as lock:
        return int(lock.read().split()[0])


def engines(parent):
    with open("/proc/%d/task/%d/children" % (parent, parent)) as children:
        return [int(pid) for pid in children.read().split()]


def kill_engine():
    """Whether there was one."""
    try:
        pids = engines(holder())
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return bool(pids)
    except (OSError, IndexError):  # it is dead already
        return False


callers = []
for queue in "mail", "ledger":
    callers += [call(queue, program, "produce", n, end) for n in range(2)]
    callers += [call(queue, script, "produce", n, end) for n in range(1)]
    # They leave some work behind.
    callers += [call(queue, program, "work", n, end - 1) for n in range(3)]
    callers += [call(queue, script, "work", n, end - 1) for n in range(2)]
    callers += [call(queue, program, "look", n, end) for n in range(1)]

engine_kills = holder_kills = 0
longest_mount = 0.0
holder_next = time.time() + HOLDER_EVERY
while time.time() < end:
    time.sleep(ENGINE_EVERY)
    if victims == "holder" and time.time() >= holder_next:
        os.kill(holder(), signal.SIGKILL)
        holder_kills += 1
        begin = time.time()
        subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
        longest_mount = max(longest_mount, time.time() - begin)
        holder_next = time.time() + HOLDER_EVERY
    elif victims != "none":
        engine_kills += kill_engine()

failed = [caller.args for caller in callers if caller.wait(timeout=60)]
print("engine killed %d times" % engine_kills, end="")
if holder_kills:
    print(", holder %d times, the next mount took up to %.0f ms" % (holder_kills, longest_mount * 1000), end="")
print()
if failed or bool(engine_kills) != (victims != "none") or (victims == "holder" and not holder_kills):
    sys.exit("callers failed: %s" % failed)
