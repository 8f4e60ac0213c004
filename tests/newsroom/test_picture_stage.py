"""The images stage: what readers get of an image, what they never get, and what becomes of one that cannot be shown."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from itertools import permutations

import pytest
from nightdesk.adapters.memory import MemoryObjects, memory_ports
from nightdesk.adapters.picture_maker import PillowPictures
from nightdesk.domain import pictures
from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Conflict
from nightdesk.domain.events import PictureRequested, RegateRequested, SiteChanged
from nightdesk.domain.pictures import Derived, Inspection, Order, PictureFiles
from nightdesk.ports import ANY, Output, Stat
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.pictures import picture_html, picture_of
from nightdesk.rendering.texts import Catalogue
from nightdesk.repositories.private_bucket import image_key, rendition_key
from nightdesk.usecases.editors import decisions
from nightdesk.usecases.pipeline import gate_pictures, images
from nightdesk.usecases.pipeline import pictures as stage
from nightdesk.usecases.pipeline.gate_inputs import read_inputs
from nightdesk.usecases.pipeline.pictures import derive_once, inspect_once
from nightdesk.usecases.pipeline.reconcile import compare, request_repairs
from nightdesk.usecases.pipeline.render import render
from PIL import Image
from simulation.pictures import PlainPictures
from support.memory_newsroom import Newsroom
from support.waits import Waits

MATTER = "---\ntitle: The quay\ndate: 2026-11-01\nhero: {src: quay.png, alt: The quay at night, credit: Wire}\n---\n"
BODY = (
    "Free words.\n\n![The sheds](sheds.png)\n\n::: gate tier=member\nHidden words.\n\n![The ledger](ledger.png)\n:::\n"
)
FILES = {
    "drafts/quay/index.md": MATTER + BODY,
    "drafts/quay/quay.png": "lead",
    "drafts/quay/sheds.png": "free picture",
    "drafts/quay/ledger.png": "gated picture",
}


def page(room: Newsroom, tier: str = "public", slug: str = "quay") -> str:
    return room.site.outputs[f"articles/{slug}/~{tier}/index.html"].body.decode()


def files_for(room: Newsroom, tier: str) -> dict[str, bytes]:
    """Return what readers of a tier can fetch of an article's images, by name, as the edge would find it."""
    found = {}
    for key, output in room.site.outputs.items():
        folder, _, name = key.rpartition("/")
        is_for_all = folder == "articles/quay/~public" and ".public." in name
        if (is_for_all or (folder == f"articles/quay/~{tier}" and ".public." not in name)) and output.body:
            found[name] = output.body
    found.pop("index.html", None)
    return found


def shown_on(text: str) -> set[str]:
    return set(re.findall(r"/articles/quay/([a-z0-9.-]+\.[a-z]+)", text))


# --- Who gets what ---


def test_each_tier_gets_its_pictures_in_every_format_and_no_others(room: Newsroom) -> None:
    for key, body in FILES.items():
        room.file(key, body)
    for tier, gated in (("public", False), ("subscriber", False), ("member", True)):
        files = files_for(room, tier)
        assert shown_on(page(room, tier)) == set(files), "all that is shown is there, and nothing else is"
        stems = sorted({name.partition(".")[0] for name in files})
        assert stems == (["card", "ledger", "quay", "sheds"] if gated else ["card", "quay", "sheds"])
        assert any(b"gated picture" in body for body in files.values()) == gated
    stored = [key for key in room.site.outputs if "ledger" in key]
    assert {key.rsplit("/", 1)[0] for key in stored} == {"articles/quay/~member"}
    assert not any(".public." in key for key in stored)
    assert {key.rsplit(".", 1)[1] for key in stored} == {"avif", "png"}


def test_no_original_is_ever_written_for_readers(room: Newsroom) -> None:
    written: list[bytes] = []
    put = room.site.put
    room.site.put = lambda output, expected: (written.append(output.body), put(output, expected))[1]  # type: ignore[method-assign]
    private = room.ports.private.put
    room.ports.private.put = lambda output, expected: (  # type: ignore[method-assign]
        written.append(output.body) if output.key.startswith("preview/") else None,
        private(output, expected),
    )[1]
    for key, body in FILES.items():
        room.upload(key, body.encode() + (b" GPS credit:Ann" if key.endswith("png") else b""))
        for _ in range(2):
            room.process_next()
    room.process_all()
    originals = {body.encode() + b" GPS credit:Ann" for body in FILES.values()}
    assert written
    assert not originals & set(written)


@pytest.mark.parametrize("order", list(permutations(FILES))[::5])
def test_the_site_is_the_same_in_whatever_order_files_come(
    room: Newsroom, theme: Theme, order: tuple[str, ...]
) -> None:
    for key in order:
        room.upload(key, FILES[key].encode())
        room.process_next()
    room.process_all()
    other = Newsroom(theme)
    for key, body in FILES.items():
        other.file(key, body)
    assert {k: o.body for k, o in room.site.outputs.items()} == {k: o.body for k, o in other.site.outputs.items()}


# --- The text does not wait ---


def test_a_page_is_live_before_its_pictures_with_the_space_for_them(room: Newsroom) -> None:
    for key, body in FILES.items():
        room.upload(key, body.encode())
    while not room.site.outputs.get("articles/quay/~public/index.html"):
        room.process_next()
    first = page(room)
    assert "Free words." in first
    assert '<img src="/articles' not in first
    spaces = re.findall(r"<svg [^>]*>", first)
    assert len(spaces) == 2
    assert all('role="img" aria-label="The ' in space and 'width="1' in space for space in spaces)
    room.process_all()
    assert "<svg" not in page(room)
    assert 'alt="The sheds" class="picture" width="720" height="405" loading="lazy"' in page(room)


@pytest.mark.parametrize("broken", ["broken", "hollow"])
def test_a_broken_image_is_left_out_with_a_reason_and_stops_nothing(room: Newsroom, broken: str) -> None:
    for key, body in FILES.items():
        room.file(key, broken if "sheds" in key else body)
    assert "Free words." in page(room)
    assert "sheds" not in "".join(room.site.outputs)
    [warning] = room.state("quay")["warnings"]
    assert warning["line"] == 8
    assert warning["message"].startswith("the image is left out: “sheds.png” ")
    assert {name.partition(".")[0] for name in files_for(room, "member")} == {"card", "quay", "ledger"}
    room.file("drafts/quay/sheds.png", "mended")
    assert room.state("quay")["warnings"] == []
    assert any(b"mended" in body for body in files_for(room, "public").values())


def test_pictures_are_made_once_however_often_a_draft_is_published(room: Newsroom) -> None:
    for key, body in FILES.items():
        room.file(key, body)
    made = room.emitted(PictureRequested)
    assert len(made) == 3
    for number in range(3):
        room.file("drafts/quay/index.md", f"{MATTER}{BODY}\nMore {number}.\n")
    room.file("drafts/other/quay.png", "lead")
    room.file("drafts/other/index.md", MATTER.replace("The quay\n", "Another\n"))
    assert [event.owner for event in room.emitted(PictureRequested)] == [], "the same bytes with the same credit"
    assert "/articles/other/quay." in page(room, slug="other")


def test_a_request_that_came_too_late_does_nothing(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "lead")
    room.upload("drafts/quay/index.md", FILES["drafts/quay/index.md"].encode())
    while not any(isinstance(message.detail, PictureRequested) for message in room.queue):
        room.process_next()
    [late] = [message.detail for message in room.queue if isinstance(message.detail, PictureRequested)]
    room.file("drafts/quay/index.md", None)
    room.emitted(RegateRequested)
    room.deliver([late])
    room.process_all()
    assert room.emitted(RegateRequested) == []


# --- Approval ---


def test_another_original_voids_an_approval_and_readers_keep_the_approved_one(room: Newsroom) -> None:
    room.file("site.yaml", "require_approval: [ai, human]\n")
    for key, body in FILES.items():
        room.file(key, body)
    decisions.approve("quay", "Ines", "editor:1", room.ports)
    room.deliver_emitted()
    room.process_all()
    before = files_for(room, "member")
    assert any(b"free picture" in body for body in before.values())
    room.file("drafts/quay/sheds.png", "another picture")
    assert files_for(room, "member") == before
    assert room.state("quay")["warnings"][0]["key"] == "approval"
    decisions.approve("quay", "Ines", "editor:1", room.ports)
    room.deliver_emitted()
    room.process_all()
    assert any(b"another picture" in body for body in files_for(room, "public").values())


def test_an_approval_given_before_the_pictures_were_made_counts_for_them(room: Newsroom) -> None:
    room.file("site.yaml", "require_approval: [ai, human]\n")
    for key, body in FILES.items():
        room.upload(key, body.encode())
    while not room.ports.private.get("articles/quay.json"):
        room.process_next()
    for _ in range(4):
        room.process_next()
    decisions.approve("quay", "Ines", "editor:1", room.ports)
    room.deliver_emitted()
    room.process_all()
    assert room.state("quay")["state"] == "live"
    assert shown_on(page(room, "member")) == set(files_for(room, "member"))


# --- What is lost is made again ---


@pytest.mark.parametrize("lost", ["pictures/", "derivatives/", "renditions/", "articles/quay/~public/sheds"])
def test_reconcile_repairs_what_was_lost_of_pictures(room: Newsroom, theme: Theme, lost: str) -> None:
    for key, body in FILES.items():
        room.file(key, body)
    assert not compare(room.ports, theme)
    before = files_for(room, "member")
    for objects in (room.ports.private, room.site):
        for key, _ in objects.list(lost):
            objects.delete(key)
    # Renditions are read only when they are copied, so the site lacks one too.
    for key in [key for key in room.site.outputs if "sheds" in key]:
        room.site.delete(key)
    for _ in range(3):
        found = compare(room.ports, theme)
        request_repairs(found, room.ports)
        room.deliver_emitted()
        room.process_all()
    assert files_for(room, "member") == before
    assert room.ports.private.list(rendition_key(""))


# --- A new recipe ---


def another_recipe(monkeypatch: pytest.MonkeyPatch, recipe: str = "98") -> None:
    """Deploy a version that makes other renditions of the same images."""
    monkeypatch.setattr(pictures, "RECIPE", recipe)
    monkeypatch.setattr(PlainPictures, "recipe", recipe)


@pytest.mark.parametrize("by", ["rebuild", "reconcile"])
def test_another_recipe_makes_all_pictures_anew_while_pages_show_the_present_ones(
    room: Newsroom, theme: Theme, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, body in FILES.items():
        room.file(key, body)
    old, names = page(room, "member"), set(files_for(room, "member"))
    another_recipe(monkeypatch)
    if by == "rebuild":
        room.deliver([SiteChanged()])
    else:
        request_repairs(compare(room.ports, theme), room.ports)
        room.deliver_emitted()
    while PictureRequested not in map(type, (message.detail for message in room.queue)):
        room.process_next()
    assert page(room, "member") == old
    room.process_all()
    kept = {name for name in names if name.startswith("card.")}
    assert set(files_for(room, "member")) & names == kept
    assert shown_on(page(room, "member")) == set(files_for(room, "member"))
    assert not compare(room.ports, theme)


def test_a_portrait_is_made_anew_by_another_recipe(
    room: Newsroom, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.file("authors/mo.md", "---\nname: Mo\nportrait: mo.png\n---\n")
    room.file("authors/mo.png", "a face")
    before = {key for key in room.site.outputs if key.startswith("authors/mo/mo.")}
    another_recipe(monkeypatch)
    request_repairs(compare(room.ports, theme), room.ports)
    room.deliver_emitted()
    room.process_all()
    assert before
    assert not any(
        key.removeprefix("authors/mo/").encode() in room.site.outputs["authors/mo/index.html"].body for key in before
    )
    assert not compare(room.ports, theme)


@pytest.mark.parametrize("body", ["broken", "hollow"], ids=["when inspected", "when derived"])
def test_an_image_that_was_refused_is_looked_at_again_by_another_recipe(
    room: Newsroom, theme: Theme, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.file("drafts/quay/index.md", "---\ntitle: Q\ndate: 2026-11-01\n---\n![A quay](quay.png)\n")
    room.file("drafts/quay/quay.png", body)
    assert "quay.png" in str(room.state("quay")["warnings"])
    assert not any("/quay." in name for name in room.site.outputs)
    another_recipe(monkeypatch)
    for _ in range(2):
        request_repairs(compare(room.ports, theme), room.ports)
        room.deliver_emitted()
        room.process_all()
        assert "quay.png" in str(room.state("quay")["warnings"]), "this version refuses it, too"
        assert not compare(room.ports, theme)
    another_recipe(monkeypatch, "99")
    monkeypatch.setattr(PlainPictures, "inspect", lambda maker, data: Inspection("jpeg", 1600, 900, "#336699"))
    monkeypatch.setattr(PlainPictures, "derive", lambda maker, data, found, order: [Derived("jpg", 8, 5, False, data)])
    request_repairs(compare(room.ports, theme), room.ports)
    room.deliver_emitted()
    room.process_all()
    assert "quay.png" not in str(room.state("quay")["warnings"])
    assert shown_on(room.page("/articles/quay/"))
    assert not compare(room.ports, theme)


def test_a_page_and_a_stage_of_different_versions_do_not_keep_each_other_busy(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a deploy replaces one function after the other."""
    for key, body in FILES.items():
        room.file(key, body)
    now = pictures.RECIPE
    monkeypatch.setattr(pictures, "RECIPE", "98")
    room.emitted(PictureRequested)
    room.deliver([RegateRequested("quay")])
    room.process_all()
    assert [event.instead_of for event in room.emitted(PictureRequested)] == [now] * 3
    assert shown_on(page(room, "member")) == set(files_for(room, "member"))


# --- With the real maker ---


def photograph(credit: str = "", size: tuple[int, int] = (900, 600)) -> bytes:
    """Return a JPEG with a place, a camera and a photographer in its EXIF data."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    exif = Image.Exif()
    exif[0x013B], exif[0x010F] = "A. Photographer", "CameraMaker"
    exif.get_ifd(0x8825).update({1: "N", 2: (59.0, 54.0, 0.0), 3: "E", 4: (10.0, 44.0, 0.0)})
    out = BytesIO()
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def derived(data: bytes, **order: str) -> dict[str, bytes]:
    ports, maker = memory_ports(), PillowPictures()
    sha256 = digest(data)
    ports.private.put(Output(image_key(sha256), data, ""), None)
    inspect_once(sha256, data, ports, maker)
    made = derive_once(Order("drafts/a/a.jpg", sha256, **order), ports, maker)  # type: ignore[arg-type]
    stored = {each: ports.private.get(rendition_key(each.sha256)) for each in made.renditions}
    return {f"{each.width}.{each.format}": blob.body for each, blob in stored.items() if blob}


def test_nothing_of_a_photographs_metadata_reaches_readers_but_credit_and_source_type() -> None:
    data = photograph()
    assert b"CameraMaker" in data
    files = derived(data, credit="Wire & Co", source_type="trainedAlgorithmicMedia")
    assert {name.split(".")[1] for name in files} == {"avif", "webp", "jpg"}
    for name, body in files.items():
        assert b"CameraMaker" not in body, name
        assert b"Photographer" not in body, name
        assert not dict(Image.open(BytesIO(body)).getexif().get_ifd(0x8825)), name
        assert b"Wire &amp; Co" in body, name
        assert b"digitalsourcetype/trainedAlgorithmicMedia" in body, name


def test_a_truncated_photograph_is_refused_in_plain_words() -> None:
    ports = memory_ports()
    found = inspect_once("0" * 64, photograph()[:4000], ports, PillowPictures())
    assert found.refusal
    assert "Error" not in found.refusal
    assert Inspection.from_bytes(found.to_bytes()) == found


# --- What is said of an image ---


class Telling(PlainPictures):
    """Finds more in images than the stand-in does."""

    def inspect(self, data: bytes) -> Inspection:
        kind = "trainedAlgorithmicMedia" if b"made" in data else ""
        return Inspection("jpeg", 1600, 900, "#336699", "From the file", "File Agency", "", kind)


@pytest.fixture
def telling(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    monkeypatch.setattr("simulation.messages.PlainPictures", Telling)
    return room


def messages(room: Newsroom) -> list[str]:
    return [warning["message"] for warning in room.state("quay")["warnings"]]


def test_what_the_file_says_counts_where_the_draft_is_silent(telling: Newsroom) -> None:
    telling.file("drafts/quay/quay.png", "made")
    telling.file("drafts/quay/index.md", MATTER + "Words.\n")
    figure = re.search(r'<figure class="hero">.*?</figure>', page(telling), re.DOTALL)
    assert figure
    assert "AI-generated illustration" in figure[0]
    assert "From the file" in figure[0]
    assert "Wire" in figure[0], "the draft names the credit"
    assert messages(telling) == [
        "readers see what the file “quay.png” itself says (caption, source type), because the draft does not say it"
    ]


def test_a_draft_that_denies_what_its_file_says_is_warned(telling: Newsroom) -> None:
    telling.file("drafts/quay/quay.png", "made")
    said = MATTER.replace("credit: Wire", "credit: Wire, caption: Ours, source_type: digitalCapture")
    telling.file("drafts/quay/index.md", said + "Words.\n")
    assert messages(telling) == [
        "the file “quay.png” says that a machine made or altered it (trainedAlgorithmicMedia), and the draft says less"
    ]


def test_an_image_in_the_text_gets_its_caption_credit_and_label(telling: Newsroom) -> None:
    telling.file("drafts/quay/sheds.png", "made")
    telling.file(
        "drafts/quay/index.md", '---\ntitle: T\ndate: 2026-11-01\n---\nA.\n\n![Sheds](sheds.png "At low tide")\n'
    )
    figure = re.search(r"<figure><picture>.*?</figure>", page(telling), re.DOTALL)
    assert figure
    assert "AI-generated illustration" in figure[0]
    assert "At low tide" in figure[0]
    assert "File Agency" in figure[0]
    assert "From the file" not in figure[0]


@pytest.mark.parametrize(
    "body",
    [
        '![Sheds](sheds.png "At low <tide>")\n![Quay](quay.png "At night")', 'Words ![Sheds](sheds.png "At low <tide>") and ![Quay](quay.png "At night").',
        '- one ![Sheds](sheds.png "At low <tide>")\n- ![Quay](quay.png "At night")', '| a | b |\n|---|---|\n| ![S](sheds.png "At low <tide>") | ![Q](quay.png "At night") |',
        '[![Sheds](sheds.png "At low <tide>")](https://a.example) ![Quay](quay.png "At night")',
    ],
    ids=["two in a paragraph", "among words", "in a list", "in a table", "in a link"],
)  # fmt: skip
def test_caption_credit_and_label_stand_behind_an_image_that_is_no_paragraph_by_itself(
    telling: Newsroom, body: str
) -> None:
    for name in ("sheds", "quay"):
        telling.file(f"drafts/quay/{name}.png", "made")
    telling.file("drafts/quay/index.md", f"---\ntitle: T\ndate: 2026-11-01\n---\nA.\n\n{body}\n")
    said = re.findall(r"</picture> <small>(.*?)</small>", page(telling), re.DOTALL)
    for words, caption in zip(said, ("At low &lt;tide&gt;", "At night"), strict=True):
        assert words == (
            f'<strong class="badge">AI-generated illustration</strong> {caption} <span class="credit">File Agency</span>'
        )


def test_what_files_say_behind_a_gate_stays_there(telling: Newsroom) -> None:
    telling.file("drafts/quay/ledger.png", "made")
    telling.file("drafts/quay/index.md", MATTER + "Free.\n\n::: gate tier=member\n![L](ledger.png)\n:::\n")
    assert "File Agency" in page(telling, "member")
    for key, output in telling.site.outputs.items():
        if "~member" not in key:
            assert b"File Agency" not in output.body, key


def test_what_readers_see_first_is_loaded_first_and_the_rest_when_it_comes_near(room: Newsroom) -> None:
    for slug in ("quay", "mole"):
        for key, body in FILES.items():
            room.file(key.replace("/quay/", f"/{slug}/"), body)
    for text in (page(room), room.page("/")):
        first, *others = re.findall(r"<img [^>]*class=\"picture[^>]*>", text)
        assert 'fetchpriority="high"' in first
        assert "lazy" not in first
        assert others
        assert all('loading="lazy"' in other and "fetchpriority" not in other for other in others)
        sources = re.findall(r"<source [^>]*>", text)
        assert all("srcset=" in each and "sizes=" in each for each in sources)
        assert all(re.search(r' width="\d+" height="\d+"', each) for each in (first, *others))


def test_readers_who_ask_for_less_motion_get_the_still_of_an_animation() -> None:
    formats = (("webp", ((480, 320),)), ("still.webp", ((480, 320),)), ("png", ((480, 320),)))
    files = PictureFiles("film.0", True, 480, 320, "", formats)
    html = picture_html(picture_of(Catalogue({}), "/articles/a/", files, {"alt": "Waves"}), "93vw")
    still, moving = re.findall(r"<source [^>]*>", html)
    assert 'media="(prefers-reduced-motion: reduce)"' in still
    assert "film.0-480-still.public.webp 480w" in still
    assert "media" not in moving
    assert "film.0-480.public.webp 480w" in moving


def test_cards_keep_the_focal_point(room: Newsroom) -> None:
    room.file("drafts/quay/quay.png", "lead")
    for typed, classes in (("30% 40%", "fx-3 fy-4"), ("96 4", "fx-10 fy-0"), ("left", "")):
        room.file("drafts/quay/index.md", MATTER.replace("credit: Wire", f"focus: {typed}"))
        card = re.search(r'<li class="card with-image".*?</li>', room.page("/"), re.DOTALL)
        assert card
        assert (classes in card[0]) if classes else ("fx-" not in card[0])
    assert "“left” is not a point" in messages(room)[0]


def test_an_image_without_a_description_is_warned_of(room: Newsroom) -> None:
    room.file("drafts/quay/sheds.png", "x")
    room.file("drafts/quay/index.md", "---\ntitle: T\ndate: 2026-11-01\n---\nA.\n\n![](sheds.png)\n")
    [warning] = room.state("quay")["warnings"]
    assert (warning["line"], warning["key"]) == (7, "image")
    assert "describe the image “sheds.png”" in warning["message"]


def test_a_refused_write_is_not_taken_for_what_another_run_stored() -> None:
    """S3 refuses a conditional write while another one is in progress, which may then fail."""
    ports = memory_ports()

    class Contended(MemoryObjects):
        def put(self, output: Output, expected: str | None) -> Stat:
            raise Conflict(output.key)

    refusing = replace(ports, private=Contended())
    with pytest.raises(Conflict):
        inspect_once("0" * 64, b"no image", refusing, PillowPictures())
    assert inspect_once("0" * 64, b"no image", ports, PillowPictures()).refusal


# --- Folders and files that are larger than a run ---


def test_an_image_that_is_larger_than_the_memory_is_refused_unread_and_stops_nothing(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "refusal_of_size", lambda size: "is 9,000 MB large" if size > 100 else "")
    for module in (images, stage):
        monkeypatch.setattr(module, "refusal_of_size", pictures.refusal_of_size)
    monkeypatch.setattr(images, "LARGEST_ORIGINAL", 100)
    read: list[str] = []
    get = room.ports.drafts.get
    room.ports.drafts.get = lambda key, version="": (read.append(key), get(key, version))[1]  # type: ignore[method-assign]
    for key, body in FILES.items():
        room.file(key, "large" * 100 if "sheds" in key else body)
    [warning] = room.state("quay")["warnings"]
    assert (warning["line"], warning["message"]) == (8, "the image is left out: “sheds.png” is 9,000 MB large")
    assert {name.partition(".")[0] for name in files_for(room, "member")} == {"card", "quay", "ledger"}
    assert "drafts/quay/sheds.png" not in read
    room.file("drafts/quay/sheds.png", "smaller")
    assert any(b"smaller" in body for body in files_for(room, "public").values())


def test_of_hundreds_of_images_each_run_requests_a_few_until_all_are_made(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_pictures, "_MOST_REQUESTS", 2)
    shown = "".join(f"![Image {each}](image-{each}.png)\n\n" for each in range(6))
    room.upload("drafts/quay/index.md", MATTER.encode() + shown.encode())
    for each in range(6):
        body = "broken" if each == 1 else "hollow" if each == 4 else f"picture {each}"
        room.upload(f"drafts/quay/image-{each}.png", body.encode())
    while room.queue:
        room.process_next()
        assert len(room.emitted(PictureRequested)) <= 2
    assert page(room).count('alt="Image ') == 4
    assert shown_on(page(room)) == set(files_for(room, "public"))


def test_a_run_does_not_wait_for_each_image_of_a_folder_in_turn(theme: Theme) -> None:
    assert waits_of_images(6, theme) == waits_of_images(2, theme)


def waits_of_images(number: int, theme: Theme) -> list[int]:
    """Return how often rendering and gating an article wait for a store: first with new images, then with known ones."""
    room, counted = Newsroom(theme), []
    shown = "".join(f"![Image {each}](image-{each}.png)\n\n" for each in range(number))
    for each in range(number):
        room.upload(f"drafts/quay/image-{each}.png", f"picture {each}".encode())
    room.queue.clear()
    room.ports.drafts.put(Output("drafts/quay/index.md", MATTER.encode() + shown.encode(), ""), ANY)
    for _ in range(2):
        waits = Waits()
        render("drafts/quay/index.md", waits.ports(room.ports))
        read_inputs("quay", waits.ports(room.ports), theme)
        counted.append(waits.count)
        room.deliver([RegateRequested("quay")])
        room.process_all()
    assert page(room).count('alt="Image ') == number
    return counted
