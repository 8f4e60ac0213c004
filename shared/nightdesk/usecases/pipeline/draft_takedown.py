"""The takedown of one draft, as render finds it: by the draft's mark, or by its text, wherever both are filed now."""

from __future__ import annotations

from dataclasses import replace

from nightdesk.domain.decisions import Decisions, text_digest
from nightdesk.domain.documents import Document
from nightdesk.domain.drafts_bucket import draft_id
from nightdesk.domain.errors import Conflict
from nightdesk.ports import Blob, Output, Ports
from nightdesk.repositories import takedowns
from nightdesk.repositories.drafts_bucket import current_versions
from nightdesk.repositories.private_bucket import JSON, decisions_from, decisions_key
from nightdesk.repositories.takedowns import WithdrawnDraft
from nightdesk.usecases.pipeline.converge import store_over


class DraftTakedown:
    """Whether the draft at `key` is withdrawn, and the decisions that say so."""

    def __init__(self, key: str, ports: Ports) -> None:
        self._key = key
        self._draft = draft_id(key)
        self._ports = ports
        self._passed_over: list[Document] = []

    @property
    def is_marked(self) -> bool:
        """Whether an editor withdrew the draft."""
        return takedowns.is_draft_withdrawn(self._draft, self._ports.private)

    def take_down_again(self, document: Document) -> None:
        """Take down what an editor withdrew, wherever its draft or its text has been filed since."""
        if not self._is_withdrawn(document):
            return
        there = self._ports.private.get(decisions_key(document.slug))
        # Asked once more: an editor who lifts a takedown removes the marks before changing the decisions.
        if self._is_withdrawn(document):
            self.withdraw_at(document.slug, there)

    def withdraw_at(self, slug: str, seen: Blob | None) -> None:
        """Name the draft as withdrawn in the decisions about a slug, over those that were seen there."""
        decisions = decisions_from(seen)
        if not decisions.takes_down(self._draft):
            drafts = tuple(sorted({*decisions.withdrawn_drafts, self._draft}))
            store_decisions(slug, seen, replace(decisions, withdrawn_drafts=drafts), self._ports)

    def pass_over(self, document: Document) -> bool:
        """Return True if nothing may fall back to an earlier version, because an editor withdrew another draft with its text."""
        if not self._has_withdrawn_text(document):
            return False
        self._passed_over.append(document)
        return True

    def require_passed_over(self) -> None:
        """Check that the versions which were passed over are still withdrawn.

        An editor who lifts such a takedown has the rejected drafts rendered, but this one may not have been among them yet.

        Raises:
            Conflict: the draft can fall back to one of them now.
        """
        passed_over, self._passed_over = self._passed_over, []
        if not all(map(self._has_withdrawn_text, passed_over)):
            raise Conflict(f"the takedown of an earlier version of {self._key} was lifted")

    def _is_withdrawn(self, document: Document) -> bool:
        """Return True if an editor withdrew this draft, or before it was filed another one with the same text."""
        return self.is_marked or self._has_withdrawn_text(document)

    def _has_withdrawn_text(self, document: Document) -> bool:
        moment = takedowns.text_withdrawn_at(WithdrawnDraft(self._draft, text_digest(document)), self._ports.private)
        versions = current_versions(self._key, self._ports) if moment else []
        return bool(moment and versions and versions[-1].modified > moment)


def store_decisions(slug: str, seen: Blob | None, decisions: Decisions, ports: Ports) -> None:
    """Store decisions about a slug over those that were seen there.

    Raises:
        Conflict: there are others by now.
    """
    store_over(seen, ports.private, Output(decisions_key(slug), decisions.to_bytes(), JSON))
