"""Text records of DNS, which Python's library cannot read (RFC 1035)."""

from __future__ import annotations

import secrets
import socket
import struct
from pathlib import Path

from nightdesk.domain.errors import Transient

_TXT, _INTERNET = 16, 1
_HEADER = struct.Struct(">6H")
_RECORD = struct.Struct(">2HIH")
_TIMEOUT = 3.0
_MOST = 4096  # bytes of an answer


def text_records(name: str, resolver: str = "") -> list[str]:
    """Return the text records of a name; none if there are none, or no such name.

    Args:
        resolver: the address of the resolver; by default this machine's.

    Raises:
        Transient: the resolver does not answer.
    """
    query = _query(name, secrets.randbelow(2**16))
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(_TIMEOUT)
            link.sendto(query, (resolver or _resolver(), 53))
            answer = link.recv(_MOST)
    except OSError as error:
        raise Transient("DNS does not answer") from error
    return records_in(answer)


def _query(name: str, identifier: int) -> bytes:
    labels = b"".join(bytes([len(label)]) + label for label in name.encode("idna").split(b"."))
    return _HEADER.pack(identifier, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", _TXT, _INTERNET)


def _resolver() -> str:
    """Return the address of this machine's resolver.

    Raises:
        OSError: it names none.
    """
    for line in Path("/etc/resolv.conf").read_text("ascii", "replace").splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and "." in words[1]:
            return words[1]
    raise OSError("no resolver is named")


def records_in(answer: bytes) -> list[str]:
    """Return the text records in a response.

    Raises:
        Transient: the response cannot be read.
    """
    try:
        _, _, questions, answers, _, _ = _HEADER.unpack_from(answer)
        at = _HEADER.size
        for _ in range(questions):
            at = _after_name(answer, at) + 4
        found = []
        for _ in range(answers):
            at = _after_name(answer, at)
            kind, _, _, size = _RECORD.unpack_from(answer, at)
            at += _RECORD.size
            if kind == _TXT:
                found.append(_text(answer[at : at + size]))
            at += size
    except (struct.error, IndexError) as error:
        raise Transient("the response of DNS cannot be read") from error
    return found


def _after_name(answer: bytes, at: int) -> int:
    while answer[at]:
        if answer[at] >= 0xC0:  # a pointer to the rest of the name
            return at + 2
        at += 1 + answer[at]
    return at + 1


def _text(raw: bytes) -> str:
    """Return the strings of a text record, joined."""
    parts, at = [], 0
    while at < len(raw):
        parts.append(raw[at + 1 : at + 1 + raw[at]])
        at += 1 + raw[at]
    return b"".join(parts).decode("utf-8", "replace")
