"""The sessions of editors who are signed in, as files in NIGHTDESK_HOME that only their owner can read."""

from __future__ import annotations

import os
import re
from pathlib import Path

from nightdesk.domain.editor_sign_in import EditorSession, NotSignedIn

_STACK_NAME = re.compile(r"[A-Za-z][-A-Za-z0-9]{0,127}")
"""Of a stack on AWS (CloudFormation user guide)."""


class SessionFiles:
    """One file for each stack, and one for the local cloud.

    Args:
        folder: made on the first write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, stack: str) -> EditorSession | None:
        """Return a session; None if there is none.

        Raises:
            NotSignedIn: the file is damaged.
        """
        path = self._path(stack)
        try:
            return EditorSession.from_json(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise NotSignedIn(f"{path} is damaged. Run “nightdesk login” to sign in again.") from error

    def write(self, session: EditorSession) -> None:
        """Keep a session. A reader sees the earlier file or the new one, and other users of this machine see neither."""
        path = self._path(session.authority.stack)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(session.to_json())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)

    def forget(self, stack: str) -> bool:
        """Remove a session. Return False if there was none."""
        path = self._path(stack)
        there = path.exists()
        path.unlink(missing_ok=True)
        return there

    def _path(self, stack: str) -> Path:
        if stack and not _STACK_NAME.fullmatch(stack):
            raise NotSignedIn(f"“{stack}” is not the name of a stack: letters, digits and hyphens, a letter first.")
        return self._folder / (f"session-{stack}.json" if stack else "session.json")
