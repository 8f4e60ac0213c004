"""A separate local cloud, started as a user does, which tests kill as a power cut or a lost machine would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from nightdesk_local.cloud import Cloud, find, is_running

from support.cloud_under_test import worker_port

_EMULATOR = "nightdesk_local.emulator"


class SeparateCloud:
    """A local cloud in a folder, with a port of its worker."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._port = worker_port()

    @property
    def cloud(self) -> Cloud:
        """The cloud, which is up."""
        found = find(self.home)
        assert found, "the local cloud is not up"
        return found

    def run(self, *words: str, within: float = 600) -> subprocess.CompletedProcess[str]:
        """Run `nightdesk` on it.

        Args:
            within: seconds.
        """
        environment = {**os.environ, "NIGHTDESK_HOME": str(self.home), "NIGHTDESK_PORT": str(self._port)}
        return subprocess.run(
            [Path(sys.executable).parent / "nightdesk", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )

    def up(self) -> None:
        """Start it, with the state that it has."""
        done = self.run("up", "--detach", "--no-examples", "--watch", str(self.home / "content"))
        assert done.returncode == 0, done.stderr

    def kill(self) -> None:
        """Kill everything at once: the process that holds the cloud, the emulator, and the functions that it runs."""
        pid = self.cloud.pid
        for victim in [pid, *descendants(pid)]:
            os.kill(victim, signal.SIGKILL)
        while is_running(pid):
            time.sleep(0.02)

    def kill_functions(self) -> int:
        """Kill the running functions, and return how many there were. The emulator starts new ones."""
        victims = [pid for pid in descendants(self.cloud.pid) if _EMULATOR not in command_of(pid)]
        for victim in victims:
            kill(victim)
        return len(victims)

    def freeze_functions(self) -> None:
        """Pause the functions, so that nothing changes. Paused runs still count against the concurrency limit."""
        for _ in range(3):
            for victim in descendants(self.cloud.pid):
                if _EMULATOR not in command_of(victim):
                    kill(victim, signal.SIGSTOP)
            time.sleep(0.2)

    def kill_but_keep_what_is_stored(self) -> None:
        """Kill the functions and the process that holds the cloud. The emulator, which stands for AWS's durable services, shuts down
        cleanly, so that tables and queues survive the restart. It forgets the mails that it took."""
        pid = self.cloud.pid
        [emulator] = [each for each in descendants(pid) if _EMULATOR in command_of(each)]
        os.kill(pid, signal.SIGKILL)
        os.kill(emulator, signal.SIGTERM)
        while is_running(emulator):
            for victim in descendants(emulator):
                kill(victim)
            time.sleep(0.02)


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process, if it has not ended yet."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def command_of(pid: int) -> str:
    """Return the command line of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they started."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
    children = [child for child, parent in parents.items() if parent == pid]
    return children + [further for child in children for further in descendants(child)]
