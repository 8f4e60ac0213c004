"""The names of tiers, as readers see them. A site may have tiers that no catalogue knows; their ids are shown."""

from __future__ import annotations

from nightdesk.domain.text import display_name
from nightdesk.rendering.texts import Catalogue


def tier_name(text: Catalogue, tier: str) -> str:
    """Return the name of a tier, such as `Member`."""
    key = f"tier.{tier}"
    return text(key) if text.has(key) else display_name(tier)


def tier_readers(text: Catalogue, tier: str) -> str:
    """Return what the readers of a tier are called in a sentence, such as `members`."""
    key = f"readers.{tier}"
    return text(key) if text.has(key) else text("readers.others", tier=tier)
