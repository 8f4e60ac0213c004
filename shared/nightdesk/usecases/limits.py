"""Limits on what strangers can make us do, counted in the table over whole hours."""

from __future__ import annotations

import ipaddress
from datetime import datetime

from nightdesk.domain.errors import Permanent
from nightdesk.domain.tokens import hashed

from .ports import Table

_HOUR = 3600


class TooMany(Permanent):
    """More was asked for within the hour than is allowed."""


def within(kind: str, who: str, most: int, table: Table, now: datetime) -> bool:
    """Count one more of a kind for somebody, and whether that is still among the first `most` of this hour."""
    hour = int(now.timestamp()) // _HOUR
    return table.count(f"limit#{kind}#{hashed(who)}", str(hour), (hour + 2) * _HOUR) <= most


def so_far(kind: str, who: str, table: Table, now: datetime) -> int:
    """How many of a kind were counted for somebody within this hour."""
    item = table.get(f"limit#{kind}#{hashed(who)}", str(int(now.timestamp()) // _HOUR))
    return int(item["version"]) if item else 0


def network(address: str) -> str:
    """The network that an IP address counts for: an IPv4 address itself, or the 64 bits of IPv6 that one subscriber has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
