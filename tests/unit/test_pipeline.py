"""The stages together, in order: what becomes of good and bad drafts, of takedowns, and what a publish costs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nightdesk.adapters.memory import MemoryObjects
from nightdesk.domain.errors import Transient
from nightdesk.events import DETAILS
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.ports import ANY, Event, Output
from nightdesk.usecases.status import status
from simulation.calm import CalmWorld
from simulation.routes import ALARM, FILE_MOVED

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(scope="module")
def theme() -> Theme:
    return Theme(Path(__file__).resolve().parents[2] / "layers" / "theme")


class Newsroom(CalmWorld):
    """A calm world in which every act is worked off at once; all events are kept."""

    def __init__(self, theme: Theme) -> None:
        self.events: list[Event] = []
        self.now = NOW
        super().__init__(theme, lambda: self.now)
        self.bare = self.ports
        self.site: MemoryObjects = self.ports.site  # type: ignore[assignment]  # memory_ports makes it
        self.say([Event("SiteChanged", {})])
        self.settle()

    def say(self, events: Iterable[Event]) -> None:
        told = list(events)
        self.events += told
        super().say(told)

    def file(self, key: str, text: str | None) -> None:
        """File a text at a key, or take it out, and wait."""
        self.act(key, text.encode() if text is not None else None)
        self.settle()

    def publish(self, name: str, title: str = "T", body: str = "Text.", **matter: Any) -> None:
        head = {"title": title, "date": "2026-11-01", "topics": ["energy"], "authors": ["ada"], **matter}
        lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in head.items())
        self.file(f"drafts/{name}.md", f"---\n{lines}---\n{body}\n")

    def page(self, path: str) -> str:
        """What a public reader gets at a path; empty where there is nothing."""
        key = re.sub(r"^articles/([^/]+)/$", r"articles/\1/~public/", path.lstrip("/"))
        output = self.site.outputs.get(key + ("index.html" if path.endswith("/") else ""))
        return output.body.decode() if output else ""

    def state(self, slug: str) -> dict[str, Any]:
        found = status(slug, self.bare, self.now)
        assert found
        return found

    def ring(self, slug: str) -> None:
        """An alarm rings for an article."""
        self.say([Event(ALARM, {"slug": slug})])
        self.settle()

    @property
    def alarms(self) -> set[tuple[datetime, str]]:
        """Moments at which alarms were asked to ring, with the articles that they are for."""
        return self.ports.alarm.asked  # type: ignore[attr-defined, no-any-return]  # memory_ports makes it

    def told(self, name: str) -> list[Any]:
        """The details of all events of a type, since the last look."""
        found = [event.detail for event in self.events if event.type == name]
        self.events.clear()
        return found


@pytest.fixture
def room(theme: Theme) -> Newsroom:
    return Newsroom(theme)


SURFACES = ("/", "/feed.xml", "/feed.json", "/topics/energy/", "/topics/energy/feed.xml", "/topics/energy/2026/11/",
            "/authors/ada/", "/authors/ada/feed.xml", "/authors/ada/2026/11/", "/archive/2026/11/")  # fmt: skip


# --- Live, and gone ---


def test_an_article_is_on_every_surface(room: Newsroom) -> None:
    room.file("authors/ada.md", "---\nname: Ada\n---\nBio.\n")
    room.file("topics/energy.md", "---\nname: Energy\n---\n")
    room.publish("a-story", "Copper levies rise")
    assert "Copper levies rise" in room.page("/articles/a-story/")
    assert [path for path in SURFACES if "Copper levies rise" not in room.page(path)] == []
    assert '<a href="/topics/energy/">Energy</a>' in room.page("/topics/")
    assert '<a href="/authors/ada/">Ada</a>' in room.page("/authors/")
    assert room.state("a-story") == {
        "slug": "a-story", "state": "live", "revision": 1, "url": "/articles/a-story/",
        "problems": [], "warnings": [], "settled": True,
    }  # fmt: skip


@pytest.mark.parametrize("how", ["deleted", "expired", "drafted"])
def test_a_takedown_is_complete(room: Newsroom, how: str) -> None:
    room.publish("other", "Another story", body="x")
    room.publish("a-story", "Copper levies rise", corrections=[{"date": "2026-11-02", "text": "Copper figure."}])
    if how == "deleted":
        room.file("drafts/a-story.md", None)
    else:
        room.publish(
            "a-story", "Copper levies rise", **({"expires": "2026-11-10"} if how == "expired" else {"draft": True})
        )
    left = {key for key, output in room.site.outputs.items() if b"Copper" in output.body}
    ours = {key: output for key, output in room.site.outputs.items() if key.startswith("articles/a-story/")}
    if how == "drafted":
        assert left == set(ours) == set()
    else:
        assert left == set()
        assert {output.metadata["status"] for output in ours.values()} == {"410"}
        assert len(ours) == 3
    assert room.state("a-story")["state"] == {"deleted": "withdrawn", "expired": "expired", "drafted": "draft"}[how]
    assert "Another story" in room.page("/")


def test_what_is_scheduled_is_nowhere(room: Newsroom) -> None:
    room.publish("a-story", "Copper levies rise", publish_at="2026-12-24")
    assert not [key for key, output in room.site.outputs.items() if b"Copper" in output.body]
    assert room.state("a-story")["state"] == "scheduled"


def test_an_article_keeps_the_image_that_its_draft_was_accepted_with(room: Newsroom) -> None:
    """The image is gone from the bucket before it was copied, and the newest draft is refused."""
    room.file("drafts/a-story/map.svg", "<svg/>")
    page = "drafts/a-story/index.md"
    room.act(page, b"---\ntitle: Copper\n---\n![The map](map.svg)\n")
    room.step()  # render, and nobody else
    room.act("drafts/a-story/map.svg", None)
    room.act(page, b"---\ndek: no title\n---\n")
    room.settle()
    assert room.state("a-story")["state"] == "live"
    assert len([key for key in room.site.outputs if key.startswith("articles/a-story/~public/map.")]) == 1


def test_what_is_not_live_is_whole_in_its_preview(room: Newsroom) -> None:
    room.file("drafts/a-story/map.svg", "<svg/>")
    body = "![The map](map.svg)\n\n::: gate\nCopper levies.\n:::\n"
    room.publish("a-story/index", "Copper levies rise", draft=True, body=body)
    work: dict[str, Output] = room.bare.work.outputs  # type: ignore[attr-defined]  # memory_ports makes it
    page = work["preview/a-story/index.html"]
    assert b"Copper levies." in page.body
    assert page.cache_control == "no-store"
    [image] = [key for key in work if key.startswith("preview/a-story/map.")]
    assert f'src="/{image}"'.encode() in page.body
    room.file("authors/ada.md", "---\nname: Ada Lindqvist\n---\nBio.\n")
    assert b"Ada Lindqvist" in work["preview/a-story/index.html"].body
    # Once it is live, the way leads there, and nothing else is left.
    room.publish("a-story/index", "Copper levies rise", body=body)
    assert [key for key in work if key.startswith("preview/a-story/")] == ["preview/a-story/index.html"]
    metadata = work["preview/a-story/index.html"].metadata
    assert (metadata["status"], metadata["location"]) == ("302", "/articles/a-story/")


def test_hidden_text_is_in_no_object_but_those_of_its_tier(room: Newsroom) -> None:
    body = "Free.\n\n::: gate tier=member\n## canary heading\n\ncanary[^1] [canary](https://canary.example/)\n\n[^1]: canary\n:::\n"
    room.publish("a-story", body=body)
    room.publish("b-story", date="2026-11-02", body="Free.")
    with_it = {
        key for key, output in room.site.outputs.items() if b"canary" in output.body or "canary" in str(output.metadata)
    }
    assert with_it == {"articles/a-story/~member/index.html"}
    assert "canary" not in json.dumps([[event.type, dict(event.detail)] for event in room.events])
    facts = room.bare.work.get("facts/a-story.json")
    assert facts
    assert b"canary" not in facts.body


# --- Refused ---


def test_a_refused_draft_says_why_and_shows_nothing(room: Newsroom) -> None:
    room.file("drafts/a-story.md", "---\ndek: D\naccess: friends\n---\n\n::: gate\n")
    assert room.state("a-story")["state"] == "rejected"
    assert [(p["line"], p["key"]) for p in room.state("a-story")["problems"]] == [
        (1, "title"),
        (3, "access"),
        (6, "gate"),
    ]
    (detail,) = room.told("DraftRejected")
    assert (detail["key"], detail["slug"]) == ("drafts/a-story.md", "a-story")
    assert detail["problems"] == room.state("a-story")["problems"]
    assert room.page("/articles/a-story/") == ""


def test_a_refused_update_leaves_the_live_version(room: Newsroom) -> None:
    room.publish("a-story", "Copper levies rise")
    before = dict(room.site.outputs)
    room.publish("a-story", "")
    assert room.site.outputs == before
    found = room.state("a-story")
    assert (found["state"], found["rejected"], found["revision"]) == ("live", True, 1)
    assert [(p["line"], p["key"]) for p in found["problems"]] == [(2, "title")]
    room.publish("a-story", "Copper levies fall")
    found = room.state("a-story")
    assert (found["state"], found["revision"], found["problems"]) == ("live", 2, [])
    assert "rejected" not in found


def test_a_good_version_that_was_overtaken_by_a_bad_one_is_live(room: Newsroom) -> None:
    for title in ("Copper levies rise", ""):
        text = f"---\ntitle: {title}\ndate: 2026-11-01\n---\nText.\n"
        room.ports.drafts.put(Output("drafts/a-story.md", text.encode(), "text/markdown"), ANY)
    room.say([Event(FILE_MOVED, {"key": "drafts/a-story.md"})])
    room.settle()
    found = room.state("a-story")
    assert (found["state"], found["rejected"]) == ("live", True)
    assert "Copper levies rise" in room.page("/")


def test_a_slug_is_held_by_the_first_and_free_again_when_it_goes(room: Newsroom) -> None:
    room.publish("one", "First", slug="shared")
    room.publish("two", "Second", slug="shared")
    assert "First" in room.page("/articles/shared/")
    assert room.told("DraftRejected")[0]["problems"][0]["key"] == "slug"
    room.file("drafts/one.md", None)
    assert "Second" in room.page("/articles/shared/")
    assert "First" not in room.page("/")


def test_a_draft_that_moves_leaves_word_where_it_went(room: Newsroom) -> None:
    room.publish("a-story", slug="old-slug")
    room.publish("a-story", slug="new-slug")
    old = room.site.outputs["articles/old-slug/~public/index.html"]
    assert (old.metadata["status"], old.metadata["location"]) == ("301", "/articles/new-slug/")
    assert room.page("/articles/new-slug/")
    assert "old-slug" not in room.page("/")


def leads(room: Newsroom, key: str) -> str:
    """Where a pointer at a key leads to; empty where there is none."""
    output = room.site.outputs.get(key)
    return output.metadata.get("location", "") if output and output.metadata.get("status") == "301" else ""


def test_old_addresses_lead_to_the_article(room: Newsroom) -> None:
    aliases = ["/2019/03/old/", "old.html", "/articles/former/", "/topics/taken/", "/Über/"]
    room.publish("a-story", aliases=aliases)
    for key in ("2019/03/old/index.html", "old.html", "articles/former/~public/index.html"):
        assert leads(room, key) == "/articles/a-story/", key
    assert [w["key"] for w in room.state("a-story")["warnings"]] == ["aliases"] * 2 + ["authors", "topics"]
    room.publish("a-story", aliases=["old.html"])
    assert "2019/03/old/index.html" not in room.site.outputs
    assert room.site.outputs["articles/former/~public/index.html"].metadata["status"] == "301"
    assert leads(room, "old.html") == "/articles/a-story/"
    room.file("drafts/a-story.md", None)
    assert "old.html" not in room.site.outputs


def test_an_old_address_is_a_pages_first_and_then_the_first_articles(room: Newsroom) -> None:
    room.publish("b-story", aliases=["/help/"])
    room.publish("a-story", aliases=["/help/"])
    assert leads(room, "help/index.html") == "/articles/a-story/"
    room.file("pages/help.md", "---\ntitle: Help\n---\nText.\n")
    assert "Help" in room.page("/help/")
    room.file("pages/help.md", None)
    assert leads(room, "help/index.html") == "/articles/a-story/"
    room.file("drafts/a-story.md", None)
    assert leads(room, "help/index.html") == "/articles/b-story/"


def test_a_slug_that_another_has_is_no_alias(room: Newsroom) -> None:
    room.publish("one", "First")
    room.publish("two", "Second", aliases=["/articles/one/"])
    assert "First" in room.page("/articles/one/")
    assert [w["key"] for w in room.state("two")["warnings"]][:1] == ["aliases"]


def test_who_claims_a_slug_first_has_it_whichever_event_comes_first(room: Newsroom) -> None:
    for minute, name in enumerate(("zebra", "ant")):
        room.now = NOW + timedelta(minutes=minute)
        text = f"---\ntitle: {name}\nslug: shared\ndate: 2026-11-01\n---\nText.\n"
        room.bare.drafts.put(Output(f"drafts/{name}.md", text.encode(), "text/markdown"), ANY)
    for name in ("ant", "zebra"):
        room.say([Event(FILE_MOVED, {"key": f"drafts/{name}.md"})])
        room.settle()
        assert f"<h1>{name}</h1>" in room.page("/articles/shared/")
    assert room.told("DraftRejected")[-1]["key"] == "drafts/ant.md"
    # A new version keeps the claim of the old one, and one that was refused meanwhile has none.
    room.now = NOW + timedelta(hours=1)
    room.publish("zebra", "zebra again", slug="shared")
    assert "<h1>zebra again</h1>" in room.page("/articles/shared/")


def test_dates_that_the_author_leaves_to_us_follow_what_happens(room: Newsroom) -> None:
    def dates() -> tuple[str, str]:
        page = room.page("/articles/a-story/")
        return tuple(re.search(rf'"{name}":"2026-11-(..T..)', page)[1] for name in ("datePublished", "dateModified"))  # type: ignore[index, return-value]

    def file(hour: int, body: str, *keys: str) -> None:
        room.now = datetime(2026, 11, 22, hour, tzinfo=UTC)
        room.file("drafts/a-story.md", "\n".join(["---", "title: T", *keys, "---", body, ""]))

    file(1, "Words.", "draft: true")
    file(3, "Words.")
    assert dates() == ("22T03", "22T03")
    file(4, "Words.", "tags: [a]")
    file(5, "  Words.  ")
    assert dates() == ("22T03", "22T03"), "neither tags nor spaces are substance"
    file(6, "Other words.")
    file(7, "Other words.", "tags: [b]")
    assert dates() == ("22T03", "22T06")
    file(8, "Yet others.", "date: 2026-11-20")
    assert dates() == ("20T00", "20T00"), "who gives a date speaks for both"


def test_a_draft_refused_for_its_tier_is_published_when_settings_know_it(room: Newsroom) -> None:
    room.publish("a-story", "Copper levies rise", access="patron")
    assert room.state("a-story")["state"] == "rejected"
    room.file("site.yaml", "tiers: [public, patron]\n")
    assert room.state("a-story")["state"] == "live"
    assert "Copper levies rise" in room.page("/")


def test_changed_settings_reach_drafts_that_were_read_in_their_light(room: Newsroom) -> None:
    room.publish("a-story", date="2026-11-01 01:00", body="::: gate\nx\n:::\n")
    room.file("site.yaml", "teaser: Ask the desk for {tier} access.\ntimezone: Asia/Tokyo\n")
    assert "Ask the desk for member access." in room.page("/articles/a-story/")
    assert "2026-11-01T01:00:00+09:00" in room.page("/articles/a-story/")


def test_a_draft_refused_for_want_of_a_profile_is_published_when_it_comes(room: Newsroom) -> None:
    room.file("site.yaml", "require_profiles: true\n")
    room.publish("a-story")
    assert [p["key"] for p in room.state("a-story")["problems"]] == ["authors", "topics"]
    room.file("topics/energy.md", "---\nname: Energy\n---\n")
    assert [p["key"] for p in room.state("a-story")["problems"]] == ["authors"]
    room.file("authors/ada.md", "---\nname: Ada\n---\nBio.\n")
    assert room.state("a-story")["state"] == "live"
    room.file("topics/energy.md", None)
    assert [p["key"] for p in room.state("a-story")["problems"]] == ["topics"]
    assert room.state("a-story")["state"] == "live", "what is live of a refused draft stays"


def test_refused_settings_leave_those_that_hold(room: Newsroom) -> None:
    room.file("site.yaml", "name: The Meridian\n")
    before = dict(room.site.outputs)
    room.file("site.yaml", "name: Broken\ntiers: [UPPER]\n")
    assert room.site.outputs == before
    assert "The Meridian" in room.page("/")


def test_a_thousand_problems_are_told_in_part(room: Newsroom) -> None:
    room.file("drafts/a-story.md", "---\ntitle: T\n---\n" + ":::\n" * 5000)
    problems = room.state("a-story")["problems"]
    assert len(problems) == 51
    assert "4,950 more" in problems[-1]["message"]
    room.file(
        "drafts/b-story.md",
        "---\ntitle: T\ndate: 2026-11-01\n" + "".join(f"{'k' * 300}{n}: x\n" for n in range(500)) + "---\n",
    )
    assert room.state("b-story")["state"] == "live"
    assert len(json.dumps(room.state("b-story")["warnings"])) < 50_000


def test_a_draft_that_breaks_the_renderer_blocks_no_other(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    from nightdesk.usecases import render

    honest = render.parse_draft

    def breaks(raw: bytes, *rest: Any) -> Any:
        if b"poison" in raw:
            raise Transient("the renderer broke")
        return honest(raw, *rest)

    monkeypatch.setattr(render, "parse_draft", breaks)
    room.act("drafts/poison.md", b"---\ntitle: poison\n---\n")
    room.act("drafts/good.md", b"---\ntitle: Good news\ndate: 2026-11-01\n---\nText.\n")
    for _ in range(100):
        room.step()
    assert "Good news" in room.page("/")
    assert {message.event.detail.get("key") for message in room.queue} == {"drafts/poison.md"}


# --- Events ---


def test_every_event_fits_its_model(room: Newsroom) -> None:
    room.file("authors/ada.md", "---\nname: Ada\n---\nBio.\n")
    room.file("topics/energy.md", "---\nname: Energy\n---\n")
    room.file("pages/about.md", "---\ntitle: About\n---\nText.\n")
    room.publish("a-story")
    room.publish("b-story", date="2026-11-02")
    room.publish("b-story", date="2026-11-02", slug="c-story")
    room.publish("b-story", "", date="2026-11-02")
    room.file("site.yaml", "name: N\n")
    room.file("drafts/a-story.md", None)
    sent = [event for event in room.events if event.type != "ObjectEvent"]
    for event in sent:
        detail = DETAILS[event.type].model_validate(event.detail)
        assert set(event.detail) <= set(detail.model_dump())
    elsewhere = {
        "ArticleScheduled",
        "EditorActed",
        "ArticleDue",
        "EmbargoLifted",
        "ReconcileDue",
        "MembershipChanged",
        "UpdatePosted",
        "UpdatesTouched",
        "UpdateEnded",
        "TickerDue",
        "TickerRefreshed",
    }
    assert {event.type for event in sent} >= set(DETAILS) - {"DraftTouched"} - elsewhere


# --- Cost ---


def counted(room: Newsroom, act: Callable[[], None]) -> Counter[str]:
    """How often an act has each port's each method called, and events and invalidated paths."""
    calls: Counter[str] = Counter()
    names = ("drafts", "work", "site", "articles", "bus", "cdn")
    room.ports = replace(room.bare, **{name: _Counting(getattr(room.bare, name), name, calls) for name in names})
    room.events.clear()
    act()
    calls["events"] = len(room.events)
    return calls


class _Counting:
    def __init__(self, inner: Any, name: str, calls: Counter[str]) -> None:
        self._inner, self._name, self._calls = inner, name, calls

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._inner, method)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._calls[f"{self._name}.{method}"] += 1
            if method == "invalidate":
                self._calls["paths"] += len(args[0])
            return found(*args, **kwargs)

        return call


def test_a_publish_costs_the_same_in_a_small_and_in_a_large_archive(theme: Theme) -> None:
    costs = []
    for size in (12, 60):
        room = Newsroom(theme)
        for number in range(size):
            day = f"2026-{1 + number % 10:02}-{1 + number % 28:02}"
            room.act(
                f"drafts/s{number}.md",
                f"---\ntitle: S{number}\ndate: {day}\ntopics: [energy]\nauthors: [ada]\n---\nText.\n".encode(),
            )
        room.settle()
        new = counted(room, lambda room=room: room.publish("new", date="2026-11-20"))
        again = counted(room, lambda room=room: room.publish("new", "Other", date="2026-11-20"))
        same = counted(room, lambda room=room: room.publish("new", "Other", date="2026-11-20"))
        costs.append((new, again, same))
    assert costs[0] == costs[1]
    new, _, same = costs[0]
    assert new["paths"] < 20
    assert same["site.put"] == same["work.put"] == same["paths"] == 0
