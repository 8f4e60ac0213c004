"""Moments and months: in the site's time zone and in one form, from the server and from the page's script."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nightdesk.domain.documents import Document
from nightdesk.domain.site import Site
from nightdesk.domain.timestamps import iso_utc_seconds
from nightdesk.rendering.texts import Catalogue
from nightdesk.rendering.times import month_name, script_times, stamp, typed_date
from nightdesk.repositories.articles_table import month_of
from nightdesk.usecases.pipeline.places import sort_key
from nightdesk_local.edge_runtime import node_binary
from support.default_theme import default_theme
from support.memory_newsroom import Newsroom

THEME = Path(__file__).resolve().parents[2] / "layers" / "theme"
ZONES = (
    "UTC",
    "America/New_York",
    "Europe/Oslo",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "America/Havana",
    "Asia/Beirut",
)


@pytest.fixture(scope="module")
def text() -> Catalogue:
    return default_theme().text(Site())


@pytest.mark.parametrize(
    ("zone", "iso", "shown"),
    [
        ("Europe/Oslo", "2026-06-30T22:15:00Z", "1 July 2026, 00:15 UTC+02:00"),
        ("Europe/Oslo", "2026-06-30T22:00:00Z", "1 July 2026"),
        ("America/Lima", "2026-03-01T04:59:59Z", "28 February 2026, 23:59 UTC-05:00"),
        ("Asia/Kathmandu", "2026-01-31T18:15:00+00:00", "1 February 2026"),
        ("UTC", "2026-05-04T15:04:05.123456+00:00", "4 May 2026, 15:04 UTC"),
        # The clocks skip midnight: the day begins at one.
        ("Asia/Beirut", "2024-03-31T00:00:00+02:00", "31 March 2024"),
        # The clocks repeat midnight: only the first one begins the day.
        ("America/Havana", "2024-11-03T04:00:00Z", "3 November 2024"),
        ("America/Havana", "2024-11-03T05:00:00Z", "3 November 2024, 00:00 UTC-05:00"),
        # The same time of day twice, told apart by the offset.
        ("America/New_York", "2025-11-02T05:30:00Z", "2 November 2025, 01:30 UTC-04:00"),
        ("America/New_York", "2025-11-02T06:30:00Z", "2 November 2025, 01:30 UTC-05:00"),
    ],
)
def test_a_moment_is_shown_in_the_zone_of_the_site(text: Catalogue, zone: str, iso: str, shown: str) -> None:
    assert stamp(text, Site(timezone=zone), iso).text == shown


def test_machines_get_the_same_moment_without_fractions(text: Catalogue) -> None:
    for zone in ZONES:
        made = stamp(text, Site(timezone=zone), "2026-07-09T21:40:33.987654+00:00").iso
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", made)
        assert iso_utc_seconds(made) == "2026-07-09T21:40:33Z"


def test_words_come_from_the_catalogue() -> None:
    months = "janvier, février, mars, avril, mai, juin, juillet, août, septembre, octobre, novembre, décembre"
    messages = {
        "months": months,
        "day": "le {day} {month} {year}",
        "month": "{month} {year}",
        "utc": "TU",
        "first": "1er",
    }
    text = Catalogue(
        {f"time.{k}": v for k, v in {**messages, "moment": "{date} à {time} {zone}", "offset": "{offset}"}.items()}
    )
    assert stamp(text, Site(), "2026-08-09T10:11:12Z").text == "le 9 août 2026 à 10:11 TU"
    assert month_name(text, "2026-02") == "février 2026"


@pytest.mark.parametrize(
    ("zone", "date", "month"),
    [
        ("Pacific/Auckland", "2026-04-30T13:00:00+00:00", "2026-05"),
        ("America/Anchorage", "2026-05-01T07:59:59+00:00", "2026-04"),
        ("America/Anchorage", "2026-05-01T08:00:00+00:00", "2026-05"),
        ("UTC", "2026-05-01T01:00:00+14:00", "2026-04"),
        ("Pacific/Kiritimati", "2026-12-31T10:00:00+00:00", "2027-01"),
    ],
)
def test_the_month_of_an_article_is_that_of_the_zone(zone: str, date: str, month: str) -> None:
    key = sort_key(Document("a-story", date=date), Site(timezone=zone))
    assert month_of(key) == month
    assert key.startswith(iso_utc_seconds(date))  # lists stay in order of time
    assert key.endswith("#a-story")


# --- The page's script ---


def moments() -> list[str]:
    """Return moments around the beginnings of days and the changes of clocks."""
    edges = [
        "2024-03-30T22:00",
        "2024-11-03T04:00",
        "2024-11-03T05:00",
        "2025-11-02T06:30",
        "2026-01-01T00:00",
        "2026-06-30T10:00",
    ]
    found = [datetime.fromisoformat(edge).replace(tzinfo=UTC) for edge in edges]
    found += [datetime(2026, 2, 28, 18, 15, tzinfo=UTC) + timedelta(hours=3 * step) for step in range(12)]
    return [(one + timedelta(minutes=shift, seconds=7 * shift)).isoformat() for one in found for shift in (-1, 0, 1)]


def script_stamps(zone: str, text: Catalogue) -> list[Any]:
    """Return what the script's own function makes of `moments`, run by Node."""
    source = (THEME / "static" / "updates.js").read_text("utf-8")
    start, end = source.index("  const pad ="), source.index("  const element =")
    times = script_times(text, Site(timezone=zone))
    program = f"const times = {times};\n{source[start:end]}\nconsole.log(JSON.stringify({json.dumps(moments())}.map((m) => stamp(new Date(m)))));"
    done = subprocess.run([str(node_binary()), "-e", program], capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("zone", ZONES)
def test_the_script_writes_moments_as_the_server_does(text: Catalogue, zone: str) -> None:
    expected = [list(stamp(text, Site(timezone=zone), moment)) for moment in moments()]
    assert script_stamps(zone, text) == expected


def test_no_page_has_a_moment_with_a_fraction_or_in_another_zone() -> None:
    room = Newsroom(default_theme())
    room.now = datetime(2026, 11, 23, 10, 0, 0, 123_456, tzinfo=UTC)
    room.file("site.yaml", "timezone: Asia/Kolkata\n")
    room.file("drafts/undated.md", "---\ntitle: Undated\ntopics: [x]\n---\nOne.\n")
    room.now = datetime(2026, 11, 23, 11, 0, 0, 654_321, tzinfo=UTC)
    room.file("drafts/undated.md", "---\ntitle: Undated\ntopics: [x]\n---\nTwo.\n")
    room.publish(
        "dated", date="2026-11-20T10:00:00-08:00", corrections=[{"date": "2026-11-21T01:00:00.5Z", "text": "Oops."}]
    )
    bodies = {
        key: output.body.decode() for key, output in room.site.outputs.items() if key.endswith((".html", ".json"))
    }
    found = [
        moment
        for body in bodies.values()
        for moment in re.findall(
            r'(?:datetime|_time" content|date_published"|(?:Published|Modified)")[=:] ?"([^"]*)"', body
        )
    ]
    assert len(found) > 20
    assert [moment for moment in found if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:30", moment)] == []
    assert "+0530</pubDate>" in bodies.get("feed.xml", room.page("/feed.xml"))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("2026-01-02", "2 January 2026"),
        ("2026-11", "November 2026"),
        ("2026", "2026"),
        ("spring 2026", "spring 2026"),
        ("2026-13-01", "2026-13-01"),
        ("2026-01-02T10:00", "2026-01-02T10:00"),
        ("", ""),
    ],
)
def test_the_date_of_a_source_is_shown_like_other_dates_if_it_is_one(text: Catalogue, typed: str, shown: str) -> None:
    assert typed_date(text, typed) == shown
