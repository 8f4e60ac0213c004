"""Posts that an archive holds several times, as exports that overlap do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from nightdesk.domain.timestamps import iso_utc_seconds

from .records import ImportedPost
from .report import SKIPPED, Report

Key = tuple[str, str, str, str, str]
Copy = tuple[str, int, str, bool, bool]


@dataclass(slots=True, eq=False)
class _Group:
    """The copies of one post.

    Attributes:
        keys: one for each spelling of its slug and title, and each file.
        count: how many copies there are.
        chosen: the one that counts.
        rank: the later, the more; for copies of the same time, the stricter.
    """

    id: str
    keys: set[Key] = field(default_factory=set)
    count: int = 0
    chosen: Copy = ("", 0, "", False, False)
    rank: tuple[str, bool, bool, bool] = ("", False, False, False)
    post: ImportedPost | None = None


class Copies:
    """Chooses the copy of each post that was changed last, and gives different posts with one id different ones."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._groups: dict[Key, _Group] = {}

    def choose(self, outlines: Iterator[ImportedPost]) -> list[ImportedPost]:
        """Return one outline of each post, without what takes memory: its body, and keys that decide about nothing."""
        numbers: Counter[str] = Counter()
        groups: dict[tuple[str, str], list[_Group]] = {}
        for outline in outlines:
            key = _key(outline)
            alike = groups.setdefault((outline.id, outline.date), [])
            group = next((each for each in alike if any(_are_alike(known, key) for known in each.keys)), None)
            if group is None:
                numbers[outline.id] += 1
                number = numbers[outline.id]
                group = _Group(outline.id if number == 1 else f"{outline.id}#{number}")
                alike.append(group)
            group.keys.add(key)
            self._groups[key] = group
            self._add(group, outline)
            kept = {name: value for name, value in outline.matter.items() if name == "publish_at"}
            outline.body, outline.matter, outline.verbatim = "", kept, {}
        return [_taken(group) for some in groups.values() for group in some]

    def _add(self, group: _Group, outline: ImportedPost) -> None:
        rank = (iso_utc_seconds(changed) if (changed := _changed(outline)) else "", *_strictness(outline))
        group.count += 1
        loser: ImportedPost | None = outline
        if group.post is None or rank > group.rank:
            loser, group.post, group.rank, group.chosen = group.post, outline, rank, _copy(outline)
        if loser:
            what = "a post stands in the archive twice, and the copy that was changed last counts"
            self._report.add(SKIPPED, loser.source, loser.line, what, loser.title, post=True)

    def pick(self, posts: Iterator[ImportedPost]) -> Iterator[ImportedPost]:
        """Yield the same copies of the posts, now with their bodies."""
        seen: set[str] = set()
        for post in posts:
            group = self._groups[_key(post)]
            if group.id not in seen and (group.count == 1 or _copy(post) == group.chosen):
                seen.add(group.id)
                post.id = group.id
                yield post


def _taken(group: _Group) -> ImportedPost:
    """Return the outline of a group, which forgets it, because each takes some memory."""
    outline, group.post = group.post, None
    assert outline is not None
    outline.id = group.id
    return outline


def _key(post: ImportedPost) -> Key:
    return (post.id, post.date, post.slug, post.title, post.source.partition("#")[0])


def _are_alike(one: Key, other: Key) -> bool:
    """Return True if two posts with one id are the same: of one moment, with one slug or title, or from different files."""
    is_of_other_file = bool(one[1]) and one[4] != other[4]
    return one[1] == other[1] and (one[2] == other[2] or one[3] == other[3] or is_of_other_file)


def _changed(post: ImportedPost) -> str:
    return str(post.matter.get("lastmod") or post.date)


def _strictness(post: ImportedPost) -> tuple[bool, bool, bool]:
    return (post.draft, post.scheduled, bool(post.access))


def _copy(post: ImportedPost) -> Copy:
    return (post.source, post.line, _changed(post), post.draft, post.scheduled)
