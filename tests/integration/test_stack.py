"""The deployed stack publishes a draft, and matches its template."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from support.cloud_under_test import QUEUES, STAGES, CloudUnderTest
from support.template import expanded_template

DRAFT = """---
title: The tide table of Orrin
topics: [harbours]
---
Free words.

::: gate tier=member teaser="What the harbour master knew."
orrin-hidden-canary
:::
"""


def test_a_draft_in_the_bucket_becomes_a_gated_page(cloud: CloudUnderTest) -> None:
    cloud.put({"drafts/tide-table.md": DRAFT})
    cloud.settle()
    page = cloud.get("/articles/tide-table/")
    assert page.status == 200
    assert "Free words." in page.text
    assert "What the harbour master knew." in page.text
    assert "orrin-hidden-canary" not in page.text
    assert "tide-table" in cloud.get("/topics/harbours/").text


def test_no_message_is_parked(cloud: CloudUnderTest) -> None:
    cloud.settle()
    assert {queue: cloud.messages(queue, dead=True) for queue in QUEUES} == dict.fromkeys(QUEUES, 0)


def test_the_emulator_expands_the_loops_as_the_tests_do(cloud: CloudUnderTest) -> None:
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=cloud.cloud.stack)
    deployed = {found["LogicalResourceId"] for page in pages for found in page["StackResourceSummaries"]}
    resources = expanded_template()["Resources"].items()
    elsewhere = {"OnAws", "InVirginia", "MailsOnAws", "HasAlarmEmail", "LocksAudit", "WritesAccessLogs", "HasWebAcl"}
    elsewhere |= {"HasMonthlyBudget", "HasDailyBudget", "BacksUp", "GivesNotice", "StylesSignIn"}
    expected = {name for name, resource in resources if resource.get("Condition") not in elsewhere}
    # SAM adds a hash of the content to the id of a layer.
    layers = {name for name in expected if name.endswith("Layer")}
    assert expected - layers <= deployed
    assert all(any(name.startswith(layer) for name in deployed) for layer in layers)


def test_queues_retry_and_park_as_configured(cloud: CloudUnderTest) -> None:
    sqs = cloud.client("sqs")
    for queue in QUEUES:
        url = cloud.outputs[f"{queue}QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        own = expanded_template()["Mappings"]["Queues"].get(queue, {}).get("VisibilityTimeout", 60)
        assert found["VisibilityTimeout"] == str(own)
        assert int(json.loads(found["RedrivePolicy"])["maxReceiveCount"]) == 5


def test_functions_log_the_slug_and_the_revision(cloud: CloudUnderTest) -> None:
    cloud.put({"drafts/logged.md": DRAFT.replace("tide table", "log book")})
    cloud.settle()
    entries = [json.loads(line) for line in cloud.logs("Render") if line.startswith("{")]
    assert any(entry.get("slug") == "logged" and entry.get("revision") == 1 for entry in entries)
    assert "orrin-hidden-canary" not in "".join(line for stage in STAGES for line in cloud.logs(stage))


@pytest.mark.parametrize("name", ["DraftsBucket", "PrivateBucket", "SiteBucket"])
def test_no_bucket_is_public(cloud: CloudUnderTest, name: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{cloud.cloud.endpoint}/{cloud.outputs[name]}/index.html")
    assert refused.value.code == 403
