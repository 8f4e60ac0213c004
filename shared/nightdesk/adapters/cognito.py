"""Administer editors in a Cognito user pool.

A new editor gets a random password that nobody knows, and sets another one by "Forgot your password?" on Cognito's sign-in page
(`nightdesk login`). `token` is for machines: it fetches each token with a new password, which is then discarded.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from nightdesk.adapters.aws import translate_aws_errors
from nightdesk.domain.decisions import ROLES
from nightdesk.domain.errors import NotFound, Permanent

_ATTEMPTS = 3


class Editor(NamedTuple):
    """An editor: the id in tokens, the address, the name that readers see, and the role; empty for none."""

    id: str
    email: str
    name: str
    role: str


class CognitoEditors:
    """The users of a pool.

    Args:
        client_id: of the pool's app client, whose tokens the API accepts.
    """

    def __init__(self, client: Any, pool: str, client_id: str) -> None:
        self._cognito = client
        self._pool = pool
        self._client_id = client_id

    def find(self, email: str) -> Editor | None:
        """Return the editor with an address; None for an unknown one."""
        with translate_aws_errors("find an editor"):
            try:
                found = self._cognito.admin_get_user(UserPoolId=self._pool, Username=email)
            except ClientError as error:
                if error.response["Error"]["Code"] == "UserNotFoundException":
                    return None
                raise
            groups = self._cognito.admin_list_groups_for_user(UserPoolId=self._pool, Username=email)["Groups"]
        return _editor(found["UserAttributes"], [group["GroupName"] for group in groups])

    def all(self) -> Iterator[Editor]:
        """Yield all editors, highest role first. An editor with several roles is listed once, with the highest."""
        seen: set[str] = set()
        for role in reversed(ROLES):
            with translate_aws_errors("list editors"):
                pages = self._cognito.get_paginator("list_users_in_group")
                users = [u for page in pages.paginate(UserPoolId=self._pool, GroupName=role) for u in page["Users"]]
            for user in users:
                editor = _editor(user["Attributes"], [role])
                if editor.id not in seen:
                    seen.add(editor.id)
                    yield editor

    def save(self, email: str, name: str, role: str) -> Editor:
        """Add an editor, or change the name and role of one."""
        attributes = [{"Name": "name", "Value": name}]
        with translate_aws_errors("save an editor"):
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
            self._confirm(email)
            for other in ROLES:
                update = (
                    self._cognito.admin_add_user_to_group
                    if other == role
                    else self._cognito.admin_remove_user_from_group
                )
                update(UserPoolId=self._pool, Username=email, GroupName=other)
        saved = self.find(email)
        assert saved
        return saved

    def _confirm(self, email: str) -> None:
        """Give an editor who never had a lasting password one that nobody knows; without one, Cognito lets none be reset."""
        user = self._cognito.admin_get_user(UserPoolId=self._pool, Username=email)
        if user["UserStatus"] == "FORCE_CHANGE_PASSWORD":
            self._cognito.admin_set_user_password(
                UserPoolId=self._pool, Username=email, Password=_password(), Permanent=True
            )

    def remove(self, email: str) -> None:
        """Remove an editor. Tokens that were issued stay valid for up to 15 minutes.

        Raises:
            NotFound: there is no editor with that address.
        """
        if not self.find(email):
            raise NotFound(f"there is no editor {email}")
        with translate_aws_errors("remove an editor"):
            self._cognito.admin_delete_user(UserPoolId=self._pool, Username=email)

    def token(self, email: str) -> tuple[str, int]:
        """Return a bearer token for the API, and its lifetime in seconds. Replaces the editor's password.

        Raises:
            NotFound: there is no editor with that address.
            Permanent: the pool demands more than a password.
        """
        if not self.find(email):
            raise NotFound(f"there is no editor {email}; add one with “nightdesk editors add”")
        with translate_aws_errors("get a token"):
            for attempt in range(1, _ATTEMPTS + 1):
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
                    # Another caller, who fetches a token for the same editor, has just replaced the password.
                    if error.response["Error"]["Code"] != "NotAuthorizedException" or attempt == _ATTEMPTS:
                        raise
                    continue
                break
        if "AuthenticationResult" not in answer:
            demand = answer.get("ChallengeName", "another challenge")
            raise Permanent(
                f"the user pool demands {demand} from {email}, which only a person can meet: “nightdesk login”"
            )
        found = answer["AuthenticationResult"]
        return str(found["IdToken"]), int(found["ExpiresIn"])


def _password() -> str:
    """Return a random password that satisfies the pool's policy."""
    return f"{secrets.token_urlsafe(32)}aA1!"


def _editor(attributes: list[dict[str, str]], groups: list[str]) -> Editor:
    known = {attribute["Name"]: attribute["Value"] for attribute in attributes}
    role = next((role for role in reversed(ROLES) if role in groups), "")
    return Editor(known["sub"], known["email"], known.get("name", ""), role)
