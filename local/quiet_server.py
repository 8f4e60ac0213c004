"""An HTTP server that survives its clients."""

from __future__ import annotations

import logging
import sys
from http.server import ThreadingHTTPServer
from typing import Any

log = logging.getLogger(__name__)


class QuietServer(ThreadingHTTPServer):
    """Serves each connection in a thread, and prints no traceback for one that breaks off, as when a browser is closed."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if isinstance(error, OSError):
            log.debug("the connection from %s broke off: %s", client_address, error)
        else:
            log.error("a request from %s failed", client_address, exc_info=error)
