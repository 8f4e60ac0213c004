"""Links to attachments: where a reader of a page gets the file, and what kind of file it is."""

from __future__ import annotations

import re
from collections.abc import Collection

from markupsafe import Markup

from nightdesk.domain.attachments import served_name
from nightdesk.domain.documents import Attachment, Document
from nightdesk.rendering.texts import Catalogue

_LINK = re.compile(
    r'<a href="/articles/[^"/]+/([a-z0-9-]+\.[0-9a-f]{64}\.[a-z0-9]+)"((?: [a-z-]+="[^"]*")*)>(.*?)</a>', re.DOTALL
)
"""The sanitiser wrote it, so attributes are in quotation marks, and links are closed and in no other."""


class AttachmentLinks:
    """Completes the links to an article's attachments.

    Args:
        base: the path below which the page finds its files.
        public: the names of those that every reader may have.
        plain: for feeds and mail programs, which have no session: what is not public is a link to the article.
    """

    def __init__(
        self, text: Catalogue, base: str, document: Document, public: Collection[str], plain: bool = False
    ) -> None:
        self._text, self._base, self._public, self._plain = text, base, public, plain
        self._known = {each.name: each for each in document.attachments}

    def html(self, html: str) -> str:
        """Return HTML with completed links."""
        return _LINK.sub(self._complete, html) if "<a " in html else html

    def _complete(self, found: re.Match[str]) -> str:
        name, attributes, inner = found.groups()
        if name not in self._known:
            return found[0]
        is_public = name in self._public
        address = self._base if self._plain and not is_public else self._base + served_name(name, is_public)
        facts = Markup.escape(file_facts(self._text, self._known[name]))
        return f'<a href="{address}"{attributes}>{inner}</a> <span class="file-facts">{facts}</span>'


def file_facts(text: Catalogue, attachment: Attachment) -> str:
    """Return the kind and size of a file, such as “(PDF, 1.2 MB)”."""
    kind = attachment.name.rpartition(".")[2].upper()
    return text("file.facts", kind=kind, size=_size(text, attachment.size))


def _size(text: Catalogue, size: int) -> str:
    if size < 999_500:
        return text("file.kilobytes", size=max(1, round(size / 1000)))
    megabytes = size / 1_000_000
    shown = f"{megabytes:.1f}".replace(".", text("file.decimal")) if megabytes < 9.95 else f"{megabytes:.0f}"
    return text("file.megabytes", size=shown)
