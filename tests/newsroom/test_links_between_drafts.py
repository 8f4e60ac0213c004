"""Links from draft to draft lead to the article, also after it moved to another slug."""

from __future__ import annotations

import re

import pytest
from support.memory_newsroom import Newsroom


@pytest.mark.parametrize("typed", ["../ferry/", "ferry.md", "/articles/ferry/", "../ferry/#fares"])
def test_a_link_follows_an_article_to_its_new_slug(room: Newsroom, typed: str) -> None:
    room.publish("ferry", body="## Fares\n\nText.")
    room.publish("quay", body=f"[Ferry]({typed})")
    room.publish("ferry", body="## Fares\n\nText.", slug="harbour-ferry")
    found = re.search(r'<a href="(/articles/[^"#]*)[^"]*">Ferry</a>', room.page("/articles/quay/"))
    assert found
    metadata = room.site.outputs[f"{found[1].strip('/')}/~public/index.html"].metadata
    # A link by the name of a file follows its draft; one to an address is redirected there.
    address = found[1] if typed == "ferry.md" else metadata["location"]
    assert address == "/articles/harbour-ferry/"
    assert "Fares" in room.page(address)
