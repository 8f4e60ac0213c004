"""Session tokens: signed claims are read back, and nothing else is accepted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightdesk.domain.tokens import MAX_LIFETIME_SECONDS, sign, verify

KEYS = {"1": "a" * 48, "2": "b" * 48}
NOW = 1_800_000_000
CLAIMS = {"t": "member", "s": "0123456789abcdef", "e": NOW + 60}


def signed(payload: bytes, key_id: str = "1") -> str:
    """Return a token with a valid signature for any payload."""
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
def test_claims_survive_a_round_trip(key_id: str) -> None:
    assert verify(sign(CLAIMS, key_id, KEYS[key_id]), KEYS, NOW) == CLAIMS
    bound = {**CLAIMS, "p": "/articles/a-story/"}
    assert verify(sign(bound, key_id, KEYS[key_id]), KEYS, NOW) == bound


@pytest.mark.parametrize(("now", "valid"), [(NOW, True), (NOW + 59, True), (NOW + 60, False), (NOW + 10**6, False)])
def test_a_token_expires_at_its_second(now: int, valid: bool) -> None:
    assert (verify(sign(CLAIMS, "1", KEYS["1"]), KEYS, now) is not None) is valid


@pytest.mark.parametrize(
    ("seconds", "valid"), [(MAX_LIFETIME_SECONDS, True), (MAX_LIFETIME_SECONDS + 1, False), (10**9, False)]
)
def test_a_token_that_expires_too_late_is_invalid(seconds: int, valid: bool) -> None:
    token = sign({**CLAIMS, "e": NOW + seconds}, "1", KEYS["1"])
    assert (verify(token, KEYS, NOW) is not None) is valid


@pytest.mark.parametrize("key_id", ["3", "", "01", "1 ", "constructor"])
def test_an_unknown_key_id_is_invalid(key_id: str) -> None:
    assert verify(sign(CLAIMS, key_id, KEYS["1"]), KEYS, NOW) is None


def test_a_key_signs_only_for_its_own_id() -> None:
    assert verify(sign(CLAIMS, "2", KEYS["1"]), KEYS, NOW) is None
    token = sign(CLAIMS, "1", KEYS["1"])
    assert verify("2" + token[1:], KEYS, NOW) is None


def test_any_changed_character_makes_a_token_invalid() -> None:
    token = sign(CLAIMS, "1", KEYS["1"])
    spare = len(token) - 1  # the last character has two unused bits
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
def test_an_expiry_must_be_a_future_second(expiry: Any) -> None:
    assert verify(signed(json.dumps({**CLAIMS, "e": expiry}).encode()), KEYS, NOW) is None


@pytest.mark.parametrize("payload", [b"[]", b"null", b"1", b'"text"', b"{}"])
def test_claims_must_be_an_object_with_an_expiry(payload: bytes) -> None:
    assert verify(signed(payload), KEYS, NOW) is None


@settings(deadline=None)
@given(
    st.one_of(
        st.text(), st.text(alphabet="1.aA=-_", max_size=40), st.binary(max_size=40).map(lambda b: f"1.{b.hex()}.x")
    )
)
def test_any_text_is_an_invalid_token_and_no_error(token: str) -> None:
    assert verify(token, KEYS, NOW) is None
    assert verify(f"1.{token}.{token}", KEYS, NOW) is None


def test_without_keys_no_token_is_valid() -> None:
    assert verify(sign(CLAIMS, "1", KEYS["1"]), {}, NOW) is None
