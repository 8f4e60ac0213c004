"""What routes work with: ports, the moment, the site's settings, and pages in its look."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from nightdesk.domain.errors import Transient
from nightdesk.domain.mail import Mail
from nightdesk.domain.site import Site, is_return_path
from nightdesk.http import HttpError, Request, cookie
from nightdesk.reader_runtime import logger
from nightdesk.usecases import payments
from nightdesk.usecases.ports import ReaderPorts
from nightdesk.usecases.sessions import RENEWAL, RENEWAL_SECONDS, SESSION, Reader, token, who
from nightdesk.usecases.sign_in import SECONDS
from nightdesk.usecases.stored import load_site

if TYPE_CHECKING:
    from nightdesk.rendering.environment import Theme

_SITE_SECONDS = 60.0
_site: dict[str, tuple[float, Site]] = {}
_themes: dict[str, Theme] = {}


@dataclass(frozen=True, slots=True)
class Desk:
    """One request's surroundings.

    Args:
        theme_dir: where the theme is, when not in its layer.
    """

    ports: ReaderPorts
    now: datetime
    theme_dir: str = ""

    def origin(self, request: Request) -> str:
        """The site's own address: the configured one, or else that of the distribution, which says so itself."""
        return (self.ports.base_url or f"https://{request.headers.get('x-viewer-host', '')}").rstrip("/")

    @property
    def site(self) -> Site:
        """The site's settings; they may be a minute old."""
        known = _site.get("")
        if not known or known[0] < time.monotonic():
            known = _site[""] = time.monotonic() + _SITE_SECONDS, load_site(self.ports)
        return known[1]

    @property
    def theme(self) -> Theme:
        """The theme. Few requests show a page, so only those wait for it to load."""
        if self.theme_dir not in _themes:
            from nightdesk.rendering.environment import find_theme

            _themes[self.theme_dir] = find_theme(self.theme_dir)
        return _themes[self.theme_dir]

    def reader(self, request: Request) -> Reader | None:
        """Who asks, when signed in."""
        return who(request.cookies, self.ports, self.now)

    def must_read(self, request: Request) -> Reader:
        """Who asks.

        Raises:
            HttpError: nobody who is signed in.
        """
        reader = self.reader(request)
        if not reader:
            raise HttpError(401, "Not signed in", "Please sign in first.")
        return reader

    def with_news(self, reader: Reader) -> Reader:
        """A reader, whose membership is looked up at the payment provider if it should have been heard of by now."""
        return self.asked_for_news(reader) if payments.lacks_news(reader, self.ports, self.now) else reader

    def asked_for_news(self, reader: Reader) -> Reader:
        """A reader with what is paid for at this moment, or with what was last known of it where nobody can be asked."""
        if not self.ports.can_pay:
            return reader
        try:
            return payments.refreshed(reader, self.site, self.ports, self.now)
        except Transient as error:
            logger.warning("no news of what a reader pays for", exc_info=error)
            return reader

    def session_cookies(self, reader: Reader, renewal: str = "") -> tuple[str, ...]:
        """The cookies of a session: a token of what the membership gives now and, where it is new or longer, its secret."""
        made = token(reader, self.site, self.ports, self.now)
        kept = (cookie(RENEWAL, renewal, RENEWAL_SECONDS),) if renewal else ()
        return (*kept, cookie(SESSION, made.value, made.seconds))

    def sign_in_mail(self, email: str, link: str, code: str) -> Mail:
        """The mail to whoever wants to sign in."""
        from nightdesk.rendering.reader_pages import sign_in_mail

        return sign_in_mail(self.theme, self.site, email, link, code, SECONDS // 60)


NO_SESSION = (cookie(RENEWAL, "", 0), cookie(SESSION, "", 0))
"""What signs a browser out."""


def return_path(text: str, request: Request) -> str:
    """Where a reader wants to be: as posted, or as the address of the page that was posted from says; else nothing.

    Forms stand on static pages, which cannot write into them where their reader came from.
    """
    if not text:
        query = request.headers.get("referer", "").partition("#")[0].partition("?")[2]
        text = dict(parse_qsl(query)).get("return_to", "")
    return text if is_return_path(text) else ""
