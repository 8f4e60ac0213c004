"""Writers go on while the local cloud is killed and comes back: after `nightdesk reconcile` the site equals the drafts."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from nightdesk.adapters.memory import memory_ports
from nightdesk.adapters.readers import HttpReaders
from nightdesk.entrypoints.operator_ports import edge_key, operator_ports
from nightdesk.ports import ANY, Output, Ports
from nightdesk.repositories import articles_table
from nightdesk.usecases.pipeline.build_site import build_site
from nightdesk_local.cloud import Cloud
from support.default_theme import default_theme
from support.effort import amount
from support.newsroom import draft
from support.separate_cloud import SeparateCloud

pytestmark = pytest.mark.cloud

WRITERS = 8
EACH = amount("CHAOS_WRITES", test=3, soak=12)
SLUGS = 10
_PATIENCE = 240.0


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeparateCloud]:
    found = SeparateCloud(tmp_path_factory.mktemp("chaos"))
    found.up()
    yield found
    found.run("down")


def version(rnd: random.Random, writer: int, number: int) -> tuple[str, bytes | None]:
    """What a writer does next: a file and its content, or that it goes."""
    if rnd.random() < 0.3:
        key = f"drafts/common-{rnd.randrange(4)}.md"
    else:
        key = f"drafts/writer-{writer}-{rnd.randrange(3)}.md"
    if rnd.random() < 0.12:
        return key, None
    matter: dict[str, Any] = {"topics": [f"topic-{rnd.randrange(2)}"], "authors": [f"author-{rnd.randrange(3)}"]}
    if rnd.random() < 0.6:
        matter["slug"] = f"wanted-{rnd.randrange(SLUGS)}"
    if rnd.random() < 0.8:
        matter["date"] = f"2026-0{rnd.randrange(1, 5)}-1{rnd.randrange(10)}"
    title = "" if rnd.random() < 0.1 else f"Writer {writer}, version {number}"
    return key, draft(title, f"Words {number}.\n\n::: gate tier=member\nMore of {number}.\n:::\n", **matter).encode()


def write(desk: SeparateCloud, writer: int, done: list[int]) -> None:
    """One writer's work: whatever befalls the cloud, it is tried again until it is done."""
    rnd = random.Random(writer)
    cloud = desk.cloud
    s3 = cloud.client("s3", config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10))
    bucket = cloud.outputs["DraftsBucket"]
    for number in range(EACH):
        key, content = version(rnd, writer, number)
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                if content is None:
                    s3.delete_object(Bucket=bucket, Key=key)
                else:
                    s3.put_object(Bucket=bucket, Key=key, Body=content)
                break
            except (BotoCoreError, ClientError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
        done.append(number)
        time.sleep(rnd.uniform(0, 0.5))


@pytest.fixture(scope="module")
def survived(desk: SeparateCloud) -> dict[str, Any]:
    """All of it; what `nightdesk reconcile` found at first, and what it found then."""
    s3, bucket = desk.cloud.client("s3"), desk.cloud.outputs["DraftsBucket"]
    # The site is compared with one that is made in memory, where nothing draws cards.
    s3.put_object(Bucket=bucket, Key="site.yaml", Body=b"social_cards: false\n")
    before = desk.home / "drafts"
    before.mkdir()
    (before / "taken-down.md").write_text(draft("Taken down", "Takendowncanary.", date="2026-01-05"), "utf-8")
    (before / "calm.md").write_text(draft("Calm", "Calm words.", date="2026-01-06", topics=["topic-0"]), "utf-8")
    assert desk.run("publish", "--wait", str(before)).returncode == 0
    assert desk.run("withdraw", "taken-down").returncode == 0
    update = b"---\nheadline: Ferry runs again\ntopic: ferries\n---\n"
    s3.put_object(Bucket=bucket, Key="updates/ferry.md", Body=update)
    done: list[int] = []
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(write, desk, writer, done) for writer in range(WRITERS)]
        while len(done) < WRITERS * EACH / 3:
            time.sleep(0.05)
        desk.kill()
        desk.up()
        for writer in writers:
            writer.result()
    found = desk.run("reconcile", "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    again = desk.run("reconcile", "--dry-run", "--json")
    return {"found": json.loads(found.stdout), "again": again}


def test_reconcile_finds_what_was_lost_and_mends_it(survived: dict[str, Any]) -> None:
    found = survived["found"]["found"]
    print("\nfound after the kill:", {name: len(value) for name, value in found.items() if isinstance(value, list)})
    assert any(found.values()), "nothing was lost, so nothing was tried"
    assert not any(survived["found"]["left"].values())
    assert survived["again"].returncode == 0
    assert not any(json.loads(survived["again"].stdout)["found"].values())


def wanted(ports: Ports) -> dict[str, Output]:
    """The site that the drafts make, with what editors decided, and with nothing else to go by."""
    world = replace(memory_ports(ports.base_url), drafts=ports.drafts, can_sign_in=ports.can_sign_in)
    for key, _ in ports.private.list("editorial/"):
        blob = ports.private.get(key)
        assert blob
        world.private.put(Output(key, blob.body, "application/json"), ANY)
    build_site([key for key, _ in ports.drafts.list("")], world, default_theme())
    return world.site.outputs  # type: ignore[attr-defined, no-any-return]  # it is in memory


def test_the_site_equals_the_drafts(desk: SeparateCloud, survived: dict[str, Any]) -> None:
    ports = operator_ports(desk.cloud)
    # What the ticker makes, and what a build adds to the theme, no draft tells of; what the search reads depends on the time.
    others = ("updates/", "openapi.json", "search/archive/", "search/recent.json")
    should = {key: output for key, output in wanted(ports).items() if not key.startswith(others)}
    blobs = {key: ports.site.get(key) for key, _ in ports.site.list("") if not key.startswith(others)}
    there = {key: blob for key, blob in blobs.items() if blob}
    assert sorted(set(should) - set(there)) == []
    assert [key for key, output in should.items() if there[key].body != output.body] == []
    # What is there besides says that something is gone, or where it went.
    more = {there[key].metadata.get("status", key) for key in set(there) - set(should)}
    assert more <= {"301", "410"}
    assert sum(key.startswith("articles/wanted-") for key in should) >= 3 * 3


def test_every_draft_has_its_fate(desk: SeparateCloud, survived: dict[str, Any]) -> None:
    ports = operator_ports(desk.cloud)
    for key, etag in ports.drafts.list("drafts/"):
        record = articles_table.draft_record(ports.articles, key)
        assert record, key
        assert record.etag == etag, key
        assert record.problems or record.document, key
    report = json.loads(desk.run("status", "--json").stdout)
    assert not any(report["in_flight"].values())
    assert report["failed"] == []


def readers_of(cloud: Cloud) -> HttpReaders:
    return HttpReaders(cloud.outputs["SiteUrl"], edge_key(cloud), cloud.outputs["EdgeKeyId"])


def test_readers_get_what_the_bucket_holds(desk: SeparateCloud, survived: dict[str, Any]) -> None:
    cloud = desk.cloud
    ports, readers = operator_ports(cloud), readers_of(cloud)
    for key, output in wanted(ports).items():
        if key.startswith("articles/"):
            _, slug, tier, name = key.split("/")
            if name == "index.html" and "status" not in output.metadata:
                assert readers.get(f"/articles/{slug}/", tier[1:]) == (200, output.body.decode())


def test_an_update_is_there_whose_table_is_lost(desk: SeparateCloud, survived: dict[str, Any]) -> None:
    assert survived["found"]["found"]["updates"] == ["updates/ferry.md"]
    assert "Ferry runs again" in readers_of(desk.cloud).get("/updates/", "public")[1]
    assert [one["headline"] for one in json.loads(desk.run("updates", "list", "--json").stdout)["live"]] == [
        "Ferry runs again"
    ]


def test_a_takedown_survives_a_restart(desk: SeparateCloud, survived: dict[str, Any]) -> None:
    readers = readers_of(desk.cloud)
    for tier in ("public", "subscriber", "member"):
        status, text = readers.get("/articles/taken-down/", tier)
        assert status == 410
        assert "Takendowncanary" not in text
    assert readers.get("/articles/calm/", "public")[0] == 200
