"""The words that readers see: one catalogue of messages for each language, kept in the theme.

A catalogue is the file `texts/<language>.toml` of a theme. Its tables group messages by page, and a message is known by its
table and its name: `corrections` in `[article]` has the key `article.corrections`. In a message,

- `{name}` is replaced with the value of that name;
- a table of plural forms (the categories of the Unicode CLDR, such as `one` and `other`) stands for a message about a number of
  things, which is passed as `count`. The table `[plural]` has the language's rules (see `plurals`);
- a name that ends in `_html` marks HTML. Values are escaped in it unless they are `Markup`. Every other message is plain text.

A language has the catalogue of its own tag, else that of its base language, else the English one; so does a message that a catalogue
lacks. A built theme holds the catalogues as JSON as well, since parsing TOML takes longer than everything else that a cold function
does with a theme.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from nightdesk.domain.languages import best_match
from nightdesk.rendering.plurals import CATEGORIES, plural_category

TEXTS = "texts"
COMPILED = "compiled"
LANGUAGE = "en"
_HTML, _PLURAL = "_html", "plural."
Message = str | Mapping[str, str]


class Catalogue:
    """The messages of one language, by key.

    Args:
        language: whose catalogue it is.
    """

    def __init__(self, messages: Mapping[str, Message], language: str = LANGUAGE) -> None:
        self.language = language
        self.messages = {
            key: _as_html(message) if key.endswith(_HTML) else message for key, message in messages.items()
        }
        self._rules = {
            key.removeprefix(_PLURAL): rule
            for key, rule in self.messages.items()
            if key.startswith(_PLURAL) and isinstance(rule, str)
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
            message = message.get(self.category(int(str(values["count"])))) or message["other"]
        if not values:
            return message
        if isinstance(message, Markup):  # escaped here, since Markup's own format is several times slower
            return Markup(str.format(message, **{name: escape(value) for name, value in values.items()}))
        return message.format(**values)

    def category(self, number: int) -> str:
        """Return the plural category of a number."""
        return plural_category(self._rules, number)

    def forms(self, key: str) -> dict[str, str]:
        """Return the plural forms of a message, for a script."""
        message = self.messages[key]
        return {"other": message} if isinstance(message, str) else dict(message)

    def has(self, key: str) -> bool:
        """Return True if there is a message with this key."""
        return key in self.messages


def _as_html(message: Message) -> Message:
    if isinstance(message, str):
        return Markup(message)
    return {form: Markup(text) for form, text in message.items()}


def languages_of(theme: Path) -> tuple[str, ...]:
    """Return the languages for which a theme has catalogues."""
    found = [path.stem for path in (theme / TEXTS).glob("*.toml")]
    return tuple(sorted({*found, *(path.stem for path in (theme / COMPILED).glob("*.json"))}))


def read_messages(theme: Path, language: str = LANGUAGE) -> dict[str, Message]:
    """Return the messages of a theme's catalogue by key; none for a theme without one."""
    path = theme / TEXTS / f"{language}.toml"
    if not path.is_file():
        return {}
    import tomllib  # a built theme has no need of it

    return dict(_flatten(tomllib.loads(path.read_text("utf-8"))))


def _flatten(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Message]]:
    for name, value in tables.items():
        if isinstance(value, str) or ("other" in value and value.keys() <= {*CATEGORIES}):
            yield prefix + name, value
        else:
            yield from _flatten(value, f"{prefix}{name}.")


def _complete(theme: Path, language: str) -> dict[str, Message]:
    """Return the messages of a catalogue; those that it lacks in English. Plural rules are its own alone."""
    found = read_messages(theme, language)
    spare = {} if language == LANGUAGE else read_messages(theme)
    return {key: message for key, message in spare.items() if not key.startswith(_PLURAL)} | found


def compile_texts(theme: Path, target: Path) -> None:
    """Write each catalogue of a theme to the directory `target` as JSON."""
    for path in (theme / TEXTS).glob("*.toml"):
        messages = _complete(theme, path.stem)
        (target / f"{path.stem}.json").write_text(json.dumps(messages, ensure_ascii=False), "utf-8")


@cache
def load_catalogue(theme: Path, language: str = LANGUAGE) -> Catalogue:
    """Return the catalogue of a theme that suits a language best, as it was compiled if it was."""
    found = best_match(language, languages_of(theme)) or LANGUAGE
    path = theme / COMPILED / f"{found}.json"
    return Catalogue(json.loads(path.read_bytes()) if path.is_file() else _complete(theme, found), found)


def find_theme_directory(directory: str = "") -> Path:
    """Return `directory` if it holds a theme, or else that of the theme in this function's layers.

    AWS mounts layers at /opt. Elsewhere, a theme is next to its layer's `python` folder, which is on the import path.

    Raises:
        FileNotFoundError: no theme layer is attached.
    """
    for candidate in [directory, "/opt/theme", *(str(Path(entry).parent / "theme") for entry in sys.path)]:
        if candidate and (Path(candidate) / TEXTS).is_dir():
            return Path(candidate)
    raise FileNotFoundError("no theme layer is attached")
