"""What looks like a gate and is none: marks of other systems, and mistyped directives. They would show what their author hides."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from nightdesk.domain.errors import Rejected
from nightdesk.domain.problems import Kind

_NAMES = r"(?:gate|paywall|restrict|(?:members?|subscribers?|paid)[-_ ]?only)"
_MARK = re.compile(
    rf"""
    <!--\s*/?{_NAMES}\b[^<>]{{0,100}}-->                            # Ghost, Substack
    | (?<!\\)</?(?:gate|paywall)\b[^<>]{{0,100}}>
    | \{{[{{%][<%]?\s*/?{_NAMES}(?=[\s}}%>])[^{{}}\n]{{0,100}}\}}   # Hugo, Jekyll
    | \[/{_NAMES}\] | \[{_NAMES}[ ]+[\w-]{{1,40}}=[^\[\]\n]{{0,100}}\]   # WordPress
    | ^[ \t]*(?=:{{0,20}}[：﹕︓∶꞉])[:：﹕︓∶꞉]{{3,20}}.{{0,40}}    # colons of other scripts
    | ^::(?!:)[ \t]*{_NAMES}\b.{{0,40}}
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_HINTS = ("gate", "paywall", "restrict", "member", "subscriber", "paid", *"：﹕︓∶꞉")
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
