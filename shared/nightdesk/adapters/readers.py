"""The site as its readers fetch it, over HTTP."""

from __future__ import annotations

import http.client
import time
from urllib.parse import urlsplit

from nightdesk.domain.errors import Transient
from nightdesk.domain.site import PUBLIC
from nightdesk.domain.tokens import sign

_SESSION_SECONDS = 300


class HttpReaders:
    """Readers of every tier, each with a signed session.

    Args:
        key: the secret that signs sessions.
        key_id: the id by which the edge knows it.
        timeout: of each request, in seconds.
    """

    def __init__(self, site_url: str, key: str, key_id: str, timeout: float = 20) -> None:
        self._url = urlsplit(site_url)
        self._key = key
        self._key_id = key_id
        self._timeout = timeout

    def get(self, path: str, tier: str) -> tuple[int, str]:
        """Return the status and text of a page; redirects are not followed.

        Raises:
            Transient: the site does not respond.
        """
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._timeout)
        headers = {"User-Agent": "nightdesk"}
        if tier != PUBLIC:
            claims = {"t": tier, "s": "nightdesk", "e": int(time.time()) + _SESSION_SECONDS}
            headers["Cookie"] = f"__Host-session={sign(claims, self._key_id, self._key)}"
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise Transient(f"{path} cannot be read: {type(error).__name__}") from error
        finally:
            connection.close()
