"""Pictures of a build: made in several processes, and kept for the next build."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from nightdesk.domain.documents import digest
from nightdesk.domain.drafts_bucket import folder_of_image
from nightdesk.domain.errors import Permanent
from nightdesk.domain.pictures import Derived, Inspection, Order, PictureMaker
from nightdesk.domain.social_cards import CARD_FORMAT, CARD_SIZE, CardOrder
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.private_bucket import (
    article_slugs,
    document_key,
    is_image,
    load_document,
    load_inspection,
    profile_keys,
)
from nightdesk.usecases.pipeline.gate_inputs import read_inputs
from nightdesk.usecases.pipeline.images import read_original
from nightdesk.usecases.pipeline.pictures import derive_once, inspect_once, orders_of
from nightdesk.usecases.pipeline.render import render
from nightdesk.usecases.pipeline.social_cards import draw_once

Job = TypeVar("Job")
Result = TypeVar("Result")
_FEW = 4
"""So many images are not worth another process."""


class _Refused(NamedTuple):
    """Why nothing can be made of an image."""

    reason: str


class CachedPictures:
    """Makes pictures, and keeps them in a folder by what they were made of. Originals are not kept.

    Args:
        folder: made if it is missing; None to keep nothing.
    """

    def __init__(self, maker: PictureMaker, folder: Path | None = None) -> None:
        self._maker = maker
        self._folder = folder
        self.recipe = maker.recipe

    def inspect(self, data: bytes) -> Inspection:
        """Return what is found in an image."""
        name = f"{digest(data)}.inspection"
        if (known := self._read(name)) is not None:
            return Inspection.from_bytes(known)
        found = self._maker.inspect(data)
        self._write(name, found.to_bytes())
        return found

    def derive(self, data: bytes, found: Inspection, order: Order) -> Iterator[Derived]:
        """Yield the renditions for an order."""
        listed = self._read(f"{order.id}.list")
        bodies = [self._read(name) for *_, name in json.loads(listed)] if listed is not None else [None]
        if listed is not None and None not in bodies:
            for (*facts, _), body in zip(json.loads(listed), bodies, strict=True):
                kind, width, height, still = facts
                yield Derived(kind, width, height, still, body or b"")
            return
        made = []
        for derived in self._maker.derive(data, found, order):
            *facts, body = derived
            name = f"{digest(body)}.{derived.format}"
            self._write(name, body)
            made.append([*facts, name])
            yield derived
        self._write(f"{order.id}.list", json.dumps(made).encode())

    def draw_card(self, order: CardOrder, lead: bytes, found: Inspection) -> Derived:
        """Return a social card."""
        name = f"{order.id}.card"
        if (known := self._read(name)) is not None:
            return Derived(CARD_FORMAT, *CARD_SIZE, False, known)
        drawn = self._maker.draw_card(order, lead, found)
        self._write(name, drawn.body)
        return drawn

    def _path(self, name: str) -> Path | None:
        return self._folder / self.recipe / name[:2] / name if self._folder else None

    def _read(self, name: str) -> bytes | None:
        path = self._path(name)
        try:
            return path.read_bytes() if path else None
        except FileNotFoundError:
            return None

    def _write(self, name: str, body: bytes) -> None:
        if path := self._path(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Another process may write the same file, so it appears whole or not at all.
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            fresh.write_bytes(body)
            fresh.replace(path)


class _Ready:
    """Answers with what was made already."""

    def __init__(self, recipe: str, result: Inspection | Derived | Sequence[Derived] | _Refused) -> None:
        self.recipe = recipe
        self._result: Any = result

    def inspect(self, data: bytes) -> Inspection:
        return self._given()  # type: ignore[no-any-return]

    def derive(self, data: bytes, found: Inspection, order: Order) -> Iterator[Derived]:
        return iter(self._given())

    def draw_card(self, order: CardOrder, lead: bytes, found: Inspection) -> Derived:
        return self._given()  # type: ignore[no-any-return]

    def _given(self) -> Any:
        if isinstance(self._result, _Refused):
            raise Permanent(self._result.reason)
        return self._result


class FolderPictures:
    """Makes the pictures of a build.

    Args:
        processes: how many to use; by default one for each processor.

    Attributes:
        maker: makes one picture, and keeps it.
    """

    def __init__(self, maker: PictureMaker, cache: Path | None = None, processes: int = 0) -> None:
        self.maker = CachedPictures(maker, cache)
        self._processes = processes or os.cpu_count() or 1

    def inspect(self, keys: Iterable[str], ports: Ports) -> None:
        """Inspect the images among the files at `keys`, before any draft that shows one is rendered."""
        images = [key for key in keys if is_image(key) and folder_of_image(key)]
        bodies = list({digest(blob.body): blob.body for key in images if (blob := ports.drafts.get(key))}.values())
        for body, found in zip(bodies, self._map(_inspect, bodies), strict=True):
            inspect_once(digest(body), body, ports, _Ready(self.maker.recipe, found))

    def derive(self, ports: Ports) -> None:
        """Derive what all documents and profiles show, and render those files again that depend on it."""
        owners = [*map(document_key, article_slugs(ports)), *profile_keys("author", ports)]
        orders = {owner: orders_of(owner, ports) for owner in owners}
        wanted = list({order.id: order for found in orders.values() for order in found.values()}.values())
        jobs = [(read_original(o.sha256, ports), load_inspection(o.sha256, ports) or Inspection(), o) for o in wanted]
        for order, made in zip(wanted, self._map(_derive, jobs), strict=True):
            derive_once(order, ports, _Ready(self.maker.recipe, made))
            if isinstance(made, _Refused) or order.key.startswith("authors/"):
                render(order.key, ports)

    def draw(self, ports: Ports, theme: Theme) -> None:
        """Draw the social cards with photographs, after the pictures of which it depends what a card shows."""
        found = (read_inputs(slug, ports, theme) for slug in article_slugs(ports) if _has_lead(slug, ports))
        orders = (each.card.order for each in found if each and each.card)
        wanted = list({order.id: order for order in orders if order.lead}.values())
        jobs = [(read_original(o.lead, ports), load_inspection(o.lead, ports) or Inspection(), o) for o in wanted]
        for order, drawn in zip(wanted, self._map(_draw, jobs), strict=True):
            draw_once(order, ports, _Ready(self.maker.recipe, drawn))

    def _map(self, work: Callable[[PictureMaker, Job], Result], jobs: Sequence[Job]) -> list[Result]:
        """Return what `work` makes of each job."""
        if self._processes == 1 or len(jobs) <= _FEW:
            return [work(self.maker, job) for job in jobs]
        with ProcessPoolExecutor(min(self._processes, len(jobs))) as pool:
            return list(pool.map(work, [self.maker] * len(jobs), jobs))


def _has_lead(slug: str, ports: Ports) -> bool:
    document = load_document(slug, ports)
    return bool(document and document.hero)


def _inspect(maker: PictureMaker, body: bytes) -> Inspection | _Refused:
    try:
        return maker.inspect(body)
    except Permanent as error:
        return _Refused(str(error))


def _derive(maker: PictureMaker, job: tuple[bytes, Inspection, Order]) -> Sequence[Derived] | _Refused:
    body, found, order = job
    try:
        return list(maker.derive(body, found, order))
    except Permanent as error:
        return _Refused(str(error))


def _draw(maker: PictureMaker, job: tuple[bytes, Inspection, CardOrder]) -> Derived | _Refused:
    body, found, order = job
    try:
        return maker.draw_card(order, body, found)
    except Permanent as error:
        return _Refused(str(error))
