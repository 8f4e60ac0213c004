"""Invalidation: each write of a path once, none without, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from nightdesk.adapters.memory import MemoryBus, MemoryCdn, MemoryObjects, memory_ports
from nightdesk.usecases.invalidate import invalidate, write_of
from nightdesk.usecases.ports import ANY, Event, Output, Ports

STORY = "/articles/a-story/*"


class Recorder(MemoryCdn):
    """A cache that remembers calls, and that may fail before or after it did what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[tuple[str, ...], str]] = []
        self.fails = ""

    def invalidate(self, paths: Sequence[str], reference: str) -> None:
        if self.fails == "before":
            raise OSError("the CDN is away")
        self.calls.append((tuple(paths), reference))
        super().invalidate(paths, reference)
        if self.fails == "after":
            raise OSError("the answer was lost")


class Site:
    """A site and its cache."""

    def __init__(self) -> None:
        bare = memory_ports()
        self.cdn = Recorder()
        self.ports = Ports(bare.drafts, bare.work, bare.site, bare.articles, bare.bus, self.cdn)
        self.objects: MemoryObjects = bare.site  # type: ignore[assignment]  # memory_ports makes it
        self.bus: MemoryBus = bare.bus  # type: ignore[assignment]

    def write(self, key: str, body: str = "x") -> None:
        self.objects.put(Output(key, body.encode(), "text/html"), ANY)

    def forget(self, *paths: str) -> list[str]:
        """The addresses that the cache was told to forget."""
        before = len(self.cdn.invalidated)
        invalidate(paths, self.ports)
        return self.cdn.invalidated[before:]


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_path_that_was_written_is_forgotten_once(site: Site) -> None:
    site.write("topics/energy/index.html")
    assert site.forget("/topics/energy/") == ["/topics/energy/index.html"]
    assert site.forget("/topics/energy/") == []
    assert site.forget("/topics/energy/", "/topics/energy/") == []


def test_a_batch_names_each_path_once_in_one_call(site: Site) -> None:
    for key in ("index.html", "feed.xml", "articles/a-story/~public/index.html", "articles/a-story/~member/index.html"):
        site.write(key)
    assert site.forget("/", "/feed.xml", STORY, "/", STORY) == ["/index.html", STORY, "/feed.xml"]
    assert len(site.cdn.calls) == 1


def test_an_article_costs_one_path_whatever_changed_of_it(site: Site) -> None:
    site.write("articles/a-story/~public/index.html")
    site.forget(STORY)
    site.write("articles/a-story/~member/index.html")
    site.write("articles/a-story/~member/a.0123.png")
    assert site.forget(STORY) == [STORY]
    site.objects.delete("articles/a-story/~member/a.0123.png")
    assert site.forget(STORY) == [STORY]


def test_another_articles_writes_are_no_matter(site: Site) -> None:
    site.write("articles/a-story/~public/index.html")
    site.forget(STORY)
    site.write("articles/a-story-two/~public/index.html")
    assert site.forget(STORY) == []


def test_what_was_never_there_is_not_forgotten(site: Site) -> None:
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
def test_what_goes_comes_and_goes_again_is_forgotten_each_time(site: Site, path: str, key: str) -> None:
    for _ in range(3):
        site.write(key)
        assert len(site.forget(path)) == 1
        site.objects.delete(key)
        assert len(site.forget(path)) == 1
        assert site.forget(path) == []
    references = [reference for _, reference in site.cdn.calls]
    assert len(set(references)) == len(references) == 6, "CloudFront does nothing for a reference that it knows"


def test_what_came_and_went_unseen_is_forgotten(site: Site) -> None:
    """A reader may have asked for it in between."""
    for path, key in (("/topics/x/", "topics/x/index.html"), ("/articles/x/*", "articles/x/~public/index.html")):
        site.write(key)
        site.objects.delete(key)
        assert len(site.forget(path)) == 1


@pytest.mark.parametrize("fails", ["before", "after"])
def test_who_dies_is_run_again_with_the_same_reference(site: Site, fails: str) -> None:
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
    site.write("index.html", "first")
    site.write("feed.xml")
    honest = site.cdn.invalidate

    def meanwhile(paths: Sequence[str], reference: str) -> None:
        monkeypatch.setattr(site.cdn, "invalidate", honest)
        site.write("index.html", "second")
        assert site.forget("/") == ["/index.html"]
        honest(paths, reference)

    monkeypatch.setattr(site.cdn, "invalidate", meanwhile)
    site.forget("/", "/feed.xml")
    for path in ("/", "/feed.xml"):
        recorded = site.ports.articles.get("path", path)
        assert recorded
        assert recorded["write"] == write_of(path, site.ports)
    assert site.forget("/", "/feed.xml") == []


def test_a_reference_is_of_one_set_of_writes(site: Site) -> None:
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
        site.write(f"{path[1:]}index.html")
    assert len(site.forget(*paths)) == 250
    assert site.forget(*paths) == []


def test_it_says_which_paths_it_forgot(site: Site) -> None:
    site.write("index.html")
    site.write("articles/a-story/~public/index.html")
    site.forget("/", STORY, "/feed.xml")
    assert list(site.bus.events) == [Event("CacheInvalidated", {"paths": ["/", STORY]})]
