"""Idempotency: a repeated request with the same Idempotency-Key gets the first one's response, and nothing is done twice.

Powertools' idempotency utility stores the responses in DynamoDB. Only successful ones are stored: a refused request may be
repeated with the same key. The utility is imported for requests with a key only, since that takes a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nightdesk.domain.documents import digest
from nightdesk.entrypoints.http import Response
from nightdesk.repositories.requests_table import IDEMPOTENCY_PARTITION

from .problems import problem

KEPT_SECONDS = 86_400


class _Refused(Exception):
    """Carries a response that is not to be stored out of Powertools' wrapper."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class IdempotencyStore:
    """Responses in a table with `pk`, `sk` and `ttl`."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._persistence: Any = None

    def run_once(
        self, caller: str, key: str, request: bytes, context: Any, respond: Callable[[], Response]
    ) -> Response:
        """Return `respond()`, or the response to an earlier request of the caller with the same key.

        Args:
            caller: an id. Callers do not share keys.
            request: everything that the request says.
            context: Lambda's.

        Raises:
            HttpError: the key belongs to a different request, or the first one is still in progress.
        """
        from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
        from aws_lambda_powertools.utilities.idempotency.exceptions import (
            IdempotencyAlreadyInProgressError,
            IdempotencyValidationError,
        )

        config = IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="request",
            expires_after_seconds=KEPT_SECONDS,
            hash_function="sha256",
            lambda_context=context,
        )
        is_first = False

        def run(call: dict[str, str]) -> dict[str, Any]:
            nonlocal is_first
            is_first = True
            response = respond()
            if response.status >= 400:
                raise _Refused(response)
            return {"status": response.status, "body": response.body, "headers": dict(response.headers)}

        idempotent = idempotent_function(
            run, data_keyword_argument="call", persistence_store=self._persistence_layer(), config=config
        )
        try:
            stored = idempotent(call={"key": digest(f"{caller}\n{key}".encode()), "request": digest(request)})
        except _Refused as refused:
            return refused.response
        except IdempotencyValidationError:
            detail = "This Idempotency-Key was used for a different request."
            raise problem("idempotency-key-reused", detail) from None
        except IdempotencyAlreadyInProgressError:
            detail = "The first request with this Idempotency-Key is still in progress."
            raise problem("request-in-progress", detail, {"retry-after": "1"}) from None
        headers = stored["headers"] if is_first else {**stored["headers"], "idempotency-replayed": "true"}
        return Response(stored["status"], stored["body"], "application/json", headers)

    def _persistence_layer(self) -> Any:
        if self._persistence is None:
            from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
            from botocore.session import get_session

            self._persistence = DynamoDBPersistenceLayer(
                table_name=self._table,
                key_attr="pk",
                sort_key_attr="sk",
                static_pk_value=IDEMPOTENCY_PARTITION,
                expiry_attr="ttl",
                boto3_client=get_session().create_client("dynamodb"),
            )
        return self._persistence
