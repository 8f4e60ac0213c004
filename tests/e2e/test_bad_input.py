"""What cannot be published as it stands is refused with a reason, and nothing else suffers (contract §2, bad input)."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.newsroom import TIERS, Newsroom, draft, expect_idle

pytestmark = pytest.mark.cloud

BOMB = "\n".join(["a: &a [x, x, x, x, x, x, x, x, x]", *(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"])])  # fmt: skip


@dataclass(frozen=True)
class Bad:
    """A draft that is refused: the file, and the line, key and words of the reason."""

    content: str | bytes
    line: int
    key: str
    words: str


BAD = {
    "no-title": Bad("---\ndek: D\n---\n\nWords.\n", 1, "title", "every draft needs a title"),
    "empty-title": Bad('---\ndek: D\ntitle: ""\n---\n\nWords.\n', 3, "title", "every draft needs a title"),
    "no-front-matter": Bad("Only words.\n", 1, "", "must begin with front matter"),
    "open-front-matter": Bad("---\ntitle: T\n\nWords.\n", 1, "", "never closed"),
    "broken-yaml": Bad('---\ntitle: "T\ndek: D\n---\n\nWords.\n', 2, "title", "YAML does not parse"),
    "broken-yaml-tab": Bad("---\ntitle: T\ntags:\n\t- a\n---\n\nWords.\n", 4, "", "YAML does not parse"),
    "broken-toml": Bad('+++\ntitle = "T"\ndek = \n+++\n\nWords.\n', 3, "", "TOML does not parse"),
    "key-twice": Bad("---\ntitle: T\ndek: D\ntitle: U\n---\n\nWords.\n", 4, "title", "is set twice"),
    "yaml-bomb": Bad(f"---\ntitle: T\n{BOMB}\n---\n\nWords.\n", 4, "", "alias"),
    "unknown-tier": Bad("---\ntitle: T\naccess: gold\n---\n\nWords.\n", 3, "access", "not a tier of this site"),
    "unknown-gate-tier": Bad(draft("T", "Words.\n\n::: gate tier=gold\nHidden.\n:::"), 7, "tier", "not a tier"),
    "open-gate": Bad(draft("T", "Words.\n\n::: gate tier=member\nHidden."), 7, "gate", "never closed"),
    "gate-in-gate": Bad(
        draft("T", "::: gate tier=member\nHidden.\n\n::: gate tier=subscriber\nDeeper.\n:::\n:::"), 8, "gate", "inside"
    ),
    "gate-in-list": Bad(draft("T", "- One\n\n  ::: gate tier=member\n  Hidden.\n  :::"), 7, "gate", "start of a line"),
    "gate-in-quote": Bad(draft("T", "> ::: gate tier=member\n> Hidden.\n> :::"), 5, "gate", "start of a line"),
    "gate-in-html": Bad(draft("T", "<div>\n\n::: gate\nHidden.\n:::\n\n</div>"), 7, "gate", "HTML"),
    "gate-misspelt": Bad(draft("T", ":::gate{tier=member}\nHidden.\n:::"), 5, "gate", "not understood"),
    "gate-unknown-name": Bad(draft("T", "::: paywall\nHidden.\n:::"), 5, "paywall", "no such directive"),
    "gate-unknown-attribute": Bad(draft("T", "::: gate level=member\nHidden.\n:::"), 5, "level", "nothing else"),
    "stray-fence": Bad(draft("T", "Words.\n\n:::\n\nMore."), 7, "", "closes nothing"),
    "bad-slug": Bad(draft("T", "Words.", slug="Not A Slug"), 3, "slug", "lower-case"),
    "bad-date": Bad("---\ntitle: T\ndate: last spring\n---\n\nWords.\n", 3, "date", "is not a date"),
    "bad-source": Bad(
        "---\ntitle: T\nsources:\n  - url: javascript:x\n    title: S\n---\n\nW.\n", 4, "sources.url", "no"
    ),
    "too-large": Bad("---\ntitle: T\n---\n\n" + "Words. " * 150_000, 0, "", "1 MiB"),
    "not-utf-8": Bad("---\ntitle: T\n---\n\nWörter.\n".encode("latin-1"), 5, "", "not UTF-8"),
    "nul": Bad("---\ntitle: T\n---\n\nWords\0.\n", 5, "", "NUL"),
    "slug-taken": Bad(draft("T", "Words.", slug="bad-holder"), 3, "slug", "held by drafts/bad-holder.md"),
}


def good(name: str) -> str:
    """The live version that a bad one may not touch."""
    body = "Sound words.\n\n::: gate tier=member teaser=T\nSound secret.\n:::"
    return draft(f"Sound version of {name}", body, date="2019-06-01")


@dataclass(frozen=True)
class Refused:
    """What came of all the bad drafts, put at once with a good one among them."""

    folder: Path
    text: subprocess.CompletedProcess[str]
    reports: dict[str, dict[str, Any]]
    events: list[dict[str, Any]]
    before: dict[str, bytes]
    after: dict[str, bytes]
    versions: tuple[dict[str, str], dict[str, str]]


@pytest.fixture(scope="module")
def newsroom(second_newsroom: Newsroom) -> Newsroom:
    """A newsroom apart from the examples."""
    return second_newsroom


@pytest.fixture(scope="module")
def refused(newsroom: Newsroom, tmp_path_factory: pytest.TempPathFactory) -> Refused:
    folder = tmp_path_factory.mktemp("bad") / "drafts"
    folder.mkdir()
    newsroom.cloud.put({"drafts/bad-holder.md": draft("Holder", "Words.", date="2026-01-01")})
    newsroom.live("bad-holder")
    # Two of each: one that was never live, one whose live version must stay.
    newsroom.cloud.put({f"drafts/bad-live-{name}.md": good(name) for name in BAD})
    for name in BAD:
        newsroom.live(f"bad-live-{name}")
    newsroom.cloud.settle()
    for name, bad in BAD.items():
        content = bad.content if isinstance(bad.content, bytes) else bad.content.encode()
        (folder / f"bad-new-{name}.md").write_bytes(content)
        (folder / f"bad-live-{name}.md").write_bytes(content)
    (folder / "bad-companion.md").write_text(draft("A good one among them", "Words."), "utf-8")
    live = {f"articles/bad-live-{name}/" for name in BAD}

    def of_live(found: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in found.items() if key[: key.find("/", 9) + 1] in live}

    before, versions = of_live(newsroom.site()), of_live(newsroom.versions())
    with newsroom.bus_events() as heard:
        text = newsroom.run("publish", "--wait", str(folder))
        newsroom.cloud.settle()
        events = list(heard())
    done = newsroom.run("publish", "--wait", "--json", str(folder))
    assert done.returncode == 1, done.stderr
    newsroom.cloud.settle()
    reports = {Path(report["path"]).stem: report for report in json.loads(done.stdout)}
    after = of_live(newsroom.site())
    return Refused(folder, text, reports, events, before, after, (versions, of_live(newsroom.versions())))


@pytest.mark.parametrize("kind", ["new", "live"])
@pytest.mark.parametrize("name", BAD)
def test_publish_reports_file_line_key_and_reason(refused: Refused, name: str, kind: str) -> None:
    bad, path = BAD[name], refused.folder / f"bad-{kind}-{name}.md"
    assert refused.text.returncode == 1
    start = f"{path}:{max(bad.line, 1)}: " + (f"{bad.key}: " if bad.key else "")
    said = [line for line in refused.text.stdout.splitlines() if line.startswith(f"{path}:")]
    assert any(line.startswith(start) and bad.words in line for line in said), said
    assert not [line for line in said if line.startswith(f"{path}: live")]


@pytest.mark.parametrize("name", BAD)
def test_an_article_that_was_never_live_is_rejected(newsroom: Newsroom, refused: Refused, name: str) -> None:
    report = refused.reports[f"bad-new-{name}"]
    assert report["state"] == "rejected"
    assert any(BAD[name].words in problem["message"] for problem in report["problems"])
    assert newsroom.page(f"/articles/bad-new-{name}/").status == 404


def test_a_live_article_with_a_rejected_update_is_live_with_problems(refused: Refused) -> None:
    for name, bad in BAD.items():
        report = refused.reports[f"bad-live-{name}"]
        assert (report["slug"], report["state"], report.get("rejected")) == (f"bad-live-{name}", "live", True)
        assert report["revision"] == 1
        assert any(bad.words in problem["message"] for problem in report["problems"])


@pytest.mark.parametrize("name", ["no-title", "open-gate", "not-utf-8"])
def test_status_shows_the_reason(newsroom: Newsroom, refused: Refused, name: str) -> None:
    for kind, state in (("new", "rejected"), ("live", "live")):
        report = newsroom.run_json("status", f"bad-{kind}-{name}")
        assert report["state"] == state
        assert BAD[name].line in [problem["line"] for problem in report["problems"]]
        assert BAD[name].key in [problem["key"] for problem in report["problems"]]


def test_the_pipeline_lists_what_waits_for_its_author(newsroom: Newsroom, refused: Refused) -> None:
    waiting = {item["key"] for item in newsroom.run_json("status")["rejected"]}
    assert {f"drafts/bad-{kind}-{name}.md" for name in BAD for kind in ("live", "new")} <= waiting


def test_each_refusal_is_on_the_bus(refused: Refused) -> None:
    said = {e["detail"]["key"]: e["detail"] for e in refused.events if e["detail-type"] == "DraftRejected"}
    assert set(said) == {f"drafts/bad-{kind}-{name}.md" for name in BAD for kind in ("live", "new")}
    for name, bad in BAD.items():
        detail = said[f"drafts/bad-new-{name}.md"]
        assert detail["problems"] == refused.reports[f"bad-new-{name}"]["problems"]
        assert any((p["line"], p["key"]) == (bad.line, bad.key) for p in detail["problems"])
    assert "Hidden" not in json.dumps(refused.events)


def test_the_live_versions_are_as_they_were(newsroom: Newsroom, refused: Refused) -> None:
    assert len(refused.before) == len(BAD) * len(TIERS)
    assert refused.after == refused.before
    # Not even written again.
    assert refused.versions[0] == refused.versions[1]
    for name in BAD:
        assert "Sound words." in newsroom.page(f"/articles/bad-live-{name}/").text


def test_nothing_waits_behind_them(newsroom: Newsroom, refused: Refused) -> None:
    assert refused.reports["bad-companion"]["state"] == "live"
    assert newsroom.page("/articles/bad-companion/").status == 200
    expect_idle(newsroom)


def test_a_mended_draft_is_live(newsroom: Newsroom, refused: Refused) -> None:
    newsroom.cloud.put({"drafts/bad-new-no-title.md": draft("Now with a title", "Words.")})
    newsroom.live("bad-new-no-title", "Now with a title")
    newsroom.cloud.settle()
    report = newsroom.run_json("status", "bad-new-no-title")
    assert (report["state"], report["problems"]) == ("live", [])
    waiting = {item["key"] for item in newsroom.run_json("status")["rejected"]}
    assert "drafts/bad-new-no-title.md" not in waiting


def test_a_freed_slug_goes_to_the_draft_that_waits_for_it(newsroom: Newsroom) -> None:
    newsroom.cloud.put({"drafts/bad-first.md": draft("First", "Words.", slug="bad-contested")})
    newsroom.live("bad-contested", "First")
    newsroom.cloud.settle()
    newsroom.cloud.put({"drafts/bad-second.md": draft("Second", "Words.", slug="bad-contested")})
    newsroom.cloud.wait_for(lambda: newsroom.run("status", "bad-second").returncode == 0)
    assert "First" in newsroom.page("/articles/bad-contested/").text
    newsroom.cloud.remove("drafts/bad-first.md")
    newsroom.live("bad-contested", "Second")


@pytest.mark.parametrize(
    ("key", "content", "words"),
    [
        ("authors/bad-author.md", "---\nkind: robot\nname: R\n---\n", "human or ai"),
        ("pages/topics.md", "---\ntitle: T\n---\n\nWords.\n", "cannot be the address"),
        ("pages/bad-gated.md", "---\ntitle: T\n---\n\n::: gate tier=member\nHidden.\n:::\n", "public as a whole"),
    ],
)
def test_profiles_and_pages_are_refused_too(
    newsroom: Newsroom, tmp_path: Path, key: str, content: str, words: str
) -> None:
    path = tmp_path / key
    path.parent.mkdir()
    path.write_text(content, "utf-8")
    done = newsroom.run("publish", "--wait", str(path))
    assert done.returncode == 1
    assert str(path) in done.stdout
    assert words in done.stdout
    newsroom.cloud.remove(key)


def test_a_message_that_breaks_a_stage_is_parked_and_others_continue(newsroom: Newsroom) -> None:
    expect_idle(newsroom)
    newsroom.cloud.put({"drafts/bad-document.md": good("bad-document")})
    newsroom.live("bad-document")
    newsroom.cloud.settle()
    sqs, work = newsroom.cloud.client("sqs"), newsroom.cloud.outputs["PrivateBucket"]
    newsroom.cloud.client("s3").put_object(Bucket=work, Key="articles/bad-document.json", Body=b'{"slug": "canary1d')
    with newsroom.fewer_attempts("Gate"), newsroom.fewer_attempts("Render"):
        newsroom.cloud.send_event("ArticleRendered", {"slug": "bad-document", "revision": 1})
        newsroom.cloud.send_event("ArticleRendered", {"slug": "../impossible", "revision": 1})
        sqs.send_message(QueueUrl=newsroom.cloud.outputs["RenderQueueUrl"], MessageBody="no event at all")
        newsroom.cloud.put({"drafts/bad-bystander.md": draft("Bystander", "Words.")})
        # Live while the broken ones are still being tried.
        newsroom.live("bad-bystander")
        newsroom.cloud.wait_for(lambda: newsroom.cloud.messages("Gate", dead=True) == 2)
        newsroom.cloud.wait_for(lambda: newsroom.cloud.messages("Render", dead=True) == 1)
        newsroom.cloud.settle()
    report = newsroom.run_json("status")
    assert {stage: n for stage, n in report["dead_lettered"].items() if n} == {"render": 1, "gate": 2}
    assert set(report["in_flight"].values()) == {0}
    # What readers saw, they still see.
    assert "Sound words." in newsroom.page("/articles/bad-document/").text
    parked = newsroom.dead_letters("Gate")
    assert sorted(json.loads(body)["detail"]["slug"] for body in parked) == ["../impossible", "bad-document"]
    assert newsroom.dead_letters("Render") == ["no event at all"]
    errors = [line for line in newsroom.log_lines() if '"level":"ERROR"' in line and "canary1d" in line]
    assert errors == []
    newsroom.cloud.put({"drafts/bad-document.md": draft("Sound again", "Words.")})
    newsroom.live("bad-document", "Sound again")
