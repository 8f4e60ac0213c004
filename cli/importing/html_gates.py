"""What HTML hides: marks of paywalls and elements for some readers, which become gates, and elements that nobody sees."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup, Comment, Tag
from nightdesk.domain.hidden_styles import is_hidden

from .gated_blocks import read_gated_blocks
from .gates import is_gate
from .html_trees import new_tag, said
from .paywalls import hides_content, is_divider
from .report import CHANGED, LOST
from .shortcodes import Note

_UNDIVIDED = ("table", "figure", "pre", "code", "a", "h1", "h2", "h3", "h4", "h5", "h6", "dl", "details")
_PAYWALLS = '.paywall-jump, [data-component-name="PaywallToDOM"], .kg-paywall, .gh-post-upgrade-cta'


def read_gates(soup: BeautifulSoup, note: Note) -> None:
    """Turn dividers into elements; report blocks of WordPress that are made when a page is served; drop the rest."""
    read_gated_blocks(soup, note)
    for comment in list(soup.find_all(string=lambda each: isinstance(each, Comment))):
        words = str(comment).strip()
        if words.lower() == "members-only":
            comment.replace_with(new_tag("nddivider"))
            continue
        if hides_rest(words):
            note(CHANGED, "a comment that hides what follows it became a gate", words[:160], 0)
            comment.replace_with(new_tag("nddivider", "", tier=""))
            continue
        dynamic = re.match(r"wp:([\w/-]+)(.*)/$", words, re.DOTALL)
        if dynamic and dynamic[1] not in ("more", "footnotes", "spacer", "nextpage", "separator"):
            note(
                LOST,
                f"the block “{dynamic[1]}” has no text that can be kept, and was taken out",
                dynamic[2].strip()[:160],
                0,
            )
        comment.extract()
    for wall in soup.select(_PAYWALLS):
        wall.replace_with(new_tag("nddivider"))
    for element in soup.find_all(is_gate_element):
        given = {"tier": str(element.get("data-tier") or ""), "teaser": str(element.get("data-teaser") or "")}
        note(CHANGED, "an element that hides its content became a gate", said(element)[:60], 0)
        gate = new_tag("ndgate", "", **given)
        element.replace_with(gate)
        gate.extend(list(element.contents))
    for gate in soup.find_all("ndgate"):
        _widen(gate)
    for divider in soup.find_all("nddivider"):
        if divider.decomposed:
            continue
        _lift(divider)
        if divider.has_attr("tier"):
            _gate_rest(divider)


def hides_rest(comment: str) -> bool:
    """Return True for a comment of another system that hides what follows it, such as `steady-paywall`."""
    words = comment.strip()
    if words.lower() == "members-only" or "kg-gated-block" in words:
        return False  # the divider, where the post's own tier decides what it hides, or a block that ends
    if block := re.match(r"/?wp:([\w/-]*)", words):
        return not words.startswith("/") and hides_content(block[1])
    return is_divider(words)


def _gate_rest(divider: Tag) -> None:
    """Put all that follows a divider into a gate: unlike Ghost's, it counts in a post that is public otherwise."""
    rest = list(divider.next_siblings)
    gate = new_tag("ndgate", "", tier="", teaser="")
    divider.replace_with(gate)
    gate.extend(rest)
    for later in gate.find_all("nddivider", tier=True):
        later.decompose()


def _widen(gate: Tag) -> None:
    """Let a gate hide the whole table, figure or the like in which it stands: Markdown has no gates inside them."""
    around = [each for each in gate.parents if each.name in _UNDIVIDED]
    if around:
        around[-1].wrap(new_tag("ndgate", "", tier=str(gate["tier"]), teaser=str(gate["teaser"])))
        gate.unwrap()


def is_gate_element(element: Tag) -> bool:
    """Return True for an element that is hidden from some readers."""
    given = {"class": " ".join(element.get("class") or [])}
    return is_gate(given | ({"data-tier": ""} if element.has_attr("data-tier") else {}))


def is_hidden_element(element: Tag) -> bool:
    """Return True for an element that its own attributes hide from everybody."""
    return is_hidden(element.name, {name: str(value) for name, value in element.attrs.items()})


def _lift(divider: Tag) -> None:
    """Move a divider out of the elements around it: what follows it in any of them is hidden too."""
    while isinstance(parent := divider.parent, Tag) and parent.name != "[document]":
        after = list(divider.next_siblings)
        rest = new_tag(parent.name)
        rest.attrs = {name: value for name, value in parent.attrs.items() if name != "id"}
        for each in after:
            rest.append(each.extract())
        divider.extract()
        parent.insert_after(divider)
        if after:
            divider.insert_after(rest)
