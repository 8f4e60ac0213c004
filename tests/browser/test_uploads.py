"""Files that writers upload, opened by themselves in a browser: nothing in them acts as the site."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from nightdesk.imaging import vector
from playwright.sync_api import Page, Route, expect
from support.newsroom import Newsroom, draft
from support.visitor import new_address

pytestmark = [pytest.mark.cloud, pytest.mark.browser]

Opener = Callable[..., Page]
SLUG = "browser-uploads"
FORM = """<x:form method="post" action="/api/account/delete"><x:input type="hidden" name="sure" value="yes"/>
<x:button style="width: 300px; height: 100px">More</x:button></x:form>"""
TRAPS = {
    "form": FORM,
    "refresh": '<x:meta http-equiv="refresh" content="0; url=/corrections/"/>',
    "script": '<x:script>location = "/corrections/"</x:script>',
    "handler": '<x:img src="/nothing.png" onerror="location = \'/corrections/\'"/>',
    "frame": '<x:iframe src="/account/"/>',
}


def drawing(trap: str) -> bytes:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xhtml"'
    shape = '<rect width="400" height="300" fill="teal"/>'
    inside = f'<foreignObject width="400" height="200"><x:div>{TRAPS[trap]}</x:div></foreignObject>'
    return f'<svg {names} width="400" height="300">{shape}{inside}</svg>'.encode()


@pytest.fixture(scope="module")
def folder(newsroom: Newsroom) -> str:
    """Return the path of an article's folder with drawings that no check of uploads has seen: in the site bucket itself."""
    newsroom.cloud.put({f"drafts/{SLUG}.md": draft("Uploads", "Words.")})
    newsroom.live(SLUG)
    s3, bucket = newsroom.cloud.client("s3"), newsroom.cloud.outputs["SiteBucket"]
    for trap in TRAPS:
        for tier in ("public", "subscriber"):
            key = f"articles/{SLUG}/~{tier}/{trap}.svg"
            s3.put_object(Bucket=bucket, Key=key, Body=drawing(trap), ContentType="image/svg+xml")
    return f"/articles/{SLUG}/"


def open_and_click(page: Page, path: str, settle: int = 1500) -> list[str]:
    """Open a drawing, click into its upper left corner, and return the paths that the page loads within milliseconds."""
    loaded: list[str] = []
    # Responses, because Chromium reports requests that a policy stops.
    page.on("response", lambda response: loaded.append(urlsplit(response.url).path))
    response = page.goto(path)
    assert response
    assert response.ok
    page.mouse.click(60, 40)
    for _ in range(settle // 100):
        page.wait_for_timeout(100)
        if others := [found for found in loaded if found != path]:
            return others
    return []


@pytest.mark.parametrize("trap", TRAPS)
def test_a_drawing_opened_by_itself_does_nothing(start: Opener, newsroom: Newsroom, folder: str, trap: str) -> None:
    address = new_address()
    newsroom.run_json("members", "add", address, "--tier", "subscriber")
    page = start("/")
    page.goto(newsroom.run_json("members", "link", address)["url"])
    # The same drawing without the edge's headers does act, so the test can fail.
    tab = page.context.new_page()
    tab.route("**/bare.svg", lambda route: _without_headers(route, trap))
    acted = open_and_click(tab, "/bare.svg", 15_000)
    assert acted
    served = page.context.new_page()
    assert open_and_click(served, f"{folder}{trap}.svg") == []
    assert urlsplit(served.url).path == f"{folder}{trap}.svg"
    page.goto("/account/")
    expect(page.locator("main")).to_contain_text(address)


def _without_headers(route: Route, trap: str) -> None:
    route.fulfill(body=drawing(trap), content_type="image/svg+xml")


def test_a_drawing_that_was_written_anew_does_nothing_even_without_headers(
    start: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The check that names what acts is off: what readers get must be harmless although it missed everything.
    monkeypatch.setattr(vector, "active_content", lambda _: "")
    head = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="400" height="300"'
    shape = '<rect width="400" height="300" fill="teal"/>'
    more = (
        f"{head} onload=\"location = '/corrections/'\">{shape}</svg>",
        f'{head}>{shape}<script>location = "/corrections/"</script></svg>',
        f'{head}><a xlink:href="/corrections/">{shape}</a></svg>',
        f'{head}><a href="#x">{shape}<set attributeName="fill" to="/corrections/"/></a></svg>',
        f'{head}>{shape}<use href="/corrections/#x"/><feImage/></svg>',
    )
    # A separate tab, because the front page may still be loading its images.
    page = start("/").context.new_page()
    for body in (*(drawing(trap) for trap in TRAPS), *(text.encode() for text in more)):
        page.unroute_all()
        page.route("**/anew.svg", _serving(vector.sanitise(body).body))
        assert open_and_click(page, "/anew.svg", 400) == [], body
        assert page.evaluate("document.documentElement.tagName") == "svg"
        assert page.locator("rect").count() == 1


def _serving(body: bytes) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=body, content_type="image/svg+xml")


def test_a_drawing_still_shows_in_a_page(start: Opener, folder: str) -> None:
    page = start(folder)
    width = page.evaluate(
        """source => new Promise((resolve, reject) => {
            const image = new Image();
            image.onload = () => resolve(image.naturalWidth);
            image.onerror = reject;
            image.src = source;
        })""",
        f"{folder}form.svg",
    )
    assert width == 400
