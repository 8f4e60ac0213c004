"""The desk: every act of an editor, each with its entry in the audit log. The API and the command line act here alike.

Templates and front matter are loaded for the acts alone that need them: the API's function starts sooner without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from nightdesk.domain.documents import LIVE
from nightdesk.domain.errors import Permanent
from nightdesk.domain.memberships import Membership, member_id, normalise
from nightdesk.domain.updates import Update, Wish

from . import editorial, links, members, pipeline, updates
from .audit import Actor, Deed, recorded
from .editorial import Acted, Standing
from .links import Kind
from .parked import Queues
from .ports import Item, Journal, Ports, Table, Upload, Uploads
from .stored import load_site

if TYPE_CHECKING:
    from .takedown import Readers, Report

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class DeskPorts:
    """Everything that editors' acts touch.

    Attributes:
        pipeline: the stages' own ports, of which some are the desk's to write.
        requests: what was asked for and takes its time.
        readers: made when it is needed, for it takes the edge's key.
    """

    pipeline: Ports
    memberships: Table
    requests: Table
    journal: Journal
    queues: Queues
    uploads: Uploads
    readers: Callable[[], Readers]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one editor acts. `expected` is an article's mark (`mark_of`) as the editor saw it; without, whatever it is.

    What the use cases raise, these raise too.
    """

    who: Actor
    ports: DeskPorts

    def publish(self, slug: str, expected: str = "") -> Acted:
        """Let an article go live now (`editorial.publish`)."""
        return self._decide("publish", slug, {}, lambda: editorial.publish(slug, self.ports.pipeline, expected))

    def schedule(self, slug: str, moment: datetime, expected: str = "") -> Acted:
        """Let it go live at a moment, and not before (`editorial.schedule`)."""
        given = {"at": moment.isoformat()}
        act = lambda: editorial.schedule(slug, moment, self.ports.pipeline, expected)  # noqa: E731
        return self._decide("schedule", slug, given, act)

    def approve(self, slug: str, name: str, expected: str = "") -> Acted:
        """Take responsibility for it (`editorial.approve`)."""
        act = lambda: editorial.approve(slug, name, self.who.id, self.ports.pipeline, expected)  # noqa: E731
        return self._decide("approve", slug, {"name": name}, act)

    def regate(self, slug: str, access: str | None, gates: Mapping[int, str], expected: str = "") -> Acted:
        """Set who may read it, or gates of it (`editorial.regate`)."""
        given = {"access": access, "gates": {str(number): tier for number, tier in gates.items()}}
        act = lambda: editorial.regate(slug, access, dict(gates), self.ports.pipeline, expected)  # noqa: E731
        return self._decide("access", slug, given, act)

    def correct(self, slug: str, text: str, expected: str = "") -> Acted:
        """Add a correction to it (`editorial.correct`)."""
        act = lambda: editorial.correct(slug, text, self.ports.pipeline, expected)  # noqa: E731
        return self._decide("correct", slug, {"text": text}, act)

    def rollback(self, slug: str, revision: int, expected: str = "") -> Acted:
        """Make an older revision current (`editorial.rollback`)."""
        act = lambda: editorial.rollback(slug, revision, self.ports.pipeline, expected)  # noqa: E731
        return self._decide("rollback", slug, {"revision": revision}, act)

    def withdraw(
        self,
        slug: str,
        expected: str = "",
        patience: float = 90.0,
        progress: Callable[[int, int], None] = lambda gone, of: None,
    ) -> Report:
        """Take it down, and see that it is gone (`takedown.take_down`)."""
        from .takedown import take_down

        ports = self.ports.pipeline
        before = editorial.standing(slug, ports)

        def act() -> Report:
            readers = self.ports.readers()
            return take_down(slug, self.who.id, ports, readers, expected=expected, patience=patience, progress=progress)

        def change(_: Report) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
            return _told(before), _told(editorial.standing(slug, ports))

        return self.record("withdraw", f"article:{slug}", {}, act, change)

    def link(self, kind: Kind, slug: str, until: datetime) -> dict[str, Any]:
        """Make a link that opens one article (`links.create`).

        Raises:
            Unknown: there is no such article.
            Permanent: a gift of an article that readers do not get.
        """
        ports, memberships = self.ports.pipeline, self.ports.memberships
        site_url = load_site(ports).base_url

        def act() -> dict[str, Any]:
            found = editorial.standing(slug, ports)
            if found is None:
                raise editorial.Unknown(f"nothing is known of “{slug}”")
            if kind == "gift" and found.state != LIVE:
                raise Permanent(f"{slug} is {found.state}; only what is live can be given")
            return links.create(kind, slug, self.who.id, until, site_url, memberships)

        return self.record(f"{kind}-link", f"article:{slug}", {"until": until.isoformat()}, act)

    def unlink(self, kind: Kind, slug: str) -> bool:
        """Take the editor's own link to an article back (`links.revoke`)."""
        act = lambda: links.revoke(kind, slug, self.who.id, self.ports.memberships)  # noqa: E731
        return self.record(f"{kind}-link-revoked", f"article:{slug}", {}, act)

    def permit(self, key: str, size: int) -> Upload:
        """Let a draft or an image be put into the drafts bucket (`filing.permit`)."""
        from . import filing

        act = lambda: filing.permit(key, size, self.ports.pipeline, self.ports.uploads)  # noqa: E731
        return self.record("upload", f"draft:{key}", {"size": size}, act)

    def give(self, member: str, tier: str, until: str, email: str = "") -> Membership:
        """Give a reader a tier, or take it back (`members.give`)."""
        ports, memberships = self.ports.pipeline, self.ports.memberships
        site = load_site(ports)
        act = lambda: members.give(member, tier, until, site, memberships, ports.bus, email)  # noqa: E731
        return self.record("membership", f"member:{member}", {"tier": tier, "until": until}, act)

    def grant(self, address: str, tier: str, until: str) -> Item:
        """Give a tier to whoever has an address, new readers among them (`members.grant`)."""
        ports, subject = self.ports, f"member:{member_id(normalise(address))}"
        site = load_site(ports.pipeline)
        act = lambda: members.grant(address, tier, until, site, ports.memberships, ports.pipeline.bus)  # noqa: E731
        return self.record("membership", subject, {"tier": tier, "until": until}, act)

    def post(self, wish: Wish, key: str = "", per_minute: int = updates.PER_MINUTE) -> updates.Posted:
        """Post an update to the ticker (`updates.post`)."""
        poster = self.who.id.removeprefix("editor:")
        act = lambda: updates.post(wish, poster, key, self.ports.pipeline, per_minute)  # noqa: E731
        return self.record(
            "post", "update:new", {"headline": wish.headline}, act, lambda p: (None, {"id": p.update.id})
        )

    def remove_update(self, identifier: str) -> Update | None:
        """Take an update from the ticker, or refuse one that waits (`updates.remove`)."""
        return self.record(
            "remove", f"update:{identifier}", {}, lambda: updates.remove(identifier, self.ports.pipeline)
        )

    def approve_update(self, identifier: str) -> Update | None:
        """Let an update from outside go live (`updates.approve`)."""
        return self.record(
            "approve", f"update:{identifier}", {}, lambda: updates.approve(identifier, self.ports.pipeline)
        )

    def redrive(self, most: int) -> int:
        """Give the pipeline another chance at what it gave up."""
        act = lambda: self.ports.queues.redrive(most)  # noqa: E731
        return self.record("redrive", "pipeline", {}, act, lambda count: (None, {"redriven": count}))

    def rebuild(self, topic: str, author: str) -> pipeline.Rebuild:
        """Have pages made again (`pipeline.rebuild`)."""
        ports = self.ports
        act = lambda: pipeline.rebuild(topic, author, ports.queues, ports.requests, ports.pipeline)  # noqa: E731
        return self.record("rebuild", "pipeline", {"topic": topic, "author": author}, act)

    def _decide(self, act: str, slug: str, given: Mapping[str, Any], do: Callable[[], Acted]) -> Acted:
        return self.record(act, f"article:{slug}", given, do, lambda done: (_told(done.before), _told(done.after)))

    def record(
        self,
        act: str,
        subject: str,
        given: Mapping[str, Any],
        do: Callable[[], Done],
        change: Callable[[Done], tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]] = lambda _: (None, None),
    ) -> Done:
        """Do something, with its entry in the audit log: `act`, about `subject`, as it was `given` (`audit.recorded`)."""
        now = self.ports.pipeline.clock()
        return recorded(Deed(act, subject, given), self.who, self.ports.journal, now, do, change)


def _told(standing: Standing | None) -> Mapping[str, Any] | None:
    return standing._asdict() if standing else None
