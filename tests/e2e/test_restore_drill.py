"""A restore, practised: the articles' table comes back as it was an hour ago, and `nightdesk reconcile` makes up for what it has missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from support.cloud_under_test import embedded
from support.newsroom import Newsroom, draft

pytestmark = [pytest.mark.cloud, pytest.mark.slow, pytest.mark.deep]

OF_THE_MOMENT = ("updates/", "search/", "openapi.json", "newsletter/")
"""Objects that no draft tells of, or that depend on the time."""
SECRET = "Membercanary"
GATED = f"Free.\n\n::: gate tier=member teaser=T\n{SECRET}.\n:::\n"


class ArticlesTable:
    """The table of articles, with the rights of an operator."""

    def __init__(self, newsroom: Newsroom) -> None:
        self._dynamodb = newsroom.cloud.client("dynamodb")
        self._name = newsroom.cloud.outputs["ArticlesTable"]

    def items(self) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._name)
        return [item for page in pages for item in page["Items"]]

    def restore(self, items: list[dict[str, Any]]) -> None:
        """Replace everything in it by what it once held."""
        for item in self.items():
            self._dynamodb.delete_item(TableName=self._name, Key={"pk": item["pk"], "sk": item["sk"]})
        for item in items:
            self._dynamodb.put_item(TableName=self._name, Item=item)


def pages_of(site: Mapping[str, bytes]) -> dict[str, bytes]:
    return {key: body for key, body in site.items() if not key.startswith(OF_THE_MOMENT)}


def what_readers_get(room: Newsroom, cookies: Mapping[str, str]) -> dict[tuple[str, str], tuple[int, bool]]:
    """Return, for each article and session, the status and whether the gated text is there."""
    found = {}
    for slug in ("drill-quay", "drill-mole", "drill-taken"):
        for tier, cookie in cookies.items():
            answer = room.cloud.get(f"/articles/{slug}/", cookie=cookie)
            found[slug, tier] = (answer.status, SECRET in answer.text)
    return found


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A newsroom on a separate cloud: others would miss what this one loses."""
    with embedded(tmp_path_factory.mktemp("drill")) as cloud:
        yield Newsroom(cloud, articles=False)


def test_a_table_of_an_hour_ago_neither_undoes_a_takedown_nor_changes_what_readers_get(room: Newsroom) -> None:
    """It knows neither the takedown nor the correction that came after."""
    table = ArticlesTable(room)
    room.cloud.put({f"drafts/drill-{name}.md": draft(name.title(), GATED) for name in ("quay", "mole", "taken")})
    for name in ("quay", "mole", "taken"):
        room.live(f"drill-{name}")
    cookies = {tier: room.cookie(tier) for tier in ("public", "subscriber", "member")}
    hour_ago = table.items()
    assert room.run("withdraw", "drill-taken").returncode == 0
    room.cloud.put({"drafts/drill-mole.md": draft("Mole, corrected", GATED)})
    room.live("drill-mole", "corrected")
    room.cloud.settle(120)
    site, access = pages_of(room.site()), what_readers_get(room, cookies)
    assert access["drill-quay", "member"] == (200, True)
    assert access["drill-quay", "subscriber"] == access["drill-quay", "public"] == (200, False)
    assert access["drill-taken", "member"] == (410, False)
    table.restore(hour_ago)
    room.cloud.settle(240)
    done = room.run("reconcile", "--json")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    room.cloud.settle(240)
    assert pages_of(room.site()) == site
    assert what_readers_get(room, cookies) == access
