"""Events of a Function URL."""

from __future__ import annotations

from typing import Any


def event(method: str = "GET", path: str = "/api/x", body: str = "", query: str = "", **more: Any) -> dict[str, Any]:
    """A Function URL's event, as AWS sends it."""
    context = {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}, "stage": "$default"}
    return {"rawPath": path, "rawQueryString": query, "headers": {}, "requestContext": context, "body": body, **more}
