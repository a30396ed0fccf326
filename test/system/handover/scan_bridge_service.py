"""Stands in for the bridge: passes on a new scan every 50 ms, numbered on from the last, and accepts connections on its port.

Arguments, both or neither: the port (8011), and the file of the latest scan (state/latest_scan.json). Ends on SIGTERM.
MISBEHAVE in its environment: exit, never-ready or ignore-term.
"""

import json
import os
import signal
import socket
import sys
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
PORT, LATEST = (sys.argv[1:] + ["8011", "state/latest_scan.json"])[:2]
LATEST = os.path.join(FOLDER, LATEST)
MISBEHAVE = os.environ.get("MISBEHAVE", "")
wanted = {"end": False}


def last():
    try:
        with open(LATEST) as file:
            return json.load(file)["scan_number"]
    except FileNotFoundError:
        return 470


def main():
    if MISBEHAVE == "exit":
        sys.exit("cannot bridge")
    signal.signal(signal.SIGTERM, signal.SIG_IGN if MISBEHAVE == "ignore-term" else lambda *_: wanted.update(end=True))
    number = last()
    listener = None
    if MISBEHAVE != "never-ready":
        listener = socket.create_server(("127.0.0.1", int(PORT)))
        listener.settimeout(0.05)
    while not wanted["end"]:
        number += 1
        with open(LATEST + ".new", "w") as file:
            json.dump({"scan_number": number}, file)
        os.rename(LATEST + ".new", LATEST)
        due = time.monotonic() + 0.05
        try:
            if listener is not None:
                listener.accept()[0].close()
        except TimeoutError:
            pass
        time.sleep(max(0, due - time.monotonic()))


main()
