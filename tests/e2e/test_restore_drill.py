"""A restore, practised: whatever is lost, `nightdesk reconcile` makes the site from what is left, and nobody gains access by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from support.cloud_under_test import embedded
from support.newsroom import Newsroom, draft, path_of
from support.stores import BACKED_UP, Stores

pytestmark = [pytest.mark.cloud, pytest.mark.slow, pytest.mark.deep]

OF_THE_MOMENT = ("updates/", "search/", "openapi.json", "newsletter/")
"""Objects that no draft tells of, or that depend on the time."""
SECRET = "Membercanary"
GATED = f"Free.\n\n::: gate tier=member teaser=T\n{SECRET}.\n:::\n"
ARTICLES = ("quay", "mole", "taken", "dated", "later")
"""One that stays as it is, one that is corrected, one that is withdrawn, one with a date, and one under embargo."""


class Room(NamedTuple):
    """A newsroom, its data, and what readers of each tier have in their browsers."""

    newsroom: Newsroom
    stores: Stores
    cookies: Mapping[str, str]
    hour_ago: list[dict[str, Any]]
    """The articles' table before the correction and the takedown."""

    def pages(self) -> dict[str, bytes]:
        return {key: body for key, body in self.newsroom.site().items() if not key.startswith(OF_THE_MOMENT)}

    def access(self) -> dict[tuple[str, str], tuple[int, bool]]:
        """Return, for each article and session, the status and whether the gated text is there."""
        found = {}
        for slug in ARTICLES:
            for tier, cookie in self.cookies.items():
                answer = self.newsroom.cloud.get(f"/articles/drill-{slug}/", cookie=cookie)
                found[slug, tier] = (answer.status, SECRET in answer.text)
        return found

    def reconcile(self) -> None:
        self.newsroom.cloud.settle(240)
        done = self.newsroom.run("reconcile", "--json")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        self.newsroom.cloud.settle(240)


def open_room(newsroom: Newsroom) -> Room:
    """Publish, correct, withdraw and embargo articles, and sign readers in."""
    stores, cloud = Stores(newsroom), newsroom.cloud
    matter = {"dated": {"date": "2026-03-04T05:06:00Z"}, "later": {"publish_at": "2099-01-01T00:00:00Z"}}
    files = {f"drafts/drill-{name}.md": draft(name.title(), GATED, **matter.get(name, {})) for name in ARTICLES}
    cloud.put(files)
    for name in ("quay", "mole", "taken", "dated"):
        newsroom.live(f"drill-{name}")
    cookies = {tier: newsroom.cookie(tier) for tier in ("public", "subscriber", "member")}
    hour_ago = stores.copy("ArticlesTable").tables["ArticlesTable"]
    assert newsroom.run("withdraw", "drill-taken").returncode == 0
    cloud.put({"drafts/drill-mole.md": draft("Mole, corrected", GATED)})
    newsroom.live("drill-mole", "corrected")
    cloud.settle(120)
    room = Room(newsroom, stores, cookies, hour_ago)
    access = room.access()
    for slug in ("quay", "mole", "dated"):
        assert [access[slug, tier] for tier in cookies] == [(200, False), (200, False), (200, True)], slug
    assert access["taken", "member"] == (410, False)
    assert access["later", "member"] == (404, False)
    return room


@pytest.fixture
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """A newsroom on a separate cloud: others would miss what this one loses."""
    with embedded(tmp_path_factory.mktemp("drill")) as cloud:
        yield open_room(Newsroom(cloud, articles=False))


def differences(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def test_a_table_of_an_hour_ago_neither_undoes_a_takedown_nor_changes_what_readers_get(room: Room) -> None:
    """It knows neither the takedown nor the correction that came after."""
    site, access, now = room.pages(), room.access(), room.stores.copy()
    room.stores.restore(now._replace(tables={"ArticlesTable": room.hour_ago}), "ArticlesTable")
    room.reconcile()
    assert differences(site, room.pages()) == []
    assert room.access() == access


def test_backups_alone_bring_back_the_site_as_it_was_and_every_reader(room: Room) -> None:
    """Files come back as new versions, and those before them are gone: dates, decisions and readers are as they were."""
    site, access = room.pages(), room.access()
    backup = room.stores.copy(*BACKED_UP)
    room.stores.lose()
    assert room.newsroom.site() == {}
    room.stores.restore(backup, *BACKED_UP)
    room.reconcile()
    assert differences(site, room.pages()) == []
    assert room.access() == access
    for tier in ("subscriber", "member"):
        found = room.newsroom.run_json("members", "show", f"{tier}@readers.example")
        assert found["tier"] == tier
        link = room.newsroom.run_json("members", "link", f"{tier}@readers.example")["url"]
        assert room.newsroom.cloud.get(path_of(link)).headers["set-cookie"], "readers can sign in again"


def test_the_drafts_bucket_alone_brings_back_the_site_without_giving_anyone_access(room: Room) -> None:
    """Decisions and readers are lost: docs/operations.md has editors mark what must stay down first."""
    room.newsroom.cloud.put({"drafts/drill-taken.md": draft("Taken", GATED, draft=True)})
    room.newsroom.cloud.settle(120)
    site, access = room.pages(), room.access()
    room.stores.lose("DraftsBucket")
    room.reconcile()
    pages, after = room.pages(), room.access()
    changed = [key for key in differences(site, pages) if not key.startswith("articles/drill-taken/")]
    assert changed == [], "the bucket's versions tell the dates"
    # It was taken down, and is now a draft that nobody has seen; the cache may still hold its 410.
    taken = {("taken", tier): after[("taken", tier)] for tier in room.cookies}
    assert set(taken.values()) <= {(404, False), (410, False)}
    assert after == access | taken
    # A session lasts for an hour at most; then the readers' API, which knows no one any more, ends it.
    assert room.newsroom.run("members", "show", "member@readers.example").returncode != 0
