"""Pictures: inspect uploaded images, and derive the renditions that pages show.

An image is inspected when it is uploaded. What is found decides with the draft what readers see, so the files beside it are
rendered again. Renditions are made only of images that a page is to show: gate and render ask for those that they miss, and go
on without. So a text is live as soon as one without pictures would be, and no image can delay it, or another image.

Everything is stored by the SHA-256 of what it was made of, and is made once, however many drafts show an image and however often
they are published. The order of events does not matter: nothing that is stored depends on anything that may change.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from nightdesk.domain.documents import Document, digest, parse_json
from nightdesk.domain.drafts_bucket import folder_of_image
from nightdesk.domain.errors import Conflict, Permanent
from nightdesk.domain.events import Event, ImageInspected, RegateRequested
from nightdesk.domain.pictures import (
    Derivatives,
    Derived,
    Inspection,
    Order,
    PictureMaker,
    Rendition,
    article_orders,
    author_orders,
    refusal_of_size,
)
from nightdesk.ports import ANY, Output, Ports
from nightdesk.repositories.private_bucket import (
    JSON,
    WITH_DOCUMENTS,
    approved_key,
    decisions_from,
    decisions_key,
    derivatives_key,
    document_key,
    inspection_from,
    inspection_key,
    load_derivatives,
    load_inspection,
    rendition_key,
)
from nightdesk.usecases.pipeline.images import read_original

_BYTES = "application/octet-stream"


def inspect_image(key: str, ports: Ports, maker: PictureMaker) -> Inspection | None:
    """Inspect the image at a key of the drafts bucket, and send the event. Return None if it was deleted or is too large."""
    # An image that is too large for memory is refused when a draft that shows it is rendered.
    size = ports.drafts.sizes(key).get(key)
    blob = ports.drafts.get(key) if size is not None and not refusal_of_size(size) else None
    if blob is None:
        return None
    found = inspect_once(digest(blob.body), blob.body, ports, maker)
    # Even if it was inspected before: a run may have died before its event, and the same bytes may be new at this key.
    ports.bus.emit([_inspected(key)])
    return found


def inspect_once(sha256: str, body: bytes, ports: Ports, maker: PictureMaker) -> Inspection:
    """Return what is found in an image, and store it unless it is stored already.

    Raises:
        Conflict: another run was storing it, and it is not known whether it has.
    """
    stored = ports.private.get(inspection_key(sha256))
    known = inspection_from(stored)
    if known is None:
        try:
            known = maker.inspect(body)
        except Permanent as error:
            known = Inspection(refusal=str(error), recipe=maker.recipe)
        try:
            ports.private.put(Output(inspection_key(sha256), known.to_bytes(), JSON), stored.etag if stored else None)
        except Conflict:
            known = load_inspection(sha256, ports)  # another run was first, and may have found more
            if known is None:
                raise  # it was about to store it, and failed
    return known


def derive_picture(
    owner: str, picture: str, ports: Ports, maker: PictureMaker, instead_of: str = ""
) -> Derivatives | None:
    """Derive the renditions that a document or a profile waits for; sends the event after which it shows them.

    Args:
        owner: its key in the private bucket.
        picture: the id of one of its orders.
        instead_of: the recipe of those that it shows; empty for none.

    Returns:
        What was derived; None if the owner does not show this image any more.
    """
    order = orders_of(owner, ports).get(picture)
    if order is None:
        return None
    known = load_derivatives(picture, ports)
    if known is None or known.recipe != maker.recipe or is_incomplete(known, ports):
        was_inspected = load_inspection(order.sha256, ports) is not None
        known = derive_once(order, ports, maker)
        if not was_inspected or known.refusal:
            ports.bus.emit([_inspected(order.key)])
    # While a deploy replaces one function after the other, this one may not know the newer recipe yet. Were the owner told of
    # renditions that it shows already, it would request others at once, and so on.
    if not instead_of or known.recipe != instead_of:
        ports.bus.emit([_shown_by(owner, order)])
    return known


def _inspected(key: str) -> ImageInspected:
    """Return the event after which the files that may show the image at `key` are rendered again."""
    folder = folder_of_image(key)
    return ImageInspected(folder, key if folder == "authors/" else "")


def is_incomplete(derived: Derivatives, ports: Ports) -> bool:
    """Return True if the bytes of something that was derived are not stored any more."""
    return any(ports.private.stat(rendition_key(each.sha256)) is None for each in derived.renditions)


def _shown_by(owner: str, order: Order) -> Event:
    """Return the event after which the owner of an order shows what was derived for it."""
    folder, _, name = owner.removesuffix(".json").partition("/")
    return RegateRequested(name) if folder == "articles" else _inspected(order.key)


def orders_of(owner: str, ports: Ports) -> dict[str, Order]:
    """Return what a document or a profile orders, by id; of an article also what its approved version does."""
    blob = ports.private.get(owner)
    if blob is None:
        return {}
    if not owner.startswith(WITH_DOCUMENTS):
        found = author_orders(parse_json(blob.body).get("assets", ()))
        return {order.id: order for order in found.values()}
    document = Document.from_bytes(blob.body)
    if owner != document_key(document.slug):
        return {order.id: order for order in article_orders(document.assets).values()}
    approval = decisions_from(ports.private.get(decisions_key(document.slug))).approval
    approved = ports.private.get(approved_key(approval.sha256)) if approval else None
    documents = [document, *([Document.from_bytes(approved.body)] if approved else [])]
    return {order.id: order for each in documents for order in article_orders(each.assets).values()}


def derive_once(order: Order, ports: Ports, maker: PictureMaker) -> Derivatives:
    """Derive the renditions for an order, and store them with their list, which is written last.

    An image from which nothing can be derived, although its beginning looked well, counts as refused from then on.
    """
    body = read_original(order.sha256, ports)
    found = inspect_once(order.sha256, body, ports, maker)
    made = Derivatives(maker.recipe, refusal=found.refusal)
    if not found.refusal:
        try:
            renditions = tuple(_store_each(body, found, order, ports, maker))
            made = Derivatives(maker.recipe, found.width, found.height, found.colour, renditions)
        except Permanent as error:
            made = Derivatives(maker.recipe, refusal=str(error))
            refused = found._replace(refusal=made.refusal, recipe=maker.recipe)
            ports.private.put(Output(inspection_key(order.sha256), refused.to_bytes(), JSON), ANY)
    return store_list(order.id, made, ports)


def _store_each(
    body: bytes, found: Inspection, order: Order, ports: Ports, maker: PictureMaker
) -> Iterator[Rendition]:  # fmt: skip
    for derived in maker.derive(body, found, order):
        yield store_rendition(derived, ports)


def store_rendition(derived: Derived, ports: Ports) -> Rendition:
    """Store the bytes of something that was derived, unless they are stored already."""
    sha256 = digest(derived.body)
    try:
        ports.private.put(Output(rendition_key(sha256), derived.body, _BYTES), None)
    except Conflict:
        if ports.private.stat(rendition_key(sha256)) is None:
            raise  # another run was about to store them, and failed
    return Rendition(derived.format, derived.width, derived.height, sha256, derived.still)


def store_list(picture: str, made: Derivatives, ports: Ports) -> Derivatives:
    """Store what was derived, and return what is stored: the first of two runs with the same recipe counts."""
    output = Output(derivatives_key(picture), made.to_bytes(), JSON)
    with suppress(Conflict):
        ports.private.put(output, None)
        return made
    stored = ports.private.get(output.key)
    if stored and Derivatives.from_bytes(stored.body).recipe == made.recipe:
        return Derivatives.from_bytes(stored.body)
    with suppress(Conflict):
        ports.private.put(output, stored.etag if stored else None)
        return made
    return load_derivatives(picture, ports) or made
