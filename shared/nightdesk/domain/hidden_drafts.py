"""Keys of other systems that keep an article from readers, as `draft: true` does here.

To ignore one would publish what its author hides. A key whose value has no such meaning, as in `live: https://…`, is an
unknown key like any other, and is warned of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from nightdesk.domain.draft_dates import WAITING
from nightdesk.domain.frontmatter import Node
from nightdesk.domain.keys import KeyReader, Value
from nightdesk.domain.possible_embargoes import values_within
from nightdesk.domain.problems import Kind
from nightdesk.domain.site import Site

_HIDING = (
    *("hidden", "private", "unlisted", "unpublished", "is_draft", "wip", "headless", "protected", "restricted"),
    *("paywall", "paywalled", "premium", "gated", "paid", "paid_only", "members_only", "member_only"),
    *("subscribers_only", "subscriber_only", "eleventyExcludeFromCollections"),
)
"""Flags that hide; any other value rejects the draft, because it may mean the same."""
_HIDING_IF_TRUE = (
    *(
        "embargoed",
        "under_embargo",
        "on_hold",
        "hold",
        "not_ready",
        "do_not_publish",
        "dont_publish",
        "not_for_publication",
    ),
    *("confidential", "internal", "internal_only", "secret"),
)
"""Flags that hide; any other value may mean something else."""
_YES, _NO = ("true", "yes", "on", "y", "1"), ("false", "no", "off", "n", "0", "")
_SHOWING = (
    "publish",
    "is_published",
    "live",
    "public",
    "visible",
    "enabled",
    "active",
    "ready",
    "permalink",
    "render",
    *("approved", "ready_to_publish"),
)
"""Flags that hide with the value false."""
_STATES = (
    "state",
    "post_status",
    "workflow",
    "workflow_state",
    "review",
    "review_status",
    "approval_status",
    "stage",
    "phase",
    *("publish_status", "publication_status", "publishing_status", "article_status"),
)
_UNREADY = frozenset(["draft", "pending", "private", "hidden", "review", "unpublished", "future", "trash", "wip"])
_AUDIENCES = ("audience",)
_TIERS = frozenset(["access", "visibility", "tier", *_AUDIENCES])
_BUILDS = ("_build", "build")
_SECRETS = ("password",)
"""Keys that hide with any value."""


def hiding_keys(keys: KeyReader) -> list[Value]:
    """Return the values that keep an article from readers, besides `draft`, `status` and `published`."""
    hidden = [each for each in keys.typed(*_HIDING) if each.node and _hides(each, each.node)]
    hidden += keys.when(_HIDING_IF_TRUE, _is_yes)
    hidden += keys.when(_SHOWING, _is_no)
    hidden += keys.when(_STATES, _is_unready)
    hidden += keys.when(_AUDIENCES, _is_closed)
    hidden += keys.when(_BUILDS, _is_never_built)
    return hidden + keys.when(_SECRETS, _is_said)


def flags_to_refuse(unknown: Mapping[str, Node], site: Site) -> Iterator[tuple[str, Node]]:
    """Yield the path of each flag inside another key that may be meant to keep an article from readers, or from some, and its value.

    Args:
        unknown: the keys that nothing has read.
        site: the site's settings, for its tiers.
    """
    closed = {*site.tiers[1:], *_UNREADY}
    for path, node in values_within(unknown):
        name = re.sub("[-_ ]", "", path[-1].lower())
        is_closed = name in _TIERS and (_word(node) in closed or _is_closed(node))
        if len(path) > 1 and (is_closed or any(name in names and is_meant(node) for names, is_meant in _WITHIN)):
            yield ".".join(path), node


def refuse_hiding(keys: KeyReader, is_page: bool) -> None:
    """Report each key with which an author would keep a profile, a page or an update from readers: these are always public.

    Args:
        is_page: mind the keys of other systems as well, which may mean something else in a profile.
    """
    found = keys.when(("draft",), _is_yes) + keys.when(("status",), _is_unready) + keys.when(("published",), _is_no)
    found += keys.when(("access", "visibility", "tier"), _is_for_some) + keys.when(("publish_at", *WAITING), _is_said)
    for each in found + (hiding_keys(keys) if is_page else []):
        each.report(Kind.KEPT_NOT_ALLOWED)


def _is_yes(node: Node) -> bool:
    return _word(node) in _YES


def _is_for_some(node: Node) -> bool:
    return _word(node) not in ("public", "")


def _hides(value: Value, node: Node) -> bool:
    return _word(node) in _YES or (not _is_no(node) and value.flag())


def _is_no(node: Node) -> bool:
    return _word(node) in _NO


def _word(node: Node) -> str:
    return node.value.strip().lower() if isinstance(node.value, str) else "a list"


def _is_unready(node: Node) -> bool:
    return _word(node) in _UNREADY


def _is_closed(node: Node) -> bool:
    """Return True for Substack's `only_paid` and the like."""
    return isinstance(node.value, str) and any(
        word in _word(node) for word in ("paid", "member", "subscriber", "founding")
    )


def _is_never_built(node: Node) -> bool:
    """Return True for Hugo's build options that keep a page from the site, or from all lists."""
    options = node.value if isinstance(node.value, dict) else {}
    return any(_word(each) in ("never", *_NO) for name, each in options.items() if name in ("render", "list"))


def _is_said(node: Node) -> bool:
    return bool(node.value) and not _is_no(node)


_WITHIN: tuple[tuple[frozenset[str], Callable[[Node], bool]], ...] = (
    (frozenset(["draft", "isdraft", "unpublished", "embargoed", "onhold", "donotpublish"]), _is_yes),
    (frozenset(["private", "membersonly", "subscribersonly", "paidonly", "paywall", "paywalled", "premium"]), _is_yes),
    (frozenset(["published", "ispublished"]), _is_no),
    (frozenset(["status", "poststatus", "publishstatus", "publicationstatus"]), _is_unready),
)
"""Names of flags inside other keys, and which of their values hide."""
