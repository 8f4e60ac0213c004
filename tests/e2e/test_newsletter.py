"""An edition on the deployed stack: who gets which text, once; unsubscribing by one click; and what an editor sees of it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.editor_api import EditorApi
from support.newsroom import Newsroom, draft
from support.visitor import new_address

pytestmark = [pytest.mark.cloud, pytest.mark.deep]

NAME = f"quay-letter-{time.monotonic_ns()}"
TITLE = "“Ærø” 🚢 — مرحبا, a letter from the quay whose subject is longer than a line of a header may be, and goes on"
PAGE = rf"/newsletter/article-{NAME}/\d{{4}}-\d\d-\d\d/"
BODY = """
Words for {}.

::: gate tier=subscriber
subscriberletter[^1]

[^1]: subscribernote
:::

::: gate tier=member teaser="What members read."
memberletter
:::
"""
CANARIES = ("subscriberletter", "subscribernote", "memberletter")


def letter(newsroom: Newsroom, to: str) -> str:
    newsroom.cloud.put({f"drafts/{NAME}.md": draft(TITLE, BODY.format(to), newsletter=True)})
    return newsroom.live(NAME, f"Words for {to}.").text


def mails_to(newsroom: Newsroom, addresses: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    found = json.loads(newsroom.cloud.get("/_local/mail.json").body)
    return {name: [mail for mail in found if mail["to"] == address] for name, address in addresses.items()}


def test_each_reader_gets_their_view_once_and_leaves_by_one_click(newsroom: Newsroom, tmp_path: Path) -> None:
    cloud, api = newsroom.cloud, EditorApi(newsroom)
    readers = {name: new_address() for name in ("subscriber", "member", "unproven")}
    rows = ["email;tier;newsletter;consent", f"{readers['subscriber']};;yes;Formular – Bücher"]
    rows += [f"{readers['member']};member;yes;paper", f"{readers['unproven']};;yes;"]
    (tmp_path / "readers.csv").write_text("\r\n".join(rows), "cp1252")
    assert newsroom.run_json("members", "import", str(tmp_path / "readers.csv"))["imported"] == 3

    letter(newsroom, "everyone")
    cloud.wait_for(lambda: (sent := mails_to(newsroom, readers)) and sent["subscriber"] and sent["member"])
    letter(newsroom, "all of you")
    cloud.settle()
    sent = mails_to(newsroom, readers)
    assert {name: len(mails) for name, mails in sent.items()} == {"subscriber": 1, "member": 1, "unproven": 0}
    for name, seen in (("subscriber", CANARIES[:2]), ("member", CANARIES)):
        [mail] = sent[name]
        assert mail["subject"] == TITLE
        for part in ("html", "text"):
            assert tuple(word for word in CANARIES if word in mail[part]) == seen
        assert not any(word in json.dumps(mail["headers"]) for word in CANARIES)

    headers = sent["member"][0]["headers"]
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = urlsplit(headers["List-Unsubscribe"][1:-1])
    path, form = f"{link.path}?{link.query}", {"Content-Type": "application/x-www-form-urlencoded"}
    assert cloud.get(path).status == 200
    shown = newsroom.run_json("members", "show", readers["member"])
    assert shown["newsletters"] == ["newsletter"], "a GET unsubscribes nobody"
    assert cloud.get(path, method="POST", headers=form).status == 200
    assert newsroom.run_json("members", "show", readers["member"])["newsletters"] == []

    edition = next(
        one for one in api.call("GET", "/v1/newsletters", "writer").body["editions"] if one["articles"] == [NAME]
    )
    report = f"/v1/newsletters/{edition['id']}"
    cloud.wait_for(lambda: api.call("GET", report, "writer").body["unsubscribed"] == 1)
    copy = api.call("POST", f"{report}/test", "editor", {"email": readers["subscriber"]})
    assert copy.status == 202, copy.body
    cloud.wait_for(lambda: len(mails_to(newsroom, readers)["subscriber"]) == 2)

    archive = cloud.get("/newsletter/archive/").text
    found = re.search(PAGE, archive)
    assert found
    assert not any(word in archive + cloud.get(found[0]).text for word in CANARIES)
    cloud.remove(f"drafts/{NAME}.md")
    cloud.wait_for(lambda: cloud.get(found[0]).status == 410)
    assert found[0] not in cloud.get("/newsletter/archive/").text
