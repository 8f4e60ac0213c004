"""Reconcile: whatever was lost or spoilt, it is found, and after a while the site is as the drafts say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from nightdesk.adapters.memory import MemoryTable
from nightdesk.domain.events import ObjectChanged, RelistRequested
from nightdesk.domain.uploaders import requested_by
from nightdesk.ports import ANY, Output
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.usecases.pipeline.reconcile import Differences, compare, request_repairs
from support.memory_newsroom import Newsroom


@pytest.fixture
def room(theme: Theme) -> Newsroom:
    """A newsroom with something of every kind."""
    room = Newsroom(theme)
    room.file("site.yaml", "name: The Meridian\n")
    room.file("authors/ada.md", "---\nname: Ada\n---\nBio.\n")
    room.file("pages/help.md", "---\ntitle: Help\n---\nText.\n")
    room.file("drafts/a-story/map.png", "map")
    room.publish("a-story/index", "Copper", body="![Map](map.png)", aliases=["/2019/copper/", "/old/"])
    room.publish("b-story", "Zinc", date="2026-11-02", corrections=[{"date": "2026-11-03", "text": "Not tin."}])
    room.publish("b-story", "", date="2026-11-02")
    room.publish("c-story", "Lead", date="2026-11-03")
    room.ports.private.put(Output("editorial/d-story.json", b'{"withdrawn":true}', "application/json"), ANY)
    room.publish("d-story", "Iron", date="2026-11-04")
    room.publish("e-story", "Gold", slug="moved-east")
    room.publish("e-story", "Gold", slug="moved-west")
    room.publish("f-story", "Silver", publish_at="2027-01-01")
    assert room.state("b-story")["rejected"]
    assert not compare(room.ports, theme)
    return room


def seen(room: Newsroom) -> dict[str, Output]:
    """The site, without what the ticker makes."""
    return {key: output for key, output in room.site.outputs.items() if not key.startswith("updates/")}


def reconcile(room: Newsroom, theme: Theme) -> Differences:
    """Return what was found first. Repair it, in at most three rounds."""
    first = found = compare(room.ports, theme)
    for _ in range(3):
        request_repairs(found, room.ports)
        room.deliver_emitted()
        room.process_all()
        found = compare(room.ports, theme)
    assert not found
    return first


def lose(*keys: str) -> Callable[[Newsroom], None]:
    def spoil(room: Newsroom) -> None:
        for key in keys:
            room.site.delete(key)

    return spoil


def write(key: str, body: bytes) -> Callable[[Newsroom], None]:
    return lambda room: room.site.put(Output(key, body, "text/html"), ANY)


DAMAGE = {
    "a page lost": lose("articles/a-story/~member/index.html"),
    "an image lost": lambda room: [room.site.delete(k) for k in list(room.site.outputs) if k.endswith(".png")],
    "a page altered": write("articles/c-story/~public/index.html", b"Sold."),
    "a hidden page in public": write("articles/d-story/~public/index.html", b"Iron."),
    "a front lost": lose("index.html", "topics/energy/index.html"),
    "a month altered": write("archive/2026/11/index.html", b"Nothing."),
    "feeds lost": lose("feed.xml", "feed.json", "authors/ada/feed.xml"),
    "a standing page lost": lose("help/index.html", "about/index.html", "robots.txt", "corrections/index.html"),
    "old addresses lost": lose("2019/copper/index.html", "old/index.html"),
    "the way from an old slug lost": lose("articles/moved-east/~public/index.html"),
    "a tombstone lost": lose("articles/d-story/~public/index.html"),
    "directories lost": lose("topics/index.html", "authors/index.html"),
    "a file of the theme lost": lambda room: [
        room.site.delete(k) for k in list(room.site.outputs) if k.startswith("assets/")
    ],
    "a list that should not be": write("topics/iron/index.html", b"Iron."),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_repaired(name: str, room: Newsroom, theme: Theme) -> None:
    before = seen(room)
    DAMAGE[name](room)
    assert seen(room) != before
    assert reconcile(room, theme)
    assert seen(room) == before


def test_a_portrait_that_was_replaced_may_stay(room: Newsroom, theme: Theme) -> None:
    room.file("authors/ada.md", "---\nname: Ada\nportrait: ada.png\n---\nBio.\n")
    for picture in ("young", "old"):
        room.file("authors/ada.png", picture)
    assert len([key for key in room.site.outputs if key.startswith("authors/ada/ada.") and key.endswith(".png")]) == 2
    assert not compare(room.ports, theme)


def test_a_dry_look_changes_nothing(room: Newsroom, theme: Theme) -> None:
    before = (seen(room), len(room.queue))
    compare(room.ports, theme)
    assert (seen(room), len(room.queue)) == before


def test_events_that_never_came(room: Newsroom, theme: Theme) -> None:
    drafts = room.ports.drafts
    for number in range(3):
        text = f"---\ntitle: Late {number}\ndate: 2026-11-1{number}\ntopics: [late]\n---\nText.\n"
        drafts.put(Output(f"drafts/late-{number}.md", text.encode(), "text/markdown"), ANY)
    drafts.delete("drafts/c-story.md")
    drafts.delete("authors/ada.md")
    found = reconcile(room, theme)
    assert {"drafts/late-0.md", "drafts/late-1.md", "drafts/late-2.md"} <= set(found.drafts)
    assert "Late 2" in room.page("/topics/late/")
    assert room.site.outputs["articles/c-story/~public/index.html"].metadata["status"] == "410"
    assert "Lead" not in room.page("/")


@pytest.mark.parametrize("kept", [True, False])
def test_a_list_disagrees_with_the_records_of_its_articles(kept: bool, room: Newsroom, theme: Theme) -> None:
    """A table that was restored in parts lost an entry, or kept one of an article that is gone."""
    before = seen(room)
    table, entry = room.ports.articles, articles_table.newest(room.ports.articles, "all", 1)[0]
    if kept:
        stray = entry.sort_key.replace(entry.card["slug"], "d-story")
        table.write(articles_table.entry_changes({f"all {stray}": entry.card}))
    else:
        table.write(articles_table.entry_changes({f"all {entry.sort_key}": None}))
    room.ports.bus.emit([RelistRequested("all")])
    room.deliver_emitted()
    room.process_all()
    assert seen(room) != before
    found = reconcile(room, theme)
    assert not found.lists, "the list is as its entries say"
    assert [slug for slug, _ in found.entries] == ["d-story" if kept else entry.card["slug"]]
    assert seen(room) == before


def test_updates_whose_events_never_came(room: Newsroom, theme: Theme) -> None:
    """A file of an update was put, another changed, a third deleted; and what was made of them is shown."""

    def text(headline: str) -> str:
        return f"---\nheadline: {headline}\ntopic: energy\n---\n"

    room.file("updates/changed.md", text("Before"))
    room.file("updates/gone.md", text("Gone"))
    assert not compare(room.ports, theme)
    drafts = room.ports.drafts
    for name, headline in (("new", "New"), ("changed", "After")):
        drafts.put(Output(f"updates/{name}.md", text(headline).encode(), "text/markdown"), ANY)
    drafts.delete("updates/gone.md")
    found = reconcile(room, theme)
    assert found == Differences(updates=("updates/changed.md", "updates/gone.md", "updates/new.md"))
    shown = room.page("/updates/")
    assert [word in shown for word in ("New", "After", "Before", "Gone")] == [True, True, False, False]
    room.ports = room.bare = replace(room.ports, articles=MemoryTable(), updates=MemoryTable())
    assert reconcile(room, theme).updates == ("updates/changed.md", "updates/new.md")
    assert [word in room.page("/updates/") for word in ("New", "After")] == [True, True]
    assert room.page("/updates/topics/energy.json")


def test_all_tables_lost(room: Newsroom, theme: Theme) -> None:
    before = seen(room)
    room.ports = room.bare = replace(room.ports, articles=MemoryTable())
    found = reconcile(room, theme)
    assert len(found.drafts) > 8
    after = seen(room)
    assert after == before
    assert room.state("a-story")["state"] == "live"
    assert room.state("d-story")["state"] == "withdrawn"
    assert "Zinc" in room.page("/"), "its newest version was refused, and the one before it is live"


def test_everything_lost_but_the_drafts_and_what_editors_decided(room: Newsroom, theme: Theme) -> None:
    before = seen(room)
    fresh = Newsroom(theme)
    kept = {key: output for key, output in room.ports.private.outputs.items() if key.startswith("editorial/")}  # type: ignore[attr-defined]
    fresh.ports = fresh.bare = replace(fresh.ports, drafts=room.ports.drafts)
    for output in kept.values():
        fresh.ports.private.put(output, ANY)
    reconcile(fresh, theme)
    after = seen(fresh)
    # Tombstones, the way from an old slug, and the id in feeds that stayed with it are history that drafts do not tell.
    history = {
        key for key, output in before.items() if key not in after and output.metadata.get("status") in ("301", "410")
    }
    assert without_ids({key: output for key, output in before.items() if key not in history}) == without_ids(after)


def without_ids(outputs: dict[str, Output]) -> dict[str, Any]:
    """Return objects of the site, and feeds without the ids of their items."""
    return {
        key: re.sub(rb'<guid[^<]*</guid>|"id": "[^"]*"', b"", output.body) if "feed." in key else output
        for key, output in outputs.items()
    }


def test_an_article_that_no_draft_accounts_for(room: Newsroom, theme: Theme) -> None:
    write("articles/stray/~public/index.html", b"Whose is this?")(room)
    found = reconcile(room, theme)
    assert found.orphans == ("stray",)
    assert room.site.outputs["articles/stray/~public/index.html"].metadata["status"] == "410"


def test_an_invalidation_that_was_lost(room: Newsroom, theme: Theme) -> None:
    for key in ("index.html", "articles/a-story/~public/index.html"):
        output = room.site.outputs[key]
        room.site.put(replace(output, body=b"Other."), ANY)
        room.site.put(output, ANY)
    found = compare(room.ports, theme)
    assert found == Differences(stale=("/", "/articles/a-story/*"))
    before = len(room.ports.cdn.invalidated)  # type: ignore[attr-defined]
    reconcile(room, theme)
    assert set(room.ports.cdn.invalidated[before:]) == {"/index.html", "#article-a-story"}  # type: ignore[attr-defined]


def test_the_first_draft_keeps_a_slug_in_any_order_of_files(room: Newsroom, theme: Theme) -> None:
    room.publish("z-first", "Older claim", slug="wanted")
    room.now += timedelta(minutes=1)
    room.publish("a-later", "An address of its own")
    room.now += timedelta(minutes=1)
    room.publish("a-later", "Wants it too", slug="wanted")
    assert room.state("a-later")["rejected"]
    assert "An address of its own" in room.page("/articles/a-later/")
    assert not compare(room.ports, theme)


class Encrypted:
    """A bucket that S3 encrypts with a key of KMS: no ETag is the MD5 of the bytes, and a HEAD tells the SHA-256."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def list(self, prefix: str) -> list[tuple[str, str]]:
        return [(key, f"kms-{etag}") for key, etag in self._inner.list(prefix)]

    def page(self, prefix: str, after: str, limit: int) -> list[tuple[str, Any]]:
        found = self._inner.page(prefix, after, limit)
        return [(key, each._replace(etag=f"kms-{each.etag}")) for key, each in found]

    def listing(self, prefix: str) -> dict[str, Any]:
        found = self._inner.listing(prefix)
        return {key: each._replace(etag=f"kms-{each.etag}") for key, each in found.items()}

    def stat(self, key: str) -> Any:
        self.asked.append(key)
        found = self._inner.stat(key)
        return found and found._replace(sha256=sha256(self._inner.outputs[key].body).hexdigest())


def test_pages_under_a_key_of_kms_are_compared_by_their_sha256(room: Newsroom, theme: Theme) -> None:
    encrypted = Encrypted(room.site)
    ports = replace(room.ports, site=encrypted)  # type: ignore[arg-type]
    assert not compare(ports, theme), "nothing differs"
    assert "articles/a-story/~public/index.html" in encrypted.asked
    page = room.site.outputs["articles/a-story/~public/index.html"]
    room.site.put(replace(page, body=b"tampered with"), ANY)
    assert compare(ports, theme).articles == ("a-story",)


def test_the_listing_is_enough_where_etags_are_digests(room: Newsroom, theme: Theme) -> None:
    asked: list[str] = []
    stat = room.site.stat

    def counted(key: str) -> Any:
        asked.append(key)
        return stat(key)

    room.site.stat = counted  # type: ignore[method-assign]
    compare(room.ports, theme)
    live = {key for key, output in room.site.outputs.items() if "status" not in output.metadata}
    assert not live & set(asked), "a HEAD for each object would cost as many calls as the site has files"


def test_what_another_account_put_is_judged_as_render_judged_it(room: Newsroom, theme: Theme) -> None:
    room.file("site.yaml", "name: The Meridian\nrequire_approval: [ai]\n")
    room.file("authors/ada.md", "---\nname: Ada\n---\nBio.\n")
    key, body = "drafts/agency.md", b"---\ntitle: A\ndate: 2026-11-05\nauthors: [ada]\n---\nText.\n"
    room.ports.drafts.put(Output(key, body, "text/markdown"), ANY)
    stat = room.ports.drafts.stat(key)
    assert stat
    room.deliver([ObjectChanged(key, stat.version, requested_by("222222222222", "111111111111"))])
    room.process_all()
    assert room.state("agency")["state"] == "draft"
    assert not compare(room.ports, theme)


def test_a_draft_that_never_had_its_slug_leaves_no_tombstone_to_find(theme: Theme) -> None:
    """The site that is expected is built in the order of keys, so there it has the slug until the older draft comes."""
    room = Newsroom(theme)
    room.publish("older", "Older", slug="wanted", date="2026-11-01")
    room.now += timedelta(seconds=1)
    room.publish("another", "Newer", slug="wanted", date="2026-11-02", aliases=["/articles/long-ago/"])
    assert room.state("drafts/another.md")["state"] == "rejected"
    assert not compare(room.ports, theme)
