"""Sending: one copy to each recipient of a batch, and never a second one.

    before   write “trying” for the reader, over nothing         a run that finds another record does not send
    send     ask the provider
    after    write “mailed” over “trying”

A run that dies between the two writes leaves “trying” behind. The provider may have the mail or not, and nothing can tell, so a
setting decides: by default the reader gets no second copy, and the record becomes “unsure”. What the provider certainly did not
take is tried again. Whether a reader still wants the newsletter, and may see what is in it, is read just before.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from html import escape
from urllib.parse import urlsplit

from nightdesk.domain.errors import Conflict, Permanent, Transient
from nightdesk.domain.mail import Deferred, Mail, NotAccepted, SendingStopped
from nightdesk.domain.mail_reports import edition_tag
from nightdesk.domain.memberships import Membership
from nightdesk.domain.newsletters import (
    CANCELLED,
    HELD,
    MAILED,
    REFUSED,
    SENDING,
    SKIPPED,
    TRYING,
    UNSURE,
    Edition,
    one_line,
)
from nightdesk.domain.site import Site
from nightdesk.domain.warm_up import daily_limit, next_day
from nightdesk.rendering.edition_mail import UNSUBSCRIBE
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import editions_table, memberships_table
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.repositories.editions_table import Recipient
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.newsletters.changes import LEASE_SECONDS, NOTHING_LEFT, batch_events, change_edition
from nightdesk.usecases.newsletters.contents import Contents, current_contents, load_contents
from nightdesk.usecases.newsletters.naming import edition_named
from nightdesk.usecases.newsletters.pages import refresh_pages
from nightdesk.usecases.newsletters.ports import EditionMailer, NewsletterPorts
from nightdesk.usecases.readers.members import unsubscribe_headers

_RECORDED = timedelta(days=60)
_FRESH = timedelta(seconds=1)
"""How old what is known of the edition and its articles may be."""
_DEFERRED = timedelta(hours=4)
"""How long after its beginning an edition is tried again for a reader whose mail server takes nothing now."""
_WORK = timedelta(seconds=40)
"""How long a run sends before it leaves the rest to the next one: two thirds of the function's timeout."""
_MAILERS = 2
"""How many runs send at once (`MaximumConcurrency`), which share the provider's rate."""
_TRIES = 3
_SUSPICIOUS = (3, 10)
"""How many refused mails hold an edition of which no mail was taken: all of a batch that has at least the first number, or the second."""
_FINAL = (MAILED, SKIPPED, REFUSED, UNSURE)


class _Stop(Exception):
    """The batch ends here for now: the edition is no longer sent, or the provider takes nothing."""


def send_batch(identifier: str, number: int, ports: NewsletterPorts, theme: Theme) -> dict[str, int]:
    """Send an edition to the recipients of a batch who have not got it; returns how many copies are in each state.

    What cannot be sent now stays undone, and is requested again by the schedule.
    """
    batch = editions_table.find_batch(ports.editions, identifier, number)
    stored = editions_table.find_edition(ports.editions, identifier)
    began = ports.pipeline.clock()
    if not batch or batch.done or not stored or not stored.edition.is_open or not ports.mailer:
        return {}
    if not stored.edition.is_due(began):
        return {}
    run = _Run(ports, ports.mailer, theme, stored.edition)
    complete = True
    known = editions_table.recipients(ports.editions, identifier, batch.members)
    found = zip(batch.members, known, strict=True)
    left = [member for member, recipient in found if not recipient or recipient.state not in _FINAL]
    try:
        run.suspicious = min(max(len(left), _SUSPICIOUS[0]), _SUSPICIOUS[1])
        run.allow(len(left))
        for member in left:
            if ports.pipeline.clock() > began + _WORK:
                ports.pipeline.bus.emit(batch_events(stored.edition, [batch]))
                complete = False
                break
            complete &= run.deliver(member)
    except _Stop:
        complete = False
    run.give_back()
    return _finish(identifier, number, ports) if complete else {}


def send_test(identifier: str, member: str, ports: NewsletterPorts, theme: Theme) -> None:
    """Send a copy of an edition, as it is now, to one reader, with their own tier. Nothing is recorded.

    Args:
        identifier: of an edition that was begun, or of one that could be.
    """
    stored = editions_table.find_edition(ports.editions, identifier)
    membership, reason = memberships_table.mail_standing(ports.memberships, member)
    if not membership or not membership.confirmed or reason or not ports.mailer:
        return
    edition = stored.edition if stored else replace(edition_named(identifier.partition("/")[0], ports), minimum=1)
    contents = current_contents(edition, load_contents(edition, ports.pipeline), ports, theme, as_test=True)
    if not contents:
        return
    site = load_site(ports.pipeline)
    tier = membership.entitlement(site, ports.pipeline.clock()).tier
    mail = edition_mail(edition, contents, membership, member, tier, site)
    subject = theme.text(site)("edition.test_subject", subject=mail.subject)
    ports.mailer.send(replace(mail, subject=one_line(subject), tags={}))


def _finish(identifier: str, number: int, ports: NewsletterPorts) -> dict[str, int]:
    """Record that a batch is done, and count its copies, once."""

    def attempt() -> dict[str, int]:
        batch = editions_table.find_batch(ports.editions, identifier, number)
        stored = editions_table.find_edition(ports.editions, identifier)
        if not batch or not stored or batch.done:
            return {}
        found = editions_table.recipients(ports.editions, identifier, batch.members)
        counts = Counter(recipient.state for recipient in found if recipient)
        after = replace(stored.edition.count(counts), done=stored.edition.done + 1).finished()
        done = editions_table.batch_change(identifier, batch._replace(done=True))
        ports.editions.write([done, editions_table.edition_change(after, stored.version)])
        return dict(counts)

    return compare_and_swap(attempt, "the edition")


@dataclass
class _Run:
    """One run's work on a batch."""

    ports: NewsletterPorts
    mailer: EditionMailer
    theme: Theme
    edition: Edition
    contents: Contents | None = None
    site: Site = field(default_factory=Site)
    checked: float = 0.0
    paced: float = 0.0
    any_mailed: bool = False
    spare: int = 0
    day: str = ""
    refused: dict[str, int] = field(default_factory=dict)
    suspicious: int = _SUSPICIOUS[1]

    def allow(self, number: int) -> None:
        """Take the copies of a batch from what may be sent today. Those of a run that dies are lost to the day.

        Raises:
            _Stop: that is used up. What is left of the edition waits for tomorrow.
        """
        if not number:
            return
        self._current()
        now, editions = self.ports.pipeline.clock(), self.ports.editions
        day = now.astimezone(self.site.zone).date()
        limit = daily_limit(self.site, day)
        if limit is None:
            return
        self.day = day.isoformat()
        taken = partial(editions_table.take_allowance, editions, self.day, number, limit, self._ttl(now))
        if compare_and_swap(taken, "what may be sent today"):
            self.spare = number
        else:
            tomorrow = next_day(self.site, now)
            change_edition(
                self.edition.id,
                self.ports,
                lambda edition: replace(edition, not_before=tomorrow) if edition.is_open else edition,
            )
            raise _Stop

    def give_back(self) -> None:
        """Return the allowance of copies that were not sent, for example because the provider accepted none for now."""
        if self.spare <= 0:
            return
        editions, ttl = self.ports.editions, self._ttl(self.ports.pipeline.clock())
        returned = partial(editions_table.take_allowance, editions, self.day, -self.spare, 0, ttl)
        compare_and_swap(returned, "what may be sent today")

    def _ttl(self, now: datetime) -> int:
        return int((now + _RECORDED).timestamp())

    def deliver(self, member: str) -> bool:
        """Send a reader's copy, or record why not. Returns False if that must be done later.

        Raises:
            _Stop: nothing more can be sent now.
        """
        contents = self._current()
        membership, reason = memberships_table.mail_standing(self.ports.memberships, member)
        site = self.site
        tier = membership.entitlement(site, self.ports.pipeline.clock()).tier if membership else ""
        note = _reason_to_skip(membership, reason, tier, self.edition)
        if note or not membership:
            return self._claim(member, SKIPPED, note)[0]
        done, version = self._claim(member, TRYING, "")
        if version is None:
            return done
        mail = edition_mail(self.edition, contents, membership, member, tier, site)
        return self._send(member, mail, version, site)

    def _current(self) -> Contents:
        """Return what the edition shows now; looked up at most once a second.

        Raises:
            _Stop: it is no longer sent.
        """
        now = self.ports.pipeline.clock().timestamp()
        if self.contents and now < self.checked + _FRESH.total_seconds():
            return self.contents
        stored = editions_table.find_edition(self.ports.editions, self.edition.id)
        if not stored or stored.edition.state != SENDING:
            raise _Stop
        self.site = load_site(self.ports.pipeline)
        known = self.contents or load_contents(stored.edition, self.ports.pipeline)
        found = current_contents(stored.edition, known, self.ports, self.theme)
        if not found:
            self._stop(CANCELLED, NOTHING_LEFT[stored.edition.kind])
        elif known is None or found.etags != known.etags:
            change_edition(
                self.edition.id,
                self.ports,
                lambda edition: replace(edition, digest=found.digest, subject=found.subject),
            )
        assert found
        self.edition, self.contents, self.checked = replace(stored.edition, subject=found.subject), found, now
        return found

    def _stop(self, state: str, reason: str) -> None:
        after = change_edition(
            self.edition.id,
            self.ports,
            lambda edition: replace(edition, state=state, reason=reason) if edition.is_open else edition,
        )
        if after and after.state == CANCELLED:
            refresh_pages([after], self.ports, self.theme)
        raise _Stop

    def _claim(self, member: str, state: str, note: str) -> tuple[bool, int | None]:
        """Write a reader's record over nothing, or take it over from a run that has died.

        Returns:
            True if nothing is left to do for this reader; and the version of the record if this run may send now.
        """
        fresh = self._recipient(state, note)
        try:
            self._record(member, fresh, None)
            return state != TRYING, 1 if state == TRYING else None
        except Conflict:
            found = editions_table.find_recipient(self.ports.editions, self.edition.id, member)
        if not found or found.version is None:
            return False, None
        if found.state in _FINAL:
            return True, None
        if found.until > self.ports.pipeline.clock().timestamp():
            return False, None  # another run may be at it
        again = state == TRYING and self.site.resend_unsure
        try:
            self._record(member, fresh if again else self._recipient(UNSURE, note), found.version)
        except Conflict:
            return False, None
        return not again, found.version + 1 if again else None

    def _send(self, member: str, mail: Mail, version: int, site: Site) -> bool:
        for attempt in range(_TRIES):
            self._pace()
            try:
                self.mailer.send(mail)
            except Permanent as error:
                self._refuse(member, version, str(error)[:100])
                return True
            except Deferred as error:
                return self._defer(member, version, str(error)[:100])
            except SendingStopped as error:
                self._record(member, None, version)
                self._stop(HELD, f"the mail provider takes no mail: {str(error)[:100]}")
            except NotAccepted:
                if attempt == _TRIES - 1:
                    self._record(member, None, version)
                    raise _Stop from None
                time.sleep(2**attempt)
                continue
            except Transient:
                self.spare -= 1
                # Nobody knows whether it was sent. A record that has ended lets the next run send it again.
                state = TRYING if site.resend_unsure else UNSURE
                self._record(member, self._recipient(state, "")._replace(until=0), version)
                return state == UNSURE
            self.any_mailed = True
            self.spare -= 1
            self._record_mailed(member, version)
            return True
        return False

    def _refuse(self, member: str, version: int, reason: str) -> None:
        """Record that the provider will never take a reader's mail.

        Raises:
            _Stop: it has refused every mail so far, for example because the sender is not verified. The readers stay to be mailed, and an editor decides.
        """
        self._record(member, self._recipient(REFUSED, reason), version)
        self.refused[member] = version + 1
        known = self.any_mailed or self.edition.insisted or self.edition.counts.get(MAILED)
        if known or len(self.refused) < self.suspicious:
            return
        for each, written in self.refused.items():
            self._record(each, None, written)
        self._stop(HELD, f"the mail provider takes no mail: {reason}")

    def _defer(self, member: str, version: int, reason: str) -> bool:
        """Leave a reader whose mail server takes nothing now for a later run, and give up after some hours. The others go on."""
        gives_up = self.ports.pipeline.clock() > self.edition.begins + _DEFERRED
        self._record(member, self._recipient(REFUSED, reason) if gives_up else None, version)
        return gives_up

    def _record_mailed(self, member: str, version: int) -> None:
        for attempt in range(_TRIES):
            try:
                return self._record(member, self._recipient(MAILED, ""), version)
            except Transient:
                if attempt == _TRIES - 1:
                    raise
                time.sleep(0.1 * 2**attempt)
            except Conflict:
                return None  # an earlier try has written it, and its answer was lost
        return None

    def _record(self, member: str, recipient: Recipient | None, version: int | None) -> None:
        change = editions_table.recipient_change(self.edition.id, member, recipient, version)
        self.ports.editions.write([change])

    def _recipient(self, state: str, note: str) -> Recipient:
        now = self.ports.pipeline.clock()
        until = int(now.timestamp()) + LEASE_SECONDS if state == TRYING else 0
        return Recipient(state, until, note, int((now + _RECORDED).timestamp()))

    def _pace(self) -> None:
        """Wait until the provider takes the next mail."""
        pause = _MAILERS / max(self.mailer.rate(), 0.1)
        left = self.paced + pause - time.monotonic()
        if left > 0:
            time.sleep(left)
        self.paced = time.monotonic()


def _reason_to_skip(membership: Membership | None, suppressed: str, tier: str, edition: Edition) -> str:
    """Return why a reader gets no copy; empty for one who does."""
    if not membership:
        return "deleted"
    if suppressed:
        return suppressed
    if not membership.receives(edition.newsletter):
        return "unsubscribed"
    if edition.tiers and tier not in edition.tiers:
        return "tier"
    return ""


def edition_mail(
    edition: Edition, contents: Contents, membership: Membership, member: str, tier: str, site: Site
) -> Mail:  # fmt: skip
    """Return a reader's copy of an edition."""
    shown = contents.mails.get(tier) or contents.mails[site.tiers[0]]
    headers = unsubscribe_headers(member, membership, site.base_url, edition.newsletter, edition.id)
    link = headers["List-Unsubscribe"][1:-1]
    host = urlsplit(site.base_url).hostname or "localhost"
    name = one_line(site.name, 80)
    return Mail(
        to=membership.email,
        sender_name=name,
        subject=contents.subject,
        text=shown.text.replace(UNSUBSCRIBE, link),
        html=shown.html.replace(UNSUBSCRIBE, escape(link)),
        headers={
            **headers,
            "List-Id": f"<{edition.newsletter}.{host}>",
            "Precedence": "bulk",
            "Feedback-ID": f"{edition.id.replace('/', '.')[-60:]}:{edition.newsletter}:{edition.kind}:nightdesk",
        },
        tags={"edition": edition_tag(edition.id), "reader": member},
    )
