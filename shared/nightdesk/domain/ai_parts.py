"""Parts of a text that a machine made, from `::: ai` to its `:::`, or all of a gate whose line says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.problems import Kind
from nightdesk.domain.source_types import MACHINE_MADE
from nightdesk.domain.suggestions import did_you_mean
from nightdesk.domain.text import single_spaced

AI = "ai"
AI_START, AI_END = "<!--:::ai {}-->", "<!--:::/ai {}-->"
"""Stand where a part of a passage begins and ends, by its number from 0, while the text is parsed. Nobody else can write them."""
AI_MARK = re.compile(r"<!--:::/?ai \d+-->")
ATTRIBUTES = ("source_type", "note")
_DEFAULT = "trainedAlgorithmicMedia"


class AiPart(NamedTuple):
    """A part of a text that a machine made. `line` and `end` are the lines of the file at which it begins and ends.

    Attributes:
        source_type: one of `MACHINE_MADE`.
        note: plain text that readers see beside the label.
    """

    line: int
    end: int = 0
    source_type: str = _DEFAULT
    note: str = ""


def read_ai_part(values: Mapping[str, str], line: int, problems: ProblemList) -> AiPart:
    """Return the part that a directive describes, and report what is wrong with it. Where it ends is not known yet."""
    for name in values:
        if name not in ATTRIBUTES:
            problems.add(Kind.AI_ATTRIBUTE_UNKNOWN.at(line, name, did_you_mean(name, ATTRIBUTES)))
    return AiPart(line, 0, _source_type(values, line, problems) or _DEFAULT, _note(values))


def ai_part_of_gate(values: Mapping[str, str], line: int, problems: ProblemList) -> AiPart | None:
    """Return what the line of a gate says of all of its passage; None if a machine made none of it."""
    kind, note = _source_type(values, line, problems), _note(values)
    return AiPart(line, 0, kind or _DEFAULT, note) if kind or note else None


def _source_type(values: Mapping[str, str], line: int, problems: ProblemList) -> str:
    typed = values.get("source_type", "").rstrip("/").rsplit("/", 1)[-1]
    if typed and typed not in MACHINE_MADE:
        problems.add(Kind.AI_SOURCE_TYPE.at(line, "source_type", did_you_mean(typed, MACHINE_MADE), typed=typed))
    return typed


def _note(values: Mapping[str, str]) -> str:
    return single_spaced(values.get("note", ""))
