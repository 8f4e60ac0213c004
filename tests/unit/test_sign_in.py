"""Sign-in, sessions and access links: the use cases over ports in memory."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml
from hypothesis import strategies as st
from nightdesk.adapters.memory import MemoryTable
from nightdesk.domain.errors import Conflict, Permanent, RateLimited
from nightdesk.domain.events import MembershipChanged
from nightdesk.domain.memberships import SESSION_SECONDS, member_id
from nightdesk.domain.site import Site, is_return_path
from nightdesk.domain.tokens import hash_secret, verify
from nightdesk.ports import Change, KeyRange, SignInLimits
from nightdesk.repositories import memberships_table
from nightdesk.repositories.articles_table import claim_of
from nightdesk.repositories.memberships_table import LinkName
from nightdesk.usecases.readers import access_links, members, sessions, sign_in
from nightdesk.usecases.readers.form_tokens import browser_token, browser_with_token, is_session_token, session_token
from nightdesk.usecases.readers.members import LinkSigner
from nightdesk.usecases.readers.rate_limits import allow, network_of
from support.sign_in_harness import ADA, KEYS, NOW, SITE_URL, SignInHarness

ROOT = Path(__file__).resolve().parents[2]
SITE = Site()
OTHER = "o" * 43
"""The secret of a browser that did not request a mail, and whose reader confirmed to sign in there."""


@pytest.fixture
def harness() -> SignInHarness:
    return SignInHarness()


# --- Requesting a mail ---


def test_a_mail_has_a_link_and_a_code(harness: SignInHarness) -> None:
    cookie = harness.request("Ada@News.Example", return_to="/articles/x/#gate-1")
    [mail] = harness.mails
    assert mail.to == ADA
    assert re.fullmatch(rf"https://news\.example/api/signin/confirm\?token={member_id(ADA)}\.[\w-]{{43}}", mail.text)
    assert re.fullmatch(r"\d{6}", mail.html)
    assert re.fullmatch(rf"{member_id(ADA)}\.[\w-]{{43}}", cookie)


def test_secrets_are_long_and_stored_as_digests(harness: SignInHarness) -> None:
    cookie = harness.request()
    token, code = harness.newest_mail()
    stored = repr(harness.table._items)
    for secret in (token.partition(".")[2], cookie.partition(".")[2]):
        assert len(secret) * 6 >= 128
        assert secret not in stored
    assert f"'{code}'" not in stored
    signed_in = harness.by_link(token, cookie)
    assert signed_in
    assert signed_in.reader.renewal.partition(".")[2] not in repr(harness.table._items)
    tokens = {harness.newest_mail()[0] for _ in range(8) if harness.request()}
    assert len(tokens) == 8


@pytest.mark.parametrize(
    "address", ["", "ada", "ada@news", "ada@news.example\r\nBcc: x@y.example", "<ada@news.example>"]
)
def test_a_malformed_address_is_refused_without_a_write(harness: SignInHarness, address: str) -> None:
    with pytest.raises(Permanent, match="address"):
        harness.request(address)
    assert (harness.mails, repr(dict(harness.table._items))) == ([], "{}")


def test_without_a_sender_sign_in_is_refused() -> None:
    with pytest.raises(Permanent, match="not set up"):
        SignInHarness(can_sign_in=False).request()


def record_calls(harness: SignInHarness) -> list[str]:
    """Record the names of the ports' methods that are called from now on."""
    seen: list[str] = []

    def noted(method: str, inner: Any) -> Any:
        return lambda *args, **named: (seen.append(method), inner(*args, **named))[1]

    for port, method in (
        (harness.table, "increment"),
        (harness.table, "get"),
        (harness.table, "write"),
        (harness, "start"),
    ):
        setattr(port, method, noted(method, getattr(port, method)))
    return seen


def test_every_address_causes_the_same_calls_before_the_response() -> None:
    """Known, unknown, blocked, over the limit: the same calls in the same order. The rest happens after the response."""
    calls = []
    for state in ("unknown", "known", "blocked", "deleted", "rate limited"):
        harness = SignInHarness(SignInLimits(per_address=1))
        if state == "known":
            harness.sign_in()
            harness.now += timedelta(hours=2)
        if state in ("blocked", "deleted"):
            members.suppress(member_id(ADA), state, harness.table, NOW)
        if state == "rate limited":
            harness.request()
        sent, seen = len(harness.mails), record_calls(harness)
        cookie = harness.start_request()
        calls.append((list(seen), re.sub(r"\..*", "", cookie)))
        harness.run_jobs()
        assert len(harness.mails) - sent == (0 if state in ("blocked", "rate limited") else 1), state
    assert [call == calls[0] for call in calls] == [True] * 5
    assert calls[0][0] == ["increment"] * 4 + ["start"]


ATTACKER, READER = "198.51.100.7", "192.0.2.1"


def real_limits() -> SignInLimits:
    """Return the limits of a stack on AWS: a laptop, where all readers are one network, has others."""
    parameters = yaml.load((ROOT / "template.yaml").read_text("utf-8"), _AnyTag)["Parameters"]
    names = ("SignInsPerAddress", "SignInsPerNetwork", "SignInsPerHour")
    limits = SignInLimits(*(int(parameters[name]["Default"]) for name in names))
    assert limits == SignInLimits(), "the template and the package agree"
    return limits


class _AnyTag(yaml.SafeLoader):
    """Reads CloudFormation's tags as nothing."""


_AnyTag.add_multi_constructor("!", lambda *_: None)


def test_a_network_is_limited_for_each_address_and_for_all() -> None:
    harness = SignInHarness(real_limits())
    for _ in range(20):
        harness.request(caller=ATTACKER)
    assert len(harness.mails) == 10, "the response is the same, but the network gets no eleventh mail for the address"
    for number in range(40):
        harness.request(f"reader{number}@news.example", caller=ATTACKER)
    with pytest.raises(RateLimited):
        harness.request("bo@news.example", caller=ATTACKER)
    harness.request("bo@news.example", caller=READER)
    harness.now += timedelta(hours=1)
    harness.request("bo@news.example", caller=ATTACKER)
    assert [mail.to for mail in harness.mails[-2:]] == ["bo@news.example"] * 2


@pytest.mark.slow
def test_strangers_cannot_lock_a_reader_out() -> None:
    """Whatever strangers request for an address and enter as its codes: its reader gets a mail, whose link works, and so
    does the link of an earlier mail."""
    harness = SignInHarness(real_limits())
    before = harness.request(caller=READER)
    earlier = harness.newest_mail()[0]
    for network in range(40):
        caller = f"198.51.100.{network}"
        for _ in range(12):
            stranger = harness.request(caller=caller)
            harness.by_code("000000", stranger, caller=caller)
    sent = len(harness.mails)
    browser = harness.request(caller=READER, cookies=())
    assert len(harness.mails) == sent + 1
    assert harness.by_link(harness.newest_mail()[0], browser)
    assert harness.by_link(earlier, before)


def test_a_flooded_address_gets_few_mails_from_each_further_network() -> None:
    harness = SignInHarness(real_limits())
    for network in range(3):
        for _ in range(10):
            harness.request(caller=f"198.51.100.{network}")
    assert len(harness.mails) == 30
    for _ in range(9):
        harness.request(caller=READER)
    assert len(harness.mails) == 33


def test_a_flooded_site_is_open_to_every_network() -> None:
    harness = SignInHarness(SignInLimits(per_address=10, per_network=60, overall=100))
    for number in range(120):
        harness.request(f"reader{number}@news.example", caller=f"198.51.100.{number % 40}")
    for number in range(6):
        harness.request(f"bo{number}@news.example", caller=READER)
    assert len(harness.mails) == 126
    with pytest.raises(RateLimited):
        harness.request("bo7@news.example", caller=READER)


def test_counters_expire_and_contain_no_address(harness: SignInHarness) -> None:
    harness.request()
    counters = [
        item for pk, items in harness.table._items.items() if pk.startswith("limit#") for item in items.values()
    ]
    assert len(counters) == 4
    assert all(0 < item["ttl"] - NOW.timestamp() <= 7200 for item in counters)
    assert not [word for word in ("ada", "192.0.2.1") if word in repr(counters)]


def test_a_network_is_an_ipv4_address_or_an_ipv6_64() -> None:
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") != network_of("2001:db8:0:1::1")
    assert network_of("junk") == network_of("") == "unknown"


def test_a_counter_allows_requests_up_to_its_limit() -> None:
    table = MemoryTable()
    assert [allow("x", "a", 2, table, NOW) for _ in range(4)] == [True, True, False, False]
    assert allow("x", "b", 2, table, NOW)
    assert allow("y", "a", 2, table, NOW)


# --- Confirming ---


def test_only_a_confirmed_link_makes_a_subscriber(harness: SignInHarness) -> None:
    browser = harness.request(newsletter=True, return_to="/articles/x/#gate-1")
    token, _ = harness.newest_mail()
    for _ in range(3):
        assert harness.inspect(token, browser) == sign_in.LinkState(ADA, "/articles/x/#gate-1", True)
    assert memberships_table.find_membership(harness.table, member_id(ADA)) is None
    assert not harness.bus.events
    found = harness.by_link(token, browser)
    assert found
    assert found.return_to == "/articles/x/#gate-1"
    assert found.reader.membership.entitlement(SITE, NOW).tier == "subscriber"
    assert found.reader.membership.newsletters == ("newsletter",)
    assert list(harness.bus.events) == [MembershipChanged(member_id(ADA))]
    again = harness.authenticate(renewal=found.reader.renewal)
    assert again == found.reader


def test_signing_in_does_not_change_newsletters(harness: SignInHarness) -> None:
    assert harness.sign_in().reader.membership.newsletters == ()
    harness.request(newsletter=True)
    harness.by_link(harness.newest_mail()[0], other_browser=OTHER)
    assert harness.sign_in().reader.membership.newsletters == ("newsletter",), "and the subscription is kept"


def test_a_link_or_its_code_works_once(harness: SignInHarness) -> None:
    for first in ("link", "code"):
        browser = harness.request()
        token, code = harness.newest_mail()
        assert harness.by_link(token, browser) if first == "link" else harness.by_code(code, browser)
        assert harness.by_link(token, other_browser=OTHER) is None, "in another browser"
        assert harness.inspect(token) is None
        assert harness.inspect(token, browser), "for a minute, while the browser may not have got the response"
        harness.now += timedelta(seconds=60)
        assert harness.inspect(token, browser) is None
        assert harness.by_link(token, browser) is None
        assert harness.by_code(code, browser) is None


@pytest.mark.parametrize("how", ["link", "code", "link elsewhere"])
def test_a_double_click_gets_the_same_session(harness: SignInHarness, how: str) -> None:
    browser = harness.request(return_to="/articles/x/")
    token, code = harness.newest_mail()

    def press() -> sign_in.SignedIn | None:
        if how == "code":
            return harness.by_code(code, browser)
        return harness.by_link(token, browser) if how == "link" else harness.by_link(token, other_browser=OTHER)

    first = press()
    assert first
    harness.now += timedelta(seconds=59)
    again = press()
    assert again
    assert (again.reader.renewal, again.return_to) == (first.reader.renewal, "/articles/x/")
    assert len(harness.table.query(f"member#{member_id(ADA)}", KeyRange(prefix="session#"))) == 1
    assert len(harness.bus.events) == 1
    # A press that lost its cookies, in a browser that is signed in by now, is sent on too; others are not.
    for reader, page in ((first.reader, "/articles/x/"), (replace(first.reader, id=member_id("x")), ""), (None, "")):
        assert sign_in.used_just_now(token, reader, harness.table, harness.now) == page
    harness.now += timedelta(seconds=1)
    assert press() is None
    assert sign_in.used_just_now(token, first.reader, harness.table, harness.now) == ""


def test_a_repeated_press_does_not_bring_back_a_session_that_ended(harness: SignInHarness) -> None:
    browser = harness.request()
    token, _ = harness.newest_mail()
    first = harness.by_link(token, browser)
    assert first
    sessions.sign_out(first.reader, harness.table)
    assert harness.by_link(token, browser) is None


def test_the_mails_of_an_address_stand_beside_each_other(harness: SignInHarness) -> None:
    browsers = [harness.request(cookies=()) for _ in range(3)]
    mails = [(mail.text.partition("token=")[2], mail.html) for mail in harness.mails]
    assert len(set(browsers)) == 3
    for (token, code), browser in zip(mails, browsers, strict=True):
        others = [other for other in browsers if other != browser]
        assert not [other for other in others if harness.by_code(code, other)], (
            "a code is for the browser that requested it"
        )
        assert harness.inspect(token, browser)
    assert harness.by_code(mails[1][1], browsers[1])
    assert harness.by_link(mails[0][0], browsers[0])
    assert harness.by_link(mails[2][0], browsers[2])


def test_one_browser_may_use_the_code_of_any_of_its_mails(harness: SignInHarness) -> None:
    browser = harness.request()
    assert harness.request(cookies=(browser,)) == browser
    assert harness.request(cookies=(browser, f"{member_id(ADA)}.{OTHER}")) != browser, "a cookie may have been planted"
    assert harness.request("bo@news.example", cookies=(browser,)) != browser
    assert harness.by_code(harness.mails[0].html, browser)
    assert harness.by_code(harness.mails[1].html, browser)


@pytest.mark.parametrize(("minutes", "holds"), [(14.9, True), (15, False), (600, False)])
def test_a_link_expires_after_15_minutes(harness: SignInHarness, minutes: float, holds: bool) -> None:
    browser = harness.request()
    token, code = harness.newest_mail()
    harness.now += timedelta(minutes=minutes)
    assert (harness.inspect(token, browser) is not None) is holds
    if not holds:
        assert harness.by_code(code, browser) is None
    assert (harness.by_link(token, browser) is not None) is holds


def test_another_browser_needs_confirmation(harness: SignInHarness) -> None:
    harness.request()
    other = harness.request("bo@news.example")
    harness.request()
    token, code = harness.newest_mail()
    link = harness.inspect(token, other)
    assert link
    assert not link.same_browser
    for browsers in ((), (other,), ("junk",), (f"{member_id(ADA)}.junk",)):
        assert harness.by_link(token, *browsers) is None
        assert harness.by_code(code, *browsers) is None, "a code works only in the browser that requested it"
    assert harness.by_link(token, other_browser=OTHER)


def test_a_planted_cookie_does_not_hide_the_right_one(harness: SignInHarness) -> None:
    browser = harness.request()
    assert harness.by_code(harness.newest_mail()[1], "junk", f"{member_id(ADA)}.junk", browser)


def test_a_code_can_be_entered_five_times(harness: SignInHarness) -> None:
    browser = harness.request()
    token, code = harness.newest_mail()
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(4):
        assert harness.by_code(wrong, browser) is None
    assert harness.by_code(code, browser)
    browser = harness.request()
    token, code = harness.newest_mail()
    for _ in range(5):
        assert harness.by_code(f"{(int(code) + 1) % 10**6:06}", browser) is None
    assert harness.by_code(code, browser) is None, "the sixth attempt is refused"
    assert harness.by_link(token, browser), "the link still works"


def enter_wrong_codes(harness: SignInHarness, times: int, address: str = ADA, caller: str = ATTACKER) -> None:
    for _ in range(times):
        browser = harness.request(address, caller, cookies=())
        wrong = f"{(int(harness.newest_mail()[1]) + 1) % 10**6:06}"
        assert harness.by_code(wrong, browser, caller=caller) is None


def test_wrong_codes_are_limited_for_an_address_and_a_network(harness: SignInHarness) -> None:
    enter_wrong_codes(harness, 10)
    browser = harness.request(caller=READER)
    _, code = harness.newest_mail()
    assert harness.by_code(code, browser, caller=ATTACKER) is None, "after ten wrong codes within the hour"
    assert harness.by_code(code, browser, caller=READER), "another network is not affected"
    browser = harness.request("bo@news.example", ATTACKER)
    assert harness.by_code(harness.newest_mail()[1], browser, caller=ATTACKER), "nor is another address"
    harness.now += timedelta(hours=1)
    browser = harness.request(caller=ATTACKER)
    assert harness.by_code(harness.newest_mail()[1], browser, caller=ATTACKER)


def test_many_networks_can_guess_few_codes_and_links_still_work(harness: SignInHarness) -> None:
    for network in range(4):
        enter_wrong_codes(harness, 10, caller=f"198.51.100.{network}")
    browser = harness.request(caller=READER)
    token, code = harness.newest_mail()
    assert harness.by_code(code, browser, caller=READER) is None
    assert harness.by_link(token, browser)


def test_wrong_codes_for_some_addresses_stop_no_other(harness: SignInHarness) -> None:
    for number in range(40):
        enter_wrong_codes(harness, 10, f"reader{number}@news.example", f"198.51.100.{number}")
    browser = harness.request(caller=READER)
    assert harness.by_code(harness.newest_mail()[1], browser, caller=READER)


def test_an_attempt_is_counted_before_the_code_is_compared(harness: SignInHarness) -> None:
    """Concurrent attempts are counted one by one, so that many at the same time are no more than five."""
    browser = harness.request()
    _, code = harness.newest_mail()
    write, raced = harness.table.write, []

    def race(changes: Any) -> None:
        if len(raced) < 5:
            raced.append(True)
            assert harness.by_code("000000" if code != "000000" else "000001", browser) is None
        write(changes)

    harness.table.write = race  # type: ignore[method-assign]
    assert harness.by_code(code, browser) is None


def test_two_tabs_that_confirm_at_once_share_a_session(harness: SignInHarness) -> None:
    browser = harness.request()
    token, _ = harness.newest_mail()
    write, results = harness.table.write, []

    def race(changes: Any) -> None:
        if not results:
            results.append(None)
            results[0] = harness.by_link(token, browser)
        write(changes)

    harness.table.write = race  # type: ignore[method-assign]
    second = harness.by_link(token, browser)
    assert results[0]
    assert second
    assert second.reader.renewal == results[0].reader.renewal, "the browser gets one session"
    assert harness.by_link(token, other_browser=OTHER) is None
    assert len(harness.table.query(f"member#{member_id(ADA)}", KeyRange(prefix="session#"))) == 1


def test_a_concurrent_change_of_the_membership_is_kept(harness: SignInHarness) -> None:
    browser = harness.request()
    token, _ = harness.newest_mail()
    write, done = harness.table.write, []

    def race(changes: Any) -> None:
        if not done:
            done.append(True)
            members.grant_to_address(ADA, members.Grant("member", ""), SITE, harness.ports)
        write(changes)

    harness.table.write = race  # type: ignore[method-assign]
    found = harness.by_link(token, browser)
    assert found
    assert found.reader.membership.entitlement(SITE, NOW).tier == "member"


def test_ten_thousand_guesses_open_nothing(harness: SignInHarness) -> None:
    harness.request()
    chance, alphabet = random.Random(7), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    for number in range(10_000):
        secret = "".join(chance.choices(alphabet, k=43))
        token = f"{member_id(ADA)}.{secret}" if number % 2 else f"{chance.randbytes(16).hex()}.{secret}"
        assert harness.by_link(token, other_browser=OTHER) is None
        assert harness.authenticate(renewal=token) is None
        assert access_links.exchange_link("gift", secret, SITE, harness.ports, NOW) is None


@hypothesis.given(st.one_of(st.text(max_size=80), st.just(member_id(ADA)), st.text(max_size=40).map(lambda t: f"{member_id(ADA)}.{t}")))  # fmt: skip
@hypothesis.settings(deadline=None)
def test_arbitrary_input_is_no_session(text: str) -> None:
    harness = SignInHarness()
    harness.request()
    assert harness.by_link(text, text, other_browser=OTHER) is None
    assert harness.by_code(text, text) is None
    assert harness.authenticate(renewal=text, session=text) is None


# --- Sessions ---


def claims_of(token: sessions.Token) -> dict[str, Any]:
    claims = verify(token.value, KEYS, int(NOW.timestamp()))
    assert claims
    return claims


def test_a_token_has_the_current_tier_and_ends_with_it(harness: SignInHarness) -> None:
    reader = harness.sign_in().reader
    made = sessions.issue_token(reader, SITE, harness.ports, NOW)
    assert made.seconds == SESSION_SECONDS
    assert claims_of(made) == {"t": "subscriber", "s": member_id(ADA), "e": int(NOW.timestamp()) + SESSION_SECONDS}
    until = NOW + timedelta(minutes=20)
    members.grant_to_address(ADA, members.Grant("member", until.isoformat()), SITE, harness.ports)
    reader = harness.authenticate(session=made.value)
    assert reader
    made = sessions.issue_token(reader, SITE, harness.ports, NOW)
    assert (claims_of(made)["t"], made.seconds) == ("member", 1200), "it ends with the tier"
    after = sessions.issue_token(reader, SITE, harness.ports, until)
    claims = verify(after.value, KEYS, int(until.timestamp()))
    assert claims
    assert claims["t"] == "subscriber"


def test_a_session_in_use_is_extended(harness: SignInHarness) -> None:
    cookie = harness.sign_in().reader.renewal
    for _ in range(5):
        harness.now += timedelta(days=60)
        reader = harness.authenticate(renewal=cookie)
        assert reader
        assert sessions.extend_session(reader, harness.table, harness.now)
        assert not sessions.extend_session(reader, harness.table, harness.now + timedelta(hours=1)), (
            "at most once a day"
        )
    harness.now += timedelta(days=90)
    assert harness.authenticate(renewal=cookie) is None


def test_signing_out_here_and_everywhere(harness: SignInHarness) -> None:
    one, two = harness.sign_in(), harness.sign_in()
    token = sessions.issue_token(two.reader, SITE, harness.ports, NOW).value
    first = harness.authenticate(renewal=one.reader.renewal)
    assert first
    sessions.sign_out(first, harness.table)
    assert harness.authenticate(renewal=one.reader.renewal) is None
    second = harness.authenticate(renewal=two.reader.renewal)
    assert second
    assert harness.authenticate(session=token)
    sessions.sign_out_everywhere(second, harness.table)
    assert harness.authenticate(renewal=two.reader.renewal) is None
    assert harness.authenticate(session=token) is None, (
        "the edge accepts an earlier token until it expires, the API does not"
    )
    third = harness.sign_in()
    assert claims_of(sessions.issue_token(third.reader, SITE, harness.ports, NOW))["g"] == 1
    assert harness.authenticate(session=sessions.issue_token(third.reader, SITE, harness.ports, NOW).value)


def test_an_interrupted_sign_out_everywhere_still_ends_all_sessions(harness: SignInHarness) -> None:
    found = harness.sign_in()
    harness.table.query = lambda *_, **__: []  # type: ignore[method-assign]  # as if interrupted before the sessions are removed
    sessions.sign_out_everywhere(found.reader, harness.table)
    assert harness.authenticate(renewal=found.reader.renewal) is None


def test_a_token_bound_to_a_path_is_no_session(harness: SignInHarness) -> None:
    harness.sign_in()
    link = members.sign_in_link(ADA, LinkSigner(SITE_URL, KEYS["1"], "1"), SITE, harness.table, NOW)["url"]
    assert harness.authenticate(session=link.partition("session=")[2]) is None


def test_rotating_the_key_keeps_sessions_valid(harness: SignInHarness) -> None:
    found = harness.sign_in()
    old = sessions.issue_token(found.reader, SITE, harness.ports, NOW).value
    harness.ports = replace(harness.ports, key_id="2")
    new = sessions.issue_token(found.reader, SITE, harness.ports, NOW).value
    assert (old[:2], new[:2]) == ("1.", "2.")
    assert harness.authenticate(session=old) == harness.authenticate(session=new)
    harness.ports = replace(harness.ports, keys={"1": "c" * 48, "2": KEYS["2"]})
    assert harness.authenticate(session=old) is None
    assert harness.authenticate(session=old, renewal=found.reader.renewal) == found.reader


def test_a_deleted_reader_is_signed_out_and_can_sign_in_again(harness: SignInHarness) -> None:
    found = harness.sign_in()
    token = sessions.issue_token(found.reader, SITE, harness.ports, NOW).value
    members.delete(found.reader.id, harness.ports, NOW)
    assert harness.authenticate(renewal=found.reader.renewal, session=token) is None
    assert "news.example" not in repr(harness.table._items)
    assert harness.sign_in().reader.membership.email == ADA
    assert memberships_table.suppression(harness.table, member_id(ADA)) == ""


def test_a_blocked_address_stays_blocked(harness: SignInHarness) -> None:
    browser = harness.request()
    members.suppress(member_id(ADA), members.BLOCKED, harness.table, NOW)
    assert harness.by_link(harness.newest_mail()[0], browser)
    assert memberships_table.suppression(harness.table, member_id(ADA)) == members.BLOCKED


def test_a_wrong_code_at_the_same_moment_does_not_void_the_link(harness: SignInHarness) -> None:
    browser = harness.request()
    token, code = harness.newest_mail()
    write, done = harness.table.write, []

    def race(changes: Any) -> None:
        if not done:
            done.append(True)
            assert harness.by_code("000000" if code != "000000" else "000001", browser) is None
        write(changes)

    harness.table.write = race  # type: ignore[method-assign]
    assert harness.by_link(token, browser)


# --- Tokens in forms ---


def test_a_form_token_is_bound_to_one_session(harness: SignInHarness) -> None:
    one, two = harness.sign_in().reader, harness.sign_in().reader
    bo = harness.sign_in("bo@news.example").reader
    token = session_token(one, harness.ports)
    assert is_session_token(token, one, harness.ports)
    assert not [
        reader for reader in (two, bo, replace(one, session="")) if is_session_token(token, reader, harness.ports)
    ]
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")
    for text in ("", ".", "1", "1.", "3." + token[2:], "2." + token[2:], token + "A", changed, "é." + token[2:], "1.é"):
        assert not is_session_token(text, one, harness.ports), text
    rotated = replace(harness.ports, key_id="2")
    assert is_session_token(token, one, rotated), "a page that is open while the key changes keeps working"
    assert session_token(one, rotated) != token
    assert one.renewal.partition(".")[2] not in token


def test_a_reader_known_by_a_token_alone_has_a_form_token_until_signing_out_everywhere(harness: SignInHarness) -> None:
    reader = replace(harness.sign_in().reader, session="", renewal="")
    token = session_token(reader, harness.ports)
    assert is_session_token(token, reader, harness.ports)
    later = replace(reader, membership=replace(reader.membership, generation=1))
    assert not is_session_token(token, later, harness.ports)


def test_a_browsers_form_token_follows_from_its_cookie() -> None:
    mine, theirs = "m" * 43, "t" * 43
    assert browser_with_token(browser_token(mine), [theirs, mine]) == mine
    assert browser_with_token(browser_token(mine), [theirs]) == ""
    assert [browser_with_token(text, [mine]) for text in ("", "é", mine)] == ["", "", ""]


# --- Access links ---


def create_link(
    harness: SignInHarness, kind: str = "gift", slug: str = "x", giver: str = "ed", days: float = 3, draft: str = ""
) -> str:
    """Create a link and return its secret."""
    draft = draft or f"drafts/{slug}.md"
    if not claim_of(harness.articles, slug):
        harness.hold(draft, slug)
    name = LinkName(kind, draft, giver)
    made = access_links.create(name, slug, NOW + timedelta(days=days), f"{SITE_URL}/", harness.table)
    folder = {"gift": "articles", "preview": "preview"}[kind]
    url, _, secret = made["url"].rpartition("=")
    assert url == f"{SITE_URL}/{folder}/{slug}/?{kind}"
    return str(secret)


def exchange(harness: SignInHarness, kind: access_links.Kind, secret: str) -> dict[str, Any] | None:
    path = access_links.exchange_link(kind, secret, SITE, harness.ports, harness.now)
    if path is None:
        return None
    address, _, token = path.partition(f"?{kind}=")
    claims = verify(token, KEYS, int(harness.now.timestamp()))
    assert claims
    assert claims["p"] == address
    return claims


def test_a_link_is_exchanged_for_a_token_of_its_article(harness: SignInHarness) -> None:
    gift, preview = create_link(harness), create_link(harness, "preview")
    expiry = int(NOW.timestamp()) + SESSION_SECONDS
    assert exchange(harness, "gift", gift) == {"t": "member", "s": "gift", "e": expiry, "p": "/articles/x/"}
    assert exchange(harness, "preview", preview) == {"t": "member", "s": "preview", "e": expiry, "p": "/preview/x/"}
    assert exchange(harness, "gift", preview) is None
    assert exchange(harness, "preview", gift) is None
    assert not [secret for secret in (gift, preview) if secret in repr(harness.table._items)]


def test_a_token_ends_with_its_link(harness: SignInHarness) -> None:
    gift = create_link(harness, days=1)
    harness.now = NOW + timedelta(days=1) - timedelta(minutes=5)
    claims = exchange(harness, "gift", gift)
    assert claims
    assert claims["e"] - int(harness.now.timestamp()) == 300
    harness.now = NOW + timedelta(days=1)
    assert exchange(harness, "gift", gift) is None


def test_a_giver_has_one_live_link_for_an_article(harness: SignInHarness) -> None:
    first, second = create_link(harness), create_link(harness)
    others = [create_link(harness, giver="other"), create_link(harness, slug="y"), create_link(harness, "preview")]
    assert exchange(harness, "gift", first) is None
    assert exchange(harness, "gift", second)
    assert [link["kind"] + link["giver"] for link in access_links.live_links("drafts/x.md", harness.table, NOW)] == [
        "gifted",
        "giftother",
        "previewed",
    ]
    assert access_links.revoke(LinkName("gift", "drafts/x.md", "ed"), harness.table)
    assert not access_links.revoke(LinkName("gift", "drafts/x.md", "ed"), harness.table)
    assert exchange(harness, "gift", second) is None
    assert all(exchange(harness, "gift", secret) for secret in others[:2])
    assert exchange(harness, "preview", others[2])


def test_links_created_at_once_leave_one(harness: SignInHarness) -> None:
    write, made = harness.table.write, []

    def race(changes: Any) -> None:
        if not made:
            made.append("")
            made[0] = create_link(harness)
        write(changes)

    harness.table.write = race  # type: ignore[method-assign]
    last = create_link(harness)
    assert exchange(harness, "gift", made[0]) is None
    assert exchange(harness, "gift", last)
    assert len([pk for pk, items in harness.table._items.items() if pk.startswith("link#") and items]) == 1


def test_a_link_that_cannot_be_revoked_opens_nothing(harness: SignInHarness) -> None:
    """While one revocation is slow, another one succeeds and the giver creates a link at the same version."""
    first, write, made = create_link(harness), harness.table.write, []

    def race(changes: Any) -> None:
        harness.table.write = write  # type: ignore[method-assign]
        access_links.revoke(LinkName("gift", "drafts/x.md", "ed"), harness.table)
        made.append(create_link(harness))
        write(changes)

    harness.table.write = race  # type: ignore[method-assign]
    assert access_links.revoke(LinkName("gift", "drafts/x.md", "ed"), harness.table)
    assert access_links.live_links("drafts/x.md", harness.table, NOW) == []
    assert [exchange(harness, "gift", secret) for secret in (first, *made)] == [None, None]


@pytest.mark.parametrize("slug", ["", "X", "../x", "a/b", "x?y", "x\n"])
def test_a_link_needs_a_slug(harness: SignInHarness, slug: str) -> None:
    with pytest.raises(Permanent):
        access_links.create(LinkName("gift", "drafts/x.md", "ed"), slug, NOW, SITE_URL, harness.table)


@pytest.mark.parametrize(("kind", "folder"), [("gift", "articles"), ("preview", "preview")])
def test_a_link_follows_its_draft_and_opens_no_other(
    harness: SignInHarness, kind: access_links.Kind, folder: str
) -> None:
    secret = create_link(harness, kind)
    harness.hold("drafts/x.md", "moved")
    harness.hold("drafts/other.md", "x")
    claims = exchange(harness, kind, secret)
    assert claims
    assert claims["p"] == f"/{folder}/moved/"
    harness.hold("drafts/other.md", "moved")
    assert exchange(harness, kind, secret) is None, "the draft has lost its slug"
    harness.hold("drafts/x.md", "third")
    assert exchange(harness, kind, secret)
    harness.release("third")
    assert exchange(harness, kind, secret) is None, "the draft was deleted"


@pytest.mark.parametrize(
    ("before", "after"), [("drafts/x.md", "drafts/x/index.md"), ("drafts/x/index.MD", "drafts/x.markdown")]
)
def test_a_link_follows_a_draft_that_moved_into_a_folder_or_out_of_it(
    harness: SignInHarness, before: str, after: str
) -> None:
    secret = create_link(harness, draft=before)
    harness.release("x")
    harness.hold("drafts/other.md", "x")
    assert exchange(harness, "gift", secret) is None
    harness.hold(after, "moved")
    claims = exchange(harness, "gift", secret)
    assert claims
    assert claims["p"] == "/articles/moved/"


def test_a_link_that_names_no_draft_is_void(harness: SignInHarness) -> None:
    """As earlier versions stored them: bound to the slug alone."""
    secret, until = "s" * 43, int(NOW.timestamp()) + 600
    harness.hold("drafts/x.md", "x")
    times = {"until": NOW.isoformat(), "ttl": until}
    named = {"kind": "gift", "slug": "x", "giver": "ed"}
    digest = hash_secret(secret)
    harness.table.write(
        [
            Change(f"link#{digest}", "link", {**named, **times}, None),
            Change("links#x", "gift#ed", {"link": digest, **times}, None),
        ]
    )
    assert access_links.exchange_link("gift", secret, SITE, harness.ports, NOW) is None


# --- Return paths ---


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
def test_a_return_path_is_a_page_of_this_site(harness: SignInHarness, text: str, local: bool) -> None:
    assert is_return_path(text) is local
    browser = harness.request(return_to=text)
    found = harness.by_link(harness.newest_mail()[0], browser)
    assert found
    assert found.return_to == (text if local else "/")


# --- The table in memory ---


def test_a_conditional_write_applies_all_changes_or_none() -> None:
    table = MemoryTable()
    table.write([Change("a", "b", {"x": 1}, None)])
    with pytest.raises(Conflict):
        table.write([Change("a", "b", None, 2), Change("c", "d", {}, None)])
    assert table.get("c", "d") is None
    assert [table.increment("n", "m", 5) for _ in range(3)] == [1, 2, 3]
