"""The life of an article: preview, embargo, new versions, corrections, new slugs, rollback, expiry and deletion."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.effort import amount
from support.newsroom import SVG, TIERS, Newsroom, addresses_in, draft, expect_idle

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def newsroom(second_newsroom: Newsroom) -> Newsroom:
    """The second newsroom, where no example is listed or scheduled."""
    return second_newsroom


FAR = (datetime.now(UTC) + timedelta(days=300)).isoformat(timespec="seconds")
MANY = amount("EMBARGOED", test=6, soak=40)
ATTEMPTS = 5
"""A moment may come before every article is scheduled for it; then a later one is tried."""
FRONT_MATTER: dict[str, Any] = {"authors": ["lena-holt"], "topics": ["tides"]}
LISTS = ["/", "/feed.xml", "/feed.json", "/topics/tides/", "/topics/tides/feed.xml", "/authors/lena-holt/", "/topics/"]
UNPUBLISHED = ["life-preview", "life-by-editor", "life-early", "life-late", "life-cancelled", "life-bound"]


def article(title: str, body: str = "Words.", **front_matter: Any) -> str:
    return draft(title, f"{body}\n\n::: gate tier=member\nFor members.\n:::\n", **FRONT_MATTER, **front_matter)


def folder(name: str, image: str, text: str) -> dict[str, str | bytes]:
    """Return a draft and the image beside it, in the order of upload."""
    return {f"drafts/{name}/map.svg": SVG.format(image), f"drafts/{name}/index.md": text}


def soon(seconds: float) -> datetime:
    """Return a whole second that is at least `seconds` away."""
    return (datetime.now(UTC) + timedelta(seconds=seconds + 1)).replace(microsecond=0)


@dataclass
class Life:
    """What readers could fetch at each step.

    Attributes:
        traces: keys of the site's objects that named an unpublished article.
        statuses: of the pages of unpublished articles, by path and tier.
        late: for each attempt, how many seconds after the moment the last of many articles was live.
        early: articles that were live before their moment.
    """

    traces: list[str]
    statuses: dict[tuple[str, str], int]
    late: list[float]
    early: list[str]


def first_versions() -> dict[str, str | bytes]:
    """Return the first version of every file."""
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
    """Take all articles through their steps together, since every step waits for the stages."""
    newsroom.cloud.put(first_versions())
    newsroom.cloud.settle(300)
    traces = newsroom.keys_containing("nseencanary", *UNPUBLISHED)
    paths = [f"/articles/{slug}/" for slug in UNPUBLISHED] + [
        "/life/unseen/",
        "/life/bound/",
        "/articles/life-was-bound/",
    ]
    statuses = {(path, tier): newsroom.page(path, tier).status for path in paths for tier in TIERS}
    second_versions(newsroom)
    late: list[float] = []
    early: list[str] = []
    lead = 20.0
    for attempt in range(ATTEMPTS):
        if measured := lift_embargo(newsroom, attempt, lead):
            late.append(max(measured.values()))
            early += [slug for slug, seconds in measured.items() if seconds < 0]
        else:
            lead *= 2
        if late:
            break
    newsroom.cloud.settle(300)
    return Life(traces, statuses, late, early)


def second_versions(newsroom: Newsroom) -> None:
    """Upload the later versions of the articles that wait for no moment."""
    picture = "![Map](map.svg)"
    front_matter = {"date": "2026-02-02", "corrections": [{"date": "2026-02-09", "text": "It was the ebb tide."}]}
    newsroom.cloud.put(
        {
            "drafts/life-updated.md": article("Second headline", "Other words.", date="2026-02-01T06:00:00Z"),
            "drafts/life-corrected.md": article("Corrected story", **front_matter),
            "drafts/life-moved.md": article("Moved story", slug="life-two", date="2026-02-03"),
            **folder("life-rolled", "second map", article("Rolled back, second", picture, date="2026-02-05")),
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
    assert newsroom.run("rollback", "life-rolled", "1").returncode == 0
    newsroom.cloud.settle(300)
    newsroom.cloud.put({"drafts/life-dated.md": article("Dated", "Other words.")})


def lift_embargo(newsroom: Newsroom, attempt: int, lead: float) -> dict[str, float] | None:
    """Schedule many articles for one moment, and a few in other ways, and measure when they are live.

    Returns:
        For each of the many, how many seconds after the moment it was live; None if the moment came too early.
    """
    moment = soon(lead)
    at = moment.isoformat()
    slugs = [f"life-secret-{attempt}-{number:02}" for number in range(MANY)]
    files: dict[str, str | bytes] = {f"drafts/{slug}.md": article(f"Secret {slug}", publish_at=at) for slug in slugs}
    files["drafts/life-early.md"] = article("Unseencanary early", publish_at=at)
    files["drafts/life-late.md"] = article("Unseencanary late", date=at)
    files["drafts/life-cancelled.md"] = article("Unseencanary cancelled", publish_at=at)
    files["drafts/life-expiring/index.md"] = article("Expiring story", "![Map](map.svg)", expires=at)
    newsroom.cloud.put(files)
    with ThreadPoolExecutor(2) as pool:
        commands = [("schedule", "life-by-editor", at, "--unpublish"), ("withdraw", "life-cancelled")]
        done = list(pool.map(lambda words: newsroom.run(*words), commands))
    newsroom.cloud.put({"drafts/life-late.md": article("Unseencanary late", date=FAR)})
    newsroom.cloud.settle(300)
    if datetime.now(UTC) > moment - timedelta(seconds=1):
        return None
    assert [one.returncode for one in done] == [0, 0], [one.stderr for one in done]
    return live_after(newsroom, slugs, moment.timestamp())


def live_after(newsroom: Newsroom, slugs: Sequence[str], moment: float) -> dict[str, float]:
    """Return how many seconds after a moment each article was first served; negative if it was before."""
    live: dict[str, float] = {}

    def poll() -> None:
        waiting = [(f"/articles/{slug}/", "") for slug in slugs if slug not in live]
        found = [path.split("/")[2] for path, _, answer in newsroom.fetch(waiting) if answer.status == 200]
        live.update(dict.fromkeys(found, time.time() - moment))

    time.sleep(max(0.0, moment - 1 - time.time()))
    poll()
    assert time.time() < moment or not live, "the poll before the moment took too long"
    # Constant polling would slow the stages down.
    time.sleep(max(0.0, moment + 1.5 - time.time()))
    until = time.monotonic() + 300
    while len(live) < len(slugs) and time.monotonic() < until:
        poll()
        time.sleep(0.1)
    assert len(live) == len(slugs), "not all articles went live"
    return live


# --- Unpublished articles ---


def test_unpublished_articles_are_nowhere_on_the_site(life: Life) -> None:
    """They are in no page, list, feed or redirect, and at no key that could be guessed."""
    assert life.traces == []
    assert set(life.statuses.values()) == {404}


def test_a_preview_is_complete_and_private(newsroom: Newsroom, life: Life) -> None:
    found = newsroom.objects("PrivateBucket", "preview/life-preview/")
    page = found["preview/life-preview/index.html"].decode()
    assert "For members." in page
    [image] = [key for key in found if key.endswith(".svg")]
    assert f'src="/{image}"' in page
    assert newsroom.state("life-preview")["state"] == "draft"
    assert newsroom.page("/preview/life-preview/").status in (403, 404)


def test_many_articles_go_live_soon_after_their_moment_and_none_before(newsroom: Newsroom, life: Life) -> None:
    print(f"the last of {MANY} was live after {', '.join(f'{s:.2f}' for s in life.late)} s")
    assert life.early == []
    assert life.late
    for path in ("/topics/tides/", "/topics/tides/feed.xml", f"/archive/{datetime.now(UTC):%Y/%m}/"):
        assert len(set(re.findall(r"life-secret-\d-\d\d", newsroom.page(path).text))) >= min(MANY, 25), path


def test_an_article_whose_moment_was_moved_forward_is_live(newsroom: Newsroom, life: Life) -> None:
    assert newsroom.state("life-early")["state"] == "live"
    assert "Unseencanary early" in newsroom.page("/articles/life-early/").text


def test_an_article_whose_moment_was_postponed_is_scheduled(newsroom: Newsroom, life: Life) -> None:
    assert newsroom.state("life-late")["state"] == "scheduled"
    assert newsroom.page("/articles/life-late/").status == 404


def test_an_article_withdrawn_before_its_moment_stays_withdrawn(newsroom: Newsroom, life: Life) -> None:
    assert newsroom.state("life-cancelled")["state"] == "withdrawn"
    answer = newsroom.page("/articles/life-cancelled/")
    assert answer.status == 410
    assert "nseencanary" not in answer.text


def test_a_draft_scheduled_by_an_editor_goes_live(newsroom: Newsroom, life: Life) -> None:
    assert newsroom.state("life-by-editor")["state"] == "live"
    assert "Unseencanary by an editor" in newsroom.page("/articles/life-by-editor/").text


def test_an_editor_publishes_a_draft(newsroom: Newsroom, life: Life) -> None:
    [report] = newsroom.run_json("publish", "--wait", "life-preview")
    assert (report["slug"], report["state"]) == ("life-preview", "live")
    page = newsroom.page("/articles/life-preview/").text
    assert "Unseencanary" in page
    [image] = {address for address in addresses_in(page) if address.endswith(".svg") and "map" in address}
    assert newsroom.page(image).text == SVG.format("unseencanary")
    # A preview link now redirects to the article, and nothing of the preview is left.
    assert list(newsroom.objects("PrivateBucket", "preview/life-preview/").values()) == [b"Published\n"]


# --- New versions ---


def dates_of(page: str) -> dict[str, datetime]:
    """Return the dates of a page's structured data, to the second."""
    found = re.findall(r'"(datePublished|dateModified)":"([^"]+)"', page)
    return {name: datetime.fromisoformat(text).replace(microsecond=0) for name, text in found}


@pytest.mark.parametrize("tier", TIERS)
def test_a_new_version_replaces_the_first(newsroom: Newsroom, life: Life, tier: str) -> None:
    page = newsroom.page("/articles/life-updated/", tier).text
    assert "Second headline" in page
    assert "Other words." in page
    assert dates_of(page)["datePublished"] == datetime(2026, 2, 1, 6, tzinfo=UTC)
    assert newsroom.state("life-updated")["revision"] == 2
    assert newsroom.page("/archive/2026/02/").text.count('href="/articles/life-updated/"') == 1
    assert "First headline" not in newsroom.page("/archive/2026/02/").text


def test_a_correction_is_on_the_article_and_on_the_corrections_page(newsroom: Newsroom, life: Life) -> None:
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
def test_old_addresses_redirect_to_the_article(
    newsroom: Newsroom, life: Life, path: str, target: str, tier: str
) -> None:
    route = [path]
    while (answer := newsroom.page(route[-1], tier)).status == 301:
        route.append(answer.headers["location"])
    assert (answer.status, route[-1]) == (200, target)
    assert len(route) == 2, "an address leads straight to the article, however often that has moved"


def test_an_address_without_its_final_slash_redirects(newsroom: Newsroom, life: Life) -> None:
    answer = newsroom.page("/life/old")
    assert (answer.status, answer.headers["location"]) == (301, "/life/old/")


def test_a_rollback_is_a_new_revision(newsroom: Newsroom, life: Life) -> None:
    report = newsroom.state("life-rolled")
    assert report["state"] == "live"
    assert report["revision"] > 2
    page = newsroom.page("/articles/life-rolled/").text
    assert "Rolled back, first" in page
    [image] = {address for address in addresses_in(page) if "map" in address}
    assert newsroom.page(image).text == SVG.format("first map")
    assert newsroom.run("rollback", "life-rolled", "99").returncode == 2


def test_dates_come_from_the_versions_of_the_file(newsroom: Newsroom, life: Life) -> None:
    """The versions are an unpublished draft, its publication, a new tag, and new text."""
    writes = [w.modified for w in newsroom.ports.drafts.list_versions("drafts/life-dated.md")]
    changed, _, published, _ = [moment.replace(microsecond=0) for moment in writes]
    found = dates_of(newsroom.page("/articles/life-dated/").text)
    assert found == {"datePublished": published, "dateModified": changed}


# --- Expiry and deletion ---


def images_of(newsroom: Newsroom, slug: str) -> Iterator[str]:
    """Yield the paths of an article's images, including removed ones."""
    for key in newsroom.cloud.site_keys():
        if key.startswith(f"articles/{slug}/~public/") and not key.endswith("index.html"):
            yield key.replace("~public/", "/").replace("//", "/")


@pytest.mark.parametrize("slug", ["life-expiring", "life-deleted"])
def test_an_expired_or_deleted_article_is_gone(newsroom: Newsroom, life: Life, slug: str) -> None:
    """Its page and images return 410 to every reader, and no list names it."""
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
    assert newsroom.keys_containing(title) == []


def test_the_pipeline_is_idle(newsroom: Newsroom, life: Life) -> None:
    expect_idle(newsroom)
