"""A simulated world: buckets, tables, bus, queues and cache in memory, in which the real stages run.

Every run of a stage is a greenlet. At each call on a port it returns to the world, which decides which run continues. So any
number of runs, even of one stage for one article, interleave call by call. There are no threads and no clock but the
world's, so a seed always plays the same history.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from greenlet import greenlet
from nightdesk.adapters.memory import MemoryObjects, MemoryTable
from nightdesk.domain.errors import Conflict, NightdeskError, Permanent, Transient
from nightdesk.domain.events import ArticleDue, Event, ObjectChanged, SiteChanged, TickerDue, UpdateEnded, parse_event
from nightdesk.domain.uploaders import DIRECT
from nightdesk.ports import ANY, Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.private_bucket import decisions_from, decisions_key
from nightdesk.stages.batch import Batch, Runtime, process_batch

from .actions import Action, public_from, slug_of
from .cache import Cache, RunTimes
from .editors import EditorBatch
from .log import describe_call
from .messages import Message, batch_of, editors_message, messages_of, name_of
from .pictures import PlainPictures
from .schedule import NEXT_ACTION, TO_ITS_END, Choice, Fault, Move, Schedule
from .theme import theme
from .world_ports import DraftsBucket, ScheduledPort, Schedules, SiteBucket, Timer, WorldBus

START = datetime(2026, 11, 23, 3, tzinfo=UTC)
MAX_TICKS = 200_000
"""More calls than any of these histories makes."""
_MAX_FAILURES = 5
"""The template's maxReceiveCount. Only failures without an injected fault count."""
_SCHEDULER_AHEAD = timedelta(seconds=0.5)
"""How far the scheduler's clock is ahead of the functions' clocks."""


class Killed(BaseException):
    """The function was killed. No error handler sees it."""


class Run:
    """One invocation of a function, with a batch of messages.

    Attributes:
        fault: the fault that will occur; None if it has occurred.
        faulty: whether a fault has occurred.
        calls_left: how many more calls the run makes before another run may continue.
    """

    def __init__(self, name: str, messages: list[Message], world: World) -> None:
        self.name = name
        self.messages = messages
        self.stage = messages[0].stage
        self.theme = world.theme
        self.greenlet = greenlet(partial(world.process, self), world.hub)
        self.failed: list[Message] = []
        self.fault: Fault | None = None
        self.faulty = False
        self.calls = 0
        self.writes = 0
        self.calls_left = TO_ITS_END
        self.paused = False
        self.times = RunTimes(name, world.ticks)


class World:
    """One history, played until no message is left.

    Args:
        actions: what editors do, in order.
        schedule: decides what is left to chance.
        recording: name runs and messages, and record moves; slower.
        verbose: log each call; slower still.

    Attributes:
        delivered: all messages that were ever in a queue.
        violations: what went wrong.
        batches: for each recorded run, the names of the messages that shared its first message's batch.
        schedules: moment and slug of each schedule, and whether it has fired.
        taken_down: ids of drafts that an editor has withdrawn.
    """

    def __init__(
        self, actions: Sequence[Action], schedule: Schedule, recording: bool = False, verbose: bool = False
    ) -> None:
        self.actions = deque(actions)
        self.schedule = schedule
        self.recording = recording
        self.verbose = verbose
        self.log: list[str] = []
        self.moves: list[Move] = []
        self.faults: dict[str, Fault] = {}
        self.batches: dict[str, Sequence[str]] = {}
        self.now = START
        self.ticks = 0
        self.hub = greenlet.getcurrent()
        self.queue: list[Message] = []
        self.delivered: list[Message] = []
        self.running: list[Run] = []
        self.current: Run | None = None
        self.violations: list[str] = []
        self.theme_number = 0
        self.timers: list[datetime] = []
        self.taken_down: set[str] = set()
        self.schedules: dict[tuple[datetime, str], bool] = {}
        self._theme_unannounced = False
        self._counts: Counter[str] = Counter()
        self.cache = Cache(lambda: self.ticks)
        self.drafts = DraftsBucket(self)
        self.private = MemoryObjects(self.clock)
        self.site = SiteBucket(self)
        self.table = MemoryTable()
        self.updates = MemoryTable()
        inner = {
            "drafts": self.drafts,
            "private": self.private,
            "site": self.site,
            "articles": self.table,
            "updates": self.updates,
            "bus": WorldBus(self),
            "cdn": self.cache,
            "schedules": Schedules(self),
        }
        scheduled = {name: ScheduledPort(name, port, self) for name, port in inner.items()}
        self.ports = Ports(**scheduled, clock=self.clock, pictures=PlainPictures())
        self.timer = ScheduledPort("timer", Timer(self), self)
        self.deliver([SiteChanged()])

    @property
    def theme(self) -> Theme:
        """The theme that is deployed."""
        return theme(self.theme_number)

    def clock(self) -> datetime:
        """Return the world's time."""
        return self.now

    # --- Choices ---

    def play(self) -> None:
        """Perform all actions, and process messages until none is left."""
        while True:
            if self.ticks > MAX_TICKS:
                self.violations.append("the history does not end")
                return
            default = self._default_choice()
            if default is None:
                return
            choice = self.schedule.next_choice(self)
            self._follow(default if choice.kind == "default" else choice)

    def _default_choice(self) -> Choice | None:
        """Return what happens next in the default order; None if nothing is left to do."""
        if self.running:
            return Choice("resume", self.running[-1])
        if self.queue:
            return Choice("start", self.queue[0])
        return NEXT_ACTION if self.actions else None

    def _follow(self, choice: Choice) -> None:
        kind, what, calls = choice
        if kind == "resume":
            assert isinstance(what, Run)
            self._resume(what, calls)
        elif kind == "start":
            assert isinstance(what, Message)
            self._resume(self._start(what), calls)
        elif kind == "action":
            self._perform(self.actions.popleft())
        else:
            assert isinstance(what, Message)
            self._record(Move("redeliver", what.name))
            self._log(f"   {what.name} is redelivered")
            self.queue.append(what)

    def _record(self, move: Move) -> None:
        """Record a move. Two moves of one run in succession become one."""
        if not self.recording:
            return
        last = self.moves[-1] if self.moves else None
        if last and last.kind == move.kind == "run" and last.name == move.name and last.calls is not None:
            calls = None if move.calls is None else last.calls + move.calls
            self.moves[-1] = move._replace(calls=calls)
        else:
            self.moves.append(move)

    def _log(self, line: str) -> None:
        if self.verbose:
            self.log.append(line)

    # --- Runs ---

    def name_of_run(self, first: Message) -> str:
        """Return the name of the run that would begin with a message."""
        return f"{first.name} run {self._counts[first.name] + 1}"

    def _start(self, first: Message) -> Run:
        self.queue.remove(first)
        run = Run(self.name_of_run(first) if self.recording else "", [first], self)
        self._counts[first.name] += 1
        others = [message for message in self.queue if message.queue == first.queue]
        shared = self.schedule.share_batch(run, others) if others else []
        for message in shared:
            self.queue.remove(message)
        run.messages += shared
        run.fault = self.schedule.fault(run)
        self.running.append(run)
        if self.recording and shared:
            self.batches[run.name] = [message.name for message in shared]
        self._log(f"   {run.name} begins" + "".join(f"\n      with {message.name}" for message in shared))
        return run

    def _resume(self, run: Run, calls: int) -> None:
        """Let a run make some calls, or continue to its end."""
        self.current = run
        run.calls_left = calls
        before = run.calls - run.paused
        killed = False
        try:
            run.greenlet.switch()
        except Killed:
            killed = True
        if killed or run.greenlet.dead:
            self._record(Move("run", run.name))
            self._end(run, killed)
        else:
            run.paused = True
            self._record(Move("run", run.name, run.calls - 1 - before))

    def _end(self, run: Run, killed: bool) -> None:
        self.current = None
        self.running.remove(run)
        failed = run.messages if killed else run.failed
        if failed:
            self.advance(timedelta(seconds=1))
        else:
            run.times.ended = self.ticks
        for message in failed:
            message.failures += not run.faulty and run.stage != "editor"  # editors do not give up
            message.redelivered = True
            if message.failures > _MAX_FAILURES:
                self.violations.append(f"{message.name} ends in the dead-letter queue")
            else:
                self.queue.append(message)
        self._log(f"   {run.name} ends" + (f", {len(failed)} messages will be redelivered" if failed else ""))
        if self._theme_unannounced and all(other.theme is self.theme for other in self.running):
            self._theme_unannounced = False
            self.deliver([SiteChanged()])

    def process(self, run: Run) -> None:
        """Process a run's batch of messages as its function does, or an editor's action."""
        make_batch: Callable[[bool], Batch]
        if run.stage == "editor":
            make_batch = self._editor_batch
        else:
            make_batch = partial(batch_of, run.stage, ports=self.ports, theme=run.theme, timer=self.timer)
        runtime = Runtime(make_batch, lambda message: message.detail, partial(self._report, run))
        failed = process_batch(run.messages, any(message.redelivered for message in run.messages), runtime)
        run.failed = [message for message, _ in failed]

    def _report(self, run: Run, error: Exception) -> None:
        if not isinstance(error, NightdeskError) or isinstance(error, Permanent):
            self.violations.append(f"{run.name} failed: {error!r}")
        self._log(f"   {run.name} fails: {error!r}")

    def _editor_batch(self, redelivered: bool) -> Batch:
        return EditorBatch(self.ports, self._action_ended)

    def _action_ended(self, action: Action, refused: Permanent | None) -> None:
        self._log(f"   {action} is " + (f"refused: {refused}" if refused else "done"))
        decisions = decisions_from(self.private.get(decisions_key(action.subject)))
        if action.kind == "withdraw" and not refused and decisions.withdrawn:
            self.taken_down.add(decisions.taken_from)
        elif action.kind in ("publish", "schedule"):
            self.taken_down.clear()  # of any article: this test does not know which decision was the last one

    # --- Actions, time and events ---

    def _perform(self, action: Action) -> None:
        self._record(Move("action", str(action.number)))
        self._log(f"{action.number}. {action}")
        if action.kind == "put":
            content_type = "image/png" if action.subject.endswith(".png") else "text/markdown"
            if action.subject.startswith("drafts/") and content_type == "text/markdown":
                self.site.allow(slug_of(action), public_from(action))
            metadata = {} if action.uploader == DIRECT else action.uploader.to_metadata()
            self.drafts.requester = action.requester
            self.drafts.put(Output(action.subject, action.content, content_type, metadata=metadata), ANY)
        elif action.kind == "remove":
            self.drafts.delete(action.subject)
        elif action.kind == "deploy":
            self._deploy(int(action.subject))
        elif action.kind == "wait":
            self.advance(datetime.fromisoformat(action.subject) - self.now)
            self.deliver([TickerDue()])  # which comes every minute
        elif action.kind == "emit":
            self.deliver([parse_event(action.subject, action.values)])
        else:
            if action.kind in ("publish", "schedule"):
                self.site.release(datetime.fromisoformat(action.values.get("at", self.now.isoformat())))
            self._queue(editors_message(action))
        self.advance(timedelta(seconds=1))

    def _deploy(self, number: int) -> None:
        """Deploy a theme. Runs keep the code that they began with; the change is announced when none of them is left."""
        self.theme_number = number
        self._theme_unannounced = bool(self.running)
        if not self.running:
            self.deliver([SiteChanged()])

    def advance(self, time: timedelta) -> None:
        """Let time pass, and fire the schedules and timers that are due."""
        self.now += max(time, timedelta())
        due = [moment for moment in self.timers if moment <= self.now]
        self.timers = [moment for moment in self.timers if moment > self.now]
        self.deliver(UpdateEnded() for _ in due)
        for (moment, slug), fired in self.schedules.items():
            if not fired and moment <= self.now + _SCHEDULER_AHEAD:
                self.schedules[moment, slug] = True
                self.deliver([ArticleDue(slug)])

    def deliver(self, events: Iterable[Event | ObjectChanged]) -> None:
        """Put events into the queues whose rules match them."""
        for event in events:
            for message in messages_of(event):
                self._queue(message)

    def _queue(self, message: Message) -> None:
        if self.recording:
            name = name_of(message)
            self._counts[name] += 1
            message.name = f"{name} ({self._counts[name]})"
        self.queue.append(message)
        self.delivered.append(message)

    # --- Calls ---

    def call(self, name: str, writes: bool, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Make a call of the current run on a port, after other runs may have continued, and perhaps with a fault."""
        run = self.current
        assert run
        self.ticks += 1
        run.calls += 1
        run.writes += writes
        run.calls_left -= 1
        if run.calls_left < 0:
            self.hub.switch()
        fault = run.fault
        if fault and fault.call == (run.writes if fault.writes else run.calls) and (writes or not fault.writes):
            run.fault = None
            run.faulty = True
            self.cache.run = run.times
            return self._call_with_fault(run, fault, name, method, *args, **kwargs)
        if name == "cdn.invalidate":
            self.cache.run = run.times
        if not self.verbose:
            return method(*args, **kwargs)
        try:
            result = method(*args, **kwargs)
        except NightdeskError as error:
            self._log_call(run, name, args, repr(error))
            raise
        self._log_call(run, name, args, result)
        return result

    def _call_with_fault(
        self, run: Run, fault: Fault, name: str, method: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        kind = fault.kind
        conditional = name.endswith((".put", ".copy")) and args[-1] != ANY
        if kind == "retried" and not conditional:
            kind = "response lost"
        if kind == "contended" and not (conditional or name.endswith(".write")):
            kind = "throttled"
        if kind in ("dies after", "response lost", "retried"):
            method(*args, **kwargs)  # may raise Conflict, which is a response too
        elif kind in ("dies during", "partly refused") and name == "bus.emit":
            method([event for bit, event in enumerate(args[0]) if fault.part >> bit % 10 & 1])
        if self.recording:
            self.faults[run.name] = fault._replace(call=run.calls, writes=False)
        self._log_call(run, name, args, f"!! {kind}")
        if kind.startswith("dies"):
            raise Killed
        if kind in ("retried", "contended"):
            raise Conflict(kind)
        raise Transient(kind)

    def _log_call(self, run: Run, name: str, args: tuple[Any, ...], result: object) -> None:
        if self.verbose:
            self.log.append(f"      {run.name}, call {run.calls}: {describe_call(name, args, result)}")
