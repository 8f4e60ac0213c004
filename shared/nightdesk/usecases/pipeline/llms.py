"""`/llms.txt` (llmstxt.org): what the site is and where its parts are, in Markdown, for those who read it with a machine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from nightdesk.domain.profiles import parse_profile
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import LLMS_PATH
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.site_files import LlmsContents, llms_txt
from nightdesk.repositories import articles_table, list_records
from nightdesk.repositories.private_bucket import facts_from, profile_ids, profile_key
from nightdesk.usecases.pipeline.converge import converge, store_or_remove
from nightdesk.usecases.pipeline.list_outputs import TEXT, machine_file
from nightdesk.usecases.pipeline.places import kind_of, list_path

_NEWEST = 30
"""Articles at most, so that the file costs the same whatever the archive holds."""


class _Inputs(NamedTuple):
    newest: list[dict[str, Any]]
    sections: list[tuple[str, str, str]]
    pages: list[tuple[str, str]]


class LlmsFile:
    """The file, as one run of the index stage keeps it.

    Where the settings ask for no file, a run does not read whether there is one, so a site without it makes no more calls. The run
    after a change of the settings removes it.

    Args:
        removes: whether to remove a file for which the settings do not ask.
    """

    def __init__(self, ports: Ports, theme: Theme, removes: bool = False) -> None:
        self._ports = ports
        self._theme = theme
        self._removes = removes

    def refresh(self, site: Site) -> None:
        """Make the file match the newest articles, the topics and the standing pages.

        Only public facts are read, and what they show is what lists show. No cache holds it.

        Args:
            site: the settings. The caller must check afterwards that they have not changed.
        """

        def apply(inputs: _Inputs | None) -> tuple[None, bool]:
            text = llms_txt(self._theme, site, LlmsContents(*inputs)) if inputs else ""
            return None, store_or_remove([machine_file(LLMS_PATH, text, TEXT)], self._ports)

        if site.llms or self._removes:
            self._removes = True  # what this run wrote, it removes if the settings change meanwhile
            converge(lambda: _read(site, self._ports, self._theme) if site.llms else None, apply)


def _read(site: Site, ports: Ports, theme: Theme) -> _Inputs:
    defaults = theme.pages(site)
    newest = [entry.card for entry in articles_table.newest(ports.articles, "all", _NEWEST)]
    summaries = [found for found in list_records.summaries(ports.articles) if kind_of(found[0]) == "topic"]
    sections = [(summary.label, list_path(name), summary.note) for name, summary in summaries if summary.articles]
    identifiers = sorted({*profile_ids("page", ports), *defaults})
    names = ports.in_parallel(lambda each: _page_name(each, ports, defaults), identifiers)
    return _Inputs(newest, sections, [(name, f"/{each}/") for name, each in zip(names, identifiers, strict=True)])


def _page_name(identifier: str, ports: Ports, defaults: Mapping[str, bytes]) -> str:
    blob = ports.private.get(profile_key("page", identifier))
    return str(facts_from(blob.body)["name"]) if blob else _name_in(defaults[identifier], identifier)


@lru_cache(maxsize=64)
def _name_in(page: bytes, identifier: str) -> str:
    return parse_profile(page, "page", identifier).name
