"""Writes the parameters of a stack for SAM CLI, which ends a value at its first space unless it stands in quotation marks.

The shell removes those that a person types, so `make deploy` has its words written anew here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .layers import python_version


def overrides(words: Sequence[str]) -> str:
    """Return the value of `--parameter-overrides` for words of the form `Name=value`.

    Raises:
        ValueError: a word has another form.
    """
    pairs = [word.partition("=") for word in (f"PythonVersion={python_version()}", *words)]
    for name, separator, value in pairs:
        if not (name.isalnum() and separator):
            raise ValueError(
                f"“{name}{separator}{value}” is no parameter: write Name=value, with quotation marks around spaces"
            )
    return " ".join(f"{name}={_quoted(value)}" for name, _, value in pairs)


def _quoted(value: str) -> str:
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'


def main() -> None:
    """Print the parameters that the arguments give."""
    try:
        print(overrides(sys.argv[1:]))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
