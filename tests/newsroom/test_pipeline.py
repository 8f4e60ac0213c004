"""The stages together, in order: good and bad drafts, takedowns, slugs, and what publishing costs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nightdesk.domain.errors import Transient
from nightdesk.domain.events import EVENTS, DraftRejected, Event, ObjectChanged, parse_event
from nightdesk.ports import ANY, Output
from nightdesk.rendering.environment import Theme
from nightdesk.stages.render import RenderBatch
from nightdesk.usecases.pipeline.reconcile import compare
from support.memory_newsroom import NOW, Newsroom

SURFACES = ("/", "/feed.xml", "/feed.json", "/topics/energy/", "/topics/energy/feed.xml", "/topics/energy/2026/11/",
            "/authors/ada/", "/authors/ada/feed.xml", "/authors/ada/2026/11/", "/archive/2026/11/")  # fmt: skip


# --- Months ---


def test_archives_go_by_the_month_of_the_sites_time_zone(room: Newsroom) -> None:
    room.file("site.yaml", "timezone: Asia/Tokyo\n")
    room.publish("spring", "Ferries return", date="2026-03-31T15:00:00Z")
    room.publish("winter", "Ice holds", date="2026-03-31T14:59:00Z")
    for base in ("/archive/", "/topics/energy/", "/authors/ada/"):
        assert "Ferries return" in room.page(f"{base}2026/04/")
        assert "Ferries return" not in room.page(f"{base}2026/03/")
        assert "Ice holds" in room.page(f"{base}2026/03/")
        assert "Ice holds" not in room.page(f"{base}2026/04/")
    assert '<a href="/archive/2026/04/">April 2026</a>' in room.page("/")
    assert "1 April 2026<" in room.page("/articles/spring/")
    assert "31 March 2026, 23:59 UTC+09:00" in room.page("/archive/2026/03/")


def test_another_time_zone_moves_articles_between_months(room: Newsroom) -> None:
    room.publish("late", "Ferries return", date="2026-03-31T20:00:00Z")
    room.publish("early", "Ice holds", date="2026-03-31T06:00:00-06:00")
    assert "Ferries return" in room.page("/archive/2026/03/")
    room.file("site.yaml", "timezone: Pacific/Auckland\n")
    assert room.page("/archive/2026/03/") == ""
    assert room.page("/topics/energy/2026/03/") == ""
    assert "Ferries return" in room.page("/topics/energy/2026/04/")
    assert "Ice holds" in room.page("/authors/ada/2026/04/")
    assert "March 2026" not in room.page("/")
    room.file("site.yaml", None)
    assert room.page("/archive/2026/04/") == ""
    assert "Ice holds" in room.page("/archive/2026/03/")


def test_an_article_without_a_date_is_in_the_month_of_the_zone(room: Newsroom) -> None:
    room.now = datetime(2026, 11, 30, 23, 30, 15, 250_000, tzinfo=UTC)
    room.file("site.yaml", "timezone: Europe/Athens\n")
    room.file("drafts/undated.md", "---\ntitle: Undated\n---\nWords.\n")
    assert "Undated" in room.page("/archive/2026/12/")
    assert room.page("/archive/2026/11/") == ""
    assert '<time datetime="2026-12-01T01:30:15+02:00">1 December 2026, 01:30 UTC+02:00</time>' in room.page("/")


# --- Live, and withdrawn ---


def test_an_article_is_on_every_surface(room: Newsroom) -> None:
    room.file("authors/ada.md", "---\nname: Ada\n---\nBio.\n")
    room.file("topics/energy.md", "---\nname: Energy\n---\n")
    room.publish("a-story", "Copper levies rise")
    assert "Copper levies rise" in room.page("/articles/a-story/")
    assert [path for path in SURFACES if "Copper levies rise" not in room.page(path)] == []
    assert '<a href="/topics/energy/">Energy</a>' in room.page("/topics/")
    assert '<a href="/authors/ada/">Ada</a>' in room.page("/authors/")
    assert room.state("a-story") == {
        "key": "drafts/a-story.md", "slug": "a-story", "state": "live", "revision": 1, "url": "/articles/a-story/", "publish_at": "",
        "problems": [], "warnings": [], "uploaded_by": "direct", "settled": True,
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
        assert len(ours) == 4, "the pages of three tiers, and the social card"
    assert room.state("a-story")["state"] == {"deleted": "withdrawn", "expired": "expired", "drafted": "draft"}[how]
    assert "Another story" in room.page("/")


def test_a_scheduled_article_is_on_no_surface(room: Newsroom) -> None:
    room.publish("a-story", "Copper levies rise", publish_at="2026-12-24")
    assert not [key for key, output in room.site.outputs.items() if b"Copper" in output.body]
    assert room.state("a-story")["state"] == "scheduled"


def test_an_article_keeps_the_image_of_its_accepted_version(room: Newsroom) -> None:
    """The image is deleted before it is copied, and the newest version of the draft is rejected."""
    room.file("drafts/a-story/map.svg", "<svg/>")
    page = "drafts/a-story/index.md"
    room.upload(page, b"---\ntitle: Copper\n---\n![The map](map.svg)\n")
    room.process_next()  # only render
    room.upload("drafts/a-story/map.svg", None)
    room.upload(page, b"---\ndek: no title\n---\n")
    room.process_all()
    assert room.state("a-story")["state"] == "live"
    assert len([key for key in room.site.outputs if key.startswith("articles/a-story/~public/map.")]) == 1


def test_a_preview_shows_the_whole_article_until_it_is_live(room: Newsroom) -> None:
    room.file("drafts/a-story/map.svg", "<svg/>")
    body = "![The map](map.svg)\n\n::: gate\nCopper levies.\n:::\n"
    room.publish("a-story/index", "Copper levies rise", draft=True, body=body)
    private: dict[str, Output] = room.bare.private.outputs  # type: ignore[attr-defined]  # memory_ports makes it
    page = private["preview/a-story/index.html"]
    assert b"Copper levies." in page.body
    assert page.cache_control == "no-store"
    [image] = [key for key in private if key.startswith("preview/a-story/map.")]
    assert f'src="/{image}"'.encode() in page.body
    room.file("authors/ada.md", "---\nname: Ada Lindqvist\n---\nBio.\n")
    assert b"Ada Lindqvist" in private["preview/a-story/index.html"].body
    # Once the article is live, its preview redirects there, and nothing else is left of it.
    room.publish("a-story/index", "Copper levies rise", body=body)
    assert [key for key in private if key.startswith("preview/a-story/")] == ["preview/a-story/index.html"]
    metadata = private["preview/a-story/index.html"].metadata
    assert (metadata["status"], metadata["location"]) == ("302", "/articles/a-story/")


def test_gated_text_is_only_in_the_objects_of_its_tier(room: Newsroom) -> None:
    body = "Free.\n\n::: gate tier=member\n## canary heading\n\ncanary[^1] [canary](https://canary.example/)\n\n[^1]: canary\n:::\n"
    room.publish("a-story", body=body)
    room.publish("b-story", date="2026-11-02", body="Free.")
    with_it = {
        key for key, output in room.site.outputs.items() if b"canary" in output.body or "canary" in str(output.metadata)
    }
    assert with_it == {"articles/a-story/~member/index.html"}
    assert "canary" not in repr(room.events)
    facts = room.bare.private.get("facts/a-story.json")
    assert facts
    assert b"canary" not in facts.body


# --- Rejected, and slugs ---


def test_a_rejected_draft_reports_its_problems_and_publishes_nothing(room: Newsroom) -> None:
    room.file("drafts/a-story.md", "---\ndek: D\naccess: friends\n---\n\n::: gate\n")
    assert room.state("a-story")["state"] == "rejected"
    assert [(p["line"], p["key"]) for p in room.state("a-story")["problems"]] == [
        (1, "title"),
        (3, "access"),
        (6, "gate"),
    ]
    (rejected,) = room.emitted(DraftRejected)
    assert (rejected.key, rejected.slug) == ("drafts/a-story.md", "a-story")
    assert rejected.problems == room.state("a-story")["problems"]
    assert room.page("/articles/a-story/") == ""


def test_a_rejected_version_leaves_the_live_version_unchanged(room: Newsroom) -> None:
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


def test_a_good_version_is_published_although_a_bad_one_overtook_its_event(room: Newsroom) -> None:
    for title in ("Copper levies rise", ""):
        text = f"---\ntitle: {title}\ndate: 2026-11-01\n---\nText.\n"
        room.ports.drafts.put(Output("drafts/a-story.md", text.encode(), "text/markdown"), ANY)
    room.deliver([ObjectChanged("drafts/a-story.md")])
    room.process_all()
    found = room.state("a-story")
    assert (found["state"], found["rejected"]) == ("live", True)
    assert "Copper levies rise" in room.page("/")


def test_a_slug_belongs_to_the_first_draft_until_that_is_deleted(room: Newsroom) -> None:
    room.publish("one", "First", slug="shared")
    room.publish("two", "Second", slug="shared")
    assert "First" in room.page("/articles/shared/")
    assert room.emitted(DraftRejected)[0].problems[0]["key"] == "slug"
    room.file("drafts/one.md", None)
    assert "Second" in room.page("/articles/shared/")
    assert "First" not in room.page("/")


def test_a_draft_that_changes_its_slug_leaves_a_pointer(room: Newsroom) -> None:
    room.publish("a-story", slug="old-slug")
    room.publish("a-story", slug="new-slug")
    old = room.site.outputs["articles/old-slug/~public/index.html"]
    assert (old.metadata["status"], old.metadata["location"]) == ("301", "/articles/new-slug/")
    assert room.page("/articles/new-slug/")
    assert "old-slug" not in room.page("/")


def target_of(room: Newsroom, key: str) -> str:
    """Return the location of the redirect at a key; empty if there is none."""
    output = room.site.outputs.get(key)
    return output.metadata.get("location", "") if output and output.metadata.get("status") == "301" else ""


def test_old_addresses_lead_to_the_article(room: Newsroom) -> None:
    aliases = ["/2019/03/old/", "old.html", "/articles/former/", "/topics/taken/", "/?b=1"]
    room.publish("a-story", aliases=aliases)
    for key in ("2019/03/old/index.html", "old.html", "articles/former/~public/index.html"):
        assert target_of(room, key) == "/articles/a-story/", key
    assert sorted(w["key"] for w in room.state("a-story")["warnings"]) == ["aliases"] * 2 + ["authors", "topics"]
    room.publish("a-story", aliases=["old.html"])
    assert "2019/03/old/index.html" not in room.site.outputs
    assert room.site.outputs["articles/former/~public/index.html"].metadata["status"] == "301"
    assert target_of(room, "old.html") == "/articles/a-story/"
    room.file("drafts/a-story.md", None)
    assert "old.html" not in room.site.outputs


def test_a_standing_page_takes_precedence_over_aliases_and_the_first_slug_over_others(room: Newsroom) -> None:
    room.publish("b-story", aliases=["/help/"])
    room.publish("a-story", aliases=["/help/"])
    assert target_of(room, "help/index.html") == "/articles/a-story/"
    room.file("pages/help.md", "---\ntitle: Help\n---\nText.\n")
    assert "Help" in room.page("/help/")
    room.file("pages/help.md", None)
    assert target_of(room, "help/index.html") == "/articles/a-story/"
    room.file("drafts/a-story.md", None)
    assert target_of(room, "help/index.html") == "/articles/b-story/"


def test_a_slug_that_another_draft_holds_cannot_be_an_alias(room: Newsroom) -> None:
    room.publish("one", "First")
    room.publish("two", "Second", aliases=["/articles/one/"])
    assert "First" in room.page("/articles/one/")
    assert "aliases" in [w["key"] for w in room.state("two")["warnings"]]


def test_two_aliases_may_name_the_same_slug(room: Newsroom) -> None:
    room.publish("a-story", aliases=["/articles/former/", "/articles/former"])
    assert target_of(room, "articles/former/~public/index.html") == "/articles/a-story/"


def test_the_first_claim_to_a_slug_wins_in_any_order_of_events(room: Newsroom) -> None:
    for minute, name in enumerate(("zebra", "ant")):
        room.now = NOW + timedelta(minutes=minute)
        text = f"---\ntitle: {name}\nslug: shared\ndate: 2026-11-01\n---\nText.\n"
        room.bare.drafts.put(Output(f"drafts/{name}.md", text.encode(), "text/markdown"), ANY)
    for name in ("ant", "zebra"):
        room.deliver([ObjectChanged(f"drafts/{name}.md")])
        room.process_all()
        assert f"<h1>{name}</h1>" in room.page("/articles/shared/")
    assert room.emitted(DraftRejected)[-1].key == "drafts/ant.md"
    # A new version keeps the claim of the old one.
    room.now = NOW + timedelta(hours=1)
    room.publish("zebra", "zebra again", slug="shared")
    assert "<h1>zebra again</h1>" in room.page("/articles/shared/")


def test_missing_dates_come_from_the_versions_of_the_file(room: Newsroom) -> None:
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
    assert dates() == ("22T03", "22T03"), "neither tags nor spacing are changes of substance"
    file(6, "Other words.")
    file(7, "Other words.", "tags: [b]")
    assert dates() == ("22T03", "22T06")
    file(8, "Yet others.", "date: 2026-11-20")
    assert dates() == ("20T00", "20T00"), "an author's date replaces both"


def test_a_draft_rejected_for_an_unknown_tier_is_published_when_the_settings_add_it(room: Newsroom) -> None:
    room.publish("a-story", "Copper levies rise", access="patron")
    assert room.state("a-story")["state"] == "rejected"
    room.file("site.yaml", "tiers: [public, patron]\n")
    assert room.state("a-story")["state"] == "live"
    assert "Copper levies rise" in room.page("/")


def test_changed_settings_have_drafts_rendered_again(room: Newsroom) -> None:
    room.publish("a-story", date="2026-11-01 01:00", body="::: gate\nx\n:::\n")
    room.file("site.yaml", "teaser: Ask the desk for {tier} access.\ntimezone: Asia/Tokyo\n")
    assert "Ask the desk for member access." in room.page("/articles/a-story/")
    assert "2026-11-01T01:00:00+09:00" in room.page("/articles/a-story/")


def test_a_draft_rejected_for_a_missing_profile_is_published_when_it_exists(room: Newsroom) -> None:
    room.file("site.yaml", "require_profiles: true\n")
    room.publish("a-story")
    assert [p["key"] for p in room.state("a-story")["problems"]] == ["authors", "topics"]
    room.file("topics/energy.md", "---\nname: Energy\n---\n")
    assert [p["key"] for p in room.state("a-story")["problems"]] == ["authors"]
    room.file("authors/ada.md", "---\nname: Ada\n---\nBio.\n")
    assert room.state("a-story")["state"] == "live"
    room.file("topics/energy.md", None)
    assert [p["key"] for p in room.state("a-story")["problems"]] == ["topics"]
    assert room.state("a-story")["state"] == "live", "the live version stays"


def test_rejected_settings_leave_the_current_ones_in_place(room: Newsroom) -> None:
    room.file("site.yaml", "name: The Meridian\n")
    before = dict(room.site.outputs)
    room.file("site.yaml", "name: Broken\ntiers: [UPPER]\n")
    assert room.site.outputs == before
    assert "The Meridian" in room.page("/")


def test_at_most_fifty_problems_are_reported(room: Newsroom) -> None:
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


def test_a_draft_that_breaks_the_renderer_does_not_block_others(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nightdesk.usecases.pipeline import render_document

    original = render_document.parse_draft

    def breaks(raw: bytes, *rest: Any) -> Any:
        if b"poison" in raw:
            raise Transient("the renderer broke")
        return original(raw, *rest)

    monkeypatch.setattr(render_document, "parse_draft", breaks)
    room.upload("drafts/poison.md", b"---\ntitle: poison\n---\n")
    room.upload("drafts/good.md", b"---\ntitle: Good news\ndate: 2026-11-01\n---\nText.\n")
    for _ in range(100):
        room.process_next()
    assert "Good news" in room.page("/")
    assert {getattr(message.detail, "key", None) for message in room.queue} == {"drafts/poison.md"}


# --- Events ---


def test_every_emitted_event_can_be_parsed(room: Newsroom) -> None:
    room.file("authors/ada.md", "---\nname: Ada\n---\nBio.\n")
    room.file("topics/energy.md", "---\nname: Energy\n---\n")
    room.file("pages/about.md", "---\ntitle: About\n---\nText.\n")
    room.file("drafts/a-story/map.png", "map")
    room.publish("a-story/index", body="![Map](map.png)", hero={"src": "map.png", "alt": "Map"})
    room.publish("b-story", date="2026-11-02")
    room.publish("b-story", date="2026-11-02", slug="c-story")
    room.publish("b-story", "", date="2026-11-02")
    room.file("site.yaml", "name: N\n")
    room.file("drafts/a-story/index.md", None)
    sent = [event for event in room.events if isinstance(event, Event)]
    for event in sent:
        assert parse_event(event.name, event.to_detail()) == event
    elsewhere = {
        "ArticleScheduled",
        "DecisionChanged",
        "ArticleDue",
        "EmbargoLifted",
        "ReconcileContinued",
        "ReconcileDue",
        "MembershipChanged",
        "UpdatePosted",
        "RereadRequested",
        "UpdateEnded",
        "TickerDue",
        "TickerRefreshed",
        "NewslettersDue",
        "EditionRequested",
        "BatchPlanned",
        "TestMailRequested",
        "SearchDue",
        "NoticeRequested",
    }
    assert {event.name for event in sent} >= set(EVENTS) - {"RenderRequested"} - elsewhere


# --- Cost ---


def call_counts(room: Newsroom, action: Callable[[], None]) -> Counter[str]:
    """Return how often an action calls each method of each port, and the numbers of events and invalidated paths."""
    calls: Counter[str] = Counter()
    names = ("drafts", "private", "site", "articles", "bus", "cdn")
    room.ports = replace(room.bare, **{name: _Counting(getattr(room.bare, name), name, calls) for name in names})
    room.events.clear()
    action()
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


@pytest.mark.slow
def test_publishing_costs_the_same_in_a_small_and_a_large_archive(theme: Theme) -> None:
    costs = []
    for size in (12, 60):
        room = Newsroom(theme)
        for number in range(size):
            day = f"2026-{1 + number % 10:02}-{1 + number % 28:02}"
            room.upload(
                f"drafts/s{number}.md",
                f"---\ntitle: S{number}\ndate: {day}\ntopics: [energy]\nauthors: [ada]\n---\nText.\n".encode(),
            )
        room.process_all()
        new = call_counts(room, lambda room=room: room.publish("new", date="2026-11-20"))
        again = call_counts(room, lambda room=room: room.publish("new", "Other", date="2026-11-20"))
        same = call_counts(room, lambda room=room: room.publish("new", "Other", date="2026-11-20"))
        costs.append((new, again, same))
    assert costs[0] == costs[1]
    new, _, same = costs[0]
    assert new["paths"] < 20
    assert same["site.put"] == same["private.put"] == same["paths"] == 0


@pytest.mark.parametrize(
    "key", ["drafts/a\nb.md", "drafts/a\tb/index.md", "pages/a\x00.md", "updates/\u2028a.md", "drafts/\x85.md"]
)
def test_a_key_with_a_control_character_is_ignored(room: Newsroom, key: str) -> None:
    notes: list[tuple[str, dict[str, Any]]] = []
    room.ports.drafts.put(Output(key, b"---\ntitle: T\n---\nText.\n", "text/markdown"), ANY)
    batch = RenderBatch(room.ports, lambda what, /, **facts: notes.append((what, facts)))
    batch.handle(ObjectChanged(key))
    room.deliver([ObjectChanged(key)])
    room.process_all()
    [(what, facts)] = notes
    assert "control character" in what
    assert facts["key"] == ascii(key)
    assert not [event for event in room.emitted(DraftRejected) if event.key == key]
    found = compare(room.ports, room.theme)
    assert found.drafts == found.updates == ()
