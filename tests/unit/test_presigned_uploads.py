"""Presigned uploads: the host that a form names in each region, and the keys that it may not have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import botocore.session
import pytest
from nightdesk.adapters.aws import S3Uploads
from nightdesk.adapters.memory import memory_ports
from nightdesk.domain.errors import Permanent
from nightdesk.domain.uploaders import NewFile, Uploader
from nightdesk.entrypoints.clients import SIGNING
from nightdesk.usecases.editors.uploads import presign

ADA = Uploader("editor:ada", "writer")


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "eu-south-2", "ap-southeast-4"])
def test_a_form_names_the_bucket_in_its_region(region: str) -> None:
    """The global host redirects for hours after a bucket is created, and newer regions do not answer there at all."""
    session = botocore.session.Session()
    session.set_credentials("AKIAEXAMPLE", "secret")
    client = session.create_client("s3", region_name=region, config=SIGNING)
    form = S3Uploads(client, "drafts-bucket").presign(
        NewFile("drafts/a.md", "text/markdown", 10, {}), datetime.now(UTC) + timedelta(minutes=5)
    )
    host = "s3.amazonaws.com" if region == "us-east-1" else f"s3.{region}.amazonaws.com"
    assert form.url == f"https://drafts-bucket.{host}/"


@pytest.mark.parametrize(
    "key", ["drafts/${filename}", "drafts/${filename}.md", "drafts/a/${filename}.png", "drafts/$a.md"]
)
def test_a_key_is_never_filled_in_by_the_uploader(key: str) -> None:
    """S3 replaces `${filename}` in a form's key by the name that the uploader sends."""
    with pytest.raises(Permanent):
        presign(key, 10, ADA, memory_ports(), None)  # type: ignore[arg-type]  # refused before it is used


@pytest.mark.parametrize(
    "key", ["drafts/2026/a.md", "drafts/a.md~", "drafts/.a.md", "authors/desk/ada.md", "Drafts/a.md"]
)
def test_a_file_that_would_be_refused_cannot_be_uploaded(key: str) -> None:
    with pytest.raises(Permanent):
        presign(key, 10, ADA, memory_ports(), None)  # type: ignore[arg-type]  # refused before it is used
