"""An article's text as everyone may see it, outside its page: for feeds and the search."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from markupsafe import Markup

from nightdesk.domain.documents import Document
from nightdesk.domain.memberships import SUBSCRIBER
from nightdesk.domain.pictures import PictureFiles
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.text import NOT_XML
from nightdesk.domain.views import ClosedGate, view
from nightdesk.rendering.attachments import AttachmentLinks
from nightdesk.rendering.embeds import EmbedCards
from nightdesk.rendering.pictures import Placer
from nightdesk.rendering.texts import Catalogue
from nightdesk.rendering.tier_names import tier_readers

GATE_LINK = re.compile(r'<a class="gate-link"[^>]*>.*?</a>')
"""The link that follows a gate's teaser."""
AI_NOTE = re.compile(r'<p class="ai-note">.*?</p>')
"""The note before the text of an article whose front matter states AI's roles."""
NO_PICTURES: Mapping[str, PictureFiles | None] = MappingProxyType({})
_ALIGNED = re.compile(r'(<t[dh]\b[^<>]*) class="align-([a-z]+)"')
"""How a cell of a table is aligned on pages. Feed readers do not know the style sheet."""
_OWN_LINK = re.compile(r' (href|src)="([#/][^"]*)"')


def public_text(
    text: Catalogue, site: Site, document: Document, pictures: Mapping[str, PictureFiles | None] = NO_PICTURES
) -> str:
    """Return the text of the public view as HTML with absolute addresses.

    Each gate is replaced with its teaser and a link to the gate on the article's page. A note on AI's roles comes first.

    Args:
        pictures: the files of the images that the public sees, by the names of their assets.
    """
    base, shown = f"/articles/{document.slug}/", view(document, PUBLIC, site)
    links = AttachmentLinks(text, base, document, shown.attachments, plain=True)
    others = links.html, EmbedCards(text, (), plain=True).html
    seen = Placer(text, base, pictures, document.figures, plain=True, others=others).view(shown)
    page = f"{site.base_url}/articles/{document.slug}/"
    parts = [_teaser(text, part, page) if isinstance(part, ClosedGate) else part.html.strip() for part in seen.parts]
    if seen.notes:
        notes = "".join(f'<li id="note-{number}">{note}</li>' for number, note in enumerate(seen.notes, start=1))
        parts.append(f"<ol>{notes}</ol>")
    return for_feeds("\n".join([*_ai_note(text, document), *parts]), page, site)


def _ai_note(text: Catalogue, document: Document) -> list[str]:
    """Return the note on AI's roles that the page shows near its headline. AI passages and personas are labelled where they appear."""
    production = document.production
    if not (roles := production.get("ai_roles")):
        return []
    if responsible := production.get("responsible"):
        review = text("ai_note.responsible_for_article", name=responsible)
    elif reviewer := production.get("reviewed_by"):
        review = text("ai_note.reviewed", name=reviewer)
    else:
        review = text("ai_note.not_approved")
    said = text("ai_note.roles", roles=text("list.separator").join(roles))
    return [str(Markup('<p class="ai-note"><em>{} {}</em></p>').format(said, review))]


def for_feeds(html: str, page: str, site: Site) -> str:
    """Return a part of an article's page as it can be read elsewhere: with absolute addresses, and in characters that XML allows.

    Args:
        page: the article's address.
    """

    def absolute(found: re.Match[str]) -> str:
        return f' {found[1]}="{page if found[2].startswith("#") else site.base_url}{found[2]}"'

    return NOT_XML.sub("", _ALIGNED.sub(r'\1 align="\2"', _OWN_LINK.sub(absolute, html)))


def _teaser(text: Catalogue, gate: ClosedGate, page: str) -> str:
    teaser = gate.teaser or text(
        "gate.teaser" if gate.gate else "gate.article_teaser", readers=tier_readers(text, gate.tier)
    )
    label = text("gate.subscribe" if gate.tier == SUBSCRIBER else "gate.become_member")
    anchor = f"#gate-{gate.gate}" if gate.gate else ""
    return str(Markup('<p><em>{}</em> <a class="gate-link" href="{}">{}</a></p>').format(teaser, page + anchor, label))
