"""Which format a file has, by its first bytes, whatever its name says."""

from __future__ import annotations

import re

from nightdesk.imaging.limits import ImageRefused

_SIGNATURES: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("jpeg", re.compile(rb"\xff\xd8\xff")),
    ("gif", re.compile(rb"GIF8[79]a")),
    ("webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("avif", re.compile(rb"....ftyp(?:....){0,32}?avi[fs]", re.DOTALL)),
    (
        "svg",
        re.compile(
            rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\x00]*<(?:.{0,8000}?[<:\x00])?\x00?s\x00?v\x00?g[\s\x00>/]",
            re.DOTALL,
        ),
    ),
)
_JPEG = "save it as JPEG"
_PNG = "save it as PNG"
_OTHERS: tuple[tuple[re.Pattern[bytes], str, str], ...] = (
    (re.compile(rb"....ftyp(?:hei|hev|mif1|msf1)", re.DOTALL), "HEIC, which most browsers cannot show", _JPEG),
    (re.compile(rb"....ftypcrx", re.DOTALL), "a camera's raw file", _JPEG),
    (re.compile(rb"....ftyp", re.DOTALL), "a video", "videos cannot be embedded; link to it"),
    (re.compile(rb"\xff\x0a|\x00{3}\x0cJXL \r\n\x87\n"), "JPEG XL, which most browsers cannot show", _JPEG),
    (re.compile(rb"\x00{3}\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"), "JPEG 2000, which browsers cannot show", _JPEG),
    (re.compile(rb"II\*\x00|MM\x00\*|II\x2b\x00|MM\x00\x2b|IIU\x00"), "TIFF or a camera's raw file", _JPEG),
    (re.compile(rb"FUJIFILMCCD-RAW"), "a camera's raw file", _JPEG),
    (re.compile(rb"BM.{8}", re.DOTALL), "a Windows bitmap", _PNG),
    (re.compile(rb"\x00\x00[\x01\x02]\x00"), "an icon", _PNG),
    (re.compile(rb"8BPS"), "a Photoshop file", _JPEG),
    (re.compile(rb"%PDF"), "PDF", "export the page as PNG"),
    (re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"), "EPS", "export it as SVG or PNG"),
    (re.compile(rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!"), "an archive", "unpack it"),
)  # fmt: skip
_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body|script)[\s>]", re.IGNORECASE)
READABLE = "JPEG, PNG, WebP, AVIF, GIF or SVG"


def format_of(data: bytes) -> str:
    """Return the format of a file: png, jpeg, gif, webp, avif or svg.

    Raises:
        ImageRefused: it is empty, or in a format that readers' browsers cannot show.
    """
    if not data.strip(b"\x00 \r\n\t"):
        raise ImageRefused("is empty")
    head = data[:9000]
    if _HTML.match(head):
        raise ImageRefused("is an HTML page: upload the image itself")
    for name, signature in _SIGNATURES:
        if signature.match(head):
            return name
    for signature, what, remedy in _OTHERS:
        if signature.match(head):
            raise ImageRefused(f"is {what}: {remedy}")
    raise ImageRefused(f"is not an image in a format that browsers can show: save it as {READABLE}")
