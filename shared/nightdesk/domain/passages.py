"""A draft's body cut into passages: free text, and text behind a gate.

Which lines are directives is for a real Markdown parser to say, since a line of `:::` inside a code block is code. So
every such line is masked by an HTML comment between blank lines, which ends whatever block is open, exactly as a directive
does; those that come out of the parser as comments are directives, the others are text of some code block.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser

from .errors import Problem, Rejected
from .site import Site

FREE = ""
_MASK = "\n<!--:::{}-->\n"
_MASKED = re.compile(r"<!--:::(\d+)-->")
_LINE = re.compile(r":{3,}")
_ESCAPED = re.compile(r"&lt;!--:::(\d+)--&gt;")
_PRE = re.compile(r"<pre\b.*?</pre>", re.DOTALL)
# What a reader's eye passes over on its way to a directive: blanks of any kind, marks of lists and quotes, tags.
_ASIDE = re.compile(r"(?:<[^<>]*>|\[[xX]\]|[^\w:`\\]|\d)++(?=:::)")
_ASIDE_MARK = re.compile("\ue000(\\d+)\ue001")
_BROKEN = re.compile(r"[\v\f\x1c-\x1e\x85\u2028\u2029]\s*:::")
_FENCE = re.compile(r"(:{3,})[ \t]*$")
_ATTRIBUTE = r"""[ \t]+[a-z_]+=(?:"(?:[^"\\]|\\.)*"|[^\s"'=<>`{}“”]+)"""
_DIRECTIVE = re.compile(rf"(:{{3,}})[ \t]+([a-z]+)((?:{_ATTRIBUTE})*)[ \t]*$")
_PAIR = re.compile(r"""([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))""")
_OPTIONAL_END = frozenset(["p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead"])
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
MAX_GATES = 100
"""Each gate is parsed with all of the free text, for its definitions."""
_OUT_OF_PLACE = "a gate must begin at the start of a line, outside lists, quotes, HTML and indented text"


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of Markdown. `tier` is empty for free text; `line` is where it begins in the file."""

    tier: str
    teaser: str
    source: str
    line: int


def cut(body: str, first_line: int, site: Site, to_html: Callable[[str], str]) -> tuple[Passage, ...]:
    """The passages of a body, in order; there is a free one, perhaps empty, between any two gates.

    Args:
        body: Markdown, with plain line ends.
        first_line: the file's line at which the body begins.
        site: for its tiers and default teaser.
        to_html: a CommonMark parser that lets raw HTML through.

    Raises:
        Rejected: a line that begins like a directive and is not understood, or stands where it may not.
    """
    if ":::" not in body:
        return (Passage(FREE, "", body, first_line),)
    lines = body.split("\n")
    problems: list[Problem] = []
    directives = _directives(lines, first_line, to_html, problems)
    passages: list[Passage] = []
    start, gate, fence, opened = 0, None, 0, 0
    for number in directives:
        here = number + first_line
        text = lines[number]
        if closing := _FENCE.match(text):
            if gate is None:
                problems.append(Problem(here, "", "this ::: closes nothing; a gate opens with “::: gate tier=…”"))
            elif len(closing[1]) >= fence:
                passages.append(Passage(gate[0], gate[1], "\n".join(lines[start:number]), start + first_line))
                start, gate = number + 1, None
            continue
        attributes = _gate(text, here, site, problems)
        if gate is not None:
            problems.append(
                Problem(here, "gate", f"a gate cannot stand inside a gate (one is open since line {opened})")
            )
            continue
        passages.append(Passage(FREE, "", "\n".join(lines[start:number]), start + first_line))
        start, gate, opened = number + 1, attributes, here
        fence = len(_LINE.match(text)[0])  # type: ignore[index]  # every directive line begins with colons
    if len(passages) > 2 * MAX_GATES:
        problems.append(Problem(passages[2 * MAX_GATES].line, "gate", f"an article may have {MAX_GATES} gates"))
    if gate is not None:
        problems.append(Problem(opened, "gate", "this gate is never closed by a line of :::"))
    if problems:
        raise Rejected(*sorted(problems, key=lambda p: p.line))
    passages.append(Passage(FREE, "", "\n".join(lines[start:]), start + first_line))
    _refuse_open_html(passages, to_html)
    return tuple(passages)


def _directives(
    lines: list[str], first_line: int, to_html: Callable[[str], str], problems: list[Problem]
) -> list[int]:  # fmt: skip
    masked = list(lines)
    aside = []
    aside_code: set[int] = set()
    known: set[int] = set()
    for number, line in enumerate(lines):
        if ":::" not in line:
            continue
        if "<!--:::" in line:
            problems.append(Problem(number + first_line, "", "a comment that begins with “:::” cannot be used here"))
        if _LINE.match(line):
            masked[number] = _MASK.format(number)
            known.add(number)
        elif _BROKEN.search(line):
            problems.append(Problem(number + first_line, "gate", _OUT_OF_PLACE))
        elif found := _ASIDE.match(line):
            aside.append(number)
            masked[number] = f"{found[0]}\ue000{number}\ue001"
    html = to_html("\n".join([*masked, _MASK.format(len(lines))]))
    if aside:
        in_code = [[int(n) for n in _ASIDE_MARK.findall(block)] for block in _PRE.findall(html)]
        for numbers in in_code:
            # A gate's lines indented by chance are two pieces of code, with the hidden text between them for all to see.
            closing = [n for n in numbers if _FENCE.fullmatch(lines[n], len(_ASIDE.match(lines[n])[0]))]  # type: ignore[index]  # it is aside
            if 2 * len(closing) == len(numbers):
                aside_code.update(numbers)
        problems += [Problem(n + first_line, "gate", _OUT_OF_PLACE) for n in aside if n not in aside_code]
    directives = {int(found) for found in _MASKED.findall(html)} & {*known, len(lines)}
    doubtful = (known - directives) | set(aside)
    if doubtful and len(lines) not in directives:
        message = "the code block around this line is never closed, so it may not be meant as code"
        problems.append(Problem(max(doubtful) + first_line, "gate", message))
    directives.discard(len(lines))
    if known != directives:
        code = {int(found) for block in _PRE.findall(html) for found in _ESCAPED.findall(block)}
        # Neither a directive nor code: the parser took the line for a part of something else.
        problems += [Problem(number + first_line, "gate", _OUT_OF_PLACE) for number in known - directives - code]
    return sorted(directives)


def _gate(text: str, line: int, site: Site, problems: list[Problem]) -> tuple[str, str]:
    """Tier and teaser of an opening line; what is wrong with it is added to `problems`."""
    found = _DIRECTIVE.fullmatch(text)
    if not found:
        # The line is not quoted: it may be text of a gate, and problems go out in events.
        message = f'a line that begins with ::: and is not understood; write ::: gate tier={site.tiers[-1]} teaser="…"'
        problems.append(Problem(line, "gate", message))
        return site.tiers[-1], ""
    if found[2] != "gate":
        problems.append(Problem(line, found[2], "there is no such directive; the one that is known is “gate”"))
    values: dict[str, str] = {}
    for name, quoted, bare in _PAIR.findall(found[3]):
        if name not in ("tier", "teaser"):
            problems.append(Problem(line, name, "a gate has “tier” and “teaser”, and nothing else"))
        if name in values:
            problems.append(Problem(line, name, "stands twice"))
        values[name] = re.sub(r"\\(.)", r"\1", quoted) or bare
    tier = values.get("tier", site.tiers[-1])
    if tier not in site.tiers[1:]:
        problems.append(
            Problem(line, "tier", f"“{tier}” is no tier that can close a gate; there are {', '.join(site.tiers[1:])}")
        )
    return tier, values.get("teaser", "") or site.teaser.replace("{tier}", tier)


class _Balance(HTMLParser):
    """Counts which elements are open; `rawdata` keeps what it could not read, such as a comment without an end."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.open: list[str] = []
        self.stray = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass
        elif tag not in _VOID and tag != "p":
            self.stray = True


def _refuse_open_html(passages: list[Passage], to_html: Callable[[str], str]) -> None:
    """A gate between `<div>` and `</div>` stands inside HTML, whatever blank lines are around it."""
    last = len(passages) - 1
    for number, passage in enumerate(passages):
        if last == 0 or not re.search(r"<[A-Za-z/!?]", passage.source):
            continue
        balance = _Balance()
        balance.feed(to_html(passage.source))
        still_open = [tag for tag in balance.open if tag not in _OPTIONAL_END] or balance.rawdata.strip()
        if (still_open and number < last) or (balance.stray and number > 0):
            line = passages[number + 1].line - 1 if still_open and number < last else passage.line
            raise Rejected(Problem(line, "gate", "HTML is left open around this gate; a gate cannot stand inside HTML"))
