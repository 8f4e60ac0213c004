"""Memberships: normalised addresses, tiers and their ends, and sign-in links."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import hypothesis
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from nightdesk.adapters.memory import MemoryBus, MemoryTable
from nightdesk.domain.errors import Permanent
from nightdesk.domain.events import MembershipChanged
from nightdesk.domain.memberships import NEWSLETTERS, SESSION_SECONDS, Membership, member_id, normalise_address
from nightdesk.domain.site import Site
from nightdesk.domain.timestamps import parse_end
from nightdesk.domain.tokens import verify
from nightdesk.repositories.memberships_table import find_membership, suppression
from nightdesk.usecases.readers.members import (
    Grant,
    LinkSigner,
    choose_newsletters,
    delete,
    export,
    grant_to_address,
    sign_in_link,
    unsubscribe,
    unsubscribe_headers,
    update_membership,
)
from nightdesk.usecases.readers.sessions import new_session

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
        # IDNA 2008 keeps these letters, where IDNA 2003 made `fussball`, `σοφοσ` and a name without its joiner of them.
        ("a@fußball.example", "a@xn--fuball-cta.example"),
        ("a@σοφος.example", "a@xn--0xaajbq.example"),
        ("a@نامه\u200cای.example", "a@xn--mgba3gch31f060k.example"),
        ("a@FUSSBALL.example", "a@fussball.example"),
        ("a@ｎｅｗｓ。example", "a@news.example"),
        ("o'neil@a-b.example", "o'neil@a-b.example"),
        ("jörg@news.example", "jörg@news.example"),
        ("x@mail.sub.news.example", "x@mail.sub.news.example"),
    ],
)
def test_an_address_has_one_form(typed: str, known: str) -> None:
    assert normalise_address(typed) == known
    assert normalise_address(known) == known


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
        "a@news☃.example", "a@a\u200db.example", "a@\u0301b.example", "a@" + "ü" * 63 + ".example",
        "\U00010324@news.example", "read\u200ber@news.example",
        "reader@news.example\u2028Bcc: x", "reader\u2028@news.example", "reader@news.exa\u0085mple",
    ],
)  # fmt: skip
def test_invalid_addresses_are_refused(typed: str) -> None:
    with pytest.raises(Permanent, match="address"):
        normalise_address(typed)


@settings(deadline=None)
@hypothesis.given(
    st.one_of(st.text(max_size=60), st.emails(), st.tuples(st.text(max_size=10), st.text(max_size=20)).map("@".join))
)
def test_any_text_is_a_one_line_address_or_refused(typed: str) -> None:
    try:
        known = normalise_address(typed)
    except Permanent:
        return
    local, _, domain = known.rpartition("@")
    assert local
    assert domain.isascii()
    assert domain == domain.lower()
    assert not [char for char in known if char.isspace() or not char.isprintable() or char in '<>,;:"()[]\\']
    assert normalise_address(known) == known


def test_an_id_is_unique_and_does_not_reveal_the_address() -> None:
    one, two = member_id("a@news.example"), member_id("b@news.example")
    assert one != two
    assert one == member_id("a@news.example")
    assert len(one) == 32
    assert "news" not in one


def given(tier: str, until: str = "") -> dict[str, str]:
    """Return a tier as a membership stores it."""
    return {"tier": tier, "until": until}


SOON, PAST = "2026-11-23T12:00:01+00:00", "2026-11-23T12:00:00+00:00"
TIERS = Site(tiers=("public", "subscriber", "member", "patron"))


@pytest.mark.parametrize(
    ("facts", "standing"),
    [
        ({}, ("public", "", "")),
        ({"confirmed": PAST}, ("subscriber", "confirmed", "")),
        ({"complimentary": given("member")}, ("member", "complimentary", "")),
        ({"complimentary": given("member", SOON)}, ("member", "complimentary", SOON)),
        ({"complimentary": given("member", PAST)}, ("public", "", "")),
        ({"complimentary": given("member", "2026-11-23T13:00:00+01:00")}, ("public", "", "")),
        ({"complimentary": given("member", PAST), "confirmed": PAST}, ("subscriber", "confirmed", "")),
        ({"complimentary": given("subscriber"), "confirmed": PAST}, ("subscriber", "confirmed", "")),
        ({"paid": given("member", SOON), "confirmed": PAST}, ("member", "paid", SOON)),
        ({"paid": given("member", PAST), "complimentary": given("member", SOON)}, ("member", "complimentary", SOON)),
        ({"paid": given("member", SOON), "complimentary": given("patron", SOON)}, ("patron", "complimentary", SOON)),
        ({"paid": given("member", "2027-01-01T00:00:00+00:00"), "complimentary": given("member", SOON)},
         ("member", "paid", "2027-01-01T00:00:00+00:00")),
        ({"paid": given("member", SOON), "complimentary": given("member")}, ("member", "complimentary", "")),
        ({"complimentary": given("founder")}, ("public", "", "")),
    ],
)  # fmt: skip
def test_the_highest_tier_counts(facts: dict[str, Any], standing: tuple[str, str, str]) -> None:
    membership = Membership("reader@news.example", **facts)
    assert membership.entitlement(TIERS, NOW) == standing
    assert Membership.from_item(json.loads(json.dumps(membership.to_item()))) == membership


def test_a_site_without_the_tier_has_no_subscribers() -> None:
    membership = Membership("reader@news.example", confirmed=PAST)
    assert membership.entitlement(Site(tiers=("public", "member")), NOW).tier == "public"


class Newsroom:
    """Grants memberships and signs links with a table, a bus and a key in memory."""

    def __init__(self) -> None:
        self.table, self.bus = MemoryTable(), MemoryBus()
        self.memberships = self.table

    def grant(self, address: str, tier: str, until: str = "") -> dict[str, Any]:
        return grant_to_address(address, Grant(tier, until), Site(), self)

    def link(self, address: str, now: datetime = NOW) -> dict[str, Any]:
        return sign_in_link(address, LinkSigner("https://news.example/", KEY, "2"), Site(), self.table, now)

    def claims(self, url: str) -> dict[str, Any] | None:
        token = parse_qs(urlsplit(url).query)["session"][0]
        return verify(token, {"2": KEY}, int(NOW.timestamp()))


def test_a_sign_in_link_carries_the_current_tier() -> None:
    newsroom = Newsroom()
    known = newsroom.grant("Reader@News.example", "member", "2026-12-01T00:00:00+00:00")
    assert known == {
        "id": member_id("reader@news.example"),
        "email": "reader@news.example",
        "tier": "member",
        "until": "2026-12-01T00:00:00+00:00",
        "source": "complimentary",
    }
    link = newsroom.link(" reader@news.EXAMPLE")
    assert link["url"].startswith("https://news.example/signin/?session=")
    expiry = int(NOW.timestamp()) + SESSION_SECONDS
    # Bound to the sign-in page, so that a session cannot be passed on as a link.
    made = int(NOW.timestamp())
    assert newsroom.claims(link["url"]) == {"t": "member", "s": known["id"], "e": expiry, "p": "/signin/", "a": made}
    assert "news" not in str(newsroom.claims(link["url"])).replace("/signin/", "")
    assert newsroom.link("reader@news.example", NOW + timedelta(days=30))["tier"] == "public"


def test_a_session_lasts_an_hour_at_most() -> None:
    assert 0 < SESSION_SECONDS <= 3600


@pytest.mark.parametrize("tier", ["public", "friend", "", "MEMBER"])
def test_only_a_tier_above_public_can_be_granted(tier: str) -> None:
    newsroom = Newsroom()
    with pytest.raises(Permanent):
        newsroom.grant("reader@news.example", tier)
    with pytest.raises(Permanent):
        newsroom.link("reader@news.example")
    assert not newsroom.bus.events


def test_a_grant_replaces_the_earlier_grant_only() -> None:
    newsroom = Newsroom()
    known = newsroom.grant("reader@news.example", "subscriber")
    update_membership(
        known["id"], newsroom.table, lambda m: replace(m, paid=given("member", SOON), newsletters=("newsletter",))
    )
    newsroom.grant("READER@news.example", "member")
    found = find_membership(newsroom.table, known["id"])
    assert found
    assert (found[0].complimentary, found[0].paid) == (given("member"), given("member", SOON))
    assert found[0].newsletters == ("newsletter",)
    assert list(newsroom.bus.events) == [MembershipChanged(known["id"])] * 2


def test_a_paying_reader_cannot_be_deleted() -> None:
    newsroom = Newsroom()
    member = newsroom.grant("reader@news.example", "member")["id"]
    for state in ("renewing", "overdue"):
        update_membership(
            member, newsroom.table, lambda m, s=state: replace(m, paid={**given("member", SOON), "state": s})
        )
        with pytest.raises(Permanent, match="paid"):
            delete(member, newsroom, NOW)
    update_membership(member, newsroom.table, lambda m: replace(m, paid={**given("member", SOON), "state": "ending"}))
    delete(member, newsroom, NOW)
    assert newsroom.table.query(f"member#{member}") == []
    assert suppression(newsroom.table, member) == "deleted"


def test_newsletters_go_to_confirmed_addresses_only() -> None:
    newsroom = Newsroom()
    member = newsroom.grant("reader@news.example", "member")["id"]
    with pytest.raises(Permanent, match="confirmed"):
        choose_newsletters(member, {"newsletter": True}, newsroom)
    assert not choose_newsletters(member, {"newsletter": False}, newsroom).newsletters
    update_membership(member, newsroom.table, lambda m: replace(m, confirmed=PAST))
    assert choose_newsletters(member, {"newsletter": True}, newsroom).receives("newsletter")
    wanted = Membership("reader@news.example", newsletters=NEWSLETTERS)
    assert not wanted.receives("newsletter"), "the address is not confirmed"
    assert not replace(wanted, confirmed=PAST).receives("another")


def test_no_item_contains_the_address_of_a_deleted_reader() -> None:
    newsroom = Newsroom()
    member = newsroom.grant("reader@news.example", "member")["id"]
    newsroom.table.write([new_session(member, 0, "s" * 43, NOW).change])
    assert [len(newsroom.table.query(f"member#{member}")), len(export(member, newsroom.table)["sessions"])] == [2, 1]
    delete(member, newsroom, NOW)
    assert "news.example" not in repr(newsroom.table._items)
    assert export(member, newsroom.table) == {"id": member, "membership": None, "sessions": []}


def test_an_export_contains_everything_but_secrets() -> None:
    newsroom = Newsroom()
    member = newsroom.grant("reader@news.example", "member")["id"]
    update_membership(member, newsroom.table, lambda m: replace(m, unsubscribe="secret-of-links"))
    session = new_session(member, 0, "s" * 43, NOW)
    newsroom.table.write([session.change])
    found = export(member, newsroom.table)
    assert found["membership"]["email"] == "reader@news.example"
    assert found["sessions"] == [{"began": NOW.isoformat(), "generation": 0}]
    assert not [
        word
        for word in ("secret-of-links", session.cookie.partition(".")[2], session.digest)
        if word in json.dumps(found)
    ]


def test_one_click_unsubscribe_ends_newsletters_only() -> None:
    newsroom = Newsroom()
    member = newsroom.grant("reader@news.example", "member")["id"]
    wanted = update_membership(
        member, newsroom.table, lambda m: replace(m, unsubscribe="k" * 32, newsletters=NEWSLETTERS)
    )
    headers = unsubscribe_headers(member, wanted, "https://news.example/")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"] == f"<https://news.example/api/unsubscribe?reader={member}&key={'k' * 32}>"
    for reader, key in ((member, "k" * 31), (member, ""), ("0" * 32, "k" * 32), ("", ""), (member, "é")):
        assert not unsubscribe(reader, key, newsroom)
    assert unsubscribe(member, "k" * 32, newsroom)
    found = find_membership(newsroom.table, member)
    assert found
    assert found[0] == replace(wanted, newsletters=())


@pytest.mark.parametrize(
    ("typed", "end"),
    [
        ("2026-12-01", "2026-12-01T23:59:59+01:00"),
        (" 2026-3-29 ", "2026-03-29T23:59:59+02:00"),  # the clocks go forward on this day
        ("2026-12-01T00:00", "2026-12-01T00:00:00+01:00"),
        ("2026-12-01 12:30Z", "2026-12-01T12:30:00+00:00"),
        ("2026-12-01Z", "2026-12-01T23:59:59+00:00"),
    ],
)
def test_a_day_without_an_hour_ends_with_its_last_second(typed: str, end: str) -> None:
    assert parse_end(typed, ZoneInfo("Europe/Vienna")).isoformat() == end


def test_an_item_has_every_attribute_since_a_table_keeps_those_that_a_write_leaves_out() -> None:
    assert set(Membership("ada@news.example").to_item()) == set(Membership.__slots__)
