"""Editing Markdown: addresses, embedded HTML, and lines that Nightdesk would take for directives."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple, Protocol

from nightdesk.domain.embeds import embed_of

from .addresses import parts_of
from .records import LineMap

CODE = r"""
    (?P<fence>^[ \t>]*(?P<ticks>`{3,}+|~{3,}+)[^\n]*+\n(?:.*?\n)??[ \t>]*(?P=ticks)[`~]*[ \t]*$)
  | (?P<span>(?:(?<![`\\])|(?<=\\\\))(?P<tick>`++)(?:(?!\n[ \t>]*\n).){1,2000}?(?<!`)(?P=tick)(?!`))
  | (?P<comment><!--(?:(?!<!--).)*?-->)
"""
"""Code and comments. A span of code ends with its paragraph, so a backtick that is a letter or an accent hides nothing after it."""
_DESTINATION = r"(?:<[^<>\n]*>|(?:[^\s()<>\\]|\\.|\((?:[^\s()\\]|\\.)*\))(?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*\))*)"
_TITLE = r"""(?:\s+(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\((?:[^()\\\n]|\\.)*\)))?"""
_TOKENS = re.compile(
    rf"""{CODE}
  | !\[(?P<alt>(?:[^\[\]\\]|\\.|\[[^\[\]]{{0,300}}\]){{0,2000}})\]\(\s*(?P<src>{_DESTINATION})(?P<imgtitle>{_TITLE})\s*\)
  | \]\(\s*(?P<href>{_DESTINATION})(?P<title>{_TITLE})\s*\)
  | (?P<label>^[ ]{{0,3}}\[(?!\^)[^\]\n]+\]:[ \t]*)(?P<defined>{_DESTINATION})
  | <(?P<tag>[A-Za-z][A-Za-z0-9]*)(?P<attributes>(?:\s(?:"[^"]*"|'[^']*'|[^<>"'])*)?)>
  | (?P<end></a\s*>|\]\[[^\[\]\n]+\])
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_IN_LINK = re.compile(
    rf"""(?: !\[[^\[\]\n]{{0,300}}\]\([^()\s]{{0,2000}}\) | \\. | `[^`\n]{{0,300}}` | <(?!/?a\b|!)
      | \n(?![ \t]*\n) | [^\[\]<`\\\n] ){{0,500}}+
    (?: \]\(\s*{_DESTINATION}{_TITLE}\s*\) | \]\[[^\[\]\n]+\] | </a\s*> )""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
"""What follows an image that is part of a link."""
_ATTRIBUTE = re.compile(r"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>`]+))""")
_EMBEDS = re.compile(
    rf"""{CODE}
  | <(?P<name>iframe|audio|video|object|script|style|form|svg|noscript)\b(?P<attributes>(?:"[^"]*"|'[^']*'|[^<>"'])*)>
    (?P<inner>.*?)</(?P=name)\s*>
  | <embed\b(?P<embed>(?:"[^"]*"|'[^']*'|[^<>"'])*)>
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_LABELS = re.compile(
    rf"""{CODE}
  | (?P<bang>!)?\[(?P<alt>(?:[^\[\]\\]|\\.){{0,2000}})\](?!\(|:)(?:\[(?P<named>[^\[\]\n]*)\])?
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_DEFINED = re.compile(
    rf"""{CODE} | ^[ ]{{0,3}}\[(?!\^)(?P<name>[^\]\n]+)\]:[ \t]*(?P<target>{_DESTINATION})(?P<title>{_TITLE})[ \t]*$""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_ITEM = re.compile(r"[ \t]*(?:[-*+:]|\d+[.)]|\[\^[^\]\n]+\]:)(?:[ \t]|$)")
"""The first line of an item or a footnote, whose further lines are indented, too."""
_DIVIDER = re.compile(r"<!--\s*members-only\s*-->", re.IGNORECASE)


class Image(NamedTuple):
    """What becomes of an image: `image` with a new address, a `link`, or its `text` alone."""

    form: str
    address: str


class Addresses(Protocol):
    """Decides about the addresses in a text. Lines are those of the text."""

    def link(self, address: str, line: int) -> str:
        """Return the address that a link gets."""

    def image(self, address: str, line: int) -> Image:
        """Return what becomes of an image."""


class Lines:
    """Finds the line of a position in a text, from 1."""

    def __init__(self, text: str) -> None:
        self._ends = [found.start() for found in re.finditer("\n", text)]

    def at(self, position: int) -> int:
        """Return the line that holds a position."""
        return bisect_right(self._ends, position - 1) + 1


def substitute(
    pattern: re.Pattern[str], replace: Callable[[re.Match[str], int], str], text: str
) -> tuple[str, LineMap]:
    """Replace what a pattern finds, and return the text with the map of its lines.

    Args:
        replace: takes what was found and its line.
    """
    lines, parts, anchors = Lines(text), [], [(1, 1)]
    end, out_line = 0, 1
    for found in pattern.finditer(text):
        between = text[end : found.start()]
        made = replace(found, lines.at(found.start()))
        parts += [between, made]
        out_line += between.count("\n") + made.count("\n")
        end = found.end()
        anchors.append((out_line, lines.at(end)))
    parts.append(text[end:])
    return "".join(parts), LineMap(anchors)


def rewrite_addresses(text: str, addresses: Addresses) -> str:
    """Give every link and image outside code the address that `addresses` decides.

    An image in a link that becomes a link stands after it, because no link may hold another one.
    """
    after: list[str] = []

    def end_link(written: str) -> str:
        shown = [
            f'<a href="{html.escape(each)}">{html.escape(file_name(each), quote=False)}</a>'
            if written.startswith("<")
            else f"[{_label(each)}]({_written(each)})"
            for each in after
        ]
        after.clear()
        return f"{written} ({', '.join(shown)})" if shown else written

    def replace(found: re.Match[str], line: int) -> str:
        if found["src"] is not None:
            return _image(found, line, addresses, after)
        if found["href"] is not None:
            return end_link(f"]({_written(addresses.link(_read(found['href']), line))}{found['title']})")
        if found["defined"] is not None:
            return f"{found['label']}{_written(addresses.link(_read(found['defined']), line))}"
        if found["tag"] is not None:
            return _tag(found, line, addresses, after)
        return end_link(found[0]) if found["end"] is not None else found[0]

    return substitute(_TOKENS, replace, _with_images_inline(text))[0]


def _with_images_inline(text: str) -> str:
    """Return a text with the address of each image in its place, where it stands at the end of the text under a name.

    The line of such an address stays, empty if no link has the same name.
    """
    known = {_folded(found["name"]): found for found in _DEFINED.finditer(text) if found["name"]}
    uses = [found for found in _LABELS.finditer(text) if found["alt"] is not None] if known else []
    shown = {name for found in uses if found["bang"] and (name := _name_of(found)) in known}
    linked = {_name_of(found) for found in uses if not found["bang"]}

    def inline(found: re.Match[str]) -> str:
        name = _name_of(found) if found["bang"] else ""
        if name not in shown:
            return found[0]
        return f"![{found['alt']}]({known[name]['target']}{known[name]['title']})"

    def drop(found: re.Match[str]) -> str:
        return "" if found["name"] and _folded(found["name"]) in shown - linked else found[0]

    return _LABELS.sub(inline, _DEFINED.sub(drop, text)) if shown else text


def _name_of(found: re.Match[str]) -> str:
    return _folded(found["named"] or found["alt"] or "")


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _read(typed: str) -> str:
    """Return a destination without its angle brackets, escapes and entities."""
    plain = typed[1:-1] if typed.startswith("<") and typed.endswith(">") else typed
    return html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", plain))


def _written(address: str) -> str:
    """Return an address as a destination."""
    if re.search(r"[\s()<>]", address):
        return f"<{re.sub(r'[<>]', '', address)}>"
    return address or "#"


def _image(found: re.Match[str], line: int, addresses: Addresses, after: list[str]) -> str:
    alt, source = found["alt"], _read(found["src"])
    image = addresses.image(source, line)
    if image.form == "image":
        return f"![{alt}]({_written(image.address)}{found['imgtitle']})"
    if _IN_LINK.match(found.string, found.end()):
        after += [image.address] if image.form == "link" else []
        return alt if alt.strip() else _label(image.address or source)
    label = alt.strip() or _label(image.address)
    return f"[{label}]({_written(image.address)})" if image.form == "link" else label if alt.strip() else ""


def _label(address: str) -> str:
    return re.sub(r"([\[\]*_`\\])", r"\\\1", file_name(address))


def file_name(address: str) -> str:
    """Return the last part of an address, as its name for readers."""
    return parts_of(address).path.rpartition("/")[2] or address


def attributes_of(text: str) -> dict[str, str]:
    """Return the attributes of a tag, by lower-case name."""
    return {
        name.lower(): html.unescape(double or single or bare)
        for name, double, single, bare in _ATTRIBUTE.findall(text or "")
    }


def _tag(found: re.Match[str], line: int, addresses: Addresses, after: list[str]) -> str:
    tag, text = found["tag"].lower(), found["attributes"] or ""
    given = attributes_of(text)
    if tag == "img":
        source = given.get("src", "")
        image = addresses.image(source, line) if source else Image("text", "")
        if image.form == "image":
            return f"<img{_with(text, 'src', image.address)}>"
        label = html.escape(given.get("alt", ""), quote=False)
        if _IN_LINK.match(found.string, found.end()):
            after += [image.address] if image.form == "link" else []
            return label if label.strip() else html.escape(file_name(image.address or source), quote=False)
        if image.form == "text":
            return label
        return f'<a href="{html.escape(image.address)}">{label or html.escape(image.address, quote=False)}</a>'
    if given.get("href"):
        return f"<{found['tag']}{_with(text, 'href', addresses.link(given['href'], line))}>"
    return found[0]


def _with(attributes: str, name: str, value: str) -> str:
    def replace(found: re.Match[str]) -> str:
        return f'{found[1]}="{html.escape(value)}"' if found[1].lower() == name else found[0]

    return _ATTRIBUTE.sub(replace, attributes)


def embeds_to_links(text: str, note: Callable[[str, str, int], None]) -> tuple[str, LineMap]:
    """Replace embedded documents and media by links to them, and take scripts, styles and forms out.

    Args:
        note: is called with the element, its address (perhaps empty) and its line.
    """

    def replace(found: re.Match[str], line: int) -> str:
        name = (found["name"] or ("embed" if found["embed"] is not None else "")).lower()
        if not name:
            return found[0]
        given = attributes_of(found["attributes"] or found["embed"] or "")
        inner = found["inner"] or ""
        nested = re.search(r"<(?:source|embed|iframe|param)\b([^>]*)>", inner)
        address = given.get("src") or given.get("data") or (attributes_of(nested[1]).get("src", "") if nested else "")
        if name in ("style", "svg", "form", "noscript"):
            address = ""
        embed = embed_of(address) if name != "script" else None
        if embed and name == "iframe" and not _is_alone(found):
            return found[0]  # a card in the place where it stands
        note(name, address, line)
        if name == "script" or not address:
            return ""
        return embed.link if embed and _is_alone(found) else link_to_embed(address, given.get("title", ""))

    return substitute(_EMBEDS, replace, text)


def _is_alone(found: re.Match[str]) -> bool:
    """Return True if what was found is a paragraph of its own."""
    return bool(re.search(r"(?:^|\n[ \t]*\n)$", found.string[: found.start()][-200:])) and bool(
        re.match(r"[ \t]*(?:$|\n[ \t]*(?:\n|$))", found.string[found.end() :][:200])
    )


def link_to_embed(address: str, title: str = "") -> str:
    """Return a link to what was embedded, as HTML, which works inside HTML as well as in Markdown."""
    address = f"https:{address}" if address.startswith("//") else address
    video = re.match(r"https?://(?:www\.)?youtube(?:-nocookie)?\.com/embed/([\w-]+)", address)
    address = f"https://www.youtube.com/watch?v={video[1]}" if video else address
    return f'<a href="{html.escape(address)}">{html.escape(title or address, quote=False)}</a>'


def indented_code(text: str) -> list[tuple[int, int]]:
    """Return where code begins and ends that is code because of its indentation; in lists, there may be more."""
    blocks: list[tuple[int, int]] = []
    is_code, after_blank, in_list, position = False, True, False, 0
    for line in text.split("\n"):
        end = position + len(line) + 1
        if not line.strip():
            after_blank = True
        elif line.startswith(("    ", "\t")) and not in_list and (after_blank or is_code):
            blocks.append((blocks.pop()[0] if is_code else position, end))
            is_code, after_blank = True, False
        else:
            is_item = bool(_ITEM.match(line))
            in_list = is_item or (in_list and (line[:1].isspace() or not after_blank))
            is_code, after_blank = False, False
        position = end
    return blocks


def is_within(blocks: list[tuple[int, int]], position: int) -> bool:
    """Return True for a position in one of several blocks, which are in order."""
    at = bisect_right(blocks, (position, 1 << 60)) - 1
    return at >= 0 and position < blocks[at][1]


def escape_directives(text: str, keep: Callable[[str], bool] = lambda _: False) -> str:
    """Put a backslash before each line that begins with `:::` and is not meant as a directive."""
    if ":::" not in text:
        return text
    blocks = indented_code(text)
    pattern = re.compile(rf"{CODE} | ^(?P<aside>[ \t>*+\-0-9.)]*)(?P<line>:::[^\n]*)", re.X | re.M | re.S)

    def replace(found: re.Match[str]) -> str:
        is_meant = found["line"] is None or (not found["aside"] and keep(found["line"]))
        if is_meant or is_within(blocks, found.start()):
            return found[0]
        return f"{found['aside']}\\{found['line']}"

    return pattern.sub(replace, text)


def split_at_divider(text: str) -> tuple[str, str] | None:
    """Return the texts before and after a members-only divider that is not in code; None if there is none."""
    for found in re.finditer(CODE, text, re.VERBOSE | re.MULTILINE | re.DOTALL):
        if found["comment"] and _DIVIDER.fullmatch(found["comment"]):
            return text[: found.start()], text[found.end() :]
    return None


DIVIDER = "<!--members-only-->"
