"""What editors do, through the use cases that the command line and the API call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar

from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Permanent
from nightdesk.domain.updates import parse_new_update
from nightdesk.ports import Ports
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.editors import decisions, uploads
from nightdesk.usecases.ticker import updates

from .actions import Action


class EditorBatch:
    """Processes editors' actions like messages: an error that is not permanent makes the editor try again.

    Args:
        report: called when an action has ended, with the permanent error that refused it, or None.
    """

    handles: ClassVar[tuple[type, ...]] = (Action,)

    def __init__(self, ports: Ports, report: Callable[[Action, Permanent | None], None]) -> None:
        self._ports = ports
        self._report = report

    def handle(self, action: Action) -> None:
        """Perform one action."""
        try:
            _perform(action, self._ports)
        except Permanent as error:
            self._report(action, error)
        else:
            self._report(action, None)

    def finish(self) -> None:
        """Do nothing: each action is complete by itself."""


def _perform(action: Action, ports: Ports) -> None:
    slug, values = action.subject, action.values
    if action.kind == "post":
        now, site = ports.clock(), load_site(ports)
        updates.post(parse_new_update(values, now, site.zone, site.base_url), "editor", action.subject, ports)
    elif action.kind == "unpost":
        updates.remove(digest(f"editor\n{action.subject}".encode())[:16], ports)
    else:
        _decide(slug, action.kind, values, ports)


def _decide(slug: str, kind: str, values: Mapping[str, str], ports: Ports) -> None:
    if kind == "withdraw":
        decisions.withdraw(slug, ports)
    elif kind == "publish":
        decisions.publish(slug, ports)
    elif kind == "schedule":
        decisions.schedule(slug, datetime.fromisoformat(values["at"]), ports)
    elif kind == "regate":
        gate = values.get("gate")
        decisions.regate(slug, None if gate else values["tier"], {int(gate): values["tier"]} if gate else None, ports)
    elif kind == "correct":
        decisions.correct(slug, "It was otherwise.", ports)
    elif kind == "hand over":
        uploads.hand_over(slug, f"editor:{values['owner']}", "ed", ports)
    elif kind == "approve":
        decisions.approve(slug, "Ed", "ed", ports)
    else:
        assert kind == "rollback"
        decisions.rollback(slug, int(values["revision"]), ports)
