"""Menus: which of their links leads to where the reader is."""

from __future__ import annotations

from collections.abc import Sequence

from nightdesk.rendering.contexts import Head, Link

PAGE, SECTION = "page", "true"
"""Values of `aria-current`: the link leads to this very page, or to a section that the page belongs to (WAI-ARIA 1.2)."""
_NOWHERE = ("", "")


def current_link(links: Sequence[Link], head: Head, base_url: str) -> tuple[str, str]:
    """Return the address of the link that leads to a page or to its section, and the value of its `aria-current`.

    A page belongs to the sections whose paths its own path begins with, and an article to its first topic. The nearest
    section counts. Both values are empty if there is none.
    """
    if not head.canonical:
        return _NOWHERE
    path = _path(head.canonical, base_url)
    paths = {_path(link.url, base_url): link.url for link in links}
    if path in paths:
        return paths[path], PAGE
    sections = [each for each in paths if each == head.section or _contains(each, path)]
    return (paths[max(sections, key=len)], SECTION) if sections else _NOWHERE


def _path(url: str, base_url: str) -> str:
    """Return the path of a page of this site, which may have been typed as a whole address."""
    return url.removeprefix(base_url) or "/"


def _contains(section: str, path: str) -> bool:
    return len(section) > 1 and section[0] == section[-1] == "/" and path.startswith(section)
