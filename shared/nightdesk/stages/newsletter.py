"""Newsletter: plans editions, and takes in what the mail provider reports of them."""

from __future__ import annotations

from typing import ClassVar

from nightdesk.domain.events import ArticleGated, EditionRequested, MembershipChanged, NewslettersDue
from nightdesk.domain.mail_reports import MailReturned
from nightdesk.rendering.environment import Theme
from nightdesk.stages.batch import Detail, Note, silent
from nightdesk.usecases.newsletters.feedback import record_feedback, record_unsubscription
from nightdesk.usecases.newsletters.pages import ensure_archive, refresh_showing
from nightdesk.usecases.newsletters.planning import plan
from nightdesk.usecases.newsletters.ports import NewsletterPorts
from nightdesk.usecases.newsletters.starting import continue_editions, mail_article, start_digests


class NewsletterBatch:
    """Plans each message's edition by itself; what is due is looked up once for all messages of the batch."""

    handles: ClassVar[tuple[type[Detail], ...]] = (
        ArticleGated,
        EditionRequested,
        MailReturned,
        MembershipChanged,
        NewslettersDue,
    )

    def __init__(self, ports: NewsletterPorts, theme: Theme, note: Note = silent) -> None:
        self._ports = ports
        self._theme = theme
        self._note = note
        self._due = False

    def handle(
        self, detail: ArticleGated | EditionRequested | MailReturned | MembershipChanged | NewslettersDue
    ) -> None:
        """Plan an edition, make editions' pages without an article or with it, or count a report or a reader who unsubscribed."""
        if isinstance(detail, NewslettersDue):
            self._due = True
        elif isinstance(detail, EditionRequested):
            plan(detail.edition, self._ports, self._theme)
            self._note("planned", edition=detail.edition)
        elif isinstance(detail, MailReturned):
            outcome = record_feedback(detail, self._ports)
            self._note("mail returned", edition=detail.edition, member=detail.member, outcome=outcome)
        elif isinstance(detail, MembershipChanged):
            outcome = record_unsubscription(detail.edition, detail.id, self._ports)
            self._note("unsubscribed", edition=detail.edition, member=detail.id, outcome=outcome)
        else:
            if detail.newsletter != "live":
                refresh_showing(detail.slug, self._ports, self._theme)
            if detail.newsletter != "gone":
                self._note("article", slug=detail.slug, edition=mail_article(detail.slug, self._ports, self._theme))

    def finish(self) -> None:
        """Plan the digests that are due, and continue what an earlier run left undone."""
        if self._due:
            ensure_archive(self._ports, self._theme)
            started = start_digests(self._ports, self._theme)
            self._note("due", started=started, continued=continue_editions(self._ports, self._theme))
