"""Drafts: how to file one, and what would be said of it."""

from __future__ import annotations

from .. import models
from ..routing import WRITER, Answer, Call, Route


def post_draft(call: Call, body: models.NewUpload) -> Answer:
    """Get leave to upload one draft, or one image beside a draft: for just this key and size, and within a quarter of an
    hour. S3 refuses anything else. Upload images before the draft that shows them."""
    upload = call.desk.permit(body.key, body.size)
    return Answer({"key": body.key, **upload._asdict()})


def post_check(call: Call, body: models.DraftText) -> Answer:
    """What the pipeline would say of a draft, line by line, in the light of what the site has. Nothing is published."""
    from nightdesk.usecases.check import check_against_site  # here, since only this route needs a Markdown parser

    found = check_against_site(body.key, body.text.encode(), body.images, call.ports.pipeline)
    return Answer(found._asdict())


ROUTES = (
    Route("POST", "/v1/drafts", WRITER, post_draft, "Upload a draft", models.Upload, status=201, body=models.NewUpload),
    Route("POST", "/v1/drafts/check", WRITER, post_check, "Check a draft", models.Checked, body=models.DraftText),
)
