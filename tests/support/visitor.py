"""A browser without scripts: it keeps cookies, follows redirects, and submits the forms of a page."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from support.cloud_under_test import Answer, CloudUnderTest


@dataclass
class Form:
    """A form of a page: its action, the values of its fields, and the label of its button."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    button: str = ""


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(named["action"], named.get("method", "get")))
        elif tag == "input" and self.found and (named.get("type") != "checkbox" or "checked" in named):
            self.found[-1].fields[named["name"]] = named.get("value", "")
        self._in_button = tag == "button"

    def handle_data(self, data: str) -> None:
        if self._in_button and self.found:
            self.found[-1].button += data

    def handle_endtag(self, tag: str) -> None:
        self._in_button = False


def forms_of(page: str) -> list[Form]:
    """Return the forms of a page, in order."""
    parser = _Forms()
    parser.feed(page)
    return parser.found


class Visitor:
    """One browser.

    Attributes:
        cookies: values by name and path.
        path: the current page, with its anchor.
        trail: the paths of the last visit's redirects, in order.
    """

    def __init__(self, cloud: CloudUnderTest) -> None:
        self.cloud = cloud
        self.cookies: dict[tuple[str, str], str] = {}
        self.path = "/"
        self.trail: list[str] = []

    def cookie(self, name: str) -> str:
        """Return a cookie's value, empty if there is none."""
        return next((value for (known, _), value in self.cookies.items() if known == name), "")

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request, and keep the cookies of its answer."""
        address = urlsplit(self.cloud.site_url)
        sent = {"Accept": "text/html", **(headers or {})}
        if kept := self._cookies_for(path):
            sent.setdefault("Cookie", kept)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            pairs = [(name.lower(), value) for name, value in answer.getheaders()]
            for _, line in (pair for pair in pairs if pair[0] == "set-cookie"):
                self._keep(line)
            return Answer(answer.status, dict(pairs), answer.read())
        finally:
            connection.close()

    def _cookies_for(self, path: str) -> str:
        return "; ".join(f"{name}={value}" for (name, place), value in self.cookies.items() if path.startswith(place))

    def _keep(self, line: str) -> None:
        pair, *attributes = (part.strip() for part in line.split(";"))
        name, _, value = pair.partition("=")
        named = {part.partition("=")[0].lower(): part.partition("=")[2] for part in attributes}
        assert {"secure", "httponly"} <= set(named)
        assert named["samesite"] == "Lax"
        assert "domain" not in named
        assert named["path"] == "/" if name.startswith("__Host-") else name.startswith("__Secure-")
        key = name, named["path"]
        if int(named["max-age"]) <= 0:
            self.cookies.pop(key, None)
        else:
            self.cookies[key] = value

    def visit(self, path: str) -> Answer:
        """Open a page and follow its redirects."""
        return self._follow(self.request("GET", path.partition("#")[0]), path)

    def _follow(self, answer: Answer, path: str) -> Answer:
        self.trail = [path]
        while answer.status in (301, 302, 303) and len(self.trail) < 20:
            there = urlsplit(urljoin(f"http://x{path}", answer.headers["location"]))
            assert there.netloc in ("x", urlsplit(self.cloud.site_url).netloc), "the redirect leaves the site"
            path = there.path + (f"?{there.query}" if there.query else "")
            self.trail.append(path + (f"#{there.fragment}" if there.fragment else ""))
            answer = self.request("GET", path)
        self.path = self.trail[-1]
        return answer

    def submit(self, page: Answer, action: str, headers: Mapping[str, str] | None = None, **typed: str) -> Answer:
        """Fill in and submit the form of a page that posts to `action`."""
        [form] = [form for form in forms_of(page.text) if form.action.partition("?")[0] == action]
        assert form.method == "post"
        return self.post(form.action, {**form.fields, **typed}, headers)

    def post(self, action: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """Post a form as a browser does, and follow the redirects."""
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self.cloud.site_url,
            "Sec-Fetch-Site": "same-origin",
            "Referer": self.cloud.site_url + self.path.partition("#")[0],
            **(headers or {}),
        }
        return self._follow(self.request("POST", action, urlencode(fields).encode(), sent), action)

    def request_sign_in(self, address: str, page: str = "/signin/") -> Answer:
        """Request a sign-in mail with the form of a page."""
        return self.submit(self.visit(page), "/api/signin", email=address)

    def mail(self, address: str, since: int = 0) -> dict[str, Any]:
        """Wait until an address has more than `since` mails, and return the newest."""
        found: list[dict[str, Any]] = self.cloud.wait_for(
            lambda: (mails := mail_to(self.cloud, address)) and len(mails) > since and mails
        )
        return found[-1]

    def sign_in(self, address: str, page: str = "/signin/") -> Answer:
        """Sign in by a mailed link, and return the page that follows."""
        before = len(mail_to(self.cloud, address))
        self.request_sign_in(address, page)
        return self.submit(self.visit(link_in(self.mail(address, before))), "/api/signin/confirm")


def mail_to(cloud: CloudUnderTest, address: str) -> list[dict[str, Any]]:
    """Return all mail to an address, oldest first."""
    return [mail for mail in json.loads(cloud.get("/_local/mail.json").body) if mail["to"] == address]


def link_in(mail: Mapping[str, Any]) -> str:
    """Return the path and query of the link in a mail."""
    [link] = re.findall(r"https?://\S+", mail["text"])
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def code_in(mail: Mapping[str, Any]) -> str:
    """Return the code in a mail."""
    [code] = re.findall(r"^\d{6}$", mail["text"], re.MULTILINE)
    return str(code)


def new_address() -> str:
    """Return an unused address."""
    return f"reader-{time.monotonic_ns()}@news.example"
