"""The readers' API below the site's `/api/`: sign-in, sessions, the account, payments, and access links."""

from datetime import UTC, datetime
from typing import Any

from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.reader_ports import reader_ports
from nightdesk.entrypoints.settings import Settings
from nightdesk.usecases.readers.sign_in_mail import SignInJob, send_sign_in_mail

from .context import ReaderContext
from .serve import serve

settings = Settings.from_environment()
ports = reader_ports(settings)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request from the distribution, or send a mail that an earlier request started."""
    reader_context = ReaderContext(ports, datetime.now(UTC), settings.theme_dir)
    if event.get("job") == "sign-in":
        job = SignInJob.from_json(event)
        sent = send_sign_in_mail(job, reader_context.sign_in_mail, ports, reader_context.now)
        logger.info("sign-in mail", extra={"sent": sent})
        return {}
    return serve(event, context, reader_context, settings.origin_key)
