"""Old addresses: one spelling for each, whatever its letters, percent-encoding and query.

The edge function has the same rules (`functions/edge/viewer_request.js`); a test compares the two. A request that is not
spelled as this site spells its own paths gets the object at `/~old` and its address. Only redirects are stored there.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, unquote

from nightdesk.domain.text import SLUG

OLD_PREFIX = "/~old"
_LONGEST = 900
"""Characters of an address. The key of an S3 object may have 1,024 bytes."""
_INVALID = re.compile(r"[\x00-\x1f\x7f\\#]|//|/\.{1,2}(/|$)")
_BROKEN_ESCAPE = re.compile("%(?![0-9a-fA-F]{2})")
_SCRIPT = re.compile(r"\.(php[0-9]?|aspx?|jsp|cfm|cgi|pl|do|dll)$")
_WITH_QUERY = re.compile(r"/$|/[^./]+$|\.(s?html?|php[0-9]?|aspx?|jsp|cfm|cgi|pl|do|dll)$")
_SECTIONS = re.compile(
    r"^/(about|account|api|archive|articles|assets|authors|corrections|membership|newsletter|preview|process|search|signin"
    r"|topics|updates)(/|$)"
)
_ID = re.compile(
    r"^(p|q|(page|post|article|story|news|item|node|entry|content|doc|attachment)?_?id|[ant]id|post|article|story|news"
    r"|item|node|entry)$"
)
_ARTICLE_FILE = re.compile(rf"/articles/{SLUG.pattern}/[^/]+")
_DIGEST = re.compile(r"\.[0-9a-f]{64}[.-]")
_IGNORED = re.compile(r"^(utm_.*|[a-z]*clid|ref|gift|preview|renewed|session)$")


def old_address(typed: str) -> str:
    """Return the one spelling of an old address: in lower case, with `~` and two digits for each byte that a key cannot hold.

    >>> old_address("/2019/Caf%C3%A9_News.html")
    '/2019/caf~c3~a9_news.html'
    >>> old_address("/?p=123&utm_source=mail")
    '/~3fp~3d123'

    Returns:
        An empty text for what is no path. A query that does not identify a page is left out.
    """
    path, _, query = typed.partition("?")
    plain = _decode(path)
    if not plain.startswith("/") or _INVALID.search(plain):
        return ""
    plain = re.sub(r"/index\.html$", "/", plain)
    pairs = _significant(plain, query)
    if plain.rpartition("/")[2] and "." not in plain.rpartition("/")[2]:
        plain += "/"
    address = _escape(plain) + ("~3f" + "~26".join(pairs) if pairs else "")
    return address if len(address) <= _LONGEST else ""


def is_plain(address: str) -> bool:
    """Return True if requests spell an old address as it is, so that the edge looks for it where it looks for pages."""
    return "~" not in address and not address.startswith("/articles/")


def slug_of_address(path: str) -> str:
    """Return the slug in the address of an article, `/articles/<slug>/`; empty for any other path."""
    found = re.fullmatch(rf"/articles/({SLUG.pattern})/?", path)
    return found[1] if found else ""


def leads_to_no_file(path: str) -> bool:
    """Return True for the address of a file below an article that cannot exist: every file there has a SHA-256 in its name.

    >>> leads_to_no_file("/articles/harbour/report.pdf"), leads_to_no_file("/articles/harbour/")
    (True, False)
    """
    return bool(_ARTICLE_FILE.fullmatch(path)) and not _DIGEST.search(path)


def _significant(path: str, query: str) -> list[str]:
    """Return the parts of a query by which other systems tell pages apart, escaped and sorted."""
    if _SECTIONS.search(path) or not _WITH_QUERY.search(path):
        return []
    named = [(_decode(name), _decode(value)) for name, _, value in (pair.partition("=") for pair in query.split("&"))]
    named = [(name, value) for name, value in named if name and value]
    found = [(name, value) for name, value in named if _ID.search(name)]
    if not found and _SCRIPT.search(path):
        found = [(name, value) for name, value in named if not _IGNORED.search(name)]
    return sorted(f"{_escape(name)}~3d{_escape(value)}" for name, value in found)


def _decode(text: str) -> str:
    """Return a text with its percent-encoding removed, in NFC and lower case; empty if the encoding is broken."""
    if _BROKEN_ESCAPE.search(text):
        return ""
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        return ""
    return "".join(c.lower() if c <= "\uffff" else c for c in unicodedata.normalize("NFC", plain))


def _escape(text: str) -> str:
    return re.sub("%..", lambda found: found[0].lower(), quote(text, safe="/").replace("~", "%7E")).replace("%", "~")
