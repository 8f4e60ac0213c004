"""Refreshes after a change of a profile, a whole list, or the settings or the theme. Each sends its events."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nightdesk.domain.events import Event, PagesWritten, RelistRequested
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import (
    CODE_PATH,
    MANIFEST_PATH,
    PAGES_TAG,
    ROBOTS_PATH,
    SEARCH_PATH,
    SECURITY_PATH,
    SIGN_IN_PATH,
    THANKS_PATH,
    indexnow_key,
    key_of,
)
from nightdesk.ports import Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.site_files import robots_txt, security_txt, web_manifest
from nightdesk.rendering.standing_pages import (
    code_html,
    gone_html,
    not_found_html,
    search_html,
    sign_in_html,
    thanks_html,
)
from nightdesk.repositories import list_records
from nightdesk.repositories.private_bucket import ASSET_CACHE, HTML, IMAGE_TYPES, load_site, profile_ids
from nightdesk.usecases.pipeline.converge import converge, store, store_or_remove
from nightdesk.usecases.pipeline.list_outputs import LIST_CACHE, TEXT, site_page
from nightdesk.usecases.pipeline.lists import refresh_directories, refresh_list
from nightdesk.usecases.pipeline.llms import LlmsFile
from nightdesk.usecases.pipeline.places import LIST_FOLDERS, kind_of
from nightdesk.usecases.pipeline.standing_pages import refresh_corrections, refresh_standing_page

_ERROR_CACHE = "public, max-age=0, s-maxage=60"
_CONTENT_TYPES = {
    **IMAGE_TYPES,
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".woff2": "font/woff2",
}


def refresh_profile(kind: str, identifier: str, ports: Ports, theme: Theme) -> None:
    """Make the pages of an author, of a topic, or a standing page match the profile. An author may be named on the process page."""
    if kind == "page":
        _refresh(lambda site: refresh_standing_page(identifier, site, ports, theme), ports, LlmsFile(ports, theme))
    else:
        process = ["process"] if kind == "author" else []

        def pages(site: Site) -> list[str]:
            paths = _whole_list(f"{kind}:{identifier}", site, ports, theme)
            return paths + [path for name in process for path in refresh_standing_page(name, site, ports, theme)]

        _refresh(pages, ports, LlmsFile(ports, theme))


def refresh_whole_list(name: str, ports: Ports, theme: Theme, bulk: str = "") -> None:
    """Make all pages of a list match its entries.

    Args:
        bulk: the cache tag that all affected pages share, if one change affects many.
    """
    _refresh(lambda site: _whole_list(name, site, ports, theme), ports, LlmsFile(ports, theme), bulk=bulk)


def _whole_list(name: str, site: Site, ports: Ports, theme: Theme) -> list[str]:
    paths = refresh_list(name, None, site, ports, theme)
    return [*paths, *refresh_directories(site, ports, theme)] if kind_of(name) in LIST_FOLDERS else paths


def refresh_site(ports: Ports, theme: Theme, each_list: bool = True) -> None:
    """Make everything that depends only on the settings and the theme match them.

    Args:
        each_list: whether to request all pages of every list as well.
    """
    _store_assets(ports, theme)
    names = ["all", *list_records.lists(ports.articles)] if each_list else []
    # Always in bulk, because a few lists may have hundreds of months.
    bulk = PAGES_TAG if each_list else ""
    # These are few, so they do not have that tag.
    key = indexnow_key(load_site(ports).base_url)
    paths = [ROBOTS_PATH, SECURITY_PATH, MANIFEST_PATH, f"/{key}.txt", *(f"/{name}" for name in theme.root)]
    events = [PagesWritten(paths), *(RelistRequested(name, bulk) for name in names)]
    llms = LlmsFile(ports, theme, removes=True)
    _refresh(lambda site: _refresh_fixed_pages(site, ports, theme), ports, llms, events, bulk)


def _refresh(
    refresh_pages: Callable[[Site], list[str]],
    ports: Ports,
    llms: LlmsFile,
    events: Sequence[Event] = (),
    bulk: str = "",
) -> None:
    """Refresh pages, again if the settings changed meanwhile, and send `PagesWritten` and other events."""

    def apply(site: Site) -> tuple[list[str], bool]:
        pages = refresh_pages(site)
        llms.refresh(site)
        return pages, True

    paths = converge(lambda: load_site(ports), apply).value
    # Sitemaps alone have no paths, because no cache holds them.
    ports.bus.emit([*([PagesWritten(paths, bulk)] if paths else []), *events])


def _store_assets(ports: Ports, theme: Theme) -> None:
    for key, body in theme.assets.values():
        store(ports.site, Output(key, body, _content_type(key), ASSET_CACHE))


def _content_type(name: str) -> str:
    return _CONTENT_TYPES.get("." + name.rpartition(".")[2], "application/octet-stream")


def _refresh_fixed_pages(site: Site, ports: Ports, theme: Theme) -> list[str]:
    """Make the pages that every site has match the settings and the theme. Returns their paths."""
    _store_error_pages_and_root_files(site, ports, theme)
    paths = _refresh_service_pages(site, ports, theme)
    paths += refresh_list("all", (), site, ports, theme)
    paths.append(refresh_corrections(site, ports, theme))
    for identifier in sorted({*profile_ids("page", ports), *theme.pages(site)} - {"corrections"}):
        paths += refresh_standing_page(identifier, site, ports, theme)
    return paths + refresh_directories(site, ports, theme)


def _store_error_pages_and_root_files(site: Site, ports: Ports, theme: Theme) -> None:
    for code, text in (("404", not_found_html(theme, site)), ("410", gone_html(theme, site))):
        store(ports.site, Output(f"~errors/{code}.html", text.encode(), HTML, _ERROR_CACHE))
    key = indexnow_key(site.base_url)
    files = {
        ROBOTS_PATH: (robots_txt(site), TEXT),
        SECURITY_PATH: (security_txt(site), TEXT),
        MANIFEST_PATH: (web_manifest(theme, site), "application/manifest+json"),
        f"/{key}.txt": (key if site.indexnow else "", TEXT),
    }
    outputs = [Output(key_of(path), text.encode(), kind, LIST_CACHE) for path, (text, kind) in files.items()]
    store_or_remove(outputs, ports)
    for name, body in theme.root.items():
        store(ports.site, Output(name, body, _content_type(name), LIST_CACHE))


def _refresh_service_pages(site: Site, ports: Ports, theme: Theme) -> list[str]:
    sells = bool(site.offers or site.contributions)
    pages = {
        SIGN_IN_PATH: sign_in_html(theme, site, ports.can_sign_in),
        CODE_PATH: code_html(theme, site, ports.can_sign_in),
        THANKS_PATH: thanks_html(theme, site) if sells else "",
        SEARCH_PATH: search_html(theme, site),
    }
    store_or_remove([site_page(path, text) for path, text in pages.items()], ports)
    return list(pages)
