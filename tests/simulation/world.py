"""A simulated world: buckets, table, bus, queues and cache in memory, and the real stages at work on them.

Every run of a stage is a greenlet. At each call on a port it hands over to the world, which decides who goes on; so any
number of runs, also of one stage for one article, are inside each other call by call. There are no threads and no
clock but the world's, so a seed always tells the same story.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from greenlet import greenlet
from nightdesk.adapters.memory import MemoryObjects, MemoryTable
from nightdesk.domain.documents import Document
from nightdesk.domain.errors import Conflict, NightdeskError, Permanent, Transient
from nightdesk.rendering.environment import Theme
from nightdesk.stages import Batch
from nightdesk.usecases.catalogue import holder
from nightdesk.usecases.ports import ANY, Event, Output, Ports
from nightdesk.usecases.stored import editorial_key, load_decisions

from .acts import Act, free_from, slug_of
from .cache import Cache, Teller
from .editors import edit
from .messages import Message, batch_of, edit_of, messages_of, name_of
from .routes import ALARM, FILE_MOVED
from .theme import theme
from .whims import ACT, ENOUGH, Choice, Fault, Move, Whims

START = datetime(2026, 11, 23, 3, tzinfo=UTC)
TOO_LONG = 200_000
"""More calls than any of these histories makes."""
_PATIENCE = 5
"""The template's maxReceiveCount: as often a message may fail for reasons of our own making."""
_AHEAD = timedelta(seconds=0.5)
WRITES = frozenset(("put", "delete", "write", "emit", "invalidate", "wake"))


class Died(BaseException):
    """The function was killed: no handler of errors sees it."""


class Run:
    """A function at work on a batch of messages."""

    def __init__(self, name: str, messages: list[Message], world: World) -> None:
        self.name = name
        self.messages = messages
        self.stage = messages[0].stage
        self.theme = world.theme
        self.greenlet = greenlet(partial(world.work_off, self), world.hub)
        self.failed: list[Message] = []
        self.fault: Fault | None = None
        self.struck = False
        self.calls = 0
        self.writes = 0
        self.burst = ENOUGH
        self.paused = False
        self.teller = Teller(name, world.ticks)


class Wire:
    """A port, each call on which goes through the world."""

    def __init__(self, name: str, inner: Any, world: World) -> None:
        self._name = name
        self._inner = inner
        self._world = world

    def __getattr__(self, method: str) -> Any:
        called = partial(self._world.call, f"{self._name}.{method}", method in WRITES, getattr(self._inner, method))
        if method == "get_many":
            called = partial(_in_parts, called)
        self.__dict__[method] = called
        return called


def _in_parts(read: Callable[[Sequence[Any]], list[Any]], keys: Sequence[Any]) -> list[Any]:
    """Many items need not be of one moment: others may go on between one half and the other."""
    half = len(keys) // 2
    return read(keys[:half]) + read(keys[half:]) if half else read(keys)


class _Bus:
    def __init__(self, world: World) -> None:
        self._world = world

    def emit(self, events: Iterable[Event]) -> None:
        self._world.say(events)


class Site(MemoryObjects):
    """The site's bucket, whose every change the cache hears of. It knows which articles were ever live, and which may be."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock)
        self._world = world
        self.ever_live: set[str] = set()
        self.free_from: dict[str, datetime] = {}
        self.decided: datetime | None = None

    def allow(self, slug: str, moment: datetime) -> None:
        """An article may be public from a moment on: so says a version of a draft."""
        self.free_from[slug] = min(moment, self.free_from.get(slug, moment))

    def decide(self, moment: datetime) -> None:
        """An editor lets an article go at a moment. What editors decide goes along to other slugs, so it counts for all."""
        self.decided = min(moment, self.decided or moment)

    def put(self, output: Output, expected: str | None) -> None:
        super().put(output, expected)
        self._world.cache.wrote(output.key, output)
        folder, _, rest = output.key.partition("/")
        if folder == "articles" and "status" not in output.metadata:
            self.ever_live.add(rest.partition("/")[0])
        now = self._world.now
        for slug, moment in self.free_from.items():
            if moment > now and not (self.decided and self.decided <= now) and _shows(output, slug):
                self._world.wrong.append(f"shown before its time: {slug}, in {output.key}")

    def delete(self, key: str) -> None:
        there = key in self.outputs
        super().delete(key)
        if there:
            self._world.cache.wrote(key, None)


def _shows(output: Output, slug: str) -> bool:
    """Whether an object of the site shows an article, or names it."""
    if output.key.startswith(f"articles/{slug}/"):
        return "status" not in output.metadata
    if output.key.startswith("updates/"):
        return False  # where an update leads is for those to say who post it
    return f"/articles/{slug}/".encode() in output.body


class Alarm:
    """An alarm that rings as the world's time passes. Nothing says that it rings for a moment that has passed."""

    def __init__(self, world: World) -> None:
        self._world = world

    def wake(self, slug: str, moment: datetime) -> None:
        self._world.alarms.setdefault((moment, slug), moment <= self._world.now)


class Drafts(MemoryObjects):
    """The drafts bucket, whose every change is an event."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock)
        self._world = world

    def put(self, output: Output, expected: str | None) -> None:
        super().put(output, expected)
        self._world.say([Event(FILE_MOVED, {"key": output.key})])

    def delete(self, key: str) -> None:
        super().delete(key)
        self._world.say([Event(FILE_MOVED, {"key": key, "removed": True})])


class Timer:
    """What brings the ticker back to attention; a message that waits in its queue."""

    def __init__(self, world: World) -> None:
        self._world = world

    def wake(self, seconds: int) -> None:
        self._world.timers.append(self._world.now + timedelta(seconds=seconds))


class _Desk:
    """An editor's desk: what is refused for good is told to the editor, and done with."""

    def __init__(self, ports: Ports, told: Callable[[Act, Permanent | None], None]) -> None:
        self._ports = ports
        self._told = told

    def work(self, act: object) -> None:
        assert isinstance(act, Act)
        try:
            edit(act, self._ports)
        except Permanent as error:
            self._told(act, error)
        else:
            self._told(act, None)

    def finish(self) -> None:
        """Each act is whole in itself."""


class World:
    """One history, played until all is quiet.

    Args:
        acts: what editors do, in order.
        whims: what chance does.
        named: give all that happens names, and write moves down; slower.
        told: write down each call; slower still.
    """

    def __init__(self, acts: Sequence[Act], whims: Whims, named: bool = False, told: bool = False) -> None:
        self.coming = deque(acts)
        self.whims = whims
        self.named = named
        self.told = told
        self.story: list[str] = []
        self.moves: list[Move] = []
        self.faults: dict[str, Fault] = {}
        self.takes: dict[str, Sequence[str]] = {}
        self.now = START
        self.ticks = 0
        self.hub = greenlet.getcurrent()
        self.queue: list[Message] = []
        self.said: list[Message] = []
        self.running: list[Run] = []
        self.current: Run | None = None
        self.wrong: list[str] = []
        self.theme_number = 0
        self._untold_theme = False
        self._counts: Counter[str] = Counter()
        clock = self.clock
        self.cache = Cache(lambda: self.ticks)
        self.drafts = Drafts(self)
        self.work = MemoryObjects(clock)
        self.site = Site(self)
        self.table = MemoryTable()
        parts = {"drafts": self.drafts, "work": self.work, "site": self.site, "articles": self.table}
        self.updates = MemoryTable()
        parts["updates"] = self.updates
        parts |= {"bus": _Bus(self), "cdn": self.cache, "alarm": Alarm(self)}
        self.ports = Ports(**{name: Wire(name, inner, self) for name, inner in parts.items()}, clock=clock)
        self.timer = Wire("timer", Timer(self), self)
        self.timers: list[datetime] = []
        self.taken_down: set[str] = set()
        self.alarms: dict[tuple[datetime, str], bool] = {}
        self.say([Event("SiteChanged", {})])

    @property
    def theme(self) -> Theme:
        return theme(self.theme_number)

    def clock(self) -> datetime:
        return self.now

    # --- The course of things ---

    def play(self) -> None:
        """All acts, and whatever follows from them, until all is quiet."""
        while True:
            if self.ticks > TOO_LONG:
                self.wrong.append("it never becomes quiet")
                return
            calm = self._calm_course()
            if calm is None:
                return
            choice = self.whims.turn(self)
            self._do(calm if choice.kind == "go on" else choice)

    def _calm_course(self) -> Choice | None:
        """What would be done next if nothing strange happened; None where all is quiet."""
        if self.running:
            return Choice("resume", self.running[-1])
        if self.queue:
            return Choice("start", self.queue[0])
        return ACT if self.coming else None

    def _do(self, choice: Choice) -> None:
        kind, what, calls = choice
        if kind == "resume":
            assert isinstance(what, Run)
            self._resume(what, calls)
        elif kind == "start":
            assert isinstance(what, Message)
            self._resume(self._start(what), calls)
        elif kind == "act":
            self._act(self.coming.popleft())
        else:
            assert isinstance(what, Message)
            self._note(Move("again", what.name), f"   {what.name} is delivered again")
            self.queue.append(what)

    def _note(self, move: Move | None, words: str) -> None:
        """Write down a move, and tell of it."""
        if move and self.named:
            last = self.moves[-1] if self.moves else None
            if last and last.kind == move.kind == "run" and last.name == move.name and last.calls is not None:
                both = None if move.calls is None else last.calls + move.calls
                self.moves[-1] = move._replace(calls=both)
            else:
                self.moves.append(move)
        if self.told and words:
            self.story.append(words)

    def name_of_run(self, first: Message) -> str:
        """The name of the run that would begin with a message."""
        return f"{first.name} run {self._counts[first.name] + 1}"

    def _start(self, first: Message) -> Run:
        self.queue.remove(first)
        run = Run(self.name_of_run(first) if self.named else "", [first], self)
        self._counts[first.name] += 1
        others = [message for message in self.queue if message.queue == first.queue]
        taken = self.whims.also(run, others) if others else []
        for message in taken:
            self.queue.remove(message)
        run.messages += taken
        run.fault = self.whims.fault(run)
        self.running.append(run)
        if self.named and taken:
            self.takes[run.name] = [message.name for message in taken]
        if self.told:
            self.story.append(f"   {run.name} begins" + "".join(f"\n      with {m.name}" for m in taken))
        return run

    def _resume(self, run: Run, calls: int) -> None:
        self.current = run
        run.burst = calls
        before = run.calls - run.paused
        died = False
        try:
            run.greenlet.switch()
        except Died:
            died = True
        if died or run.greenlet.dead:
            self._note(Move("run", run.name), "")
            self._end(run, died)
        else:
            run.paused = True
            if self.named:
                self._note(Move("run", run.name, run.calls - 1 - before), "")

    def _end(self, run: Run, died: bool) -> None:
        self.current = None
        self.running.remove(run)
        back = run.messages if died else run.failed
        if not back:
            run.teller.ended = self.ticks
        if back:
            self.let_pass(timedelta(seconds=1))
        for message in back:
            message.tries += not run.struck and run.stage != "editor"  # editors have patience
            message.again = True
            if message.tries > _PATIENCE:
                self.wrong.append(f"{message.name} ends in the dead-letter queue")
            else:
                self.queue.append(message)
        if self.told:
            self.story.append(f"   {run.name} ends" + (f", {len(back)} messages come back" if back else ""))
        if self._untold_theme and all(other.theme is self.theme for other in self.running):
            self._untold_theme = False
            self.say([Event("SiteChanged", {})])

    def work_off(self, run: Run) -> None:
        """What the runtime does with a batch (`nightdesk.runtime.each_message`), or an editor with an act."""
        if run.stage == "editor":
            run.failed = self._each(run, run.messages, lambda: _Desk(self.ports, self._edited))
            return
        make = partial(batch_of, run.stage, ports=self.ports, theme=run.theme, timer=self.timer)
        batch = make(any(message.again for message in run.messages))
        run.failed = self._each(run, run.messages, lambda: batch)
        worked = [message for message in run.messages if message not in run.failed]
        try:
            batch.finish()
        except Exception as error:
            self._failed(run, error)
            run.failed += self._each(run, worked, partial(make, True), finish=True) if len(worked) > 1 else worked

    def _each(
        self, run: Run, messages: Sequence[Message], batch: Callable[[], Batch], finish: bool = False
    ) -> list[Message]:
        """Work messages off; those that failed. Where each has a batch of its own, that is finished too."""
        failed = []
        for message in messages:
            mine = batch()
            try:
                mine.work(message.detail)
                if finish:
                    mine.finish()
            except Exception as error:
                self._failed(run, error)
                failed.append(message)
        return failed

    def _edited(self, act: Act, refused: Permanent | None) -> None:
        if self.told:
            self.story.append(f"   {act} is " + (f"refused: {refused}" if refused else "done"))
        decisions = load_decisions(self.work.get(editorial_key(act.subject)))
        if act.kind == "withdraw" and not refused and decisions.withdrawn:
            held, blob = holder(self.table, act.subject), self.work.get(f"articles/{act.subject}.json")
            self.taken_down.add(held["holder"] if held else Document.from_bytes(blob.body).file if blob else "")
        elif act.kind in ("publish", "schedule"):
            self.taken_down.clear()  # of whatever; which of them was last is not for us to say

    def _failed(self, run: Run, error: Exception) -> None:
        if not isinstance(error, NightdeskError) or isinstance(error, Permanent):
            self.wrong.append(f"{run.name} failed: {error!r}")
        if self.told:
            self.story.append(f"   {run.name} fails: {error!r}")

    # --- What happens ---

    def _act(self, act: Act) -> None:
        self._note(Move("act", str(act.number)), f"{act.number}. {act}" if self.told else "")
        if act.kind == "put":
            kind = "image/png" if act.subject.endswith(".png") else "text/markdown"
            if act.subject.startswith("drafts/") and kind == "text/markdown":
                self.site.allow(slug_of(act), free_from(act))
            self.drafts.put(Output(act.subject, act.content, kind), ANY)
        elif act.kind == "remove":
            self.drafts.delete(act.subject)
            self.taken_down.discard(act.subject)  # what is filed anew is another article
        elif act.kind == "deploy":
            # Functions at work keep the code that they began with. The site is told to change when none of it is left.
            self.theme_number = int(act.subject)
            self._untold_theme = bool(self.running)
            if not self.running:
                self.say([Event("SiteChanged", {})])
        elif act.kind == "wait":
            self.let_pass(datetime.fromisoformat(act.subject) - self.now)
            self.say([Event("TickerDue", {})])  # it is every minute
        elif act.kind == "ask":
            self.say([Event(act.subject, act.matter)])
        else:
            if act.kind in ("publish", "schedule"):
                self.site.decide(datetime.fromisoformat(act.matter.get("at", self.now.isoformat())))
            self._queue(edit_of(act))
        self.let_pass(timedelta(seconds=1))

    def let_pass(self, time: timedelta) -> None:
        """Time passes, and alarms ring; the scheduler's clock is a little ahead of the functions'."""
        self.now += max(time, timedelta())
        late = [moment for moment in self.timers if moment <= self.now]
        self.timers = [moment for moment in self.timers if moment > self.now]
        self.say(Event("UpdateEnded", {}) for _ in late)
        for (moment, slug), rung in self.alarms.items():
            if not rung and moment <= self.now + _AHEAD:
                self.alarms[moment, slug] = True
                self.say([Event(ALARM, {"slug": slug})])

    def say(self, events: Iterable[Event]) -> None:
        """Events reach the queues of those who hear of them."""
        for event in events:
            for message in messages_of(event):
                self._queue(message)

    def _queue(self, message: Message) -> None:
        if self.named:
            name = name_of(message)
            self._counts[name] += 1
            message.name = f"{name} ({self._counts[name]})"
        self.queue.append(message)
        self.said.append(message)

    # --- Calls ---

    def call(self, name: str, writes: bool, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """One call of the current run on a port: a moment at which others may go on, or something may go wrong."""
        run = self.current
        assert run
        self.ticks += 1
        run.calls += 1
        run.writes += writes
        run.burst -= 1
        if run.burst < 0:
            self.hub.switch()
        fault = run.fault
        if fault and fault.call == (run.writes if fault.writes else run.calls) and (writes or not fault.writes):
            run.fault = None
            return self._strike(run, fault, name, writes, method, *args, **kwargs)
        if name == "cdn.invalidate":
            self.cache.teller = run.teller
        if not self.told:
            return method(*args, **kwargs)
        try:
            answer = method(*args, **kwargs)
        except NightdeskError as error:
            self._tell(run, name, args, repr(error))
            raise
        self._tell(run, name, args, answer)
        return answer

    def _strike(
        self, run: Run, fault: Fault, name: str, writes: bool, method: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        run.struck = True
        kind = fault.kind
        self.cache.teller = run.teller
        conditional = name.endswith(".put") and args[1] != ANY
        if kind == "tried twice" and not conditional:
            kind = "answer lost"
        if kind == "contended" and not (conditional or name.endswith(".write")):
            kind = "throttled"
        if kind in ("dies after", "answer lost", "tried twice"):
            method(*args, **kwargs)  # may raise Conflict, which is an answer as well
        elif kind in ("dies during", "refused in part") and name == "bus.emit":
            method([event for bit, event in enumerate(args[0]) if fault.part >> bit % 10 & 1])
        if self.named:
            self.faults[run.name] = fault._replace(call=run.calls, writes=False)
        if self.told:
            self._tell(run, name, args, f"!! {kind}")
        if kind.startswith("dies"):
            raise Died
        if kind in ("tried twice", "contended"):
            raise Conflict(kind)
        raise Transient(kind)

    def _tell(self, run: Run, name: str, args: tuple[Any, ...], answer: object) -> None:
        said = ", ".join(brief(arg) for arg in args)
        self.story.append(f"      {run.name}, call {run.calls}: {name}({said}) -> {brief(answer)}")


def brief(value: object) -> str:
    """A value of a call, as short as it can be and still be told from others."""
    if isinstance(value, Output):
        return f"{value.key}: {brief(value.body)}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes ~{hash_of(value)}"
    if isinstance(value, Event):
        return f"{value.type} {dict(value.detail)}"
    if isinstance(value, str):
        return value if len(value) <= 60 else f"{value[:40]}… ~{hash_of(value.encode())}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return f"({', '.join(brief(v) for v in value)})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(brief(v) for v in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {brief(v)}" for k, v in value.items() if k not in ("pk", "sk", "card")) + "}"
    return str(value)


def hash_of(raw: bytes) -> str:
    import hashlib

    return hashlib.sha256(raw).hexdigest()[:6]
