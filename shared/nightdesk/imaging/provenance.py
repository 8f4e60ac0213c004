"""Where a picture comes from: read from an original's metadata, and written into what readers get.

Read are XMP, IPTC's older records (IIM), EXIF's copyright, and the source type in content credentials (C2PA). The name of the photographer
is not: it may endanger a source, so it is published only as a written credit line. Written is a small XMP packet with
credit, copyright notice and digital source type (IPTC Photo Metadata Standard), and nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from nightdesk.domain.source_types import MACHINE_MADE, SOURCE_TYPES
from nightdesk.imaging.exif import decoded, read_exif
from nightdesk.imaging.header import Header
from nightdesk.imaging.xmp import read_xmp

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_SOURCE_TYPE = re.compile(rb"cv\.iptc\.org/newscodes/digitalsourcetype/([A-Za-z]{3,60})")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]+")
_LINE, _CAPTION = 300, 2000
"""The most characters of a credit or notice, and of a caption."""


@dataclass(frozen=True)
class Provenance:
    """What is written into every file that readers get.

    Attributes:
        credit: the credit line.
        copyright: the copyright notice.
        source_type: a code of IPTC's digital source types, such as `digitalCapture`.
    """

    credit: str = ""
    copyright: str = ""
    source_type: str = ""


NOTHING_SAID = Provenance()


@dataclass(frozen=True)
class Described(Provenance):
    """What an original says of itself.

    Attributes:
        caption: its description.
    """

    caption: str = ""


def read_provenance(header: Header) -> Described:
    """Return what the metadata of an original say; XMP decides over IPTC's records, and these over EXIF."""
    png = {"copyright": header.texts["Copyright"]} if "Copyright" in header.texts else {}
    found = {**png, **read_exif(header.exif), **_read_iim(header.iptc), **read_xmp(header.xmp)}
    return _described(found, _source_type(header, found.get("source_type", "")))


def drawing_provenance(data: bytes) -> Described:
    """Return what the XMP packet or the RDF inside a drawing says about it. `sanitise` has checked its entities."""
    found = read_xmp(data, doctype=True)
    return _described(found, source_type_code(found.get("source_type", "")))


def _described(found: Mapping[str, str], source_type: str) -> Described:
    return Described(
        clean_text(found.get("credit", "")),
        clean_text(found.get("copyright", "")),
        source_type,
        clean_text(found.get("caption", ""), _CAPTION),
    )


def xmp_packet(provenance: Provenance) -> bytes:
    """Return the XMP packet for a file that readers get; empty if there is nothing to say."""
    credit, notice = clean_text(provenance.credit), clean_text(provenance.copyright)
    code = source_type_code(provenance.source_type)
    if not (credit or notice or code):
        return b""
    attributes = f" photoshop:Credit={quoteattr(credit)}" if credit else ""
    attributes += f" Iptc4xmpExt:DigitalSourceType={quoteattr(IPTC + code)}" if code else ""
    rights = (
        f'<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{escape(notice)}</rdf:li></rdf:Alt></dc:rights>'
        if notice
        else ""
    )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
        f' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"{attributes}>{rights}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def source_type_code(text: str) -> str:
    """Return the code of a digital source type, given as a code, as `digsrctype:code` or as a URL; empty if IPTC has no such type."""
    code = re.split("[/:]", text.strip().rstrip("/"))[-1]
    return code if code in SOURCE_TYPES else ""


def clean_text(text: str, most: int = _LINE) -> str:
    """Return text from a file without control characters, on one line, and not longer than `most` characters."""
    return " ".join(unicodedata.normalize("NFC", _UNPRINTABLE.sub(" ", text)).split())[:most].rstrip()


def _source_type(header: Header, said: str) -> str:
    """Return the source type that leaves the largest part to a machine, among those that a file states."""
    codes = [source_type_code(said)]
    codes += [source_type_code(code.decode()) for code in _SOURCE_TYPE.findall(header.manifest)[:50]]
    # Programs that run Stable Diffusion write their settings into the file, and no source type.
    if "Steps:" in header.texts.get("parameters", "") or {"prompt", "workflow"} <= header.texts.keys():
        codes.append("trainedAlgorithmicMedia")
    return max(filter(None, codes), key=lambda code: MACHINE_MADE.get(code, 0), default="")


# --- IPTC Information Interchange Model 4.2, inside Photoshop's image resources ---

_DATASETS = {(2, 110): "credit", (2, 116): "copyright", (2, 120): "caption"}


def _read_iim(resources: bytes) -> dict[str, str]:
    at, records = 0, b""
    while resources[at : at + 4] == b"8BIM" and at + 12 <= len(resources):
        name_length = resources[at + 6] + 1
        start = at + 6 + name_length + (name_length & 1)
        length = int.from_bytes(resources[start : start + 4], "big")
        if resources[at + 4 : at + 6] == b"\x04\x04":
            records = resources[start + 4 : start + 4 + length]
        at = start + 4 + length + (length & 1)
    return _read_datasets(records)


def _read_datasets(records: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while records[at : at + 1] == b"\x1c" and at + 5 <= len(records):
        length = int.from_bytes(records[at + 3 : at + 5], "big")
        name = _DATASETS.get((records[at + 1], records[at + 2]))
        if name and length < 0x8000:
            found.setdefault(name, decoded(records[at + 5 : at + 5 + length]))
        at += 5 + (length if length < 0x8000 else len(records))
    return found
