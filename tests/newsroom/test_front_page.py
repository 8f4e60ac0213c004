"""The front page: which article leads it, what follows, and its sections of topics."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from nightdesk.domain.errors import Rejected
from nightdesk.domain.site import FrontSettings, Site
from nightdesk.domain.site_file import parse_site
from nightdesk.repositories import articles_table
from support.memory_newsroom import NOW, Newsroom

PAST, SOON = "2026-11-22T00:00:00Z", "2026-11-23T06:00:00Z"


def shown(room: Newsroom) -> list[str]:
    """Return the slugs on the front page in their order."""
    return re.findall(r'<h[23]><a href="/articles/([^/]+)/">', room.page("/"))


def sections(room: Newsroom) -> dict[str, list[str]]:
    """Return the slugs of each section of the front page, by its heading."""
    found = re.findall(r'<h2 id="section-\d"><a [^>]*>([^<]+)</a></h2>(.*?)</section>', room.page("/"), re.DOTALL)
    return {name: re.findall(r'<h3><a href="/articles/([^/]+)/">', body) for name, body in found}


def publish(room: Newsroom, days: str, **matter: Any) -> None:
    """Publish an article for each digit: `a1` on the first of November, and so on."""
    for day in days:
        room.publish(f"a{day}", date=f"2026-11-0{day}", **matter)


def test_the_newest_article_leads_by_default(room: Newsroom) -> None:
    publish(room, "213")
    assert shown(room) == ["a3", "a2", "a1"]
    assert sections(room) == {}


def test_the_newest_featured_article_leads(room: Newsroom) -> None:
    publish(room, "12", featured=True)
    publish(room, "34")
    assert shown(room) == ["a2", "a4", "a3", "a1"]
    room.publish("a2", date="2026-11-02")
    assert shown(room) == ["a1", "a4", "a3", "a2"]
    room.file("drafts/a1.md", None)
    assert shown(room) == ["a4", "a3", "a2"]


def test_a_featured_article_does_not_lead_once_it_is_no_longer_among_the_newest(room: Newsroom) -> None:
    room.publish("old", date="2026-10-01", featured=True)
    for number in range(29):
        room.publish(f"b{number:02}", date=f"2026-11-01T00:{number:02}:00Z")
    assert shown(room)[0] == "old"
    room.publish("b29", date="2026-11-01T00:29:00Z")
    assert shown(room) == [f"b{number:02}" for number in range(29, -1, -1)]


def test_a_pinned_article_leads_whatever_its_age_until_its_moment(room: Newsroom) -> None:
    publish(room, "12")
    room.publish("old", date="2020-01-01", pinned_until=SOON)
    room.publish("a3", date="2026-11-03", featured=True)
    assert shown(room) == ["old", "a3", "a2", "a1"]
    room.now = NOW + timedelta(hours=6)
    room.fire_schedule("old")
    assert shown(room) == ["a3", "a2", "a1", "old"]


def test_the_end_of_a_pin_is_scheduled_and_changes_only_the_front_page(room: Newsroom) -> None:
    publish(room, "2")
    room.publish("a1", date="2026-11-01", pinned_until=SOON)
    moment = NOW + timedelta(hours=6)
    assert (moment, "a1") in room.schedules
    before = dict(room.site.outputs)
    room.now = moment
    room.fire_schedule("a1")
    changed = {key for key, output in room.site.outputs.items() if before.get(key) != output}
    assert changed == {"index.html"}
    assert not articles_table.newest(room.bare.articles, "lead", 5)


def test_a_pinned_and_featured_article_is_featured_after_its_pin(room: Newsroom) -> None:
    room.publish("a1", date="2026-11-01", pinned_until=SOON, featured=True)
    publish(room, "2")
    room.now = NOW + timedelta(hours=6)
    room.fire_schedule("a1")
    assert shown(room) == ["a1", "a2"]


@pytest.mark.parametrize("matter", [{"pinned_until": PAST}, {"pinned_until": SOON, "draft": True}])
def test_what_is_over_or_not_public_is_not_pinned(room: Newsroom, matter: dict[str, Any]) -> None:
    publish(room, "2")
    room.publish("a1", date="2026-11-01", **matter)
    assert shown(room)[0] == "a2"


def test_a_pin_begins_when_the_article_goes_live(room: Newsroom) -> None:
    publish(room, "2")
    room.publish("a1", date="2026-11-01", publish_at="2026-11-23T03:00:00Z", pinned_until=SOON)
    assert shown(room) == ["a2"]
    room.now = NOW + timedelta(hours=3)
    room.fire_schedule("a1")
    assert shown(room) == ["a1", "a2"]
    assert (NOW + timedelta(hours=6), "a1") in room.schedules


def test_the_settings_name_the_lead_above_a_pinned_article_as_long_as_readers_can_get_it(room: Newsroom) -> None:
    publish(room, "13")
    room.publish("a2", date="2026-11-02", pinned_until=SOON)
    room.file("site.yaml", "front: {lead: a1}\n")
    assert shown(room) == ["a1", "a2", "a3"]
    room.publish("a1", date="2026-11-01", draft=True)
    assert shown(room) == ["a2", "a3"]
    publish(room, "1")
    assert shown(room) == ["a1", "a2", "a3"]
    room.file("site.yaml", "front: {lead: nothing}\n")
    assert shown(room) == ["a2", "a3", "a1"]


def test_a_pinned_article_is_second_also_below_a_named_one_that_is_pinned_itself(room: Newsroom) -> None:
    room.file("site.yaml", "front: {lead: a2}\n")
    publish(room, "12", pinned_until=SOON)
    publish(room, "34")
    assert shown(room) == ["a2", "a1", "a4", "a3"]


def test_a_changed_title_of_the_lead_is_shown(room: Newsroom) -> None:
    publish(room, "12")
    room.publish("a1", "Before", date="2026-11-01", pinned_until=SOON)
    room.publish("a1", "After", date="2026-11-01", pinned_until=SOON)
    assert shown(room) == ["a1", "a2"]
    assert ">After</a>" in room.page("/")


def test_sections_show_the_newest_of_their_topics_and_nothing_twice(room: Newsroom) -> None:
    room.file("topics/trade.md", "---\nname: World trade\n---\n")
    publish(room, "123456789")
    for day in "12345":
        room.publish(f"t{day}", date=f"2026-10-0{day}", topics=["trade", "energy"])
    room.file("site.yaml", "front:\n  sections: [trade, energy, fog]\n")
    assert shown(room)[:7] == [f"a{day}" for day in "9876543"]
    assert sections(room) == {"World trade": ["t5", "t4", "t3"], "Energy": ["a2", "a1", "t2"]}
    assert 'href="/topics/trade/">World trade</a></h2>' in room.page("/")
    assert len(set(shown(room))) == len(shown(room))
    room.file("topics/trade.md", "---\nname: Commerce\n---\n")
    assert list(sections(room)) == ["Commerce", "Energy"]
    room.file("drafts/t5.md", None)
    assert sections(room)["Commerce"] == ["t4", "t3", "t2"]
    listed = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', room.page("/"))[0])
    assert listed["mainEntity"]["numberOfItems"] == len(shown(room))


def test_a_section_that_has_nothing_new_is_left_out(room: Newsroom) -> None:
    publish(room, "123")
    room.file("site.yaml", "front: {sections: [energy]}\n")
    assert shown(room) == ["a3", "a2", "a1"]
    assert sections(room) == {}


def test_a_publish_reads_as_much_with_a_large_archive(room: Newsroom) -> None:
    room.file("site.yaml", "front: {lead: a1, sections: [energy, trade]}\n")
    publish(room, "1234")
    limits: list[int | None] = []
    query = room.bare.articles.query

    def counted(pk: str, *args: Any, **options: Any) -> Any:
        if pk in ("list#lead", "list#topic:energy", "list#topic:trade"):
            limits.append(options.get("limit"))
        return query(pk, *args, **options)

    room.bare.articles.query = counted  # type: ignore[method-assign]
    publish(room, "5", topics=["fog"])
    assert limits
    assert all(limit is not None and limit <= 45 for limit in limits)


def test_front_settings_survive_being_stored() -> None:
    site, warnings = parse_site(b"front: {lead: a-b, sections: [energy, trade, energy]}\n")
    assert site.front == FrontSettings("a-b", ("energy", "trade"))
    assert warnings == ()
    assert Site.from_json(json.loads(json.dumps(site.to_json()))) == site
    assert Site.from_json({"tiers": ["public"], "support": []}).front == FrontSettings()


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("front: {lead: /articles/a/}", "front.lead"),
        ("front: {sections: [Energy policy]}", "front.sections"),
        ("front: {sections: [a, b, c, d, e, f, g, h, i]}", "front.sections"),
        ("front: energy", "front"),
    ],
)
def test_a_bad_front_rejects_the_settings(raw: str, key: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_site(raw.encode())
    assert {problem.key for problem in caught.value.problems} == {key}


def test_what_the_front_page_cannot_show_is_warned_of(room: Newsroom) -> None:
    room.file("topics/energy.md", "---\nname: Energy\n---\n")
    room.file("site.yaml", "front:\n  lead: nothing\n  sections: [energi]\n  rows: 3\n")
    found = {w["line"]: (w["key"], w["message"]) for w in room.state("site.yaml")["warnings"]}
    assert found[2] == ("front.lead", "/articles/nothing/ leads to no page on this site")
    assert found[3][0] == "front.sections"
    assert "did you mean" in found[3][1]
    assert found[4][0] == "front.rows"


@pytest.mark.parametrize("typed", ["pinned_until: tomorrow", "featured: perhaps"])
def test_a_bad_pin_rejects_the_draft(room: Newsroom, typed: str) -> None:
    room.file("drafts/a.md", f"---\ntitle: A\n{typed}\n---\nText.\n")
    assert room.state("a")["state"] == "rejected"
