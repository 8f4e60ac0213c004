"""Render: from a file in the drafts bucket to a document, a profile or the settings in the private bucket.

An event only names a key. What counts is what is stored at that key now.
"""

from __future__ import annotations

from typing import NamedTuple

from nightdesk.domain.attachments import is_attachment
from nightdesk.domain.drafts_bucket import classify, folder_of_image
from nightdesk.domain.events import ArticleRendered, Event, ObjectChanged
from nightdesk.domain.file_names import plain_name
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import is_image
from nightdesk.repositories.records import DraftRecord, ProblemDicts
from nightdesk.usecases.pipeline.images import is_cut
from nightdesk.usecases.pipeline.render_draft import render_draft
from nightdesk.usecases.pipeline.render_profile import namesakes, render_profile


class RenderResult(NamedTuple):
    """What became of a file.

    Attributes:
        slug: of the article, or the id of a profile.
        state: `accepted`, `draft`, `rejected` or `withdrawn`.
        problems: why it was rejected.
        events: those that were sent.
    """

    key: str
    slug: str
    state: str
    revision: int
    problems: ProblemDicts
    events: tuple[Event, ...]


def render(key: str, ports: Ports, bulk: str = "", put: ObjectChanged | None = None) -> tuple[RenderResult, ...]:
    """Render the files that a key concerns, and send their events.

    Args:
        key: of a draft, a profile, a standing page or `site.yaml`, of an image or attachment that one of them may show or offer, or a folder with such.
        bulk: the cache tag that all affected articles share, if one change affects many.
        put: S3's event, which alone says who put the file or the image.
    """
    results = []
    for subject in _files_concerned(key, ports):
        parsed_key = classify(subject)
        assert parsed_key  # only classified keys are concerned
        if parsed_key.kind == "draft":
            record, sent = render_draft(subject, parsed_key, ports, put)
        else:
            record, sent = render_profile(subject, parsed_key, ports)
        events = tuple(_with_bulk(event, bulk) for event in sent)
        ports.bus.emit(events)
        results.append(RenderResult(subject, record.slug, record.state, record.revision, record.problems, events))
    return tuple(results)


def _with_bulk(event: Event, bulk: str) -> Event:
    return ArticleRendered(event.slug, event.revision, bulk) if bulk and isinstance(event, ArticleRendered) else event


def _files_concerned(key: str, ports: Ports) -> list[str]:
    """Return the keys of the files to render: the key itself, or those that may show or offer it, or those of a folder."""
    if parsed_key := classify(key):
        if parsed_key.kind in ("draft", "update"):
            return [key] if parsed_key.kind == "draft" else []
        return sorted({key, *namesakes(key, parsed_key, ports)})
    if not (is_image(key) or is_attachment(key) or key.endswith("/")):
        return []
    folder = key if key.endswith("/") else folder_of_image(key)
    files = dict(ports.drafts.list(folder)) if folder else {}
    found = [name for name in files if (parsed := classify(name)) and parsed.folder == folder]
    if folder == "authors/" and key != folder:
        records = articles_table.draft_records(ports.articles, found)
        found = [name for name, record in zip(found, records, strict=True) if _may_show(key, files[name], record)]
    return found


def _may_show(image: str, etag: str, record: DraftRecord | None) -> bool:
    """Return True unless a file that was rendered as it is now found all the images that it names, and this one is none of them.

    Of one that it did not find, its record has a warning or the reason why it was rejected.
    """
    if not record or record.etag != etag or record.problems or record.warnings:
        return True
    return is_cut(record.images) or plain_name(image) in map(plain_name, record.images)
