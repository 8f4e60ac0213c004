"""What readers will miss in an article."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator

from nightdesk.domain.anchors import Anchors
from nightdesk.domain.attachments import is_attachment
from nightdesk.domain.documents import Document
from nightdesk.domain.drafts import Draft
from nightdesk.domain.drafts_bucket import is_hidden_or_temporary
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.views import all_anchors
from nightdesk.rendering.losses import Losses
from nightdesk.repositories.private_bucket import is_image

_MOST_UNUSED = 20
_VISIBLE = re.compile("[^\\s\u00ad\u200b-\u200f\u2060\ufeff]")


def draft_warnings(
    document: Document, draft: Draft, losses: Losses, files: Iterable[str], folder: str
) -> tuple[Problem, ...]:
    """Return what readers will miss in an article.

    Args:
        files: the keys of all files in the draft's folder.
        folder: with a slash at its end; empty for a draft without one.
    """
    if any(problem.kind is Kind.ANCHOR_DEAD for problem, _ in losses.found):
        drop_found_anchors(losses, all_anchors(document))
    is_empty = not any(shows_something(block.html) for block in document.blocks)
    line = draft.passages[0].line if draft.passages else 0
    empty = (Kind.ARTICLE_EMPTY.at(line, what="article"),) if is_empty else ()
    unused = _unused_files(document, files, folder, losses) if folder else ()
    return (*losses.problems, *empty, *unused)


def drop_found_anchors(losses: Losses, anchors: Anchors) -> None:
    """Take the links to anchors that there are out of the losses."""
    losses.found = [
        (problem, typed)
        for problem, typed in losses.found
        if problem.kind is not Kind.ANCHOR_DEAD or not anchors.find(typed[1:])
    ]


def _unused_files(document: Document, files: Iterable[str], folder: str, losses: Losses) -> Iterator[Problem]:
    """Yield a warning for each file beside a draft that readers get nowhere, unless something else is said of it."""
    used = {each.key for each in document.assets} | {each.key for each in document.attachments}
    unused = sorted(key for key in files if key not in used and key.startswith(folder) and _may_be_shown(key))
    said = _plain("\n".join(problem.text for problem, _ in losses.found)) if unused else ""
    names = (key.removeprefix(folder) for key in unused)
    for name in [name for name in names if _plain(name) not in said][:_MOST_UNUSED]:
        yield Kind.FILE_UNUSED.at(0, typed=name)


def _may_be_shown(key: str) -> bool:
    return (is_image(key) or is_attachment(key)) and not is_hidden_or_temporary(key)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def shows_something(text: str) -> bool:
    """Return True if readers see anything of some HTML."""
    return "<img" in text or _VISIBLE.search(html.unescape(re.sub(r"<[^>]*>", "", text))) is not None
