"""Social cards: always 1200 × 630, of the lead image or of the headline, and always the same for the same input."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from functools import cache
from io import BytesIO
from typing import Any

import pytest
from nightdesk.domain.social_cards import CardOrder, is_covered
from nightdesk.imaging.card import HEIGHT, WIDTH, Card, _font, social_card
from nightdesk.imaging.inspect import inspect
from nightdesk.imaging.limits import ImageRefused
from nightdesk.imaging.provenance import Provenance
from PIL import Image, ImageChops

CARD = Card("The Nightly Example", "Harbour reopens after the longest winter in living memory", "Trade")
LAMP, NIGHT, INK = (255, 195, 92), (17, 26, 36), (238, 242, 245)


@cache
def photograph(width: int = 400, height: int = 800, name: str = "JPEG", mode: str = "RGB") -> bytes:
    """A picture that is green at the upper end and red below."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 160, 60), (0, 0, width, height // 3))
    out = BytesIO()
    image.convert(mode).save(out, name)
    return out.getvalue()


def opened(body: bytes) -> Image.Image:
    image = Image.open(BytesIO(body))
    assert (image.format, image.size, image.mode) == ("JPEG", (WIDTH, HEIGHT), "RGB")
    return image


def near(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 30


def written(image: Image.Image, box: tuple[int, int, int, int]) -> bool:
    """Return whether something is written in a part of a card."""
    part = image.crop(box).convert("L")
    low, high = part.getextrema()
    assert isinstance(low, int)
    assert isinstance(high, int)
    return high - low > 60


HEADLINE, NAME, KICKER = (72, 130, 1128, 480), (72, 520, 700, 560), (72, 70, 700, 110)


def test_without_an_image_the_headline_is_written_in_the_sites_colours() -> None:
    image = opened(social_card(CARD))
    assert near(image.getpixel((600, 5)), LAMP)
    assert near(image.getpixel((1190, 620)), NIGHT)
    assert all(written(image, box) for box in (HEADLINE, NAME, KICKER))


def test_the_same_input_gives_the_same_bytes() -> None:
    assert social_card(CARD) == social_card(replace(CARD))
    assert social_card(CARD, photograph()) == social_card(CARD, photograph())


LONG = {
    "wide": "W" * 200,
    "many words": "a " * 300,
    "none": "",
    "long words": "Ein Donaudampfschifffahrtsgesellschaftskapitän " * 4,
}


@pytest.mark.slow
@pytest.mark.parametrize("headline", LONG.values(), ids=LONG)
def test_any_headline_stays_inside_the_margins(headline: str) -> None:
    image = opened(social_card(replace(CARD, headline=headline, site_name="Name " * 60, kicker="Kicker " * 60)))
    empty = Image.new("RGB", (WIDTH, HEIGHT), NIGHT)
    box = (
        ImageChops.difference(image, empty)
        .crop((0, 20, WIDTH, HEIGHT))
        .convert("L")
        .point(lambda v: 255 * (v > 60))
        .getbbox()
    )
    assert box is None or (box[0] >= 60 and box[2] <= WIDTH - 60 and box[3] <= HEIGHT - 70)


def test_a_headline_that_the_fonts_cannot_write_gives_way_to_the_sites_name() -> None:
    for text in ("Žluťoučký kůň", "Đồng bằng", "Нічний стіл", "Ενημέρωση", "“Quoted” – it’s €5…", "Łódź"):
        assert is_covered(text), text
    for text in ("夜の新聞", "صباح الخير", "שלום עולם", "Mixed 日本", "नमस्ते", "e\u0301"[1:]):
        assert not is_covered(text), text
    body = social_card(replace(CARD, headline="صباح الخير"))
    assert body == social_card(Card("", CARD.site_name)), "and nothing else is on the card"
    assert not written(opened(body), NAME)
    assert written(opened(body), (72, 72, 1128, 200))
    image = opened(social_card(replace(CARD, kicker="新聞")))
    assert written(image, HEADLINE), "only the kicker is left off"
    cases = [("שלום", "Quay", True), ("Quay", "夜", True), ("שלום", "夜", False), ("", "", False)]
    for headline, site_name, possible in cases:
        assert CardOrder(site_name, headline).is_possible == possible
    assert CardOrder("夜", "夜", lead="a" * 64).is_possible


@pytest.mark.parametrize("name", ["NotoSerif-Bold.ttf", "NotoSans-SemiBold.ttf"])
def test_what_counts_as_covered_is_what_the_fonts_have(name: str) -> None:
    font = _font(name, 20)
    missing = bytes(font.getmask("\uffff"))
    # Below the surrogates; the fonts have nothing above.
    for character in map(chr, range(0xD800)):
        if unicodedata.normalize("NFC", character) == character and character.isprintable():
            has = not unicodedata.combining(character) and bytes(font.getmask(character)) != missing
            assert is_covered(character) == (has or character == " "), hex(ord(character))


def test_a_lead_image_fills_the_card_around_its_focal_point() -> None:
    top = opened(social_card(replace(CARD, focus=(0.5, 0.0)), photograph()))
    bottom = opened(social_card(replace(CARD, focus=(0.5, 1.0)), photograph()))
    assert near(top.getpixel((1190, 20)), (30, 160, 60))
    assert near(bottom.getpixel((1190, 20)), (200, 30, 30))
    assert written(top, (20, HEIGHT - 70, 300, HEIGHT - 10)), "the site's name"


def test_the_label_of_a_machines_work_is_on_the_card() -> None:
    plain = opened(social_card(CARD, photograph()))
    labelled = opened(social_card(replace(CARD, ai_label="AI-generated illustration"), photograph()))
    assert near(labelled.getpixel((10, 10)), LAMP)
    assert written(labelled, (30, 10, 300, 70))
    assert not near(plain.getpixel((10, 10)), LAMP)
    other = opened(social_card(replace(CARD, ai_label="人工知能"), photograph()))
    assert written(other, (30, 10, 90, 70)), "in Latin letters where the fonts lack the label's"


def test_credit_and_source_type_are_written_into_the_card() -> None:
    said = Provenance("Ada", "© Ada", "trainedAlgorithmicMedia")
    found = inspect(social_card(replace(CARD, provenance=said), photograph()))
    assert (found.credit, found.copyright, found.source_type) == ("Ada", "© Ada", "trainedAlgorithmicMedia")
    assert inspect(social_card(replace(CARD, provenance=said))).source_type is None, (
        "the headline's card shows no picture"
    )


@pytest.mark.parametrize(
    ("size", "name", "mode"),
    [((5000, 20), "PNG", "RGB"), ((20, 3000), "PNG", "RGBA"), ((1, 1), "GIF", "P"), ((300, 200), "WEBP", "RGBA")],
)
def test_lead_images_of_any_shape_and_format(size: tuple[int, int], name: str, mode: str) -> None:
    opened(social_card(CARD, photograph(*size, name, mode)))


def test_a_damaged_lead_image_is_refused() -> None:
    with pytest.raises(ImageRefused):
        social_card(CARD, photograph()[:500])
