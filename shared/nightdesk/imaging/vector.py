"""SVG drawings, written anew: only elements, attributes and styles of an allowlist are in what readers get.

A drawing that acts (see `nightdesk.domain.drawings`) is refused, so that its author hears of it. What merely does not draw, such as
the notes of drawing programs, is left out. Either way nothing of the original's markup is copied: a new document is written from
what the parser reported, so its author's ways to confuse parsers end here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from nightdesk.domain.drawings import LARGEST, active_content
from nightdesk.imaging import vector_rules as rules
from nightdesk.imaging.limits import DEFAULT, ImageRefused
from nightdesk.imaging.raster_headers import read_header

_MOST_ELEMENTS = 100_000
_MOST_DRAWN = 500_000
"""Elements once every `use` is replaced by what it shows."""
_UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0, "q": 96 / 101.6}
_DEFAULT_SIZE = (300, 150)
"""What browsers take if a drawing has no size."""
_LENGTH = re.compile(r"\s*\+?(\d{1,7}(?:\.\d{1,9})?|\.\d{1,9})(px|pt|pc|mm|cm|in|q)?\s*", re.IGNORECASE)
_FUNCTION = re.compile(r"([a-zA-Z0-9_-]*)\(")
_LOCAL_URL = re.compile(r"url\(\s*([\"']?)#[^\s\"'()\\<>]{1,200}\1\s*\)", re.IGNORECASE)
_AT_RULE = re.compile(r"@\s*([a-zA-Z-]*)")
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.)|$)", re.DOTALL)
_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
_DATA = re.compile(r"data:image/(?:png|jpe?g)(?:;[a-z]+=[^;,]*)*;base64,(.*)", re.IGNORECASE | re.DOTALL)
_ID = re.compile(r"#([^\s\"'()<>]{1,200})")


@dataclass(frozen=True)
class Drawing:
    """A drawing that only draws.

    Attributes:
        body: a whole document in UTF-8.
        width, height: in pixels, at least 1.
    """

    body: bytes
    width: int
    height: int


def sanitise(data: bytes) -> Drawing:
    """Return a drawing written anew from an allowlist.

    Raises:
        ImageRefused: it acts, or it is damaged or too large.
    """
    if len(data) > LARGEST:
        raise ImageRefused(f"is larger than {LARGEST // 1024**2} MiB: simplify the drawing, or save it as PNG")
    found = active_content(data)
    if found:
        raise ImageRefused(f"contains {found}: save it again as a plain SVG, or as PNG")
    writer = _Writer()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = writer.start, writer.end
    parser.CharacterDataHandler = writer.text
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ImageRefused("has a fault in its XML: save it again as a plain SVG") from error
    return Drawing("".join(writer.out).encode(), *writer.size)


def with_metadata(body: bytes, packet: bytes) -> bytes:
    """Return a drawing from `sanitise` with an XMP packet; unchanged if that is empty."""
    # `sanitise` writes no `>` before the end of the first tag.
    return body.replace(b">", b"><metadata>" + packet + b"</metadata>", 1) if packet else body


class _Writer:
    """Expat's handlers, which write the document that readers get."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.size = _DEFAULT_SIZE
        self._stack: list[str] = []
        self._skipped = 0
        self._style: list[str] | None = None
        self._weights = _Weights()

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        space, _, tag = name.rpartition(" ")
        kept = space in ("", rules.SVG) and (tag in rules.DRAWN or tag in rules.ANIMATED)
        if self._skipped or not (kept or tag in rules.UNWRAPPED):
            self._skipped += 1
            return
        if tag in rules.UNWRAPPED:
            self._stack.append("")
            return
        if not self._stack:
            self.size = _size(attributes)
        written = _attributes(tag, attributes)
        self._weights.open(tag, written)
        self._stack.append(tag)
        namespace = f' xmlns="{rules.SVG}"' if len(self._stack) == 1 else ""
        self.out.append(f"<{tag}{namespace}{''.join(f' {key}={quoteattr(value)}' for key, value in written.items())}>")
        if tag == "style":
            self._style = []

    def text(self, text: str) -> None:
        if self._skipped:
            return
        if self._style is not None:
            self._style.append(text)
        elif self._stack:
            self.out.append(escape(text))

    def end(self, _: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        tag = self._stack.pop()
        if not tag:
            return
        if self._style is not None:
            sheet = _CSS_COMMENT.sub(" ", "".join(self._style))
            self.out.append(escape(checked_style(sheet)))
            self._style = None
        self._weights.close()
        self.out.append(f"</{tag}>")
        if not self._stack:
            self._weights.check()


def _attributes(tag: str, attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes that are written, by the names under which they are."""
    allowed = rules.STYLED | rules.GEOMETRY | {"style"}
    if tag in rules.ANIMATED:
        if (
            tag != "mpath"
            and tag != "animateMotion"
            and attributes.get("attributeName", "").strip() not in rules.ANIMATABLE
        ):
            raise ImageRefused("animates something other than its looks: save it again as a plain SVG, or as PNG")
        allowed = rules.TIMING | {"id"}
    written: dict[str, str] = {}
    for key, value in attributes.items():
        space, _, name = key.rpartition(" ")
        if name == "href" and space in ("", rules.XLINK):
            target = _reference(tag, value)
            if target and (space == "" or "href" not in written):
                written["href"] = target
        elif space == rules.XML and name in ("space", "lang"):
            written[f"xml:{name}"] = value
        elif space == "" and (name in allowed or re.fullmatch(r"aria-[a-z]{1,30}", name)):
            is_style = name in rules.STYLED or name == "style" or tag in rules.ANIMATED
            written[name] = checked_style(value) if is_style else value
    return written


def _reference(tag: str, value: str) -> str:
    """Return the address that an element refers to, if it is in the drawing or an embedded picture without metadata."""
    target = re.sub(r"[\x00-\x20]", "", value)
    if re.fullmatch(_ID, target):
        return target
    if not target or tag not in ("image", "feImage"):
        return ""
    found = _DATA.fullmatch(target)
    if not found:
        raise ImageRefused(
            "contains an embedded picture in a format other than PNG or JPEG: save it as PNG or JPEG as a whole"
        )
    return _embedded(found[1])


def _embedded(text: str) -> str:
    try:
        body = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageRefused("contains an embedded picture that is damaged") from error
    try:
        header = read_header(body, DEFAULT)
    except ImageRefused as error:
        raise ImageRefused(f"contains an embedded picture that {error}") from error
    if header.format not in ("png", "jpeg"):
        raise ImageRefused("contains an embedded picture in a format other than PNG or JPEG")
    return f"data:image/{header.format};base64,{base64.b64encode(header.core(body)).decode()}"


def checked_style(text: str) -> str:
    """Return a style, or the value of an attribute, if it uses functions of the allowlist only.

    Raises:
        ImageRefused: it uses others, or refers to something outside the drawing.
    """
    if not re.search(r"[(@\\<]", text):
        return text
    plain = _CSS_ESCAPE.sub(lambda m: _character(m[1]) if m[1] else m[2] or "", text)
    without_local = _LOCAL_URL.sub(" ", plain)
    names = {name.lower() for name in _FUNCTION.findall(without_local)} - {""}
    at_rules = {name.lower() for name in _AT_RULE.findall(plain)}
    if "url" in names or not names <= rules.FUNCTIONS or not at_rules <= rules.AT_RULES or "<" in plain:
        raise ImageRefused("contains a style that may load other files: save it again as a plain SVG, or as PNG")
    return text


def _character(digits: str) -> str:
    code = int(digits, 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _size(attributes: Mapping[str, str]) -> tuple[int, int]:
    """Return width and height of a drawing in pixels: its own, or those of its view box."""
    box = [_number(part) for part in re.split(r"[\s,]+", attributes.get("viewBox", "").strip())]
    ratio = box[2] / box[3] if len(box) == 4 and box[2] > 0 and box[3] > 0 else 0.0
    width, height = _length(attributes.get("width", "")), _length(attributes.get("height", ""))
    if ratio and not width and not height:
        width, height = box[2], box[3]
    elif ratio and not width:
        width = height * ratio
    elif ratio and not height:
        height = width / ratio
    width, height = width or _DEFAULT_SIZE[0], height or _DEFAULT_SIZE[1]
    return max(1, min(100_000, round(width))), max(1, min(100_000, round(height)))


def _length(text: str) -> float:
    found = _LENGTH.fullmatch(text)
    return float(found[1]) * _UNITS[(found[2] or "").lower()] if found else 0.0


def _number(text: str) -> float:
    return float(text) if re.fullmatch(r"[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})", text) else 0.0


class _Weights:
    """Counts the elements that a browser draws: a few `use` inside one another can stand for millions."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._own: dict[str, int] = {"": 0}
        self._uses: dict[str, dict[str, int]] = {"": {}}
        self._total: dict[str, int] = {}

    def open(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._open.append(attributes.get("id", ""))
        used = _ID.fullmatch(attributes.get("href", "")) if tag == "use" else None
        for name in {"", *self._open}:
            self._own[name] = self._own.get(name, 0) + 1
            if used:
                uses = self._uses.setdefault(name, {})
                uses[used[1]] = uses.get(used[1], 0) + 1
        if self._own[""] > _MOST_ELEMENTS:
            raise ImageRefused(f"has more than {_MOST_ELEMENTS:,} elements: simplify the drawing, or save it as PNG")

    def close(self) -> None:
        self._open.pop()

    def check(self) -> None:
        """Raise `ImageRefused` if too many elements are drawn."""
        if self._weight("", 0) > _MOST_DRAWN:
            raise ImageRefused("repeats itself too often (`use`): save it as PNG")

    def _weight(self, name: str, depth: int) -> int:
        if name in self._total:
            return self._total[name]
        # Browsers do not draw what contains itself; neither does it end here.
        self._total[name] = 0
        if depth > 50:
            raise ImageRefused("repeats itself too deeply (`use`): save it as PNG")
        total = self._own.get(name, 0)
        for used, times in self._uses.get(name, {}).items():
            total = min(_MOST_DRAWN + 1, total + times * self._weight(used, depth + 1))
        self._total[name] = total
        return total
