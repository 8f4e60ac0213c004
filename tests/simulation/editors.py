"""Editors at work: each act through its use case, as the command line and the API call it."""

from __future__ import annotations

from datetime import datetime

from nightdesk.usecases import editorial
from nightdesk.usecases.ports import Ports

from .acts import Act


def edit(act: Act, ports: Ports) -> None:
    """Do what an editor wants.

    Raises:
        Permanent: it cannot be done, as the editor is told.
        Conflict, Transient: it can be tried again.
    """
    slug, matter = act.subject, act.matter
    if act.kind == "withdraw":
        editorial.withdraw(slug, ports)
    elif act.kind == "publish":
        editorial.publish(slug, ports)
    elif act.kind == "schedule":
        editorial.schedule(slug, datetime.fromisoformat(matter["at"]), ports)
    elif act.kind == "regate":
        gate = matter.get("gate")
        editorial.regate(slug, None if gate else matter["tier"], {int(gate): matter["tier"]} if gate else None, ports)
    elif act.kind == "correct":
        editorial.correct(slug, "It was otherwise.", ports)
    else:
        assert act.kind == "rollback"
        editorial.rollback(slug, int(matter["revision"]), ports)
