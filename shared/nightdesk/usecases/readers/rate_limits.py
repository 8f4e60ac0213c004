"""Limits on what anonymous callers and readers may request, counted per hour in the Memberships table."""

from __future__ import annotations

import ipaddress
from datetime import datetime

from nightdesk.domain.tokens import hash_secret
from nightdesk.ports import Table
from nightdesk.repositories import memberships_table

_HOUR = 3600


def count(kind: str, subject: str, table: Table, now: datetime) -> int:
    """Count one more request of a kind, and return how many there were in this hour.

    Args:
        subject: what is limited, such as a member or a network; empty for everyone together.
    """
    hour = _hour(now)
    return memberships_table.increment_counter(table, kind, hash_secret(subject), hour, (hour + 2) * _HOUR)


def allow(kind: str, subject: str, limit: int, table: Table, now: datetime) -> bool:
    """Count one more request of a kind (see `count`), and return True if it is among the first `limit` of this hour."""
    return count(kind, subject, table, now) <= limit


def used_so_far(kind: str, subject: str, table: Table, now: datetime) -> int:
    """Return how many requests of a kind were counted in this hour."""
    return memberships_table.counter_value(table, kind, hash_secret(subject), _hour(now))


def _hour(now: datetime) -> int:
    return int(now.timestamp()) // _HOUR


def seconds_to_next_hour(now: datetime) -> int:
    """Return the seconds until the counters of this hour no longer apply, at least 1."""
    return _HOUR - int(now.timestamp()) % _HOUR


def network_of(address: str) -> str:
    """Return the network to count for an IP address: an IPv4 address itself, or the /64 that one IPv6 subscriber has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
