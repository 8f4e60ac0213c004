"""The languages in which the theme of a function's layers speaks to readers."""

from __future__ import annotations

from nightdesk.entrypoints.settings import Settings
from nightdesk.rendering.texts import find_theme_directory, languages_of


def theme_languages(settings: Settings) -> tuple[str, ...]:
    """Return the languages of the theme. Their catalogues are not loaded.

    Raises:
        FileNotFoundError: no theme layer is attached.
    """
    return languages_of(find_theme_directory(settings.theme_dir))
