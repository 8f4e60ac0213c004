"""Front matter: values stay the text that was typed, and nothing that is typed can do harm."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightdesk.domain.errors import Problem, Rejected
from nightdesk.domain.frontmatter import MAX_BYTES, Node, Source, decode, parse_yaml, plain, split


def matter(text: str) -> dict[str, object]:
    """The plain values of a YAML front matter."""
    return {key: plain(node) for key, node in split(f"---\n{text}\n---\n").matter.items()}


def lines_of(*, raw: bytes | None = None, text: str = "") -> list[int]:
    """The lines of the problems with which a file is rejected."""
    with pytest.raises(Rejected) as caught:
        split(decode(raw if raw is not None else text.encode()))
    return [problem.line for problem in caught.value.problems]


# --- YAML 1.1 turns these into something else ---


ODD_SCALARS = [
    "no",
    "NO",
    "off",
    "yes",
    "on",
    "y",
    "12:30",
    "1:02:03",
    "2026-11-23",
    "010",
    "0x1F",
    "1_000",
    "1e3",
    ".inf",
    "3.10",
    "true",
    "=",
    "<<",
]


@pytest.mark.parametrize("typed", [*ODD_SCALARS, "2026-11-23 03:10:00"])
def test_values_stay_as_typed(typed: str) -> None:
    assert matter(f"key: {typed}") == {"key": typed}


@pytest.mark.parametrize("typed", ["no", "off", "2026-11-23", "12:30", "1.10"])
def test_keys_and_items_stay_as_typed(typed: str) -> None:
    assert matter(f"{typed}: [{typed}]") == {typed: [typed]}


@pytest.mark.parametrize("typed", ["", "~", "null", "Null", "NULL"])
def test_nothing_is_nothing_unless_it_is_quoted(typed: str) -> None:
    assert matter(f"key: {typed}") == {"key": None}
    assert matter(f'key: "{typed}"') == {"key": typed}


def test_tags_are_not_obeyed() -> None:
    assert matter("key: !!python/object/apply:os.system [echo]") == {"key": ["echo"]}
    assert matter("key: !!int '7'\nother: !!binary aGk=") == {"key": "7", "other": "aGk="}


def test_merge_keys_are_plain_keys() -> None:
    assert matter("<<: {title: hidden}\ntitle: seen") == {"<<": {"title": "hidden"}, "title": "seen"}


# --- The file around it ---


@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n", "\ufeff \t\n\n", "\r\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_marks_blank_lines_and_line_ends_are_no_matter(start: str, end: str) -> None:
    text = start + end.join(["---", "title: T", "dek: |", "  one", "  two", "---", "", "Body", "more", ""])
    source = split(decode(text.encode()))
    assert {key: plain(node) for key, node in source.matter.items()} == {"title": "T", "dek": "one\ntwo\n"}
    assert source.body == "\nBody\nmore\n"
    above = text.encode().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\nBody")[0]
    assert source.body_line == above.count("\n") + 1


def test_blanks_after_a_fence_are_no_matter() -> None:
    source = split("--- \t\ntitle: T\n---  \nBody")
    assert (plain(source.matter["title"]), source.body, source.body_line) == ("T", "Body", 4)


def test_a_body_may_have_rules_of_its_own() -> None:
    assert split("---\ntitle: T\n---\none\n\n---\n\ntwo").body == "one\n\n---\n\ntwo"


@pytest.mark.parametrize("text", ["---\ntitle: T\n---", "---\ntitle: T\n---\n"])
def test_a_body_may_be_missing(text: str) -> None:
    assert split(text).body == ""


def test_empty_front_matter_has_no_keys() -> None:
    assert split("---\n---\nBody").matter == {}
    assert split("---\n# a comment\n---\nBody").matter == {}


# --- Lines ---


def test_each_value_knows_its_line() -> None:
    text = "\n---\ntitle: T\ndek: >\n  long\n  text\nhero:\n  src: a.png\nsources:\n  - title: one\n    url: two\n---\n"
    tree = split(text).matter
    hero, sources = tree["hero"].value, tree["sources"].value
    assert isinstance(hero, dict)
    assert isinstance(sources, list)
    first = sources[0].value
    assert isinstance(first, dict)
    assert [tree["title"].line, tree["dek"].line, hero["src"].line] == [3, 4, 8]
    assert [sources[0].line, first["title"].line, first["url"].line] == [10, 10, 11]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\ntitle: T\nbad: [\n---\n", 4),
        ("---\ntitle: a: b\n---\n", 2),
        ("---\ntitle: T\n\tdek: x\n---\n", 3),
        ("---\ntitle: 'T\n---\n", 2),
        ("---\ntitle: T\nother: 1\ntitle: U\n---\n", 4),
        ("\n\n---\ntitle: T\ntitle: U\n---\n", 5),
        ("---\ntitle: T\nhero: {src: a, src: b}\n---\n", 3),
        ("---\n- a\n- b\n---\n", 2),
        ("---\njust text\n---\n", 2),
        ("---\n? [a, b]\n: c\n---\n", 2),
        ("---\ntitle: &x T\ndek: *x\n---\n", 3),
        ("---\ntitle: T\n", 1),
        ("+++\ntitle = 'T'\n---\n", 1),
        ("title: T\n", 1),
        ("", 1),
        ("text\n---\ntitle: T\n---\n", 1),
        ("+++\ntitle = 'T'\nbad = \n+++\n", 3),
        ("\n+++\n\ntitle = 'T'\ntitle = 'U'\n+++\n", 5),
        ('---\ntitle: "\\uD800"\n---\n', 2),
    ],
)
def test_what_does_not_parse_is_rejected_with_its_line(text: str, line: int) -> None:
    assert lines_of(text=text) == [line]


def test_a_key_that_says_the_same_twice_is_forgiven() -> None:
    assert matter("title: T\ntitle: T") == {"title": "T"}


# --- TOML ---


def test_toml_reads_like_yaml() -> None:
    text = """+++
title = "T"
date = 2026-11-23T03:10:00+01:00
day = 2026-11-23
draft = false
weight = 7
tags = ["a", "no"]

[hero]
src = "a.png"

[[sources]]
title = "one"
+++
Body"""
    source = split(text)
    assert {key: plain(node) for key, node in source.matter.items()} == {
        "title": "T",
        "date": "2026-11-23T03:10:00+01:00",
        "day": "2026-11-23",
        "draft": "false",
        "weight": "7",
        "tags": ["a", "no"],
        "hero": {"src": "a.png"},
        "sources": [{"title": "one"}],
    }
    assert [source.matter[key].line for key in ("title", "draft", "hero", "sources")] == [2, 5, 9, 12]
    assert (source.body, source.body_line) == ("Body", 15)


# --- Harm ---


def nested(opening: str, count: int = 100_000) -> bytes:
    return f"---\ntitle: T\nx: {opening * count}\n---\n".encode()


BOMB = "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "raw",
    [
        nested("["),
        nested("{a: "),
        nested("- "),
        nested("? "),
        nested("[", 21),
        f"---\na: &a [x, x]\n{BOMB}---\n".encode(),
        b"---\na: &a\n  b: *a\n---\n",
        b"+++\nx = " + b"[" * 100_000 + b"\n+++\n",
        b"+++\nx = " + b"[" * 30 + b"]" * 30 + b"\n+++\n",
        b"+++\n" + b"a." * 20_000 + b"a = 1\n+++\n",
        b"+++\n[" + b"a." * 2_000 + b"a]\nb = 1\n+++\n",
        b"+++\nx = " + b"9" * 5_000 + b"\n+++\n",
        b"+++\nx = 0x" + b"f" * 5_000 + b"\n+++\n",
        b"---\n" + b"\t" * 100_000 + b"\n---\n",
        b"---\n" + b"'" * 99_999 + b"\n---\n",
    ],
    ids=lambda raw: raw[:24].decode(),
)
def test_hostile_front_matter_is_rejected_at_once(raw: bytes) -> None:
    started = time.perf_counter()
    assert lines_of(raw=raw)
    assert time.perf_counter() - started < 5


def test_twenty_levels_are_allowed() -> None:
    depth = 18
    assert split(f"---\nx: {'[' * depth}a{']' * depth}\n---\n").matter["x"].line == 2
    assert split(f"+++\nx = {'[' * depth}{']' * depth}\n+++\n").matter["x"].line == 2


def test_a_megabyte_is_enough() -> None:
    filler = b"x" * (MAX_BYTES - len(b"---\ntitle: T\n---\n"))
    assert split(decode(b"---\ntitle: T\n---\n" + filler)).body
    assert lines_of(raw=b"---\ntitle: T\n---\n" + filler + b"x") == [0]


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"---\ntitle: T\ndek: caf\xe9\n---\n", 3),
        (b"\xff\xfe-\x00-\x00", 1),
        (b"---\ntitle: T\n---\n\xed\xa0\x80", 4),
        (b"---\ntitle: T\n---\na\n\0b", 5),
    ],
)
def test_what_is_no_text_is_rejected_with_its_line(raw: bytes, line: int) -> None:
    assert lines_of(raw=raw) == [line]


# --- Whatever comes ---

WORDS = [
    "---",
    "+++",
    "title:",
    "-",
    "[",
    "]",
    "{",
    "}",
    ":",
    "&a",
    "*a",
    "!!x",
    "|",
    "'",
    '"',
    "\\u",
    "%",
    "#",
    "=",
    "a",
    "1",
    "?",
    "<<",
    "@",
]
FRAGMENTS = st.sampled_from(
    [word.encode() + end for word in WORDS for end in (b"", b" ", b"\n")]
    + [b"\r", b"\t", b"\0", b"\xff", b"\xef\xbb\xbf"]
)


def source_or_problems(raw: bytes) -> Source | tuple[Problem, ...]:
    try:
        return split(decode(raw))
    except Rejected as error:
        return error.problems


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=400), st.lists(FRAGMENTS, max_size=60).map(b"".join)))
def test_any_bytes_are_a_source_or_rejected(raw: bytes) -> None:
    for candidate in (raw, b"---\n" + raw + b"\n---\nBody", b"+++\n" + raw + b"\n+++\nBody"):
        started = time.perf_counter()
        outcome = source_or_problems(candidate)
        if isinstance(outcome, Source):
            assert all(isinstance(node, Node) and plain(node) is not node for node in outcome.matter.values())
        else:
            lines = candidate.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
            assert all(0 <= problem.line <= lines + 1 and problem.message for problem in outcome)
        assert time.perf_counter() - started < 1


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=30), max_size=5))
def test_json_is_yaml(values: dict[str, str]) -> None:
    text = json.dumps(values)
    if any(mark in text for mark in ("\\ud", "\\u00", "\x7f")):  # YAML has no halves of characters, nor all controls
        return
    assert {key: plain(node) for key, node in parse_yaml(text).items()} == values
