"""The status of a file by slug, file name, path and key; what is scheduled; decisions that contradict a draft."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from nightdesk.domain.decisions import Decisions, GateAccess
from nightdesk.domain.documents import Block, Document
from nightdesk.domain.overruled import overruled
from nightdesk.usecases.editors import decisions, queries
from nightdesk.usecases.editors.pipeline_status import overview
from nightdesk.usecases.editors.status import status
from simulation.messages import no_newsletters
from support.memory_newsroom import Newsroom

BROKEN = "---\ntitle: Ferry strike\nslug: ferry-strike\naccess: crew\n---\nText.\n"
GOOD = "---\ntitle: Ferry strike\n---\nText.\n"


def key_of(name: str, room: Newsroom) -> str:
    """Return the key of the file that a name is understood as; empty for none."""
    found = status(name, room.bare, room.now)
    return found["key"] if found else ""


@pytest.mark.parametrize(
    ("key", "names"),
    [
        (
            "drafts/2026-11-20-on-the-quay.md",
            ["2026-11-20-on-the-quay", "on-the-quay", "2026-11-20-on-the-quay.md", "content/drafts/2026-11-20-on-the-quay.md"],
        ),
        (
            "drafts/2026-11-20-quay/index.md",
            ["quay", "2026-11-20-quay/index.md", "/home/ida/site/drafts/2026-11-20-quay/index.md", "drafts/2026-11-20-quay"],
        ),
        ("drafts/Quay walls.markdown", ["quay-walls", "Quay walls.markdown", "./drafts/Quay walls.markdown"]),
    ],
)  # fmt: skip
def test_a_rejected_draft_is_found_under_all_its_names(key: str, names: list[str], room: Newsroom) -> None:
    room.file(key, BROKEN)
    for name in [key, "ferry-strike", *names]:
        assert key_of(name, room) == key, name
    room.file(key, BROKEN.replace("access: crew", "title: broken: x"))
    assert key_of("ferry-strike", room) == key
    assert key_of("another", room) == ""


def test_the_slug_of_a_rejected_draft_follows_what_is_typed(room: Newsroom) -> None:
    room.file("drafts/a.md", BROKEN)
    room.file("drafts/a.md", BROKEN.replace("ferry-strike", "'ferry-dispute'  # shorter"))
    assert key_of("ferry-dispute", room) == "drafts/a.md"
    assert key_of("ferry-strike", room) == ""


def test_profiles_and_settings_are_found_by_key_and_path(room: Newsroom) -> None:
    room.file("authors/ida.md", "---\nname: Ida\n---\n")
    room.file("site.yaml", "name: Quay\n")
    assert key_of("content/authors/ida.md", room) == key_of("ida.md", room) == "authors/ida.md"
    assert key_of("content/site.yaml", room) == "site.yaml"


def test_a_clash_is_shown_under_its_own_name(room: Newsroom) -> None:
    room.file("drafts/ferry.md", GOOD)
    room.now += timedelta(minutes=1)
    room.file("drafts/crossing.md", GOOD.replace("---\nText", "slug: ferry\n---\nText"))
    assert (key_of("ferry", room), key_of("crossing", room)) == ("drafts/ferry.md", "drafts/crossing.md")
    found = room.state("crossing")
    assert (found["slug"], found["state"], found["url"]) == ("crossing", "rejected", "")
    assert "drafts/ferry.md" in found["problems"][0]["message"]
    listed = queries.articles(queries.ArticleFilter("rejected"), "", 10, room.bare).articles
    assert [(one.slug, one.key) for one in listed] == [("crossing", "drafts/crossing.md")]


def test_a_rejected_draft_that_was_deleted_is_not_withdrawn(room: Newsroom) -> None:
    room.file("drafts/ferry.md", BROKEN)
    room.file("drafts/ferry.md", None)
    assert [key_of(name, room) for name in ("ferry", "ferry-strike", "drafts/ferry.md")] == ["", "", ""]
    room.file("drafts/quay.md", GOOD)
    room.file("drafts/quay.md", None)
    assert room.state("quay")["state"] == "withdrawn"


def test_a_file_that_exists_counts_before_one_that_was_deleted(room: Newsroom) -> None:
    room.file("drafts/quay.md", GOOD)
    room.file("drafts/quay.md", None)
    room.file("drafts/quay/index.md", BROKEN.replace("slug: ferry-strike\n", ""))
    assert key_of("quay", room) == "drafts/quay/index.md"


# --- Scheduled ---


def test_a_scheduled_article_says_when_in_the_sites_zone(room: Newsroom) -> None:
    room.file("site.yaml", "timezone: Europe/Oslo\n")
    room.file("drafts/late.md", GOOD.replace("---\nText", "date: 2026-12-02T08:00\n---\nText"))
    room.file("drafts/soon.md", GOOD.replace("---\nText", "date: 2026-11-01\npublish_at: 2026-11-30 23:30Z\n---\nText"))
    assert room.state("late")["publish_at"] == "2026-12-02T08:00:00+01:00"
    assert room.state("soon")["publish_at"] == "2026-12-01T00:30:00+01:00"
    listed = queries.articles(queries.ArticleFilter("scheduled"), "", 10, room.bare).articles
    assert {one.slug: datetime.fromisoformat(one.publish_at) for one in listed} == {
        "late": datetime(2026, 12, 2, 7, tzinfo=UTC),
        "soon": datetime(2026, 11, 30, 23, 30, tzinfo=UTC),
    }
    assert [one["slug"] for one in overview(_NoQueues(), room.bare, no_newsletters(room.bare))["scheduled"]] == [  # type: ignore[arg-type]
        "soon",
        "late",
    ]


def test_a_live_article_has_no_moment_to_come(room: Newsroom) -> None:
    room.file("drafts/quay.md", GOOD)
    assert room.state("quay")["publish_at"] == ""


class _NoQueues:
    """Queues without messages."""

    settles = timedelta(0)

    def in_flight(self) -> dict[str, int]:
        return {}

    def dead_letters(self) -> dict[str, int]:
        return {}

    def peek(self, *_: object) -> list[object]:
        return []


# --- Decisions that contradict the draft ---


def test_a_schedule_against_the_drafts_date_is_shown(room: Newsroom) -> None:
    room.file("drafts/quay.md", GOOD.replace("---\nText", "date: 2026-12-05T06:00Z\n---\nText"))
    decisions.schedule("quay", room.now + timedelta(days=1), room.ports)
    room.process_all()
    [warning] = [one for one in room.state("quay")["warnings"] if one["key"] == "date"]
    assert "2026-12-05T06:00:00+00:00" in warning["message"]
    assert (room.now + timedelta(days=1)).isoformat() in warning["message"]


SCHEDULE = "2026-12-01T06:00:00+00:00"
EARLIER, LATER = "2026-11-01T00:00:00+00:00", "2026-12-24T00:00:00+00:00"


@pytest.mark.parametrize(
    ("matter", "decided", "keys"),
    [
        ({"date": LATER, "dated": True}, {"publish_at": SCHEDULE}, ["date"]),
        ({"date": EARLIER, "dated": True}, {"publish_at": SCHEDULE}, ["date"]),
        ({"date": EARLIER, "dated": False}, {"publish_at": SCHEDULE}, []),
        ({"date": "2026-12-01T07:00:00+01:00", "dated": True}, {"publish_at": SCHEDULE}, []),
        ({"date": EARLIER, "dated": True, "publish_at": LATER}, {"published": SCHEDULE}, ["publish_at"]),
        ({"date": EARLIER, "dated": True}, {"published": SCHEDULE}, []),
        ({"draft": True}, {"published": SCHEDULE}, ["draft"]),
        ({"draft": True}, {"published": SCHEDULE, "withdrawn": True}, []),
        ({"access": "public"}, {"access": "member"}, ["access"]),
        ({"access": "member"}, {"access": "member"}, []),
        ({"blocks": (Block("member", "", "<p>x</p>"),)}, {"gates": (GateAccess(1, "subscriber", ""),)}, ["gate 1"]),
        ({"blocks": (Block("member", "", "<p>x</p>"),)}, {"gates": (GateAccess(2, "subscriber", ""),)}, []),
    ],
)
def test_contradictions(matter: dict[str, object], decided: dict[str, object], keys: list[str]) -> None:
    found = overruled(Document("a", **matter), Decisions(**decided))  # type: ignore[arg-type]
    assert [problem.key for problem in found] == keys


def test_what_an_editor_overrules_is_shown_with_its_line(room: Newsroom) -> None:
    room.file(
        "drafts/quay.md",
        "---\ntitle: Quay\nvisibility: subscriber\npubdate: 2027-02-01\ntopics: [energy]\n---\nText.\n\n"
        "```\n::: gate tier=member\n```\n\n::: gate tier=member\nOne.\n:::\n\nMore.\n\n:::: gate tier=member\nTwo.\n::::\n",
    )
    decisions.publish("quay", room.ports)
    decisions.regate("quay", "member", {2: "subscriber"}, room.ports)
    room.deliver_emitted()
    room.process_all()
    found = [(one["line"], one["key"]) for one in room.state("quay")["warnings"] if "editor" in one["message"]]
    assert found == [(3, "access"), (4, "date"), (19, "gate 2")]
    room.file("drafts/quay.md", "---\ntitle: Quay\nstatus: draft\ntopics: [energy]\n---\nText.\n")
    found = [(one["line"], one["key"]) for one in room.state("quay")["warnings"] if "published" in one["message"]]
    assert found == [(3, "draft")]


@pytest.mark.parametrize(
    ("key", "text", "path"),
    [
        ("drafts/quay.md", GOOD, "/articles/quay/"),
        ("authors/ada.md", "---\nname: Ada\n---\nBio.\n", "/authors/ada/"),
        ("topics/ports.md", "---\ntitle: Ports\n---\nText.\n", "/topics/ports/"),
        ("pages/about.md", "---\ntitle: About\n---\nText.\n", "/about/"),
        ("updates/quay.md", "---\nheadline: Open again\nat: 2026-11-22T10:00:00Z\n---\n", "/updates/"),
        ("site.yaml", "name: The Quay\n", "/"),
    ],
)
def test_every_kind_of_file_has_a_status_with_the_url_of_its_page(
    key: str, text: str, path: str, room: Newsroom
) -> None:
    room.file(key, text)
    found = status(key, room.bare, room.now)
    assert found
    assert found["key"] == key
    assert found["url"] == room.bare.base_url + path


@pytest.mark.parametrize("key", ["Drafts/quay.md", "drafts//quay.md", "PAGES/quay.md"])
def test_a_file_at_an_unusual_key_has_a_status_by_that_key(key: str, room: Newsroom) -> None:
    room.file(key, GOOD)
    found = status(key, room.bare, room.now)
    assert found
    assert found["key"] == key
