"""Records of the Articles table. A record's fields are its item's attributes.

`version` is the version of the stored item, None for a record that is not stored yet. Records are named tuples because
every function of the pipeline loads this module in its cold start, and dataclasses take ten times as long to define.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from nightdesk.domain.problems import Problem
from nightdesk.ports import Item

ProblemDicts = list[dict[str, Any]]
"""Problems or warnings as JSON values: `line`, `key` and `message` of each."""
_MOST_PROBLEMS = 50


def problem_dicts(problems: Sequence[Problem]) -> ProblemDicts:
    """Return the first fifty problems as JSON values, shortened to what a record and an event can hold."""
    shown = [problem.to_json() for problem in problems[:_MOST_PROBLEMS]]
    more = len(problems) - len(shown)
    return shown + ([{"line": 0, "key": "", "message": f"and {more:,} more"}] if more else [])


def by_line(problems: Iterable[dict[str, Any]]) -> ProblemDicts:
    """Return problems of several origins in the order of their lines, those of the whole file last."""
    return sorted(problems, key=lambda problem: int(problem["line"]) or math.inf)


class DraftRecord(NamedTuple):
    """What became of a file in the drafts bucket.

    Attributes:
        kind: `draft`, `author`, `topic`, `page`, `site` or `update`.
        slug: of the article, or the id of a profile.
        state: `accepted`, `draft`, `rejected` or `withdrawn`.
        etag: of the file that was read; empty if it was deleted.
        slugs: every slug that the draft ever had or named among its aliases, so that each of them can be released.
        addresses: every old address outside `/articles/` that the draft ever named, so that each of them can be released.
        revision: counts the accepted versions whose documents differ.
        document: the digest of the stored document; empty if there is none.
        problems: why the file was rejected.
        waiting_for: slugs that the draft would have if other drafts did not hold them.
        taken_down: whether an editor had withdrawn the article when another draft took its slug.
        first_address: by what feeds know the article, if that is not the slug it has: the slug at which it was first public.
        links: the names of drafts to which the file links by them, and the slug to which each leads (`linked_drafts`).
        predecessors: of a draft, the keys of the deleted drafts whose article it continues (`succession`).
        file_version: of an update, the version id of its file.
        at: when the record was written (ISO 8601).
        images: what is known of each image that was read, by key (`images.KnownImages`).
        uploaded_by: who uploaded the file that was read (`Uploader.id`).
        requesters: who put the file and its images into the bucket, as far as S3's events have said: version id, `Uploader.id`
            and role of each.
        dates: the dates that the file's versions give an article whose author gave none (`draft_history.Dates`), for a bucket
            that is restored without them; empty for any other file.
        accepted_since: for a draft, when its first accepted version, even one with `draft: true`, arrived since the file was last deleted
            (ISO 8601). A deleted draft keeps it, for the draft that continues it.
        announced: for a profile, a page or the settings, the digest of the facts that the last event announced; empty while they change.
    """

    kind: str
    slug: str
    state: str
    etag: str
    slugs: list[str]
    problems: ProblemDicts
    warnings: ProblemDicts
    waiting_for: list[str]
    revision: int = 0
    document: str = ""
    addresses: Sequence[str] = ()
    taken_down: bool = False
    first_address: str = ""
    file_version: str = ""
    at: str = ""
    images: Mapping[str, list[str]] = MappingProxyType({})
    uploaded_by: str = ""
    requesters: Sequence[list[str]] = ()
    dates: str = ""
    accepted_since: str = ""
    announced: str = ""
    predecessors: Sequence[str] = ()
    links: Sequence[list[str]] = ()
    version: int | None = None


class Revision(NamedTuple):
    """Which version of a draft's file a revision was, and the images beside it.

    Attributes:
        slug: of the article then.
        document: the digest of the document then.
        etag: of the file.
        file_version: the version id of the file.
        images: key and SHA-256 of each.
        at: when it was rendered (ISO 8601).
        number: from 1; part of the sort key.
    """

    slug: str
    document: str
    etag: str
    file_version: str
    images: list[list[str]]
    at: str
    number: int
    version: int | None = None


class Claim(NamedTuple):
    """Which draft holds a slug.

    Attributes:
        holder: the draft's key; empty once the slug has been released.
        displaced: keys of drafts that the slug was taken from, and that have not acknowledged it yet.
        former: the key of the draft that gave the slug up when its article moved; empty for none.
        leads_to: the slug that this article has now; empty once it is gone.
    """

    holder: str
    displaced: list[str]
    version: int | None = None
    former: str = ""
    leads_to: str = ""

    def acknowledged_by(self, key: str) -> Claim:
        """Return the claim once the draft at `key` knows that it lost the slug, so its holder need not have it rendered again."""
        return self._replace(displaced=[other for other in self.displaced if other != key])


class ArticleRecord(NamedTuple):
    """What the index last listed of an article.

    Attributes:
        facts: the digest of the facts that were listed; empty while more entries are written than one transaction takes.
        document: the `article_etag` that the facts were made of.
        state: the article's state.
        places: the digest of the card at each place in a list.
        pending: places whose lists must still be refreshed.
        generation: counts the changes of the entries. It never repeats, so A, B, A is not mistaken for no change.
        completed_generation: the last generation whose lists were refreshed and announced.
    """

    facts: str
    document: str
    state: str
    places: dict[str, str]
    pending: list[str]
    generation: int
    completed_generation: int
    version: int | None = None

    @property
    def is_complete(self) -> bool:
        """True if every list shows the article as recorded."""
        return self.generation == self.completed_generation


Record = TypeVar("Record", DraftRecord, Revision, Claim, ArticleRecord)


def from_item(kind: type[Record], item: Item) -> Record:
    """Return the record that an item holds."""
    return kind(**{name: item[name] for name in kind._fields if name in item})


def to_item(record: DraftRecord | Revision | Claim | ArticleRecord) -> Item:
    """Return the attributes to store. The version is the table's own."""
    return {name: _plain(value) for name, value in record._asdict().items() if name != "version"}


def _plain(value: Any) -> Any:
    """Return a record's value in the form that an item has, so that a new record equals the stored one."""
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
