"""Recorded histories, which can be replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .actions import Action
from .schedule import KINDS, Fault, Move


@dataclass(frozen=True, slots=True)
class History:
    """What is needed to replay a history.

    Attributes:
        moves: those that depart from the default order.
        faults: the fault that occurs in each run, by the run's name.
        batches: for each run, the names of the messages that share its first message's batch.
    """

    actions: tuple[Action, ...]
    moves: tuple[Move, ...] = ()
    faults: Mapping[str, Fault] = field(default_factory=dict)
    batches: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{len(self.actions)} actions:", *(f"  {action.number}. {action}" for action in self.actions)]
        lines += [f"{len(self.moves)} moves, then the default order:", *(f"  {move}" for move in self.moves)]
        for run, fault in self.faults.items():
            partly = f", accepted: {fault.part:b}" if fault.kind in ("dies during", "partly refused") else ""
            lines.append(f"{run}, call {fault.call}: {fault.kind} ({KINDS[fault.kind]}){partly}")
        lines += [f"{run} also receives {', '.join(names)}" for run, names in self.batches.items()]
        return "\n".join(lines)
