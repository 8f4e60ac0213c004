"""What comes of newsletters that were sent: addresses that do not work, complaints, and readers who unsubscribe.

The first two, which the mail provider reports, stop all further newsletters to the address. An edition that brings too many of them is held, before the provider stops all
mail of the newsroom.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from nightdesk.domain.mail_reports import MailReturned
from nightdesk.domain.newsletters import HELD, MAILED, TRYING, UNSURE, Edition
from nightdesk.repositories import editions_table, memberships_table
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.usecases.newsletters.ports import NewsletterPorts
from nightdesk.usecases.readers.members import BLOCKED, BOUNCED, COMPLAINED, DELETED, suppress

MAX_BOUNCES, MAX_COMPLAINTS = 0.04, 0.001
"""The shares of an edition's copies above which it is held. SES reviews an account above 5 % and 0.1 %."""
_LEAST_MAILED = {"bounced": 50, "complained": 1000}
"""Copies that count at least, so that one bounce among five readers holds nothing."""
UNSUBSCRIBED = "unsubscribed"
_SENT = (MAILED, UNSURE, TRYING)
"""The states of copies that may have arrived."""
_SOFT_BOUNCES = 3
"""This many passing failures within the time below count as a permanent one."""
_REMEMBERED = timedelta(days=30)
_KINDS = {"complaint": "complained", "bounce": "bounced"}
"""The count that a report adds to, by its kind."""
HOLD_BOUNCES = "too many of its copies came back"
HOLD_COMPLAINTS = "too many readers complained about it"


def record_feedback(report: MailReturned, ports: NewsletterPorts) -> str:
    """Count a report once, and stop mail to the address if it does not work or its reader complained.

    Returns:
        `bounced`, `complained`, `soft`, or an empty string for a report that was counted before.
    """
    now = ports.pipeline.clock()
    ttl = int((now + _REMEMBERED).timestamp())
    kind = _KINDS.get(report.kind) or _passing(report, ports, ttl)
    if kind not in _KINDS.values():
        return kind
    # First, because it may be repeated without harm; a run that dies after counting would leave it out.
    if memberships_table.suppression(ports.memberships, report.member) not in (BLOCKED, DELETED):
        suppress(report.member, BOUNCED if kind == "bounced" else COMPLAINED, ports.memberships, now)
    counted = _count_once(report.id, kind, report.edition, ports, ttl)
    if report.kind == "soft":
        _begin_afresh(report.member, ports)
    return counted


def record_unsubscription(edition: str, member: str, ports: NewsletterPorts) -> str:
    """Count a reader who unsubscribed by the link of an edition, once.

    Returns:
        `unsubscribed`, or an empty string for one who was counted before, or has no copy.
    """
    copy = editions_table.find_recipient(ports.editions, edition, member)
    if not copy or copy.state not in _SENT:
        return ""
    ttl = int((ports.pipeline.clock() + _REMEMBERED).timestamp())
    return _count_once(f"{edition}#{member}", UNSUBSCRIBED, edition, ports, max(ttl, copy.ttl))


def _count_once(identifier: str, kind: str, edition: str, ports: NewsletterPorts, ttl: int) -> str:
    """Count a report about an edition, and return its kind; an empty string if it was counted before."""
    counted = editions_table.feedback_change(identifier, kind, ttl)

    def attempt() -> str:
        stored = editions_table.find_edition(ports.editions, edition)
        if not stored or editions_table.is_counted(ports.editions, identifier, kind):
            return ""
        after = _held(stored.edition.count({kind: 1}))
        ports.editions.write([counted, editions_table.edition_change(after, stored.version)])
        return kind

    return compare_and_swap(attempt, "the edition")


def _passing(report: MailReturned, ports: NewsletterPorts, ttl: int) -> str:
    """Record once that a mail bounced for a passing reason. Return `bounced` if that happens too often, else as `record_feedback` does."""
    now = int(ports.pipeline.clock().timestamp())
    oldest = now - _REMEMBERED.total_seconds()

    def attempt() -> str:
        if any(editions_table.is_counted(ports.editions, report.id, kind) for kind in ("soft", "bounced")):
            return ""
        found = editions_table.passing_failures(ports.editions, report.member)
        times = (*(each for each in found.times if each > oldest), now)
        if len(times) >= _SOFT_BOUNCES:
            return "bounced"
        counted = editions_table.feedback_change(report.id, "soft", ttl)
        after = found._replace(times=times)
        ports.editions.write([counted, editions_table.failures_change(report.member, after, ttl)])
        return "soft"

    return compare_and_swap(attempt, "the reader's failures")


def _begin_afresh(member: str, ports: NewsletterPorts) -> None:
    """Delete a reader's failures, once they have stopped newsletters: a reader who subscribes again starts with none."""

    def attempt() -> None:
        found = editions_table.passing_failures(ports.editions, member)
        if found.version is not None:
            ports.editions.write([editions_table.failures_change(member, found._replace(times=()), 0)])

    compare_and_swap(attempt, "the reader's failures")


def _held(edition: Edition) -> Edition:
    """Return the edition, held if too many of its copies came back or brought complaints since an editor went on with it."""
    if not edition.is_open:
        return edition
    since = {kind: number - edition.released.get(kind, 0) for kind, number in edition.counts.items()}
    mailed = since.get(MAILED, 0)
    for kind, share, reason in (
        ("bounced", MAX_BOUNCES, HOLD_BOUNCES),
        ("complained", MAX_COMPLAINTS, HOLD_COMPLAINTS),
    ):
        if since.get(kind, 0) > share * max(mailed, _LEAST_MAILED[kind]):
            return replace(edition, state=HELD, reason=reason)
    return edition
