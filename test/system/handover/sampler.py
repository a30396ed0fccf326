"""Looks every 5 ms which processes have exactly these arguments, and tells each change of that as a line of JSON.

Arguments: a JSON object of arguments by name. A line: {"name", "at", "before", "pids": [[pid, start], ...]}; "at" is when they
were found so and "before" when they were looked at last before that, ms of CLOCK_MONOTONIC, which "start" is too. A fork that has not become another
program is not counted, nor what is dying. Two are told only where both were there at one moment. {"beat": ms, "worst": ms} says
ten times a second that it goes on, and the longest time between two looks since the last.
"""

import json
import os
import sys
import time

# Start times count ticks of CLOCK_BOOTTIME.
TICK = 1000 / os.sysconf("SC_CLK_TCK")
ASLEEP = (time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()) * 1000
WANTED = {b"".join(a.encode() + b"\0" for a in argv): name for name, argv in json.loads(sys.argv[1]).items()}


def read(path):
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def stat(pid):
    """(parent, start), or None for what is gone or dying."""
    fields = read("/proc/%s/stat" % pid).rpartition(b")")[2].split()
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return None
    return int(fields[1]), int(fields[19])


def look():
    found = {}
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            name = WANTED.get(read("/proc/%s/cmdline" % pid))
            seen = stat(pid) if name is not None else None
            if seen is not None:
                found[int(pid)] = (name, *seen)
    mains = {name: [] for name in WANTED.values()}
    for pid, (name, parent, start) in sorted(found.items()):
        if found.get(parent, (None,))[0] != name:
            mains[name].append([pid, start])
    for pids in mains.values():
        if len(pids) > 1:
            # Seen one after another: those that are still there were there together.
            pids[:] = [[pid, start] for pid, start in pids if (stat(pid) or (0, 0))[1] == start]
    return mains


def tell(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main():
    os.nice(-15)
    was = {}
    before = beat = time.monotonic() * 1000
    worst = 0.0
    while True:
        at = time.monotonic() * 1000
        worst = max(worst, at - before)
        now = look()
        for name, pids in now.items():
            if was.get(name) != pids:
                tell({"name": name, "at": at, "before": before, "pids": [[pid, start * TICK - ASLEEP] for pid, start in pids]})
        if at - beat > 100:
            tell({"beat": at, "worst": worst})
            beat, worst = at, 0.0
        was, before = now, at
        time.sleep(max(0.0005, 0.005 - (time.monotonic() - at / 1000)))


main()
