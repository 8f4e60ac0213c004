"""Ownership: which writer may upload over a draft, when the form is issued and again when the file arrives."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from nightdesk.domain.events import DraftRejected
from nightdesk.domain.uploaders import DIRECT, NewFile, PresignedUpload, Uploader
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.editors import uploads
from nightdesk.usecases.editors.decisions import NotFound
from nightdesk.usecases.editors.uploads import NotTheOwner
from nightdesk.usecases.pipeline.reconcile import compare
from support.memory_newsroom import NOW, Newsroom

WREN, FINCH = Uploader("editor:wren", "writer"), Uploader("editor:finch", "writer")
ELIF = Uploader("editor:elif", "editor")
FLAT, FOLDER, IMAGE = "drafts/harbour.md", "drafts/harbour/index.md", "drafts/harbour/img/map.png"


class Forms:
    """Issues forms that only say for what they are."""

    def __init__(self) -> None:
        self.issued: list[NewFile] = []

    def presign(self, file: NewFile, until: datetime) -> PresignedUpload:
        self.issued.append(file)
        return PresignedUpload("https://upload.example/", file.metadata, until.isoformat())


def ask(room: Newsroom, uploader: Uploader, key: str = FLAT) -> NewFile:
    """Ask for a form, and return for what it was issued."""
    forms = Forms()
    uploads.presign(key, 10, uploader, room.ports, forms)
    return forms.issued[0]


def put(room: Newsroom, uploader: Uploader, text: str, key: str = FLAT, slug: str = "") -> None:
    """Upload a draft a second after whatever happened last, and run all stages."""
    room.now += timedelta(seconds=1)
    named = f"slug: {slug}\n" if slug else ""
    room.upload(key, f"---\ntitle: The harbour\ndate: 2026-11-01\n{named}---\n{text}\n".encode(), uploader)
    room.process_all()


def hand_over(room: Newsroom, owner: Uploader) -> None:
    room.now += timedelta(seconds=1)
    uploads.hand_over("harbour", owner.id, ELIF.id, room.ports)
    room.deliver_emitted()
    room.process_all()


def problems(room: Newsroom) -> list[str]:
    return [problem["message"] for problem in room.state("harbour")["problems"]]


NOT_YOURS = "this draft belongs to another writer; ask an editor to hand it over"


def test_a_form_names_who_asked(room: Newsroom) -> None:
    assert dict(ask(room, WREN).metadata) == {"uploader": "editor:wren", "role": "writer"}


@pytest.mark.parametrize("key", [FOLDER, IMAGE])
def test_a_writer_gets_no_form_for_a_draft_of_another(room: Newsroom, key: str) -> None:
    put(room, WREN, "Wren's.", FOLDER)
    assert ask(room, WREN, key)
    assert ask(room, ELIF, key)
    assert ask(room, FINCH, "drafts/elsewhere/index.md"), "a new one"
    with pytest.raises(NotTheOwner):
        ask(room, FINCH, key)


def test_a_draft_that_was_put_directly_belongs_to_no_writer(room: Newsroom) -> None:
    put(room, DIRECT, "Synced.")
    with pytest.raises(NotTheOwner):
        ask(room, WREN)


@pytest.mark.parametrize("first_event", [True, False])
def test_an_upload_over_another_writers_draft_is_rejected_when_it_arrives(room: Newsroom, first_event: bool) -> None:
    """Both had a form for a new draft, and it does not matter whether the first one's event came before the second one's."""
    room.upload(FLAT, b"---\ntitle: The harbour\ndate: 2026-11-01\n---\nWren's.\n", WREN)
    if first_event:
        room.process_all()
    else:
        room.queue.clear()
    put(room, FINCH, "Finch's.")
    assert problems(room) == [NOT_YOURS]
    assert "Wren" in room.page("/articles/harbour/")
    put(room, ELIF, "Elif's.")
    assert "Elif" in room.page("/articles/harbour/")
    put(room, WREN, "Wren's again.")
    assert "Wren’s again" in room.page("/articles/harbour/")


def test_a_form_that_outlives_a_hand_over_does_not_win(room: Newsroom) -> None:
    put(room, WREN, "Wren's.")
    assert ask(room, WREN)
    hand_over(room, FINCH)
    put(room, WREN, "Overdue.")
    assert problems(room) == [NOT_YOURS]
    assert "Overdue" not in room.page("/articles/harbour/")
    with pytest.raises(NotTheOwner):
        ask(room, WREN)
    assert ask(room, FINCH)
    put(room, FINCH, "Finch's.")
    assert "Finch" in room.page("/articles/harbour/")
    hand_over(room, WREN)
    put(room, WREN, "Back.")
    assert "Back" in room.page("/articles/harbour/")


def test_what_was_uploaded_before_a_hand_over_stays(room: Newsroom) -> None:
    put(room, WREN, "Wren's.")
    hand_over(room, FINCH)
    assert problems(room) == []
    assert "Wren" in room.page("/articles/harbour/")


@pytest.mark.parametrize("uploader", [FINCH, WREN])
def test_an_image_of_someone_else_is_rejected_with_its_draft(room: Newsroom, uploader: Uploader) -> None:
    room.upload(IMAGE, b"surveyed", WREN)
    put(room, WREN, "![The map](img/map.png)", FOLDER)
    hand_over(room, FINCH)
    room.now += timedelta(seconds=1)
    room.upload(IMAGE, b"redrawn", uploader)
    room.process_all()
    shown = {
        output.body for key, output in room.site.outputs.items() if key.startswith("articles/") and key.endswith(".png")
    }
    if uploader == FINCH:
        assert shown == {b"redrawn"}
    else:
        assert shown == {b"surveyed"}
        assert problems(room) == ["“map.png” was uploaded by a writer to whom this draft does not belong"]


def test_a_rejected_upload_takes_no_slug_from_its_victim(room: Newsroom) -> None:
    """Finch uploads over Wren's draft with another slug, so that it gives up its own, and takes that for another draft."""
    put(room, WREN, "Wren's.")
    put(room, FINCH, "Finch's.", slug="gone")
    put(room, FINCH, "Finch's own.", "drafts/other.md", slug="harbour")
    assert "Wren" in room.page("/articles/harbour/")
    put(room, WREN, "Wren's again.")
    assert "Wren’s again" in room.page("/articles/harbour/")


def test_a_deleted_draft_has_no_owner(room: Newsroom) -> None:
    put(room, WREN, "Wren's.")
    hand_over(room, WREN)
    room.file(FLAT, None)
    assert ask(room, FINCH)
    put(room, FINCH, "Finch's.")
    assert "Finch" in room.page("/articles/harbour/")
    with pytest.raises(NotTheOwner):
        ask(room, WREN)


def test_a_site_may_let_writers_upload_over_any_draft(room: Newsroom) -> None:
    room.file("site.yaml", "writers: any\n")
    put(room, WREN, "Wren's.")
    assert ask(room, FINCH)
    put(room, FINCH, "Finch's.")
    assert "Finch" in room.page("/articles/harbour/")


@pytest.mark.parametrize("setting", ["own", "any", "OWN", "everyone"])
def test_only_two_values_are_understood(room: Newsroom, setting: str) -> None:
    room.file("site.yaml", f"writers: {setting}\n")
    found = [event.problems for event in room.emitted(DraftRejected)]
    assert bool(found) is (setting not in ("own", "any"))


def test_only_an_article_with_a_draft_can_be_handed_over(room: Newsroom) -> None:
    with pytest.raises(NotFound):
        uploads.hand_over("harbour", FINCH.id, ELIF.id, room.ports)


def test_uploads_of_one_second_are_decided_for_the_new_owner(room: Newsroom) -> None:
    """S3 gives the time of an upload in whole seconds."""
    put(room, WREN, "Wren's.")
    start = room.now = NOW + timedelta(hours=1)
    room.now = start + timedelta(milliseconds=500)
    uploads.hand_over("harbour", FINCH.id, ELIF.id, room.ports)
    room.now = start
    room.upload(FLAT, b"---\ntitle: The harbour\n---\nOverdue.\n", WREN)
    room.deliver_emitted()
    room.process_all()
    assert problems(room) == [NOT_YOURS]


def test_reconcile_knows_hand_overs(room: Newsroom, theme: Theme) -> None:
    put(room, WREN, "Wren's.")
    hand_over(room, FINCH)
    put(room, FINCH, "Finch's.")
    assert not compare(room.ports, theme)
