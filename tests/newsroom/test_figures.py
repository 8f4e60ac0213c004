"""Figures: what may be typed, what readers get of them, and that those behind a gate are for entitled readers only."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from nightdesk.domain.documents import Document
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.errors import Rejected
from nightdesk.domain.events import SearchDue
from nightdesk.domain.figures import Figure
from nightdesk.domain.passages import FREE, split_passages
from nightdesk.domain.pictures import Inspection
from nightdesk.domain.site import Site
from nightdesk.entrypoints.folder_build import Options, build
from nightdesk.entrypoints.folder_pictures import FolderPictures
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.markdown import to_html
from nightdesk.usecases.editors.check import FolderImages, Surroundings, check
from nightdesk.usecases.pipeline.render_document import to_document
from simulation.pictures import PlainPictures
from support.letters import LetterRoom
from support.memory_newsroom import NOW, Newsroom

ROOT = Path(__file__).resolve().parents[2]
SITE = Site(base_url="https://news.example")
MATTER = "---\ntitle: The quay\ndate: 2026-11-23\nnewsletter: true\nlastmod: 2026-11-23\n---\n"
FIGURE = """::: figure src=quay.png alt="The quay" caption="Ferries & <b>fog</b>" credit="Ann \\"A\\" Lee" source_type=trainedAlgorithmicMedia
:::"""
CANARY = """::: figure src=canary-ledger.png alt="canary-alt" caption="canary-caption" credit="canary-credit" source_type=compositeSynthetic
:::"""


def problems_of(body: str) -> list[tuple[int, str, str]]:
    """Return line, key and kind of each problem with which a draft's body is rejected."""
    with pytest.raises(Rejected) as caught:
        document(body)
    return [(problem.line, problem.key, problem.kind.id) for problem in caught.value.problems]


def document(body: str) -> Document:
    draft = parse_draft(f"---\ntitle: T\n---\n{body}".encode(), "a", SITE, to_html)
    return to_document(draft, {}, "")[0]


def page(room: Newsroom, tier: str = "public") -> str:
    return room.site.outputs[f"articles/quay/~{tier}/index.html"].body.decode()


def figures_in(text: str) -> list[str]:
    return re.findall(r"<figure>.*?</figure>", text, re.DOTALL)


def image_data(text: str) -> Any:
    [found] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    return json.loads(found).get("image")


def warnings(room: Newsroom) -> list[str]:
    return [f"{warning['line']}: {warning['message']}" for warning in room.state("quay")["warnings"]]


# --- Grammar ---


def test_a_figure_belongs_to_the_passage_that_it_stands_in() -> None:
    body = f"One.\n{FIGURE}\n\n::: gate tier=member\nTwo.\n:::: figure src=b.png\n\n::::\n:::\n"
    free, gated, last = split_passages(body, 10, SITE, to_html)
    assert (free.tier, gated.tier, last.tier) == (FREE, "member", FREE)
    said = ("Ferries & <b>fog</b>", 'Ann "A" Lee', "trainedAlgorithmicMedia")
    assert free.figures == (Figure(11, 12, "quay.png", "The quay", *said),)
    assert gated.figures == (Figure(16, 18, "b.png"),)
    assert free.text == "One.\n\n\n"
    assert free.marked == "One.\n\n<!--:::figure 0-->\n\n\n"


def test_a_figure_in_code_is_code() -> None:
    assert "::: figure src=a" in document("```\n::: figure src=a\n```\n").blocks[0].html


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("::: figure\n:::\n", [(4, "src", "figure-src-missing")]),
        ('::: figure alt="x"\n:::\n', [(4, "src", "figure-src-missing")]),
        ('::: figure src=""\n:::\n', [(4, "src", "figure-src-missing")]),
        ("::: figure src=a.png tier=member\n:::\n", [(4, "tier", "figure-attribute-unknown")]),
        ("::: figure src=a.png src=b.png\n:::\n", [(4, "src", "attribute-repeated")]),
        ("::: figure src=a.png source_type=ai\n:::\n", [(4, "source_type", "source-type-unknown")]),
        ("::: figure src=a b.png\n:::\n", [(4, "figure", "figure-invalid")]),
        ("::: figure src=“a.png”\n:::\n", [(4, "figure", "figure-invalid")]),
        (":::figure src=a.png\n:::\n", [(4, "figure", "figure-invalid")]),
        (":::{figure} a.png\n:::\n", [(4, "figure", "figure-invalid")]),
        ("::: figur src=a.png\n:::\n", [(4, "figur", "directive-unknown")]),
        ("x\n\n::: figure src=a.png\n", [(6, "figure", "figure-unclosed")]),
        ("::: figure src=a.png\n\nText.\n:::\n", [(6, "figure", "figure-not-empty")]),
        (":::: figure src=a.png\n:::\n", [(5, "figure", "figure-not-empty")]),
        ("::: figure src=a.png\n::: figure src=b.png\n:::\n", [(5, "figure", "figure-not-empty")]),
        ("::: figure src=a.png\n::: gate\nx\n:::\n", [(5, "figure", "figure-not-empty")]),
        ("::: gate\n::: figure src=a.png\nhidden\n:::\n:::\n", [(6, "figure", "figure-not-empty")]),
        ("::: gate\n::: figure src=a.png\n:::\n", [(4, "gate", "gate-unclosed")]),
        ("- ::: figure src=a.png\n", [(4, "figure", "gate-out-of-place")]),
        ("> ::: figure src=a.png\n> :::\n", [(4, "figure", "gate-out-of-place"), (5, "gate", "gate-out-of-place")]),
        ("<script>\n::: figure src=a.png\n:::\n</script>\n", [(5, "figure", "figure-swallowed")]),
        ('<p title="\n::: figure src=a.png\n:::\n\\">\n', [(5, "figure", "figure-swallowed")]),
        ("<!--\n::: figure src=a.png\n:::\n-->\n", [(5, "figure", "figure-swallowed")]),
        ("<!--:::figure 0-->\n::: figure src=a.png\n:::\n", [(4, "", "comment-reserved")]),
    ],
)  # fmt: skip
def test_what_is_not_a_figure_is_rejected_with_its_line(body: str, expected: list[tuple[int, str, str]]) -> None:
    assert problems_of(body) == expected


def test_a_problem_says_what_to_type() -> None:
    with pytest.raises(Rejected) as caught:
        document("::: figure scr=a.png source_type=trainedAlgoritmicMedia\n:::\n")
    texts = [problem.text for problem in caught.value.problems]
    assert "did you mean `src`?" in texts[0]
    assert "src=chart.png" in texts[1]
    assert "did you mean `trainedAlgorithmicMedia`?" in texts[2]


def test_a_comment_around_a_figure_cannot_make_a_gate_text() -> None:
    body = "<!--\n::: figure src=a.png alt=A\n:::\n```\n-->\n::: gate\nsecret\n:::\n```\n"
    assert problems_of(body) == [(5, "figure", "figure-swallowed")]


def test_pages_and_profiles_have_no_figures() -> None:
    key = "pages/about.md"
    around = Surroundings(SITE, (), (), NOW, lambda _: "")
    [opening, _] = check(key, f"---\ntitle: About\n---\n{FIGURE}\n".encode(), around).problems
    assert "gates and figures are for articles only" in opening["message"]


# --- What readers get ---


def test_a_figure_shows_image_caption_credit_and_label(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "picture")
    room.file("drafts/quay/index.md", f"{MATTER}Text.\n{FIGURE}\nMore.\n")
    [figure] = figures_in(page(room))
    assert figure.startswith("<figure><picture><source ")
    assert ' alt="The quay"' in figure
    assert 'data-source-type="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"' in figure
    assert figure.endswith(
        '<figcaption><strong class="badge">AI-generated illustration</strong> Ferries &amp; &lt;b&gt;fog&lt;/b&gt; '
        '<span class="credit">Ann &#34;A&#34; Lee</span></figcaption></figure>'
    )
    assert "data-credit" not in figure
    assert re.search(r"<p>Text.</p>\s*<figure>.*</figure>\s*<p>More.</p>", page(room), re.DOTALL)
    assert warnings(room) == []


def test_structured_data_name_the_figures_that_everyone_sees(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "picture")
    room.file("drafts/quay/index.md", f"{MATTER}{FIGURE}\n")
    [image] = image_data(page(room))
    assert image.pop("url").endswith(".public.png")
    assert image == {
        "@type": "ImageObject", "width": 720, "height": 405, "caption": "Ferries & <b>fog</b>", "creditText": 'Ann "A" Lee',
        "digitalSourceType": "https://schema.org/TrainedAlgorithmicMediaDigitalSource",
    }  # fmt: skip
    room.file("drafts/quay/lead.png", "lead")
    room.file(
        "drafts/quay/index.md", MATTER.replace("---\n", "---\nhero: {src: lead.png, alt: L}\n", 1) + FIGURE + "\n"
    )
    lead, figure = image_data(page(room))
    assert "/lead." in lead["url"]
    assert figure["creditText"] == 'Ann "A" Lee'
    room.file("drafts/quay/index.md", f"{MATTER}![Plain](quay.png)\n")
    assert "/card." in image_data(page(room))["url"]


def test_credit_and_source_type_are_written_into_the_files_of_a_figure(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "picture")
    room.file("drafts/quay/index.md", f"{MATTER}{FIGURE}\n\n![Plain](quay.png)\n")
    files = [output.body for key, output in room.site.outputs.items() if "/quay/~public/quay." in key]
    assert sorted({b"Ann" in body for body in files}) == [False, True], "the plain image has files without them"
    assert all((b"trainedAlgorithmicMedia" in body) == (b"Ann" in body) for body in files)


def test_a_bare_figure_is_a_figure_without_a_caption(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "picture")
    room.file("drafts/quay/index.md", f"{MATTER}::: figure src=quay.png\n:::\n")
    [figure] = figures_in(page(room))
    assert "figcaption" not in figure
    assert warnings(room) == ["7: describe the image “quay.png” for readers who cannot see it"]


def test_in_place_of_an_image_that_is_missing_is_its_description(room: Newsroom) -> None:
    body = "::: figure src=gone.png alt=Gone caption=C credit=D\n:::\n\n::: figure src=https://x.example/a.png\n:::\nText.\n"
    room.file("drafts/quay/index.md", MATTER + body)
    assert figures_in(page(room)) == []
    assert "<p><span>Gone</span></p>" in page(room)
    assert warnings(room) == [
        "7: gone.png is not in the draft's folder, so the image is left out",
        "10: https://x.example/a.png is on another site; put the image into the draft's folder",
    ]


def test_an_image_of_a_kind_that_browsers_do_not_show_is_named_as_such(room: Newsroom) -> None:
    """Such a file is not uploaded, so that it is missing would puzzle whoever sees it in the folder."""
    room.file("drafts/quay/quay.png", "picture")
    room.file("drafts/quay/index.md", f"{MATTER}![a](IMG_1.HEIC) ![b](scan.tiff) ![c](quay.pngg)\n")
    assert warnings(room) == [
        "7: IMG_1.HEIC is not a kind of file that browsers show as an image: save it as JPEG, PNG or WebP",
        "7: scan.tiff is not a kind of file that browsers show as an image: save it as JPEG, PNG or WebP",
        "7: quay.pngg is not in the draft's folder, so the image is left out; did you mean `quay.png`?",
    ]


def test_lines_after_a_figure_are_still_right(room: Newsroom) -> None:
    room.file("drafts/quay/index.md", f"{MATTER}{FIGURE}\n\n{FIGURE}\n\n[a](nowhere.md) ![b](c.png)\n")
    assert [warning.partition(":")[0] for warning in warnings(room)] == ["7", "10", "13", "13"]


def test_the_title_of_a_markdown_image_is_still_its_caption(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "picture")
    room.file(
        "drafts/quay/index.md",
        f'{MATTER}![Q](quay.png "At low tide")\n\n<img src="quay.png" data-credit="x" alt="Q">\n',
    )
    assert "<figcaption>At low tide</figcaption>" in page(room)
    assert "credit" not in page(room).partition("<article")[2], "HTML cannot say what only a figure can"


# --- What files say of themselves ---


class Telling(PlainPictures):
    """Finds more in images than the stand-in does."""

    def inspect(self, data: bytes) -> Inspection:
        return Inspection("jpeg", 1600, 900, "#336699", "From the file", "File Agency", "", "trainedAlgorithmicMedia")


def test_what_the_file_says_counts_where_the_figure_is_silent(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulation.messages.PlainPictures", Telling)
    room.file("drafts/quay/quay.png", "made")
    room.file("drafts/quay/index.md", f"{MATTER}::: figure src=quay.png alt=Q credit=Ours\n:::\n")
    [figure] = figures_in(page(room))
    assert "AI-generated illustration" in figure
    assert "From the file" in figure
    assert "Ours" in figure
    assert "File Agency" not in figure
    assert warnings(room) == [
        "7: readers see what the file “quay.png” itself says (caption, source type), because the draft does not say it"
    ]
    assert image_data(page(room))[0]["digitalSourceType"].endswith("/TrainedAlgorithmicMediaDigitalSource")


@pytest.mark.parametrize("typed", ["digitalCapture", "compositeSynthetic", "algorithmicMedia"])
def test_a_figure_that_says_less_of_a_machine_than_its_file_is_warned(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr("simulation.messages.PlainPictures", Telling)
    room.file("drafts/quay/quay.png", "made")
    said = f"::: figure src=quay.png alt=Q caption=C credit=D source_type={typed}\n:::\n"
    room.file("drafts/quay/index.md", MATTER + said)
    assert warnings(room) == [
        "7: the file “quay.png” says that a machine made or altered it (trainedAlgorithmicMedia), and the draft says less"
    ]


# --- Behind a gate ---


def assert_only_for(outputs: dict[str, Any], allowed: str) -> None:
    """Assert that no object says or shows anything of the figure with canaries, but those whose key contains `allowed`."""
    seen = {key for key, output in outputs.items() if b"canary" in output.body or "canary" in key}
    assert seen, "members see it"
    assert {key for key in seen if allowed not in key} == set()


def test_a_gated_figure_exists_for_entitled_readers_only(theme: Theme) -> None:
    room = LetterRoom(theme)
    room.add("ada")
    room.add("mia", tier="member")
    room.file("drafts/quay/canary-ledger.png", "canary-bytes")
    room.file("drafts/quay/quay.png", "picture")
    body = f"{FIGURE}\n\n::: gate tier=member teaser=More\n{CANARY}\nHidden.\n:::\n"
    room.file("drafts/quay/index.md", MATTER.replace("newsletter: true\n", "") + body)
    room.file("drafts/quay/index.md", MATTER + body)  # mailed when there are pictures
    room.deliver([SearchDue()])
    room.process_all()
    member = page(room, "member")
    [_, figure] = figures_in(member)
    for said in ("canary-ledger.", "canary-alt", "canary-caption", "canary-credit", "Image partly AI-generated"):
        assert said in figure
    assert len(image_data(member)) == 1, "structured data are the same for everyone"
    assert_only_for(room.site.outputs, "articles/quay/~member/")
    assert "feed.xml" in room.site.outputs
    public = [key for key in room.site.outputs if key.startswith(("feed", "search/", "newsletter/", "sitemap"))]
    assert len({key.partition("/")[0] for key in public}) > 3
    assert not any(b"canary" in room.ports.private.get(key).body for key, _ in room.ports.private.list("facts/"))  # type: ignore[union-attr]
    assert "canary" not in room.mail_to("ada").html + room.mail_to("ada").text
    assert "Ferries" in room.mail_to("ada").html
    assert "canary-alt" in room.mail_to("mia").html, "mail programs have no session for the image itself"
    assert "canary-alt" in room.mail_to("mia").text


def test_what_a_gated_figure_says_of_an_image_that_is_also_free_stays_behind_the_gate(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "picture")
    gated = CANARY.replace("canary-ledger", "quay")
    gated = f"::: gate tier=member\n{gated}\n:::"
    for free in ("![Free](quay.png)", "::: figure src=quay.png alt=Free\n:::", FIGURE):
        for body in (f"{free}\n\n{gated}", f"{gated}\n\n{free}"):
            room.file("drafts/quay/index.md", f"{MATTER}{body}\n")
            assert "canary-caption" in page(room, "member")
            assert_only_for(room.site.outputs, "articles/quay/~member/")


def test_an_article_for_members_shows_nobody_else_its_figures(room: Newsroom) -> None:
    room.file("drafts/quay/canary-ledger.png", "canary-bytes")
    room.file("drafts/quay/index.md", MATTER.replace("---\n", "---\naccess: member\n", 1) + CANARY + "\n")
    assert "canary-caption" in page(room, "member")
    assert "/card." in image_data(page(room, "member"))["url"]
    assert_only_for(room.site.outputs, "articles/quay/~member/")


# --- Everywhere the same ---


def test_check_and_build_say_and_show_what_the_pipeline_does(room: Newsroom, theme: Theme, tmp_path: Path) -> None:
    body = f"{MATTER}{FIGURE}\n\n::: gate\n::: figure src=gone.png\n:::\n:::\n\n::: figure src=quay.png\n:::\n"
    files = {"drafts/quay/index.md": body, "drafts/quay/quay.png": "picture", "site.yaml": "name: Q\n"}
    for key, text in files.items():
        path = tmp_path / "in" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        room.file(key, text)
    images = FolderImages({"drafts/quay/quay.png": lambda: b"picture"}, PlainPictures().inspect)
    around = Surroundings(SITE, (), images, NOW, lambda _: "")
    found = check("drafts/quay/index.md", body.encode(), around)
    assert [f"{each['line']}: {each['message']}" for each in found.warnings] == warnings(room)
    build(tmp_path / "in", tmp_path / "out", theme, NOW, Options(pictures=FolderPictures(PlainPictures())))
    built = figures_in((tmp_path / "out" / "articles/quay/~public/index.html").read_text())
    assert built == figures_in(page(room))
    assert len(built) == 2
