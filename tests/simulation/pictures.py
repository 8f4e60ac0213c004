"""A stand-in for the making of pictures: instant, and every input shows in the output."""

from __future__ import annotations

from collections.abc import Iterator

from nightdesk.domain.errors import Permanent
from nightdesk.domain.pictures import RECIPE, Derived, Inspection, Order
from nightdesk.domain.social_cards import CARD_SIZE, CardOrder


class PlainPictures:
    """Makes two renditions of an image, each of which ends with the bytes of the original; of a drawing one, unchanged.

    Without a credit or source type, the larger one has the original's bytes. What begins with `broken` is refused when it is inspected; what begins with `hollow`, when something is derived from it. A text
    after `credit:` is the credit that the metadata name.
    """

    recipe = RECIPE

    def inspect(self, data: bytes) -> Inspection:
        if data.startswith(b"broken"):
            raise Permanent("is cut off")
        if data.lstrip().startswith(b"<"):
            return Inspection("svg", 300, 200)
        credit = data.partition(b"credit:")[2].decode()
        return Inspection("jpeg", 1600, 900, "#336699", credit=credit)

    def derive(self, data: bytes, found: Inspection, order: Order) -> Iterator[Derived]:
        if data.startswith(b"hollow"):
            raise Permanent("cannot be decoded")
        if found.format == "svg":
            yield Derived("svg", 300, 200, False, data)
            return
        said = f"{order.credit or found.credit}|{order.source_type}|".encode()
        yield Derived("avif", 320, 180, False, b"small " + said + data)
        yield Derived("png", 720, 405, False, data if said == b"||" else said + data)

    def draw_card(self, order: CardOrder, lead: bytes, found: Inspection) -> Derived:
        if lead.startswith(b"hollow"):
            raise Permanent("cannot be decoded")
        return Derived("jpg", *CARD_SIZE, False, b"card " + order.to_bytes() + lead)
