"""What the adapter asks of S3 for its objects' digests."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from nightdesk.adapters.aws import S3Objects
from nightdesk.ports import ANY, Output


class Client:
    """Stands for S3, and keeps the last request."""

    def __init__(self, **answer: Any) -> None:
        self.answer = {"VersionId": "v", "ETag": '"e"', "Metadata": {}, **answer}
        self.request: dict[str, Any] = {}

    def put_object(self, **request: Any) -> dict[str, Any]:
        self.request = request
        return self.answer

    def head_object(self, **request: Any) -> dict[str, Any]:
        self.request = request
        return self.answer


def test_each_object_is_put_with_its_sha256_which_s3_checks_and_keeps() -> None:
    client = Client()
    written = S3Objects(client, "bucket").put(Output("a", b"text", "text/plain"), ANY)
    assert (written.version, written.etag, written.sha256) == ("v", "e", sha256(b"text").hexdigest())
    assert client.request["ChecksumSHA256"] == b64encode(sha256(b"text").digest()).decode()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"ChecksumSHA256": b64encode(sha256(b"text").digest()).decode()}, sha256(b"text").hexdigest()),
        ({"ChecksumSHA256": b64encode(b"x" * 32).decode() + "-3"}, ""),
        ({"ChecksumCRC32": "AAAAAA=="}, ""),
        ({}, ""),
    ],
)
def test_a_head_tells_the_sha256_of_whole_objects(answer: dict[str, str], expected: str) -> None:
    client = Client(**answer)
    stat = S3Objects(client, "bucket").stat("a")
    assert stat
    assert (client.request["ChecksumMode"], stat.sha256) == ("ENABLED", expected)
