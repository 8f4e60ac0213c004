"""Whatever writers upload, and in whatever disorder it is processed, readers get only what an editor approved."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from nightdesk.usecases.pipeline import effective
from nightdesk.usecases.pipeline.ownership import Ownership
from support.effort import amount

from simulation.history import small_world
from simulation.uploading import SETTINGS, failing, world_of

HISTORIES = amount("UPLOAD_HISTORIES", test=60, soak=5_000)
_PLANTED = range(150)


@pytest.mark.parametrize("writers", SETTINGS)
def test_readers_only_ever_get_what_was_approved(writers: str) -> None:
    with small_world():
        assert not list(failing(range(HISTORIES), writers))


def test_the_histories_show_articles_that_await_an_approval() -> None:
    """Otherwise they would prove little: something must be approved, live and changed since."""
    with small_world():
        worlds = [world_of(seed, "any") for seed in range(40)]
    assert sum(bool(world.site.ever_live) for world in worlds) > 20
    previews = [key for world in worlds for key in world.private.outputs if key.startswith("preview/d/")]
    assert len(previews) > 40


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
    with small_world():
        checked = [world_of(seed, "own").private.outputs for seed in range(30)]
        with patch.object(Ownership, "accepts", lambda *_: True):
            unchecked = [world_of(seed, "own").private.outputs for seed in range(30)]
    assert checked != unchecked
