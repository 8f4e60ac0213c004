"""Standing pages, error pages, and the static pages of signing in and paying."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import CODE_PATH, SEARCH_PATH, SIGN_IN_PATH, THANKS_PATH
from nightdesk.rendering.contexts import NewsletterChoice, PageContext, SearchContext
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.page_parts import page_head, site_context, unlisted_head
from nightdesk.rendering.process_contexts import AiRole, Persona, Process

_MOST_ROLES = 20
"""How many roles of AI a page names."""


class StandingPage(NamedTuple):
    """What a standing page shows.

    Attributes:
        body: sanitised HTML.
        form: name of the template in the theme's `forms/` to show with the text; empty for none.
        can_sign_in: True if the site can send sign-in mails.
        unlisted: True if search engines must not list the page.
        problem: what was wrong with what the reader entered in the form; empty for nothing.
        return_to: the page to open after signing in, where the page's own address does not name it.
        process: as for `PageContext`.
    """

    heading: str
    path: str
    body: str
    form: str = ""
    can_sign_in: bool = True
    unlisted: bool = False
    problem: str = ""
    return_to: str = ""
    process: Process | None = None


def process_of(site: Site, authors: Sequence[Mapping[str, Any]], roles: Sequence[Sequence[str]] = ()) -> Process:
    """Return what the settings, the authors' profiles and the articles say of how articles come about.

    Args:
        roles: those of AI in each of the newest articles that name any, the newest first.
    """
    personas = (
        Persona(author["name"], f"/authors/{author['id']}/", author["responsible_editor"])
        for author in authors
        if not author["human"]
    )
    names: dict[str, str] = {}
    articles: Counter[str] = Counter()
    for each in roles:
        articles.update({role.casefold() for role in each})
        for role in each:
            names.setdefault(role.casefold(), role)
    counted = sorted(
        (AiRole(names[key], count) for key, count in articles.items()), key=lambda role: (-role.articles, role.name)
    )
    approved = site.require_approval
    return Process(tuple(sorted(personas)), "ai" in approved, "human" in approved, tuple(counted[:_MOST_ROLES]))


def page_html(theme: Theme, site: Site, page: StandingPage) -> str:
    """Return a standing page."""
    head = (unlisted_head if page.unlisted else page_head)(site, page.heading, page.path)
    context = PageContext(
        site=site_context(theme, site),
        head=head,
        heading=page.heading,
        body=Markup(page.body),
        form=page.form,
        can_sign_in=page.can_sign_in,
        problem=page.problem,
        return_to=page.return_to,
        process=page.process,
        newsletters=tuple(NewsletterChoice(digest.id, digest.title) for digest in site.newsletters),
    )
    return theme.render("page.html", context)


def sign_in_html(theme: Theme, site: Site, can_sign_in: bool) -> str:
    """Return the page on which a reader asks for a sign-in mail."""
    heading, body = theme.text(site)("sign_in.heading"), theme.text(site)("sign_in.intro_html")
    return page_html(theme, site, StandingPage(heading, SIGN_IN_PATH, body, "signin", can_sign_in, unlisted=True))


def sign_in_again_html(theme: Theme, site: Site, problem: str, return_to: str, newsletter: bool) -> str:
    """Return the page on which a reader corrects an address.

    Args:
        newsletter: True if the reader asks for the newsletter as well.
    """
    form = "newsletter" if newsletter else "signin"
    heading = theme.text(site)("nav.newsletter" if newsletter else "sign_in.heading")
    page = StandingPage(heading, SIGN_IN_PATH, "", form, unlisted=True, problem=problem, return_to=return_to)
    return page_html(theme, site, page)


def code_html(theme: Theme, site: Site, can_sign_in: bool, problem: str = "") -> str:
    """Return the page on which a reader types the code from that mail.

    Args:
        problem: what was wrong with the last code; empty for the first.
    """
    heading, body = theme.text(site)("code.heading"), "" if problem else theme.text(site)("code.intro_html")
    page = StandingPage(heading, CODE_PATH, body, "code", can_sign_in, unlisted=True, problem=problem)
    return page_html(theme, site, page)


def thanks_html(theme: Theme, site: Site) -> str:
    """Return the page to which a reader comes back after paying."""
    heading, body = theme.text(site)("thanks.heading"), theme.text(site)("thanks.body_html")
    return page_html(theme, site, StandingPage(heading, THANKS_PATH, body, unlisted=True))


def search_html(theme: Theme, site: Site) -> str:
    """Return the search page. Its script finds articles; without scripts, its form leads to the archive."""
    text, heading = theme.text(site), theme.text(site)("search.heading")
    messages = {
        "language": text.language,
        "found": text.forms("search.found"),
        "none": text("search.none"),
        "failed": text("search.failed"),
        "separator": text("list.separator"),
    }
    head = page_head(site, heading, SEARCH_PATH, text("search.description", site=site.name))
    return theme.render(
        "search.html", SearchContext(site_context(theme, site), head, heading, json.dumps(messages, ensure_ascii=False))
    )


def not_found_html(theme: Theme, site: Site) -> str:
    """Return the error page for an address that has no page."""
    return _error_html(theme, site, "not_found.heading", "not_found.body_html")


def gone_html(theme: Theme, site: Site) -> str:
    """Return the error page for a page that is no longer published."""
    return _error_html(theme, site, "page_gone.heading", "page_gone.body_html")


def article_gone_html(theme: Theme, site: Site) -> str:
    """Return the page of an article that is no longer published."""
    return _error_html(theme, site, "article_gone.heading", "article_gone.body_html")


def _error_html(theme: Theme, site: Site, heading: str, body: str) -> str:
    return page_html(theme, site, StandingPage(theme.text(site)(heading), "/", theme.text(site)(body), unlisted=True))
