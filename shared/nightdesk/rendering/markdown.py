"""Markdown into sanitised HTML, with headings and footnotes left open until it is known who reads.

An anchor or a footnote's number may depend on text that a reader cannot see, so neither is fixed here: headings carry
no ids and notes are marks, which `domain.views` fills in for each view.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import nh3
import pyromark

from nightdesk.domain.documents import Block
from nightdesk.domain.errors import Problem, Rejected
from nightdesk.domain.passages import FREE, Passage

_OPTIONS = pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_STRIKETHROUGH | pyromark.Options.ENABLE_FOOTNOTES
_PRIVATE = re.compile("[\ue000\ue001]")
_REFERENCE = re.compile(r'<sup class="footnote-reference"><a href="#([^"]*)">\d+</a></sup>')
_DEFINITION = re.compile(
    r'<div class="footnote-definition" id="([^"]*)"><sup class="footnote-definition-label">\d+</sup>\n?(.*?)</div>\n?',
    re.DOTALL,
)
_HEADING = re.compile(r"<(/?)h1>")
_CUT = "<!--:::cut-->"
_TAGS = {
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "u",
    "ul",
    "var",
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start", "reversed"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "code": {"class"},
    "del": {"datetime"},
    "ins": {"datetime"},
}
_MAX_DEPTH = 1000
_NESTING = re.compile(r"<(/?)((?!(?:p|li|d[td]|t[dhr]|br|hr|img|col|wbr|input)\b)[a-z][a-z0-9-]*)", re.IGNORECASE)
_LANGUAGE = re.compile(r"language-[A-Za-z0-9_+-]{1,30}")
_ALIGN = re.compile(r'(<t[hd])((?: [^>]*?)?) style="text-align: (left|center|right)"')


def to_html(markdown: str) -> str:
    """CommonMark with tables, strikethrough and footnotes, raw HTML let through: not yet fit to be shown."""
    return str(pyromark.html(markdown, options=_OPTIONS))


Finder = Callable[[str], str | None]
"""From an address as typed to the one on the site, or None where there is none to give."""


def render_passages(passages: tuple[Passage, ...], image: Finder, link: Finder) -> tuple[Block, ...]:
    """Passages into blocks, one for one.

    A footnote or link definition belongs to the passage that it stands in: what is defined in free text serves
    everywhere, what is defined behind a gate serves there alone, and there it wins.

    Args:
        image: for an image that it finds no address for, its alt text is shown instead.
        link: likewise for links, whose text then stands alone.

    Raises:
        Rejected: a passage is nested too deeply.
    """
    cleaner = _cleaner(image, link)
    free = f"\n\n{_CUT}\n\n".join(_PRIVATE.sub("", p.source) for p in passages if p.tier == FREE)
    free_html = to_html(free).split(_CUT)
    if len(free_html) != sum(passage.tier == FREE for passage in passages):
        raise Rejected(Problem(0, "gate", "text around a gate swallows it"))
    rendered = []
    for passage in passages:
        source = _PRIVATE.sub("", passage.source)
        if passage.tier == FREE:
            raw = free_html.pop(0)
        elif "[" in source and "]:" in free:  # what is defined in free text serves here too
            raw = to_html(f"{source}\n\n{_CUT}\n\n{free}").split(_CUT, 1)[0]
        else:
            raw = to_html(source)
        rendered.append(_block(passage, raw, cleaner))
    return tuple(rendered)


def render_plain(markdown: str, image: Finder, link: Finder) -> str:
    """Markdown without gates or footnotes (a bio, a standing page) as sanitised HTML.

    Raises:
        Rejected: it is nested too deeply.
    """
    raw = to_html(_PRIVATE.sub("", markdown))
    _refuse_depth(raw, 0)
    return _clean(raw, _cleaner(image, link))


class _Finders:
    """What finds images and links for the draft that is being rendered."""

    image: Finder
    link: Finder

    def attribute(self, tag: str, name: str, value: str) -> str | None:
        """An attribute's value as it may stand in a page."""
        if name == "href":
            return self.link(value)
        if name == "src":
            return self.image(value)
        return value if name != "class" or _LANGUAGE.fullmatch(value) else None


_finders = _Finders()
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    attribute_filter=_finders.attribute,
    link_rel=None,
    url_schemes={"http", "https", "mailto", "tel"},
)
"""Dear to make, so there is one; a process renders one draft at a time."""


def _cleaner(image: Finder, link: Finder) -> nh3.Cleaner:
    _finders.image, _finders.link = image, link
    return _CLEANER


def _refuse_depth(raw: str, line: int) -> None:
    """The sanitiser's time grows with the square of the depth; a megabyte of `>` would take it minutes."""
    if raw.count("<") <= _MAX_DEPTH:
        return
    still_open: Counter[str] = Counter()
    depth = 0
    for closing, tag in _NESTING.findall(raw):
        if not closing:
            still_open[tag] += 1
            depth += 1
        elif still_open[tag]:
            still_open[tag] -= 1
            depth -= 1
        if depth > _MAX_DEPTH:
            raise Rejected(Problem(line, "", "quotes, lists or HTML are nested too deeply in this passage"))


def _label(typed: str) -> str:
    """A note's label as a word that HTML leaves alone; labels that differ in case are one (as in GitHub's Markdown)."""
    return re.sub(r"[^\w-]", lambda found: f"_{ord(found[0]):x}", html.unescape(typed).casefold())


def _block(passage: Passage, raw: str, cleaner: nh3.Cleaner) -> Block:
    _refuse_depth(raw, passage.line)
    notes: dict[str, str] = {}
    if "footnote-" in raw:
        raw = _REFERENCE.sub(lambda found: f"\ue000n:{_label(found[1])}\ue001", raw)

        def keep(found: re.Match[str]) -> str:
            notes.setdefault(_label(found[1]), found[2])
            return ""

        raw = _DEFINITION.sub(keep, raw)
    clean_notes = {label: _clean(note, cleaner) for label, note in notes.items()}
    return Block(passage.tier, passage.teaser, _clean(raw, cleaner), clean_notes)


def _clean(text: str, cleaner: nh3.Cleaner) -> str:
    if "text-align" in text:
        text = _ALIGN.sub(r'\1\2 align="\3"', text)
    text = cleaner.clean(text)
    if "h1>" in text:
        text = _HEADING.sub(r"<\1h2>", text)
    return _finish_images(_unlink(text))


def _unlink(text: str) -> str:
    """A link that lost its address is no link."""
    return (
        re.sub(r"<a(?: title=\"[^\"]*\")?>(.*?)</a>", r"\1", text, flags=re.DOTALL)
        if "<a>" in text or "<a title" in text
        else text
    )


def _finish_images(text: str) -> str:
    """Images load when they are needed; one without an address gives way to its alt text."""
    if "<img" not in text:
        return text

    def finish(found: re.Match[str]) -> str:
        attributes = found[1]
        if ' src="' in attributes:
            alt = "" if " alt=" in attributes else ' alt=""'
            return f'<img{attributes}{alt} loading="lazy" decoding="async">'
        alt_text = re.search(r' alt="([^"]*)"', attributes)
        return f"<span>{alt_text[1]}</span>" if alt_text and alt_text[1] else ""

    return re.sub(r"<img((?: [^>]*)?)>", finish, text)


def is_foreign(url: str) -> bool:
    """Whether an address leads off this site or to another scheme (https:, mailto:)."""
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", url))


def clean_path(url: str) -> str:
    """The path of a relative address, decoded, without `./`, query and fragment; empty if it is no address."""
    try:
        return unquote(urlsplit(html.unescape(url)).path).removeprefix("./")
    except ValueError:
        return ""
