"""Build a whole site at once, from everything in the drafts bucket, with the use cases of the stages."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from nightdesk.domain.documents import LIVE, REJECTED, Document
from nightdesk.domain.drafts_bucket import classify
from nightdesk.domain.events import RenderRequested
from nightdesk.domain.site import Site
from nightdesk.ports import Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.articles_table import split_entry
from nightdesk.repositories.private_bucket import (
    article_slugs,
    load_document,
    load_site,
    profile_ids,
)
from nightdesk.repositories.records import ProblemDicts
from nightdesk.usecases.pipeline.effective import load_effective
from nightdesk.usecases.pipeline.entries import EntriesUpdate, update_entries
from nightdesk.usecases.pipeline.gate import store_facts, store_pages
from nightdesk.usecases.pipeline.index import complete
from nightdesk.usecases.pipeline.lists import refresh_list
from nightdesk.usecases.pipeline.places import TRANSLATIONS, kind_of, months_of, sort_key
from nightdesk.usecases.pipeline.render import RenderResult, render
from nightdesk.usecases.pipeline.site_refresh import refresh_site
from nightdesk.usecases.pipeline.translations import slugs_around

Result = TypeVar("Result")
Progress = Callable[[int, int], None]
"""Called with the number of steps done and the number of all steps."""
States = dict[str, list[str]]
"""The slugs of the articles in each state."""
Problems = dict[str, ProblemDicts]
"""The problems of each rejected file, by key."""


class Each(Protocol):
    """Runs a use case for many keys."""

    def __call__(self, call: Callable[[str, Ports], Result], keys: Sequence[str]) -> Iterator[Result]:
        """Yield the result for each key, in their order, as if one ran after another."""


def _one_by_one(ports: Ports, call: Callable[[str, Ports], Result], keys: Sequence[str]) -> Iterator[Result]:
    return (call(key, ports) for key in keys)


def _silent(done: int, total: int) -> None:
    """Report no progress."""


def build_site(
    keys: Iterable[str],
    ports: Ports,
    theme: Theme,
    progress: Progress | None = None,
    make_pictures: Callable[[], None] | None = None,
    each: Each | None = None,
) -> tuple[States, Problems]:
    """Build the site of the files at `keys`, in ports that hold no site yet. Each list is made only once, at the end.

    Args:
        make_pictures: called when all files are rendered, before the pages that show their images are made.
        each: runs a use case for many keys, by default one after another.

    Returns:
        The slugs by state, and the problems of each rejected file.
    """
    report, run = progress or _silent, each or partial(_one_by_one, ports)
    rejected = _render_all([key for key in keys if classify(key)], ports, report, run)
    if make_pictures:
        make_pictures()
    return _publish_all(ports, theme, report, run), rejected


def _render_all(keys: list[str], ports: Ports, report: Progress, each: Each) -> Problems:
    """Render settings, profiles and then drafts, which depend on these. Returns the problems of each rejected file."""
    rejected: Problems = {}
    again: deque[str] = deque()

    def note(key: str, results: tuple[RenderResult, ...]) -> None:
        rejected.pop(key, None)
        for result in results:
            if result.state == REJECTED:
                rejected[key] = result.problems
            requested = [event.key for event in result.events if isinstance(event, RenderRequested)]
            again.extend(other for other in requested if other not in again)

    drafts = sorted(key for key in keys if key.startswith("drafts/"))
    others = sorted((key for key in keys if not key.startswith("drafts/")), key=lambda key: (key != "site.yaml", key))
    for done, key in enumerate(others, 1):
        note(key, render(key, ports))
        report(done, 2 * len(keys))
    for done, (key, results) in enumerate(zip(drafts, each(render, drafts), strict=True), len(others) + 1):
        note(key, results)
        report(done, 2 * len(keys))
    while again:
        key = again.popleft()
        note(key, render(key, ports))
    return rejected


def _publish_all(ports: Ports, theme: Theme, report: Progress, each: Each) -> States:
    """Index every article, make its pages, and then refresh every list. Returns the slugs by state."""
    site = load_site(ports)
    documents = _in_order_of_time(site, ports)
    states: dict[str, list[str]] = defaultdict(list)
    months: dict[str, set[str]] = defaultdict(set)
    updates: list[EntriesUpdate] = []
    translated: set[str] = set()
    for document in documents:
        state = store_facts(document.slug, ports, theme)
        assert state  # the document exists
        if not document.moved:
            states[state].append(document.slug)
        update = update_entries(document.slug, ports) if state == LIVE else None
        updates += [update] if update else []
        pending = update.pending if update else ()
        translated |= {name for name, _ in map(split_entry, pending) if kind_of(name) == TRANSLATIONS}
        for name, changed in months_of(pending).items():
            months[name] |= changed
    updates += _link_translations(translated, ports, theme)
    slugs = [document.slug for document in documents]
    for number, _ in enumerate(each(partial(store_pages, theme=theme), slugs), 1):
        report(len(slugs) + number, 2 * len(slugs))
    for kind in ("topic", "author"):
        for identifier in profile_ids(kind, ports):
            months.setdefault(f"{kind}:{identifier}", set())
    _refresh_lists(months, site, ports, theme)
    # Or the first change of an old article would have the lists of all that follow it made again.
    for update in updates:
        complete(update, ports)
    return dict(states)


def _link_translations(names: Iterable[str], ports: Ports, theme: Theme) -> list[EntriesUpdate]:
    """Store the facts of the articles in lists of translations again: first so that originals enter them, then so that all see all.

    Returns:
        What their records say then.
    """
    updates = []
    for name in sorted(names):
        for _ in range(2):
            for slug in sorted(slugs_around(name, ports)):
                if store_facts(slug, ports, theme) == LIVE and (update := update_entries(slug, ports)):
                    updates.append(update)
    return updates


def _in_order_of_time(site: Site, ports: Ports) -> list[Document]:
    """Return all documents by the dates that they have with the editors' decisions, so that each article finds those
    before it in the lists."""
    found = [document for slug in article_slugs(ports) if (document := load_document(slug, ports))]

    def place(document: Document) -> str:
        dated = load_effective(document, site, ports).document
        return dated.date and sort_key(dated, site)

    return sorted(found, key=place)


def _refresh_lists(months: Mapping[str, set[str]], site: Site, ports: Ports, theme: Theme) -> None:
    for name, changed in sorted(months.items()):
        # A topic or an author may have a profile and no articles.
        refresh_list(name, changed or None, site, ports, theme)
    refresh_site(ports, theme, each_list=False)
