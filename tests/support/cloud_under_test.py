"""The deployed stack as tests see it: on the embedded cloud, on one that is already up, or on LocalStack's image."""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from nightdesk_local.cloud import ROOT, Cloud, find, home, outputs_of
from nightdesk_local.deploy import deploy
from nightdesk_local.identity import ROOT_KEY
from nightdesk_local.layers import architecture, build, python_version
from nightdesk_local.ports import free_port
from nightdesk_local.up import LocalCloud
from pytest_localstack import constants
from pytest_localstack.session import RunningSession

STAGES = ("Render", "Gate", "Index", "Invalidate", "Updates")
QUEUES = (
    "Render",
    "Gate",
    "Regate",
    "Index",
    "Search",
    "Invalidate",
    "Bulk",
    "Updates",
    "Newsletter",
    "Mailer",
    "Urgent",
    "Images",
    "Notify",
)
WAITING = ("Updates", "Gate")
"""Queues whose delayed messages wait until an update expires or an article is due."""
LOCALSTACK_IMAGE = "localstack/localstack:4.14"
"""The last version that starts without an account (pytest-localstack's own default)."""
_SERVICES = (
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "events",
    "iam",
    "lambda",
    "logs",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
)
"""The services that we use and that pytest-localstack can check and create clients for."""


@dataclass(frozen=True)
class Answer:
    """The response to a reader's request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8")


@dataclass
class CloudUnderTest:
    """A deployed stack, without examples.

    Args:
        running: pytest-localstack's session on this cloud.
        home: the NIGHTDESK_HOME of a local cloud; None on LocalStack's image.
        local: the local cloud, if the tests started it.
    """

    cloud: Cloud
    running: RunningSession
    home: Path | None = None
    local: LocalCloud | None = None
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs."""
        return self.cloud.outputs

    @property
    def site_url(self) -> str:
        """The URL of the edge cache, where readers find the site."""
        return self.outputs["SiteUrl"].rstrip("/")

    def client(self, service: str) -> Any:
        """Return a boto3 client with the rights of the account's root user."""
        if service not in self._clients:
            session = self.running.boto3 if service in _SERVICES else self.cloud.session
            self._clients[service] = session.client(service)
        return self._clients[service]

    def put(self, files: Mapping[str, str | bytes]) -> dict[str, str]:
        """Put files into the drafts bucket; return their ETags by key."""
        s3 = self.client("s3")
        etags = {}
        for key, body in files.items():
            content = body.encode() if isinstance(body, str) else body
            answer = s3.put_object(Bucket=self.outputs["DraftsBucket"], Key=key, Body=content)
            etags[key] = answer["ETag"].strip('"')
        return etags

    def remove(self, *keys: str) -> None:
        """Delete files from the drafts bucket."""
        for key in keys:
            self.client("s3").delete_object(Bucket=self.outputs["DraftsBucket"], Key=key)

    def send_event(self, detail_type: str, detail: Mapping[str, Any], source: str = "nightdesk.test") -> None:
        """Put an event on the bus."""
        entry = {"EventBusName": self.outputs["EventBusName"], "Source": source, "DetailType": detail_type}
        answer = self.client("events").put_events(Entries=[{**entry, "Detail": json.dumps({"version": 1, **detail})}])
        assert answer["FailedEntryCount"] == 0

    def messages(self, queue: str, *, dead: bool = False) -> int:
        """Return how many messages a queue holds, received and delayed ones included.

        Those that wait for a moment do not count.
        """
        name = f"{queue}{'DeadLetter' if dead else ''}QueueUrl"
        kinds = ("", "NotVisible") if queue in WAITING else ("", "NotVisible", "Delayed")
        counts = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        found = self.client("sqs").get_queue_attributes(QueueUrl=self.outputs[name], AttributeNames=counts)
        return sum(int(found["Attributes"][count]) for count in counts)

    def settle(self, timeout: float = 120.0) -> None:
        """Wait until three rounds in a row find every queue empty.

        A stage sends its events before it deletes its message, so a queue holds work in flight at every moment.

        Raises:
            TimeoutError: the queues were not empty in time.
        """
        until = time.monotonic() + timeout
        quiet = 0
        while quiet < 3:
            busy = self._busy_queue()
            quiet = 0 if busy else quiet + 1
            if time.monotonic() > until:
                raise TimeoutError(f"the {busy} queue still holds messages after {timeout:.0f} s")
            time.sleep(0.2 if busy else 0.05)

    def _busy_queue(self) -> str:
        """Return the name of a queue that holds messages, as `messages` counts them; empty if there is none.

        The embedded cloud lists the messages of all queues in one answer, which takes it less time than a count of each.
        """
        if self.home is None:
            return next((queue for queue in QUEUES if self.messages(queue)), "")
        with urllib.request.urlopen(f"{self.cloud.endpoint}/_ministack/sqs/messages", timeout=30) as answer:
            accounts = json.load(answer)["messages"].values()
        held = {url: found for account in accounts for region in account.values() for url, found in region.items()}
        for queue in QUEUES:
            found = held.get(self.outputs[f"{queue}QueueUrl"], [])
            if queue in WAITING:
                found = [message for message in found if message["IsVisible"] or message["ReceiveCount"]]
            if found:
                return queue
        return ""

    def wait_for(self, condition: Callable[[], Any], timeout: float = 90.0) -> Any:
        """Wait until a condition holds, and return its value.

        Raises:
            TimeoutError: it did not hold in time.
        """
        until = time.monotonic() + timeout
        pause = 0.05
        while time.monotonic() < until:
            if found := condition():
                return found
            time.sleep(pause)
            pause = min(0.25, pause * 1.3)
        raise TimeoutError(f"the condition did not hold within {timeout:.0f} s")

    def get(
        self, path: str, *, cookie: str = "", method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Request a path exactly as given; redirects are not followed.

        Args:
            cookie: the value of the session cookie.
        """
        address = urlsplit(self.site_url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        sent = dict(headers or {})
        if cookie:
            sent["Cookie"] = f"__Host-session={cookie}"
        try:
            connection.request(method, path, headers=sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def site_keys(self) -> list[str]:
        """Return all keys of the site bucket."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.outputs["SiteBucket"])
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    @contextmanager
    def quick_retries(self, stage: str, seconds: int = 1) -> Iterator[None]:
        """Shorten a queue's visibility timeout to some seconds, so that failed messages return soon."""
        sqs, url = self.client("sqs"), self.outputs[f"{stage}QueueUrl"]
        before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})
        try:
            yield
        finally:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=before)

    def logs(self, stage: str) -> list[str]:
        """Return the messages that a stage has logged."""
        found = self.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{self.cloud.stack}-{stage.lower()}")
        return [event["message"] for event in found["events"]]


def worker_port() -> int:
    """Return a free port for a site, from a range that belongs to this pytest-xdist worker."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 20_000 + 1_000 * worker
    return free_port(first, first + 498)


def running_session(host: str, port: int) -> RunningSession:
    """Return pytest-localstack's session on a cloud, after its checks have passed."""
    # The keys that it uses by itself have no permissions here, so its checks would never pass.
    constants.DEFAULT_AWS_ACCESS_KEY_ID = constants.DEFAULT_AWS_SECRET_ACCESS_KEY = ROOT_KEY
    session = RunningSession(host, services=dict.fromkeys(_SERVICES, port), region_name="us-east-1")
    session.start(timeout=60)
    return session


@contextmanager
def embedded(directory: Path) -> Iterator[CloudUnderTest]:
    """Start an embedded cloud that keeps its state in a directory, with the stack deployed."""
    local = LocalCloud(directory, worker_port(), {"OutboundNotices": "no"}, persist=False)
    cloud = local.start()
    try:
        yield CloudUnderTest(cloud, _session_of(cloud), directory, local)
    finally:
        local.stop()


def already_up() -> CloudUnderTest:
    """Return the local cloud of NIGHTDESK_HOME.

    Raises:
        pytest.UsageError: it is not up.
    """
    if cloud := find():
        return CloudUnderTest(cloud, _session_of(cloud), home())
    raise pytest.UsageError(f"there is no local cloud up in {home()}; start one with “nightdesk up --detach”")


def _session_of(cloud: Cloud) -> RunningSession:
    return running_session("127.0.0.1", urlsplit(cloud.endpoint).port or 0)


@contextmanager
def in_docker() -> Iterator[CloudUnderTest]:
    """Start LocalStack's image and deploy the stack. Its free edition has no CloudFront, so it serves no readers."""
    import docker

    container = docker.from_env().containers.run(
        LOCALSTACK_IMAGE,
        detach=True,
        auto_remove=True,
        ports={"4566/tcp": None},
        volumes={"/var/run/docker.sock": {"bind": "/var/run/docker.sock", "mode": "rw"}},
    )
    try:
        while not container.ports.get("4566/tcp"):
            time.sleep(0.2)
            container.reload()
        port = int(container.ports["4566/tcp"][0]["HostPort"])
        running = running_session("127.0.0.1", port)
        endpoint = f"http://127.0.0.1:{port}"
        session = Cloud({}, endpoint).session
        parameters = {"Emulated": "yes", "PythonVersion": python_version(), "Architecture": architecture()}
        parameters["EmulatorUrl"] = endpoint
        build()
        deploy(session, endpoint, ROOT / "template.yaml", "nightdesk", {**parameters, "BaseUrl": endpoint})
        yield CloudUnderTest(Cloud(outputs_of(session.client("cloudformation"), "nightdesk") or {}, endpoint), running)
    finally:
        container.stop()
