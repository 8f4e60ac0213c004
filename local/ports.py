"""Free ports for local clouds that run side by side, as in tests and benchmarks."""

from __future__ import annotations

import contextlib
import random
import socket
from urllib.parse import urlsplit

from .cloud import sign_in_url, stripe_url


def free_port(first: int = 40_000, last: int = 49_998) -> int:
    """Return a port for a site for which the emulator's port and those of both stand-ins are free too.

    Args:
        first: the lowest port to try; even, as all sites' ports are.
        last: the highest.
    """
    while True:
        port = random.randrange(first, last + 1, 2)
        stand_ins = [urlsplit(url(port)).port or 0 for url in (stripe_url, sign_in_url)]
        if all(_is_free(needed) for needed in (port, port + 1, *stand_ins)):
            return port


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return True
    return False
