"""Parliament, which knows the actions, resources and condition keys of AWS, finds nothing wrong in the roles' policies."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from support.policies import policies

ROOT = Path(__file__).resolve().parents[2]
ACCEPTED: set[tuple[str, str]] = set()
"""Policies and findings that were looked at and are right, each with its reason beside it."""
SCRIPT = """
import json, sys
from parliament import analyze_policy_string, enhance_finding
found = []
for name, document in json.load(sys.stdin).items():
    for finding in map(enhance_finding, analyze_policy_string(json.dumps(document)).findings):
        found.append([name, finding.issue, str(finding.detail), str(finding.location)])
json.dump(found, sys.stdout)
"""


def findings(documents: dict[str, Any]) -> list[list[str]]:
    python = ROOT / ".venv-sam/bin/python"
    done = subprocess.run(
        [python, "-W", "ignore", "-c", SCRIPT], input=json.dumps(documents), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout)
    return found


def test_policies_say_what_aws_understands() -> None:
    wrong = {"Sid": "Wrong", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket"}
    documents = policies() | {"wrong": {"Version": "2012-10-17", "Statement": [wrong]}}
    assert len(documents) > 40
    found = {(name, issue): (detail, place) for name, issue, detail, place in findings(documents)}
    assert found.pop(("wrong", "RESOURCE_MISMATCH"), None), "what is wrong is found"
    assert {key: why for key, why in found.items() if key not in ACCEPTED} == {}
    assert set(found) >= ACCEPTED
