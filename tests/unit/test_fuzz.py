"""Fuzzing of every parser that reads what writers put: only our own errors leave it.

Each target is the undecorated parser, without `only_rejects`, so that a fault which a rejection would hide is found here.
Hypothesis profiles decide how long: briefly in `make check`, longer in `make test`, for many minutes in `make soak`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightdesk.domain.draft_keys import DRAFT_KEYS
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.drafts_bucket import DraftsKey
from nightdesk.domain.errors import Rejected
from nightdesk.domain.problems import Kind
from nightdesk.domain.profiles import AUTHOR_KEYS, PAGE_KEYS, parse_profile
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import SITE_KEYS, parse_site
from nightdesk.domain.timestamps import InvalidTimestamp, parse_timestamp
from nightdesk.domain.update_file import UPDATE_KEYS, parse_update_file
from nightdesk.rendering.markdown import to_html
from nightdesk.usecases.pipeline.render_document import read_draft

SITE = Site(timezone="Europe/Oslo", tiers=("public", "subscriber", "member"))
NOW = datetime(2026, 11, 29, tzinfo=UTC)

_NAMES = sorted(
    {
        name
        for keys in (DRAFT_KEYS, AUTHOR_KEYS, PAGE_KEYS, SITE_KEYS, UPDATE_KEYS)
        for key in keys
        for name in (key.name, *key.synonyms)
    }
)
_SNIPPETS = [
    "2024-01-02", "2099-06-01T06:00:00.5+02", "true", "no", "[a, b]", "{src: a.png, alt: A}", "[{title: S, url: 'https://x.example'}]",
    "'unclosed", '"It\x92s"', "#1", "!tag x", "&a x", "*a", "|\n  text\n  more", ">-\n  text", "- a\n- b", "? x", "~", "''", "member", "[[[[", "{a: {b: {c: d}}}",
    "https://x.example/a(b)'c", "a: b", "\u00a0", "١٢٣", "𠮷野家", "\ufeff", "%20", "@x", "`x`", "\\", "\\u0000",
]  # fmt: skip
_BODY = [
    "# Heading {#id}", "::: gate tier=member", ":::", "::: gate teaser=\"", "::: figure src=a.png alt=\"A\"\n:::", "::: figure src=b credit=\"", ":::gate{x}", "::::", "```", "~~~", "> quote", "- item", "    code", "1. one",
    "| a | b |\n|---|---|\n| c | d |", "[^1]", "[^1]: note <div>x</div>", "[a]: https://x.example 't'", "[a]", "![i](a.png \"t\")", "![x](y", "<div>", "</div>", "<![x](y)",
    "<!-- c", "-->", "<noscript><img src=x></noscript>", "<svg><script>", "<b", "&amp;", "&#xe000;n:f&#xe001;", "**太字**です", "***", "_a_", "<ruby>漢<rt>かん</rt></ruby>",
    "<iframe src='https://x.example'></iframe>", "<details><summary>", "\x0c", "\u2028", "<p>\n", "{{< x >}}", "{% y %}",
]  # fmt: skip

values = st.one_of(st.sampled_from(_SNIPPETS), st.text(max_size=30))
lines = st.one_of(st.tuples(st.sampled_from(_NAMES), values).map(": ".join), st.text(max_size=20))
matters = st.lists(lines, max_size=8).map("\n".join)
bodies = st.lists(st.one_of(st.sampled_from(_BODY), st.text(max_size=20)), max_size=12).flatmap(
    lambda parts: st.sampled_from(["\n", "\n\n", " ", ""]).map(lambda between: between.join(parts))
)
gated = bodies.map(lambda body: f"{body}\n\n::: gate tier=member\nHidden.\n:::\n")
files = st.one_of(
    st.binary(max_size=200),
    st.tuples(st.sampled_from(["---\ntitle: T\n{}\n---\n{}", "---\n{}\n---\n{}", "+++\n{}\n+++\n{}"]), matters, st.one_of(bodies, gated)).map(
        lambda made: made[0].format(*made[1:]).encode("utf-8", "surrogatepass")
    ),
)  # fmt: skip
names = st.one_of(st.just("2024-01-02-a-story"), st.text(max_size=20))


@contextmanager
def only_rejections() -> Iterator[None]:
    """Accept a rejection, but none that `only_rejects` made of another error."""
    failed: list[BaseException | None] = []
    try:
        yield
    except Rejected as error:
        failed = [error.__cause__ for problem in error.problems if problem.kind is Kind.PARSER_FAILED]
    assert failed == []


def undecorated(parse: Callable[..., Any]) -> Callable[..., Any]:
    return getattr(parse, "__wrapped__")  # noqa: B009 - mypy knows no such attribute


@given(raw=files, name=names)
def test_drafts(raw: bytes, name: str) -> None:
    with only_rejections():
        undecorated(parse_draft)(raw, name, SITE, to_html, NOW.isoformat())


@given(raw=files)
def test_documents(raw: bytes) -> None:
    key = DraftsKey("draft", "a-story", "drafts/a-story/")
    images = ["drafts/a-story/a.png"]
    with only_rejections():
        undecorated(read_draft)(raw, key, SITE, set(), images)


@pytest.mark.parametrize("kind", ["author", "topic", "page"])
@given(raw=files, name=names)
def test_profiles(kind: str, raw: bytes, name: str) -> None:
    with only_rejections():
        undecorated(parse_profile)(raw, kind, name)


@given(raw=st.one_of(st.binary(max_size=200), matters.map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_settings(raw: bytes) -> None:
    with only_rejections():
        undecorated(parse_site)(raw)


@given(raw=files)
def test_updates(raw: bytes) -> None:
    with only_rejections():
        undecorated(parse_update_file)(raw, SITE, NOW)


@given(
    text=st.one_of(
        st.text(max_size=40), st.from_regex(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9:.,+Z -]{0,20})?", fullmatch=True)
    )
)
def test_timestamps(text: str) -> None:
    with suppress(InvalidTimestamp):
        assert parse_timestamp(text, SITE.zone).utcoffset() is not None
