"""Typography: each language's quotation marks, and that nothing but text is set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightdesk.domain.documents import Document
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.passages import FREE, Passage
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.text import slugify
from nightdesk.domain.typography import MARKS, Typography
from nightdesk.domain.views import view
from nightdesk.rendering.losses import Losses
from nightdesk.rendering.markdown import render_passages, render_plain, to_html
from nightdesk.usecases.pipeline.render_document import FoundImage, to_document
from support.memory_newsroom import Newsroom

ENGLISH = Typography("en")


def body(markdown: str, language: str = "en") -> str:
    return render_plain(markdown, lambda url: url, lambda url: url, typography=Typography(language)).strip()


def document(body: str, matter: str = "title: T", site: Site | None = None) -> Document:
    site = site or Site()
    draft = parse_draft(f"---\n{matter}\n---\n{body}".encode(), "a-story", site, to_html)
    images = {"drafts/a-story/quay.jpg": FoundImage("0" * 64)}
    return to_document(draft, images, "drafts/a-story/", site=site)[0]


@pytest.mark.parametrize(
    ("language", "printed"),
    [
        ("en", "“The ‘old’ one isn’t.”"),
        ("en-GB", "“The ‘old’ one isn’t.”"),
        ("de", "„The ‚old‘ one isn’t.“"),
        ("de-AT", "„The ‚old‘ one isn’t.“"),
        ("de-CH", "«The ‹old› one isn’t.»"),
        ("fr", "«\u00a0The “old” one isn’t.\u00a0»"),
        ("es", "«The “old” one isn’t.»"),
        ("it", "«The “old” one isn’t.»"),
        ("pl", "„The «old» one isn’t.”"),
        ("ru", "«The „old“ one isn’t.»"),
        ("sv", "”The ’old’ one isn’t.”"),
        ("ar", "”The ’old‘ one isn’t.“"),
        ("ja", "「The 『old』 one isn’t.」"),
        ("zh-Hant", "「The 『old』 one isn’t.」"),
        ("xx", "“The ‘old’ one isn’t.”"),
    ],
)
def test_each_language_has_its_quotation_marks_and_every_one_its_apostrophe(language: str, printed: str) -> None:
    typed = "\"The 'old' one isn't.\""
    assert Typography(language).plain(typed) == printed
    assert body(typed, language).replace("&nbsp;", "\u00a0") == f"<p>{printed}</p>"


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("the '90s and '24", "the ’90s and ’24"),
        ("'Tis the dogs' rock 'n' roll", "’Tis the dogs’ rock ’n’ roll"),
        ('("So") ["so"], "so"; "so."', "(“So”) [“so”], “so”; “so.”"),
        ('He---"so"--she...', "He—“so”–she…"),
        ('"a "b" c"', "“a ‘b’ c”"),
        ("'a \"b\" c'", "‘a “b” c’"),
        ('d\'"amour"', "d’“amour”"),
        ('one","two', "one”,“two"),
        ('5" by 6\'2"', '5" by 6\'2"'),
        ('"A paragraph that goes on', "“A paragraph that goes on"),
        ("10-20 -- 30", "10-20 – 30"),
        ("----- ....", "----- ...."),
        ('see https://a.example/b--c\'s... "f"', "see https://a.example/b--c's… “f”"),
        ("already “set” by „hand‘", "already “set” by „hand‘"),
        ('""', "“”"),
        ('"', '"'),
        ("", ""),
    ],
)
def test_quotes_open_and_close_by_what_stands_beside_them(typed: str, printed: str) -> None:
    assert ENGLISH.plain(typed) == printed


@pytest.mark.parametrize(
    ("language", "typed", "printed"),
    [
        ("zh", '港口"关闭"了。', "港口“关闭”了。"),
        ("zh", "他说\"《船》'好'\"吧", "他说“《船》‘好’”吧"),
        ("zh", 'iPhone"X"机，Apple\'s 5"屏', 'iPhone“X”机，Apple’s 5"屏'),
        ("zh-Hant", '說："好"，（"壞"）', "說：「好」，（「壞」）"),
        ("ja", 'それは"A"と"港"です', "それは「A」と「港」です"),
        ("ko", '"항구"라고 "말"했다.', "“항구”라고 “말”했다."),
        ("th", 'ว่า"ท่าเรือ"ครับ', "ว่า“ท่าเรือ”ครับ"),
        ("en", 'the word"港"and 6"', 'the word“港”and 6"'),
    ],
)
def test_where_words_have_no_spaces_quotes_open_and_close_in_turn(language: str, typed: str, printed: str) -> None:
    assert Typography(language).plain(typed) == printed


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ('"*So*", she said', "<p>“<em>So</em>”, she said</p>"),
        ('*"So"* --- **"so"**', "<p><em>“So”</em> — <strong>“so”</strong></p>"),
        ('["So"](/a "b -- c")', '<p><a href="/a" title="b -- c">“So”</a></p>'),
        ('`"a" -- b...` "c"', '<p><code>"a" -- b...</code> “c”</p>'),
        ('\\"a\\" \\-- b', '<p>"a" -- b</p>'),
        ('<span title="a -- b">"c"</span>', '<p><span title="a -- b">“c”</span></p>'),
        ('<p>"raw" -- it\'s</p>', '<p>"raw" -- it\'s</p>'),
        ('    "code" --', '<pre><code>"code" --</code></pre>'),
        ('"a\n\nb"', "<p>“a</p>\n<p>b”</p>"),
        ('["a -- b"]\n\n["a -- b"]: /c', '<p><a href="/c">“a – b”</a></p>'),
        ("“a” — typed ‘so’…", "<p>“a” — typed ‘so’…</p>"),
        ("[a](/b/“c”)", '<p><a href="/b/%E2%80%9Cc%E2%80%9D">a</a></p>'),
        ('a  \n"b', "<p>a<br>\n“b</p>"),
        ('| "a" | -- |\n|---|---|\n| it\'s | "b" |', None),
    ],
)
def test_only_text_is_set(markdown: str, html: str | None) -> None:
    shown = body(markdown).replace("</code></pre>\n", "</code></pre>").replace("\n</code>", "</code>")
    if html is None:
        assert all(part in shown for part in ("“a”", "<th>–</th>", "it’s", "“b”"))
    else:
        assert shown == html


def test_what_was_typed_as_printed_in_another_language_stays() -> None:
    assert body('„a“, “b” and "c"', "de") == "<p>„a“, “b” and „c“</p>"
    assert body('«a» and "b"', "de") == "<p>«a» and „b“</p>"


def test_a_text_with_the_characters_that_stand_in_is_left_as_it_is() -> None:
    assert body('\u2e49 "a"') == '<p>\u2e49 "a"</p>'


def test_typed_marks_of_ours_are_no_marks() -> None:
    assert not set(MARKS) & set(body('&#xE003;a&#57347;b&#xE007; \ue003 "c"'))


def test_quotes_pair_within_each_passage_only() -> None:
    source = '"a\n\n::: gate teaser="She said \\"no\\"."\n"b" c"\n:::\n\nd"'
    made = document(source)
    assert [block.html.strip() for block in made.blocks] == ["<p>“a</p>", "<p>“b” c”</p>", "<p>d”</p>"]
    assert made.blocks[1].teaser == "She said “no”."
    assert made.blocks[0] == document(source.replace('"b" c"', "other")).blocks[0]


def test_everything_that_readers_see_of_a_draft_is_set_in_its_language() -> None:
    matter = """title: 'The "quay"'
dek: 'It''s -- "so"'
language: de
hero: {src: quay.jpg, alt: 'A "quay"', caption: '"Low" tide', credit: 'J. "X" Y'}
sources: [{title: 'A "law"', url: "https://a.example/--"}]
production: {statement: 'By "us"', ai_roles: ['"r"']}
corrections: [{date: 2026-11-01, text: 'Not "one".'}]
tags: ['"t"']"""
    made = document(
        '"a" ![b "c"](quay.jpg "d \'e\'")\n\n::: figure src=quay.jpg alt="f \\"g\\"" caption="h -- i" credit="j -- k"\n:::\n',
        matter,
    )
    assert (made.title, made.dek) == ("The „quay“", "It’s – „so“")
    assert (made.hero["alt"], made.hero["caption"], made.hero["credit"]) == ("A „quay“", "„Low“ tide", 'J. "X" Y')
    assert (made.sources[0]["title"], made.sources[0]["url"]) == ("A „law“", "https://a.example/--")
    assert (made.production["statement"], made.production["ai_roles"]) == ("By „us“", ['"r"'])
    assert (made.corrections[0]["text"], made.tags) == ("Not „one“.", ('"t"',))
    html = made.blocks[0].html
    assert all(part in html for part in ("„a“", 'alt="b „c“"', 'title="d ‚e‘"', 'alt="f „g“"', 'title="h – i"'))
    assert 'data-credit="j -- k"' in html


@pytest.mark.parametrize(
    ("matter", "site", "title"),
    [
        ("typography: false", Site(), '"T"'),
        ("typography: true", Site(typography=False), "“T”"),
        ("language: de", Site(typography=False), '"T"'),
        ("featured: false", Site(language="fr"), "«\u00a0T\u00a0»"),
    ],
)
def test_draft_and_site_can_turn_it_off(matter: str, site: Site, title: str) -> None:
    made = document('"T"', f"title: '\"T\"'\n{matter}", site)
    assert made.title == title
    assert made.blocks[0].html.replace("&nbsp;", "\u00a0") == f"<p>{title}</p>\n"


def test_the_settings_set_their_teaser() -> None:
    raw = b"language: de\nteaser: 'Nur \"f\xc3\xbcr\" {tier}'\n"
    assert parse_site(raw)[0].teaser == "Nur „für“ {tier}"
    assert parse_site(raw + b"typography: false\n")[0].teaser == 'Nur "für" {tier}'


@pytest.mark.parametrize("language", ["en", "de", "fr", "sv", "ja", "ru"])
def test_ids_of_headings_do_not_change(language: str) -> None:
    source = "## \"Isn't\" it -- 'so'---now...\n\n[a](#isnt-it----so---now) [b](#isnt-it-so-now)"
    typed, made = (document(source, f"title: T\nlanguage: {language}\ntypography: {on}") for on in ("false", "true"))
    shown = view(made, "public", Site())
    assert [each.anchor for each in shown.headings] == [each.anchor for each in view(typed, "public", Site()).headings]
    assert shown.parts[0].html.count(f'href="#{shown.headings[0].anchor}"') == 2


def test_code_of_other_systems_is_reported_as_it_was_typed() -> None:
    losses = Losses()
    render_passages(
        (Passage(FREE, "", 'a\n{{< youtube "b--c" >}}', 5),),
        lambda _: None,
        lambda url: url,
        losses,
        typography=ENGLISH,
    )
    assert [(problem.line, '{{< youtube "b--c" >}}' in problem.message) for problem in losses.problems] == [(6, True)]


@given(st.text(alphabet="\"'-. ab1(\n\ue003<>*`&", max_size=60), st.sampled_from(["en", "de", "fr", "ja"]))
def test_setting_any_text_twice_changes_nothing_more(text: str, language: str) -> None:
    typography = Typography(language)
    once = typography.plain(text.replace("\ue003", ""))
    assert typography.plain(once) == once
    assert not set(MARKS) & set(body(text, language))
    assert slugify(once) == slugify(text.replace("\ue003", ""))


def test_profiles_and_pages_are_set_in_the_language_of_the_settings(room: Newsroom) -> None:
    room.file("site.yaml", "language: en\n")
    room.file("authors/ada.md", '---\nname: Ada\nsummary: It\'s "so"\n---\nIt\'s "so".\n')
    room.file("pages/help.md", '---\ntitle: Help\n---\nIt\'s "so".\n')
    assert "It’s “so”." in room.page("/authors/ada/")
    assert "It’s “so”." in room.page("/help/")
    room.file("site.yaml", "language: de\n")
    assert "It’s „so“." in room.page("/authors/ada/")
    assert "It’s „so“." in room.page("/help/")
    room.file("site.yaml", "typography: false\n")
    assert 'It\'s "so".' in room.page("/authors/ada/")
    assert 'It\'s "so".' in room.page("/help/")


def test_pages_lists_feeds_and_metadata_say_the_same(room: Newsroom) -> None:
    room.publish("quay", 'The "quay"', 'It\'s "so".', dek="That's -- it")
    pages = [room.page(path) for path in ("/articles/quay/", "/", "/feed.xml", "/feed.json", "/topics/energy/")]
    assert all("The “quay”" in page and "That’s – it" in page for page in pages)
    assert '"headline":"The “quay”"' in pages[0]
    assert all("It’s “so”." in page for page in (pages[0], pages[2], pages[3]))
