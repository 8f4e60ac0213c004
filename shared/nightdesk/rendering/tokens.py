"""Design tokens: the colours, fonts and measures of a theme, in one file.

`static/tokens.css` sets them as custom properties of CSS, and holds nothing else:

    :root { --bg: #fff; --serif: Georgia, serif }
    @media (prefers-color-scheme: dark) { :root { --bg: #111 } }

In the dark scheme, a token that is not set again has the value of the light one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_DARK = re.compile(r"@media\s*\(\s*prefers-color-scheme:\s*dark\s*\)\s*\{\s*:root\s*\{([^{}]*)\}\s*\}")
_LIGHT = re.compile(r":root\s*\{([^{}]*)\}")
_TOKEN = re.compile(r"--([a-z][a-z0-9-]*)\s*:\s*(\S.*)", re.DOTALL)


class Tokens(NamedTuple):
    """The tokens of a theme by name, without the leading dashes; `dark` has those that the dark scheme sets again."""

    light: Mapping[str, str]
    dark: Mapping[str, str]

    def value(self, name: str, dark: bool = False) -> str:
        """Return a token's value.

        Raises:
            KeyError: the theme has no such token.
        """
        return self.dark[name] if dark and name in self.dark else self.light[name]

    def over(self, base: Tokens) -> Tokens:
        """Return another theme's tokens with these in their place."""
        return Tokens({**base.light, **self.light}, {**base.dark, **self.dark})

    def to_css(self) -> str:
        """Return the file that sets them."""
        return (
            f":root {{{_lines(self.light)}}}\n@media (prefers-color-scheme: dark) {{ :root {{{_lines(self.dark)}}} }}\n"
        )


NO_TOKENS = Tokens({}, {})


def parse_tokens(css: str) -> Tokens:
    """Return the tokens that a file sets.

    Raises:
        ValueError: it holds anything else.
    """
    text = _COMMENT.sub("", css)
    dark = [block for match in _DARK.finditer(text) for block in match.groups()]
    text = _DARK.sub("", text)
    light = [block for match in _LIGHT.finditer(text) for block in match.groups()]
    if rest := _LIGHT.sub("", text).strip():
        raise ValueError(
            f"only :root may be there, and :root for the dark scheme; write other rules in theme.css: {rest[:60]}"
        )
    return Tokens(_tokens(light), _tokens(dark))


def _tokens(blocks: list[str]) -> dict[str, str]:
    found = {}
    for line in (line.strip() for block in blocks for line in block.split(";")):
        match = _TOKEN.fullmatch(line)
        if line and not match:
            raise ValueError(f"a token is a custom property, such as --bg: #fff; this is none: {line[:60]}")
        if match:
            found[match[1]] = " ".join(match[2].split())
    return found


def _lines(tokens: Mapping[str, str]) -> str:
    return "; ".join(f"--{name}: {value}" for name, value in tokens.items())
