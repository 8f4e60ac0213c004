"""Invalidation: each write of a path once, none without, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from nightdesk.adapters.memory import MemoryBus, MemoryCdn, MemoryObjects, memory_ports
from nightdesk.domain.events import CacheInvalidated
from nightdesk.ports import ANY, Output
from nightdesk.usecases.pipeline.invalidate import BULK_THRESHOLD, invalidate, write_token

STORY = "/articles/a-story/*"
STORY_TAG = "#article-a-story"


class Recorder(MemoryCdn):
    """A cache that remembers calls, and that may fail before or after an invalidation takes effect."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[tuple[str, ...], str]] = []
        self.fails = ""

    def invalidate(self, paths: Sequence[str], reference: str) -> str:
        if self.fails == "before":
            raise OSError("the CDN is away")
        self.calls.append((tuple(paths), reference))
        super().invalidate(paths, reference)
        if self.fails == "after":
            raise OSError("the answer was lost")
        return reference


class Site:
    """A site and its cache."""

    def __init__(self) -> None:
        bare = memory_ports()
        self.cdn = Recorder()
        self.ports = replace(bare, cdn=self.cdn)
        self.objects: MemoryObjects = bare.site  # type: ignore[assignment]  # memory_ports makes it
        self.bus: MemoryBus = bare.bus  # type: ignore[assignment]

    def known(self, key: str) -> None:
        """Something was there already, and the cache has forgotten it."""
        self.write(key, "old")
        article = re.match(r"articles/[^/]+/", key)
        invalidate([f"/{article[0]}*" if article else "/" + key.removesuffix("index.html")], self.ports)
        self.cdn.calls.clear()
        self.bus.events.clear()

    def write(self, key: str, body: str = "x") -> None:
        self.objects.put(Output(key, body.encode(), "text/html"), ANY)

    def forget(self, *paths: str) -> list[str]:
        """The addresses that were invalidated."""
        before = len(self.cdn.invalidated)
        invalidate(paths, self.ports)
        return self.cdn.invalidated[before:]


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_path_that_was_written_is_forgotten_once(site: Site) -> None:
    site.known("topics/energy/index.html")
    site.write("topics/energy/index.html")
    assert site.forget("/topics/energy/") == ["/topics/energy/index.html"]
    assert site.forget("/topics/energy/") == []
    assert site.forget("/topics/energy/", "/topics/energy/") == []


def test_a_batch_names_each_path_once_in_one_call(site: Site) -> None:
    for key in ("index.html", "feed.xml", "articles/a-story/~public/index.html", "articles/a-story/~member/index.html"):
        site.known(key)
        site.write(key)
    assert site.forget("/", "/feed.xml", STORY, "/", STORY) == [STORY_TAG, "/feed.xml", "/index.html"]
    assert len(site.cdn.calls) == 1


def test_new_pages_are_not_invalidated(site: Site) -> None:
    site.write("articles/a-story/~public/index.html")
    site.write("topics/energy/index.html")
    assert site.forget(STORY, "/topics/energy/") == []
    assert site.forget(STORY, "/topics/energy/") == []
    site.write("topics/energy/index.html")
    assert site.forget(STORY, "/topics/energy/") == ["/topics/energy/index.html"]


def test_a_path_that_was_never_invalidated_takes_one_call(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its versions tell both which write is the newest and whether a cache may hold an older one."""
    site.write("topics/energy/index.html")
    monkeypatch.setattr(site.objects, "stat", None)
    assert site.forget("/topics/energy/") == []
    site.write("topics/energy/feed.xml")
    site.write("topics/energy/feed.xml")
    assert site.forget("/topics/energy/feed.xml") == ["/topics/energy/feed.xml"]


def test_an_object_written_twice_between_runs_is_invalidated(site: Site) -> None:
    """Between the two writes a reader may have asked for it."""
    for key in ("articles/a-story/~public/index.html", "topics/energy/index.html"):
        site.write(key)
        site.write(key)
    assert site.forget(STORY, "/topics/energy/") == [STORY_TAG, "/topics/energy/index.html"]


def test_pages_that_change_together_cost_one_tag(site: Site) -> None:
    keys = ("index.html", "feed.xml", "feed.json", "topics/energy/index.html", "topics/energy/feed.xml")
    paths = ("/", "/feed.xml", "/feed.json", "/topics/energy/", "/topics/energy/feed.xml", "/topics/energy/2026/11/")
    for key in (*keys, "topics/energy/2026/11/index.html"):
        site.known(key)
    for key in (*keys, "topics/energy/2026/11/index.html"):
        site.write(key)
    assert site.forget(*paths) == ["#front-all", "#front-topic-energy", "/topics/energy/2026/11/index.html"]
    # And where not all of them did, only those that did.
    site.write("feed.xml")
    site.write("topics/energy/feed.xml")
    assert site.forget(*paths) == ["/feed.xml", "/topics/energy/feed.xml"]


def test_many_that_one_change_touched_cost_one_tag(site: Site) -> None:
    for number in range(BULK_THRESHOLD + 1):
        site.known(f"articles/s{number}/~public/index.html")
        site.write(f"articles/s{number}/~public/index.html")
    paths = [f"/articles/s{number}/*" for number in range(BULK_THRESHOLD)]
    bulk = dict.fromkeys(paths, "author-ada")
    invalidate([*paths, f"/articles/s{BULK_THRESHOLD}/*"], site.ports, bulk)
    assert site.cdn.invalidated[-2:] == [f"#article-s{BULK_THRESHOLD}", "#author-ada"]
    site.write("articles/s0/~public/index.html")
    invalidate(paths, site.ports, bulk)
    assert site.cdn.calls[-1][0] == ("#article-s0",), "the others have not changed"


def test_an_article_costs_one_item_unless_its_images_go(site: Site) -> None:
    site.known("articles/a-story/~public/index.html")
    site.write("articles/a-story/~member/index.html")
    site.write("articles/a-story/~member/a.0123.png")
    assert site.forget(STORY) == [STORY_TAG]
    site.objects.delete("articles/a-story/~member/a.0123.png")
    assert site.forget(STORY) == ["#files-a-story"]
    site.write("articles/a-story/~member/index.html", "z")
    assert site.forget(STORY) == [STORY_TAG], "what was forgotten once is not forgotten again"


def test_another_articles_writes_are_no_matter(site: Site) -> None:
    site.write("articles/a-story/~public/index.html")
    site.forget(STORY)
    site.write("articles/a-story-two/~public/index.html")
    assert site.forget(STORY) == []


def test_objects_that_never_existed_are_not_invalidated(site: Site) -> None:
    assert site.forget("/topics/none/", "/articles/none/*") == []
    assert site.cdn.calls == []
    assert not site.bus.events


def test_the_same_bytes_written_anew_are_a_new_write(site: Site) -> None:
    """Of A, B, A within one batch the cache may have kept B."""
    site.write("index.html", "A")
    site.forget("/")
    site.write("index.html", "B")
    site.write("index.html", "A")
    assert site.forget("/") == ["/index.html"]


@pytest.mark.parametrize(
    ("path", "key"), [("/topics/x/", "topics/x/index.html"), ("/articles/x/*", "articles/x/~public/index.html")]
)
def test_each_deletion_of_an_object_is_invalidated(site: Site, path: str, key: str) -> None:
    site.known(key)
    for _ in range(3):
        site.write(key)
        assert len(site.forget(path)) == 1
        site.objects.delete(key)
        assert len(site.forget(path)) == 1
        assert site.forget(path) == []
    references = [reference for _, reference in site.cdn.calls]
    assert len(set(references)) == len(references) == 6, "CloudFront does nothing for a reference that it knows"


def test_an_object_created_and_deleted_between_runs_is_invalidated(site: Site) -> None:
    """A reader may have asked for it in between."""
    for path, key in (("/topics/x/", "topics/x/index.html"), ("/articles/x/*", "articles/x/~public/index.html")):
        site.write(key)
        site.objects.delete(key)
        assert len(site.forget(path)) == 1


@pytest.mark.parametrize("fails", ["before", "after"])
def test_an_interrupted_run_repeats_its_caller_reference(site: Site, fails: str) -> None:
    site.known("index.html")
    site.write("index.html")
    site.cdn.fails = fails
    with pytest.raises(OSError, match=r"CDN|answer"):
        site.forget("/")
    assert not site.bus.events
    site.cdn.fails = ""
    assert site.forget("/") == ["/index.html"]
    assert len({reference for _, reference in site.cdn.calls}) == 1
    assert site.forget("/") == []


def test_of_two_runs_at_once_the_newer_write_is_what_stays_recorded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("index.html", "feed.xml"):
        site.known(key)
        site.write(key, "first")
    original = site.cdn.invalidate

    def meanwhile(paths: Sequence[str], reference: str) -> None:
        monkeypatch.setattr(site.cdn, "invalidate", original)
        site.write("index.html", "second")
        assert site.forget("/") == ["/index.html"]
        original(paths, reference)

    monkeypatch.setattr(site.cdn, "invalidate", meanwhile)
    site.forget("/", "/feed.xml")
    for path in ("/", "/feed.xml"):
        recorded = site.ports.articles.get("path", path)
        assert recorded
        assert recorded["write"] == write_token(path, site.ports)
    assert site.forget("/", "/feed.xml") == []


def test_a_reference_is_of_one_set_of_writes(site: Site) -> None:
    for key in ("index.html", "feed.xml"):
        site.known(key)
    for key in ("index.html", "feed.xml"):
        site.write(key)
    site.forget("/")
    site.forget("/feed.xml")
    site.write("index.html")
    site.forget("/")
    references = [reference for _, reference in site.cdn.calls]
    assert len(set(references)) == 3
    assert all(0 < len(reference) <= 128 for reference in references)


def test_more_paths_than_a_transaction_takes(site: Site) -> None:
    paths = [f"/topics/t{number}/" for number in range(250)]
    for path in paths:
        site.known(f"{path[1:]}index.html")
        site.write(f"{path[1:]}index.html")
    assert len(site.forget(*paths)) == 250
    assert site.forget(*paths) == []


def test_it_reports_which_paths_it_invalidated(site: Site) -> None:
    site.write("index.html")
    site.write("articles/a-story/~public/index.html")
    site.forget("/", STORY, "/feed.xml")
    assert list(site.bus.events) == [CacheInvalidated(["/", STORY])]
