"""Gate: from a document to one page per tier and the article's public facts. Decides who sees what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from nightdesk.domain.documents import EXPIRED, LIVE, WITHDRAWN, canonical_json, parse_json
from nightdesk.domain.errors import Conflict, Transient
from nightdesk.domain.events import ArticleGated, Event, RegateRequested, RenderRequested
from nightdesk.ports import Blob, Output, Ports, answer
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import JSON, document_key, facts_key, load_document
from nightdesk.usecases.pipeline.converge import converge, store, store_over
from nightdesk.usecases.pipeline.former_articles import former_article
from nightdesk.usecases.pipeline.gate_folders import (
    copy_images,
    store_outputs,
    write_preview_folder,
    write_site_folder,
)
from nightdesk.usecases.pipeline.gate_inputs import GateInputs, read_inputs
from nightdesk.usecases.pipeline.gate_outputs import (
    GateOutputs,
    live_pages,
    make_outputs,
    make_pages,
    public_facts,
)
from nightdesk.usecases.pipeline.linked_drafts import PUBLIC, files_after_gate
from nightdesk.usecases.pipeline.related import digest_shown
from nightdesk.usecases.pipeline.turns import LastTurn, turn_of_article

_SOON = timedelta(seconds=1)
_Calls = list[Callable[[], Any]]


class Gated(NamedTuple):
    """What a run came to.

    Attributes:
        state: the article's; None if there is no document.
        told: whether `ArticleGated` was sent.
        passed_over: whether the pages showed of others what the request asked for, so that nothing more was done.
    """

    state: str | None
    told: bool
    passed_over: bool = False


def gate(
    slug: str,
    ports: Ports,
    theme: Theme,
    bulk: str = "",
    redelivered: bool = False,
    request: RegateRequested | None = None,
) -> Gated:
    """Make an article's pages and facts match its document and the editors' decisions; sends the events.

    Args:
        bulk: the cache tag that all affected articles share, if one change affects many.
        redelivered: True if SQS delivered the message before, so that a run may have died while it wrote.
        request: what asks whether pages must be made again. Then `ArticleGated` is sent only if anything was written. A run that
            died after it had written them has its own message, which comes back.

    Raises:
        Transient: time alone changes the article within a second. The message must be retried then.
    """
    turn = LastTurn(turn_of_article(slug), ports)
    if request and request.shows and not redelivered and (state := _shows_already(request, turn, ports)):
        return Gated(state, told=False, passed_over=True)
    attempts, before = count(), list[str]()
    seen: list[Blob | None] = []

    def read() -> GateInputs | None:
        # After the turn is taken: a run that writes facts later than that reads its inputs again.
        asked: _Calls = [partial(read_inputs, slug, ports, theme), partial(ports.private.get, facts_key(slug))]
        inputs, facts = ports.in_parallel(answer, asked)
        seen[:] = [facts]
        return inputs  # type: ignore[no-any-return]

    def apply(inputs: GateInputs | None) -> tuple[None, bool]:
        repeated = next(attempts) > 0 or redelivered
        if inputs is None:
            return None, False
        [facts] = seen
        before.append(parse_json(facts.body)["state"] if facts else "")
        outputs = make_outputs(inputs, theme)
        return None, _write(slug, outputs, facts, ports, repeated, inputs.was_public)

    done = converge(read, apply, turn)
    inputs = done.inputs
    if inputs is None:
        return Gated(None, told=False)
    expected = redelivered or not request
    told = done.changed or expected
    if inputs.next_change:
        ports.schedules.wake_at(slug, inputs.next_change)
    was_gone = redelivered or any(state in (WITHDRAWN, EXPIRED) for state in before)
    # Where links by a file's name lead depends on the document, the decisions, and whether readers get the article.
    may_lead_elsewhere = expected or any((state in PUBLIC) != (inputs.state in PUBLIC) for state in before)
    gated = ArticleGated(slug, inputs.state, [f"/articles/{slug}/*"], bulk, _for_newsletters(inputs, was_gone))
    ports.bus.emit([*([gated] if told else []), *_requests(inputs, told, may_lead_elsewhere, ports)])
    if inputs.next_change and inputs.next_change <= ports.clock() + _SOON:
        # The scheduler's clock may be ahead of ours, and its schedule fires only once. Or the moment came during this run,
        # and a schedule for a moment that has passed may never fire.
        raise Transient(f"{slug} is due in a moment")
    return Gated(inputs.state, told)


def _requests(inputs: GateInputs, told: bool, may_lead_elsewhere: bool, ports: Ports) -> list[Event]:
    """Return the requests for pages and pictures that depend on an article.

    Args:
        told: whether `ArticleGated` is sent.
        may_lead_elsewhere: whether links by the name of its file may lead to another slug than they did.
    """
    slug = inputs.document.slug
    # Pointers to a draft that needs approval depend on its authors' profiles, but no event about these names the pointers.
    pointers = _pointers_to(slug, ports, told) if inputs.site.require_approval else []
    linking = files_after_gate(slug, inputs.rendered.file, ports) if may_lead_elsewhere else []
    return [
        *map(RegateRequested, pointers),
        *map(RenderRequested, linking),
        *picture_requests(inputs, ports),
    ]


def _shows_already(request: RegateRequested, turn: LastTurn, ports: Ports) -> str:
    """Return the state of an article whose pages show of others what a request asks for by now; empty for any other.

    The turn is taken first, so a run that is about to store older pages reads its inputs again.
    """
    turn.take()
    blob = ports.private.get(facts_key(request.slug))
    facts: dict[str, Any] = parse_json(blob.body) if blob else {}
    return facts["state"] if facts and digest_shown(facts["shows"]) == request.shows else ""


def picture_requests(inputs: GateInputs, ports: Ports) -> list[Event]:
    """Return the requests for pictures and social cards that there are none of yet. The pages do not wait for them."""
    slug = inputs.document.slug
    cards = inputs.card.requests(f"/articles/{slug}/", ports) if inputs.card else []
    return [*inputs.pictures.requests(document_key(slug)), *cards]


def store_facts(slug: str, ports: Ports, theme: Theme) -> str | None:
    """Store an article's public facts without its pages, where nothing else changes what they depend on: in a build.

    Returns:
        The article's state; None if there is no document.
    """
    inputs = read_inputs(slug, ports, theme)
    if inputs is None:
        return None
    store(ports.private, Output(facts_key(slug), canonical_json(public_facts(inputs, theme)), JSON))
    return inputs.state


def store_pages(slug: str, ports: Ports, theme: Theme) -> str | None:
    """Store an article's pages, once the facts of all articles are stored, as `store_facts` does.

    Returns:
        The article's state; None if there is no document.
    """
    inputs = read_inputs(slug, ports, theme)
    if inputs is None:
        return None
    pages, preview = make_pages(inputs, theme)
    write_site_folder(pages, ports.site.listing(pages.prefix), ports)
    write_preview_folder(preview, ports.private.stat(preview.outputs[0].key), ports, complete=False)
    if inputs.next_change:
        ports.schedules.wake_at(slug, inputs.next_change)
    ports.bus.emit(picture_requests(inputs, ports))
    return inputs.state


def _for_newsletters(inputs: GateInputs, was_gone: bool) -> str:
    """Return what newsletters must know of an article: that it is to be mailed, that it must be in none of them, or that it is back.

    Args:
        was_gone: whether it may have been gone before.
    """
    if inputs.state in (WITHDRAWN, EXPIRED):
        return "gone" if inputs.was_public and not inputs.document.moved else ""
    if inputs.state != LIVE:
        return ""
    if was_gone:
        return "back"
    return "live" if inputs.document.newsletter and not inputs.document.moved else ""


def _pointers_to(slug: str, ports: Ports, told: bool) -> list[str]:
    """Return the old slugs that lead to an article, at pointers or, if it has changed, as long as other drafts there are hidden.

    At the others there may be articles by now; where two have swapped their slugs, each would have the other gated for ever.
    """
    found = []
    for old in articles_table.old_slugs(ports.articles, slug):
        document = load_document(old, ports)
        if document and not document.moved:
            document = former_article(old, ports) if told else None
        if document and document.moved:
            found.append(old)
    return found


def _write(slug: str, outputs: GateOutputs, seen: Blob | None, ports: Ports, repeated: bool, was_public: bool) -> bool:
    """Store an article's outputs, facts last. Returns True if anything was written.

    Args:
        seen: the facts that are stored. Without any, no run has ended yet, and nothing else is there either; if that is wrong,
            the pages cannot be stored. An article without pages is looked at, because a run that died may have left some.
        was_public: whether there ever was anything at the article's address, when the inputs were read.

    Raises:
        Conflict: another run is at work or died.
    """
    facts, preview = Output(facts_key(slug), outputs.facts, JSON), outputs.preview
    if seen is None and outputs.pages.outputs and not repeated:
        write_site_folder(outputs.pages, {}, ports)
        copy_images(preview, {}, ports.private, ports)
        store_outputs(preview, {}, ports.private, ports)
        return store_over(None, ports.private, facts)
    asked: _Calls = [
        partial(ports.site.listing, outputs.pages.prefix),
        partial(ports.private.stat, preview.outputs[0].key),
    ]
    stored, seen_preview = ports.in_parallel(answer, asked)
    if stored and not was_public:
        raise Conflict(f"{slug} was published while its inputs were read, so that it needs a tombstone")
    wrote = write_site_folder(outputs.pages, stored, ports)
    wrote |= write_preview_folder(preview, seen_preview, ports, complete=repeated)
    return store_over(seen, ports.private, facts) or wrote


def lift_embargo(slug: str, ports: Ports, theme: Theme) -> datetime | None:
    """Publish the pages of an article whose embargo has ended, and nothing else.

    So when many articles are due at one moment, the pages of all are there before the lists are made. This overwrites
    nothing, so it cannot restore what was taken down, and it does not read its inputs again: the caller must have the
    article gated next, which removes what should not be there.

    Returns:
        When the embargo ended, if none of the pages were there and all are now; None if more than that has changed.
    """
    inputs = read_inputs(slug, ports, theme)
    if inputs is None or inputs.state != LIVE or inputs.document.moved:
        return None
    folder = live_pages(inputs, theme)
    try:
        copy_images(folder, {}, ports.site, ports)
        store_outputs(folder, {}, ports.site, ports)
    except Conflict:
        return None
    now = ports.clock()
    return inputs.document.last_change(now) or now
