"""Once quiet, the edge cache serves every reader what the origin has, and nothing was invalidated that did not change.

Acts follow each other in random order while readers of every tier request pages at random. After each act, every page that
changed is requested from the edge cache and from one that has cached nothing; after the last act, every page ever served is.
"""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from nightdesk.domain.errors import Conflict
from nightdesk.domain.site_paths import ARTICLES_TAG
from nightdesk.domain.tokens import sign
from nightdesk.entrypoints.operator_ports import edge_key, operator_ports
from nightdesk.usecases.editors import decisions
from nightdesk.usecases.pipeline.invalidate import BULK_THRESHOLD
from nightdesk_local.cloudfront_rules import Invalidation
from nightdesk_local.edge_cache import Edge
from nightdesk_local.edge_origin import EmulatedCloud, Request
from nightdesk_local.edge_runtime import FunctionRuntime
from support.cloud_under_test import Answer, CloudUnderTest, embedded
from support.newsroom import SVG, TIERS, draft, path_of_key

pytestmark = [pytest.mark.cloud, pytest.mark.deep]

ARTICLES = BULK_THRESHOLD + 4
SEED = 7
ARCHIVE = 80


# --- Readers ---


class Readers:
    """Readers of each tier at the caching edge, and at another that has cached nothing."""

    def __init__(self, cloud: CloudUnderTest) -> None:
        self._cloud = cloud
        self._key = edge_key(cloud.cloud), cloud.outputs["EdgeKeyId"]
        names = cloud.outputs["DistributionId"], cloud.outputs["DistributionDomain"]
        self._runtime = FunctionRuntime()
        origin = EmulatedCloud(cloud.cloud.endpoint, *names)
        self._cold = Edge(origin, self._runtime)

    def close(self) -> None:
        self._runtime.close()

    def _cookie(self, tier: str) -> str:
        claims = {"t": tier, "s": "reader", "e": int(time.time()) + 600}
        return sign(claims, self._key[1], self._key[0]) if tier != "public" else ""

    def cached(self, path: str, tier: str) -> Answer:
        return self._cloud.get(path, cookie=self._cookie(tier))

    def fresh(self, path: str, tier: str) -> Answer:
        self._cold.invalidate([Invalidation(("/*",))])
        headers = [("cookie", f"__Host-session={self._cookie(tier)}")] if tier != "public" else []
        got = self._cold.respond(Request("GET", path, headers=headers))
        return Answer(got.status, {name.lower(): value for name, value in got.headers.items()}, got.body)


def seen(answer: Answer) -> tuple[object, ...]:
    """What of an answer a reader would notice."""
    names = ("content-type", "location", "etag", "cache-control", "vary")
    return answer.status, answer.body, *(answer.headers.get(name) for name in names)


# --- The newsroom of this stack ---


class Stored(NamedTuple):
    """The newest version of an object, and the tags by which the cache finds it."""

    version: str
    etag: str
    tags: frozenset[str]


class Invalidated(NamedTuple):
    """The paths and tags that an act invalidated, and those of them that covered an unchanged object."""

    act: str
    items: list[str]
    needless: list[str]


@dataclass
class LiveSite:
    """A deployed site, its readers, and what the test has published there.

    Args:
        urls: every path that ever led to an object.
        articles: what the articles' drafts say.
    """

    cloud: CloudUnderTest
    readers: Readers
    urls: set[str] = field(default_factory=set)
    articles: dict[str, dict[str, Any]] = field(default_factory=dict)
    invalidated: list[Invalidated] = field(default_factory=list)
    stale: list[tuple[str, str, str]] = field(default_factory=list)
    objects: dict[str, Stored] = field(default_factory=dict)
    _invalidations: set[str] = field(default_factory=set)

    def put_article(self, name: str, **changes: Any) -> None:
        """Put an article's draft, as it was but for some changes."""
        matter = self.articles[name] = {**self.articles.get(name, {}), **changes}
        head = {key: value for key, value in matter.items() if key not in ("title", "body", "image")}
        text = f"{matter['body']}\n\n![Map](map.svg)\n\n::: gate tier=member\nFor members: {matter['body']}\n:::\n"
        picture = {f"drafts/{name}/map.svg": SVG.format(matter["image"])}
        self.cloud.put({**picture, f"drafts/{name}/index.md": draft(matter["title"], text, **head)})

    def stored(self) -> dict[str, Stored]:
        """The site's objects."""
        s3, bucket = self.cloud.client("s3"), self.cloud.outputs["SiteBucket"]

        def inspect(key: str) -> Stored:
            head = s3.head_object(Bucket=bucket, Key=key)
            tags = head["Metadata"].get("cache-tag", "")
            return Stored(head["VersionId"], head["ETag"], frozenset(filter(None, tags.split(","))))

        keys = self.cloud.site_keys()
        with ThreadPoolExecutor(4) as pool:
            return dict(zip(keys, pool.map(inspect, keys), strict=True))

    def etags_since(self, before: dict[str, Stored]) -> dict[str, set[str]]:
        """For each key the etags of all versions that came after those, in words `""` for a removal."""
        s3, bucket = self.cloud.client("s3"), self.cloud.outputs["SiteBucket"]
        found: dict[str, list[tuple[datetime, str, str]]] = defaultdict(list)
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                found[entry["Key"]].append((entry["LastModified"], entry["VersionId"], entry.get("ETag", "")))
        since: dict[str, set[str]] = defaultdict(set)
        for key, versions in found.items():
            known = before[key].version if key in before else ""
            for _, version, etag in sorted(versions, reverse=True):
                if version == known:
                    break
                since[key].add(etag)
        return since

    def invalidations(self) -> list[str]:
        """Return the paths and tags invalidated since the last call."""
        client, distribution = self.cloud.client("cloudfront"), self.cloud.outputs["DistributionId"]
        listed = client.list_invalidations(DistributionId=distribution)["InvalidationList"].get("Items", [])
        new = [item["Id"] for item in listed if item["Id"] not in self._invalidations]
        self._invalidations.update(new)
        batches = [client.get_invalidation(DistributionId=distribution, Id=number)["Invalidation"] for number in new]
        return [item for batch in batches for item in batch["InvalidationBatch"]["Paths"]["Items"]]

    @contextmanager
    def act(self, name: str) -> Iterator[None]:
        """Act, wait until quiet, and record what was invalidated and which cached pages are stale."""
        before = self.objects = self.objects or self.stored()
        self.invalidations()
        with self._reading():
            yield
            self.cloud.settle(300)
        after = self.objects = self.stored()
        since = self.etags_since(before)
        changed = {key for key, etags in since.items() if etags - {before[key].etag if key in before else None}}
        items = self.invalidations()
        paths = {path_of_key(key) for key in changed}  # one invalidation covers all tiers of a path
        evicted = [(item, key) for item in items for key in covered(item, before, after)]
        needless = [f"{item}: {key}" for item, key in evicted if path_of_key(key) not in paths]
        self.invalidated.append(Invalidated(name, items, needless))
        self.urls |= {path_of_key(key) for key in after}
        self.compare(name, paths)

    def compare(self, act: str, paths: Collection[str]) -> None:
        """Record each of the paths whose cached response differs from the origin's."""
        for path in sorted(paths):
            # Only articles have variants by tier.
            for tier in TIERS if path.startswith("/articles/") else TIERS[:1]:
                if seen(self.readers.cached(path, tier)) != seen(self.readers.fresh(path, tier)):
                    self.stale.append((act, path, tier))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Request known pages at random, so that the cache holds something to invalidate."""
        over = threading.Event()
        paths = sorted(self.urls) or ["/"]

        def read(number: int) -> None:
            rnd = random.Random(number)
            while not over.wait(rnd.uniform(0, 0.1)):
                self.readers.cached(rnd.choice(paths), rnd.choice(TIERS))

        with ThreadPoolExecutor(2) as pool:
            running = [pool.submit(read, number) for number in range(2)]
            try:
                yield
            finally:
                over.set()
        assert [reader.result() for reader in running]


def covered(item: str, before: dict[str, Stored], after: dict[str, Stored]) -> list[str]:
    """Return the keys that an invalidated path or tag covers."""
    if item.startswith("#"):
        return sorted({key for some in (before, after) for key, stored in some.items() if item[1:] in stored.tags})
    assert "*" not in item
    return [item[1:]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A stack with some articles, most of them one author's."""
    with embedded(tmp_path_factory.mktemp("freshness")) as cloud:
        cloud.send_event("SiteChanged", {}, source="nightdesk.deploy")
        found = LiveSite(cloud, Readers(cloud))
        cloud.put({"authors/ada.md": profile("Ada"), "authors/bo.md": profile("Bo"), "topics/tin.md": profile("Tin")})
        for number in range(ARTICLES):
            found.put_article(
                f"story-{number}",
                title=f"Story {number}",
                body=f"Words of {number}.",
                image=f"map {number}",
                authors=["bo" if number % 12 == 5 else "ada"],
                topics=[("tin", "zinc")[number % 2]],
                date=f"2026-0{1 + number % 3}-1{number % 10}",
            )
        cloud.settle(300)
        found.urls |= {path_of_key(key) for key in cloud.site_keys()}
        yield found
        found.readers.close()


def profile(name: str, bio: str = "Writes.") -> str:
    return f"---\nname: {name}\n---\n{bio}\n"


# --- Acts ---


def acts(site: LiveSite, rnd: random.Random) -> list[tuple[str, Callable[[], None]]]:
    """Each kind of act once, in random order and of random articles."""
    ports = operator_ports(site.cloud.cloud)
    names = rnd.sample(sorted(site.articles), 12)
    words = f"{rnd.random():.6f}"

    def edit(what: Callable[..., None], slug: str, *more: Any) -> None:
        for _ in range(20):
            try:
                return what(slug, *more, ports)
            except Conflict:
                time.sleep(0.2)

    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat(timespec="seconds")
    new = {"body": f"New words {words}.", "image": "new", "authors": ["ada"], "topics": ["zinc"]}
    found: dict[str, Callable[[], None]] = {
        "a new article": lambda: site.put_article("fresh", title="Fresh", date="2026-02-15", **new),
        "an update of the words": lambda: site.put_article(names[0], body=f"Other words {words}."),
        "an update of the headline": lambda: site.put_article(names[1], title=f"Other headline {words}"),
        "another picture": lambda: site.put_article(names[2], image=f"other map {words}"),
        "a takedown": lambda: edit(decisions.withdraw, names[3]),
        "a deletion": lambda: site.cloud.remove(f"drafts/{names[4]}/index.md"),
        "an article moves": lambda: site.put_article(names[5], slug=f"moved-{names[5]}"),
        "an old address": lambda: site.put_article(names[6], aliases=["/old/way/"]),
        "a correction": lambda: edit(decisions.correct, names[7], f"It was otherwise, {words}."),
        "another date": lambda: site.put_article(names[8], date="2026-03-02"),
        "a schedule": lambda: site.put_article("later", title="Later", publish_at=soon, **new),
        "a big author's profile": lambda: site.cloud.put({"authors/ada.md": profile("Ada", f"Writes {words}.")}),
        "a small author's name": lambda: site.cloud.put({"authors/bo.md": profile(f"Bo {words}")}),
        "the same draft again": lambda: site.put_article(names[9]),
        "the site's name": lambda: site.cloud.put({"site.yaml": f"name: Other site {words}\n"}),
        "the site's teaser": lambda: site.cloud.put({"site.yaml": f"name: Site {words}\nteaser: Ask for {words}.\n"}),
    }
    order = list(found)
    rnd.shuffle(order)
    return [(name, found[name]) for name in order]


@pytest.fixture(scope="module")
def invalidated(site: LiveSite) -> list[Invalidated]:
    """Perform all acts, one after the other, and compare every page at the end."""
    for name, act in acts(site, random.Random(SEED)):
        with site.act(name):
            act()
            if name == "a schedule":
                site.cloud.wait_for(lambda: site.readers.fresh("/articles/later/", "public").status == 200, 120)
    site.compare("all acts", site.urls)
    print()
    for entry in site.invalidated:
        print(f"{entry.act}: {len(entry.items)} invalidated")
    return site.invalidated


def test_no_cached_address_differs_from_its_origin(site: LiveSite, invalidated: list[Invalidated]) -> None:
    assert site.stale == []
    assert len(site.urls) > 5 * ARTICLES / 2


def test_nothing_was_invalidated_that_did_not_change(invalidated: list[Invalidated]) -> None:
    assert {entry.act: entry.needless for entry in invalidated if entry.needless} == {}


def test_an_article_costs_one_tag_and_its_lists(invalidated: list[Invalidated]) -> None:
    items_of = {entry.act: entry.items for entry in invalidated}
    articles = {act: [item for item in items if item.startswith("#article-")] for act, items in items_of.items()}
    assert len(articles["an update of the words"]) == 1
    assert items_of["an update of the words"] == articles["an update of the words"], "no list shows the words"
    assert items_of["the same draft again"] == []


@pytest.mark.parametrize(
    ("act", "tag"),
    [
        ("a big author's profile", "#author-ada"),
        ("the site's name", f"#{ARTICLES_TAG}"),
        ("the site's teaser", f"#{ARTICLES_TAG}"),
    ],
)
def test_a_change_of_many_articles_costs_one_tag(invalidated: list[Invalidated], act: str, tag: str) -> None:
    [items_of] = [entry.items for entry in invalidated if entry.act == act]
    assert tag in items_of
    # The pages change over several batches, and the last batch may hold fewer than the threshold.
    assert len([item for item in items_of if item.startswith("#article-")]) < 3


# --- The whole site ---


def test_a_change_of_every_page_costs_a_handful(site: LiveSite, invalidated: list[Invalidated]) -> None:
    """Every page shows the site's name, as every page is made with the theme."""
    files: dict[str, str | bytes] = {}
    for number in range(ARCHIVE):
        date = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=7 * number)
        matter = {"date": date.isoformat(), "authors": ["ada"], "topics": [f"topic-{number % 5}"]}
        files[f"drafts/archive-{number}.md"] = draft(f"Archive {number}", "Words.", **matter)
    site.cloud.put(files)
    site.cloud.settle(900)
    site.invalidations()
    site.cloud.put({"site.yaml": "name: Under another name\n"})
    site.cloud.settle(900)
    items = site.invalidations()
    addresses = {path_of_key(key) for key in site.cloud.site_keys() if key.endswith("/index.html")}
    print(f"\na change of {len(addresses)} pages: {len(items)} invalidated: {sorted(items)}")
    # The pages change over several batches; how many depends on the machine's load.
    assert len(items) <= len(addresses) / 8
    for path in ("/", "/articles/archive-7/", "/topics/topic-3/"):
        assert "Under another name" in site.readers.cached(path, "member").text
