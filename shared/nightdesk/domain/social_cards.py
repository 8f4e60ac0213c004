"""Social cards: the picture by which other sites show a page, and what it is drawn from.

A card is named by the SHA-256 of everything that it is drawn from, so it is drawn once, however often its page is made.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from nightdesk.domain.documents import canonical_json, digest, parse_json

CARD_SIZE = 1200, 630
"""Width and height in pixels."""
CARD_FORMAT = "jpg"
CARD_RECIPE = "2"
"""Part of every name. Increase it whenever the same order would give another picture: other colours, other fonts."""
LEAST_LEAD = 600, 315
"""Width and height in pixels of the smallest lead image that a card shows: a smaller one would be blurred."""
_LETTERS: Final = re.compile("[ !-~¡-ɏʼˆ˚˜Ͱ-ͷͺ-Ϳ΄-ΊΌΎ-ΡΣ-ϡϰ-҂҈-ӿḀ-ỿ‐-‧‰-›₠-₿№™−]*")
"""What the fonts of cards can write, letter by letter from left to right; a test compares it with the fonts."""


def is_covered(text: str) -> bool:
    """Return whether the fonts of cards have all letters of a text."""
    return bool(_LETTERS.fullmatch(unicodedata.normalize("NFC", text)))


class CardOrder(NamedTuple):
    """Everything that a social card is drawn from; all of it is public.

    Attributes:
        site_name: of the publication.
        headline: what the card says if it shows no lead image.
        kicker: a short line above the headline; empty for none.
        lead: the SHA-256 of the lead image; empty for a card with the headline.
        label: what readers are told of a lead image that a machine made; empty for none.
        focus: the point of the lead image that stays in view, such as `30% 40%`; empty for its middle.
        credit: as the draft gives it; empty for the one that the image names. Likewise `source_type`.
    """

    site_name: str
    headline: str
    kicker: str = ""
    lead: str = ""
    label: str = ""
    focus: str = ""
    credit: str = ""
    source_type: str = ""

    @property
    def is_possible(self) -> bool:
        """Whether there is anything that can be drawn: the lead image, the headline, or else the site's name."""
        return bool(self.lead) or any(text and is_covered(text) for text in (self.headline, self.site_name))

    @property
    def id(self) -> str:
        """The card's name."""
        return digest(canonical_json(["card", CARD_RECIPE, *self]))

    def to_bytes(self) -> bytes:
        """Return canonical JSON."""
        return canonical_json(self._asdict())

    @classmethod
    def from_bytes(cls, raw: bytes) -> CardOrder:
        """Return what `to_bytes` stored."""
        return cls(**parse_json(raw))
