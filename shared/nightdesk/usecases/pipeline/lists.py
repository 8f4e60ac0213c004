"""Lists: fronts, months, feeds and directories are made to match the entries, profiles and settings that they show.

Each list is one converge over everything that it reads. Only public facts are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from nightdesk.domain.documents import parse_json
from nightdesk.domain.errors import Conflict
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import (
    NEWS_SITEMAP_PATH,
    PROCESS_PATH,
    SITEMAP_PATH,
    is_uncached,
    key_of,
    path_of,
    sitemap_path,
)
from nightdesk.domain.social_cards import CARD_FORMAT
from nightdesk.ports import Blob, Output, Ports, Stat, answer
from nightdesk.rendering.contexts import DirectoryEntry, Link
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.feeds import Texts, by_digest, texts_in
from nightdesk.rendering.list_pages import directory_html
from nightdesk.rendering.sitemaps import NEWS_SIZE, last_change, months_in_index, news_sitemap, sitemap_index
from nightdesk.rendering.times import stamp
from nightdesk.repositories import articles_table, list_records, newest_entries
from nightdesk.repositories.list_records import ListRecord, ListSummary
from nightdesk.repositories.private_bucket import ASSET_CACHE, IMAGE_TYPES, facts_from, facts_key, profile_key
from nightdesk.usecases.pipeline.converge import store, store_or_remove
from nightdesk.usecases.pipeline.entries import request_lists, update_entries
from nightdesk.usecases.pipeline.front import read_front
from nightdesk.usecases.pipeline.images import read_rendition
from nightdesk.usecases.pipeline.list_outputs import (
    FEED_SIZE,
    FrontContents,
    ListContents,
    feed_path,
    list_label,
    list_outputs,
    list_summary,
    machine_file,
    site_page,
)
from nightdesk.usecases.pipeline.places import (
    AI_ROLES,
    DIRECTORIES,
    LIST_FOLDERS,
    kind_of,
    list_path,
    month_path,
    turn_of,
)
from nightdesk.usecases.pipeline.social_cards import PageCard, draw_headline, find_card, list_card
from nightdesk.usecases.pipeline.standing_pages import refresh_address, refresh_corrections
from nightdesk.usecases.pipeline.turns import Turns, in_turn

_NONE: Mapping[str, str] = {}
_NO_RECORDS: Mapping[str, ListRecord] = {}


class Shared:
    """What the refreshes of several lists share.

    Args:
        turns: at all of the lists.
        records: what is recorded of some of the lists, read since the turns were taken.
        texts: public texts by digest that were read already; each refresh adds those that it reads.

    Attributes:
        newest: the newest entries of each list that was read, and whether there are no others.
        profiles: the digest of each profile that was read, by its key; empty for one that does not exist.
    """

    def __init__(self, turns: Turns, records: Mapping[str, ListRecord] = _NO_RECORDS, texts: Mapping[str, str] = _NONE) -> None:  # fmt: skip
        self.turns = turns
        self.texts = dict(texts)
        self.newest: dict[str, tuple[list[articles_table.ListEntry], bool]] = {}
        self.profiles: dict[str, str] = {}
        self._records = dict(records)

    def take_record(self, name: str, ports: Ports) -> ListRecord:
        """Return what is recorded of a list, which is read again each time but the first."""
        return self._records.pop(name, None) or list_records.read_record(ports.articles, name)


def refresh_list(
    name: str, months: Iterable[str] | None, site: Site, ports: Ports, theme: Theme, shared: Shared | None = None
) -> list[str]:
    """Make a list's front, feeds and the pages of some months match its entries.

    Args:
        name: `all`, `topic:<id>`, `author:<id>`, `corrections`, `ai-roles`, `news` or `alias:<path>`.
        months: each `yyyy-mm`; None for all months of the list.
        site: the settings. The caller must check afterwards that they have not changed.
        shared: what this refresh shares with those of other lists.

    Returns:
        The paths of all pages that may have changed and that the cache holds.
    """
    kind, _, identifier = name.partition(":")
    run = shared.turns.at(turn_of(name)) if shared else None
    if kind == "news":
        return _refresh_news(site, ports)
    if kind == "corrections":
        return [refresh_corrections(site, ports, theme, run)]
    if kind == AI_ROLES:
        return refresh_address(PROCESS_PATH, site, ports, theme, run)
    if kind == "alias":
        return refresh_address(identifier, site, ports, theme, run)
    refresh = _Refresh(name, months, site, ports, theme, shared)
    done = (run or in_turn(turn_of(name), ports))(refresh.read, refresh.apply)
    return [path for output in done.value if not is_uncached(path := path_of(output.key))]


class _Refresh:
    """One refresh of the pages of a list, which may take several attempts."""

    def __init__(
        self, name: str, months: Iterable[str] | None, site: Site, ports: Ports, theme: Theme, shared: Shared | None
    ) -> None:
        self._months = sorted(list_records.all_months(ports.articles, name) if months is None else set(months))
        # For feeds alone, no month is made, and directories neither: who records what these show must make them.
        self._records = months is None or bool(self._months)
        self._name, self._site, self._ports, self._theme, self._shared = name, site, ports, theme, shared
        self._pages = shared.turns.pages[turn_of(name)] if shared else {}
        self._record = ListRecord({}, None, (None, None))

    def read(self) -> ListContents:
        """Read the entries, what is recorded of the list, and the profile."""
        name, ports = self._name, self._ports
        kind, _, identifier = name.partition(":")
        size = NEWS_SIZE if name == "all" else FEED_SIZE
        calls: list[Callable[[], Any]] = [
            partial(articles_table.newest, ports.articles, name, size),
            partial(self._shared.take_record, name, ports)
            if self._shared
            else partial(list_records.read_record, ports.articles, name),
        ]
        if identifier:
            calls.append(partial(ports.private.get, profile_key(kind, identifier)))
        found, self._record, *blobs = ports.in_parallel(answer, calls)
        newest, profile = _cards(found), blobs[0] if blobs else None
        if self._shared:
            self._shared.newest[name] = found, len(found) < size
        if self._shared and identifier:
            self._shared.profiles[profile_key(kind, identifier)] = profile.metadata.get("digest", "") if profile else ""
        of_months = ports.in_parallel(partial(_month, name, found, len(found) < size, ports), self._months)
        by_month = dict(zip(self._months, of_months, strict=True))
        counts = {month: count for month, count in self._record.months.items() if count}
        # Only the months of topics and authors are counted, so the record of all articles changes with a month's first and last.
        unrecorded = name != "all" or any(bool(cards) != (month in counts) for month, cards in by_month.items())
        counts |= {month: len(cards) for month, cards in by_month.items()}
        counts = {
            month: counts[month] for month in sorted(counts, reverse=True) if counts[month] or month not in by_month
        }
        front = read_front(self._site, newest, ports) if name == "all" else FrontContents()
        facts = facts_from(profile.body) if profile else None
        contents = ListContents(by_month, newest, counts, facts, unrecorded, front)
        return _with_card(name, contents, self._site, ports, self._theme)

    def apply(self, contents: ListContents) -> tuple[list[Output], bool]:
        """Store the list's record, pages and feeds."""
        name, ports = self._name, self._ports
        keys = [key_of(feed_path(name)), *([key_of(SITEMAP_PATH)] if name == "all" else [])]
        stored: dict[str, Blob | None] = dict.fromkeys(self._never_stored(contents))
        asked = [key for key in keys if key not in stored]
        stored |= zip(asked, ports.in_parallel(ports.site.get, asked), strict=True)
        texts = _texts(contents.newest, stored[keys[0]], self._shared.texts if self._shared else {}, ports)
        outputs = list_outputs(name, contents, self._site, self._theme, texts)
        if name == "all":
            outputs.append(_news(contents.newest, self._site, ports))
            outputs.append(_sitemap_index(contents, stored[keys[1]], self._site))
        # Before the pages, which are made of these records too: another run may have made its pages of the old records.
        wrote = self._records and contents.unrecorded and self._store_record(contents)
        if contents.card:
            _store_card(list_path(name), contents.card, self._pages, ports)
        wrote |= store_or_remove(outputs, ports, stored, self._pages)
        if name.startswith("author:"):
            _store_pictures(name.partition(":")[2], contents.profile, ports)
        return outputs, wrote

    def _never_stored(self, contents: ListContents) -> list[str]:
        """Return the keys of pages that are made for the first time, so that nobody need ask what is stored: a list and its months
        are recorded before."""
        name, known = self._name, self._record.months
        months = [month for month, cards in contents.by_month.items() if cards and month not in known]
        paths = [month_path(name, month) for month in months]
        if name == "all":
            paths += map(sitemap_path, months)
        elif self._records and self._record.versions == (None, None) and (contents.newest or contents.profile):
            paths += [list_path(name), feed_path(name)]
        return [key_of(path) for path in paths]

    def _store_record(self, contents: ListContents) -> bool:
        """Record which months have articles, and what directories show of a topic or an author. Returns True if that was new."""
        counts = {month: len(cards) for month, cards in contents.by_month.items()}
        summary = list_summary(self._name, contents)
        return list_records.record_list(self._ports.articles, self._name, self._record, counts, summary)


def _month(
    name: str, newest: list[articles_table.ListEntry], complete: bool, ports: Ports, month: str
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the cards of a month, which is read only if it may have more than the newest entries."""
    among = newest_entries.month(newest, month, complete)
    return _cards(articles_table.month(ports.articles, name, month) if among is None else among)


def _with_card(name: str, contents: ListContents, site: Site, ports: Ports, theme: Theme) -> ListContents:
    """Add the social card of a topic or an author."""
    if name == "all" or not site.social_cards or not (contents.newest or contents.profile):
        return contents
    order = list_card(list_label(name, contents), contents.profile, site, theme)
    return contents._replace(card=find_card(order, ports))


def _store_card(base: str, card: PageCard, pages: dict[str, Stat], ports: Ports) -> None:
    """Draw a social card into the folder of its page, before the page names it."""
    if copied := card.copy(public=True):
        key = key_of(f"{base}{copied[0]}")
        seen = pages.get(key) or ports.site.stat(key)
        if seen is None:
            drawn = Output(key, draw_headline(card.order, ports), IMAGE_TYPES[f".{CARD_FORMAT}"], ASSET_CACHE)
            store_or_remove([drawn], ports, {key: None}, pages)
        else:
            pages[key] = seen


def _cards(entries: Iterable[articles_table.ListEntry]) -> list[dict[str, Any]]:
    return [entry.card for entry in entries]


def _texts(newest: list[dict[str, Any]], feed: Blob | None, others: dict[str, str], ports: Ports) -> Texts:
    """Return the texts of the articles in a list's feed: from the stored feed, else from the articles' facts.

    Args:
        others: texts that other lists have read; those read here are added.

    An article whose text is another one by now has an entry that is about to change. It is changed here, as the index stage
    would on the article's event, which may come much later.

    Raises:
        Conflict: such an entry changed, so the list must be read again.
    """
    wanted = {card["text"]: card["slug"] for card in newest[:FEED_SIZE] if "text" in card}
    known = {**others, **(texts_in(feed.body) if feed else {})}
    outdated = []
    for text, slug in wanted.items():
        if text not in known:
            blob = ports.private.get(facts_key(slug))
            html = parse_json(blob.body).get("text", "") if blob else ""
            if text in by_digest([html]):
                known[text] = others[text] = html
            else:
                outdated.append(slug)
    if outdated:
        request_lists([update for slug in outdated if (update := update_entries(slug, ports))], ports)
        raise Conflict(facts_key(outdated[0]))
    return known


def _refresh_news(site: Site, ports: Ports) -> list[str]:
    """Make the news sitemap match the newest articles and the time. Returns no paths: no cache holds it."""

    def apply(newest: list[dict[str, Any]]) -> tuple[None, bool]:
        return None, store(ports.site, _news(newest, site, ports))

    # Together with the other pages of the list, of which it is one.
    in_turn(turn_of("news"), ports, key_of(NEWS_SITEMAP_PATH))(
        lambda: _cards(articles_table.newest(ports.articles, "all", NEWS_SIZE)), apply
    )
    return []


def _news(newest: list[dict[str, Any]], site: Site, ports: Ports) -> Output:
    return machine_file(NEWS_SITEMAP_PATH, news_sitemap(site, newest, ports.clock()))


def _sitemap_index(contents: ListContents, seen: Blob | None, site: Site) -> Output:
    """Return the index of sitemaps, with the months whose articles were read.

    The index itself is where the newest change in each of the other months is stored, so that a publish reads only one
    month. It is stored over the one that was read, so another run that writes the index meanwhile makes this one start over.
    """
    known = months_in_index(seen.body) if seen else {}
    # Other months are left to the runs that read them: which months there are may have changed since this one looked.
    known |= {month: last_change(cards, site) if cards else "" for month, cards in contents.by_month.items()}
    index = sitemap_index(site, {month: known[month] for month in sorted(known, reverse=True) if known[month]})
    return machine_file(SITEMAP_PATH, index)


def _store_pictures(identifier: str, profile: Mapping[str, Any] | None, ports: Ports) -> None:
    """Copy an author's portrait, and the images in the biography.

    The last file stands for all: they are always copied in the same order, and what has such a name is never another image.
    """
    files = profile.get("files", []) if profile else []
    if not files or ports.site.stat(f"authors/{identifier}/{files[-1][0]}"):
        return
    for name, sha256 in files:
        content_type = IMAGE_TYPES["." + name.rsplit(".", 1)[1]]
        body = read_rendition(sha256, ports)
        store(ports.site, Output(f"authors/{identifier}/{name}", body, content_type, ASSET_CACHE))


def refresh_directories(site: Site, ports: Ports, theme: Theme, shared: Shared | None = None) -> list[str]:
    """Make `/topics/` and `/authors/` match the lists that exist. Returns their paths."""
    paths = {kind: f"/{folder}/" for kind, folder in LIST_FOLDERS.items()}

    def apply(found: list[tuple[str, ListSummary]]) -> tuple[None, bool]:
        entries: dict[str, list[DirectoryEntry]] = {kind: [] for kind in paths}
        for name, summary in found:
            entries[kind_of(name)].append(_entry(name, summary, theme, site))
        pages = [
            site_page(path, directory_html(theme, site, kind, path, entries[kind])) for kind, path in paths.items()
        ]
        return None, store_or_remove(pages, ports, pages=shared.turns.pages[DIRECTORIES] if shared else None)

    run = shared.turns.at(DIRECTORIES) if shared else in_turn(DIRECTORIES, ports)
    run(lambda: list_records.summaries(ports.articles), apply)
    return list(paths.values())


def _entry(name: str, summary: ListSummary, theme: Theme, site: Site) -> DirectoryEntry:
    newest = summary.newest
    return DirectoryEntry(
        label=summary.label,
        url=list_path(name),
        note=summary.note,
        portrait=summary.portrait,
        is_ai=summary.is_ai,
        articles=summary.articles,
        newest=Link(newest[1], f"/articles/{newest[0]}/") if newest else None,
        newest_date=stamp(theme.text(site), site, newest[2]) if newest else None,
    )
