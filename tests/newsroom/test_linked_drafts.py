"""A link by the name of a draft's file leads to that draft's article, whatever its slug is, now and later."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from nightdesk.usecases.editors import decisions
from nightdesk.usecases.pipeline.linked_drafts import slug_of_name
from nightdesk.usecases.pipeline.reconcile import compare
from nightdesk_cli.main import main
from support.memory_newsroom import Newsroom

TYPED = {
    "[Go](The%20Ferry.md)": "crossing",
    "[Go](<../drafts/The Ferry.md#fares>)": "crossing",
    "[Go](<the ferry.MD>)": "crossing",
    "[Go](<../The Ferry/index.md>)": "crossing",
    "[Go](2019-03-04-storm.md)": "gale",
    "[Go](Cafe\u0301.md)": "coffee",
    "[Go](CAF%C3%89.markdown)": "coffee",
    "[Go](plain.md)": "plain",
    "[Go](nobody.md)": "nobody",
    '<a href="The Ferry.md">Go</a>': "crossing",
    "[Go][1]\n\n[1]: <The Ferry.md>": "crossing",
}
OTHERS = {
    "The Ferry": "crossing",
    "2019-03-04-storm": "gale",
    "Caf\u00e9": "coffee",
    "plain": "",
}


def led_to(html: str) -> str:
    """Return the slug to which the link “Go” leads."""
    found = re.search(r'href="(?:https://[^/"]*)?/articles/([^/"]+)/[^"]*"[^>]*>Go<', html)
    return found[1] if found else ""


def file_others(room: Newsroom) -> None:
    for name, slug in OTHERS.items():
        room.publish(name, name, **({"slug": slug} if slug else {}))


@pytest.mark.parametrize("first", ["linking", "linked"])
def test_links_by_file_name_lead_to_the_slug(room: Newsroom, first: str) -> None:
    body = "".join(f"{typed}\n\n" for typed in TYPED if "[1]" not in typed)
    if first == "linked":
        file_others(room)
    room.publish("hub", "Hub", f"{body}\n\n::: gate tier=member\nSo [Go](The%20Ferry.md).\n:::")
    if first == "linking":
        file_others(room)
    found = re.findall(r'href="/articles/([^/"]+)/[^"]*"[^>]*>Go<', room.page("/articles/hub/"))
    assert found == [slug for typed, slug in TYPED.items() if "[1]" not in typed]
    assert led_to(room.site.outputs["articles/hub/~member/index.html"].body.decode().partition("So ")[2]) == "crossing"
    assert not compare(room.ports, room.theme)


def test_they_follow_the_draft_and_not_the_slug(room: Newsroom) -> None:
    room.publish("a", "A", slug="one")
    room.publish("b", "B", slug="two")
    room.publish("hub", "Hub", "[Go](a.md)")
    room.file("pages/contact.md", "---\ntitle: Contact\n---\n[Go](../drafts/a.md)\n")
    for a, b in (("three", "one"), ("two", "three"), ("a", "b")):
        room.now += timedelta(minutes=1)
        room.publish("a", "A", slug=a)
        room.publish("b", "B", slug=b)
        assert led_to(room.page("/articles/hub/")) == a
        assert led_to(room.page("/contact/")) == a
    room.publish("a", "A", slug="one")
    room.file("drafts/a.md", None)
    assert led_to(room.page("/articles/hub/")) == "a", "what the name gives"
    room.publish("a/index", "A", slug="last")
    assert led_to(room.page("/articles/hub/")) == "last"


def test_the_slug_of_an_article_that_is_not_public_is_shown_nowhere(room: Newsroom) -> None:
    at = room.now + timedelta(hours=2)
    room.publish("a", "A", slug="minister-resigns", publish_at=at.isoformat())
    room.publish("hub", "Hub", "[Go](a.md)\n\n::: gate\n[Go](a.md)\n:::")
    assert led_to(room.page("/articles/hub/")) == "a"
    shown = [key for key, output in room.site.outputs.items() if b"minister-resigns" in output.body]
    assert [key for key in shown if not key.startswith("articles/minister-resigns/")] == []
    room.now = at
    room.fire_schedule("minister-resigns")
    assert led_to(room.page("/articles/hub/")) == "minister-resigns"
    decisions.withdraw("minister-resigns", room.ports)
    room.deliver_emitted()
    room.process_all()
    assert led_to(room.page("/articles/hub/")) == "a"


def test_only_files_that_lead_elsewhere_are_rendered_again(room: Newsroom) -> None:
    room.publish("a", "A", slug="one")
    room.publish("hub", "Hub", "[Go](a.md)")
    before = dict(room.site.outputs)
    room.publish("a", "A", slug="one", tags=["new"])
    assert before["articles/hub/~public/index.html"] is room.site.outputs["articles/hub/~public/index.html"]
    assert room.state("hub")["revision"] == 1


def test_names_are_compared_exactly_before_they_are_folded() -> None:
    named = [("drafts/Ferry.md", "one"), ("drafts/ferry.md", "two")]
    assert [slug_of_name(name, named) for name in ("Ferry", "ferry", "FERRY", "2020-01-01-ferry")] == [
        "one",
        "two",
        "one",
        "ferry",
    ]


def test_check_and_build_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "drafts").mkdir()
    for name, slug in OTHERS.items():
        line = f"slug: {slug}\n" if slug else ""
        (tmp_path / f"drafts/{name}.md").write_text(
            f"---\ntitle: {name}\ndate: 2024-01-02\n{line}---\nText.\n\n## Fares\n"
        )
    for number, typed in enumerate(TYPED):
        (tmp_path / f"drafts/n{number}.md").write_text(f"---\ntitle: N\ndate: 2024-01-02\n---\n{typed}\n")
    out: dict[str, Any] = {}
    assert main(["build", "--drafts", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    out["build"] = "".join(capsys.readouterr())
    assert main(["check", str(tmp_path)]) == 0
    out["check"] = "".join(capsys.readouterr())
    for number, slug in enumerate(TYPED.values()):
        html = next((tmp_path / "out").rglob(f"articles/n{number}/**/index.html")).read_text()
        assert led_to(html) == slug, number
    for told in out.values():
        assert [line for line in told.splitlines() if "leads to" in line and "nobody" not in line] == []
