"""Images: known by the SHA-256 of their bytes, so that editors and readers always see the same ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from nightdesk.adapters.memory import MemoryObjects
from nightdesk.domain.documents import digest
from nightdesk.domain.drafts_bucket import classify, folder_of_image
from nightdesk.domain.errors import Transient
from nightdesk.domain.events import ObjectChanged
from nightdesk.ports import ANY, Blob, Output, Stat
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.private_bucket import image_key, rendition_key
from nightdesk.usecases.editors import decisions
from nightdesk.usecases.pipeline.reconcile import compare, request_repairs
from support.memory_newsroom import Newsroom

TRUE, FALSE = "<svg><title>Votes counted</title></svg>", "<svg><title>Votes invented</title></svg>"
DRAFT = "---\ntitle: The count\ndate: 2026-11-01\n---\n![The chart](chart.svg)\n"


class ForgedEtags(MemoryObjects):
    """A bucket in which all objects have the same ETag, as if their MD5 digests had been made to collide."""

    def get(self, key: str, version: str = "") -> Blob | None:
        found = super().get(key, version)
        return found and found._replace(etag="same")

    def stat(self, key: str) -> Stat | None:
        found = super().stat(key)
        return found and found._replace(etag="same")

    def list(self, prefix: str) -> Sequence[tuple[str, str]]:
        return [(key, "same") for key, _ in super().list(prefix)]


class CountedReads(MemoryObjects):
    """A bucket that counts how often each object is read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def get(self, key: str, version: str = "") -> Blob | None:
        self.read.append(key)
        return super().get(key, version)


@pytest.fixture
def forged(room: Newsroom) -> Newsroom:
    """A newsroom that requires approval, and whose drafts bucket has forged ETags."""
    room.ports = room.bare = replace(room.ports, drafts=ForgedEtags())
    room.file("site.yaml", "require_approval: [ai, human]\n")
    return room


def shown(objects: MemoryObjects, prefix: str) -> list[str]:
    """Return the images below a prefix that are there, as text."""
    return [
        output.body.decode()
        for key, output in sorted(objects.outputs.items())
        if key.startswith(prefix) and key.endswith((".svg", ".png")) and output.body
    ]


def previewed(room: Newsroom) -> list[str]:
    return shown(room.ports.private, "preview/")  # type: ignore[arg-type]


def for_readers(room: Newsroom) -> set[str]:
    return set(shown(room.site, "articles/"))


def approve(room: Newsroom, slug: str = "count") -> None:
    decisions.approve(slug, "Ines Aldabra", "editor:1", room.ports)
    room.deliver_emitted()


# --- One identity for editors and readers ---


def test_an_images_name_is_a_whole_digest_of_what_readers_get(room: Newsroom) -> None:
    room.file("drafts/count/chart.svg", TRUE)
    room.file("drafts/count/index.md", DRAFT)
    [key] = [key for key in room.site.outputs if key.startswith("articles/count/~public/chart.")]
    assert re.fullmatch(r"articles/count/~public/chart\.[0-9a-f]{64}-300\.public\.svg", key)
    assert f'src="/articles/count/{key.rpartition("/")[2]}"' in room.page("/articles/count/")
    room.file("drafts/count/chart.svg", FALSE)
    assert key not in room.site.outputs


@pytest.mark.parametrize("order", [(TRUE, FALSE), (FALSE, TRUE)])
def test_preview_approval_and_readers_agree_although_etags_are_forged(forged: Newsroom, order: tuple[str, str]) -> None:
    first, second = order
    forged.file("drafts/count/chart.svg", first)
    forged.file("drafts/count/index.md", DRAFT)
    assert previewed(forged) == [first]
    forged.file("drafts/count/chart.svg", second)
    assert previewed(forged) == [second]
    approve(forged)
    forged.process_all()
    assert for_readers(forged) == {second}


def test_an_image_replaced_after_its_approval_is_not_shown(forged: Newsroom) -> None:
    forged.file("drafts/count/chart.svg", TRUE)
    forged.file("drafts/count/index.md", DRAFT)
    approve(forged)
    forged.process_all()
    forged.file("drafts/count/chart.svg", FALSE)
    assert FALSE not in for_readers(forged)


def test_an_image_replaced_between_approval_and_gate_is_not_shown(forged: Newsroom) -> None:
    forged.file("drafts/count/chart.svg", TRUE)
    forged.file("drafts/count/index.md", DRAFT)
    approve(forged)
    forged.ports.drafts.put(Output("drafts/count/chart.svg", FALSE.encode(), "image/svg+xml"), ANY)
    forged.process_all()
    assert for_readers(forged) == {TRUE}, "what was approved"
    forged.deliver([ObjectChanged("drafts/count/chart.svg")])
    forged.process_all()
    assert FALSE not in for_readers(forged)


def test_a_copy_with_other_bytes_is_never_given_to_readers(room: Newsroom) -> None:
    room.upload("drafts/count/chart.svg", TRUE.encode())
    room.upload("drafts/count/index.md", DRAFT.encode())
    for kind in (image_key, rendition_key):
        key = kind(digest(TRUE.encode()))
        while not room.ports.private.get(key):
            room.process_next()
        room.ports.private.put(Output(key, FALSE.encode(), "image/svg+xml"), ANY)
        for _ in range(30):
            room.process_next()
        assert for_readers(room) == set()
        room.ports.private.put(Output(key, TRUE.encode(), "image/svg+xml"), ANY)
    room.process_all()
    assert for_readers(room) == {TRUE}


def test_an_image_that_did_not_change_is_not_read_again(room: Newsroom) -> None:
    drafts = CountedReads()
    room.ports = room.bare = replace(room.ports, drafts=drafts)
    room.file("drafts/count/chart.svg", TRUE)
    room.file("drafts/count/unused.svg", TRUE)
    for text in (DRAFT, DRAFT + "\nMore.\n"):
        room.file("drafts/count/index.md", text)
    # The images stage inspects it, and render hashes and copies it, each once.
    read = [key for key in drafts.read if key.endswith(".svg")]
    assert (read.count("drafts/count/chart.svg"), read.count("drafts/count/unused.svg")) == (3, 1)


class FailsOnce(MemoryObjects):
    """A bucket of which the first reading of an image fails."""

    failed = False

    def get(self, key: str, version: str = "") -> Blob | None:
        if key.endswith(".svg") and not self.failed:
            self.failed = True
            raise Transient("S3 is slow")
        return super().get(key, version)


def test_an_image_is_not_left_out_when_reading_it_fails(room: Newsroom) -> None:
    room.ports = room.bare = replace(room.ports, drafts=FailsOnce())
    room.upload("drafts/count/chart.svg", TRUE.encode())
    room.upload("drafts/count/index.md", DRAFT.encode())
    room.process_next()
    assert for_readers(room) == set()
    assert not room.ports.private.get("articles/count.json")
    room.process_all()
    assert for_readers(room) == {TRUE}


def test_a_portrait_replaced_under_a_forged_etag_is_shown(forged: Newsroom) -> None:
    forged.file("authors/ada.md", "---\nname: Ada\nportrait: faces/ada.png\n---\nBio.\n")
    for face in ("young", "old"):
        forged.file("authors/faces/ada.png", face)
        [name] = re.findall(r'src="/(authors/ada/ada\.[0-9a-f]{64}-720\.public\.png)"', forged.page("/authors/ada/"))
        assert forged.site.outputs[name].body.decode() == face


def test_a_rollback_restores_the_image_of_the_revision_although_etags_are_forged(forged: Newsroom) -> None:
    forged.file("drafts/count/chart.svg", TRUE)
    forged.file("drafts/count/index.md", DRAFT)
    forged.file("drafts/count/chart.svg", FALSE)
    decisions.rollback("count", 1, forged.ports)
    forged.deliver([ObjectChanged("drafts/count/chart.svg")])
    forged.process_all()
    assert previewed(forged) == [TRUE]


# --- Every place where an image may lie ---

PLACES = {
    "beside index.md": ("index.md", "chart.svg"),
    "beside index.markdown": ("index.markdown", "chart.svg"),
    "beside index.MD": ("index.MD", "chart.svg"),
    "beside Index.md": ("Index.md", "chart.svg"),
    "in a folder": ("index.md", "img/chart.svg"),
    "deeper": ("index.markdown", "img/2026/chart.svg"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("draft_first", [True, False])
def test_a_replaced_or_deleted_image_shows_on_the_site(room: Newsroom, place: str, draft_first: bool) -> None:
    file, image = PLACES[place]
    steps: list[Callable[[], None]] = [
        lambda: room.file(f"drafts/count/{file}", DRAFT.replace("chart.svg", image)),
        lambda: room.file(f"drafts/count/{image}", TRUE),
    ]
    for step in steps if draft_first else steps[::-1]:
        step()
    assert for_readers(room) == {TRUE}
    room.file(f"drafts/count/{image}", FALSE)
    assert for_readers(room) == {FALSE}
    room.file(f"drafts/count/{image}", None)
    assert for_readers(room) == set()
    assert room.state("count")["warnings"]


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("after", [FALSE, None])
def test_reconcile_repairs_an_image_whose_event_was_lost(
    room: Newsroom, theme: Theme, place: str, after: str | None
) -> None:
    file, image = PLACES[place]
    room.file(f"drafts/count/{image}", TRUE)
    room.file(f"drafts/count/{file}", DRAFT.replace("chart.svg", image))
    assert not compare(room.ports, theme)
    if after is None:
        room.ports.drafts.delete(f"drafts/count/{image}")
    else:
        room.ports.drafts.put(Output(f"drafts/count/{image}", after.encode(), "image/svg+xml"), ANY)
    found = compare(room.ports, theme)
    assert found.drafts == (f"drafts/count/{file}",)
    request_repairs(found, room.ports)
    room.deliver_emitted()
    room.process_all()
    assert for_readers(room) == ({after} if after else set())
    assert not compare(room.ports, theme)


def test_reconcile_restores_copies_that_were_lost(room: Newsroom, theme: Theme) -> None:
    room.file("drafts/count/chart.svg", TRUE)
    room.file("drafts/count/index.md", DRAFT)
    for key in [*room.site.outputs]:
        if key.endswith(".svg"):
            room.site.delete(key)
    room.ports.private.delete(image_key(digest(TRUE.encode())))
    request_repairs(compare(room.ports, theme), room.ports)
    room.deliver_emitted()
    room.process_all()
    assert for_readers(room) == {TRUE}
    assert not compare(room.ports, theme)


def test_an_images_folder_is_that_of_the_draft_that_may_show_it() -> None:
    for file, image in PLACES.values():
        draft = classify(f"drafts/count/{file}")
        assert draft
        assert draft.folder == folder_of_image(f"drafts/count/{image}")
    assert [folder_of_image(key) for key in ("drafts/a.png", "topics/a/b.png", "a.png", "drafts//a.png")] == [""] * 4
