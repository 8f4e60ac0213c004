"""Commands that need no cloud: what is wrong with drafts, and completion."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from nightdesk_cli.main import main

SITE = "name: N\ntiers: [public, friend]\nrequire_profiles: true\n"


def folder(tmp_path: Path, **files: str) -> Path:
    """A folder with files; `__` in a name stands for a slash, and drafts are named without their ending."""
    for name, text in files.items():
        path = tmp_path / (name.replace("__", "/") + ("" if "." in name else ".md"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def test_all_that_is_wrong_is_told_by_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
    told = capsys.readouterr().out.replace(f"{root}/", "").splitlines()
    bad = [line.removeprefix("drafts/bad.md:").split(": ")[:2] for line in told if line.startswith("drafts/bad.md:")]
    assert bad == [["1", "title"], ["4", "access"], ["7", "gate"]]
    assert any(line.startswith("drafts/other.md:1: slug: ") and "drafts/good.md" in line for line in told)
    assert any(line.startswith("updates/news.md:3: link: ") for line in told)
    assert not [line for line in told if line.startswith("drafts/good.md")]


def test_what_would_be_published_with_a_warning_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder(tmp_path, drafts__a="---\ntitle: T\ncolour: red\n---\n\n![Seen](b.png)\n", **{"drafts__c.png": "x"})
    assert main(["check", "--json", str(root)]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert (told["slug"], told["problems"]) == ("a", [])
    assert [(one["line"], one["key"]) for one in told["warnings"]] == [(3, "colour"), (0, "image")]


def test_a_hook_may_name_whatever_changed(tmp_path: Path) -> None:
    assert main(["check", str(folder(tmp_path, **{"notes.txt": "x"}) / "notes.txt")]) == 0
    assert main(["check", str(tmp_path / "nothing.md")]) == 2


def test_a_shell_can_complete_every_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "completion.sh"
    script.write_text(capsys.readouterr().out)
    words = f'source {script}; COMP_WORDS=(nightdesk with); COMP_CWORD=1; _shtab_nightdesk; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["withdraw"]
