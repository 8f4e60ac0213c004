"""Uploads to the drafts bucket, and checks of drafts."""

from __future__ import annotations

from typing import Annotated

from nightdesk.domain.attachments import LARGEST_ATTACHMENT
from pydantic import Field

from .articles import Problem, State
from .fields import Integer, RequestModel, ResponseModel


class NewUpload(RequestModel):
    """A file for the drafts bucket."""

    key: str = Field(
        min_length=1,
        max_length=512,
        description="`drafts/<name>.md`, `drafts/<name>/index.md` or `drafts/<name>/<image or attachment>`.",
        json_schema_extra={"examples": ["drafts/a-story/index.md"]},
    )
    size: Integer = Field(ge=1, le=LARGEST_ATTACHMENT, description="The exact size in bytes.")


class Upload(ResponseModel):
    """How to upload the file: POST `fields` and then `file` to `url` as multipart/form-data, before `until`."""

    key: str
    url: str
    fields: dict[str, str]
    until: str


class DraftText(RequestModel):
    """A draft to check."""

    key: str = Field(min_length=1, max_length=512, json_schema_extra={"examples": ["drafts/a-story/index.md"]})
    text: str = Field(max_length=1024 * 1024)
    images: list[Annotated[str, Field(max_length=200)]] = Field(
        default_factory=list,
        max_length=200,
        description="The names of images and attachments that will be uploaded beside it.",
    )


class DraftCheck(ResponseModel):
    """The problems and warnings that the pipeline would report for a draft."""

    slug: str
    problems: list[Problem]
    warnings: list[Problem]


class DraftQuery(RequestModel):
    """Which file is wanted."""

    name: str = Field(
        min_length=1,
        max_length=1024,
        description="A slug, a file's name, or a key.",
        json_schema_extra={"examples": ["harbour", "2026-11-23-harbour.md", "drafts/harbour/index.md"]},
    )


class DraftStatus(ResponseModel):
    """What became of a file. `rejected` means that its newest version was rejected; `state` is what readers get."""

    key: str
    slug: str
    state: State
    rejected: bool
    revision: int
    url: str
    publish_at: str = Field(description="When a scheduled article goes live; empty for others.")
    settled: bool = Field(description="Whether pages, lists and cache reflect the file and the decisions.")
    uploaded_by: str = Field(
        description="Who uploaded the newest version: a person of the audit log, `aws:` and an account, or `direct`."
    )
    problems: list[Problem]
    warnings: list[Problem]
