"""A parser of arguments whose messages suggest what to type instead."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that explains unknown words and options, with the usage of the command that they were typed for."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments, and exit with status 2 if any are left: argparse would show the usage of `nightdesk` itself."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self._refuse(unknown[0])
        return found, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            hint = f"choose from {', '.join(choices)}"
            raise argparse.ArgumentError(action, f"there is no “{value}”; {_suggestion(str(value), choices) or hint}")

    def _refuse(self, word: str) -> NoReturn:
        option = word.partition("=")[0]
        if option.startswith("-"):
            hint = _suggestion(option, self._option_string_actions) or f"“{self.prog} --help” lists its options"
            self.error(f"there is no option “{option}”; {hint}")
        self.error(f"“{word}” is one argument too many; put quotation marks around text with spaces")


def _suggestion(typed: str, known: Iterable[str]) -> str:
    from nightdesk.domain.suggestions import closest  # late, because `nightdesk --help` must start fast

    near = closest(typed, known)
    return f"did you mean “{near}”?" if near else ""
