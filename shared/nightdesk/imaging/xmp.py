"""XMP packets (ISO 16684-1): credit, rights, description and digital source type."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from xml.parsers import expat

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns# "
_WANTED = {
    "http://ns.adobe.com/photoshop/1.0/ Credit": "credit",
    "http://purl.org/dc/elements/1.1/ rights": "copyright",
    "http://purl.org/dc/elements/1.1/ description": "caption",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/ DigitalSourceType": "source_type",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/ DigitalsourceType": "source_type",
}
_DEEPEST = 100
_LONGEST = 10_000
"""How many characters of a text are read."""


class _Stop(Exception):
    """The packet holds something that no tool writes."""


def read_xmp(packet: bytes, *, doctype: bool = False) -> dict[str, str]:
    """Return the texts of a packet by name: credit, copyright, caption and source_type; the first of several.

    What is read before a fault in the XML counts.

    Args:
        packet: a whole XML document, which may contain more than the XMP.
        doctype: whether to accept a document type declaration, which drawings have.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    if not doctype:
        parser.StartDoctypeDeclHandler = reader.doctype
    with suppress(_Stop, expat.ExpatError, ValueError, LookupError):
        # Tools pad packets with zeros as well as with spaces.
        parser.Parse(packet.rstrip(b"\0"), True)
    return reader.found


class _Reader:
    """Expat's handlers. A property is an attribute of `rdf:Description`, or an element, with its text inside or in a list."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._depth = 0
        self._inside: tuple[int, str] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Stop
        for key, value in attributes.items():
            if key in _WANTED:
                self.found.setdefault(_WANTED[key], value)
        if self._inside is None and name in _WANTED and _WANTED[name] not in self.found:
            self._inside = (self._depth, _WANTED[name])
            resource = attributes.get(f"{_RDF}resource", "")
            if resource:
                self.found[_WANTED[name]] = resource

    def text(self, text: str) -> None:
        if self._inside is not None and (text.strip() or self._inside[1] in self.found):
            name = self._inside[1]
            if len(self.found.get(name, "")) < _LONGEST:
                self.found[name] = self.found.get(name, "") + text

    def end(self, name: str) -> None:
        self._depth -= 1
        if self._inside is None:
            return
        depth, wanted = self._inside
        # The first language of a list is the default one.
        if self._depth < depth or (name == f"{_RDF}li" and self.found.get(wanted, "").strip()):
            self._inside = None

    def doctype(self, *_: object) -> None:
        raise _Stop
