"""HTTP for functions behind a Function URL or an HTTP API: requests, responses, and problem details (RFC 9457).

Events have payload format 2.0 (Lambda developer guide, "Invoking Lambda function URLs"). The distribution replaces the body
of every 403 and 404 with its own page, so an API behind it uses other statuses for messages that readers should see.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl, quote

from pydantic import BaseModel, ValidationError

from nightdesk.domain.errors import Permanent

HTML = "text/html; charset=utf-8"
JSON = "application/json"
LARGEST_BODY = 64 * 1024
_FORM = "application/x-www-form-urlencoded"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(eq=False)
class HttpError(Permanent):
    """A request that fails, and the problem details (RFC 9457) of its response.

    Attributes:
        status: 400 to 599.
        title: a short summary, the same for every problem of this type.
        detail: a sentence that says what to do.
        headers: of the response.
        type: a URI that identifies the type of problem; `about:blank` where the status says enough.
        extensions: further members, by name.
    """

    status: int
    title: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    type: str = "about:blank"
    extensions: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.title)


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request.

    Attributes:
        headers: with lower-case names.
        cookies: every value of a name, in the order sent, since another site of the same domain may have planted one.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    cookies: Mapping[str, Sequence[str]]
    body: bytes = b""

    @classmethod
    def from_event(cls, event: Mapping[str, Any], largest: int = LARGEST_BODY) -> Request:
        """Return the request of an event. AWS lists the cookies, the emulator leaves them in their header.

        Args:
            largest: the size limit of a body, in bytes.

        Raises:
            HttpError: the body is larger.
        """
        headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
        cookies: dict[str, list[str]] = {}
        for pair in event.get("cookies") or headers.get("cookie", "").split(";"):
            name, separator, value = pair.strip().partition("=")
            if separator:
                cookies.setdefault(name, []).append(value)
        text = event.get("body") or ""
        if len(text) > 2 * largest:
            raise HttpError(413, "Content Too Large", "The request body is too large.")
        return cls(
            method=event["requestContext"]["http"]["method"],
            path=event["rawPath"],
            query=dict(parse_qsl(event.get("rawQueryString", ""), keep_blank_values=True)),
            headers=headers,
            cookies=cookies,
            body=base64.b64decode(text) if event.get("isBase64Encoded") else text.encode(),
        )

    @property
    def wants_json(self) -> bool:
        """Whether the client is a program rather than a browser."""
        accept = self.headers.get("accept", "")
        return self._type() == JSON or (JSON in accept and "text/html" not in accept)

    def _type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def fields(self) -> dict[str, Any]:
        """Return the fields of the body, which is a JSON object or a form.

        Raises:
            HttpError: it is neither.
        """
        if not self.body:
            return {}
        try:
            if self._type() == _FORM:
                return dict(parse_qsl(self.body.decode(), keep_blank_values=True, max_num_fields=50))
            found = json.loads(self.body) if self._type() == JSON else None
            # Half of a surrogate pair (`"\ud800"`) is no character: nothing could store, compare or send it.
            json.dumps(found, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise HttpError(400, "Bad Request", "The request body could not be read.") from None
        if not isinstance(found, dict):
            raise HttpError(415, "Unsupported Media Type", "Send a form, or a JSON object.")
        return found

    def validated(self, model: type[Model]) -> Model:
        """Return the body as a model.

        Raises:
            HttpError: a field is missing or invalid. It names the fields and never repeats what was typed.
        """
        try:
            return model.model_validate(self.fields())
        except ValidationError as error:
            names = sorted({str(part["loc"][0]) for part in error.errors(include_input=False) if part["loc"]})
            raise HttpError(422, "Unprocessable Content", f"Missing or invalid: {', '.join(names)}.") from None

    def path_of_referer(self, own: str) -> str:
        """Return the path of the page of this site that sent the request, without its query; empty for any other page."""
        page = self.headers.get("referer", "").partition("#")[0].partition("?")[0]
        return page.removeprefix(own) if page.startswith(f"{own}/") else ""

    def is_cross_site(self, own: str) -> bool:
        """Return whether a page of another site made the browser send this request.

        Browsers say so in Sec-Fetch-Site, older ones in Origin (Fetch Metadata; RFC 6454). A client that sends neither is
        not a browser, so it sends no reader's cookies without the reader's consent.

        Args:
            own: the site's origin, `https://news.example`.
        """
        site = self.headers.get("sec-fetch-site")
        if site:
            return site not in ("same-origin", "none")
        return self.headers.get("origin", own) != own


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response. It is never cached (see `route_by`)."""

    status: int = 200
    body: str = ""
    type: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()


def go_to(request: Request, location: str, *cookies: str) -> Response:
    """Redirect a browser to a page; return its address to a program."""
    return as_json({"location": location}, 200, *cookies) if request.wants_json else redirect(location, *cookies)


def redirect(location: str, *cookies: str) -> Response:
    """Send the client on to another page, which it fetches by GET (RFC 9110, 303 See Other)."""
    return Response(303, headers={"location": location}, cookies=cookies)


def as_json(data: Any, status: int = 200, *cookies: str) -> Response:
    """Return a JSON response."""
    return Response(status, json.dumps(data, ensure_ascii=False), JSON, cookies=cookies)


def problem_response(error: HttpError) -> Response:
    """Return the problem details (RFC 9457) of an error."""
    members = {"type": error.type, "title": error.title, "status": error.status, "detail": error.detail}
    details = {**members, **error.extensions}
    return Response(error.status, json.dumps(details), "application/problem+json", error.headers)


def cookie(name: str, value: str, seconds: int) -> str:
    """Return a cookie for this host only, hidden from scripts, with a lifetime in seconds; 0 removes it.

    SameSite is Lax and not Strict, because readers arrive from links in mail.
    """
    return f"{name}={value}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age={seconds}"


def with_return(path: str, return_to: str) -> str:
    """Return a path of this site with the page to return to afterwards in its query."""
    return f"{path}?return_to={quote(return_to, safe='/')}" if return_to not in ("", "/") else path


class Route(NamedTuple):
    """The handler of a method and a path, in which `{name}` stands for one segment: `handler(request, context, **names)`.

    `allow_cross_site` is for requests of other servers: the handler must not rely on cookies. `needs_token` is for requests
    that change something for a signed-in reader: they must have the token of the reader's session.
    """

    method: str
    path: str
    handler: Callable[..., Response]
    allow_cross_site: bool = False
    needs_token: bool = False
