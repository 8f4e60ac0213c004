"""Images: inspects uploaded images, derives from them what pages show, and draws social cards."""

from __future__ import annotations

from typing import ClassVar

from nightdesk.domain.drafts_bucket import folder_of_image
from nightdesk.domain.events import ObjectChanged, PictureRequested, SocialCardRequested
from nightdesk.domain.pictures import PictureMaker
from nightdesk.ports import Ports
from nightdesk.repositories.private_bucket import is_image
from nightdesk.stages.batch import Detail, Note, silent
from nightdesk.usecases.pipeline.pictures import derive_picture, inspect_image
from nightdesk.usecases.pipeline.social_cards import draw_card


class ImagesBatch:
    """Works on each message's image by itself."""

    handles: ClassVar[tuple[type[Detail], ...]] = (SocialCardRequested, ObjectChanged, PictureRequested)

    def __init__(self, ports: Ports, maker: PictureMaker, note: Note = silent) -> None:
        self._ports = ports
        self._maker = maker
        self._note = note

    def handle(self, detail: SocialCardRequested | ObjectChanged | PictureRequested) -> None:
        """Inspect an image that was uploaded, or derive what a page waits for."""
        if isinstance(detail, SocialCardRequested):
            drawn = draw_card(detail.page, detail.card, self._ports, self._maker)
            self._note("drawn", page=detail.page, refused=bool(drawn and drawn.refusal))
        elif isinstance(detail, PictureRequested):
            made = derive_picture(detail.owner, detail.picture, self._ports, self._maker, detail.instead_of)
            self._note("derived", owner=detail.owner, renditions=len(made.renditions) if made else 0)
        elif is_image(detail.key) and folder_of_image(detail.key):
            found = inspect_image(detail.key, self._ports, self._maker)
            self._note("inspected", refused=bool(found and found.refusal))

    def finish(self) -> None:
        """Do nothing: each message was completed by itself."""
