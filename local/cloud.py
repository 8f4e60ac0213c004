"""The local cloud as others find it: a state file under NIGHTDESK_HOME, sessions, and the stack's outputs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .identity import REGION, ROOT_KEY

if TYPE_CHECKING:
    import boto3

ROOT = Path(__file__).resolve().parent.parent
STACK = "nightdesk"
_STRIPE_OFFSET = 500
_SIGN_IN_OFFSET = 501
_LAST_PORT = 65_535 - _SIGN_IN_OFFSET
_KEYS = {"aws_access_key_id": ROOT_KEY, "aws_secret_access_key": ROOT_KEY}


class SetUpError(Exception):
    """What a command needs is not set up; the text says what to do."""


def home() -> Path:
    """Where the local cloud keeps its state."""
    return Path(os.environ.get("NIGHTDESK_HOME") or ROOT / ".nightdesk").resolve()


def port() -> int:
    """Return the site's port, by default 8080. All others follow from it, and are within the thousand above it.

    Raises:
        SetUpError: NIGHTDESK_PORT is not a port that leaves room for the others.
    """
    text = os.environ.get("NIGHTDESK_PORT", "").strip() or "8080"
    if not text.isdecimal() or not 1 <= int(text) <= _LAST_PORT:
        raise SetUpError(f"NIGHTDESK_PORT is “{text}”; it must be a number from 1 to {_LAST_PORT}")
    return int(text)


def chosen_theme() -> Path | None:
    """Return the folder that NIGHTDESK_THEME names; None for the default theme."""
    named = os.environ.get("NIGHTDESK_THEME", "").strip()
    return Path(named).resolve() if named else None


def stripe_url(port: int) -> str:
    """Return where the stand-in for Stripe listens, for a site's port: some way above it, since other sites may be near.

    The host is a name, as the site's is, so that browsers take both for the same site.
    """
    return f"http://localhost:{port + _STRIPE_OFFSET}"


def sign_in_url(port: int) -> str:
    """Return where the stand-in for Cognito's sign-in pages listens, for a site's port."""
    return f"http://localhost:{port + _SIGN_IN_OFFSET}"


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

    @cached_property
    def client(self) -> Callable[..., Any]:
        """Creates a botocore client of a service of this cloud. botocore alone loads faster than boto3."""
        from .sdk import make_session

        options = {"region_name": self.region} if self.region else {}
        if self.endpoint:
            options |= {"endpoint_url": self.endpoint, **_KEYS}
        return partial(make_session().create_client, **options)

    @cached_property
    def session(self) -> boto3.Session:
        """A boto3 session that reaches this cloud."""
        import boto3

        from .sessions import EmulatedSession

        return EmulatedSession(self.endpoint, self.region) if self.endpoint else boto3.Session()

    @property
    def port(self) -> int:
        """The site's port; 0 on AWS."""
        return (urlsplit(self.endpoint).port or 0) - 1 if self.endpoint else 0

    @property
    def stripe(self) -> str:
        """Where the stand-in for Stripe listens; empty on AWS."""
        return stripe_url(self.port) if self.endpoint else ""

    @property
    def sign_in(self) -> str:
        """Where editors sign in."""
        return sign_in_url(self.port) if self.endpoint else self.outputs.get("EditorsSignInUrl", "")

    def environment(self) -> dict[str, str]:
        """Variables with which any AWS tool reaches this cloud."""
        found = {"AWS_DEFAULT_REGION": self.region, "AWS_REGION": self.region}
        if self.endpoint:
            found |= {"AWS_ENDPOINT_URL": self.endpoint} | {name.upper(): key for name, key in _KEYS.items()}
        return found


def write_state(cloud: Cloud, directory: Path) -> None:
    """Say where the cloud is, all at once."""
    facts = asdict(cloud)
    path = directory / "cloud.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(facts, indent=1))
    fresh.replace(path)


def forget_state(directory: Path) -> None:
    """The cloud is down."""
    (directory / "cloud.json").unlink(missing_ok=True)


def find(directory: Path | None = None) -> Cloud | None:
    """Return the local cloud of a directory if it is up; without one, that of NIGHTDESK_HOME on NIGHTDESK_PORT, if set.

    Raises:
        SetUpError: NIGHTDESK_PORT is not a port, whether a copy is up or not.
    """
    wanted = port() if directory is None and os.environ.get("NIGHTDESK_PORT") else None
    cloud = running(directory or home())
    return cloud if cloud and wanted in (None, cloud.port) else None


def running(directory: Path) -> Cloud | None:
    """Return the local cloud of a directory if it is up, whatever its port."""
    try:
        cloud = Cloud(**json.loads((directory / "cloud.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):  # missing, or not written by this version
        return None
    return cloud if is_running(cloud.pid) else None


def elsewhere(directory: Path) -> str:
    """Return a message about a copy that runs on another port than NIGHTDESK_PORT; empty if there is none."""
    cloud = running(directory)
    if cloud is None or find() is not None:
        return ""
    return (
        f"The copy in {directory} is up on port {cloud.port}, and NIGHTDESK_PORT is {port()}. "
        f"Set NIGHTDESK_PORT={cloud.port} for that copy, or NIGHTDESK_HOME to another folder for another copy."
    )


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
    """Return a stack on AWS, reached with the caller's own credentials and region.

    Raises:
        SetUpError: there is no such stack.
    """
    from botocore.config import Config

    from .sdk import make_session

    session = make_session()
    region = os.environ.get("AWS_REGION") or session.get_config_variable("region") or ""
    client = session.create_client("cloudformation", region or None, config=Config(retries={"mode": "standard"}))
    outputs = outputs_of(client, stack)
    if outputs is None:
        raise SetUpError(f"There is no stack “{stack}” in {region}.")
    missing = [name for name in ("DraftsBucket", "ArticlesTable", "EventBusName") if name not in outputs]
    if missing:
        raise SetUpError(f"The stack “{stack}” is not a newsroom of Nightdesk: it has no output {missing[0]}.")
    return Cloud(outputs, region=region, stack=stack)


def outputs_of(cloudformation: Any, stack: str) -> dict[str, str] | None:
    """Return a stack's outputs; None if there is no such stack."""
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except cloudformation.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
