"""Hugo's shortcodes: those with a meaning become Markdown; the others are reported, and leave their text and their link."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import NamedTuple

from nightdesk.domain.embeds import embed_of

from .directory import REFERENCE
from .figures import shortcode_as_figure
from .gates import CLOSE, is_gate_shortcode, open_mark
from .markdown_text import Lines, link_to_embed
from .media import is_image
from .records import LineMap
from .report import CHANGED, LOST, SKIPPED

Note = Callable[[str, str, str, int], None]
"""Is called with an outcome, a kind, a detail and a line."""

_WORDS = r"(?:(?!\{\{[<%])[^\"`])"
_CODE = re.compile(
    r"\{\{(?P<open><|%)(?P<escape>(?:/\*)+)?\s*(?P<close>/?)\s*(?P<name>[A-Za-z0-9_./-]+?)(?P<rest>"
    rf"(?:\s(?:\"(?:[^\"\\]|\\.)*+\"|`[^`]*+`|{_WORDS}){{0,2000}}?|(?=[\"`])(?:\"[^\"]*+\"|`[^`]*+`|{_WORDS}){{0,2000}}?)?)"
    r"\s*(?P<self>/?)\s*(?:\*/)*(?:>|%)\}\}"
)
_PARAMETER = re.compile(r"(?:([\w-]+)\s*=\s*)?(?:\"((?:[^\"\\]|\\.)*)\"|`([^`]*)`|([^\s\"`=]+))")
_MARK = re.compile("\ue0f0(\\d+)\ue0f1")
VIDEOS = {
    "youtube": "https://www.youtube.com/watch?v={}", "yt": "https://www.youtube.com/watch?v={}", "vimeo": "https://vimeo.com/{}",
    "tweet": "https://twitter.com/i/status/{}", "twitter": "https://twitter.com/i/status/{}", "x": "https://twitter.com/i/status/{}",
    "instagram": "https://www.instagram.com/p/{}/", "speakerdeck": "https://speakerdeck.com/player/{}",
    "slideshare": "https://www.slideshare.net/slideshow/embed_code/{}", "scribd": "https://www.scribd.com/document/{}",
    "gist": "https://gist.github.com/{}", "bilibili": "https://www.bilibili.com/video/{}",
}  # fmt: skip
_PLAYER = re.compile(r"^(?:embed|video)[-_]?|[-_]?(?:player|embed|video)$")
"""What themes add to the name of a provider."""
_INLINE = (
    (re.compile(r"\[([^\[\]]{1,300})\]\(<?([^\s()<>\"]{1,500})>?\)"), r'<a href="\2">\1</a>'),
    (re.compile(r"(?<![\w*])\*\*(?=\S)([^<>]{1,300}?)(?<=\S)\*\*(?!\*)"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*<>]{1,300})(?<=\S)\*(?!\*)"), r"<em>\1</em>"),
    (re.compile(r"(?<![\w/])_(?=[^\s_])([^_<>]{1,300})(?<=\S)_(?!\w)"), r"<em>\1</em>"),
)
"""What captions have of Markdown, and the HTML for it."""
_ADDRESSES = ("href", "url", "link", "src", "file", "button-url")
_LABELS = ("label", "text", "title", "name", "button-text", "caption", "alt", "kicker")
_MARKDOWN_MEANING = ("ref", "relref")


class Call(NamedTuple):
    """One use of a shortcode.

    Attributes:
        values: its named parameters.
        places: its other parameters, in order.
        inner: the text between its ends; None if it has one end only.
        before: the text in front of it, as far as it matters.
    """

    name: str
    values: dict[str, str]
    places: list[str]
    inner: str | None
    before: str
    typed: str
    line: int

    def first(self, *names: str) -> str:
        """Return the first parameter with one of these names that has a value."""
        return next((self.values[name] for name in names if self.values.get(name)), "")

    @property
    def is_in_address(self) -> bool:
        """True if the shortcode stands where an address does."""
        return bool(re.search(r"(\]\(\s*<?|\]:\s*|(?:href|src)\s*=\s*[\"']?)[^\s)\"']*$", self.before))


class Replaced(NamedTuple):
    """A body without shortcodes, the map of its lines, and the lines that are directives."""

    text: str
    lines: LineMap
    directives: frozenset[str]


def replace_shortcodes(text: str, note: Note, exported: bool = False) -> Replaced:
    """Replace every shortcode of a body, or only the gates and figures of an article that Nightdesk exported."""
    if "{{" not in text:
        return Replaced(text, LineMap([(1, 1)]), frozenset())
    work = _Work(text, note, exported)
    return work.run()


def has_gate(text: str) -> bool:
    """Return True if a body has a shortcode that hides a text from some readers."""
    return "{{" in text and any(
        is_gate_shortcode(found["name"], bool(found["close"]) or not (found["rest"] or "").strip())
        for found in _CODE.finditer(text)
        if not found["escape"]
    )


def escape_shortcodes(text: str) -> str:
    """Return a text in which Hugo takes nothing for a shortcode."""
    return _CODE.sub(lambda found: f"{found[0][:3]}/*{found[0][3:-3]}*/{found[0][-3:]}", text) if "{{" in text else text


class _Work:
    def __init__(self, text: str, note: Note, exported: bool) -> None:
        self._text, self._note, self._exported = text, note, exported
        self._lines = Lines(text)
        self._parts: list[list[str]] = [[]]
        self._open: list[re.Match[str]] = []
        self._directives: set[str] = set()
        self._marks: list[int] = []

    def run(self) -> Replaced:
        found = list(_CODE.finditer(self._text))
        closers: dict[str, int] = {}
        for each in found:
            if each["close"]:
                closers[each["name"]] = closers.get(each["name"], 0) + 1
        end = 0
        for each in found:
            self._parts[-1].append(self._text[end : each.start()])
            end = each.end()
            self._take(each, closers)
            self._mark(end)
        self._parts[-1].append(self._text[end:])
        while self._open:  # opened, and never closed: what is inside stays
            inner = "".join(self._parts.pop())
            self._parts[-1].append(self._one(self._open.pop(), None) + inner)
        return self._result("".join(self._parts[0]))

    def _take(self, each: re.Match[str], closers: dict[str, int]) -> None:
        name = each["name"]
        if self._exported and not each["escape"] and name not in ("gate", "figure"):
            self._parts[-1].append(each[0])
        elif each["escape"]:
            typed = each[0]
            self._parts[-1].append(typed[:3] + typed[3:-3].removeprefix("/*").removesuffix("*/") + typed[-3:])
        elif each["close"]:
            closers[name] -= 1
            if not any(opened["name"] == name for opened in self._open):
                return
            while self._open:
                opened, inner = self._open.pop(), "".join(self._parts.pop())
                if opened["name"] == name:
                    self._parts[-1].append(self._one(opened, inner))
                    return
                self._parts[-1].append(self._one(opened, None) + inner)
        elif closers.get(name, 0) > sum(opened["name"] == name for opened in self._open) and not each["self"]:
            self._open.append(each)
            self._parts.append([])
        else:
            self._parts[-1].append(self._one(each, None))

    def _mark(self, position: int) -> None:
        """Leave a mark of the source's line, which `_result` turns into the map of lines."""
        self._parts[-1].append(f"\ue0f0{self._lines.at(position)}\ue0f1")

    def _result(self, marked: str) -> Replaced:
        parts, anchors, line = [], [(1, 1)], 1
        for number, piece in enumerate(_MARK.split(marked)):
            if number % 2:
                anchors.append((line, int(piece)))
            else:
                parts.append(piece)
                line += piece.count("\n")
        return Replaced("".join(parts), LineMap(anchors), frozenset(self._directives))

    def _one(self, found: re.Match[str], inner: str | None) -> str:
        if self._exported and found["name"] == "figure":
            return shortcode_as_figure(found["rest"] or "")
        values, places = {}, []
        for name, quoted, raw, bare in _PARAMETER.findall(found["rest"] or ""):
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted else raw or bare
            if name:
                values[name.lower()] = value
            else:
                places.append(value)
        before = self._text[max(0, found.start() - 200) : found.start()]
        line = self._lines.at(found.start())
        plain = None if inner is None else _MARK.sub("", inner)
        call = Call(found["name"].lower(), values, places, plain, before, found[0], line)
        if call.name == "comment" and plain is not None:
            self._note(SKIPPED, "a comment that Hugo shows to nobody was left out", " ".join(plain.split())[:160], line)
            return ""
        is_bare = inner is not None or not (places or values.keys() - {"tier", "teaser"})
        if call.name == "gate" or (not self._exported and is_gate_shortcode(call.name, is_bare)):
            return self._gate(call, None if inner is None else _MARK.sub("", inner, count=1))
        return meaning_of(call, self._note)

    def _gate(self, call: Call, inner: str | None) -> str:
        """Return a gate; one that is never closed hides the rest."""
        ending = CLOSE if inner is not None else ""
        if inner is None:
            what = "a shortcode that hides a text and has no end hides the rest of it"
            self._note(CHANGED, what, f"{{{{< {call.name} >}}}}", call.line)
        inner = (inner or "").removeprefix("\n").removesuffix("\n")
        if call.values.get("whole") == "true" and self._exported:
            return inner
        teaser = call.values.get("teaser", "")
        quoted = f' teaser="{re.sub(chr(92) * 2 + r"|" + chr(34), lambda f: chr(92) + f[0], teaser)}"' if teaser else ""
        colons = ":" * max(3, int(call.values.get("fence", "3")) if call.values.get("fence", "3").isdigit() else 3)
        if not self._exported:
            return f"\n\n{open_mark(call.values.get('tier', ''), teaser)}\n\n{inner}\n\n{ending}\n\n"
        opening = f"{colons} gate tier={call.values.get('tier', '')}{quoted}"
        self._directives |= {opening, colons}
        return f"{opening}\n{inner}\n{colons}" if ending else f"{opening}\n"


def meaning_of(call: Call, note: Note) -> str:
    """Return what a shortcode becomes."""
    target = call.places[0] if call.places else call.first("path", *_ADDRESSES)
    if call.name in _MARKDOWN_MEANING:
        return f"{REFERENCE}{target}".replace(" ", "%20")
    if call.is_in_address:
        return _address(call, target, note)
    for meaning in (_image, _embed, _quote, _code):
        if (made := meaning(call)) is not None:
            note(CHANGED, "a shortcode became Markdown", call.typed[:160], call.line)
            return made
    return _text_and_link(call, target, note)


def has_meaning(call: Call) -> bool:
    """Return True if a shortcode becomes Markdown or an address."""
    return (
        call.name in _MARKDOWN_MEANING
        or call.is_in_address
        or any(m(call) is not None for m in (_image, _embed, _quote, _code))
    )


def _address(call: Call, target: str, note: Note) -> str:
    if target.startswith(("http://", "https://", "/")):
        return target
    if not target:
        note(LOST, "a shortcode in an address was taken out", call.typed[:160], call.line)
    return f"{REFERENCE}{target}".replace(" ", "%20")


def _image(call: Call) -> str | None:
    named = next((n for n, place in enumerate(call.places) if is_image(place)), 0)
    src = call.first("src", "image", "uid", "url") or (call.places[named] if call.places else "")
    is_named = re.search(r"im(g|age)|fig(ure)?|photo|picture", call.name)
    if not src or call.name in ("video", "audio") or not (is_named or (is_image(src) and "href" not in call.values)):
        return None
    alt, caption = call.first("alt", "title"), call.first("caption", "title")
    if call.name == "figure" and call.values.get("title") not in (None, "", caption):
        caption = f"**{call.values['title']}** {caption}"
    words = [place for place in call.places[named + 1 :] if not re.fullmatch(r"[\d.]+(px|%|vw)?", place)]
    alt = call.values.get("alt", alt or (words[-1] if words else ""))
    credit = call.first("attr", "credit")
    caption = f"{caption} ({credit})" if caption and credit else caption or credit
    image = f'<img src="{html.escape(src)}" alt="{html.escape(alt or caption)}">'
    if call.values.get("link"):
        image = f'<a href="{html.escape(call.values["link"])}">{image}</a>'
    if caption:
        return f"\n\n<figure>\n{image}\n<figcaption>{_inline_html(caption)}</figcaption>\n</figure>\n\n"
    if call.values.get("link"):
        return image
    plain = re.sub(r"([\[\]\\])", r"\\\1", alt)
    return f"![{plain}](<{src}>)"


def _inline_html(text: str) -> str:
    """Return a line of Markdown as HTML, because it stands inside an element, where Markdown is not read."""
    for pattern, made in _INLINE:
        text = pattern.sub(made, text)
    return text


def _embed(call: Call) -> str | None:
    identifier = call.first("id", "video_id", "videoid") or (call.places[0] if call.places else "")
    address = call.first("src", "url", "href") or identifier
    if address.startswith(("http://", "https://")) and (call.inner is None or not call.inner.strip()):
        return _link_or_card(call, address, call.first(*_LABELS))
    if call.name == "gist" and len(call.places) >= 2:
        return link_to_embed(f"https://gist.github.com/{call.places[0]}/{call.places[1]}")
    name = _PLAYER.sub("", call.name.rpartition("/")[2])
    pattern = VIDEOS.get(name) or VIDEOS.get(call.first("provider").lower())
    if not pattern or not identifier:
        return None
    last = call.places[-1] if call.name in ("tweet", "twitter", "x") and call.places else identifier
    return _link_or_card(call, pattern.format(last), call.first("title", "alt"))


def _link_or_card(call: Call, address: str, title: str) -> str:
    """Return the address of a known embed in a paragraph of its own, which readers see as a card; inside a text, a link."""
    embed, line = embed_of(address), call.before.rpartition("\n")[2]
    return f"\n\n{embed.link}\n\n" if embed and not line.strip() else link_to_embed(address, title)


def _quote(call: Call) -> str | None:
    if not re.search(r"quote", call.name):
        return None
    text = call.inner if call.inner and call.inner.strip() else call.first("text", "quote") or " ".join(call.places[:1])
    if not text:
        return None
    cite = call.first("cite", "author", "source", "attr", "by") or (" ".join(call.places) if call.inner else "")
    lines = [*text.strip().split("\n"), *(["", f"— {cite}"] if cite else [])]
    return "\n\n" + "\n".join(f"> {line}".rstrip() for line in lines) + "\n\n"


def _code(call: Call) -> str | None:
    if call.name not in ("highlight", "code") or call.inner is None:
        return None
    if not call.places and not call.first("lang", "language") and "\n" not in call.inner.strip():
        return call.inner
    language = call.first("lang", "language") or (call.places[0] if call.places else "")
    ticks = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", call.inner) or [""]))
    return f"\n\n{ticks}{language}\n{call.inner.strip(chr(10))}\n{ticks}\n\n"


def _text_and_link(call: Call, target: str, note: Note) -> str:
    """Return the text and the link of a shortcode without a meaning here."""
    address = call.first(*_ADDRESSES) or (target if re.match(r"https?://|/", target) else "")
    title = ""
    if call.inner is not None:
        named = next((place for place in call.places if re.search(r"[A-Z\s]", place) and not is_image(place)), "")
        title = call.first("title", "kicker", "heading", "label", "intro", "summary", "text") or named
    parts = []
    if address:
        shown = call.first(*_LABELS) or address
        own = address if re.match(r"[a-z]+:|/", address) else f"{REFERENCE}{address}".replace(" ", "%20")
        parts.append(f"[{shown}](<{own}>)")
    elif title:
        parts.append(title if title.startswith("**") else f"**{title}**")
    if call.inner is not None:
        parts.append(call.inner.strip("\n") if "\n" in call.inner else call.inner)
        parts += [caption] if (caption := call.first("caption")) and caption != title else []
    if call.inner is not None or address:
        note(
            CHANGED,
            f"the shortcode “{call.name}” has no meaning here; its text or link stays",
            call.typed[:160],
            call.line,
        )
    else:
        note(LOST, f"the shortcode “{call.name}” has no meaning here, and was taken out", call.typed[:160], call.line)
    is_block = call.inner is not None and "\n" in call.inner
    return ("\n\n" + "\n\n".join(parts) + "\n\n") if is_block and len(parts) > 1 else " ".join(parts)
