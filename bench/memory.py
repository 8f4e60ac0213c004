"""Memory: each function's peak while it works on drafts of 1 MiB, the largest that are accepted."""

from __future__ import annotations

import os
import re
from pathlib import Path

from nightdesk_local.cloud import Cloud

from .local_cloud import draft, local_cloud, put, wait_until_live
from .measure import table

FUNCTIONS = ("render", "gate", "index", "invalidate")
_SIZE = 2**20


def measure(drafts: int = 5) -> str:
    """Measure with this many drafts at once, on a fresh local cloud."""
    with local_cloud() as cloud:
        _publish(cloud, drafts)
        found = peaks()
    rows = [(name, found[name]) for name in FUNCTIONS]
    return table(f"Memory for {drafts} drafts of 1 MiB", ("function", "peak MB"), rows)


def _publish(cloud: Cloud, drafts: int) -> None:
    s3 = cloud.client("s3")
    etags: dict[str, str] = {}
    for number in range(drafts):
        body = draft(number)
        body += b"\nA line that says no more than others.\n" * ((_SIZE - len(body)) // 40)
        etags |= put(s3, cloud, number, body)
    wait_until_live(cloud, etags)


def peaks() -> dict[str, float]:
    """Return the peak resident memory in MB of each function's largest process, of those that descend from this one."""
    processes = {status["Pid"]: status for place in Path("/proc").glob("[0-9]*") if (status := _status(place))}
    found: dict[str, float] = {}
    for pid, status in processes.items():
        command = status["command"]
        name = re.search(r"ministack-lambda-nightdesk-(\w+?)-", command)
        if name and _is_ours(pid, processes) and "VmHWM" in status:
            found[name[1]] = max(found.get(name[1], 0.0), int(status["VmHWM"].split()[0]) / 1024)
    return found


def _status(place: Path) -> dict[str, str]:
    try:
        lines = (place / "status").read_text().splitlines()
        command = (place / "cmdline").read_bytes().decode()
    except OSError:  # The process has just ended.
        return {}
    return {**{name: value.strip() for name, _, value in (line.partition(":") for line in lines)}, "command": command}


def _is_ours(pid: str, processes: dict[str, dict[str, str]]) -> bool:
    while pid in processes and pid != str(os.getpid()):
        pid = processes[pid]["PPid"]
    return pid == str(os.getpid())
