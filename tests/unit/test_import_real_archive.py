"""A real archive, imported: the news of digital.gov, 2,083 files of fifteen years (a sample of it, outside `make soak`)."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from nightdesk_cli.importing.report import Report
from support.effort import amount
from support.importing import import_from, notes

CONTENT = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "digitalgov" / "content"
COUNT = amount("REAL_ARCHIVE", test=200, soak=10_000)
_REFERENCE = re.compile(r"\{\{<\s*ref\s+\"([^\"#]+)")

pytestmark = [
    pytest.mark.skipif(not CONTENT.is_dir(), reason="the corpus is not beside this checkout (../shared/corpus)"),
    pytest.mark.slow,
    pytest.mark.soak,
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, or as many of its posts as are wanted, evenly spread, with the profiles that they name."""
    posts = sorted((CONTENT / "news").rglob("*.md"))
    chosen = posts[:: max(1, len(posts) // COUNT)]
    if len(chosen) == len(posts):
        return CONTENT.parent
    root = tmp_path_factory.mktemp("archive") / "content"
    text = ""
    for path in chosen:
        target = root / path.relative_to(CONTENT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        text += path.read_text("utf-8")
    for profile in (p for kind in ("authors", "topics") for p in (CONTENT / kind).glob("*/_index.md")):
        if f"- {profile.parent.name}\n" in text:
            shutil.copytree(profile.parent, root / profile.parent.relative_to(CONTENT))
    return root.parent


@pytest.fixture(scope="module")
def imported(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    out = tmp_path_factory.mktemp("imported") / "out"
    return out, import_from("hugo", archive, out, permalink="/:year/:month/:day/:slug/")


def test_every_file_is_an_article_or_is_reported(archive: Path, imported: tuple[Path, Report]) -> None:
    _, report = imported
    files = {str(path.relative_to(archive)) for path in (archive / "content/news").rglob("*.md")}
    named = {note.file for note in report.notes if note.post or note.outcome == "skipped"}
    assert files == {each["source"] for each in report.articles} | (files & named)
    assert not {each["source"] for each in report.articles} & named
    assert report.failed_posts <= len(files) // 1000


def test_almost_every_article_passes_the_check(imported: tuple[Path, Report]) -> None:
    _, report = imported
    wrong = [each["source"] for each in report.articles if "to be corrected" in each["state"]]
    assert len(wrong) <= len(report.articles) // 100
    rejected = "\n".join(notes(report, "lost", "would reject"))
    assert all(source in rejected for source in wrong)


def test_references_within_the_archive_lead_to_articles(archive: Path, imported: tuple[Path, Report]) -> None:
    out, report = imported
    there = {path.stem.casefold() for path in (archive / "content/news").rglob("*.md")} - {"_index"}
    failed = {Path(note.file).stem.casefold() for note in report.notes if note.post}
    wanted = 0
    for path in (archive / "content/news").rglob("*.md"):
        for name in _REFERENCE.findall(path.read_text("utf-8")):
            stem = name.rpartition("/")[2].removesuffix(".md").casefold()
            wanted += stem in there - failed
    lost = {str(note.detail).split("#")[0] for note in report.notes if "reference" in note.kind}
    lost_stems = {name.rpartition("/")[2].removesuffix(".md").casefold() for name in lost}
    assert not lost_stems & (there - failed)
    links = set()
    for path in (out / "drafts").glob("*/index.md"):
        links |= set(re.findall(r"\]\(/articles/([a-z0-9-]+)/", path.read_text("utf-8")))
    assert links <= {path.name for path in (out / "drafts").iterdir()}
    assert not wanted or links


def test_authors_topics_and_old_addresses_are_kept(archive: Path, imported: tuple[Path, Report]) -> None:
    out, report = imported
    for kind in ("authors", "topics"):
        assert report.counts[kind] == len(list((archive / "content" / kind).glob("*/_index.md")))
        assert len(list((out / kind).glob("*.md"))) >= report.counts[kind]
    articles = list((out / "drafts").glob("*/index.md"))
    dated = [path for path in articles if re.search(r"^- /\d{4}/\d\d/\d\d/", path.read_text("utf-8"), re.MULTILINE)]
    assert len(dated) >= len(articles) * 0.99


def test_nothing_is_withdrawn_unasked(imported: tuple[Path, Report]) -> None:
    out, report = imported
    assert not any("\nexpires:" in path.read_text("utf-8") for path in (out / "drafts").glob("*/index.md"))
    assert len(notes(report, "asked")) > len(report.articles) // 2
