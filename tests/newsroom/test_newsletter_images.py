"""Images in newsletters: which are shown, from where, how large, and what becomes of those that are not ready."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from nightdesk.domain.pictures import PictureFiles
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.mail_parts import MAX_HTML, make_absolute
from nightdesk.usecases.newsletters import control
from nightdesk.usecases.newsletters.naming import edition_named
from support.letters import LetterRoom

TODAY = "2026-11-23"
HOME = "https://quay.example"
LEAD = "hero: {src: lead.png, alt: The quay, credit: Wire, caption: At dawn, source_type: trainedAlgorithmicMedia}\n"
TEXT = f"""---
title: A letter
{LEAD}---
Dear readers.

![The sheds](sheds.png "Old sheds")

::: gate tier=member teaser="For those who pay."
![The ledger](ledger.png)
:::
"""


@pytest.fixture
def room(theme: Theme) -> LetterRoom:
    room = LetterRoom(theme)
    room.add("free")
    room.add("paying", tier="member")
    return room


def images(html: str) -> dict[str, dict[str, str]]:
    """Return the attributes of each image of a mail, by its alt text."""
    tags = (dict(re.findall(r' ([a-z]+)="([^"]*)"', tag)) for tag in re.findall(r"<img[^>]*>", html))
    return {tag["alt"]: tag for tag in tags}


def upload(room: LetterRoom, folder: str, text: str) -> None:
    for name in ("lead", "sheds", "ledger"):
        room.upload(f"{folder}/{name}.png", f"picture {name}".encode())
    room.upload(f"{folder}/index.md", text.encode())


def send(room: LetterRoom, name: str) -> None:
    control.send(name, None, room.newsletters)
    room.deliver_emitted()
    room.process_all()


def test_a_text_by_hand_shows_the_images_beside_it_to_everyone_and_none_behind_a_gate(room: LetterRoom) -> None:
    upload(room, "newsletters/quay", TEXT)
    room.process_all()
    send(room, "quay")
    page = room.page("/newsletter/quay/2026-11-23/")
    for html in (room.mail_to("free").html, room.mail_to("paying").html):
        shown = images(html)
        assert set(shown) == {"The quay", "The sheds"}
        for image in shown.values():
            assert (image["width"], image["height"]) == ("592", "333")
            path = image["src"].removeprefix(HOME)
            assert path.startswith("/newsletter/quay/2026-11-23/")
            assert room.site.outputs[path[1:]].body.endswith(b"picture lead" if "lead" in path else b"picture sheds")
            assert path in page
        assert all(said in html for said in ("At dawn", "Wire", "Old sheds", "AI-generated"))
        assert len(html.encode()) < MAX_HTML
    assert "The ledger" in room.mail_to("paying").html
    assert "The ledger" not in room.mail_to("free").html + page
    assert not [key for key in room.site.outputs if "ledger" in key], "what is behind a gate is nowhere on the site"
    assert "[The quay]" in room.mail_to("free").text


def test_an_article_is_mailed_with_its_images_once_they_are_ready(room: LetterRoom) -> None:
    upload(room, "drafts/quay", TEXT.replace("---\nDear", f"newsletter: true\ndate: {TODAY}\n---\nDear"))
    room.process_all()
    shown = images(room.mail_to("paying").html)
    assert set(shown) == {"The quay", "The sheds"}
    assert all(image["src"].startswith(f"{HOME}/articles/quay/") for image in shown.values())
    assert all(image["src"].removeprefix(f"{HOME}/articles/quay/") in _public_files(room) for image in shown.values())


def _public_files(room: LetterRoom) -> set[str]:
    return {key.rpartition("/")[2] for key in room.site.outputs if key.startswith("articles/quay/~public/")}


def test_an_edition_goes_without_an_image_that_is_not_ready_within_minutes(room: LetterRoom) -> None:
    upload(room, "drafts/quay", TEXT.replace("---\nDear", f"newsletter: true\ndate: {TODAY}\n---\nDear"))
    while room.queue:
        if room.queue[0].stage == "images":
            room.queue.popleft()
        else:
            room.process_next()
    assert [edition.state for edition in room.editions] == ["planned"]
    room.now += timedelta(minutes=5)
    room.deliver([])
    room.tick()
    html = room.mail_to("free").html
    assert images(html) == {}
    assert "The sheds" in html, "its description is there"


def test_a_digest_shows_lead_images_with_credit_and_label(theme: Theme) -> None:
    room = LetterRoom(theme)
    room.add("free")
    upload(room, "drafts/quay", TEXT.replace("---\nDear", f"date: {TODAY}\n---\nDear"))
    room.process_all()
    settings = b"name: The Quay\nbase_url: https://quay.example\npostal_address: X\nnewsletters: [{id: daily, schedule: '06:00'}]\n"
    room.upload("site.yaml", settings)
    room.process_all()
    room.now += timedelta(hours=7)
    html = control.preview("daily", "", room.newsletters, theme).html
    shown = images(html)
    assert (shown["The quay"]["width"], shown["The quay"]["height"]) == ("592", "333")
    assert "Wire" in html
    assert "AI-generated" in html


@pytest.mark.parametrize(
    ("formats", "file"),
    [
        ((("avif", ((320, 180), (1440, 810))), ("jpg", ((320, 180), (720, 405), (1440, 810)))), "quay-720.jpg"),
        ((("png", ((1080, 600),)),), "quay-1080.png"),
        ((("svg", ((300, 200),)),), ""),
        ((), ""),
    ],
)
def test_mails_get_one_file_of_a_format_that_all_programs_show(
    formats: tuple[tuple[str, tuple[tuple[int, int], ...]], ...], file: str
) -> None:
    found = PictureFiles("quay", False, 1440, 810, "", formats).for_mail()
    assert (found.largest()[0] if found else "") == file


def test_an_image_without_a_size_is_left_as_it_is() -> None:
    assert make_absolute('<img src="/a.png" alt="" width="x">', HOME) == f'<img src="{HOME}/a.png" alt="" width="x">'


def test_a_text_without_a_folder_counts_before_one_with_a_folder_of_the_same_name(room: LetterRoom) -> None:
    upload(room, "newsletters/quay", TEXT)
    room.file("newsletters/quay.md", "---\ntitle: Flat\n---\n![The sheds](sheds.png)\n")
    [warning] = [one for one in room.state("newsletters/quay.md")["warnings"] if "left out" in one["message"]]
    assert "sheds.png" in warning["message"]
    room.file("newsletters/quay/index.md", TEXT)
    assert edition_named("quay", room.newsletters).subject == "Flat"
    room.file("newsletters/quay.md", None)
    assert edition_named("quay", room.newsletters).subject == "A letter"
