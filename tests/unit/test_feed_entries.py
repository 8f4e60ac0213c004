"""Entries of feeds: which are usable, which are the same, and how those that are left out are described."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nightdesk.domain.feeds import (
    LONG_LINK,
    NO_LINK,
    NO_TEXT,
    NOT_HTTPS,
    NOT_PUBLIC,
    REPEAT_WINDOW,
    UNDECODED,
    UNTITLED_HEADLINE,
    Entry,
    describe_left_out,
    fault_of,
    headline_from,
    identify,
    repeats_headline,
    repeats_update,
)
from nightdesk.domain.timestamps import iso_utc_milliseconds
from nightdesk.domain.updates import LIVE, Update

NOW = datetime(2026, 11, 24, 5, 38, tzinfo=UTC)


def entry(**values: Any) -> Entry:
    return Entry("id", "Headline", "", "https://e.org/a", NOW - timedelta(hours=1))._replace(**values)


# --- Entries that are left out ---


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, ""),
        ({"headline": ""}, NO_TEXT),
        ({"url": ""}, NO_LINK),
        ({"url": "http://e.org/a"}, NOT_HTTPS),
        ({"url": "javascript:alert(1)"}, NOT_HTTPS),
        ({"url": "/a"}, NOT_HTTPS),
        ({"url": "https://e.org/" + "a" * 2000}, LONG_LINK),
        ({"url": "https://10.0.0.1/"}, NOT_PUBLIC),
        ({"url": "https://user@e.org/"}, NOT_PUBLIC),
        ({"headline": "Caf\ufffd opens"}, UNDECODED),
        ({"summary": "Caf\ufffd"}, UNDECODED),
    ],
)
def test_the_reason_why_an_entry_is_left_out(values: dict[str, Any], reason: str) -> None:
    assert fault_of(entry(**values)) == reason


def test_the_description_of_entries_that_were_left_out() -> None:
    assert describe_left_out(20, {}) == ""
    assert describe_left_out(20, {NOT_HTTPS: 20}) == "20 items, none usable: links are not https"
    assert describe_left_out(20, {NOT_HTTPS: 3}) == "20 items, 3 left out: links are not https"
    assert describe_left_out(1, {NO_LINK: 1}) == "1 item, none usable: no link"
    assert (
        describe_left_out(9, {NO_LINK: 1, NOT_HTTPS: 4}) == "9 items, 5 left out: links are not https (4), no link (1)"
    )


# --- Entries without a title ---


@pytest.mark.parametrize(
    ("text", "headline", "summary"),
    [
        ("", "", ""),
        ("The bridge is open again.", "The bridge is open again.", ""),
        (
            "The bridge is open again. " + "Lorries wait on both banks. " * 8,
            "The bridge is open again.",
            "The bridge is open again. " + "Lorries wait on both banks. " * 8,
        ),
        ("“Is it over?” " + "asked the mayor " * 20, None, "“Is it over?” " + "asked the mayor " * 20),
        (
            "桥梁今天早上重新开放，交通恢复正常。" + "卡车在两岸等候。" * 30,
            "桥梁今天早上重新开放，交通恢复正常。",
            None,
        ),
    ],
)
def test_an_untitled_entry_gets_a_headline_from_its_text(text: str, headline: str | None, summary: str | None) -> None:
    made, rest = headline_from(text)
    assert headline is None or made == headline
    assert summary is None or rest == summary
    assert len(made) <= UNTITLED_HEADLINE


def test_a_headline_from_text_without_sentences_ends_after_a_word() -> None:
    made, rest = headline_from("word " * 100)
    assert made.endswith(" word…")
    assert rest == "word " * 100


# --- Identity ---


def keys(*entries: Entry, shared: dict[str, int] | None = None) -> list[str]:
    return [one.key for one in identify(entries, shared or {})[0]]


def test_an_entry_is_known_by_its_guid() -> None:
    assert keys(entry(id="1"), entry(id="2")) == ["1", "2"]
    assert keys(entry(id="1", summary="new"), entry(id="1", summary="old")) == ["1"]


def test_entries_that_share_a_guid_are_known_by_their_links() -> None:
    one, other = entry(url="https://e.org/1"), entry(url="https://e.org/2")
    assert len(set(keys(one, other))) == 2
    assert keys(one, other)[0] == keys(one._replace(headline="Corrected"), other)[0]


def test_entries_that_share_guid_and_link_are_known_by_their_headlines() -> None:
    assert len(set(keys(entry(headline="One"), entry(headline="Two"), entry(headline="Three")))) == 3


def test_a_shared_guid_is_remembered() -> None:
    one, other = entry(url="https://e.org/1"), entry(url="https://e.org/2")
    both, shared = identify([one, other], {})
    [alone], again = identify([one], shared)
    assert alone.key == both[0].key
    assert again == shared
    assert keys(entry(id="unique"), one, shared=shared)[0] == "unique"


# --- Repeated headlines ---


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
def test_similar_headlines_repeat_each_other(one: str, other: str) -> None:
    assert repeats_headline(one, ["Something else", other])
    assert repeats_headline(other, [one])


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
def test_different_headlines_do_not_repeat_each_other(one: str, other: str) -> None:
    assert not repeats_headline(one, [other])


def update(**values: Any) -> Update:
    made = Update(
        "u", "Gale warning for the north coast", "", "https://e.org/gale/1", "", 0,
        iso_utc_milliseconds(NOW), iso_utc_milliseconds(NOW + timedelta(days=30)), "feed:https://e.org/rss", LIVE,
    )  # fmt: skip
    return replace(made, **values)


SAME = "feed:https://e.org/rss"


@pytest.mark.parametrize(
    ("url", "hours", "source", "repeats"),
    [
        ("https://e.org/gale/2", 0.1, SAME, False),
        ("https://e.org/gale/2", 24 * 7, SAME, False),
        ("https://e.org/gale/1", 1, SAME, True),
        ("https://e.org/gale/1", 24 * 7, SAME, False),
        ("https://f.org/gale", 1, "feed:https://f.org/rss", True),
        ("https://f.org/gale", -1, "feed:https://f.org/rss", True),
        ("https://f.org/gale", REPEAT_WINDOW.total_seconds() / 3600 + 1, "feed:https://f.org/rss", False),
    ],
)
def test_a_recurring_alert_is_news_and_a_second_report_is_not(
    url: str, hours: float, source: str, repeats: bool
) -> None:
    moment = NOW + timedelta(hours=hours)
    one = entry(headline="Gale warning for north coast", url=url)
    assert repeats_update(one, moment, source, [update()]) is repeats
    assert not repeats_update(one._replace(headline="Snow on the passes"), moment, source, [update()])
