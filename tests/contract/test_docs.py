"""The documents agree with the code: events and their consumers, links, and the files that they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nightdesk.domain.events import EVENTS
from simulation.routes import routes
from support.template import expanded_template

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


def test_the_deploy_guide_or_another_page_names_every_parameter() -> None:
    pages = "".join(page.read_text("utf-8") for page in PAGES if page.parent.name != "decisions")
    named = set(re.findall(r"\w+", pages))
    local = {"Emulated", "EmulatorUrl", "EmulatedStripe"}
    assert set(expanded_template()["Parameters"]) - named == local, "those that only the local cloud sets"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^ {4}.*$", "", page.read_text("utf-8"), flags=re.MULTILINE)  # without code
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


def drawn() -> set[tuple[str, str, str]]:
    """Each arrow of the diagram in docs/architecture.md from a function into a queue: function, event or empty, and stage."""
    diagram = (ROOT / "docs/architecture.md").read_text("utf-8").partition("```mermaid")[2].partition("```")[0]
    stages = dict(re.findall(r"(\w+)\[\[[\w, ]+\]\] --> (\w+)", diagram))
    arrows = re.findall(r"^ *([\w &]+) -- (.+?) --> ([\w &]+)", diagram, re.MULTILINE)
    return {
        (function, event, stages[queue])
        for functions, label, queues in arrows
        for function in functions.split(" & ")
        for event in [*(set(re.findall(r"\w+", label)) & set(EVENTS)), ""]
        for queue in queues.split(" & ")
        if queue in stages
    }


def test_the_diagram_draws_every_way_from_a_function_to_a_queue() -> None:
    heard = {event: {route.stage for route in found} - {"notify"} for event, found in routes().items()}
    functions = expanded_template()["Mappings"]["Functions"].values()
    sent = {
        (each["Name"], event, stage) for each in functions for event in each["Events"] for stage in heard.get(event, ())
    }
    # Of these the diagram says what they are for, and not the names of all events.
    unnamed = {"editor-api": "api", "reconcile": "reconcile"}
    named = {way for way in sent if way[0] not in {*unnamed, "canary", "reader-api", "notify"}}
    arrows = drawn()
    stages = {name for name, _, _ in named}
    assert named - arrows == set()
    assert {way for way in arrows if way[0] in stages and way[1]} - named == set()
    assert {(unnamed[name], "", stage) for name, _, stage in sent if name in unnamed} - arrows == set()
