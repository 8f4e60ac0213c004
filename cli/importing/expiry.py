"""The ends of posts: some archives give every post one, and Nightdesk withdraws an article at its end."""

from __future__ import annotations

from datetime import datetime

from .records import ImportedPost
from .report import ASKED, NOTED, Report


class Expiry:
    """Decides about the end of posts.

    Args:
        keep: True to keep every expiry.
        now: what had expired by then is live without an expiry.
    """

    def __init__(self, keep: bool, now: datetime) -> None:
        self._keep, self._now = keep, now

    def of(self, post: ImportedPost, report: Report) -> str:
        """Return a post's expiry, or nothing for one that would be withdrawn at once."""
        if not post.expires:
            return ""
        if datetime.fromisoformat(post.expires) > self._now:
            report.add(NOTED, post.source, 0, "an article has an expiry, and is withdrawn then", post.expires)
            return post.expires
        if self._keep:
            report.add(NOTED, post.source, 0, "an article has expired, and is withdrawn", post.expires)
            return post.expires
        what = "an expiry has passed: the article is imported live without it; --keep-expiry withdraws it"
        report.add(ASKED, post.source, 0, what, post.expires)
        return ""
