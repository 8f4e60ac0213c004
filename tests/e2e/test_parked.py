"""Nothing is lost and nothing is stuck: what cannot be done is parked and named, and a stage that stood still catches up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cloud_under_test import QUEUES
from newsroom import Newsroom, addresses_in, draft, expect_calm

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def newsroom(own_newsroom: Newsroom) -> Newsroom:
    """A newsroom of these tests' own."""
    return own_newsroom


HUNDRED = 100
SLUG = "parked-document"
SOUND = draft("Sound version", "Sound words.\n\n::: gate tier=member\nHiddencanary.\n:::\n", date="2018-01-01")
NO_EVENT = "Hiddencanary, and no event at all"


# --- Poison ---


@dataclass(frozen=True)
class Parked:
    """What `nightdesk status` says of messages that were given up, by what they are about, and when it was asked."""

    report: dict[str, Any]
    failed: dict[str, dict[str, Any]]
    began: datetime
    asked: datetime


@pytest.fixture(scope="module")
def parked(newsroom: Newsroom) -> Parked:
    """A spoilt document, an event that names nothing possible, one of a version to come, one for nobody, and no event."""
    expect_calm(newsroom)
    cloud = newsroom.cloud
    cloud.put({f"drafts/{SLUG}.md": SOUND})
    newsroom.live(SLUG)
    cloud.settle(120)
    began = datetime.now(UTC).replace(microsecond=0)
    with newsroom.fewer_tries("Gate"), newsroom.fewer_tries("Render"):
        spoilt = b'{"slug": "Hiddencanary'
        cloud.client("s3").put_object(Bucket=cloud.outputs["WorkBucket"], Key=f"articles/{SLUG}.json", Body=spoilt)
        cloud.tell("ArticleRendered", {"slug": SLUG, "revision": 1})
        cloud.tell("ArticleRendered", {"slug": "../Hiddencanary", "revision": 1})
        cloud.tell("ArticleRendered", {"slug": "parked-later", "revision": 1, "version": 2})
        send(newsroom, "Render", NO_EVENT)
        send(newsroom, "Render", json.dumps(event("ArticleGone", {"slug": "parked-nobody"})))
        # Others flow meanwhile.
        cloud.put({"drafts/parked-bystander.md": draft("Bystander", "Words.", date="2018-01-02")})
        newsroom.live("parked-bystander")
        cloud.wait_for(lambda: cloud.messages("Gate", dead=True) == 3, 240)
        cloud.wait_for(lambda: cloud.messages("Render", dead=True) == 2, 240)
        cloud.settle(240)
    report = newsroom.asks("status")
    failed = {one["about"]: one for one in report["failed"]}
    return Parked(report, failed, began, datetime.now(UTC))


def event(name: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {"source": "nightdesk.test", "detail-type": name, "detail": {"version": 1, **detail}}


def send(newsroom: Newsroom, queue: str, body: str) -> None:
    newsroom.cloud.client("sqs").send_message(QueueUrl=newsroom.cloud.outputs[f"{queue}QueueUrl"], MessageBody=body)


def test_what_was_given_up_is_counted(parked: Parked) -> None:
    assert {queue: n for queue, n in parked.report["dead_lettered"].items() if n} == {"gate": 3, "render": 2}
    assert set(parked.report["in_flight"].values()) == {0}


@pytest.mark.parametrize(
    ("about", "queue", "kind", "reason"),
    [
        (SLUG, "gate", "ArticleRendered", "JSONDecodeError in "),
        ("../Hiddencanary", "gate", "ArticleRendered", "slug: String should match pattern"),
        ("parked-later", "gate", "ArticleRendered", "version: Input should be less than or equal to 1"),
        ("parked-nobody", "render", "ArticleGone", "no event is named ArticleGone"),
        ("", "render", "", "JSONDecodeError in "),
    ],
)
def test_what_was_given_up_is_named(parked: Parked, about: str, queue: str, kind: str, reason: str) -> None:
    found = parked.failed[about]
    assert (found["queue"], found["event"]) == (queue, kind)
    assert reason in found["reason"]
    since = datetime.fromisoformat(found["since"])
    assert parked.began <= since <= parked.asked


def test_what_readers_saw_they_still_see(newsroom: Newsroom, parked: Parked) -> None:
    assert "Sound words." in newsroom.page(f"/articles/{SLUG}/").text
    assert newsroom.state("parked-bystander")["state"] == "live"


def test_people_are_told_too(newsroom: Newsroom, parked: Parked) -> None:
    lines = newsroom.command("status").stdout.splitlines()
    assert any(line.startswith(f"failed: ArticleRendered of {SLUG} (since ") for line in lines)
    assert any(line.split() == ["gate", "0", "in", "flight", "3", "dead-lettered"] for line in lines)


def test_reasons_quote_no_text(parked: Parked) -> None:
    assert "Hiddencanary" not in json.dumps([found["reason"] for found in parked.failed.values()])


def test_redrive_brings_through_what_was_mended(newsroom: Newsroom, parked: Parked) -> None:
    """The document is whole again, though nobody told its stage; the rest cannot be mended, and is parked once more."""
    key = f"articles/{SLUG}.json"
    work, s3 = newsroom.cloud.outputs["WorkBucket"], newsroom.cloud.client("s3")
    versions = s3.list_object_versions(Bucket=work, Prefix=key)["Versions"]
    source = {"Bucket": work, "Key": key, "VersionId": versions[1]["VersionId"]}
    whole = s3.get_object(**source)["Body"].read().replace(b"Sound words.", b"Mended words.")
    s3.put_object(Bucket=work, Key=key, Body=whole)
    with newsroom.fewer_tries("Gate"), newsroom.fewer_tries("Render"):
        assert newsroom.asks("redrive") == {"redriven": 5}
        newsroom.live(SLUG, "Mended words.")
        newsroom.cloud.wait_for(lambda: newsroom.cloud.messages("Gate", dead=True) == 2, 240)
        newsroom.cloud.wait_for(lambda: newsroom.cloud.messages("Render", dead=True) == 2, 240)
        newsroom.cloud.settle(240)
    report = newsroom.asks("status")
    assert {one["about"] for one in report["failed"]} == set(parked.failed) - {SLUG}
    # Nobody else wants to find them.
    assert sum(len(newsroom.dead_letters(queue)) for queue in QUEUES) == 4


# --- A stage that stands still ---


@contextmanager
def stopped(newsroom: Newsroom, function: str) -> Iterator[None]:
    """A function that takes no messages."""
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
    """A function of which so many may run at once."""
    client, name = newsroom.cloud.client("lambda"), f"{newsroom.cloud.cloud.stack}-{function}"
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=concurrency)
    try:
        yield
    finally:
        client.delete_function_concurrency(FunctionName=name)


def expect_all(newsroom: Newsroom, name: str, month: str) -> None:
    """All articles of a name are live, and in the lists, and nothing was given up."""
    slugs = [f"{name}-{number:03}" for number in range(HUNDRED)]
    paths = {f"/articles/{slug}/" for slug in slugs}
    statuses = {path: answer.status for path, _, answer in newsroom.fetch([(path, "") for path in sorted(paths)])}
    assert statuses == dict.fromkeys(paths, 200)
    for path in (f"/archive/{month}/", f"/topics/{name}/{month}/"):
        assert paths <= set(addresses_in(newsroom.page(path).text)), path
    assert [slug for slug in slugs if not newsroom.state(slug)["settled"]] == []
    expect_calm(newsroom)


def drafts(name: str, month: str) -> dict[str, str | bytes]:
    year, number = month.split("/")
    made = {}
    for count in range(HUNDRED):
        date = datetime(int(year), int(number), 1, tzinfo=UTC) + timedelta(hours=6 * count)
        text = draft(f"{name} {count}", "Words.", topics=[name], date=date.isoformat())
        made[f"drafts/{name}-{count:03}.md"] = text
    return dict(made)


def test_a_dead_stage_loses_nothing(newsroom: Newsroom) -> None:
    expect_calm(newsroom)
    with stopped(newsroom, "gate"):
        newsroom.cloud.put(drafts("standstill", "2017/05"))
        newsroom.cloud.wait_for(lambda: newsroom.cloud.messages("Gate") >= HUNDRED, 300)
        newsroom.cloud.wait_for(lambda: newsroom.cloud.messages("Render") == 0, 300)
        assert newsroom.asks("status")["in_flight"]["gate"] == HUNDRED
        assert newsroom.page("/articles/standstill-000/").status == 404
        assert newsroom.traces("standstill") == []
    newsroom.cloud.settle(600)
    expect_all(newsroom, "standstill", "2017/05")


def test_a_throttled_stage_loses_nothing(newsroom: Newsroom) -> None:
    """One run at a time, for two queues: whoever is turned away comes back, and who was turned away too often is parked."""
    expect_calm(newsroom)
    with (
        throttled(newsroom, "gate", 1),
        newsroom.cloud.quick_retries("Gate", 10),
        newsroom.cloud.quick_retries("Touch", 10),
    ):
        newsroom.cloud.put(drafts("bottleneck", "2017/06"))
        newsroom.cloud.settle(600)
    while parked := sum(newsroom.asks("status")["dead_lettered"].values()):
        assert newsroom.asks("redrive") == {"redriven": parked}
        newsroom.cloud.settle(600)
    expect_all(newsroom, "bottleneck", "2017/06")
