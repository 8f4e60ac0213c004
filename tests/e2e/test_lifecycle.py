"""An article's life: preview, embargo, updates, corrections, a new address, an older revision, expiry and the end."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from newsroom import SVG, TIERS, Newsroom, addresses_in, draft, expect_calm

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def newsroom(own_newsroom: Newsroom) -> Newsroom:
    """A newsroom of these tests' own."""
    return own_newsroom


FAR = (datetime.now(UTC) + timedelta(days=300)).isoformat(timespec="seconds")
MANY = 40
ATTEMPTS = 5
"""A moment may come before all is set that waits for it; then a later one is set."""
MATTER: dict[str, Any] = {"authors": ["lena-holt"], "topics": ["tides"]}
LISTS = ["/", "/feed.xml", "/feed.json", "/topics/tides/", "/topics/tides/feed.xml", "/authors/lena-holt/", "/topics/"]
UNSEEN = ["life-preview", "life-by-editor", "life-early", "life-late", "life-cancelled", "life-bound"]


def article(title: str, body: str = "Words.", **matter: Any) -> str:
    return draft(title, f"{body}\n\n::: gate tier=member\nFor members.\n:::\n", **MATTER, **matter)


def folder(name: str, image: str, text: str) -> dict[str, str | bytes]:
    """A draft with a picture beside it, in the order in which they are put."""
    return {f"drafts/{name}/map.svg": SVG.format(image), f"drafts/{name}/index.md": text}


def soon(seconds: float) -> datetime:
    """A whole second that is at least so far away."""
    return (datetime.now(UTC) + timedelta(seconds=seconds + 1)).replace(microsecond=0)


@dataclass
class Life:
    """What was seen on the way.

    Args:
        traces: objects of the site that told of what readers could not see yet.
        answers: what readers got for it, by path and tier.
        late: for each attempt, how many seconds after the moment the last of many articles was live.
        early: articles that were live before their moment.
    """

    traces: list[str]
    answers: dict[tuple[str, str], int]
    late: list[float]
    early: list[str]


def first_versions() -> dict[str, str | bytes]:
    """Everything as it is put at first."""
    picture = "![Map](map.svg)"
    return {
        **folder(
            "life-preview", "unseencanary", article("Unseencanary", picture, draft=True, aliases=["/life/unseen/"])
        ),
        "drafts/life-by-editor.md": article("Unseencanary by an editor", draft=True),
        "drafts/life-early.md": article("Unseencanary early", publish_at=FAR),
        "drafts/life-late.md": article("Unseencanary late", date=FAR),
        "drafts/life-cancelled.md": article("Unseencanary cancelled", publish_at=FAR),
        "drafts/life-bound.md": article(
            "Unseencanary bound", publish_at=FAR, aliases=["/life/bound/", "/articles/life-was-bound/"]
        ),
        **folder("life-expiring", "expiring", article("Expiring story", picture)),
        "drafts/life-updated.md": article("First headline", date="2026-02-01T06:00:00Z"),
        "drafts/life-corrected.md": article("Corrected story", date="2026-02-02"),
        "drafts/life-moved.md": article("Moved story", slug="life-one", date="2026-02-03"),
        "drafts/life-old.md": article(
            "Old story", date="2026-02-04", aliases=["/2019/03/old.html", "/life/old/", "/articles/life-older/"]
        ),
        **folder("life-rolled", "first map", article("Rolled back, first", picture, date="2026-02-05")),
        **folder("life-deleted", "deleted", article("Deleted story", picture, date="2026-02-06")),
        "drafts/life-dated.md": article("Dated", draft=True),
    }


@pytest.fixture(scope="module")
def life(newsroom: Newsroom) -> Life:
    """All of it at once, since each step has to wait for the stages."""
    newsroom.cloud.put(first_versions())
    newsroom.cloud.settle(300)
    traces = newsroom.traces("nseencanary", *UNSEEN)
    paths = [f"/articles/{slug}/" for slug in UNSEEN] + ["/life/unseen/", "/life/bound/", "/articles/life-was-bound/"]
    answers = {(path, tier): newsroom.page(path, tier).status for path in paths for tier in TIERS}
    second_versions(newsroom)
    late: list[float] = []
    early: list[str] = []
    lead = 10.0
    for attempt in range(ATTEMPTS):
        if measured := lift_embargo(newsroom, attempt, lead):
            late.append(max(measured.values()))
            early += [slug for slug, seconds in measured.items() if seconds < 0]
        else:
            lead *= 2
        if late:
            break
    newsroom.cloud.settle(300)
    return Life(traces, answers, late, early)


def second_versions(newsroom: Newsroom) -> None:
    """What happens next to those articles that have no moment to wait for."""
    again = "![Map](map.svg)"
    matter = {"date": "2026-02-02", "corrections": [{"date": "2026-02-09", "text": "It was the ebb tide."}]}
    newsroom.cloud.put(
        {
            "drafts/life-updated.md": article("Second headline", "Other words.", date="2026-02-01T06:00:00Z"),
            "drafts/life-corrected.md": article("Corrected story", **matter),
            "drafts/life-moved.md": article("Moved story", slug="life-two", date="2026-02-03"),
            **folder("life-rolled", "second map", article("Rolled back, second", again, date="2026-02-05")),
            "drafts/life-dated.md": article("Dated"),
        }
    )
    newsroom.cloud.remove("drafts/life-deleted/index.md", "drafts/life-deleted/map.svg")
    newsroom.cloud.settle(300)
    newsroom.cloud.put(
        {
            "drafts/life-moved.md": article("Moved story", slug="life-three", date="2026-02-03"),
            "drafts/life-dated.md": article("Dated", tags=["tagged"]),
        }
    )
    assert newsroom.command("rollback", "life-rolled", "1").returncode == 0
    newsroom.cloud.settle(300)
    newsroom.cloud.put({"drafts/life-dated.md": article("Dated", "Other words.")})


def lift_embargo(newsroom: Newsroom, attempt: int, lead: float) -> dict[str, float] | None:
    """Set a moment for many articles at once and for a few in other ways, and see when they are live.

    Returns:
        Seconds after the moment for each of the many; None where the moment came before all was set.
    """
    moment = soon(lead)
    at = moment.isoformat()
    slugs = [f"life-secret-{attempt}-{number:02}" for number in range(MANY)]
    files: dict[str, str | bytes] = {f"drafts/{slug}.md": article(f"Secret {slug}", publish_at=at) for slug in slugs}
    if not attempt:
        files["drafts/life-early.md"] = article("Unseencanary early", publish_at=at)
        files["drafts/life-late.md"] = article("Unseencanary late", date=at)
        files["drafts/life-cancelled.md"] = article("Unseencanary cancelled", publish_at=at)
        files["drafts/life-expiring/index.md"] = article("Expiring story", "![Map](map.svg)", expires=at)
    with ThreadPoolExecutor(2) as pool:
        newsroom.cloud.put(files)
        if not attempt:
            commands = [("schedule", "life-by-editor", at), ("withdraw", "life-cancelled")]
            done = list(pool.map(lambda words: newsroom.command(*words), commands))
            assert [one.returncode for one in done] == [0, 0], [one.stderr for one in done]
            newsroom.cloud.put({"drafts/life-late.md": article("Unseencanary late", date=FAR)})
    newsroom.cloud.settle(300)
    if datetime.now(UTC) > moment - timedelta(seconds=1):
        return None
    return seen_after(newsroom, slugs, moment.timestamp())


def seen_after(newsroom: Newsroom, slugs: Sequence[str], moment: float) -> dict[str, float]:
    """How many seconds after a moment each article was first seen by a reader; less than nothing, if it was before."""
    seen: dict[str, float] = {}

    def look() -> None:
        waiting = [(f"/articles/{slug}/", "") for slug in slugs if slug not in seen]
        found = [path.split("/")[2] for path, _, answer in newsroom.fetch(waiting) if answer.status == 200]
        seen.update(dict.fromkeys(found, time.time() - moment))

    time.sleep(max(0.0, moment - 1 - time.time()))
    look()
    assert time.time() < moment or not seen, "the look before the moment took too long to tell"
    # Who looks all the time is what the stages wait for.
    time.sleep(max(0.0, moment + 1.5 - time.time()))
    until = time.monotonic() + 300
    while len(seen) < len(slugs) and time.monotonic() < until:
        look()
        time.sleep(0.1)
    assert len(seen) == len(slugs), "not all became live"
    return seen


# --- What readers do not get yet ---


def test_what_is_not_published_is_nowhere_on_the_site(life: Life) -> None:
    """Not in a page, a list, a feed or a redirect, and at no key that one could guess."""
    assert life.traces == []
    assert set(life.answers.values()) == {404}


def test_a_preview_is_whole_and_private(newsroom: Newsroom, life: Life) -> None:
    found = newsroom.objects("WorkBucket", "preview/life-preview/")
    page = found["preview/life-preview/index.html"].decode()
    assert "For members." in page
    [image] = [key for key in found if key.endswith(".svg")]
    assert f'src="/{image}"' in page
    assert newsroom.state("life-preview")["state"] == "draft"
    assert newsroom.page("/preview/life-preview/").status in (403, 404)


def test_many_are_live_soon_after_their_moment_and_none_before(newsroom: Newsroom, life: Life) -> None:
    print(f"the last of {MANY} was live after {', '.join(f'{s:.2f}' for s in life.late)} s")
    assert life.early == []
    assert life.late
    for path in ("/topics/tides/", "/topics/tides/feed.xml", f"/archive/{datetime.now(UTC):%Y/%m}/"):
        assert len(set(re.findall(r"life-secret-\d-\d\d", newsroom.page(path).text))) >= 25, path


def test_a_moment_brought_forward(newsroom: Newsroom, life: Life) -> None:
    assert newsroom.state("life-early")["state"] == "live"
    assert "Unseencanary early" in newsroom.page("/articles/life-early/").text


def test_a_moment_put_off(newsroom: Newsroom, life: Life) -> None:
    assert newsroom.state("life-late")["state"] == "scheduled"
    assert newsroom.page("/articles/life-late/").status == 404


def test_a_moment_called_off(newsroom: Newsroom, life: Life) -> None:
    assert newsroom.state("life-cancelled")["state"] == "withdrawn"
    answer = newsroom.page("/articles/life-cancelled/")
    assert answer.status == 410
    assert "nseencanary" not in answer.text


def test_a_moment_set_by_an_editor(newsroom: Newsroom, life: Life) -> None:
    assert newsroom.state("life-by-editor")["state"] == "live"
    assert "Unseencanary by an editor" in newsroom.page("/articles/life-by-editor/").text


def test_an_editor_publishes_a_draft(newsroom: Newsroom, life: Life) -> None:
    [report] = newsroom.asks("publish", "--wait", "life-preview")
    assert (report["slug"], report["state"]) == ("life-preview", "live")
    page = newsroom.page("/articles/life-preview/").text
    assert "Unseencanary" in page
    [image] = {address for address in addresses_in(page) if address.endswith(".svg") and "map" in address}
    assert newsroom.page(image).text == SVG.format("unseencanary")
    # Whoever comes with a preview link is sent there, and of the preview nothing is left.
    assert list(newsroom.objects("WorkBucket", "preview/life-preview/").values()) == [b"Published\n"]


# --- What changes ---


@pytest.mark.parametrize("tier", TIERS)
def test_an_update_is_in_its_place(newsroom: Newsroom, life: Life, tier: str) -> None:
    page = newsroom.page("/articles/life-updated/", tier).text
    assert "Second headline" in page
    assert "Other words." in page
    assert '"datePublished":"2026-02-01T06:00:00' in page
    assert newsroom.state("life-updated")["revision"] == 2
    assert newsroom.page("/archive/2026/02/").text.count("/articles/life-updated/") == 1
    assert "First headline" not in newsroom.page("/archive/2026/02/").text


def test_a_correction_shows_on_the_article_and_on_the_page_of_all(newsroom: Newsroom, life: Life) -> None:
    for path in ("/articles/life-corrected/", "/corrections/"):
        page = newsroom.page(path).text
        assert "It was the ebb tide." in page
        assert '<time datetime="2026-02-09T00:00:00' in page
    assert "/articles/life-corrected/" in addresses_in(newsroom.page("/corrections/").text)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/articles/life-one/", "/articles/life-three/"),
        ("/articles/life-two/", "/articles/life-three/"),
        ("/2019/03/old.html", "/articles/life-old/"),
        ("/life/old/", "/articles/life-old/"),
        ("/articles/life-older/", "/articles/life-old/"),
    ],
)
def test_old_addresses_lead_to_the_article(newsroom: Newsroom, life: Life, path: str, target: str, tier: str) -> None:
    way = [path]
    while (answer := newsroom.page(way[-1], tier)).status == 301:
        way.append(answer.headers["location"])
    assert (answer.status, way[-1]) == (200, target)
    assert len(way) == (3 if path == "/articles/life-one/" else 2), "it moved twice"


def test_an_address_without_its_final_slash_leads_on(newsroom: Newsroom, life: Life) -> None:
    answer = newsroom.page("/life/old")
    assert (answer.status, answer.headers["location"]) == (301, "/life/old/")


def test_an_older_revision_is_current_again_as_a_new_one(newsroom: Newsroom, life: Life) -> None:
    report = newsroom.state("life-rolled")
    assert report["state"] == "live"
    assert report["revision"] > 2
    page = newsroom.page("/articles/life-rolled/").text
    assert "Rolled back, first" in page
    [image] = {address for address in addresses_in(page) if "map" in address}
    assert newsroom.page(image).text == SVG.format("first map")
    assert newsroom.command("rollback", "life-rolled", "99").returncode == 2


def test_dates_follow_what_happens(newsroom: Newsroom, life: Life) -> None:
    """The drafts bucket knows when which version came: a draft, its publication, a tag, and other words."""
    writes = [w.modified for w in newsroom.ports.drafts.writes("drafts/life-dated.md")]
    changed, _, published, _ = [moment.isoformat(timespec="seconds") for moment in writes]
    page = newsroom.page("/articles/life-dated/").text
    dates = dict(re.findall(r'"(datePublished|dateModified)":"([^"]+)"', page))
    plain = {name: datetime.fromisoformat(text).isoformat(timespec="seconds") for name, text in dates.items()}
    assert plain == {"datePublished": published, "dateModified": changed}


# --- The end ---


def images_of(newsroom: Newsroom, slug: str) -> Iterator[str]:
    """Addresses of an article's images, those that are gone among them."""
    for key in newsroom.cloud.site_keys():
        if key.startswith(f"articles/{slug}/~public/") and not key.endswith("index.html"):
            yield key.replace("~public/", "/").replace("//", "/")


@pytest.mark.parametrize("slug", ["life-expiring", "life-deleted"])
def test_what_is_over_is_gone(newsroom: Newsroom, life: Life, slug: str) -> None:
    """Expired or deleted: page and image answer 410 to everybody, and no list names it."""
    images = list(images_of(newsroom, slug))
    assert images
    for tier in TIERS:
        for path in (f"/articles/{slug}/", *(f"/{image}" for image in images)):
            answer = newsroom.page(path, tier)
            assert answer.status == 410, path
            assert "story" not in answer.text
    title = {"life-expiring": "Expiring story", "life-deleted": "Deleted story"}[slug]
    for path in [*LISTS, "/archive/2026/02/", "/authors/lena-holt/2026/02/"]:
        assert title not in newsroom.page(path).text
    states = {"life-expiring": "expired", "life-deleted": "withdrawn"}
    assert newsroom.state(slug)["state"] == states[slug]
    assert newsroom.traces(title) == []


def test_all_is_calm(newsroom: Newsroom, life: Life) -> None:
    expect_calm(newsroom)
