"""Clients of AWS for functions that somebody waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.config import Config

CONFIG = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=1, read_timeout=3)
SIGNING = CONFIG.merge(Config(signature_version="s3v4"))
"""For S3 forms: by itself botocore signs them as newer regions do not take it."""


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

    def __getattr__(self, name: str) -> Any:
        self._client = self._client or self._make(self._service, config=self._config)
        return getattr(self._client, name)
