"""Whatever writers upload, and in whatever disorder it is processed, readers get only what an editor approved."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from nightdesk.usecases.pipeline import effective
from nightdesk.usecases.pipeline.ownership import Ownership
from support.effort import amount

from simulation.history import small_world
from simulation.oracle import violations
from simulation.remembered import Memory, using
from simulation.uploading import SETTINGS, failing, world_of

HISTORIES = amount("UPLOAD_HISTORIES", test=60, soak=5_000)
_PLANTED = range(150)


@pytest.mark.parametrize("writers", SETTINGS)
def test_readers_only_ever_get_what_was_approved(writers: str) -> None:
    """The histories would prove little if nothing were approved, live and changed since."""
    live, previews = 0, 0
    with small_world():
        for seed in range(HISTORIES):
            world = world_of(seed, writers)
            assert violations(world) == [], seed
            live += bool(world.site.ever_live)
            previews += sum(key.startswith("preview/d/") for key in world.private.outputs)
    assert live > 20
    assert previews > 40


def test_an_approval_of_other_bytes_is_found() -> None:
    with small_world(), patch.object(effective, "awaits_approval", lambda *_: False):
        assert next(failing(_PLANTED, "any"), None)


def test_an_image_that_is_not_part_of_the_approved_form_is_found() -> None:
    def without_images(document: effective.Document, *rest: object) -> bool:
        return bool(awaits(document, *rest)) and not document.assets  # type: ignore[arg-type]

    awaits = effective.awaits_approval
    with small_world(), patch.object(effective, "awaits_approval", without_images):
        assert next(failing(_PLANTED, "any"), None)


def test_an_upload_by_someone_else_is_accepted_only_where_any_writer_may_upload() -> None:
    """Without the check, a history ends with another article."""

    def end_of(seed: int) -> object:
        return world_of(seed, "own").private.outputs

    def unchecked(seed: int) -> object:
        with patch.object(Ownership, "accepts", lambda *_: True), using(planted):
            return end_of(seed)

    planted = Memory()
    with small_world():
        assert any(end_of(seed) != unchecked(seed) for seed in range(30))
