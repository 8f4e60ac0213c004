"""What a request of the readers' API works with: the ports, the time, the site's settings and the theme."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from nightdesk.domain.errors import Transient
from nightdesk.domain.mail import Mail
from nightdesk.domain.site import Site, is_return_path
from nightdesk.entrypoints.http import Request, cookie
from nightdesk.entrypoints.logs import logger
from nightdesk.ports import ReaderPorts
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.readers import payments
from nightdesk.usecases.readers.form_tokens import session_token
from nightdesk.usecases.readers.sessions import (
    RENEWAL_COOKIE,
    RENEWAL_SECONDS,
    SESSION_COOKIE,
    Reader,
    authenticate,
    issue_token,
)
from nightdesk.usecases.readers.sign_in_mail import LIFETIME_SECONDS

from .problems import Onward, ReaderProblem

if TYPE_CHECKING:
    from nightdesk.rendering.environment import Theme
    from nightdesk.rendering.texts import Catalogue

FORM_TOKEN_HEADER = "x-form-token"
_ONWARD = {
    "front": ("nav.front_page", "/"),
    "sign_in": ("sign_in.heading", "/signin/"),
    "account": ("account.heading", "/account/#data-title"),
}
"""For each way onward, the label of the link and its path."""
_SITE_SECONDS = 60.0
_site: dict[str, tuple[float, Site]] = {}
_themes: dict[str, Theme] = {}


@dataclass(frozen=True, slots=True)
class ReaderContext:
    """The surroundings of one request.

    Args:
        theme_dir: the theme's folder, if it is not in its layer.
    """

    ports: ReaderPorts
    now: datetime
    theme_dir: str = ""

    def origin(self, request: Request) -> str:
        """Return the site's URL: the configured one, or else the distribution's, which it sends in a header."""
        return (self.ports.base_url or f"https://{request.headers.get('x-viewer-host', '')}").rstrip("/")

    @property
    def site(self) -> Site:
        """The site's settings, at most a minute old."""
        known = _site.get("")
        if not known or known[0] < time.monotonic():
            known = _site[""] = time.monotonic() + _SITE_SECONDS, load_site(self.ports)
        return known[1]

    @property
    def theme(self) -> Theme:
        """The theme. It is loaded on first use, because few requests render a page."""
        if self.theme_dir not in _themes:
            from nightdesk.rendering.environment import find_theme

            _themes[self.theme_dir] = find_theme(self.theme_dir)
        return _themes[self.theme_dir]

    @property
    def text(self) -> Catalogue:
        """The messages in the language of the site; in English as long as its settings cannot be read."""
        try:
            return self.theme.text(self.site)
        except Transient:
            return self.theme.text(Site())

    def caller(self, request: Request) -> str:
        """Return the reader's IP address, which the distribution sends in a header."""
        return request.headers.get("x-viewer-ip", "")

    def find_reader(self, request: Request) -> Reader | None:
        """Return the signed-in reader who sent a request."""
        return authenticate(request.cookies, self.ports, self.now)

    def require_reader(self, request: Request) -> Reader:
        """Return the signed-in reader who sent a request.

        Raises:
            ReaderProblem: the reader is not signed in.
        """
        reader = self.find_reader(request)
        if not reader:
            raise ReaderProblem(401, "signed_out")
        return reader

    def refresh_if_due(self, reader: Reader) -> Reader:
        """Return a reader whose membership is refreshed if a renewal is due."""
        return self.refresh(reader) if payments.needs_refresh(reader, self.ports, self.now) else reader

    def refresh(self, reader: Reader) -> Reader:
        """Return a reader with what is paid for now, or unchanged if the payment provider cannot be reached."""
        if not self.ports.can_pay:
            return reader
        try:
            return payments.refresh_reader(reader, self.site, self.ports, self.now)
        except Transient as error:
            logger.warning("payment provider unreachable", exc_info=error)
            return reader

    def session_cookies(self, reader: Reader, renewal: str = "") -> tuple[str, ...]:
        """Return the cookies of a session: a fresh token, and the renewal cookie if the session is new or was extended."""
        token = issue_token(reader, self.site, self.ports, self.now)
        renewal_cookies = (cookie(RENEWAL_COOKIE, renewal, RENEWAL_SECONDS),) if renewal else ()
        return (*renewal_cookies, cookie(SESSION_COOKIE, token.value, token.seconds))

    def form_token(self, reader: Reader) -> str:
        """Return the token that a signed-in reader's forms must have."""
        return session_token(reader, self.ports)

    def token_header(self, reader: Reader) -> dict[str, str]:
        """Return the header from which programs learn that token."""
        return {FORM_TOKEN_HEADER: self.form_token(reader)}

    def message_page(self, heading: str, detail: str, onward: Onward = "front") -> str:
        """Return a page with a message, and a link onward."""
        from nightdesk.rendering.contexts import Link
        from nightdesk.rendering.reader_pages import message_html

        key, path = _ONWARD[onward]
        return message_html(self.theme, self.site, heading, detail, Link(self.text(key), path))

    def sign_in_page(self, problem: str, return_to: str, newsletter: bool) -> str:
        """Return the page that asks for an address, with what was wrong with the last one (a key of the theme's texts)."""
        from nightdesk.rendering.standing_pages import sign_in_again_html

        return sign_in_again_html(self.theme, self.site, self.text(f"{problem}.detail"), return_to, newsletter)

    def code_page(self, problem: ReaderProblem) -> str:
        """Return the page that asks for a code, with what was wrong with the last one."""
        from nightdesk.rendering.standing_pages import code_html

        explained = problem.explain(self.text)
        return code_html(
            self.theme, self.site, True, self.text("code.problem", title=explained.title, detail=explained.detail)
        )

    def sign_in_mail(self, email: str, link: str, code: str) -> Mail:
        """Return the mail that signs the owner of an address in."""
        from nightdesk.rendering.reader_pages import SignIn, sign_in_mail

        return sign_in_mail(self.theme, self.site, SignIn(email, link, code, LIFETIME_SECONDS // 60))


_OF_THE_SITE = ("gift", "preview", "renewed", "session", "return_to")
_LONGEST_QUERY = 2000
CLEAR_SESSION = (cookie(RENEWAL_COOKIE, "", 0), cookie(SESSION_COOKIE, "", 0))
"""Cookies that sign a browser out."""


def rest_of_query(request: Request) -> str:
    """Return what a reader's request for a page had in its query, such as a campaign's name, for the query of the page to go back to."""
    kept = urlencode([(name, value) for name, value in request.query.items() if name not in _OF_THE_SITE])
    return f"&{kept}" if kept and len(kept) <= _LONGEST_QUERY else ""


def return_path(posted: str, request: Request) -> str:
    """Return the page to open afterwards: as posted, or from the query of the page with the form; else an empty string.

    Forms are on static pages, which cannot include the page that their reader came from.
    """
    if not posted:
        query = request.headers.get("referer", "").partition("#")[0].partition("?")[2]
        posted = dict(parse_qsl(query)).get("return_to", "")
    return posted if is_return_path(posted) else ""
