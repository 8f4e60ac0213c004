"""Whatever happens to images, in any order, the site ends the same, and readers never get an original."""

from __future__ import annotations

from collections.abc import Iterable
from unittest.mock import patch

import pytest
from nightdesk.domain.events import Event
from nightdesk.usecases.pipeline import pictures
from nightdesk.usecases.pipeline.gate_pictures import ArticlePictures
from support.effort import amount

from simulation.history import small_world
from simulation.oracle import violations
from simulation.picturing import failing, world_of
from simulation.world_ports import WorldBus

HISTORIES = amount("PICTURE_HISTORIES", test=40, soak=5_000)
_PLANTED = range(150)


def test_pictures_converge() -> None:
    """The histories would prove little if they did not show some pictures of all kinds, and if none were refused."""
    written, refused = set[str](), 0
    with small_world():
        for seed in range(HISTORIES):
            world = world_of(seed)
            assert violations(world) == [], seed
            written.update(world.site.outputs)
            refused += b"cannot be decoded" in str(world.table._items).encode()
    for part in ("/~public/free.", "/~member/gated.", "/~public/gated.", "/~public/card.", "authors/u/u."):
        assert any(part in key for key in written), part
    assert refused > 4


@pytest.mark.parametrize("lost", ["PictureRequested", "SocialCardRequested", "ImageInspected", "RegateRequested"])
def test_a_stage_that_announces_too_little_is_found(lost: str) -> None:
    """The reference run has a separate bus."""

    def emit(bus: WorldBus, events: Iterable[Event]) -> None:
        run = bus._world.current
        is_lost = lost in ("PictureRequested", "SocialCardRequested") or (run is not None and run.stage == "images")
        send(bus, [event for event in events if not (is_lost and event.name == lost)])

    send = WorldBus.emit
    with small_world(), patch.object(WorldBus, "emit", emit):
        assert next(failing(_PLANTED), None)


def test_a_stage_that_gives_readers_the_original_is_found() -> None:
    def copies(self: ArticlePictures, document: object, name: str, files: object) -> list[tuple[str, str]]:
        assets = document.assets  # type: ignore[attr-defined]
        return [(copied, assets[0].sha256) for copied, _ in copy(self, document, name, files)]  # type: ignore[arg-type]

    copy = ArticlePictures.copies
    with (
        small_world(),
        patch.object(ArticlePictures, "copies", copies),
        patch("nightdesk.usecases.pipeline.gate_folders.read_rendition", pictures.read_original),
    ):
        assert next(failing(_PLANTED), None)
