"""Old addresses: their one form for comparisons, and the form in which they become aliases."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Container
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

_QUERY_KEYS = ("p", "page_id")
"""The query parameters of WordPress's plain addresses."""
MAX_ALIAS = 480


def parts_of(address: str) -> SplitResult:
    """Return the parts of an address as an archive has it; empty ones of what is none, such as `https://x.e]]`."""
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("", "", "", "", "")


def host_of(address: str) -> str:
    """Return an address's host in lower case without `www.`; empty for a path."""
    return (parts_of(address).hostname or "").removeprefix("www.")


def is_path(address: str) -> bool:
    """Return True for a path on the site, False for an address with a scheme or a host."""
    return not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", address)


def below(base_url: str, address: str) -> str:
    """Return a path on a site whose own address may have a path, such as `https://skerry.example/blog`, as servers see it."""
    return parts_of(base_url).path.rstrip("/") + address if address.startswith("/") else address


def own_path(address: str, hosts: Container[str], base: str = "/") -> str | None:
    """Return the path and query of an address on the archive's own site, or None for any other address.

    Args:
        hosts: the site's hosts, without `www.`.
        base: the path of the page on which the address stands, for relative addresses.
    """
    if not is_path(address):
        host = host_of(address)
        if not host or host not in hosts:
            return None
        parts = parts_of(address)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    plain = address.partition("#")[0]
    if not plain:
        return None
    if plain.startswith(("/", "?")):
        return plain if plain.startswith("/") else "/" + plain
    path, mark, query = plain.partition("?")
    folder = base.partition("?")[0].rpartition("/")[0] + "/"
    return posixpath.normpath(posixpath.join(folder, path)) + ("/" if path.endswith("/") else "") + mark + query


def normal(path: str) -> str:
    """Return the form of a path in which two spellings of one address are equal.

    Letter case, percent-encoding, `index.html` and a slash at the end do not count, nor does a query, except for the number
    of a WordPress post.
    """
    path, _, query = path.partition("#")[0].partition("?")
    plain = unicodedata.normalize("NFC", unquote(path)).casefold()
    plain = re.sub(r"/+", "/", "/" + plain.strip("/"))
    plain = re.sub(r"/index\.html?$", "", plain).rstrip("/") or "/"
    ids = [f"{key}={value}" for key, value in parse_qsl(query) if key in _QUERY_KEYS]
    return f"{plain}?{ids[0]}" if ids else plain


def alias_of(path: str) -> str:
    """Return a path as a draft's alias; empty if it cannot be one."""
    path, _, query = path.partition("#")[0].partition("?")
    path = re.sub(r"/+", "/", "/" + path.strip().lstrip("/"))
    if re.search(r"/\.{1,2}(/|$)|[\\\x00-\x1f]", path):
        return ""
    ids = [f"{key}={value}" for key, value in parse_qsl(query) if key in _QUERY_KEYS]
    if path == "/" and not ids:
        return ""
    path = quote(path, safe="/%:@!$&'()*+,;=~", encoding="utf-8") if re.search(r"[\s?\"<>]", path) else path
    alias = f"{path}?{ids[0]}" if ids else path
    return alias if len(alias) <= MAX_ALIAS else ""
