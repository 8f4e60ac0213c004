"""Requests to servers on the web that nobody here knows: they may lie, never finish, or lead into a private network.

A name is resolved once. If any of its addresses is not public, the request is refused; otherwise the connection goes to one
of the addresses that were checked, whatever the name resolves to by then. Bytes and seconds are counted as they pass.
"""

from __future__ import annotations

import contextlib
import http.client
import queue
import socket
import ssl
import threading
import zlib
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from nightdesk.domain.addresses import HTTPS_PORT, host_of, is_loopback_address, is_public_address
from nightdesk.domain.errors import Permanent, Transient

SECONDS = 8.0
"""For one exchange, from resolving a name to the last byte."""
STEP = 4.0
"""For connecting, and between two reads."""
TOO_LONG = "took too long"
_SAFE = "!$%&'()*+,/:;=?@[]~"
_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLCertVerificationError, "its server has no valid certificate"),
    (ssl.SSLError, "its server does not speak TLS correctly"),
    (socket.gaierror, "its server's name does not exist"),
    (ConnectionRefusedError, "its server refuses connections"),
    (ConnectionError, "its server closed the connection"),
    (OSError, "its server cannot be reached"),
    (http.client.IncompleteRead, "its server closed the connection"),
    (http.client.HTTPException, "its server does not speak HTTP correctly"),
    (zlib.error, "is not valid gzip"),
)


class RefusedAddress(Exception):
    """An address from which nothing is fetched, and to which nothing is sent; the text says why."""


class Send(NamedTuple):
    """A request. `what` says what it is for in messages (`feeds`)."""

    what: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Exchange:
    """One request, or several after another, that together end within `SECONDS`. Use it with `with`.

    Args:
        loopback: also talk to servers on this machine, and over plain HTTP. For the local cloud; never on AWS.

    Attributes:
        timed_out: True if the time was over.
    """

    def __init__(self, loopback: bool = False) -> None:
        self.timed_out = False
        self._loopback = loopback
        self._socket: socket.socket | None = None
        # A socket's timeout starts again with every byte; this one covers everything.
        self._guard = threading.Timer(SECONDS, self._abort)
        self._guard.daemon = True

    def __enter__(self) -> Exchange:
        self._guard.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._guard.cancel()
        if self._socket:
            self._socket.close()

    def send(self, request: Send) -> http.client.HTTPResponse:
        """Send a request, and return the response, of which the body is not read yet. Redirects are not followed.

        Raises:
            RefusedAddress: the address is not public, or has another scheme or port than those allowed.
        """
        parts, host = urlsplit(request.url), host_of(request.url)
        secure = parts.scheme == "https"
        if not host or not (secure or (parts.scheme == "http" and self._loopback)):
            raise RefusedAddress(f"“{request.url[:100]}” is not an https address")
        port = parts.port or (443 if secure else 80)
        self._socket = self._connect(host, port, request.what, secure)
        if secure:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, context=tls())
        else:
            connection = http.client.HTTPConnection(host, port)
        connection.sock = self._socket
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {**request.headers, "Connection": "close"}
        connection.request(request.method, quote(target, safe=_SAFE), request.body, headers)
        return connection.getresponse()

    def _connect(self, host: str, port: int, what: str, secure: bool) -> socket.socket:
        """Connect to one of the addresses that were checked."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, place in found:
            address = str(place[0])
            own = self._loopback and is_loopback_address(address)
            if not (own or (secure and is_public_address(address))):
                raise RefusedAddress(f"{host} is in a network that is not public")
            if not own and port != HTTPS_PORT:
                raise RefusedAddress(f"{what} are on port {HTTPS_PORT} only, not on {port}")
        for number, (family, kind, protocol, _, place) in enumerate(found, 1):
            self._socket = bare = socket.socket(family, kind, protocol)
            bare.settimeout(STEP)
            try:
                bare.connect(place)
                break
            except OSError:
                bare.close()
                if number == len(found) or self.timed_out:
                    raise
        if not secure:
            return bare
        self._socket = wrapped = tls().wrap_socket(bare, server_hostname=host, do_handshake_on_connect=False)
        wrapped.do_handshake()
        return wrapped

    def _abort(self) -> None:
        self.timed_out = True
        if self._socket:
            with contextlib.suppress(OSError):
                # Not of the TLS socket, whose closing handshake may wait for the server.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class GuardedWeb:
    """Sends to servers on the web; `loopback` as for `Exchange`."""

    def __init__(self, loopback: bool = False) -> None:
        self._loopback = loopback

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Post a body, and return the status. Nothing of the response but its head is read, and no redirect is followed.

        Messages of errors name the host alone, because the rest of the address may be a secret.

        Raises:
            Permanent: the address is not one that may be posted to.
            Transient: there was no response, or not in time.
        """
        done: queue.SimpleQueue[int | Exception] = queue.SimpleQueue()
        exchange = Exchange(self._loopback)
        request = Send("webhooks", "POST", url, headers, body)
        threading.Thread(target=_post, args=(exchange, request, done), daemon=True).start()
        try:
            answer = done.get(timeout=SECONDS + 1)
        except queue.Empty:  # name resolution cannot be interrupted
            answer = TimeoutError()
        if isinstance(answer, int):
            return answer
        host = host_of(url)
        if isinstance(answer, RefusedAddress):
            raise Permanent(f"{host} is not reached by https, on port {HTTPS_PORT}, in the public internet")
        late = isinstance(answer, TimeoutError) or exchange.timed_out
        raise Transient(f"{host}: {TOO_LONG if late else describe(answer)}")


def _post(exchange: Exchange, request: Send, done: queue.SimpleQueue[int | Exception]) -> None:
    try:
        with exchange:
            done.put(exchange.send(request).status)
    except Exception as error:
        done.put(error)


@cache
def tls() -> ssl.SSLContext:
    """Return the settings of TLS: certificates are checked."""
    return ssl.create_default_context()


def describe(error: Exception) -> str:
    """Say why a server could not be reached, without the words of Python or its libraries."""
    for kind, text in _FAULTS:
        if isinstance(error, kind):
            return text
    return f"cannot be read ({type(error).__name__})"
