"""Quotes a stack's parameters for SAM CLI, which ends an unquoted value at its first space.

The shell removes the quotation marks that a person types, so `make deploy` adds them again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .layers import python_version


def overrides(words: Sequence[str]) -> str:
    """Return the value of `--parameter-overrides` for arguments of the form `Name=value`.

    Raises:
        ValueError: an argument has another form.
    """
    pairs = [word.partition("=") for word in (f"PythonVersion={python_version()}", *words)]
    for name, separator, value in pairs:
        if not (name.isalnum() and separator):
            raise ValueError(
                f"“{name}{separator}{value}” is not a parameter; type Name=value, with quotation marks around a value that has spaces"
            )
    return " ".join(f"{name}={_quoted(value)}" for name, _, value in pairs)


def _quoted(value: str) -> str:
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'


def main() -> None:
    """Print the arguments, quoted for SAM CLI."""
    try:
        print(overrides(sys.argv[1:]))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
