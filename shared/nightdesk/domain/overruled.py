"""What a draft says that an editor decided otherwise. The decision counts; the status names both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from nightdesk.domain.decisions import Decisions
from nightdesk.domain.documents import Document
from nightdesk.domain.draft_keys import DRAFT_KEYS
from nightdesk.domain.drafts_bucket import draft_id
from nightdesk.domain.errors import Rejected
from nightdesk.domain.frontmatter import decode, split_front_matter
from nightdesk.domain.keys import KeyReader
from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.problems import Kind, Problem


def overruled(document: Document, decisions: Decisions) -> tuple[Problem, ...]:
    """Return a problem for each decision that contradicts the draft.

    Args:
        document: the draft's, without the decisions.
    """
    if document.withdrawn or decisions.withdraws(draft_id(document.file)):
        return ()
    return (*_of_time(document, decisions), *_of_access(document, decisions))


def with_lines(problems: Sequence[Problem], raw: bytes, gate_lines: Callable[[], Sequence[int]]) -> list[Problem]:
    """Return problems with the lines of the keys and gates that they name.

    Args:
        raw: the draft's file.
        gate_lines: returns the line of each gate in it.
    """
    try:
        keys = KeyReader(split_front_matter(decode(raw)).matter, ProblemList())
    except Rejected:
        return list(problems)  # a newer version, which is rejected for itself
    return [problem._replace(line=_line_of(problem.key, keys, gate_lines)) for problem in problems]


def _line_of(key: str, keys: KeyReader, gate_lines: Callable[[], Sequence[int]]) -> int:
    if key.startswith("gate "):
        lines = gate_lines()
        return lines[int(key.removeprefix("gate ")) - 1] if int(key.removeprefix("gate ")) <= len(lines) else 0
    declared = next((each for each in DRAFT_KEYS if each.name == key), None)
    settings = (setting.partition(":")[0] for setting in declared.settings) if declared else ()
    typed = keys.typed(key, *(declared.synonyms if declared else ()), *settings)
    return next((value.node.line for value in typed if value.node), 0)


def _of_time(document: Document, decisions: Decisions) -> Iterator[Problem]:
    key, typed = "publish_at", document.publish_at
    if document.dated and (not typed or _moment(document.date) > _moment(typed)):
        key, typed = "date", document.date
    if decisions.publish_at:
        if typed and _moment(typed) != _moment(decisions.publish_at):
            yield Kind.SCHEDULED_BY_EDITOR.at(0, key, at=decisions.publish_at, typed=typed)
    elif decisions.published:
        if document.draft:
            yield Kind.PUBLISHED_BY_EDITOR.at(0, "draft", at=decisions.published, typed="draft: true")
        elif typed and _moment(typed) > _moment(decisions.published):
            yield Kind.PUBLISHED_BY_EDITOR.at(0, key, at=decisions.published, typed=typed)


def _of_access(document: Document, decisions: Decisions) -> Iterator[Problem]:
    if decisions.access and decisions.access != document.access:
        yield Kind.TIER_BY_EDITOR.at(0, "access", tier=decisions.access, typed=document.access)
    gated = [block.tier for block in document.blocks if block.tier]
    for gate in decisions.gates:
        if gate.number <= len(gated) and gate.tier != gated[gate.number - 1]:
            yield Kind.TIER_BY_EDITOR.at(0, f"gate {gate.number}", tier=gate.tier, typed=gated[gate.number - 1])


def _moment(iso: str) -> datetime:
    return datetime.fromisoformat(iso)
