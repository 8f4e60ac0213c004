"""Fixtures of unit tests."""

from support.in_memory import no_pauses, room, theme

__all__ = ["no_pauses", "room", "theme"]
