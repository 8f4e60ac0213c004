"""The editors' API behind an HTTP API, whose authorizer has verified the token."""

from typing import Any

from nightdesk.entrypoints.editor_ports import editor_ports
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.settings import Settings
from nightdesk.usecases.editors.operations import EditorPorts

from .idempotency import IdempotencyStore
from .serve import serve

settings = Settings.from_environment()
ports: EditorPorts = editor_ports(settings)
store = IdempotencyStore(settings.requests_table)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Respond to an authenticated request."""
    return serve(event, context, ports, store)
