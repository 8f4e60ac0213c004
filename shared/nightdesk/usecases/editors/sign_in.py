"""Sign an editor in, keep the session fresh, and end it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from nightdesk.domain.editor_sign_in import (
    Attempt,
    Authority,
    EditorSession,
    Ended,
    Identity,
    NotSignedIn,
    SignInFailed,
    Tokens,
    callback,
    code_from,
    identity_of,
)
from nightdesk.domain.errors import NightdeskError


class TokenEndpoint(Protocol):
    """The endpoints of an authority that a program calls itself.

    Each raises `Ended` for a code or token that is not valid, SignInFailed for another refusal, and Transient if there is no answer.
    """

    def exchange(self, authority: Authority, code: str, verifier: str, callback: str) -> Tokens: ...

    def refresh(self, authority: Authority, token: str) -> Tokens: ...

    def revoke(self, authority: Authority, token: str) -> None: ...


class SessionStore(Protocol):
    """Keeps one session for each stack, and for the local cloud under the empty name."""

    def read(self, stack: str) -> EditorSession | None:
        """Return a session; None if there is none. Raises NotSignedIn for one that cannot be read."""

    def write(self, session: EditorSession) -> None: ...

    def forget(self, stack: str) -> bool:
        """Remove a session. Return False if there was none."""


@dataclass(frozen=True)
class EditorSignIn:
    """Signs editors in and out.

    Args:
        now: returns the time in Unix seconds.
    """

    endpoint: TokenEndpoint
    sessions: SessionStore
    now: Callable[[], float]

    def finish(self, authority: Authority, attempt: Attempt, port: int, query: str) -> Identity:
        """Exchange the code in the browser's answer, and keep the session.

        Raises:
            SignInFailed: the answer has no code, the code is not accepted, or whoever signed in has no role.
            Transient: the token endpoint does not answer.
        """
        code = code_from(query, attempt)
        tokens = self.endpoint.exchange(authority, code, attempt.verifier, callback(port))
        if not tokens.refresh:
            raise SignInFailed("The sign-in service gave no refresh token. Deploy the stack again.")
        session = EditorSession(authority, tokens.identity, tokens.refresh, self.now() + tokens.seconds)
        identity = identity_of(session.identity)
        if not identity.role:
            self._revoke_quietly(session)
            raise SignInFailed(_no_role(identity))
        self.sessions.write(session)
        return identity

    def session(self, stack: str, authority: Authority | None = None) -> EditorSession:
        """Return the session of a stack, refreshed if its token is about to expire.

        Args:
            authority: of the stack as it is now, if that is known.

        Raises:
            NotSignedIn: there is no session, it has ended, belongs to another stack, or its editor has no role any more.
            Transient: the token endpoint does not answer.
        """
        found = self.sessions.read(stack)
        if found is None:
            raise NotSignedIn("You are not signed in. Run “nightdesk login” first.")
        if found.authority.stack != stack or (authority and found.authority != authority):
            raise NotSignedIn("The session is of another stack. Run “nightdesk login” to sign in to this one.")
        return found if found.is_fresh(self.now()) else self._refreshed(found)

    def _refreshed(self, session: EditorSession) -> EditorSession:
        try:
            tokens = self.endpoint.refresh(session.authority, session.refresh)
        except Ended as error:
            self.sessions.forget(session.authority.stack)
            raise NotSignedIn(
                "Your session has ended: it was revoked or has expired, or you are no longer an editor. "
                "Run “nightdesk login” to sign in again."
            ) from error
        fresh = session.renewed(tokens, self.now())
        identity = identity_of(fresh.identity)
        if not identity.role:
            self.sessions.forget(session.authority.stack)
            self._revoke_quietly(fresh)
            raise NotSignedIn(_no_role(identity))
        self.sessions.write(fresh)
        return fresh

    def _revoke_quietly(self, session: EditorSession) -> None:
        """Revoke a session that nobody keeps. If that fails, the message about its cause matters more."""
        with suppress(NightdeskError):
            self.endpoint.revoke(session.authority, session.refresh)

    def end(self, stack: str) -> bool:
        """Forget a session, and revoke its refresh token. Return False if there was none.

        The session is forgotten even if the token cannot be revoked.

        Raises:
            NotSignedIn: the session could not be read, so its token was not revoked.
            SignInFailed: the token could not be revoked.
        """
        try:
            found = self.sessions.read(stack)
        except NotSignedIn as error:
            self.sessions.forget(stack)
            raise NotSignedIn(
                f"The session could not be read, so it was forgotten but not revoked. {_UNTIL}"
            ) from error
        if found is None:
            return False
        self.sessions.forget(stack)
        try:
            self.endpoint.revoke(found.authority, found.refresh)
        except NightdeskError as error:
            raise SignInFailed(
                f"The session is forgotten here, but could not be revoked: {str(error).rstrip('.')}. {_UNTIL}"
            ) from error
        return True


_UNTIL = "It ends by itself within 30 days."


def _no_role(identity: Identity) -> str:
    return (
        f"{identity.email} has no role in this newsroom. "
        "An administrator gives you one with “nightdesk editors add”; then run “nightdesk login” again."
    )
