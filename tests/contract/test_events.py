"""Events: the models, the samples, the rules of the template and the handlers must agree on the consumers of each event."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from dataclasses import MISSING, fields
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nightdesk.adapters.memory import MemoryTable, memory_ports
from nightdesk.domain.errors import Permanent
from nightdesk.domain.events import EVENTS, Event, ObjectChanged, parse_event, parse_message
from nightdesk.domain.text import SLUG
from nightdesk.domain.uploaders import Uploader
from nightdesk.ports import Output
from nightdesk.usecases.ticker.update_files import process_file
from simulation import picturing
from simulation.history import small_world, world_of
from simulation.world_ports import WorldBus
from support.template import expanded_template

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "events").glob("*.json"))}
HEARD_BY = {
    "ObjectCreated": {"render"},
    "ObjectDeleted": {"render"},
    "RenderRequested": {"render"},
    "ImageInspected": {"render"},
    "PictureRequested": {"images"},
    "SocialCardRequested": {"images"},
    "ArticleRendered": {"gate", "notify"},
    "ArticleWithdrawn": {"gate", "updates", "notify"},
    "ArticleScheduled": {"gate", "notify"},
    "DecisionChanged": {"gate"},
    "ArticleDue": set(),  # from the scheduler, which puts it straight into the gate's queue
    "EmbargoLifted": {"gate"},
    "SearchDue": set(),  # likewise
    "ReconcileDue": set(),  # likewise, to its own queue
    "ReconcileContinued": {"reconcile"},
    "RegateRequested": {"regate"},
    "ProfileChanged": {"gate", "index"},
    "SiteChanged": {"gate", "index", "updates"},
    "ArticleGated": {"index", "invalidate", "search", "notify"},
    "RelistRequested": {"index"},
    "EntriesChanged": {"index"},
    "ArticleIndexed": {"invalidate", "notify"},
    "PagesWritten": {"bulk"},  # as the sample is of many pages
    "DraftAccepted": set(),
    "DraftRejected": {"notify"},
    "CacheInvalidated": {"notify"},
    "MembershipChanged": {"newsletter", "notify"},  # as the sample is of a newsletter's link
    "UpdatePosted": {"updates", "notify"},
    "RereadRequested": {"updates"},
    "UpdateEnded": {"updates"},
    "TickerDue": {"updates"},
    "TickerRefreshed": {"notify"},
    "NewslettersDue": set(),  # from the scheduler, straight to its queue
    "EditionRequested": {"newsletter"},
    "BatchPlanned": {"mailer"},
    "TestMailRequested": {"urgent"},
    "NoticeRequested": {"notify"},
}
STAGES = {
    "render": ("Render",),
    "images": ("Images",),
    "gate": ("Gate", "Regate"),
    "index": ("Index",),
    "invalidate": ("Invalidate", "Bulk"),
    "reconcile": ("Reconcile",),
    "search": ("Search",),
    "updates": ("Updates",),
    "newsletter": ("Newsletter",),
    "mailer": ("Mailer", "Urgent"),
    "notify": ("Notify",),
}
"""Each stage's queues."""
SENDERS = {
    *(f"nightdesk.{stage}" for stage in STAGES),
    "nightdesk.editor",
    "nightdesk.scheduler",
    "nightdesk.reader_api",
    "nightdesk.editor_api",
    "nightdesk.canary",
}
IDENTITY = {
    "folder",
    "reach",
    "version", "slug", "revision", "key", "kind", "id", "state", "paths", "list", "problems", "generation", "places", "bulk", "shows", "at", "act",
    "keys", "warnings", "edition", "batch", "newsletter", "urgent", "owner", "picture", "instead_of", "page", "card",
    "to", "event", "type", "created", "data", "part", "after", "slices", "counts",
}  # fmt: skip


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    return expanded_template()["Resources"]


def affix_matches(wanted: dict[str, Any], value: str) -> bool:
    """Whether a text begins or ends as a pattern says, or does not."""
    if "suffix" in wanted:
        return value.lower().endswith(wanted["suffix"]["equals-ignore-case"])
    return (
        value.startswith(wanted["prefix"])
        if "prefix" in wanted
        else not value.startswith(wanted["anything-but"]["prefix"])
    )


def matches(pattern: Any, value: Any) -> bool:
    """Whether a value matches an event pattern, so far as ours use them (EventBridge user guide, event patterns)."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(inner, value.get(key)) for key, inner in pattern.items())
    for wanted in pattern:
        if isinstance(wanted, dict) and "exists" in wanted:
            if wanted["exists"] == (value is not None):
                return True
        elif isinstance(wanted, dict) and set(wanted) & {"prefix", "suffix", "anything-but"}:
            if isinstance(value, str) and affix_matches(wanted, value):
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
            queues = [target["Arn"]["Fn::GetAtt"][0] for target in rule["Targets"]]
            found.append((bus is not None, rule["EventPattern"], queues))
    return found


# --- Samples ---


def test_every_detail_type_has_a_sample_and_every_sample_a_type() -> None:
    assert set(SAMPLES) - {"sqs_batch", "ObjectCreated", "ObjectDeleted"} == set(EVENTS)
    assert set(HEARD_BY) == set(SAMPLES) - {"sqs_batch"}


def test_the_contract_names_events_that_there_are() -> None:
    assert {"DraftRejected", "ArticleRendered", "ArticleGated", "ArticleIndexed", "CacheInvalidated"} <= set(EVENTS)


@pytest.mark.parametrize("name", sorted(HEARD_BY))
def test_a_sample_is_as_the_bus_delivers_it(name: str) -> None:
    sample = SAMPLES[name]
    keys = ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]
    assert list(sample) == keys
    assert sample["version"] == "0"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", sample["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", sample["time"])
    parse_message(json.dumps(sample))


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_sample_validates_and_survives_a_round_trip(name: str) -> None:
    sample = SAMPLES[name]
    assert sample["detail-type"] == name
    assert sample["source"] in SENDERS
    event = parse_event(name, sample["detail"])
    assert type(event) is EVENTS[name]
    assert event.to_detail() == sample["detail"]


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
    named = detail["object"]
    requester = Uploader(f"aws:{detail['requester']}", "")
    assert parse_message(json.dumps(sample)) == ObjectChanged(named["key"], named["version-id"], requester)


def test_keys_of_s3_are_not_decoded() -> None:
    body = json.dumps({"source": "aws.s3", "detail": {"object": {"key": "drafts/a b+c%20é.md"}}})
    assert parse_message(body) == ObjectChanged("drafts/a b+c%20é.md")


@pytest.mark.parametrize("stored", [None, "drafts/a.md", {}, {"key": ""}, {"key": 1}])
def test_an_s3_event_without_a_key_is_refused(stored: Any) -> None:
    with pytest.raises(Permanent, match="names no key"):
        parse_message(json.dumps({"source": "aws.s3", "detail": {"object": stored}}))


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"', "{}", '{"detail": []}'])
def test_a_message_that_is_no_event_is_refused(body: str) -> None:
    with pytest.raises(Permanent, match="the message is not"):
        parse_message(body)


def test_the_batch_is_as_lambda_receives_it() -> None:
    records = SAMPLES["sqs_batch"]["Records"]
    assert len({record["messageId"] for record in records}) == len(records) > 1
    for record in records:
        assert {"receiptHandle", "attributes", "messageAttributes", "eventSourceARN", "awsRegion"} <= set(record)
        assert record["eventSource"] == "aws:sqs"
        assert record["md5OfBody"] == hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
    assert [json.loads(record["body"]) for record in records] == [SAMPLES["ObjectCreated"], SAMPLES["RenderRequested"]]


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

    handles = (Event, ObjectChanged)

    def __init__(self, seen: list[object]) -> None:
        self.mine: list[object] = []
        self.seen = seen

    def handle(self, detail: object) -> None:
        self.mine.append(detail)

    def finish(self) -> None:
        if any(getattr(detail, "slug", "") == "poison" for detail in self.mine):
            raise KeyError("words of an article")
        self.seen += self.mine


def work_off(
    batch: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> tuple[set[str], list[str], _Queues, MemoryTable]:
    """What failed of a batch, what was done, what was put off, and what was noted."""
    from nightdesk.entrypoints import queue_worker

    queues, table, seen = _Queues(), MemoryTable(), list[object]()
    monkeypatch.setattr(queue_worker, "make_session", lambda: SimpleNamespace(create_client=lambda *_, **__: queues))
    answer = queue_worker.process_sqs_event(batch, lambda _: _Stage(seen), table)
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    return failed, [type(detail).__name__ for detail in seen], queues, table


def test_a_batch_continues_after_a_failure_and_reports_each(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = json.loads(json.dumps(SAMPLES["sqs_batch"]))
    unknown = json.dumps({**SAMPLES["SiteChanged"], "detail-type": "NobodyKnows"})
    newer = json.dumps({**SAMPLES["ArticleDue"], "detail": {"version": 2, "slug": "a-story"}})
    for name, body in (("broken", "{"), ("unknown", unknown), ("nothing", "null"), ("newer", newer)):
        batch["Records"].append({**batch["Records"][0], "messageId": name, "receiptHandle": name, "body": body})
    failed, done, queues, table = work_off(batch, monkeypatch)
    assert done == ["ObjectChanged", "RenderRequested"]
    assert failed == {"broken", "unknown", "nothing", "newer"}
    assert {handle for handle, _ in queues.put_off} == failed
    assert all(0 < seconds < 60 for _, seconds in queues.put_off)
    noted = {item["sk"]: (item["about"], item["reason"]) for item in table.query("failure")}
    assert noted["newer"] == ("a-story", "ArticleDue: version: must be 1")
    assert noted["broken"] == ("", "the message is not JSON")
    assert noted["unknown"][1] == "no event is named NobodyKnows"


def test_a_failure_at_the_end_of_a_batch_affects_no_other_message(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = json.loads(json.dumps(SAMPLES["sqs_batch"]))
    poison = json.dumps({**SAMPLES["ArticleDue"], "detail": {"version": 1, "slug": "poison"}})
    batch["Records"].append({**batch["Records"][0], "messageId": "poison", "receiptHandle": "poison", "body": poison})
    failed, done, _, table = work_off(batch, monkeypatch)
    assert failed == {"poison"}
    assert done == ["ObjectChanged", "RenderRequested"]
    [noted] = table.query("failure")
    assert (noted["about"], noted["reason"].split(":")[0]) == ("poison", "KeyError in test_events.py")


# --- Models ---


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_details_carry_identity_only(name: str) -> None:
    assert {field.name for field in fields(EVENTS[name])} <= IDENTITY
    for key, value in SAMPLES[name]["detail"].items():
        assert key in IDENTITY
        if key == "problems":
            assert all(set(problem) == {"line", "key", "message"} for problem in value)
        elif key == "paths":
            assert all(re.fullmatch(r"/[A-Za-z0-9/._*-]*", path) for path in value)
        else:
            assert len(str(value)) <= 1024


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_older_receiver_takes_what_a_newer_sender_adds(name: str) -> None:
    detail = {**SAMPLES[name]["detail"], "brand_new": [1]}
    assert parse_event(name, detail) == parse_event(name, SAMPLES[name]["detail"])


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_detail_of_another_version_or_without_its_keys_is_refused(name: str) -> None:
    detail = SAMPLES[name]["detail"]
    with pytest.raises(Permanent, match="version: must be 1"):
        parse_event(name, {**detail, "version": 2})
    for key in (field.name for field in fields(EVENTS[name]) if field.default is MISSING):
        with pytest.raises(Permanent, match=f"{name}: {key}: is missing"):
            parse_event(name, {k: v for k, v in detail.items() if k != key})


@pytest.mark.parametrize(
    ("name", "detail", "problem"),
    [
        ("ArticleRendered", {"slug": "a", "revision": "1"}, "revision: must be of type int"),
        ("ArticleRendered", {"slug": "a", "revision": True}, "revision: must be of type int"),
        ("ArticleRendered", {"slug": "a", "revision": -1}, "revision: must be at least 0"),
        ("ArticleRendered", {"slug": None, "revision": 1}, "slug: must be of type str"),
        (
            "EntriesChanged",
            {"slug": "a", "generation": 1, "places": [], "reach": "all"},
            "reach: must match",
        ),
        ("PagesWritten", {"paths": "/"}, "paths: must be of type list"),
        ("PagesWritten", {"paths": ["/", 1]}, "paths: must be of type str"),
        ("PagesWritten", {"paths": [], "bulk": "A b"}, "bulk: must match"),
        ("ProfileChanged", {"kind": "person", "id": "a"}, "kind: must match"),
        ("DraftRejected", {"key": "a", "slug": "a", "problems": ["x"]}, "problems: must be of type dict"),
    ],
)
def test_a_value_of_another_form_is_refused(name: str, detail: dict[str, Any], problem: str) -> None:
    with pytest.raises(Permanent, match=problem):
        parse_event(name, detail)


@pytest.mark.parametrize("slug", ["", "A", "a b", "a--b", "-a", "a-", "../a", "a/b", "~a", "a\n"])
def test_a_slug_that_is_none_is_refused(slug: str) -> None:
    with pytest.raises(Permanent, match="slug: must match"):
        parse_event("RegateRequested", {"slug": slug})
    assert not SLUG.fullmatch(slug)


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


def test_every_rule_matches_an_event_that_is_sent(resources: dict[str, Any]) -> None:
    known = set(EVENTS) | {"Object Created", "Object Deleted", "Email Bounced", "Email Complaint Received"}
    assert {name for _, pattern, _ in rules_of(resources) for name in pattern["detail-type"]} <= known


def test_every_queue_of_a_stage_feeds_its_function(resources: dict[str, Any]) -> None:
    for stage, names in STAGES.items():
        function = resources[f"{stage.capitalize()}Function"]["Properties"]
        queues = [event["Properties"] for event in function["Events"].values() if event["Type"] == "SQS"]
        assert [queue["Queue"] for queue in queues] == [{"Fn::GetAtt": [f"{name}Queue", "Arn"]} for name in names]
        assert all(queue["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for queue in queues)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_knows_the_events_that_its_queue_gets(stage: str) -> None:
    module = import_module(f"nightdesk.stages.{stage}")
    batch = getattr(module, f"{stage.capitalize()}Batch")
    handles = set(getattr(batch, "events", [event.__name__ for event in batch.handles]))
    queues = {name.lower() for name in STAGES[stage]}
    expected = {name for name, heard in HEARD_BY.items() if heard & queues and name in EVENTS}
    expected |= {"ArticleGated"} if stage == "newsletter" else set()  # of those that a newsletter must know of
    assert (
        handles - {"ArticleDue", "ReconcileDue", "SearchDue", "NewslettersDue", "MailReturned", "ObjectChanged"}
        == expected
    )
    assert ("ObjectChanged" in handles) == (stage in ("render", "images", "updates"))


# --- Permissions ---


def allowed_events(resources: dict[str, Any]) -> dict[str, set[str]]:
    """Return the events that IAM lets each source publish, checking that each function's policy has both conditions."""
    allowed = {}
    for sid, resource in resources.items():
        if not sid.endswith("Basics"):
            continue
        [publish] = [
            s for s in resource["Properties"]["PolicyDocument"]["Statement"] if s.get("Action") == "events:PutEvents"
        ]
        condition = publish["Condition"]["ForAllValues:StringEquals"]
        [source] = condition["events:source"]
        allowed[source] = set(condition["events:detail-type"])
    return allowed


def test_each_function_may_publish_its_own_events_alone(resources: dict[str, Any]) -> None:
    allowed = allowed_events(resources)
    assert set(allowed) == {
        *(f"nightdesk.{stage}" for stage in STAGES),
        "nightdesk.reader_api",
        "nightdesk.editor_api",
        "nightdesk.canary",
    }
    assert set().union(*allowed.values()) <= set(EVENTS)


def test_what_becomes_of_files_of_updates_may_be_published(resources: dict[str, Any]) -> None:
    ports = memory_ports("https://news.example")
    for key, text in (("updates/a.md", "---\nheadline: Ferry cancelled\n---\n"), ("updates/b.md", "---\n---\n")):
        ports.drafts.put(Output(key, text.encode(), "text/markdown"), None)
        process_file(key, ports)
    names = {event.name for event in ports.bus.events}  # type: ignore[attr-defined]  # memory_ports gives MemoryBus
    assert names == {"DraftAccepted", "DraftRejected", "UpdatePosted"}
    assert names <= allowed_events(resources)["nightdesk.updates"]


@pytest.mark.slow
def test_what_stages_publish_in_histories_is_what_they_may(
    resources: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    published: dict[str, set[str]] = {}
    emit = WorldBus.emit

    def record(bus: WorldBus, events: Any) -> None:
        sent = list(events)
        run = bus._world.current
        assert run is not None
        published.setdefault(f"nightdesk.{run.stage}", set()).update(event.name for event in sent)
        emit(bus, sent)

    monkeypatch.setattr(WorldBus, "emit", record)
    with small_world():
        # In the last of them, where a link by the name of a file leads changes.
        for seed in (*range(12), 96):
            world_of(seed).play()
        for seed in range(16):
            picturing.world_of(seed)
    allowed = allowed_events(resources)
    stages = {f"nightdesk.{stage}" for stage in STAGES} & set(published)
    assert len(stages) == 6
    assert {source: published[source] - allowed[source] for source in stages} == {source: set() for source in stages}
    # What is allowed occurs: a permission that no stage uses is too wide.
    rare = {
        "nightdesk.updates": {"DraftAccepted", "DraftRejected", "UpdatePosted"},
        "nightdesk.gate": {"EmbargoLifted"},
        "nightdesk.render": {"PictureRequested"},
    }
    unused = {source: allowed[source] - published[source] - rare.get(source, set()) for source in stages}
    assert unused == {source: set() for source in stages}


def events_used_in(module: str) -> set[str]:
    """Return the events that a module makes, or has to do with."""
    tree = ast.parse((ROOT / "shared/nightdesk/usecases" / module).read_text("utf-8"))
    imported = [
        node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "nightdesk.domain.events"
    ]
    return {alias.name for node in imported for alias in node.names} & set(SAMPLES)


USE_CASES = ROOT / "shared/nightdesk/usecases"
OF_EDITORS = sorted(f"editors/{path.name}" for path in (USE_CASES / "editors").glob("*.py"))


@pytest.mark.parametrize(
    "module",
    [*OF_EDITORS, "newsletters/control.py", "newsletters/changes.py", "readers/members.py", "ticker/updates.py"],
)
def test_the_editors_api_may_send_what_its_use_cases_send(module: str) -> None:
    policy = expanded_template()["Resources"]["EditorApiBasics"]["Properties"]["PolicyDocument"]["Statement"]
    [publish] = [statement for statement in policy if statement.get("Sid") == "PublishEvents"]
    allowed = publish["Condition"]["ForAllValues:StringEquals"]["events:detail-type"]
    assert events_used_in(module) - set(allowed) == set()
