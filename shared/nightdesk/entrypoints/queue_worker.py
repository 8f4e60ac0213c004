"""The Lambda runtime of the pipeline's functions: ports from the environment, and messages from SQS queues.

A message that fails stays in its queue and is delivered again; after a few attempts SQS moves it to the dead-letter queue.
A message that cannot be read fails in the same way, so that it becomes visible there.
"""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Metrics

from nightdesk.domain.errors import NightdeskError
from nightdesk.domain.events import ArticleDue, parse_message
from nightdesk.entrypoints.aws_ports import CONFIG
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.sessions import make_session
from nightdesk.ports import Table
from nightdesk.stages.batch import Batch, Runtime, process_batch
from nightdesk.usecases.pipeline.dead_letters import record_failure

metrics = Metrics()

_LONGEST_DELAY_SECONDS = 300


def note(what: str, /, **facts: Any) -> None:
    """Log what a stage did."""
    logger.info(what, extra=facts)


def soon(attempts: int) -> int:
    """Return after how many seconds a message is retried: 2, 4, 8 …, with jitter."""
    return min(_LONGEST_DELAY_SECONDS, (1 << attempts) + random.randrange(1 + attempts))


def process_sqs_event(
    event: dict[str, Any],
    make_batch: Callable[[bool], Batch],
    failures: Table,
    *,
    is_measured: bool = False,
    read: Callable[[str], Any] = parse_message,
    delay: Callable[[int], int] = soon,
) -> dict[str, Any]:
    """Let a stage process the messages of an SQS event, and report those that failed, so that SQS delivers them again.

    Args:
        make_batch: as in `nightdesk.stages.batch.Runtime`.
        failures: the table that records why a message failed, for `nightdesk status` and the editors' API.
        is_measured: True for a stage that a reader waits for: an alarm watches how many seconds its messages take. Each such
            stage adds a metric, which costs money.
        read: returns what the body of a message says.
        delay: returns after how many seconds a message is retried that has failed so many times.

    Returns:
        A partial batch response (Lambda developer guide, "Handling errors for an SQS event source").
    """
    records = event["Records"]
    redelivered = any(int(record["attributes"]["ApproximateReceiveCount"]) > 1 for record in records)
    runtime = Runtime(make_batch, lambda record: read(record["body"]), _log_failure)
    failed = process_batch(records, redelivered, runtime)
    for record, error in failed:
        _put_off(record, error, failures, delay)
    seconds = _longest_seconds(records)
    if is_measured:
        metrics.add_metric("MessageSeconds", "Seconds", seconds)
    logger.info("batch", extra={"messages": len(records), "failed": len(failed), "seconds": seconds})
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record, _ in failed]}


def _longest_seconds(records: list[dict[str, Any]]) -> float:
    """Return how long the oldest message of a batch took, from when it was sent until now, in seconds; of those that were not delayed
    until an article is due."""
    sent = [int(r["attributes"]["SentTimestamp"]) for r in records if ArticleDue.__name__ not in r.get("body", "")]
    return round(max(0.0, time.time() - min(sent) / 1000), 3) if sent else 0.0


def _log_failure(error: Exception) -> None:
    logger.error("processing failed; what is not completed is retried", exc_info=error)


def _put_off(record: dict[str, Any], error: Exception, failures: Table, delay: Callable[[int], int]) -> None:
    """Record why a message failed, and have it delivered again soon. If either fails, SQS still delivers it again, later."""
    try:
        record_failure(record["messageId"], record["body"], reason_of(error), failures)
        _retry_later(record, delay)
    except Exception as another:
        logger.warning("a message is retried late, or without a recorded reason", exc_info=another)


def reason_of(error: Exception) -> str:
    """Return one line about a failure. It quotes our own messages only: those of other errors may quote an article."""
    if isinstance(error, NightdeskError):
        return str(error)[:300]
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" in {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    return f"{type(error).__name__}{where}"


def _retry_later(record: dict[str, Any], delay: Callable[[int], int]) -> None:
    """Have a failed message delivered again after its delay, rather than after the visibility timeout.

    That timeout is for functions that die. It must be six times as long as the function's own timeout (Lambda developer
    guide, "Using Lambda with Amazon SQS").
    """
    region, account, queue = record["eventSourceARN"].split(":")[3:]
    count = int(record["attributes"]["ApproximateReceiveCount"])
    sqs = make_session().create_client("sqs", config=CONFIG, region_name=region)
    url = sqs.get_queue_url(QueueName=queue, QueueOwnerAWSAccountId=account)["QueueUrl"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=delay(count))
