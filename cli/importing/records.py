"""The neutral records that every reader yields."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

POST, PAGE = "post", "page"


class LineMap:
    """Which line of a source each line of an edited text comes from.

    Args:
        anchors: pairs of a line of the text and the line of the source from which it comes, in order; both from 1.
        earlier: the map of an edit that was made before.
    """

    def __init__(self, anchors: list[tuple[int, int]], earlier: LineMap | None = None) -> None:
        self._anchors = anchors
        self._earlier = earlier

    def source_line(self, line: int) -> int:
        """Return the line of the source."""
        at = bisect_right(self._anchors, (line, 1 << 60)) - 1
        mine, theirs = self._anchors[at] if at >= 0 else (1, 1)
        before = theirs + line - mine
        return self._earlier.source_line(before) if self._earlier else before

    def after(self, earlier: LineMap) -> LineMap:
        """Return the map of two edits, of which `earlier` was made first."""
        return LineMap(self._anchors, earlier)


class FirstLine(LineMap):
    """The map of a text that was converted as a whole: every line counts as the first one of the source."""

    def __init__(self) -> None:
        super().__init__([(1, 1)])

    def source_line(self, line: int) -> int:
        """Return the first line."""
        return 1


@dataclass(slots=True)
class SiteFacts:
    """What an archive says of its site.

    Attributes:
        base_url: the site's address without a slash at its end; empty if the archive does not name it.
        hosts: further hosts at which the site was served.
        timezone: applies to dates without an offset.
        path: the path below which the whole site was served, such as `/blog`; empty for the root.
        terms: the folders of addresses below which authors and topics had their pages, each with its kind.
    """

    name: str = ""
    tagline: str = ""
    base_url: str = ""
    language: str = ""
    timezone: str = ""
    path: str = ""
    hosts: set[str] = field(default_factory=set)
    terms: Mapping[str, str] = field(default_factory=dict)


class Hints(NamedTuple):
    """What the editor says of the old site, because its archive may not.

    Attributes:
        base_url: its address.
        timezone: for dates without an offset.
        permalink: the pattern of its articles' addresses.
    """

    base_url: str = ""
    timezone: str = ""
    permalink: str = ""


@dataclass(slots=True)
class ImportedPost:
    """An article or a standing page, before its addresses and images are resolved.

    Attributes:
        id: names it within the archive, such as its path or its number.
        source: the file in which to find it, for the report.
        line: where its body begins in that file; 0 if that says nothing.
        kind: `post` or `page`.
        slug: the slug that it asks for.
        date: ISO 8601 with offset; empty if the archive has none.
        address: the path at which readers found it.
        aliases: further old paths, as they were typed.
        access: the tier for all of it; empty for everyone.
        hidden_tier: the tier of what follows a divider such as `<!--members-only-->`.
        expires: ISO 8601 with offset.
        scheduled: True if it was to appear at its date; without one that is still to come, it becomes a draft.
        matter: further keys of the draft, by Nightdesk's names.
        topics: id or slug, and name; likewise `authors`.
        folder: where its images lie, within the archive.
        names: what references within the archive call it, such as the name of its file.
        lines: which line of the source each line of the body comes from, if the body was edited.
        directives: the lines of the body that are meant as directives of Nightdesk.
        verbatim: of an article that Nightdesk exported: all of its front matter, which is taken as it is, like its body.
        beside: the images of such an article: names in the archive by their names.
        language: its own, if it is not the site's.
        versions: names the article in all of its languages; empty if it can have no other.
    """

    id: str
    source: str
    kind: str = POST
    line: int = 0
    slug: str = ""
    title: str = ""
    date: str = ""
    draft: bool = False
    scheduled: bool = False
    address: str = ""
    aliases: list[str] = field(default_factory=list)
    access: str = ""
    hidden_tier: str = ""
    expires: str = ""
    authors: list[tuple[str, str]] = field(default_factory=list)
    topics: list[tuple[str, str]] = field(default_factory=list)
    hero: dict[str, str] = field(default_factory=dict)
    matter: dict[str, Any] = field(default_factory=dict)
    body: str = ""
    folder: str = ""
    names: list[str] = field(default_factory=list)
    lines: LineMap | None = None
    directives: frozenset[str] = frozenset()
    verbatim: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    language: str = ""
    versions: str = ""


@dataclass(slots=True)
class ImportedProfile:
    """An author or a topic.

    Attributes:
        kind: `author` or `topic`.
        id: the id by which posts name it.
        portrait: the file of an image, or its address.
        needs_posts: True if the old site showed it only with public posts.
        is_term: True if whatever name becomes this id means the profile, as a term of Hugo's means its page.
    """

    kind: str
    id: str
    name: str
    source: str
    line: int = 0
    address: str = ""
    matter: dict[str, str] = field(default_factory=dict)
    portrait: str = ""
    needs_posts: bool = False
    body: str = ""
    folder: str = ""
    is_term: bool = False


class ImportedMember(NamedTuple):
    """A reader with an account."""

    email: str
    name: str = ""
    tier: str = ""
    until: str = ""
    created: str = ""
    newsletter: bool = False


class Reader(Protocol):
    """Reads one system's archive."""

    site: SiteFacts

    def outlines(self) -> Iterator[ImportedPost]:
        """Yield every post and page without its body, each exactly once. What cannot be read is reported."""

    def posts(self) -> Iterator[ImportedPost]:
        """Yield every post and page with its body, in the same order."""

    def profiles(self) -> Iterator[ImportedProfile]:
        """Yield the profiles of authors and topics."""

    def members(self) -> Iterator[ImportedMember]:
        """Yield the readers with accounts."""

    def image_names(self, address: str, post: ImportedPost) -> list[str]:
        """Return the names in the archive at which an image may lie, the likeliest first."""

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Yield old paths, each with the address to which it led."""
