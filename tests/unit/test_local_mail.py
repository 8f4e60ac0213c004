"""The laptop's page of sent mail, and what `nightdesk up` tells of it."""

from __future__ import annotations

import json

import pytest
from nightdesk_local import mail
from nightdesk_local.mail import Postbox, SentMail, as_json, as_page


def message(number: int, text: str = "Words.") -> SentMail:
    return SentMail(f"id-{number}", "News <n@news.example>", "a@b.example", f"Subject {number}", text, "<p>", number)


def test_links_of_a_mail_can_be_followed_and_nothing_in_it_runs() -> None:
    hostile = message(1, "Go to http://localhost:8080/api/signin/confirm?token=a.b\n\n<script>alert(1)</script>")
    assert hostile.links == ["http://localhost:8080/api/signin/confirm?token=a.b"]
    page = as_page([hostile, message(2)]).decode()
    assert '<a href="http://localhost:8080/api/signin/confirm?token=a.b">' in page
    assert "<script>" not in page
    assert page.index("Subject 2") < page.index("Subject 1")
    assert [entry["id"] for entry in json.loads(as_json([hostile]))] == ["id-1"]


def test_each_mail_is_announced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [message(1)]
    monkeypatch.setattr(mail, "sent_mail", lambda gateway: list(there))
    box = Postbox("http://localhost:1")
    assert box.fresh() == []
    there += [message(2), message(3)]
    assert [found.id for found in box.fresh()] == ["id-2", "id-3"]
    assert box.fresh() == []


def test_an_emulator_that_is_away_has_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "sent_mail", lambda gateway: [])
    box = Postbox("http://localhost:1")

    def away(gateway: str) -> list[SentMail]:
        raise OSError

    monkeypatch.setattr(mail, "sent_mail", away)
    assert box.fresh() == []
