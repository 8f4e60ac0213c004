"""Who put a file directly: S3's events say which account, and another account's files count as a writer's."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from nightdesk.domain.events import ObjectChanged, RenderRequested, parse_message
from nightdesk.domain.uploaders import DIRECT, Uploader, requested_by, uploader_of
from nightdesk.ports import ANY, Output
from nightdesk.rendering.environment import Theme
from nightdesk_local.emulator import with_version
from support.memory_newsroom import Newsroom

OURS, AGENCY, OTHER = "111111111111", "222222222222", "333333333333"
WREN = Uploader("editor:wren", "writer")


@pytest.fixture
def room(theme: Theme) -> Newsroom:
    made = Newsroom(theme)
    made.file("site.yaml", "name: The Tide\nwriters: own\n")
    return made


def put(
    room: Newsroom, account: str, text: str, claims: Uploader = DIRECT, key: str = "drafts/tide.md", run: bool = True
) -> None:
    """Put a draft from an account, whose metadata claim an uploader, and run all stages."""
    room.now += timedelta(seconds=1)
    metadata = {} if claims == DIRECT else claims.to_metadata()
    body = f"---\ntitle: Tide\ndate: 2026-11-01\n---\n{text}\n".encode()
    room.ports.drafts.put(Output(key, body, "text/markdown", metadata=metadata), ANY)
    stat = room.ports.drafts.stat(key)
    assert stat
    event = ObjectChanged(key, stat.version, requested_by(account, OURS))
    if run:
        room.deliver([event])
        room.process_all()


def s3_event(**detail: object) -> str:
    envelope = {"source": "aws.s3", "account": OURS, "detail-type": "Object Created", "detail": detail}
    return json.dumps(envelope)


def test_an_event_names_the_version_and_who_put_it() -> None:
    found = parse_message(s3_event(object={"key": "drafts/a.md", "version-id": "v1"}, requester=AGENCY))
    assert found == ObjectChanged("drafts/a.md", "v1", Uploader(f"aws:{AGENCY}", "writer"))
    own = parse_message(s3_event(object={"key": "drafts/a.md", "version-id": "v1"}, requester=OURS))
    assert own == ObjectChanged("drafts/a.md", "v1", Uploader(f"aws:{OURS}", ""))
    service = parse_message(s3_event(object={"key": "drafts/a.md"}, requester="backup.amazonaws.com"))
    assert service == ObjectChanged("drafts/a.md", "", Uploader("aws:backup.amazonaws.com", ""))
    assert parse_message(s3_event(object={"key": "drafts/a.md"})) == ObjectChanged("drafts/a.md")


def test_another_account_cannot_claim_to_be_someone_of_the_newsroom() -> None:
    claimed = Uploader("editor:elif", "editor").to_metadata()
    assert uploader_of(claimed, requested_by(AGENCY, OURS)) == Uploader(f"aws:{AGENCY}", "writer")
    assert uploader_of(claimed, requested_by(OURS, OURS)) == Uploader("editor:elif", "editor")


def test_the_status_names_who_put_a_file(room: Newsroom) -> None:
    put(room, OURS, "Ours.")
    assert room.state("tide")["uploaded_by"] == f"aws:{OURS}"
    room.deliver([RenderRequested("drafts/tide.md")])
    room.process_all()
    assert room.state("tide")["uploaded_by"] == f"aws:{OURS}", "an event that does not say it takes nothing away"
    room.publish("unknown")
    assert room.state("unknown")["uploaded_by"] == "direct"


def test_accounts_do_not_overwrite_each_others_drafts_nor_a_writers(room: Newsroom) -> None:
    put(room, AGENCY, "The agency's.")
    put(room, OTHER, "Another one's.")
    assert "belongs to another writer" in room.state("tide")["problems"][0]["message"]
    put(room, OTHER, "A forged one.", claims=Uploader(f"aws:{AGENCY}", "writer"))
    assert "The agency" in room.page("/articles/tide/")
    put(room, AGENCY, "The agency's second.")
    assert "second" in room.page("/articles/tide/")
    put(room, OURS, "The newsroom's.")
    assert "The newsroom" in room.page("/articles/tide/"), "whose operators may change everything"
    room.upload("drafts/wrens.md", b"---\ntitle: W\ndate: 2026-11-01\n---\nWren's.\n", WREN)
    room.process_all()
    put(room, AGENCY, "In Wren's name.", claims=WREN, key="drafts/wrens.md")
    assert room.state("wrens")["rejected"]
    assert "Wren’s" in room.page("/articles/wrens/")


def test_an_event_that_comes_late_corrects_what_was_decided_without_it(room: Newsroom) -> None:
    put(room, AGENCY, "The agency's.")
    put(room, OTHER, "Another one's.", run=False)
    stat = room.ports.drafts.stat("drafts/tide.md")
    room.deliver([RenderRequested("drafts/tide.md")])
    room.process_all()
    assert stat
    room.deliver([ObjectChanged("drafts/tide.md", stat.version, requested_by(OTHER, OURS))])
    room.process_all()
    assert room.state("tide")["rejected"]


def test_what_another_account_puts_needs_an_approval_like_a_writers(room: Newsroom) -> None:
    room.file("site.yaml", "name: The Tide\nrequire_approval: [ai]\n")
    room.file("authors/ada.md", "---\nname: Ada\n---\n")
    text = "---\ntitle: T\ndate: 2026-11-01\nauthors: [ada]\n---\nText.\n"
    for account, state in ((AGENCY, "draft"), (OURS, "live")):
        key = f"drafts/by-{account}.md"
        room.ports.drafts.put(Output(key, text.encode(), "text/markdown"), ANY)
        stat = room.ports.drafts.stat(key)
        assert stat
        room.deliver([ObjectChanged(key, stat.version, requested_by(account, OURS))])
        room.process_all()
        assert room.state(f"by-{account}")["state"] == state


def test_the_local_cloud_names_the_version_as_s3_does() -> None:
    event = {"Source": "aws.s3", "Detail": json.dumps({"object": {"key": "a"}, "requester": OURS})}
    assert json.loads(with_version(event, "v7")["Detail"])["object"] == {"key": "a", "version-id": "v7"}
    assert with_version(event, None) == with_version(event, "null") == event
    assert with_version({"Source": "nightdesk.gate", "Detail": "{}"}, "v7") == {
        "Source": "nightdesk.gate",
        "Detail": "{}",
    }
