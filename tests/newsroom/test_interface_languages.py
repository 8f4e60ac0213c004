"""The languages of the words around articles: catalogues complete and well set, plural forms, fallbacks, whole sites in each."""

from __future__ import annotations

import json
import re
import string
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nightdesk.domain.languages import INTERFACE_LANGUAGES, best_match
from nightdesk.domain.memberships import Membership
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.site_paths import THANKS_PATH
from nightdesk.entrypoints.folder_build import build
from nightdesk.rendering import reader_pages
from nightdesk.rendering.contexts import Link
from nightdesk.rendering.environment import Theme, compile_theme
from nightdesk.rendering.plurals import CATEGORIES, plural_category
from nightdesk.rendering.reader_contexts import AccountForms
from nightdesk.rendering.standing_pages import sign_in_again_html
from nightdesk.rendering.texts import Message, languages_of, load_catalogue, read_messages
from nightdesk.rendering.times import month_name, stamp
from nightdesk_local.edge_runtime import node_binary
from support.leftovers import english_leftovers, forms
from support.letters import LetterRoom

THEME = Path(__file__).resolve().parents[2] / "layers" / "theme"
OTHERS = [language for language in INTERFACE_LANGUAGES if language != "en"]
ENGLISH = {key: message for key, message in read_messages(THEME).items() if not key.startswith("plural.")}
SAME = {
    "nav.rss", "nav.json_feed", "nav.feed", "time.first", "time.day", "time.month", "time.utc", "time.offset", "list.separator",
    "code.problem", "edition.digest_subject", "file.facts", "file.kilobytes", "file.megabytes", "file.decimal", "production.person_and_date_html",
}  # fmt: skip
"""Messages that consist of names, numbers and punctuation, which languages may share."""
COGNATES = {
    "de": {"nav.newsletter", "newsletter.articles", "edition.test_subject"},
    "fr": {"article.notes"},
}
"""Messages of one language that happen to be the same in English."""
NUMBERS = [*range(212), 999, 1000, 1001, 100_002, 1_000_000, 1_000_001, 2_000_000]
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def messages(language: str) -> dict[str, Message]:
    return {key: text for key, text in read_messages(THEME, language).items() if not key.startswith("plural.")}


def placeholders(message: Message) -> set[str]:
    return {name for form in forms(message) for _, name, _, _ in string.Formatter().parse(form) if name is not None}


# --- Catalogues ---


def test_the_theme_speaks_the_languages_that_warnings_name() -> None:
    assert languages_of(THEME) == INTERFACE_LANGUAGES == tuple(sorted(INTERFACE_LANGUAGES))
    assert {path.name for path in (THEME / "pages").iterdir()} == set(INTERFACE_LANGUAGES)


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_says_what_the_english_one_says(language: str) -> None:
    found = messages(language)
    assert found.keys() == ENGLISH.keys()
    for key, message in found.items():
        assert isinstance(message, str) == isinstance(ENGLISH[key], str), key
        if isinstance(message, str):
            assert placeholders(message) == placeholders(ENGLISH[key]), key
        else:  # "one article" may be said without its number
            assert placeholders(message) == placeholders(ENGLISH[key]), key
            assert placeholders(message["other"]) == placeholders(ENGLISH[key]), key
    english = {key for key in found if found[key] == ENGLISH[key]}
    assert english <= SAME | COGNATES.get(language, set())


@pytest.mark.parametrize("language", INTERFACE_LANGUAGES)
def test_messages_keep_links_and_have_no_typewriter_marks(language: str) -> None:
    for key, message in messages(language).items():
        for form in forms(message):
            assert re.findall(r'href="[^"]*"', form) == re.findall(r'href="[^"]*"', forms(ENGLISH[key])[0]), key
            bare = re.sub(r"<[^>]*>", "", form)
            assert not re.search("['\"]|\\.\\.\\.|  ", bare), key
            assert ("<" in form or "&" in form) <= key.endswith("_html"), key
            assert form == form.strip() or key in ("ai_note.and", "list.separator"), key


def everything(language: str) -> str:
    """Return all that the theme says in a language, without tags."""
    pages = [path.read_text("utf-8").split("---", 2)[2] for path in (THEME / "pages" / language).glob("*.md")]
    told = [form for message in messages(language).values() for form in forms(message)]
    return re.sub(r"<[^>]*>|\]\([^)]*\)", "", "\n".join([*told, *pages]))


@pytest.mark.parametrize(
    ("language", "wrong"),
    [
        ("de", "[“](?=\\w)|[«»‚]|\\b(?:du|dich|dir|dein\\w*|euch|euer)\\b"),
        ("fr", "(?<!\u202f)[;!?»]|«(?!\u202f)|(?<!\u00a0):|[“”„]|\\b(?:tu|te|toi|ton|ta|tes)\\b"),
        ("es", "[„”]|(?<!¿)\\b(?:usted|ustedes)\\b|^[^¿\n]*\\?"),
        ("ar", "[,;?٠-٩“”„]"),
        ("zh", "(?<=[\u4e00-\u9fff])[,.;:?!()]|你|[\u4e00-\u9fff][ ]+[\u4e00-\u9fff]"),
    ],
)
def test_the_typography_and_the_address_are_those_of_the_language(language: str, wrong: str) -> None:
    text = re.sub(r"^.*time\.months.*$", "", everything(language)).replace(messages(language)["time.months"], "")  # type: ignore[arg-type]
    assert [text[max(0, at.start() - 20) : at.end() + 10] for at in re.finditer(wrong, text, re.MULTILINE)] == []


# --- Plural forms ---


@pytest.mark.parametrize("language", INTERFACE_LANGUAGES)
def test_plural_rules_are_those_of_unicode(language: str) -> None:
    text = load_catalogue(THEME, language)
    program = f"const rules = new Intl.PluralRules({json.dumps(language)});\nconsole.log(JSON.stringify([rules.resolvedOptions().pluralCategories, {NUMBERS}.map((n) => rules.select(n))]))"
    done = subprocess.run([str(node_binary()), "-e", program], capture_output=True, text=True, check=True)
    categories, expected = json.loads(done.stdout)
    assert [text.category(number) for number in NUMBERS] == expected
    for key, message in messages(language).items():
        if not isinstance(message, str):
            assert set(message) == set(categories), key


def test_arabic_counts_in_six_ways() -> None:
    text = load_catalogue(THEME, "ar")
    shown = [text("directory.articles", count=count) for count in (0, 1, 2, 3, 11, 100)]
    assert shown == ["لا مقالات", "مقال واحد", "مقالان", "3 مقالات", "11 مقالًا", "100 مقال"]


@pytest.mark.parametrize("rule", ["n is 1", "n = ", "", "x = 1", "n % = 2", "n = 1..", "n = 1 and"])
def test_a_rule_that_cannot_be_read_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="not a plural rule"):
        plural_category({"one": rule}, 1)
    assert CATEGORIES[-1] == "other"


# --- Dates ---


@pytest.mark.parametrize(
    ("language", "first", "moment", "month"),
    [
        ("en", "1 July 2026", "2 July 2026, 14:05 UTC+02:00", "July 2026"),
        ("de", "1. Juli 2026", "2. Juli 2026, 14:05 Uhr (UTC+02:00)", "Juli 2026"),
        ("fr", "1er juillet 2026", "2 juillet 2026 à 14:05 (UTC+02:00)", "juillet 2026"),
        ("es", "1 de julio de 2026", "2 de julio de 2026, 14:05 (UTC+02:00)", "julio de 2026"),
        ("ar", "1 يوليو 2026", "2 يوليو 2026، 14:05 (UTC+02:00)", "يوليو 2026"),
        ("zh", "2026年7月1日", "2026年7月2日 14:05（UTC+02:00）", "2026年7月"),
    ],
)
def test_dates_are_written_as_in_the_language(language: str, first: str, moment: str, month: str) -> None:
    text, site = load_catalogue(THEME, language), Site(timezone="Europe/Oslo")
    assert stamp(text, site, "2026-06-30T22:00:00Z").text == first
    assert stamp(text, site, "2026-07-02T12:05:00Z").text == moment
    assert month_name(text, "2026-07") == month


# --- Which catalogue ---


def test_a_language_has_the_catalogue_that_suits_it_best() -> None:
    wanted = {"de-AT": "de", "pt-BR": "", "zh-Hant": "zh", "AR_eg": "ar", "nl": "", "": "", "en-GB": "en", "d": ""}
    assert {tag: best_match(tag, INTERFACE_LANGUAGES) for tag in wanted} == wanted
    assert best_match("zh-Hant-TW", ("zh", "zh-Hant")) == "zh-Hant"
    assert {tag: load_catalogue(THEME, tag).language for tag in ("de-AT", "nl")} == {"de-AT": "de", "nl": "en"}


def test_a_language_without_a_catalogue_is_warned_of() -> None:
    site, [warning] = parse_site(b"name: Krant\nlanguage: nl\n")
    assert (site.language, warning.line, warning.key) == ("nl", 2, "language")
    assert "“nl”" in warning.message
    assert "ar, de, en, es, fr, zh" in warning.message
    for language in ("de-AT", "en", "zh-Hant", "fr_CA"):
        assert parse_site(f"language: {language}\n".encode())[1] == ()
    assert parse_site(b"language: nl\n", ["en", "nl"])[1] == ()


def test_a_theme_speaks_another_language_once_it_has_the_catalogue(tmp_path: Path) -> None:
    for folder in ("templates", "texts", "static", "pages/en", "pages/nl"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "texts" / "en.toml").write_text('[a]\nb = "Welcome"\nc = "Only English"\n')
    (tmp_path / "texts" / "nl.toml").write_text('[a]\nb = "Welkom"\n')
    (tmp_path / "pages" / "en" / "about.md").write_text("About")
    (tmp_path / "pages" / "en" / "process.md").write_text("Process")
    (tmp_path / "pages" / "nl" / "about.md").write_text("Over ons")
    (tmp_path / "templates" / "page.html").write_text('{{ "a.b" | text }} {{ "a.c" | text }}')
    dutch: Any = SimpleNamespace(site=Site(language="nl-BE"))
    english: Any = SimpleNamespace(site=Site())
    for _ in range(2):
        load_catalogue.cache_clear()
        theme = Theme(tmp_path)
        assert theme.languages == ("en", "nl")
        assert theme.render("page.html", dutch) == "Welkom Only English"
        assert theme.render("page.html", english) == "Welcome Only English"
        assert theme.pages(dutch.site) == {"about": b"Over ons", "process": b"Process"}
        compile_theme(tmp_path)
    load_catalogue.cache_clear()


# --- Whole sites ---

SETTINGS = """name: Qx
base_url: https://qx.example
postal_address: Qx
memberships:
  - {tier: member, month: {price: price_1, amount: "8"}}
contributions:
  - {price: price_2, amount: "5"}
support:
  - {label: Qx, url: "https://qx.example/x"}
"""
BODY = "## Qx\n\n## Xq\n\n## Xx\n\nQx[^1].\n\n::: gate tier=member\nQx.\n:::\n\n[^1]: Qx.\n"
MATTER = {
    "sources": [{"title": "Qx", "publisher": "Xq"}, {"url": "https://qx.example"}],
    "corrections": [{"date": "2026-11-22", "text": "Qx."}],
    "production": {"ai_roles": ["qx"], "reviewed_by": "Qx", "reviewed_at": "2026-11-20"},
    "tags": ["qx"],
}
PATHS = (
    "/", "/articles/one/", "/articles/two/", "/topics/", "/authors/", "/topics/energy/", "/authors/ada/", "/archive/2026/11/",
    "/topics/energy/2026/11/", "/updates/", "/corrections/", "/search/", "/signin/", "/signin/code/", THANKS_PATH,
    "/about/", "/process/", "/membership/", "/newsletter/", "/newsletter/archive/", "~errors/404.html", "~errors/410.html",
)  # fmt: skip


@pytest.fixture
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.usefixtures("no_sleep")
def test_no_page_or_mail_of_a_site_is_partly_english(theme: Theme, language: str) -> None:
    room = LetterRoom(theme)
    room.ports = replace(room.ports, can_pay=True)
    room.file("site.yaml", f"language: {language}\n{SETTINGS}")
    room.add("lena")
    room.file("authors/ada.md", "---\nname: Ada\nkind: ai\nresponsible_editor: Lin\n---\nQx.\n")
    room.file("topics/energy.md", "---\nname: Qx\n---\n")
    room.publish("one", "Qx", BODY, newsletter=True, date="2026-11-23", **MATTER)
    room.publish("two", "Xq", access="member", authors=["ada", "eva"], date="2026-11-22")
    site = Site(language=language, name="Qx", offers=parse_site(SETTINGS.encode())[0].offers)
    english, other = theme.text(Site()), theme.text(site)
    found = {path: english_leftovers(page(room, path), english, other) for path in PATHS}
    found |= {mail.subject: english_leftovers(mail.html + mail.text, english, other) for mail in room.provider.mails}
    found |= {name: english_leftovers(body, english, other) for name, body in pages_of_a_reader(theme, site).items()}
    assert len(room.provider.mails) == 1
    assert {name: left for name, left in found.items() if left} == {}
    assert f'<html lang="{language}"' in room.page("/articles/one/")


def page(room: LetterRoom, path: str) -> str:
    """Return a page of a newsroom, which has it."""
    found = room.page(path)
    assert found, path
    return found


def pages_of_a_reader(theme: Theme, site: Site) -> dict[str, str]:
    """Return the pages and mails that the readers' API makes."""
    text = theme.text(site)
    paid = {"tier": "member", "period_end": "2026-12-24T00:00:00+00:00", "until": "2026-12-24T00:00:00+00:00"}
    forms = [
        AccountForms("x", may_delete, can_mail)
        for may_delete, can_mail in ((True, True), (False, True), (False, False))
    ]
    states = ["renewing", "ending", "overdue", "stopped"]
    made = {
        state: reader_pages.account_html(
            theme, site, Membership("a@b.example", confirmed="x", paid={**paid, "state": state}), NOW, forms[number % 3]
        )
        for number, state in enumerate(states)
    }
    given = Membership("a@b.example", complimentary={"tier": "subscriber", "until": "2026-12-01T00:00:00+00:00"})
    mail = reader_pages.sign_in_mail(
        theme, site, reader_pages.SignIn("a@b.example", "https://qx.example/", "012345", 15)
    )
    title, detail = text("problem.no_address.title"), text("problem.no_address.detail")
    return made | {
        "given": reader_pages.account_html(theme, site, given, NOW, forms[0]),
        "confirm": reader_pages.confirm_html(theme, site, "a@b.example", "x", ""),
        "elsewhere": reader_pages.confirm_html(theme, site, "a@b.example", "x", "y"),
        "unsubscribe": reader_pages.unsubscribe_html(theme, site, "/x"),
        "message": reader_pages.message_html(theme, site, title, detail, Link(text("nav.front_page"), "/")),
        "again": sign_in_again_html(theme, replace(site), detail, "", True),
        "mail": mail.subject + mail.html + mail.text,
    }


def test_leftovers_are_found(theme: Theme) -> None:
    english, german = theme.text(Site()), theme.text(Site(language="de"))
    wrong = "<p title='Front page'>Published 1. Juli <b>Newsletter</b></p>"
    assert english_leftovers(wrong, english, german) == ["Front page", "Published"]


def test_a_german_newsroom_is_built_in_german(theme: Theme, tmp_path: Path) -> None:
    files = {
        "site.yaml": "name: Der Kurier\nlanguage: de-AT\nbase_url: https://kurier.example\ntimezone: Europe/Vienna\n",
        "drafts/hafen.md": "---\ntitle: Der Hafen öffnet\ndate: 2026-11-20\nauthor: ada\ntopic: hafen\n---\nText.\n",
    }
    for name, body in files.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(body, "utf-8")
    built = build(tmp_path / "in", tmp_path / "out", theme, NOW)
    assert built.warnings.get("site.yaml", []) == []
    english, german = theme.text(Site()), theme.text(Site(language="de"))
    pages = sorted((tmp_path / "out").rglob("*.html"))
    left = {
        path.name: english_leftovers(path.read_text("utf-8"), english, german)
        for path in pages
        if "search/archive" not in path.as_posix()
    }
    assert {name: found for name, found in left.items() if found} == {}
    article = next(path for path in pages if "articles/hafen" in path.as_posix()).read_text("utf-8")
    assert "20. November 2026" in article
    assert '<html lang="de-AT">' in article
    assert "Über uns" in (tmp_path / "out" / "about" / "index.html").read_text("utf-8")
