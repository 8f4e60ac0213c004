"""Memberships: one form of an address, tiers that end, and links for complimentary readers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightdesk.adapters.memory import MemoryTable
from nightdesk.domain.errors import Permanent
from nightdesk.domain.memberships import SESSION_SECONDS, member_id, normalise, tier_at
from nightdesk.domain.site import Site
from nightdesk.domain.tokens import verify
from nightdesk.usecases.members import KEY_ID, grant, sign_in_link

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = "k" * 48


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("reader@news.example", "reader@news.example"),
        ("  Reader.Name+Tag@News.EXAMPLE \n", "reader.name+tag@news.example"),
        ("a@münchen.example", "a@xn--mnchen-3ya.example"),
        ("a@MÜNCHEN.example", "a@xn--mnchen-3ya.example"),
        ("a@xn--mnchen-3ya.example", "a@xn--mnchen-3ya.example"),
        ("o'neil@a-b.example", "o'neil@a-b.example"),
        ("jörg@news.example", "jörg@news.example"),
        ("x@mail.sub.news.example", "x@mail.sub.news.example"),
    ],
)
def test_an_address_has_one_form(typed: str, known: str) -> None:
    assert normalise(typed) == known
    assert normalise(known) == known


@pytest.mark.parametrize(
    "typed",
    [
        "", "reader", "@news.example", "reader@", "reader@localhost", "a@b@c.example", "a b@news.example",
        "reader@news..example", "reader@.example", "reader@news.example.", "reader@-news.example", "reader@news-.example",
        "reader@news.e", "reader@[127.0.0.1]", "reader@news_desk.example", '"quoted"@news.example', "a,b@news.example",
        "Name <reader@news.example>", "reader@news.example,other@news.example", "reader@news.example;",
        "reader@news.example\r\nBcc: all@news.example", "rea\nder@news.example", "reader@ne\tws.example",
        "reader\x00@news.example", "reader@news.example\x7f", "x" * 65 + "@news.example", "a@" + "b" * 64 + ".example",
        "a@" + "b." * 130 + "example", "a(comment)@news.example", "a\\@news.example", "a:b@news.example",
        "reader@news.example\u2028Bcc: x", "reader\u2028@news.example", "reader@news.exa\u0085mple",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(Permanent, match="address"):
        normalise(typed)


@settings(deadline=None)
@given(
    st.one_of(st.text(max_size=60), st.emails(), st.tuples(st.text(max_size=10), st.text(max_size=20)).map("@".join))
)
def test_whatever_is_typed_is_an_address_for_one_line_or_refused(typed: str) -> None:
    try:
        known = normalise(typed)
    except Permanent:
        return
    local, _, domain = known.rpartition("@")
    assert local
    assert domain.isascii()
    assert domain == domain.lower()
    assert not [char for char in known if char.isspace() or not char.isprintable() or char in '<>,;:"()[]\\']
    assert normalise(known) == known


def test_an_id_tells_readers_apart_and_does_not_tell_who_they_are() -> None:
    one, two = member_id("a@news.example"), member_id("b@news.example")
    assert one != two
    assert one == member_id("a@news.example")
    assert len(one) == 32
    assert "news" not in one


@pytest.mark.parametrize(
    ("membership", "tier"),
    [
        (None, "public"),
        ({}, "public"),
        ({"tier": "member"}, "member"),
        ({"tier": "member", "until": ""}, "member"),
        ({"tier": "member", "until": "2026-11-23T12:00:01+00:00"}, "member"),
        ({"tier": "member", "until": "2026-11-23T12:00:00+00:00"}, "public"),
        ({"tier": "member", "until": "2026-11-23T13:00:00+01:00"}, "public"),
        ({"tier": "member", "until": "2020-01-01T00:00:00+00:00"}, "public"),
    ],
)
def test_a_membership_gives_its_tier_until_it_ends(membership: dict[str, str] | None, tier: str) -> None:
    assert tier_at(membership, NOW) == tier


def claims_of(url: str) -> dict[str, object] | None:
    token = parse_qs(urlsplit(url).query)["session"][0]
    return verify(token, {KEY_ID: KEY}, int(NOW.timestamp()))


def test_a_link_signs_a_reader_in_with_the_tier_of_the_moment() -> None:
    table = MemoryTable()
    given_ = grant("Reader@News.example", "member", "2026-12-01T00:00:00+00:00", Site(), table)
    assert (given_["email"], given_["tier"], given_["source"]) == ("reader@news.example", "member", "complimentary")
    link = sign_in_link(" reader@news.EXAMPLE", "https://news.example/", KEY, table, NOW)
    assert link["url"].startswith("https://news.example/signin/?session=")
    claims = claims_of(link["url"])
    assert claims == {"t": "member", "s": given_["id"], "e": int(NOW.timestamp()) + SESSION_SECONDS}
    assert "news" not in str(claims)
    late = sign_in_link("reader@news.example", "https://news.example", KEY, table, NOW + timedelta(days=30))
    assert late["tier"] == "public"


def test_a_session_lasts_an_hour_at_most() -> None:
    assert 0 < SESSION_SECONDS <= 3600


@pytest.mark.parametrize("tier", ["public", "friend", "", "MEMBER"])
def test_only_a_tier_that_opens_something_can_be_given(tier: str) -> None:
    table = MemoryTable()
    with pytest.raises(Permanent):
        grant("reader@news.example", tier, "", Site(), table)
    with pytest.raises(Permanent):
        sign_in_link("reader@news.example", "https://news.example", KEY, table, NOW)


def test_a_later_grant_replaces_an_earlier_one() -> None:
    table = MemoryTable()
    grant("reader@news.example", "subscriber", "", Site(), table)
    grant("READER@news.example", "member", "", Site(), table)
    assert sign_in_link("reader@news.example", "https://news.example", KEY, table, NOW)["tier"] == "member"
