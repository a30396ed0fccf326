"""Stands in for the health daemon: five sensors, the worst of them decides, and DEAD restarts both services every 2 s.

M1 needs NG6, which is down: so it is DEAD for ever, however well the two services are.
"""

import json
import os
import socket
import subprocess
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
UNITS = ["dolphin-nautilus-trader.service", "dolphin-scan-bridge.service"]


def reachable(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
        return 1.0
    except OSError:
        return 0.0


def scan_age():
    try:
        return time.time() - os.stat(os.path.join(FOLDER, "state/latest_scan.json")).st_mtime
    except FileNotFoundError:
        return 1000.0


def sensors():
    m1 = reachable(5701)  # Nautilus Core, by NG6
    m2 = reachable(8010)  # Trader
    m3 = reachable(8011)  # Scan bridge
    m4 = 1.0 if scan_age() < 5 else 0.0  # Freshness of scans
    m5 = min(1.0, 0.3 + 0.7 * m1)  # System Health
    return {"M1": m1, "M2": m2, "M3": m3, "M4": m4, "M5": m5}


def attempt_recovery():
    subprocess.run(["systemctl", "restart", *UNITS], check=False)


def main():
    while True:
        due = time.monotonic() + 2
        found = sensors()
        status = "DEAD" if found["M1"] == 0 or found["M5"] < 0.5 else "HEALTHY"
        print(json.dumps({"status": status, **found}), flush=True)
        if status == "DEAD":
            attempt_recovery()
        time.sleep(max(0, due - time.monotonic()))


main()
