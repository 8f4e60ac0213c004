"""What readers are told of AI's part in an article, and that the process page says what settings and records say."""

from __future__ import annotations

import json
import re

import pytest
from markupsafe import escape
from nightdesk.usecases.editors.decisions import approve
from support.memory_newsroom import Newsroom

PERSON = "---\nname: Ada\n---\nBio.\n"
PERSONA = "---\nname: Otto\nkind: ai\nresponsible_editor: Henrike Solano\n---\nBio.\n"
ROLES = {"production": {"ai_roles": ["drafting", "translation"]}}


def head(room: Newsroom, slug: str = "quay") -> str:
    """Return the text of an article's head, which readers see without a click."""
    found = re.search(r'<header class="article-head">(.*?)</header>', room.page(f"/articles/{slug}/"), re.DOTALL)
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", found[1]))


@pytest.fixture
def people(room: Newsroom) -> Newsroom:
    room.file("authors/ada.md", PERSON)
    return room


def test_an_article_without_ai_has_no_label(people: Newsroom) -> None:
    people.publish("quay")
    assert "AI" not in head(people)
    assert "How this was produced" not in people.page("/articles/quay/")


def test_ai_roles_are_labelled_near_the_headline_until_an_editor_has_approved(people: Newsroom) -> None:
    people.publish("quay", **ROLES)
    assert "AI took part in this article: drafting, translation. No approval by an editor is recorded." in head(people)
    approve_article(people, "quay")
    assert "AI took part" not in head(people)
    assert "Henrike Solano approved this article on 23 November 2026 and is responsible for it." in head(people)
    people.publish("quay", body="Another text.", **ROLES)
    assert "No approval by an editor is recorded." in head(people)


def test_feeds_say_what_ai_did_before_the_text_and_the_search_does_not_find_it(people: Newsroom) -> None:
    people.publish("quay", **ROLES)
    note = '<p class="ai-note"><em>AI took part in this article: drafting, translation. {}</em></p>\n<p>Text.</p>'
    assert content(people) == note.format("No approval by an editor is recorded.")
    assert '"text":"Text."' in people.page("/search/recent.json")
    approve_article(people, "quay")
    assert content(people) == note.format("Henrike Solano is responsible for this article.")
    people.publish("quay")
    assert content(people) == "<p>Text.</p>"


def content(room: Newsroom) -> str:
    """Return the text of the newest article in the JSON feed, which is that of the RSS feed."""
    html: str = json.loads(room.page("/feed.json"))["items"][0]["content_html"]
    assert str(escape(html)) in room.page("/feed.xml")
    return html


def test_a_review_that_only_the_author_claims_is_no_approval(people: Newsroom) -> None:
    people.publish("quay", production={"ai_roles": ["drafting"], "reviewed_by": "Bo Berg"})
    assert "AI took part in this article: drafting. According to its author, Bo Berg reviewed it." in head(people)
    assert "responsible" not in head(people)


def test_a_claimed_review_makes_nobody_the_editor_of_a_persona(room: Newsroom) -> None:
    room.file("authors/otto.md", PERSONA.replace("responsible_editor: Henrike Solano\n", ""))
    room.publish("quay", authors=["otto"], production={"reviewed_by": "Bo Berg"})
    assert "Written by an AI persona. According to its author, Bo Berg reviewed it." in head(room)
    assert "responsible" not in head(room)


def test_marked_passages_are_announced_near_the_headline_unless_they_are_hidden(people: Newsroom) -> None:
    people.publish("quay", body="::: ai\nMade.\n:::\n")
    assert "AI wrote passages of this article. Each of them is marked. No approval by an editor" in head(people)
    people.publish("quay", body=":::: gate tier=member\n::: ai\nMade.\n:::\n::::\n")
    assert "AI" not in head(people)


def test_the_process_page_follows_settings_and_profiles(room: Newsroom) -> None:
    assert "No AI persona writes for Nightdesk." in room.page("/process/")
    room.file("authors/ada.md", PERSON)
    room.file("authors/otto.md", PERSONA)
    shown = room.page("/process/")
    assert '<li><a href="/authors/otto/">Otto</a>. Responsible editor: Henrike Solano.</li>' in shown
    assert "Ada" not in shown
    room.file("authors/otto.md", PERSONA.replace("responsible_editor: Henrike Solano\n", ""))
    assert "No responsible editor is named." in room.page("/process/")
    room.file("site.yaml", "name: The Quay\n")
    room.file("authors/otto.md", None)
    assert "No AI persona writes for The Quay." in room.page("/process/")


@pytest.mark.parametrize("required", [[], ["ai"], ["human"], ["ai", "human"]])
def test_what_the_process_page_says_of_approvals_is_what_happens(room: Newsroom, required: list[str]) -> None:
    room.file("site.yaml", f"require_approval: {json.dumps(required)}\n")
    room.file("authors/ada.md", PERSON)
    room.file("authors/otto.md", PERSONA)
    shown = room.page("/process/")
    for author, byline in (("otto", "by an AI persona"), ("ada", "by people")):
        room.publish(author, authors=[author])
        claims = {
            f"An article {byline} is published only once an editor has approved it.": room.state(author)["state"]
            == "draft",
            f"An article {byline} can be published before an editor has approved it.": room.state(author)["state"]
            == "live",
        }
        assert {claim: claim in shown for claim in claims} == claims


def test_a_newsrooms_page_about_its_process_keeps_what_settings_and_profiles_say(room: Newsroom) -> None:
    room.file("authors/otto.md", PERSONA)
    room.file("pages/process.md", "---\ntitle: Our way\n---\nWe ask first.\n")
    assert all(text in room.page("/process/") for text in ("We ask first.", "Responsible editor: Henrike Solano."))


def approve_article(room: Newsroom, slug: str) -> None:
    approve(slug, "Henrike Solano", "editor:1", room.ports)
    room.deliver_emitted()
    room.process_all()


def test_the_process_page_names_the_roles_of_ai_that_live_articles_name(room: Newsroom) -> None:
    assert "What AI does" not in room.page("/process/")
    room.publish("a", production={"ai_roles": ["drafting", "Translation"]})
    room.publish("b", production={"ai_roles": ["Drafting", "drafting", "<b>"]}, date="2026-11-02")
    room.publish("c", production={"ai_roles": ["painting"]}, draft=True)
    shown = room.page("/process/")
    roles = ["Drafting (2 articles)", "&lt;b&gt; (1 article)", "Translation (1 article)"]
    assert re.findall(r"<li>(.* article.*)</li>", shown) == roles
    assert "painting" not in shown
    room.file("drafts/b.md", None)
    assert "&lt;b&gt;" not in room.page("/process/")
    room.publish("a")
    assert "What AI does" not in room.page("/process/")
