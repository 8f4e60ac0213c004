"""Front matter as it was typed: a tree of texts, with the line of every value.

YAML 1.1 turns `no` into False, `12:30` into 750, and a bare date into a date object. So values stay the text that is in
the file, and the code that reads a key decides what it means.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple

import yaml

from nightdesk.domain.errors import Rejected
from nightdesk.domain.problems import Kind, Problem

MAX_BYTES = 1024 * 1024
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_MAX_DEPTH = 20
_STARTS: dict[type, type] = {yaml.MappingStartEvent: dict, yaml.SequenceStartEvent: list}
_ENDS = frozenset((yaml.MappingEndEvent, yaml.SequenceEndEvent))
_CHAIN = re.compile(rf"(?<![\w\"'-])(?:[\w\"'-]+[ \t]*\.[ \t]*){{{_MAX_DEPTH}}}")
_FENCE = re.compile(r"\s*^(---|\+\+\+)[ \t]*\n", re.MULTILINE)
_BARE_KEYS = re.compile(r"\s*((?:^[A-Za-z][\w -]*:.*\n)+)", re.MULTILINE)
_COMMENT = re.compile(r"[ \t]+(#.*)")
_COMMENT_BELOW = re.compile(r"[ \t]*\n( +)(#\w.*)")
_LINE_KEY = re.compile(r"[\s-]*([\w-]+)[ \t]*:")
_STANDARD_TAG = "tag:yaml.org,2002:"
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that YAML does not allow (YAML 1.1, section 5.1)."""


class Node(NamedTuple):
    """A value and its line (from 1): a text, None, a list of nodes, or a mapping of nodes by key.

    `lost` is what YAML took from a plain text: a comment after it, or a tag or an anchor before it.
    """

    line: int
    value: str | list[Node] | dict[str, Node] | None
    lost: str = ""


class Source(NamedTuple):
    """A file split into front matter and a body, which begins at line `body_line`."""

    matter: dict[str, Node]
    body: str
    body_line: int


def decode(raw: bytes) -> str:
    """Decode the bytes of a file, and normalise its line endings.

    Raises:
        Rejected: the file is larger than 1 MiB, is not UTF-8, or contains a NUL.
    """
    if len(raw) > MAX_BYTES:
        raise Rejected(Kind.FILE_TOO_LARGE.at(0, size=len(raw)))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Rejected(Kind.NOT_UTF8.at(line)) from None
    if "\0" in text:
        raise Rejected(Kind.NUL_CHARACTER.at(text.count("\n", 0, text.index("\0")) + 1))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_front_matter(text: str) -> Source:
    """Split a decoded file into its front matter and its body.

    Raises:
        Rejected: there is no front matter, or it does not end, or it does not parse.
    """
    opening = _FENCE.match(text)
    if not opening:
        raise Rejected(_without_fences(text))
    fence = opening[1]
    closing = re.compile(rf"^{re.escape(fence)}[ \t]*$", re.MULTILINE).search(text, opening.end())
    if not closing:
        raise Rejected(_unclosed(text, fence, opening.end()))
    matter = text[opening.end() : closing.start()]
    first_line = text.count("\n", 0, opening.end()) + 1
    tree = parse_yaml(matter, first_line) if fence == "---" else _parse_toml(matter, first_line)
    body_start = min(closing.end() + 1, len(text))
    return Source(tree, text[body_start:], text.count("\n", 0, body_start) + 1)


def _without_fences(text: str) -> Problem:
    """Describe a file that does not begin with front matter; keys without lines of --- around them are named."""
    keys = _BARE_KEYS.match(text)
    if not keys:
        return Kind.FRONT_MATTER_MISSING.at(1)
    first = text.count("\n", 0, keys.start(1)) + 1
    return Kind.FRONT_MATTER_FENCES.at(first, first=first, last=first + keys[1].count("\n") - 1)


def _unclosed(text: str, fence: str, start: int) -> Problem:
    """Describe front matter without an end; many authors type YAML's end of a document, `...`."""
    dots = re.compile(r"^\.\.\.[ \t]*$", re.MULTILINE).search(text, start) if fence == "---" else None
    if dots:
        return Kind.FRONT_MATTER_DOTS.at(text.count("\n", 0, dots.start()) + 1)
    return Kind.FRONT_MATTER_UNCLOSED.at(1, fence=fence)


def parse_yaml(text: str, first_line: int = 1) -> dict[str, Node]:
    """Parse a YAML mapping into nodes.

    The parser's events are read in a loop, because a composer that calls itself can be made to run out of stack. Aliases
    are refused: front matter has no use for them, and a few lines of them can stand for gigabytes.

    Raises:
        Rejected: it does not parse, is not a mapping, repeats a key, is nested over 20 levels deep, or uses an alias.
    """
    try:
        root = _compose(_events(text), text, first_line)
    except yaml.YAMLError as error:
        raise Rejected(_explain(error, text, first_line)) from None
    if root is None or root.value is None:
        return {}
    if not isinstance(root.value, dict):
        raise Rejected(Kind.FRONT_MATTER_WITHOUT_KEYS.at(first_line))
    return root.value


def _explain(error: yaml.YAMLError, text: str, first_line: int) -> Problem:
    """Return the parser's error in words for authors."""
    if not isinstance(error, yaml.MarkedYAMLError):  # a character that YAML allows nowhere (yaml.reader.ReaderError)
        found = _NOT_YAML.search(text)
        where = found.start() if found else 0
        return Kind.CONTROL_CHARACTER.at(text.count("\n", 0, where) + first_line, _key_at(text, where))
    problem, context = str(error.problem), str(error.context)
    mark = error.problem_mark or error.context_mark
    typed = text[mark.index : mark.index + 1] if mark else ""
    kind = Kind.YAML_INVALID
    if "end of stream" in problem and error.context_mark:
        kind, mark = Kind.YAML_QUOTE_UNCLOSED, error.context_mark
    elif "tab character" in problem:
        kind = Kind.YAML_TAB
    elif "cannot start any token" in problem:
        kind = Kind.YAML_TAB if typed == "\t" else Kind.YAML_RESERVED_CHARACTER
    elif "mapping values" in problem:
        kind = Kind.YAML_COLON
    elif "escape" in problem or "hexdecimal" in problem:  # libyaml's spelling
        kind = Kind.YAML_ESCAPE
    elif "simple key" in context:
        kind = Kind.YAML_KEY_UNFINISHED
    elif "flow" in context:
        kind, mark = Kind.YAML_BRACKET_UNCLOSED, error.context_mark or mark
    return kind.at((mark.line if mark else 0) + first_line, _key_at(text, mark.index if mark else 0), typed=typed)


def _key_at(text: str, index: int) -> str:
    """Return the key at the head of the line that holds a character; empty if the line has none."""
    found = _LINE_KEY.match(text, text.rfind("\n", 0, index) + 1)
    return found[1] if found else ""


def _events(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        event = loader.get_event()
        while type(event) is not yaml.StreamEndEvent:
            yield event
            event = loader.get_event()
    finally:
        loader.dispose()


class _Open:
    """A list or mapping that has not ended; `key` is the line and name of the key whose value comes next."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.key: tuple[int, str] | None = None


def _compose(events: Iterator[Any], text: str, first_line: int) -> Node | None:
    root: Node | None = None
    stack: list[_Open] = []
    for event in events:
        if type(event) in _ENDS:
            stack.pop()
            continue
        node = _node(event, text, first_line)
        if node is None:
            continue
        if stack:
            _add(stack[-1], node)
        elif root is not None:
            raise Rejected(Kind.YAML_DOCUMENTS.at(node.line))
        else:
            root = node
        if type(event) in _STARTS:
            if len(stack) == _MAX_DEPTH:
                raise Rejected(Kind.FRONT_MATTER_TOO_DEEP.at(node.line))
            stack.append(_Open(node))
    return root


def _node(event: Any, text: str, first_line: int) -> Node | None:
    """Return the node that an event begins, or None for an event that begins none."""
    kind, line = type(event), event.start_mark.line + first_line
    if kind is yaml.ScalarEvent:
        is_null = not event.style and event.value in _NULLS
        return Node(line, None if is_null else event.value, _lost(event, text))
    if kind in _STARTS:
        return Node(line, _STARTS[kind]())
    if kind is yaml.AliasEvent:
        raise Rejected(Kind.YAML_ALIAS.at(line))
    return None


def _lost(event: Any, text: str) -> str:
    """Return what YAML took from a scalar as it was typed: its tag, its anchor, or the comment after it."""
    if event.tag and not event.tag.startswith(_STANDARD_TAG):
        return str(event.tag)
    if event.anchor:
        return f"&{event.anchor}"
    if event.style:
        return ""
    comment = _COMMENT.match(text, event.end_mark.index)
    return comment[1] if comment else _lost_below(event, text)


def _lost_below(event: Any, text: str) -> str:
    """Return a comment below a text that goes on there: it is indented like the text's next line, and has no blank after its #."""
    comment = _COMMENT_BELOW.match(text, event.end_mark.index)
    if not comment:
        return ""
    start = text.rfind("\n", 0, event.start_mark.index) + 1
    head = re.compile(r" *(?:- +)*").match(text, start)
    column = head.end() - start if head else 0
    if event.start_mark.index - start == column:  # an item of a list
        column = text.rfind("-", start, start + column) - start
    return comment[2] if len(comment[1]) > column else ""


def _add(parent: _Open, node: Node) -> None:
    """Add a node to the list or mapping around it, as an item, a key or a value."""
    if isinstance(parent.node.value, list):
        parent.node.value.append(node)
        return
    mapping = parent.node.value
    assert isinstance(mapping, dict)  # scalars are never open
    if parent.key is None:
        if isinstance(node.value, list | dict):
            raise Rejected(Kind.KEY_NOT_TEXT.at(node.line))
        parent.key = (node.line, node.value or "")
        return
    key_line, key = parent.key
    if key in mapping and mapping[key].value != node.value:
        raise Rejected(Kind.KEY_REPEATED.at(key_line, key, first=mapping[key].line))
    # A text over several lines begins below its key; authors look for the key's line.
    mapping[key] = node if isinstance(node.value, list | dict) else node._replace(line=key_line)
    parent.key = None


def _parse_toml(text: str, first_line: int) -> dict[str, Node]:
    if chain := _CHAIN.search(text):  # tomllib's time grows with the square of a dotted key's length
        raise Rejected(Kind.FRONT_MATTER_TOO_DEEP.at(text.count("\n", 0, chain.start()) + first_line))
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a plain ValueError
        found = re.search(r"line (\d+)", str(error))
        kind = Kind.TOML_KEY_REPEATED if "overwrite" in str(error) else Kind.TOML_INVALID
        raise Rejected(kind.at(int(found[1]) - 1 + first_line if found else first_line)) from None
    lines: dict[str, int] = {}
    for number, line_text in enumerate(text.split("\n"), first_line):
        if key := re.match(r"\s*(?:\[+\s*)?[\"']?([A-Za-z0-9_-]+)", line_text):
            lines.setdefault(key[1], number)
    return {str(key): _toml_node(value, lines.get(str(key), first_line), lines) for key, value in tree.items()}


def _toml_node(value: Any, line: int, lines: dict[str, int], depth: int = 2) -> Node:
    """Return a TOML value as a node.

    Args:
        line: the line of the enclosing key, for values that have no line.
        lines: the line at which each key first begins.
        depth: how many levels deep it is nested, itself included.
    """
    if isinstance(value, dict | list) and depth > _MAX_DEPTH:
        raise Rejected(Kind.FRONT_MATTER_TOO_DEEP.at(line))
    if isinstance(value, dict):
        nodes = {str(k): _toml_node(v, lines.get(str(k), line), lines, depth + 1) for k, v in value.items()}
        return Node(line, nodes)
    if isinstance(value, list):
        return Node(line, [_toml_node(item, line, lines, depth + 1) for item in value])
    if isinstance(value, bool):
        return Node(line, "true" if value else "false")
    if isinstance(value, int) and value.bit_length() > 64:
        raise Rejected(Kind.NUMBER_TOO_LONG.at(line))
    return Node(line, value.isoformat() if isinstance(value, datetime | date) else str(value))


def to_plain(node: Node) -> Any:
    """Return a node as JSON values, without its lines."""
    if isinstance(node.value, dict):
        return {key: to_plain(value) for key, value in node.value.items()}
    if isinstance(node.value, list):
        return [to_plain(item) for item in node.value]
    return node.value
