"""Editors' operations, each with its entry in the audit log. The API and the command line share them.

Templates and front matter are imported by the operations that need them, so that the API's function starts faster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from nightdesk.domain.documents import LIVE
from nightdesk.domain.drafts_bucket import draft_forms, draft_id
from nightdesk.domain.errors import NotFound, Permanent
from nightdesk.domain.memberships import Membership, member_id, normalise_address
from nightdesk.domain.newsletters import Edition
from nightdesk.domain.updates import NewUpdate, Update
from nightdesk.domain.uploaders import PresignedUpload, Uploader
from nightdesk.ports import AuditLog, Bus, Item, Ports, Queues, Table, Uploads
from nightdesk.repositories import articles_table
from nightdesk.repositories.memberships_table import LinkName
from nightdesk.repositories.private_bucket import load_document, load_site
from nightdesk.usecases.editors import decisions, pipeline_status
from nightdesk.usecases.editors.audit import Action, Actor, State, no_states, record
from nightdesk.usecases.editors.decisions import ArticleState, StateChange
from nightdesk.usecases.newsletters import control
from nightdesk.usecases.newsletters.ports import NewsletterPorts
from nightdesk.usecases.readers import access_links, members
from nightdesk.usecases.readers.access_links import Kind
from nightdesk.usecases.readers.members import Grant
from nightdesk.usecases.ticker import updates

if TYPE_CHECKING:
    from nightdesk.usecases.editors.takedown import Readers, Report

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class EditorPorts:
    """Everything that editors' operations use.

    Attributes:
        pipeline: the stages' ports, some of which the operations write to.
        requests: idempotency keys and rebuilds.
        newsletters: without a mailer: editors have editions sent, and send none themselves.
        readers: makes readers of the site when a takedown needs them, since that reads the edge's secret.
        saves: whether the stack skips what costs most (`Economy=yes`).
    """

    pipeline: Ports
    memberships: Table
    requests: Table
    audit_log: AuditLog
    queues: Queues
    uploads: Uploads
    readers: Callable[[], Readers]
    newsletters: NewsletterPorts
    saves: bool = False

    @property
    def bus(self) -> Bus:
        """The bus on which changes of memberships are announced."""
        return self.pipeline.bus


@dataclass(frozen=True, slots=True)
class EditorService:
    """The operations of one editor. Each raises what its use case raises.

    `expected` is an article's ETag (`article_etag`) as the editor saw it; empty for any.
    """

    actor: Actor
    ports: EditorPorts

    def publish(self, slug: str, expected: str = "") -> StateChange:
        """Publish an article now (`decisions.publish`)."""
        return self._decide("publish", slug, {}, lambda: decisions.publish(slug, self.ports.pipeline, expected))

    def schedule(self, slug: str, moment: datetime, expected: str = "") -> StateChange:
        """Publish an article at a moment and not before (`decisions.schedule`)."""
        ports = self.ports.pipeline
        arguments = {"at": moment.isoformat()}
        return self._decide("schedule", slug, arguments, lambda: decisions.schedule(slug, moment, ports, expected))

    def approve(self, slug: str, name: str, expected: str = "") -> StateChange:
        """Take editorial responsibility for an article (`decisions.approve`)."""
        ports, by = self.ports.pipeline, self.actor.id
        return self._decide("approve", slug, {"name": name}, lambda: decisions.approve(slug, name, by, ports, expected))

    def regate(self, slug: str, access: str | None, gates: Mapping[int, str], expected: str = "") -> StateChange:
        """Set the tier of an article, or of some of its gates (`decisions.regate`)."""
        ports = self.ports.pipeline
        arguments = {"access": access, "gates": {str(number): tier for number, tier in gates.items()}}
        return self._decide(
            "access", slug, arguments, lambda: decisions.regate(slug, access, dict(gates), ports, expected)
        )

    def correct(self, slug: str, text: str, expected: str = "") -> StateChange:
        """Add a correction to an article (`decisions.correct`)."""
        ports = self.ports.pipeline
        return self._decide("correct", slug, {"text": text}, lambda: decisions.correct(slug, text, ports, expected))

    def remove_correction(self, slug: str, number: int, expected: str = "") -> StateChange:
        """Remove a correction that an editor added (`decisions.remove_correction`)."""
        ports, arguments = self.ports.pipeline, {"number": number}
        return self._decide(
            "correct", slug, arguments, lambda: decisions.remove_correction(slug, number, ports, expected)
        )

    def rollback(self, slug: str, revision: int, expected: str = "") -> StateChange:
        """Restore an older revision of an article (`decisions.rollback`)."""
        ports, arguments = self.ports.pipeline, {"revision": revision}
        return self._decide("rollback", slug, arguments, lambda: decisions.rollback(slug, revision, ports, expected))

    def withdraw(
        self,
        slug: str,
        expected: str = "",
        timeout: float = 90.0,
        progress: Callable[[int, int], None] = lambda gone, of: None,
    ) -> Report:
        """Take an article down, and verify that it is gone (`takedown.take_down`)."""
        from nightdesk.usecases.editors.takedown import Polling, Takedown, take_down

        ports = self.ports.pipeline
        before = decisions.article_state(slug, ports)

        def run() -> Report:
            takedown = Takedown(slug, self.actor.id, expected)
            return take_down(takedown, ports, self.ports.readers(), Polling(timeout, progress))

        def states(_: Report) -> tuple[State, State]:
            return _to_json(before), _to_json(decisions.article_state(slug, ports))

        return self.record("withdraw", f"article:{slug}", {}, run, states)

    def create_link(self, kind: Kind, slug: str, until: datetime) -> dict[str, Any]:
        """Create a link that opens one article (`access_links.create`).

        Raises:
            NotFound: the article does not exist.
            Permanent: it is not live, so that it cannot be given away.
        """
        ports, memberships = self.ports.pipeline, self.ports.memberships
        site_url = load_site(ports).base_url

        def run() -> dict[str, Any]:
            found = decisions.article_state(slug, ports)
            if found is None:
                raise decisions.no_article(slug)
            if kind == "gift" and found.state != LIVE:
                raise Permanent(f"{slug} is {found.state}; gift links open live articles only")
            name, *former = self._link_names(kind, slug)
            for each in former:
                access_links.revoke(each, memberships)
            return access_links.create(name, slug, until, site_url, memberships)

        return self.record(f"{kind}-link", f"article:{slug}", {"until": until.isoformat()}, run)

    def revoke_link(self, kind: Kind, slug: str) -> bool:
        """Revoke the editor's own link to an article (`access_links.revoke`)."""
        names = self._link_names(kind, slug)

        def run() -> bool:
            revoked = [access_links.revoke(name, self.ports.memberships) for name in names]
            return any(revoked)

        return self.record(
            f"{kind}-link-revoked", f"article:{slug}", {}, run, lambda revoked: (None, {"revoked": revoked})
        )

    def _link_names(self, kind: Kind, slug: str) -> list[LinkName]:
        """Return the name of the editor's link to an article, and those that it has if it was created while the draft had another form."""
        draft = self._draft_of(slug)
        return [LinkName(kind, key, self.actor.id) for key in dict.fromkeys((draft, *draft_forms(draft_id(draft))))]

    def _draft_of(self, slug: str) -> str:
        """Return the key of the draft that holds a slug, or that had it last.

        Raises:
            NotFound: there never was one.
        """
        ports = self.ports.pipeline
        claim, document = articles_table.claim_of(ports.articles, slug), load_document(slug, ports)
        draft = claim.holder if claim else document.file if document else ""
        if not draft:
            raise decisions.no_article(slug)
        return draft

    def presign_upload(self, key: str, size: int, role: str) -> PresignedUpload:
        """Allow one file to be uploaded to the drafts bucket (`uploads.presign`).

        Args:
            role: the editor's role, on which it depends whether an approval is needed.
        """
        from nightdesk.usecases.editors import uploads

        ports, uploader = self.ports, Uploader(self.actor.id, role)
        return self.record(
            "upload",
            f"draft:{key}",
            {"size": size},
            lambda: uploads.presign(key, size, uploader, ports.pipeline, ports.uploads),
        )

    def hand_over(self, slug: str, owner: str) -> StateChange:
        """Hand an article's draft over to another person (`uploads.hand_over`)."""
        from nightdesk.usecases.editors import uploads

        ports, by = self.ports.pipeline, self.actor.id
        return self._decide("owner", slug, {"owner": owner}, lambda: uploads.hand_over(slug, owner, by, ports))

    def grant(self, member: str, granted: Grant, email: str = "") -> Membership:
        """Set a reader's complimentary tier, or revoke it (`members.grant`).

        Raises:
            Permanent: the tier's end is in the past. Otherwise as `members.grant`.
        """
        site = load_site(self.ports.pipeline)

        def run() -> Membership:
            members.require_future(granted.until, self.ports.pipeline.clock())
            return members.grant(member, granted, site, self.ports, email)

        return self.record("membership", f"member:{member}", granted._asdict(), run)

    def grant_to_address(self, address: str, granted: Grant) -> Item:
        """Set the complimentary tier of a reader by address, who may be new (`members.grant_to_address`).

        Raises:
            Permanent: the tier's end is in the past. Otherwise as `members.grant_to_address`.
        """
        site = load_site(self.ports.pipeline)

        def run() -> Item:
            members.require_future(granted.until, self.ports.pipeline.clock())
            return members.grant_to_address(address, granted, site, self.ports)

        return self.record("membership", f"member:{member_id(normalise_address(address))}", granted._asdict(), run)

    def post_update(self, update: NewUpdate, key: str = "", per_minute: int = updates.PER_MINUTE) -> updates.Posted:
        """Post an update to the ticker (`updates.post`)."""
        ports, poster = self.ports.pipeline, self.actor.id.removeprefix("editor:")
        return self.record(
            "post",
            "update:new",
            {"headline": update.headline},
            lambda: updates.post(update, poster, key, ports, per_minute),
            lambda posted: (None, {"id": posted.update.id}),
        )

    def remove_update(self, identifier: str) -> Update:
        """Remove an update from the ticker, or reject a waiting one (`updates.remove`).

        Raises:
            NotFound: there is no such update.
        """
        return self._change_update("remove", identifier, updates.remove)

    def approve_update(self, identifier: str) -> Update:
        """Publish a waiting update (`updates.approve`).

        Raises:
            NotFound: there is no such update.
            Rejected: it was removed, or has ended.
        """
        return self._change_update("approve", identifier, updates.approve)

    def _change_update(self, action: str, identifier: str, change: Callable[[str, Ports], Update | None]) -> Update:
        def run() -> Update:
            # Raised inside the audited operation, so that the log does not report it as done.
            if (changed := change(identifier, self.ports.pipeline)) is None:
                raise NotFound(f"there is no update {identifier}")
            return changed

        return self.record(action, f"update:{identifier}", {}, run)

    def redrive(self, most: int) -> int:
        """Send up to `most` dead letters back to their queues. Return how many were sent."""
        queues = self.ports.queues
        return self.record(
            "redrive", "pipeline", {}, lambda: queues.redrive(most), lambda count: (None, {"redriven": count})
        )

    def rebuild(self, topic: str, author: str) -> pipeline_status.Rebuild:
        """Request that pages are built again (`pipeline_status.rebuild`).

        Raises:
            Permanent: the stack has `Economy=yes`, and the invalidations of a rebuild cost most.
        """
        ports = self.ports
        if ports.saves:
            raise Permanent("this stack runs with Economy=yes, which stops rebuilds; deploy it with Economy=no first")
        return self.record(
            "rebuild",
            "pipeline",
            {"topic": topic, "author": author},
            lambda: pipeline_status.rebuild(topic, author, ports.queues, ports.requests, ports.pipeline),
        )

    def send_edition(self, name: str, at: datetime | None = None) -> Edition:
        """Send an edition of a newsletter now or at a moment, or go on with one that is held (`control.send`)."""
        ports, arguments = self.ports.newsletters, {"at": at.isoformat() if at else ""}
        return self._on_edition("newsletter-send", name, arguments, lambda: control.send(name, at, ports))

    def hold_edition(self, identifier: str) -> Edition:
        """Stop an edition until it is sent again (`control.hold`)."""
        ports = self.ports.newsletters
        return self._on_edition("newsletter-hold", identifier, {}, lambda: control.hold(identifier, ports))

    def cancel_edition(self, identifier: str) -> Edition:
        """Stop an edition for good (`control.cancel`)."""
        ports = self.ports.newsletters
        return self._on_edition("newsletter-cancel", identifier, {}, lambda: control.cancel(identifier, ports))

    def test_edition(self, name: str, address: str) -> Edition:
        """Have a copy of an edition sent to one reader (`control.send_test`)."""
        ports, given = self.ports.newsletters, {"reader": member_id(normalise_address(address))}
        return self._on_edition("newsletter-test", name, given, lambda: control.send_test(name, address, ports))

    def _on_edition(self, action: str, name: str, given: Mapping[str, Any], run: Callable[[], Edition]) -> Edition:
        return self.record(
            action,
            f"edition:{name}",
            given,
            run,
            lambda after: (None, control.report(after, self.ports.pipeline.clock())),
        )

    def _decide(
        self, action: str, slug: str, arguments: Mapping[str, Any], run: Callable[[], StateChange]
    ) -> StateChange:
        return self.record(
            action, f"article:{slug}", arguments, run, lambda done: (done.before._asdict(), done.after._asdict())
        )

    def record(
        self,
        action: str,
        subject: str,
        arguments: Mapping[str, Any],
        run: Callable[[], Result],
        states: Callable[[Result], tuple[State, State]] = no_states,
    ) -> Result:
        """Run an operation with its entry in the audit log (`audit.record`)."""
        ports = self.ports
        entry = Action(self.actor, action, subject, arguments)
        return record(entry, ports.audit_log, ports.pipeline.clock(), run, states)


def _to_json(state: ArticleState | None) -> State:
    return state._asdict() if state else None
