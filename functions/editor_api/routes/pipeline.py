"""The pipeline: how it is, and what it is asked to do again."""

from __future__ import annotations

from nightdesk.usecases import pipeline
from nightdesk.usecases.editorial import Unknown

from .. import models
from ..routing import ADMIN, WRITER, Answer, Call, Route

_AT_ONCE = 500


def get_pipeline(call: Call) -> Answer:
    """What is in flight, what was given up and why, and which files wait for their authors."""
    return Answer(pipeline.overview(call.ports.queues, call.ports.pipeline))


def post_redrive(call: Call) -> Answer:
    """Give the pipeline another chance at what it gave up."""
    return Answer({"redriven": call.desk.redrive(_AT_ONCE)})


def post_rebuild(call: Call, body: models.NewRebuild) -> Answer:
    """Have pages made again: those that show a topic or an author, or all. `Location` says where to see how far it is."""
    found = call.desk.rebuild(body.topic, body.author)
    return Answer(found._asdict(), headers={"location": f"/v1/rebuilds/{found.id}"})


def get_rebuild(call: Call, rebuild: str) -> Answer:
    """How far a rebuild is. It is remembered for a day."""
    ports = call.ports
    found = pipeline.progress(rebuild, ports.queues, ports.requests, ports.pipeline.clock())
    if found is None:
        raise Unknown("there is no such rebuild, or no longer")
    return Answer(found._asdict())


ROUTES = (
    Route("GET", "/v1/pipeline", WRITER, get_pipeline, "Look at the pipeline", models.Pipeline),
    Route("POST", "/v1/pipeline/redrive", ADMIN, post_redrive, "Redrive", models.Redriven),
    Route("POST", "/v1/rebuilds", ADMIN, post_rebuild, "Rebuild", models.Rebuild, status=202, body=models.NewRebuild),
    Route("GET", "/v1/rebuilds/{rebuild}", ADMIN, get_rebuild, "Look at a rebuild", models.Rebuild),
)
