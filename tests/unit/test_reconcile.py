"""Reconcile: whatever was lost or spoilt, it is found, and after a while the site is as the drafts say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from nightdesk.adapters.memory import MemoryTable, memory_ports
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.ports import ANY, Output
from nightdesk.usecases.reconcile import Differences, compare, mend
from unit.test_pipeline import Newsroom


@pytest.fixture(scope="module")
def theme() -> Theme:
    return Theme(Path(__file__).resolve().parents[2] / "layers" / "theme")


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
    room.ports.work.put(Output("editorial/d-story.json", b'{"withdrawn":true}', "application/json"), ANY)
    room.publish("d-story", "Iron", date="2026-11-04")
    room.publish("e-story", "Gold", slug="moved-east")
    room.publish("e-story", "Gold", slug="moved-west")
    room.publish("f-story", "Silver", publish_at="2027-01-01")
    assert room.state("b-story")["rejected"]
    assert not compare(room.ports, theme, memory_ports())
    return room


def seen(room: Newsroom) -> dict[str, Output]:
    """The site, without what the ticker makes."""
    return {key: output for key, output in room.site.outputs.items() if not key.startswith("updates/")}


def reconcile(room: Newsroom, theme: Theme) -> Differences:
    """What was found first; it is mended, in at most three rounds."""
    first = found = compare(room.ports, theme, memory_ports())
    for _ in range(3):
        mend(found, room.ports)
        room.collect()
        room.settle()
        found = compare(room.ports, theme, memory_ports())
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


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_spoilt_is_found_and_mended(name: str, room: Newsroom, theme: Theme) -> None:
    before = seen(room)
    DAMAGE[name](room)
    assert seen(room) != before
    assert reconcile(room, theme)
    assert seen(room) == before


def test_a_portrait_that_was_replaced_may_stay(room: Newsroom, theme: Theme) -> None:
    room.file("authors/ada.md", "---\nname: Ada\nportrait: ada.png\n---\nBio.\n")
    for picture in ("young", "old"):
        room.file("authors/ada.png", picture)
    assert len([key for key in room.site.outputs if key.startswith("authors/ada/ada.")]) == 2
    assert not compare(room.ports, theme, memory_ports())


def test_a_dry_look_changes_nothing(room: Newsroom, theme: Theme) -> None:
    before = (seen(room), len(room.queue))
    compare(room.ports, theme, memory_ports())
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


def test_updates_whose_events_never_came(room: Newsroom, theme: Theme) -> None:
    """A file of an update was put, another changed, a third deleted; and what was made of them is shown."""

    def text(headline: str) -> str:
        return f"---\nheadline: {headline}\ntopic: energy\n---\n"

    room.file("updates/changed.md", text("Before"))
    room.file("updates/gone.md", text("Gone"))
    assert not compare(room.ports, theme, memory_ports())
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
    kept = {key: output for key, output in room.ports.work.outputs.items() if key.startswith("editorial/")}  # type: ignore[attr-defined]
    fresh.ports = fresh.bare = replace(fresh.ports, drafts=room.ports.drafts)
    for output in kept.values():
        fresh.ports.work.put(output, ANY)
    reconcile(fresh, theme)
    after = seen(fresh)
    # Tombstones, and the way from an old slug, are history that drafts do not tell.
    history = {
        key for key, output in before.items() if key not in after and output.metadata.get("status") in ("301", "410")
    }
    assert {key: output for key, output in before.items() if key not in history} == after


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
    found = compare(room.ports, theme, memory_ports())
    assert found == Differences(stale=("/", "/articles/a-story/*"))
    before = len(room.ports.cdn.invalidated)  # type: ignore[attr-defined]
    reconcile(room, theme)
    assert set(room.ports.cdn.invalidated[before:]) == {"/index.html", "#article-a-story"}  # type: ignore[attr-defined]


def test_a_slug_belongs_to_whoever_had_it_first_in_whatever_order_files_are_listed(
    room: Newsroom, theme: Theme
) -> None:
    room.publish("z-first", "Older claim", slug="wanted")
    room.now += timedelta(minutes=1)
    room.publish("a-later", "An address of its own")
    room.now += timedelta(minutes=1)
    room.publish("a-later", "Wants it too", slug="wanted")
    assert room.state("a-later")["rejected"]
    assert "An address of its own" in room.page("/articles/a-later/")
    assert not compare(room.ports, theme, memory_ports())
