"""The editors' API: what people and their tools do with articles, behind an HTTP API that has checked their token."""

from typing import Any

from nightdesk.editor_runtime import desk_ports, logger
from nightdesk.settings import Settings
from nightdesk.usecases.desk import DeskPorts

from .once import TableMemory
from .serve import serve

settings = Settings.from_environment()
ports: DeskPorts = desk_ports(settings)
memory = TableMemory(settings.requests_table)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A request whose token API Gateway has found to be good."""
    return serve(event, context, ports, memory)
