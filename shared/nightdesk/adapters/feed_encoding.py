"""Decodes the bytes of a feed, and repairs the faults of XML that real feeds have most often."""

from __future__ import annotations

import codecs
import re
from html.entities import html5

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which its BOM begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# A “<” in each encoding of more than one byte, of which only the zeros tell (XML 1.0, appendix F).
_PATTERNS = (
    (re.compile(rb"(?:[\t\n\r ]\0\0\0)*<\0\0\0"), "utf-32-le"),
    (re.compile(rb"(?:\0\0\0[\t\n\r ])*\0\0\0<"), "utf-32-be"),
    (re.compile(rb"(?:[\t\n\r ]\0)*<\0"), "utf-16-le"),
    (re.compile(rb"(?:\0[\t\n\r ])*\0<"), "utf-16-be"),
)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_DECLARED = re.compile(rb"""<\?xml\s[^<>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_DECLARATION_WITHIN = 1024
_COMMENTS = re.compile(r"(?:<!--(?:[^-]|-(?!->))*-->\s*)+(?=<\?xml\s)")
"""Comments before the XML declaration, where none may be."""
_WINDOWS = re.compile(r"(?:x-)?(?:windows|win|cp|ms|ibm)[-_]?(\d{3,4})")
# What the label stands for on the web (WHATWG Encoding): the vendor's superset of the standard.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
_ALIASES = {"x-sjis": "cp932", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "x-euc-jp": "euc_jp", "dos-874": "cp874"}
_SINGLE_BYTE = re.compile(r"iso8859-\d{1,2}|cp125[0-8]|cp86[26]|cp874|cp437|koi8-[rut]|mac-\w+|tis-620|ascii|hp-roman8")
_MULTI_BYTE = re.compile(
    r"utf-8(-sig)?|utf-(16|32)(-[lb]e)?|gb2312|gbk|gb18030|hz|big5(hkscs)?|cp9(32|49|50)|euc_(kr|jp|jis_2004|jisx0213)"
    r"|johab|shift_jis(_2004|x0213)?|iso2022_(jp(_\w+)?|kr)"
)
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 forbids in any document (section 2.2)."""
_BEFORE = "\ufeff\u200b\x00"
_AMPERSAND = re.compile(r"&(?:#(\d{1,8});|#[xX]([0-9A-Fa-f]{1,8});|([A-Za-z][A-Za-z0-9]{1,40};))?")
_PREDEFINED = {"amp;", "lt;", "gt;", "quot;", "apos;"}
_CDATA, _CDATA_END = "<![CDATA[", "]]>"


def decode_feed(raw: bytes, content_type: str = "") -> str:
    """Decode a feed.

    The encoding is that of its byte order mark, of the HTTP header, or of the XML declaration, in this order (RFC 7303,
    section 3), else UTF-8. A name that is unknown, or that does not fit the bytes, is passed over; so is a header that
    contradicts a declaration of UTF-8 which the bytes fulfil. Bytes that fit nothing become U+FFFD.
    """
    for bom, name in _BOMS:
        if raw.startswith(bom):
            return raw.decode(name, "replace")
    for pattern, name in _PATTERNS:
        if pattern.match(raw):
            return raw.decode(name, "replace")
    header, declared = _codec(_header_charset(content_type)), _codec(_declared_charset(raw))
    # Most other encodings accept any bytes, whereas text in them is hardly ever valid UTF-8.
    named = [name for name in (header, declared) if name]
    candidates = ["utf-8", *named] if "utf-8" in named else [*named, "utf-8"]
    for name in candidates:
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            continue
    return raw.decode(next(iter(named), "utf-8"), "replace")


def _header_charset(content_type: str) -> str:
    found = _CHARSET.search(content_type)
    return found[1] if found else ""


def _declared_charset(raw: bytes) -> str:
    found = _DECLARED.search(raw[:_DECLARATION_WITHIN])
    return found[1].decode("ascii") if found else ""


def _codec(label: str) -> str:
    """Return Python's name for an encoding of text, or an empty string.

    Only known encodings are accepted: Python also has codecs that unpack, or that read escape sequences.
    """
    label = label.strip().lower()
    label = _ALIASES.get(label, label)
    if found := _WINDOWS.fullmatch(label):
        label = f"cp{found[1]}"
    try:
        name = codecs.lookup(label).name if label else ""
    except LookupError:
        return ""
    if not (_SINGLE_BYTE.fullmatch(name) or _MULTI_BYTE.fullmatch(name)):
        return ""
    # The bytes were looked at already: a document that can be read up to its declaration is not in UTF-16 or UTF-32.
    return "" if name.startswith(("utf-16", "utf-32")) else _SUPERSETS.get(name, name)


def repair_xml(text: str) -> str:
    """Return XML without its declaration, and without faults that a parser would refuse the whole feed for.

    White space and comments before the document and characters that XML forbids are removed; HTML's named entities, which a feed does
    not declare, become character references, and an ampersand that begins none becomes `&amp;`. CDATA sections stay as
    they are. Nothing here can make markup: only references to characters are written.
    """
    text = _FORBIDDEN.sub("", text).lstrip().lstrip(_BEFORE).lstrip()
    if comments := _COMMENTS.match(text, 0, _DECLARATION_WITHIN):
        text = text[comments.end() :]
    if re.match(r"<\?xml\s", text):
        text = text.partition("?>")[2].lstrip()
    first, *others = text.split(_CDATA)
    parts = [_AMPERSAND.sub(_reference, first)]
    for other in others:
        inside, end, after = other.partition(_CDATA_END)
        parts += [_CDATA, inside, end, _AMPERSAND.sub(_reference, after)]
    return "".join(parts)


def _reference(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if decimal or hexadecimal:
        number = int(decimal or hexadecimal, 10 if decimal else 16)
        is_allowed = number <= 0x10FFFF and not _FORBIDDEN.match(chr(number))
        return found[0].replace("X", "x", 1) if is_allowed else ""
    if name in _PREDEFINED:
        return found[0]
    characters = html5.get(name or "")
    return "".join(f"&#{ord(character)};" for character in characters) if characters else f"&amp;{found[0][1:]}"
