"""Fixtures of tests that play a newsroom in memory."""

from support.in_memory import no_pauses, room, theme

__all__ = ["no_pauses", "room", "theme"]
