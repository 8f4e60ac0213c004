"""The jobs port on Lambda."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nightdesk.adapters.aws import translate_aws_errors


class LambdaJobs:
    """Jobs that a function gives itself, as asynchronous invocations: Lambda keeps them and tries each up to three times."""

    def __init__(self, client: Any, function: str) -> None:
        self._lambda = client
        self._function = function

    def start(self, job: Mapping[str, Any]) -> None:
        with translate_aws_errors("start a job"):
            self._lambda.invoke(FunctionName=self._function, InvocationType="Event", Payload=json.dumps(job))
