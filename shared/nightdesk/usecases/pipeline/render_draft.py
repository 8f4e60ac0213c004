"""Drafts: from a file to its document, its slugs and its record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from nightdesk.domain.documents import DRAFT, REJECTED, WITHDRAWN, Document
from nightdesk.domain.drafts import alias_lines, slug_line, slug_of_rejected
from nightdesk.domain.drafts_bucket import DraftsKey
from nightdesk.domain.errors import Rejected
from nightdesk.domain.events import ArticleRendered, ArticleWithdrawn, Event, ObjectChanged, RenderRequested
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.site import Site
from nightdesk.domain.site_links import SlugOf
from nightdesk.domain.text import slug_of_filename
from nightdesk.domain.uploaders import Uploader, uploader_of
from nightdesk.ports import Ports, answer
from nightdesk.repositories.articles_table import ACCEPTED
from nightdesk.repositories.private_bucket import load_document, load_site, profile_keys
from nightdesk.repositories.records import Claim, DraftRecord, problem_dicts
from nightdesk.usecases.pipeline.converge import converge
from nightdesk.usecases.pipeline.draft_history import (
    dates_of,
    read_history,
)
from nightdesk.usecases.pipeline.draft_versions import DraftVersion, read_versions
from nightdesk.usecases.pipeline.file_records import FileRecord, outcome
from nightdesk.usecases.pipeline.images import StoredImages, image_versions
from nightdesk.usecases.pipeline.linked_drafts import LinkedDrafts, files_to_render
from nightdesk.usecases.pipeline.ownership import Ownership, add_requester
from nightdesk.usecases.pipeline.render_document import Filing, Images, read_draft
from nightdesk.usecases.pipeline.slug_claims import SlugClaims
from nightdesk.usecases.pipeline.slug_plan import aliased_slugs, path_aliases
from nightdesk.usecases.pipeline.succession import (
    earlier_history,
    inherit,
    other_forms,
    predecessor_at,
    predecessors,
    remember_id,
    successors,
)


def render_draft(
    key: str, parsed_key: DraftsKey, ports: Ports, put: ObjectChanged | None = None
) -> tuple[DraftRecord, list[Event]]:
    """Render the draft at `key`: store its document, claim its slugs and record the outcome.

    Args:
        put: S3's event of the draft or of one of its images, which says who put it.

    Returns:
        The draft's record, and the events to send.
    """
    run = DraftRun(key, parsed_key, ports, put)
    record = converge(run.read, run.apply).value
    return record, run.events(record)


class _Inputs(NamedTuple):
    """Everything that a draft's document depends on. `raw` is None if there is no file; `modified` is ISO 8601.

    Attributes:
        images: key and version id of each object in the file's folder.
    """

    raw: bytes | None
    etag: str
    version: str
    modified: str
    images: tuple[tuple[str, str], ...]
    site: Site
    profiles: tuple[str, ...]
    metadata: Mapping[str, str] = MappingProxyType({})


class _Parsed(NamedTuple):
    """What a version of the file says. Without a document it was rejected, or there is no file."""

    document: Document | None
    slug: str
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


class DraftRun:
    """One run for one draft; it may take several attempts."""

    def __init__(self, key: str, parsed_key: DraftsKey, ports: Ports, put: ObjectChanged | None = None) -> None:
        self._key = key
        self._parsed_key = parsed_key
        self._ports = ports
        self._put = put
        self._owners = Ownership(key, ports)
        self._slugs = SlugClaims(key, ports)
        self._images = StoredImages((), {}, ports)
        self._dates = ""
        self._linked = LinkedDrafts(ports)
        self._attempts = 0
        self._is_new = False

    def read(self) -> _Inputs:
        """Read the file as it is now, and what it is rendered with."""
        calls: list[Callable[[], Any]] = [partial(self._ports.drafts.get, self._key), partial(load_site, self._ports)]
        blob, site = self._ports.in_parallel(answer, calls)
        images = image_versions(self._parsed_key.folder, self._ports) if blob else ()
        kinds = ("author", "topic") if site.require_profiles else ()
        profiles = tuple(key for kind in kinds for key in profile_keys(kind, self._ports))
        if not blob:
            return _Inputs(None, "", "", "", images, site, profiles)
        at, metadata = blob.modified.isoformat(), dict(blob.metadata)
        return _Inputs(blob.body, blob.etag, blob.version, at, images, site, profiles, metadata)

    def apply(self, inputs: _Inputs) -> tuple[DraftRecord, bool]:
        """Store what the file says: document, slugs and record."""
        file = FileRecord(self._key, self._ports, other_forms(self._key))
        self._slugs.forms = file.others
        self._is_new = self._attempts == 0 and file.stored is None
        self._attempts += 1
        self._images = StoredImages(inputs.images, file.stored.images if file.stored else {}, self._ports)
        requesters = add_requester(file.stored, self._put)
        self._owners = Ownership(self._key, self._ports, requesters)
        self._dates = file.stored.dates if file.stored and inputs.raw is not None else ""
        parsed = self._parse(inputs)
        self._slugs.alias_lines = (
            alias_lines(inputs.raw) if inputs.raw and parsed.document and parsed.document.aliases else {}
        )
        self._slugs.slug_line = partial(slug_line, inputs.raw or b"")
        record = _initial_record(parsed, inputs.etag, file.stored)._replace(requesters=requesters)
        if inputs.raw is None:
            record = self._remember_id(record, file)
            self._slugs.withdraw(record)
        elif parsed.document:
            record = self._publish(parsed.document, record, file)
        if record.state == REJECTED:
            record = self._slugs.keep_live(record)
            # Readers would get nothing of a withdrawn draft's earlier version, but its address would tell of it.
            if not (record.document or self._parsed_key.refusal or self._slugs.takedown.is_marked):
                record = self._fall_back(record, file)
            if not record.document:
                # Which slugs an earlier version had in between depends on the order of events.
                record = record._replace(slug=parsed.slug)
        record = record._replace(
            dates=self._dates,
            accepted_since=_accepted_since(record, inputs.modified, file.stored, self._slugs.predecessors.values()),
            images=self._images.looked_up,
            uploaded_by=self._uploader(inputs).id,
            # What is live of a rejected draft stays as it is, wherever the drafts go to which it links.
            links=self._linked.links if record.state != REJECTED and record.document else [],
        )
        images = parsed.document.files if parsed.document else ()
        # Even a run that changes nothing may have released a slug that a concurrent run of this draft wants again.
        several = len(record.slugs) + len(record.addresses) > 1
        file.save(record, inputs.version, images, even_if_unchanged=several)
        file.require_others_unchanged()
        self._slugs.require_blocked(record.waiting_for)
        self._slugs.takedown.require_passed_over()
        self._linked.require_unchanged()
        return record, True

    def events(self, record: DraftRecord) -> list[Event]:
        """Return the events that announce the draft's record."""
        drafts = self._slugs.drafts_to_render(self._is_new and not record.waiting_for)
        drafts |= successors(self._key, record, self._ports) | files_to_render(self._key, record, self._ports)
        events: list[Event] = [self._slug_event(slug, record) for slug in record.slugs]
        if record.state != WITHDRAWN:
            events.append(outcome(self._key, record))
        return events + [RenderRequested(key) for key in sorted(drafts)]

    def _slug_event(self, slug: str, record: DraftRecord) -> Event:
        """Return the event about one of the slugs that the draft has or had."""
        if slug != record.slug or record.state == WITHDRAWN:
            document = load_document(slug, self._ports)
            if document and document.withdrawn and not document.moved:
                return ArticleWithdrawn(slug)
        return ArticleRendered(slug, record.revision)

    def _parse(self, inputs: _Inputs) -> _Parsed:
        slug = slug_of_filename(self._parsed_key.name)
        if inputs.raw is None:
            return _Parsed(None, slug)
        try:
            document, warnings = self._linked.render(partial(self._read_draft, inputs.raw, inputs))
            by_writer = self._check_uploaders(document, inputs)
        except Rejected as error:
            return _Parsed(None, slug_of_rejected(inputs.raw, self._parsed_key.name), problems=error.problems)
        document = self._with_dates(document, inputs)
        return _Parsed(replace(document, by_writer=by_writer), document.slug, warnings=warnings)

    def _read_draft(self, raw: bytes, inputs: _Inputs, slug_of: SlugOf) -> tuple[Document, tuple[Problem, ...]]:
        def read(images: Images) -> tuple[Document, tuple[Problem, ...]]:
            filing = Filing(inputs.modified, slug_of)
            return read_draft(raw, self._parsed_key, inputs.site, inputs.profiles, images, filing)

        return self._images.render(read)

    def _check_uploaders(self, document: Document, inputs: _Inputs) -> bool:
        """Return whether a writer uploaded the file or another one that it shows or offers.

        Raises:
            Rejected: a writer uploaded one of them to whom the draft did not belong then.
        """
        ownership, problems = self._owners, []
        by = self._uploader(inputs)
        if not ownership.accepts(by, datetime.fromisoformat(inputs.modified), inputs.site):
            problems.append(Kind.NOT_THE_OWNER.at(0))
        by_writer = by.is_writer
        for key in dict.fromkeys(each.key for each in document.files):
            uploader, at = self._images.upload_of(key)
            requester = ownership.requester_of(self._images.version_of(key))
            uploader = requester if requester.is_writer else uploader
            by_writer |= uploader.is_writer
            if not ownership.accepts(uploader, at, inputs.site):
                problems.append(Kind.IMAGE_NOT_BY_OWNER.at(0, "image", image=key.rpartition("/")[2]))
        if problems:
            raise Rejected(*problems)
        return by_writer

    def _uploader(self, inputs: _Inputs) -> Uploader:
        return uploader_of(inputs.metadata, self._owners.requester_of(inputs.version))

    def _with_dates(self, document: Document, inputs: _Inputs) -> Document:
        """Fill in the dates that the author did not give.

        The history is not among the inputs: it is the same for every reading of one version of the file, and most drafts
        do not need it. If the file has been deleted meanwhile, the next reading finds that.
        """
        if document.date:
            self._dates = ""
            return document
        history = read_history(self._key, inputs.site, self._ports, self._owners) or (
            DraftVersion(inputs.modified, "", False, ""),
        )
        history = (*earlier_history(self._key, self._slugs.forms, inputs.site, self._ports), *history)
        dates, kept = dates_of(self._key, history, self._dates, self._ports)
        self._dates = kept.to_text() if kept.substance else ""
        return replace(document, date=dates.published, lastmod=document.lastmod or dates.changed)

    def _publish(self, document: Document, record: DraftRecord, file: FileRecord) -> DraftRecord:
        """Name the document's slugs on the stored record, claim them no earlier, and store the document."""
        wanted, addresses = {document.slug, *aliased_slugs(document)}, path_aliases(document)
        is_new, first = document.slug not in record.slugs, None
        if not (wanted <= set(record.slugs) and set(addresses) <= set(record.addresses)):
            record = record._replace(
                slugs=sorted({*record.slugs, *wanted}), addresses=sorted({*record.addresses, *addresses})
            )
            if is_new:
                first = file.save_and_claim(_unprocessed(record, file), document.slug)
            else:
                file.save(_unprocessed(record, file))
        record = self._continue_earlier(document.slug, record, first, file)
        return self._slugs.publish(document, record, first)

    def _continue_earlier(self, slug: str, record: DraftRecord, first: Claim | None, file: FileRecord) -> DraftRecord:
        """Name what a draft inherits of deleted ones on the stored record, once it has its slug."""
        is_there = first or (record.document and record.slug == slug)
        found = "" if is_there else predecessor_at(slug, self._key, load_site(self._ports), self._ports)
        named = record._replace(predecessors=sorted({*record.predecessors, found} - {""}))
        before = predecessors(named, file.others, self._ports)
        inherited = inherit(named, before)
        if _names(inherited) != _names(record):
            if not first and not self._slugs.claim(slug):
                return record
            file.save(_unprocessed(inherited, file))
        self._slugs.predecessors = before
        return inherited

    def _remember_id(self, record: DraftRecord, file: FileRecord) -> DraftRecord:
        """Note by what feeds know a deleted draft's article, before it is gone: another draft may continue it."""
        remembered = remember_id(record, self._key, self._ports)
        if file.stored and remembered != record:
            stored = file.stored._replace(first_address=remembered.first_address, etag="", at="", version=None)
            file.save(stored)
        return remembered

    def _fall_back(self, record: DraftRecord, file: FileRecord) -> DraftRecord:
        """Publish the newest earlier version that can be published, for a rejected draft of which nothing is live.

        Its own event may arrive only after the version that was rejected.
        """
        wanted = record.waiting_for
        waiting_for = set(wanted)
        current = self.read()
        self._images = StoredImages(current.images, self._images.looked_up, self._ports)
        earlier = read_versions(self._key, current.site, self._ports)[-2::-1]
        for version in (read.version for read in earlier if read.parsed):
            blob = self._ports.drafts.get(self._key, version.version)
            if not blob:
                continue
            at = blob.modified.isoformat()
            inputs = current._replace(raw=blob.body, modified=at, version=version.version, metadata=blob.metadata)
            parsed = self._parse(inputs)
            if not parsed.document or self._slugs.takedown.pass_over(parsed.document):
                continue
            published = self._publish(parsed.document, record, file)
            waiting_for.update(published.waiting_for)
            record = published._replace(
                state=record.state,
                problems=record.problems,
                warnings=record.warnings,
                # What a published version still waits for is forgotten when the draft is rendered again.
                waiting_for=wanted if published.document else sorted(waiting_for),
            )
            if record.document:
                break
        return record


def _unprocessed(record: DraftRecord, file: FileRecord) -> DraftRecord:
    """Return a record to store before anything is claimed: without the ETag, it says that the file has not been processed."""
    return record._replace(state=file.stored.state if file.stored else DRAFT, etag="")


def _names(record: DraftRecord) -> tuple[list[str], list[str], str]:
    return list(record.slugs), list(record.predecessors), record.first_address


def _accepted_since(
    record: DraftRecord, modified: str, stored: DraftRecord | None, predecessors: Iterable[DraftRecord]
) -> str:
    """Return when the version of a draft arrived that was accepted first; empty for none.

    Args:
        modified: when the current version arrived; empty for a file that is deleted.
        predecessors: the records of the deleted drafts whose article it continues.
    """
    before = stored.accepted_since if stored else ""
    if stored and stored.state == ACCEPTED and not before:
        before = stored.at  # an earlier release did not record it
    if not modified:
        return before
    if stored and stored.state == WITHDRAWN:
        before = ""
    known = [each for each in (before, *(other.accepted_since for other in predecessors)) if each]
    return min(known) if known else modified if record.state == ACCEPTED else ""


def _initial_record(parsed: _Parsed, etag: str, stored: DraftRecord | None) -> DraftRecord:
    """Return the record of a file that is rejected or gone, from which the outcome is made."""
    exists = bool(etag)
    # A rejected draft that never wanted a slug for certain may name another one in each version.
    keeps_slug = stored and (stored.slugs or stored.state != REJECTED)
    return DraftRecord(
        kind="draft",
        slug=stored.slug if stored and keeps_slug else parsed.slug,
        state=REJECTED if exists else WITHDRAWN,
        etag=etag,
        slugs=stored.slugs if stored else [],
        revision=stored.revision if stored else 0,
        document=stored.document if stored and exists else "",
        problems=problem_dicts(parsed.problems),
        warnings=problem_dicts(parsed.warnings),
        waiting_for=[],
        taken_down=bool(stored and stored.taken_down and exists),
        first_address=stored.first_address if stored else "",
        addresses=list(stored.addresses) if stored else [],
        links=list(stored.links) if stored else [],
        predecessors=list(stored.predecessors) if stored else [],
    )
