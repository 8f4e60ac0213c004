"""Reconcile lists, a slice at a time: their entries with the records of articles, and their pages with their entries."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial

from nightdesk.domain.site_paths import RECENT_SEARCH_PATH, SEARCH_ARCHIVE, is_uncached, key_of, path_of
from nightdesk.ports import ObjectVersion, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table, list_records
from nightdesk.repositories.private_bucket import IMAGE_TYPES, load_site
from nightdesk.usecases.pipeline.lists import refresh_list
from nightdesk.usecases.pipeline.places import AI_ROLES, LEADS, LIST_FOLDERS, kind_of, list_of_path, list_path
from nightdesk.usecases.pipeline.reconcile_articles import is_gone_or_moved, known_lists, stale_paths
from nightdesk.usecases.pipeline.reconciled import LISTED, Differences, Slice, merged
from nightdesk.usecases.pipeline.site_refresh import refresh_site
from nightdesk.usecases.pipeline.standing_pages import refresh_address
from nightdesk.usecases.pipeline.trials import Trial, holds, md5_of, read_once, trial_of

_NOT_COMPARED = ("updates/", "assets/", "~errors/", "openapi.json", SEARCH_ARCHIVE, key_of(RECENT_SEARCH_PATH))
"""The ticker, whose table is its own source; files of earlier themes; pages without an address; and the API's description,
which only a built theme has; and what the search stage makes, every night too."""
_MONTHS = 12
"""Pages of months that one trial makes."""
_TRIALS = 24
"""Trials of one slice."""
_OBJECTS = 1000
_MOVED = md5_of(b"Moved\n")
"""The ETag of redirects, which are compared with the articles to which they lead, or come from the site's past."""
_PAGES_OF_LISTS = re.compile(
    r"(topics|authors)/[a-z0-9-]+/(index\.html|feed\.xml|\d{4}/\d\d/index\.html)"
    r"|archive/\d{4}/\d\d/index\.html|sitemap/\d{4}-\d\d\.xml"
)
_MONTH_PAGE = re.compile(r".*/(\d{4})[/-](\d\d)(/index\.html|\.xml)")


def compare_entries(after: str, ports: Ports) -> Slice:
    """Find entries that the records of their articles do not name, and those of months that their list does not know."""
    names = ["all", "corrections", AI_ROLES, LEADS, *sorted(known_lists(ports))]
    name, _, begin = after.partition(" ")
    place = names.index(name) if name in names else 0
    found: list[Differences] = []
    for number, name in enumerate(names[place:], place):
        page = articles_table.entries(ports.articles, name, begin if number == place else "", LISTED)
        found.append(_wrong_entries(name, page, ports))
        if len(page) == LISTED:
            return Slice(merged(found), f"{name} {page[-1].sort_key}")
        if number - place == LISTED and number + 1 < len(names):
            return Slice(merged(found), f"{names[number + 1]} ")
    return Slice(merged(found), None)


def _wrong_entries(name: str, page: Sequence[articles_table.ListEntry], ports: Ports) -> Differences:
    slugs = sorted({articles_table.slug_of(f"{name} {entry.sort_key}") for entry in page})
    records = dict(zip(slugs, articles_table.article_records(ports.articles, slugs), strict=True))
    has_months = name == "all" or kind_of(name) in LIST_FOLDERS
    months = list_records.months(ports.articles, name) if has_months and page else {}
    wrong = []
    for place in (f"{name} {entry.sort_key}" for entry in page):
        slug, month = articles_table.slug_of(place), articles_table.month_of(articles_table.split_entry(place)[1])
        record = records[slug]
        if record and (place not in record.places or (has_months and month not in months)):
            wrong.append((slug, (place,)))
    return merged(Differences(entries=(each,)) for each in wrong)


def compare_lists(after: str, ports: Ports, theme: Theme) -> Slice:
    """Compare the pages and feeds of lists with what their entries give, some months at a time."""
    names = ["all", *sorted(known_lists(ports))]
    name, _, month = after.partition(" ")
    place = names.index(name) if name in names else 0
    shared, tasks, following = read_once(ports), list[tuple[str, tuple[str, ...]]](), None
    for number, name in enumerate(names[place:], place):
        months = [each for each in _months(name, ports, shared) if number > place or each > month]
        groups = [tuple(months[start : start + _MONTHS]) for start in range(0, len(months), _MONTHS)] or [()]
        left = _TRIALS - len(tasks)
        tasks += [(name, group) for group in groups[:left]]
        if len(groups) > left:
            following = f"{name} {tasks[-1][1][-1]}" if left else f"{name} "
            break
        if len(groups) == left and number + 1 < len(names):
            following = f"{names[number + 1]} "
            break
    found = ports.in_parallel(partial(_try_list, shared=shared, ports=ports, theme=theme), tasks)
    return Slice(merged(found), following)


def _months(name: str, ports: Ports, shared: Ports) -> list[str]:
    """Return the months of which a list has pages, or ever had some."""
    folders = ("archive/", "sitemap/") if name == "all" else (list_path(name)[1:],)
    keys = [key for folder in folders for key in shared.site.listing(folder)]
    stored = {f"{found[1]}-{found[2]}" for key in keys if (found := _MONTH_PAGE.fullmatch(key))}
    return sorted({*list_records.all_months(ports.articles, name), *stored})


def _try_list(task: tuple[str, tuple[str, ...]], shared: Ports, ports: Ports, theme: Theme) -> Differences:
    name, months = task
    trial = trial_of(shared)
    try:
        refresh_list(name, months or None, load_site(shared), trial.ports, theme)
        return _differences_of(trial, ports, name)
    except Exception:  # one that fails stops no other
        return Differences(failed=(name,))


def _differences_of(trial: Trial, ports: Ports, name: str = "") -> Differences:
    """Return the lists whose pages a trial wrote otherwise than they are stored.

    Args:
        name: of the list of which the trial wrote what is recorded of it; empty for several.
    """
    lists, common = set(), False
    for key, output in trial.site.written.items():
        stored = _listed(trial, key)
        if bool(output) != bool(stored) or (output and not _is_same(key, output.body, stored, ports)):
            owner = list_of_path(path_of(key))
            lists |= {owner} - {""}
            common |= not owner
    if name and any(pk.startswith("months#") or pk == "lists" for pk, _ in trial.table.written):
        lists.add(name)
    return Differences(lists=tuple(lists), common_pages=common)


def _listed(trial: Trial, key: str) -> str:
    return trial.site.etag(key)


def _is_same(key: str, body: bytes, listed: str, ports: Ports) -> bool:
    # A picture has a name that no other bytes have.
    return key.endswith(tuple(IMAGE_TYPES)) or holds(key, body, listed, ports.site)


def compare_common(ports: Ports, theme: Theme) -> Slice:
    """Compare what every site has: the pages that depend on its settings and theme, its front, directories and standing pages."""
    trial = trial_of(read_once(ports))
    try:
        refresh_site(trial.ports, theme, each_list=False)
        return Slice(_differences_of(trial, ports), None)
    except Exception:  # the other slices are compared all the same
        return Slice(Differences(failed=("/",)), None)


def compare_others(after: str, ports: Ports, theme: Theme) -> Slice:
    """Find objects of the site that belong to nothing, articles aside, and what the cache may hold an older version of."""
    begin = "articles0" if "articles/" <= after < "articles0" else after
    versions = ports.site.page_versions("", begin, _OBJECTS)
    if not versions:
        return Slice(Differences(), None)
    last = versions[-1].key
    by_path: dict[str, list[ObjectVersion]] = {}
    for version in versions:
        if not version.key.startswith(("articles/", *_NOT_COMPARED)) and not version.key.endswith(tuple(IMAGE_TYPES)):
            by_path.setdefault(path_of(version.key), []).append(version)
    cached = {path: found for path, found in by_path.items() if not is_uncached(path)}
    listed: dict[str, str] = {}
    while page := ports.site.page("", begin, _OBJECTS):
        listed |= {key: each.etag for key, each in page if key <= last}
        begin = page[-1][0]
        if begin > last:
            break
    stale = Differences(stale=tuple(stale_paths(cached, ports)))
    return Slice(merged([_strangers(listed, ports, theme), stale]), last)


def _strangers(listed: Mapping[str, str], ports: Ports, theme: Theme) -> Differences:
    """Return the lists to which superfluous objects belong.

    Args:
        listed: ETags by key.
    """
    shared = read_once(ports)
    known = known_lists(shared)
    others = [key for key, etag in listed.items() if etag != _MOVED and not _is_expected(key, known)]
    if not others:
        return Differences()
    trial = trial_of(shared)
    refresh_site(trial.ports, theme, each_list=False)
    extra = [key for key in others if not trial.site.written.get(key)]
    right = ports.in_parallel(partial(_is_right, shared=shared, ports=ports, theme=theme), extra)
    owners = {list_of_path(path_of(key)) for key, is_right in zip(extra, right, strict=True) if not is_right}
    return Differences(lists=tuple(owners - {""}), common_pages="" in owners)


def _is_expected(key: str, known: frozenset[str]) -> bool:
    """Return True for an object that is compared elsewhere, or with nothing."""
    if key.startswith(("articles/", *_NOT_COMPARED)):
        return True
    # The page of a newsletter that was sent, or the list of all: their table is their own source.
    if key.startswith("newsletter/") and key != key_of("/newsletter/"):
        return True
    # A replaced portrait or social card, which pages in a reader's browser may still show.
    if key.startswith(("authors/", "topics/")) and key.endswith(tuple(IMAGE_TYPES)):
        return True
    name = list_of_path(path_of(key))
    return bool(_PAGES_OF_LISTS.fullmatch(key)) and (name == "all" or name in known)


def _is_right(key: str, shared: Ports, ports: Ports, theme: Theme) -> bool:
    """Return True if an object is an old address or a standing page as it should be, or comes from the site's past."""
    kind, _, path = list_of_path(path_of(key)).partition(":")
    if kind == "alias":
        trial = trial_of(shared)
        refresh_address(path, load_site(shared), trial.ports, theme)
        output = trial.site.written.get(key)
        if output and holds(key, output.body, trial.site.etag(key), ports.site):
            return True
    return is_gone_or_moved(key, ports.site)
