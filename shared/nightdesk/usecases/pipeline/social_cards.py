"""Social cards: what the card of a page is drawn from, and the drawing.

A card with a headline is drawn by the stage that makes the page, and stored beside the page. One with a photograph is derived from the
photograph, so it is stored and found like the renditions of an image: a list by the name of the order, and the bytes by their SHA-256. If
such a card is missing, the stage stores the order, requests the card, and makes the page without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nightdesk.domain.documents import Document
from nightdesk.domain.errors import Permanent
from nightdesk.domain.events import Event, RegateRequested, SocialCardRequested
from nightdesk.domain.pictures import (
    Derivatives,
    Inspection,
    PictureFiles,
    PictureMaker,
    Rendition,
    article_orders,
    copies,
)
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.social_cards import CARD_FORMAT, CARD_RECIPE, CARD_SIZE, LEAST_LEAD, CardOrder
from nightdesk.ports import ANY, Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.page_parts import author_name
from nightdesk.rendering.pictures import AI_LABELS
from nightdesk.repositories.private_bucket import JSON, load_derivatives, load_social_card, social_card_key
from nightdesk.usecases.pipeline.gate_pictures import ArticlePictures
from nightdesk.usecases.pipeline.images import read_original
from nightdesk.usecases.pipeline.pictures import inspect_once, is_incomplete, store_list, store_rendition

_STEM = "card"


class PageCard(NamedTuple):
    """The social card of a page, and what was drawn for it; None as long as it is not drawn.

    A card with a headline counts as drawn, because nothing need be waited for, and its bytes follow from the order. So in what is
    drawn for it, the name of the order takes the place of the bytes' SHA-256.
    """

    order: CardOrder
    drawn: Derivatives | None

    def files(self, public: bool) -> PictureFiles | None:
        """Return the card's file; None as long as there is none."""
        return self.drawn.files(_STEM, public) if self.drawn and self.drawn.renditions else None

    def copy(self, public: bool) -> tuple[str, str] | None:
        """Return the name of the card's file, and the SHA-256 of its bytes; None as long as there is none."""
        files = self.files(public)
        return copies(self.drawn, files)[0] if self.drawn and files else None

    def requests(self, page: str, ports: Ports) -> list[Event]:
        """Store what the card is drawn from, if it is not drawn yet, and return the event that requests it.

        Args:
            page: the path of the page.
        """
        if self.drawn:
            return []
        ports.private.put(Output(social_card_key(self.order.id), self.order.to_bytes(), JSON), ANY)
        return [SocialCardRequested(page, self.order.id)]


def find_card(order: CardOrder | None, ports: Ports) -> PageCard | None:
    """Return the card that an order gives; None if it gives none."""
    if order is None or not order.is_possible or not ports.pictures:
        return None
    if order.lead:
        return PageCard(order, load_derivatives(order.id, ports))
    drawn = Derivatives(CARD_RECIPE, *CARD_SIZE, renditions=(Rendition(CARD_FORMAT, *CARD_SIZE, order.id),))
    return PageCard(order, drawn)


def draw_headline(order: CardOrder, ports: Ports) -> bytes:
    """Draw a card without a photograph, and return it as JPEG."""
    assert ports.pictures
    return ports.pictures.draw_card(order, b"", Inspection()).body


def article_card(
    document: Document,
    topics: tuple[Mapping[str, Any] | None, ...],
    pictures: ArticlePictures,
    site: Site,
    theme: Theme,
) -> CardOrder | None:
    """Return what the card of an article is drawn from; None as long as its lead image is not inspected.

    The card shows the lead image only if every reader may see it and the article; otherwise the headline, which is public.

    Args:
        topics: the profiles of its topics.
    """
    kicker = author_name(*document.topics[0], topics[0]) if document.topics else ""
    order = CardOrder(site.name, document.title, kicker)
    hero = document.hero
    if document.access != PUBLIC or not hero:
        return order
    lead, kind = article_orders(document.assets).get(hero["src"]), hero.get("source_type", "")
    if lead is None:
        return order
    files = pictures.public_files(document, site).get(hero["src"])
    if _is_drawing(hero["src"], files, pictures.inspected.get(lead.sha256)):
        return order
    if files and not files.width:
        return None
    if not files or files.width < LEAST_LEAD[0] or files.height < LEAST_LEAD[1]:
        return order
    return order._replace(
        kicker="",
        lead=lead.sha256,
        label=theme.text(site)(AI_LABELS[kind]) if kind in AI_LABELS else "",
        focus=hero.get("focus", ""),
        credit=lead.credit,
        source_type=lead.source_type,
    )


def _is_drawing(name: str, files: PictureFiles | None, found: Inspection | None) -> bool:
    """Return True for a lead image that is a drawing, whatever its suffix."""
    return name.endswith(".svg") or bool(files and files.fallback == "svg") or bool(found and found.format == "svg")


def list_card(label: str, profile: Mapping[str, Any] | None, site: Site, theme: Theme) -> CardOrder:
    """Return what the card of a topic or an author is drawn from: the name, and whether the author is an AI persona.

    Portraits are upright, so a card would cut off heads.
    """
    is_ai = not (profile or {}).get("human", True)
    return CardOrder(site.name, label, theme.text(site)("author.ai_persona") if is_ai else "")


def draw_card(page: str, card: str, ports: Ports, maker: PictureMaker) -> Derivatives | None:
    """Draw the card that an article waits for, unless it is drawn already; sends the event after which its page shows it.

    Args:
        page: the path of the article's page.
        card: the id of the order.

    Returns:
        What was drawn; None if there is no such order, or one without a photograph: an earlier release requested those too.
    """
    order = load_social_card(card, ports)
    if order is None or not order.lead:
        return None
    known = load_derivatives(card, ports)
    if known is None or is_incomplete(known, ports):
        known = draw_once(order, ports, maker)
    ports.bus.emit([RegateRequested(page.split("/")[2])])
    return known


def draw_once(order: CardOrder, ports: Ports, maker: PictureMaker) -> Derivatives:
    """Draw a card with a photograph and store it. A page whose card cannot be drawn does without."""
    lead = read_original(order.lead, ports)
    found = inspect_once(order.lead, lead, ports, maker)
    try:
        rendition = store_rendition(maker.draw_card(order, lead, found), ports)
        drawn = Derivatives(maker.recipe, rendition.width, rendition.height, renditions=(rendition,))
    except Permanent as error:
        drawn = Derivatives(maker.recipe, refusal=str(error))
    return store_list(order.id, drawn, ports)
