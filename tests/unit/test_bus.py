"""The bus's adapter: no event that was refused is taken for sent."""

from __future__ import annotations

import pytest
from botocore.session import get_session
from botocore.stub import Stubber
from nightdesk.adapters.aws import EventBridgeBus
from nightdesk.domain.errors import Transient
from nightdesk.domain.events import SiteChanged


def test_events_that_the_bus_refused_are_sent_again() -> None:
    """EventBridge may take some of a batch and answer 200 all the same (API reference, PutEvents)."""
    client = get_session().create_client(
        "events", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    answer = {"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, {"ErrorCode": "InternalFailure"}]}
    stub = Stubber(client)
    stub.add_response("put_events", answer)
    stub.activate()
    bus = EventBridgeBus(client, "bus", "nightdesk.test")
    with pytest.raises(Transient, match="InternalFailure"):
        bus.emit([SiteChanged(), SiteChanged()])
