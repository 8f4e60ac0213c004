"""Front matter as it was typed: a tree of text, with the line of every value.

YAML 1.1 turns `no` into False, `12:30` into 750 and a bare date into something else again. So values are kept as the
text that stands in the file, and whoever reads a key says what it should be.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import yaml

from .errors import Problem, Rejected

MAX_BYTES = 1024 * 1024
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_MAX_DEPTH = 20
_STARTS: dict[type, type] = {yaml.MappingStartEvent: dict, yaml.SequenceStartEvent: list}
_ENDS = frozenset((yaml.MappingEndEvent, yaml.SequenceEndEvent))
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What a feed cannot hold (XML 1.0, 2.2); escapes let it into YAML and TOML."""
_CHAIN = re.compile(rf"(?<![\w\"'-])(?:[\w\"'-]+[ \t]*\.[ \t]*){{{_MAX_DEPTH}}}")
_FENCE = re.compile(r"\s*^(---|\+\+\+)[ \t]*\n", re.MULTILINE)


class Node(NamedTuple):
    """A value and its line (from 1): text, None, a list of nodes, or a mapping to nodes."""

    line: int
    value: str | list[Node] | dict[str, Node] | None


@dataclass(frozen=True, slots=True)
class Source:
    """A file split in two: front matter, and a body that begins at line `body_line`."""

    matter: dict[str, Node]
    body: str
    body_line: int


def decode(raw: bytes) -> str:
    """The text of a file, with plain line ends.

    Raises:
        Rejected: over 1 MiB, not UTF-8, or with a NUL in it.
    """
    if len(raw) > MAX_BYTES:
        raise Rejected(Problem(0, "", f"the file has {len(raw):,} bytes; a draft may have 1 MiB (1,048,576)"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Rejected(Problem(line, "", "the file is not UTF-8; save it in that encoding")) from None
    if "\0" in text:
        raise Rejected(Problem(text.count("\n", 0, text.index("\0")) + 1, "", "a NUL character stands here"))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split(text: str) -> Source:
    """Front matter and body of a decoded file.

    Raises:
        Rejected: no front matter, one that does not end, or one that does not parse.
    """
    opening = _FENCE.match(text)
    if not opening:
        raise Rejected(Problem(1, "", "the file must begin with front matter: a line of ---, keys, a line of ---"))
    fence = opening[1]
    closing = re.compile(rf"^{re.escape(fence)}[ \t]*$", re.MULTILINE).search(text, opening.end())
    if not closing:
        raise Rejected(Problem(1, "", f"the front matter is never closed by a line of {fence}"))
    matter = text[opening.end() : closing.start()]
    first_line = text.count("\n", 0, opening.end()) + 1
    tree = parse_yaml(matter, first_line) if fence == "---" else _parse_toml(matter, first_line)
    body_start = min(closing.end() + 1, len(text))
    return Source(tree, text[body_start:], text.count("\n", 0, body_start) + 1)


def parse_yaml(text: str, first_line: int = 1) -> dict[str, Node]:
    """A YAML mapping as nodes.

    The parser's events are read one by one, for a composer that calls itself can be made to run out of stack. Aliases
    are refused: front matter has no use for them, and a few lines of them can stand for gigabytes.

    Raises:
        Rejected: it does not parse, is no mapping, repeats a key, is nested over 20 deep, or uses an alias.
    """
    try:
        root = _compose(_events(text), first_line)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if error.context_mark and "end of stream" in str(error.problem):
            mark = error.context_mark  # where the quote that never ends begins
        line = (mark.line if mark else 0) + first_line
        raise Rejected(Problem(line, "", f"the YAML does not parse: {error.problem}")) from None
    except yaml.YAMLError as error:
        raise Rejected(Problem(first_line, "", f"the YAML does not parse: {str(error).splitlines()[0]}")) from None
    if root is None or root.value is None:
        return {}
    if not isinstance(root.value, dict):
        raise Rejected(Problem(first_line, "", "front matter must be keys with values, such as “title: …”"))
    return root.value


def _events(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        event = loader.get_event()
        while type(event) is not yaml.StreamEndEvent:
            yield event
            event = loader.get_event()
    finally:
        loader.dispose()


@dataclass(slots=True)
class _Open:
    """A collection that is not yet closed; `key` is the mapping's key whose value comes next."""

    node: Node
    key: tuple[int, str] | None = None


def _compose(events: Iterator[Any], first: int) -> Node | None:
    root: Node | None = None
    stack: list[_Open] = []
    for event in events:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            line = event.start_mark.line + first
            null = not event.style and event.value in _NULLS
            node = Node(line, None if null else event.value)
        elif kind in _STARTS:
            line = event.start_mark.line + first
            node = Node(line, _STARTS[kind]())
        elif kind in _ENDS:
            stack.pop()
            continue
        elif kind is yaml.AliasEvent:
            line = event.start_mark.line + first
            raise Rejected(Problem(line, "", "YAML aliases (&name, *name) are not read here; write the value out"))
        else:
            continue
        if stack:
            _add(stack[-1], node, line)
        elif root is not None:
            raise Rejected(Problem(line, "", "front matter must be one YAML document"))
        else:
            root = node
        if kind in _STARTS:
            if len(stack) == _MAX_DEPTH:
                raise Rejected(Problem(line, "", "the front matter is nested too deeply"))
            stack.append(_Open(node))
    return root


def _add(parent: _Open, node: Node, line: int) -> None:
    if isinstance(parent.node.value, list):
        parent.node.value.append(node)
        return
    mapping = parent.node.value
    assert isinstance(mapping, dict)  # scalars are never open
    if parent.key is None:
        if isinstance(node.value, list | dict):
            raise Rejected(Problem(line, "", "a key must be plain text"))
        key = node.value or ""
        parent.key = (line, key)
        return
    key_line, key = parent.key
    if key in mapping and mapping[key].value != node.value:
        raise Rejected(Problem(key_line, key, f"the key stands twice, here and in line {mapping[key].line}"))
    # A value's own line is where it begins; for text over several lines the key's line is what an author looks for.
    mapping[key] = node if isinstance(node.value, list | dict) else Node(key_line, node.value)
    parent.key = None


def _parse_toml(text: str, first_line: int) -> dict[str, Node]:
    if chain := _CHAIN.search(text):  # tomllib's time grows with the square of a dotted key's length
        line = text.count("\n", 0, chain.start()) + first_line
        raise Rejected(Problem(line, "", "the front matter is nested too deeply"))
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a plain ValueError
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) - 1 + first_line if found else first_line
        raise Rejected(Problem(line, "", f"the TOML does not parse: {error}")) from None
    lines: dict[str, int] = {}
    for number, line_text in enumerate(text.split("\n"), first_line):
        if key := re.match(r"\s*(?:\[+\s*)?[\"']?([A-Za-z0-9_-]+)", line_text):
            lines.setdefault(key[1], number)

    def convert(value: Any, line: int, depth: int = 2) -> Node:
        if isinstance(value, dict | list) and depth > _MAX_DEPTH:
            raise Rejected(Problem(line, "", "the front matter is nested too deeply"))
        if isinstance(value, dict):
            return Node(line, {str(k): convert(v, lines.get(str(k), line), depth + 1) for k, v in value.items()})
        if isinstance(value, list):
            return Node(line, [convert(item, line, depth + 1) for item in value])
        if isinstance(value, bool):
            return Node(line, "true" if value else "false")
        if isinstance(value, int) and value.bit_length() > 64:
            raise Rejected(Problem(line, "", "a number here has too many digits"))
        return Node(line, value.isoformat() if isinstance(value, datetime | date) else str(value))

    return {str(k): convert(v, lines.get(str(k), first_line)) for k, v in tree.items()}


def plain(node: Node) -> Any:
    """A node as plain JSON values, without its lines."""
    if isinstance(node.value, dict):
        return {key: plain(value) for key, value in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


class Reader:
    """Reads keys of one mapping, collects what is wrong, and remembers which keys were asked for.

    Args:
        matter: the mapping.
        problems: where problems are collected.
        prefix: what stands before a key in a message (`hero.`).
    """

    def __init__(self, matter: dict[str, Node], problems: list[Problem], prefix: str = "") -> None:
        self._matter = matter
        self._prefix = prefix
        self._asked: set[str] = set()
        self.problems = problems

    def find(self, *names: str) -> tuple[str, Node] | None:
        """The first of `names` (a key, then its synonyms) that has a value."""
        self._asked.update(names)
        for name in names:
            node = self._matter.get(name)
            if node is not None and node.value is not None:
                return name, node
        return None

    def problem(self, node: Node, key: str, message: str) -> None:
        """Note that the value of `key` will not do."""
        self.problems.append(Problem(node.line, self._prefix + key, message))

    def text(self, *names: str, limit: int = 2000) -> str:
        """Text on one line, or empty."""
        if not (found := self.find(*names)):
            return ""
        name, node = found
        if not isinstance(node.value, str):
            self.problem(node, name, "must be text")
            return ""
        value = " ".join(node.value.split())
        self._check(value, node, name, limit)
        return value

    def flag(self, *names: str) -> bool:
        """True or false, by any of YAML's spellings."""
        if not (found := self.find(*names)):
            return False
        name, node = found
        value = node.value.lower() if isinstance(node.value, str) else "a list"
        if value in ("true", "yes", "on"):
            return True
        if value not in ("false", "no", "off", ""):
            self.problem(node, name, "must be true or false")
        return False

    def texts(self, *names: str) -> list[tuple[str, Node]]:
        """A list of texts, each with its node; a lone text is a list of one."""
        if not (found := self.find(*names)):
            return []
        name, node = found
        items = node.value if isinstance(node.value, list) else [node]
        good = [(item.value.strip(), item) for item in items if isinstance(item.value, str) and item.value.strip()]
        if len(good) < len([item for item in items if item.value is not None]):
            self.problem(node, name, "must be a list of texts")
        for text, item in good:
            self._check(text, item, name, 500)
        return good

    def _check(self, value: str, node: Node, name: str, limit: int) -> None:
        if len(value) > limit:
            self.problem(node, name, f"is longer than {limit:,} characters")
        if _NOT_XML.search(value):
            self.problem(node, name, "has a control character in it")

    def mappings(self, *names: str) -> Iterator[tuple[Reader, Node]]:
        """Each mapping of a list of mappings, to be read in turn; a lone mapping is a list of one."""
        if not (found := self.find(*names)):
            return
        name, node = found
        items = node.value if isinstance(node.value, list) else [node]
        for item in items:
            if isinstance(item.value, dict):
                yield Reader(item.value, self.problems, f"{self._prefix}{name}."), item
            else:
                self.problem(item, name, "each entry must have keys, such as “- title: …”")

    def unread(self) -> dict[str, Node]:
        """The keys that nobody asked for."""
        return {key: node for key, node in self._matter.items() if key not in self._asked}
