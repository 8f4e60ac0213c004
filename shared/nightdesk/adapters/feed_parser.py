"""Reads RSS and Atom into entries of plain text.

Feeds are untrusted: everything that could keep a parser busy is counted in one linear pass before a tree is built.
"""

from __future__ import annotations

import contextlib
import io
import re
from calendar import timegm
from collections.abc import Iterable
from datetime import UTC, datetime
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import quote
from xml.parsers import expat

from nightdesk.adapters.feed_encoding import decode_feed, repair_xml
from nightdesk.domain.feeds import Entry, headline_from
from nightdesk.domain.updates import MAX_HEADLINE, MAX_SUMMARY, shorten

_MAX_PROLOGUE = 4096
_MAX_DEPTH = 64
_MAX_ELEMENTS = 40_000
"""Of the part of a feed that is read: feedparser takes some 60 µs for each."""
_MAX_ATTRIBUTES = 64
"""Of one element, with its namespace declarations."""
_MAX_NAMESPACES = 100
"""Different prefixes and namespaces in a feed: feedparser compares each element with all of them."""
_MAX_ENTRIES = 1000
"""The entries after them are cut off: feedparser takes some 0.5 ms for each."""
_TOO_MUCH = "is nested too deeply, or has too many elements or attributes"
_NO_FEED = "is no RSS or Atom feed"
_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "media": "http://search.yahoo.com/mrss/",
}
"""Namespaces of prefixes that feeds use without declaring them."""
_NOT_IN_ADDRESS = re.compile(r"""[\s"'<>\\^`{|}]""")
_SECONDS = re.compile(r"1\d{9}(?:\d{3})?")
"""Seconds or milliseconds since 1970, of the years from 2001 to 2033."""
_YEAR_FIRST = re.compile(r"\d{4}(?![-\d]|$)|\d{5}(?!\d{3}(?:\D|$))")
"""Dates that begin with a year, but are not ISO 8601."""
_NUMBERS = re.compile(r"(\d{4})\D{1,3}(\d{1,2})\D{1,3}(\d{1,2})(?:\D{1,3}(\d{1,2}):(\d{2}))?(?!\d)")
_PARTS = "%Y-%m-%d-%H-%M%z"
_VOID_TAG = re.compile(r"<(?:br|hr|img|wbr|p)\b[^<>]{0,2000}>", re.IGNORECASE)


class UnreadableFeed(Exception):
    """A feed could not be read; the text says why.

    Attributes:
        retry_after: how many seconds the feed's server wants us to wait, or 0.
    """

    def __init__(self, message: str, retry_after: int = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ParsedFeed(NamedTuple):
    """The entries of a feed, and how many more it has than are read."""

    entries: tuple[Entry, ...]
    omitted: int


def parse_feed(raw: bytes, url: str, content_type: str = "") -> ParsedFeed:
    """Parse an RSS or Atom feed.

    Args:
        url: the address that it came from; its relative links are resolved against it.
        content_type: the HTTP header.

    Raises:
        UnreadableFeed: it is no well-formed feed, or it exceeds a limit.
    """
    document, omitted = _check(repair_xml(decode_feed(raw, content_type)))
    import feedparser  # takes 0.1 seconds to load, which no other message should pay for

    headers = {"content-location": url, "content-type": "application/xml; charset=utf-8"}
    found = feedparser.parse(
        io.BytesIO(document), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    if not found.version and not found.entries:
        raise UnreadableFeed(_NO_FEED)
    is_atom = str(found.version).startswith("atom")
    return ParsedFeed(tuple(_entry(entry, is_atom) for entry in found.entries), omitted)


class _Counts:
    """Counts what a document consists of, as expat reports it, and refuses too much of anything.

    expat does not process namespaces here: their declarations are attributes like any other, and are counted.

    Attributes:
        start, end: where the root element begins, and where its end tag begins, in bytes.
        omitted: how many entries follow after those that are read.
        cut: where the first of them begins, and where the end tag of its parent begins, in bytes.
    """

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(encoding="utf-8")
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._declare_type
        self.parser.EntityDeclHandler = self._declare_entity
        self.start = self.end = -1
        self.root = ""
        self.omitted = 0
        self.cut: list[int] = []
        self._entries_depth = 0
        self._depth = self._elements = self._entries = 0
        self._namespaces: set[tuple[str, str]] = set()
        self._used: set[str] = set()

    def undeclared(self) -> set[str]:
        """Return the prefixes that are used and never declared."""
        return self._used - {prefix for prefix, _ in self._namespaces} - {"xml", "xmlns"}

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if self.start < 0:
            self.start, self.root = self.parser.CurrentByteIndex, name
        self._depth += 1
        self._elements += not self.cut
        if name.rpartition(":")[2].lower() in ("item", "entry"):
            self._count_entry()
        if self._depth > _MAX_DEPTH or self._elements > _MAX_ELEMENTS or len(attributes) > _MAX_ATTRIBUTES:
            raise UnreadableFeed(_TOO_MUCH)
        for qualified in (name, *attributes):
            prefix, colon, local = qualified.partition(":")
            if prefix == "xmlns":
                self._namespaces.add((local, attributes[qualified]))
            elif colon:
                self._used.add(prefix)
        if len(self._namespaces) > _MAX_NAMESPACES or len(self._used) > _MAX_NAMESPACES:
            raise UnreadableFeed(f"has more than {_MAX_NAMESPACES} namespaces")

    def _count_entry(self) -> None:
        self._entries_depth = self._entries_depth or self._depth
        self._entries += 1
        if self._entries <= _MAX_ENTRIES:
            return
        # Only a list of entries that ends with its parent can be cut off.
        if self._depth != self._entries_depth or len(self.cut) == 2:
            raise UnreadableFeed(_TOO_MUCH)
        self.omitted += 1
        self.cut = self.cut or [self.parser.CurrentByteIndex]

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if len(self.cut) == 1 and self._depth == self._entries_depth - 2:
            self.cut.append(self.parser.CurrentByteIndex)
        if not self._depth:
            self.end = self.parser.CurrentByteIndex

    def _declare_type(self, _name: str, _system: str | None, _public: str | None, has_declarations: int) -> None:
        if has_declarations:
            self._declare_entity()

    def _declare_entity(self, *_: Any) -> None:
        raise UnreadableFeed("declares entities or other types in its DOCTYPE, which no feed needs")


def _check(text: str) -> tuple[bytes, int]:
    """Return the root element of a document that feedparser can read in linear time, as UTF-8.

    What stands before and after the root element has no meaning in a feed. The second value is the number of entries that
    were cut off.
    """
    if not re.search(r"<[^\W\d]", text[:_MAX_PROLOGUE]):
        raise UnreadableFeed(_NO_FEED)
    document = text.encode()
    counts = _Counts()
    try:
        counts.parser.Parse(document, True)
    except expat.ExpatError as error:
        if counts.end < 0:
            raise _not_well_formed(error) from None
    if document[counts.end : counts.end + 2] != b"</":  # an empty element
        raise UnreadableFeed(_NO_FEED)
    end = document.find(b">", counts.end) + 1
    cut, resume = counts.cut if len(counts.cut) == 2 else (end, end)
    document = document[counts.start : cut] + document[resume:end]
    if undeclared := counts.undeclared():
        added = "".join(f' xmlns:{name}="{_NAMESPACES.get(name, "urn:undeclared")}"' for name in sorted(undeclared))
        at = 1 + len(counts.root.encode())
        document = document[:at] + added.encode() + document[at:]
    try:
        # feedparser would read what is not well-formed with its slower half.
        expat.ParserCreate(encoding="utf-8", namespace_separator=" ").Parse(document, True)
    except expat.ExpatError as error:
        raise _not_well_formed(error) from None
    return document, counts.omitted


def _not_well_formed(error: expat.ExpatError) -> UnreadableFeed:
    return UnreadableFeed(f"is not well-formed XML: {expat.errors.messages.get(error.code, 'unknown fault')}")


def _entry(entry: Any, is_atom: bool) -> Entry:
    link = _link(entry)
    text = _text(entry.get("summary_detail") or next(iter(entry.get("content") or ()), None), is_atom, MAX_SUMMARY)
    title = _text(entry.get("title_detail"), is_atom, MAX_HEADLINE)
    headline, summary = (title, text) if title else headline_from(text)
    return Entry(str(entry.get("id") or link or title), headline, summary, link, _moment(entry))


def _moment(entry: Any) -> datetime | None:
    """Return the date of an entry; None if it has none that is understood for certain."""
    typed = str(entry.get("published") or entry.get("updated") or "").strip()
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    if _SECONDS.fullmatch(typed):
        return datetime.fromtimestamp(int(typed[:10]), UTC)
    if _YEAR_FIRST.match(typed):
        # Of such dates feedparser reads the year and the month alone, so that the entry would seem to be old.
        found = _NUMBERS.match(typed)
        with contextlib.suppress(ValueError):
            return (
                datetime.strptime("-".join(number or "0" for number in found.groups()) + "Z", _PARTS) if found else None
            )
        return None
    if moment:
        with contextlib.suppress(ValueError, OverflowError):  # no year that Python knows
            return datetime.fromtimestamp(timegm(moment), UTC)
    return None


def _link(entry: Any) -> str:
    """Return the link of an entry, with everything percent-encoded that an address cannot contain."""
    others: Iterable[Any] = entry.get("links") or ()
    found = entry.get("link") or next((one.get("href") for one in others if one.get("rel") in (None, "alternate")), "")
    link = re.sub(r"[\t\r\n]+", "", str(found or "")).strip()
    link = _NOT_IN_ADDRESS.sub(lambda character: quote(character[0], safe=""), link)
    scheme, colon, rest = link.partition(":")
    return f"{scheme.lower()}{colon}{rest}" if colon else link


def _text(detail: Any, is_atom: bool, limit: int) -> str:
    """Return a text construct as one line of plain text.

    In Atom its type says whether it is HTML (RFC 4287, section 3.1.1). RSS does not say; feedparser guesses by closing
    tags and entities.
    """
    if not detail:
        return ""
    value = str(detail.get("value") or "")[: 50 * limit]
    if str(detail.get("type", "")) != "text/plain" or (not is_atom and _VOID_TAG.search(value)):
        return _plain(value, limit)
    return shorten(value if is_atom else unescape(value), limit)


def _plain(html: str, limit: int) -> str:
    """Return the text of HTML, on one line."""
    import nh3

    spaced = re.sub(r"<(?=/?(?:p|br|div|li|h[1-6]|td|tr)\b)", " <", html, flags=re.IGNORECASE)
    return shorten(unescape(nh3.clean(spaced, tags=set())), limit)
