"""What looks like a gate and is none: marks of other systems, and mistyped directives. They would show what their author hides."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from nightdesk.domain.errors import Rejected
from nightdesk.domain.problems import Kind

_WHO = "members?|subscribers?|patrons?|supporters?|paid|premium"
_NAMES = rf"(?:gate|paywall|restrict|(?:{_WHO})[-_ ]?only)"
"""What is a gate wherever it stands in a mark."""
_WORDS = rf"(?:gated?|paywall(?:ed)?|restrict(?:ed)?|membership|locked|(?:{_WHO})(?:[-_ ]?(?:only|content|area|block|wall))?)"
"""What is a gate if it is all that a mark says, besides attributes."""
_ENDS = r"(?:[-_: ]?(?:start|begin|end|open|close))?"
_PAIRS = rf"(?:{_WORDS}|hide|hidden|private|login|logged[-_]?in|protected|lock)"
"""What is a gate if it has a closing mark."""
_CLASSES = (
    r"(?:gated?|paywall(?:ed)?|(?:members?|subscribers?|paid|premium|restricted)-(?:only|content)|premium|restricted)"
)
_MARK = re.compile(
    rf"""
    (?=[<{{[%])(?:
    <!--[ \t:]*/?(?:kg-card-(?:begin|end):\s*)?{_NAMES}\b[^<>]{{0,100}}-->   # Ghost, Substack
    | <!--\s*/?(?:(?:start|begin|end)[-_: ]?)?{_WORDS}{_ENDS}(?:\s+[\w-]+=[^\s<>]{{1,40}}){{0,5}}\s*/?-->
    | (?<!\\)</?(?:gate|paywall|(?:{_WHO})(?:-[a-z]{{1,20}})?)(?![\w@.:-])[^<>]{{0,100}}>
    | <[a-z][^<>]{{0,200}}?\b(?:data-(?:tier|gate|paywall|members?|visibility)\s*=
        |class\s*=\s*["']?(?:[^"'<>]{{0,100}}\s)?{_CLASSES}(?=["'\s>]))
    | \{{[{{%][<%]?-?\s*/?(?:end_?)?(?:{_NAMES}|{_WORDS})(?=[\s}}%>])[^{{}}\n]{{0,100}}\}}   # Hugo, Jekyll
    | \{{/\*\s*/?{_WORDS}{_ENDS}\s*\*/\}} | %%\s*/?{_WORDS}{_ENDS}\s*%%   # MDX, Obsidian
    | \[/{_PAIRS}\] | \[{_NAMES}[ ]+[\w-]{{1,40}}=[^\[\]\n]{{0,100}}\]   # WordPress
    )
    | ^(?:[ \t]*(?:\[{_PAIRS}\]|[-=*~_—–]{{2,20}}[ \t]*{_WORDS}[ \t]*[-=*~_—–]{{2,20}})[ \t]*$
    | [ \t]*(?=:{{0,20}}[：﹕︓∶꞉])[:：﹕︓∶꞉]{{3,20}}.{{0,40}}    # colons of other scripts
    | ::(?!:)[ \t]*{_NAMES}\b.{{0,40}})
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_HINTS = (
    *("gate", "paywall", "restrict", "member", "subscriber", "patron", "supporter", "paid", "premium", "lock", "data-"),
    *("[/hid", "[hid", "private", "log", "protected"),
    *"：﹕︓∶꞉",
)
"""One of them is in every mark; most texts have none, and need not be searched."""
_MOST = 100
"""Different marks in code that are accepted: each is looked for in the whole text."""
_CODE = re.compile(r"<pre\b.*?</pre>|<code\b.*?</code>", re.DOTALL)


def refuse_foreign_gates(body: str, first_line: int, to_html: Callable[[str], str]) -> None:
    """Reject a text with the mark of a gate that is none here, unless it stands in code.

    Args:
        first_line: the file's line at which the body begins.
        to_html: a Markdown parser that lets raw HTML through.

    Raises:
        Rejected: with the line of the mark.
    """
    lowered = body.lower()
    if not any(hint in lowered for hint in _HINTS):
        return
    marks = {found[0].strip(): found for found in _MARK.finditer(body)}
    if not marks:
        return
    code = html.unescape("\n".join(_CODE.findall(to_html(body))))
    for number, (mark, found) in enumerate(marks.items()):
        if number == _MOST or code.count(mark) < body.count(mark):
            raise Rejected(Kind.GATE_FOREIGN.at(body.count("\n", 0, _start(found)) + first_line, "gate"))


def _start(found: re.Match[str]) -> int:
    return found.start() + len(found[0]) - len(found[0].lstrip())
