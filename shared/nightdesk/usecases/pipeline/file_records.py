"""Records of files: read once by a run, and written only over the version that was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nightdesk.domain.documents import REJECTED, WITHDRAWN, Asset, Attachment
from nightdesk.domain.drafts_bucket import classify
from nightdesk.domain.errors import Conflict
from nightdesk.domain.events import DraftAccepted, DraftRejected, Event
from nightdesk.domain.text import slug_of_filename
from nightdesk.ports import Change, Ports
from nightdesk.repositories import articles_table, draft_names
from nightdesk.repositories.records import Claim, DraftRecord, Revision, to_item


def outcome(key: str, record: DraftRecord) -> Event:
    """Return the event that tells what became of a file that exists."""
    if record.state == REJECTED:
        return DraftRejected(key, record.slug, record.problems)
    return DraftAccepted(key, record.slug, record.revision, len(record.warnings))


class FileRecord:
    """The record of the file at `key`.

    Attributes:
        stored: the record as it is stored now, as far as this run knows; None if there is none.
        others: the records of other files that were read with it, by key.
    """

    def __init__(self, key: str, ports: Ports, others: Sequence[str] = ()) -> None:
        self._key = key
        self._ports = ports
        self._names = others
        self.stored, *found = articles_table.draft_records(ports.articles, [key, *others])
        self.others = {name: record for name, record in zip(others, found, strict=True) if record}
        self._was_deleted = self.stored is not None and self.stored.state == WITHDRAWN

    def require_others_unchanged(self) -> None:
        """Check, after this run's record was stored, that no other file has come or gone since the records were read.

        Files that come back at one moment must not both continue the article that one of them had. There is nothing to check for
        a file that never was deleted and has no others.

        Raises:
            Conflict: one has come or gone, or its article is known by another id.
        """
        if not self.others and not self._was_deleted:
            return
        found = articles_table.draft_records(self._ports.articles, self._names)
        now = {name: record for name, record in zip(self._names, found, strict=True) if record}
        if _identities(now) != _identities(self.others):
            raise Conflict(f"another form of {self._key} has just changed")

    def save(
        self,
        record: DraftRecord,
        file_version: str = "",
        images: Sequence[Asset | Attachment] = (),
        even_if_unchanged: bool = False,
        with_it: Sequence[Change] = (),
    ) -> None:
        """Store a record, and with it a new revision if it counts one more. A file that never existed gets no record.

        Args:
            file_version: the version id of the file that a new revision comes from; without it, no revision is stored.
            images: the images and attachments of that revision.
            even_if_unchanged: write a record that says nothing new too, so that a concurrent run must start again.
            with_it: changes to make in the same transaction.

        Raises:
            Conflict: another run stored a record meanwhile.
        """
        before = self.stored
        if not before and not record.etag and not record.slugs:
            return
        unchanged = before is not None and to_item(before._replace(at="")) == to_item(record)
        if unchanged and not even_if_unchanged:
            return
        at = before.at if before and unchanged else self._ports.clock().isoformat(timespec="seconds")
        after = record._replace(at=at)
        expected = before.version if before else None
        changes = articles_table.draft_changes(self._key, after, expected)
        if after.waiting_for or (before and before.waiting_for):
            changes.append(articles_table.waiting_change(self._key, after.waiting_for))
        if file_version and after.revision > (before.revision if before else 0):
            revision = _revision(after, file_version, images)
            changes.append(articles_table.revision_change(self._key, revision))
        changes += _name_changes(self._key, before, after) + _linking_changes(self._key, before, after)
        self._ports.articles.write([*changes, *with_it])
        self.stored = after._replace(version=(expected or 0) + 1)

    def save_and_claim(self, record: DraftRecord, slug: str) -> Claim | None:
        """Store a record that names a slug, and claim the slug if no draft ever had it, with one write.

        Returns:
            The claim; None if a draft had the slug, so that it must be claimed after it is named.

        Raises:
            Conflict: another run stored a record meanwhile.
        """
        claim, change = articles_table.first_claim(slug, self._key)
        try:
            self.save(record, with_it=[change])
        except Conflict:
            self.save(record)
            return None
        return claim


def _identities(records: Mapping[str, DraftRecord]) -> dict[str, tuple[bool, str, str]]:
    return {
        name: (record.state == WITHDRAWN, record.slug if record.document else "", record.first_address)
        for name, record in records.items()
    }


def _name_changes(key: str, before: DraftRecord | None, after: DraftRecord) -> list[Change]:
    """Return the change that lists a draft under its name, if that gives another slug than the one it has now."""
    filed = classify(key)
    if not filed or filed.kind != "draft":
        return []
    default = slug_of_filename(filed.name)
    was, now = ((each.slug if each and each.document and each.slug != default else "") for each in (before, after))
    return [draft_names.name_change(default, key, now)] if was != now else []


def _linking_changes(key: str, before: DraftRecord | None, after: DraftRecord) -> list[Change]:
    """Return the changes that list a file as linking to drafts by their names."""
    was, now = (_by_default(each.links if each else ()) for each in (before, after))
    changed = sorted(default for default in was.keys() | now.keys() if was.get(default) != now.get(default))
    return [draft_names.linking_change(default, key, now.get(default, ())) for default in changed]


def _by_default(links: Sequence[Sequence[str]]) -> dict[str, list[list[str]]]:
    """Return links by the slugs that their names give."""
    found: dict[str, list[list[str]]] = {}
    for name, slug in links:
        found.setdefault(slug_of_filename(name), []).append([name, slug])
    return found


def _revision(record: DraftRecord, file_version: str, images: Sequence[Asset | Attachment]) -> Revision:
    return Revision(
        number=record.revision,
        slug=record.slug,
        document=record.document,
        etag=record.etag,
        file_version=file_version,
        images=[[image.key, image.sha256] for image in images],
        at=record.at,
    )
