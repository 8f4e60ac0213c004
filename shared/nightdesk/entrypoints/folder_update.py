"""An incremental build: what changed goes through the stages, from the state that the last build left.

The stages converge, so the site is the one that a full build would make, as long as no history matters: what is removed or renamed
in a newsroom leaves a tombstone, a pointer or an empty list behind, and in a build it leaves nothing. Such changes are left to a full build.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from nightdesk.domain.attachments import is_attachment
from nightdesk.domain.documents import REJECTED
from nightdesk.domain.drafts_bucket import classify, folder_of_image
from nightdesk.domain.events import ArticleDue, ArticleGated, Event, ObjectChanged, RelistRequested, RenderRequested
from nightdesk.entrypoints.build_state import BuildState
from nightdesk.entrypoints.folder_pictures import FolderPictures
from nightdesk.entrypoints.folder_stages import FolderStages
from nightdesk.entrypoints.local_files import type_of
from nightdesk.ports import ANY, Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import is_image, load_document
from nightdesk.repositories.records import DraftRecord
from nightdesk.usecases.editors.status import draft_status
from nightdesk.usecases.ticker.pages import refresh as refresh_ticker

Reports = dict[str, list[dict[str, Any]]]
"""Problems or warnings by the keys of their files."""
_OF_LINKS = ("link", "translation_of")
_MANY = 200
"""With more changed files than this a full build is faster, because it makes each list once."""


class NeedsFullBuild(Exception):
    """The change cannot be made to a finished site."""


class Report(NamedTuple):
    """What a build says of its files.

    Attributes:
        states: the state of each article, by slug.
        rejected: the problems of each rejected file, by key.
        warnings: the warnings of each other file that has any, by key.
    """

    states: dict[str, str]
    rejected: Reports
    warnings: Reports


def put_file(key: str, path: Path, ports: Ports) -> None:
    """Put a file into the drafts bucket."""
    ports.drafts.put(Output(key, path.read_bytes(), type_of(path)), ANY)


def update(
    files: Mapping[str, Path],
    changed: Collection[str],
    state: BuildState,
    theme: Theme,
    pictures: FolderPictures | None,
) -> Report:
    """Make the site match what changed.

    Args:
        changed: the keys of files that are new or changed.

    Raises:
        NeedsFullBuild: this takes a full build. What was written until then is of no use.
    """
    ports, now = state.ports, state.ports.clock()
    report = Report(state.store.fact("states"), state.store.fact("rejected"), state.store.fact("warnings"))
    if len(changed) > _MANY or not all(_is_of_a_draft(key) for key in changed):
        raise NeedsFullBuild
    drafts = _drafts_concerned(files, changed)
    before = dict(zip(drafts, articles_table.draft_records(ports.articles, drafts), strict=True))
    lists = {key: _lists(record, ports) for key, record in before.items()}
    for key in changed:
        put_file(key, files[key], ports)
    if pictures:
        pictures.inspect(changed, ports)
    stages = FolderStages(ports, state.bus, theme)
    stages.deliver([*map(ObjectChanged, drafts), *_due(state, now), RelistRequested("news")])
    sent = stages.run()
    if any(isinstance(event, RenderRequested) and event.key not in before for event in sent):
        raise NeedsFullBuild  # another draft won or lost its slug
    for key, record in zip(drafts, articles_table.draft_records(ports.articles, drafts), strict=True):
        _require_simple(key, before[key], record, state)
        if lists[key] - _lists(record, ports):
            raise NeedsFullBuild  # nothing may be left in one of these lists
    refresh_ticker(ports, theme, everything=True)
    stages.take()
    _report_states(report, sent, ports)
    return report._replace(warnings=_warnings_now(report.warnings, drafts, ports, now))


def _is_of_a_draft(key: str) -> bool:
    parsed = classify(key)
    return parsed.kind == "draft" if parsed else _is_beside(key) and key.startswith("drafts/")


def _is_beside(key: str) -> bool:
    return is_image(key) or is_attachment(key)


def _drafts_concerned(files: Mapping[str, Path], changed: Iterable[str]) -> list[str]:
    """Return the keys of the drafts that changed, or that may show an image or offer an attachment that did."""
    folders = {folder_of_image(key) for key in changed if _is_beside(key)}
    found = {key for key in changed if not _is_beside(key)}
    if folders:
        found |= {key for key in files if (parsed := classify(key)) and parsed.folder in folders}
    return sorted(found)


def _due(state: BuildState, now: datetime) -> list[ArticleDue]:
    due = {(moment, slug) for moment, slug in state.schedules.requested if moment <= now}
    state.schedules.requested -= due
    return [ArticleDue(slug) for slug in sorted({slug for _, slug in due})]


def _lists(record: DraftRecord | None, ports: Ports) -> set[str]:
    """Return the names of the lists that a draft's article is in."""
    article = articles_table.article_record(ports.articles, record.slug) if record else None
    return {articles_table.split_entry(place)[0] for place in (article.places if article else ())}


def _require_simple(
    key: str, before: DraftRecord | None, record: DraftRecord | None, state: BuildState
) -> None:  # fmt: skip
    """Raise unless the draft was accepted, and has the slugs that it had, or new ones that nothing else ever had."""
    if not record or record.state == REJECTED or record.waiting_for:
        raise NeedsFullBuild
    if before:
        same = (before.slug, set(before.slugs), set(before.addresses)) == (
            record.slug,
            set(record.slugs),
            set(record.addresses),
        )
        if not same or before.state == REJECTED or before.waiting_for:
            raise NeedsFullBuild
        return
    for name in (*record.slugs, *record.addresses):
        claim = articles_table.claim_of(state.articles, name)
        if not claim or claim.holder != key or articles_table.claim_key(name) in state.articles.overwritten:
            raise NeedsFullBuild


def _report_states(report: Report, sent: Iterable[Event | ObjectChanged], ports: Ports) -> None:
    for event in sent:
        if isinstance(event, ArticleGated):
            document = load_document(event.slug, ports)
            if document and not document.moved:
                report.states[event.slug] = event.state


def _warnings_now(known: Reports, drafts: Collection[str], ports: Ports, now: datetime) -> Reports:
    """Return the warnings of all files. Of those that were not read, only links may lead elsewhere than before."""
    linking = [key for key, found in known.items() if any(each["key"] in _OF_LINKS for each in found)]
    anew = sorted({*drafts, *linking})
    kept = {key: found for key, found in known.items() if key not in anew}
    return kept | warnings_of(anew, ports, now)


def warnings_of(keys: Collection[str], ports: Ports, now: datetime) -> Reports:
    """Return the warnings of accepted files that have any, by key."""
    found: Reports = {}
    for key, record in zip(keys, articles_table.draft_records(ports.articles, keys), strict=True):
        if record and record.state != REJECTED and (texts := draft_status(key, record, ports, now)["warnings"]):
            found[key] = texts
    return found
