"""What the notify stage needs on AWS to tell the outside world something."""

from __future__ import annotations

from nightdesk.adapters.aws import SecretKeys
from nightdesk.adapters.web import GuardedWeb
from nightdesk.entrypoints.clients import LateClient
from nightdesk.entrypoints.sessions import make_session
from nightdesk.entrypoints.settings import Settings
from nightdesk.usecases.pipeline.notify import Outside


def aws_outside(settings: Settings) -> Outside:
    """Return the ports of the outside world. The secret is read when the first webhook is told something."""
    keys = SecretKeys(LateClient(make_session().create_client, "secretsmanager"), {"": settings.webhook_key})
    return Outside(GuardedWeb(settings.loopback_webhooks == "yes"), lambda: keys[""], settings.indexnow_api)


def retry_delay(attempts: int) -> int:
    """Return after how many seconds a failed notice is given again: half a minute, 2, 8 and 32 minutes."""
    return 30 << 2 * (attempts - 1)
