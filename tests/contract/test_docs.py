"""The documents agree with the code: events and their consumers, links, and the files that they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nightdesk.domain.events import EVENTS
from simulation.routes import routes

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")])
SCHEDULED = {"TickerDue", "ReconcileDue", "NewslettersDue", "SearchDue"}
"""Sent by a schedule straight into the queue of a stage, so no rule names them alone."""


def documented() -> dict[str, set[str]]:
    """Each event of the table in docs/architecture.md, with the stages that hear it."""
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    section = text.partition("## Who receives which event")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([a-z, ]*)\|$", section, re.MULTILINE)
    return {name: {stage.strip() for stage in heard.split(",") if stage.strip()} for name, heard in rows}


def test_the_architecture_page_lists_every_event() -> None:
    assert set(documented()) == set(EVENTS)


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_the_architecture_page_names_the_consumers_of_each_event(event: str) -> None:
    heard = {route.stage for route in routes().get(event, ())}
    assert documented()[event] >= heard
    assert documented()[event] == heard or event in SCHEDULED


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^ {4}.*$", "", page.read_text("utf-8"), flags=re.MULTILINE)  # without code
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []
