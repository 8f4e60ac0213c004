"""Warnings about `site.yaml` that depend on the time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nightdesk.domain.frontmatter import decode, parse_yaml
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.site_file import parse_site


def settings_warnings(raw: bytes, now: datetime) -> Sequence[Problem]:
    """Return a warning if the date of the security contact has passed: it must not be used after that (RFC 9116, 2.5.5).

    Args:
        raw: settings that can be parsed.
    """
    security = parse_site(raw)[0].security
    if not security or datetime.fromisoformat(security.expires) > now:
        return ()
    node = parse_yaml(decode(raw))["security"]
    typed = node.value[-1] if isinstance(node.value, list) else node
    expires = typed.value["expires"] if isinstance(typed.value, dict) else typed
    return (Kind.SECURITY_EXPIRED.at(expires.line, "security.expires", typed=expires.value),)
