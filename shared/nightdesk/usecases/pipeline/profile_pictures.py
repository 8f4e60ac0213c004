"""The pictures of an author's profile: the portrait, and images in the biography, as their renditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nightdesk.domain.documents import canonical_json, digest, parse_json
from nightdesk.domain.events import PictureRequested
from nightdesk.domain.pictures import PictureFiles, author_orders, copies, stem_of
from nightdesk.ports import Ports
from nightdesk.rendering.pictures import Placer
from nightdesk.rendering.texts import Catalogue
from nightdesk.repositories.private_bucket import load_derivatives
from nightdesk.usecases.pipeline.gate_pictures import request_for


class ProfilePictures:
    """Completes the facts of a profile with what was derived of its images.

    Other files have no images, and their facts stay as they are.

    Args:
        owner: the key of the facts in the private bucket.
        facts: as `read_profile` returns them; None for a file that has none.

    Attributes:
        facts: with the files of each image, for pages, and what they are copies of, for the stage that writes them.
        requests: for what is missing or outdated.
    """

    def __init__(self, owner: str, facts: bytes | None, ports: Ports) -> None:
        self.facts = facts
        self.requests: list[PictureRequested] = []
        self._owner = owner
        self._mark = ""
        data = parse_json(facts) if facts else {}
        if isinstance(data, dict) and data.get("assets"):
            self._complete(data, ports)

    def _complete(self, data: dict[str, Any], ports: Ports) -> None:
        files: dict[str, PictureFiles | None] = {}
        copied: list[tuple[str, str]] = []
        for name, order in author_orders(data["assets"]).items():
            derived = load_derivatives(order.id, ports)
            self.requests += request_for(self._owner, order.id, derived)
            if derived is None:
                files[name] = None
            elif derived.renditions:
                files[name] = found = derived.files(stem_of(name), public=True)
                copied += copies(derived, found)
        portrait = files.get(data["portrait"].rpartition("/")[2])
        base = f"/authors/{data['id']}/"
        data["portrait"] = base + portrait.up_to(_SMALL).largest()[0] if portrait else ""
        data["portrait_files"] = portrait.to_json() if portrait else None
        data["body"] = Placer(_NO_TEXTS, base, files, {}).html(data["body"])
        data["files"] = sorted(copied)
        self.facts = canonical_json(data)
        self._mark = digest(self.facts)[:16]

    def marked(self, images: Mapping[str, list[str]]) -> dict[str, list[str]]:
        """Return what a record remembers of images, changed with every change of the facts.

        So of two runs, the one that knew fewer renditions cannot write last unnoticed.
        """
        return {**images, "": [self._mark]} if self._mark else dict(images)


_SMALL = 192
"""In pixels: the width of portraits in directories."""
_NO_TEXTS = Catalogue({})
"""Images in a biography have no labels, so no message is asked for."""
