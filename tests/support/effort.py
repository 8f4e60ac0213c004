"""How much the tests try: little in `make check`, more in `make test`, and far more in `make soak`.

NIGHTDESK_EFFORT names the target. It is an environment variable so that test modules see it when they are imported, in every
process that runs tests.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EFFORT = os.environ.get("NIGHTDESK_EFFORT", "test")
_EXAMPLES = {"check": 20, "test": 100, "soak": 5000}
"""Examples of a property that asks for no number."""

if EFFORT not in _EXAMPLES:
    raise SystemExit(f"NIGHTDESK_EFFORT is “{EFFORT}”; it must be one of {', '.join(_EXAMPLES)}")


def load_profile() -> None:
    """Make this effort Hypothesis's default. Only `make soak` draws new examples each time; the others prove the same again."""
    settings.register_profile(
        EFFORT,
        deadline=None,
        max_examples=_EXAMPLES[EFFORT],
        derandomize=EFFORT != "soak",
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile(EFFORT)


def examples(usual: int) -> int:
    """Return how many examples to try of a property that needs `usual` of them in `make test`."""
    return max(5, usual * _EXAMPLES[EFFORT] // _EXAMPLES["test"])


def amount(name: str, test: int, soak: int) -> int:
    """Return how many histories or articles to try, which the variable `NIGHTDESK_<name>` overrides."""
    return int(os.environ.get(f"NIGHTDESK_{name}") or (soak if EFFORT == "soak" else test))
