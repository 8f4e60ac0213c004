"""The pictures of an article: which of its images have renditions, and under which names each tier gets them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain, islice
from types import MappingProxyType
from typing import NamedTuple

from nightdesk.domain.documents import Document
from nightdesk.domain.events import PictureRequested
from nightdesk.domain.pictures import (
    Derivatives,
    Inspection,
    Order,
    PictureFiles,
    article_orders,
    copies,
    stem_of,
)
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.views import view
from nightdesk.ports import Ports
from nightdesk.repositories.private_bucket import load_derivatives, load_inspection

_MOST_REQUESTS = 40
"""Twice as many as the images stage works on at once."""


class ArticlePictures(NamedTuple):
    """What was derived of an article's images.

    Attributes:
        derived: by the id of the order; None for what is being prepared.
        inspected: what was found in the images of which nothing is derived yet, by their SHA-256.
    """

    derived: Mapping[str, Derivatives | None]
    inspected: Mapping[str, Inspection | None]

    def requests(self, owner: str) -> list[PictureRequested]:
        """Return requests for renditions that are missing or outdated, at most `_MOST_REQUESTS`.

        Once an image is made or refused, the article is gated again and requests the next ones. If each of these runs requested all
        that are missing, five hundred images would cause a hundred thousand requests, and delay other articles' images.

        Args:
            owner: the document's key in the private bucket.
        """
        missing = (request_for(owner, order, found) for order, found in sorted(self.derived.items()))
        return list(islice(chain.from_iterable(missing), _MOST_REQUESTS))

    def files(self, document: Document, public: Collection[str]) -> dict[str, PictureFiles | None]:
        """Return the files of each image that can be shown, by the name of its asset.

        Args:
            public: the names of those that every reader sees.
        """
        orders = article_orders(document.assets)
        found = {name: self._files(order, stem_of(name), name in public) for name, order in orders.items()}
        return {name: files for name, files in found.items() if files}

    def public_files(self, document: Document, site: Site) -> dict[str, PictureFiles | None]:
        """Return the files of the images that everyone sees."""
        if not document.assets:
            return {}
        public = view(document, PUBLIC, site).assets
        return {name: found for name, found in self.files(document, public).items() if name in public}

    def copies(self, document: Document, name: str, files: PictureFiles) -> list[tuple[str, str]]:
        """Return the name of each file of an image, and the SHA-256 of its bytes."""
        derived = self.derived.get(article_orders(document.assets)[name].id)
        return copies(derived, files) if derived else []

    def _files(self, order: Order, stem: str, public: bool) -> PictureFiles | None:
        derived = self.derived.get(order.id)
        if derived:
            return derived.files(stem, public) if derived.renditions else None
        # Its space, as long as there is nothing to fill it.
        found = self.inspected.get(order.sha256) or Inspection()
        return None if found.refusal else PictureFiles(stem, public, found.width, found.height, found.colour, ())


def request_for(owner: str, order: str, derived: Derivatives | None) -> list[PictureRequested]:
    """Return the request for the renditions of an order, unless they are there."""
    if derived and not derived.is_outdated:
        return []
    return [PictureRequested(owner, order, derived.recipe if derived else "")]


NO_PICTURES = ArticlePictures(MappingProxyType({}), MappingProxyType({}))


def read_pictures(documents: Iterable[Document], ports: Ports) -> ArticlePictures:
    """Read what was derived of the images of some documents."""
    orders = {order.id: order for each in documents for order in article_orders(each.assets).values()}
    if not orders:
        return NO_PICTURES
    derived = dict(zip(orders, ports.in_parallel(lambda order: load_derivatives(order, ports), orders), strict=True))
    waiting = sorted({orders[identifier].sha256 for identifier, found in derived.items() if found is None})
    inspected = ports.in_parallel(lambda sha256: load_inspection(sha256, ports), waiting)
    return ArticlePictures(derived, dict(zip(waiting, inspected, strict=True)))
