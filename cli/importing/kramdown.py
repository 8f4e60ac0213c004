"""kramdown, the Markdown of Jekyll, where it has signs of its own: comments, lists of attributes, and Markdown inside of HTML."""

from __future__ import annotations

import re
from collections import Counter

from .markdown_text import CODE, Lines
from .records import LineMap
from .report import CHANGED
from .shortcodes import Note

_VALUES = r"(?:=(?:\"[^\"{}\n]*+\"|'[^'{}\n]*+'|[^\s{}]*+)|[^{}\n%=])*+"
_SIGNS = re.compile(
    rf"""{CODE}
  | (?P<block>^[ \t>]*\{{::comment\b[^{{}}\n]*\}}[ \t]*$) | (?P<inline>\{{::comment\b[^{{}}\n]*\}})
  | (?P<toc>^[ \t]*(?:[*+-]|\d{{1,9}}[.)])[ \t][^\n]*\n[ \t]*\{{:[ ]*toc\b{_VALUES}\}})
  | (?P<line>^[ \t]*\{{::?{_VALUES}\}}[ \t]*\n?) | (?P<after>(?<=[\w*_)\]`>])\{{:{_VALUES}\}})
  | (?P<abbreviation>^[ ]{{0,3}}\*\[[^\[\]\n]+\]:[^\n]*\n?)
  | (?P<marker>\{{(?:::(?:nomarkdown|options)\b|:/)[^{{}}\n]*\}})
  | (?P<tag><(?:div|section|article|aside|details|figure|center)\b(?:(?!\smarkdown=)[^<>])*+)
    \smarkdown=["']?(?:1|block|true)\b["']?(?P<rest>[^<>]*+>)[ \t]*\n?
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_BLOCK_END = re.compile(r"(?m)^[ \t>]*\{:/(?:comment)?\}[ \t]*$")
_INLINE_END = re.compile(r"\{:/(?:comment)?\}")
_OUTSIDE = re.compile(r"\n[ \t>]*(?:\n|\{::)")
"""What code inside of a paragraph cannot contain."""


def plain_kramdown(text: str, lines: LineMap, note: Note) -> tuple[str, LineMap]:
    """Return a text without kramdown's own signs, and the map of its lines. What stands in comments goes with them.

    Args:
        lines: the map of an edit that was made before.
        note: takes the lines of the source.
    """
    if not any(sign in text for sign in ("{:", "markdown=", "*[")):
        return text, lines
    work = _Work(text)
    plain, edits = work.run()
    for kind, count in work.counts.items():
        line = work.first[kind]
        note(CHANGED, f"kramdown's {kind} were taken out", f"{count} of them", lines.source_line(line))
    return plain, edits.after(lines)


class _Work:
    def __init__(self, text: str) -> None:
        self._text, self._lines = text, Lines(text)
        self._never: set[re.Pattern[str]] = set()
        self.counts: Counter[str] = Counter()
        self.first: dict[str, int] = {}

    def run(self) -> tuple[str, LineMap]:
        text, parts, anchors = self._text, [], [(1, 1)]
        done, position, out_line = 0, 0, 1
        while found := _SIGNS.search(text, position):
            if found["span"] and _OUTSIDE.search(found["span"]):
                position = found.start() + len(found["tick"])
                continue
            position = found.end()
            if found["fence"] or found["span"] or found["comment"]:
                continue
            if found["tag"]:
                made = f"{found['tag']}{found['rest'].lstrip()}\n\n"
            else:
                position = self._end_of_comment(found) if found["block"] or found["inline"] else position
                # A line break stays for each line that goes, so that lines keep their numbers.
                made = "\n" * text.count("\n", found.start(), position)
                kind = "abbreviations" if found["abbreviation"] else "attributes"
                self._count("comments" if position > found.end() else kind, found.start())
            before = text[done : found.start()]
            parts += [before, made]
            done = position
            out_line += before.count("\n") + made.count("\n")
            anchors.append((out_line, self._lines.at(done)))
        return "".join([*parts, text[done:]]), LineMap(anchors)

    def _end_of_comment(self, found: re.Match[str]) -> int:
        """Return where a comment ends; one that never ends is none, as in kramdown, and only its mark goes."""
        for end in (_BLOCK_END, _INLINE_END) if found["block"] else (_INLINE_END,):
            if end in self._never:
                continue
            if closing := end.search(self._text, found.end()):
                return closing.end()
            self._never.add(end)  # which saves looking again from every mark further down
        return found.end()

    def _count(self, kind: str, position: int) -> None:
        self.counts[kind] += 1
        self.first.setdefault(kind, self._lines.at(position))
