"""Splitting a draft's body into passages, free text and text behind a gate, and finding the figures in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from nightdesk.domain.ai_parts import AI, AI_END, AI_MARK, AI_START, AiPart, ai_part_of_gate, read_ai_part
from nightdesk.domain.ai_parts import ATTRIBUTES as AI_ATTRIBUTES
from nightdesk.domain.directive_lines import FENCE, GATE, NAMES_FIGURE, Body, find_directives
from nightdesk.domain.errors import Rejected
from nightdesk.domain.figures import FIGURE, FIGURE_MARK, Figure, read_figure
from nightdesk.domain.foreign_gates import refuse_foreign_gates
from nightdesk.domain.html_tokens import END, START, UNCLOSED, tokens
from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.problems import Kind
from nightdesk.domain.site import Site
from nightdesk.domain.suggestions import did_you_mean

FREE = ""
_NAMES = (GATE, FIGURE, AI)
_ATTRIBUTE = r"""[ \t]+[a-z_]+=(?:"(?:[^"\\]|\\.)*"|[^\s"'=<>`{}“”]+)"""
_DIRECTIVE = re.compile(rf"(:{{3,}})[ \t]+([a-z]+)((?:{_ATTRIBUTE})*)[ \t]*$")
_PAIR = re.compile(r"""([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))""")
_OPTIONAL_END = frozenset(["p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead"])
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
MAX_GATES = 100
"""Each gate is parsed together with all free text, for its link and footnote definitions."""


class Passage(NamedTuple):
    """A run of Markdown, which begins at `line` of the file. `tier` is empty for free text.

    Attributes:
        ai_parts: the parts of it that a machine made.
        all_ai: what its gate says of all of it, if a machine made it.
    """

    tier: str
    teaser: str
    source: str
    line: int
    figures: tuple[Figure, ...] = ()
    ai_parts: tuple[AiPart, ...] = ()
    all_ai: AiPart | None = None

    @property
    def text(self) -> str:
        """The source with blank lines in the place of its directives."""
        return self._without_directives("", "", "")

    @property
    def marked(self) -> str:
        """The source for the Markdown parser: each directive is a mark between blank lines, as when the parser found it."""
        return self._without_directives(f"\n{FIGURE_MARK}\n", f"\n{AI_START}\n", f"\n{AI_END}\n")

    @property
    def segments(self) -> list[tuple[int, str]]:
        """The marked source in the pieces between the marks of parts that a machine made, each with its first line."""
        lines = [self.line, *(line + 1 for part in self.ai_parts for line in (part.line, part.end))]
        return list(zip(lines, AI_MARK.split(self.marked), strict=True))

    def _without_directives(self, mark: str, ai_start: str, ai_end: str) -> str:
        if not self.figures and not self.ai_parts:
            return self.source
        lines = self.source.split("\n")
        for number, figure in enumerate(self.figures):
            lines[figure.line - self.line] = mark.format(number)
            lines[figure.end - self.line] = ""
        for number, part in enumerate(self.ai_parts):
            lines[part.line - self.line] = ai_start.format(number)
            lines[part.end - self.line] = ai_end.format(number)
        return "\n".join(lines)


def split_passages(body: str, first_line: int, site: Site, to_html: Callable[[str], str]) -> tuple[Passage, ...]:
    """Split a body into passages, in order. Around each gate there is a free passage, which may be empty.

    A figure stands in a free passage or in that of a gate; so does a part that a machine made, which may hold figures.

    Args:
        body: Markdown, with plain line ends.
        first_line: the file's line at which the body begins.
        site: for its tiers and the default teaser.
        to_html: a CommonMark parser that lets raw HTML through.

    Raises:
        Rejected: a line begins like a directive and is not understood, or is not allowed where it is.
    """
    refuse_foreign_gates(body, first_line, to_html)
    if ":::" not in body:
        return (Passage(FREE, "", body, first_line),)
    problems = ProblemList()
    text = Body(body.split("\n"), first_line)
    splitter = _Splitter(text, site, problems)
    for number in find_directives(text, to_html, problems):
        splitter.add(number)
    passages = splitter.finish()
    if problems.rejections:
        raise Rejected(*problems.rejections)
    _refuse_open_html(passages, to_html)
    return tuple(passages)


class _Gate(NamedTuple):
    """The opening line of a gate; `number` is its index, and `fence` how many colons it begins with."""

    number: int
    fence: int
    tier: str
    teaser: str
    all_ai: AiPart | None = None


class _OpenFigure(NamedTuple):
    """The opening line of a figure; `number` is its index, and `fence` the line that closes it."""

    number: int
    fence: str
    figure: Figure


class _Splitter:
    """Goes through the directives of a body, in order, and collects the passages between gates, with their figures."""

    def __init__(self, body: Body, site: Site, problems: ProblemList) -> None:
        self._body, self._site, self._problems = body, site, problems
        self._passages: list[Passage] = []
        self._start = 0
        self._open: _Gate | None = None
        self._figures: list[Figure] = []
        self._figure: _OpenFigure | None = None
        self._ai_parts: list[AiPart] = []
        self._ai: tuple[int, AiPart] | None = None

    def add(self, number: int) -> None:
        """Take the directive at a line, by its index."""
        line, file_line = self._body.lines[number], number + self._body.first_line
        closing = FENCE.match(line)
        if self._figure is not None and (self._end_figure(self._figure, number) or closing):
            return
        gate = self._open
        if closing:
            if self._ai is not None:
                self._end_ai_part(*self._ai, closing[1], file_line)
            elif gate is None:
                self._problems.add(Kind.FENCE_STRAY.at(file_line))
            elif len(closing[1]) >= gate.fence:  # a shorter one is text of the gate
                self._end_passage(number, gate)
                self._open = None
            return
        fence = len(line) - len(line.lstrip(":"))
        name, values = _directive(line, file_line, self._site, self._problems)
        if name == FIGURE:
            figure = read_figure(values, file_line, self._problems) if values is not None else Figure(file_line)
            self._figure = _OpenFigure(number, ":" * fence, figure)
            return
        if self._ai is not None:
            self._problems.add(Kind.AI_HOLDS_DIRECTIVE.at(file_line, name, opened=self._ai[1].line))
            return
        if name == AI:
            self._ai = (fence, read_ai_part(values or {}, file_line, self._problems))
            return
        tier, teaser, all_ai = _gate(values or {}, file_line, self._site, self._problems)
        if gate is not None:
            opened = gate.number + self._body.first_line
            self._problems.add(self._body.problem(Kind.GATE_IN_GATE, number, opened=opened))
            return
        self._end_passage(number)
        self._open = _Gate(number, fence, tier, teaser, all_ai)

    def _end_figure(self, opened: _OpenFigure, number: int) -> bool:
        """Close a figure at the directive at a line, and return True, or report what stands where its end must be."""
        self._figure = None
        lines = self._body.lines
        inside = next((n for n in range(opened.number + 1, number) if lines[n].strip()), number)
        if inside == number and (closing := FENCE.match(lines[number])) and len(closing[1]) >= len(opened.fence):
            self._figures.append(opened.figure._replace(end=number + self._body.first_line))
            return True
        self._problems.add(self._body.problem(Kind.FIGURE_NOT_EMPTY, inside, FIGURE, fence=opened.fence))
        return False

    def _end_ai_part(self, fence: int, part: AiPart, closing: str, file_line: int) -> None:
        if len(closing) >= fence:  # a shorter one is text of the part
            self._ai_parts.append(part._replace(end=file_line))
            self._ai = None

    def finish(self) -> list[Passage]:
        """Return the passages, with the free text after the last gate."""
        self._end_passage(len(self._body.lines))
        if len(self._passages) > 2 * MAX_GATES + 1:
            line = self._passages[2 * MAX_GATES].line
            self._problems.add(Kind.GATES_TOO_MANY.at(line, "gate", limit=MAX_GATES))
        if self._figure is not None:
            opened = self._figure
            self._problems.add(self._body.problem(Kind.FIGURE_UNCLOSED, opened.number, FIGURE, fence=opened.fence))
        if self._ai is not None:
            fence, part = self._ai
            self._problems.add(Kind.AI_UNCLOSED.at(part.line, AI, fence=":" * fence))
        if self._open is not None:
            self._problems.add(self._body.problem(Kind.GATE_UNCLOSED, self._open.number))
        return self._passages

    def _end_passage(self, number: int, gate: _Gate | None = None) -> None:
        """End the passage before a line, by its index: that of a gate, or free text."""
        passage = Passage(FREE, "", self._body.source(self._start, number), self._start + self._body.first_line)
        passage = passage._replace(figures=tuple(self._figures), ai_parts=tuple(self._ai_parts))
        if gate:
            passage = passage._replace(tier=gate.tier, teaser=gate.teaser, all_ai=gate.all_ai)
        self._passages.append(passage)
        self._figures, self._ai_parts = [], []
        self._start = number + 1


def _directive(line: str, file_line: int, site: Site, problems: ProblemList) -> tuple[str, dict[str, str] | None]:
    """Return the name and the attributes of a directive, None if they are not understood, and report what is wrong with it.

    A directive that is not known is read as a gate.
    """
    found = _DIRECTIVE.fullmatch(line)
    # The line is not quoted: it may be text of a gate, and problems go out in events.
    if not found and NAMES_FIGURE.match(line):
        problems.add(Kind.FIGURE_INVALID.at(file_line, FIGURE))
        return FIGURE, None
    if not found:
        problems.add(Kind.DIRECTIVE_INVALID.at(file_line, GATE, tier=site.tiers[-1]))
        return GATE, None
    if found[2] not in _NAMES:
        problems.add(Kind.DIRECTIVE_UNKNOWN.at(file_line, found[2], did_you_mean(found[2], _NAMES)))
        return GATE, None
    values: dict[str, str] = {}
    for name, quoted, bare in _PAIR.findall(found[3]):
        if name in values:
            problems.add(Kind.ATTRIBUTE_REPEATED.at(file_line, name))
        values[name] = re.sub(r"\\(.)", r"\1", quoted) or bare
    return found[2], values


def _gate(
    values: Mapping[str, str], file_line: int, site: Site, problems: ProblemList
) -> tuple[str, str, AiPart | None]:
    """Return tier and teaser of a gate, and whether a machine made its text, and report what is wrong with them."""
    for name in values:
        if name not in ("tier", "teaser", *AI_ATTRIBUTES):
            problems.add(Kind.GATE_ATTRIBUTE_UNKNOWN.at(file_line, name))
    tier = values.get("tier", site.tiers[-1])
    if tier not in site.tiers[1:]:
        problems.add(Kind.GATE_TIER.at(file_line, "tier", typed=tier, tiers=", ".join(site.tiers[1:])))
    teaser = values.get("teaser", "") or site.teaser.replace("{tier}", tier)
    return tier, teaser, ai_part_of_gate(values, file_line, problems)


def _open_elements(html: str) -> tuple[list[str], bool, bool]:
    """Return what a piece of HTML leaves open.

    Returns:
        The names of open elements, outermost first; whether there is an end tag without a start tag; and whether a tag or a
        comment has no end.
    """
    still_open: list[str] = []
    counts: Counter[str] = Counter()
    stray = unclosed = False
    for token in tokens(html):
        if token.kind == START and token.name not in _VOID:
            still_open.append(token.name)
            counts[token.name] += 1
        elif token.kind == END and counts[token.name]:
            closed = ""
            while closed != token.name:
                closed = still_open.pop()
                counts[closed] -= 1
        elif token.kind == END:
            stray |= token.name not in _VOID and token.name != "p"
        unclosed |= token.kind == UNCLOSED
    return still_open, stray, unclosed


def _refuse_open_html(passages: Sequence[Passage], to_html: Callable[[str], str]) -> None:
    """Reject a gate between `<div>` and `</div>`: it is inside HTML, even with blank lines around it. Likewise a part of AI's."""
    found = [(line, text, passage) for passage in passages for line, text in passage.segments]
    for number, (line, text, passage) in enumerate(found):
        if len(found) == 1 or not re.search(r"<[A-Za-z/!?]", text):
            continue
        elements, stray, unclosed = _open_elements(to_html(text))
        still_open = unclosed or any(tag not in _OPTIONAL_END for tag in elements)
        key = AI if passage.ai_parts else GATE
        if still_open and number < len(found) - 1:
            raise Rejected(Kind.GATE_IN_HTML.at(found[number + 1][0] - 1, key))
        if stray and number > 0:
            raise Rejected(Kind.GATE_IN_HTML.at(line, key))
