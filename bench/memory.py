"""Memory: the most that each function's process ever held while it worked on drafts of 1 MiB."""

from __future__ import annotations

import os
import re
from pathlib import Path

from nightdesk_cli.connect import cli_ports
from nightdesk_cli.pipeline import in_flight
from nightdesk_cli.publish import wait_for
from nightdesk_local.cloud import Cloud

from .live import draft, local_cloud
from .measure import table

FUNCTIONS = ("render", "gate", "index", "invalidate")
_SIZE = 2**20


def measure(drafts: int = 5) -> str:
    """The table: so many drafts of the largest size that is accepted, on a local cloud of its own."""
    with local_cloud() as cloud:
        _publish(cloud, drafts)
        held = _peaks()
    rows = [(name, held[name]) for name in FUNCTIONS]
    return table(f"Memory for {drafts} drafts of 1 MiB", ("function", "peak MB"), rows)


def _publish(cloud: Cloud, drafts: int) -> None:
    s3, subjects = cloud.session().client("s3"), {}
    for number in range(drafts):
        body = draft(number)
        body += b"\nA line that says no more than others.\n" * ((_SIZE - len(body)) // 40)
        key = f"drafts/story-{number}.md"
        subjects[key] = s3.put_object(Bucket=cloud.outputs["DraftsBucket"], Key=key, Body=body)["ETag"].strip('"')
    found = wait_for(subjects, cli_ports(cloud), lambda done, total: None, lambda: in_flight(cloud))
    if not all(report and report["state"] == "live" for report in found.values()):
        raise RuntimeError("not all drafts were live in time")


def _peaks() -> dict[str, float]:
    """For each function the peak resident memory in MB of its largest process, among those that this one started."""
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
    except OSError:  # it has ended meanwhile
        return {}
    return {**{name: value.strip() for name, _, value in (line.partition(":") for line in lines)}, "command": command}


def _is_ours(pid: str, processes: dict[str, dict[str, str]]) -> bool:
    while pid in processes and pid != str(os.getpid()):
        pid = processes[pid]["PPid"]
    return pid == str(os.getpid())
