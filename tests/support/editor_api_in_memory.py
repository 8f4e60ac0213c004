"""The editors' API over ports in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from nightdesk.adapters.audit_log import MemoryAuditLog
from nightdesk.adapters.memory import MemoryTable
from nightdesk.entrypoints.http import Response
from nightdesk.ports import Queues, Uploads
from nightdesk.usecases.editors.operations import EditorPorts
from simulation.messages import no_newsletters

from functions.editor_api.idempotency import IdempotencyStore
from functions.editor_api.problems import PREFIX, TYPES
from functions.editor_api.serve import serve
from support.function_url import event
from support.memory_newsroom import Newsroom

CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000)


class ForgetfulStore(IdempotencyStore):
    """Runs every request."""

    def run_once(
        self, caller: str, key: str, request: bytes, context: Any, respond: Callable[[], Response]
    ) -> Response:
        return respond()


class Api:
    """The API over ports in memory."""

    def __init__(self, room: Newsroom) -> None:
        self.room = room
        self.ports = EditorPorts(
            pipeline=room.ports,
            memberships=MemoryTable(),
            requests=MemoryTable(),
            audit_log=MemoryAuditLog(),
            queues=cast(Queues, None),
            uploads=cast(Uploads, None),
            readers=lambda: cast(Any, None),
            newsletters=getattr(room, "newsletters", None) or no_newsletters(room.ports),
        )

    def call(self, method: str, path: str, role: str, body: Any = None, **more: Any) -> dict[str, Any]:
        """Return the response, with its body parsed."""
        path, _, query = path.partition("?")
        headers = {"content-type": "application/json", **more.pop("headers", {})}
        sent = event(method, path, json.dumps(body) if body is not None else "", query, headers=headers)
        claims = {"sub": "1", "name": "Ada", "cognito:groups": f"[{role}]"} if role else {}
        sent["requestContext"] |= {"requestId": "r-1", "authorizer": {"jwt": {"claims": claims}}}
        response = serve(sent, CONTEXT, self.ports, ForgetfulStore("")) | more
        return {**response, "body": json.loads(response["body"])}

    def problem(self, *args: Any, **more: Any) -> str:
        """Return the type of the problem that a request causes, having checked its form."""
        response = self.call(*args, **more)
        found = response["body"]
        name = str(found["type"]).removeprefix(PREFIX)
        assert (found["status"], found["title"]) == TYPES[name]
        assert response["statusCode"] == found["status"]
        assert response["headers"]["content-type"] == "application/problem+json"
        assert found["instance"] == "urn:nightdesk:request:r-1"
        return name
