"""Which addresses may be linked to, and which may be fetched from: none that lead into somebody's own network."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from .site import is_link

_NAT64 = ip_network("64:ff9b::/96")
_INNER = ("localhost", "local", "internal", "intranet", "lan", "home", "corp")
"""Top-level names that networks use for themselves (RFC 6761, RFC 6762, and those that ICANN never gives away)."""
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_TOP = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A last label that begins with a letter: browsers read any other host as a number (URL standard, “ends in a number”)."""


def is_public_address(text: str) -> bool:
    """Whether an IP address belongs to the public internet.

    Loopback, private, link-local (where clouds keep their metadata), shared and multicast ones do not, nor does an
    IPv6 address that stands for such an IPv4 one (mapped, 6to4, Teredo, NAT64: RFC 6052).
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(part.is_global and not part.is_multicast for part in _within(address))


def is_loopback_address(text: str) -> bool:
    """Whether an IP address is this machine's own."""
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False


def _within(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """An address, and the IPv4 addresses that it wraps."""
    if isinstance(address, IPv4Address):
        return [address]
    wrapped: list[IPv4Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        wrapped.append(IPv4Address(int(address) & 0xFFFFFFFF))
    inner = [part for part in wrapped if part is not None]
    # The mapped form is no address of its own, and not every Python calls it global.
    return [*inner] if address.ipv4_mapped or address in _NAT64 else [address, *inner]


def host_of(url: str) -> str:
    """The host of a web address as a resolver is asked for it; empty where there is none, or a name before an `@`."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return ""
    if not host or "@" in parts.netloc:
        return ""
    if ":" in host:
        return host
    try:
        return host.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""


def is_public_link(url: str) -> bool:
    """Whether an address may be linked to from a page: https, and a host that is not plainly somebody's own."""
    if not url.startswith("https://") or not is_link(url):
        return False
    host = host_of(url)
    if ":" in host or re.fullmatch(r"[\d.]+", host):
        return is_public_address(host)
    *labels, top = host.split(".")
    return bool(labels) and all(map(_LABEL.fullmatch, labels)) and bool(_TOP.fullmatch(top)) and top not in _INNER


def is_own_path(url: str) -> bool:
    """Whether an address is a path on this site."""
    return url.startswith("/") and is_link(url)
