"""Messages in the queues of a simulated world, and the batches of the stages that process them."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from nightdesk.adapters.memory import MemoryTable, MemoryTickerTimer
from nightdesk.domain.events import Event, ObjectChanged, parse_event
from nightdesk.domain.feeds import FeedRequest, FeedResult
from nightdesk.ports import Ports, TickerTimer
from nightdesk.rendering.environment import Theme
from nightdesk.stages.batch import Batch
from nightdesk.stages.gate import GateBatch
from nightdesk.stages.images import ImagesBatch
from nightdesk.stages.index import IndexBatch
from nightdesk.stages.invalidate import InvalidateBatch
from nightdesk.stages.mailer import MailerBatch
from nightdesk.stages.newsletter import NewsletterBatch
from nightdesk.stages.render import RenderBatch
from nightdesk.stages.search import SearchBatch
from nightdesk.stages.updates import TickerPorts, UpdatesBatch
from nightdesk.usecases.newsletters.ports import NewsletterPorts

from .actions import Action
from .pictures import PlainPictures
from .routes import Route, routes


class Message:
    """A message in a stage's queue.

    Attributes:
        detail: what it says; of an editor's message, the action.
        failures: how often it failed without an injected fault.
        redelivered: whether a run that processed it failed or died.
    """

    __slots__ = ("detail", "failures", "name", "queue", "redelivered", "stage")

    def __init__(self, route: Route, detail: Event | ObjectChanged | Action) -> None:
        self.queue = route.queue
        self.stage = route.stage
        self.detail = detail
        self.name = ""
        self.failures = 0
        self.redelivered = False


def messages_of(event: Event | ObjectChanged) -> list[Message]:
    """Return the messages that an event becomes: one in each queue whose rule matches it.

    None is for the stage that tells others what happened: nothing of the site depends on it.
    """
    name = type_of(event)
    if isinstance(event, Event):
        event = parse_event(name, event.to_detail())  # as it is received
    return [
        Message(route, event)
        for route in routes().get(name, ())
        if route.stage != "notify"
        if route.bulk in (None, bool(getattr(event, route.exists, "")))
        if not route.suffixes or (isinstance(event, ObjectChanged) and event.key.lower().endswith(route.suffixes))
    ]


def type_of(event: Event | ObjectChanged) -> str:
    """Return an event's detail-type; `ObjectChanged` stands for both of S3's."""
    return event.name if isinstance(event, Event) else ObjectChanged.__name__


def editors_message(action: Action) -> Message:
    """Return an editor's action as a message: a separate run, which the editor repeats if it fails."""
    return Message(Route("editor", "editor", None), action)


def name_of(message: Message) -> str:
    """Return a message's stage, type and identity, for people."""
    detail = message.detail
    if isinstance(detail, Action):
        return f"{message.stage}: {detail.kind} {detail.subject}"
    about = [
        str(getattr(detail, key))
        for key in ("key", "slug", "kind", "id", "list", "owner", "page")
        if hasattr(detail, key)
    ]
    if not about and (paths := getattr(detail, "paths", [])):
        about = [paths[0], *([f"+{len(paths) - 1}"] if len(paths) > 1 else [])]
    return " ".join([f"{message.stage}: {type_of(detail)}", *about])


class NoFeeds:
    """A client for feeds, of which there are none."""

    def read(self, requests: Sequence[FeedRequest]) -> Iterator[FeedResult]:
        return iter(())


def batch_of(
    stage: str,
    redelivered: bool,
    ports: Ports,
    theme: Theme,
    timer: TickerTimer | None = None,
    newsletters: NewsletterPorts | None = None,
) -> Batch:
    """Return a batch as the stage's handler makes it.

    In histories, which have a timer, few changes have the search's archive indexed again, so that it happens often;
    elsewhere, only a test asks for it.
    """
    if stage == "render":
        return RenderBatch(ports)
    if stage == "images":
        return ImagesBatch(ports, PlainPictures())
    if stage == "gate":
        return GateBatch(ports, theme, redelivered=redelivered)
    if stage == "index":
        return IndexBatch(ports, theme)
    if stage == "updates":
        return UpdatesBatch(ports, theme, TickerPorts(timer or MemoryTickerTimer(), NoFeeds), redelivered=redelivered)
    if stage == "newsletter":
        return NewsletterBatch(newsletters or no_newsletters(ports), theme)
    if stage == "mailer":
        return MailerBatch(newsletters or no_newsletters(ports), theme)
    if stage == "search":
        return SearchBatch(ports, theme, fake_index, most=2 if timer else 10_000)
    assert stage == "invalidate"
    return InvalidateBatch(ports)


def no_newsletters(ports: Ports) -> NewsletterPorts:
    """Return the ports of newsletters that have no readers."""
    return NewsletterPorts(ports, MemoryTable(), MemoryTable())


def fake_index(pages: Mapping[str, str], language: str) -> dict[str, bytes]:
    """Return files like Pagefind's: one for each article, named by its contents, and one that leads to them."""
    files = {}
    for slug, html in pages.items():
        name = f"fragment/{language}_{hashlib.sha256(html.encode()).hexdigest()[:7]}.pf_fragment"
        fragment = {"url": f"/articles/{slug}/", "content": html}
        files[name] = gzip.compress(b"pagefind_dcd" + json.dumps(fragment).encode(), mtime=0)
    return {**files, "pagefind-entry.json": json.dumps(sorted(files)).encode()}
