"""A browser without scripts, on the readers' API over ports in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from functions.reader_api.context import ReaderContext
from functions.reader_api.serve import serve
from support.function_url import event
from support.sign_in_harness import ADA, SignInHarness
from support.visitor import forms_of

THEME = str(Path(__file__).resolve().parents[2] / "layers" / "theme")
KEY = "origin-key"


class Browser:
    """A browser without scripts, on the API over ports in memory."""

    def __init__(self, harness: SignInHarness) -> None:
        self.harness = harness
        self.ports = harness.ports
        self.cookies: dict[str, str] = {}

    def send(self, method: str, path: str, fields: dict[str, str] | None = None, **more: str) -> dict[str, Any]:
        """Send a request as a page of the site does, and keep the cookies of the response."""
        address, _, query = path.partition("?")
        headers = {
            "accept": "text/html",
            "x-origin-key": KEY,
            "x-viewer-ip": "192.0.2.1",
            "sec-fetch-site": "same-origin",
            "content-type": "application/x-www-form-urlencoded",
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        sent = event(method, address, urlencode(fields or {}), query, headers=headers)
        sent["cookies"] = [f"{name}={value}" for name, value in self.cookies.items()]
        response = serve(sent, None, ReaderContext(self.ports, self.harness.now, THEME), KEY)
        for line in response["cookies"]:
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
            if "Max-Age=0" in line:
                del self.cookies[name]
        return response

    def get(self, path: str) -> dict[str, Any]:
        return self.send("GET", path)

    def submit(self, page: dict[str, Any], action: str, /, **typed: str) -> dict[str, Any]:
        """Fill in and submit the form of a page that posts to `action`."""
        [form] = [form for form in forms_of(page["body"]) if form.action == action]
        return self.send("POST", action, {**form.fields, **typed})

    def has(self, page: dict[str, Any], action: str) -> bool:
        """Return True if a page has a form that posts to `action`."""
        return any(form.action == action for form in forms_of(page["body"]))

    def request_mail(self, **fields: str) -> dict[str, Any]:
        answer = self.send("POST", "/api/signin", {"email": ADA, **fields})
        self.harness.run_jobs()
        return answer

    def sign_in(self) -> dict[str, Any]:
        """Sign in by a code."""
        self.request_mail()
        return self.send("POST", "/api/signin/code", {"code": self.harness.newest_mail()[1]})
