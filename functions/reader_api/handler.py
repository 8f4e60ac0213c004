"""The readers' API: sign-in, sessions, the account, and links that open one article. Behind the site's own `/api/`."""

from datetime import UTC, datetime
from typing import Any

from nightdesk.reader_runtime import logger, reader_ports
from nightdesk.settings import Settings
from nightdesk.usecases.sign_in import send

from .desk import Desk
from .serve import serve

settings = Settings.from_environment()
ports = reader_ports(settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A request that the distribution passed on, or a mail that an earlier one left to be sent."""
    desk = Desk(ports, datetime.now(UTC), settings.theme_dir)
    if event.get("job") == "sign-in":
        logger.info("sign-in mail", extra={"sent": send(event, desk.sign_in_mail, ports, desk.now)})
        return {}
    return serve(event, context, desk, settings.origin_key)
