"""Standing pages, the page of corrections, and old addresses: each made to match its file and the table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from nightdesk.domain.old_addresses import OLD_PREFIX, is_plain, slug_of_address
from nightdesk.domain.path_owners import PAGES, owner_of
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import PROCESS_PATH, key_of
from nightdesk.ports import Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.list_pages import corrections_html
from nightdesk.rendering.process_contexts import Process
from nightdesk.rendering.standing_pages import StandingPage, page_html, process_of
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import HTML, facts_from, profile_ids, profile_key
from nightdesk.usecases.pipeline.converge import store_or_remove
from nightdesk.usecases.pipeline.list_outputs import LIST_CACHE, site_page
from nightdesk.usecases.pipeline.places import AI_ROLES, turn_of
from nightdesk.usecases.pipeline.turns import Converge, in_turn

_SHOWN_CORRECTIONS = 200
_ARTICLES_WITH_ROLES = 200
"""How many of the newest articles that name roles of AI count for the page that says what these are."""
_FORMS = frozenset(("newsletter", "membership", "process"))
"""Standing pages that end with the form of the same name."""
Facts = Mapping[str, Any]


def refresh_standing_page(identifier: str, site: Site, ports: Ports, theme: Theme) -> list[str]:
    """Make a standing page match its file, or the theme's default for it. Returns the paths that may have changed."""
    return refresh_address(f"/{identifier}/", site, ports, theme)


def refresh_corrections(site: Site, ports: Ports, theme: Theme, run: Converge | None = None) -> str:
    """Make the page of corrections match its entries and its standing page. Returns the path."""
    path = "/corrections/"

    def read() -> tuple[list[dict[str, Any]], Facts | None]:
        entries = articles_table.newest(ports.articles, "corrections", _SHOWN_CORRECTIONS)
        return [entry.card for entry in entries], _load_page("corrections", site, ports, theme)

    def apply(inputs: tuple[list[dict[str, Any]], Facts | None]) -> tuple[None, bool]:
        cards, page = inputs
        heading, intro = (page["name"], page["body"]) if page else ("", "")
        html = corrections_html(theme, site, heading, intro, cards)
        return None, store_or_remove([site_page(path, html)], ports)

    (run or in_turn("corrections", ports))(read, apply)
    return path


def refresh_address(path: str, site: Site, ports: Ports, theme: Theme, run: Converge | None = None) -> list[str]:
    """Make an address outside the lists match what it is for: a standing page, else a redirect to the article that had
    the address, else nothing. What another part of the site owns stays as it is.

    Requests that spell the address otherwise than this site spells paths get the object below `/~old/`, which only ever
    redirects.

    Returns:
        The paths that may have changed.
    """
    if path == "/corrections/":
        return [refresh_corrections(site, ports, theme, run)]
    if owner_of(path) not in ("", PAGES):
        return []
    identifier = path.strip("/")
    plain = [path] if is_plain(path) else []
    other = path if path.startswith(f"{OLD_PREFIX}/") else OLD_PREFIX + path

    def read() -> tuple[Facts | None, list[str], Process | None]:
        page = _load_page(identifier, site, ports, theme) if plain and "/" not in identifier else None
        entries = articles_table.entries(ports.articles, f"alias:{path}", "", 1)
        process = process_of(site, _load_authors(ports), _roles(ports)) if path == PROCESS_PATH and page else None
        return page, [entry.card["slug"] for entry in entries], process

    def make(page: Facts | None, slugs: list[str], process: Process | None) -> list[Output]:
        if page:
            form = identifier if identifier in _FORMS else ""
            standing = StandingPage(page["name"], path, page["body"], form, ports.can_sign_in, process=process)
            return [site_page(path, page_html(theme, site, standing)), site_page(other, "")]
        if slugs:
            # Who has the slug in an address of the form /articles/<slug>/ is decided there.
            target = slug_of_address(other.removeprefix(OLD_PREFIX)) or slugs[0]
            metadata = {"status": "301", "location": f"/articles/{target}/"}
            return [Output(key_of(each), b"Moved\n", HTML, LIST_CACHE, metadata) for each in (*plain, other)]
        return [site_page(each, "") for each in (*plain, other)]

    (run or in_turn(turn_of(f"alias:{path}"), ports))(
        read, lambda inputs: (None, store_or_remove(make(*inputs), ports))
    )
    return [*plain, other]


def _load_authors(ports: Ports) -> list[dict[str, Any]]:
    """Return the facts of all authors with profiles."""
    blobs = (ports.private.get(profile_key("author", each)) for each in profile_ids("author", ports))
    return [dict(facts_from(blob.body)) for blob in blobs if blob]


def _roles(ports: Ports) -> list[list[str]]:
    """Return the roles of AI that each of the newest articles names."""
    return [entry.card["roles"] for entry in articles_table.newest(ports.articles, AI_ROLES, _ARTICLES_WITH_ROLES)]


def _load_page(identifier: str, site: Site, ports: Ports, theme: Theme) -> Facts | None:
    """Return the facts of a standing page: the newsroom's, else the theme's default in the site's language, else None."""
    blob = ports.private.get(profile_key("page", identifier))
    if blob:
        return facts_from(blob.body)
    default = theme.pages(site).get(identifier)
    return None if default is None else _default_facts(default, identifier)


@lru_cache(maxsize=64)
def _default_facts(default: bytes, identifier: str) -> Facts:
    """Return the facts of a page of the theme's, read-only. Every refresh of the site asks for the same few."""
    # Imported here because only changes of the settings or the theme need it, and the Markdown parser is slow to load.
    from nightdesk.domain.profiles import parse_profile
    from nightdesk.rendering.markdown import render_plain

    profile = parse_profile(default, "page", identifier)
    body = render_plain(profile.body, lambda _: None, lambda url: url)
    return MappingProxyType({"name": profile.name, "body": body})
