"""`make pages`: whether pages reach the scores of Lighthouse that we promise, and are valid HTML. Part of `.ci/run`.

Scores of performance depend on what else the machine does. A page fails only if most of five runs stay below its goal.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nightdesk.domain.memberships import Membership
from nightdesk.domain.site import Offer, Price, Site
from nightdesk.rendering.contexts import Link
from nightdesk.rendering.environment import find_theme
from nightdesk.rendering.reader_contexts import AccountForms
from nightdesk.rendering.reader_pages import account_html, confirm_html, message_html, unsubscribe_html
from nightdesk.rendering.standing_pages import code_html, sign_in_again_html

from .chromium import HOW_TO_GET_IT, chromium
from .lighthouse import audit_site, built_site, install, report, run_script
from .measure import ROOT, median

_NOW = datetime(2026, 11, 30, tzinfo=UTC)
_WITH_PHOTOGRAPHS, _PLAIN = 95, 98
_GOALS = {
    "front page, with photographs": _WITH_PHOTOGRAPHS,
    "article with photographs": _WITH_PHOTOGRAPHS,
    "the same for a member": _WITH_PHOTOGRAPHS,
    "topic, with photographs": _WITH_PHOTOGRAPHS,
    "article with drawings alone": _PLAIN,
    "search": _PLAIN,
}
"""The performance that each page must reach."""
_LCP_MS, _CLS = 2500, 0.02
_RUNS, _MOST_RUNS, _SECONDS = 3, 5, 120


def main() -> int:
    """Check the pages, and print what was found. Returns 1 if a page is not as it should be."""
    if not chromium():
        print(f"Pages are not checked: {HOW_TO_GET_IT}.")
        return 0
    try:
        install()
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        print(f"Pages are not checked: Lighthouse and html-validate could not be installed by npm ({error}).")
        return 0
    with TemporaryDirectory() as folder:
        site = built_site(Path(folder))
        write_reader_pages(site / "readers")
        problems = [*html_problems(site), *lighthouse_problems(site)]
    print("".join(f"- {each}\n" for each in problems) or "Every page is valid and reaches its scores.\n")
    return 1 if problems else 0


def html_problems(site: Path) -> Iterator[str]:
    """Yield what is invalid on the pages of a folder, each kind of mistake once."""
    files = sorted(site.rglob("*.html"))
    invalid = run_script("html_validate.mjs", {"files": [str(path) for path in files]})
    print(f"html-validate: {len(files)} pages\n")
    found = {(each["rule"], each["message"]): each for each in reversed(invalid)}
    for each in found.values():
        yield f"{Path(each['file']).relative_to(site)}:{each['line']}: {each['message']} ({each['rule']})"


def lighthouse_problems(site: Path) -> Iterator[str]:
    """Yield what Lighthouse finds below our goals."""
    found = audit_site(site, _RUNS, goals=_GOALS, most=_MOST_RUNS, seconds=_SECONDS)
    print(report(found, "Lighthouse, phone, median"))
    for name, runs in found:
        yield from page_problems(name, runs, _GOALS[name])


def page_problems(name: str, runs: list[dict[str, Any]], goal: int) -> Iterator[str]:
    """Yield what is wrong with a page by its runs."""
    scores = [round(run["scores"]["performance"]) for run in runs]
    if sum(score < goal for score in scores) > _MOST_RUNS // 2:
        yield f"{name}: performance {', '.join(map(str, scores))}; the goal is {goal}"
    yield from sorted({f"{name}: {text}" for run in runs for text in run["failed"]})
    for key in ("accessibility", "best-practices", "seo"):
        if (score := median([run["scores"][key] for run in runs])) < 100:
            yield f"{name}: {key} {score:.0f}; the goal is 100"
    if (lcp := median([run["numbers"]["lcp"] for run in runs])) > _LCP_MS:
        yield f"{name}: LCP {lcp / 1000:.2f} s; the limit is {_LCP_MS / 1000} s"
    if (cls := median([run["numbers"]["cls"] for run in runs])) > _CLS:
        yield f"{name}: CLS {cls:.3f}; the limit is {_CLS}"


def write_reader_pages(folder: Path) -> None:
    """Write the pages that the readers' API makes on request, which no build contains."""
    theme = find_theme(str(ROOT / "layers" / "theme"))
    offers = (Offer("member", "Member", (Price("month", "price_1", "€5"),)),)
    site = Site(name="The Quay", base_url="https://quay.example", offers=offers, can_sign_in=True)
    text, email = theme.text(site), "reader@quay.example"
    member = Membership(
        email,
        confirmed=_NOW.isoformat(),
        complimentary={"tier": "member", "until": ""},
        newsletters=("newsletter",),
        feed="digest",
        feed_since=_NOW.isoformat(),
    )
    forms = AccountForms("token", True, True, "https://quay.example/api/feed/1/2")
    pages = {
        "account": account_html(theme, site, member, _NOW, forms, "Saved"),
        "account-public": account_html(theme, site, Membership(email), _NOW, AccountForms("token", False, True)),
        "confirm": confirm_html(theme, site, email, "token", ""),
        "confirm-elsewhere": confirm_html(theme, site, email, "token", "form"),
        "unsubscribe": unsubscribe_html(theme, site, "/api/unsubscribe?reader=1&key=2"),
        "message": message_html(theme, site, "Heading", "Text", Link(text("nav.front_page"), "/")),
        "code": code_html(theme, site, True, "Problem"),
        "sign-in": sign_in_again_html(theme, site, "Problem", "/articles/x/", True),
    }
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
