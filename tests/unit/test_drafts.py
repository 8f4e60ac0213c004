"""Parsing drafts, profiles and settings: keys and their synonyms, slugs, and problems with their lines and keys."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightdesk.domain.drafts import Draft, parse_draft
from nightdesk.domain.drafts_bucket import DraftsKey, classify
from nightdesk.domain.errors import Rejected
from nightdesk.domain.problems import Kind, ProblemKind
from nightdesk.domain.profiles import parse_profile
from nightdesk.domain.site import Offer, Price, Site
from nightdesk.domain.site_file import parse_site
from nightdesk.rendering.markdown import to_html
from nightdesk.usecases.pipeline.render_document import read_draft

EDITORS_FILES = (
    ".harbour.md.swp",
    "harbour.md~",
    "4913",
    ".#harbour.md",
    "#harbour.md#",
    "~$harbour.md",
    ".~lock.harbour.md#",
    "._harbour.md",
    "harbour.md.tmp",
    "harbour.MD.bak",
    "harbour (Ada's conflicted copy 2026-11-23).md",
    "harbour.sync-conflict-20261123-031000-ABCDEFG.md",
    "harbour_conflict-20261123-031000.md",
    "harbour (In Konflikt stehende Kopie von Ada).md",
)
"""What editors and sync programs put beside harbour.md."""
SITE = Site(timezone="Europe/Oslo", tiers=("public", "subscriber", "member"))


def parse(matter: str, name: str = "a-story", body: str = "Text.\n", site: Site = SITE) -> Draft:
    """Parse a draft with a title in line 2, and then `matter`, from line 3."""
    return parse_draft(f"---\ntitle: T\n{matter}\n---\n{body}".encode(), name, site, to_html)


def problems_of(raw: str, name: str = "a-story", site: Site = SITE) -> list[tuple[int, str]]:
    """Return line and key of each problem with which a draft is rejected."""
    with pytest.raises(Rejected) as caught:
        parse_draft(raw.encode(), name, site, to_html)
    assert all(len(problem.message) > 5 for problem in caught.value.problems)
    return [(problem.line, problem.key) for problem in caught.value.problems]


# --- Keys and synonyms ---

TIMESTAMP = "2026-11-23T03:10:00+01:00"
KEYS = [
    ("dek", ["dek", "deck", "description", "summary", "excerpt", "subtitle"], "One. Two.", "One. Two."),
    ("date", ["date", "published", "publishDate", "published_at"], TIMESTAMP, TIMESTAMP),
    ("lastmod", ["lastmod", "updated"], TIMESTAMP, TIMESTAMP),
    ("authors", ["authors", "author"], "[ada, bo]", (("ada", ""), ("bo", ""))),
    ("topics", ["topics", "topic", "categories"], "[energy, trade]", (("energy", ""), ("trade", ""))),
    ("tags", ["tags"], "[one, two, one]", ("one", "two")),
    ("draft", ["draft"], "true", True),
    ("publish_at", ["publish_at"], TIMESTAMP, TIMESTAMP),
    ("expires", ["expires", "expiryDate", "expirydate"], TIMESTAMP, TIMESTAMP),
    (
        "hero",
        ["hero", "feature_image", "image"],
        "{src: a.png, alt: A, caption: C, credit: D, source_type: digitalCapture}",
        {"src": "a.png", "alt": "A", "caption": "C", "credit": "D", "source_type": "digitalCapture"},
    ),
    ("access", ["access", "visibility"], "member", "member"),
    (
        "sources",
        ["sources"],
        "[{title: S, url: 'https://s.example/', publisher: P, date: '2026', note: N}]",
        ({"title": "S", "url": "https://s.example/", "publisher": "P", "date": "2026", "note": "N"},),
    ),
    ("sources_access", ["sources_access"], "member", "member"),
    (
        "production",
        ["production"],
        f"{{ai_roles: [draft, images], reviewed_by: R, reviewed_at: '{TIMESTAMP}', statement: S}}",
        {"ai_roles": ["draft", "images"], "reviewed_by": "R", "reviewed_at": TIMESTAMP, "statement": "S"},
    ),
    (
        "corrections",
        ["corrections"],
        f"[{{date: '{TIMESTAMP}', text: C}}]",
        ({"date": TIMESTAMP, "text": "C"},),
    ),
    ("newsletter", ["newsletter"], "true", True),
    ("typography", ["typography"], "false", False),
    ("featured", ["featured"], "true", True),
    ("pinned_until", ["pinned_until"], "2026-11-23 12:00:00.5", "2026-11-23T12:00:00+01:00"),
    ("language", ["language", "lang"], "ar", "ar"),
    ("aliases", ["aliases"], "[/2019/03/old/, old-name, a.html]", ("/2019/03/old/", "/old-name/", "/a.html")),
    ("translation_of", ["translation_of"], "harbour", "harbour"),
    ("slug", ["slug"], "another-slug", "another-slug"),
]


@pytest.mark.parametrize(
    ("field", "key", "typed", "expected"),
    [(field, key, typed, expected) for field, keys, typed, expected in KEYS for key in keys],
)
def test_every_key_and_synonym_is_read(field: str, key: str, typed: str, expected: Any) -> None:
    draft = parse(f"{key}: {typed}")
    assert getattr(draft, field) == expected
    assert draft.extra == {}
    assert draft.warnings == ()


SEVERAL = [key for key in KEYS if len(key[1]) > 1]


@pytest.mark.parametrize(("field", "keys", "typed", "expected"), SEVERAL)
def test_synonyms_with_the_same_value_are_one_key(field: str, keys: list[str], typed: str, expected: Any) -> None:
    draft = parse(f"{keys[1]}: {typed}\n{keys[0]}: {typed}")
    assert getattr(draft, field) == expected
    assert (draft.extra, draft.warnings) == ({}, ())


@pytest.mark.parametrize(("field", "keys", "typed", "expected"), SEVERAL)
def test_synonyms_that_differ_are_never_dropped_in_silence(
    field: str, keys: list[str], typed: str, expected: Any
) -> None:
    other = "nobody" if field in ("authors", "topics", "language") else "public" if field == "access" else "2020-01-01"
    text = f"{keys[1]}: {other}\n{keys[0]}: {typed}"
    if field in ("authors", "topics", "access", "expires", "language"):
        assert problems_of(f"---\ntitle: T\n{text}\n---\n") == [(3, keys[1])]
        return
    draft = parse(text)
    assert getattr(draft, field) == expected
    assert [problem.key for problem in draft.warnings] == [keys[1]]


def test_every_attribute_of_a_draft_is_tested() -> None:
    computed = {"title", "extra", "passages", "warnings"}
    assert {field for field, *_ in KEYS} == {item.name for item in fields(Draft)} - computed


def test_missing_keys_have_defaults() -> None:
    draft = parse("")
    assert (draft.title, draft.slug, draft.access, draft.sources_access) == ("T", "a-story", "public", "subscriber")
    assert not any(getattr(draft, name) for name in ("dek", "date", "lastmod", "authors", "topics", "tags", "draft"))
    assert not any(getattr(draft, name) for name in ("publish_at", "expires", "hero", "sources", "corrections"))


def test_a_single_text_is_a_list_of_one() -> None:
    assert parse("author: Ada Lindqvist").authors == (("ada-lindqvist", "Ada Lindqvist"),)
    assert parse("tags: war").tags == ("war",)
    assert parse("hero: a.png").hero["src"] == "a.png"
    assert [(w.kind, w.line) for w in parse("hero: a.png").warnings] == [(Kind.HERO_ALT_MISSING, 3)]


def test_text_over_several_lines_becomes_one_line() -> None:
    assert parse("dek: |\n  One.\n  Two.\n").dek == "One. Two."


@pytest.mark.parametrize(
    ("matter", "expected"),
    [
        ("draft: true", True),
        ("draft: yes", True),
        ("draft: False", False),
        ("draft: off", False),
        ("draft:", False),
        ("status: draft", True),
        ("status: Draft", True),
        ("status: published", False),
    ],
)
def test_draft_and_status_mark_a_draft(matter: str, expected: bool) -> None:
    assert parse(matter).draft is expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("2026-11-23", "2026-11-23T00:00:00+01:00"),
        ("2026-07-01", "2026-07-01T00:00:00+02:00"),
        ("2026-11-23 03:10", "2026-11-23T03:10:00+01:00"),
        ("2026-11-23T03:10:00", "2026-11-23T03:10:00+01:00"),
        ("2026-11-23T03:10:00Z", "2026-11-23T03:10:00+00:00"),
        ("2026-11-23 03:10:00 -0500", "2026-11-23T03:10:00-05:00"),
        ("2026-11-23T03:10:00.123+01", "2026-11-23T03:10:01+01:00"),
        ("2026-11-23T03:10:00.000+01", "2026-11-23T03:10:00+01:00"),
        ("2016-09-27 14:00:00 -4", "2016-09-27T14:00:00-04:00"),
        ("2016-9-7\t4:00:00.50 +5:30", "2016-09-07T04:00:01+05:30"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14T21:59:44-05:00"),
        ("2001-12-15 2:59:43 +530", "2001-12-15T02:59:43+05:30"),
        ("1890-06-01 12:00", "1890-06-01T12:00:00+00:43"),
        ("2026-1-2", "2026-01-02T00:00:00+01:00"),
        ("2026-11-23 03:10:00 UTC", "2026-11-23T03:10:00+00:00"),
    ],
)
def test_timestamps_without_offset_are_in_the_sites_zone(typed: str, expected: str) -> None:
    assert parse(f"date: {typed}").date == expected


def test_ids_are_made_from_names_and_names_are_kept() -> None:
    draft = parse("authors: [Ada Lindqvist, ada-lindqvist, Søren Ødegård]\ntopic: Żółć & Co")
    assert draft.authors == (("ada-lindqvist", "Ada Lindqvist"), ("soren-odegard", "Søren Ødegård"))
    assert draft.topics == (("zolc-co", "Żółć & Co"),)


def test_unknown_keys_are_kept_with_a_warning() -> None:
    draft = parse("layout: post\nweight: 7\nnested: {a: [b, no]}\ndek: D")
    assert draft.extra == {"layout": "post", "weight": "7", "nested": {"a": ["b", "no"]}}
    assert [(warning.line, warning.key) for warning in draft.warnings] == [(3, "layout"), (4, "weight"), (5, "nested")]
    assert {warning.suggestion for warning in draft.warnings} == {""}


@pytest.mark.parametrize(
    ("typed", "meant"), [("autors", "authors"), ("Summery", "summary"), ("publishdat", "publishdate"), ("tag", "tags")]
)
def test_a_misspelt_key_gets_a_suggestion(typed: str, meant: str) -> None:
    [warning] = parse(f"{typed}: x").warnings
    assert warning.kind is Kind.UNKNOWN_KEY
    assert warning.text.endswith(f"did you mean `{meant}`?")


def test_a_hero_without_alt_text_gets_a_warning() -> None:
    assert [(w.line, w.key) for w in parse("hero:\n  src: a.png").warnings] == [(4, "hero.alt")]


def test_a_source_type_may_be_a_url() -> None:
    typed = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert parse(f"hero: {{src: a.png, alt: A, source_type: '{typed}'}}").hero["source_type"] == typed.rsplit("/")[-1]


def test_toml_gives_the_same_draft() -> None:
    yaml = parse("date: 2026-11-23T03:10:00+01:00\ntags: [a]\nhero: {src: a.png, alt: A}\ndraft: true")
    toml = '+++\ntitle = "T"\ndate = 2026-11-23T03:10:00+01:00\ntags = ["a"]\ndraft = true\nhero.src = "a.png"\nhero.alt = "A"\n+++\nText.\n'
    read = parse_draft(toml.encode(), "a-story", SITE, to_html)
    assert {f.name: getattr(read, f.name) for f in fields(Draft) if f.name != "passages"} == {
        f.name: getattr(yaml, f.name) for f in fields(Draft) if f.name != "passages"
    }


# --- Slugs ---


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("a-story", "a-story"),
        ("2026-11-23-a-story", "a-story"),
        ("2026-11-23-2026-11-24-twice", "2026-11-24-twice"),
        ("2026-11-23-", "2026-11-23"),
        ("2026-11-23", "2026-11-23"),
        ("A Story_of  Two.Cities", "a-story-of-two-cities"),
        ("Ærø-Ñandú-Łódź", "aero-nandu-lodz"),
        ("Straße", "strasse"),
        ("Москва", "moskva"),
        ("北京", "beijing"),
        ("don't-stop", "dont-stop"),
        ("--x--", "x"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_slug_comes_from_the_file_name(name: str, slug: str) -> None:
    assert parse("", name=name).slug == slug


def test_a_typed_slug_takes_precedence() -> None:
    assert parse("slug: mine", name="2026-11-23-other").slug == "mine"


@pytest.mark.parametrize("typed", ["Two Words", "UPPER", "-a", "a-", "a--b", "a/b", "..", "é", "~member", "a" * 201])
def test_an_invalid_slug_is_rejected(typed: str) -> None:
    assert problems_of(f"---\ntitle: T\nslug: {json.dumps(typed)}\n---\n") == [(3, "slug")]


def test_a_file_name_without_letters_gives_no_slug() -> None:
    assert problems_of("---\ntitle: T\n---\n", name="---") == [(1, "slug")]


@settings(deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_any_file_name_gives_a_valid_slug_or_a_rejection(name: str) -> None:
    try:
        draft = parse("", name=name)
    except Rejected as error:
        problems = error.problems
    else:
        problems = ()
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", draft.slug)
    assert all(problem.key == "slug" for problem in problems)


# --- Rejections ---


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("---\ndek: D\n---\n", [(1, "title")]),
        ("---\ndek: D\ntitle:\n---\n", [(3, "title")]),
        ("---\ndek: D\ntitle: ''\n---\n", [(3, "title")]),
        ("---\ntitle: [a]\n---\n", [(2, "title")]),
        ("---\ntitle: {a: b}\n---\n", [(2, "title")]),
        (f"---\ntitle: {'x' * 301}\n---\n", [(2, "title")]),
        ('---\ntitle: "a\\x07"\n---\n', [(2, "title")]),
        ("---\ntitle: T\ndate: yesterday\n---\n", [(3, "date")]),
        ("---\ntitle: T\npublished: 2026-02-30\n---\n", [(3, "published")]),
        ("---\ntitle: T\ndate: 0001-01-01T00:00:00Z\n---\n", [(3, "date")]),
        ("---\ntitle: T\ndate: 9999-12-31T23:59:59-05:00\n---\n", [(3, "date")]),
        ("---\ntitle: T\ndate: 23.11.2026\n---\n", [(3, "date")]),
        ("---\ntitle: T\ndate: 2026-11-23T25:00:00Z\n---\n", [(3, "date")]),
        ("---\ntitle: T\ndate: 2026-11-23T03:10:00+99:00\n---\n", [(3, "date")]),
        ("---\ntitle: T\nlastmod: x\nexpirydate: x\npublish_at: x\n---\n", [(3, "lastmod"), (4, "expirydate"), (5, "publish_at")]),
        ("---\ntitle: T\naccess: friends\n---\n", [(3, "access")]),
        ("---\ntitle: T\nvisibility: paid\n---\n", [(3, "visibility")]),
        ("---\ntitle: T\nsources_access: x\n---\n", [(3, "sources_access")]),
        ("---\ntitle: T\ndraft: maybe\n---\n", [(3, "draft")]),
        ("---\ntitle: T\ndraft: [true]\n---\n", [(3, "draft")]),
        ("---\ntitle: T\nnewsletter: 1\n---\n", [(3, "newsletter")]),
        ("---\ntitle: T\nauthors: [{name: A}]\n---\n", [(3, "authors")]),
        ("---\ntitle: T\nauthors: ['!!']\n---\n", [(3, "authors")]),
        (f"---\ntitle: T\ntags: [{'x' * 501}]\n---\n", [(3, "tags")]),
        (f"---\ntitle: T\ntopics: [{', '.join(f't{n}' for n in range(25))}]\n---\n", [(3, "topics")]),
        ("---\ntitle: T\nhero: {alt: A}\n---\n", [(3, "hero.src")]),
        ("---\ntitle: T\nhero: [a.png]\n---\n", [(3, "hero")]),
        ("---\ntitle: T\nhero:\n  src: a.png\n  alt: A\n  source_type: painting\n---\n", [(6, "hero.source_type")]),
        ("---\ntitle: T\nsources: [a]\n---\n", [(3, "sources")]),
        ("---\ntitle: T\nsources:\n  - publisher: P\n---\n", [(4, "sources.title")]),
        ("---\ntitle: T\nsources:\n  - title: S\n    url: 'javascript:alert(1)'\n---\n", [(4, "sources.url")]),
        ("---\ntitle: T\nsources:\n  - title: S\n    url: 'data:text/html,x'\n---\n", [(4, "sources.url")]),
        ("---\ntitle: T\ncorrections: [{text: C}]\n---\n", [(3, "corrections.text")]),
        ("---\ntitle: T\ncorrections: [{date: 2026-11-23}]\n---\n", [(3, "corrections.text")]),
        (
            "---\ntitle: T\ncorrections:\n" + "  - {date: 2026-11-23, text: C}\n" * 13 + "---\n",
            [(4, "corrections")],
        ),
        ("---\ntitle: T\nproduction: {reviewed_at: soon}\n---\n", [(3, "production.reviewed_at")]),
        ("---\ntitle: T\nproduction: text\n---\n", [(3, "production")]),
        ("---\ntitle: T\naliases: [/a/../b]\n---\n", [(3, "aliases")]),
        ("---\ntitle: T\naliases: [/]\n---\n", [(3, "aliases")]),
        ("---\ntitle: T\naliases: ['/a%zz/']\n---\n", [(3, "aliases")]),
        ("---\ntitle: T\naliases: ['https://elsewhere.example/a/']\n---\n", [(3, "aliases")]),
        ("---\ntitle: T\naliases: ['/a%0ab/']\n---\n", [(3, "aliases")]),
        ("---\ntitle: T\n---\n\n::: gate\nnever closed\n", [(5, "gate")]),
        ("---\ntitle: T\n---\n::: gate tier=friends\nx\n:::\n", [(4, "tier")]),
        ("no front matter", [(1, "")]),
    ],
)  # fmt: skip
def test_bad_drafts_are_rejected_with_line_and_key(raw: str, expected: list[tuple[int, str]]) -> None:
    assert problems_of(raw) == expected


def test_all_problems_are_reported_in_the_order_of_the_file() -> None:
    raw = "---\naccess: friends\ndate: x\nhero: {}\nsources: [a]\n---\n\n:::\n"
    assert problems_of(raw) == [(1, "title"), (2, "access"), (3, "date"), (4, "hero.src"), (5, "sources"), (8, "")]


def test_a_problem_reads_as_line_key_and_message() -> None:
    assert str(Kind.AUTHOR_KIND.at(3, "kind")) == "3: kind: must be human or ai"
    assert str(Kind.NOT_UTF8.at(0)) == "the file is not UTF-8; save it in that encoding"
    assert str(Kind.WEIGHT.at(1, "weight", "write 9")) == "1: weight: must be a whole number from 0 to 9; write 9"


# --- Round trip ---

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp", "Zs", "Co", "Cn")), min_size=1, max_size=12)  # fmt: skip
LINE = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
TIERS = st.sampled_from(SITE.tiers)


@settings(deadline=None)
@given(
    texts=st.tuples(LINE, LINE), tags=st.lists(LINE, max_size=4, unique=True), access=TIERS, when=st.datetimes(datetime(1000, 1, 1), datetime(9998, 12, 31)), draft=st.booleans(),
    sources=st.lists(st.fixed_dictionaries({"title": LINE, "publisher": LINE, "note": LINE}), max_size=3),
)  # fmt: skip
def test_values_survive_a_round_trip(
    texts: tuple[str, str], tags: list[str], access: str, when: Any, draft: bool, sources: list[dict[str, str]]
) -> None:  # fmt: skip
    (title, dek), when = texts, when.replace(microsecond=0)
    values = {
        "title": title,
        "dek": dek,
        "tags": tags,
        "access": access,
        "date": when.isoformat() + "Z",
        "draft": draft,
    }
    raw = f"---\n{json.dumps({**values, 'sources': sources}, ensure_ascii=False)}\n---\nText.\n"
    read = parse_draft(raw.encode(), "a-story", SITE, to_html)
    assert (read.title, read.dek, read.tags, read.access, read.draft) == (title, dek, tuple(tags), access, draft)
    assert read.date == when.isoformat() + "+00:00"
    assert [{key: source[key] for key in ("title", "publisher", "note")} for source in read.sources] == sources


# --- Files, profiles, settings ---


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("drafts/a.md", DraftsKey("draft", "a", "")),
        ("drafts/a.markdown", DraftsKey("draft", "a", "")),
        ("drafts/2026-01-01-a/index.md", DraftsKey("draft", "2026-01-01-a", "drafts/2026-01-01-a/")),
        ("drafts/a.MD", DraftsKey("draft", "a", "")),
        ("drafts/A/INDEX.Markdown", DraftsKey("draft", "A", "drafts/A/")),
        ("drafts/a/other.txt", None),
        ("drafts/a.png", None),
        ("authors/ada.md", DraftsKey("author", "ada", "authors/")),
        ("topics/energy.md", DraftsKey("topic", "energy", "")),
        ("pages/about.md", DraftsKey("page", "about", "")),
        ("site.yaml", DraftsKey("site", "site", "")),
        ("drafts/site.yaml", None),
        ("README.md", None),
        ("drafts", None),
    ],
)
def test_a_key_gives_the_kind_of_file(key: str, expected: DraftsKey | None) -> None:
    assert classify(key) == expected


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("drafts/a/other.md", Kind.FILE_PLACE),
        ("drafts/a/b/index.md", Kind.FILE_PLACE),
        ("drafts/.md", Kind.FILE_HIDDEN),
        ("Drafts/a.md", Kind.FILE_PLACE),
        ("pages/about/index.md", Kind.FILE_PLACE),
        ("authors/desk/ada.MD", Kind.FILE_PLACE),
        ("updates/old/news.md", Kind.FILE_PLACE),
        ("drafts/a.mdx", Kind.FILE_SUFFIX),
        ("drafts/.later/a.md", Kind.FILE_HIDDEN),
        *((f"drafts/{name}", Kind.FILE_TEMPORARY) for name in EDITORS_FILES),
        *((f"drafts/a/{name}", Kind.FILE_TEMPORARY) for name in EDITORS_FILES),
        *((f"updates/{name}", Kind.FILE_TEMPORARY) for name in EDITORS_FILES),
    ],
)
def test_a_markdown_file_that_is_never_published_has_a_reason(key: str, kind: ProblemKind) -> None:
    parsed = classify(key)
    assert parsed
    assert parsed.refusal
    assert parsed.refusal.kind is kind
    assert parsed.kind == ("update" if key.startswith("updates/") else "draft")
    with pytest.raises(Rejected) as caught:
        read_draft(b"---\ntitle: T\n---\nText.\n", parsed, SITE, (), {})
    assert caught.value.problems == (parsed.refusal,)


@pytest.mark.parametrize("name", ["a~b.md", "4913.md", "copy.md", "a-conflict-in-the-port.md", "tmp.md", "#1.md"])
def test_a_name_that_only_resembles_a_temporary_file_is_a_draft(name: str) -> None:
    parsed = classify(f"drafts/{name}")
    assert parsed
    assert parsed.refusal is None


def test_a_profile_is_read() -> None:
    raw = b"---\nname: Ada Lindqvist\nkind: ai\nbeat: Energy\nportrait: ada.png\nresponsible_editor: H\nodd: 1\n---\nBio.\n"
    profile = parse_profile(raw, "author", "ada-lindqvist")
    assert (profile.name, profile.human, profile.beat, profile.portrait) == (
        "Ada Lindqvist",
        False,
        "Energy",
        "ada.png",
    )
    assert (profile.responsible_editor, profile.body) == ("H", "Bio.\n")
    assert [(w.line, w.key) for w in profile.warnings] == [(7, "odd")]


@pytest.mark.parametrize(
    ("kind", "name", "raw", "expected"),
    [
        ("author", "ada", "---\nbeat: x\n---\n", [(1, "name")]),
        ("page", "about", "---\nx: y\n---\n", [(1, "title"), (2, "x")]),
        ("author", "ada", "---\nname: A\nkind: robot\n---\n", [(3, "kind")]),
        ("page", "articles", "---\ntitle: A\n---\n", [(1, "slug")]),
        ("page", "api", "---\ntitle: A\n---\n", [(1, "slug")]),
        ("author", "---", "---\nname: A\n---\n", [(0, "")]),
        ("topic", "t", "name: A", [(1, "")]),
    ],
)
def test_a_bad_profile_is_rejected(kind: str, name: str, raw: str, expected: list[tuple[int, str]]) -> None:
    with pytest.raises(Rejected) as caught:
        parse_profile(raw.encode(), kind, name)
    assert [(problem.line, problem.key) for problem in caught.value.problems] == expected


def test_settings_are_read() -> None:
    raw = """
name: The Meridian
tagline: News
base_url: https://news.example/
language: nb
timezone: Europe/Oslo
tiers: [friend, patron]
teaser: For a {tier}.
require_profiles: yes
support: [{label: Give, url: 'https://give.example/'}, {label: Join, url: /membership/}]
memberships: [{tier: patron, month: {price: price_1a, amount: €8}, year: {price: price_2, amount: "80 €"}}, {tier: friend, label: A friend, year: {price: price_3, amount: €20}}]
contributions: [{price: price_4, amount: €5}]
odd: 1
"""
    site, warnings = parse_site(raw.encode())
    assert (site.name, site.base_url, site.language) == ("The Meridian", "https://news.example", "nb")
    assert site.tiers == ("public", "friend", "patron")
    assert (site.teaser, site.require_profiles) == ("For a {tier}.", True)
    assert site.support == (("Give", "https://give.example/"), ("Join", "/membership/"))
    assert site.offers == (
        Offer("patron", "Patron", (Price("month", "price_1a", "€8"), Price("year", "price_2", "80 €"))),
        Offer("friend", "A friend", (Price("year", "price_3", "€20"),)),
    )
    assert site.contributions == (Price("once", "price_4", "€5"),)
    assert [site.tier_of(price) for price in ("price_2", "price_3", "price_4", "")] == ["patron", "friend", "", ""]
    assert [(w.line, w.key) for w in warnings] == [(5, "language"), (13, "odd")]
    assert Site.from_json(json.loads(json.dumps(site.to_json()))) == site


def test_empty_settings_are_the_defaults() -> None:
    assert parse_site(b"") == (Site(), ())
    assert Site.from_json(None) == Site()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("timezone: Mars/Olympus", [(1, "timezone")]),
        ("timezone: America", [(1, "timezone")]),
        ("name: N\ntimezone: ../../etc/passwd", [(2, "timezone")]),
        ("tiers: [Public]", [(1, "tiers")]),
        ("tiers: [a, b, a]", [(1, "tiers")]),
        ("base_url: news.example", [(1, "base_url")]),
        ("base_url: https://news.example/blog", [(1, "base_url")]),
        ("support: [{label: L, url: 'javascript:alert(1)'}]", [(1, "support.url")]),
        ("support: [{url: /x}]", [(1, "support.url")]),
        ("memberships: [{tier: public, month: {price: price_1, amount: 1}}]", [(1, "memberships.tier")]),
        ("memberships: [{tier: member, label: M}]", [(1, "memberships.month")]),
        ("memberships: [{tier: member, month: {price: prod_1, amount: 1}}]", [(1, "memberships.month.price")]),
        ("memberships: [{tier: member, year: {price: price_1}}]", [(1, "memberships.year.amount")]),
        ("memberships: [{tier: member, year: price_1}]", [(1, "memberships.year"), (1, "memberships.month")]),
        ("contributions: [{amount: €5}]", [(1, "contributions.price")]),
        ("contributions: [{price: price_1, amount: 1}, {price: price_1, amount: 2}]", [(1, "contributions")]),
        ("- a", [(1, "")]),
    ],
)
def test_bad_settings_are_rejected(raw: str, expected: list[tuple[int, str]]) -> None:
    with pytest.raises(Rejected) as caught:
        parse_site(raw.encode())
    assert [(problem.line, problem.key) for problem in caught.value.problems] == expected


def test_an_unknown_tier_ranks_above_every_reader() -> None:
    assert [SITE.rank(tier) for tier in ("public", "subscriber", "member", "friends")] == [0, 1, 2, 3]


# --- Source links ---


@pytest.mark.parametrize(
    ("can_sign_in", "typed", "access"),
    [(True, "", "subscriber"), (False, "", "public"), (False, "sources_access: member", "member")],
)
def test_source_links_are_locked_by_default_where_readers_can_sign_in(
    can_sign_in: bool, typed: str, access: str
) -> None:
    draft = parse(typed, site=replace(SITE, can_sign_in=can_sign_in))
    assert draft.sources_access == access
