"""The local cloud as others find it: a state file under NIGHTDESK_HOME, sessions, and the stack's outputs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"
STACK = "nightdesk"
ROOT_KEY = "test"
"""MiniStack takes this key, and its like as secret, for the account's root user."""


def home() -> Path:
    """Where the local cloud keeps its state."""
    return Path(os.environ.get("NIGHTDESK_HOME") or ROOT / ".nightdesk").resolve()


def port() -> int:
    """The site's port; all others follow from it."""
    return int(os.environ.get("NIGHTDESK_PORT") or 8080)


def stripe_url(port: int) -> str:
    """Where the stand-in for Stripe listens, for a site's port: far from it, for other sites may be near. A name, as the site's
    is, so that browsers take both for the same site."""
    return f"http://localhost:{port + 10_000 if port < 20_000 else port - 10_000}"


class EmulatedSession(boto3.Session):  # type: ignore[misc]  # boto3 has no types
    """A session whose clients talk to the emulator, whatever the caller's environment says."""

    def __init__(self, endpoint: str, region: str = REGION) -> None:
        super().__init__(aws_access_key_id=ROOT_KEY, aws_secret_access_key=ROOT_KEY, region_name=region)
        self._endpoint = endpoint

    def client(self, *args: Any, **options: Any) -> Any:
        """As boto3's, with the emulator's address."""
        options.setdefault("endpoint_url", self._endpoint)
        return super().client(*args, **options)

    def resource(self, *args: Any, **options: Any) -> Any:
        """As boto3's, with the emulator's address."""
        options.setdefault("endpoint_url", self._endpoint)
        return super().resource(*args, **options)


@dataclass(frozen=True)
class Cloud:
    """A deployed stack.

    Args:
        outputs: the stack's outputs, by name.
        endpoint: the emulator's address; empty on AWS.
        pid: of the process that holds the local cloud; 0 on AWS.
    """

    outputs: Mapping[str, str]
    endpoint: str = ""
    region: str = REGION
    stack: str = STACK
    pid: int = 0
    _sessions: list[boto3.Session] = field(default_factory=list, compare=False, repr=False)

    def session(self) -> boto3.Session:
        """A boto3 session that reaches this cloud; always the same one."""
        if not self._sessions:
            self._sessions.append(EmulatedSession(self.endpoint, self.region) if self.endpoint else boto3.Session())
        return self._sessions[0]

    @property
    def stripe(self) -> str:
        """Where the stand-in for Stripe listens; empty on AWS."""
        return stripe_url((urlsplit(self.endpoint).port or 0) - 1) if self.endpoint else ""

    def environment(self) -> dict[str, str]:
        """Variables with which any AWS tool reaches this cloud."""
        found = {"AWS_DEFAULT_REGION": self.region, "AWS_REGION": self.region}
        if self.endpoint:
            found |= {
                "AWS_ENDPOINT_URL": self.endpoint,
                "AWS_ACCESS_KEY_ID": ROOT_KEY,
                "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
            }
        return found


def write_state(cloud: Cloud, directory: Path) -> None:
    """Say where the cloud is, all at once."""
    facts = {name: value for name, value in vars(cloud).items() if not name.startswith("_")}
    path = directory / "cloud.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(facts, indent=1))
    fresh.replace(path)


def forget_state(directory: Path) -> None:
    """The cloud is down."""
    (directory / "cloud.json").unlink(missing_ok=True)


def find(directory: Path | None = None) -> Cloud | None:
    """The local cloud of a directory, by default of NIGHTDESK_HOME, when it is up."""
    try:
        facts = json.loads(((directory or home()) / "cloud.json").read_text())
    except FileNotFoundError:
        return None
    return Cloud(**facts) if is_running(facts["pid"]) else None


def is_running(pid: int) -> bool:
    """Whether a process is there; one that has ended and was not yet waited for is not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True


def on_aws(stack: str) -> Cloud:
    """A stack on AWS, with the caller's own credentials.

    Raises:
        LookupError: there is no such stack.
    """
    session = boto3.Session()
    outputs = outputs_of(session, stack)
    if outputs is None:
        raise LookupError(f"there is no stack {stack} in {session.region_name}")
    return Cloud(outputs, region=session.region_name or "", stack=stack)


def outputs_of(session: boto3.Session, stack: str) -> dict[str, str] | None:
    """A stack's outputs; None where there is no such stack."""
    client = session.client("cloudformation", config=Config(retries={"mode": "standard"}))
    try:
        found = client.describe_stacks(StackName=stack)["Stacks"][0]
    except client.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
