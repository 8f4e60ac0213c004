"""What the pipeline's functions have in common: ports from the environment, and messages from a queue.

A message that fails is left in the queue, alone, and comes back after its visibility timeout; after a few times it is
parked in the dead-letter queue. A message that cannot be understood fails likewise, so that somebody sees it.
"""

from __future__ import annotations

import json
import random
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from botocore.config import Config
from botocore.session import get_session
from pydantic import ValidationError

from nightdesk.adapters.aws import CloudFrontCdn, EventBridgeBus, S3Objects, SchedulerAlarm, SqsTimer
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.domain.errors import NightdeskError, Permanent
from nightdesk.events import DETAILS, Detail, Envelope, ObjectEvent
from nightdesk.settings import Settings
from nightdesk.stages import Batch
from nightdesk.usecases.parked import note_failure
from nightdesk.usecases.ports import Feeds, Ports, Table, Timer

logger = Logger()
metrics = Metrics()

_LONGEST_WAIT = 300
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=3, read_timeout=20)


def aws_ports(settings: Settings, source: str, make_client: Callable[..., Any] | None = None) -> Ports:
    """The ports on AWS.

    Args:
        source: the sender of events, `nightdesk.<function>`.
        make_client: `client` of a boto3 session. By default botocore alone makes the clients: what boto3 adds to it takes
            a function as long to load as all that the function does with it.
    """

    make = make_client or get_session().create_client

    def client(service: str) -> Any:
        return make(service, config=_CONFIG)

    s3, dynamodb = client("s3"), client("dynamodb")
    return Ports(
        drafts=S3Objects(s3, settings.drafts_bucket),
        work=S3Objects(s3, settings.work_bucket),
        site=S3Objects(s3, settings.site_bucket),
        articles=DynamoTable(dynamodb, settings.articles_table),
        bus=EventBridgeBus(client("events"), settings.bus, source),
        cdn=CloudFrontCdn(client("cloudfront") if settings.distribution_id else None, settings.distribution_id),
        alarm=SchedulerAlarm(
            lambda: client("scheduler"), settings.alarm_group, (settings.alarm_queue, settings.alarm_role)
        ),
        updates=DynamoTable(dynamodb, settings.updates_table),
        base_url=settings.base_url,
        can_sign_in=bool(settings.mail_sender),
        can_pay=settings.can_pay == "yes",
    )


def aws_timer(queue_url: str) -> Timer:
    """What lets the stage of a queue look again later."""
    return SqsTimer(lambda: get_session().create_client("sqs", config=_CONFIG), queue_url)


def web_feeds(settings: Settings) -> Feeds:
    """Other people's feeds. Loaded when some are to be read: most messages are about something else."""
    from nightdesk.adapters.feeds import WebFeeds

    return WebFeeds(loopback=settings.loopback_feeds == "yes")


def detail_of(envelope: Envelope) -> Detail | ObjectEvent:
    """An event's detail, validated.

    Raises:
        Permanent: no event has that name.
        ValidationError: it is not what an event of that name says.
    """
    if envelope.source == "aws.s3":
        return ObjectEvent.model_validate(envelope.detail)
    if envelope.type not in DETAILS:
        raise Permanent(f"no event is named {envelope.type}")
    return DETAILS[envelope.type].model_validate(envelope.detail)


def note(what: str, /, **facts: Any) -> None:
    """Say in the log what was done."""
    logger.info(what, extra=facts)


def each_message(
    event: dict[str, Any], context: Any, make_batch: Callable[[bool], Batch], failures: Table
) -> dict[str, Any]:  # fmt: skip
    """Let a stage work on each message of an SQS batch, then finish once for all of them, and report what failed.

    Where finishing fails, each message is tried alone, so that only the one that is at fault comes back.

    Args:
        make_batch: a fresh batch of the stage; it is told whether a message of it was received before, so that a run may
            have died in the midst of it.
        failures: where it is noted why a message failed, for whoever finds it in the dead-letter queue.
    """
    received = [int(record["attributes"]["ApproximateReceiveCount"]) for record in event["Records"]]
    batch = make_batch(max(received) > 1)

    def one(record: Any) -> None:
        batch.work(detail_of(Envelope.model_validate(json.loads(record.body))))

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    process_partial_response(event=event, record_handler=one, processor=processor, context=context)
    failed: dict[str, Exception] = {
        str(message["itemIdentifier"]): failure[1]  # type: ignore[misc]  # an entry for each, in order
        for message, failure in zip(processor.batch_response["batchItemFailures"], processor.exceptions, strict=False)
    }
    worked = [record for record in event["Records"] if record["messageId"] not in failed]
    try:
        batch.finish()
    except Exception as error:  # whatever it is, the messages must come back
        failed |= _alone(worked, make_batch) if len(worked) > 1 else {r["messageId"]: error for r in worked}
    for record in event["Records"]:
        if fault := failed.get(record["messageId"]):
            logger.error("a message failed and will come back", exc_info=fault)
            _put_off(record, fault, failures)
    logger.info("batch", extra={"messages": len(event["Records"]), "failed": len(failed)})
    return {"batchItemFailures": [{"itemIdentifier": message} for message in sorted(failed)]}


def _alone(records: list[dict[str, Any]], make_batch: Callable[[bool], Batch]) -> dict[str, Exception]:
    """Work each message off by itself; what stood in the way of those that failed, by message."""
    failed: dict[str, Exception] = {}
    for record in records:
        batch = make_batch(True)
        try:
            batch.work(detail_of(Envelope.model_validate(json.loads(record["body"]))))
            batch.finish()
        except Exception as error:
            failed[record["messageId"]] = error
    return failed


def _put_off(record: dict[str, Any], error: Exception, failures: Table) -> None:
    """Let a failed message return soon, and note why it failed. Should either fail too, it comes back all the same."""
    try:
        note_failure(record["messageId"], record["body"], reason_of(error), failures)
        _come_back_soon(record)
    except Exception as another:
        logger.warning("a message will come back late, or without its reason", exc_info=another)


def reason_of(error: Exception) -> str:
    """Why something failed, in a line that quotes no text of an article: our own errors say what they are about."""
    if isinstance(error, NightdeskError):
        return str(error)[:300]
    if isinstance(error, ValidationError):
        told = [
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False, include_url=False)
        ]
        return "; ".join(told)[:300]
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" in {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    return f"{type(error).__name__}{where}"


def _come_back_soon(record: dict[str, Any]) -> None:
    """Let a failed message return after 2, 4, 8 … seconds, and some chance, rather than after the visibility timeout.

    That timeout is for a function that dies: it must outlast a run (Lambda's guide for SQS: six times over).
    """
    region, account, queue = record["eventSourceARN"].split(":")[3:]
    count = int(record["attributes"]["ApproximateReceiveCount"])
    sqs = get_session().create_client("sqs", config=_CONFIG, region_name=region)
    url = sqs.get_queue_url(QueueName=queue, QueueOwnerAWSAccountId=account)["QueueUrl"]
    delay = min(_LONGEST_WAIT, 2**count + random.randrange(1 + count))
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=delay)
