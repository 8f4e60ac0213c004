"""The deployed stack as tests see it, whichever cloud it is deployed to."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nightdesk_local.cloud import ROOT, ROOT_KEY, Cloud, outputs_of, stripe_url
from nightdesk_local.deploy import deploy
from nightdesk_local.layers import architecture, build, python_version
from nightdesk_local.up import LocalCloud
from pytest_localstack import constants
from pytest_localstack.session import RunningSession

STAGES = ("Render", "Gate", "Index", "Invalidate", "Updates")
QUEUES = ("Render", "Gate", "Touch", "Index", "Invalidate", "Bulk", "Updates")
LOCALSTACK_IMAGE = "localstack/localstack:4.14"
"""The last one that starts without an account (pytest-localstack's own default)."""
_KNOWN = (
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
"""Services of ours that pytest-localstack can check and make clients for."""


@dataclass(frozen=True)
class Answer:
    """What a reader gets."""

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
        local: what started it; None where that was not us.
    """

    cloud: Cloud
    running: RunningSession
    local: LocalCloud | None = None
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs."""
        return self.cloud.outputs

    @property
    def site_url(self) -> str:
        """Where readers find the site: the edge cache."""
        return self.outputs["SiteUrl"].rstrip("/")

    def client(self, service: str) -> Any:
        """A boto3 client with the rights of the account's root user."""
        if service not in self._clients:
            session = self.running.boto3 if service in _KNOWN else self.cloud.session()
            self._clients[service] = session.client(service)
        return self._clients[service]

    def put(self, files: Mapping[str, str | bytes]) -> dict[str, str]:
        """Put files into the drafts bucket; the etag of each."""
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

    def tell(self, detail_type: str, detail: Mapping[str, Any], source: str = "nightdesk.test") -> None:
        """Put an event on the bus."""
        entry = {"EventBusName": self.outputs["EventBusName"], "Source": source, "DetailType": detail_type}
        answer = self.client("events").put_events(Entries=[{**entry, "Detail": json.dumps({"version": 1, **detail})}])
        assert answer["FailedEntryCount"] == 0

    def messages(self, queue: str, *, dead: bool = False) -> int:
        """How many messages a queue holds, those that are being worked on or come later among them.

        But for those that wait for the end of an update: that may be far off.
        """
        name = f"{queue}{'DeadLetter' if dead else ''}QueueUrl"
        kinds = ("", "NotVisible") if queue == "Updates" else ("", "NotVisible", "Delayed")
        counts = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        found = self.client("sqs").get_queue_attributes(QueueUrl=self.outputs[name], AttributeNames=counts)
        return sum(int(found["Attributes"][count]) for count in counts)

    def settle(self, patience: float = 60.0) -> None:
        """Wait until all queues are empty, and stay so for a moment.

        A stage sends its events before it lets its message go, so work in flight shows in some queue at every time.

        Raises:
            TimeoutError: they did not become empty.
        """
        until = time.monotonic() + patience
        quiet = 0
        while quiet < 5:
            counts = {queue: self.messages(queue) for queue in QUEUES}
            quiet = 0 if any(counts.values()) else quiet + 1
            if time.monotonic() > until:
                raise TimeoutError(f"the queues did not become empty: {counts}")
            time.sleep(0.04)

    def wait_for(self, condition: Callable[[], Any], patience: float = 30.0) -> Any:
        """Wait until a condition holds; what it returned.

        Raises:
            TimeoutError: it did not hold in time.
        """
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if found := condition():
                return found
            time.sleep(0.05)
        raise TimeoutError("the condition did not come to hold")

    def get(
        self, path: str, *, cookie: str = "", method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """What a reader gets for a path, taken as it is; redirects are not followed."""
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
        """All keys of the site bucket."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.outputs["SiteBucket"])
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    @contextmanager
    def quick_retries(self, stage: str, seconds: int = 1) -> Iterator[None]:
        """Let a stage's failed messages come back soon, so that a test need not wait for minutes."""
        sqs, url = self.client("sqs"), self.outputs[f"{stage}QueueUrl"]
        before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})
        try:
            yield
        finally:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=before)

    def logs(self, stage: str) -> list[str]:
        """What a stage has logged."""
        found = self.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{self.cloud.stack}-{stage.lower()}")
        return [event["message"] for event in found["events"]]


def free_port() -> int:
    """A port that is free, with those that go with it; each process that runs tests beside others has a range of its own."""
    beside = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    while True:
        port = 20_000 + 1_000 * int(beside) + 2 * random.randrange(500)
        stripe = urlsplit(stripe_url(port)).port or 0
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            try:
                for place, probe in zip((port, port + 1, stripe), (first, second, third), strict=True):
                    probe.bind(("127.0.0.1", place))
            except OSError:
                continue
            return port


def running_session(host: str, port: int) -> RunningSession:
    """pytest-localstack's session on a cloud that answers at a port; its checks have passed."""
    # Its own keys are nobody's where permissions are enforced, and its checks would wait in vain.
    constants.DEFAULT_AWS_ACCESS_KEY_ID = constants.DEFAULT_AWS_SECRET_ACCESS_KEY = ROOT_KEY
    session = RunningSession(host, services=dict.fromkeys(_KNOWN, port), region_name="us-east-1")
    session.start(timeout=60)
    return session


@contextmanager
def embedded(home: Path) -> Iterator[CloudUnderTest]:
    """The embedded cloud in a directory, with the stack deployed."""
    local = LocalCloud(home, free_port())
    cloud = local.start()
    try:
        yield CloudUnderTest(cloud, running_session("127.0.0.1", urlsplit(cloud.endpoint).port or 0), local)
    finally:
        local.stop()


@contextmanager
def in_docker() -> Iterator[CloudUnderTest]:
    """LocalStack's own image, with the stack deployed. Its free edition has no CloudFront, so it serves no readers."""
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
        session = Cloud({}, endpoint).session()
        parameters = {"Emulated": "yes", "PythonVersion": python_version(), "Architecture": architecture()}
        parameters["EmulatorUrl"] = endpoint
        build()
        deploy(session, endpoint, ROOT / "template.yaml", "nightdesk", {**parameters, "BaseUrl": endpoint})
        yield CloudUnderTest(Cloud(outputs_of(session, "nightdesk") or {}, endpoint), running)
    finally:
        container.stop()
