"""Feeds as real servers send them: in any encoding, with common faults, and with costs that grow with their size only."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from nightdesk.adapters.feed_encoding import decode_feed, repair_xml
from nightdesk.adapters.feed_parser import ParsedFeed, UnreadableFeed, parse_feed
from nightdesk.domain.feeds import UNDECODED, Entry, fault_of

HOME = "https://wire.example/feed"
ITEM = "<item><title>{}</title><link>https://wire.example/1</link><description>Text.</description></item>"
RSS = '<rss version="2.0"><channel><title>Wire</title>{}</channel></rss>'
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title>{}</feed>'


def parse(text: str | bytes, content_type: str = "") -> ParsedFeed:
    return parse_feed(text.encode() if isinstance(text, str) else text, HOME, content_type)


def only(text: str | bytes, content_type: str = "") -> Entry:
    [entry] = parse(text, content_type).entries
    return entry


def rss(title: str, declaration: str = "") -> str:
    return declaration + RSS.format(ITEM.format(title))


# --- Encodings ---

TEXTS = {
    "utf-8": "Zürich ships 船 кофе",
    "utf-16": "Zürich ships 船 кофе",
    "utf-16-le": "Zürich ships 船 кофе",
    "utf-16-be": "Zürich ships 船 кофе",
    "utf-32": "Zürich ships 船 кофе",
    "utf-8-sig": "Zürich ships 船 кофе",
    "windows-1252": "“Zürich” – ships",
    "iso-8859-1": "Zürich ships",
    "iso-8859-2": "Žluťoučký kůň",
    "iso-8859-15": "Žalm 5 €",
    "windows-1251": "Порт открыт",
    "koi8-r": "Порт открыт",
    "koi8-u": "Порт відкрито",
    "windows-1256": "الميناء مفتوح",
    "windows-1255": "הנמל פתוח",
    "euc-kr": "항구가 열렸다",
    "cp949": "항구가 열렸다 뷁",
    "shift_jis": "港が開いた",
    "euc-jp": "港が開いた",
    "iso-2022-jp": "港が開いた",
    "gb2312": "港口开放",
    "gbk": "港口開放",
    "gb18030": "港口开放 𠮷",
    "big5": "港口開放",
    "tis-620": "ท่าเรือเปิด",
}
WIDE = {"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"}


@pytest.mark.parametrize("name", TEXTS)
def test_a_declared_encoding_is_read(name: str) -> None:
    text = rss(TEXTS[name], f'<?xml version="1.0" encoding="{name.removesuffix("-le").removesuffix("-be")}"?>')
    assert only(text.encode(name)).headline == TEXTS[name]


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in WIDE])
def test_an_encoding_that_only_the_header_names_is_read(name: str) -> None:
    for header in (f"application/rss+xml; charset={name}", f'text/xml;Charset="{name.upper()}"'):
        assert only(rss(TEXTS[name]).encode(name), header).headline == TEXTS[name]


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_recognised_by_their_bytes(name: str) -> None:
    for text in (rss(TEXTS[name]), "\n " + rss(TEXTS[name], '<?xml version="1.0"?>')):
        for header in ("", "text/xml; charset=utf-16", "text/xml; charset=utf-8"):
            assert only(text.encode(name), header).headline == TEXTS[name]


@pytest.mark.parametrize(
    ("label", "codec"),
    [("x-sjis", "cp932"), ("ks_c_5601-1987", "cp949"), ("x-gbk", "gbk"), ("win-1251", "cp1251"), ("LATIN1", "cp1252")],
)
def test_labels_of_the_web_are_known(label: str, codec: str) -> None:
    text = {"cp932": "港①", "cp949": "뷁", "gbk": "開", "cp1251": "Порт", "cp1252": "“é”"}[codec]
    assert decode_feed(text.encode(codec), f"text/xml; charset={label}") == text


def test_a_header_comes_before_the_declaration() -> None:
    text = rss("Порт", '<?xml version="1.0" encoding="iso-8859-1"?>')
    assert only(text.encode("koi8-r"), "text/xml; charset=koi8-r").headline == "Порт"


def test_a_header_that_contradicts_utf_8_is_ignored() -> None:
    text = rss("Zürich", '<?xml version="1.0" encoding="utf-8"?>')
    assert only(text, "text/xml; charset=iso-8859-1").headline == "Zürich"
    assert only(text.encode("iso-8859-1"), "text/xml; charset=iso-8859-1").headline == "Zürich"


@pytest.mark.parametrize("label", ["", "utf-7", "unicode_escape", "zlib", "idna", "hex", "no-such", "utf-16", "../x"])
def test_unknown_and_unsuitable_encodings_are_passed_over(label: str) -> None:
    text = rss("Zürich \\u003c +ADw-", f'<?xml version="1.0" encoding="{label}"?>')
    assert only(text, f"text/xml; charset={label}").headline == "Zürich \\u003c +ADw-"


def test_an_item_that_cannot_be_decoded_is_left_out_and_the_others_are_not() -> None:
    good, bad = ITEM.format("Good"), ITEM.format("Caf\udce9").replace("/1", "/2")
    entries = parse(RSS.format(good + bad).encode("utf-8", "surrogateescape")).entries
    assert [fault_of(entry) for entry in entries] == ["", UNDECODED]


# --- Common faults ---


@pytest.mark.parametrize(
    "before", ["\n", " \t\r\n\n", "\ufeff", "\ufeff\ufeff\n", "\u00a0\n", "<!-- by - a -- cache -->\n<!---->"]
)
def test_white_space_and_comments_before_the_document_are_skipped(before: str) -> None:
    assert only(before + rss("Ships", '<?xml version="1.0"?>\n')).headline == "Ships"


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("Tue, 24 Nov 2026 05:00:00 +0100", "2026-11-24T04:00:00+00:00"),
        ("2026-11-24", "2026-11-24T00:00:00+00:00"),
        ("2026/11/24 05:30", "2026-11-24T05:30:00+00:00"),
        ("2026.11.24", "2026-11-24T00:00:00+00:00"),
        ("2026年11月24日 05:30", "2026-11-24T05:30:00+00:00"),
        ("2026년 11월 24일", "2026-11-24T00:00:00+00:00"),
        ("1795496400", "2026-11-24T05:00:00+00:00"),
        ("1795496400000", "2026-11-24T05:00:00+00:00"),
        ("2026/31/24", None),
        ("179549640012", None),
        ("Di, 24. Nov. 2026", None),
    ],
)
def test_a_date_is_read_whole_or_not_at_all(typed: str, moment: str | None) -> None:
    """Half of a date would make an entry too old to be shown."""
    item = f"<item><title>a</title><link>https://wire.example/1</link><pubDate>{typed}</pubDate></item>"
    found = only(RSS.format(item)).published
    assert (found and found.isoformat()) == moment


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Caf&eacute;&nbsp;&mdash; open", "Café\u00a0— open"),
        ("Bread & butter", "Bread & butter"),
        ("R&D; AT&T", "R&D; AT&T"),
        ("Tom &amp; Jerry &#8211; &#x2013;", "Tom & Jerry – –"),
        ("One\x0btwo\x00three&#11;four&#xFFFF;&#99999999;", "Onetwothreefour"),
        ("<![CDATA[Caf&eacute; & bar]]>", "Café & bar"),
        ("a &LT;b&GT; c", "a <b> c"),
    ],
)
def test_entities_and_characters_that_xml_forbids_are_repaired(typed: str, shown: str) -> None:
    assert only(rss(typed)).headline == shown


def test_cdata_is_not_repaired_and_no_markup_is_made() -> None:
    text = "<a>&nbsp;<![CDATA[&nbsp; & <![CDATA[ ]]>&lt;&copy;<![CDATA[&nbsp;"
    assert repair_xml(text) == "<a>&#160;<![CDATA[&nbsp; & <![CDATA[ ]]>&lt;&#169;<![CDATA[&nbsp;"
    assert repair_xml("&LT;&lt;&AMP;&nvlt;&bogus;&") == "&#60;&lt;&#38;&#60;&#8402;&amp;bogus;&amp;"


def test_content_after_the_document_is_skipped() -> None:
    for after in ("\n<!-- served in 0.2 s -->", "\n<br />Warning: x in <b>y</b>", "<rss/>", "\x00 & junk"):
        assert only(rss("Ships") + after).headline == "Ships"


def test_a_prefix_without_a_namespace_is_declared() -> None:
    item = ITEM.format("Ships").replace("</item>", "<dc:date>2026-11-24T04:00:00Z</dc:date><x:y z:a='1'/></item>")
    entry = only(RSS.format(item))
    assert entry.published
    assert entry.published.isoformat() == "2026-11-24T04:00:00+00:00"


# --- Text ---


@pytest.mark.parametrize(
    ("kind", "typed", "shown"),
    [
        ("", "Yield where a &lt; b and c > d", "Yield where a < b and c > d"),
        ("", "Port drops &lt;strong&gt; from forms", "Port drops <strong> from forms"),
        ("", "Say &amp;lt;b&amp;gt; and &amp;amp;", "Say &lt;b&gt; and &amp;"),
        (' type="text"', "Write &lt;b&gt;bold&lt;/b&gt;", "Write <b>bold</b>"),
        (' type="html"', "Write &lt;b&gt;bold&lt;/b&gt; &amp;amp; more", "Write bold & more"),
        (' type="xhtml"', '<div xmlns="http://www.w3.org/1999/xhtml">Write <b>bold</b> &lt;x></div>', "Write bold <x>"),
    ],
)
def test_an_atom_title_is_read_as_its_type_says(kind: str, typed: str, shown: str) -> None:
    entry = f'<entry><title{kind}>{typed}</title><link href="https://wire.example/1"/><summary{kind}>{typed}</summary></entry>'
    found = only(ATOM.format(entry))
    assert (found.headline, found.summary) == (shown, shown)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a &lt; b", "a < b"),
        ("Port drops &lt;manifest&gt; from forms", "Port drops <manifest> from forms"),
        ("&lt;b&gt;Bold&lt;/b&gt; claim", "Bold claim"),
        ("Storm&lt;br&gt;hits", "Storm hits"),
        ("AT&amp;amp;T", "AT&T"),
    ],
)
def test_the_type_of_an_rss_title_is_guessed(typed: str, shown: str) -> None:
    assert only(rss(typed)).headline == shown


def test_an_item_without_a_title_gets_a_headline() -> None:
    item = "<item><link>https://wire.example/1</link><guid isPermaLink='false'>g</guid><description>&lt;p&gt;The bridge is &lt;b&gt;open&lt;/b&gt;.&lt;/p&gt;</description></item>"
    assert only(RSS.format(item))[:3] == ("g", "The bridge is open.", "")
    entry = (
        '<entry><id>tag:i</id><title/><link href="/1"/><content type="html">&lt;p&gt;Fog.&lt;/p&gt;</content></entry>'
    )
    assert only(ATOM.format(entry))[:4] == ("tag:i", "Fog.", "", "https://wire.example/1")


@pytest.mark.parametrize(
    ("typed", "link"),
    [
        (" https://wire.example/a b\n", "https://wire.example/a%20b"),
        ("HTTPS://wire.example/a", "https://wire.example/a"),
        ("https://wire.example/?a=1&b='x'", "https://wire.example/?a=1&b=%27x%27"),
        ("https://wire.example/é", "https://wire.example/é"),
        ("//wire.example/a", "https://wire.example/a"),
        ("/a", "https://wire.example/a"),
    ],
)
def test_links_are_completed(typed: str, link: str) -> None:
    entry = only(RSS.format(ITEM.format("Ships").replace("https://wire.example/1", typed)))
    assert entry.url == link
    assert fault_of(entry) == ""


# --- The guard ---

ENTITY = '<!DOCTYPE rss [<!ENTITY nbsp "boom">]>'
SUBSETS = [
    ENTITY,
    '<!DOCTYPE rss [<!ENTITY % x SYSTEM "file:///etc/passwd">%x;]>',
    '<!DOCTYPE rss SYSTEM "https://evil.example/x.dtd" [<!ELEMENT rss ANY>]>',
    '<!DOCTYPE rss [<!ATTLIST item a CDATA "x">]>',
]


@pytest.mark.parametrize("subset", SUBSETS)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("before", ["", "\n\n", "&nbsp;"])
def test_type_declarations_are_refused_in_every_encoding(subset: str, codec: str, before: str) -> None:
    with pytest.raises(UnreadableFeed):
        parse((before + subset + rss("a&nbsp;b")).encode(codec))


def test_an_external_type_is_not_fetched() -> None:
    declared = (
        '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">'
    )
    assert only(declared + rss("a&nbsp;b")).headline == "a\u00a0b"


def many(count: int, text: str) -> str:
    return "".join(text.format(n=n) for n in range(count))


COSTLY: dict[str, Callable[[int], str]] = {
    "namespaces of one element": lambda n: RSS.replace("<rss", "<rss" + many(n, ' xmlns:a{n}="u{n}"')).format(""),
    "namespaces of many elements": lambda n: RSS.format(many(n, '<a{n}:b xmlns:a{n}="u{n}"/>')),
    "default namespaces": lambda n: RSS.format(many(n, '<b xmlns="u{n}"/>')),
    "prefixes without namespace": lambda n: RSS.format(many(n, "<a{n}:b/>")),
    "attributes": lambda n: RSS.format("<item" + many(n, ' a{n}="x"') + "/>"),
    "nesting": lambda n: RSS.format("<a>" * n + "</a>" * n),
    "elements": lambda n: RSS.format("<b/>" * 4 * n),
    "entries in several lists": lambda n: RSS.format("<a>" + "<item/>" * n + "</a><item/>"),
    "entries in entries": lambda n: RSS.format("<item>" + "<a><item/></a>" * n + "</item>"),
}


@pytest.mark.parametrize("name", COSTLY)
def test_costly_documents_are_refused_before_a_tree_is_built(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    import feedparser

    monkeypatch.setattr(feedparser, "parse", lambda *_, **__: pytest.fail("a tree was built"))
    with pytest.raises(UnreadableFeed, match=r"too many|namespaces"):
        parse(COSTLY[name](40_000))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [RSS, ATOM, "<rdf><channel/>{}</rdf>"])
def test_only_the_first_thousand_entries_of_a_long_feed_are_read(shape: str) -> None:
    entry = (
        '<entry><id>{n}</id><title>N {n}</title><link href="/"/></entry>'
        if shape == ATOM
        else "<item><title>N {n}</title></item>"
    )
    found = parse(shape.format(many(12_000, entry)))
    assert [one.headline for one in found.entries] == [f"N {n}" for n in range(1000)]
    assert found.omitted == 11_000


GROWING: dict[str, Callable[[int], str]] = {
    "ampersands": lambda n: rss("&" * n * 40),
    "references": lambda n: rss("&nbsp;" * n * 10),
    "open cdata": lambda n: rss("<![CDATA[" * n * 4 + "]]>"),
    "cdata sections": lambda n: rss("<![CDATA[x]]>" * n * 4),
    "angle brackets": lambda n: rss("&lt;" * n * 10),
    "tags": lambda n: rss("&lt;b&gt;" * n * 5),
    "void tags": lambda n: rss("&lt;br " * n * 5),
    "items": lambda n: RSS.format(ITEM.format("a") * (n // 3)),
    "one guid": lambda n: RSS.format(many(n // 3, "<item><guid>g</guid><title>{n}</title></item>")),
    "known namespaces": lambda n: RSS.format(many(n, '<b xmlns:a="u" xmlns="http://www.w3.org/1999/xhtml"/>')),
    "date": lambda n: RSS.format(f"<item><title>a</title><pubDate>{'1 ' * n * 10}</pubDate></item>"),
    "date of digits": lambda n: RSS.format(f"<item><title>a</title><pubDate>{'1' * n * 10}</pubDate></item>"),
    "white space": lambda n: " \n" * n * 20 + rss("a"),
    "link": lambda n: RSS.format(f"<item><title>a</title><link>{'../' * n * 8}</link></item>"),
    "xhtml": lambda n: ATOM.format(
        f'<entry><title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{"<b>x</b>" * n}</div></title></entry>'
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", GROWING)
def test_the_time_to_parse_grows_with_the_size_only(name: str) -> None:
    """Four times as much may take up to ten times as long, for noise; quadratic work takes sixteen times as long."""

    def seconds(size: int) -> float:
        text = GROWING[name](size).encode()
        best = 9e9
        for _ in range(3):
            start = time.process_time()
            parse(text)
            best = min(best, time.process_time() - start)
        return best

    parse(rss("warm"))
    small, large = seconds(500), seconds(2_000)
    assert large < 10 * max(small, 0.02), (small, large)
