"""Session tokens: what is signed is read, and nothing else is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightdesk.domain.tokens import LONGEST_SECONDS, sign, verify

KEYS = {"1": "a" * 48, "2": "b" * 48}
NOW = 1_800_000_000
CLAIMS = {"t": "member", "s": "0123456789abcdef", "e": NOW + 60}


def signed(payload: bytes, key_id: str = "1") -> str:
    """A token whose signature is right, whatever it says."""
    text = f"{key_id}.{base64.urlsafe_b64encode(payload).rstrip(b'=').decode()}"
    mac = hmac.new(KEYS[key_id].encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_a_token_has_the_form_that_the_edge_reads() -> None:
    token = sign(CLAIMS, "1", KEYS["1"])
    key_id, payload, signature = token.split(".")
    assert key_id == "1"
    assert json.loads(base64.urlsafe_b64decode(payload + "==")) == CLAIMS
    assert token == signed(json.dumps(CLAIMS, separators=(",", ":")).encode())
    assert len(signature) == 43
    assert "=" not in token


@pytest.mark.parametrize("key_id", sorted(KEYS))
def test_what_is_signed_is_read(key_id: str) -> None:
    assert verify(sign(CLAIMS, key_id, KEYS[key_id]), KEYS, NOW) == CLAIMS
    bound = {**CLAIMS, "p": "/articles/a-story/"}
    assert verify(sign(bound, key_id, KEYS[key_id]), KEYS, NOW) == bound


@pytest.mark.parametrize(("now", "valid"), [(NOW, True), (NOW + 59, True), (NOW + 60, False), (NOW + 10**6, False)])
def test_a_token_ends_at_its_second(now: int, valid: bool) -> None:
    assert (verify(sign(CLAIMS, "1", KEYS["1"]), KEYS, now) is not None) is valid


@pytest.mark.parametrize(("seconds", "valid"), [(LONGEST_SECONDS, True), (LONGEST_SECONDS + 1, False), (10**9, False)])
def test_a_token_of_too_distant_a_future_is_none(seconds: int, valid: bool) -> None:
    token = sign({**CLAIMS, "e": NOW + seconds}, "1", KEYS["1"])
    assert (verify(token, KEYS, NOW) is not None) is valid


@pytest.mark.parametrize("key_id", ["3", "", "01", "1 ", "constructor"])
def test_a_key_that_is_not_known_signs_nothing(key_id: str) -> None:
    assert verify(sign(CLAIMS, key_id, KEYS["1"]), KEYS, NOW) is None


def test_a_key_signs_only_under_its_own_name() -> None:
    assert verify(sign(CLAIMS, "2", KEYS["1"]), KEYS, NOW) is None
    token = sign(CLAIMS, "1", KEYS["1"])
    assert verify("2" + token[1:], KEYS, NOW) is None


def test_no_character_of_a_token_can_be_changed() -> None:
    token = sign(CLAIMS, "1", KEYS["1"])
    spare = len(token) - 1  # the last character has two bits that mean nothing
    for place in range(spare):
        for other in "A", "z", "0", ".", "=", "é":
            if token[place] != other:
                assert verify(token[:place] + other + token[place + 1 :], KEYS, NOW) is None
        assert verify(token[:place] + token[place + 1 :], KEYS, NOW) is None
        assert verify(token[:place], KEYS, NOW) is None
    assert verify(token + "A", KEYS, NOW) is None
    assert verify(token + ".", KEYS, NOW) is None
    assert verify(" " + token, KEYS, NOW) is None


@pytest.mark.parametrize("expiry", [None, "9999999999", NOW + 60.5, True, [NOW + 60], {}, -1, 0, NOW])
def test_an_expiry_that_is_no_coming_second_is_none(expiry: Any) -> None:
    assert verify(signed(json.dumps({**CLAIMS, "e": expiry}).encode()), KEYS, NOW) is None


@pytest.mark.parametrize("payload", [b"[]", b"null", b"1", b'"text"', b"{}"])
def test_claims_must_be_an_object_that_ends(payload: bytes) -> None:
    assert verify(signed(payload), KEYS, NOW) is None


@settings(deadline=None)
@given(
    st.one_of(
        st.text(), st.text(alphabet="1.aA=-_", max_size=40), st.binary(max_size=40).map(lambda b: f"1.{b.hex()}.x")
    )
)
def test_whatever_comes_is_no_token_and_no_error(token: str) -> None:
    assert verify(token, KEYS, NOW) is None
    assert verify(f"1.{token}.{token}", KEYS, NOW) is None


def test_without_keys_nothing_is_valid() -> None:
    assert verify(sign(CLAIMS, "1", KEYS["1"]), {}, NOW) is None
