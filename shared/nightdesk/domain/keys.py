"""Front-matter keys: how each is declared, and how its value is read.

Each kind of file has one table of `Key`s (`draft_keys`, `profiles`, `update_file`, `site_file`). `docs/drafts.md` shows the
same tables to authors; a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import suppress
from datetime import tzinfo
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from nightdesk.domain.errors import Rejected
from nightdesk.domain.frontmatter import Node, to_plain
from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.problems import Kind, ProblemKind
from nightdesk.domain.suggestions import FewSuggestions, closest
from nightdesk.domain.template_code import template_code
from nightdesk.domain.text import NOT_XML, single_spaced
from nightdesk.domain.timestamps import InvalidTimestamp, parse_timestamp

_MOST_UNKNOWN = 10
MAX_ITEM = 500
"""Characters of one text in a list."""
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off", "")
_COMMAS = re.compile(r"[,，、،;；|]|(?<=\w)\s+(?=#\w)")
"""What stands between the entries of a list that is typed as one text; between hashtags also blanks."""
_ALSO_SAID = {"title": ("headline", "heading", "name", "subject"), "headline": ("title", "heading", "name", "subject")}
"""What some write in the place of a key that is required."""

File = TypeVar("File")


class Key(NamedTuple, Generic[File]):
    """The declaration of a front-matter key.

    Attributes:
        name: the name that messages and documents use.
        form: the form of its value, for authors.
        read: takes the value and what is known of the file; returns what is stored, and reports what is wrong.
        synonyms: other names for it, in the order in which they count.
        settings: other keys, each with the one value that sets this key, such as `status: draft`.
        attribute: the attribute that it sets; by default the one of its name.
        several: how synonyms with different values are treated: `reject` the file, use the first and `warn` of the
            others, or let `read` decide.
    """

    name: str
    form: str
    read: Callable[[Value, File], Any]
    synonyms: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    attribute: str = ""
    several: str = "reject"


class Value:
    """The value of one key as it was typed, perhaps missing.

    Args:
        key: the name that was typed, with the names of the keys around it (`hero.alt`).
        node: the value and its line; None if the key is missing or empty.
        problems: where problems are collected.
        blank: the key's place, if it was typed without a value.
        suggestion: for a missing key: returns what the author may have typed instead.
    """

    def __init__(
        self,
        key: str,
        node: Node | None,
        problems: ProblemList,
        blank: Node | None = None,
        suggestion: Callable[[], str] = str,
    ) -> None:
        self.key = key
        self.node = node
        self._problems = problems
        self._blank = blank
        self._suggestion = suggestion

    def __bool__(self) -> bool:
        """True if there is a value."""
        return self.node is not None

    def report(self, kind: ProblemKind, node: Node | None = None, **values: Any) -> None:
        """Report a problem at `node`, or else where the value begins; a missing value counts as line 1."""
        place = node or self.node
        self._problems.add(kind.at(place.line if place else 1, self.key, **values))

    def text(self, limit: int = 2000, free: bool = True) -> str:
        """Return the text, its blanks and line ends made single blanks; empty if it is missing or not a text.

        Args:
            limit: the most characters that are accepted.
            free: True for text in an author's own words, of which YAML must not have cut a part.
        """
        if free:
            self._refuse_cut(self.node or self._blank)
        if self.node is None:
            return ""
        if not isinstance(self.node.value, str):
            self.report(Kind.NOT_TEXT)
            return ""
        text = single_spaced(self.node.value)
        self._check(text, self.node, limit)
        if free:
            self._report_code(text, self.node)
        return text

    def word(self) -> str:
        """Return a text that is not in an author's own words, such as a slug or a tier; a comment may follow it."""
        return self.text(free=False)

    def refuse_cut(self) -> None:
        """Report a word of which YAML took a part."""
        if self.node and _is_cut(self.node):
            self._refuse_cut(self.node)

    def required_text(self, missing: ProblemKind, limit: int = 2000) -> str:
        """Return the text as `text` does, and report the problem `missing` if there is none, or none that can be seen."""
        text = self.text(limit)
        text = text if any(each.isprintable() and not each.isspace() for each in text) else ""
        if not text and (self.node is None or isinstance(self.node.value, str)):
            place = self.node or self._blank
            if not (place and place.lost):
                self._problems.add(missing.at(place.line if place else 1, self.key, self._suggestion()))
        return text

    def flag(self) -> bool:
        """Return True or False, for any of YAML's spellings; False if it is missing."""
        if self.node is None:
            return False
        text = self.node.value.lower() if isinstance(self.node.value, str) else "a list"
        if text not in _TRUE + _FALSE:
            self.report(Kind.NOT_FLAG)
        return text in _TRUE

    def is_flag(self) -> bool:
        """Return True if there is a value, and it is one of YAML's spellings of true and false."""
        return self.node is not None and isinstance(self.node.value, str) and self.node.value.lower() in _TRUE + _FALSE

    def timestamp_if_valid(self, zone: tzinfo) -> str:
        """Return an ISO 8601 timestamp, or nothing, without a report."""
        typed = self.node.value if self.node else None
        with suppress(InvalidTimestamp):
            return parse_timestamp(typed, zone).isoformat() if isinstance(typed, str) else ""
        return ""

    def timestamp(self, zone: tzinfo, round_up: bool = True) -> str:
        """Return an ISO 8601 timestamp with offset, or nothing.

        Args:
            zone: applies to a timestamp without an offset.
            round_up: as for `parse_timestamp`.
        """
        self.refuse_cut()
        text = self.word()
        if not text:
            return ""
        try:
            return parse_timestamp(text, zone, round_up).isoformat()
        except InvalidTimestamp as error:
            self.report(error.kind, typed=text)
            return ""

    def texts(self, commas: bool = False) -> list[tuple[str, Node]]:
        """Return each text of a list with its node; a single text is a list of one.

        Args:
            commas: True if a single text with commas, or what some write in their place, is a list.
        """
        items = self._items()
        if commas and self.node is not None and isinstance(self.node.value, str):
            items = [self.node._replace(value=part) for part in _COMMAS.split(self.node.value)]
        typed = [(single_spaced(each.value).strip(), each) for each in items if isinstance(each.value, str)]
        texts = [(text, item) for text, item in typed if text]
        if len(texts) < len([item for item in items if item.value is not None and item.value != ""]):
            self.report(Kind.NOT_TEXTS)
        for each in items or (self._blank,):
            self._refuse_cut(each)
        for text, item in texts:
            self._check(text, item, MAX_ITEM)
            self._report_code(text, item)
        return texts

    def mappings(self) -> Iterator[KeyReader]:
        """Yield a reader for each mapping of a list; a single mapping is a list of one."""
        for item in self._items():
            if isinstance(item.value, dict):
                yield KeyReader(item.value, self._problems, f"{self.key}.", item)
            else:
                self.report(Kind.NOT_KEYS, item)

    def check_count(self, items: Sized, limit: int) -> None:
        """Report more than `limit` items."""
        if len(items) > limit:
            self.report(Kind.TOO_MANY_ENTRIES, count=len(items), limit=limit)

    def _items(self) -> Sequence[Node]:
        if self.node is None:
            return ()
        return self.node.value if isinstance(self.node.value, list) else [self.node]

    def _refuse_cut(self, node: Node | None) -> None:
        """Report a text of which YAML took a part, as it takes `#1` from “We are #1”; `KeyReader` reports one that it took whole."""
        if node is None or (node is self._blank and _is_cut(node)):
            return
        if node.lost and (node.value is None or isinstance(node.value, str)):
            self.report(Kind.CUT_BY_YAML, node, typed=node.lost)

    def _report_code(self, text: str, node: Node) -> None:
        for code in template_code(text):
            self.report(Kind.TEMPLATE_CODE, node, typed=code)

    def _check(self, text: str, node: Node, limit: int) -> None:
        if len(text) > limit:
            self.report(Kind.TEXT_TOO_LONG, node, count=len(text), limit=limit)
        if NOT_XML.search(text):
            self.report(Kind.CONTROL_CHARACTER, node)


class KeyReader:
    """Reads the keys of one mapping, and remembers which ones were asked for.

    Args:
        mapping: the mapping's values by key.
        problems: where problems are collected.
        prefix: stands before each key in a problem (`hero.`).
        node: the mapping itself, if it is a value.
    """

    def __init__(
        self, mapping: dict[str, Node], problems: ProblemList, prefix: str = "", node: Node | None = None
    ) -> None:
        self.problems = problems
        self._mapping = mapping
        self._prefix = prefix
        self._node = node
        self._asked: set[str] = set()
        self._cut: set[str] = set()
        self._alike: dict[str, list[str]] = {}
        for key in mapping:
            self._alike.setdefault(_plain(key), []).append(key)

    def value(self, name: str, *synonyms: str) -> Value:
        """Return the value of the first of a key and its synonyms that has one."""
        typed = self.typed(name, *synonyms)
        if typed:
            return typed[0]
        blank = next((self._mapping[each] for each in (name, *synonyms) if each in self._mapping), None)
        return Value(self._prefix + name, None, self.problems, blank, lambda: self._suggestion(name))

    def typed(self, *names: str) -> list[Value]:
        """Return every value that was typed for a key and its synonyms, in their order.

        A key that differs from its name only in capitals, hyphens or underscores is read and reported: to ignore
        `Draft: true` or `publish-at` would publish what must wait. So is a value that YAML takes whole, as in `access: !member`.
        """
        self._asked.update(names)
        found = []
        for name in names:
            for key in self._alike.get(_plain(name), ()):
                node = self._mapping[key]
                is_misspelt = key != name and key not in self._asked
                if is_misspelt:
                    self._asked.add(key)
                    self.problems.add(Kind.KEY_MISSPELT.at(node.line, self._prefix + key, name=name))
                if node.value is None and _is_cut(node) and key not in self._cut:
                    self._cut.add(key)
                    Value(self._prefix + key, node, self.problems).report(Kind.CUT_BY_YAML, typed=node.lost)
                if (key == name or is_misspelt) and node.value is not None:
                    found.append(Value(self._prefix + key, node, self.problems))
        return found

    def when(self, names: Sequence[str], is_meant: Callable[[Node], bool]) -> list[Value]:
        """Return the values of those keys for which `is_meant` is true. The others count as unknown keys."""
        plain = {_plain(name): name for name in names}
        meant = [key for key, node in self._mapping.items() if _plain(key) in plain and is_meant(node)]
        found = [key if key in names else plain[_plain(key)] for key in meant]
        return self.typed(*found)

    def those(self, is_meant: Callable[[str, Node], bool]) -> list[Value]:
        """Return the values of keys that nothing has asked for and for which `is_meant` is true."""
        meant = [key for key, node in self._mapping.items() if key not in self._asked and is_meant(key, node)]
        self._asked.update(meant)
        return [Value(self._prefix + key, self._mapping[key], self.problems) for key in meant]

    def values(self, keys: Sequence[Key[File]], file: File) -> dict[str, Any]:
        """Return what each key of a table is read as, by the attribute that it sets."""
        names = {name for key in keys for name in (key.name, *key.synonyms)}
        self._asked.update(names & set(self._mapping))
        values = {}
        for key in keys:
            self._report_several(key)
            values[key.attribute or key.name] = key.read(self.value(key.name, *key.synonyms), file)
        return values

    def _report_several(self, key: Key[Any]) -> None:
        """Report synonyms that say different things."""
        if not key.synonyms or key.several == "read":
            return
        typed = self.typed(key.name, *key.synonyms)
        kind = Kind.KEYS_CONTRADICT if key.several == "reject" else Kind.KEY_UNUSED
        for first, other in zip(typed[:1] * len(typed), typed[1:], strict=False):
            if first.node and other.node and _said(first.node) != _said(other.node):
                other.report(kind, other=first.key, first=first.node.line)

    def _suggestion(self, name: str) -> str:
        """Return what was perhaps typed for a key that is missing, as a question."""
        unread = [key for key in self._mapping if key not in self._asked]
        typed = closest(name, unread) or next((key for key in unread if _plain(key) in _ALSO_SAID.get(name, ())), "")
        return f"did you mean `{name}` with “{typed}” in line {self._mapping[typed].line}?" if typed else ""

    def report(self, kind: ProblemKind, name: str, **values: Any) -> None:
        """Report a problem of this mapping under the key `name`, at the line where the mapping begins."""
        Value(self._prefix + name, self._node, self.problems).report(kind, **values)

    def report_unknown(self, kind: ProblemKind) -> dict[str, Node]:
        """Report the keys that were never asked for, and return them."""
        unknown = {key: node for key, node in self._mapping.items() if key not in self._asked}
        asked, near = sorted(self._asked), FewSuggestions()
        for key, node in unknown.items():
            self.problems.add(kind.at(node.line, self._prefix + key, near.did_you_mean(key, asked)))
        return unknown


def _is_cut(node: Node) -> bool:
    """Return True if YAML took more from a value than a comment, which has a blank behind its #."""
    return bool(node.lost) and not re.match(r"#[#\s]|#$", node.lost)


@lru_cache(maxsize=1024)
def _plain(key: str) -> str:
    """Return a key without capitals, hyphens, underscores and blanks."""
    return re.sub(r"[-_ ]", "", key.lower())


def _said(node: Node) -> Any:
    """Return what a value says, whatever its spacing; a single text is a list of one."""
    plain = to_plain(node)
    items = plain if isinstance(plain, list) else _COMMAS.split(plain) if isinstance(plain, str) else [plain]
    return [" ".join(item.split()) if isinstance(item, str) else item for item in items]


def raise_rejections(problems: ProblemList) -> None:
    """Raise Rejected if any problem rejects the file. It names a few unknown keys too: one may be why another is missing."""
    if problems.rejections:
        named = {each.key.partition(".")[0] for each in problems.rejections}
        asked = " ".join(each.suggestion for each in problems.rejections)
        unknown = [
            each
            for each in problems.warnings
            if each.kind in (Kind.UNKNOWN_KEY, Kind.UNKNOWN_SETTING)
            and each.key not in named
            and f"“{each.key}”" not in asked
        ]
        raise Rejected(*problems.rejections, *unknown[:_MOST_UNKNOWN])
