"""The words that readers see: one catalogue of messages for each language, kept in the theme.

A catalogue is the file `texts/<language>.toml` of a theme. Its tables group messages by page, and a message is known by its
table and its name: `corrections` in `[article]` has the key `article.corrections`. In a message,

- `{name}` is replaced with the value of that name;
- a table of plural forms (`one`, `other`: the categories of the Unicode CLDR) stands for a message about a number of things,
  which is passed as `count`;
- a name that ends in `_html` marks HTML. Values are escaped in it unless they are `Markup`. Every other message is plain text.

A built theme holds the catalogue as JSON as well, since parsing TOML takes longer than everything else that a cold function does
with a theme.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

TEXTS = "texts"
LANGUAGE = "en"
_HTML = "_html"
Message = str | Mapping[str, str]


class Catalogue:
    """The messages of one language, by key."""

    def __init__(self, messages: Mapping[str, Message]) -> None:
        self.messages = {
            key: _as_html(message) if key.endswith(_HTML) else message for key, message in messages.items()
        }

    @property
    def digest(self) -> str:
        """The SHA-256 of all messages, in hexadecimal."""
        return hashlib.sha256(json.dumps(self.messages, sort_keys=True).encode()).hexdigest()

    def __call__(self, key: str, **values: object) -> str:
        """Return a message with values in place of its placeholders; `Markup` for a key that ends in `_html`.

        Raises:
            KeyError: the catalogue has no such message, or the message has a placeholder that got no value.
        """
        message = self.messages[key]
        if not isinstance(message, str):
            message = message["one" if values["count"] == 1 else "other"]
        if not values:
            return message
        if isinstance(message, Markup):  # escaped here, since Markup's own format is several times slower
            return Markup(str.format(message, **{name: escape(value) for name, value in values.items()}))
        return message.format(**values)


def _as_html(message: Message) -> Message:
    if isinstance(message, str):
        return Markup(message)
    return {form: Markup(text) for form, text in message.items()}


def read_messages(theme: Path, language: str = LANGUAGE) -> dict[str, Message]:
    """Return the messages of a theme's catalogue by key; none for a theme without one."""
    path = theme / TEXTS / f"{language}.toml"
    if not path.is_file():
        return {}
    import tomllib  # a built theme has no need of it

    return dict(_flatten(tomllib.loads(path.read_text("utf-8"))))


def _flatten(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Message]]:
    for name, value in tables.items():
        if isinstance(value, str) or "other" in value:
            yield prefix + name, value
        else:
            yield from _flatten(value, f"{prefix}{name}.")


def compile_texts(theme: Path, target: Path) -> None:
    """Write each catalogue of a theme to the directory `target` as JSON."""
    for path in (theme / TEXTS).glob("*.toml"):
        messages = read_messages(theme, path.stem)
        (target / f"{path.stem}.json").write_text(json.dumps(messages, ensure_ascii=False), "utf-8")


@cache
def load_catalogue(theme: Path, compiled: Path, language: str = LANGUAGE) -> Catalogue:
    """Return a theme's catalogue, from the directory `compiled` if it is there."""
    path = compiled / f"{language}.json"
    return Catalogue(json.loads(path.read_bytes()) if path.is_file() else read_messages(theme, language))
