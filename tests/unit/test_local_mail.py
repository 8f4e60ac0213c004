"""The laptop's page of sent mail, and what `nightdesk up` tells of it."""

from __future__ import annotations

import json

import pytest
from nightdesk_local import mail
from nightdesk_local.mail import MailList, Postbox, SentMail, as_page


def message(number: int, text: str = "Words.") -> SentMail:
    return SentMail(f"id-{number}", "News <n@news.example>", "a@b.example", f"Subject {number}", text, "<p>", number)


def test_links_of_a_mail_can_be_followed_and_nothing_in_it_runs() -> None:
    hostile = message(1, "Go to http://localhost:8080/api/signin/confirm?token=a.b\n\n<script>alert(1)</script>")
    assert hostile.links == ["http://localhost:8080/api/signin/confirm?token=a.b"]
    page = as_page([hostile, message(2)]).decode()
    assert '<a href="http://localhost:8080/api/signin/confirm?token=a.b">' in page
    assert "<script>" not in page
    assert page.index("Subject 2") < page.index("Subject 1")


def test_each_mail_is_announced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [message(1)]
    monkeypatch.setattr(mail, "sent_mail", lambda gateway, after=0: there[after:])
    box = Postbox("http://localhost:1")
    assert box.fresh() == []
    there += [message(2), message(3)]
    assert [found.id for found in box.fresh()] == ["id-2", "id-3"]
    assert box.fresh() == []


def test_the_list_reads_what_is_new_and_the_page_shows_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    there, read = [message(number) for number in range(250)], list[int]()

    def sent(gateway: str, after: int = 0) -> list[SentMail]:
        read.append(after)
        return there[after:]

    monkeypatch.setattr(mail, "sent_mail", sent)
    listed = MailList("http://localhost:1")
    assert [entry["id"] for entry in json.loads(listed.as_json())] == [found.id for found in there]
    there.append(message(250))
    page = listed.as_page().decode()
    assert ("Subject 250<" in page, "Subject 50<" in page, "51 older ones" in page) == (True, False, True)
    assert (len(json.loads(listed.as_json())), read) == (251, [0, 250, 251])


def test_an_emulator_that_is_away_has_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "sent_mail", lambda gateway, after=0: [])
    box = Postbox("http://localhost:1")

    def away(gateway: str, after: int = 0) -> list[SentMail]:
        raise OSError

    monkeypatch.setattr(mail, "sent_mail", away)
    assert box.fresh() == []
