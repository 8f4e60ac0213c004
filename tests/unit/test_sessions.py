"""Times in the answers of AWS's services, read quickly and as botocore reads them."""

from __future__ import annotations

import pytest
from botocore.utils import parse_timestamp
from nightdesk.entrypoints.sessions import make_session, read_time


@pytest.mark.parametrize(
    "value",
    [
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "2015-10-21T07:28:00.000Z",
        "2015-10-21T07:28:00Z",
        "2015-10-21T07:28:00+02:00",
        "2015-10-21T07:28:00",
        "20151021T072800Z",
        1445412480,
        1445412480.25,
        "1445412480",
    ],
)
def test_a_time_is_read_as_botocore_reads_it(value: object) -> None:
    assert read_time(value) == parse_timestamp(value)
    assert read_time(value).utcoffset() == parse_timestamp(value).utcoffset()


@pytest.mark.parametrize("value", ["", "soon", "Wed, 41 Oct 2015 07:28:00 GMT", "2015-13-21T07:28:00Z", None])
def test_whatever_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="timestamp"):
        read_time(value)


def test_clients_use_it() -> None:
    session = make_session()
    client = session.create_client("s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    assert client._endpoint._response_parser_factory.create_parser("rest-xml")._timestamp_parser is read_time
