"""Sign-in, sessions and links over the real use cases, with tables in memory: what may happen once, and what never."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from nightdesk.adapters.memory import MemoryBus, MemoryObjects, MemoryTable
from nightdesk.domain.errors import Conflict, Permanent
from nightdesk.domain.mail import Mail
from nightdesk.domain.memberships import SESSION_SECONDS, member_id
from nightdesk.domain.site import Site, is_return_path
from nightdesk.domain.tokens import verify
from nightdesk.usecases import links, members, sessions, sign_in
from nightdesk.usecases.limits import network, within
from nightdesk.usecases.ports import Change, Limits, ReaderPorts

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
SITE = Site()
KEYS = {"1": "a" * 48, "2": "b" * 48}
ADA = "ada@news.example"


class Desk:
    """Readers' ports in memory; jobs are done at once, and mail is kept."""

    def __init__(self, limits: Limits | None = None, can_mail: bool = True) -> None:
        self.table, self.bus = MemoryTable(), MemoryBus()
        self.sent: list[Mail] = []
        self.jobs: list[Mapping[str, Any]] = []
        self.now = NOW
        self.ports = ReaderPorts(
            self.table, MemoryObjects(), self.bus, self, self, KEYS, "1", "https://news.example", can_mail,
            limits or Limits(),
        )  # fmt: skip

    def send(self, mail: Mail) -> None:
        self.sent.append(mail)

    def start(self, job: Mapping[str, Any]) -> None:
        self.jobs.append(json.loads(json.dumps(job)))

    def ask(self, address: str = ADA, caller: str = "192.0.2.1", **more: Any) -> str:
        """Ask for a mail; the asking browser's cookie."""
        cookie = sign_in.ask(
            address, more.get("newsletter", False), more.get("return_to", "/"), caller, "https://news.example", self.ports,
            self.now,
        )  # fmt: skip
        self.work()
        return cookie

    def work(self) -> None:
        while self.jobs:
            sign_in.send(self.jobs.pop(0), self.write, self.ports, self.now)

    def write(self, email: str, link: str, code: str) -> Mail:
        return Mail(email, "News", "", link, code)

    def mailed(self) -> tuple[str, str]:
        """Token and code of the newest mail."""
        mail = self.sent[-1]
        return mail.text.partition("token=")[2], mail.html

    def by_link(self, token: str, *browsers: str, elsewhere: bool = False) -> sign_in.SignedIn | None:
        return sign_in.by_link(token, browsers, elsewhere, self.ports, self.now)

    def by_code(self, code: str, *browsers: str) -> sign_in.SignedIn | None:
        return sign_in.by_code(code, browsers, self.ports, self.now)

    def signed_in(self, address: str = ADA) -> sign_in.SignedIn:
        """A reader who has signed in."""
        browser = self.ask(address)
        found = self.by_link(self.mailed()[0], browser)
        assert found
        return found

    def who(self, **cookies: str) -> sessions.Reader | None:
        named = {"session": sessions.SESSION, "renewal": sessions.RENEWAL}
        return sessions.who({named[name]: [value] for name, value in cookies.items()}, self.ports, self.now)


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- Asking ---


def test_a_mail_brings_a_link_and_a_code(desk: Desk) -> None:
    cookie = desk.ask("Ada@News.Example", return_to="/articles/x/#gate-1")
    [mail] = desk.sent
    assert mail.to == ADA
    assert re.fullmatch(rf"https://news\.example/api/signin/confirm\?token={member_id(ADA)}\.[\w-]{{43}}", mail.text)
    assert re.fullmatch(r"\d{6}", mail.html)
    assert re.fullmatch(rf"{member_id(ADA)}\.[\w-]{{43}}", cookie)


def test_secrets_are_long_and_only_their_digests_are_kept(desk: Desk) -> None:
    cookie = desk.ask()
    token, code = desk.mailed()
    stored = repr(desk.table._items)
    for secret in (token.partition(".")[2], cookie.partition(".")[2]):
        assert len(secret) * 6 >= 128
        assert secret not in stored
    assert f"'{code}'" not in stored
    signed_in = desk.by_link(token, cookie)
    assert signed_in
    assert signed_in.reader.renewal.partition(".")[2] not in repr(desk.table._items)
    tokens = {desk.mailed()[0] for _ in range(8) if desk.ask()}
    assert len(tokens) == 8


@pytest.mark.parametrize(
    "address", ["", "ada", "ada@news", "ada@news.example\r\nBcc: x@y.example", "<ada@news.example>"]
)
def test_what_is_no_address_is_refused_and_costs_nothing(desk: Desk, address: str) -> None:
    with pytest.raises(Permanent, match="address"):
        desk.ask(address)
    assert (desk.sent, repr(dict(desk.table._items))) == ([], "{}")


def test_without_a_sender_nobody_can_ask() -> None:
    with pytest.raises(Permanent, match="not set up"):
        Desk(can_mail=False).ask()


def note_calls(desk: Desk) -> list[str]:
    """The names of the ports' methods as they are called from now on."""
    seen: list[str] = []

    def noted(method: str, inner: Any) -> Any:
        return lambda *args, **named: (seen.append(method), inner(*args, **named))[1]

    for port, method in ((desk.table, "count"), (desk.table, "get"), (desk.table, "write"), (desk, "start")):
        setattr(port, method, noted(method, getattr(port, method)))
    return seen


def test_every_address_gets_the_same_work_before_the_answer() -> None:
    """Known, unknown, blocked, over its limit: the same calls in the same order. What differs is done afterwards."""
    calls = []
    for state in ("unknown", "known", "blocked", "deleted", "too often"):
        desk = Desk(Limits(per_address=1))
        if state == "known":
            desk.signed_in()
            desk.now += timedelta(hours=2)
        if state in ("blocked", "deleted"):
            members.suppress(member_id(ADA), state, desk.table, NOW)
        if state == "too often":
            desk.ask()
        sent, seen = len(desk.sent), note_calls(desk)
        cookie = sign_in.ask(ADA, False, "/", "192.0.2.1", "https://news.example", desk.ports, desk.now)
        calls.append((list(seen), re.sub(r"\..*", "", cookie)))
        desk.work()
        assert len(desk.sent) - sent == (0 if state in ("blocked", "too often") else 1), state
    assert [call == calls[0] for call in calls] == [True] * 5
    assert calls[0][0] == ["count"] * 3 + ["start"]


def test_limits_are_for_an_address_a_network_and_all() -> None:
    desk = Desk(Limits(per_address=2, per_network=4, overall=4))
    for _ in range(4):
        desk.ask()
    assert len(desk.sent) == 2, "the answer is the same, but no third mail is sent to one address"
    for _ in range(9):
        with pytest.raises(sign_in.TooMany):
            desk.ask("bo@news.example")
    # What a network asked for in vain has used up nothing of what all have together.
    desk.ask("bo@news.example", caller="192.0.2.2")
    desk.ask("cy@news.example", caller="2001:db8::1")
    with pytest.raises(sign_in.TooMany):
        desk.ask("di@news.example", caller="2001:db8:1::1")
    desk.now += timedelta(hours=1)
    desk.ask("di@news.example")
    assert [mail.to for mail in desk.sent[2:]] == ["bo@news.example", "cy@news.example", "di@news.example"]


def test_counters_end_by_themselves_and_name_nobody(desk: Desk) -> None:
    desk.ask()
    counters = [item for pk, items in desk.table._items.items() if pk.startswith("limit#") for item in items.values()]
    assert len(counters) == 3
    assert all(0 < item["ttl"] - NOW.timestamp() <= 7200 for item in counters)
    assert not [word for word in ("ada", "192.0.2.1") if word in repr(counters)]


def test_a_network_is_an_address_or_what_a_subscriber_has_of_ipv6() -> None:
    assert network("192.0.2.1") != network("192.0.2.2")
    assert network("2001:db8::1") == network("2001:db8::ffff:1") != network("2001:db8:0:1::1")
    assert network("junk") == network("") == "unknown"


def test_a_counter_counts_to_its_limit() -> None:
    table = MemoryTable()
    assert [within("x", "a", 2, table, NOW) for _ in range(4)] == [True, True, False, False]
    assert within("x", "b", 2, table, NOW)
    assert within("y", "a", 2, table, NOW)


# --- Confirming ---


def test_only_the_confirmed_click_makes_a_subscriber(desk: Desk) -> None:
    browser = desk.ask(newsletter=True, return_to="/articles/x/#gate-1")
    token, _ = desk.mailed()
    for _ in range(3):
        assert sign_in.look(token, [browser], desk.table, NOW) == sign_in.Asked(ADA, "/articles/x/#gate-1", True)
    assert members.membership_of(member_id(ADA), desk.table) is None
    assert not desk.bus.events
    found = desk.by_link(token, browser)
    assert found
    assert found.return_to == "/articles/x/#gate-1"
    assert found.reader.membership.standing(SITE, NOW).tier == "subscriber"
    assert found.reader.membership.newsletters == ("newsletter",)
    assert [event.detail for event in desk.bus.events] == [{"id": member_id(ADA)}]
    again = desk.who(renewal=found.reader.renewal)
    assert again == found.reader


def test_signing_in_alone_subscribes_to_nothing(desk: Desk) -> None:
    assert desk.signed_in().reader.membership.newsletters == ()
    desk.ask(newsletter=True)
    desk.by_link(desk.mailed()[0], elsewhere=True)
    assert desk.signed_in().reader.membership.newsletters == ("newsletter",), "and keeps what was subscribed to before"


def test_a_link_or_its_code_works_once(desk: Desk) -> None:
    for first in ("link", "code"):
        browser = desk.ask()
        token, code = desk.mailed()
        assert desk.by_link(token, browser) if first == "link" else desk.by_code(code, browser)
        assert desk.by_link(token, browser) is None
        assert desk.by_link(token, browser, elsewhere=True) is None
        assert desk.by_code(code, browser) is None
        assert sign_in.look(token, [browser], desk.table, NOW) is None


def test_the_newest_mail_voids_the_one_before(desk: Desk) -> None:
    first_browser = desk.ask()
    first, first_code = desk.mailed()
    browser = desk.ask()
    assert desk.by_link(first, first_browser, elsewhere=True) is None
    assert desk.by_code(first_code, first_browser) is None
    assert desk.by_link(desk.mailed()[0], browser)


@pytest.mark.parametrize(("minutes", "holds"), [(14.9, True), (15, False), (600, False)])
def test_a_link_holds_for_a_quarter_of_an_hour(desk: Desk, minutes: float, holds: bool) -> None:
    browser = desk.ask()
    token, code = desk.mailed()
    desk.now += timedelta(minutes=minutes)
    assert (sign_in.look(token, [browser], desk.table, desk.now) is not None) is holds
    if not holds:
        assert desk.by_code(code, browser) is None
    assert (desk.by_link(token, browser) is not None) is holds


def test_another_browser_has_to_say_so(desk: Desk) -> None:
    desk.ask()
    other = desk.ask("bo@news.example")
    desk.ask()
    token, code = desk.mailed()
    looked = sign_in.look(token, [other], desk.table, NOW)
    assert looked
    assert not looked.here
    for browsers in ((), (other,), ("junk",), (f"{member_id(ADA)}.junk",)):
        assert desk.by_link(token, *browsers) is None
        assert desk.by_code(code, *browsers) is None, "a code is good in its own browser alone"
    assert desk.by_link(token, elsewhere=True)


def test_a_planted_cookie_beside_the_right_one_does_no_harm(desk: Desk) -> None:
    browser = desk.ask()
    assert desk.by_code(desk.mailed()[1], "junk", f"{member_id(ADA)}.junk", browser)


def test_a_code_can_be_tried_five_times(desk: Desk) -> None:
    browser = desk.ask()
    token, code = desk.mailed()
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(4):
        assert desk.by_code(wrong, browser) is None
    assert desk.by_code(code, browser)
    browser = desk.ask()
    token, code = desk.mailed()
    for _ in range(5):
        assert desk.by_code(f"{(int(code) + 1) % 10**6:06}", browser) is None
    assert desk.by_code(code, browser) is None, "the right one comes too late"
    assert desk.by_link(token, browser), "and the link still holds"


def test_codes_cannot_be_guessed_by_asking_for_more_mails() -> None:
    desk = Desk(Limits(per_address=100))
    for _ in range(3):
        browser = desk.ask()
        code = desk.mailed()[1]
        for _ in range(4):
            assert desk.by_code(f"{(int(code) + 1) % 10**6:06}", browser) is None
    assert desk.by_code(code, browser) is None, "ten wrong ones within the hour are enough"
    browser = desk.ask("bo@news.example")
    assert desk.by_code(desk.mailed()[1], browser), "for one address"
    desk.now += timedelta(hours=1)
    browser = desk.ask()
    assert desk.by_code(desk.mailed()[1], browser)


def test_guesses_at_many_addresses_stop_codes_and_not_links() -> None:
    desk = Desk(Limits(per_network=1000, overall=100))
    for number in range(10):
        browser = desk.ask(f"reader{number}@news.example")
        assert desk.by_code(f"{(int(desk.mailed()[1]) + 1) % 10**6:06}", browser) is None
    browser = desk.ask()
    token, code = desk.mailed()
    assert desk.by_code(code, browser) is None
    assert desk.by_link(token, browser)


def test_a_try_is_counted_before_it_is_looked_at(desk: Desk) -> None:
    """Tries that come at the same moment do not share one count: who loses the conditional write has not guessed."""
    browser = desk.ask()
    _, code = desk.mailed()
    write, raced = desk.table.write, []

    def race(changes: Any) -> None:
        if not raced:
            raced.append(True)
            assert desk.by_code("000000", browser) is None
        write(changes)

    desk.table.write = race  # type: ignore[method-assign]
    assert desk.by_code(code, browser) is None
    assert desk.by_code(code, browser)


def test_of_two_tabs_that_confirm_at_once_one_wins(desk: Desk) -> None:
    browser = desk.ask()
    token, _ = desk.mailed()
    write, results = desk.table.write, []

    def race(changes: Any) -> None:
        if not results:
            results.append(None)
            results[0] = desk.by_link(token, browser)
        write(changes)

    desk.table.write = race  # type: ignore[method-assign]
    assert desk.by_link(token, browser) is None
    assert results[0]
    assert len(desk.table.query(f"member#{member_id(ADA)}", prefix="session#")) == 1


def test_a_membership_that_changes_meanwhile_is_not_written_over(desk: Desk) -> None:
    browser = desk.ask()
    token, _ = desk.mailed()
    write, done = desk.table.write, []

    def race(changes: Any) -> None:
        if not done:
            done.append(True)
            members.grant(ADA, "member", "", SITE, desk.table, desk.bus)
        write(changes)

    desk.table.write = race  # type: ignore[method-assign]
    found = desk.by_link(token, browser)
    assert found
    assert found.reader.membership.standing(SITE, NOW).tier == "member"


def test_ten_thousand_guesses_open_nothing(desk: Desk) -> None:
    desk.ask()
    chance, alphabet = random.Random(7), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    for number in range(10_000):
        secret = "".join(chance.choices(alphabet, k=43))
        token = f"{member_id(ADA)}.{secret}" if number % 2 else f"{chance.randbytes(16).hex()}.{secret}"
        assert desk.by_link(token, elsewhere=True) is None
        assert desk.who(renewal=token) is None
        assert links.exchange("gift", secret, SITE, desk.ports, NOW) is None


@hypothesis.given(st.one_of(st.text(max_size=80), st.just(member_id(ADA)), st.text(max_size=40).map(lambda t: f"{member_id(ADA)}.{t}")))  # fmt: skip
@hypothesis.settings(deadline=None)
def test_whatever_is_sent_is_no_error(text: str) -> None:
    desk = Desk()
    desk.ask()
    assert desk.by_link(text, text, elsewhere=True) is None
    assert desk.by_code(text, text) is None
    assert desk.who(renewal=text, session=text) is None


# --- Sessions ---


def claims_of(token: sessions.Token) -> dict[str, Any]:
    claims = verify(token.value, KEYS, int(NOW.timestamp()))
    assert claims
    return claims


def test_a_token_says_what_the_membership_gives_now(desk: Desk) -> None:
    reader = desk.signed_in().reader
    made = sessions.token(reader, SITE, desk.ports, NOW)
    assert made.seconds == SESSION_SECONDS
    assert claims_of(made) == {"t": "subscriber", "s": member_id(ADA), "e": int(NOW.timestamp()) + SESSION_SECONDS}
    until = NOW + timedelta(minutes=20)
    members.grant(ADA, "member", until.isoformat(), SITE, desk.table, desk.bus)
    reader = desk.who(session=made.value)
    assert reader
    made = sessions.token(reader, SITE, desk.ports, NOW)
    assert (claims_of(made)["t"], made.seconds) == ("member", 1200), "it ends when what it says ends"
    after = sessions.token(reader, SITE, desk.ports, until)
    claims = verify(after.value, KEYS, int(until.timestamp()))
    assert claims
    assert claims["t"] == "subscriber"


def test_a_session_lasts_while_it_is_used(desk: Desk) -> None:
    cookie = desk.signed_in().reader.renewal
    for _ in range(5):
        desk.now += timedelta(days=60)
        reader = desk.who(renewal=cookie)
        assert reader
        assert sessions.prolong(reader, desk.table, desk.now)
        assert not sessions.prolong(reader, desk.table, desk.now + timedelta(hours=1)), "once a day will do"
    desk.now += timedelta(days=90)
    assert desk.who(renewal=cookie) is None


def test_signing_out_ends_one_session_and_everywhere_all(desk: Desk) -> None:
    one, two = desk.signed_in(), desk.signed_in()
    token = sessions.token(two.reader, SITE, desk.ports, NOW).value
    first = desk.who(renewal=one.reader.renewal)
    assert first
    sessions.end(first, desk.table)
    assert desk.who(renewal=one.reader.renewal) is None
    second = desk.who(renewal=two.reader.renewal)
    assert second
    assert desk.who(session=token)
    sessions.end_all(second, desk.table)
    assert desk.who(renewal=two.reader.renewal) is None
    assert desk.who(session=token) is None, "a token of before is believed by the edge for its hour, and here no more"
    third = desk.signed_in()
    assert claims_of(sessions.token(third.reader, SITE, desk.ports, NOW))["g"] == 1
    assert desk.who(session=sessions.token(third.reader, SITE, desk.ports, NOW).value)


def test_a_session_that_escaped_signing_out_everywhere_is_of_an_earlier_generation(desk: Desk) -> None:
    found = desk.signed_in()
    desk.table.query = lambda *_, **__: []  # type: ignore[method-assign]  # it dies before it removes the sessions
    sessions.end_all(found.reader, desk.table)
    assert desk.who(renewal=found.reader.renewal) is None


def test_a_token_bound_to_a_path_signs_nobody_in(desk: Desk) -> None:
    desk.signed_in()
    link = members.sign_in_link(ADA, SITE, "https://news.example", (KEYS["1"], "1"), desk.table, NOW)["url"]
    assert desk.who(session=link.partition("session=")[2]) is None


def test_a_changed_key_signs_nobody_out(desk: Desk) -> None:
    found = desk.signed_in()
    old = sessions.token(found.reader, SITE, desk.ports, NOW).value
    desk.ports = replace(desk.ports, key_id="2")
    new = sessions.token(found.reader, SITE, desk.ports, NOW).value
    assert (old[:2], new[:2]) == ("1.", "2.")
    assert desk.who(session=old) == desk.who(session=new)
    desk.ports = replace(desk.ports, keys={"1": "c" * 48, "2": KEYS["2"]})
    assert desk.who(session=old) is None
    assert desk.who(session=old, renewal=found.reader.renewal) == found.reader


def test_a_forgotten_reader_is_signed_out_and_may_come_back(desk: Desk) -> None:
    found = desk.signed_in()
    token = sessions.token(found.reader, SITE, desk.ports, NOW).value
    members.delete(found.reader.id, desk.table, desk.bus, NOW)
    assert desk.who(renewal=found.reader.renewal, session=token) is None
    assert "news.example" not in repr(desk.table._items)
    assert desk.signed_in().reader.membership.email == ADA
    assert members.suppressed(member_id(ADA), desk.table) == ""


def test_a_blocked_address_stays_blocked(desk: Desk) -> None:
    browser = desk.ask()
    members.suppress(member_id(ADA), members.BLOCKED, desk.table, NOW)
    assert desk.by_link(desk.mailed()[0], browser)
    assert members.suppressed(member_id(ADA), desk.table) == members.BLOCKED


# --- Links ---


def secret_of(made: Mapping[str, Any]) -> str:
    return str(made["url"]).rpartition("=")[2]


def give(desk: Desk, kind: links.Kind = "gift", slug: str = "x", giver: str = "ed", days: float = 3) -> str:
    made = links.create(kind, slug, giver, NOW + timedelta(days=days), "https://news.example/", desk.table)
    folder = {"gift": "articles", "preview": "preview"}[kind]
    assert made["url"].startswith(f"https://news.example/{folder}/{slug}/?{kind}=")
    return secret_of(made)


def exchanged(desk: Desk, kind: links.Kind, secret: str) -> dict[str, Any] | None:
    path = links.exchange(kind, secret, SITE, desk.ports, desk.now)
    if path is None:
        return None
    address, _, token = path.partition(f"?{kind}=")
    claims = verify(token, KEYS, int(desk.now.timestamp()))
    assert claims
    assert claims["p"] == address
    return claims


def test_a_link_is_exchanged_for_a_token_of_its_article(desk: Desk) -> None:
    gift, preview = give(desk), give(desk, "preview")
    expiry = int(NOW.timestamp()) + SESSION_SECONDS
    assert exchanged(desk, "gift", gift) == {"t": "member", "s": "gift", "e": expiry, "p": "/articles/x/"}
    assert exchanged(desk, "preview", preview) == {"t": "member", "s": "preview", "e": expiry, "p": "/preview/x/"}
    assert exchanged(desk, "gift", preview) is None
    assert exchanged(desk, "preview", gift) is None
    assert not [secret for secret in (gift, preview) if secret in repr(desk.table._items)]


def test_a_token_does_not_outlive_its_link(desk: Desk) -> None:
    gift = give(desk, days=1)
    desk.now = NOW + timedelta(days=1) - timedelta(minutes=5)
    claims = exchanged(desk, "gift", gift)
    assert claims
    assert claims["e"] - int(desk.now.timestamp()) == 300
    desk.now = NOW + timedelta(days=1)
    assert exchanged(desk, "gift", gift) is None


def test_a_giver_has_one_live_link_for_an_article(desk: Desk) -> None:
    first, second = give(desk), give(desk)
    others = [give(desk, giver="other"), give(desk, slug="y"), give(desk, "preview")]
    assert exchanged(desk, "gift", first) is None
    assert exchanged(desk, "gift", second)
    assert [link["kind"] + link["giver"] for link in links.links_of("x", desk.table, NOW)] == [
        "gifted",
        "giftother",
        "previewed",
    ]
    assert links.revoke("gift", "x", "ed", desk.table)
    assert not links.revoke("gift", "x", "ed", desk.table)
    assert exchanged(desk, "gift", second) is None
    assert all(exchanged(desk, "gift", secret) for secret in others[:2])
    assert exchanged(desk, "preview", others[2])


def test_links_that_are_made_at_once_leave_one(desk: Desk) -> None:
    write, made = desk.table.write, []

    def race(changes: Any) -> None:
        if not made:
            made.append("")
            made[0] = give(desk)
        write(changes)

    desk.table.write = race  # type: ignore[method-assign]
    last = give(desk)
    assert exchanged(desk, "gift", made[0]) is None
    assert exchanged(desk, "gift", last)
    assert len([pk for pk, items in desk.table._items.items() if pk.startswith("link#") and items]) == 1


def test_a_link_that_its_giver_cannot_take_back_opens_nothing(desk: Desk) -> None:
    """Of two who take a link back, one is slow, and the giver makes another meanwhile: it has the version of the first."""
    first, write, made = give(desk), desk.table.write, []

    def race(changes: Any) -> None:
        desk.table.write = write  # type: ignore[method-assign]
        links.revoke("gift", "x", "ed", desk.table)
        made.append(give(desk))
        write(changes)

    desk.table.write = race  # type: ignore[method-assign]
    assert links.revoke("gift", "x", "ed", desk.table)
    assert links.links_of("x", desk.table, NOW) == []
    assert [exchanged(desk, "gift", secret) for secret in (first, *made)] == [None, None]


@pytest.mark.parametrize("slug", ["", "X", "../x", "a/b", "x?y", "x\n"])
def test_a_link_is_for_an_article(desk: Desk, slug: str) -> None:
    with pytest.raises(Permanent):
        links.create("gift", slug, "ed", NOW, "https://news.example", desk.table)


# --- Where readers are sent on to ---


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("/", True), ("/articles/x/", True), ("/articles/x/#gate-1", True), ("/account/", True), ("/feed.xml", True),
        ("", False), ("articles/x/", False), ("//evil.example/", False), ("/\\evil.example", False), ("\\\\evil.example", False),
        ("https://evil.example/", False), ("javascript:alert(1)", False), ("/articles//x/", False), ("/../", False),
        ("/./x", False), ("/x/..", False), ("/a\r\nset-cookie: a=b", False), ("/a\n", False), ("/%2fevil.example", False),
        ("/@evil.example", False), ("/x?y=z", False), ("/X/", False), ("/x/#", False), ("/x/#<b>", False), ("/x/#a#b", False),
        (" /x/", False), ("/articles/x/~member/", False), ("/" + "a" * 2000, False), ("#gate-1", False), ("/x#//evil", False),
    ],
)  # fmt: skip
def test_a_return_path_is_a_page_of_this_site(desk: Desk, text: str, local: bool) -> None:
    assert is_return_path(text) is local
    browser = desk.ask(return_to=text)
    found = desk.by_link(desk.mailed()[0], browser)
    assert found
    assert found.return_to == (text if local else "/")


# --- The table itself ---


def test_a_conditional_write_is_one() -> None:
    table = MemoryTable()
    table.write([Change("a", "b", {"x": 1}, None)])
    with pytest.raises(Conflict):
        table.write([Change("a", "b", None, 2), Change("c", "d", {}, None)])
    assert table.get("c", "d") is None
    assert [table.count("n", "m", 5) for _ in range(3)] == [1, 2, 3]
