"""Whatever the order, repetition and loss of events, the site ends as publishing the final drafts once makes it.

A history is played by `World`: acts of editors, and messages that the stages take from their queues. Every act on a
port goes through `Wire`, which may let the run die there, before or after the act took effect, or let another message
be worked off in between. What a schedule does is drawn from its seed alone, so a failure can be played again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from nightdesk.adapters.memory import MemoryBus, MemoryObjects, memory_ports
from nightdesk.domain.errors import NightdeskError
from nightdesk.rendering.contexts import ArticleContext
from nightdesk.rendering.environment import Theme
from nightdesk.usecases import converge
from nightdesk.usecases.gate import fan_out, gate
from nightdesk.usecases.index import Listed, enter, finish
from nightdesk.usecases.invalidate import invalidate
from nightdesk.usecases.lists import refresh_list, refresh_profile, refresh_site
from nightdesk.usecases.ports import ANY, Event, Output, Ports
from nightdesk.usecases.render import render

NOW = datetime(2026, 11, 23, tzinfo=UTC)
STAGES = {
    "ObjectEvent": ["render"],
    "DraftTouched": ["render"],
    "ArticleRendered": ["gate"],
    "ArticleTouched": ["gate"],
    "ArticleWithdrawn": ["gate"],
    "ProfileChanged": ["gate", "index"],
    "SiteChanged": ["gate", "index"],
    "ArticleGated": ["index", "invalidate"],
    "ListTouched": ["index"],
    "ArticleIndexed": ["invalidate"],
    "PagesWritten": ["invalidate"],
}
QUIET = 4000
"""More messages than any of these histories needs."""

Act = tuple[str, bytes | None]


class Message(NamedTuple):
    stage: str
    event: Event


class Died(Exception):
    """The function was killed."""


class Schedule(NamedTuple):
    """How unkind a history is: each figure is the chance of something at each turn."""

    reorder: bool = False
    duplicate: float = 0
    batch: float = 0
    die: float = 0
    nest: float = 0
    linger: float = 0


CALM = Schedule()


LISTS = ["list", "directory", "corrections", "page", "updates", "feed"]


@pytest.fixture(scope="module")
def theme(tmp_path_factory: pytest.TempPathFactory) -> Theme:
    """A theme that prints all that a template may see: quicker than a real one, and nothing can change unseen."""
    folder = tmp_path_factory.mktemp("theme")
    for name in ("templates", "static", "pages"):
        (folder / name).mkdir()
    (folder / "static" / "site.css").write_text("a {}")
    (folder / "pages" / "about.md").write_text("---\ntitle: About\n---\nText.\n")
    templates = {f"{name}.html": "{{ page }}" for name in LISTS} | {"feed.xml": "{{ page }}"}
    reader = "".join(
        f"{{% block {name} scoped %}}{{{{ page.{field} }}}}{{% endblock %}}" for name, field in READER.items()
    )
    shared = [item.name for item in fields(ArticleContext) if item.name not in READER.values()]
    templates["article.html"] = reader + "".join(f"{{{{ page.{name} }}}}" for name in shared)
    marks = "".join(f"{{% block {name} %}}<!--~{name}-->{{% endblock %}}" for name in READER)
    templates["shell.html"] = "{% extends 'article.html' %}" + marks
    for name, text in templates.items():
        (folder / "templates" / name).write_text(text)
    return Theme(folder)


READER = {"toc": "toc", "body": "body", "notes": "footnotes", "sources": "sources"}


# --- The cache before the site ---


class Cache:
    """The CDN: readers fill it from the site, invalidations by path and by tag empty it. It keeps no errors."""

    def __init__(self, site: MemoryObjects) -> None:
        self._site = site
        self._kept: dict[str, Output] = {}
        self._references: set[tuple[str, ...]] = set()
        self._known: set[str] = set()
        self._forgotten: dict[str, list[object]] = {}
        self.spurious: list[str] = []

    def read(self, rnd: random.Random) -> None:
        """Readers ask for a few pages, some of which may be gone or not yet there."""
        self._known.update(self._site.outputs)
        for key in rnd.sample(sorted(self._known), min(6, len(self._known))):
            if key in self._site.outputs:
                self._kept.setdefault(key, self._site.outputs[key])

    def invalidate(self, paths: Sequence[str], reference: str) -> None:
        """As CloudFront: a reference that was used before does nothing again."""
        act = (reference, *paths)
        if act in self._references:
            return
        self._references.add(act)
        for path in paths:
            covers = self._covering(path)
            token = [self._site.writes(key)[0] for key, output in sorted(self._site.outputs.items()) if covers(output)]
            if self._forgotten.get(path) == token:
                self.spurious.append(path)
            self._forgotten[path] = token
            self._kept = {key: output for key, output in self._kept.items() if not covers(output)}

    @staticmethod
    def _covering(path: str) -> Callable[[Output], bool]:
        if path.startswith("#"):
            return lambda output: path[1:] in output.metadata.get("cache-tag", "").split(",")
        return lambda output: output.key == path[1:]

    def stale(self) -> list[str]:
        """What is kept and differs from the site. Error pages are asked for by no address; they live for a minute."""
        found = [key for key, output in self._kept.items() if output != self._site.outputs.get(key)]
        return sorted(key for key in found if not key.startswith("~errors/"))


# --- The world ---


class Wire:
    """A port whose acts the world hears of: `hook(act, is_write)` runs around each, and may raise."""

    def __init__(self, inner: Any, around: Callable[[Callable[[], Any], bool], Any]) -> None:
        self._inner = inner
        self._around = around

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if not callable(method):
            return method
        is_write = name in ("put", "delete", "write", "emit", "invalidate")
        return lambda *args, **kwargs: self._around(lambda: method(*args, **kwargs), is_write)


class World:
    """Buckets, table, bus, queues and cache, and a schedule by which messages are worked off."""

    def __init__(self, theme: Theme, seed: int, schedule: Schedule) -> None:
        self.theme = theme
        self.rnd = random.Random(seed)
        self.schedule = schedule
        self.now = NOW
        self.bare = memory_ports(clock=lambda: self.now)
        self.site: MemoryObjects = self.bare.site  # type: ignore[assignment]  # memory_ports makes it
        self.bus: MemoryBus = self.bare.bus  # type: ignore[assignment]
        self.cache = Cache(self.site)
        wired = {
            name: Wire(getattr(self.bare, name), self._around) for name in ("drafts", "work", "site", "articles", "bus")
        }
        wired |= {"cdn": Wire(self.cache, self._around), "alarm": Wire(self.bare.alarm, self._around)}
        self.ports = Ports(**wired, clock=self.bare.clock)
        self.queue: list[Message] = []
        self._depth = 0
        self._fuse: list[int | None] = []
        self.say([Event("SiteChanged", {})])

    def say(self, events: Sequence[Event]) -> None:
        """Events reach the queues, some of them twice."""
        for event in events:
            for stage in STAGES.get(event.type, ()):
                again = self.rnd.random() < self.schedule.duplicate
                self.queue += [Message(stage, event)] * (2 if again else 1)

    def act(self, key: str, body: bytes | None) -> None:
        """An editor puts a file into the drafts bucket, or takes it out."""
        if body is None:
            self.bare.drafts.delete(key)
        else:
            self.bare.drafts.put(Output(key, body, "text/markdown"), ANY)
        self.say([Event("ObjectEvent", {"key": key})])

    def step(self) -> None:
        """One function takes a few messages of its queue, and works them off, or dies."""
        place = self.rnd.randrange(len(self.queue)) if self.schedule.reorder else 0
        stage = self.queue[place].stage
        batch = [self.queue.pop(place)]
        while self.rnd.random() < self.schedule.batch:
            others = [n for n, message in enumerate(self.queue) if message.stage == stage]
            if not others:
                break
            batch.append(self.queue.pop(self.rnd.choice(others)))
        self._fuse.append(self.rnd.randrange(1, 9) if self.rnd.random() < self.schedule.die else None)
        self._depth += 1
        try:
            work_off(stage, [message.event for message in batch], self.ports, self.theme)
        except (Died, NightdeskError):
            self.queue += batch
        finally:
            self._depth -= 1
            self._fuse.pop()
            self._collect()
        if self.rnd.random() < 0.5:
            self.cache.read(self.rnd)

    def settle(self) -> None:
        """Work everything off."""
        for _ in range(QUIET):
            if not self.queue:
                return
            self.step()
        pytest.fail("it never becomes quiet")

    def _collect(self) -> None:
        events = list(self.bus.events)
        self.bus.events.clear()
        self.say(events)

    def _around(self, act: Callable[[], Any], is_write: bool) -> Any:
        if self._depth < 3 and self.queue and self.rnd.random() < self.schedule.nest:
            self.step()
        fuse = self._fuse[-1]
        if not is_write or fuse is None:
            return act()
        self._fuse[-1] = fuse - 1
        if fuse > 1:
            return act()
        if self.rnd.random() < 0.5:
            act()
        raise Died


def work_off(stage: str, events: Sequence[Event], ports: Ports, theme: Theme) -> None:
    """What the handlers do with a batch of messages."""
    entered: dict[str, Listed | None] = {}
    gathered: list[str] = []
    bulk: dict[str, str] = {}
    looked: set[str] = set()
    for event in events:
        detail = event.detail
        match stage, event.type:
            case "render", _:
                render(detail["key"], ports)
            case "gate", "ProfileChanged":
                fan_out(detail["kind"], detail["id"], ports)
            case "gate", "SiteChanged":
                fan_out("site", "", ports)
            case "gate", _:
                if detail["slug"] not in looked:
                    gate(detail["slug"], ports, theme, detail.get("bulk", ""))
                looked.add(detail["slug"])
            case "index", "ArticleGated":
                if detail["slug"] not in entered:
                    entered[detail["slug"]] = enter(detail["slug"], ports)
            case "index", "ProfileChanged":
                refresh_profile(detail["kind"], detail["id"], ports, theme)
            case "index", "SiteChanged":
                refresh_site(ports, theme)
            case "index", "ListTouched":
                refresh_list(detail["list"], ports, theme, detail.get("bulk", ""))
            case "invalidate", _:
                gathered += detail["paths"]
                if "bulk" in detail:
                    bulk |= dict.fromkeys(detail["paths"], detail["bulk"])
            case _:
                raise AssertionError((stage, event.type))
    if stage == "index":
        finish([listed for listed in entered.values() if listed], ports, theme)
    elif stage == "invalidate":
        invalidate(gathered, ports, bulk)


# --- Acts ---


MORE = [
    *[
        "",
        "",
        "draft: true\n",
        "expires: 2026-05-01\n",
        "publish_at: 2027-01-01\n",
        "access: member\n",
        "hero: a.png\n",
    ],
    "corrections: [{date: 2026-04-01, text: Oops.}]\n",
]


def draft(rnd: random.Random, name: str) -> bytes:
    """A version of a draft; only this draft ever has this slug."""
    slug = rnd.choice([name, name, name, f"{name}-two"])
    date = f"2026-0{rnd.randrange(1, 4)}-0{rnd.randrange(1, 4)}"
    more = rnd.choice(MORE)
    return (
        f"---\ntitle: {rnd.choice('XYZ')}\nslug: {slug}\ndate: {date}\nauthors: [{rnd.choice(['u', 'v', 'u, v'])}]\n"
        f"topics: [{rnd.choice(['t', 'w'])}]\n{more}---\nText.\n\n{rnd.choice(GATES)}\n![Seen](a.png)\n:::\n\nEnd.\n"
    ).encode()


GATES = ["::: gate", "::: gate tier=member", "::: gate tier=member teaser=Mine"]
SETTINGS = [
    None,
    b"name: A\nteaser: Only for a {tier}.\n",
    b"name: B\ntiers: [public, member]\n",
    b"timezone: Asia/Tokyo\ntiers: [public, member, patron]\n",
]


def acts(rnd: random.Random) -> list[Act]:
    """What editors do: file, replace, withdraw, and change profiles, images and settings."""
    found: list[Act] = []
    for _ in range(rnd.randrange(2, 10)):
        name = rnd.choice("abcd")
        key = f"drafts/{name}/index.md" if name == "d" else f"drafts/{name}.md"
        kind = rnd.random()
        if kind < 0.55:
            found.append((key, draft(rnd, name)))
        elif kind < 0.7:
            found.append((key, None))
        elif kind < 0.78:
            found.append(("drafts/d/a.png", rnd.choice([None, b"one", b"two"])))
        elif kind < 0.9:
            profiles = [
                None,
                b"---\nname: Una\n---\nBio.",
                b"---\nname: Uma\nkind: ai\n---\nOther.",
            ]
            found.append((f"{rnd.choice(['authors/u', 'authors/v', 'topics/t'])}.md", rnd.choice(profiles)))
        else:
            found.append(("site.yaml", rnd.choice(SETTINGS)))
    return found


def final_of(done: Sequence[Act]) -> list[Act]:
    """The last act on each file, in order."""
    last: dict[str, bytes | None] = {}
    for key, body in done:
        last.pop(key, None)
        last[key] = body
    return list(last.items())


# --- What must hold ---


def play(theme: Theme, seed: int, schedule: Schedule) -> tuple[World, list[Act]]:
    """A history of one seed, until it is quiet."""
    done = acts(random.Random(seed))
    world = World(theme, seed, schedule)
    for key, body in done:
        world.act(key, body)
        while world.queue and (schedule == CALM or world.rnd.random() > schedule.linger):
            world.step()
    world.settle()
    return world, done


def calm_site(theme: Theme, done: Sequence[Act]) -> MemoryObjects:
    """The site of the final drafts, each published once, in order."""
    world = World(theme, 0, CALM)
    for key, body in final_of(done):
        if body is not None:
            world.act(key, body)
            world.settle()
    world.settle()
    return world.site


def differences(site: MemoryObjects, wanted: MemoryObjects) -> list[str]:
    """Keys that differ in bytes, headers or metadata. Tombstones are history: nobody can tell them from a gap but by 410."""
    keys = sorted({*site.outputs, *wanted.outputs})
    found = [key for key in keys if site.outputs.get(key) != wanted.outputs.get(key)]
    return [key for key in found if not (key not in wanted.outputs and is_tombstone(site.outputs[key]))]


def is_tombstone(output: Output) -> bool:
    return output.metadata.get("status") in ("410", "301")


@contextmanager
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(converge.time, "sleep", lambda _: None)
        yield


SCHEDULES = {
    "reordered": Schedule(reorder=True, batch=0.2, linger=0.4),
    "repeated": Schedule(reorder=True, duplicate=0.25, batch=0.3, linger=0.6),
    "deadly": Schedule(reorder=True, duplicate=0.2, batch=0.2, die=0.15, linger=0.5),
    "nested": Schedule(reorder=True, duplicate=0.1, batch=0.2, die=0.05, nest=0.03, linger=0.6),
}
PER_SCHEDULE = 75


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_site_ends_as_the_final_drafts_make_it(name: str, theme: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = SCHEDULES[name]
    with no_waiting(monkeypatch):
        for seed in range(PER_SCHEDULE):
            world, done = play(theme, seed, schedule)
            assert differences(world.site, calm_site(theme, done)) == [], f"seed {seed}"
            assert world.cache.stale() == [], f"seed {seed}"
            if not schedule.die:  # who dies after telling the cache tells it again
                assert world.cache.spurious == [], f"seed {seed}"
