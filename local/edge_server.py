"""The HTTP server of the local edge: `EdgeCache` serves an `Edge` on a port, and keeps its configuration current."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from nightdesk_local.edge_cache import Edge
from nightdesk_local.edge_origin import HOP_BY_HOP, Cloud, Request, Response
from nightdesk_local.edge_runtime import FunctionRuntime
from nightdesk_local.quiet_server import QuietServer

log = logging.getLogger(__name__)

_CONFIG_SECONDS = 3.0
"""How often the distribution's configuration is read again."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write per response
    timeout = 60
    edge: Edge

    def _serve(self) -> None:
        # Not self.path: http.server turns "//x" into "/x" there, but the edge function must see the path as sent.
        target, _, query = self.requestline.split(" ")[1].partition("?")
        if not target.startswith("/"):
            target = "/" + target.split("/", 3)[3] if re.match(r"https?://[^/]+/", target) else target
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not length.isdecimal():
            self.send_error(411)
            return
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        body = self.rfile.read(int(length))
        try:
            response = self.edge.respond(Request(self.command, target, query, headers, body, self.client_address[0]))
        except Exception:
            log.exception("%s failed", self.requestline)
            response = Response(500, {"content-type": "text/plain"}, b"The local edge failed; see its log\n")
        self._send(response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            if name not in HOP_BY_HOP and name != "content-length":
                self.send_header(name.title(), value)
        for cookie in response.cookies:
            self.send_header("Set-Cookie", cookie)
        if response.status not in (204, 304):
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD" and response.status not in (204, 304):
            self.wfile.write(response.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class _Server(QuietServer):
    request_queue_size = 128


class EdgeCache:
    """The local edge on a port, in threads of this process.

    Args:
        port: where to listen, on localhost only; 0 takes a free one.
        cloud: makes the connection to the emulated distribution.
    """

    def __init__(self, port: int, cloud: Callable[[], Cloud]) -> None:
        self._port, self._make_cloud = port, cloud
        self._stopped = threading.Event()
        self._runtime: FunctionRuntime | None = None
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, also if 0 was requested."""
        return self._server.server_address[1] if self._server else self._port

    def start(self) -> EdgeCache:
        """Load configuration and functions, then serve.

        Raises:
            OSError: the port is taken.
            botocore.exceptions.ClientError: the distribution or something it refers to does not exist.
            FileNotFoundError: Node is not installed.
        """
        self._runtime = FunctionRuntime()
        try:
            edge = Edge(self._make_cloud(), self._runtime)
            self._server = _Server(("127.0.0.1", self._port), type("Handler", (_Handler,), {"edge": edge}))
        except BaseException:
            self._runtime.close()
            raise
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="edge-cache", daemon=True).start()
        threading.Thread(target=self._keep_current, args=(edge,), name="edge-config", daemon=True).start()
        return self

    def _keep_current(self, edge: Edge) -> None:
        while not self._stopped.wait(_CONFIG_SECONDS):
            try:
                edge.reload()
            except Exception as error:  # the emulator is down or the stack is changing; the next round tries again
                log.warning("configuration not reloaded: %s", error)

    def stop(self) -> None:
        """Stop serving and end the Node process."""
        self._stopped.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        if self._runtime:
            self._runtime.close()
