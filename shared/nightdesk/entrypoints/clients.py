"""AWS clients for functions that answer requests, with short timeouts and few retries."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Lock
from typing import Any

from botocore.config import Config

CONFIG = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=1, read_timeout=3)
_STYLE = "path" if os.environ.get("AWS_ENDPOINT_URL") else "virtual"
SIGNING = CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": _STYLE}))
"""For presigned S3 forms. By default botocore signs them in a way, and for a host, that newer regions do not accept."""


class LateClient:
    """A client that is made when it is first used.

    Args:
        make: makes a client of a service, as `create_client` of botocore's session does.
        service: such as `s3`.
    """

    def __init__(self, make: Callable[..., Any], service: str, config: Config = CONFIG) -> None:
        self._make = make
        self._service = service
        self._config = config
        self._client: Any = None
        self._lock = Lock()

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            self._client = self._client or self._make(self._service, config=self._config)
        return getattr(self._client, name)
