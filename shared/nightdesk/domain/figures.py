"""Figures: images in a text with what is said of them, from the line `::: figure src=… alt="…"`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.problems import Kind
from nightdesk.domain.source_types import SOURCE_TYPES
from nightdesk.domain.suggestions import did_you_mean
from nightdesk.domain.text import single_spaced

FIGURE = "figure"
FIGURE_MARK = "<!--:::figure {}-->"
"""Stands in the place of a passage's figure, by its number from 0, while the text is parsed. Nobody else can write it, since a draft
with a comment that begins with `:::` is rejected."""
_SAID = ("caption", "credit", "source_type")
_ATTRIBUTES = ("src", "alt", *_SAID)


class Figure(NamedTuple):
    """A figure. `line` and `end` are the lines of the file at which it begins and ends."""

    line: int
    end: int = 0
    src: str = ""
    alt: str = ""
    caption: str = ""
    credit: str = ""
    source_type: str = ""

    @property
    def said(self) -> dict[str, str]:
        """What the draft says of the image: `caption`, `credit` and `source_type`, as far as it does."""
        return {name: value for name in _SAID if (value := getattr(self, name))}


def read_figure(values: Mapping[str, str], line: int, problems: ProblemList) -> Figure:
    """Return the figure that a directive describes, and report what is wrong with it. Where it ends is not known yet."""
    for name in values:
        if name not in _ATTRIBUTES:
            problems.add(Kind.FIGURE_ATTRIBUTE_UNKNOWN.at(line, name, did_you_mean(name, _ATTRIBUTES)))
    said = {name: single_spaced(values.get(name, "")) for name in _ATTRIBUTES}
    if not said["src"]:
        problems.add(Kind.FIGURE_SRC_MISSING.at(line, "src"))
    kind = said["source_type"] = said["source_type"].rstrip("/").rsplit("/", 1)[-1]
    if kind and kind not in SOURCE_TYPES:
        meant = did_you_mean(kind, SOURCE_TYPES)
        problems.add(Kind.SOURCE_TYPE_UNKNOWN.at(line, "source_type", meant, typed=kind))
    return Figure(line, 0, *said.values())
