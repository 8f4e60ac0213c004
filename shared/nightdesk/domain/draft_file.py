"""What the reading of a draft's keys depends on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from nightdesk.domain.keys import KeyReader
from nightdesk.domain.site import Site

_CLOCK_DIFFERENCE = timedelta(minutes=5)


class DraftFile(NamedTuple):
    """What the reading of a draft's keys depends on.

    Attributes:
        keys: its front matter.
        name: the file name without its suffix, or the name of its folder; the default slug comes from it.
        site: the site's settings, for tiers and the time zone.
        filed: when this version of the file was put (ISO 8601); empty if that does not matter.
    """

    keys: KeyReader
    name: str
    site: Site
    filed: str = ""

    def is_ahead(self, iso: str) -> bool:
        """Return True if a timestamp is later than the file; clocks may differ by a few minutes."""
        if not iso or not self.filed:
            return False
        return datetime.fromisoformat(iso) > datetime.fromisoformat(self.filed) + _CLOCK_DIFFERENCE
