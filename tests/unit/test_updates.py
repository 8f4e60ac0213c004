"""The ticker's domain: what an update may be, where it may lead, which ones say the same, and which are shown."""

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
from nightdesk.domain.update_file import parse_update_file
from nightdesk.domain.updates import (
    HEADLINE,
    LIVE,
    REMOVED,
    SHOWN,
    SUMMARY,
    WAITING,
    Entry,
    Update,
    Wish,
    article_of,
    choose,
    is_shown,
    make_update,
    moment_text,
    newest_first,
    news_of,
    parse_wish,
    public_form,
    repeats,
    shorten,
)

NOW = datetime(2026, 11, 24, 5, 38, 0, 123456, tzinfo=UTC)
BASE = "https://news.example"


def wish(**values: str) -> Wish:
    return parse_wish({"headline": "Strait reopens", **values}, NOW, UTC, BASE)


def problems(**values: str) -> dict[str, str]:
    """What is wrong with a wish, by field."""
    with pytest.raises(Rejected) as caught:
        wish(**values)
    return {problem.key: problem.message for problem in caught.value.problems}


# --- Wishes ---


def test_a_whole_wish() -> None:
    made = wish(
        headline="  Strait \n reopens ",
        summary="Both lanes.",
        url="https://example.org/a?b=c#d",
        topic="trade",
        weight="7",
        expires="2026-11-24T08:00:00+01:00",
    )
    assert made == Wish(
        "Strait reopens", "Both lanes.", "https://example.org/a?b=c#d", "trade", 7, "2026-11-24T07:00:00.000Z"
    )


def test_a_headline_is_enough() -> None:
    assert wish() == Wish("Strait reopens", "", "", "", 0, "")


def test_every_field_that_will_not_do_is_named_at_once() -> None:
    found = problems(
        headline="h" * (HEADLINE + 1),
        summary="s" * (SUMMARY + 1),
        url="javascript:alert(1)",
        topic="Not A Topic",
        weight="12",
        expires="2026-11-24T05:38:00Z",
    )
    assert set(found) == {"headline", "summary", "url", "topic", "weight", "expires"}
    assert "201" in found["headline"]
    assert "past" in found["expires"]


@pytest.mark.parametrize("headline", ["", "   ", "\n"])
def test_there_must_be_a_headline(headline: str) -> None:
    assert set(problems(headline=headline)) == {"headline"}


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x9f", "\u202e", "\u2066", "\u200b", "\ufeff"])
def test_hidden_characters_are_refused(character: str) -> None:
    assert set(problems(headline=f"a{character}b", summary=f"a{character}b")) == {"headline", "summary"}


@pytest.mark.parametrize(
    ("expires", "words"), [("soon", "not a date"), ("2026-11-24", "past"), ("2026-13-01", "month"), ("1", "not a date")]
)
def test_an_end_must_be_a_moment_to_come(expires: str, words: str) -> None:
    assert words in problems(expires=expires)["expires"]


def test_an_end_without_an_offset_is_meant_in_the_sites_zone() -> None:
    made = parse_wish({"headline": "H", "expires": "2026-11-24 07:00"}, NOW, ZoneInfo("Europe/Vienna"), BASE)
    assert made.expires == "2026-11-24T06:00:00.000Z"


@pytest.mark.parametrize("weight", ["-1", "10", "1.5", "heavy", "٣"])
def test_a_weight_is_a_digit(weight: str) -> None:
    assert set(problems(weight=weight)) == {"weight"}


@pytest.mark.parametrize(
    "url", ["/articles/a-story/", "/", "https://e.org", "https://e.org:8443/x", "https://bücher.example/"]
)
def test_links_that_may_stand(url: str) -> None:
    assert wish(url=url).url == url


def test_a_link_to_the_site_itself_becomes_a_path() -> None:
    assert wish(url=f"{BASE}/articles/a-story/#s-two").url == "/articles/a-story/#s-two"
    assert wish(url=f"{BASE}.evil.example/x").url == f"{BASE}.evil.example/x"


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
def test_links_that_may_not(url: str) -> None:
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
        ("e.org", False),
        ("", False),
    ],
)
def test_only_the_public_internet_is_public(address: str, public: bool) -> None:
    assert is_public_address(address) is public


def test_hosts_as_a_resolver_is_asked_for_them() -> None:
    assert host_of("https://BÜCHER.example./x") == "xn--bcher-kva.example"
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
def test_the_article_that_a_link_leads_to(url: str, slug: str) -> None:
    assert article_of(url) == slug


# --- What is shown ---


def update(number: int, **values: Any) -> Update:
    """Updates a minute apart; a greater number is newer."""
    made = make_update(
        wish(), f"{number:016x}", "editor:e", LIVE, NOW - timedelta(hours=30) + timedelta(minutes=number)
    )
    return replace(made, **values)


def test_newest_first_whatever_they_weigh() -> None:
    found = choose([update(1, weight=9), update(3), update(2, weight=5)], NOW)
    assert [one.id for one in found] == [update(n).id for n in (3, 2, 1)]


def test_of_one_moment_the_heavier_comes_first() -> None:
    moment = update(1).published
    found = newest_first([update(2, published=moment), update(1, weight=3), update(3, published=moment)], NOW, 9)
    assert [one.id for one in found] == [update(n).id for n in (1, 3, 2)]


def test_what_does_not_fit_goes_by_age() -> None:
    found = choose([update(n) for n in range(SHOWN + 20)], NOW)
    assert [one.id for one in found] == [update(n).id for n in range(SHOWN + 19, 19, -1)]


def test_a_flood_of_small_news_does_not_drive_out_what_matters() -> None:
    great = update(0, weight=9)
    found = choose([great, *(update(n) for n in range(1, 150))], NOW)
    assert found[-1] == great
    assert [one.id for one in found[:-1]] == [update(n).id for n in range(149, 150 - SHOWN, -1)]


def test_what_matters_does_not_hide_what_was_just_posted() -> None:
    found = choose([*(update(n, weight=9) for n in range(150)), update(150)], NOW)
    assert found[0] == update(150)
    assert len(found) == SHOWN


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9), st.integers(-60, 60)), max_size=120))
def test_whatever_there_is_the_choice_is_sound(many: list[tuple[int, int, int]]) -> None:
    ends = [moment_text(NOW + timedelta(minutes=end)) for _, _, end in many]
    all_of_them = [update(n, weight=w, expires=end) for (n, w, _), end in zip(many, ends, strict=True)]
    found = choose(all_of_them, NOW)
    live = [one for one in all_of_them if is_shown(one, NOW)]
    assert len(found) == min(SHOWN, len(live))
    assert all(is_shown(one, NOW) for one in found)
    assert [one.published for one in found] == sorted((one.published for one in found), reverse=True)
    if live:
        assert found[0].published == max(one.published for one in live)


@pytest.mark.parametrize("status", [WAITING, REMOVED])
def test_what_is_not_live_is_not_shown(status: str) -> None:
    assert choose([update(1, status=status)], NOW) == ()


def test_it_ends_at_its_end() -> None:
    assert not is_shown(update(1, expires=moment_text(NOW)), NOW)
    assert is_shown(update(1, expires=moment_text(NOW + timedelta(milliseconds=1))), NOW)


def test_readers_learn_what_the_contract_says_and_no_more() -> None:
    assert set(public_form(update(1))) == {"id", "headline", "summary", "url", "topic", "published"}


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_text_order_of_moments_is_time_order(one: datetime, other: datetime) -> None:
    one, other = (m.replace(microsecond=m.microsecond // 1000 * 1000) for m in (one, other))
    assert (moment_text(one) < moment_text(other)) == (one < other)
    assert datetime.fromisoformat(moment_text(one)) == one


# --- The same again ---


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Strait reopens to traffic", "Strait reopens to traffic"),
        ("Strait reopens to traffic", "STRAIT REOPENS TO TRAFFIC!"),
        ("Traffic: strait reopens", "Strait reopens: traffic"),
        ("Ceasefire in Denna holds for a third month", "Ceasefire in Denna still holds for a third month"),
        ("Überfall auf Züge", "Uberfall auf Zuge"),
    ],
)
def test_headlines_that_say_the_same(one: str, other: str) -> None:
    assert repeats(one, ["Something else", other])
    assert repeats(other, [one])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ceasefire holds on day 90", "Ceasefire holds on day 91"),
        ("Quake near Quiro kills 12 people in the night", "Quake near Quiro kills 15 people in the night"),
        ("Strait reopens", "Strait closes"),
        ("Strait reopens to traffic", "Ports reopen to traffic"),
        ("A", "B"),
    ],
)
def test_headlines_that_do_not(one: str, other: str) -> None:
    assert not repeats(one, [other])


# --- Other people's items ---


def entry(**values: Any) -> Entry:
    return Entry("id", "Headline", "", "https://e.org/a", NOW - timedelta(hours=1))._replace(**values)


def test_items_are_taken_oldest_first_and_only_so_many() -> None:
    many = [entry(id=str(n), published=NOW - timedelta(minutes=n)) for n in range(50)]
    assert [one.id for one in news_of(many, NOW, 5)] == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("moment", [None, NOW + timedelta(days=400)])
def test_no_date_or_one_to_come_is_now(moment: datetime | None) -> None:
    assert [one.published for one in news_of([entry(published=moment)], NOW, 9)] == [NOW]


@pytest.mark.parametrize(
    "wrong",
    [{"published": NOW - timedelta(days=2)}, {"headline": ""}, {"url": ""}, *({"url": url} for url in DANGEROUS[:6])],
)
def test_items_that_are_left_out(wrong: dict[str, Any]) -> None:
    assert news_of([entry(**wrong)], NOW, 9) == []


def test_long_text_ends_after_a_word() -> None:
    assert shorten("one two three", 13) == "one two three"
    assert shorten("one two three", 12) == "one two…"
    assert shorten("a\u202eb\n c", 9) == "a b c"


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


def file(text: str, site: Site = Site(timezone="Europe/Vienna")) -> tuple[Wish, datetime | None, list[str]]:  # noqa: B008
    made, date, warnings = parse_update_file(text.encode(), site, NOW)
    return made, date, [problem.key for problem in warnings]


def test_a_files_body_may_be_its_summary() -> None:
    made, date, warnings = file(FILE)
    end = "2026-11-30T23:00:00.000Z"
    assert made == Wish("From a file", "Two lines.", "https://example.org/x", "trade", 3, end)
    assert (date, warnings) == (None, [])


def test_a_file_may_have_a_date_and_a_summary_of_its_own() -> None:
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
        ("---\nheadline: H\ntopic: A B\n---\n", 3, "topic", "no topic"),
        ("---\nheadline: H\nweight: much\n---\n", 3, "weight", "0 to 9"),
        ("---\nheadline: H\nexpires: 2020-01-01\n---\n", 3, "expires", "past"),
        ("---\nheadline: H\ndate: 2027-01-01\n---\n", 3, "date", "future"),
        ("---\nheadline: H\ndate: once\n---\n", 3, "date", "not a date"),
        ("---\nheadline: [a, b]\n---\n", 2, "headline", "must be text"),
        (f"---\nheadline: H\n---\n{'long ' * 200}\n", 4, "summary", "the most"),
        ("---\nheadline: H\n---\n::: gate\nHidden.\n:::\n", 4, "gate", "public as a whole"),
    ],
)
def test_what_is_wrong_with_a_file_has_a_line_and_a_key(text: str, line: int, key: str, words: str) -> None:
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


def test_settings_from_before_there_were_feeds_are_read() -> None:
    known = {name: value for name, value in Site().to_json().items() if name != "feeds"}
    assert Site.from_json(known) == Site()


@pytest.mark.parametrize(
    ("feed", "key"),
    [
        ("{topic: a}", "feeds.url"),
        ("{url: 'http://e.org/'}", "feeds.url"),
        ("{url: 'file:///etc/passwd'}", "feeds.url"),
        ("{url: 'https://10.0.0.1/'}", "feeds.url"),
        ("{url: 'https://e.org/', topic: 'A B'}", "feeds.topic"),
        ("{url: 'https://e.org/', weight: 10}", "feeds.weight"),
        ("{url: 'https://e.org/', trusted: perhaps}", "feeds.trusted"),
        ("{url: 'https://e.org/'}\n- {url: 'https://e.org/'}", "feeds.url"),
        ("https://e.org/", "feeds"),
        ("\n- ".join(f"{{url: 'https://e.org/{n}'}}" for n in range(51)), "feeds"),
    ],
)
def test_feeds_that_will_not_do(feed: str, key: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_site(f"feeds:\n- {feed}\n".encode())
    assert {problem.key for problem in caught.value.problems} == {key}
