"""Events: the models, the samples, the rules of the template and the handlers must agree on who hears of what."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from nightdesk.adapters.memory import MemoryTable
from nightdesk.domain.text import SLUG as DOMAIN_SLUG
from nightdesk.events import DETAILS, PATH, SLUG, Detail, Envelope, ObjectEvent
from pydantic import ValidationError

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "events").glob("*.json"))}
TEMPLATE = ROOT / "template.yaml"
HEARD_BY = {
    "ObjectCreated": {"render"},
    "ObjectDeleted": {"render"},
    "DraftTouched": {"render"},
    "ArticleRendered": {"gate"},
    "ArticleWithdrawn": {"gate", "updates"},
    "ArticleScheduled": {"gate"},
    "EditorActed": {"gate"},
    "ArticleDue": set(),  # from the scheduler, which puts it straight into the gate's queue
    "EmbargoLifted": {"gate"},
    "ReconcileDue": set(),  # likewise, into the queue of its own
    "ArticleTouched": {"touch"},
    "ProfileChanged": {"gate", "index"},
    "SiteChanged": {"gate", "index", "updates"},
    "ArticleGated": {"index", "invalidate"},
    "ListTouched": {"index"},
    "ArticleEntered": {"index"},
    "ArticleIndexed": {"invalidate"},
    "PagesWritten": {"bulk"},  # as the sample is of many pages
    "DraftRejected": set(),
    "CacheInvalidated": set(),
    "MembershipChanged": set(),
    "UpdatePosted": {"updates"},
    "UpdatesTouched": {"updates"},
    "UpdateEnded": {"updates"},
    "TickerDue": {"updates"},
    "TickerRefreshed": set(),
}
STAGES = {
    "render": ("Render",),
    "gate": ("Gate", "Touch"),
    "index": ("Index",),
    "invalidate": ("Invalidate", "Bulk"),
    "reconcile": ("Reconcile",),
    "updates": ("Updates",),
}
"""Each stage's queues."""
SENDERS = {*(f"nightdesk.{stage}" for stage in STAGES), "nightdesk.editor", "nightdesk.alarm", "nightdesk.reader_api"}
IDENTITY = {
    "version", "slug", "revision", "key", "kind", "id", "state", "paths", "list", "problems", "turn", "places", "bulk", "at", "act",
    "keys",
}  # fmt: skip


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, `!Ref X` becoming `{"Ref": "X"}`."""


def _short_form(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {tag: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {tag: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    if not TEMPLATE.is_file():
        pytest.skip("there is no template.yaml")
    found = yaml.load(TEMPLATE.read_text("utf-8"), Loader=_Loader)  # it is a safe loader
    return found["Resources"]


def matches(pattern: Any, value: Any) -> bool:
    """Whether a value matches an event pattern, so far as ours use them (EventBridge user guide, event patterns)."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(inner, value.get(key)) for key, inner in pattern.items())
    for wanted in pattern:
        if isinstance(wanted, dict) and "exists" in wanted:
            if wanted["exists"] == (value is not None):
                return True
        elif isinstance(wanted, dict) and "prefix" in wanted:
            if isinstance(value, str) and value.startswith(wanted["prefix"]):
                return True
        elif isinstance(wanted, dict) and "anything-but" in wanted:
            if isinstance(value, str) and not value.startswith(wanted["anything-but"]["prefix"]):
                return True
        elif isinstance(wanted, dict):
            assert wanted == {"Ref": "DraftsBucket"}, f"this test does not know {wanted}"
            if isinstance(value, str) and "draftsbucket" in value:
                return True
        elif wanted == value:
            return True
    return False


def rules_of(resources: dict[str, Any]) -> list[tuple[bool, Any, list[str]]]:
    """Of each rule: whether it is on our own bus, its pattern, and the queues that it feeds."""
    found = []
    for resource in resources.values():
        if resource["Type"] == "AWS::Events::Rule":
            rule = resource["Properties"]
            bus = rule.get("EventBusName")
            assert bus in (None, {"Ref": "Bus"})
            queues = [target["Arn"]["GetAtt"].removesuffix(".Arn") for target in rule["Targets"]]
            found.append((bus is not None, rule["EventPattern"], queues))
    return found


# --- Samples ---


def test_every_detail_type_has_a_sample_and_every_sample_a_type() -> None:
    assert set(SAMPLES) - {"sqs_batch", "ObjectCreated", "ObjectDeleted"} == set(DETAILS)
    assert set(HEARD_BY) == set(SAMPLES) - {"sqs_batch"}


def test_the_contract_names_events_that_there_are() -> None:
    assert {"DraftRejected", "ArticleRendered", "ArticleGated", "ArticleIndexed", "CacheInvalidated"} <= set(DETAILS)


@pytest.mark.parametrize("name", sorted(HEARD_BY))
def test_a_sample_is_as_the_bus_delivers_it(name: str) -> None:
    sample = SAMPLES[name]
    keys = ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]
    assert list(sample) == keys
    assert sample["version"] == "0"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", sample["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sample["time"])
    assert Envelope.model_validate(sample).detail == sample["detail"]


@pytest.mark.parametrize("name", sorted(DETAILS))
def test_a_sample_validates_and_comes_back_the_same(name: str) -> None:
    sample = SAMPLES[name]
    assert sample["detail-type"] == name
    assert sample["source"] in SENDERS
    assert DETAILS[name].model_validate(sample["detail"]).model_dump(exclude_unset=True) == sample["detail"]


@pytest.mark.parametrize(("name", "type_"), [("ObjectCreated", "Object Created"), ("ObjectDeleted", "Object Deleted")])
def test_the_samples_of_s3_are_whole(name: str, type_: str) -> None:
    sample = SAMPLES[name]
    detail = sample["detail"]
    assert (sample["source"], sample["detail-type"]) == ("aws.s3", type_)
    assert sample["resources"] == [f"arn:aws:s3:::{detail['bucket']['name']}"]
    assert {"version", "bucket", "object", "request-id", "requester", "source-ip-address", "reason"} <= set(detail)
    assert {"key", "etag", "version-id", "sequencer"} <= set(detail["object"])
    assert ("size" in detail["object"]) == (name == "ObjectCreated")
    assert ("deletion-type" in detail) == (name == "ObjectDeleted")
    assert ObjectEvent.model_validate(detail).object.key == detail["object"]["key"]


def test_a_key_comes_as_it_is() -> None:
    assert ObjectEvent.model_validate({"object": {"key": "drafts/a b+c%20é.md"}}).object.key == "drafts/a b+c%20é.md"


def test_the_batch_is_as_lambda_receives_it() -> None:
    records = SAMPLES["sqs_batch"]["Records"]
    assert len({record["messageId"] for record in records}) == len(records) > 1
    for record in records:
        assert {"receiptHandle", "attributes", "messageAttributes", "eventSourceARN", "awsRegion"} <= set(record)
        assert record["eventSource"] == "aws:sqs"
        assert record["md5OfBody"] == hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
    assert [json.loads(record["body"]) for record in records] == [SAMPLES["ObjectCreated"], SAMPLES["DraftTouched"]]


class _Queues:
    """SQS, as far as messages are put off with it."""

    def __init__(self) -> None:
        self.put_off: list[tuple[str, int]] = []

    def get_queue_url(self, **_: str) -> dict[str, str]:
        return {"QueueUrl": "queue"}

    def change_message_visibility(self, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:
        self.put_off.append((ReceiptHandle, VisibilityTimeout))


class _Stage:
    """A stage that remembers what it was given; finishing fails where a message is about `poison`."""

    def __init__(self, seen: list[object]) -> None:
        self.mine: list[object] = []
        self.seen = seen

    def work(self, detail: object) -> None:
        self.mine.append(detail)

    def finish(self) -> None:
        if any(getattr(detail, "slug", "") == "poison" for detail in self.mine):
            raise KeyError("words of an article")
        self.seen += self.mine


def work_off(
    batch: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> tuple[set[str], list[str], _Queues, MemoryTable]:
    """What failed of a batch, what was done, what was put off, and what was noted."""
    from nightdesk import runtime

    queues, table, seen = _Queues(), MemoryTable(), list[object]()
    monkeypatch.setattr(runtime, "get_session", lambda: SimpleNamespace(create_client=lambda *_, **__: queues))
    answer = runtime.each_message(batch, SimpleNamespace(), lambda _: _Stage(seen), table)
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    return failed, [type(detail).__name__ for detail in seen], queues, table


def test_a_batch_is_worked_through_and_failures_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = json.loads(json.dumps(SAMPLES["sqs_batch"]))
    unknown = json.dumps({**SAMPLES["SiteChanged"], "detail-type": "NobodyKnows"})
    newer = json.dumps({**SAMPLES["ArticleDue"], "detail": {"version": 2, "slug": "a-story"}})
    for name, body in (("broken", "{"), ("unknown", unknown), ("nothing", "null"), ("newer", newer)):
        batch["Records"].append({**batch["Records"][0], "messageId": name, "receiptHandle": name, "body": body})
    failed, done, queues, table = work_off(batch, monkeypatch)
    assert done == ["ObjectEvent", "DraftTouched"]
    assert failed == {"broken", "unknown", "nothing", "newer"}
    assert {handle for handle, _ in queues.put_off} == failed
    assert all(0 < seconds < 60 for _, seconds in queues.put_off)
    noted = {item["sk"]: (item["about"], item["reason"]) for item in table.query("failure")}
    assert noted["newer"] == ("a-story", "version: Input should be less than or equal to 1")
    assert noted["broken"][0] == ""
    assert "JSONDecodeError in decoder.py" in noted["broken"][1]
    assert noted["unknown"][1] == "no event is named NobodyKnows"


def test_what_spoils_the_end_of_a_batch_spoils_no_other_message(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = json.loads(json.dumps(SAMPLES["sqs_batch"]))
    poison = json.dumps({**SAMPLES["ArticleDue"], "detail": {"version": 1, "slug": "poison"}})
    batch["Records"].append({**batch["Records"][0], "messageId": "poison", "receiptHandle": "poison", "body": poison})
    failed, done, _, table = work_off(batch, monkeypatch)
    assert failed == {"poison"}
    assert done == ["ObjectEvent", "DraftTouched"]
    [noted] = table.query("failure")
    assert (noted["about"], noted["reason"].split(":")[0]) == ("poison", "KeyError in test_events.py")


# --- Models ---


@pytest.mark.parametrize("name", sorted(DETAILS))
def test_details_carry_identity_only(name: str) -> None:
    assert set(DETAILS[name].model_fields) <= IDENTITY
    for key, value in SAMPLES[name]["detail"].items():
        assert key in IDENTITY
        if key == "problems":
            assert all(set(problem) == {"line", "key", "message"} for problem in value)
        elif key == "paths":
            assert all(re.fullmatch(PATH, path) for path in value)
        else:
            assert len(str(value)) <= 1024


@pytest.mark.parametrize("name", sorted(DETAILS))
def test_an_older_receiver_takes_what_a_newer_sender_adds(name: str) -> None:
    detail = {**SAMPLES[name]["detail"], "brand_new": [1]}
    assert DETAILS[name].model_validate(detail) == DETAILS[name].model_validate(SAMPLES[name]["detail"])


@pytest.mark.parametrize("name", sorted(DETAILS))
def test_a_detail_of_another_version_or_without_its_keys_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        DETAILS[name].model_validate({**SAMPLES[name]["detail"], "version": 2})
    required = [key for key, field in DETAILS[name].model_fields.items() if field.is_required()]
    assert required == [key for key in DETAILS[name].model_fields if key not in (*Detail.model_fields, "bulk")]
    for key in required:
        with pytest.raises(ValidationError):
            DETAILS[name].model_validate({k: v for k, v in SAMPLES[name]["detail"].items() if k != key})


@pytest.mark.parametrize("slug", ["", "A", "a b", "a--b", "-a", "a-", "../a", "a/b", "~a", "a\n"])
def test_a_slug_that_is_none_is_refused(slug: str) -> None:
    with pytest.raises(ValidationError):
        DETAILS["ArticleTouched"].model_validate({"slug": slug})
    assert not DOMAIN_SLUG.fullmatch(slug)


def test_slugs_are_the_same_here_and_in_the_domain() -> None:
    assert f"^{DOMAIN_SLUG.pattern}$".replace("(?:", "(") == SLUG


# --- The template and the handlers ---


@pytest.mark.parametrize("name", sorted(HEARD_BY))
def test_the_rules_bring_an_event_to_those_who_act_on_it(name: str, resources: dict[str, Any]) -> None:
    sample = SAMPLES[name]
    heard = [
        queue
        for ours, pattern, queues in rules_of(resources)
        if ours == sample["source"].startswith("nightdesk.") and matches(pattern, sample)
        for queue in queues
    ]
    assert sorted(heard) == sorted(f"{stage.capitalize()}Queue" for stage in HEARD_BY[name])


def test_updates_filed_in_the_drafts_bucket_go_to_their_own_stage(resources: dict[str, Any]) -> None:
    created = json.loads(json.dumps(SAMPLES["ObjectCreated"]))
    for key, stage in (("updates/a.md", "Updates"), ("updates.md", "Render"), ("drafts/updates/index.md", "Render")):
        created["detail"]["object"]["key"] = key
        heard = [queues for ours, pattern, queues in rules_of(resources) if not ours and matches(pattern, created)]
        assert heard == [[f"{stage}Queue"]]


def test_no_rule_hears_of_other_buckets_or_senders(resources: dict[str, Any]) -> None:
    created = json.loads(json.dumps(SAMPLES["ObjectCreated"]))
    created["detail"]["bucket"]["name"] = "nightdesk-sitebucket"
    foreign = {**SAMPLES["ArticleRendered"], "source": "elsewhere.render"}
    assert not [pattern for _, pattern, _ in rules_of(resources) if matches(pattern, created)]
    assert not [pattern for _, pattern, _ in rules_of(resources) if matches(pattern, foreign)]


def test_no_rule_waits_for_an_event_that_nobody_sends(resources: dict[str, Any]) -> None:
    known = set(DETAILS) | {"Object Created", "Object Deleted"}
    assert {name for _, pattern, _ in rules_of(resources) for name in pattern["detail-type"]} <= known


def test_every_queue_of_a_stage_feeds_its_function(resources: dict[str, Any]) -> None:
    for stage, names in STAGES.items():
        function = resources[f"{stage.capitalize()}Function"]["Properties"]
        queues = [event["Properties"] for event in function["Events"].values() if event["Type"] == "SQS"]
        assert [queue["Queue"] for queue in queues] == [{"GetAtt": f"{name}Queue.Arn"} for name in names]
        assert all(queue["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for queue in queues)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_knows_the_events_that_its_queue_gets(stage: str) -> None:
    tree = ast.parse((ROOT / "shared" / "nightdesk" / "stages" / f"{stage}.py").read_text("utf-8"))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "nightdesk.events"
        for alias in node.names
    }
    queues = {name.lower() for name in STAGES[stage]}
    expected = {name for name, heard in HEARD_BY.items() if heard & queues and name in DETAILS}
    known = {name for name, model in DETAILS.items() if imported & {base.__name__ for base in model.__mro__}}
    assert known - {"ArticleDue", "ReconcileDue"} == expected
    assert ("ObjectEvent" in imported) == (stage in ("render", "updates"))
