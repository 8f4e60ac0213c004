"""The command line without a cloud: help, bad arguments, `check`, and completion."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from nightdesk.domain.feeds import NO_LINK
from nightdesk.usecases.ticker.feeds import FeedState
from nightdesk_cli.main import COMMANDS, build_parser, main
from nightdesk_cli.updates import feed_line

ROOT = Path(__file__).resolve().parents[2]
SITE = "name: N\ntiers: [public, friend]\nrequire_profiles: true\n"


def folder(tmp_path: Path, **files: str) -> Path:
    """Write files: `__` in a name stands for a slash, and a name without an extension gets `.md`."""
    for name, text in files.items():
        path = tmp_path / (name.replace("__", "/") + ("" if "." in name else ".md"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def test_check_reports_every_problem_with_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder(
        tmp_path,
        **{"site.yaml": SITE},
        authors__bo="---\nname: Bo\n---\n",
        drafts__good="---\ntitle: T\nauthor: bo\naccess: friend\n---\n\nText.\n",
        drafts__bad="---\ndek: D\nauthor: al\naccess: member\n---\n\n::: gate\n",
        drafts__other="---\ntitle: T\nslug: good\ncolour: red\n---\n\nText.\n",
        updates__news="---\nheadline: H\nlink: javascript:alert(1)\n---\n",
    )
    assert main(["check", str(root)]) == 1
    lines = capsys.readouterr().out.replace(f"{root}/", "").splitlines()
    bad = [line.removeprefix("drafts/bad.md:").split(": ")[:2] for line in lines if line.startswith("drafts/bad.md:")]
    assert bad == [["1", "title"], ["4", "access"], ["7", "gate"]]
    assert any(line.startswith("drafts/other.md:3: slug: ") and "drafts/good.md" in line for line in lines)
    assert any(line.startswith("updates/news.md:3: link: ") for line in lines)
    assert not [line for line in lines if line.startswith("drafts/good.md")]


def test_a_draft_with_warnings_alone_passes_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder(tmp_path, drafts__a="---\ntitle: T\ncolour: red\n---\n\n![Seen](b.png)\n", **{"drafts__c.png": "x"})
    assert main(["check", "--json", str(root)]) == 0
    [report] = json.loads(capsys.readouterr().out)
    assert (report["slug"], report["problems"]) == ("a", [])
    assert [(one["line"], one["key"]) for one in report["warnings"]] == [(3, "colour"), (6, "image")]


def test_check_knows_the_languages_of_the_chosen_theme(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theme" / "texts").mkdir(parents=True)
    (tmp_path / "theme" / "texts" / "nl.toml").write_text('[nav]\nskip = "Naar de inhoud"\n', "utf-8")
    settings = tmp_path / "site.yaml"
    settings.write_text("language: nl\nbase_url: https://quay.example\n", "utf-8")
    assert main(["check", str(settings)]) == 0
    assert "ar, de, en, es, fr, zh" in capsys.readouterr().out
    assert main(["check", str(settings), "--theme", str(tmp_path / "theme")]) == 0
    assert "no problems found" in capsys.readouterr().out
    monkeypatch.setenv("NIGHTDESK_THEME", str(tmp_path / "theme"))
    assert main(["check", str(settings)]) == 0
    assert "no problems found" in capsys.readouterr().out
    assert main(["check", str(settings), "--theme", str(tmp_path / "none")]) == 2
    assert "there is no such folder" in capsys.readouterr().err


def test_check_skips_files_that_are_not_published(tmp_path: Path) -> None:
    assert main(["check", str(folder(tmp_path, **{"notes.txt": "x"}) / "notes.txt")]) == 0
    assert main(["check", str(tmp_path / "nothing.md")]) == 2


def test_the_completion_script_completes_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "completion.sh"
    script.write_text(capsys.readouterr().out)
    words = f'source {script}; COMP_WORDS=(nightdesk with); COMP_CWORD=1; _shtab_nightdesk; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["withdraw"]


def test_every_command_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    help_text = " ".join(capsys.readouterr().out.split())
    for name, command in COMMANDS.items():
        assert f"{name} {command.help}" in help_text
    for path, parser in leaves(build_parser(COMMANDS)):
        assert parser.description, path
        for action in parser._actions:
            assert action.help, f"{path}: {action.dest}"


def leaves(parser: argparse.ArgumentParser, path: str = "nightdesk") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that can be called, with its full name."""
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in nested:
        for name, child in action.choices.items():
            yield from leaves(child, f"{path} {name}")
    if not nested:
        yield path, parser


def test_every_command_takes_json_and_those_for_a_stack_take_its_name() -> None:
    offline = {"up", "down", "check", "build", "preview", "completion"}
    for path, parser in leaves(build_parser(COMMANDS)):
        options = set(parser._option_string_actions)
        assert "--json" in options, path
        assert ("--stack" in options) == (path.split()[1] not in offline), path
        assert callable(parser.get_default("run")), path


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert capsys.readouterr().out == f"nightdesk {project['version']}\n"
    for words in (["--version", "--json"], ["--json", "--version"]):
        assert main(words) == 0
        assert json.loads(capsys.readouterr().out) == {"version": project["version"]}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["pubish", "a.md"], "There is no command “pubish”; did you mean “nightdesk publish”?"),
        (["xyzzy"], "There is no command “xyzzy”; “nightdesk --help” lists all commands."),
    ],
)
def test_a_mistyped_command_gets_a_suggestion(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.strip() == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["articles", "--limit", "many"], "“many” is not a whole number; type digits only, such as 20"),
        (["rollback", "harbour-works", "last"], "“last” is not a whole number; type digits only, such as 20"),
        (["access", "harbour-works", "--gate", "one"], "“one” does not name a gate and a tier; type it as in 1=member"),
    ],
)
def test_a_bad_argument_is_explained(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert expected in capsys.readouterr().err


def test_link_is_accepted_for_the_url_of_an_update() -> None:
    parser = build_parser(["update"])
    for option in ("--url", "--link"):
        assert parser.parse_args(["update", "Headline", option, "https://news.example/"]).url == "https://news.example/"


def test_without_a_cloud_the_message_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIGHTDESK_HOME", str(tmp_path))
    assert main(["status"]) == 2
    assert re.search(r"make run.*--stack", capsys.readouterr().err)


def test_the_description_of_a_feed() -> None:
    state = FeedState("https://e.org/rss", "2026-11-24T05:38:00.000Z", 20, {}, "", 0, "")
    assert feed_line(state) == ""
    assert feed_line(state._replace(left_out={NO_LINK: 2})) == "feed https://e.org/rss: 20 items, 2 left out: no link"
    failing = state._replace(problem="answered 500", failures=1, next="2026-11-24T05:40:11.123Z")
    assert feed_line(failing) == "feed https://e.org/rss: answered 500; next try after 2026-11-24T05:40Z"


@pytest.mark.parametrize(
    ("words", "usage", "message"),
    [
        ("import wordpres x", "import", "there is no “wordpres”; did you mean “wordpress”?"),
        ("members lst", "members", "there is no “lst”; did you mean “list”?"),
        (
            "editors add x@example.org --role boss",
            "editors add",
            "there is no “boss”; choose from writer, editor, admin",
        ),
        ("check --limt 3", "check", "there is no option “--limt”; did you mean “--limit”?"),
        ("status --colour", "status", "there is no option “--colour”; “nightdesk status --help” lists its options"),
        (
            "correct a was wrong",
            "correct",
            "“wrong” is one argument too many; put quotation marks around text with spaces",
        ),
        ("--json status", "", "“--json” stands before the command; options come after it"),
    ],
)
def test_a_mistyped_argument_is_explained_beside_the_usage_of_its_command(
    words: str, usage: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.suppress(SystemExit):
        main(words.split())
    said = capsys.readouterr().err
    assert message in said
    assert not usage or f"usage: nightdesk {usage} " in said
