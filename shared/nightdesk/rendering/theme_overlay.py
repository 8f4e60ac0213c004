"""Overlays: a newsroom's few files merged with the default theme into one folder, a complete theme.

A file replaces the one of the same name, with three exceptions. Texts and design tokens are laid over the others one by one. A
template that is replaced can be extended under its name in `default/`: `{% extends "default/base.html" %}`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from nightdesk.rendering.environment import ASSETS, PAGES, ROOT, TEMPLATES
from nightdesk.rendering.texts import TEXTS, Message, read_messages
from nightdesk.rendering.tokens import Tokens, parse_tokens

DEFAULT = "default"
FOLDERS = (ASSETS, PAGES, ROOT, TEMPLATES, TEXTS)
_TOKENS = f"{ASSETS}/tokens.css"


def lay_over(overlay: Path, base: Path, target: Path) -> None:
    """Write a whole theme to a new folder.

    Args:
        overlay: the few files.
        base: the theme that has the others.

    Raises:
        FileNotFoundError: there is no overlay.
        ValueError: the overlay holds folders that no theme has, or tokens or texts that cannot be read.
    """
    check(overlay)
    shutil.copytree(base, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for folder in FOLDERS:
        for path in _files(overlay / folder):
            place = target / path.relative_to(overlay)
            place.parent.mkdir(parents=True, exist_ok=True)
            if folder == TEMPLATES and place.exists():
                original = target / TEMPLATES / DEFAULT / path.relative_to(overlay / TEMPLATES)
                original.parent.mkdir(parents=True, exist_ok=True)
                place.rename(original)
            shutil.copyfile(path, place)
    for path in _files(overlay / TEXTS):
        messages = {**read_messages(base, path.stem), **_read_texts(overlay, path)}
        (target / TEXTS / path.name).write_text(to_toml(messages), "utf-8")
    if (overlay / _TOKENS).is_file():
        tokens = _read_tokens(overlay / _TOKENS)
        (target / _TOKENS).write_text(tokens.over(_read_tokens(base / _TOKENS)).to_css(), "utf-8")


def check(overlay: Path) -> None:
    """Raise if a folder is no theme (see `lay_over`)."""
    if not overlay.is_dir():
        raise FileNotFoundError(f"{overlay}: there is no such folder")
    folders = sorted(path.name for path in overlay.iterdir() if path.is_dir() and not path.name.startswith("."))
    if unknown := [name for name in folders if name not in FOLDERS]:
        raise ValueError(f"{overlay / unknown[0]}: a theme has the folders {', '.join(FOLDERS)}, and no others")
    if not folders:
        raise ValueError(f"{overlay}: a theme has at least one of the folders {', '.join(FOLDERS)}")


def source_of(path: Path, target: Path, overlay: Path, base: Path) -> Path:
    """Return the file from which a file of the written theme was made: that of the overlay, if it has one."""
    name = path.relative_to(target)
    if name.is_relative_to(f"{TEMPLATES}/{DEFAULT}"):
        return base / TEMPLATES / name.relative_to(f"{TEMPLATES}/{DEFAULT}")
    return overlay / name if (overlay / name).is_file() else base / name


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _read_tokens(path: Path) -> Tokens:
    try:
        return parse_tokens(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _read_texts(overlay: Path, path: Path) -> dict[str, Message]:
    try:
        return read_messages(overlay, path.stem)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def to_toml(messages: Mapping[str, Message]) -> str:
    """Return a catalogue as `read_messages` reads it."""
    lines = []
    for key, message in messages.items():
        forms = {key: message} if isinstance(message, str) else {f"{key}.{form}": m for form, m in message.items()}
        # A string of JSON is one of TOML too, as long as it escapes no characters beyond the basic plane.
        lines += [f"{name} = {json.dumps(text, ensure_ascii=False)}" for name, text in forms.items()]
    return "\n".join([*lines, ""])
