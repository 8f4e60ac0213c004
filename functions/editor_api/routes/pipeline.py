"""The pipeline's status, and rebuilds."""

from __future__ import annotations

from nightdesk.domain.errors import NotFound
from nightdesk.usecases.editors import pipeline_status

from ..models import pipeline as models
from ..routing import ADMIN, WRITER, Call, Result, Route

_MOST_REDRIVEN = 500


def get_pipeline(call: Call) -> Result:
    """Messages in flight, dead letters with their reasons, rejected files that wait for their authors, scheduled articles, and held newsletters."""
    return Result(pipeline_status.overview(call.ports.queues, call.ports.pipeline, call.ports.newsletters))


def redrive(call: Call) -> Result:
    """Send dead letters back to their queues."""
    return Result({"redriven": call.service.redrive(_MOST_REDRIVEN)})


def create_rebuild(call: Call, body: models.NewRebuild) -> Result:
    """Build pages again: those that show a topic or an author, or all. `Location` is the address of the rebuild's progress."""
    found = call.service.rebuild(body.topic, body.author)
    return Result(found._asdict(), headers={"location": f"/v1/rebuilds/{found.id}"})


def get_rebuild(call: Call, rebuild: str) -> Result:
    """The progress of a rebuild. It is kept for a day."""
    ports = call.ports
    found = pipeline_status.rebuild_progress(rebuild, ports.queues, ports.requests, ports.pipeline.clock())
    if found is None:
        raise NotFound("there is no such rebuild, or it has expired")
    return Result(found._asdict())


ROUTES = (
    Route("GET", "/v1/pipeline", WRITER, get_pipeline, "Get the pipeline's status", models.Pipeline),
    Route("POST", "/v1/pipeline/redrive", ADMIN, redrive, "Redrive dead letters", models.Redrive),
    Route(
        "POST", "/v1/rebuilds", ADMIN, create_rebuild, "Start a rebuild", models.Rebuild, 202, body=models.NewRebuild
    ),
    Route("GET", "/v1/rebuilds/{rebuild}", ADMIN, get_rebuild, "Get a rebuild's progress", models.Rebuild),
)
