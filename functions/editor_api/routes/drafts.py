"""Uploads to the drafts bucket, and checks of drafts."""

from __future__ import annotations

from nightdesk.domain.documents import REJECTED
from nightdesk.domain.errors import NotFound
from nightdesk.usecases.editors.status import status

from ..models import drafts as models
from ..routing import WRITER, Call, Result, Route


def create_upload(call: Call, body: models.NewUpload) -> Result:
    """Get a presigned form to upload one draft, or one image or attachment beside a draft, of exactly this key and size, within 15 minutes.
    S3 refuses anything else. Upload images and attachments before their draft."""
    upload = call.service.presign_upload(body.key, body.size, call.role)
    return Result({"key": body.key, **upload._asdict()})


def check_draft(call: Call, body: models.DraftText) -> Result:
    """Report the problems and warnings that the pipeline would report for a draft, line by line, given the site's settings,
    profiles and images. Nothing is published."""
    # Only this route needs a Markdown parser.
    from nightdesk.usecases.editors.check import check_against_site

    found = check_against_site(body.key, body.text.encode(), body.images, call.ports.pipeline)
    return Result(found._asdict())


def find_draft(call: Call, query: models.DraftQuery) -> Result:
    """The status of a file in the drafts bucket, by its slug, its name or its key: a draft, also a rejected one, a profile, a
    standing page, an update, or the settings."""
    ports = call.ports.pipeline
    found = status(query.name, ports, ports.clock())
    if found is None:
        raise NotFound("no file in the drafts bucket has this slug, name or key")
    return Result({"rejected": found["state"] == REJECTED, **found})


ROUTES = (
    Route("GET", "/v1/drafts", WRITER, find_draft, "Find a draft", models.DraftStatus, query=models.DraftQuery),
    Route(
        "POST", "/v1/drafts", WRITER, create_upload, "Upload a draft", models.Upload, status=201, body=models.NewUpload
    ),
    Route("POST", "/v1/drafts/check", WRITER, check_draft, "Check a draft", models.DraftCheck, body=models.DraftText),
)
