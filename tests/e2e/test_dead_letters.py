"""Dead letters and stopped stages: nothing is lost, and nothing blocks other work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.cloud_under_test import QUEUES
from support.newsroom import Newsroom, addresses_in, draft, expect_idle

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def newsroom(second_newsroom: Newsroom) -> Newsroom:
    """The second newsroom; these tests come last in it, because they leave dead letters."""
    return second_newsroom


ARTICLES = 100
SLUG = "parked-document"
SOUND = draft("Sound version", "Sound words.\n\n::: gate tier=member\nHiddencanary.\n:::\n", date="2018-01-01")
NO_EVENT = "Hiddencanary, and no event at all"


# --- Dead letters ---


@dataclass(frozen=True)
class DeadLetters:
    """What `nightdesk status` reports about dead letters, and when.

    Attributes:
        failed: the dead letters by what they are about.
    """

    report: dict[str, Any]
    failed: dict[str, dict[str, Any]]
    start: datetime
    end: datetime


@pytest.fixture(scope="module")
def letters(newsroom: Newsroom) -> DeadLetters:
    """Five messages that fail: a broken document, an invalid slug, a future version, an unknown event, and invalid JSON."""
    expect_idle(newsroom)
    cloud = newsroom.cloud
    cloud.put({f"drafts/{SLUG}.md": SOUND})
    newsroom.live(SLUG)
    cloud.settle(120)
    start = datetime.now(UTC).replace(microsecond=0)
    with newsroom.fewer_attempts("Gate"), newsroom.fewer_attempts("Render"):
        broken = b'{"slug": "Hiddencanary'
        cloud.client("s3").put_object(Bucket=cloud.outputs["PrivateBucket"], Key=f"articles/{SLUG}.json", Body=broken)
        cloud.send_event("ArticleRendered", {"slug": SLUG, "revision": 1})
        cloud.send_event("ArticleRendered", {"slug": "../Hiddencanary", "revision": 1})
        cloud.send_event("ArticleRendered", {"slug": "parked-later", "revision": 1, "version": 2})
        send(newsroom, "Render", NO_EVENT)
        send(newsroom, "Render", json.dumps(event("ArticleGone", {"slug": "parked-nobody"})))
        # Other drafts are published meanwhile.
        cloud.put({"drafts/parked-bystander.md": draft("Bystander", "Words.", date="2018-01-02")})
        newsroom.live("parked-bystander")
        cloud.wait_for(lambda: cloud.messages("Gate", dead=True) == 3, 240)
        cloud.wait_for(lambda: cloud.messages("Render", dead=True) == 2, 240)
        cloud.settle(240)
    report = newsroom.run_json("status")
    failed = {one["about"]: one for one in report["failed"]}
    return DeadLetters(report, failed, start, datetime.now(UTC))


def event(name: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {"source": "nightdesk.test", "detail-type": name, "detail": {"version": 1, **detail}}


def send(newsroom: Newsroom, queue: str, body: str) -> None:
    newsroom.cloud.client("sqs").send_message(QueueUrl=newsroom.cloud.outputs[f"{queue}QueueUrl"], MessageBody=body)


def test_dead_letters_are_counted(letters: DeadLetters) -> None:
    assert {queue: n for queue, n in letters.report["dead_lettered"].items() if n} == {"gate": 3, "render": 2}
    assert set(letters.report["in_flight"].values()) == {0}


@pytest.mark.parametrize(
    ("about", "queue", "kind", "reason"),
    [
        (SLUG, "gate", "ArticleRendered", "JSONDecodeError in "),
        ("../Hiddencanary", "gate", "ArticleRendered", "ArticleRendered: slug: must match"),
        ("parked-later", "gate", "ArticleRendered", "ArticleRendered: version: must be 1"),
        ("parked-nobody", "render", "ArticleGone", "no event is named ArticleGone"),
        ("", "render", "", "the message is not JSON"),
    ],
)
def test_dead_letters_are_listed_with_their_reasons(
    letters: DeadLetters, about: str, queue: str, kind: str, reason: str
) -> None:
    found = letters.failed[about]
    assert (found["queue"], found["event"]) == (queue, kind)
    assert reason in found["reason"]
    since = datetime.fromisoformat(found["since"])
    assert letters.start <= since <= letters.end


def test_readers_keep_the_last_good_version(newsroom: Newsroom, letters: DeadLetters) -> None:
    assert "Sound words." in newsroom.page(f"/articles/{SLUG}/").text
    assert newsroom.state("parked-bystander")["state"] == "live"


def test_dead_letters_are_listed_as_text(newsroom: Newsroom, letters: DeadLetters) -> None:
    lines = newsroom.run("status").stdout.splitlines()
    assert any(line.startswith(f"failed: ArticleRendered of {SLUG} (since ") for line in lines)
    assert any(line.split() == ["gate", "0", "in", "flight", "3", "dead-lettered"] for line in lines)


def test_reasons_contain_no_text_of_drafts(letters: DeadLetters) -> None:
    assert "Hiddencanary" not in json.dumps([found["reason"] for found in letters.failed.values()])


def test_redrive_processes_what_was_repaired(newsroom: Newsroom, letters: DeadLetters) -> None:
    """The document is repaired without an event; the other four messages fail again."""
    key = f"articles/{SLUG}.json"
    bucket, s3 = newsroom.cloud.outputs["PrivateBucket"], newsroom.cloud.client("s3")
    versions = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
    source = {"Bucket": bucket, "Key": key, "VersionId": versions[1]["VersionId"]}
    repaired = s3.get_object(**source)["Body"].read().replace(b"Sound words.", b"Repaired words.")
    s3.put_object(Bucket=bucket, Key=key, Body=repaired)
    with newsroom.fewer_attempts("Gate"), newsroom.fewer_attempts("Render"):
        assert newsroom.run_json("redrive") == {"redriven": 5}
        newsroom.live(SLUG, "Repaired words.")
        newsroom.cloud.wait_for(lambda: newsroom.cloud.messages("Gate", dead=True) == 2, 240)
        newsroom.cloud.wait_for(lambda: newsroom.cloud.messages("Render", dead=True) == 2, 240)
        newsroom.cloud.settle(240)
    report = newsroom.run_json("status")
    assert {one["about"] for one in report["failed"]} == set(letters.failed) - {SLUG}
    # Other tests expect empty dead-letter queues.
    assert sum(len(newsroom.dead_letters(queue)) for queue in QUEUES) == 4


# --- Stopped and throttled stages ---


@contextmanager
def stopped(newsroom: Newsroom, function: str) -> Iterator[None]:
    """Stop a function from receiving messages."""
    client, name = newsroom.cloud.client("lambda"), f"{newsroom.cloud.cloud.stack}-{function}"
    sources = [found["UUID"] for found in client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]]
    assert sources
    for source in sources:
        client.update_event_source_mapping(UUID=source, Enabled=False)
    try:
        yield
    finally:
        for source in sources:
            client.update_event_source_mapping(UUID=source, Enabled=True)


@contextmanager
def throttled(newsroom: Newsroom, function: str, concurrency: int) -> Iterator[None]:
    """Limit how many instances of a function may run at a time."""
    client, name = newsroom.cloud.client("lambda"), f"{newsroom.cloud.cloud.stack}-{function}"
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=concurrency)
    try:
        yield
    finally:
        client.delete_function_concurrency(FunctionName=name)


def expect_all(newsroom: Newsroom, name: str, month: str) -> None:
    """Assert that all articles of a name are live and listed, and that there are no dead letters."""
    slugs = [f"{name}-{number:03}" for number in range(ARTICLES)]
    paths = {f"/articles/{slug}/" for slug in slugs}
    statuses = {path: answer.status for path, _, answer in newsroom.fetch([(path, "") for path in sorted(paths)])}
    assert statuses == dict.fromkeys(paths, 200)
    for path in (f"/archive/{month}/", f"/topics/{name}/{month}/"):
        assert paths <= set(addresses_in(newsroom.page(path).text)), path
    assert [slug for slug in slugs if not newsroom.state(slug)["settled"]] == []
    expect_idle(newsroom)


def drafts(name: str, month: str) -> dict[str, str | bytes]:
    year, number = month.split("/")
    made = {}
    for count in range(ARTICLES):
        date = datetime(int(year), int(number), 1, tzinfo=UTC) + timedelta(hours=6 * count)
        text = draft(f"{name} {count}", "Words.", topics=[name], date=date.isoformat())
        made[f"drafts/{name}-{count:03}.md"] = text
    return dict(made)


@pytest.mark.deep
def test_a_stopped_stage_loses_nothing(newsroom: Newsroom) -> None:
    expect_idle(newsroom)
    with stopped(newsroom, "gate"):
        newsroom.cloud.put(drafts("standstill", "2017/05"))
        newsroom.cloud.wait_for(lambda: newsroom.cloud.messages("Gate") >= ARTICLES, 300)
        newsroom.cloud.wait_for(lambda: newsroom.cloud.messages("Render") == 0, 300)
        assert newsroom.run_json("status")["in_flight"]["gate"] == ARTICLES
        assert newsroom.page("/articles/standstill-000/").status == 404
        assert newsroom.keys_containing("standstill") == []
    newsroom.cloud.settle(600)
    expect_all(newsroom, "standstill", "2017/05")


@pytest.mark.deep
def test_a_throttled_stage_loses_nothing(newsroom: Newsroom) -> None:
    """One instance serves two queues: throttled messages are retried, and become dead letters after too many attempts."""
    expect_idle(newsroom)
    with (
        throttled(newsroom, "gate", 1),
        newsroom.cloud.quick_retries("Gate", 10),
        newsroom.cloud.quick_retries("Regate", 10),
    ):
        newsroom.cloud.put(drafts("bottleneck", "2017/06"))
        newsroom.cloud.settle(600)
    while count := sum(newsroom.run_json("status")["dead_lettered"].values()):
        assert newsroom.run_json("redrive") == {"redriven": count}
        newsroom.cloud.settle(600)
    expect_all(newsroom, "bottleneck", "2017/06")
