"""Tags have no pages, and nothing shows them as if they did."""

from __future__ import annotations

import json
import re

from nightdesk.rendering.environment import Theme
from support.memory_newsroom import Newsroom


def test_tags_are_words_below_an_article_and_in_machines_data_and_lead_nowhere(theme: Theme) -> None:
    room = Newsroom(theme)
    room.publish("tide", "Tide", tags=["Denna line", "energy"])
    page = room.page("/articles/tide/")
    listed = re.search(r'<div class="tags">.*?</div>', page, re.DOTALL)
    assert listed
    assert re.findall(r"<li>(.*?)</li>", listed[0]) == ["Denna line", "energy"]
    assert "<a" not in listed[0]
    assert '<meta property="article:tag" content="Denna line">' in page
    assert "Denna line" in json.loads(room.page("/feed.json"))["items"][0]["tags"]
    assert "<category>Denna line</category>" in room.page("/feed.xml")
    texts = {key: output.body.decode(errors="replace") for key, output in room.site.outputs.items()}
    assert not [key for key in texts if "denna-line" in key or "/tag" in f"/{key}"]
    assert not [key for key, text in texts.items() if re.search(r"""["'>/](?:tags?/|[^"'<> ]*denna-line)""", text)]
    assert "Denna line" not in room.page("/"), "cards show topics alone"
