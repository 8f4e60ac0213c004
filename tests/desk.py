"""Editors as tests have them: one of each role, with tokens, and calls of their API."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from newsroom import Newsroom

ROLES = ("writer", "editor", "admin")


class Said(NamedTuple):
    """What the API answers; `body` is its JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def problem(self) -> str:
        """The last word of a problem's type."""
        return str(self.body["type"]).removeprefix("urn:nightdesk:problem:")

    @property
    def etag(self) -> str:
        return self.headers["etag"]


@dataclass
class Desk:
    """The editors' API of a stack."""

    newsroom: Newsroom

    @property
    def url(self) -> str:
        return self.newsroom.cloud.outputs["EditorApiUrl"]

    @cached_property
    def tokens(self) -> dict[str, str]:
        """A token of each role."""
        found = {}
        for role in ROLES:
            address = f"{role}@desk.example"
            self.newsroom.asks("editors", "add", address, "--role", role, "--name", f"{role.capitalize()} Person")
            done = self.newsroom.command("editors", "token", address)
            assert done.returncode == 0, done.stderr
            found[role] = done.stdout.strip()
        return found

    @cached_property
    def document(self) -> dict[str, Any]:
        """The API as it is described where it is served."""
        said = self.call("GET", "/openapi.json")
        assert said.status == 200
        return dict(said.body)

    def call(
        self, method: str, path: str, role: str = "", body: Any = None, *, token: str = "", **headers: str
    ) -> Said:  # fmt: skip
        """A request, of somebody with a role or a token, or of nobody. Headers are named with underscores."""
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if role or token:
            sent["Authorization"] = f"Bearer {token or self.tokens[role]}"
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, address.path + path, json.dumps(body) if body is not None else None, sent)
            answer = connection.getresponse()
            raw = answer.read()
            return Said(answer.status, {k.lower(): v for k, v in answer.getheaders()}, json.loads(raw) if raw else None)
        finally:
            connection.close()

    def upload(self, key: str, content: bytes, role: str = "writer", **changes: str) -> int:
        """Upload a file with the API's leave; S3's status.

        Args:
            changes: form fields that are sent otherwise than the API says.
        """
        said = self.call("POST", "/v1/drafts", role, {"key": key, "size": len(content)})
        assert said.status == 201, said.body
        return post_form(said.body["url"], {**said.body["fields"], **changes}, content)


def post_form(url: str, fields: Mapping[str, str], content: bytes) -> int:
    """Post fields and a file as multipart/form-data; the status."""
    mark = uuid.uuid4().hex
    parts = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()
    ]
    file = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n'.encode()
    body = b"".join([*parts, file, content, f"\r\n--{mark}--\r\n".encode()])
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    connection.request("POST", address.path, body, {"Content-Type": f"multipart/form-data; boundary={mark}"})
    return connection.getresponse().status
