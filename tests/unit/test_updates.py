"""Updates: their fields, their links, similar headlines, and which updates are shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightdesk.domain.addresses import host_of, is_loopback_address, is_own_path, is_public_address, is_public_link
from nightdesk.domain.errors import Rejected
from nightdesk.domain.site import Feed, Site
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.timestamps import iso_utc_milliseconds
from nightdesk.domain.update_file import parse_update_file
from nightdesk.domain.updates import (
    LIVE,
    MAX_HEADLINE,
    MAX_SHOWN,
    MAX_SUMMARY,
    REMOVED,
    WAITING,
    NewUpdate,
    Update,
    is_shown,
    linked_article,
    make_update,
    newest_first,
    parse_new_update,
    public_fields,
    select_shown,
    shorten,
)

NOW = datetime(2026, 11, 24, 5, 38, 0, 123456, tzinfo=UTC)
BASE = "https://news.example"


def parse(**values: str) -> NewUpdate:
    return parse_new_update({"headline": "Strait reopens", **values}, NOW, UTC, BASE)


def problems(**values: str) -> dict[str, str]:
    """Return the messages of the problems by field."""
    with pytest.raises(Rejected) as caught:
        parse(**values)
    return {problem.key: problem.message for problem in caught.value.problems}


# --- Fields ---


def test_all_fields_are_parsed() -> None:
    made = parse(
        headline="  Strait \n reopens ",
        summary="Both lanes.",
        url="https://example.org/a?b=c#d",
        topic="trade",
        weight="7",
        expires="2026-11-24T08:00:00+01:00",
    )
    assert made == NewUpdate(
        "Strait reopens", "Both lanes.", "https://example.org/a?b=c#d", "trade", 7, "2026-11-24T07:00:00.000Z"
    )


def test_no_break_spaces_stay_as_typed() -> None:
    typed = "Budget\u00a0: 12\u202f000\u00a0€\u3000en plus"
    update = parse(headline=f" {typed} \n", summary=f"Un\ttotal.  {typed}")
    assert (update.headline, update.summary) == (typed, f"Un total. {typed}")
    assert shorten(f"{typed}\n", 200) == typed
    raw = f"---\nheadline: A\ndate: 2026-11-01\n---\n{typed}\n{typed}\n".encode()
    assert parse_update_file(raw, Site(), NOW)[0].summary == f"{typed} {typed}"


def test_only_the_headline_is_required() -> None:
    assert parse() == NewUpdate("Strait reopens", "", "", "", 0, "")


def test_all_problems_are_reported_at_once() -> None:
    found = problems(
        headline="h" * (MAX_HEADLINE + 1),
        summary="s" * (MAX_SUMMARY + 1),
        url="javascript:alert(1)",
        topic="Not A Topic",
        weight="12",
        expires="2026-11-24T05:38:00Z",
    )
    assert set(found) == {"headline", "summary", "url", "topic", "weight", "expires"}
    assert "201" in found["headline"]
    assert "past" in found["expires"]


@pytest.mark.parametrize("headline", ["", "   ", "\n"])
def test_a_headline_is_required(headline: str) -> None:
    assert set(problems(headline=headline)) == {"headline"}


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x9f", "\u202e", "\u2066", "\u200b", "\ufeff"])
def test_hidden_characters_are_rejected(character: str) -> None:
    assert set(problems(headline=f"a{character}b", summary=f"a{character}b")) == {"headline", "summary"}


@pytest.mark.parametrize(
    ("expires", "words"),
    [("soon", "not a date"), ("2026-11-24", "past"), ("2026-13-01", "calendar"), ("1", "not a date")],
)
def test_an_expiry_must_be_a_future_timestamp(expires: str, words: str) -> None:
    assert words in problems(expires=expires)["expires"]


def test_an_expiry_without_offset_is_in_the_sites_zone() -> None:
    made = parse_new_update({"headline": "H", "expires": "2026-11-24 07:00"}, NOW, ZoneInfo("Europe/Vienna"), BASE)
    assert made.expires == "2026-11-24T06:00:00.000Z"


@pytest.mark.parametrize("weight", ["-1", "10", "1.5", "heavy", "٣"])
def test_a_weight_must_be_a_digit(weight: str) -> None:
    assert set(problems(weight=weight)) == {"weight"}


@pytest.mark.parametrize(
    "url", ["/articles/a-story/", "/", "https://e.org", "https://e.org:8443/x", "https://bücher.example/"]
)
def test_allowed_links(url: str) -> None:
    assert parse(url=url).url == url


def test_a_link_to_the_site_itself_becomes_a_path() -> None:
    assert parse(url=f"{BASE}/articles/a-story/#s-two").url == "/articles/a-story/#s-two"
    assert parse(url=f"{BASE}.evil.example/x").url == f"{BASE}.evil.example/x"


DANGEROUS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "http://e.org/",
    "ftp://e.org/",
    "mailto:a@e.org",
    "//e.org/",
    "/\\e.org/",
    "e.org",
    "https://",
    "https:///x",
    "https://e.org/ x",
    'https://e.org/"onload=x',
    "https://u:p@e.org/",
    "https://e.org\\@10.0.0.1/",
    "https://e.org:99999/",
    "https://localhost/",
    "https://db.internal/",
    "https://printer.local/",
    "https://router/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://017700000001/",
    "https://10.0.0.8/",
    "https://192.168.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://[fd00:ec2::254]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://１２７.0.0.1/",
    "https://e.org.\u200b/",
    "https://" + "a" * 300 + ".org/",
]


@pytest.mark.parametrize("url", DANGEROUS)
def test_forbidden_links(url: str) -> None:
    assert not is_public_link(url)
    assert set(problems(url=url)) == {"url"}


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("192.0.2.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("2a00:1450:4001:82a::200e", True),
        ("64:ff9b:1::808:808", False),
        ("64:ff9b:1:ffff::a9fe:a9fe", False),
        ("::8.8.8.8", False),
        ("::10.1.2.3", False),
        ("::ffff:0:8.8.8.8", False),
        ("::ffff:0:127.0.0.1", False),
        ("fec0::1", False),
        ("feff::1", False),
        ("5f00::1", False),
        ("5f00:dead::1", False),
        ("3fff::1", False),
        ("3fff:fff::1", False),
        ("3ffe::1", False),
        ("100::1", False),
        ("4000::1", False),
        ("f000::1", False),
        ("2a00:1450::5efe:10.0.0.1", False),
        ("2a00:1450::200:5efe:169.254.169.254", False),
        ("2002:808:808::1", True),
        ("192.0.0.8", False),
        ("192.88.99.1", False),
        ("e.org", False),
        ("", False),
    ],
)
def test_public_addresses_are_on_the_public_internet(address: str, public: bool) -> None:
    assert is_public_address(address) is public


def test_hosts_have_the_form_for_a_resolver() -> None:
    assert host_of("https://BÜCHER.example./x") == "xn--bcher-kva.example"
    assert host_of("https://fuß.example/x") == "xn--fu-hia.example", "another domain than fuss.example"
    assert host_of("https://σος.example/") != host_of("https://σοσ.example/")
    assert host_of("https://a☃b.example/") == host_of("https://a\u200bb..example/") == ""
    assert host_of("http://127.0.0.1:8080/x") == "127.0.0.1"
    assert host_of("https://u@e.org/") == host_of("https://[::1/") == host_of("x") == ""
    assert is_loopback_address("127.0.0.1")
    assert not is_loopback_address("localhost")


def test_own_paths() -> None:
    assert is_own_path("/articles/a/")
    assert not is_own_path("//e.org/")
    assert not is_own_path("https://e.org/")


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("/articles/a-story/", "a-story"),
        ("/articles/a-story", "a-story"),
        ("/articles/a-story/#s-x", "a-story"),
        ("/articles/a-story/chart.0123.svg", "a-story"),
        ("/articles/a-story?x", "a-story"),
        ("/articles/", ""),
        ("/topics/a-story/", ""),
        ("https://e.org/articles/a-story/", ""),
    ],
)
def test_the_article_of_a_link(url: str, slug: str) -> None:
    assert linked_article(url) == slug


# --- Selection ---


def update(number: int, **values: Any) -> Update:
    """Return an update; updates are a minute apart, and a greater number is newer."""
    made = make_update(
        parse(), f"{number:016x}", "editor:e", LIVE, NOW - timedelta(hours=30) + timedelta(minutes=number)
    )
    return replace(made, **values)


def test_updates_are_ordered_by_time_not_weight() -> None:
    found = select_shown([update(1, weight=9), update(3), update(2, weight=5)], NOW)
    assert [one.id for one in found] == [update(n).id for n in (3, 2, 1)]


def test_at_the_same_time_the_heavier_comes_first() -> None:
    moment = update(1).published
    found = newest_first([update(2, published=moment), update(1, weight=3), update(3, published=moment)], NOW, 9)
    assert [one.id for one in found] == [update(n).id for n in (1, 3, 2)]


def test_the_oldest_leave_first() -> None:
    found = select_shown([update(n) for n in range(MAX_SHOWN + 20)], NOW)
    assert [one.id for one in found] == [update(n).id for n in range(MAX_SHOWN + 19, 19, -1)]


def test_many_small_updates_do_not_displace_heavy_ones() -> None:
    great = update(0, weight=9)
    found = select_shown([great, *(update(n) for n in range(1, 150))], NOW)
    assert found[-1] == great
    assert [one.id for one in found[:-1]] == [update(n).id for n in range(149, 150 - MAX_SHOWN, -1)]


def test_heavy_updates_do_not_hide_the_newest() -> None:
    found = select_shown([*(update(n, weight=9) for n in range(150)), update(150)], NOW)
    assert found[0] == update(150)
    assert len(found) == MAX_SHOWN


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9), st.integers(-60, 60)), max_size=120))
def test_the_selection_is_bounded_ordered_and_keeps_the_newest(many: list[tuple[int, int, int]]) -> None:
    ends = [iso_utc_milliseconds(NOW + timedelta(minutes=end)) for _, _, end in many]
    all_of_them = [update(n, weight=w, expires=end) for (n, w, _), end in zip(many, ends, strict=True)]
    found = select_shown(all_of_them, NOW)
    live = [one for one in all_of_them if is_shown(one, NOW)]
    assert len(found) == min(MAX_SHOWN, len(live))
    assert all(is_shown(one, NOW) for one in found)
    assert [one.published for one in found] == sorted((one.published for one in found), reverse=True)
    if live:
        assert found[0].published == max(one.published for one in live)


@pytest.mark.parametrize("status", [WAITING, REMOVED])
def test_only_live_updates_are_shown(status: str) -> None:
    assert select_shown([update(1, status=status)], NOW) == ()


def test_an_update_is_shown_until_it_expires() -> None:
    assert not is_shown(update(1, expires=iso_utc_milliseconds(NOW)), NOW)
    assert is_shown(update(1, expires=iso_utc_milliseconds(NOW + timedelta(milliseconds=1))), NOW)


def test_readers_see_the_public_fields_only() -> None:
    assert set(public_fields(update(1))) == {"id", "headline", "summary", "url", "topic", "published"}


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_text_order_of_timestamps_is_time_order(one: datetime, other: datetime) -> None:
    one, other = (m.replace(microsecond=m.microsecond // 1000 * 1000) for m in (one, other))
    assert (iso_utc_milliseconds(one) < iso_utc_milliseconds(other)) == (one < other)
    assert datetime.fromisoformat(iso_utc_milliseconds(one)) == one


# --- Text ---


def test_long_text_ends_after_a_word() -> None:
    assert shorten("one two three", 13) == "one two three"
    assert shorten("one two three", 12) == "one two…"
    assert shorten("a\u202eb\n c", 9) == "a b c"


def test_a_text_without_blanks_is_shortened_too() -> None:
    assert shorten("桥梁今天早上重新开放", 6) == "桥梁今天早…"
    assert shorten("橋は今朝、再び開通した。", 6) == "橋は今朝…"
    assert shorten("A " + "x" * 50, 20) == "A " + "x" * 17 + "…"


# --- Files ---

FILE = """---
headline: From a file
link: https://example.org/x
topic: trade
weight: 3
expires: 2026-12-01
---
Two
lines.
"""


VIENNA = Site(timezone="Europe/Vienna")


def file(text: str, site: Site = VIENNA) -> tuple[NewUpdate, datetime | None, list[str]]:
    made, date, warnings = parse_update_file(text.encode(), site, NOW)
    return made, date, [problem.key for problem in warnings]


def test_the_body_is_the_default_summary() -> None:
    made, date, warnings = file(FILE)
    end = "2026-11-30T23:00:00.000Z"
    assert made == NewUpdate("From a file", "Two lines.", "https://example.org/x", "trade", 3, end)
    assert (date, warnings) == (None, [])


def test_a_file_may_have_a_date_and_a_summary() -> None:
    made, date, warnings = file("---\ntitle: T\nsummary: S\ndate: 2026-11-20\nmood: calm\n---\nBody.\n")
    assert (made.headline, made.summary) == ("T", "S")
    assert date == datetime(2026, 11, 19, 23, tzinfo=UTC)
    assert warnings == ["mood"]


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("No front matter.\n", 1, "", "front matter"),
        ("---\nlink: /x/\n---\n", 1, "headline", "needs a headline"),
        ("---\nheadline: H\nlink: javascript:x\n---\n", 3, "link", "https"),
        ("---\nheadline: H\nurl: http://e.org/\n---\n", 3, "url", "https"),
        ("---\nheadline: H\ntopic: A B\n---\n", 3, "topic", "not the id of a topic"),
        ("---\nheadline: H\nweight: much\n---\n", 3, "weight", "0 to 9"),
        ("---\nheadline: H\nexpires: 2020-01-01\n---\n", 3, "expires", "past"),
        ("---\nheadline: H\ndate: 2027-01-01\n---\n", 3, "date", "future"),
        ("---\nheadline: H\ndate: once\n---\n", 3, "date", "not a date"),
        ("---\nheadline: [a, b]\n---\n", 2, "headline", "must be text"),
        (f"---\nheadline: H\n---\n{'long ' * 200}\n", 4, "summary", "the limit"),
        ("---\nheadline: H\n---\n::: gate\nHidden.\n:::\n", 4, "gate", "public as a whole"),
        ("---\nheadline: H\n---\nText.\n\n- ::: gate\n", 6, "gate", "public as a whole"),
        ("---\nheadline: H\n---\nText.\n<!--members-only-->\nHidden.\n", 5, "gate", "would hide nothing"),
    ],
)
def test_a_bad_file_is_rejected_with_line_and_key(text: str, line: int, key: str, words: str) -> None:
    with pytest.raises(Rejected) as caught:
        file(text)
    assert (line, key) in [(p.line, p.key) for p in caught.value.problems if words in p.message]


# --- Feeds in the settings ---


def test_feeds_in_the_settings() -> None:
    text = "feeds:\n  - {url: 'https://e.org/rss', topic: trade, trusted: true, weight: 2}\n  - url: http://127.0.0.1:80/\n"
    site, warnings = parse_site(text.encode())
    assert site.feeds == (Feed("https://e.org/rss", "trade", True, 2), Feed("http://127.0.0.1:80/"))
    assert warnings == ()
    assert Site.from_json(site.to_json()) == site


def test_settings_stored_without_feeds_are_read() -> None:
    known = {name: value for name, value in Site().to_json().items() if name != "feeds"}
    assert Site.from_json(known) == Site()


@pytest.mark.parametrize(
    ("feed", "key"),
    [
        ("{topic: a}", "feeds.url"),
        ("{url: 'http://e.org/'}", "feeds.url"),
        ("{url: 'file:///etc/passwd'}", "feeds.url"),
        ("{url: 'https://10.0.0.1/'}", "feeds.url"),
        ("{url: 'https://e.org:8443/'}", "feeds.url"),
        ("{url: 'https://e.org/', topic: 'A B'}", "feeds.topic"),
        ("{url: 'https://e.org/', weight: 10}", "feeds.weight"),
        ("{url: 'https://e.org/', trusted: perhaps}", "feeds.trusted"),
        ("{url: 'https://e.org/'}\n- {url: 'https://e.org/'}", "feeds.url"),
        ("https://e.org/", "feeds"),
        ("\n- ".join(f"{{url: 'https://e.org/{n}'}}" for n in range(51)), "feeds"),
    ],
)
def test_invalid_feeds_are_rejected(feed: str, key: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_site(f"feeds:\n- {feed}\n".encode())
    assert {problem.key for problem in caught.value.problems} == {key}
