"""The links of a text as they were typed, with their lines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from html import escape

import pyromark

from nightdesk.domain.html_tokens import START, attributes, tokens
from nightdesk.domain.site_links import TypedLink
from nightdesk.rendering.bare_links import split_addresses
from nightdesk.rendering.embedded import address_of
from nightdesk.rendering.markdown import OPTIONS


def typed_links(body: str, first_line: int) -> Iterator[TypedLink]:
    """Yield the links of Markdown, also those typed as HTML.

    Args:
        first_line: of the file, at which the text begins.
    """
    starts = [place + 1 for place, byte in enumerate(body.encode()) if byte == 10]
    for event, span in pyromark.events_with_range(body, options=OPTIONS, merge_text=True):
        if not isinstance(event, dict):
            continue
        [(name, value)] = event.items()
        line = first_line + bisect_right(starts, span["start"])
        if name in ("Html", "InlineHtml"):
            for token in tokens(value):
                if token.kind == START:
                    # Of what is not shown, such as an embedded file, a link stands on the page.
                    address = address_of(attributes(value[token.start : token.end]))
                    yield TypedLink(line + value.count("\n", 0, token.start), "link", address)
        elif name == "Start" and isinstance(value, dict) and "Link" in value:
            yield TypedLink(line, "link", value["Link"]["dest_url"])
        elif name == "Text" and "://" in value:
            for part in split_addresses(escape(value, quote=False)):
                if part.address:
                    yield TypedLink(line, "link", part.address)
