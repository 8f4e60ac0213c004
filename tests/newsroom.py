"""A deployed stack as its newsroom and its readers use it: the command line, sign-in links, pages."""

from __future__ import annotations

import html
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cloud_under_test import QUEUES, Answer, CloudUnderTest
from nightdesk.usecases.status import status
from nightdesk_cli.connect import cli_ports

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
TIERS = ("public", "subscriber", "member")
STAGES = ("Render", "Gate", "Index", "Invalidate", "Updates")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><title>{}</title></svg>'


def draft(title: str, body: str, **matter: Any) -> str:
    """A draft's text. JSON is YAML, so front matter is written as JSON, a line for each key."""
    keys = {"title": title, **matter}
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in keys.items()]
    return "\n".join(["---", *lines, "---", "", body, ""])


class Newsroom:
    """A cloud with `examples/` published to it, and with one reader of each tier.

    Attributes:
        first_site: the site's objects when the examples were live and nothing else had been published.
    """

    def __init__(self, cloud: CloudUnderTest) -> None:
        if cloud.local is None:
            pytest.skip("LocalStack's free edition has no CloudFront, so there are no readers to serve")
        self.cloud = cloud
        self._home = cloud.local._home
        self.ports = cli_ports(cloud.cloud)
        started = time.perf_counter()
        done = self.command("publish", "--wait", "--json", str(EXAMPLES))
        assert done.returncode == 0, done.stdout + done.stderr
        self.examples = json.loads(done.stdout)
        cloud.settle(120)
        self.seconds = time.perf_counter() - started
        self.first_site = self.site()
        self._cookies = {"public": ""}

    def command(self, *words: str, timeout: float = 400) -> subprocess.CompletedProcess[str]:
        """Run `nightdesk` as a person would, in a process of its own."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "NIGHTDESK_HOME": str(self._home),
            "LANG": "C.UTF-8",
        }
        return subprocess.run(
            [Path(sys.executable).parent / "nightdesk", *words],
            env=environment,
            cwd=self._home,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def asks(self, *words: str) -> Any:
        """What a command says with `--json`; it must succeed."""
        done = self.command(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def sign_in_link(self, tier: str) -> str:
        """A sign-in link of a reader of a tier."""
        address = f"{tier}@readers.example"
        self.asks("members", "add", address, "--tier", tier)
        return str(self.asks("members", "link", address)["url"])

    def cookie(self, tier: str) -> str:
        """A session cookie's value, as the edge sets it when a reader follows a sign-in link."""
        if tier not in self._cookies:
            answer = self.cloud.get(path_of(self.sign_in_link(tier)))
            self._cookies[tier] = answer.headers["set-cookie"].split(";")[0].removeprefix("__Host-session=")
        return self._cookies[tier]

    def page(self, path: str, tier: str = "public") -> Answer:
        """What a reader of a tier gets for a path."""
        return self.cloud.get(path, cookie=self.cookie(tier))

    def live(self, slug: str, shows: str = "", tier: str = "public") -> Answer:
        """The article, once a reader gets it (and it shows some text)."""

        def look() -> Answer | None:
            answer = self.page(f"/articles/{slug}/", tier)
            return answer if answer.status == 200 and shows in answer.text else None

        found: Answer = self.cloud.wait_for(look, 60)
        return found

    def site(self) -> dict[str, bytes]:
        """All objects of the site, every tier's variant among them."""
        return self.objects("SiteBucket")

    def objects(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        """The objects of a bucket."""
        s3, name = self.cloud.client("s3"), self.cloud.outputs[bucket]
        keys = list(self.versions(bucket, prefix))
        with ThreadPoolExecutor(4) as pool:
            bodies = pool.map(lambda key: s3.get_object(Bucket=name, Key=key)["Body"].read(), keys)
            return dict(zip(keys, bodies, strict=True))

    def traces(self, *words: str) -> list[str]:
        """Keys of the site's objects that have one of some words in their key, their metadata or their bytes."""
        s3, name = self.cloud.client("s3"), self.cloud.outputs["SiteBucket"]

        def has_one(key: str) -> bool:
            found = s3.get_object(Bucket=name, Key=key)
            text = as_text({"key": key, **found["Metadata"]}, found["Body"].read())
            return any(word in text for word in words)

        keys = self.cloud.site_keys()
        with ThreadPoolExecutor(4) as pool:
            return [key for key, hit in zip(keys, pool.map(has_one, keys), strict=True) if hit]

    def state(self, slug: str) -> dict[str, Any]:
        """What `nightdesk status SLUG` says, without a process for it."""
        found = status(slug, self.ports, datetime.now(UTC))
        assert found, slug
        return found

    def versions(self, bucket: str = "SiteBucket", prefix: str = "") -> dict[str, str]:
        """The newest version of each object that is there: every write makes another one."""
        pages = self.cloud.client("s3").get_paginator("list_object_versions")
        found = {}
        for page in pages.paginate(Bucket=self.cloud.outputs[bucket], Prefix=prefix):
            found |= {entry["Key"]: entry["VersionId"] for entry in page.get("Versions", ()) if entry["IsLatest"]}
        return found

    def fetch(self, requests: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str, Answer]]:
        """Answers to many requests, each a path as it is and a cookie; connections are kept."""
        address = urlsplit(self.cloud.site_url)

        def some(part: Sequence[tuple[str, str]]) -> list[tuple[str, str, Answer]]:
            connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
            answers = []
            for path, cookie in part:
                connection.request("GET", path, headers={"Cookie": f"__Host-session={cookie}"} if cookie else {})
                got = connection.getresponse()
                answer = Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
                answers.append((path, cookie, answer))
            connection.close()
            return answers

        with ThreadPoolExecutor(4) as pool:
            for answers in pool.map(some, [requests[start::16] for start in range(16)]):
                yield from answers

    @contextmanager
    def listening(self) -> Iterator[Callable[[], list[dict[str, Any]]]]:
        """Hear all that is said on the bus meanwhile; what is given returns the events so far."""
        sqs, events = self.cloud.client("sqs"), self.cloud.client("events")
        name, bus = f"listener-{time.monotonic_ns()}", self.cloud.outputs["EventBusName"]
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": [{"prefix": "nightdesk."}]})
        rule = events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)["RuleArn"]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
                }
            ],
        }
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "listener", "Arn": arn}])
        heard: list[dict[str, Any]] = []

        def gather() -> list[dict[str, Any]]:
            while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
                for message in got:
                    heard.append(json.loads(message["Body"]))
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return heard

        try:
            yield gather
        finally:
            events.remove_targets(Rule=name, EventBusName=bus, Ids=["listener"])
            events.delete_rule(Name=name, EventBusName=bus)
            sqs.delete_queue(QueueUrl=url)

    @contextmanager
    def fewer_tries(self, stage: str, tries: int = 2) -> Iterator[None]:
        """Let a stage give a message up after fewer tries, so that a test need not wait for all of them."""
        sqs, url = self.cloud.client("sqs"), self.cloud.outputs[f"{stage}QueueUrl"]
        before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
        policy = {**json.loads(before["RedrivePolicy"]), "maxReceiveCount": tries}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(policy)})
        try:
            yield
        finally:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=before)

    def dead_letters(self, stage: str) -> list[str]:
        """Take what a stage's dead-letter queue holds out of it."""
        sqs, url = self.cloud.client("sqs"), self.cloud.outputs[f"{stage}DeadLetterQueueUrl"]
        bodies = []
        while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in got:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def log_lines(self) -> list[str]:
        """Everything that the functions have logged."""
        logs = self.cloud.client("logs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        assert {f"/aws/lambda/{self.cloud.cloud.stack}-{stage.lower()}" for stage in STAGES} <= set(groups)
        pages = [logs.get_paginator("filter_log_events").paginate(logGroupName=group) for group in groups]
        return [event["message"] for page_of in pages for page in page_of for event in page["events"]]


def path_of(url: str) -> str:
    """Path and query of an address."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def expect_calm(newsroom: Newsroom) -> None:
    """No queue holds anything, and no stage has given anything up."""
    newsroom.cloud.settle(120)
    assert {queue: newsroom.cloud.messages(queue, dead=True) for queue in QUEUES} == dict.fromkeys(QUEUES, 0)


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def addresses_in(page: str) -> list[str]:
    """What a page's `href` and `src` name, in order."""
    parser = _Addresses()
    parser.feed(page)
    return parser.found


def path_of_key(key: str) -> str:
    """The path at which a reader finds the object at a key; of a variant, the article's own."""
    plain = re.sub(r"/~[^/]+/", "/", f"/{key}")
    return plain.removesuffix("index.html") if plain.endswith("/index.html") else plain


def as_text(parts: Mapping[str, str], body: bytes) -> str:
    """Headers and body as one text, with HTML's and JSON's escapes undone besides."""

    text = body.decode("utf-8", "replace")
    unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return "\n".join([*(f"{k}: {v}" for k, v in parts.items()), text, html.unescape(text), unescaped])
