"""Rendering Markdown as sanitised HTML, without the ids of headings and the numbers of footnotes.

Both would depend on text that a reader may not see. So headings have no ids here, but for those that were typed, and footnote
references are marks, which `domain.views` completes for each view.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import unquote, urlsplit

import nh3
import pyromark

from nightdesk.domain.ai_parts import AI_END, AI_START
from nightdesk.domain.anchors import PREFIX
from nightdesk.domain.documents import Block
from nightdesk.domain.embeds import embed_of
from nightdesk.domain.errors import Rejected
from nightdesk.domain.figures import Figure
from nightdesk.domain.languages import TAG
from nightdesk.domain.passages import FREE, Passage
from nightdesk.domain.problems import Kind
from nightdesk.domain.template_code import template_code
from nightdesk.domain.typography import AS_TYPED, Typography
from nightdesk.rendering.cjk import MARK, mark_delimiters, remove_marks
from nightdesk.rendering.elements import ATTRIBUTES, OWN_ATTRIBUTES, TAGS
from nightdesk.rendering.embeds import EmbedFinder, no_embed
from nightdesk.rendering.footnotes import Section, take_notes
from nightdesk.rendering.highlighting import Highlighter
from nightdesk.rendering.losses import ADDRESS, PROSE, Losses
from nightdesk.rendering.rewriting import rewrite
from nightdesk.rendering.rewriting_inputs import NOTHING_PLACED, Finder, Finders, Placed, PlacedFigure, TextStyle
from nightdesk.rendering.typed_marks import SET_TYPE, place_marks, stand_aside
from nightdesk.rendering.unused_footnotes import unused_footnotes

OPTIONS = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_FOOTNOTES
    | pyromark.Options.ENABLE_DEFINITION_LIST
)
_COLON_OF_WORD = re.compile(r"^([ \t>]*)(?=:(?:[^\s:|-]|-[^\s:|-]))", re.MULTILINE)
_PRIVATE = re.compile("[\ue000-\ue007]")
_PRIVATE_REFERENCE = re.compile(r"&#(?:[xX]0*+[eE]00[0-7](?![0-9a-fA-F])|0*+(?:5734[4-9]|5735[01])(?![0-9]));?")
_CUT = "<!--:::cut-->"
_PLAIN_ADDRESS = re.compile(
    r"(?:https?://[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+)?/[\w./?=&%~+,;:@!$'()*#-]*|#[^\s\"<>]*", re.ASCII
)
_ALLOWED_VALUES = {
    "class": re.compile(r"language-[A-Za-z0-9_+-]{1,30}|h-[a-z]|align-(?:left|center|right)"),
    "dir": re.compile(r"ltr|rtl|auto", re.IGNORECASE),
    "id": re.compile(rf"{PREFIX}[\w.:-]{{1,200}}"),
    "lang": TAG,
}
MAX_MARKUP = 60_000
"""Tags that the parser may return for one text, which bounds all that is done with them afterwards."""
_MAX_REFERENCES = 150_000
"""Character references, likewise: the parser writes one for each quotation mark, ampersand and angle bracket."""
_TERMS = re.compile(r"<dt>([^<]*(?:<(?!/?d[tdl]\b)[^<]*)*)</dt>")
_OPENED = re.compile("<[a-z]")
_MAX_NO_BREAK_SPACES = 50_000
"""The time that the sanitiser takes to write them grows with the square of their number."""
_MAX_REPEATED = 8 * 1024 * 1024
"""Characters of free text that may be parsed again for the gates that refer to its definitions."""


def to_html(markdown: str, extra: pyromark.Options | None = None) -> str:
    """Render CommonMark with tables, strikethrough, footnotes and definition lists.

    Raw HTML is passed through, so the result is not yet safe.

    Args:
        extra: an option of the parser besides.

    Raises:
        Rejected: the text has more markup than any article.
    """
    marked = mark_delimiters(markdown)
    if ":" in marked:
        # The parser also takes a colon without a blank behind it for a definition's, as in “:smile: Hello”.
        marked = _COLON_OF_WORD.sub(rf"\1{MARK}", marked)
    raw = str(pyromark.html(marked, options=OPTIONS if extra is None else OPTIONS | extra))
    for sign, limit in (("<", MAX_MARKUP), ("&", _MAX_REFERENCES), ("\u00a0", _MAX_NO_BREAK_SPACES)):
        if (count := raw.count(sign)) > limit:
            raise Rejected(Kind.MARKUP_TOO_MUCH.at(0, count=count, limit=limit))
    raw = _TERMS.sub(_each_term, raw) if "<dt>" in raw else raw
    return raw if marked is markdown else remove_marks(raw)


def _each_term(found: re.Match[str]) -> str:
    """Return a `<dt>` for each line of the terms that share a definition, unless markup spans lines."""
    lines = found[1].split("\n")
    if any(len(_OPENED.findall(line)) != line.count("</") for line in lines):
        return found[0]
    return "\n".join(f"<dt>{line}</dt>" for line in lines)


def render_passages(
    passages: tuple[Passage, ...],
    image: Finder,
    link: Finder,
    losses: Losses | None = None,
    figure: Callable[[Figure], str | None] | None = None,
    typography: Typography = AS_TYPED,
) -> tuple[Block, ...]:
    """Render passages as blocks, one for each.

    A footnote or link definition belongs to its passage: one in free text can be used everywhere; one behind a gate can be
    used there only, and takes precedence there.

    Args:
        image: finds the addresses of images; an image without one is replaced by its alt text.
        link: finds the addresses of links; a link without one is replaced by its text.
        losses: where what readers will not see is reported, also by `image` and `link`.
        figure: finds the addresses of the images of figures; by default, as `image` does.
        typography: sets each passage by itself.

    Raises:
        Rejected: a passage is nested too deeply or has too much markup, or the text around a gate or figure hides it from the parser.
    """
    losses, highlighter = losses or Losses(), Highlighter()
    sources = [_PRIVATE.sub("", passage.marked) for passage in passages]
    free = f"\n\n{_CUT}\n\n".join(s for s, passage in zip(sources, passages, strict=True) if passage.tier == FREE)
    free_sections = _sections(free, typography)
    if len(free_sections) != sum(passage.tier == FREE for passage in passages):
        raise Rejected(Kind.GATE_SWALLOWED.at(0, "gate"))
    rendered = []
    repeated = 0
    for source, passage in zip(sources, passages, strict=True):
        if passage.tier == FREE:
            section = free_sections.pop(0)
        elif "[" in source and "]:" in free:  # definitions in free text can be used here too
            repeated += len(free)
            if repeated > _MAX_REPEATED:
                raise Rejected(Kind.MARKUP_TOO_MUCH.at(passage.line, count=repeated, limit=_MAX_REPEATED))
            section = _sections(f"{source}\n\n{_CUT}\n\n{free}", typography)[0]
        else:
            section = _sections(source, typography)[0]
        style = TextStyle(typography, partial(highlighter.html, tier=passage.tier))
        placed = [PlacedFigure(each, figure(each) if figure else image(each.src)) for each in passage.figures]
        rendered.append(_block(passage, section, placed, _Sanitiser(image, link, losses, style, embed_of)))
        _report_code(passage, losses)
        losses.locate(_PRIVATE.sub("", passage.text), passage.line, OPTIONS)
    losses.found += [(problem, "") for problem in unused_footnotes(passages, rendered, OPTIONS)]
    return tuple(rendered)


def _report_code(passage: Passage, losses: Losses) -> None:
    """Report code of another system in the texts of a passage's directives."""
    texts = [(passage.line - 1, "teaser", passage.teaser)]
    for figure in passage.figures:
        texts += [(figure.line, "figure", text) for text in (figure.alt, figure.caption, figure.credit)]
    for line, key, text in texts:
        with losses.at(line):
            for code in template_code(text):
                losses.add(Kind.TEMPLATE_CODE, key, PROSE, code, typed=code)


def render_plain(
    markdown: str,
    image: Finder,
    link: Finder,
    losses: Losses | None = None,
    first_line: int = 0,
    typography: Typography = AS_TYPED,
) -> str:
    """Render Markdown without gates and footnotes, such as a biography, as sanitised HTML.

    Args:
        image: finds the addresses of images, as for `render_passages`; likewise `link` and `losses`.
        first_line: of the file, at which the text begins; 0 if that is not known.

    Raises:
        Rejected: it is nested too deeply or has too much markup.
    """
    losses = losses or Losses()
    source = _PRIVATE.sub("", markdown)
    style = TextStyle(typography, partial(Highlighter().html, tier=FREE))
    clean = _Sanitiser(image, link, losses, style).clean(_parsed(source, typography))
    losses.locate(source, first_line, OPTIONS)
    return clean


def _sections(markdown: str, typography: Typography) -> list[Section]:
    return take_notes(markdown, _parsed(markdown, typography), _CUT, OPTIONS)


def _parsed(markdown: str, typography: Typography) -> str:
    """Return the parser's HTML with marks of ours, where there is something to set, and without any that an author typed."""
    aside = stand_aside(markdown) if typography else None
    if aside is None:
        return _without_private(to_html(markdown))
    return place_marks(_without_private(to_html(aside, SET_TYPE)))


def _without_private(raw: str) -> str:
    """Return HTML in which no character, typed as a character reference, is one of our marks.

    U+FFFD takes its place: without it, the rest could become a reference.
    """
    raw = _PRIVATE.sub("\ufffd", raw)
    return _PRIVATE_REFERENCE.sub("\ufffd", raw) if "&#" in raw else raw


def _block(passage: Passage, section: Section, figures: Sequence[PlacedFigure], sanitiser: _Sanitiser) -> Block:
    try:
        notes = {name: sanitiser.clean(note) for name, note in section.notes.items()}
        teaser = sanitiser.style.typography.plain(passage.teaser)
        parts, html = passage.ai_parts, section.html
        if passage.all_ai:
            html = f"{AI_START.format(len(parts))}\n{html}\n{AI_END.format(len(parts))}\n"
            parts = (*parts, passage.all_ai)
        return Block(passage.tier, teaser, sanitiser.clean(html, Placed(figures, parts)), notes)
    except Rejected as error:
        raise Rejected(*(problem._replace(line=problem.line or passage.line) for problem in error.problems)) from None


class _Sanitiser:
    """Cleans HTML, and keeps only the addresses that the finders gave."""

    def __init__(
        self, image: Finder, link: Finder, losses: Losses, style: TextStyle, embed: EmbedFinder = no_embed
    ) -> None:
        self._image, self._link, self._losses, self.style = image, link, losses, style
        self._embed = embed
        self._addresses: dict[str, set[str]] = {"src": set(), "href": set()}

    def clean(self, raw: str, placed: Placed = NOTHING_PLACED) -> str:
        """Return sanitised HTML. Nothing may edit it afterwards but `domain.views`, which knows its form."""
        self._addresses["src"].update(each.address for each in placed.figures if each.address)
        finders = Finders(self._known("src", self._image), self._known("href", self._link), self._embed)
        written = rewrite(raw, finders, self._losses, placed, self.style)
        _attribute_filter.addresses = self._addresses
        return _CLEANER.clean(written)

    def _known(self, name: str, find: Finder) -> Callable[[str], str | None]:
        def find_and_remember(typed: str) -> str | None:
            address = find(typed)
            if address is None or address in self._addresses[name]:
                return address
            self._addresses[name].add(address)
            if name == "href" and not _PLAIN_ADDRESS.fullmatch(address) and not self._is_kept(address):
                self._losses.add(Kind.LINK_DEAD, "link", ADDRESS, typed, typed=typed)
                return None
            return address

        return find_and_remember

    def _is_kept(self, address: str) -> bool:
        """Return True if the sanitiser can read an address: it drops what is no URL, such as http://[x."""
        _attribute_filter.addresses = self._addresses
        return "href" in _CLEANER.clean(f'<a href="{html.escape(address)}"></a>')


class _AttributeFilter:
    """The sanitiser's filter of attributes, with the addresses of the text that is being rendered."""

    addresses: dict[str, set[str]]

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        """Return the value that an attribute gets in the page, or None to remove it."""
        if name in ("href", "src"):
            return value if value in self.addresses[name] else None
        allowed = _ALLOWED_VALUES.get(name)
        return value if allowed is None or allowed.fullmatch(value) else None


_attribute_filter = _AttributeFilter()
_CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    attributes={tag: set(names) for tag, names in {**ATTRIBUTES, **OWN_ATTRIBUTES}.items()},
    attribute_filter=_attribute_filter,
    link_rel=None,
    url_schemes={"http", "https", "mailto", "tel"},
)
"""One for all texts, because it is expensive to make. A process renders one at a time."""


def is_foreign(url: str) -> bool:
    """Return True if an address has a scheme or a host, so that it leads away from this site."""
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", url))


def clean_path(url: str) -> str:
    """Return the path of a relative address, decoded, without `./`, query and fragment; empty if it is not an address."""
    try:
        return unquote(urlsplit(html.unescape(url)).path).removeprefix("./")
    except ValueError:
        return ""
