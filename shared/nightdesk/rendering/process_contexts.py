"""What the page about how articles come about receives (see `contexts`)."""

from __future__ import annotations

from typing import NamedTuple


class Persona(NamedTuple):
    """An AI persona, and who answers for it; empty if its profile names nobody."""

    name: str
    url: str
    responsible_editor: str


class AiRole(NamedTuple):
    """What AI did, and in how many of the newest articles."""

    name: str
    articles: int


class Process(NamedTuple):
    """How articles come about, as far as settings, profiles and articles say so.

    Attributes:
        ai_roles: what AI did in the newest articles that say so, the most frequent first.
        ai_approved: True if an editor must approve articles by AI personas before they are live.
        people_approved: likewise for articles by people.
    """

    personas: tuple[Persona, ...]
    ai_approved: bool
    people_approved: bool
    ai_roles: tuple[AiRole, ...] = ()
