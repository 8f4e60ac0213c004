"""Collecting the problems of one file."""

from __future__ import annotations

from nightdesk.domain.problems import Effect, Problem

_MOST_PROBLEMS = 10_000
"""Of one effect in one file: a file of one million mistakes must not take longer to refuse than any other."""


class ProblemList:
    """Collects the problems of one file: those that reject it, and the others as warnings."""

    def __init__(self) -> None:
        self.rejections: list[Problem] = []
        self.warnings: list[Problem] = []

    def add(self, *problems: Problem) -> None:
        """Add problems to the rejections or to the warnings, by their effect."""
        for problem in problems:
            found = self.rejections if problem.kind.effect is Effect.REJECTED else self.warnings
            if len(found) < _MOST_PROBLEMS:
                found.append(problem)
