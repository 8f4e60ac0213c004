"""Where the emulator says that it is, and who may do anything there."""

from __future__ import annotations

REGION = "us-east-1"
ROOT_KEY = "test"
"""MiniStack accepts this key id, with the same text as its secret, for the account's root user."""
