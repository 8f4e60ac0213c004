"""Figures of Nightdesk: written as the shortcode `figure`, which Hugo knows, and read again from an exported folder."""

from __future__ import annotations

import re
from collections.abc import Callable

from nightdesk.domain.passages import Passage

_ATTRIBUTE = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^\s"]+)')
_PLAIN = re.compile(r"[\w.-]+", re.ASCII)


def figures_as_shortcodes(passage: Passage, escape: Callable[[str], str]) -> str:
    """Return the source of a passage with its figures as shortcodes.

    Args:
        escape: is applied to everything else.
    """
    lines, parts, done = passage.source.split("\n"), [], 0
    for figure in passage.figures:
        start = figure.line - passage.line
        parts += [escape("\n".join(lines[done:start]))] if done < start else []
        values = (
            _quoted("attr" if name == "credit" else name, value) for name, value in _ATTRIBUTE.findall(lines[start])
        )
        parts.append(f"{{{{< figure {' '.join(values)} >}}}}")
        done = figure.end - passage.line + 1
    parts += [escape("\n".join(lines[done:]))] if done < len(lines) else []
    return "\n".join(parts)


def _quoted(name: str, value: str) -> str:
    return f"{name}={value}" if value.startswith('"') or _PLAIN.fullmatch(value) else f'{name}="{value}"'


def shortcode_as_figure(parameters: str) -> str:
    """Return the two lines of a figure, from the parameters of the shortcode that was made of it."""
    found = _ATTRIBUTE.findall(parameters)
    values = (f"{'credit' if name == 'attr' else name}={value}" for name, value in found)
    return f"::: figure {' '.join(values)}\n:::"
