"""The rules of MemberPress, which keep posts, pages, categories or addresses of a WordPress site for members."""

from __future__ import annotations

import re
from typing import NamedTuple

from .addresses import normal, parts_of
from .report import ASKED, Report
from .wxr import Record

_TERMS = {"category": "category", "tag": "post_tag"}


class Rule(NamedTuple):
    """A rule.

    Attributes:
        kind: what it is about, such as `single_post` or `category`.
        content: which of them; of `all_…`, which not.
    """

    kind: str
    content: str


class MemberPressRules:
    """Collects the rules of an export, and says which posts they hide."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._rules: list[Rule] = []
        self._term_ids: dict[tuple[str, str], str] = {}

    def add_term(self, taxonomy: str, identifier: str, slug: str) -> None:
        """Add a term, which rules may name by its number."""
        self._term_ids[taxonomy, slug] = identifier

    def add(self, record: Record, name: str) -> None:
        """Add a rule; one that names its posts in another way than is known here is reported."""
        if record.get("wp:status") != "publish":
            return
        rule = Rule(record.setting("_mepr_rules_type"), record.setting("_mepr_rules_content"))
        is_pattern = rule.kind == "custom" and record.setting("_is_mepr_rules_content_regexp") in ("1", "true", "on")
        if is_pattern or not re.match(r"(?:all|single)(?:_|$)|(?:category|tag|parent_\w+|partial|custom)$", rule.kind):
            what = "a rule of MemberPress cannot be applied; look for the posts that it keeps for members"
            self._report.add(ASKED, name, record.line, what, f"{rule.kind}: {rule.content}")
            return
        self._rules.append(rule)

    def hide(self, record: Record) -> bool:
        """Return True if a rule hides a post."""
        return any(self._hides(rule, record) for rule in self._rules)

    def _hides(self, rule: Rule, record: Record) -> bool:
        identifier, kind = record.get("wp:post_id"), record.get("wp:post_type")
        if rule.kind.startswith("all_tax_"):
            taxonomy = rule.kind.removeprefix("all_tax_")
            return any(term.domain == taxonomy for term in record.categories)
        if rule.kind in ("all", f"all_{kind}"):
            return identifier not in re.split(r"[\s,]+", rule.content)
        if rule.kind == f"single_{kind}":
            return rule.content == identifier
        if rule.kind.startswith("parent_"):
            return rule.content == record.get("wp:post_parent")
        if taxonomy := _TERMS.get(rule.kind, ""):
            return any(
                rule.content in (term.nicename, term.name, self._term_ids.get((taxonomy, term.nicename)))
                for term in record.categories
                if term.domain == taxonomy
            )
        if rule.kind in ("custom", "partial"):
            path = normal(parts_of(rule.content).path)
            return path != "/" and normal(parts_of(record.get("link")).path).startswith(path)
        return False
