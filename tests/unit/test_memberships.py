"""Memberships: one form of an address, tiers that end, and links for complimentary readers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import hypothesis
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from nightdesk.adapters.memory import MemoryBus, MemoryTable
from nightdesk.domain.errors import Permanent
from nightdesk.domain.memberships import NEWSLETTERS, SESSION_SECONDS, Membership, member_id, normalise
from nightdesk.domain.site import Site
from nightdesk.domain.tokens import verify
from nightdesk.usecases.members import (
    change,
    choose,
    delete,
    export,
    grant,
    membership_of,
    sign_in_link,
    suppressed,
    unsubscribe,
    unsubscribe_headers,
)
from nightdesk.usecases.ports import Event
from nightdesk.usecases.sessions import begin

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
@hypothesis.given(
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


def given(tier: str, until: str = "") -> dict[str, str]:
    """A tier that something gives."""
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
def test_the_highest_of_what_a_reader_was_given_counts(facts: dict[str, Any], standing: tuple[str, str, str]) -> None:
    membership = Membership("reader@news.example", **facts)
    assert membership.standing(TIERS, NOW) == standing
    assert Membership.from_item(json.loads(json.dumps(membership.to_item()))) == membership


def test_a_site_without_subscribers_has_none() -> None:
    membership = Membership("reader@news.example", confirmed=PAST)
    assert membership.standing(Site(tiers=("public", "member")), NOW).tier == "public"


class World:
    """A table, a bus and a key."""

    def __init__(self) -> None:
        self.table, self.bus = MemoryTable(), MemoryBus()

    def grant(self, address: str, tier: str, until: str = "") -> dict[str, Any]:
        return grant(address, tier, until, Site(), self.table, self.bus)

    def link(self, address: str, now: datetime = NOW) -> dict[str, Any]:
        return sign_in_link(address, Site(), "https://news.example/", (KEY, "2"), self.table, now)

    def claims(self, url: str) -> dict[str, Any] | None:
        token = parse_qs(urlsplit(url).query)["session"][0]
        return verify(token, {"2": KEY}, int(NOW.timestamp()))


def test_a_link_signs_a_reader_in_with_the_tier_of_the_moment() -> None:
    world = World()
    known = world.grant("Reader@News.example", "member", "2026-12-01T00:00:00+00:00")
    assert known == {
        "id": member_id("reader@news.example"),
        "email": "reader@news.example",
        "tier": "member",
        "until": "2026-12-01T00:00:00+00:00",
        "source": "complimentary",
    }
    link = world.link(" reader@news.EXAMPLE")
    assert link["url"].startswith("https://news.example/signin/?session=")
    expiry = int(NOW.timestamp()) + SESSION_SECONDS
    # Bound to the page that makes a session of it, so a session cannot be handed on as such a link.
    assert world.claims(link["url"]) == {"t": "member", "s": known["id"], "e": expiry, "p": "/signin/"}
    assert "news" not in str(world.claims(link["url"])).replace("/signin/", "")
    assert world.link("reader@news.example", NOW + timedelta(days=30))["tier"] == "public"


def test_a_session_lasts_an_hour_at_most() -> None:
    assert 0 < SESSION_SECONDS <= 3600


@pytest.mark.parametrize("tier", ["public", "friend", "", "MEMBER"])
def test_only_a_tier_that_opens_something_can_be_given(tier: str) -> None:
    world = World()
    with pytest.raises(Permanent):
        world.grant("reader@news.example", tier)
    with pytest.raises(Permanent):
        world.link("reader@news.example")
    assert not world.bus.events


def test_a_later_grant_replaces_an_earlier_one_and_leaves_the_rest() -> None:
    world = World()
    known = world.grant("reader@news.example", "subscriber")
    change(known["id"], world.table, lambda m: replace(m, paid=given("member", SOON), newsletters=("newsletter",)))
    world.grant("READER@news.example", "member")
    found = membership_of(known["id"], world.table)
    assert found
    assert (found[0].complimentary, found[0].paid) == (given("member"), given("member", SOON))
    assert found[0].newsletters == ("newsletter",)
    assert list(world.bus.events) == [Event("MembershipChanged", {"id": known["id"]})] * 2


def test_a_reader_who_pays_is_not_forgotten_before_that_is_ended() -> None:
    world = World()
    member = world.grant("reader@news.example", "member")["id"]
    for state in ("renewing", "overdue"):
        change(member, world.table, lambda m, s=state: replace(m, paid={**given("member", SOON), "state": s}))
        with pytest.raises(Permanent, match="paid"):
            delete(member, world.table, world.bus, NOW)
    change(member, world.table, lambda m: replace(m, paid={**given("member", SOON), "state": "ending"}))
    delete(member, world.table, world.bus, NOW)
    assert world.table.query(f"member#{member}") == []
    assert suppressed(member, world.table) == "deleted"


def test_newsletters_go_to_confirmed_addresses_alone() -> None:
    world = World()
    member = world.grant("reader@news.example", "member")["id"]
    with pytest.raises(Permanent, match="confirmed"):
        choose(member, {"newsletter": True}, world.table, world.bus)
    assert not choose(member, {"newsletter": False}, world.table, world.bus).newsletters
    change(member, world.table, lambda m: replace(m, confirmed=PAST))
    assert choose(member, {"newsletter": True}, world.table, world.bus).gets("newsletter")
    wanted = Membership("reader@news.example", newsletters=NEWSLETTERS)
    assert not wanted.gets("newsletter"), "of an editor's own making, say"
    assert not replace(wanted, confirmed=PAST).gets("another")


def test_of_a_forgotten_reader_no_row_tells_the_address() -> None:
    world = World()
    member = world.grant("reader@news.example", "member")["id"]
    _, session = begin(member, 0, NOW)
    world.table.write([session])
    assert [len(world.table.query(f"member#{member}")), len(export(member, world.table)["sessions"])] == [2, 1]
    delete(member, world.table, world.bus, NOW)
    assert "news.example" not in repr(world.table._items)
    assert export(member, world.table) == {"id": member, "membership": None, "sessions": []}


def test_an_export_holds_what_is_known_and_no_secret() -> None:
    world = World()
    member = world.grant("reader@news.example", "member")["id"]
    change(member, world.table, lambda m: replace(m, unsubscribe="secret-of-links"))
    cookie, session = begin(member, 0, NOW)
    world.table.write([session])
    found = export(member, world.table)
    assert found["membership"]["email"] == "reader@news.example"
    assert found["sessions"] == [{"began": NOW.isoformat(), "generation": 0}]
    assert not [word for word in ("secret-of-links", cookie.partition(".")[2], session.sk) if word in json.dumps(found)]


def test_one_click_ends_newsletters_and_nothing_else() -> None:
    world = World()
    member = world.grant("reader@news.example", "member")["id"]
    wanted = change(member, world.table, lambda m: replace(m, unsubscribe="k" * 32, newsletters=NEWSLETTERS))
    headers = unsubscribe_headers(member, wanted, "https://news.example/")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"] == f"<https://news.example/api/unsubscribe?reader={member}&key={'k' * 32}>"
    for reader, key in ((member, "k" * 31), (member, ""), ("0" * 32, "k" * 32), ("", ""), (member, "é")):
        assert not unsubscribe(reader, key, world.table, world.bus)
    assert unsubscribe(member, "k" * 32, world.table, world.bus)
    found = membership_of(member, world.table)
    assert found
    assert found[0] == replace(wanted, newsletters=())
