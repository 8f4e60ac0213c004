"""The deployed stack does its main job, and holds together as its template says."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from cloud_under_test import QUEUES, STAGES, CloudUnderTest

DRAFT = """---
title: The tide table of Orrin
topics: [harbours]
---
Free words.

::: gate tier=member teaser="What the harbour master knew."
orrin-hidden-canary
:::
"""


def test_a_draft_put_into_the_bucket_is_a_gated_page(cloud: CloudUnderTest) -> None:
    cloud.put({"drafts/tide-table.md": DRAFT})
    cloud.settle()
    page = cloud.get("/articles/tide-table/")
    assert page.status == 200
    assert "Free words." in page.text
    assert "What the harbour master knew." in page.text
    assert "orrin-hidden-canary" not in page.text
    assert "tide-table" in cloud.get("/topics/harbours/").text


def test_nothing_is_parked(cloud: CloudUnderTest) -> None:
    cloud.settle()
    assert {queue: cloud.messages(queue, dead=True) for queue in QUEUES} == dict.fromkeys(QUEUES, 0)


def test_queues_have_the_numbers_of_the_template(cloud: CloudUnderTest) -> None:
    sqs = cloud.client("sqs")
    for stage in STAGES:
        url = cloud.outputs[f"{stage}QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert found["VisibilityTimeout"] == "60"
        assert int(json.loads(found["RedrivePolicy"])["maxReceiveCount"]) == 5


def test_functions_log_the_slug_and_the_revision(cloud: CloudUnderTest) -> None:
    cloud.put({"drafts/logged.md": DRAFT.replace("tide table", "log book")})
    cloud.settle()
    entries = [json.loads(line) for line in cloud.logs("Render") if line.startswith("{")]
    assert any(entry.get("slug") == "logged" and entry.get("revision") == 1 for entry in entries)
    assert "orrin-hidden-canary" not in "".join(line for stage in STAGES for line in cloud.logs(stage))


@pytest.mark.parametrize("name", ["DraftsBucket", "WorkBucket", "SiteBucket"])
def test_no_bucket_is_public(cloud: CloudUnderTest, name: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{cloud.cloud.endpoint}/{cloud.outputs[name]}/index.html")
    assert refused.value.code == 403
