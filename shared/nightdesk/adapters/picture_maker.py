"""The port of images, on our own imaging package.

The package is imported by the first picture, as most runs of a stage make none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nightdesk.domain.pictures import RECIPE, Derived, Inspection, Order
from nightdesk.domain.social_cards import CARD_FORMAT, CARD_SIZE, CardOrder

if TYPE_CHECKING:
    from nightdesk.imaging.provenance import Provenance


class PillowPictures:
    """Reads images and derives renditions from them in this process."""

    recipe = RECIPE

    def inspect(self, data: bytes) -> Inspection:
        """Return what is found in an image; it is decoded once, so that damage shows."""
        from nightdesk.imaging.inspect import inspect

        found = inspect(data)
        return Inspection(
            found.format,
            found.width,
            found.height,
            found.colour,
            found.caption,
            found.credit,
            found.copyright,
            found.source_type or "",
        )

    def derive(self, data: bytes, found: Inspection, order: Order) -> Iterator[Derived]:
        """Yield the renditions for an order.

        What the draft says of the image counts before what its own metadata say.
        """
        from nightdesk.imaging.derive import derive_all
        from nightdesk.imaging.inspect import inspect
        from nightdesk.imaging.recipe import plan

        picture = inspect(data, decode=False)
        variants = plan(picture, order.widths)
        for variant, body in derive_all(data, picture, variants, _said(order, found)):
            still = picture.frames > 1 and not variant.is_animated and variant.format == "webp"
            yield Derived(variant.suffix, variant.width, variant.height, still, body)

    def draw_card(self, order: CardOrder, lead: bytes, found: Inspection) -> Derived:
        """Return a social card, of the lead image if there is one."""
        from nightdesk.imaging.card import Card, social_card

        card = Card(order.site_name, order.headline, order.kicker, order.label, _focus(order), _said(order, found))
        return Derived(CARD_FORMAT, *CARD_SIZE, False, social_card(card, lead or None))


def _said(order: Order | CardOrder, found: Inspection) -> Provenance:
    from nightdesk.imaging.provenance import Provenance

    return Provenance(
        credit=order.credit or found.credit,
        copyright=found.copyright,
        source_type=order.source_type or found.source_type,
    )


def _focus(order: CardOrder) -> tuple[float, float]:
    """Return the point that stays in view, as fractions of the image's width and height."""
    across, down = (float(part.rstrip("%")) / 100 for part in (order.focus or "50% 50%").split())
    return across, down
