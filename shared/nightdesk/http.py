"""HTTP for functions behind a Function URL or an HTTP API: requests, answers, and problem details (RFC 9457).

Events are of payload version 2.0 (Lambda developer guide, "Invoking Lambda function URLs"). The distribution gives its own
page for a 403 or 404 of any origin, so an API behind it says something else where its own words should be read.
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


class HttpError(Permanent):
    """A request that is not done, and what its sender is told.

    Args:
        status: 400 to 599.
        title: a few words, the same for every problem of this kind.
        detail: a sentence that says what to do.
        headers: of the answer.
        kind: a URI that stands for the problem; without one, its status says which kind it is.
        more: what else there is to say, by name.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        kind: str = "about:blank",
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
        self.kind = kind
        self.more = dict(more or {})


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. `headers` have lower-case names; `cookies` hold every value of a name, in the order sent, since
    another site of the same domain may have planted one."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    cookies: Mapping[str, Sequence[str]]
    body: bytes = b""

    @classmethod
    def from_event(cls, event: Mapping[str, Any], largest: int = LARGEST_BODY) -> Request:
        """From an event. AWS has the cookies in a list of their own, the emulator in their header.

        Args:
            largest: how many bytes a body may have.

        Raises:
            HttpError: the body is too large.
        """
        headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
        cookies: dict[str, list[str]] = {}
        for pair in event.get("cookies") or headers.get("cookie", "").split(";"):
            name, separator, value = pair.strip().partition("=")
            if separator:
                cookies.setdefault(name, []).append(value)
        text = event.get("body") or ""
        if len(text) > 2 * largest:
            raise HttpError(413, "Too large", "That is more than can be taken here.")
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
        """Whether a program asks, rather than a browser."""
        accept = self.headers.get("accept", "")
        return self._type() == JSON or (JSON in accept and "text/html" not in accept)

    def _type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def fields(self) -> dict[str, Any]:
        """What was posted, as JSON or as a form.

        Raises:
            HttpError: it is neither.
        """
        if not self.body:
            return {}
        try:
            if self._type() == _FORM:
                return dict(parse_qsl(self.body.decode(), keep_blank_values=True, max_num_fields=50))
            found = json.loads(self.body) if self._type() == JSON else None
        except (ValueError, RecursionError):
            raise HttpError(400, "Not understood", "What was sent could not be read.") from None
        if not isinstance(found, dict):
            raise HttpError(415, "Not understood", "Send a form, or a JSON object.")
        return found

    def validated(self, model: type[Model]) -> Model:
        """What was posted, as a model.

        Raises:
            HttpError: something in it is missing or wrong. What was typed is not repeated.
        """
        try:
            return model.model_validate(self.fields())
        except ValidationError as error:
            names = sorted({str(part["loc"][0]) for part in error.errors(include_input=False) if part["loc"]})
            raise HttpError(422, "Something is missing", f"Please go back and look at: {', '.join(names)}.") from None

    def path_of_referer(self, own: str) -> str:
        """The path of the page that this was posted from, where that is one of ours; else nothing. Its query is left out."""
        page = self.headers.get("referer", "").partition("#")[0].partition("?")[0]
        return page.removeprefix(own) if page.startswith(f"{own}/") else ""

    def crosses_sites(self, own: str) -> bool:
        """Whether a page of another site made the browser send this.

        Browsers say so in Sec-Fetch-Site, older ones in Origin (Fetch Metadata; RFC 6454). What has neither header comes
        from no browser, and so brings no cookies that are not its own.

        Args:
            own: the site's origin, `https://news.example`.
        """
        site = self.headers.get("sec-fetch-site")
        if site:
            return site not in ("same-origin", "none")
        return self.headers.get("origin", own) != own


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered. Nothing of an API may be kept by a cache."""

    status: int = 200
    body: str = ""
    type: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()


def done(request: Request, location: str, *cookies: str) -> Response:
    """Something was done: a browser goes on to a page, a program is told where that is."""
    return as_json({"location": location}, 200, *cookies) if request.wants_json else redirect(location, *cookies)


def redirect(location: str, *cookies: str) -> Response:
    """On to another page, which is asked for by GET (RFC 9110, 303 See Other)."""
    return Response(303, headers={"location": location}, cookies=cookies)


def as_json(data: Any, status: int = 200, *cookies: str) -> Response:
    """JSON."""
    return Response(status, json.dumps(data, ensure_ascii=False), JSON, cookies=cookies)


def problem(error: HttpError) -> Response:
    """Problem details (RFC 9457)."""
    details = {"type": error.kind, "title": error.title, "status": error.status, "detail": error.detail, **error.more}
    return Response(error.status, json.dumps(details), "application/problem+json", error.headers)


def cookie(name: str, value: str, seconds: int) -> str:
    """A cookie of this host alone, out of scripts' reach; 0 seconds remove it.

    Lax and not Strict, for readers come from links in mail.
    """
    return f"{name}={value}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age={seconds}"


def with_return(path: str, return_to: str) -> str:
    """A path of this site that remembers where its reader wants to be."""
    return f"{path}?return_to={quote(return_to, safe='/')}" if return_to not in ("", "/") else path


class Route(NamedTuple):
    """Who answers a method and a path, in which `{name}` stands for one segment: `act(request, context, **names)`.

    `from_anywhere` is for what other servers post: it must not rest on cookies.
    """

    method: str
    path: str
    act: Callable[..., Response]
    from_anywhere: bool = False
