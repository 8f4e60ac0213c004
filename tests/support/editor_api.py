"""A client of the editors' API with a token of each role."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from support.newsroom import Newsroom

ROLES = ("writer", "editor", "admin")


class ApiResponse(NamedTuple):
    """An answer of the API; `body` is its JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def problem(self) -> str:
        """The last part of the problem's type."""
        return str(self.body["type"]).removeprefix("urn:nightdesk:problem:")

    @property
    def etag(self) -> str:
        return self.headers["etag"]


@dataclass
class EditorApi:
    """The editors' API of a stack."""

    newsroom: Newsroom

    @property
    def url(self) -> str:
        return self.newsroom.cloud.outputs["EditorApiUrl"]

    @cached_property
    def tokens(self) -> dict[str, str]:
        """Create an editor of each role and return their tokens."""
        found = {}
        for role in ROLES:
            address = f"{role}@desk.example"
            self.newsroom.run_json("editors", "add", address, "--role", role, "--name", f"{role.capitalize()} Person")
            done = self.newsroom.run("editors", "token", address)
            assert done.returncode == 0, done.stderr
            found[role] = done.stdout.strip()
        return found

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document that the API serves."""
        response = self.call("GET", "/openapi.json")
        assert response.status == 200
        return dict(response.body)

    def call(
        self, method: str, path: str, role: str = "", body: Any = None, *, token: str = "", **headers: str
    ) -> ApiResponse:  # fmt: skip
        """Send a request with a role's token, with `token`, or with none. Header names are written with underscores."""
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
            return ApiResponse(
                answer.status, {k.lower(): v for k, v in answer.getheaders()}, json.loads(raw) if raw else None
            )
        finally:
            connection.close()

    def upload(self, key: str, content: bytes, role: str = "writer", **changes: str) -> int:
        """Upload a file through a presigned form and return S3's status.

        Args:
            changes: form fields to send instead of those that the API returned.
        """
        response = self.call("POST", "/v1/drafts", role, {"key": key, "size": len(content)})
        assert response.status == 201, response.body
        return post_form(response.body["url"], {**response.body["fields"], **changes}, content)


def post_form(url: str, fields: Mapping[str, str], content: bytes) -> int:
    """Post fields and a file as multipart/form-data and return the status."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()
    ]
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n'.encode()
    body = b"".join([*parts, file, content, f"\r\n--{boundary}--\r\n".encode()])
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    connection.request("POST", address.path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    return connection.getresponse().status
