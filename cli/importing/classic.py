"""The texts of WordPress before they are HTML: shortcodes."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

from .media import is_image
from .paywalls import hides_content, is_members_shortcode, is_plain_word
from .report import CHANGED, LOST
from .shortcodes import VIDEOS, Note

_BARE = r"[^\s\[\]\"'=]++"
_VALUE = rf"(?:\"[^\"\[\]]*+\"|'[^'\[\]]*+'|{_BARE}(?:=[^\s\[\]\"']*+)?)"
_SHORTCODE = re.compile(
    r"\[(\[?)(/?)([A-Za-z][\w-]*+)((?:=https?://[^\s\[\]\"'<>]++)?"
    rf"(?:\s++(?:[\w-]++=(?:{_VALUE})?|{_VALUE}))*+)\s*+(/?)\](\]?)"
)
_LANGUAGES = (
    "as3|actionscript3?|bash|shell|sh|cf|coldfusion|clojure|cpp|c|csharp|c-sharp|css|delphi|pascal|diff|patch|erl|erlang|fsharp|go|golang|"
    "groovy|haskell|java|jfx|javafx|js|jscript|javascript|json|kotlin|latex|tex|matlab|matlabkey|objc|obj-c|perl|pl|php|plain|powershell|ps|"
    "python|py|r|rails|ruby|rb|ror|rust|scala|splus|sql|swift|text|typescript|vb|vbnet|xml|xhtml|xslt|html|yaml|yml"
)
_CODE = re.compile(
    rf"(?<!\[)\[(?P<name>code|sourcecode|{_LANGUAGES})(?P<rest>(?:[\s=][^\[\]]*+)?)\]|<(?P<tag>pre|code)\b[^<>]*+>",
    re.IGNORECASE,
)
_CAPTION = re.compile(r"(?<!\[)\[(?P<name>(?:wp_)?caption)(?P<rest>(?:\s[^\[\]]*+)?)\]", re.IGNORECASE)
_EMBED = re.compile(r"(?<!\[)\[(?P<name>embed)(?P<rest>(?:\s[^\[\]]*+)?)\]", re.IGNORECASE)
_ALONE = frozenset(
    ["gallery", "playlist", "audio", "video", "youtube", "vimeo", "contact-form-7", "contact-form", "toc"]
)
"""Names that are shortcodes even without a parameter."""
_SOURCES = (
    "src",
    "mp4",
    "m4v",
    "webm",
    "ogv",
    "mov",
    "wmv",
    "flv",
    "mp3",
    "m4a",
    "ogg",
    "wav",
    "wma",
    "flac",
    "url",
    "id",
)
"""Parameters that hold the address of a file."""
_PARAMETER = re.compile(r"(?:([\w-]++)=)?(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=][^\s\"']*))")


class Shortcodes:
    """Replaces the shortcodes of WordPress by HTML.

    Args:
        attachments: address, alternative text and caption of each attachment, by its number.
        attached: the numbers of those that belong to the post, which a gallery without numbers shows.
    """

    def __init__(
        self, attachments: Mapping[str, tuple[str, str, str]], note: Note, attached: Sequence[str] = ()
    ) -> None:
        self._attachments, self._note, self._attached = attachments, note, attached

    def replace(self, text: str) -> str:
        """Return a text with its shortcodes as HTML."""
        if "[" not in text:
            return text
        pieces = []
        for opened, inner in _enclosed(text, _CODE):
            is_free = opened is None or (opened["tag"] and _hides_something(inner))
            pieces.append((is_free, self._plain(opened, inner) if is_free else self._code(opened, inner)))
        closed = {
            found[3].lower() for is_free, piece in pieces if is_free for found in _SHORTCODE.finditer(piece) if found[2]
        }
        return "".join(
            _SHORTCODE.sub(lambda found: self._one(found, closed), piece) if is_free else piece
            for is_free, piece in pieces
        )

    def _plain(self, opened: re.Match[str] | None, inner: str) -> str:
        """Return a text that is no code, without captions and embedded pages."""
        if opened:
            return f"{opened[0]}{inner}</{opened['tag']}>"
        text = "".join(self._caption(caption, words) for caption, words in _enclosed(inner, _CAPTION))
        return "".join(self._embed(embed, words) for embed, words in _enclosed(text, _EMBED))

    def _caption(self, opened: re.Match[str] | None, inner: str) -> str:
        image = re.search(r"(<a\b[^<>]*>\s*)?<img\b[^<>]*>(\s*</a>)?", inner, re.IGNORECASE) if opened else None
        if not opened or not image:
            return inner
        words = inner[image.end() :].strip() or html.unescape(_parameters(opened["rest"])[0].get("caption", ""))
        return f"\n\n<figure>{image[0]}<figcaption>{words}</figcaption></figure>\n\n"

    def _code(self, opened: re.Match[str] | None, inner: str) -> str:
        """Return code as an element, or an element of code without what makes a shortcode a mere text."""
        if not opened:
            return inner
        if opened["tag"]:
            shown = _SHORTCODE.sub(lambda found: found[0][1:-1] if found[1] and found[6] else found[0], inner)
            return f"{opened[0]}{shown}</{opened['tag']}>"
        values, places = _parameters(opened["rest"])
        language = values.get("language") or values.get("lang") or (places[0] if places else "")
        if opened["name"].lower() not in ("code", "sourcecode"):
            language = opened["name"].lower()
        shown = html.escape(html.unescape(inner).strip())
        return f'<pre><code class="language-{html.escape(language)}">{shown}</code></pre>'

    def _embed(self, opened: re.Match[str] | None, inner: str) -> str:
        address = inner.strip()
        if not opened or not re.fullmatch(r"[^\s<>]+", address):
            return inner
        self._note(CHANGED, "an embedded page became a link", address, 0)
        return f'<a href="{html.escape(address)}">{html.escape(address)}</a>'

    def _one(self, found: re.Match[str], closed: set[str]) -> str:
        name, rest = found[3].lower(), found[4] or ""
        values, places = _parameters(rest)
        if found[1] and found[6]:
            return found[0][1:-1]  # an escaped shortcode
        is_code = name in closed or "=" in rest
        if _hides(found, name, is_code) or (name in closed and hides_content(name)):
            if not found[2]:
                self._note(CHANGED, "a shortcode for members hides everything that follows it", found[0][:160], 0)
            return "" if found[2] else "<!--members-only-->"
        if not is_code and name not in _ALONE:
            return found[0]  # plain words in brackets, such as [sic]
        if found[2]:
            return ""
        if name == "gallery":
            return self._gallery(values)
        if name == "playlist" and (shown := self._playlist(values)):
            return shown
        address = _address(name, values, places)
        if address.startswith(("http://", "https://", "/")):
            if is_image(address):
                return f'\n\n<p><img src="{html.escape(address)}" alt="{html.escape(values.get("alt", ""))}"></p>\n\n'
            self._note(CHANGED, f"the shortcode “{name}” became a link", found[0][:160], 0)
            return f'<a href="{html.escape(address)}">{html.escape(values.get("title") or address)}</a>'
        kept = "; the text inside stays" if name in closed else ""
        self._note(LOST, f"the shortcode “{name}” has no meaning here, and was taken out{kept}", found[0][:160], 0)
        return ""

    def _playlist(self, values: Mapping[str, str]) -> str:
        """Return links to the files of a playlist; empty if it names none that the export has."""
        items = []
        for identifier in re.split(r"[\s,]+", values.get("ids") or values.get("include") or ""):
            address, _, caption = self._attachments.get(identifier, ("", "", ""))
            if address:
                words = html.escape(caption or unquote(address).rpartition("/")[2])
                items.append(f'<li><a href="{html.escape(address)}">{words}</a></li>')
            elif identifier:
                self._note(LOST, "a file of a playlist is not in the export", identifier, 0)
        if not items:
            return ""
        self._note(CHANGED, "a playlist became a list of links", values.get("ids", ""), 0)
        return f"\n\n<ul>{''.join(items)}</ul>\n\n"

    def _gallery(self, values: Mapping[str, str]) -> str:
        figures = []
        named = values.get("ids") or values.get("include") or ""
        for identifier in re.split(r"[\s,]+", named) if named else self._attached:
            if identifier in self._attachments:
                address, alt, caption = self._attachments[identifier]
                shown = f'<img src="{html.escape(address)}" alt="{html.escape(alt)}">'
                figures.append(
                    f"<figure>{shown}<figcaption>{html.escape(caption)}</figcaption></figure>"
                    if caption
                    else f"<p>{shown}</p>"
                )
            elif identifier:
                self._note(LOST, "an image of a gallery is not in the export", identifier, 0)
        if not figures:
            self._note(LOST, "a gallery names no images, and was taken out", "", 0)
        return "\n\n".join(["", *figures, ""])


def _enclosed(text: str, opening: re.Pattern[str]) -> Iterator[tuple[re.Match[str] | None, str]]:
    """Yield each part of a text: what opens it, or None for plain text, and what is inside. What is never closed is plain."""
    unclosed: set[str] = set()
    at = begin = 0
    while found := opening.search(text, at):
        at = found.end()
        tag = found.groupdict().get("tag")
        end = f"</{tag}>".lower() if tag else f"[/{found['name']}]".lower()
        closed = None if end in unclosed else re.compile(re.escape(end), re.IGNORECASE).search(text, at)
        if not closed:
            unclosed.add(end)
            continue
        yield None, text[begin : found.start()]
        yield found, text[found.end() : closed.start()]
        begin = at = closed.end()
    yield None, text[begin:]


def _hides_something(code: str) -> bool:
    """Return True if code holds shortcodes for members, which a site that knows them does not show."""
    names = {found[3].lower() for found in _SHORTCODE.finditer(code) if found[2] or "=" in found[4]}
    return any(is_members_shortcode(name) or hides_content(name) for name in names)


def _address(name: str, values: Mapping[str, str], places: Sequence[str]) -> str:
    """Return the address that a shortcode names; empty if it names none."""
    address = next((values[key] for key in _SOURCES if values.get(key)), "")
    if name in ("youtube", "audio", "video", "vimeo", "soundcloud") and not address and places:
        address = places[0]
    address = re.sub(r"&[wh]=\d+", "", html.unescape(address))
    if name in ("youtube", "vimeo") and re.fullmatch(r"[\w-]+", address):
        return VIDEOS[name].format(address)
    return address


def _hides(found: re.Match[str], name: str, is_code: bool) -> bool:
    """Return True for a shortcode that hides what follows it: a plain word in brackets only if it does not stand amid a line."""
    if not is_members_shortcode(name):
        return False
    before = found.string[max(0, found.start() - 200) : found.start()].rstrip(" \t")
    after = found.string[found.end() : found.end() + 200].lstrip(" \t")
    edges = (not before or before[-1] in "\n>") + (not after or after[0] in "\n<")
    return is_code or not is_plain_word(name) or edges == 2 or (edges == 1 and not found[4])


def _parameters(text: str) -> tuple[dict[str, str], list[str]]:
    values, places = {}, []
    for name, double, single, bare in _PARAMETER.findall(text):
        if name:
            values[name.lower()] = double or single or bare
        else:
            places.append(double or single or bare)
    return values, places
