"""Newsletters: which editions there are, who gets them, what is in them, and that nobody gets one twice."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from nightdesk.domain import warm_up
from nightdesk.domain.documents import Document
from nightdesk.domain.errors import Permanent, Rejected, Transient
from nightdesk.domain.events import ArticleGated, BatchPlanned, EditionRequested, MembershipChanged, parse_message
from nightdesk.domain.mail import Deferred, NotAccepted, SendingStopped
from nightdesk.domain.mail_reports import MailReturned, parse_ses
from nightdesk.domain.memberships import member_id
from nightdesk.domain.newsletters import last_due, one_line, planned_edition
from nightdesk.domain.site import Digest, Site
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.views import view
from nightdesk.rendering.edition_mail import EditionText, edition_mails
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.mail_parts import MAX_HTML, make_absolute, plain_text, top_level
from nightdesk.rendering.page_parts import card_facts
from nightdesk.repositories import editions_table, memberships_table
from nightdesk.repositories.editions_table import Recipient
from nightdesk.usecases.newsletters import control, pages, planning
from nightdesk.usecases.newsletters.starting import start_digests
from nightdesk.usecases.readers import members
from support.letters import ADDRESS, SITE, LetterRoom

TODAY = "2026-11-23"
GATED = """
Words for all.

::: gate tier=member teaser="What the minister wrote."
The letter itself, ![a map of the bay](map.png) and a note[^n].

[^n]: Hidden note.
:::
"""


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.fixture
def room(theme: Theme) -> LetterRoom:
    return LetterRoom(theme)


def letter(room: LetterRoom, name: str = "harbour", title: str = "The port reopens", body: str = "Text.") -> None:
    room.publish(name, title, body, newsletter=True, date=TODAY)


# --- Articles that are mailed by themselves ---


def test_an_article_is_mailed_once_when_it_goes_live(room: LetterRoom) -> None:
    room.add("ada")
    letter(room)
    letter(room, body="Another text.")
    room.deliver([ArticleGated("harbour", "live", [], "", "live"), EditionRequested(room.editions[0].id)])
    room.process_all()
    room.tick()
    assert room.sent == [("ada", "The port reopens")]
    [edition] = room.editions
    assert (edition.id, edition.state, edition.recipients, edition.counts) == (
        "article-harbour/2026-11-23", "sent", 1, {"mailed": 1}
    )  # fmt: skip


def test_an_article_without_the_key_asks_for_no_newsletter(room: LetterRoom) -> None:
    room.add("ada")
    room.events.clear()
    room.publish("plain", newsletter=False)
    assert {event.newsletter for event in room.emitted(ArticleGated)} == {""}
    assert (room.sent, room.editions) == ([], [])


def test_an_embargo_is_kept_and_the_mail_goes_out_when_it_ends(room: LetterRoom) -> None:
    room.add("ada")
    room.publish("later", "Later", newsletter=True, publish_at="2026-12-05T10:00:00Z")
    assert room.sent == []
    room.now = datetime(2026, 12, 5, 10, 0, 1, tzinfo=UTC)
    room.fire_schedule("later")
    assert room.sent == [("ada", "Later")]


def test_a_rebuild_mails_no_article_that_was_live_before_there_were_newsletters(room: LetterRoom) -> None:
    letter(room)
    for change in [("edition", "2026-11-23#article-harbour"), ("mailed#drafts/harbour.md", "edition")]:
        room.editions_table._items[change[0]].clear()
        room.editions_table._order[change[0]].clear()
    room.add("ada")
    room.now += timedelta(days=3)
    room.deliver([ArticleGated("harbour", "live", [], "", "live")])
    room.process_all()
    assert (room.sent, room.editions) == ([], [])


def test_an_article_that_has_long_been_live_is_not_mailed_when_its_author_asks_for_it_later(room: LetterRoom) -> None:
    room.add("ada")
    room.publish("harbour", "Harbour", date=TODAY)
    room.publish("quay", "Quay", date=TODAY)
    room.now += timedelta(days=1)
    letter(room, "harbour", "Harbour")
    assert room.sent == [("ada", "Harbour")], "of yesterday it is still news"
    room.now += timedelta(days=2)
    letter(room, "quay", "Quay")
    room.tick()
    assert room.sent == [("ada", "Harbour")]
    assert [edition.id for edition in room.editions] == ["article-harbour/2026-11-24"]


def test_an_article_that_is_filed_in_a_folder_is_not_mailed_again(room: LetterRoom) -> None:
    room.add("ada")
    text = f"---\ntitle: Harbour\ndate: {TODAY}\nnewsletter: true\n---\nText of the harbour.\n"
    room.file("drafts/harbour.md", text)
    room.file("drafts/quay.md", text.replace("Harbour", "Quay").replace("newsletter: true\n", ""))
    room.now += timedelta(hours=1)
    room.file("drafts/harbour.md", None)
    room.file("drafts/harbour/index.md", text)
    room.now += timedelta(days=9)
    room.file("drafts/quay.md", None)
    room.file("drafts/quay/index.md", text.replace("Harbour", "Quay"))
    assert room.sent == [("ada", "Harbour")], "nor is one that has long been live because it moves"


def test_an_article_that_waited_as_a_draft_is_mailed_when_it_goes_live(room: LetterRoom) -> None:
    room.add("ada")
    room.publish("harbour", "Harbour", newsletter=True, date="2026-11-01", draft=True)
    room.now += timedelta(days=9)
    room.publish("harbour", "Harbour", newsletter=True, date="2026-11-01")
    assert room.sent == [("ada", "Harbour")]


def test_a_file_that_was_deleted_and_is_put_again_is_a_new_article(room: LetterRoom) -> None:
    room.add("ada")
    room.publish("harbour", "Harbour", date=TODAY)
    room.file("drafts/harbour.md", None)
    room.now += timedelta(days=9)
    letter(room, "harbour", "Harbour")
    assert room.sent == [("ada", "Harbour")]


def test_a_renamed_article_is_not_mailed_again_and_a_new_one_at_its_address_is(room: LetterRoom) -> None:
    room.add("ada")
    letter(room)
    room.publish("harbour", "The port reopens", newsletter=True, date=TODAY, slug="quay")
    assert len(room.sent) == 1
    letter(room, "other", "Another")
    room.publish("third", "Third", newsletter=True, date=TODAY, slug="harbour")
    assert [subject for _, subject in room.sent] == ["The port reopens", "Another", "Third"]
    assert {edition.id for edition in room.editions} >= {"article-harbour/2026-11-23", "article-harbour-2/2026-11-23"}


def test_an_article_with_the_longest_slug_is_mailed(room: LetterRoom) -> None:
    room.add("ada")
    room.publish("long", "Long", newsletter=True, date=TODAY, slug="a" * 200)
    assert room.sent == [("ada", "Long")]
    parse("EditionRequested", edition=room.editions[0].id)
    assert len(room.mail_to("ada").tags["edition"]) <= 256, "SES takes no longer tag"


# --- Who gets it ---


def test_only_readers_who_chose_it_and_confirmed_their_address_get_it(room: LetterRoom) -> None:
    room.add("chose")
    room.add("other", newsletters=["daily"])
    room.add("unconfirmed", confirmed="")
    bounced = room.add("bounced")
    members.suppress(bounced, members.BOUNCED, room.members, room.now)
    letter(room)
    assert [name for name, _ in room.sent] == ["chose"]
    found = room.copy_of("article-harbour/2026-11-23", "bounced")
    assert found
    assert (found.state, found.note) == ("skipped", "bounced")


@pytest.mark.parametrize("change", ["unsubscribed", "deleted", "suppressed", "tier"])
def test_what_changes_between_planning_and_sending_counts(theme: Theme, change: str) -> None:
    site = SITE + "newsletters:\n  - {id: daily, schedule: '06:00', tiers: [member]}\n"
    room = LetterRoom(theme, site)
    member = room.add("ada", ["daily"], "member")
    room.publish("one", "One", date="2026-11-22T12:00:00Z")
    room.now = datetime(2026, 11, 23, 6, 1, tzinfo=UTC)
    room.deliver([parse("NewslettersDue")])
    room.process_next()
    assert room.editions[0].recipients == 1
    assert room.sent == []
    if change == "unsubscribed":
        room.add("ada", [], "member")
    elif change == "deleted":
        stored = memberships_table.find_membership(room.members, member)
        room.members.write([memberships_table.membership_change(member, None, stored)])
    elif change == "suppressed":
        members.suppress(member, members.COMPLAINED, room.members, room.now)
    else:
        room.add("ada", ["daily"], "")
    room.process_all()
    assert room.sent == []
    assert (room.editions[0].state, room.editions[0].counts) == ("sent", {"skipped": 1})


def parse(name: str, **detail: Any) -> Any:
    from nightdesk.domain.events import parse_event

    return parse_event(name, detail)


# --- What is in it ---


def test_each_reader_gets_what_their_tier_may_see(room: LetterRoom) -> None:
    room.add("free")
    room.add("paying", tier="member")
    room.bare.drafts.put(picture("drafts/harbour/map.png"), None)
    room.file("drafts/harbour/index.md", f"---\ntitle: Bay\nnewsletter: true\ndate: {TODAY}\n---\n{GATED}")
    free, paying = room.mail_to("free"), room.mail_to("paying")
    for part in (free.text, free.html, free.subject, *free.headers.values()):
        assert not re.search("letter itself|Hidden note|map of the bay|map.png", part)
    assert "What the minister wrote." in free.html
    assert 'href="https://quay.example/membership/?return_to=/articles/harbour/%23gate-1"' in free.html
    for part in (paying.text, paying.html):
        assert "letter itself" in part
        assert "Hidden note" in part
    # Mail programs have no session with which to fetch what is behind a gate.
    assert "a map of the bay" in paying.html
    page = room.page("/newsletter/article-harbour/2026-11-23/") + room.page("/newsletter/archive/")
    assert "Bay" in page
    assert "letter itself" not in page


def picture(key: str) -> Any:
    from nightdesk.ports import Output

    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcffff3f030005fe02fea7"
        "9a0b6a0000000049454e44ae426082"
    )
    return Output(key, png, "image/png")


def test_a_mail_has_the_headers_that_providers_require_and_whole_addresses(room: LetterRoom) -> None:
    room.add("ada")
    letter(room, body="See [the other](/articles/other/) and [this](#part).\n\n## Part\n\nEnd.")
    mail = room.mail_to("ada")
    link = f"https://quay.example/api/unsubscribe?reader={member_id(mail.to)}&key=key-ada&list=newsletter&edition=article-harbour/2026-11-23"
    assert mail.headers["List-Unsubscribe"] == f"<{link}>"
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (mail.headers["List-Id"], mail.headers["Precedence"]) == ("<newsletter.quay.example>", "bulk")
    assert mail.headers["Feedback-ID"].count(":") == 3
    assert mail.to not in str(mail.tags)
    assert link in mail.text
    assert link.replace("&", "&amp;") in mail.html
    for line in ADDRESS.split(", "):
        assert line in mail.text
        assert line in mail.html
    assert "https://quay.example/articles/harbour/#s-part" in mail.html
    assert set(re.findall(r'(?:href|src)="([^"]{0,8})', mail.html)) == {"https://"}


def test_ai_disclosure_is_in_the_mail_as_on_the_page(room: LetterRoom) -> None:
    room.add("ada")
    room.file("authors/ada.md", "---\nname: Ada\nkind: ai\nresponsible_editor: Maria Novak\n---\nBio.\n")
    letter(room)
    mail, page = room.mail_to("ada"), room.page("/articles/harbour/")
    note = re.search(r'<p class="ai-note"><strong>(.*?)</strong>', page)
    assert note
    assert note[1] in mail.html
    assert note[1] in mail.text


def test_a_long_article_is_cut_before_mail_programs_hide_it(room: LetterRoom) -> None:
    room.add("ada")
    letter(room, body="\n\n".join(f"Paragraph {number} of a long story. " * 4 for number in range(2500)))
    mail = room.mail_to("ada")
    assert len(mail.html.encode()) <= MAX_HTML
    assert "Paragraph 1 " in mail.html
    assert "Read on the site" in mail.html
    assert "Unsubscribe" in mail.html


def test_an_article_of_gates_is_cut_like_one_of_words(room: LetterRoom) -> None:
    room.add("ada")
    teaser = "What the ministers wrote to each other. " * 20
    letter(room, body=f'::: gate tier=member teaser="{teaser}"\nHidden.\n:::\n\n' * 100)
    mail = room.mail_to("ada")
    assert len(mail.html.encode()) <= MAX_HTML
    assert "Unsubscribe" in mail.html
    assert "Hidden" not in mail.html + mail.text


def test_a_digest_of_long_deks_is_cut_without_losing_an_article(theme: Theme) -> None:
    edition = planned_edition("daily/2026-11-23", "digest", "Daily", datetime(2026, 11, 23, tzinfo=UTC), "a")
    fields = {"title": "Title", "dek": "港口重新开放。" * 280, "date": f"{TODAY}T00:00:00+00:00"}
    documents = [Document(f"a{number}", **fields) for number in range(30)]
    cards = [card_facts(document, [], []) for document in documents]
    [mail] = edition_mails(
        theme, Site(), EditionText(edition, None, cards, ADDRESS), [view(documents[0], "public", Site())]
    )
    assert len(mail.html.encode()) <= MAX_HTML
    assert [number for number in range(30) if f"/articles/a{number}/" not in mail.html] == []


@pytest.mark.parametrize("title", ["T" * 300, "Two  words", "Two\nlines\r\nBcc: eve@x.example", "“Ærø” & <b>"])
def test_a_subject_is_one_short_line(room: LetterRoom, title: str) -> None:
    room.add("ada")
    letter(room, title=title)
    assert room.mail_to("ada").subject == one_line(title)
    assert len(one_line(title)) <= 200


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("می\u200cخواهم بدانم", "می\u200cخواهم بدانم"),
        ("👨\u200d👩\u200d👧 at sea", "👨\u200d👩\u200d👧 at sea"),
        ("Donau\u00addampf\u200bschiff\u2060fahrt", "Donaudampfschifffahrt"),
        ("\u202eTrap\u2066 here\u2028now", "Trap here now"),
    ],
)
def test_a_subject_keeps_what_words_are_made_of_and_nothing_else_that_is_invisible(title: str, subject: str) -> None:
    assert one_line(title) == subject


def test_nothing_is_sent_without_a_postal_address(theme: Theme) -> None:
    room = LetterRoom(theme, "base_url: https://quay.example\n")
    room.add("ada")
    letter(room)
    room.tick()
    assert room.sent == []
    assert (room.editions[0].state, room.editions[0].reason) == ("held", planning.NO_ADDRESS)


# --- What happens to articles meanwhile ---


def planned(room: LetterRoom, body: str = "Text.") -> None:
    """Publish an article, and stop when its edition is planned."""
    room.upload("drafts/harbour.md", f"---\ntitle: T\nnewsletter: true\ndate: {TODAY}\n---\n{body}\n".encode())
    while not any(isinstance(message.detail, BatchPlanned) for message in room.queue):
        room.process_next()


def test_an_article_that_is_withdrawn_is_in_no_mail_after_it_and_on_no_page(room: LetterRoom) -> None:
    room.add("ada")
    planned(room)
    held = [message for message in room.queue if message.stage == "mailer"]
    room.queue.clear()
    assert "T" in room.page("/newsletter/article-harbour/2026-11-23/")
    room.file("drafts/harbour.md", None)
    room.queue.extend(held)
    room.process_all()
    assert room.sent == []
    assert room.editions[0].state == "cancelled"
    output = room.site.outputs["newsletter/article-harbour/2026-11-23/index.html"]
    assert output.metadata["status"] == "410"
    assert "article-harbour" not in room.page("/newsletter/archive/")


def test_an_edition_that_a_takedown_cancelled_half_way_stays_cancelled_when_the_article_is_back(
    room: LetterRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the readers have what was taken down, and what comes back may be another text."""
    monkeypatch.setattr(planning, "_BATCH_SIZE", 1)
    room.add("ada")
    room.add("ben")
    planned(room)
    first, second = [message for message in room.queue if message.stage == "mailer"]
    room.queue.clear()
    room.queue.append(first)
    room.process_all()
    assert len(room.sent) == 1
    room.file("drafts/harbour.md", None)
    room.queue.append(second)
    room.process_all()
    assert room.editions[0].state == "cancelled"
    letter(room)
    room.tick()
    assert (len(room.sent), [edition.state for edition in room.editions]) == (1, ["cancelled"])


def test_an_article_that_is_withdrawn_after_it_was_sent_is_no_longer_in_the_list_of_editions(room: LetterRoom) -> None:
    room.add("ada")
    letter(room)
    assert "The port reopens" in room.page("/newsletter/archive/")
    room.file("drafts/harbour.md", None)
    assert room.editions[0].state == "sent"
    assert "The port reopens" not in room.page("/newsletter/archive/")


def test_editions_that_the_list_of_the_newest_has_no_longer_are_in_lists_by_year(
    room: LetterRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter(room, "one", "First")
    assert not room.page("/newsletter/archive/2026/")
    assert "/archive/2026/" not in room.page("/newsletter/archive/")
    monkeypatch.setattr(pages, "_MOST_LISTED", 2)
    for day, name in (("2027-01-01", "two"), ("2028-01-01", "three"), ("2028-01-02", "four")):
        room.now = datetime.fromisoformat(f"{day}T08:00:00+00:00")
        room.publish(name, name.title(), newsletter=True, date=day)
    newest = room.page("/newsletter/archive/")
    assert re.findall(r'<h2><a href="/newsletter/article-(\w+)', newest) == ["four", "three"]
    years = re.findall(r'href="(/newsletter/archive/\d+/)"', newest)
    assert years == [f"/newsletter/archive/{year}/" for year in (2028, 2027, 2026)]
    listed = [re.findall(r'<h2><a href="/newsletter/article-(\w+)', room.page(year)) for year in years]
    assert listed == [["four", "three"], ["two"], ["one"]]
    room.file("drafts/one.md", None)
    assert "First" not in room.page("/newsletter/archive/2026/")


def page_of(room: LetterRoom, edition: str) -> tuple[str, str]:
    """Return the status and the HTML of an edition's page."""
    found = room.site.outputs[f"newsletter/{edition}/index.html"]
    return found.metadata.get("status", "200"), found.body.decode()


def test_the_page_of_an_edition_comes_back_with_its_article(room: LetterRoom) -> None:
    room.add("ada")
    letter(room)
    edition, path = "article-harbour/2026-11-23", "/newsletter/article-harbour/2026-11-23/"
    status, html = page_of(room, edition)
    assert status == "200"
    room.file("drafts/harbour.md", None)
    assert page_of(room, edition)[0] == "410"
    room.now += timedelta(days=5)
    letter(room)
    assert page_of(room, edition) == (status, html)
    assert path in room.page("/newsletter/archive/")
    assert len(room.sent) == 1, "what came back is not mailed again"


def test_a_digest_names_an_article_again_that_comes_back(theme: Theme) -> None:
    room = LetterRoom(theme, DAILY.replace("minimum: 2", "minimum: 1"))
    room.add("ada", ["daily"])
    room.publish("first", "First", date="2026-11-22T20:00:00Z")
    room.publish("second", "Second", date="2026-11-22T21:00:00Z")
    room.tick("2026-11-23T05:00:05+00:00")
    assert [edition.slugs for edition in room.editions] == [("second", "first")]
    room.file("drafts/second.md", None)
    status, html = page_of(room, "daily/2026-11-23")
    assert (status, "/articles/second/" in html) == ("200", False)
    room.publish("second", "Second", date="2026-11-22T21:00:00Z")
    assert "/articles/second/" in page_of(room, "daily/2026-11-23")[1]


def test_a_digest_whose_first_article_is_withdrawn_is_listed_by_the_next(theme: Theme) -> None:
    room = LetterRoom(theme, DAILY.replace("minimum: 2", "minimum: 1"))
    room.add("ada", ["daily"])
    room.publish("one", "One", date="2026-11-22T12:00:00Z")
    room.publish("two", "Two", date="2026-11-22T13:00:00Z")
    room.tick("2026-11-23T05:01:00+00:00")
    assert "Daily: Two" in room.page("/newsletter/archive/")
    room.file("drafts/two.md", None)
    archive = room.page("/newsletter/archive/")
    assert ("Daily: One" in archive, "Two" in archive) == (True, False)


def test_an_article_that_changes_after_planning_is_sent_as_it_is_then(room: LetterRoom) -> None:
    room.add("ada")
    planned(room, "The minister’s letter.")
    held = [message for message in room.queue if message.stage == "mailer"]
    room.queue.clear()
    room.publish("harbour", "T", "::: gate tier=member\nThe minister’s letter.\n:::", newsletter=True, date=TODAY)
    room.queue.extend(held)
    room.process_all()
    assert "minister" not in room.mail_to("ada").html + room.mail_to("ada").text


def test_an_article_whose_next_version_is_rejected_is_sent_as_readers_get_it(room: LetterRoom) -> None:
    room.add("ada")
    planned(room, "The words that are live.")
    held = [message for message in room.queue if message.stage == "mailer"]
    room.queue.clear()
    room.file("drafts/harbour.md", "---\ntitle: T\naccess: crew\n---\nBroken.\n")
    room.queue.extend(held)
    room.process_all()
    mail = room.mail_to("ada")
    assert "The words that are live." in mail.text
    assert "Broken" not in mail.text + mail.html


def test_an_edition_without_recipients_is_sent_to_nobody_and_has_its_page(room: LetterRoom) -> None:
    room.add("ada", ["daily"])
    letter(room)
    assert [(edition.state, edition.recipients, edition.counts) for edition in room.editions] == [("sent", 0, {})]
    assert "The port reopens" in room.page("/newsletter/article-harbour/2026-11-23/")


# --- Digests ---

DAILY = SITE + "timezone: Europe/Vienna\nnewsletters:\n  - {id: daily, title: Daily, schedule: '06:00', minimum: 2}\n"


def test_a_digest_names_what_went_live_since_the_last_one(theme: Theme) -> None:
    room = LetterRoom(theme, DAILY)
    room.add("ada", ["daily"])
    room.publish("old", "Old", date="2026-11-20T12:00:00Z")
    room.publish("one", "One", date="2026-11-22T12:00:00Z")
    room.tick("2026-11-23T05:02:00+00:00")
    assert room.sent == [], "there is too little"
    room.publish("two", "Two", date="2026-11-23T04:00:00Z")
    room.tick("2026-11-23T05:05:00+00:00")
    room.tick("2026-11-23T05:10:00+00:00")
    assert room.sent == [("ada", "Daily: Two")]
    text = room.mail_to("ada").text
    assert text.index("Two") < text.index("One")
    assert "Old" not in text
    for number in (3, 4):
        room.publish(f"n{number}", f"News {number}", date=f"2026-11-23T05:0{number}:00Z")
    room.tick("2026-11-24T05:00:00+00:00")
    assert room.sent[1:] == [("ada", "Daily: News 4")]
    assert "Two" not in room.provider.mails[1].text
    assert [edition.id for edition in room.editions] == ["daily/2026-11-24", "daily/2026-11-23"]


@pytest.mark.parametrize("alone", [True, False])
def test_the_page_of_a_newsletter_marks_articles_by_an_ai_persona(theme: Theme, alone: bool) -> None:
    room = LetterRoom(theme, DAILY)
    room.add("ben", ["daily"])
    room.file("authors/ada.md", "---\nname: Ada\nkind: ai\nresponsible_editor: Maria Novak\n---\nBio.\n")
    room.publish("one", "One", date="2026-11-22T12:00:00Z", newsletter=alone)
    room.tick("2026-11-23T05:02:00+00:00")
    room.publish("two", "Two", date="2026-11-23T04:00:00Z")
    for minute in (5, 10):
        room.tick(f"2026-11-23T05:{minute:02}:00+00:00")
    page = room.page("/newsletter/article-one/2026-11-23/" if alone else "/newsletter/daily/2026-11-23/")
    assert page.count('<a href="/authors/ada/">Ada</a> <span class="persona">(AI persona)</span>') == (
        1 if alone else 2
    )


def test_a_digest_loses_an_article_that_is_withdrawn_and_is_not_sent_with_too_few(theme: Theme) -> None:
    room = LetterRoom(theme, DAILY)
    room.add("ada", ["daily"])
    for name in ("one", "two", "three"):
        room.publish(name, name.title(), date="2026-11-22T12:00:00Z")
    room.now = datetime(2026, 11, 23, 5, 1, tzinfo=UTC)
    room.deliver([parse("NewslettersDue")])
    room.process_next()
    held = list(room.queue)
    room.queue.clear()
    room.file("drafts/two.md", None)
    room.queue.extend(held)
    room.process_all()
    assert "Two" not in room.mail_to("ada").text + room.mail_to("ada").subject
    assert "Two" not in room.page("/newsletter/daily/2026-11-23/")
    room.file("drafts/one.md", None)
    assert room.site.outputs["newsletter/daily/2026-11-23/index.html"].metadata["status"] == "410"


@pytest.mark.parametrize(
    ("day", "time", "moments"),
    [
        ("2026-03-29", "02:30", ["2026-03-29T01:30:00"]),  # clocks skip from 02:00 to 03:00
        ("2026-10-25", "02:30", ["2026-10-25T00:30:00"]),  # clocks repeat 02:00 to 03:00
        ("2026-06-01", "06:00", ["2026-06-01T04:00:00"]),
    ],
)
def test_a_time_of_day_comes_once_a_day_whatever_clocks_do(day: str, time: str, moments: list[str]) -> None:
    digest, site = Digest("d", "D", time, "Europe/Vienna"), Site()
    start = datetime.fromisoformat(f"{day}T00:00:00+00:00") - timedelta(hours=12)
    seen = {last_due(digest, site, start + timedelta(minutes=5 * step)) for step in range(12 * 40)}
    found = {moment for due in seen if due for name, moment in [due] if name == day}
    assert [moment.isoformat()[:19] for moment in found] == moments


def test_a_digest_comes_on_its_days_only() -> None:
    digest = Digest("d", "D", "06:00", days=(0,))
    assert last_due(digest, Site(), datetime(2026, 11, 26, 12, tzinfo=UTC)) == (
        "2026-11-23",
        datetime(2026, 11, 23, 6, tzinfo=UTC),
    )


def test_a_digest_that_is_set_up_after_its_time_of_day_begins_with_the_next_day(theme: Theme) -> None:
    room = LetterRoom(theme, DAILY)
    room.add("ada", ["daily"])
    room.publish("one", date="2026-11-22T12:00:00Z")
    room.publish("two", date="2026-11-22T13:00:00Z")
    room.tick("2026-11-23T07:00:00+00:00")
    assert room.editions == []
    room.tick("2026-11-24T05:03:00+00:00")
    assert [edition.id for edition in room.editions] == ["daily/2026-11-24"]


def test_a_digest_that_is_hours_late_waits_for_the_next_day(theme: Theme) -> None:
    room = LetterRoom(theme, DAILY)
    room.tick("2026-11-22T05:00:00+00:00")
    room.publish("one", date="2026-11-22T12:00:00Z")
    room.publish("two", date="2026-11-22T13:00:00Z")
    room.tick("2026-11-23T20:00:00+00:00")
    assert room.editions == []


def go_live(room: LetterRoom, name: str, moment: str) -> None:
    room.now = datetime.fromisoformat(moment)
    room.publish(name, date=moment)


@pytest.mark.parametrize("cancels", ["withdrawn", "an editor", "an editor, too late"])
def test_what_a_digest_would_have_named_that_went_to_nobody_is_in_the_next(theme: Theme, cancels: str) -> None:
    room = LetterRoom(theme, DAILY.replace("'06:00'", "'06:00', days: [mon]"))
    room.add("ada", ["daily"])
    room.tick("2026-11-23T05:00:00+00:00")
    go_live(room, "one", "2026-11-24T12:00:00Z")
    go_live(room, "two", "2026-11-25T12:00:00Z")
    room.now = datetime(2026, 11, 30, 5, 0, 5, tzinfo=UTC)
    start_digests(room.newsletters, theme)
    if cancels == "withdrawn":
        room.file("drafts/two.md", None)
    elif cancels == "an editor":
        control.cancel("daily", room.newsletters)
    else:
        [batch] = editions_table.batches(room.editions_table, "daily/2026-11-30")
        copy = Recipient("mailed", 0, "", 0)
        change = editions_table.recipient_change("daily/2026-11-30", batch.members[0], copy, None)
        room.editions_table.write([change])
        control.cancel("daily", room.newsletters)
    room.deliver_emitted()
    room.process_all()
    assert (room.editions[0].state, room.sent) == ("cancelled", [])
    go_live(room, "three", "2026-12-01T12:00:00Z")
    go_live(room, "four", "2026-12-02T12:00:00Z")
    room.tick("2026-12-07T05:00:05+00:00")
    named = {"withdrawn": {"one"}, "an editor": {"one", "two"}}.get(cancels, set())
    assert set(room.editions[0].slugs) == {"three", "four"} | named
    go_live(room, "five", "2026-12-08T12:00:00Z")
    go_live(room, "six", "2026-12-09T12:00:00Z")
    room.tick("2026-12-14T05:00:05+00:00")
    assert set(room.editions[0].slugs) == {"five", "six"}


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("{id: newsletter, schedule: '06:00'}", "cannot be the id"),
        ("{id: article-x, schedule: '06:00'}", "cannot be the id"),
        ("{id: a, schedule: '25:00'}", "not a time of day"),
        ("{id: a, schedule: '06:00 Mars/Base'}", "not a time of day"),
        ("{id: a, schedule: '06:00', days: [someday]}", "not a day of the week"),
        ("{id: a, schedule: '06:00', minimum: 0}", "whole number"),
        ("{id: a, schedule: '06:00', minimum: 31}", "whole number"),
        ("{id: a, schedule: '06:00', tiers: [gold]}", "not a tier"),
        ("{id: a, schedule: '06:00'}, {id: a, schedule: '07:00'}", "listed twice"),
    ],
)
def test_a_digest_that_cannot_be_is_refused(setting: str, problem: str) -> None:
    with pytest.raises(Rejected, match=problem):
        parse_site(f"newsletters: [{setting}]\n".encode())


# --- Once, and nobody left out ---


def test_a_refused_address_and_a_stopped_account(room: LetterRoom) -> None:
    for name in ("ada", "bob"):
        room.add(name)
    room.provider.answers["ada@readers.example"] = [Permanent("SES does not take the mail: MessageRejected")]
    room.provider.answers["bob@readers.example"] = [SendingStopped("AccountSuspendedException")]
    letter(room)
    found = room.copy_of("article-harbour/2026-11-23", "bob")
    assert found is None, "he was certainly not sent a mail"
    edition = room.editions[0]
    assert edition.state == "held"
    assert "AccountSuspended" in edition.reason


def test_a_reader_whose_mail_server_takes_nothing_now_is_in_nobodys_way(room: LetterRoom) -> None:
    for number in range(9):
        room.add(f"r{number}")
    room.provider.answers["r4@readers.example"] = [Deferred("the mail server answered 452")] * 1000
    room.provider.answers["r5@readers.example"] = [Deferred("the mail server answered 451")] * 2
    letter(room)
    assert len(room.sent) == 7
    for _ in range(60):
        room.now += timedelta(minutes=5)
        room.tick()
    [edition] = room.editions
    assert (edition.state, edition.counts) == ("sent", {"mailed": 8, "refused": 1})
    found = room.copy_of(edition.id, "r4")
    assert found
    assert found.note == "the mail server answered 452"


def test_a_provider_that_takes_nobodys_mail_costs_nobody_a_copy(room: LetterRoom) -> None:
    names = [f"r{number}" for number in range(30)]
    for name in names:
        room.add(name)
        refused = Permanent("SES does not take the mail: BadRequestException")
        room.provider.answers[f"{name}@readers.example"] = [refused] * (2 if name == "r7" else 1)
    letter(room)
    [edition] = room.editions
    assert (edition.state, room.sent) == ("held", [])
    assert "BadRequestException" in edition.reason
    assert all(room.copy_of(edition.id, name) is None for name in names)
    for name in names[:7] + names[8:]:
        room.provider.answers[f"{name}@readers.example"].clear()
    control.send(edition.id, None, room.newsletters)
    room.deliver_emitted()
    room.process_all()
    assert room.editions[0].state == "sent"
    assert room.editions[0].counts == {"mailed": 29, "refused": 1}


def test_an_editor_who_insists_has_an_edition_end_that_nobody_can_get(room: LetterRoom) -> None:
    for number in range(4):
        room.add(f"r{number}")
        room.provider.answers[f"r{number}@readers.example"] = [Permanent("550")] * 2
    letter(room)
    assert room.editions[0].state == "held"
    control.send(room.editions[0].id, None, room.newsletters)
    room.deliver_emitted()
    room.process_all()
    assert (room.editions[0].state, room.editions[0].counts) == ("sent", {"refused": 4})


def test_tags_of_a_mail_are_what_ses_takes_and_name_the_edition_in_its_reports(room: LetterRoom) -> None:
    room.add("ada")
    letter(room)
    tags = room.mail_to("ada").tags
    for value in tags.values():
        assert re.fullmatch("[A-Za-z0-9_-]{1,256}", value)
    for edition in (tags["edition"], "article-harbour.2026-11-23"):
        detail = {"eventType": "Bounce", "mail": {"tags": {"edition": [edition], "reader": [tags["reader"]]}}}
        report = parse_ses({**detail, "bounce": {"bounceType": "Permanent", "feedbackId": "1"}})
        assert (report.edition, report.member) == (room.editions[0].id, member_id("ada@readers.example"))


def test_a_throttled_mail_is_sent_later(room: LetterRoom) -> None:
    room.add("ada")
    room.provider.answers["ada@readers.example"] = [NotAccepted("Throttling")] * 4
    letter(room)
    assert room.sent == []
    room.now += timedelta(minutes=5)
    room.tick()
    assert room.sent == [("ada", "The port reopens")]
    assert room.editions[0].counts == {"mailed": 1}


@pytest.mark.parametrize(("setting", "copies", "state"), [("", 1, "unsure"), ("resend_unsure: true\n", 2, "mailed")])
def test_a_lost_answer_is_decided_by_the_settings(theme: Theme, setting: str, copies: int, state: str) -> None:
    room = LetterRoom(theme, SITE + setting)
    room.add("ada")
    room.provider.lost["ada@readers.example"] = [Transient("the answer was lost")]
    letter(room)
    room.now += timedelta(minutes=5)
    room.tick()
    assert len(room.sent) == copies
    assert room.editions[0].counts == {state: 1}


class Died(BaseException):
    """The function was killed."""


class Mortal:
    """A port of which some call is the last one of its run."""

    def __init__(self, inner: Any, room: Chaos) -> None:
        self.inner, self.room = inner, room

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)

        def call(*args: Any, **named: Any) -> Any:
            self.room.before(name)
            made = method(*args, **named)
            self.room.after(name)
            return made

        return call


class Chaos:
    """Decides which calls of a history die, fail, or lose their answers."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.rate = chance, chance.choice([0.0, 0.01, 0.04])

    def before(self, name: str) -> None:
        if name != "rate" and self.chance.random() < self.rate:
            raise Died if self.chance.random() < 0.5 else Transient(name)

    after = before


@pytest.mark.parametrize("seed", range(24))
def test_whatever_dies_or_is_repeated_nobody_gets_two_copies_and_nobody_is_left_out(
    theme: Theme, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.setattr(planning, "_PAGE_SIZE", 4)
    monkeypatch.setattr(planning, "_BATCH_SIZE", 3)
    monkeypatch.setattr(planning, "_STEPS", 2)
    chance = random.Random(seed)
    room, chaos = LetterRoom(theme), Chaos(chance)
    names = [f"reader{number}" for number in range(11)]
    for name in names:
        room.add(name)
    ports = room.newsletters
    faulty = {name: Mortal(getattr(ports, name), chaos) for name in ("memberships", "editions", "mailer")}
    room.newsletters = replace(ports, **faulty)
    letter_of(room)
    for _ in range(2000):
        if not room.queue:
            if room.editions and room.editions[0].state == "sent":
                break
            room.now += timedelta(minutes=5)
            room.deliver([parse("NewslettersDue")])
        message = room.queue[chance.randrange(len(room.queue))]
        room.queue.remove(message)
        if chance.random() < 0.2:
            room.queue.append(message)  # SQS delivers it twice
        room.queue.appendleft(message)
        try:
            room.process_next()
        except Died:
            room.deliver_emitted()
            room.queue.append(message)
    got = [name for name, _ in room.sent]
    edition = room.editions[0]
    assert edition.state == "sent", (edition, chaos.rate)
    assert len(got) == len(set(got)), "no second copy"
    assert sum(edition.counts.values()) == edition.recipients == len(names)
    states = {name: copy.state for name in names if (copy := room.copy_of(edition.id, name))}
    assert {name for name in names if states[name] == "mailed"} <= set(got)
    assert {name for name in names if states[name] not in ("mailed", "unsure")} == set()
    if chaos.rate == 0:
        assert sorted(got) == sorted(names)


def letter_of(room: LetterRoom) -> None:
    room.upload("drafts/harbour.md", f"---\ntitle: T\nnewsletter: true\ndate: {TODAY}\n---\nText.\n".encode())


def test_a_copy_costs_four_calls(room: LetterRoom) -> None:
    """One reads the reader, two record the copy, one sends it. What the edition shows is looked up once a second."""
    from collections import Counter
    from dataclasses import replace

    calls: Counter[str] = Counter()

    class Counted:
        def __init__(self, name: str, inner: Any) -> None:
            self.name, self.inner = name, inner

        def __getattr__(self, method: str) -> Any:
            def call(*args: Any, **named: Any) -> Any:
                calls[f"{self.name}.{method}"] += method != "rate"
                return getattr(self.inner, method)(*args, **named)

            return call

    def spent(readers: int) -> int:
        for number in range(readers):
            room.add(f"r{number}")
        calls.clear()
        letter(room, f"story{readers}", "T")
        return sum(calls.values())

    ports = room.newsletters
    names = ("memberships", "editions", "mailer")
    pipeline = replace(room.ports, **{name: Counted(name, getattr(room.ports, name)) for name in ("private", "drafts")})
    room.newsletters = replace(
        ports, pipeline=pipeline, **{name: Counted(name, getattr(ports, name)) for name in names}
    )
    few = spent(5)
    assert 40 * 4 <= spent(45) - few < 40 * 4 + 10, "the second edition reads the page of the first one as well"


# --- What the provider reports ---


def report(room: LetterRoom, kind: str, number: int, name: str = "ada") -> None:
    detail = MailReturned(f"{kind}-{number}", kind, "article-harbour/2026-11-23", member_id(f"{name}@readers.example"))
    from nightdesk.usecases.newsletters.feedback import record_feedback

    record_feedback(detail, room.newsletters)


def test_a_bounce_and_a_complaint_stop_newsletters_until_the_reader_asks_again(room: LetterRoom) -> None:
    ada, bob = room.add("ada"), room.add("bob")
    letter(room)
    report(room, "bounce", 1)
    report(room, "bounce", 1)
    report(room, "complaint", 2, "bob")
    assert room.editions[0].counts == {"bounced": 1, "complained": 1, "mailed": 2}
    letter(room, "two", "Two")
    assert len(room.sent) == 2
    assert memberships_table.suppression(room.members, ada) == "bounced"
    members.choose_newsletters(bob, {"newsletter": True}, members_ports(room))
    letter(room, "three", "Three")
    assert room.sent[2:] == [("bob", "Three")]


def test_readers_who_unsubscribe_by_an_editions_link_are_counted_once(room: LetterRoom) -> None:
    ada, bob, eve = room.add("ada"), room.add("bob"), room.add("eve", [])
    letter(room)
    edition = "article-harbour/2026-11-23"
    for member, name in ((ada, "ada"), (ada, "ada"), (eve, "eve")):
        assert members.unsubscribe(member, f"key-{name}", members_ports(room), "newsletter", edition)
    for wrong in ("", "nowhere", "article-other/2026-11-23"):
        assert members.unsubscribe(bob, "key-bob", members_ports(room), "newsletter", wrong)
    room.deliver_emitted()
    room.process_all()
    assert room.editions[0].counts == {"mailed": 2, "unsubscribed": 1}
    assert control.report(room.editions[0], room.now)["unsubscribed"] == 1


def test_a_change_that_was_not_made_by_a_link_says_nothing_of_an_edition() -> None:
    assert "edition" not in MembershipChanged("0" * 32).to_detail()


def members_ports(room: LetterRoom) -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(memberships=room.members, bus=room.ports.bus)


def test_passing_failures_count_when_they_repeat(room: LetterRoom) -> None:
    ada = room.add("ada")
    letter(room)
    for number in (1, 2, 2):
        report(room, "soft", number)
    assert memberships_table.suppression(room.members, ada) == ""
    report(room, "soft", 3)
    assert memberships_table.suppression(room.members, ada) == "bounced"


def test_passing_failures_of_other_months_and_of_an_earlier_time_as_reader_do_not_count(room: LetterRoom) -> None:
    ada = room.add("ada")
    letter(room)
    for number, day in enumerate(("2026-11-23", "2026-12-13", "2027-01-02")):
        room.now = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        report(room, "soft", number)
    assert memberships_table.suppression(room.members, ada) == "", "no three within a month"
    report(room, "soft", 8)
    report(room, "soft", 8)
    assert memberships_table.suppression(room.members, ada) == "bounced"
    assert room.editions[0].counts["bounced"] == 1
    members.choose_newsletters(ada, {"newsletter": True}, members_ports(room))
    report(room, "soft", 8)
    report(room, "soft", 9)
    assert memberships_table.suppression(room.members, ada) == "", "who asks again begins with none"


def test_of_two_passing_failures_at_once_both_count(room: LetterRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = room.add("ada")
    letter(room)
    inner, others = room.editions_table.write, [2]

    def write(changes: Any) -> None:
        if others:
            report(room, "soft", others.pop())
        inner(changes)

    monkeypatch.setattr(room.editions_table, "write", write)
    report(room, "soft", 1)
    report(room, "soft", 3)
    assert memberships_table.suppression(room.members, ada) == "bounced"


def test_an_edition_with_too_many_bounces_is_held(room: LetterRoom) -> None:
    for number in range(4):
        room.add(f"r{number}")
    planned(room)
    for number in range(3):
        report(room, "bounce", number, f"r{number}")
    room.process_all()
    assert room.editions[0].state == "held"
    assert room.sent == []


def test_an_edition_with_complaints_is_held_with_the_reason_until_an_editor_goes_on(room: LetterRoom) -> None:
    names = [f"r{number}" for number in range(5)]
    for name in names:
        room.add(name)
    planned(room)
    edition = room.editions[0].id
    report(room, "complaint", 0, "r0")
    assert room.editions[0].is_open, "one is no share of a thousand"
    report(room, "complaint", 1, "r1")
    found = control.report(room.editions[0], room.now)
    assert (found["state"], found["reason"]) == ("held", "too many readers complained about it")
    room.process_all()
    assert room.sent == []
    control.send(edition, None, room.newsletters)
    report(room, "complaint", 2, "r2")
    assert room.editions[0].is_open, "the editor knows of the first two"
    settle(room)
    assert sorted(name for name, _ in room.sent) == ["r3", "r4"]
    assert control.report(room.editions[0], room.now)["complained"] == 3


def settle(room: LetterRoom) -> None:
    room.deliver_emitted()
    room.process_all()


# --- A new sender ---


def test_a_new_sender_mails_little_on_its_first_day_and_the_rest_on_the_days_after(
    theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_up, "FIRST_DAY", 4)
    monkeypatch.setattr(planning, "_BATCH_SIZE", 2)
    room = LetterRoom(theme, SITE + "warm_up: 2026-11-23\ntimezone: Europe/Vienna\n")
    for number in range(20):
        room.add(f"r{number}")
    letter(room)
    assert len(room.sent) == 4
    found = control.report(room.editions[0], room.now)
    assert (found["state"], found["not_before"]) == ("sending", "2026-11-24T00:00:00+01:00")
    assert found["reason"].startswith("held for 2026-11-24: 16 of 20 recipients")
    assert control.held(room.newsletters, 10) == [{"id": room.editions[0].id, "reason": found["reason"]}]
    room.tick("2026-11-23T22:59:00+00:00")
    assert len(room.sent) == 4
    room.tick("2026-11-23T23:01:00+00:00")
    assert len(room.sent) == 4 + 8
    room.tick("2026-11-24T23:01:00+00:00")
    assert sorted(name for name, _ in room.sent) == sorted(f"r{number}" for number in range(20))
    assert (room.editions[0].state, room.editions[0].counts) == ("sent", {"mailed": 20})
    assert control.held(room.newsletters, 10) == []


def test_copies_that_a_provider_does_not_take_now_cost_a_new_sender_nothing(
    theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_up, "FIRST_DAY", 4)
    room = LetterRoom(theme, SITE + "warm_up: 2026-11-23\n")
    for number in range(4):
        room.add(f"r{number}")
        room.provider.answers[f"r{number}@readers.example"] = [NotAccepted("throttled")] * 6
    letter(room)
    for minute in range(5, 60, 5):
        room.tick(f"2026-11-23T00:{minute:02}:00+00:00")
    assert len(room.sent) == 4
    assert room.editions[0].counts == {"mailed": 4}


def test_the_limit_ends_after_two_weeks_and_a_wrong_day_is_refused() -> None:
    site = Site(warm_up="2026-12-01")
    limits = [
        warm_up.daily_limit(site, date(2026, month, day))
        for month, day in ((11, 1), (12, 1), (12, 2), (12, 14), (12, 15))
    ]
    assert limits == [200, 200, 400, 200 * 2**13, None]
    assert parse_site(b"warm_up: 2026-12-01\n")[0].warm_up == "2026-12-01"
    with pytest.raises(Rejected):
        parse_site(b"warm_up: soon\n")


# --- Parts ---


def test_html_becomes_fit_for_mail_programs() -> None:
    page = "https://q.example/articles/a/"
    html = '<p id="x"><picture><source srcset="/b.webp"><img src="b.png" srcset="/b 2x" loading="lazy" alt="A &amp; B"></picture> <a href="#n">n</a></p>'
    assert make_absolute(html, page) == (
        '<p><img src="https://q.example/articles/a/b.png" alt="A &amp; B"> <a href="https://q.example/articles/a/#n">n</a></p>'
    )
    assert list(top_level("<p>a<b>c</b></p>\n<ul><li>d</li></ul><hr>e")) == [
        "<p>a<b>c</b></p>", "\n<ul><li>d</li></ul>", "<hr>", "e"
    ]  # fmt: skip


def test_html_becomes_plain_text() -> None:
    html = (
        "<h2>Head</h2><p>One\ntwo <a href='https://x.example/'>link</a>.<br>Three</p><ul><li>a</li><li>b</li></ul>"
        "<ol><li>c</li></ol><blockquote><p>said</p></blockquote><style>p{}</style><pre>  x\n y</pre><img alt='map'>"
    )
    text = "Head\n\nOne two link (https://x.example/).\nThree\n\n- a\n- b\n\n1. c\n\nsaid\n\n  x\n y\n\n[map]"
    assert plain_text(html) == text
    assert plain_text("<a href='mailto:a@x.example'>Write</a>") == "Write (a@x.example)"


def test_notes_and_lists_read_well_as_plain_text() -> None:
    html = (
        '<p>Text<sup><a href="https://q.example/articles/a/#note-1">1</a></sup> goes on.</p>'
        '<ol><li><p>The note. <a href="https://q.example/articles/a/#ref-1" class="note-back">↩</a></p></li></ol>'
        "<ul><li><p>One</p><p>Two</p></li><li>Three</li></ul>"
    )
    assert plain_text(html) == "Text[1] goes on.\n\n1. The note.\n\n- One\n\nTwo\n\n- Three"


def test_readers_of_an_edition_are_read_a_page_at_a_time(room: LetterRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_PAGE_SIZE", 7)
    monkeypatch.setattr(planning, "_BATCH_SIZE", 5)
    for number in range(60):
        room.add(f"r{number}", ["newsletter"] if number % 3 else [])
    letter(room)
    assert sorted(name for name, _ in room.sent) == sorted(f"r{number}" for number in range(60) if number % 3)
    sizes = [len(batch.members) for batch in editions_table.batches(room.editions_table, room.editions[0].id)]
    assert max(sizes) <= 5


# --- Choosing ---


def test_a_reader_chooses_digests_when_signing_up_and_on_the_account_page(theme: Theme) -> None:
    from support.sign_in_harness import ADA, SignInHarness

    harness = SignInHarness()
    cookie = harness.request(newsletter=False, lists=("daily",))
    reader = harness.by_link(harness.newest_mail()[0], cookie)
    assert reader
    member = member_id(ADA)
    stored = memberships_table.find_membership(harness.table, member)
    assert stored
    assert stored.membership.newsletters == ("daily",)
    known = ("newsletter", "daily", "weekly")
    after = members.choose_newsletters(member, {"newsletter": True, "weekly": True}, harness.ports, known)
    assert after.newsletters == ("newsletter", "daily", "weekly")
    assert members.unsubscribe(member, after.unsubscribe, harness.ports, "daily")
    stored = memberships_table.find_membership(harness.table, member)
    assert stored
    assert stored.membership.newsletters == ("newsletter", "weekly")
    assert members.unsubscribe(member, after.unsubscribe, harness.ports)
    stored = memberships_table.find_membership(harness.table, member)
    assert stored
    assert stored.membership.newsletters == ()


def test_the_page_of_newsletters_offers_digests_and_leads_to_past_ones(theme: Theme) -> None:
    room = LetterRoom(theme, DAILY)
    page = room.page("/newsletter/")
    assert '<input type="checkbox" name="list-daily" value="yes">' in page
    assert 'href="/newsletter/archive/"' in page
    room.tick()
    assert "Past newsletters" in room.page("/newsletter/archive/")
    assert "list-" not in LetterRoom(theme).page("/newsletter/")


# --- Reports of SES ---


def ses_event(kind: str, **more: Any) -> str:
    detail = {
        "eventType": kind,
        "mail": {
            "destination": ["ada@readers.example"],
            "tags": {"edition": ["daily.2026-11-23"], "reader": ["0" * 32]},
        },
        **more,
    }
    return json.dumps({"source": "aws.ses", "detail-type": "Email Bounced", "detail": detail})


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (ses_event("Bounce", bounce={"bounceType": "Permanent", "feedbackId": "f"}), "bounce"),
        (ses_event("Bounce", bounce={"bounceType": "Transient", "feedbackId": "f"}), "soft"),
        (ses_event("Complaint", complaint={"feedbackId": "f"}), "complaint"),
    ],
)
def test_a_report_of_ses_names_the_edition_and_the_reader_by_tags(body: str, kind: str) -> None:
    assert parse_message(body) == MailReturned("f", kind, "daily/2026-11-23", "0" * 32)


@pytest.mark.parametrize("detail", [{}, {"mail": {}}, {"mail": {"tags": {"edition": ["x"]}}}])
def test_a_report_about_another_mail_is_refused(detail: dict[str, Any]) -> None:
    with pytest.raises(Permanent, match="not about a newsletter"):
        parse_message(json.dumps({"source": "aws.ses", "detail": detail}))
