"""What editors do with newsletters, over the API and in use cases: list, preview, test, send, hold, cancel, report."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

import pytest
from nightdesk.domain.errors import NotFound, Permanent
from nightdesk.domain.newsletters import planned_edition
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table, editions_table
from nightdesk.repositories.editions_table import begun_editions
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.editors.audit import entries
from nightdesk.usecases.newsletters import control
from nightdesk.usecases.newsletters.digests import RECENT
from nightdesk.usecases.newsletters.naming import edition_named, stored_edition
from support.editor_api_in_memory import Api
from support.letters import SITE, LetterRoom

TODAY = "2026-11-23"
WRITTEN = """---
title: A letter from the quay
---
Dear readers.

::: gate tier=member teaser="For those who pay."
The figures that we found.
:::
"""


@pytest.fixture
def room(theme: Theme) -> LetterRoom:
    room = LetterRoom(theme, SITE + "newsletters:\n  - {id: daily, title: Daily, schedule: '06:00'}\n")
    room.add("free", ["newsletter", "daily"])
    room.add("paying", ["newsletter", "daily"], "member")
    return room


def test_a_text_that_was_written_as_an_edition_is_sent_when_an_editor_says_so(room: LetterRoom) -> None:
    room.file("newsletters/quay.md", WRITTEN)
    room.tick()
    assert room.sent == []
    control.send("quay", None, room.newsletters)
    room.deliver_emitted()
    room.process_all()
    assert sorted(room.sent) == [("free", "A letter from the quay"), ("paying", "A letter from the quay")]
    free, paying = room.mail_to("free"), room.mail_to("paying")
    assert "figures" not in free.html + free.text
    assert "For those who pay." in free.text
    assert "figures" in paying.html
    assert "https://quay.example/membership/?return_to=/newsletter/quay/2026-11-23/" in free.html
    page = room.page("/newsletter/quay/2026-11-23/")
    assert "Dear readers." in page
    assert "figures" not in page
    assert "/articles/" not in page + free.html


def test_its_page_says_who_wrote_it_and_that_ai_did_as_its_mail_does(room: LetterRoom) -> None:
    room.file("authors/otto.md", "---\nname: Otto\nkind: ai\nresponsible_editor: Henrike Solano\n---\n")
    room.file("newsletters/quay.md", WRITTEN.replace("---\nDear", "dek: In short.\nauthors: [otto]\n---\nDear"))
    control.send("quay", None, room.newsletters)
    settle(room)
    for shown in (room.page("/newsletter/quay/2026-11-23/"), room.mail_to("free").html):
        text = " ".join(re.sub(r"<[^>]*>", "", shown[shown.index("<h1") :]).split())
        assert "In short. By Otto (AI persona)" in text
        assert "Written by an AI persona. Henrike Solano is the responsible editor." in text


def test_its_mail_leads_to_how_it_was_produced_on_its_page(room: LetterRoom) -> None:
    room.file("newsletters/quay.md", WRITTEN.replace("---\n", "---\nproduction: {ai_roles: [drafting]}\n", 1))
    control.send("quay", None, room.newsletters)
    settle(room)
    assert "https://quay.example/newsletter/quay/2026-11-23/#production" in room.mail_to("free").html
    assert 'id="production"' in room.page("/newsletter/quay/2026-11-23/")


def test_the_status_of_its_file_has_the_url_of_the_newest_page_that_is_there(room: LetterRoom) -> None:
    room.file("newsletters/quay.md", WRITTEN)
    base = "/newsletter/quay/"
    found = []
    for day in ("", "2026-11-23", "2026-11-24"):
        if day:
            room.now = datetime.fromisoformat(f"{day}T10:00:00+00:00")
            control.send("quay", None, room.newsletters)
            settle(room)
        found.append(room.state("newsletters/quay.md")["url"])
    assert found == ["", f"{base}2026-11-23/", f"{base}2026-11-24/"]
    room.file("newsletters/other.md", WRITTEN)
    control.send("other", None, room.newsletters)
    room.deliver_emitted()
    room.process_next()  # it is planned
    control.cancel("other/2026-11-24", room.newsletters)
    settle(room)
    assert room.state("newsletters/other.md")["url"] == ""


def test_the_status_of_its_file_warns_of_its_links(room: LetterRoom) -> None:
    room.file("newsletters/quay.md", WRITTEN + "\nSee [this](/articles/nowhere/).\n")
    [warning] = room.state("newsletters/quay.md")["warnings"]
    assert (warning["line"], "nowhere" in warning["message"]) == (10, True)


def test_it_waits_for_its_moment(room: LetterRoom) -> None:
    room.file("newsletters/quay.md", WRITTEN)
    moment = room.now.replace(hour=9)
    control.send("quay", moment, room.newsletters)
    room.deliver_emitted()
    room.process_all()
    room.tick()
    assert room.sent == []
    room.tick("2026-11-23T09:01:00+00:00")
    assert len(room.sent) == 2


def test_what_its_front_matter_says_of_its_time_holds(room: LetterRoom, theme: Theme) -> None:
    for key, words in (
        ("draft: true", "is a draft"),
        ("status: draft", "is a draft"),
        ("expires: 2026-11-22", "expired"),
    ):
        room.file("newsletters/quay.md", WRITTEN.replace("---\n", f"---\n{key}\n", 1))
        with pytest.raises(Permanent, match=words):
            control.send("quay", None, room.newsletters)
        assert control.preview("quay", "", room.newsletters, theme).subject == "A letter from the quay"
        assert room.state("newsletters/quay.md")["state"] == ("expired" if "expires" in key else "draft")
    room.file("newsletters/quay.md", WRITTEN.replace("---\n", "---\npublish_at: 2026-11-24T09:00:00Z\n", 1))
    found = room.state("newsletters/quay.md")
    assert (found["state"], found["publish_at"]) == ("scheduled", "2026-11-24T09:00:00+00:00")
    with pytest.raises(Permanent, match="must not be sent before 2026-11-24T09"):
        control.send("quay", datetime.fromisoformat("2026-11-24T08:00:00+00:00"), room.newsletters)
    for _ in range(2):
        assert control.send("quay", None, room.newsletters).not_before == "2026-11-24T09:00:00+00:00"
    settle(room)
    room.tick("2026-11-24T08:59:00+00:00")
    assert room.sent == []
    room.tick("2026-11-24T09:01:00+00:00")
    assert len(room.sent) == 2


@pytest.mark.parametrize("key", ["draft: true", "expires: 2026-11-24T08:00:00Z"])
def test_a_text_that_becomes_a_draft_or_expires_before_its_moment_does_not_go_out(
    room: LetterRoom, theme: Theme, key: str
) -> None:
    room.file("newsletters/quay.md", WRITTEN)
    control.send("quay", datetime.fromisoformat("2026-11-24T09:00:00+00:00"), room.newsletters)
    room.file("newsletters/quay.md", WRITTEN.replace("---\n", f"---\n{key}\n", 1))
    room.tick("2026-11-24T09:01:00+00:00")
    assert room.sent == []
    assert [(one.state, "draft" in one.reason) for one in room.editions] == [("cancelled", True)]


def test_its_moment_can_be_changed_and_it_stays_one_edition_on_a_later_day(room: LetterRoom) -> None:
    room.file("newsletters/quay.md", WRITTEN)
    control.send("quay", datetime.fromisoformat("2026-12-24T06:00:00+00:00"), room.newsletters)
    settle(room)
    room.tick("2026-11-25T08:00:00+00:00")
    control.send("quay", datetime.fromisoformat("2026-12-01T06:00:00+00:00"), room.newsletters)
    assert [(one.id, one.not_before) for one in room.editions] == [("quay/2026-11-23", "2026-12-01T06:00:00+00:00")]
    with pytest.raises(Permanent, match="in the past"):
        control.send("quay", datetime.fromisoformat("2026-11-24T06:00:00+00:00"), room.newsletters)
    control.hold("quay", room.newsletters)
    control.send("quay", None, room.newsletters)
    assert room.editions[0].not_before, "going on with it does not hurry it"
    control.send("quay", None, room.newsletters)
    settle(room)
    assert len(room.sent) == 2
    assert [one.state for one in room.editions] == ["sent"]


def test_it_is_sent_at_its_moment_however_many_editions_went_out_meanwhile(room: LetterRoom) -> None:
    room.file("newsletters/quay.md", WRITTEN)
    control.send("quay", datetime.fromisoformat("2026-12-24T06:00:00+00:00"), room.newsletters)
    control.hold("quay", room.newsletters)
    for number in range(RECENT + 1):
        other = planned_edition(f"article-{number}/2026-12-01", "article", "T", room.now, "one")
        room.editions_table.write(editions_table.new_edition(replace(other, state="sent")))
    assert [one["id"] for one in control.held(room.newsletters, 10)] == ["quay/2026-11-23"]
    control.send("quay", None, room.newsletters)
    room.tick("2026-12-24T06:01:00+00:00")
    assert len(room.sent) == 2
    assert begun_editions(room.editions_table) == ["quay/2026-11-23"]
    room.tick()
    assert begun_editions(room.editions_table) == []


def test_a_text_that_is_deleted_before_its_moment_is_not_sent_and_the_report_says_so(room: LetterRoom) -> None:
    room.file("newsletters/quay.md", WRITTEN)
    control.send("quay", datetime.fromisoformat("2026-11-24T06:00:00+00:00"), room.newsletters)
    room.file("newsletters/quay.md", None)
    room.tick("2026-11-24T06:00:01+00:00")
    assert room.sent == []
    [edition] = room.editions
    assert (edition.state, edition.reason) == (
        "cancelled",
        "its text is no longer in newsletters/, is a draft, or has expired",
    )


def test_a_digest_that_an_editor_sends_needs_no_minimum_but_an_article(theme: Theme) -> None:
    room = LetterRoom(theme, SITE + "newsletters:\n  - {id: daily, title: Daily, schedule: '06:00', minimum: 3}\n")
    room.add("ada", ["daily"])
    with pytest.raises(Permanent, match="nothing went live"):
        control.send("daily", None, room.newsletters)
    with pytest.raises(Permanent, match="nothing went live"):
        control.send_test("daily", "ada@readers.example", room.newsletters)
    room.publish("one", "One", date="2026-11-22T12:00:00Z")
    control.send("daily", None, room.newsletters)
    settle(room)
    assert room.sent == [("ada", "Daily: One")]


def test_an_edition_that_has_ended_is_reported_by_its_name(room: LetterRoom) -> None:
    room.file("newsletters/quay.md", WRITTEN)
    room.publish("one", "One", date="2026-11-23", newsletter=True)
    control.send("quay", None, room.newsletters)
    settle(room)
    found = [stored_edition(name, room.newsletters) for name in ("quay", "one", "article-one")]
    assert [(one.id, one.state) for one in found] == [
        ("quay/2026-11-23", "sent"), ("article-one/2026-11-23", "sent"), ("article-one/2026-11-23", "sent"),
    ]  # fmt: skip
    with pytest.raises(Permanent, match="is sent already"):
        control.cancel("quay", room.newsletters)
    room.now = room.now.replace(day=24)
    control.send("quay", room.now.replace(day=25), room.newsletters)
    assert stored_edition("quay", room.newsletters).id == "quay/2026-11-24"


@pytest.mark.parametrize("name", ["quay", "daily", "one"])
def test_a_test_copy_comes_before_an_edition_is_begun(room: LetterRoom, name: str) -> None:
    room.file("newsletters/quay.md", WRITTEN)
    room.publish("one", "One", date="2026-11-22T12:00:00Z")
    made = api_of(room).call("POST", f"/v1/newsletters/{name}/test", "editor", {"email": "free@readers.example"})
    assert made["statusCode"] == 202
    settle(room)
    [(to, subject)] = room.sent
    assert (to, subject.startswith("Test: ")) == ("free", True)
    assert "figures" not in room.mail_to("free").text
    assert room.editions == []


@pytest.mark.parametrize("name", ["newsletter", "archive", "article-x", "daily"])
def test_its_name_must_not_be_that_of_something_else(room: LetterRoom, name: str) -> None:
    room.file(f"newsletters/{name}.md", WRITTEN)
    record = articles_table.draft_record(room.ports.articles, f"newsletters/{name}.md")
    assert record
    assert "cannot be the id of a newsletter" in record.problems[0]["message"]


def test_a_broken_text_is_rejected_like_a_draft(room: LetterRoom) -> None:
    room.file("newsletters/quay.md", "---\ntitle: T\n---\n:::gate{x}\n")
    assert [file.key for file in articles_table.rejected(room.ports.articles)] == ["newsletters/quay.md"]
    with pytest.raises(NotFound, match="no edition"):
        control.send("quay", None, room.newsletters)


def test_a_preview_shows_a_tiers_view_and_sends_nothing(room: LetterRoom, theme: Theme) -> None:
    room.file("newsletters/quay.md", WRITTEN)
    room.publish("one", "One", date="2026-11-22T12:00:00Z")
    shown = {tier: control.preview("quay", tier, room.newsletters, theme) for tier in ("public", "member")}
    assert ("figures" in shown["public"].html, "figures" in shown["member"].html) == (False, True)
    digest = control.preview("daily", "", room.newsletters, theme)
    assert (digest.subject, digest.tier) == ("Daily: One", "member")
    assert control.preview("one", "", room.newsletters, theme).subject == "One"
    with pytest.raises(Permanent, match="no tier"):
        control.preview("quay", "gold", room.newsletters, theme)
    assert (room.sent, room.editions) == ([], [])


def api_of(room: LetterRoom) -> Api:
    return Api(room)


def settle(room: LetterRoom) -> None:
    room.deliver_emitted()
    room.process_all()


def test_editors_hold_go_on_and_cancel_over_the_api_with_entries_in_the_log(room: LetterRoom) -> None:
    api = api_of(room)
    room.file("newsletters/quay.md", WRITTEN)
    made = api.call("POST", "/v1/newsletters/quay/send", "editor", {"at": "2026-11-23T10:00:00Z"})
    assert (made["statusCode"], made["body"]["state"], made["body"]["id"]) == (202, "planned", "quay/2026-11-23")
    one = "/v1/newsletters/quay/2026-11-23"
    assert api.call("POST", f"{one}/hold", "editor")["body"]["state"] == "held"
    settle(room)
    room.tick("2026-11-23T10:01:00+00:00")
    assert room.sent == []
    assert api.call("POST", f"{one}/send", "editor")["body"]["state"] == "planned"
    settle(room)
    assert len(room.sent) == 2
    found = api.call("GET", one, "writer")["body"]
    assert (found["state"], found["recipients"], found["mailed"]) == ("sent", 2, 2)
    assert api.problem("POST", f"{one}/cancel", "editor") == "unprocessable-content"
    assert [one["id"] for one in api.call("GET", "/v1/newsletters", "writer")["body"]["editions"]] == [found["id"]]
    log = entries("edition:quay/2026-11-23", "", 10, api.ports.audit_log).entries
    assert {(entry.action, entry.outcome) for entry in log} == {
        ("newsletter-hold", "done"),
        ("newsletter-send", "done"),
        ("newsletter-cancel", "failed"),
    }


def test_a_cancelled_edition_is_not_sent_and_its_page_is_gone(room: LetterRoom) -> None:
    api = api_of(room)
    room.publish("one", "One", date="2026-11-22T12:00:00Z")
    api.call("POST", "/v1/newsletters/daily/send", "editor", {})
    room.deliver_emitted()
    room.process_next()  # it is planned
    assert room.page("/newsletter/daily/2026-11-23/")
    api.call("POST", "/v1/newsletters/daily/2026-11-23/cancel", "editor")
    settle(room)
    assert room.sent == []
    assert room.site.outputs["newsletter/daily/2026-11-23/index.html"].metadata["status"] == "410"


def test_a_test_copy_goes_to_one_reader_and_counts_for_nothing(room: LetterRoom) -> None:
    api = api_of(room)
    room.publish("one", "One", newsletter=True, date=TODAY)
    room.provider.mails.clear()
    path = "/v1/newsletters/article-one/2026-11-23/test"
    assert api.call("POST", path, "editor", {"email": "free@readers.example"})["statusCode"] == 202
    settle(room)
    assert room.sent == [("free", "Test: One")]
    assert room.editions[0].counts == {"mailed": 2}
    assert api.problem("POST", path, "editor", {"email": "stranger@readers.example"}) == "unprocessable-content"


def test_editors_list_and_count_readers_a_page_at_a_time(room: LetterRoom) -> None:
    api = api_of(room)
    found, cursor = [], ""
    while cursor is not None:
        page = api.call("GET", f"/v1/members?newsletter=daily&limit=1&cursor={cursor}", "editor")["body"]
        found += [one["email"] for one in page["members"]]
        cursor = page["cursor"]
    assert sorted(found) == ["free@readers.example", "paying@readers.example"]
    [paying] = api.call("GET", "/v1/members?tier=member", "editor")["body"]["members"]
    assert paying["newsletters"] == ["newsletter", "daily"]
    assert api.call("GET", "/v1/members?since=2026-11-02", "editor")["body"] == {"members": [], "cursor": None}
    counts = api.call("GET", "/v1/members/counts", "editor")["body"]
    assert (counts["readers"], counts["tiers"]["member"], counts["newsletters"]) == (
        2,
        1,
        {"newsletter": 2, "daily": 2},
    )
    assert api.problem("GET", "/v1/members", "writer") == "forbidden"


def test_what_is_held_is_in_the_status_with_the_reason(theme: Theme) -> None:
    room = LetterRoom(theme, "base_url: https://quay.example\n")
    room.add("ada")
    room.publish("one", "One", newsletter=True, date=TODAY)
    [found] = control.held(room.newsletters, 10)
    assert found["id"] == "article-one/2026-11-23"
    assert "postal_address" in found["reason"]
    with pytest.raises(Permanent, match="postal_address"):
        control.send(found["id"], None, room.newsletters)
    with pytest.raises(Permanent, match="postal_address"):
        control.send_test(found["id"], "ada@readers.example", room.newsletters)
    room.file("site.yaml", SITE)
    control.send(found["id"], None, room.newsletters)
    settle(room)
    assert room.sent == [("ada", "One")]


@pytest.mark.parametrize("name", ["nothing", "daily/2020-01-01", "a/b/c"])
def test_a_name_that_stands_for_nothing_is_refused(room: LetterRoom, name: str) -> None:
    with pytest.raises(NotFound):
        edition_named(name, room.newsletters)


def test_an_article_that_was_mailed_is_not_mailed_again_by_hand(room: LetterRoom) -> None:
    room.publish("one", "One", newsletter=True, date=TODAY)
    with pytest.raises(Permanent, match="sent already"):
        control.send("one", None, room.newsletters)
    room.publish("two", "Two", date=TODAY)
    control.send("two", None, room.newsletters)
    settle(room)
    assert [subject for _, subject in room.sent] == ["One", "One", "Two", "Two"]
    assert load_site(room.ports).postal_address
