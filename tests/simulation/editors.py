"""Editors at work: each act through its use case, as the command line and the API call it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from nightdesk.domain.documents import digest
from nightdesk.domain.updates import parse_wish
from nightdesk.usecases import editorial, updates
from nightdesk.usecases.ports import Ports
from nightdesk.usecases.stored import load_site

from .acts import Act


def edit(act: Act, ports: Ports) -> None:
    """Do what an editor wants.

    Raises:
        Permanent: it cannot be done, as the editor is told.
        Conflict, Transient: it can be tried again.
    """
    slug, matter = act.subject, act.matter
    if act.kind == "post":
        now, site = ports.clock(), load_site(ports)
        updates.post(parse_wish(matter, now, site.zone, site.base_url), "editor", act.subject, ports)
    elif act.kind == "unpost":
        updates.remove(digest(f"editor\n{act.subject}".encode())[:16], ports)
    else:
        _decide(slug, act.kind, matter, ports)


def _decide(slug: str, act: str, matter: Mapping[str, str], ports: Ports) -> None:
    if act == "withdraw":
        editorial.withdraw(slug, ports)
    elif act == "publish":
        editorial.publish(slug, ports)
    elif act == "schedule":
        editorial.schedule(slug, datetime.fromisoformat(matter["at"]), ports)
    elif act == "regate":
        gate = matter.get("gate")
        editorial.regate(slug, None if gate else matter["tier"], {int(gate): matter["tier"]} if gate else None, ports)
    elif act == "correct":
        editorial.correct(slug, "It was otherwise.", ports)
    elif act == "approve":
        editorial.approve(slug, "Ed", "ed", ports)
    else:
        assert act == "rollback"
        editorial.rollback(slug, int(matter["revision"]), ports)
