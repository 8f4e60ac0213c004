"""What the search knows of an article: its public facts and text, as JSON for the newest and as a page for Pagefind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from markupsafe import Markup, escape

from nightdesk.domain.documents import LIVE, canonical_json, digest
from nightdesk.domain.site import Site
from nightdesk.domain.timestamps import local_time
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.public_text import AI_NOTE, GATE_LINK
from nightdesk.rendering.texts import Catalogue
from nightdesk.rendering.times import stamp

Entry = dict[str, Any]
_TAG = re.compile(r"<[^>]*>")
_BLOCK = re.compile(r"<(?:/(?:p|li|h[1-6]|td|th|dd|dt|figcaption|blockquote|pre)|br|hr)\b[^>]*>")
_NOTE_MARK = re.compile(r"<sup>.*?</sup>")
_UNSPACED = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han and kana, which are written without spaces between words. `search.js` has the same ranges."""
_BETWEEN = re.compile(f"(?<=[{_UNSPACED}])(?=[{_UNSPACED}])")


def search_entry(theme: Theme, site: Site, facts: Mapping[str, Any]) -> Entry | None:
    """Return what the search shows and finds of an article; None for one that is not public.

    `digest` identifies everything else.
    """
    if facts["state"] != LIVE or not facts["places"]:
        return None
    card = facts["cards"][0]
    topics = card.get("topics") or ([card["topic"]] if card["topic"] else [])
    entry: Entry = {
        "url": f"/articles/{card['slug']}/",
        "title": card["title"],
        "dek": card["dek"],
        "date": stamp(theme.text(site), site, card["date"]).text,
        "iso": local_time(card["date"], site.zone).isoformat(),
        "authors": [_name(theme.text(site), card, identifier, name) for identifier, name in card["authors"]],
        "topics": [name for _, name in topics],
        "language": card["language"] or site.language,
        "text": plain_text(facts.get("text", "")),
    }
    return entry | {"digest": digest(canonical_json(entry))[:32]}


def _name(text: Catalogue, card: Mapping[str, Any], identifier: str, name: str) -> str:
    return text("author.ai_name", name=name) if identifier in card.get("personas", ()) else name


def plain_text(html: str) -> str:
    """Return public HTML as text, without footnote marks, links to gates and the note on AI's roles."""
    html = _NOTE_MARK.sub("", GATE_LINK.sub("", AI_NOTE.sub("", html)))
    return " ".join(unescape(_TAG.sub("", _BLOCK.sub(" ", html))).split())


def spaced(text: str) -> str:
    """Return text with spaces between Han and kana, so that each is a word; `search.js` takes them out of what it shows."""
    return _BETWEEN.sub(" ", text)


def page_for_indexer(entry: Entry, separator: str) -> str:
    """Return an entry as the page that Pagefind indexes, with its filters and what results show (pagefind.app/docs).

    Args:
        separator: stands between names.
    """
    year = entry["iso"][:4]
    filters = [("topic", name) for name in entry["topics"]] + [("author", name) for name in entry["authors"]]
    shown = {
        "url": entry["url"],
        "date": entry["date"],
        "by": separator.join(entry["authors"]),
        "topic": separator.join(entry["topics"]),
        "language": entry["language"],
    }
    marks = [_mark("filter", name, value) for name, value in (*filters, ("year", year))]
    marks += [_mark("meta", name, value) for name, value in shown.items() if value]
    marks.append(_mark("sort", "date", entry["iso"]))
    text = [Markup("<p>{}</p>").format(spaced(part)) for part in (entry["dek"], entry["text"]) if part]
    return (
        f'<!doctype html><html lang="{escape(entry["language"])}"><head><title>{escape(entry["title"])}</title></head><body>'
        f'<main data-pagefind-body><h1 data-pagefind-meta="title">{escape(spaced(entry["title"]))}</h1>{"".join(text)}'
        f"{''.join(marks)}</main></body></html>"
    )


def _mark(kind: str, name: str, value: str) -> str:
    return str(Markup('<meta data-pagefind-{}="{}[content]" content="{}">').format(Markup(kind), Markup(name), value))
