"""Code in colours: each part of it in an element with a class, for which the theme has a colour.

Pygments is loaded only where there is such code. Some of its lexers take time that grows with the square of a text's length, or worse,
so only those are used that were tried with hostile code, and on little code.
"""

from __future__ import annotations

from collections import Counter
from html import escape

_LEXERS = {
    **{name: name for name in ("bash", "css", "diff", "docker", "go", "graphql", "html", "javascript", "json", "lua")},
    **{name: name for name in ("php", "powershell", "python", "rust", "sql", "swift", "toml", "typescript", "xml", "yaml")},
    "sh": "bash", "shell": "bash", "zsh": "bash", "patch": "diff", "dockerfile": "docker", "golang": "go", "js": "javascript",
    "jsx": "javascript", "mjs": "javascript", "ps1": "powershell", "py": "python", "python3": "python", "rs": "rust", "svg": "xml",
    "ts": "typescript", "yml": "yaml", "htm": "html", "xhtml": "html",
}  # fmt: skip
"""The lexer for each name of a language."""
LANGUAGES = tuple(sorted(set(_LEXERS.values())))
_MAX_BLOCK, _MAX_LINE, _MAX_CODE = 5_000, 400, 20_000
"""Characters of a block, of a line, and of all code of a text that get colours."""
_CLASSES = (
    ("Token.Comment.Preproc", "k"),
    ("Token.Comment", "c"),
    ("Token.Keyword", "k"),
    ("Token.Operator.Word", "k"),
    ("Token.Literal.Number", "m"),
    ("Token.Literal", "s"),
    ("Token.Name.Function", "n"),
    ("Token.Name.Class", "n"),
    ("Token.Name.Tag", "n"),
    ("Token.Name.Attribute", "n"),
    ("Token.Name.Builtin", "n"),
    ("Token.Name.Decorator", "n"),
    ("Token.Generic.Deleted", "d"),
    ("Token.Generic.Inserted", "i"),
    ("Token.Generic.Heading", "k"),
    ("Token.Generic.Subheading", "c"),
)
"""The class for each kind of token, by the beginning of its name."""


class Highlighter:
    """Colours the code of one text, as far as that is little."""

    def __init__(self) -> None:
        self._done: Counter[str] = Counter()

    def html(self, code: str, language: str, tier: str) -> str | None:
        """Return code as HTML with classes; None for code that stays plain.

        Args:
            tier: of the passage. What may be coloured is counted for each tier, so that none depends on the text of another.
        """
        lexer = _LEXERS.get(language.lower())
        if not lexer or len(code) > _MAX_BLOCK or self._done[tier] + len(code) > _MAX_CODE:
            return None
        if "\r" in code or max(map(len, code.split("\n"))) > _MAX_LINE:
            return None
        self._done[tier] += len(code)
        return _coloured(code, lexer)


def _coloured(code: str, lexer: str) -> str | None:
    from pygments.lexers import get_lexer_by_name

    parts: list[tuple[str, str]] = []
    for kind, value in get_lexer_by_name(lexer, stripnl=False, ensurenl=False).get_tokens(code):
        name = _class_of(str(kind)) if value.strip() else ""
        if parts and parts[-1][0] == name:
            parts[-1] = (name, parts[-1][1] + value)
        else:
            parts.append((name, value))
    if "".join(value for _, value in parts) != code:
        return None
    return "".join(
        f'<span class="h-{name}">{escape(value, quote=False)}</span>' if name else escape(value, quote=False)
        for name, value in parts
    )


def _class_of(kind: str) -> str:
    return next((name for prefix, name in _CLASSES if kind.startswith(prefix)), "")
