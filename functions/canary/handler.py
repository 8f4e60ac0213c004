"""Canary: on a schedule, one test article through the whole product."""

from functools import partial
from typing import Any

from nightdesk.entrypoints.editor_ports import editor_ports
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.settings import Settings
from nightdesk.entrypoints.waiting import wait_for_article
from nightdesk.usecases.editors.audit import Actor
from nightdesk.usecases.editors.operations import EditorService
from nightdesk.usecases.editors.smoke import require_passed, smoke

_TIMEOUT = 90
"""Seconds for each step."""
settings = Settings.from_environment()
service = EditorService(Actor("canary", "Canary"), editor_ports(settings, "nightdesk.canary"))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run the smoke test, and fail if it does, for the alarm on this function's errors."""
    report = smoke(service, partial(wait_for_article, ports=service.ports.pipeline), _TIMEOUT)
    logger.info("smoke test", extra=report.to_json())
    require_passed(report)
    return report.to_json()
