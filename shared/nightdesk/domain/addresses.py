"""Which web addresses may be linked to or fetched: none that lead into a private network."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from nightdesk.domain.site import is_link

_GLOBAL_UNICAST = ip_network("2000::/3")
_MAPPED = ip_network("::ffff:0:0/96")
_NAT64 = ip_network("64:ff9b::/96")
"""The well-known prefix for translation to IPv4 (RFC 6052)."""
_ISATAP = 0x00005EFE
"""The upper half of an interface identifier that contains an IPv4 address (RFC 5214), apart from its universal bit."""
# Python's `is_global` follows the registries of the year in which that Python version was made.
_RESERVED_IPV4 = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24")))
_RESERVED_IPV6 = tuple(map(ip_network, ("2001:db8::/32", "3ffe::/16", "3fff::/20")))
HTTPS_PORT = 443
"""The only port on which feeds are read and webhooks reached, so that their addresses cannot probe other services."""
_PRIVATE_TLDS = ("localhost", "local", "internal", "intranet", "lan", "home", "corp")
"""Top-level names for private networks (RFC 6761, RFC 6762, and names that ICANN will not delegate)."""
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_TOP = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A last label that begins with a letter: browsers read any other host as an IPv4 address (WHATWG URL, “ends in a number”)."""


def is_public_address(text: str) -> bool:
    """Return True if an IP address belongs to the public internet.

    IPv4: every address but those that IANA's registry of special-purpose addresses reserves, such as loopback, private,
    link-local (where clouds serve instance metadata), shared and multicast addresses.

    IPv6: only 2000::/3, the one block that is allocated for global unicast (RFC 4291, IANA), less what is reserved in it.
    Everything outside of it is refused, known or not: unique local, site-local, segment routing, the local-use NAT64 prefix.
    An IPv4 address that is embedded in an IPv6 one (mapped, NAT64, 6to4, Teredo, ISATAP) must be public too.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return _is_public_ipv4(address)
    if address in _MAPPED or address in _NAT64:
        return _is_public_ipv4(_last_32_bits(address))
    if address not in _GLOBAL_UNICAST or any(address in network for network in _RESERVED_IPV6):
        return False
    return address.is_global and all(map(_is_public_ipv4, _embedded(address)))


def is_loopback_address(text: str) -> bool:
    """Return True if an IP address is a loopback address."""
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False


def _is_public_ipv4(address: IPv4Address) -> bool:
    reserved = any(address in network for network in _RESERVED_IPV4)
    return address.is_global and not address.is_multicast and not reserved


def _last_32_bits(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)


def _embedded(address: IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses to which a tunnel would send packets for a global unicast address."""
    found = [address.sixtofour, *(address.teredo or ())]
    if (int(address) >> 32) & 0xFDFFFFFF == _ISATAP:
        found.append(_last_32_bits(address))
    return [part for part in found if part is not None]


def ascii_domain(name: str) -> str:
    """Return a domain name in the ASCII form that browsers and mail servers look up, in lower case; empty if it has none.

    Python's own codec follows IDNA 2003, which turns four letters (ß, ς and two joiners) into others, so that
    `straße.example` would name another owner's domain. This follows IDNA 2008 with the mapping of UTS 46, as browsers do.
    """
    try:
        if name.isascii():
            return name.encode("idna").decode("ascii").lower()
        import idna  # few names need it, and its tables are large

        return idna.encode(name, uts46=True, std3_rules=True, transitional=False).decode("ascii")
    except UnicodeError:
        return ""


def host_of(url: str) -> str:
    """Return the host of a web address in the form for a resolver; empty if there is none, or if there is user information."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return ""
    if not host or "@" in parts.netloc:
        return ""
    if ":" in host:
        return host
    return ascii_domain(host.rstrip("."))


def is_public_link(url: str) -> bool:
    """Return True if a page may link to an address: https, and a host that is not in a private network."""
    if not url.startswith("https://") or not is_link(url):
        return False
    host = host_of(url)
    if ":" in host or re.fullmatch(r"[\d.]+", host):
        return is_public_address(host)
    *labels, top = host.split(".")
    return (
        bool(labels) and all(map(_LABEL.fullmatch, labels)) and bool(_TOP.fullmatch(top)) and top not in _PRIVATE_TLDS
    )


def is_public_server(url: str) -> bool:
    """Return True if a feed may be read from an address, or a webhook reached there: a public link to `HTTPS_PORT`."""
    return is_public_link(url) and urlsplit(url).port in (None, HTTPS_PORT)


def is_public_or_loopback(url: str) -> bool:
    """Return True for a public server too. Loopback ones are for the local cloud and tests; on AWS, reaching them fails."""
    return is_public_server(url) or is_loopback_address(host_of(url))


def is_own_path(url: str) -> bool:
    """Return True if an address is a path on this site."""
    return url.startswith("/") and is_link(url)
