"""The reading of images and the making of pictures, for the stages and for the command line."""

from __future__ import annotations

from nightdesk.adapters.picture_maker import PillowPictures
from nightdesk.domain.pictures import PictureMaker


def picture_maker() -> PictureMaker:
    """Return what inspects images and derives renditions from them."""
    return PillowPictures()
