"""What every patch of MiniStack checks first: that it is the version which the patches were written for."""

from __future__ import annotations

import importlib.metadata
from typing import Any

VERSION = "1.5.33"


def require(module: Any, *names: str) -> None:
    """Check that a module of MiniStack has the names that a patch replaces.

    Raises:
        RuntimeError: it does not.
    """
    missing = [name for name in names if not hasattr(module, name)]
    if missing:
        raise RuntimeError(f"{module.__name__} of MiniStack {VERSION} should have {', '.join(missing)}")


def check_version() -> None:
    """Check that this is the version of MiniStack that the patches were written for.

    Raises:
        RuntimeError: it is another one.
    """
    found = importlib.metadata.version("ministack")
    if found != VERSION:
        raise RuntimeError(f"the patches are for MiniStack {VERSION}, and this is {found}")
