"""boto3 sessions for the emulator."""

from __future__ import annotations

from typing import Any

import boto3

from .identity import REGION, ROOT_KEY


class EmulatedSession(boto3.Session):  # type: ignore[misc]  # boto3 has no types
    """A session whose clients reach the emulator, whatever the caller's environment names.

    Args:
        endpoint: the emulator's URL.
    """

    def __init__(self, endpoint: str, region: str = REGION) -> None:
        super().__init__(aws_access_key_id=ROOT_KEY, aws_secret_access_key=ROOT_KEY, region_name=region)
        self._endpoint = endpoint

    def client(self, *args: Any, **options: Any) -> Any:
        options.setdefault("endpoint_url", self._endpoint)
        return super().client(*args, **options)

    def resource(self, *args: Any, **options: Any) -> Any:
        options.setdefault("endpoint_url", self._endpoint)
        return super().resource(*args, **options)
