"""SVG drawings: whether one holds anything that acts, rather than only draws.

A drawing is an XML document, and a browser in which it is opened by itself runs it like a page. The edge serves it in a sandbox
(`UploadHeaders` in `template.yaml`), which stops scripts, forms and automatic navigation. Links would still work there, and
drawings are also copied to places that have no sandbox, so what acts is not published at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_XML = "http://www.w3.org/XML/1998/namespace"
_PAGES = {
    "http://www.w3.org/1999/xhtml": "HTML",
    "http://www.w3.org/1998/Math/MathML": "MathML",
    "http://www.w3.org/1999/XSL/Transform": "a style sheet that rewrites it (XSLT)",
    "http://www.mozilla.org/xbl": "a binding (XBL)",
    "http://www.w3.org/2001/xml-events": "an event handler",
}
"""Namespaces whose elements do not draw, and what to call them. Those of drawing programs are inert."""
_ACTIVE = {
    "script": "a script",
    "handler": "a script",
    "listener": "a script",
    "foreignobject": "HTML (`foreignObject`)",
    **dict.fromkeys(("iframe", "embed", "object", "audio", "video", "canvas", "frame", "form", "meta", "base"), "HTML"),
}
"""Elements of SVG that do more than draw, in lower case, and what to call them."""
_REFERENCES = frozenset(("href", "src", "srcset", "data", "action", "formaction", "poster", "ping", "background"))
"""Attributes that name another document, whatever their namespace."""
_ANIMATIONS = frozenset(("animate", "set", "animatetransform", "animatemotion", "animatecolor", "discard"))
_DEEPEST = 256
"""How deeply elements may nest; drawing programs need a few dozen levels."""
_RASTER = re.compile(r"data:image/(?:png|jpe?g|gif|webp|avif)[;,]", re.IGNORECASE)
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\x00]*<")
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_CSS_URL = re.compile(r"url\(\s*[\"']?\s*(.*?)[\"'\s)]", re.IGNORECASE | re.DOTALL)
_CSS_LOADS = re.compile(r"@import|image-set\(|\bsrc\(|-moz-binding|\bbehavior\s*:|expression\(", re.IGNORECASE)


REFUSED = "!"
"""Begins what takes the place of the SHA-256 of a file that is not published: the words of `image_refusal` follow."""
LARGEST = 8 * 1024 * 1024
"""In bytes; a larger drawing takes long to check, and long to draw."""
_RULES = "1"
"""Increased when `active_content` finds more, so that drawings are checked again."""


def rules_for(key: str) -> list[str]:
    """Return the rules by which a file is checked, to be stored with the result; none for one that is not checked."""
    return [_RULES] if key.lower().endswith(".svg") else []


def image_refusal(key: str, body: bytes) -> str:
    """Return why an image is not published, in words for its author; empty if it is.

    Args:
        key: of the file; only drawings are looked into, since browsers run no other kind of image.
    """
    if not rules_for(key):
        return ""
    return refusal_of_drawing_size(len(body)) or active_content(body)


def refusal_of_drawing_size(size: int) -> str:
    """Return why a drawing of `size` bytes is not published, in words for its author; empty if it may be."""
    return f"more than {LARGEST // 1024**2} MiB" if size > LARGEST else ""


class _Found(Exception):
    """Something in the drawing that acts."""


def active_content(body: bytes) -> str:
    """Return what in an SVG drawing acts, in words for its author; empty if it only draws.

    A drawing that is not well-formed counts as active: browsers show, and run, what precedes the fault.
    """
    from xml.parsers import expat  # only drawings need it

    scan = _Scan()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = scan.start
    parser.EndElementHandler = scan.end
    parser.CharacterDataHandler = scan.text
    parser.ProcessingInstructionHandler = scan.instruction
    parser.EntityDeclHandler = scan.entity
    parser.AttlistDeclHandler = parser.ElementDeclHandler = parser.NotationDeclHandler = scan.declaration
    try:
        parser.Parse(body, True)
    except _Found as found:
        return str(found)
    except (expat.ExpatError, ValueError, LookupError):
        return "a fault in its XML" if _MARKUP.match(body) else "something other than a drawing"
    return ""


class _Scan:
    """Expat's handlers. Each raises `_Found` at the first thing that acts."""

    def __init__(self) -> None:
        self._depth = 0
        self._style: list[str] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        space, local = _split(name)
        # Without a namespace it is no drawing to a browser, and does nothing.
        if self._depth == 0 and (space not in ("", _SVG) or local != "svg"):
            raise _Found("something other than a drawing")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Found("elements nested too deeply")
        if space in _PAGES:
            raise _Found(_PAGES[space])
        tag = local.lower()
        # Elements without a namespace, or of another one, do nothing; a program that rewrites the file may lose the difference.
        if tag in _ACTIVE and space in ("", _SVG):
            raise _Found(_ACTIVE[tag])
        if self._style is not None:
            raise _Found("an element in a style sheet")
        for key, value in attributes.items():
            _check_attribute(tag, *_split(key), value)
        if tag == "style":
            self._style = []

    def end(self, name: str) -> None:
        self._depth -= 1
        if self._style is not None:
            _check_style("".join(self._style))
            self._style = None

    def text(self, text: str) -> None:
        if self._style is not None:
            self._style.append(text)

    def instruction(self, target: str, _: str) -> None:
        if target.lower() == "xml-stylesheet":
            raise _Found("a style sheet in another file")

    def entity(self, _name: str, is_parameter: bool, value: str | None, *_: object) -> None:
        # Illustrator declares namespaces as entities. Markup and other entities could hide anything, or grow without end.
        if is_parameter or value is None or re.search("[<&%]", value):
            raise _Found("entities that hold markup")

    def declaration(self, *_: object) -> None:
        raise _Found("declarations of elements or attributes")


def _split(name: str) -> tuple[str, str]:
    """Return the namespace and the local name of what expat reports."""
    space, _, local = name.rpartition(" ")
    return space, local


def _check_attribute(tag: str, space: str, local: str, value: str) -> None:
    name = local.lower()
    if name.startswith("on") and space in ("", _SVG):
        raise _Found(f"an event handler (`{local[:40]}`)")
    if (space, name) == (_XML, "base"):
        raise _Found("an address for all its links (`xml:base`)")
    if name in _REFERENCES and space in ("", _SVG, _XLINK):
        _check_reference(tag, value)
    if tag in _ANIMATIONS and name == "attributename":
        animated = value.strip().rpartition(":")[2].lower()
        if animated in _REFERENCES or animated.startswith("on"):
            raise _Found(f"an animation of `{value.strip()[:40]}`")
    if space == "":
        _check_style(value)


def _check_reference(tag: str, value: str) -> None:
    # Browsers ignore white space and control characters in an address.
    target = re.sub(r"[\x00-\x20]", "", value)
    if not target or target.startswith("#") or (tag in ("image", "feimage") and _RASTER.match(target)):
        return
    raise _Found("a link" if tag == "a" else f"a reference to another file (`{tag[:40]}`)")


def _check_style(text: str) -> None:
    """Raise `_Found` if a style loads another file. Presentation attributes, such as `fill`, are styles too."""
    if "(" not in text and "@" not in text and "\\" not in text:
        return
    # With and without comments: a string that looks like the beginning of one could hide what follows.
    for variant in (text, _without_comments(text)):
        plain = _CSS_ESCAPE.sub(lambda m: _character(m[1]) if m[1] else m[2], variant)
        targets = (re.sub(r"[\x00-\x20]", "", found) for found in _CSS_URL.findall(plain + ")"))
        if _CSS_LOADS.search(plain) or any(t and not t.startswith("#") and not _RASTER.match(t) for t in targets):
            raise _Found("a reference to another file in a style")


def _without_comments(text: str) -> str:
    """Return a style without its comments; the last one may lack its end."""
    first, *rest = text.split("/*")
    return first + "".join(part.partition("*/")[2] for part in rest)


def _character(digits: str) -> str:
    code = int(digits, 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
