"""Once: a request that comes again with the same Idempotency-Key gets the first one's answer, and nothing is done twice.

By Powertools' idempotency, on DynamoDB. Only good answers are remembered: what was refused can be tried again with the same
key. Powertools is loaded for requests with a key alone, since it takes a function's start a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from nightdesk.domain.documents import digest
from nightdesk.http import Response

from .problems import problem_of

KEPT_SECONDS = 86_400


class Memory(Protocol):
    """Remembers good answers."""

    def once(self, who: str, key: str, request: bytes, context: Any, answer: Callable[[], Response]) -> Response:
        """The answer to a request, or the one that was given before.

        Args:
            who: the caller, whose keys are not others'.
            request: all that the request says.
            context: Lambda's.

        Raises:
            HttpError: the key was another request's, or the first one is still at work.
        """


class _Refused(Exception):
    """An answer that is not to be remembered."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class TableMemory:
    """Answers in a table with `pk`, `sk` and `ttl`."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._store: Any = None

    def once(self, who: str, key: str, request: bytes, context: Any, answer: Callable[[], Response]) -> Response:
        """See `Memory`."""
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
        fresh = False

        def act(asked: dict[str, str]) -> dict[str, Any]:
            nonlocal fresh
            fresh = True
            response = answer()
            if response.status >= 400:
                raise _Refused(response)
            return {"status": response.status, "body": response.body, "headers": dict(response.headers)}

        run = idempotent_function(
            act, data_keyword_argument="asked", persistence_store=self._persistence(), config=config
        )
        try:
            found = run(asked={"key": digest(f"{who}\n{key}".encode()), "request": digest(request)})
        except _Refused as refused:
            return refused.response
        except IdempotencyValidationError:
            raise problem_of("key-reused", "The Idempotency-Key belongs to another request of yours.") from None
        except IdempotencyAlreadyInProgressError:
            later = {"retry-after": "1"}
            raise problem_of("in-progress", "The first request with that Idempotency-Key is at work.", later) from None
        headers = found["headers"] if fresh else {**found["headers"], "idempotency-replayed": "true"}
        return Response(found["status"], found["body"], "application/json", headers)

    def _persistence(self) -> Any:
        if self._store is None:
            from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
            from botocore.session import get_session

            self._store = DynamoDBPersistenceLayer(
                table_name=self._table,
                key_attr="pk",
                sort_key_attr="sk",
                static_pk_value="request",
                expiry_attr="ttl",
                boto3_client=get_session().create_client("dynamodb"),
            )
        return self._store
