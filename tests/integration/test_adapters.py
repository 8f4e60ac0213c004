"""The ports in memory and on AWS keep one contract: each suite runs over both."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nightdesk.adapters.aws import CloudFrontCdn, EventBridgeBus, S3Objects
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.adapters.memory import MemoryBus, MemoryObjects, MemoryTable
from nightdesk.domain.errors import Conflict
from nightdesk.domain.events import Event, TickerRefreshed, parse_message
from nightdesk.ports import ANY, Bus, Change, KeyRange, Objects, ObjectVersion, Output, Table
from support.cloud_under_test import CloudUnderTest
from support.effort import examples

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def bucket(cloud: CloudUnderTest) -> str:
    name = f"contract-{uuid.uuid4().hex[:12]}"
    cloud.client("s3").create_bucket(Bucket=name)
    cloud.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture(scope="module")
def table_name(cloud: CloudUnderTest) -> str:
    name = f"contract-{uuid.uuid4().hex[:12]}"
    cloud.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    return name


@pytest.fixture(params=["memory", "aws"])
def objects(request: pytest.FixtureRequest) -> Objects:
    """An empty bucket, or one whose keys of this test are not there yet."""
    if request.param == "memory":
        return MemoryObjects()
    cloud: CloudUnderTest = request.getfixturevalue("cloud")
    return S3Objects(cloud.client("s3"), request.getfixturevalue("bucket"))


@pytest.fixture(params=["memory", "aws"])
def table(request: pytest.FixtureRequest) -> Table:
    if request.param == "memory":
        return MemoryTable()
    cloud: CloudUnderTest = request.getfixturevalue("cloud")
    return DynamoTable(cloud.client("dynamodb"), request.getfixturevalue("table_name"))


@pytest.fixture
def key() -> str:
    return f"{uuid.uuid4().hex}/über & so.txt"


def out(key: str, body: bytes, **metadata: str) -> Output:
    return Output(key, body, "text/plain", "max-age=1", metadata)


class TestObjects:
    def test_an_object_that_was_put_is_read(self, objects: Objects, key: str) -> None:
        assert objects.get(key) is None
        assert objects.stat(key) is None
        objects.put(out(key, b"one", digest="d1"), None)
        blob, stat = objects.get(key), objects.stat(key)
        assert blob
        assert stat
        assert (blob.body, blob.metadata, stat.key, stat.metadata) == (b"one", {"digest": "d1"}, key, {"digest": "d1"})
        assert (blob.version, blob.etag) == (stat.version, stat.etag)
        assert blob.modified.utcoffset() is not None

    def test_over_nothing_only(self, objects: Objects, key: str) -> None:
        objects.put(out(key, b"one"), None)
        with pytest.raises(Conflict):
            objects.put(out(key, b"two"), None)
        assert objects.get(key).body == b"one"  # type: ignore[union-attr]
        objects.delete(key)
        objects.put(out(key, b"three"), None)
        assert objects.get(key).body == b"three"  # type: ignore[union-attr]

    def test_over_the_expected_version_only(self, objects: Objects, key: str) -> None:
        objects.put(out(key, b"one"), None)
        first = objects.stat(key)
        assert first
        objects.put(out(key, b"two"), first.etag)
        with pytest.raises(Conflict):
            objects.put(out(key, b"three"), first.etag)
        assert objects.get(key).body == b"two"  # type: ignore[union-attr]
        objects.put(out(key, b"four"), ANY)
        assert objects.get(key).body == b"four"  # type: ignore[union-attr]

    def test_over_what_is_gone(self, objects: Objects, key: str) -> None:
        objects.put(out(key, b"one"), None)
        first = objects.stat(key)
        assert first
        objects.delete(key)
        with pytest.raises(Conflict):
            objects.put(out(key, b"two"), first.etag)
        assert objects.get(key) is None
        assert objects.stat(key) is None

    def test_no_two_writes_share_a_version(self, objects: Objects, key: str) -> None:
        seen = set()
        for body in (b"a", b"b", b"a", b"a"):
            objects.put(out(key, body), ANY)
            seen.add(objects.stat(key).version)  # type: ignore[union-attr]
        objects.delete(key)
        objects.put(out(key, b"a"), None)
        seen.add(objects.stat(key).version)  # type: ignore[union-attr]
        assert len(seen) == 5

    def test_equal_bytes_have_equal_etags(self, objects: Objects, key: str) -> None:
        objects.put(out(key, b"a"), None)
        objects.put(out(key + "2", b"a"), None)
        objects.put(out(key + "3", b"b"), None)
        etags = [objects.stat(k).etag for k in (key, key + "2", key + "3")]  # type: ignore[union-attr]
        assert etags[0] == etags[1] != etags[2]

    def test_deleting_what_is_not_there_is_no_error(self, objects: Objects, key: str) -> None:
        objects.delete(key)
        assert objects.get(key) is None

    def test_lists_are_in_order_of_keys(self, objects: Objects) -> None:
        prefix = uuid.uuid4().hex
        names = [f"{prefix}/{name}" for name in ("b", "a/z", "a", "ü", "A", "b/c")]
        for name in names:
            objects.put(out(name, name.encode()), None)
        objects.put(out(f"{prefix}x", b"other"), None)
        found = list(objects.list(f"{prefix}/"))
        assert [name for name, _ in found] == sorted(names)
        assert all(etag == objects.stat(name).etag for name, etag in found)  # type: ignore[union-attr]
        assert list(objects.list(f"{prefix}/none")) == []

    def test_a_folder_is_listed_page_by_page(self, objects: Objects) -> None:
        prefix = uuid.uuid4().hex
        names = sorted(f"{prefix}/{name}" for name in ("b", "a/z", "a", "a-b", "A", "b/c", "c"))
        for name in names:
            objects.put(out(name, name.encode()), None)
        objects.put(out(f"{prefix}x", b"other"), None)
        found: list[str] = []
        while page := objects.page(f"{prefix}/", found[-1] if found else "", 3):
            assert len(page) <= 3
            found += [name for name, _ in page]
        assert found == names
        assert [listed for _, listed in objects.page(prefix, names[0], 2)] == [
            objects.listing(prefix)[name] for name in names[1:3]
        ]

    def test_versions_are_listed_page_by_page_and_those_of_an_object_together(self, objects: Objects) -> None:
        prefix = uuid.uuid4().hex
        for name in ("a", "b", "b", "b", "b", "c", "d"):
            objects.put(out(f"{prefix}/{name}", b"1"), ANY)
        objects.delete(f"{prefix}/c")
        found: list[ObjectVersion] = []
        while page := objects.page_versions(f"{prefix}/", found[-1].key if found else "", 3):
            assert not {each.key for each in page} & {each.key for each in found}
            found += page
        assert found == list(objects.list_versions(f"{prefix}/"))

    def test_each_write_below_a_prefix_shows(self, objects: Objects) -> None:
        prefix = uuid.uuid4().hex

        def newest() -> tuple[str, ...]:
            return tuple(write.version for write in objects.list_versions(f"{prefix}/") if write.latest)

        tokens = [newest()]
        acts: list[Callable[[], None]] = [
            lambda: objects.put(out(f"{prefix}/a", b"1"), ANY),
            lambda: objects.put(out(f"{prefix}/b", b"1"), ANY),
            lambda: objects.put(out(f"{prefix}/a", b"1"), ANY),
            lambda: objects.delete(f"{prefix}/b"),
            lambda: objects.put(out(f"{prefix}/b", b"1"), ANY),
        ]
        for act in acts:
            act()
            tokens.append(newest())
            assert newest() == tokens[-1]
        assert len(set(tokens)) == len(tokens)
        writes = [
            (write.key.removeprefix(f"{prefix}/"), write.latest, write.deleted)
            for write in objects.list_versions(prefix)
        ]
        assert writes == [
            ("a", True, False),
            ("a", False, False),
            ("b", True, False),
            ("b", False, True),
            ("b", False, False),
        ]
        objects.put(out(f"{prefix}-other", b"1"), ANY)
        assert newest() == tokens[-1]

    def test_every_version_can_be_read(self, objects: Objects, key: str) -> None:
        for body in (b"one", b"two", b"one"):
            objects.put(out(key, body, of=body.decode()), ANY)
        objects.delete(key)
        writes = objects.list_versions(key)
        assert [write.deleted for write in writes] == [True, False, False, False]
        blobs = [objects.get(key, write.version) for write in writes if not write.deleted]
        assert [(blob.body, blob.metadata) for blob in blobs if blob] == [
            (b"one", {"of": "one"}), (b"two", {"of": "two"}), (b"one", {"of": "one"})
        ]  # fmt: skip
        assert [blob.version for blob in blobs if blob] == [write.version for write in writes if not write.deleted]
        assert objects.get(key) is None


class TestTable:
    def test_items_come_back_as_they_went(self, table: Table) -> None:
        pk = uuid.uuid4().hex
        item = {"text": "ü", "number": 7, "list": ["a", {"b": [True, None, "", 0]}], "map": {"x": {}}, "empty": ""}
        assert table.get(pk, "s") is None
        table.write([Change(pk, "s", item, None)])
        assert table.get(pk, "s") == {**item, "pk": pk, "sk": "s", "version": 1}
        table.write([Change(pk, "bare", {}, None)])
        assert table.get(pk, "bare") == {"pk": pk, "sk": "bare", "version": 1}

    def test_versions_count_writes(self, table: Table) -> None:
        pk = uuid.uuid4().hex
        for number in (1, 2, 3):
            table.write([Change(pk, "s", {"n": number}, ANY)])
            assert table.get(pk, "s") == {"pk": pk, "sk": "s", "version": number, "n": number}
        with pytest.raises(Conflict):
            table.write([Change(pk, "s", {"n": 4}, 2)])
        with pytest.raises(Conflict):
            table.write([Change(pk, "s", {"n": 4}, None)])
        table.write([Change(pk, "s", {"n": 4}, 3)])
        with pytest.raises(Conflict):
            table.write([Change(pk, "s", None, 3)])
        table.write([Change(pk, "s", None, 4)])
        assert table.get(pk, "s") is None
        with pytest.raises(Conflict):
            table.write([Change(pk, "s", {"n": 5}, 4)])

    def test_removing_what_is_not_there_is_no_error(self, table: Table) -> None:
        pk = uuid.uuid4().hex
        table.write([Change(pk, "s", None, ANY), Change(pk, "t", None, None)])
        assert table.query(pk) == []

    def test_all_changes_or_none(self, table: Table) -> None:
        pk = uuid.uuid4().hex
        table.write([Change(pk, "a", {"n": 1}, None), Change(pk, "b", {"n": 1}, None)])
        with pytest.raises(Conflict):
            table.write([Change(pk, "a", {"n": 2}, 1), Change(pk, "c", {"n": 2}, None), Change(pk, "b", {"n": 2}, 9)])
        assert [(i["sk"], i["n"], i["version"]) for i in table.query(pk)] == [("a", 1, 1), ("b", 1, 1)]
        table.write([Change(pk, "a", None, 1), Change(pk, "c", {"n": 2}, None), Change(pk, "b", {"n": 2}, 1)])
        assert [(i["sk"], i["n"], i["version"]) for i in table.query(pk)] == [("b", 2, 2), ("c", 2, 1)]

    def test_a_query_continues_after_a_page(self, table: Table) -> None:
        """DynamoDB ends a page at 1 MB."""
        pk = uuid.uuid4().hex
        for number in range(12):
            table.write([Change(pk, f"{number:02}", {"text": "x" * 150_000}, None)])
        assert [item["sk"] for item in table.query(pk)] == [f"{number:02}" for number in range(12)]
        assert [item["sk"] for item in table.query(pk, descending=True, limit=10)][-1] == "02"


SORT_KEYS = st.text(alphabet="aAbz09-#~ é", min_size=1, max_size=4)
BOUND = st.one_of(st.just(""), SORT_KEYS)


@pytest.fixture(scope="module")
def dynamo(cloud: CloudUnderTest, table_name: str) -> DynamoTable:
    return DynamoTable(cloud.client("dynamodb"), table_name)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.sets(SORT_KEYS, max_size=12),
    bounds=st.lists(
        st.tuples(BOUND, BOUND, BOUND, st.booleans(), st.one_of(st.none(), st.integers(1, 5))), min_size=1, max_size=6
    ),
)
def test_queries_agree(dynamo: DynamoTable, keys: set[str], bounds: list[Any]) -> None:
    """Whatever stands in a partition, both tables give the same part of it, in the same order."""
    memory, pk = MemoryTable(), uuid.uuid4().hex
    for sk in keys:
        for each in (memory, dynamo):
            each.write([Change(pk, sk, {}, None)])
    for prefix, after, before, descending, limit in bounds:
        # The port promises nothing of a prefix together with another bound.
        some = KeyRange(prefix) if prefix else KeyRange(after=after, before=before)
        found = dynamo.query(pk, some, descending=descending, limit=limit)
        assert found == memory.query(pk, some, descending=descending, limit=limit), (some, descending, limit)
        wanted = sorted(k for k in keys if k.startswith(prefix))
        if not prefix:
            wanted = [k for k in wanted if k > after and (not before or k < before)]
        assert [item["sk"] for item in found] == (wanted[::-1] if descending else wanted)[:limit]


@pytest.mark.parametrize("seed", range(8))
def test_histories_agree(dynamo: DynamoTable, cloud: CloudUnderTest, bucket: str, seed: int) -> None:
    """The same random acts on both: the same conflicts, and the same contents after each."""
    chance = random.Random(seed)
    memory, pk = MemoryTable(), uuid.uuid4().hex
    held, s3, prefix = MemoryObjects(), S3Objects(cloud.client("s3"), bucket), uuid.uuid4().hex
    for _ in range(25):
        changes = []
        for sk in chance.sample("abcd", chance.randint(1, 3)):
            item = None if chance.random() < 0.3 else {"n": chance.randrange(100)}
            changes.append(Change(pk, sk, item, chance.choice([None, ANY, 1, 2, 3])))
        assert outcome(lambda c=changes: memory.write(c)) == outcome(lambda c=changes: dynamo.write(c)), changes
        assert memory.query(pk) == dynamo.query(pk)
        name, body = f"{prefix}/{chance.choice('ab')}", chance.choice([b"1", b"2", b"3"])
        if chance.random() < 0.25:
            held.delete(name)
            s3.delete(name)
        else:
            stat = held.stat(name)
            expected = chance.choice([None, ANY, stat.etag if stat else None, "0" * 32])
            put = out(name, body)
            assert outcome(lambda p=put, e=expected: held.put(p, e)) == outcome(lambda p=put, e=expected: s3.put(p, e))
        assert held.list(f"{prefix}/") == s3.list(f"{prefix}/")


def outcome(act: Callable[[], None]) -> str:
    try:
        act()
    except Conflict:
        return "conflict"
    return "done"


@pytest.fixture(params=["memory", "aws"])
def bus_and_received(request: pytest.FixtureRequest) -> Iterator[tuple[Bus, Callable[[], list[Event]]]]:
    """A bus, and a function that returns the events that it delivered."""
    if request.param == "memory":
        memory = MemoryBus()
        yield memory, lambda: list(memory.events)
        return
    cloud: CloudUnderTest = request.getfixturevalue("cloud")
    events, sqs, name = cloud.client("events"), cloud.client("sqs"), f"contract-{uuid.uuid4().hex[:8]}"
    bus = cloud.outputs["EventBusName"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"source": ["contract.test"]}))
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    received: list[Event] = []

    def receive() -> list[Event]:
        while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages"):
            for message in got:
                event = parse_message(message["Body"])
                assert isinstance(event, Event)
                received.append(event)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return received

    yield EventBridgeBus(events, bus, "contract.test"), receive
    events.remove_targets(Rule=name, EventBusName=bus, Ids=["queue"])
    events.delete_rule(Name=name, EventBusName=bus)
    sqs.delete_queue(QueueUrl=url)


def test_every_event_is_delivered(bus_and_received: tuple[Bus, Callable[[], list[Event]]]) -> None:
    """Also when there are more than one call takes."""
    bus, received = bus_and_received
    bus.emit([])
    events = [TickerRefreshed([f"/{number:02}/ü/"]) for number in range(25)]
    bus.emit(events)
    assert sorted(received(), key=lambda event: str(event.to_detail())) == events


def test_an_invalidation_reaches_the_distribution_once(cloud: CloudUnderTest) -> None:
    cdn = CloudFrontCdn(cloud.client("cloudfront"), cloud.outputs["DistributionId"])
    reference = uuid.uuid4().hex
    paths = [f"/{reference}/index.html", f"/{reference}/*"]
    cdn.invalidate(paths, reference)
    cdn.invalidate(paths, reference)
    client, distribution = cloud.client("cloudfront"), cloud.outputs["DistributionId"]
    pages = client.get_paginator("list_invalidations").paginate(DistributionId=distribution)
    ids = [item["Id"] for page in pages for item in page["InvalidationList"].get("Items", ())]
    batches = [client.get_invalidation(DistributionId=distribution, Id=i)["Invalidation"] for i in ids]
    ours = [b["InvalidationBatch"] for b in batches if b["InvalidationBatch"]["CallerReference"] == reference]
    assert [batch["Paths"]["Items"] for batch in ours] == [paths]
