"""What crawlers may fetch, and the names that those of AI companies give themselves in `robots.txt` (RFC 9309)."""

from __future__ import annotations

from dataclasses import dataclass

AI_CRAWLERS = {
    "ai_training": (
        "GPTBot",
        "ClaudeBot",
        "Google-Extended",
        "Applebot-Extended",
        "CCBot",
        "meta-externalagent",
        "Bytespider",
    ),
    "ai_search": ("OAI-SearchBot", "Claude-SearchBot", "PerplexityBot"),
    "ai_fetch": ("ChatGPT-User", "Claude-User", "Perplexity-User", "MistralAI-User"),
}
"""By purpose, as their companies document it: to train models, to find sources for answers, and to fetch a page for a user who
asks about it."""


@dataclass(frozen=True, slots=True)
class Robots:
    """What crawlers should leave alone: paths that none should fetch, and the names of crawlers that should fetch nothing."""

    disallow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()

    def blocks(self, names: tuple[str, ...]) -> bool:
        """Return True if none of some crawlers may fetch anything."""
        blocked = {name.lower() for name in self.block}
        return "/" in self.disallow or blocked.issuperset(name.lower() for name in names)
