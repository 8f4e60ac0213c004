"""A local web server whose feeds are as well or as badly behaved as a test needs."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>Wire</title><link>https://wire.example/</link>
<item><title>Grain &amp;amp; ships &lt;b&gt;move&lt;/b&gt;</title><link>https://wire.example/grain</link><guid isPermaLink="false">g-1</guid>
<pubDate>Tue, 24 Nov 2026 05:00:00 +0100</pubDate><description>&lt;p&gt;One.&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;p&gt;Two.&lt;/p&gt;</description></item>
<item><title>No date</title><link>https://wire.example/none</link></item>
</channel></rss>
"""
ATOM = """<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title><id>tag:wire.example,2026:1</id>
<entry><id>tag:wire.example,2026:2</id><title type="html">Copper &lt;i&gt;levy&lt;/i&gt;</title><link href="/levy"/>
<updated>2026-11-24T04:00:00Z</updated><summary>Short.</summary></entry></feed>
"""
BOMB = """<?xml version="1.0"?>
<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<rss version="2.0"><channel><item><title>&c;</title></item></channel></rss>
"""
Handler = Callable[[BaseHTTPRequestHandler], None]


def reply(body: bytes | str, **headers: str) -> Handler:
    """Answer 200 with a body."""
    content = body.encode() if isinstance(body, str) else body

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(content)

    return answer


class FeedServer:
    """Serves `handlers` by path, and records each request's path and headers in `requests`, and in `bodies` what was posted."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.handlers: dict[str, Handler] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        outer = self

        class RequestHandler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                with contextlib.suppress(OSError):
                    outer.handlers[self.path](self)

            def do_POST(self) -> None:
                outer.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
                self.do_GET()

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), RequestHandler)
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def send_endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(800):
        request.wfile.write(b" " * 65536)


def drip_body(request: BaseHTTPRequestHandler) -> None:
    """Send the body byte by byte, so that no single read times out."""
    request.send_response(200)
    request.end_headers()
    for letter in RSS.encode():
        request.wfile.write(bytes([letter]))
        request.wfile.flush()
        time.sleep(0.1)


def drip_headers(request: BaseHTTPRequestHandler) -> None:
    for letter in b"HTTP/1.0 200 OK\r\nX-Long: " + b"x" * 1000:
        request.wfile.write(bytes([letter]))
        request.wfile.flush()
        time.sleep(0.1)


def redirect(target: str, status: int = 302) -> Handler:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Location", target)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def fail(status: int, **headers: str) -> Handler:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()

    return answer
