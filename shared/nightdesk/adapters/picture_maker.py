"""The port of images, on our own imaging package."""

from __future__ import annotations

from collections.abc import Iterator

from nightdesk.domain.pictures import Derived, Inspection, Order
from nightdesk.imaging.derive import derive_all
from nightdesk.imaging.inspect import inspect
from nightdesk.imaging.provenance import Provenance
from nightdesk.imaging.recipe import RECIPE, plan


class PillowPictures:
    """Reads images and derives renditions from them in this process."""

    recipe = RECIPE

    def inspect(self, data: bytes) -> Inspection:
        """Return what is found in an image; it is decoded once, so that damage shows."""
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
        picture = inspect(data, decode=False)
        said = Provenance(
            credit=order.credit or found.credit,
            copyright=found.copyright,
            source_type=order.source_type or found.source_type,
        )
        variants = plan(picture, order.widths)
        for variant, body in derive_all(data, picture, variants, said):
            still = picture.frames > 1 and not variant.is_animated and variant.format == "webp"
            yield Derived(variant.suffix, variant.width, variant.height, still, body)
