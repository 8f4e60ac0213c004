"""SVG drawings: those that only draw pass, and those that act are named for what acts in them."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import cast

import pytest
from nightdesk.adapters.memory import MemoryObjects
from nightdesk.domain import drawings
from nightdesk.domain.drawings import LARGEST, active_content, image_refusal
from nightdesk.usecases.pipeline.file_records import FileRecord
from nightdesk_cli.main import main
from support.memory_newsroom import Newsroom

NAMES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:h="http://www.w3.org/1999/xhtml"'


def drawing(inside: str, attributes: str = "", before: str = "") -> bytes:
    return f'{before}<svg {NAMES} viewBox="0 0 9 9" {attributes}>{inside}</svg>'.encode()


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<title>A chart</title><desc>Script of a play: on load</desc><path d='M0 0h9' on='1' fill='red'/>".replace(
            " on='1'", ""
        ),
        "<defs><linearGradient id='g'/><g id='p'/></defs><use xlink:href='#p'/><use href='#p'/><path fill='url(#g)'/>",
        "<style>/* a note */ .a { fill: url('#g'); font-family: \"Onion \\201C\" } @media print { .b { fill: red } }</style>",
        "<image href='data:image/png;base64,iVBORw0KGgo='/><image xlink:href=' data:image/jpeg;base64,/9j/ '/>",
        "<animate attributeName='opacity' values='0;1' dur='1s'/><animateTransform attributeName='transform' type='scale'/>",
        "<a href='#below'><text>below</text></a>",
        "<metadata xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:dc='http://purl.org/dc/elements/1.1/'>"
        "<rdf:RDF><dc:type rdf:resource='http://purl.org/dc/dcmitype/StillImage'/></rdf:RDF></metadata>",
        "<i:view xmlns:i='http://www.inkscape.org/namespaces/inkscape' i:src='/home/x.svg' onlyguides='1'/>".replace(
            " onlyguides='1'", ""
        ),
        "<text>&lt;script>alert(1)&lt;/script></text><![CDATA[<script>]]>",
    ],
)
def test_a_drawing_that_only_draws_passes(inside: str) -> None:
    assert active_content(drawing(inside)) == ""


def test_a_drawing_may_be_small_and_in_any_common_encoding() -> None:
    assert active_content(b"<svg/>") == ""
    latin = "<?xml version='1.0' encoding='windows-1252'?><svg xmlns='http://www.w3.org/2000/svg'><text>caf\xe9</text></svg>"
    assert active_content(latin.encode("windows-1252")) == ""
    assert active_content(latin.replace("<text>", "<script>").replace("</text>", "</script>").encode("windows-1252"))


def test_what_drawing_programs_write_around_it_passes() -> None:
    head = '<?xml version="1.0" encoding="utf-8"?>\n<?xpacket begin=""?>\n'
    w3c = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [\n'
    own = '<!ENTITY ns_flows "http://ns.adobe.com/Flows/1.0/">\n]>\n'
    assert active_content(drawing("<g/>", 'xmlns:f="&ns_flows;"', head + w3c + own)) == ""
    assert active_content(drawing("<g/>", "", head).decode().encode("utf-8-sig")) == ""
    assert active_content(drawing("<g/>").decode().encode("utf-16")) == ""


@pytest.mark.parametrize(
    ("inside", "what"),
    [
        ("<script>1</script>", "a script"),
        ("<g><g><script href='data:text/javascript,1'/></g></g>", "a script"),
        ("<foreignObject><h:form method='post' action='/api/x'/></foreignObject>", "foreignObject"),
        ("<ForeignObject/>", "foreignObject"),
        ("<h:meta http-equiv='refresh' content='0;url=https://e.example/'/>", "HTML"),
        ("<q:p xmlns:q='http://www.w3.org/1999/xhtml'/>", "HTML"),
        ("<iframe/>", "HTML"),
        ("<script xmlns=''/>", "a script"),
        ("<g onclick='1'/>", "onclick"),
        ("<g ONLOAD='1'/>", "ONLOAD"),
        ("<a href='https://e.example/'/>", "a link"),
        ("<a xlink:href='/account/'/>", "a link"),
        ("<a xlink:href='java&#9;script:alert(1)'/>", "a link"),
        ("<a href='data:image/png;base64,x'/>", "a link"),
        ("<use href='other.svg#x'/>", "another file"),
        ("<use xlink:href='data:image/svg+xml,x'/>", "another file"),
        ("<image href='data:image/svg+xml,x'/>", "another file"),
        ("<image href='//e.example/x.png'/>", "another file"),
        ("<feImage href='https://e.example/x.png'/>", "another file"),
        ("<animate attributeName='href' to='javascript:1'/>", "an animation of `href`"),
        ("<set attributeName=' xlink:href ' to='https://e.example/'/>", "an animation"),
        ("<set attributeName='onclick' to='1'/>", "an animation"),
        ("<style>@import 'https://e.example/x.css';</style>", "in a style"),
        ("<style>a { fill: u\\72l(https://e.example/x) }</style>", "in a style"),
        ("<style>a { fill: ur/**/l(https://e.example/x) }</style>", "in a style"),
        ("<style>a { fill: url( 'https://e.example/x' ) }</style>", "in a style"),
        ("<style><![CDATA[@im]]><![CDATA[port url(x)]]></style>", "in a style"),
        ("<style>a::before { content: '/*' } b { fill: url(https://e.example/x) }</style>", "in a style"),
        ("<path fill='url(https://e.example/#x)'/>", "in a style"),
        ("<path style='mask: url(other.svg#m)'/>", "in a style"),
        ("<g xml:base='https://e.example/'><a href='#x'/></g>", "xml:base"),
        ("<m:math xmlns:m='http://www.w3.org/1998/Math/MathML'/>", "MathML"),
        ("<g>", "a fault in its XML"),
        ("&nothing;", "a fault in its XML"),
    ],
)
def test_what_acts_is_found_and_named(inside: str, what: str) -> None:
    assert what in active_content(drawing(inside))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x1f\x8b\x08compressed",
        b"GIF89a<svg/>",
        b"<html xmlns='http://www.w3.org/1999/xhtml'/>",
        b"<svg><h:p xmlns:h='http://www.w3.org/1999/xhtml'/></svg>",
        b"<svg onload='1'/>",
        b"<math xmlns='http://www.w3.org/1998/Math/MathML'/>",
        b"<?xml-stylesheet href='x.xsl' type='text/xsl'?>" + drawing(""),
        drawing("", "", '<!DOCTYPE svg [<!ATTLIST svg onload CDATA "1">]>'),
        drawing("&x;", "", '<!DOCTYPE svg [<!ENTITY x "<script>1</script>">]>'),
        drawing("&x;", "", '<!DOCTYPE svg [<!ENTITY x "&#60;script>1&#60;/script>">]>'),
        drawing("", "", "<!DOCTYPE svg [<!ENTITY % p \"<!ENTITY x 'y'>\"> %p;]>"),
        drawing("&x;", "", '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        drawing("", 'onload="1"'),
        drawing("", "", '<?xml version="1.0" encoding="utf-7"?>'),
    ],
)
def test_whatever_else_acts_or_is_no_drawing_does_not_pass(body: bytes) -> None:
    assert active_content(body)


def test_a_photograph_that_is_named_like_a_drawing_is_not_called_a_fault_in_xml() -> None:
    for body in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF....WEBP", b"words"):
        assert active_content(body) == "something other than a drawing"


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    [
        "<g/>",
        "<g fill='url(#a)'/>",
        "<g style='x: url(#a) /* '/>",
        "<style>/*(</style>",
        "&#38;",
        "(\\",
        "url(",
        "/*(",
        "/*(*/",
        "url( ",
        "behavior ",
    ],
)
def test_the_work_grows_with_the_size_alone(part: str) -> None:
    def seconds(times: int) -> float:
        body = drawing(f"<g>{part * times}</g>" if part.startswith("<") else f"<style>{part * times}</style>")
        return min(_timed(body) for _ in range(3))

    small, large = seconds(2_000), seconds(16_000)
    assert large < 30 * small + 0.05, "eight times the size; a quadratic scan would take 64 times as long"


def _timed(body: bytes) -> float:
    began = time.process_time()
    active_content(body)
    return time.process_time() - began


# --- In the pipeline ---

CLEAN = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9v9z"/></svg>'
TRAP = CLEAN.replace("<path", "<script>fetch('/api/session')</script><path")
DRAFT = "---\ntitle: Tolls\ndate: 2026-11-01\nhero: {src: lead.svg, alt: A}\n---\nWords.\n\n![Map](map.svg)\n\n![Bars](bars.svg)\n"


def copies(room: Newsroom, text: str) -> list[str]:
    """Return the keys of all objects that a stage wrote and that contain a text."""
    private = cast(MemoryObjects, room.ports.private)
    return [
        key
        for objects in (room.site, private)
        for key, output in objects.outputs.items()
        if text.encode() in output.body
    ]


def test_an_article_goes_live_without_a_drawing_that_acts(room: Newsroom) -> None:
    for name, body in (("lead", TRAP), ("map", TRAP), ("bars", CLEAN)):
        room.file(f"drafts/tolls/{name}.svg", body)
    room.file("drafts/tolls/index.md", DRAFT)
    page = room.page("/articles/tolls/")
    assert re.findall(r'src="/articles/tolls/([a-z]+)\.', page) == ["bars"]
    assert copies(room, "/api/session") == []
    record = FileRecord("drafts/tolls/index.md", room.ports).stored
    assert record
    assert (record.state, len(record.warnings)) == ("accepted", 2)
    for warning, name in zip(record.warnings, ("lead", "map"), strict=True):
        assert warning["key"] == "image"
        assert f"“{name}.svg” is not shown, because it contains a script" in warning["message"]
    room.file("drafts/tolls/map.svg", CLEAN)
    assert re.findall(r'src="/articles/tolls/([a-z]+)\.', room.page("/articles/tolls/")) == ["map", "bars"]
    room.file("drafts/tolls/bars.svg", TRAP)
    assert re.findall(r'src="/articles/tolls/([a-z]+)\.', room.page("/articles/tolls/")) == ["map"]
    assert copies(room, "/api/session") == []


def test_a_portrait_that_acts_is_left_out(room: Newsroom) -> None:
    room.file("authors/ada/face.svg", TRAP)
    room.file("authors/ada/index.md", "---\nname: Ada\nportrait: face.svg\n---\nWrites.\n")
    room.file("authors/ada.md", "---\nname: Ada\nportrait: face.svg\n---\nWrites.\n")
    assert copies(room, "/api/session") == []


def test_a_drawing_is_read_once_for_each_version_of_the_rules(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[bytes] = []

    def look(body: bytes) -> str:
        looked.append(body)
        return ""

    monkeypatch.setattr(drawings, "active_content", look)
    room.file("drafts/tolls/bars.svg", CLEAN)
    for text in ("One.", "Two."):
        room.file("drafts/tolls/index.md", f"---\ntitle: Tolls\n---\n{text}\n\n![Bars](bars.svg)\n")
    assert len(looked) == 1
    monkeypatch.setattr(drawings, "_RULES", "next")
    room.file("drafts/tolls/index.md", "---\ntitle: Tolls\n---\nThree.\n\n![Bars](bars.svg)\n")
    assert len(looked) == 2


def test_a_huge_drawing_is_not_checked_but_left_out() -> None:
    assert image_refusal("drafts/x/a.svg", b"<svg>" + b" " * LARGEST) == "more than 8 MiB"
    assert image_refusal("drafts/x/A.SVG", TRAP.encode()) == "a script"
    assert image_refusal("drafts/x/a.png", TRAP.encode()) == "", (
        "browsers do not run it: it is served as image/png, with nosniff"
    )


def test_a_check_before_publishing_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "drafts" / "tolls"
    folder.mkdir(parents=True)
    for name, body in (("lead", CLEAN), ("map", TRAP), ("bars", CLEAN)):
        (folder / f"{name}.svg").write_text(body)
    (folder / "index.md").write_text(DRAFT)
    main(["check", str(folder / "index.md"), "--json"])
    [found] = json.loads(capsys.readouterr().out)
    [message] = [warning["message"] for warning in found["warnings"] if "map.svg" in warning["message"]]
    assert "a script" in message


def test_a_check_knows_that_hidden_files_are_not_uploaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "drafts" / "tolls"
    folder.mkdir(parents=True)
    (folder / "..%2fmap.svg").write_text(CLEAN)
    (folder / "index.md").write_text("---\ntitle: Tolls\ndate: 2026-11-01\n---\n![Map](..%252fmap.svg)\n")
    main(["check", str(folder / "index.md"), "--json"])
    [found] = json.loads(capsys.readouterr().out)
    messages = [warning["message"] for warning in found["warnings"]]
    assert "..%2fmap.svg is not in the draft's folder, so the image is left out" in messages
