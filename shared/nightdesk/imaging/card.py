"""Social cards: the picture that social networks and messengers show of a page.

With a lead image, the card is that image, cut to shape around its focal point, with the site's name. Without one, it is the headline in
the site's colours. The fonts hold the Latin, Greek and Cyrillic alphabets. A headline in another script would lose letters or show them in the
wrong order, so its card has the site's name alone: the networks print the headline beside the card anyway.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING

from nightdesk.domain.social_cards import CARD_SIZE, is_covered
from nightdesk.imaging.limits import DEFAULT, Limits
from nightdesk.imaging.provenance import NOTHING_SAID, Provenance, clean_text, xmp_packet
from nightdesk.imaging.raster_headers import read_header

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = CARD_SIZE
_NIGHT, _INK, _MUTED, _LAMP, _ON_LAMP = "#111a24", "#eef2f5", "#b3bfca", "#ffc35c", "#1a1306"
"""The colours of the theme's dark parts (`site.css`)."""
_MARGIN = 72
_SERIF, _SANS = "NotoSerif-Bold.ttf", "NotoSans-SemiBold.ttf"
_SIZES = range(84, 39, -4)
"""Of headlines, in pixels, largest first."""
_MOST_LINES = 5
_LONGEST = 400
"""The most characters of a headline."""
_QUALITY = 88


@dataclass(frozen=True)
class Card:
    """What a card shows.

    Attributes:
        site_name: of the publication.
        headline: of the page, as the public may read it.
        kicker: a short line above the headline, such as the topic.
        ai_label: what the lead image's label says if a machine made it; empty for none.
        focus: the point of the lead image that must stay in view, as fractions of its width and height.
        provenance: of the lead image.
    """

    site_name: str
    headline: str
    kicker: str = ""
    ai_label: str = ""
    focus: tuple[float, float] = (0.5, 0.5)
    provenance: Provenance = NOTHING_SAID


def social_card(card: Card, lead: bytes | None = None, limits: Limits = DEFAULT) -> bytes:
    """Return a card as JPEG, 1200 × 630 pixels. The same input always gives the same bytes.

    Args:
        lead: the lead image's original; None for a card with the headline. Drawings give no such picture, so pass None for them.

    Raises:
        ImageRefused: the lead image cannot be decoded.
    """
    from PIL import Image, ImageDraw

    if lead is None:
        image = Image.new("RGB", (WIDTH, HEIGHT), _NIGHT)
        _write_headline(ImageDraw.Draw(image), _legible(card))
    else:
        image = _cut(lead, card.focus, limits)
        _write_labels(ImageDraw.Draw(image), card)
    out = BytesIO()
    packet = xmp_packet(card.provenance) if lead is not None else b""
    more = {"xmp": packet} if packet else {}
    # Text gains 7 % by being progressive, and takes twice as long.
    progressive = lead is not None
    image.save(
        out, format="JPEG", quality=_QUALITY, subsampling="4:4:4", progressive=progressive, optimize=True, **more
    )
    return out.getvalue()


def _legible(card: Card) -> Card:
    """Return a card whose headline can be written: the site's name instead, if the fonts lack a letter of it."""
    if is_covered(clean_text(card.headline, _LONGEST)):
        return card
    return Card("", card.site_name if is_covered(clean_text(card.site_name)) else "")


def _cut(lead: bytes, focus: tuple[float, float], limits: Limits) -> Image.Image:
    """Return the largest part of an image that has the card's shape and lies around a point, at the card's size."""
    from PIL import Image

    from nightdesk.imaging.pixels import master

    whole = master(lead, read_header(lead, limits))
    width, height = min(whole.width, whole.height * WIDTH / HEIGHT), min(whole.height, whole.width * HEIGHT / WIDTH)
    left = min(max(whole.width * focus[0] - width / 2, 0), whole.width - width)
    top = min(max(whole.height * focus[1] - height / 2, 0), whole.height - height)
    box = (left, top, left + width, top + height)
    part = whole.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    flat = Image.new("RGB", part.size, "white")
    flat.paste(part, mask=part.getchannel("A") if part.mode == "RGBA" else None)
    return flat


def _write_labels(draw: ImageDraw.ImageDraw, card: Card) -> None:
    """Write the site's name at the lower left of a photograph, and the label of a machine's work at the upper left."""
    if card.ai_label:
        label = _fitted(card.ai_label, _SANS, 30, WIDTH - 120) or "AI"
        _write_plate(draw, label, _font(_SANS, 30), (0, 0), (_LAMP, _ON_LAMP))
    name = _fitted(card.site_name, _SERIF, 34, WIDTH - 120)
    if name:
        _write_plate(draw, name, _font(_SERIF, 34), (0, HEIGHT - 78), (_NIGHT, _INK))


def _write_plate(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, at: tuple[int, int], colours: tuple[str, str]
) -> None:
    width = round(draw.textlength(text, font=font))
    draw.rectangle((at[0], at[1], at[0] + width + 72, at[1] + 78), fill=colours[0])
    draw.text((at[0] + 36, at[1] + 39), text, font=font, fill=colours[1], anchor="lm")


def _write_headline(draw: ImageDraw.ImageDraw, card: Card) -> None:
    draw.rectangle((0, 0, WIDTH, 12), fill=_LAMP)
    top = _MARGIN
    kicker = _fitted(card.kicker.upper(), _SANS, 30, WIDTH - 2 * _MARGIN)
    if kicker:
        draw.text((_MARGIN, top), kicker, font=_font(_SANS, 30), fill=_LAMP, anchor="la")
        top += 56
    bottom = HEIGHT - _MARGIN - 60
    size, lines = _wrapped(card.headline, WIDTH - 2 * _MARGIN, bottom - top)
    for number, line in enumerate(lines):
        draw.text((_MARGIN, top + number * round(size * 1.18)), line, font=_font(_SERIF, size), fill=_INK, anchor="la")
    name = _fitted(card.site_name, _SERIF, 34, WIDTH - 2 * _MARGIN)
    if name:
        draw.text((_MARGIN, HEIGHT - _MARGIN), name, font=_font(_SERIF, 34), fill=_MUTED, anchor="ls")


def _wrapped(text: str, width: int, height: int) -> tuple[int, list[str]]:
    """Return the largest size at which a text fits, and its lines; at the smallest, the end of a long text is left off."""
    text = clean_text(text, _LONGEST)
    lines: list[str] = []
    for size in _SIZES:
        lines = _lines(text, _font(_SERIF, size), width)
        if len(lines) <= _MOST_LINES and len(lines) * round(size * 1.18) <= height:
            return size, lines
    fitting = min(_MOST_LINES, height // round(_SIZES[-1] * 1.18))
    return _SIZES[-1], [*lines[: fitting - 1], _fitted(f"{lines[fitting - 1]}…", _SERIF, _SIZES[-1], width)]


def _lines(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if font.getlength(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        # A word that is longer than a line is broken where the line ends.
        while font.getlength(word) > width:
            most = _most(word, font, width)
            lines.append(word[:most])
            word = word[most:]
        line = word
    return [*lines, line] if line else lines


def _fitted(text: str, font_name: str, size: int, width: int) -> str:
    """Return a text on one line, shortened if it is too long; empty if the font lacks its letters."""
    text, font = clean_text(text), _font(font_name, size)
    if not is_covered(text):
        return ""
    if font.getlength(text) <= width:
        return text
    return f"{text[: _most(text, font, width - round(font.getlength('…')))].rstrip(' …')}…"


def _most(text: str, font: ImageFont.FreeTypeFont, width: int) -> int:
    """Return how many characters of a text fit into a width, at least one."""
    return max(1, bisect_right(range(1, len(text) + 1), width, key=lambda number: ceil(font.getlength(text[:number]))))


@lru_cache(maxsize=32)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    # Raqm is there on some machines only, and the result must not depend on the machine.
    body = files("nightdesk.imaging").joinpath("fonts", name).read_bytes()
    return ImageFont.truetype(BytesIO(body), size, layout_engine=ImageFont.Layout.BASIC)
