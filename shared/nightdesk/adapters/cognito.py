"""Editors in a Cognito user pool, as somebody sees them who administers it.

An editor's password is nobody's: each token is got with a fresh one, which is forgotten at once. Whoever wants to sign in by
passwords or a company's own accounts adds that to the pool.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from nightdesk.domain.editorial import ROLES
from nightdesk.domain.errors import Permanent

from .aws import faults

_TRIES = 3


class Editor(NamedTuple):
    """An editor: the id that tokens carry, the address, the name that readers see, and the role (empty: none)."""

    id: str
    email: str
    name: str
    role: str


class CognitoEditors:
    """The pool's users.

    Args:
        client_id: of the pool's app client, whose tokens the API takes.
    """

    def __init__(self, client: Any, pool: str, client_id: str) -> None:
        self._cognito = client
        self._pool = pool
        self._client_id = client_id

    def find(self, email: str) -> Editor | None:
        """An editor by address."""
        with faults("look for an editor"):
            try:
                found = self._cognito.admin_get_user(UserPoolId=self._pool, Username=email)
            except ClientError as error:
                if error.response["Error"]["Code"] == "UserNotFoundException":
                    return None
                raise
            groups = self._cognito.admin_list_groups_for_user(UserPoolId=self._pool, Username=email)["Groups"]
        return _editor(found["UserAttributes"], [group["GroupName"] for group in groups])

    def everybody(self) -> Iterator[Editor]:
        """All editors, by role. One who has several is named once, with the highest."""
        seen: set[str] = set()
        for role in reversed(ROLES):
            with faults("list editors"):
                pages = self._cognito.get_paginator("list_users_in_group")
                users = [u for page in pages.paginate(UserPoolId=self._pool, GroupName=role) for u in page["Users"]]
            for user in users:
                editor = _editor(user["Attributes"], [role])
                if editor.id not in seen:
                    seen.add(editor.id)
                    yield editor

    def save(self, email: str, name: str, role: str) -> Editor:
        """Make somebody an editor, or change the name and role of one."""
        attributes = [{"Name": "name", "Value": name}]
        with faults("save an editor"):
            if self.find(email):
                self._cognito.admin_update_user_attributes(
                    UserPoolId=self._pool, Username=email, UserAttributes=attributes
                )
            else:
                attributes += [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
                self._cognito.admin_create_user(
                    UserPoolId=self._pool,
                    Username=email,
                    UserAttributes=attributes,
                    TemporaryPassword=_password(),
                    MessageAction="SUPPRESS",
                )
            for other in ROLES:
                act = (
                    self._cognito.admin_add_user_to_group
                    if other == role
                    else self._cognito.admin_remove_user_from_group
                )
                act(UserPoolId=self._pool, Username=email, GroupName=other)
        found = self.find(email)
        assert found  # it was just saved
        return found

    def remove(self, email: str) -> None:
        """Let somebody be no editor any more; tokens that are out end within the hour.

        Raises:
            Permanent: nobody has that address.
        """
        if not self.find(email):
            raise Permanent(f"there is no editor {email}")
        with faults("remove an editor"):
            self._cognito.admin_delete_user(UserPoolId=self._pool, Username=email)

    def token(self, email: str) -> tuple[str, int]:
        """A bearer token for the API, and for how many seconds it is good.

        Raises:
            Permanent: nobody has that address, or the pool wants more than a password of this one.
        """
        if not self.find(email):
            raise Permanent(f"there is no editor {email}; “nightdesk editors add” makes one")
        with faults("get a token"):
            for attempt in range(1, _TRIES + 1):
                password = _password()
                self._cognito.admin_set_user_password(
                    UserPoolId=self._pool, Username=email, Password=password, Permanent=True
                )
                try:
                    answer = self._cognito.admin_initiate_auth(
                        UserPoolId=self._pool,
                        ClientId=self._client_id,
                        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                        AuthParameters={"USERNAME": email, "PASSWORD": password},
                    )
                except ClientError as error:
                    # Somebody else is just getting a token for the same editor.
                    if error.response["Error"]["Code"] != "NotAuthorizedException" or attempt == _TRIES:
                        raise
                    continue
                break
        if "AuthenticationResult" not in answer:
            raise Permanent(f"the user pool wants {answer.get('ChallengeName', 'something else')} of {email}")
        found = answer["AuthenticationResult"]
        return str(found["IdToken"]), int(found["ExpiresIn"])


def _password() -> str:
    """One that nobody can guess, and that the pool's policy likes."""
    return f"{secrets.token_urlsafe(32)}aA1!"


def _editor(attributes: list[dict[str, str]], groups: list[str]) -> Editor:
    known = {attribute["Name"]: attribute["Value"] for attribute in attributes}
    role = next((role for role in reversed(ROLES) if role in groups), "")
    return Editor(known["sub"], known["email"], known.get("name", ""), role)
