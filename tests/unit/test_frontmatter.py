"""Front matter: values stay as typed, and hostile input is rejected quickly."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightdesk.domain import suggestions
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.errors import Rejected
from nightdesk.domain.frontmatter import MAX_BYTES, Node, Source, decode, parse_yaml, split_front_matter, to_plain
from nightdesk.domain.problems import Kind, Problem, ProblemKind
from nightdesk.domain.site import Site
from nightdesk.rendering.markdown import to_html


def matter(text: str) -> dict[str, object]:
    """Return the values of a YAML front matter, without lines."""
    return {key: to_plain(node) for key, node in split_front_matter(f"---\n{text}\n---\n").matter.items()}


def lines_of(*, raw: bytes | None = None, text: str = "") -> list[int]:
    """Return the lines of the problems with which a file is rejected."""
    with pytest.raises(Rejected) as caught:
        split_front_matter(decode(raw if raw is not None else text.encode()))
    return [problem.line for problem in caught.value.problems]


# --- Values that YAML 1.1 converts ---


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
def test_nulls_are_none_unless_quoted(typed: str) -> None:
    assert matter(f"key: {typed}") == {"key": None}
    assert matter(f'key: "{typed}"') == {"key": typed}


def test_yaml_tags_are_ignored() -> None:
    assert matter("key: !!python/object/apply:os.system [echo]") == {"key": ["echo"]}
    assert matter("key: !!int '7'\nother: !!binary aGk=") == {"key": "7", "other": "aGk="}


def test_merge_keys_are_ordinary_keys() -> None:
    assert matter("<<: {title: hidden}\ntitle: seen") == {"<<": {"title": "hidden"}, "title": "seen"}


# --- The file around it ---


@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n", "\ufeff \t\n\n", "\r\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_marks_blank_lines_and_line_ends_are_ignored(start: str, end: str) -> None:
    text = start + end.join(["---", "title: T", "dek: |", "  one", "  two", "---", "", "Body", "more", ""])
    source = split_front_matter(decode(text.encode()))
    assert {key: to_plain(node) for key, node in source.matter.items()} == {"title": "T", "dek": "one\ntwo\n"}
    assert source.body == "\nBody\nmore\n"
    above = text.encode().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\nBody")[0]
    assert source.body_line == above.count("\n") + 1


def test_blanks_after_a_fence_are_ignored() -> None:
    source = split_front_matter("--- \t\ntitle: T\n---  \nBody")
    assert (to_plain(source.matter["title"]), source.body, source.body_line) == ("T", "Body", 4)


def test_a_body_may_contain_horizontal_rules() -> None:
    assert split_front_matter("---\ntitle: T\n---\none\n\n---\n\ntwo").body == "one\n\n---\n\ntwo"


@pytest.mark.parametrize("text", ["---\ntitle: T\n---", "---\ntitle: T\n---\n"])
def test_a_body_may_be_missing(text: str) -> None:
    assert split_front_matter(text).body == ""


def test_empty_front_matter_has_no_keys() -> None:
    assert split_front_matter("---\n---\nBody").matter == {}
    assert split_front_matter("---\n# a comment\n---\nBody").matter == {}


# --- Lines ---


def test_values_have_their_lines() -> None:
    text = "\n---\ntitle: T\ndek: >\n  long\n  text\nhero:\n  src: a.png\nsources:\n  - title: one\n    url: two\n---\n"
    tree = split_front_matter(text).matter
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
def test_invalid_front_matter_is_rejected_with_its_line(text: str, line: int) -> None:
    assert lines_of(text=text) == [line]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("title: a: b", Kind.YAML_COLON),
        ("tags:\n\t- a", Kind.YAML_TAB),
        ("title: T\n\tdek: D", Kind.YAML_TAB),
        ("title: @home", Kind.YAML_RESERVED_CHARACTER),
        ("title: %", Kind.YAML_RESERVED_CHARACTER),
        ("title: 'T", Kind.YAML_QUOTE_UNCLOSED),
        ('title: "C:\\dir"', Kind.YAML_ESCAPE),
        ('title: "C:\\users"', Kind.YAML_ESCAPE),
        ("tags: [a, b\ndek: D", Kind.YAML_BRACKET_UNCLOSED),
        ("hero: {src: a", Kind.YAML_BRACKET_UNCLOSED),
        ("title: T\ndek\n", Kind.YAML_KEY_UNFINISHED),
        ("title: 'a'b", Kind.YAML_INVALID),
        ("title: T\ndek: \x07", Kind.CONTROL_CHARACTER),
    ],
)
def test_yaml_errors_are_explained(text: str, kind: ProblemKind) -> None:
    with pytest.raises(Rejected) as caught:
        split_front_matter(f"---\n{text}\n---\n")
    assert [problem.kind for problem in caught.value.problems] == [kind]


@pytest.mark.parametrize(("text", "kind"), [("a = b", Kind.TOML_INVALID), ("a = 1\na = 2", Kind.TOML_KEY_REPEATED)])
def test_toml_errors_are_explained(text: str, kind: ProblemKind) -> None:
    with pytest.raises(Rejected) as caught:
        split_front_matter(f"+++\n{text}\n+++\n")
    assert [problem.kind for problem in caught.value.problems] == [kind]


def test_a_key_repeated_with_the_same_value_is_accepted() -> None:
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
    source = split_front_matter(text)
    assert {key: to_plain(node) for key, node in source.matter.items()} == {
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


# --- Hostile input ---


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
def test_hostile_front_matter_is_rejected_quickly(raw: bytes) -> None:
    started = time.process_time()
    assert lines_of(raw=raw)
    assert time.process_time() - started < 5


def test_twenty_levels_of_nesting_are_accepted() -> None:
    depth = 18
    assert split_front_matter(f"---\nx: {'[' * depth}a{']' * depth}\n---\n").matter["x"].line == 2
    assert split_front_matter(f"+++\nx = {'[' * depth}{']' * depth}\n+++\n").matter["x"].line == 2


def test_a_file_may_have_a_megabyte() -> None:
    filler = b"x" * (MAX_BYTES - len(b"---\ntitle: T\n---\n"))
    assert split_front_matter(decode(b"---\ntitle: T\n---\n" + filler)).body
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
def test_bytes_that_are_not_text_are_rejected_with_their_line(raw: bytes, line: int) -> None:
    assert lines_of(raw=raw) == [line]


# --- Arbitrary input ---

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
        return split_front_matter(decode(raw))
    except Rejected as error:
        return error.problems


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=400), st.lists(FRAGMENTS, max_size=60).map(b"".join)))
def test_any_bytes_are_parsed_or_rejected(raw: bytes) -> None:
    for candidate in (raw, b"---\n" + raw + b"\n---\nBody", b"+++\n" + raw + b"\n+++\nBody"):
        started = time.process_time()
        outcome = source_or_problems(candidate)
        if isinstance(outcome, Source):
            assert all(isinstance(node, Node) and to_plain(node) is not node for node in outcome.matter.values())
        else:
            lines = candidate.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
            assert all(0 <= problem.line <= lines + 1 and problem.message for problem in outcome)
        assert time.process_time() - started < 1


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=30), max_size=5))
def test_json_is_read_as_yaml(values: dict[str, str]) -> None:
    text = json.dumps(values)
    if any(
        mark in text for mark in ("\\ud", "\\u00", "\x7f")
    ):  # YAML allows neither surrogates nor all control characters
        return
    assert {key: to_plain(node) for key, node in parse_yaml(text).items()} == values


def test_a_suggestion_is_looked_for_for_the_first_unknown_keys_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each of sixty thousand keys takes minutes, and fifty problems are shown."""
    looked: list[str] = []
    monkeypatch.setattr(suggestions, "did_you_mean", lambda key, known: looked.append(key) or "")
    matter = "".join(f"k{number}: 1\n" for number in range(500))
    draft = parse_draft(f"---\ntitle: T\n{matter}---\nText.\n".encode(), "a", Site(), to_html)
    assert len(draft.warnings) == 500
    assert len(looked) == 50
