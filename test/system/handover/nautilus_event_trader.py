"""Stands in for the trading engine: takes every scan exactly once, in order, and remembers the last in a file.

Ready about 0.3 s after its start, when it answers http://127.0.0.1:8010/health. Ends on SIGTERM after the scan that it is at.
SIGUSR1: tries to have 3 GiB and writes what came of it to state/allocation.
MISBEHAVE in its environment: exit, dies-later, never-ready, unhealthy, needs-ng6 (unhealthy while nobody listens on 5701) or
ignore-term.
"""

import json
import os
import signal
import socket
import sys
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
STATE = os.path.join(FOLDER, "state")
LATEST = os.path.join(STATE, "latest_scan.json")
PROGRESS = os.path.join(STATE, "nautilus_progress.json")
PROCESSED = os.path.join(STATE, "processed.log")
MISBEHAVE = os.environ.get("MISBEHAVE", "")
wanted = {"end": False, "allocate": False}


def read(path, default):
    try:
        with open(path) as file:
            return json.load(file)
    except FileNotFoundError:
        return default


def write(path, value):
    with open(path + ".new", "w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".new", path)


def resume():
    """The progress so far. One that was killed between the two has told a scan in its log that is not in its file yet."""
    progress = read(PROGRESS, {"last_scan_number": 470, "scans_processed": 0})
    try:
        with open(PROCESSED) as file:
            last = [int(line.split()[0]) for line in file][-1:]
    except FileNotFoundError:
        last = []
    ahead = max(0, *(number - progress["last_scan_number"] for number in last + [0]))
    return {name: number + ahead for name, number in progress.items()}


def allocate():
    try:
        held = bytearray(3 << 30)
        return "had %d bytes" % len(held)
    except MemoryError:
        return "MemoryError"


def is_well():
    if MISBEHAVE != "needs-ng6":
        return MISBEHAVE != "unhealthy"
    try:
        socket.create_connection(("127.0.0.1", 5701), 0.2).close()
        return True
    except OSError:
        return False


def answer(listener):
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        return
    with connection:
        connection.settimeout(0.2)
        try:
            connection.recv(4096)
            status = "200 OK" if is_well() else "503 Service Unavailable"
            connection.sendall(("HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status).encode())
        except OSError:
            pass


def main():
    if MISBEHAVE == "exit":
        sys.exit("cannot trade")
    on_term = signal.SIG_IGN if MISBEHAVE == "ignore-term" else lambda *_: wanted.update(end=True)
    signal.signal(signal.SIGTERM, on_term)
    signal.signal(signal.SIGUSR1, lambda *_: wanted.update(allocate=True))
    progress = resume()
    time.sleep(0.3)
    listener = None
    if MISBEHAVE != "never-ready":
        listener = socket.create_server(("127.0.0.1", 8010))
        listener.setblocking(False)
    print("ready at scan", progress["last_scan_number"], flush=True)
    began = time.monotonic()
    while not wanted["end"]:
        if MISBEHAVE == "dies-later" and time.monotonic() > began + 1:
            sys.exit("cannot trade any more")
        latest = read(LATEST, {"scan_number": 0})["scan_number"]
        while progress["last_scan_number"] < latest and not wanted["end"]:
            number = progress["last_scan_number"] + 1
            with open(PROCESSED, "a") as file:
                file.write("%d %d\n" % (number, os.getpid()))
            progress = {"last_scan_number": number, "scans_processed": progress["scans_processed"] + 1}
            write(PROGRESS, progress)
        if wanted["allocate"]:
            wanted["allocate"] = False
            write(os.path.join(STATE, "allocation"), allocate())
        if listener is not None:
            answer(listener)
        time.sleep(0.01)


main()
