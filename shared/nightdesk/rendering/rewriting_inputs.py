"""What the rewriting of a text needs besides the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from nightdesk.domain.ai_parts import AiPart
from nightdesk.domain.figures import Figure
from nightdesk.domain.typography import AS_TYPED, Typography
from nightdesk.rendering.embeds import EmbedFinder, no_embed

Finder = Callable[[str], str | None]
"""Takes an address as typed; returns the one on the site, or None if there is none."""


class Finders(NamedTuple):
    """What finds the addresses of images and of links, and what links show of other sites."""

    image: Finder
    link: Finder
    embed: EmbedFinder = no_embed


class TextStyle(NamedTuple):
    """How text is set, and what returns code of a language in colours; None for code that stays plain."""

    typography: Typography = AS_TYPED
    colour: Callable[[str, str], str | None] = lambda code, language: None


PLAIN_STYLE = TextStyle()


class PlacedFigure(NamedTuple):
    """A figure with the address of its image; None if there is none."""

    figure: Figure
    address: str | None


class Placed(NamedTuple):
    """What the marks in a text stand for: its figures, and its parts that a machine made."""

    figures: Sequence[PlacedFigure] = ()
    ai_parts: Sequence[AiPart] = ()


NOTHING_PLACED = Placed()
