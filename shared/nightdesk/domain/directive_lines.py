"""Finding the lines of a draft's body that are directives.

Only a real Markdown parser knows which lines are directives, since a line of `:::` inside a code block is code. So each
such line is replaced by a mask: an HTML comment between blank lines, which ends any open block exactly as a directive does.
A mask that the parser returns as a comment was a directive; one that it returns escaped was text of a code block.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from nightdesk.domain.errors import Rejected
from nightdesk.domain.figures import FIGURE
from nightdesk.domain.foreign_gates import refuse_foreign_gates
from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.problems import Kind, Problem, ProblemKind

GATE = "gate"
_MASK = "\n<!--:::{}-->\n"
_MASKED = re.compile(r"<!--:::(\d+)-->")
_LINE = re.compile(r":{3,}")
_ESCAPED = re.compile(r"&lt;!--:::(\d+)--&gt;")
_PRE = re.compile(r"<pre\b.*?</pre>", re.DOTALL)
# What a person overlooks before a directive: blanks of any kind, list and quote markers, tags.
_ASIDE = re.compile(r"(?:<[^<>]*>|\[[xX]\]|[^\w:`\\]|\d)++(?=:::)")
_ASIDE_MARK = re.compile("\ue000(\\d+)\ue001")
_BROKEN = re.compile(r"[\v\f\x1c-\x1e\x85\u2028\u2029]\s*:::")
FENCE = re.compile(r"(:{3,})[ \t]*$")
NAMES_FIGURE = re.compile(r":{3,}[ \t]*[\[{]?[ \t]*figure\b", re.IGNORECASE)


class Body(NamedTuple):
    """The lines of a body; `first_line` is the line of the file that is `lines[0]`."""

    lines: list[str]
    first_line: int

    def source(self, start: int, end: int) -> str:
        """Return the lines from `start` up to `end`, which is not included."""
        return "\n".join(self.lines[start:end])

    def out_of_place(self, number: int) -> Problem:
        """Return the problem of a directive that is not at the start of a line."""
        key = FIGURE if NAMES_FIGURE.search(self.lines[number]) else GATE
        return self.problem(Kind.GATE_OUT_OF_PLACE, number, key)

    def problem(self, kind: ProblemKind, number: int, key: str = GATE, **values: Any) -> Problem:
        """Return a problem of the directive at a line, by its index."""
        return kind.at(number + self.first_line, key, **values)


class _Masked(NamedTuple):
    """A body with its possible directives masked.

    Attributes:
        lines: the body, and a last mask that shows whether a code block is open at the end.
        candidates: indexes of lines that begin with `:::`.
        indented: indexes of lines on which only blanks, markers or tags stand before `:::`, and the column of the latter.
    """

    lines: list[str]
    candidates: set[int]
    indented: dict[int, int]


def _mask(body: Body, problems: ProblemList) -> _Masked:
    masked = _Masked([*body.lines, _MASK.format(len(body.lines))], set(), {})
    for number, line in enumerate(body.lines):
        if ":::" not in line:
            continue
        if "<!--:::" in line:
            problems.add(Kind.COMMENT_RESERVED.at(number + body.first_line))
        if _LINE.match(line):
            masked.lines[number] = _MASK.format(number)
            masked.candidates.add(number)
        elif _BROKEN.search(line):
            problems.add(body.out_of_place(number))
        elif found := _ASIDE.match(line):
            masked.lines[number] = f"{found[0]}\ue000{number}\ue001"
            masked.indented[number] = found.end()
    return masked


def find_directives(body: Body, to_html: Callable[[str], str], problems: ProblemList) -> list[int]:
    """Return the indexes of the lines that are directives, and report those that are neither directives nor code."""
    masked = _mask(body, problems)
    html = to_html("\n".join(masked.lines))
    code = _PRE.findall(html)
    indented_code = _indented_code(body.lines, masked.indented, code)
    out_of_place = [number for number in masked.indented if number not in indented_code]
    end = len(body.lines)
    directives = {int(found) for found in _MASKED.findall(html)} & {*masked.candidates, end}
    doubtful = (masked.candidates - directives) | set(masked.indented)
    if doubtful and end not in directives:
        problems.add(body.problem(Kind.CODE_UNCLOSED, max(doubtful)))
    escaped = {int(found) for block in code for found in _ESCAPED.findall(block)}
    # Neither a directive nor code: the parser took the line for a part of something else.
    out_of_place += masked.candidates - directives - escaped
    problems.add(*(body.out_of_place(number) for number in out_of_place))
    return sorted(directives - {end})


def _indented_code(lines: list[str], columns: dict[int, int], code: list[str]) -> set[int]:
    """Return the indexes of indented directives that are code.

    Both ends of a gate must be in the same block of code. The lines of a gate that is indented by mistake make two blocks,
    with the hidden text between them for everyone to read.
    """
    numbers: set[int] = set()
    for block in code:
        found = [int(number) for number in _ASIDE_MARK.findall(block)]
        closing = [number for number in found if FENCE.fullmatch(lines[number], columns[number])]
        if 2 * len(closing) == len(found):
            numbers.update(found)
    return numbers


def refuse_gates(body: str, first_line: int, to_html: Callable[[str], str]) -> None:
    """Reject a text that is public as a whole if it has a gate, a figure, or what looks like either.

    Args:
        first_line: the file's line at which the body begins.
        to_html: a CommonMark parser that lets raw HTML through.

    Raises:
        Rejected: with every line in question.
    """
    refuse_foreign_gates(body, first_line, to_html)
    if ":::" not in body:
        return
    problems = ProblemList()
    directives = find_directives(Body(body.split("\n"), first_line), to_html, problems)
    problems.add(*(Kind.GATE_NOT_ALLOWED.at(number + first_line, GATE) for number in directives))
    if problems.rejections:
        raise Rejected(*problems.rejections)
