"""Takedowns of drafts and of their texts, kept in the private bucket beside the decisions about addresses.

A takedown belongs to the address and to the draft. The decisions about a slug hold the first part. The marks kept here
hold the second: they apply wherever the draft is filed again, and to new drafts with the text that was withdrawn, until
an editor lifts them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.documents import canonical_json, parse_json
from nightdesk.ports import ANY, Objects, Output
from nightdesk.repositories.private_bucket import JSON, draft_takedown_key, text_takedown_key


class WithdrawnDraft(NamedTuple):
    """A draft by its id (`draft_id`), and the digest of its text (`text_digest`), empty for a text too short to tell."""

    draft: str
    text: str


def record(withdrawn: WithdrawnDraft, at: datetime, private: Objects) -> None:
    """Mark a draft and its text as withdrawn at a moment. A mark that is set already keeps its time.

    The moment is in the mark itself, so that a copy of the mark, as reconcile makes one, has it too. In whole seconds,
    like those of the versions with which it is compared.
    """
    mark = {"draft": withdrawn.draft, "at": at.replace(microsecond=0).isoformat()}
    for key in _keys(withdrawn):
        if _draft_of_mark(key, private) is None:
            private.put(Output(key, canonical_json(mark), JSON), ANY)


def lift(withdrawn: WithdrawnDraft, private: Objects) -> None:
    """Remove the marks of a draft and of its text."""
    for key in _keys(withdrawn):
        if _draft_of_mark(key, private) is not None:
            private.put(Output(key, canonical_json({"draft": None}), JSON), ANY)


def is_draft_withdrawn(draft: str, private: Objects) -> bool:
    """Return True if an editor withdrew a draft, whatever address it had then."""
    return _draft_of_mark(draft_takedown_key(draft), private) is not None


def text_withdrawn_at(withdrawn: WithdrawnDraft, private: Objects) -> datetime | None:
    """Return when a draft with the same text was withdrawn, if it was another one."""
    blob = private.get(text_takedown_key(withdrawn.text)) if withdrawn.text else None
    mark: dict[str, Any] = parse_json(blob.body) if blob else {"draft": None}
    if not blob or mark["draft"] in (None, withdrawn.draft):
        return None
    return datetime.fromisoformat(mark["at"]) if "at" in mark else blob.modified


def _keys(withdrawn: WithdrawnDraft) -> list[str]:
    keys = [draft_takedown_key(withdrawn.draft)]
    return [*keys, text_takedown_key(withdrawn.text)] if withdrawn.text else keys


def _draft_of_mark(key: str, private: Objects) -> str | None:
    """Return the id of the draft for which a mark was set; None for a mark that was lifted or never set."""
    blob = private.get(key)
    draft = parse_json(blob.body)["draft"] if blob else None
    return str(draft) if draft is not None else None
