"""The report of an import: what was kept, what was changed, and what could not be imported, each with file and line."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

CHANGED, LOST, SKIPPED, ASKED, NOTED = "changed", "lost", "skipped", "asked", "noted"
HEADINGS = {
    ASKED: "To be decided by you",
    LOST: "Could not be imported",
    SKIPPED: "Left out on purpose",
    CHANGED: "Changed",
    NOTED: "Good to know",
}
_SHOWN = 5
"""How many examples of a kind the text report shows."""


class Note(NamedTuple):
    """One thing to know about one place of the archive.

    Attributes:
        outcome: `changed`, `lost`, `skipped`, `asked` or `noted`.
        kind: what happened, the same words for all places where it did.
        detail: what is special about this place.
        post: True if the note is about a whole post, which then is not imported.
    """

    outcome: str
    file: str
    line: int
    kind: str
    detail: str = ""
    post: bool = False

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.detail or self.kind}"


class Report:
    """Collects notes and counts.

    Attributes:
        counts: of articles, pages, authors, topics, images, members, old addresses.
        files: what became of the files of the folder: `created`, `updated`, `unchanged`, `kept`.
        articles: source, key and state of each post that was imported.
    """

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.counts: Counter[str] = Counter()
        self.files: Counter[str] = Counter()
        self.articles: list[dict[str, str]] = []
        self._seen: set[Note] = set()

    def add(self, outcome: str, file: str, line: int, kind: str, detail: str = "", post: bool = False) -> None:
        """Add a note, unless it was added before: an archive is read twice."""
        note = Note(outcome, file, line, kind, detail, post)
        if note not in self._seen:
            self._seen.add(note)
            self.notes.append(note)

    def with_outcome(self, outcome: str) -> list[Note]:
        """Return the notes with an outcome, in the order in which they were added."""
        return [note for note in self.notes if note.outcome == outcome]

    @property
    def failed_posts(self) -> int:
        """How many posts and pages were found and could not be imported; what was left out on purpose does not count."""
        return sum(note.post and note.outcome != SKIPPED for note in self.notes)

    def to_json(self) -> dict[str, Any]:
        """Return the whole report as JSON values."""
        notes: dict[str, Any] = {
            outcome: [
                {"file": n.file, "line": n.line, "kind": n.kind, "message": n.detail or n.kind, "post": n.post}
                for n in self.with_outcome(outcome)
            ]
            for outcome in HEADINGS
        }
        return {
            "kept": dict(sorted(self.counts.items())),
            "files": dict(self.files),
            "articles": self.articles,
            **notes,
        }

    def summary(self) -> str:
        """Return the counts in one line."""
        kept = ", ".join(f"{count:,} {name}" for name, count in sorted(self.counts.items()) if count)
        return f"Kept: {kept or 'nothing'}"

    def to_text(self) -> str:
        """Return the report for a terminal, with a few examples of each kind."""
        lines = [self.summary()]
        lines.append("Files: " + (", ".join(f"{n:,} {name}" for name, n in sorted(self.files.items())) or "none"))
        for outcome, heading in HEADINGS.items():
            notes = self.with_outcome(outcome)
            if notes:
                lines += ["", f"{heading}: {len(notes):,}"]
                for kind, some in _by_kind(notes):
                    lines.append(f"  {kind} ({len(some):,})")
                    lines += [f"    {note}" for note in some[:_SHOWN]]
                    if len(some) > _SHOWN:
                        lines.append(f"    … and {len(some) - _SHOWN:,} more, which the HTML report lists")
        return "\n".join(lines)

    def to_html(self, title: str) -> str:
        """Return the whole report as a page that needs nothing else."""
        parts = [
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f"<title>{html.escape(title)}</title><style>{_STYLE}</style><h1>{html.escape(title)}</h1>",
            f"<p>{html.escape(self.summary())}.</p>",
        ]
        for outcome, heading in HEADINGS.items():
            notes = self.with_outcome(outcome)
            if not notes:
                continue
            parts.append(f"<h2>{heading}: {len(notes):,}</h2>")
            for kind, some in _by_kind(notes):
                parts.append(f"<details><summary>{html.escape(kind)} ({len(some):,})</summary><table>")
                parts += [_row(note) for note in some]
                parts.append("</table></details>")
        parts.append(
            f"<h2>Articles and pages: {len(self.articles):,}</h2><details><summary>All of them</summary><table>"
        )
        parts += [_cells(each["source"], each["key"], each["state"]) for each in self.articles]
        parts.append("</table></details></html>")
        return "\n".join(parts) + "\n"


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "summary{cursor:pointer;padding:.3rem 0}td{padding:.15rem 1rem .15rem 0;vertical-align:top;overflow-wrap:anywhere}"
)


def _by_kind(notes: Iterable[Note]) -> list[tuple[str, list[Note]]]:
    kinds: dict[str, list[Note]] = {}
    for note in notes:
        kinds.setdefault(note.kind, []).append(note)
    return sorted(kinds.items(), key=lambda item: -len(item[1]))


def _row(note: Note) -> str:
    return _cells(f"{note.file}:{note.line}" if note.line else note.file, note.detail)


def _cells(*texts: str) -> str:
    return f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in texts)}</tr>"
