"""A deployed stack as a newsroom and its readers use it: through the command line, sign-in links and pages."""

from __future__ import annotations

import atexit
import gzip
import html
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from nightdesk.entrypoints.operator_ports import operator_ports
from nightdesk.usecases.editors.status import status
from PIL import Image

from support.cloud_under_test import QUEUES, Answer, CloudUnderTest

ROOT = Path(__file__).resolve().parents[2]
TIERS = ("public", "subscriber", "member")
STAGES = ("Render", "Gate", "Index", "Invalidate", "Updates")
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><title>{}</title></svg>'


def _small_examples() -> Path:
    """Return a copy of `examples/` that is cheaper to publish: with smaller photographs, metadata included, and no social cards.

    Encoding large photographs takes most of a minute, and a card for each article of all tests takes several.
    """
    folder = tempfile.mkdtemp(prefix="newsroom-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copy = Path(shutil.copytree(ROOT / "examples", Path(folder) / "examples"))
    for path in (*copy.rglob("*.jpg"), *copy.rglob("*.png")):
        with Image.open(path) as picture:
            kept = {"exif": picture.info["exif"]} if "exif" in picture.info else {}
            picture.thumbnail((640, 640))
            picture.save(path, **kept)
    # Without `front`, the front page lists all of the articles that tests publish.
    text = _without("front", copy / "site.yaml")
    (copy / "site.yaml").write_text(f"{text}\nsocial_cards: false\n", "utf-8")
    return copy


def _without(key: str, settings: Path) -> str:
    """Return settings without one of their keys, whose value has lines of its own."""
    return re.sub(rf"^{key}:\n(  .*\n)+", "", settings.read_text("utf-8"), flags=re.MULTILINE)


EXAMPLES = _small_examples()


def draft(title: str, body: str, **matter: Any) -> str:
    """Return a draft's text. Front matter is written as JSON, which is YAML too, one line for each key."""
    keys = {"title": title, **matter}
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in keys.items()]
    return "\n".join(["---", *lines, "---", "", body, ""])


@cache
def _without_articles() -> Path:
    """Return a copy of the examples with settings and pages alone."""
    ignored = shutil.ignore_patterns("drafts", "updates", "authors", "topics")
    copy = Path(shutil.copytree(EXAMPLES, EXAMPLES.parent / "without-articles", ignore=ignored))
    # Its links lead to topics that are not there.
    (copy / "site.yaml").write_text(_without("navigation", copy / "site.yaml"), "utf-8")
    return copy


class Newsroom:
    """A cloud with `examples/` published to it, or all but its articles, and with one reader of each tier.

    Attributes:
        examples: what `nightdesk publish --wait --json` reported of the examples.
        seconds: how long they took.
        first_site: the site's objects before anything else was published.
    """

    def __init__(self, cloud: CloudUnderTest, articles: bool = True) -> None:
        if cloud.home is None:
            pytest.skip("LocalStack's free edition has no CloudFront, so there are no readers to serve")
        self.cloud = cloud
        self.home = cloud.home
        self.ports = operator_ports(cloud.cloud)
        started = time.perf_counter()
        folder = EXAMPLES if articles else _without_articles()
        done = self.run("publish", "--wait", "--json", str(folder))
        assert done.returncode == 0, done.stdout + done.stderr
        self.examples = json.loads(done.stdout)
        cloud.settle(300)
        self.seconds = time.perf_counter() - started
        self.first_site = self.site()
        self._cookies = {"public": ""}

    def run(self, *words: str, timeout: float = 400) -> subprocess.CompletedProcess[str]:
        """Run `nightdesk` as a separate process, and return what it printed.

        Args:
            timeout: seconds.
        """
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "NIGHTDESK_HOME": str(self.home),
            "LANG": "C.UTF-8",
        }
        return subprocess.run(
            [Path(sys.executable).parent / "nightdesk", *words],
            env=environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def run_json(self, *words: str) -> Any:
        """Run a command with `--json`, assert that it succeeds, and return its result."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def sign_in_link(self, tier: str) -> str:
        """Return a sign-in link of a reader of a tier."""
        address = f"{tier}@readers.example"
        self.run_json("members", "add", address, "--tier", tier)
        return str(self.run_json("members", "link", address)["url"])

    def cookie(self, tier: str) -> str:
        """Return the session cookie that the edge sets when a reader of a tier follows a sign-in link."""
        if tier not in self._cookies:
            answer = self.cloud.get(path_of(self.sign_in_link(tier)))
            self._cookies[tier] = answer.headers["set-cookie"].split(";")[0].removeprefix("__Host-session=")
        return self._cookies[tier]

    def page(self, path: str, tier: str = "public") -> Answer:
        """Request a path as a reader of a tier."""
        return self.cloud.get(path, cookie=self.cookie(tier))

    def live(self, slug: str, shows: str = "", tier: str = "public") -> Answer:
        """Wait until a reader of a tier gets the article with some text in it, and return the response."""

        def probe() -> Answer | None:
            answer = self.page(f"/articles/{slug}/", tier)
            return answer if answer.status == 200 and shows in answer.text else None

        found: Answer = self.cloud.wait_for(probe)
        return found

    def site(self) -> dict[str, bytes]:
        """Return the site's objects by key, those of all tiers included."""
        return self.objects("SiteBucket")

    def objects(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        """Return the objects of a bucket, by key."""
        s3, name = self.cloud.client("s3"), self.cloud.outputs[bucket]
        keys = list(self.versions(bucket, prefix))
        with ThreadPoolExecutor(4) as pool:
            bodies = pool.map(lambda key: s3.get_object(Bucket=name, Key=key)["Body"].read(), keys)
            return dict(zip(keys, bodies, strict=True))

    def keys_containing(self, *words: str) -> list[str]:
        """Return the keys of the site's objects that contain a word in their key, metadata or body."""
        s3, name = self.cloud.client("s3"), self.cloud.outputs["SiteBucket"]

        def has_one(key: str) -> bool:
            found = s3.get_object(Bucket=name, Key=key)
            text = as_text({"key": key, **found["Metadata"]}, found["Body"].read())
            return any(word in text for word in words)

        keys = self.cloud.site_keys()
        with ThreadPoolExecutor(4) as pool:
            return [key for key, hit in zip(keys, pool.map(has_one, keys), strict=True) if hit]

    def state(self, slug: str) -> dict[str, Any]:
        """Return what `nightdesk status SLUG` reports, without running it."""
        found = status(slug, self.ports, datetime.now(UTC))
        assert found, slug
        return found

    def versions(self, bucket: str = "SiteBucket", prefix: str = "") -> dict[str, str]:
        """Return the current version of each object, by key; every write creates a version."""
        pages = self.cloud.client("s3").get_paginator("list_object_versions")
        found = {}
        for page in pages.paginate(Bucket=self.cloud.outputs[bucket], Prefix=prefix):
            found |= {entry["Key"]: entry["VersionId"] for entry in page.get("Versions", ()) if entry["IsLatest"]}
        return found

    def fetch(self, requests: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str, Answer]]:
        """Request many paths, each with a cookie, over kept connections; yield both with the response."""
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
    def bus_events(self) -> Iterator[Callable[[], list[dict[str, Any]]]]:
        """Collect the events on the bus. Yields a function that returns those sent so far."""
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
        received: list[dict[str, Any]] = []

        def receive() -> list[dict[str, Any]]:
            while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages"):
                for message in got:
                    received.append(json.loads(message["Body"]))
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return received

        try:
            yield receive
        finally:
            events.remove_targets(Rule=name, EventBusName=bus, Ids=["listener"])
            events.delete_rule(Name=name, EventBusName=bus)
            sqs.delete_queue(QueueUrl=url)

    @contextmanager
    def fewer_attempts(self, stage: str, tries: int = 2) -> Iterator[None]:
        """Lower the number of attempts after which a stage's message becomes a dead letter."""
        sqs, url = self.cloud.client("sqs"), self.cloud.outputs[f"{stage}QueueUrl"]
        before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
        policy = {**json.loads(before["RedrivePolicy"]), "maxReceiveCount": tries}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(policy)})
        try:
            yield
        finally:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=before)

    def dead_letters(self, stage: str) -> list[str]:
        """Remove all messages from a stage's dead-letter queue, and return their bodies."""
        sqs, url = self.cloud.client("sqs"), self.cloud.outputs[f"{stage}DeadLetterQueueUrl"]
        bodies = []
        while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages"):
            for message in got:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def log_lines(self) -> list[str]:
        """Return all messages that the functions have logged."""
        logs = self.cloud.client("logs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        assert {f"/aws/lambda/{self.cloud.cloud.stack}-{stage.lower()}" for stage in STAGES} <= set(groups)
        pages = [logs.get_paginator("filter_log_events").paginate(logGroupName=group) for group in groups]
        return [event["message"] for page_of in pages for page in page_of for event in page["events"]]


def path_of(url: str) -> str:
    """Return the path and query of a URL."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def expect_idle(newsroom: Newsroom) -> None:
    """Assert that the pipeline becomes idle, without dead letters."""
    newsroom.cloud.settle(120)
    assert {queue: newsroom.cloud.messages(queue, dead=True) for queue in QUEUES} == dict.fromkeys(QUEUES, 0)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def addresses_in(page: str) -> list[str]:
    """Return the values of all `href` and `src` attributes of a page, in order."""
    parser = _Links()
    parser.feed(page)
    return parser.found


def path_of_key(key: str) -> str:
    """Return the path at which readers find an object; for a tier's page, the article's."""
    plain = re.sub(r"/~[^/]+/", "/", f"/{key}")
    return plain.removesuffix("index.html") if plain.endswith("/index.html") else plain


def as_text(parts: Mapping[str, str], body: bytes) -> str:
    """Return headers and body as one text that also holds the body without HTML's and JSON's escapes, and unpacked."""
    text = (gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body).decode("utf-8", "replace")
    unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return "\n".join([*(f"{k}: {v}" for k, v in parts.items()), text, html.unescape(text), unescaped])
