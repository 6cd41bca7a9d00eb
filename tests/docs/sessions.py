"""Runs the sessions of a manual page or of the README as they stand there.

    sessions.py PAGE FOLDER

A session is what a section shows in blocks (.Bd -literal, ```console) that have lines `$ COMMAND`.
A command may go on in lines `> ...`; the other lines are what it prints. The commands of a section
run in one shell, in a copy of FOLDER, which has the files that the page names. When the first one
does not make the mount point there is a mount already. Other differences than in receipts, times, process
IDs and owners are told, and the exit status is 1.

In a manual page, the lines `.Dl $ COMMAND` are run, too: they shall succeed.
"""
import difflib
import os
import re
import shutil
import subprocess
import sys


def unescaped(line):
    """A line of mdoc(7) as it is shown."""
    for escape, text in (r"\e", "\\"), (r"\&", ""), (r"\-", "-"), (r"\(ti", "~"):
        line = line.replace(escape, text)
    return line


def blocks_of(text, manual):
    """(section, lines) of each literal block."""
    begin, end, head = (r"\.Bd -literal", ".Ed", r"\.S[hs] ") if manual else ("```console", "```", "#+ ")
    section, lines = "", None
    for line in text.splitlines():
        if lines is not None and line == end:
            yield section, lines
            lines = None
        elif lines is not None:
            lines.append(unescaped(line) if manual else line)
        elif re.match(begin, line):
            lines = []
        elif re.match(head, line):
            section = line
        elif manual and line.startswith(".Dl $ "):
            yield line, [line[4:], None]


def sessions_of(text, manual):
    """For each section a list of [command, expected output or None]."""
    sessions = {}
    for section, lines in blocks_of(text, manual):
        if not lines or not lines[0].startswith("$ "):
            continue
        session = sessions.setdefault(section, [])
        for line in lines:
            if line is None:
                session[-1][1] = None
            elif line.startswith("$ "):
                session.append([line[2:], ""])
            elif line.startswith("> ") and not session[-1][1]:
                session[-1][0] += "\n" + line[2:]
            else:
                session[-1][1] += line + "\n"
    return sessions


def run(session, folder):
    """What each command printed, on both outputs, and the status of the last one."""
    script, log = os.path.join(folder, ".session"), os.path.join(folder, ".output")
    prepared = session[0][0].startswith(("mkdir", "printf", "spoolfs -n"))
    with open(script, "w") as file:
        if not prepared:
            file.write("mkdir spool && spoolfs queues.yaml spool\n")
        for command, _ in session:
            file.write("echo '\f'; echo '\f' >&2\n%s\n" % command)
        file.write("status=$?\n")
        if not prepared:
            file.write("echo '\f'; exec 3>&-; fusermount3 -u spool\n")
        file.write("exit $status\n")
    with open(log, "w") as file:
        status = subprocess.run(["bash", script], cwd=folder, stdin=subprocess.DEVNULL, stdout=file,
                                stderr=subprocess.STDOUT, timeout=100,
                                env=dict(os.environ, STATE_DIRECTORY=folder)).returncode
    with open(log) as file:
        return file.read().split("\f\n\f\n")[1:], status


class Normal:
    """Replaces what is other each time. Receipts are numbered: the same one is the same again."""

    def __init__(self):
        self.receipts = {}

    def __call__(self, text):
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
                      lambda m: "RECEIPT%d" % self.receipts.setdefault(m[0], len(self.receipts)), text)
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text)
        text = re.sub(r'("(?:uid|gid|pid)": )\d+', r"\1N", text)
        text = re.sub(r"worker \d+ ", "worker N ", text)
        # What a script's shell says a little otherwise than one at a terminal.
        text = re.sub(r"(?m)^\S*\.session: line \d+: +\d+ Killed .*$", "Killed", text)
        return re.sub(r"(?m)^\S*\.session: line \d+: ", "bash: ", text)


def main():
    page, folder = sys.argv[1:]
    with open(page) as file:
        sessions = sessions_of(file.read(), re.search(r"\.\d$", page))
    failed = not sessions
    for number, (section, session) in enumerate(sessions.items()):
        place = shutil.copytree(folder, "%s-%d" % (folder, number), symlinks=True)
        printed, status = run(session, place)
        want, got = [], []
        expect, normal = Normal(), Normal()
        for (command, output), text in zip(session, printed):
            want.append("$ " + command + "\n" + (expect(output) if output is not None else ""))
            got.append("$ " + command + "\n" + (normal(text.split("\f")[0]) if output is not None else ""))
        if len(printed) != len(session) or want != got or (session[-1][1] is None and status):
            failed = True
            print("%s: %s: status %d" % (page, section, status))
            print("\n".join(difflib.unified_diff("".join(want).splitlines(), "".join(got).splitlines(),
                                                 "the page", "this run", n=4, lineterm="")))
            print("".join(printed) if len(printed) != len(session) else "")
    print("%d commands" % sum(map(len, sessions.values())))
    sys.exit(failed)


main()
