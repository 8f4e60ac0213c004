"""Settings and files of data of sites, as plain values."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

from nightdesk.domain.errors import Permanent, Rejected

from .archives import Archive, ImportRefused, decode_text
from .front_matter import plain_value, plain_yaml


def read_config(archive: Archive, name: str) -> dict[str, Any]:
    """Return a configuration in TOML, YAML or JSON, its keys in lower case, its numbers and flags as texts.

    Raises:
        ImportRefused: it does not parse.
    """
    text = decode_text(archive.read(name), name)
    try:
        values = tomllib.loads(text) if name.endswith("toml") else plain_yaml(text)
    except (ValueError, RecursionError, Rejected) as error:
        raise ImportRefused(f"{name}: the configuration does not parse") from error
    return {key.lower(): value for key, value in plain_value(values).items()}


def data_values(archive: Archive, folder: str) -> dict[str, Any]:
    """Return the values of a folder of data, by folders and by the names of their files; what does not parse is left out."""
    values: dict[str, Any] = {}
    for name in archive.under(folder):
        if name.endswith((".yml", ".yaml", ".json", ".toml")):
            *folders, file_name = name.removeprefix(f"{folder}/").split("/")
            with suppress(Permanent):
                place = values
                for each in folders:
                    place = place.setdefault(each, {})
                place[PurePosixPath(file_name).stem] = read_config(archive, name)
    return values
