"""Compares the calls that functions made on the tests' clouds with the policies of their roles, at the end of a run.

The clouds record each kind of call once (`local/emulator_permissions.py`). Played again on the policies as AWS gets them, each call must be
decided as it was here, and none may have been refused.

The reverse: `e2e/used_permissions.txt` holds the statements that tests were seen to use, `e2e/unused_permissions.txt` those that none uses,
each group with its reason; a statement in neither fails (`unit/test_permission_record.py`). To show that tests use it, run them with
NIGHTDESK_PERMISSIONS=FOLDER, and then, in `tests`, `python -m support.permission_record FOLDER`.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import sys
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from nightdesk_local.up import MAIL_SENDER

from support.policies import decision, statements

_E2E = Path(__file__).parents[1] / "e2e"
_USED = _E2E / "used_permissions.txt"
_UNUSED = _E2E / "unused_permissions.txt"
"""Patterns of `Role Statement`."""
_HEAD = "# `Role Statement`, as tests were seen to use them: `support/permission_record.py` writes this."
_PHYSICAL = re.compile(r"nightdesk-([A-Za-z]+)-[0-9A-Fa-f]{13}\b")
_NAMES = (
    ("000000000000", "123456789012"),
    ("event-bus/nightdesk-bus$", "event-bus/bus"),
    ("distribution/[A-Z0-9]+$", "distribution/distribution"),
    ("function:nightdesk-", "function:aws::stackname-"),
    ("schedule/default/", "schedule/schedulegroup/"),
    ("secret:nightdesk-edge-key-1-.*", "secret:edgekey"),
    ("secret:nightdesk-edge-key-2-.*", "secret:edgekeytwo"),
    ("secret:nightdesk-stripe-.*", "secret:stripesecretarn"),
    ("secret:([a-z]+)-[0-9a-f]{6}$", r"secret:\1"),
)
_REFUSED = ("ReaderApiRole s3:ListBucket ",)
"""Beginnings of calls (`Role action key`) that must be refused. The readers' API reads settings before there are any (`adapters.aws.S3Objects`)."""


class PermissionRecord:
    """A plugin of pytest that judges the record when all workers have finished.

    The record is in the folder NIGHTDESK_PERMISSIONS; without that variable, in one that is deleted afterwards.
    """

    def __init__(self) -> None:
        kept = os.environ.get("NIGHTDESK_PERMISSIONS")
        self._folder = Path(kept or tempfile.mkdtemp(prefix="permissions-"))
        if not kept:
            os.environ["NIGHTDESK_PERMISSIONS"] = str(self._folder)
            atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self._problems: list[str] = []

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._problems = problems(read(self._folder))
        if self._problems and session.exitstatus in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._problems:
            terminalreporter.section("permissions (tests/support/permission_record.py)", red=True)
            terminalreporter.write("\n".join([*self._problems, ""]))


def problems(calls: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong with the policies, in words."""
    rules = statements()
    found = set()
    for call in calls:
        if call["role"] not in rules:
            continue
        on_aws = decision(rules[call["role"]], as_made_on_aws(call))
        named = f"{call['role']} {call['action']} {call['resource'].rpartition(':')[2].partition('/')[2]}"
        if on_aws != call["decision"]:
            found.add(f"{named}: {call['decision']} here, {on_aws} on AWS: {call}")
        elif on_aws != "Allow" and not named.startswith(_REFUSED):
            found.add(f"{named}: {on_aws}: {call}")
    return sorted(found)


def unaccounted() -> dict[str, list[str]]:
    """Return the statements that allow something and are in neither list, and the lines of each list that are wrong."""
    allowing = {
        f"{role} {rule['Sid']}" for role, rules in statements().items() for rule in rules if rule["Effect"] == "Allow"
    }
    used, unused = _lines(_USED), _lines(_UNUSED)
    left = allowing - used
    return {
        "in neither list": sorted(line for line in left if not any(fnmatchcase(line, pattern) for pattern in unused)),
        "listed as used, and gone": sorted(used - allowing),
        "listed as unused, and used or gone": [
            pattern for pattern in sorted(unused) if not any(fnmatchcase(line, pattern) for line in left)
        ],
    }


def _lines(path: Path) -> set[str]:
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return {line for line in lines if line}


def as_made_on_aws(call: dict[str, Any]) -> dict[str, Any]:
    """Return a call with the names that `policies` makes up."""
    keys = {name: "mailsender" if value == MAIL_SENDER else value for name, value in call["context"].items()}
    return {**call, "resource": as_on_aws(call["resource"]), "context": keys}


def as_on_aws(resource: str) -> str:
    """Return the ARN of a resource of the local cloud with the names that `policies` makes up.

    Schedules have no group here; on AWS they have (`template.yaml`, `CreateSchedules`).
    """
    named = _PHYSICAL.sub(lambda found: found[1].lower(), resource)
    for here, on_aws in _NAMES:
        named = re.sub(here, on_aws, named)
    return named


def add_used(folder: Path) -> None:
    """Add the statements that the record in a folder shows to be used to the list."""
    calls = read(folder)
    assert problems(calls) == []
    rules = statements()
    seen = {
        f"{call['role']} {call['statement']}" for call in calls if call["decision"] == "Allow" and call["role"] in rules
    }
    _USED.write_text("\n".join([_HEAD, *sorted(_lines(_USED) | seen), ""]), "utf-8")


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the calls of a record. A cloud that was killed may have left half a line."""
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    return [json.loads(line) for line in lines if line.endswith("}")]


if __name__ == "__main__":
    add_used(Path(sys.argv[1]))
