"""Cursors of paginated lists: opaque to clients, and refused unless this API made them for the same list."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from typing import Any

from .problems import unprocessable

_LONGEST = 1000


def encode_cursor(of: str, position: str | int) -> str | None:
    """Return the cursor of a position in a list; None for an empty position, which is the end.

    Args:
        of: the list and its filters. A cursor is valid for that list only.
    """
    if not position:
        return None
    return base64.urlsafe_b64encode(json.dumps([of, position]).encode()).rstrip(b"=").decode()


def decode_cursor(text: str, of: str, pattern: str) -> str:
    """Return the position of a cursor; empty for an empty cursor.

    Args:
        pattern: the pattern of positions in that list.

    Raises:
        HttpError: the cursor is malformed, or belongs to another list.
    """
    if not text:
        return ""
    found: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(base64.urlsafe_b64decode(text[:_LONGEST].encode("ascii") + b"=" * (-len(text) % 4)))
    if isinstance(found, list) and len(found) == 2 and found[0] == of and re.fullmatch(pattern, str(found[1])):
        return str(found[1])
    raise unprocessable("query", "cursor", "is not a cursor of this list")
